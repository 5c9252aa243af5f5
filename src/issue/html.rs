//! HTML in Markdown: pictures and links that are written as tags are read as Markdown has them.
//!
//! ```text
//! <p align="center"><img src='https://boats.example/1.png' alt="A boat"></p>   →   ![A boat](https://boats.example/1.png)
//! <a href="https://boats.example">Boats</a>                                    →   [Boats](https://boats.example)
//! ```
//!
//! A block of HTML whose every tag is a box, a picture, a link or a look becomes paragraphs; all others, those with a
//! narrow picture, words in the middle, and what a page folds (`<details>`) stay as they are typed, and `render` reads
//! them.
//! Lines keep their numbers, and every change is known by its place.

use std::collections::HashSet;
use std::ops::Range;

use comrak::Arena;
use comrak::nodes::{Node, NodeValue};

use super::markdown::{self, Document};
pub(super) use boxes::unindented;
pub(super) use pieces::{AnchorKind, anchors};
pub(crate) use pieces::{Piece, decoded, pieces};

mod boxes;
mod pieces;

/// A text with its HTML as Markdown.
pub(super) struct Read {
    pub(super) text: String,
    /// What differs, in order.
    pub(super) changes: Vec<Change>,
    /// Addresses that stand elsewhere now, in order.
    pub(super) moved: Vec<Change>,
}

/// A place of a text as it was, and as it is.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) was: Range<usize>,
    pub(super) is: Range<usize>,
}

/// Reads the HTML in a text below its front matter; None where there is nothing to change.
pub(super) fn read(text: &str, below: usize) -> Option<Read> {
    let (front, text) = text.split_at_checked(below)?;
    if !text.match_indices('<').any(|(at, _)| Tag::read(&text[at..]).is_some_and(|tag| tag.role().is_some())) {
        return None;
    }
    let arena = Arena::new();
    let document = Document::parse(&arena, text, 0);
    let centring = centring(&document);
    let mut edits = Vec::new();
    for node in document.root.descendants() {
        match &node.data().value {
            NodeValue::HtmlBlock(_) if centring.contains(&document.span(node).start) => {}
            NodeValue::HtmlBlock(_) => edits.extend(block(&document, node).unwrap_or_default()),
            _ if node.children().any(is_inline_html) => line(&document, node, &mut edits),
            _ => {}
        }
    }
    edits.sort_by_key(|edit: &Edit| edit.span.start);
    (!edits.is_empty()).then(|| apply(front, text, &edits))
}

/// Where blocks of HTML begin that put the paragraphs between them in the middle, which Markdown has no word for:
///
/// ```text
/// <div align="center">
///
/// A paragraph of Markdown.
///
/// </div>
/// ```
fn centring(document: &Document<'_>) -> HashSet<usize> {
    document.root.descendants().flat_map(|parent| centring_in(document, parent)).collect()
}

/// The same among the blocks of one parent.
fn centring_in<'a>(document: &Document<'a>, parent: Node<'a>) -> Vec<usize> {
    // hostile files nest deeper
    const MOST: usize = 64;
    let mut found = Vec::new();
    // the boxes that are open: where the block begins that opens each, and the element
    let mut open: Vec<(usize, String)> = Vec::new();
    for node in parent.children() {
        let value = &node.data().value;
        let html = match value {
            NodeValue::HtmlBlock(html) => &html.literal,
            NodeValue::Paragraph => continue,
            _ => {
                open.clear();
                continue;
            }
        };
        let at = document.span(node).start;
        for (_, piece) in pieces(html) {
            let Piece::Tag(tag) = piece else { continue };
            if tag.closing {
                let Some(last) = open.iter().rposition(|(_, name)| *name == tag.name) else { continue };
                let begun = open[last].0;
                open.truncate(last);
                found.extend((begun != at).then_some([begun, at]).into_iter().flatten());
            } else if tag.role() == Some(Role::Wrapper) && (tag.is_centred() || !open.is_empty()) && open.len() < MOST {
                open.push((at, tag.name));
            }
        }
    }
    found
}

/// Something to write in place of something else.
struct Edit {
    span: Range<usize>,
    text: String,
    /// Where in `text` an address begins, and where it stood before.
    address: Option<(usize, Range<usize>)>,
}

impl Edit {
    fn new(span: Range<usize>, text: impl Into<String>) -> Self {
        Self { span, text: text.into(), address: None }
    }
}

/// Makes the edits of a text that stands behind `front`; places are those of both.
fn apply(front: &str, text: &str, edits: &[Edit]) -> Read {
    let mut read = Read { text: front.to_owned(), changes: Vec::new(), moved: Vec::new() };
    let was = |span: &Range<usize>| front.len() + span.start..front.len() + span.end;
    let mut done = 0;
    for edit in edits.iter().filter(|edit| !edit.span.is_empty() || !edit.text.is_empty()) {
        // one inside of another is part of it
        let Some(before) = text.get(done..edit.span.start) else { continue };
        read.text.push_str(before);
        let start = read.text.len();
        read.text.push_str(&edit.text);
        read.changes.push(Change { was: was(&edit.span), is: start..read.text.len() });
        if let Some((at, address)) = &edit.address {
            read.moved.push(Change { was: was(address), is: start + at..start + at + address.len() });
        }
        done = edit.span.end;
    }
    read.text.push_str(text.get(done..).unwrap_or_default());
    read
}

/// Whether the tags in a paragraph are markup for sure, and no words about HTML: one that holds blocks is opened and
/// closed, a rule has a line of its own, or a picture says where it lies and how narrow it is.
pub(crate) fn is_markup(paragraph: Node<'_>) -> bool {
    const HOLDERS: [&str; 8] = ["audio", "blockquote", "dl", "iframe", "ol", "table", "ul", "video"];
    let mut open = Vec::new();
    paragraph.children().any(|node| {
        let NodeValue::HtmlInline(html) = &node.data().value else { return false };
        let Some(tag) = Tag::read(html) else { return false };
        let is_alone = || {
            node.previous_sibling().is_none_or(markdown::is_break) && node.next_sibling().is_none_or(markdown::is_break)
        };
        if tag.is_narrow_picture() {
            return true;
        }
        match (HOLDERS.iter().find(|holder| **holder == tag.name), tag.closing) {
            (Some(holder), false) => open.push(*holder),
            (Some(holder), true) => return open.contains(holder),
            (None, _) => return tag.name == "hr" && is_alone(),
        }
        false
    })
}

fn is_inline_html(node: Node<'_>) -> bool {
    matches!(node.data().value, NodeValue::HtmlInline(_))
}

fn is_paragraph(node: Node<'_>) -> bool {
    matches!(node.data().value, NodeValue::Paragraph)
}

/// Whether nothing but a sibling before stands in the paragraph.
fn is_last(node: Node<'_>) -> bool {
    node.next_sibling().is_none() && node.previous_sibling().is_some()
}

/// Whether the line below the end of another begins with a tag.
fn is_above_html(text: &str) -> bool {
    text.trim_start_matches(' ').strip_prefix('\n').is_some_and(|below| below.trim_start_matches(' ').starts_with('<'))
}

/// The edits of the tags that stand side by side in a line of text.
fn line<'a>(document: &Document<'a>, parent: Node<'a>, edits: &mut Vec<Edit>) {
    let quoted = inside(parent, |value| matches!(value, NodeValue::BlockQuote));
    let linked = inside(parent, |value| matches!(value, NodeValue::Link(_)));
    let mut open: Option<(Place<'a>, Node<'a>)> = None;
    for node in parent.children() {
        let span = document.span(node);
        let (Some(tag), true) = (tag_of(document, node), is_inline_html(node)) else { continue };
        let place = Place { at: span.start, tag };
        let lines = document.text[span.clone()].matches('\n').count();
        match (place.tag.name.as_str(), place.tag.closing) {
            (name, closing) if lines > 0 && (quoted || closing || name != "img") => {}
            // Markdown has no word for its width
            ("img", false) if place.tag.is_narrow_picture() && is_paragraph(parent) => {}
            ("img", false) if lines == 0 || open.is_none() => {
                edits.extend(place.picture(document.text).into_iter().flatten())
            }
            ("img", true) => edits.push(Edit::new(span, "")),
            // the block of HTML below may become words of the same paragraph
            ("br", _) if is_paragraph(parent) && is_last(node) && is_above_html(&document.text[span.end..]) => {
                edits.push(Edit::new(span, ""));
            }
            ("br", _) if node.next_sibling().is_some_and(|next| matches!(next.data().value, NodeValue::SoftBreak)) => {
                let alone = node.previous_sibling().is_none_or(markdown::is_break);
                edits.extend((!alone).then(|| Edit::new(span, "\\")));
            }
            ("a", false) => open = (!linked).then_some((place, node)),
            ("a", true) => {
                let Some((opening, first)) = open.take() else { continue };
                let inner = first.following_siblings().skip(1).take_while(|inner| !inner.same_node(node));
                let plain = inner.flat_map(|inner| inner.descendants()).all(|inner| match &inner.data().value {
                    NodeValue::Text(text) => !text.contains(['[', ']']),
                    NodeValue::Link(_) | NodeValue::FootnoteReference(_) => false,
                    _ => true,
                });
                edits.extend(opening.link(document.text, span).filter(|_| plain).into_iter().flatten());
            }
            _ => {}
        }
    }
}

fn tag_of<'a>(document: &Document<'a>, node: Node<'a>) -> Option<Tag<'a>> {
    let source = document.text.get(document.span(node))?;
    Tag::read(source).filter(|tag| tag.length == source.len())
}

fn inside(node: Node<'_>, wanted: impl Fn(&NodeValue) -> bool) -> bool {
    // hostile files nest deeper
    const MOST: usize = 16;
    node.ancestors().take(MOST).any(|up| wanted(&up.data().value))
}

/// The edits that make a block of HTML paragraphs; None where it holds what they cannot.
fn block<'a>(document: &Document<'a>, node: Node<'a>) -> Option<Vec<Edit>> {
    if inside(node, |value| matches!(value, NodeValue::BlockQuote)) {
        return None;
    }
    let rows = document.rows(node);
    let start = document.span(node).start.max(rows.start);
    let source = document.text.get(start..rows.end)?;
    let column = start - rows.start;
    let mut edits = Vec::new();
    let mut open: Option<Place<'a>> = None;
    let (mut pictures, mut links) = (0, 0);
    let (mut is_centred, mut has_words) = (false, false);
    // nothing but white space and boxes stands on the line so far
    let mut begins = true;
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let from = start + at;
        let Some(tag) = Tag::read(rest) else {
            if rest.starts_with("<!") || rest.starts_with("<?") {
                return None;
            }
            let length = rest.match_indices('<').map(|(next, _)| next).find(|next| *next > 0).unwrap_or(rest.len());
            words(&rest[..length], from, begins, column, &mut edits);
            has_words |= !rest[..length].trim().is_empty();
            let last = rest[..length].rsplit_once('\n').map(|(_, last)| last);
            begins = last.unwrap_or(&rest[..length]).trim().is_empty() && (begins || last.is_some());
            at += length;
            continue;
        };
        let end = at + tag.length;
        let span = from..start + end;
        let behind = source[end..].trim_start_matches(' ');
        let lines = "\n".repeat(source[at..end].matches('\n').count());
        let place = Place { at: from, tag };
        // a page folds it, which Markdown cannot say
        let role = place.tag.role().filter(|_| !matches!(place.tag.name.as_str(), "details" | "summary"))?;
        let begun = begins;
        begins &= role == Role::Wrapper;
        is_centred |= place.tag.is_centred();
        match (role, place.tag.closing) {
            (Role::Picture, false) if place.tag.is_narrow_picture() => return None,
            (Role::Picture, false) => {
                edits.extend(place.picture(document.text)?);
                pictures += 1;
            }
            (Role::Picture, true) => edits.push(Edit::new(span, lines)),
            (Role::Link, _) if !lines.is_empty() => return None,
            (Role::Link, false) if open.is_some() => return None,
            (Role::Link, false) => open = Some(place),
            (Role::Link, true) => {
                edits.extend(open.take()?.link(document.text, span)?);
                links += 1;
            }
            (Role::Break, _) if begun || behind.is_empty() => edits.push(Edit::new(span, lines)),
            (Role::Break, _) if behind.starts_with('\n') => {
                let more = behind[1..].lines().next().is_some_and(|line| !Tag::covers(line));
                let span = span.start..start + source.len() - behind.len();
                edits.push(Edit::new(span, if more { lines + "\\" } else { lines }));
            }
            (Role::Break | Role::Words(_), _) => {}
            (Role::Wrapper, _) => {
                let apart = |c: char| c.is_whitespace() || c == '>';
                let joins = !source[..at].ends_with(apart) && at > 0 && !source[end..].starts_with(char::is_whitespace);
                let joins = joins && end < source.len() && lines.is_empty();
                edits.push(Edit::new(span, if joins { " ".to_owned() } else { lines }));
            }
        }
        at = end;
    }
    // Markdown has no word for the middle
    if is_centred && has_words && pictures == 0 {
        return None;
    }
    edits.sort_by_key(|edit| edit.span.start);
    let moved = edits.iter().map(|edit| Edit::new(edit.span.start - start..edit.span.end - start, edit.text.clone()));
    let fine = open.is_none() && reads_as(&apply("", source, &moved.collect::<Vec<_>>()).text, pictures, links);
    fine.then_some(edits)
}

/// Whether a text is paragraphs with so many pictures and links, and no HTML that would be read again.
fn reads_as(text: &str, pictures: usize, links: usize) -> bool {
    let arena = Arena::new();
    let text: String = text.lines().flat_map(|line| [line.trim_start(), "\n"]).collect();
    let root = markdown::tree(&arena, &text);
    let count = |wanted: fn(&NodeValue) -> bool| root.descendants().filter(|node| wanted(&node.data().value)).count();
    root.children().all(|block| matches!(block.data().value, NodeValue::Paragraph))
        && count(|value| matches!(value, NodeValue::Image(_))) == pictures
        && count(|value| matches!(value, NodeValue::Link(_))) == links
        && count(|value| match value {
            NodeValue::HtmlInline(html) => Tag::read(html)
                .is_some_and(|tag| matches!(tag.role(), Some(Role::Picture | Role::Link | Role::Wrapper))),
            _ => false,
        }) == 0
}

/// The edits that keep words of HTML words: what Markdown would take for a sign is escaped,
/// and what would be code is not indented.
///
/// `begins` says whether they begin a line.
fn words(text: &str, from: usize, mut begins: bool, column: usize, edits: &mut Vec<Edit>) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let inner = line.trim_start_matches([' ', '\t']);
        if begins {
            let blank = line.len() - inner.len();
            let kept = if at == 0 { 0 } else { column.min(blank) };
            edits.push(Edit::new(from + at + kept..from + at + blank, ""));
        }
        let special =
            |(place, c): &(usize, char)| "\\`*_[]~".contains(*c) || (begins && *place == 0 && "#>-+=|".contains(*c));
        let offset = from + at + line.len() - inner.len();
        edits.extend(
            inner.char_indices().filter(special).map(|(place, _)| Edit::new(offset + place..offset + place, "\\")),
        );
        at += line.len();
        begins = true;
    }
}

/// A tag where it stands.
struct Place<'t> {
    at: usize,
    tag: Tag<'t>,
}

impl Place<'_> {
    fn span(&self) -> Range<usize> {
        self.at..self.at + self.tag.length
    }

    /// The edits that make `<img>` a picture; its address stays where it is.
    fn picture(&self, text: &str) -> Option<Vec<Edit>> {
        let address = self.address("src")?;
        let (opening, closing) = brackets(text.get(address.clone())?, self.value("title"))?;
        let span = self.span();
        let lines = "\n".repeat(text.get(span.clone())?.matches('\n').count());
        Some(vec![
            Edit::new(span.start..address.start, format!("![{}]{opening}", self.value("alt"))),
            Edit::new(address.end..span.end, closing + &lines),
        ])
    }

    /// The edits that make `<a>`, which `closing` ends, a link.
    fn link(&self, text: &str, closing: Range<usize>) -> Option<Vec<Edit>> {
        let address = self.address("href")?;
        let url = text.get(address.clone())?;
        let (before, behind) = brackets(url, self.value("title"))?;
        let span = self.span();
        let opening = match text.get(..span.start)?.chars().next_back() {
            // no picture
            Some('!') => Edit::new(span.start - 1..span.end, "\\!["),
            // `[name][` would be another link
            Some(']') => Edit::new(span, " ["),
            _ => Edit::new(span, "["),
        };
        let written = format!("]{before}{url}{behind}");
        Some(vec![opening, Edit { span: closing, text: written, address: Some((1 + before.len(), address)) }])
    }

    /// Where the address that an attribute says stands.
    fn address(&self, name: &str) -> Option<Range<usize>> {
        let value = self.tag.attribute(name)?;
        Some(self.at + value.start..self.at + value.end).filter(|value| !value.is_empty())
    }

    /// The text that an attribute says, on one line, with what Markdown would take for a sign escaped.
    fn value(&self, name: &str) -> String {
        let value = self.tag.text(name).split_whitespace().collect::<Vec<_>>().join(" ");
        value.chars().flat_map(|c| "\\`*_[]<>!~\"".contains(c).then_some('\\').into_iter().chain([c])).collect()
    }
}

/// What stands before and behind an address in Markdown; character references are the same in both languages.
fn brackets(url: &str, title: String) -> Option<(&'static str, String)> {
    if url.contains(['<', '>', '\\', '\n', '\r']) || url.trim() != url {
        return None;
    }
    let title = if title.is_empty() { title } else { format!(" \"{title}\"") };
    let plain = !url.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '(' | ')'));
    Some(if plain { ("(", format!("{title})")) } else { ("(<", format!(">{title})")) })
}

/// What a tag is to a reader of an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `<img>`
    Picture,
    /// `<a>`
    Link,
    /// `<br>`
    Break,
    /// A box around blocks.
    Wrapper,
    /// How some words look.
    Words(Look),
}

/// How words look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    Strong,
    Emphasis,
    Struck,
    Code,
    Superscript,
    Subscript,
    Highlight,
    Small,
    Underline,
}

/// Below so many CSS pixels a picture is not meant to fill the column.
const NARROW: u16 = 480;

/// How many bytes a tag has at most; each `<` of a hostile file may begin one that never ends.
const LONGEST: usize = 8192;

/// A tag of HTML.
pub(crate) struct Tag<'t> {
    /// The element's name in lower case.
    pub(crate) name: String,
    pub(crate) closing: bool,
    source: &'t str,
    /// How many bytes it takes.
    pub(crate) length: usize,
    /// Names as they are written, with the place of the value.
    attributes: Vec<(&'t str, Range<usize>)>,
}

impl<'t> Tag<'t> {
    /// Reads the tag with which a text begins.
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        let inner = text.strip_prefix('<')?;
        let closing = inner.starts_with('/');
        let name = inner.strip_prefix('/').unwrap_or(inner);
        let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(name.len());
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let mut at = text.len() - name.len() + length;
        let name = name[..length].to_ascii_lowercase();
        let mut attributes = Vec::new();
        loop {
            let rest = text.get(at..).filter(|_| at < LONGEST)?;
            let start = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if start.starts_with('>') {
                let length = text.len() - start.len() + 1;
                return Some(Self { name, closing, source: text, length, attributes });
            }
            if start.is_empty() || start.len() == rest.len() {
                return None;
            }
            let end = start.find(|c: char| c.is_ascii_whitespace() || "=>/\"'<`".contains(c)).unwrap_or(start.len());
            let (attribute, behind) = start.split_at(end);
            if attribute.is_empty() {
                return None;
            }
            let value = behind.trim_start_matches(|c: char| c.is_ascii_whitespace()).strip_prefix('=');
            let Some(value) = value.map(|value| value.trim_start_matches(|c: char| c.is_ascii_whitespace())) else {
                at = text.len() - behind.len();
                continue;
            };
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let from = text.len() - value.len() + usize::from(quote.is_some());
            let length = match quote {
                Some(quote) => text[from..].find(quote)?,
                None => text[from..].find(|c: char| c.is_ascii_whitespace() || "\"'=<>`".contains(c))?,
            };
            attributes.push((attribute, from..from + length));
            at = from + length + usize::from(quote.is_some());
        }
    }

    /// What it is; None where it means nothing in an email.
    pub(crate) fn role(&self) -> Option<Role> {
        Some(match self.name.as_str() {
            "img" => Role::Picture,
            "a" => Role::Link,
            "br" => Role::Break,
            "p" | "div" | "center" | "details" | "summary" | "section" | "article" | "figure" | "figcaption" => {
                Role::Wrapper
            }
            "b" | "strong" => Role::Words(Look::Strong),
            "i" | "em" | "cite" | "var" => Role::Words(Look::Emphasis),
            "del" | "s" | "strike" => Role::Words(Look::Struck),
            "code" | "kbd" | "samp" | "tt" => Role::Words(Look::Code),
            "sup" => Role::Words(Look::Superscript),
            "sub" => Role::Words(Look::Subscript),
            "mark" => Role::Words(Look::Highlight),
            "small" => Role::Words(Look::Small),
            "u" | "ins" => Role::Words(Look::Underline),
            "big" | "span" | "font" | "abbr" | "q" => Role::Words(Look::Plain),
            _ => return None,
        })
    }

    /// Whether it is one of HTML's own that stays as it is typed in a line: `<file>` is a word of the editor's.
    pub(super) fn is_foreign(&self) -> bool {
        const FOREIGN: [&str; 60] = [
            "address",
            "aside",
            "audio",
            "body",
            "blockquote",
            "button",
            "canvas",
            "caption",
            "col",
            "colgroup",
            "dd",
            "dl",
            "dt",
            "embed",
            "fieldset",
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "head",
            "header",
            "hgroup",
            "hr",
            "html",
            "iframe",
            "input",
            "label",
            "legend",
            "li",
            "link",
            "main",
            "meta",
            "nav",
            "noscript",
            "object",
            "ol",
            "option",
            "picture",
            "pre",
            "script",
            "select",
            "source",
            "style",
            "svg",
            "table",
            "tbody",
            "td",
            "template",
            "textarea",
            "tfoot",
            "th",
            "thead",
            "title",
            "tr",
            "ul",
            "video",
        ];
        self.role() == Some(Role::Picture) || FOREIGN.contains(&self.name.as_str())
    }

    /// Whether other blocks stand in it, and it has an end for sure.
    fn is_box(&self) -> bool {
        const BOXES: [&str; 17] = [
            "article",
            "aside",
            "blockquote",
            "center",
            "details",
            "div",
            "dl",
            "figure",
            "footer",
            "header",
            "main",
            "nav",
            "ol",
            "section",
            "table",
            "tbody",
            "ul",
        ];
        BOXES.contains(&self.name.as_str())
    }

    /// Whether a text begins with a tag of HTML's own.
    pub(crate) fn begins(text: &str) -> bool {
        Tag::read(text.trim_start()).is_some_and(|tag| tag.is_html())
    }

    /// Whether a mail shows nothing of what is in it.
    pub(crate) fn hides(&self) -> bool {
        matches!(self.name.as_str(), "script" | "style" | "svg" | "template")
    }

    /// Whether something of it is lost in a mail: what runs or asks. Of what plays there is a link.
    pub(super) fn is_lost(&self) -> bool {
        const LOST: [&str; 8] = ["button", "canvas", "embed", "input", "object", "option", "select", "textarea"];
        let leads_nowhere = self.name == "iframe" && self.text("src").is_empty();
        self.hides() || leads_nowhere || LOST.contains(&self.name.as_str())
    }

    /// Whether it is one of HTML's own.
    pub(crate) fn is_html(&self) -> bool {
        self.role().is_some() || self.is_foreign()
    }

    /// Whether a line is blank, or nothing but boxes around blocks.
    fn covers(line: &str) -> bool {
        let mut rest = line.trim_start();
        while let Some(tag) = Tag::read(rest).filter(|tag| tag.role() == Some(Role::Wrapper)) {
            rest = rest[tag.length..].trim_start();
        }
        rest.is_empty()
    }

    /// What an attribute says, as it is typed.
    pub(crate) fn text(&self, name: &str) -> &'t str {
        self.attribute(name).and_then(|value| self.source.get(value)).unwrap_or_default()
    }

    /// Whether it puts what it holds in the middle.
    pub(crate) fn is_centred(&self) -> bool {
        self.name == "center"
            || self.text("align").eq_ignore_ascii_case("center")
            || self.text("style").to_ascii_lowercase().replace(' ', "").contains("text-align:center")
    }

    /// Whether it is a picture that is not to fill the column, which Markdown has no word for.
    fn is_narrow_picture(&self) -> bool {
        let is_picture = self.name == "img" && !self.closing && !self.text("src").is_empty();
        is_picture && self.width().is_some_and(|width| width < NARROW)
    }

    /// The width that it says in CSS pixels.
    pub(crate) fn width(&self) -> Option<u16> {
        let width = self.text("width").trim();
        width.strip_suffix("px").unwrap_or(width).parse().ok().filter(|width| *width > 0)
    }

    fn attribute(&self, name: &str) -> Option<Range<usize>> {
        let (_, value) = self.attributes.iter().find(|(attribute, _)| attribute.eq_ignore_ascii_case(name))?;
        Some(value.clone())
    }
}
