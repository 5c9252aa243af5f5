//! Prose: Markdown as it was read, its links already judged, and its HTML.
//!
//! Both parts of an email are written from this tree, so they say the same words in the same order.

use maud::{Markup, html};

/// A block of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A heading, level 2 to 6: the title is the only h1.
    Heading(u8, Vec<Inline>),
    /// A list; a numbered one has its first number.
    List(Option<usize>, Vec<Vec<Block>>),
    /// Somebody else's words.
    Quote(Vec<Block>),
    /// Code, line by line, cut into pieces of one kind each.
    Code(Vec<(CodeKind, String)>),
    /// A picture on a line of its own.
    Picture(Picture),
    /// A table.
    Table(Table),
    /// A break between thoughts.
    Rule,
    /// A footnote: its number and its text.
    Footnote(u32, Vec<Block>),
}

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
    /// Its class.
    fn class(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Centre => "centre",
            Self::Right => "right",
        }
    }
}

/// What a piece of code is, as far as a reader's eye cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// Anything else.
    Plain,
    /// A word of the language.
    Word,
    /// A string, a number: what is meant literally.
    Text,
    /// A comment.
    Note,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Plain words.
    Text(String),
    /// Emoji in a heading.
    Emoji(String),
    /// Emphasis.
    Emphasis(Vec<Inline>),
    /// Strong emphasis.
    Strong(Vec<Inline>),
    /// Struck out.
    Struck(Vec<Inline>),
    /// Code.
    Code(String),
    /// A link to a web or mail address.
    Link(String, Vec<Inline>),
    /// A line break.
    Break,
    /// The mark of a footnote.
    Note(u32),
    /// The place of the reader's name, as its slot's marker.
    Name(String),
}

/// A picture that is loaded from an https address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where it lies.
    pub url: String,
    /// Text for those who do not see it, perhaps empty.
    pub alt: String,
    /// Its width in CSS pixels, where it is to be narrower than the column.
    pub width: Option<u16>,
    /// Where a click leads.
    pub link: Option<String>,
    /// The line below it, perhaps empty.
    pub caption: Vec<Inline>,
}

/// What the looks of prose depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// Width of a picture in CSS pixels: what Outlook for Windows scales it to.
    pub(super) picture_width: u16,
    /// Whether the language runs from right to left: then what never does is marked.
    pub(super) rtl: bool,
}

impl Setting {
    /// The direction of code, hosts and addresses where it is not the page's own.
    pub(super) fn ltr(self) -> Option<&'static str> {
        self.rtl.then_some("ltr")
    }

    /// The direction of words that may be in another language.
    pub(super) fn auto(self) -> Option<&'static str> {
        self.rtl.then_some("auto")
    }
}

/// Columns beyond which a table is set smaller.
const WIDE: usize = 4;

/// The HTML of some blocks.
pub(super) fn prose(setting: Setting, blocks: &[Block]) -> Markup {
    html! {
        @for block in blocks {
            @match block {
                Block::Paragraph(inlines) => p { (line(inlines)) },
                Block::Heading(2, inlines) => h2.display { (line(inlines)) },
                Block::Heading(3, inlines) => h3 { (line(inlines)) },
                Block::Heading(4, inlines) => h4 { (line(inlines)) },
                Block::Heading(5, inlines) => h5 { (line(inlines)) },
                Block::Heading(_, inlines) => h6 { (line(inlines)) },
                Block::List(None, items) => ul { @for item in items { (list_item(setting, item)) } },
                Block::List(Some(start), items) => {
                    ol start=[(*start != 1).then_some(start)] { @for item in items { (list_item(setting, item)) } }
                },
                Block::Quote(blocks) => blockquote { (quote(setting, blocks)) },
                Block::Code(pieces) => (code(setting, pieces)),
                Block::Picture(shown) => (picture(setting, shown)),
                Block::Table(shown) => (table(shown)),
                Block::Rule => hr;,
                Block::Footnote(number, blocks) => {
                    div.footnote { (first_line(setting, html! { sup { (number) } " " }, blocks)) }
                },
            }
        }
    }
}

/// Somebody else's words; no space below the last of them.
fn quote(setting: Setting, blocks: &[Block]) -> Markup {
    html! {
        @match blocks {
            [above @ .., Block::Paragraph(inlines)] => { (prose(setting, above)) p.end { (line(inlines)) } },
            _ => (prose(setting, blocks)),
        }
    }
}

/// Code, its pieces in their colours; from left to right in every language.
fn code(setting: Setting, pieces: &[(CodeKind, String)]) -> Markup {
    html! {
        pre dir=[setting.ltr()] {
            code {
                @for (kind, text) in pieces {
                    @match kind {
                        CodeKind::Plain => (text),
                        CodeKind::Word => span.word { (text) },
                        CodeKind::Text => span.text { (text) },
                        CodeKind::Note => span.note { (text) },
                    }
                }
            }
        }
    }
}

/// A picture and its caption.
fn picture(setting: Setting, picture: &Picture) -> Markup {
    let narrow = picture.width.filter(|width| *width < setting.picture_width);
    let width = narrow.unwrap_or(setting.picture_width);
    let image = html! { img src=(picture.url) alt=(picture.alt) width=(width); };
    let image = html! { @if let Some(link) = &picture.link { a href=(link) { (image) } } @else { (image) } };
    html! {
        div.picture {
            // the picture is as wide as its box
            @if narrow.is_some() { div style={ "max-width:" (width) "px" } { (image) } } @else { (image) }
            @if !picture.caption.is_empty() { p.caption { (line(&picture.caption)) } }
        }
    }
}

/// A list item; one that is a single paragraph needs no paragraph in it.
fn list_item(setting: Setting, blocks: &[Block]) -> Markup {
    html! { li { (first_line(setting, html! {}, blocks)) } }
}

/// Blocks behind a mark, on one line where there is one paragraph.
fn first_line(setting: Setting, mark: Markup, blocks: &[Block]) -> Markup {
    html! {
        @match blocks {
            [Block::Paragraph(inlines)] => { (mark) (line(inlines)) },
            // between paragraphs there is room
            [Block::Paragraph(inlines), rest @ ..] if matches!(rest[0], Block::Paragraph(_)) => {
                p { (mark) (line(inlines)) }
                (prose(setting, rest))
            },
            [Block::Paragraph(inlines), rest @ ..] => { (mark) (line(inlines)) (prose(setting, rest)) },
            _ => { (mark) (prose(setting, blocks)) },
        }
    }
}

/// A table; an empty head is no head.
fn table(table: &Table) -> Markup {
    let Table { sides, head, rows } = table;
    let class = if head.len() > WIDE { "data wide" } else { "data" };
    let side = |at: usize| sides.get(at).copied().flatten().map(Side::class);
    html! {
        table class=(class) cellpadding="0" cellspacing="0" {
            tbody {
                @if head.iter().any(|cell| !cell.is_empty()) {
                    tr {
                        @for (at, cell) in head.iter().enumerate() {
                            @if cell.is_empty() { td {} } @else { th scope="col" class=[side(at)] { (line(cell)) } }
                        }
                    }
                }
                @for row in rows {
                    tr {
                        @for (at, cell) in row.iter().enumerate() { td class=[side(at)] { (line(cell)) } }
                        @if let missing @ 1.. = head.len().saturating_sub(row.len()) { td colspan=(missing) {} }
                    }
                }
            }
        }
    }
}

/// The HTML of a line.
pub(super) fn line(inlines: &[Inline]) -> Markup {
    html! {
        @for inline in inlines {
            @match inline {
                Inline::Text(text) => (text),
                Inline::Emoji(emoji) => span aria-hidden="true" { (emoji) },
                Inline::Emphasis(inlines) => em { (line(inlines)) },
                Inline::Strong(inlines) => strong { (line(inlines)) },
                Inline::Struck(inlines) => del { (line(inlines)) },
                Inline::Code(code) => code { (code) },
                Inline::Link(url, inlines) => a href=(url) { (line(inlines)) },
                Inline::Break => br;,
                Inline::Note(number) => sup { (number) },
                // a name may run the other way than the words around it
                Inline::Name(marker) => span dir="auto" { (marker) },
            }
        }
    }
}
