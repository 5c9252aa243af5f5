//! Boxes of HTML whose inner HTML is indented below an empty line: code to Markdown, HTML to whoever typed it.
//!
//! ```text
//! <details>
//!
//!     <img src="https://boats.example/1.png" alt="A boat">
//!
//! </details>
//! ```

use std::borrow::Cow;

use comrak::Arena;
use comrak::nodes::{Node, NodeValue};

use super::{Document, Edit, Piece, Tag, apply, inside, pieces};

/// A text whose HTML in boxes is not indented as far as code, below empty lines; None where none is.
pub(in crate::issue) fn unindented(text: &str, below: usize) -> Option<String> {
    // what was code may begin a box
    const MOST: usize = 4;
    let (front, first) = text.split_at_checked(below)?;
    let mut markdown = Cow::Borrowed(first);
    for _ in 0..MOST {
        let mut lines = markdown.lines().filter(|line| line.starts_with("    "));
        if !lines.any(|line| line.trim_start().starts_with('<')) {
            break;
        }
        let arena = Arena::new();
        let document = Document::parse(&arena, &markdown, 0);
        let mut edits: Vec<Edit> =
            document.root.descendants().flat_map(|parent| indents_in_boxes(&document, parent)).collect();
        if edits.is_empty() {
            break;
        }
        edits.sort_by_key(|edit| edit.span.start);
        let read = apply("", &markdown, &edits).text;
        markdown = Cow::Owned(read);
    }
    match markdown {
        Cow::Borrowed(_) => None,
        Cow::Owned(markdown) => Some(front.to_owned() + &markdown),
    }
}

/// The boxes of HTML that are open, by their names.
#[derive(Default)]
struct Boxes(Vec<String>);

impl Boxes {
    fn read(&mut self, html: &str) {
        // hostile files nest deeper
        const MOST: usize = 64;
        for (_, piece) in pieces(html) {
            match piece {
                Piece::Tag(tag) if tag.is_box() && tag.closing => {
                    if let Some(at) = self.0.iter().rposition(|name| *name == tag.name) {
                        self.0.remove(at);
                    }
                }
                Piece::Tag(tag) if tag.is_box() && self.0.len() < MOST => self.0.push(tag.name),
                _ => {}
            }
        }
    }
}

/// The edits that make HTML of what is indented as far as code in a box of HTML.
fn indents_in_boxes<'a>(document: &Document<'a>, parent: Node<'a>) -> Vec<Edit> {
    let is_entry = matches!(parent.data().value, NodeValue::Item(_));
    let mut edits = Vec::new();
    if !(is_entry || matches!(parent.data().value, NodeValue::Document))
        || inside(parent, |value| matches!(value, NodeValue::BlockQuote))
    {
        return edits;
    }
    let column = if is_entry { document.content_column(parent) } else { 0 };
    let mut boxes = Boxes::default();
    for node in parent.children() {
        match &node.data().value {
            NodeValue::HtmlBlock(html) => boxes.read(&html.literal),
            NodeValue::CodeBlock(code) if !code.fenced && !boxes.0.is_empty() && Tag::begins(&code.literal) => {
                edits.extend(indents(document, node, column));
            }
            _ => {}
        }
    }
    edits
}

/// The edits that move the lines of a block to `column`.
fn indents<'a>(document: &Document<'a>, node: Node<'a>, column: usize) -> Vec<Edit> {
    let rows = document.rows(node);
    let mut start = rows.start;
    let mut edits = Vec::new();
    for line in document.text.get(rows).unwrap_or_default().split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        edits.extend((indent > column).then(|| Edit::new(start + column..start + indent, "")));
        start += line.len();
    }
    edits
}
