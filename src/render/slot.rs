//! Slots: all that differs between two readers' mails.
//!
//! A slot's marker stands in the rendered parts until a reader's value takes its place; everything else is the same
//! bytes for everyone. A slot more is one variant more here, and its value in `message`.

use std::borrow::Cow;
use std::hash::{Hash as _, Hasher};
use std::ops::Range;

use ring::digest::{Context, SHA256};

use super::link;
use super::wrap::shorten;
use crate::issue::Issue;
use crate::newsletter::Newsletter;

/// A gap in a rendered issue that each reader's mail fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The reader's own address for leaving.
    UnsubscribeUrl,
    /// The reader's name; empty where nobody knows it, then the words beside the slot stand in for it.
    Name,
}

/// The columns that a name may take in a line of text: lines are broken before anybody knows it, so each leaves room
/// for so many. First name and last name fit; few are wider.
pub(super) const NAME_COLUMNS: usize = 24;

/// What ends the marker of a name.
const NAME_END: &str = "}}";

/// Bytes up to the end of a marker: no text is searched farther.
const REACH: usize = 300;

impl Slot {
    /// What stands in its place until it is filled.
    ///
    /// The one of an address is an address, so that links stay links; the one of a name has its stand-in behind it,
    /// escaped as the part around it.
    ///
    /// ```text
    /// https://slot.invalid/91f0c2aa54d0be17/unsubscribe
    /// {{91f0c2aa54d0be17.name|reader}}
    /// ```
    pub fn marker(self, seal: &str) -> String {
        match self {
            Self::UnsubscribeUrl => format!("https://slot.invalid/{seal}/{}", self.word()),
            Self::Name => format!("{{{{{seal}.{}|", self.word()),
        }
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::UnsubscribeUrl => "unsubscribe",
            Self::Name => "name",
        }
    }
}

/// The marker of a name, with the words that stand in for one that nobody knows.
pub(super) fn name_marker(seal: &str, stand_in: &str) -> String {
    Slot::Name.marker(seal) + &fitting(&stand_in.replace(['{', '}'], "")) + NAME_END
}

/// The words that stand in for a name, of a marker.
pub(super) fn stand_in(marker: &str) -> &str {
    marker.split_once('|').and_then(|(_, rest)| rest.strip_suffix(NAME_END)).unwrap_or_default()
}

/// Where markers of names are in a text.
pub(super) fn name_markers(text: &str) -> Vec<Range<usize>> {
    const BEGIN: &str = ".name|";
    const SEAL: usize = 16;
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(BEGIN).map(|at| from + at) {
        from = at + BEGIN.len();
        let start = at.checked_sub(SEAL + 2).filter(|start| text.get(*start..*start + 2) == Some("{{"));
        if let (Some(start), Some(length)) = (start, within_reach(&text[from..]).find(NAME_END)) {
            from += length + NAME_END.len();
            found.push(start..from);
        }
    }
    found
}

fn within_reach(text: &str) -> &str {
    &text[..text.floor_char_boundary(REACH)]
}

/// A place for the reader's name as an editor writes it: `{{name}}`, or `{{name|reader}}` with a stand-in.
///
/// Gives the text before it, the stand-in, and the text behind it.
pub(super) fn written_name(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("{{")?;
        let inner = start + 2;
        from = inner;
        let Some(end) = within_reach(&text[inner..]).find(NAME_END).map(|at| inner + at) else { continue };
        let (name, stand_in) = match text[inner..end].split_once('|') {
            Some((name, stand_in)) => (name, Some(stand_in.trim()).filter(|words| !words.is_empty())),
            None => (&text[inner..end], None),
        };
        if name.trim() == "name" {
            return Some((&text[..start], stand_in, &text[end + NAME_END.len()..]));
        }
    }
}

/// A reader's name as it may stand in a mail: one line, without characters that mislead; not an address, which
/// mail programs would make a link of.
///
/// ```
/// assert_eq!(masthead::render::reader_name(" Jo\nDoe\u{202e} ").as_deref(), Some("Jo Doe"));
/// assert_eq!(masthead::render::reader_name("www.example.org"), None);
/// ```
pub fn reader_name(name: &str) -> Option<String> {
    let name = link::one_line(name);
    let is_address = name.contains("://") || name.contains('@') || name.to_lowercase().contains("www.");
    (!name.is_empty() && !is_address).then_some(name)
}

/// A name cut to the columns that it may take.
fn fitting(name: &str) -> String {
    shorten(name, NAME_COLUMNS)
}

/// 16 hex digits that nobody can write into an issue beforehand: they hash the whole of it.
pub(super) fn seal(issue: &Issue, newsletter: &Newsletter) -> String {
    let mut content = Sha256(Context::new(&SHA256));
    (issue, newsletter).hash(&mut content);
    format!("{:016x}", content.finish())
}

/// SHA-256 of what [`Hash`](std::hash::Hash) says of a value, which is never the same of two.
struct Sha256(Context);

impl Hasher for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The first 8 bytes.
    fn finish(&self) -> u64 {
        let digest = self.0.clone().finish();
        digest.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// A piece of a rendered part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The same for every reader.
    Text(&'a str),
    /// What each reader fills.
    Gap(Gap),
}

/// A place in a part that a slot's value takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose value it takes.
    pub slot: Slot,
    /// The words instead of a name that nobody knows, as they stand in the part.
    pub stand_in: String,
    /// Whether the part is HTML.
    is_html: bool,
}

impl Gap {
    /// What stands here for a reader with this value, escaped for the part.
    pub fn fill(&self, value: &str) -> String {
        let escape = |value: &str| if self.is_html { escape(value) } else { value.to_owned() };
        match self.slot {
            Slot::UnsubscribeUrl => escape(value),
            Slot::Name => match reader_name(value) {
                Some(name) => escape(&fitting(&name)),
                None => self.stand_in.clone(),
            },
        }
    }
}

/// Escapes a value for HTML text and attributes.
fn escape(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The pieces of a part in their order, found in one pass: a value is never read again.
pub(super) fn pieces<'a>(part: &'a str, seal: &str, is_html: bool) -> Vec<Piece<'a>> {
    let (url, name) = (Slot::UnsubscribeUrl.marker(seal), Slot::Name.marker(seal));
    let before_seal = url.len() - "/unsubscribe".len() - seal.len();
    let gap = |slot, stand_in: &str| Piece::Gap(Gap { slot, stand_in: stand_in.to_owned(), is_html });
    let mut pieces = Vec::new();
    // `part[begin..]` is in no piece yet, and no marker begins in it before `from`
    let (mut begin, mut from) = (0, 0);
    // both markers have the seal in them, and nothing else has
    while let Some(at) = part[from..].find(seal).map(|at| from + at) {
        let marked = |back: usize, marker: &str| {
            let start = at.checked_sub(back).filter(|start| *start >= begin)?;
            Some((start, part.get(start..)?.strip_prefix(marker)?))
        };
        let found = marked(before_seal, &url).map(|(start, behind)| (start, gap(Slot::UnsubscribeUrl, ""), behind));
        let found = found.or_else(|| {
            let (start, marked) = marked(2, &name)?;
            let (stand_in, behind) = marked.split_once(NAME_END)?;
            Some((start, gap(Slot::Name, stand_in), behind))
        });
        from = at + seal.len();
        if let Some((start, gap, behind)) = found {
            pieces.extend((start > begin).then(|| Piece::Text(&part[begin..start])));
            pieces.push(gap);
            begin = part.len() - behind.len();
            from = begin;
        }
    }
    pieces.extend((begin < part.len()).then(|| Piece::Text(&part[begin..])));
    pieces
}

/// A part with each slot's value in its place.
pub(super) fn fill<'a>(pieces: &[Piece<'_>], value: impl Fn(Slot) -> &'a str) -> String {
    let filled = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => Cow::Borrowed(*text),
        Piece::Gap(gap) => Cow::Owned(gap.fill(value(gap.slot))),
    });
    filled.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const SEAL: &str = "91f0c2aa54d0be17";

    #[test]
    fn places_for_a_name_are_found_as_written() {
        assert_eq!(written_name("Hi {{name}}!"), Some(("Hi ", None, "!")));
        assert_eq!(written_name("{{x}} {{ name | dear friend }}"), Some(("{{x}} ", Some("dear friend"), "")));
        for text in ["", "{{}}", "{{name", "{{nam}}", "{name}", "{{unsubscribe_url}}", "{{"] {
            assert_eq!(written_name(text), None, "{text}");
        }
    }

    #[test]
    fn a_marker_is_filled_or_gives_way_to_its_stand_in() {
        let part = format!("Hi {}, see {}.", name_marker(SEAL, "fri}}end"), Slot::UnsubscribeUrl.marker(SEAL));
        let fill = |name: &'static str| {
            let value = |slot| if slot == Slot::Name { name } else { "https://a.example/" };
            fill(&pieces(&part, SEAL, false), value)
        };
        assert_eq!(fill("Jo"), "Hi Jo, see https://a.example/.");
        assert_eq!(fill("  \n"), "Hi friend, see https://a.example/.");
        assert_eq!(
            fill(&format!("{{{{{SEAL}.name|x}}}}").leak()[..]),
            format!("Hi {}, see https://a.example/.", "{{91f0c2aa54d0be17.name…")
        );
    }

    #[test]
    fn markers_are_found_in_a_text() {
        let marker = name_marker(SEAL, "you");
        let text = format!("é.name| {marker}, {marker} .name|{{{{");
        assert_eq!(name_markers(&text).len(), 2);
        assert!(name_markers(&text).into_iter().all(|range| text[range] == marker));
        assert_eq!(stand_in(&marker), "you");
    }
}
