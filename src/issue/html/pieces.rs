//! A block of HTML, piece by piece: words, tags; links and pictures with their places.

use std::borrow::Cow;
use std::ops::Range;

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};

use super::{Role, Tag};

/// A piece of HTML; comments, and what shows nothing, are none.
pub(crate) enum Piece<'t> {
    /// As they are typed.
    Words(&'t str),
    /// One of HTML's own.
    Tag(Tag<'t>),
}

/// The pieces of a text, each with the place where it begins.
pub(crate) fn pieces(html: &str) -> impl Iterator<Item = (usize, Piece<'_>)> {
    let last_comment_end = html.rfind("-->");
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at;
            let rest = html.get(at..).filter(|rest| !rest.is_empty())?;
            if rest.starts_with("<!--") && last_comment_end.is_some_and(|end| end >= at + 2) {
                at += rest[2..].find("-->").map_or(rest.len(), |end| end + 5);
            } else if rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
                at += rest.find('>').map_or(rest.len(), |end| end + 1);
            } else if let Some(tag) = Tag::read(rest).filter(Tag::is_html) {
                at += tag.length + if tag.hides() && !tag.closing { hidden(&rest[tag.length..], &tag.name) } else { 0 };
                return Some((start, Piece::Tag(tag)));
            } else {
                // a `<` that begins no tag is a word
                let words = rest.char_indices().skip(1).find(|(_, c)| *c == '<' || rest.starts_with('<'));
                at += words.map_or(rest.len(), |(end, _)| end);
                return Some((start, Piece::Words(&html[start..at])));
            }
        }
    })
}

/// How many bytes belong to an element that shows nothing.
fn hidden(html: &str, name: &str) -> usize {
    let closing = |at: &usize| Tag::read(&html[*at..]).is_some_and(|tag| tag.closing && tag.name == name);
    html.match_indices("</").map(|(at, _)| at).find(closing).unwrap_or(html.len())
}

/// A link or picture of a block of HTML.
pub(in crate::issue) struct Anchor {
    pub(in crate::issue) span: Range<usize>,
    pub(in crate::issue) url: String,
    /// Where its address stands, as far as it stands there letter for letter but for `&amp;`.
    pub(in crate::issue) address: Option<Range<usize>>,
    /// The words of a link, or those that stand for a picture.
    pub(in crate::issue) text: String,
    pub(in crate::issue) kind: AnchorKind,
}

/// What an anchor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::issue) enum AnchorKind {
    Picture,
    /// There may be a picture inside.
    Link {
        pictured: bool,
    },
}

impl Anchor {
    /// What a tag that begins at `at` leads to or shows, if it says so.
    fn of(tag: &Tag<'_>, at: usize) -> Option<Self> {
        let (attribute, text, kind) = match tag.role()? {
            Role::Picture => ("src", decoded(tag.text("alt")).into_owned(), AnchorKind::Picture),
            Role::Link => ("href", String::new(), AnchorKind::Link { pictured: false }),
            _ => return None,
        };
        let value = tag.attribute(attribute);
        if value.is_none() && kind != AnchorKind::Picture {
            return None;
        }
        let written = tag.text(attribute);
        let url = decoded(written).into_owned();
        let same = written == url || written.replace("&amp;", "&") == url;
        let address = value.filter(|_| same && !url.is_empty()).map(|value| at + value.start..at + value.end);
        Some(Self { span: at..at + tag.length, url, address, text, kind })
    }
}

/// The links and pictures of a block of HTML, in the order in which they begin; a link that is left open ends with it.
pub(in crate::issue) fn anchors(html: &str) -> Vec<Anchor> {
    let mut anchors: Vec<Anchor> = Vec::new();
    let mut open: Option<usize> = None;
    let mut in_code = false;
    for (at, piece) in pieces(html) {
        let around = open.and_then(|open| anchors.get_mut(open));
        match piece {
            Piece::Words(words) => around.into_iter().for_each(|link| link.text.push_str(words)),
            Piece::Tag(tag) if tag.name == "pre" => in_code = !tag.closing,
            Piece::Tag(_) if in_code => {}
            Piece::Tag(tag) if tag.role() == Some(Role::Link) => {
                if let Some(link) = around {
                    link.span.end = if tag.closing { at + tag.length } else { at };
                }
                let link = Anchor::of(&tag, at).filter(|_| !tag.closing);
                open = link.is_some().then_some(anchors.len());
                anchors.extend(link);
            }
            Piece::Tag(tag) if tag.role() == Some(Role::Picture) && !tag.closing => {
                if let Some(Anchor { kind: AnchorKind::Link { pictured }, .. }) = around {
                    *pictured = true;
                }
                anchors.extend(Anchor::of(&tag, at));
            }
            Piece::Tag(_) => {}
        }
    }
    if let Some(link) = open.and_then(|open| anchors.get_mut(open)) {
        link.span.end = html.trim_end().len().max(link.span.end);
    }
    for anchor in &mut anchors {
        anchor.text = decoded(&anchor.text).split_whitespace().collect::<Vec<_>>().join(" ");
    }
    anchors
}

/// A text with its character references as the characters that they stand for.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    // the longest name has 31 letters
    const LONGEST: usize = 33;
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.bytes().take(LONGEST).position(|byte| byte == b';').map_or(1, |end| end + 1);
        decoded.push_str(&character(&rest[..end]));
        rest = &rest[end..];
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// What a reference stands for; itself where it is none.
fn character(reference: &str) -> String {
    let name = reference.trim_matches(['&', '#', ';']);
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return reference.to_owned();
    }
    let arena = Arena::new();
    let root = parse_document(&arena, reference, &Options::default());
    let text = root.descendants().find_map(|node| match &node.data().value {
        NodeValue::Text(text) => Some(text.to_string()),
        _ => None,
    });
    text.unwrap_or_else(|| reference.to_owned())
}
