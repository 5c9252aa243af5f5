//! A message as the wire takes it: pieces, most of them shared by a whole issue and looked at once.

use std::fmt;
use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr_iter, memchr2_iter};

use super::Envelope;

/// How many pieces a message has room for at once; that of an issue has some twenty.
const USUAL: usize = 32;

/// An envelope and what goes into it.
#[derive(Debug, Clone)]
pub struct Mail {
    /// From whom and to whom.
    pub envelope: Envelope,
    /// Header and body.
    pub message: Message,
}

impl Mail {
    /// A mail of an envelope and a message, or the bytes of one.
    pub fn new(envelope: Envelope, message: impl Into<Message>) -> Self {
        Self { envelope, message: message.into() }
    }
}

/// Some bytes of a message, looked at once, however many messages they are part of; clones share them.
#[derive(Clone)]
pub struct Piece {
    all: Arc<[u8]>,
    /// Where in `all` it lies.
    range: Range<usize>,
    is_ascii: bool,
    /// A CR or LF inside is not part of a CRLF.
    is_broken: bool,
    /// Where a dot begins a line, but for the first byte, which depends on what comes before.
    dots: Arc<[usize]>,
}

impl Piece {
    /// Looks at the bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let all = bytes.into();
        Self::part(&all, 0..all.len())
    }

    /// Looks at a part of some bytes; none where they have no such range.
    pub fn part(all: &Arc<[u8]>, range: Range<usize>) -> Self {
        let (bytes, range) = all.get(range.clone()).map_or((&[][..], 0..0), |bytes| (bytes, range));
        let is_broken = memchr2_iter(b'\r', b'\n', bytes).any(|at| match bytes.get(at) {
            Some(b'\r') => bytes.get(at + 1).is_some_and(|next| *next != b'\n'),
            _ => at > 0 && bytes.get(at - 1) != Some(&b'\r'),
        });
        let dots: Vec<_> =
            memchr_iter(b'\n', bytes).map(|end| end + 1).filter(|start| bytes.get(*start) == Some(&b'.')).collect();
        // An empty one needs no memory.
        let dots = if dots.is_empty() { Arc::default() } else { dots.into() };
        Self { is_ascii: bytes.is_ascii(), is_broken, dots, range, all: all.clone() }
    }

    fn bytes(&self) -> &[u8] {
        self.all.get(self.range.clone()).unwrap_or_default()
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({} bytes)", self.len())
    }
}

/// The bytes of a message in pieces; the last line is ended if it is not.
///
/// ```
/// use masthead::mailer::{Message, Piece};
///
/// let (head, foot) = (Piece::new(*b"Subject: hi\r\n\r\nDear "), Piece::new(*b",\r\nhere it is.\r\n"));
/// let ann = Message::new([head.clone(), Piece::new(*b"Ann"), foot.clone()]);
/// let bert = Message::new([head, Piece::new(*b"Bert"), foot]);
/// assert_eq!(bert.size(), ann.size() + 1);
/// ```
#[derive(Debug, Clone)]
pub struct Message {
    pieces: Vec<Piece>,
    size: usize,
    is_ascii: bool,
    is_broken: bool,
}

impl Message {
    /// Puts pieces together; costs little, since only where they meet is looked at.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let all = pieces.into_iter();
        let mut pieces = Vec::with_capacity(USUAL);
        pieces.extend(all.filter(|piece| !piece.is_empty()));
        if !pieces.is_empty() && !Self::ends_a_line(&pieces) {
            pieces.push(Piece::new(*b"\r\n"));
        }
        let meet_badly = |before: Option<&u8>, after: Option<&u8>| (before == Some(&b'\r')) != (after == Some(&b'\n'));
        let mut before = None;
        let mut is_broken = false;
        for piece in &pieces {
            is_broken |= piece.is_broken || meet_badly(before, piece.bytes().first());
            before = piece.bytes().last();
        }
        is_broken |= meet_badly(before, None);
        Self {
            size: pieces.iter().map(Piece::len).sum(),
            is_ascii: pieces.iter().all(|piece| piece.is_ascii),
            is_broken,
            pieces,
        }
    }

    fn ends_a_line(pieces: &[Piece]) -> bool {
        let mut last = pieces.iter().rev().flat_map(|piece| piece.bytes().iter().rev());
        last.next() == Some(&b'\n') && last.next() == Some(&b'\r')
    }

    /// How many bytes, as SIZE counts them (RFC 1870 §5): no dots are stuffed yet.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether 7 bits are enough.
    pub fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// Whether a CR or LF stands alone: some server might see the end of the message there.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Appends the bytes as they are.
    pub(super) fn append_to<'a>(&'a self, slices: &mut Vec<IoSlice<'a>>) {
        slices.extend(self.pieces.iter().map(|piece| IoSlice::new(piece.bytes())));
    }

    /// Appends the bytes with each dot at the start of a line doubled (RFC 5321 §4.5.2); returns how many that are.
    pub(super) fn append_stuffed_to<'a>(&'a self, slices: &mut Vec<IoSlice<'a>>) -> usize {
        let mut stuffed = 0;
        let mut at_line_start = true;
        // The dot and the next opening follow.
        slices.reserve(self.pieces.len() + 2);
        for piece in &self.pieces {
            let first = (at_line_start && piece.bytes().first() == Some(&b'.')).then_some(0);
            let mut rest: &[u8] = piece.bytes();
            let mut cut = 0;
            for dot in first.into_iter().chain(piece.dots.iter().copied()) {
                let (line, more) = rest.split_at_checked(dot - cut).unwrap_or((rest, &[]));
                slices.extend([IoSlice::new(line), IoSlice::new(b".")]);
                (rest, cut) = (more, dot);
                stuffed += 1;
            }
            slices.push(IoSlice::new(rest));
            at_line_start = piece.bytes().last() == Some(&b'\n');
        }
        self.size + stuffed
    }
}

impl<B: Into<Arc<[u8]>>> From<B> for Message {
    fn from(bytes: B) -> Self {
        Self::new([Piece::new(bytes)])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stuffed(message: &Message) -> String {
        let mut slices = Vec::new();
        let size = message.append_stuffed_to(&mut slices);
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        assert_eq!(bytes.len(), size);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn dots_are_doubled_at_the_start_of_lines_only() {
        let check = |plain: &str, on_the_wire: &str| assert_eq!(stuffed(&plain.as_bytes().into()), on_the_wire);
        check("a.b\r\n", "a.b\r\n");
        check(".\r\n..\r\na\r\n.b", "..\r\n...\r\na\r\n..b\r\n");
        check("", "");
    }

    #[test]
    fn a_line_end_that_is_no_crlf_is_found() {
        for clean in ["", "a", "a\r\n", "\r\n\r\n", "a\r\nb"] {
            assert!(!Message::from(clean.as_bytes()).is_broken(), "{clean:?}");
        }
        for dirty in ["\r", "\n", "a\n.\n", "a\r.\r", "\n\r", "a\r\r\n", "a\r\n\n", "a\r\nb\r"] {
            assert!(Message::from(dirty.as_bytes()).is_broken(), "{dirty:?}");
        }
    }

    proptest! {
        #[test]
        fn a_message_is_the_same_wherever_it_is_cut(text in "[.\r\na]{0,12}", cuts: [usize; 3], ending in "(\r\n)?") {
            let text = text + &ending;
            let mut cuts = cuts.map(|cut| cut % (text.len() + 1));
            cuts.sort();
            let [first, second, third] = cuts;
            let pieces = [&text[..first], &text[first..second], &text[second..third], &text[third..]];
            let cut = Message::new(pieces.map(|piece| Piece::new(piece.as_bytes())));
            let whole = Message::from(text.as_bytes());
            prop_assert_eq!(cut.is_broken(), whole.is_broken());
            prop_assert_eq!(cut.size(), whole.size());
            prop_assert_eq!(stuffed(&cut), stuffed(&whole));
            let plain = if text.is_empty() || text.ends_with("\r\n") { text } else { text + "\r\n" };
            let broken = plain.replace("\r\n", "").contains(['\r', '\n']);
            prop_assert_eq!(whole.is_broken(), broken);
            let lines = plain.split_inclusive('\n').map(|line| {
                if line.starts_with('.') { format!(".{line}") } else { line.to_owned() }
            });
            prop_assert_eq!(stuffed(&whole), lines.collect::<String>());
        }
    }
}
