//! Prose: Markdown as it was read, its links already judged, and its HTML.
//!
//! Both parts of an email are written from this tree, so they say the same words in the same order.

use maud::{Markup, html};

use super::direction::Direction;
use super::table::{Table, table};

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
    /// What stands in the middle of the column.
    Centred(Vec<Block>),
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
    /// Set in another way.
    Styled(TextStyle, Vec<Inline>),
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

impl Inline {
    /// What stands inside; nothing inside of words, marks and code.
    pub fn inner(&self) -> &[Inline] {
        match self {
            Self::Emphasis(inner)
            | Self::Strong(inner)
            | Self::Struck(inner)
            | Self::Styled(_, inner)
            | Self::Link(_, inner) => inner,
            Self::Text(_) | Self::Emoji(_) | Self::Code(_) | Self::Break | Self::Note(_) | Self::Name(_) => &[],
        }
    }

    /// The same, to be changed.
    pub fn inner_mut(&mut self) -> Option<&mut Vec<Inline>> {
        match self {
            Self::Emphasis(inner)
            | Self::Strong(inner)
            | Self::Struck(inner)
            | Self::Styled(_, inner)
            | Self::Link(_, inner) => Some(inner),
            Self::Text(_) | Self::Emoji(_) | Self::Code(_) | Self::Break | Self::Note(_) | Self::Name(_) => None,
        }
    }
}

/// How words are set that mean something else on the line: `x²`, `H₂O`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextStyle {
    /// Above the line.
    Superscript,
    /// Below the line.
    Subscript,
    /// With a bright ground.
    Highlight,
    /// In small print.
    Small,
    /// With a line below, as what was added has it.
    Underline,
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
    /// What stands behind a name whose value follows.
    pub(super) colon: &'static str,
    /// Which way the letter runs.
    pub(super) letter: Direction,
    /// Which way the text around runs.
    pub(super) around: Direction,
    /// How many lists are around.
    pub(super) lists: usize,
    /// How far the lists and quotes around are indented, in CSS pixels.
    pub(super) indent: u16,
}

impl Setting {
    /// That of what stands in the letter itself.
    pub(super) fn new(picture_width: u16, colon: &'static str, letter: Direction) -> Self {
        Self { picture_width, colon, letter, around: letter, lists: 0, indent: 0 }
    }

    /// The direction of code, hosts and addresses where it is not the page's own.
    pub(super) fn ltr(self) -> Option<&'static str> {
        self.is_rtl().then_some("ltr")
    }

    /// The direction of words that may be in another language.
    pub(super) fn auto(self) -> Option<&'static str> {
        self.is_rtl().then_some("auto")
    }

    fn is_rtl(self) -> bool {
        self.letter == Direction::RightToLeft
    }

    /// The direction of a line where it is not that of the text around.
    pub(super) fn turned(self, line: &[Inline]) -> Option<Direction> {
        Some(self.around.of_line(line)).filter(|direction| *direction != self.around)
    }

    /// Inside of what runs this way.
    fn inside(self, turned: Option<Direction>) -> Self {
        Self { around: turned.unwrap_or(self.around), ..self }
    }

    /// Inside of what is indented, by so many CSS pixels.
    fn indented(self, by: u16) -> Self {
        Self { indent: self.indent.saturating_add(by), ..self }
    }
}

/// The value of `dir` of what is turned.
pub(super) fn dir(turned: Option<Direction>) -> Option<&'static str> {
    turned.map(Direction::as_str)
}

/// The value of `class` of what is perhaps turned.
pub(super) fn class(own: Option<&str>, turned: Option<Direction>) -> Option<String> {
    let names: Vec<&str> = own.into_iter().chain(turned.map(Direction::class)).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// Lists in which others are indented; what is nested deeper has no room for it on a phone.
const MOST_INDENTED: usize = 6;

/// How far a list and a quote are indented, in CSS pixels.
const LIST: u16 = 24;
const QUOTE: u16 = 21;

/// The HTML of some blocks.
pub(super) fn prose(setting: Setting, blocks: &[Block]) -> Markup {
    html! {
        @for block in blocks {
            @match block {
                Block::Paragraph(inlines) => (paragraph(setting, None, inlines)),
                Block::Heading(level, inlines) => (heading(setting, *level, inlines)),
                Block::List(start, items) => (list(setting, *start, items)),
                Block::Quote(blocks) => blockquote { (quote(setting, blocks)) },
                Block::Centred(blocks) => div.centred { (prose(setting, blocks)) },
                Block::Code(pieces) => (code(setting, pieces)),
                Block::Picture(shown) => (picture(setting, shown)),
                Block::Table(shown) => (table(setting, shown)),
                Block::Rule => hr;,
                Block::Footnote(number, blocks) => (footnote(setting, *number, blocks)),
            }
        }
    }
}

fn paragraph(setting: Setting, own_class: Option<&str>, inlines: &[Inline]) -> Markup {
    let turned = setting.turned(inlines);
    html! { p class=[class(own_class, turned)] dir=[dir(turned)] { (line(inlines)) } }
}

fn heading(setting: Setting, level: u8, inlines: &[Inline]) -> Markup {
    let turned = setting.turned(inlines);
    let (own, dir, words) = (class(None, turned), dir(turned), line(inlines));
    html! {
        @match level {
            2 => h2 class=[class(Some("display"), turned)] dir=[dir] { (words) },
            3 => h3 class=[own] dir=[dir] { (words) },
            4 => h4 class=[own] dir=[dir] { (words) },
            5 => h5 class=[own] dir=[dir] { (words) },
            _ => h6 class=[own] dir=[dir] { (words) },
        }
    }
}

/// A list; it runs as its first entry does, so that the marks stand where its lines begin, but one inside of another
/// stays on its side.
fn list(setting: Setting, start: Option<usize>, items: &[Vec<Block>]) -> Markup {
    let turned = items.first().filter(|_| setting.lists == 0).and_then(|item| setting.turned(opening(item)));
    let indent = if setting.lists < MOST_INDENTED { LIST } else { 0 };
    let inner = Setting { lists: setting.lists + 1, ..setting.inside(turned).indented(indent) };
    // the room for the marks is on the letter's side unless the class says otherwise
    let against_letter = Some(inner.around).filter(|direction| turned.is_some() || *direction != setting.letter);
    let (class, dir) = match setting.lists {
        0..MOST_INDENTED => (class(None, against_letter), dir(turned)),
        _ => (Some("deep".to_owned()), None),
    };
    let entries = html! { @for item in items { (list_item(inner, item)) } };
    html! {
        @match start {
            None => ul class=[class] dir=[dir] { (entries) },
            Some(start) => ol start=[(start != 1).then_some(start)] class=[class] dir=[dir] { (entries) },
        }
    }
}

fn footnote(setting: Setting, number: u32, blocks: &[Block]) -> Markup {
    let turned = setting.turned(opening(blocks));
    let mark = html! { sup { (number) } " " };
    html! {
        div class=[class(Some("footnote"), turned)] dir=[dir(turned)] {
            (first_line(setting.inside(turned), mark, blocks))
        }
    }
}

/// The line with which blocks begin.
fn opening(blocks: &[Block]) -> &[Inline] {
    match blocks.first() {
        Some(Block::Paragraph(inlines)) => inlines,
        _ => &[],
    }
}

/// Somebody else's words; no space below the last of them.
fn quote(setting: Setting, blocks: &[Block]) -> Markup {
    let setting = setting.indented(QUOTE);
    html! {
        @match blocks {
            [above @ .., Block::Paragraph(inlines)] => { (prose(setting, above)) (paragraph(setting, Some("end"), inlines)) },
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
            @if !picture.caption.is_empty() { (paragraph(setting, Some("caption"), &picture.caption)) }
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
            [Block::Paragraph(inlines)] => { (mark) (turned_line(setting, inlines)) },
            // between paragraphs there is room
            [Block::Paragraph(inlines), rest @ ..] if matches!(rest[0], Block::Paragraph(_)) => {
                p { (mark) (turned_line(setting, inlines)) }
                (prose(setting, rest))
            },
            [Block::Paragraph(inlines), rest @ ..] => { (mark) (turned_line(setting, inlines)) (prose(setting, rest)) },
            _ => { (mark) (prose(setting, blocks)) },
        }
    }
}

/// A line beside a mark, which stays on its side.
fn turned_line(setting: Setting, inlines: &[Inline]) -> Markup {
    let words = line(inlines);
    html! { @match dir(setting.turned(inlines)) { Some(dir) => span dir=(dir) { (words) }, None => (words) } }
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
                Inline::Styled(style, inlines) => (styled(*style, inlines)),
                // from left to right in every language
                Inline::Code(code) => code dir="ltr" { (code) },
                Inline::Link(url, inlines) => a href=(url) { (line(inlines)) },
                Inline::Break => br;,
                Inline::Note(number) => sup { (number) },
                // a name may run the other way than the words around it
                Inline::Name(marker) => span dir="auto" { (marker) },
            }
        }
    }
}

fn styled(style: TextStyle, inlines: &[Inline]) -> Markup {
    html! {
        @match style {
            TextStyle::Superscript => sup { (line(inlines)) },
            TextStyle::Subscript => sub { (line(inlines)) },
            // Yahoo and Outlook for Windows drop <mark>
            TextStyle::Highlight => span.bright { (line(inlines)) },
            TextStyle::Small => small { (line(inlines)) },
            TextStyle::Underline => u { (line(inlines)) },
        }
    }
}
