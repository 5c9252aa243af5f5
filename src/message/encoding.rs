//! The transfer encodings (RFC 2045 §6.7, §6.8), piece by piece wherever the pieces are cut.
//!
//! What becomes of a piece depends on those before it only through the few values of an [`Encoder`]: so a piece that
//! many messages share is encoded once for each state that it is met in.
//!
//! The bytes are those of lettre's encoders, but that no line begins with a dot: SMTP would have to double it, and not
//! every relay takes it away again (RFC 2049 §3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::ContentTransferEncoding;
use memchr::memmem;

/// Characters of a line at most, soft line break included.
const LINE: usize = 76;

/// States that a piece can be met in, at most; see [`Encoder::meet`].
pub(super) const STATES: usize = 76;

/// An encoding, and where it stands between two pieces.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoder {
    /// For what is mostly ASCII.
    QuotedPrintable(Quoted),
    /// For everything else.
    Base64(Triples),
}

/// How a piece follows those before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meeting {
    /// Bytes of the piece that were written with what waited for them.
    pub(super) taken: usize,
    /// What the rest of it is encoded by, below [`STATES`]: the same rest in the same state gives the same bytes.
    pub(super) state: usize,
}

impl Encoder {
    /// The shorter encoding of a text, at its beginning.
    pub(super) fn for_text(text: &str) -> Self {
        // quoted-printable triples every byte beyond ASCII, base64 adds a third to all of them
        let beyond_ascii = text.bytes().filter(|byte| !byte.is_ascii()).count();
        match beyond_ascii * 6 > text.len() {
            true => Self::Base64(Triples::default()),
            false => Self::QuotedPrintable(Quoted::default()),
        }
    }

    /// What `Content-Transfer-Encoding` says.
    pub(super) fn name(&self) -> ContentTransferEncoding {
        match self {
            Self::QuotedPrintable(_) => ContentTransferEncoding::QuotedPrintable,
            Self::Base64(_) => ContentTransferEncoding::Base64,
        }
    }

    /// How many bytes of a text are encoded otherwise when something else is before it.
    pub(super) fn reach(&self, text: &[u8]) -> usize {
        match self {
            Self::QuotedPrintable(_) => memmem::find(text, b"\r\n").unwrap_or(text.len()),
            Self::Base64(_) => text.len(),
        }
    }

    /// Encodes what comes next; its lines end in CRLF. Some of it may wait for what follows.
    pub(super) fn write(&mut self, text: &[u8], encoded: &mut String) {
        match self {
            Self::QuotedPrintable(quoted) => quoted.write(text, encoded),
            Self::Base64(triples) => triples.write(text, encoded),
        }
    }

    /// Writes all that waits, now that `next` is what follows; what is left of `next` meets an encoder where nothing
    /// waits.
    pub(super) fn meet(&mut self, next: &[u8], encoded: &mut String) -> Meeting {
        match self {
            Self::QuotedPrintable(quoted) => quoted.meet(next, encoded),
            Self::Base64(triples) => triples.meet(next, encoded),
        }
    }

    /// Writes what waits: nothing follows.
    pub(super) fn finish(self, encoded: &mut String) {
        match self {
            Self::QuotedPrintable(mut quoted) => quoted.end_line(encoded),
            Self::Base64(mut triples) => triples.finish(encoded),
        }
    }

    /// A whole text.
    pub(super) fn encode(mut self, text: &str) -> String {
        let mut encoded = String::with_capacity(text.len() * 3 / 2);
        self.write(text.as_bytes(), &mut encoded);
        self.finish(&mut encoded);
        encoded
    }
}

/// Quoted-printable.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quoted {
    column: usize,
    /// The byte before: whether it may fill its line is known when it is known to be the last.
    waiting: Option<u8>,
}

impl Quoted {
    fn write(&mut self, text: &[u8], encoded: &mut String) {
        let mut rest = text;
        while let Some(end) = memmem::find(rest, b"\r\n") {
            self.within_line(&rest[..end], encoded);
            self.end_line(encoded);
            encoded.push_str("\r\n");
            self.column = 0;
            rest = &rest[end + 2..];
        }
        self.within_line(rest, encoded);
    }

    fn meet(&mut self, next: &[u8], encoded: &mut String) -> Meeting {
        if next.starts_with(b"\r\n") {
            self.end_line(encoded);
            return Meeting { taken: 0, state: 0 };
        }
        if !next.is_empty() {
            self.go_on(encoded);
        }
        Meeting { taken: 0, state: self.column }
    }

    fn within_line(&mut self, bytes: &[u8], encoded: &mut String) {
        let Some((last, before)) = bytes.split_last() else { return };
        self.go_on(encoded);
        for byte in before {
            self.put(*byte, false, encoded);
        }
        self.waiting = Some(*last);
    }

    /// More follows on the line: room must be left for the `=` of a soft line break.
    fn go_on(&mut self, encoded: &mut String) {
        if let Some(byte) = self.waiting.take() {
            self.put(byte, false, encoded);
        }
    }

    fn end_line(&mut self, encoded: &mut String) {
        if let Some(byte) = self.waiting.take() {
            self.put(byte, true, encoded);
        }
    }

    fn put(&mut self, byte: u8, is_last: bool, encoded: &mut String) {
        let is_white = matches!(byte, b' ' | b'\t');
        let is_literal = (is_white && !is_last) || (byte.is_ascii_graphic() && byte != b'=');
        let length = if is_literal { 1 } else { 3 };
        let limit = if is_last { LINE } else { LINE - 1 };
        if self.column + length > limit {
            encoded.push_str("=\r\n");
            self.column = 0;
        }
        if is_literal && !(byte == b'.' && self.column == 0) {
            encoded.push(char::from(byte));
            self.column += 1;
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            encoded.push('=');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
            self.column += 3;
        }
    }
}

/// Base64 in lines.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Triples {
    column: usize,
    /// Up to two bytes of a triple.
    waiting: [u8; 2],
    waiting_count: usize,
}

impl Triples {
    fn write(&mut self, bytes: &[u8], encoded: &mut String) {
        let mut rest = bytes;
        if self.waiting_count > 0 {
            let (mut triple, count) = ([self.waiting[0], self.waiting[1], 0], self.waiting_count);
            let taken = rest.len().min(3 - count);
            triple[count..count + taken].copy_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            self.waiting_count = 0;
            self.put(&triple[..count + taken], encoded);
        }
        self.put(rest, encoded);
    }

    fn meet(&mut self, next: &[u8], encoded: &mut String) -> Meeting {
        let taken = if self.waiting_count > 0 { next.len().min(3 - self.waiting_count) } else { 0 };
        self.write(&next[..taken], encoded);
        Meeting { taken, state: self.column / 4 + taken * (LINE / 4 + 1) }
    }

    /// Writes whole triples; the rest waits, where nothing does yet.
    fn put(&mut self, bytes: &[u8], encoded: &mut String) {
        let (mut triples, rest) = bytes.split_at(bytes.len() / 3 * 3);
        while !triples.is_empty() {
            self.begin_line_when_full(encoded);
            let (line, behind) = triples.split_at(triples.len().min((LINE - self.column) / 4 * 3));
            STANDARD.encode_string(line, encoded);
            self.column += line.len() / 3 * 4;
            triples = behind;
        }
        if !rest.is_empty() {
            self.waiting[..rest.len()].copy_from_slice(rest);
            self.waiting_count = rest.len();
        }
    }

    /// Not before something follows: the last line has no end.
    fn begin_line_when_full(&mut self, encoded: &mut String) {
        if self.column == LINE {
            encoded.push_str("\r\n");
            self.column = 0;
        }
    }

    fn finish(&mut self, encoded: &mut String) {
        if self.waiting_count > 0 {
            self.begin_line_when_full(encoded);
            STANDARD.encode_string(&self.waiting[..self.waiting_count], encoded);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use lettre::message::Body;
    use mail_parser::decoders::base64::base64_decode;
    use mail_parser::decoders::quoted_printable::quoted_printable_decode;
    use proptest::prelude::*;

    use super::*;

    const BOTH: [Encoder; 2] = [
        Encoder::QuotedPrintable(Quoted { column: 0, waiting: None }),
        Encoder::Base64(Triples { column: 0, waiting: [0; 2], waiting_count: 0 }),
    ];

    /// Words of every kind, put together to lines of every length.
    fn text() -> impl Strategy<Value = String> {
        let words = [
            "a",
            "=",
            " ",
            "\t",
            ".",
            "\r\n",
            "é",
            "潮",
            "🦄",
            "\0",
            "\r",
            "\n",
            "plain words ",
            "x".repeat(71).leak(),
        ];
        prop::collection::vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
    }

    fn by_lettre(encoder: Encoder, text: &str) -> Vec<u8> {
        // bytes are left as they are, where a string's line ends would be changed
        Body::new_with_encoding(text.as_bytes().to_vec(), encoder.name()).unwrap().into_vec()
    }

    proptest! {
        #[test]
        fn a_text_is_encoded_as_lettre_does_it(text in text()) {
            for encoder in BOTH {
                let by_lettre = String::from_utf8(by_lettre(encoder, &text)).unwrap();
                if !by_lettre.split("\r\n").any(|line| line.starts_with('.')) {
                    prop_assert_eq!(encoder.encode(&text), by_lettre);
                }
            }
        }

        #[test]
        fn lines_are_short_begin_with_no_dot_and_decode_to_the_text(text in text()) {
            for encoder in BOTH {
                let encoded = encoder.encode(&text);
                for line in encoded.split("\r\n") {
                    prop_assert!(line.len() <= LINE && !line.starts_with('.') && !line.ends_with([' ', '\t']), "{}", line);
                    prop_assert!(line.is_ascii() && !line.contains(|c: char| c.is_ascii_control() && c != '\t'), "{}", line);
                }
                let decoded = match encoder {
                    Encoder::QuotedPrintable(_) => quoted_printable_decode(encoded.as_bytes()),
                    Encoder::Base64(_) => base64_decode(encoded.as_bytes()),
                };
                prop_assert_eq!(String::from_utf8(decoded.unwrap()).unwrap(), &*text);
            }
        }

        #[test]
        fn pieces_give_what_the_whole_gives(pieces in prop::collection::vec(text(), 1..6)) {
            // a CRLF is never cut: what ends in CR has something visible behind it
            let pieces: Vec<_> = pieces.iter().map(|piece| format!("{piece}|")).collect();
            same_in_pieces(&pieces);
        }
    }

    #[track_caller]
    fn same_in_pieces(pieces: &[String]) {
        for encoder in BOTH {
            let (mut written, mut met) = (encoder, encoder);
            let (mut in_pieces, mut by_meeting) = (String::new(), String::new());
            for piece in pieces {
                written.write(piece.as_bytes(), &mut in_pieces);
                let Meeting { taken, state } = met.meet(piece.as_bytes(), &mut by_meeting);
                assert!(state < STATES);
                met.write(&piece.as_bytes()[taken..], &mut by_meeting);
            }
            written.finish(&mut in_pieces);
            met.finish(&mut by_meeting);
            let whole = encoder.encode(&pieces.concat());
            assert_eq!([&in_pieces, &by_meeting], [&whole, &whole], "{pieces:?}");
        }
    }

    #[test]
    fn a_piece_may_end_and_the_next_begin_at_any_column() {
        for column in 0..=2 * LINE {
            for end in ["x", " ", "=", ".", "é", "潮"] {
                for next in ["\r\n", "\r\n.", "x", ".", " ", "é"] {
                    same_in_pieces(&[format!("{}{end}", "x".repeat(column)), next.to_owned(), "y".to_owned()]);
                }
            }
        }
    }
}
