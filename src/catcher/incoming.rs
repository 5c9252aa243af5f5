//! What a client sends, a block at a time: command lines, messages up to the dot, counted octets.

use std::io;

use memchr::memchr;
use memchr::memmem::Finder;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How much is read at once; a batch of commands or a message of common size comes in one block.
const BLOCK: usize = 256 << 10;

/// A client's bytes, from the stream to the protocol.
pub(super) struct Incoming {
    pub(super) stream: TcpStream,
    block: Vec<u8>,
    /// How much of `block` was taken.
    taken: usize,
}

/// Bytes that belong to one message; those beyond a limit are counted only.
#[derive(Default)]
pub(super) struct Content {
    /// What was kept.
    pub(super) bytes: Vec<u8>,
    /// How many came in all.
    pub(super) size: usize,
}

impl Content {
    fn add(&mut self, bytes: &[u8], most: usize) {
        self.size += bytes.len();
        if self.size <= most {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

/// How a message up to the dot is read.
pub(super) struct UntilDot {
    content: Content,
    /// Whether the next byte begins a line, so that a dot there is stuffing or the end.
    at_start: bool,
    line_end: Finder<'static>,
}

impl Incoming {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, block: Vec::with_capacity(BLOCK), taken: 0 }
    }

    /// Reads what is there, at least a byte; false at the end of the stream.
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn fill(&mut self) -> io::Result<bool> {
        self.block.drain(..self.taken);
        self.taken = 0;
        self.block.reserve(BLOCK / 2);
        Ok(self.stream.read_buf(&mut self.block).await? > 0)
    }

    fn rest(&self) -> &[u8] {
        self.block.get(self.taken..).unwrap_or_default()
    }

    /// Takes the next line without its line end, `None` while it is incomplete.
    ///
    /// One longer than `longest` comes as its last bytes, which are no command.
    pub(super) fn line(&mut self, longest: usize) -> Option<String> {
        let rest = self.rest();
        let Some(end) = memchr(b'\n', rest) else {
            self.taken += rest.len().saturating_sub(longest);
            return None;
        };
        let line = rest.get(end.saturating_sub(longest)..end).unwrap_or_default();
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        self.taken += end + 1;
        Some(line)
    }

    /// Takes up to `count` octets into `content`, of which at most `most` are kept; returns how many are still to come.
    pub(super) fn octets(&mut self, count: usize, content: &mut Content, most: usize) -> usize {
        let rest = self.rest();
        let here = rest.get(..count).unwrap_or(rest);
        content.add(here, most);
        let here = here.len();
        self.taken += here;
        count - here
    }

    /// Takes bytes up to the dot alone (RFC 5321 §4.5.2), `None` while it has not come.
    ///
    /// Only CRLF ends a line, so a bare LF hides no second message.
    pub(super) fn until_dot(&mut self, state: &mut UntilDot, most: usize) -> Option<Content> {
        loop {
            let rest = self.rest();
            if state.at_start {
                match rest {
                    [b'.', b'\r', b'\n', ..] => {
                        self.taken += 3;
                        return Some(std::mem::take(&mut state.content));
                    }
                    [] | [b'.'] | [b'.', b'\r'] => return None,
                    [b'.', ..] => self.taken += 1,
                    _ => {}
                }
                state.at_start = false;
                continue;
            }
            let line_end = state.line_end.find(rest);
            let here = match line_end {
                Some(at) => at + 2,
                // The end of the block may be the beginning of a line end.
                None if rest.ends_with(b"\r\n") => rest.len() - 2,
                None if rest.ends_with(b"\r") => rest.len() - 1,
                None => rest.len(),
            };
            state.content.add(rest.get(..here).unwrap_or_default(), most);
            self.taken += here;
            state.at_start = line_end.is_some();
            if !state.at_start {
                return None;
            }
        }
    }
}

impl UntilDot {
    pub(super) fn new() -> Self {
        Self { content: Content::default(), at_start: true, line_end: Finder::new(b"\r\n.") }
    }
}
