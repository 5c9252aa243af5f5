//! A table of words, its columns as wide as their words need.

use maud::{Markup, html};
use unicode_width::UnicodeWidthChar as _;

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

/// How many letters stand side by side on the narrowest phone, 320 CSS pixels, in a table and in a wide one.
const PHONE: [usize; 2] = [32, 38];

/// How many letters a list takes off that.
const INDENTED: usize = 3;

/// How many letters the space beside a column takes.
const SPACE: usize = 2;

/// The HTML of a table; an empty head is no head.
///
/// Words stay whole, but where one is wider than its column can be on a phone, its cell may break it anywhere.
pub(super) fn table(setting: Setting, table: &Table) -> Markup {
    let Table { sides, head, rows } = table;
    let is_wide = head.len() > WIDE;
    let room = PHONE[usize::from(is_wide)].saturating_sub(INDENTED * setting.lists);
    let limits = limits(table, room);
    let turned = |cell: &[Inline]| setting.turned(cell);
    let class = |at: usize, cell: &[Inline]| {
        let written = sides.get(at).copied().flatten();
        let side = written.or(turned(cell).map(Side::of)).map(Side::class);
        let is_long = limits.get(at).is_some_and(|limit| longest_word(cell) > *limit);
        let names: Vec<&str> = side.into_iter().chain(is_long.then_some("long")).collect();
        (!names.is_empty()).then(|| names.join(" "))
    };
    html! {
        table class=(if is_wide { "data wide" } else { "data" }) cellpadding="0" cellspacing="0" {
            tbody {
                @if head.iter().any(|cell| !cell.is_empty()) {
                    tr {
                        @for (at, cell) in head.iter().enumerate() {
                            @if cell.is_empty() { td {} } @else { th scope="col" class=[class(at, cell)] dir=[dir(turned(cell))] { (line(cell)) } }
                        }
                    }
                }
                @for row in rows {
                    tr {
                        @for (at, cell) in row.iter().enumerate() { td class=[class(at, cell)] dir=[dir(turned(cell))] { (line(cell)) } }
                        @if let missing @ 1.. = head.len().saturating_sub(row.len()) { td colspan=(missing) {} }
                    }
                }
            }
        }
    }
}

/// How long a word may be in each column so that all columns fit into `room`: narrow ones have what they need, the
/// others share what is left.
fn limits(table: &Table, mut room: usize) -> Vec<usize> {
    let all = || std::iter::once(&table.head).chain(&table.rows);
    let longest = |at: usize| all().filter_map(|row| row.get(at)).map(|cell| longest_word(cell)).max();
    let mut columns: Vec<(usize, usize)> =
        (0..table.head.len()).map(|at| (longest(at).unwrap_or_default() + SPACE, at)).collect();
    columns.sort_unstable();
    let mut limits = vec![0; columns.len()];
    for (done, (needed, at)) in columns.iter().enumerate() {
        let taken = room / (columns.len() - done);
        let taken = taken.min(*needed);
        limits[*at] = taken.saturating_sub(SPACE);
        room -= taken;
    }
    limits
}

/// How many letters the longest word of a line has that no mail program breaks by itself.
fn longest_word(line: &[Inline]) -> usize {
    let mut words = Words::default();
    words.count(line);
    words.longest
}

/// The words of a line so far.
#[derive(Default)]
struct Words {
    longest: usize,
    /// Letters of the one that goes on.
    current: usize,
}

impl Words {
    fn count(&mut self, line: &[Inline]) {
        for inline in line {
            match inline {
                Inline::Text(text) | Inline::Emoji(text) | Inline::Code(text) => self.add(text),
                // how long a name is, nobody knows yet
                Inline::Break | Inline::Name(_) => self.current = 0,
                Inline::Note(_) => self.current += 1,
                other => self.count(other.inner()),
            }
        }
    }

    fn add(&mut self, text: &str) {
        for c in text.chars() {
            // lines break beside each wide character
            let breaks = c.is_whitespace() || c.width() == Some(2);
            self.current = if breaks { 0 } else { self.current + c.width().unwrap_or_default() };
            self.longest = self.longest.max(self.current);
            if c == '-' {
                self.current = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(words: &[&str]) -> Vec<Vec<Inline>> {
        words.iter().map(|word| vec![Inline::Text((*word).to_owned())]).collect()
    }

    #[test]
    fn a_column_of_short_words_keeps_them_whole_and_a_long_one_takes_what_is_left() {
        let limits = |head: &[&str], row: &[&str]| {
            limits(&Table { sides: Vec::new(), head: cells(head), rows: vec![cells(row)] }, 32)
        };
        assert_eq!(limits(&["Tool", "Stars"], &["hyperfine", "22k"]), [9, 5]);
        let url = "https://hedges.example/a/very/long/way/to/go";
        assert_eq!(limits(&["Tool", "Stars", "See"], &["hyperfine", "22k", url]), [9, 5, 12]);
        assert_eq!(limits(&["a", "b", "c"], &[url, url, url]), [8, 9, 9]);
        assert_eq!(limits(&["a"; 40], &[url; 40])[0], 0);
    }

    #[test]
    fn the_longest_word_goes_on_through_looks_and_ends_where_a_line_may_end() {
        let text = |words: &str| Inline::Text(words.to_owned());
        assert_eq!(longest_word(&[text("to un"), Inline::Strong(vec![text("break")]), text("able, or")]), 12);
        assert_eq!(longest_word(&[text("well-known 中文字中文字 up"), Inline::Break, text("on")]), 5);
    }
}
