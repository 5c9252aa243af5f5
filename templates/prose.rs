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
    /// Code, line by line.
    Code(String),
    /// A picture on a line of its own.
    Picture(Picture),
    /// A table: its head, then its rows.
    Table(Vec<Vec<Inline>>, Vec<Vec<Vec<Inline>>>),
    /// A break between thoughts.
    Rule,
    /// A footnote: its number and its text.
    Footnote(u32, Vec<Block>),
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
}

/// A picture that is loaded from an https address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where it lies.
    pub url: String,
    /// Text for those who do not see it, perhaps empty.
    pub alt: String,
    /// Where a click leads.
    pub link: Option<String>,
    /// The line below it.
    pub caption: Option<String>,
}

/// Width of the column inside its padding: what Outlook scales a picture to.
const PICTURE_WIDTH: u32 = 552;

/// The HTML of some blocks.
pub(super) fn prose(blocks: &[Block]) -> Markup {
    html! {
        @for block in blocks {
            @match block {
                Block::Paragraph(inlines) => p { (line(inlines)) },
                Block::Heading(2, inlines) => h2.display { (line(inlines)) },
                Block::Heading(3, inlines) => h3 { (line(inlines)) },
                Block::Heading(4, inlines) => h4 { (line(inlines)) },
                Block::Heading(5, inlines) => h5 { (line(inlines)) },
                Block::Heading(_, inlines) => h6 { (line(inlines)) },
                Block::List(None, items) => ul { @for item in items { (list_item(item)) } },
                Block::List(Some(start), items) => {
                    ol start=[(*start != 1).then_some(start)] { @for item in items { (list_item(item)) } }
                },
                Block::Quote(blocks) => blockquote { (prose(blocks)) },
                Block::Code(code) => pre { code { (code) } },
                Block::Picture(shown) => (picture(shown)),
                Block::Table(head, rows) => (table(head, rows)),
                Block::Rule => hr;,
                Block::Footnote(number, blocks) => {
                    div.quiet { (first_line(html! { sup { (number) } " " }, blocks)) }
                },
            }
        }
    }
}

/// A picture and its caption.
fn picture(picture: &Picture) -> Markup {
    let image = html! { img src=(picture.url) alt=(picture.alt) width=(PICTURE_WIDTH); };
    html! {
        div.picture {
            @if let Some(link) = &picture.link { a href=(link) { (image) } } @else { (image) }
            @if let Some(caption) = &picture.caption {
                p.caption { (caption) }
            }
        }
    }
}

/// A list item; one that is a single paragraph needs no paragraph in it.
fn list_item(blocks: &[Block]) -> Markup {
    html! { li { (first_line(html! {}, blocks)) } }
}

/// Blocks behind a mark, on one line where there is one paragraph.
fn first_line(mark: Markup, blocks: &[Block]) -> Markup {
    html! {
        @match blocks {
            [Block::Paragraph(inlines)] => { (mark) (line(inlines)) },
            [Block::Paragraph(inlines), rest @ ..] => { (mark) (line(inlines)) (prose(rest)) },
            _ => { (mark) (prose(blocks)) },
        }
    }
}

fn table(head: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> Markup {
    html! {
        table.data cellpadding="0" cellspacing="0" {
            tr { @for cell in head { th align="left" scope="col" { (line(cell)) } } }
            @for row in rows {
                tr { @for cell in row { td { (line(cell)) } } }
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
            }
        }
    }
}
