//! HTML as emails have it: tags, text, comments and style sheets, each with its place.
//!
//! A reader for what our own templates and the inliner write, with every tag closed.
//! It reads any other text too, without fail and in one pass; it then only knows less about it.

use std::borrow::Cow;
use std::ops::Range;

/// A piece of HTML and the bytes where it stands; all pieces together are the whole text.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece<'a> {
    /// Where it stands.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What a [`Piece`] is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'a> {
    /// `<p class="quiet">`
    Open(Tag<'a>),
    /// The name in `</p>`.
    Close(&'a str),
    /// Words, as they are written; [`decode`] reads them.
    Text(&'a str),
    /// What is between `<!--` and `-->`.
    Comment(&'a str),
    /// The content of a `<style>` or `<script>`, which nothing is escaped in.
    Raw(&'a str),
    /// `<!DOCTYPE html>` and other declarations.
    Declaration(&'a str),
}

/// An open tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag<'a> {
    /// The element's name, as it is written.
    pub name: &'a str,
    /// Its attributes, in order.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> Tag<'a> {
    /// Whether this is an element of that name, in lower case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The attribute of that name, in lower case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The value of an attribute; nothing is between the quotes of one without value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|attribute| attribute.value.as_ref())
    }

    /// Whether nothing can be in it: it has no close tag (HTML §13.1.2).
    pub fn is_void(&self) -> bool {
        const VOID: [&str; 13] =
            ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
        VOID.iter().any(|name| self.is(name))
    }
}

/// An attribute of a tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute<'a> {
    /// Its name, as it is written.
    pub name: &'a str,
    /// Its value, decoded.
    pub value: Cow<'a, str>,
    /// Where name and value stand.
    pub span: Range<usize>,
    /// Where the value stands, without quotes.
    pub value_span: Range<usize>,
}

/// Reads HTML from its beginning.
pub fn read(html: &str) -> Reader<'_> {
    Reader { html, at: 0, raw: None }
}

/// The pieces of an HTML text, one after the other.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    html: &'a str,
    at: usize,
    /// The element whose raw content comes next.
    raw: Option<&'a str>,
}

impl<'a> Iterator for Reader<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let rest = self.html.get(self.at..).filter(|rest| !rest.is_empty())?;
        if let Some(name) = self.raw.take() {
            let end = close_tag(rest, name);
            if end > 0 {
                return Some(self.piece(end, Kind::Raw(&rest[..end])));
            }
        }
        let (length, kind) = markup(rest, self.at).unwrap_or_else(|| {
            let end = text_end(rest);
            (end, Kind::Text(&rest[..end]))
        });
        if let Kind::Open(tag) = &kind
            && ["style", "script"].iter().any(|name| tag.is(name))
        {
            self.raw = Some(tag.name);
        }
        Some(self.piece(length, kind))
    }
}

impl<'a> Reader<'a> {
    fn piece(&mut self, length: usize, kind: Kind<'a>) -> Piece<'a> {
        let span = self.at..self.at + length;
        self.at = span.end;
        Piece { span, kind }
    }
}

/// The markup at the beginning of `rest`, and its length; none where words are.
fn markup(rest: &str, at: usize) -> Option<(usize, Kind<'_>)> {
    let body = rest.strip_prefix('<')?;
    if let Some(comment) = body.strip_prefix("!--") {
        // `<!-->` and `<!--->` are comments with nothing in them
        let short = ["->", ">"].into_iter().find(|end| comment.starts_with(end));
        let (inner, whole) = match (short, comment.find("-->")) {
            (Some(end), _) => (0, end.len()),
            (None, Some(end)) => (end, end + "-->".len()),
            (None, None) => (comment.len(), comment.len()),
        };
        return Some(("<!--".len() + whole, Kind::Comment(&comment[..inner])));
    }
    if body.starts_with(['!', '?']) {
        let end = body.find('>').map_or(body.len(), |end| end + 1);
        return Some((1 + end, Kind::Declaration(&rest[..1 + end])));
    }
    if let Some(close) = body.strip_prefix('/') {
        if !close.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = close.find('>').map_or(close.len(), |end| end + 1);
        let name = close.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').unwrap_or(close.len());
        return Some((2 + end, Kind::Close(&close[..name])));
    }
    if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let (length, tag) = open_tag(body, at + 1);
    Some((1 + length, Kind::Open(tag)))
}

/// Reads `p class="quiet">…`; what stands behind the text's end is not missed.
fn open_tag(body: &str, offset: usize) -> (usize, Tag<'_>) {
    let bytes = body.as_bytes();
    let until = |from: usize, end: &dyn Fn(u8) -> bool| {
        bytes[from..].iter().position(|byte| end(*byte)).map_or(bytes.len(), |found| from + found)
    };
    let space = |byte: u8| byte.is_ascii_whitespace();
    let name = until(0, &|byte| space(byte) || byte == b'>' || byte == b'/');
    let mut tag = Tag { name: &body[..name], attributes: Vec::new() };
    let mut at = name;
    loop {
        at = until(at, &|byte| !space(byte) && byte != b'/');
        match bytes.get(at) {
            None => return (at, tag),
            Some(b'>') => return (at + 1, tag),
            Some(_) => {}
        }
        let start = at;
        // a name may begin with `=` (HTML §13.2.5.32)
        let name_end = until(start + 1, &|byte| space(byte) || byte == b'=' || byte == b'>' || byte == b'/');
        let equals = until(name_end, &|byte| !space(byte));
        let mut value = name_end..name_end;
        at = name_end;
        if bytes.get(equals) == Some(&b'=') {
            let first = until(equals + 1, &|byte| !space(byte));
            (value, at) = match bytes.get(first) {
                Some(quote @ (b'"' | b'\'')) => {
                    let end = until(first + 1, &|byte| byte == *quote);
                    (first + 1..end, (end + 1).min(bytes.len()))
                }
                _ => {
                    let end = until(first, &|byte| space(byte) || byte == b'>');
                    (first..end, end)
                }
            };
        }
        tag.attributes.push(Attribute {
            name: &body[start..name_end],
            value: decode(&body[value.clone()]),
            span: offset + start..offset + at,
            value_span: offset + value.start..offset + value.end,
        });
    }
}

/// Where words end: at the next `<` that begins markup.
fn text_end(rest: &str) -> usize {
    let begins = |at: usize| {
        let next = rest.as_bytes().get(at + 1).copied().unwrap_or_default();
        next.is_ascii_alphabetic() || b"!?/".contains(&next)
    };
    rest.match_indices('<').map(|(at, _)| at).find(|at| *at > 0 && begins(*at)).unwrap_or(rest.len())
}

/// Where `</name` is.
fn close_tag(rest: &str, name: &str) -> usize {
    let closes =
        |at: &usize| rest.get(at + 2..at + 2 + name.len()).is_some_and(|written| written.eq_ignore_ascii_case(name));
    rest.match_indices("</").map(|(at, _)| at).find(closes).unwrap_or(rest.len())
}

/// Reads character references: the numeric ones, and those names that our templates write.
pub fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        match reference(rest) {
            Some((c, length)) => {
                decoded.push(c);
                rest = &rest[length..];
            }
            None => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// The character that a reference such as `&amp;` or `&#x2605;` stands for, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
    const LONGEST: usize = 12;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "shy" => '\u{ad}',
        "zwnj" => '\u{200c}',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

/// Writes a value so that it can stand in text and between double quotes.
pub fn encode(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
