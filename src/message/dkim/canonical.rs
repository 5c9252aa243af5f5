//! The relaxed forms of header and body (RFC 6376 §3.4.2, §3.4.4): what a relay on the way may change is left out.
//!
//! Lines end in CRLF, as those of all our messages do; RFC 6376 does not say what a bare CR or LF would mean.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256};

/// A header field in relaxed form: `subject:Roots and shoots`.
pub(super) struct Field {
    line: Vec<u8>,
    name_length: usize,
}

impl Field {
    /// Its name in lower case.
    pub(super) fn name(&self) -> &[u8] {
        &self.line[..self.name_length]
    }

    /// Name, colon, value; no line end.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }
}

/// The fields of a head in their order; every line of it ends in CRLF.
pub(super) fn fields(head: &[u8]) -> Vec<Field> {
    let mut fields = Vec::with_capacity(16);
    let mut start = 0;
    for end in memchr::memmem::find_iter(head, b"\r\n").map(|at| at + 2) {
        if !head.get(end).is_some_and(|next| is_white(*next)) {
            fields.push(field(&head[start..end]));
            start = end;
        }
    }
    fields
}

/// One field, folded or not.
pub(super) fn field(text: &[u8]) -> Field {
    let (name, value) = match memchr::memchr(b':', text) {
        Some(colon) => (&text[..colon], &text[colon + 1..]),
        None => (text, &[][..]),
    };
    let mut line = name.trim_ascii().to_ascii_lowercase();
    let name_length = line.len();
    line.push(b':');
    let mut words =
        value.split(|byte| is_white(*byte) || matches!(byte, b'\r' | b'\n')).filter(|word| !word.is_empty());
    if let Some(first) = words.next() {
        line.extend_from_slice(first);
    }
    for word in words {
        line.push(b' ');
        line.extend_from_slice(word);
    }
    Field { line, name_length }
}

/// How much text is looked at in one go.
const BLOCK: usize = 4_096;

/// The hash of a body in relaxed form, taken piece by piece wherever the pieces are cut.
///
/// A clone goes on from where the original stands, so a beginning that many messages share is hashed once:
///
/// ```
/// use masthead::message::dkim::BodyHash;
///
/// let mut shared = BodyHash::new();
/// shared.update(b"Dear reader,\r\n");
/// let mut ann = shared.clone();
/// ann.update(b"leave at https://example.org/u/1\r\n");
///
/// let mut whole = BodyHash::new();
/// whole.update(b"Dear reader, \r\nleave  at https://example.org/u/1\r\n\r\n");
/// assert_eq!(ann.finish(), whole.finish());
/// ```
#[derive(Clone)]
pub struct BodyHash {
    context: Context,
    /// The white space since the last visible byte: what it is depends on what follows.
    gap: Gap,
    /// Whether there was a visible byte.
    begun: bool,
}

/// White space between two visible bytes, or at an end.
#[derive(Clone, Copy, Default)]
struct Gap {
    line_ends: usize,
    /// Space or tab behind the last line end.
    white: bool,
}

impl BodyHash {
    /// The hash of nothing yet.
    pub fn new() -> Self {
        Self { context: Context::new(&SHA256), gap: Gap::default(), begun: false }
    }

    /// Adds what comes next.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while let Some(visible) = bytes.iter().position(|byte| !is_blank(*byte)) {
            self.widen(&bytes[..visible]);
            self.close_gap();
            bytes = &bytes[visible..];
            let block = &bytes[..bytes.len().min(BLOCK)];
            let end = block.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
            self.context.update(&relaxed(&block[..end]));
            self.begun = true;
            bytes = &bytes[end..];
        }
        self.widen(bytes);
    }

    /// SHA-256 of it all: empty lines at the end do not count, and the last line has its CRLF.
    pub fn finish(mut self) -> [u8; 32] {
        if self.begun {
            self.context.update(b"\r\n");
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(self.context.finish().as_ref());
        hash
    }

    /// Adds white space to the gap.
    fn widen(&mut self, blank: &[u8]) {
        for byte in blank {
            match byte {
                b'\r' => {}
                b'\n' => self.gap = Gap { line_ends: self.gap.line_ends + 1, white: false },
                _ => self.gap.white = true,
            }
        }
    }

    /// Something visible follows.
    fn close_gap(&mut self) {
        for _ in 0..self.gap.line_ends {
            self.context.update(b"\r\n");
        }
        if self.gap.white {
            self.context.update(b" ");
        }
        self.gap = Gap::default();
    }
}

impl Default for BodyHash {
    fn default() -> Self {
        Self::new()
    }
}

/// Text that begins and ends visibly, with every run of space and tab as one space, and none at a line's end.
fn relaxed(text: &[u8]) -> Cow<'_, [u8]> {
    // Most text is in that form already; this is a few bytes a nanosecond, since it needs no branch.
    let pairs = text.iter().zip(text.iter().skip(1));
    let as_it_is = !pairs.fold(false, |wrong, (here, next)| {
        wrong | (*here == b'\t') | (is_white(*here) & (is_white(*next) | (*next == b'\r')))
    });
    if as_it_is {
        return Cow::Borrowed(text);
    }
    let mut relaxed = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        match (is_white(*byte), text.get(at + 1)) {
            (true, Some(next)) if is_white(*next) || *next == b'\r' => {}
            (true, _) => relaxed.push(b' '),
            (false, _) => relaxed.push(*byte),
        }
    }
    Cow::Owned(relaxed)
}

fn is_white(byte: u8) -> bool {
    (byte == b' ') | (byte == b'\t')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use aws_lc_rs::digest::digest;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn body_is(body: &[u8], relaxed: &[u8]) {
        let mut hash = BodyHash::new();
        hash.update(body);
        assert_eq!(hash.finish(), digest(&SHA256, relaxed).as_ref(), "{}", body.escape_ascii());
    }

    /// RFC 6376 §3.4.5, example 1.
    #[test]
    fn the_example_of_the_rfc_has_its_relaxed_form() {
        let fields = fields(b"A: X\r\nB : Y\t\r\n\tZ  \r\n");
        assert_eq!(fields.iter().map(Field::line).collect::<Vec<_>>(), [b"a:X".as_slice(), b"b:Y Z"]);
        assert_eq!(fields[1].name(), b"b");
        body_is(b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n");
    }

    /// RFC 6376 §3.4.4 gives this hash, in base64.
    #[test]
    fn an_empty_body_has_the_hash_of_the_rfc() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        for body in ["", "\r\n", "\r\n \t\r\n"] {
            let mut hash = BodyHash::new();
            hash.update(body.as_bytes());
            assert_eq!(STANDARD.encode(hash.finish()), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "{body:?}");
        }
    }

    #[test]
    fn a_body_keeps_its_empty_lines_but_for_the_last_and_gets_its_line_end() {
        body_is(b"a\r\n\r\n \r\nb", b"a\r\n\r\n\r\nb\r\n");
        body_is(b"\r\n\r\n\ta", b"\r\n\r\n a\r\n");
        body_is(b"a \t b\t\tc \t\r\n", b"a b c\r\n");
    }

    /// As the RFC words it: line by line, then the end.
    fn by_the_rules(body: &str) -> String {
        let squeeze = |line: &str| {
            let mut squeezed = String::new();
            for c in line.chars() {
                let c = if c == '\t' { ' ' } else { c };
                if c != ' ' || !squeezed.ends_with(' ') {
                    squeezed.push(c);
                }
            }
            squeezed.trim_end_matches(' ').to_owned()
        };
        let lines: Vec<_> = body.split("\r\n").map(squeeze).collect();
        let lines = &lines[..lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1)];
        lines.iter().map(|line| format!("{line}\r\n")).collect()
    }

    proptest! {
        #[test]
        fn a_body_is_hashed_by_the_rules_however_it_is_cut(
            pieces in prop::collection::vec(prop::sample::select(vec!["a", "=3D", " ", "\t", "\r\n", "long"]), 0..60),
            repeat in prop::sample::select(vec![1_usize, 300]),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let body = pieces.concat().repeat(repeat);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let mut hash = BodyHash::new();
            for cut in cuts.windows(2) {
                hash = hash.clone();
                hash.update(&body.as_bytes()[cut[0]..cut[1]]);
            }
            let expected = digest(&SHA256, by_the_rules(&body).as_bytes());
            let hash = hash.finish();
            prop_assert_eq!(hash.as_slice(), expected.as_ref());
        }
    }
}
