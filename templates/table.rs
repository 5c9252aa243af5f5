//! A table of words, its columns as wide as their words need.

use maud::{Markup, html};

use super::columns::{Columns, Letters};
use super::direction::Direction;
use super::prose::{Inline, Setting, dir, line};

/// A table; rows may be shorter than its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// On which side the words of each column stand, as far as the editor says.
    pub sides: Vec<Option<Side>>,
    /// The cells of its head; all empty where there is none.
    pub head: Vec<Vec<Inline>>,
    /// The cells of its rows.
    pub rows: Vec<Vec<Vec<Inline>>>,
}

/// Where words stand in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On the left.
    Left,
    /// In the middle.
    Centre,
    /// On the right.
    Right,
}

impl Side {
    /// Where lines begin that run this way.
    fn of(direction: Direction) -> Self {
        if direction == Direction::RightToLeft { Self::Right } else { Self::Left }
    }

    /// Its class.
    fn class(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Centre => "centre",
            Self::Right => "right",
        }
    }
}

/// Columns beyond which a table is set smaller.
const WIDE: usize = 4;

/// The size of a table's letters in CSS pixels.
const SIZE: u32 = 15;

/// That of a wide one: the largest in which all words fit on a phone.
const WIDE_SIZES: [u32; 4] = [14, 13, 12, 11];

/// The room that the narrowest phones have for the text, in CSS pixels.
const PHONE: u16 = 320 - 48;

/// The HTML of a table; an empty head is no head.
///
/// Words stay whole, but where one is wider than its column can be on a phone, its cell may break it anywhere.
/// Where the columns are too many for any screen, each row is an entry of a list, as in the text part.
pub(super) fn table(setting: Setting, table: &Table) -> Markup {
    let Table { sides, head, rows } = table;
    let is_wide = head.len() > WIDE;
    let has_head = head.iter().any(|cell| !cell.is_empty());
    let (sizes, gap) = if is_wide { (&WIDE_SIZES[..], 6) } else { (&[SIZE][..], 12) };
    let room = |width: u16| u32::from(width.saturating_sub(setting.indent));
    let set = |size: u32| {
        let letters = Letters { size, gap };
        (letters, Columns::of(table, letters, room(setting.picture_width), room(PHONE)))
    };
    if sizes.last().is_some_and(|smallest| !set(*smallest).1.can_be_read()) {
        return entries(setting, table);
    }
    let fitting = sizes.iter().map(|size| set(*size)).find(|(_, columns)| columns.fit());
    let (letters, columns) = fitting.unwrap_or_else(|| set(sizes[0]));
    let smaller = (letters.size < sizes[0]).then(|| format!("font-size:{}px", letters.size));
    let widths = columns.widths();
    let width = |at: usize, is_first: bool| widths.get(at).filter(|_| is_first).and_then(Option::as_deref);
    let turned = |cell: &[Inline]| setting.turned(cell);
    let class = |at: usize, cell: &[Inline]| {
        let written = sides.get(at).copied().flatten();
        let side = written.or(turned(cell).map(Side::of)).map(Side::class);
        let is_long = columns.breaks(at, cell, letters);
        let names: Vec<&str> = side.into_iter().chain(is_long.then_some("long")).collect();
        (!names.is_empty()).then(|| names.join(" "))
    };
    html! {
        table class=(if is_wide { "data wide" } else { "data" }) cellpadding="0" cellspacing="0" style=[smaller] {
            tbody {
                @if has_head {
                    tr {
                        @for (at, cell) in head.iter().enumerate() {
                            @if cell.is_empty() {
                                td style=[width(at, true)] {}
                            } @else {
                                th scope="col" class=[class(at, cell)] dir=[dir(turned(cell))] style=[width(at, true)] { (line(cell)) }
                            }
                        }
                    }
                }
                @for (index, row) in rows.iter().enumerate() {
                    tr {
                        @for (at, cell) in row.iter().enumerate() {
                            td class=[class(at, cell)] dir=[dir(turned(cell))] style=[width(at, !has_head && index == 0)] { (line(cell)) }
                        }
                        @if let missing @ 1.. = head.len().saturating_sub(row.len()) { td colspan=(missing) {} }
                    }
                }
            }
        }
    }
}

/// The rows of a table one below the other, each cell behind the head of its column.
fn entries(setting: Setting, Table { head, rows, .. }: &Table) -> Markup {
    let gap = if setting.colon == "：" { "" } else { " " };
    let name = |at: usize| head.get(at).filter(|name| !name.is_empty());
    html! {
        ul {
            @for row in rows {
                @let turned = row.first().and_then(|cell| setting.turned(cell));
                li dir=[dir(turned)] {
                    @for (index, (at, cell)) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()).enumerate() {
                        @if index > 0 { br; }
                        @if let Some(name) = name(at) { strong { (line(name)) (setting.colon) } (gap) }
                        (line(cell))
                    }
                }
            }
        }
    }
}
