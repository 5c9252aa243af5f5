//! Replies as they come off the wire (RFC 5321 §4.2), wherever the packets end.

use memchr::memchr;

use crate::delivery::{EnhancedCode, Reply};

/// Eight times what RFC 5321 §4.5.3.1.5 allows.
const LONGEST_LINE: usize = 4096;
/// An answer to EHLO has dozens of lines at most.
const LONGEST_REPLY: usize = 64 << 10;
/// How much of a reply's text is kept, in characters.
const LONGEST_TEXT: usize = 500;

/// Bytes from the relay that are not yet taken as replies.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub(super) bytes: Vec<u8>,
    begun: Option<Answer>,
}

/// One whole reply, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

/// Bytes that are no reply; the first of them, made printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Garbage(pub(super) String);

impl Incoming {
    /// Takes the next reply out, `None` while it is incomplete.
    pub(super) fn next(&mut self) -> Result<Option<Answer>, Garbage> {
        while let Some(end) = memchr(b'\n', &self.bytes) {
            let line = self.bytes.get(..=end).unwrap_or_default();
            let (code, last, text) = read_line(line).ok_or_else(|| Garbage(printable(line)))?;
            let answer = self.begun.get_or_insert(Answer { code, lines: Vec::new() });
            let length = answer.lines.iter().map(String::len).sum::<usize>();
            if answer.code != code || length + text.len() > LONGEST_REPLY {
                return Err(Garbage(printable(line)));
            }
            answer.lines.push(text);
            self.bytes.drain(..=end);
            if last {
                return Ok(self.begun.take());
            }
        }
        if self.bytes.len() > LONGEST_LINE { Err(Garbage(printable(&self.bytes))) } else { Ok(None) }
    }

    /// Whether every byte was taken out as part of a whole reply.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.begun.is_none()
    }
}

/// Code, whether the reply ends here, and text of `250-text` or `250 text`.
fn read_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, rest) = line.split_at_checked(3).filter(|_| line.len() <= LONGEST_LINE)?;
    let [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] = code else { return None };
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest {
        [] => Some((code, true, String::new())),
        [b' ', text @ ..] => Some((code, true, printable(text))),
        [b'-', text @ ..] => Some((code, false, printable(text))),
        _ => None,
    }
}

/// The bytes as text that is safe in a log and on a terminal, cut to a sane length.
fn printable(bytes: &[u8]) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    // Nearly every reply; there is one to each command of each message.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    let text = match bytes.trim_ascii_end() {
        plain if plain.len() <= LONGEST_TEXT && plain.iter().all(is_plain) => {
            return String::from_utf8_lossy(plain).into_owned();
        }
        _ => String::from_utf8_lossy(bytes),
    };
    text.trim_end().chars().take(LONGEST_TEXT).map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

impl From<Answer> for Reply {
    /// Joins the lines by a space; an enhanced code that each line repeats is kept once.
    fn from(answer: Answer) -> Self {
        let mut lines = answer.lines.into_iter();
        let mut text = lines.next().unwrap_or_default();
        if lines.len() == 0 {
            return Reply { code: answer.code, text };
        }
        let code = EnhancedCode::at_start(&text).map(|code| format!("{code} "));
        for line in lines {
            let line = code.as_deref().and_then(|code| line.strip_prefix(code)).unwrap_or(&line);
            text.push(' ');
            text.push_str(line);
        }
        if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
            text.truncate(end);
        }
        Reply { code: answer.code, text }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `pieces` one after another and collects what comes out.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Reply>, Garbage> {
        let mut incoming = Incoming::default();
        let mut replies = Vec::new();
        for piece in pieces {
            incoming.bytes.extend_from_slice(piece);
            while let Some(answer) = incoming.next()? {
                replies.push(answer.into());
            }
        }
        assert!(incoming.is_empty());
        Ok(replies)
    }

    fn reply(code: u16, text: &str) -> Reply {
        Reply { code, text: text.into() }
    }

    const WIRE: &[u8] = b"250-5.1.1 one\r\n250-5.1.1 two\r\n250 5.1.1 three\r\n354\r\n421-\r\n421 \r\n550 no\n";

    #[test]
    fn replies_are_the_same_wherever_the_packets_end() {
        let whole = [reply(250, "5.1.1 one two three"), reply(354, ""), reply(421, " "), reply(550, "no")];
        assert_eq!(read([WIRE]).unwrap(), whole);
        assert_eq!(read(WIRE.chunks(1)).unwrap(), whole);
        for first in 0..WIRE.len() {
            for second in first..WIRE.len() {
                let pieces = [&WIRE[..first], &WIRE[first..second], &WIRE[second..]];
                assert_eq!(read(pieces).unwrap(), whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn what_is_no_reply_is_garbage() {
        for wire in ["hello\r\n", "25\r\n", "150 early\r\n", "650 late\r\n", "2x0 no\r\n", "250_no\r\n", "\r\n"] {
            assert!(read([wire.as_bytes()]).is_err(), "{wire:?}");
        }
        assert!(read([b"250-one\r\n251 two\r\n".as_slice()]).is_err(), "codes differ");
    }

    #[test]
    fn a_relay_cannot_fill_the_memory() {
        let mut endless = Incoming { bytes: vec![b'2'; LONGEST_LINE + 1], ..Incoming::default() };
        assert!(endless.next().is_err());
        let lines = "250-a line of some length that never ends\r\n".repeat(10_000);
        assert!(read([lines.as_bytes()]).is_err());
    }

    #[test]
    fn text_is_safe_to_print_and_short() {
        let replies = read([b"550 a\x1b[2Jb\xff\0c\r\n".as_slice(), "550 x\u{202e}y\r\n".as_bytes()]).unwrap();
        assert_eq!(replies, [reply(550, "a\u{fffd}[2Jb\u{fffd}\u{fffd}c"), reply(550, "x\u{fffd}y")]);
        let long = format!("550-{0}\r\n550 {0}\r\n", "é".repeat(400));
        assert_eq!(read([long.as_bytes()]).unwrap()[0].text.chars().count(), LONGEST_TEXT);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, size in 1usize..9) {
            let mut incoming = Incoming::default();
            for piece in bytes.chunks(size) {
                incoming.bytes.extend_from_slice(piece);
                while let Ok(Some(answer)) = incoming.next() {
                    let _ = Reply::from(answer);
                }
            }
        }
    }
}
