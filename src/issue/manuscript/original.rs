//! The file's own text, beside the text that is read.

use std::ops::Range;

use crate::issue::html::Change;

/// The text of a file as it is on the disk, with where it differs from what is read.
#[derive(Debug)]
pub(super) struct Original {
    pub(super) text: String,
    /// The text before its HTML was read.
    before: String,
    /// What differs in that, in order.
    mended: Vec<Change>,
    /// What of its HTML is read as Markdown, and the addresses in it that stand elsewhere then.
    html: [Vec<Change>; 2],
}

impl Original {
    /// Lays `file` beside what is read of it.
    ///
    /// Mending changes line ends, white space at the start of lines, and characters beyond ASCII:
    /// what is ASCII stays in its order, and between it the stretches that differ are found.
    pub(super) fn align(file: String, read: &str) -> Self {
        let mut mended = Vec::new();
        let (mut at, mut to) = (0, 0);
        while at < file.len() || to < read.len() {
            let (here, there) = (&file[at..], &read[to..]);
            let (this, that) = (other(here), other(there));
            if here[..this] != there[..that] {
                let same = common(here[..this].chars(), there[..that].chars());
                let tail = common(here[same..this].chars().rev(), there[same..that].chars().rev());
                mended.push(Change { was: at + same..at + this - tail, is: to + same..to + that - tail });
            }
            (at, to) = (at + this, to + that);
            let (here, there) = (&file.as_bytes()[at..], &read.as_bytes()[to..]);
            let (this, that) = match (here, there) {
                ([], []) => break,
                ([a, ..], [b, ..]) if a == b && *a != b'\r' => (1, 1),
                ([b'\r', b'\n', ..], [b'\n', ..]) => (2, 1),
                ([b'\r', ..], [b'\n', ..]) => (1, 1),
                ([b'\t' | b' ', ..], [b'\t' | b' ', ..]) => (blank(here), blank(there)),
                // HTML that is indented in a box
                ([b'\t' | b' ', ..], _) => (blank(here), 0),
                // beyond what mending does: the rest of the line is one stretch
                _ => (row(here), row(there)),
            };
            if this + that == 0 {
                break;
            }
            if here[..this] != there[..that] {
                mended.push(Change { was: at..at + this, is: to..to + that });
            }
            (at, to) = (at + this, to + that);
        }
        Self { text: file, before: read.to_owned(), mended, html: [Vec::new(), Vec::new()] }
    }

    /// Takes what was read of the text's HTML.
    pub(super) fn read(self, html: &[Vec<Change>; 2]) -> Self {
        Self { html: html.clone(), ..self }
    }

    /// Where a range of what is read is in the file; the whole stretch where it ends within one.
    pub(super) fn place(&self, read: Range<usize>) -> Range<usize> {
        let [changes, moved] = &self.html;
        let at = moved.partition_point(|address| address.is.end < read.end);
        let before = match moved.get(at).filter(|address| address.is.start <= read.start) {
            Some(Change { was, is }) => was.start + read.start - is.start..was.start + read.end - is.start,
            None => place(changes, read),
        };
        let file = place(&self.mended, before);
        // what is read ends with a line end, even if the file does not
        let start = file.start.min(self.text.len());
        start..file.end.clamp(start, self.text.len())
    }

    /// What differs but for line ends, tabs and HTML: ranges of the file, and what is read there.
    pub(super) fn mended(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        let damaged = |change: &&Change| !self.text[change.was.clone()].is_ascii();
        let read = |is: &Range<usize>| self.before.get(is.clone()).unwrap_or_default();
        self.mended.iter().filter(damaged).map(move |change| (change.was.clone(), read(&change.is)))
    }
}

/// Where a range of a text was before it was changed.
fn place(changes: &[Change], is: Range<usize>) -> Range<usize> {
    let before = |at: usize| changes.partition_point(|change| change.is.start < at).checked_sub(1);
    let find = |at: usize| before(at).and_then(|index| changes.get(index));
    let start = match find(is.start + 1) {
        Some(change) if is.start < change.is.end => change.was.start,
        Some(change) => change.was.end + (is.start - change.is.end),
        None => is.start,
    };
    let end = match find(is.end) {
        Some(change) if is.end <= change.is.end => change.was.end,
        Some(change) => change.was.end + (is.end - change.is.end),
        None => is.end,
    };
    start..end
}

/// How many bytes at the start are beyond ASCII.
fn other(text: &str) -> usize {
    text.bytes().position(|byte| byte.is_ascii()).unwrap_or(text.len())
}

fn blank(text: &[u8]) -> usize {
    text.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(text.len())
}

fn row(text: &[u8]) -> usize {
    text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len())
}

/// How many bytes are alike.
fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_what_is_read_is_found_in_the_file() {
        let file = "a\r\n\t- b „ÄÅ c é d\r\nend";
        let read = "a\n    - b 、 c é d\nend";
        let original = Original::align(file.to_owned(), read);
        for word in ["a", "b", "c", "é", "d", "end"] {
            let at = read.find(word).unwrap_or_default();
            assert_eq!(&file[original.place(at..at + word.len())], word);
        }
        let comma = read.find('、').unwrap_or_default();
        assert_eq!(&file[original.place(comma..comma + 3)], "„ÄÅ");
        assert_eq!(original.mended().count(), 1);
    }

    #[test]
    fn a_line_that_differs_in_ascii_is_one_stretch() {
        let original = Original::align("ab cd\nef".to_owned(), "ab xd\nef");
        assert_eq!((original.place(6..8), original.place(0..2)), (6..8, 0..2));
    }
}
