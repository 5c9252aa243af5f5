//! TXT records, asked of a resolver (RFC 1035): over UDP, and over TCP where the answer is too long for that.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};

/// How long the resolver may take for each step.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a question is sent over UDP, which may lose it.
const TRIES: usize = 2;

/// Bytes of an answer over UDP that arrive everywhere; no server's default is more.
const UDP_ANSWER: u16 = 1_232;

/// Codes of record types and classes.
const TXT: u16 = 16;
const OPT: u16 = 41;
const INTERNET: u16 = 1;

/// Codes of answers.
const NO_ERROR: u8 = 0;
const NO_SUCH_NAME: u8 = 3;

/// A DNS server that looks names up for us.
pub(super) struct Resolver(SocketAddr);

/// Why nothing is known of a name.
#[derive(Debug, thiserror::Error)]
pub(super) enum DnsError {
    #[error("`/etc/resolv.conf` names no DNS server")]
    NoResolver,
    #[error("the DNS server {0} cannot be asked: {1}")]
    Unreachable(SocketAddr, io::Error),
    #[error("the DNS server {0} failed with code {1}")]
    Failed(SocketAddr, u8),
    #[error("the DNS server {0} gave no proper answer")]
    Garbage(SocketAddr),
    #[error("`{0}` is no name in DNS")]
    Name(String),
}

impl Resolver {
    /// The one at this address.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The first that the system uses.
    pub(super) fn of_system() -> Option<Self> {
        let text = std::fs::read_to_string("/etc/resolv.conf").ok()?;
        let address = text.lines().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            if words.next() == Some("nameserver") { words.next()?.parse::<IpAddr>().ok() } else { None }
        })?;
        Some(Self((address, 53).into()))
    }

    /// The TXT records of a name, the strings of each joined; none where there is no such name.
    pub(super) fn txt(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let query = query(name, random_id()).ok_or_else(|| DnsError::Name(name.to_owned()))?;
        let unreachable = |error| DnsError::Unreachable(self.0, error);
        let mut answer = self.ask_over_udp(&query).map_err(unreachable)?;
        if is_truncated(&answer) {
            answer = self.ask_over_tcp(&query).map_err(unreachable)?;
        }
        match read(&answer).ok_or(DnsError::Garbage(self.0))? {
            (NO_ERROR, texts) => Ok(texts),
            (NO_SUCH_NAME, _) => Ok(Vec::new()),
            (code, _) => Err(DnsError::Failed(self.0, code)),
        }
    }

    fn ask_over_udp(&self, query: &[u8]) -> io::Result<Vec<u8>> {
        let any: IpAddr = if self.0.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(self.0)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut answer = vec![0; usize::from(UDP_ANSWER)];
        let mut failure = io::Error::from(io::ErrorKind::TimedOut);
        for _ in 0..TRIES {
            socket.send(query)?;
            match socket.recv(&mut answer) {
                Ok(length) if answer[..length].starts_with(&query[..2]) => {
                    answer.truncate(length);
                    return Ok(answer);
                }
                // an answer to somebody else's question, or to an earlier one
                Ok(_) => {}
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn ask_over_tcp(&self, query: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&self.0, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let length = u16::try_from(query.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), query].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

fn random_id() -> [u8; 2] {
    let mut id = [0; 2];
    // Without random numbers it is one that can be guessed: it only makes a forged answer less likely.
    SystemRandom::new().fill(&mut id).ok();
    id
}

/// A question for TXT records, with recursion desired; `None` for what is no name.
fn query(name: &str, id: [u8; 2]) -> Option<Vec<u8>> {
    let mut query = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        query.push(length);
        query.extend_from_slice(label.as_bytes());
    }
    query.push(0);
    for number in [TXT, INTERNET] {
        query.extend_from_slice(&number.to_be_bytes());
    }
    if query.len() > 12 + 255 + 4 {
        return None;
    }
    // How long an answer may be (EDNS, RFC 6891 §6.1.2): the root's name, OPT, the length, nothing more.
    query.push(0);
    for number in [OPT, UDP_ANSWER, 0, 0, 0] {
        query.extend_from_slice(&number.to_be_bytes());
    }
    Some(query)
}

/// Whether there is more than fitted.
fn is_truncated(answer: &[u8]) -> bool {
    answer.get(2).is_some_and(|flags| flags & 0x02 != 0)
}

/// The response code and the TXT records of an answer; `None` for what is no answer.
fn read(answer: &[u8]) -> Option<(u8, Vec<String>)> {
    let mut rest = answer;
    let header = take(&mut rest, 12)?;
    let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    for _ in 0..number(4) {
        skip_name(&mut rest)?;
        take(&mut rest, 4)?;
    }
    let mut texts = Vec::new();
    // A key published through a CNAME stands in the answer too, behind the CNAME.
    for _ in 0..number(6) {
        skip_name(&mut rest)?;
        let fixed = take(&mut rest, 10)?;
        let mut data = take(&mut rest, usize::from(u16::from_be_bytes([fixed[8], fixed[9]])))?;
        if u16::from_be_bytes([fixed[0], fixed[1]]) == TXT {
            let mut text = Vec::with_capacity(data.len());
            while !data.is_empty() {
                let length = take(&mut data, 1)?[0];
                text.extend_from_slice(take(&mut data, usize::from(length))?);
            }
            texts.push(String::from_utf8_lossy(&text).into_owned());
        }
    }
    Some((header[3] & 0x0F, texts))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// Labels up to the empty one, or to a pointer (RFC 1035 §4.1.4).
fn skip_name(rest: &mut &[u8]) -> Option<()> {
    loop {
        match take(rest, 1)?[0] {
            0 => return Some(()),
            length if length < 64 => take(rest, usize::from(length))?,
            _ => return take(rest, 1).map(drop),
        };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer to a question for `a.example`: a CNAME, then a text of two strings.
    fn answer() -> Vec<u8> {
        let mut answer = vec![0, 0, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
        answer.extend_from_slice(b"\x01a\x07example\0\0\x10\0\x01");
        answer.extend_from_slice(b"\xC0\x0C\0\x05\0\x01\0\0\0\x3C\0\x04\x01b\xC0\x0E");
        answer.extend_from_slice(b"\x01b\xC0\x0E\0\x10\0\x01\0\0\0\x3C\0\x0B\x05v=DKI\x04M1; ");
        answer
    }

    #[test]
    fn a_text_is_read_behind_a_cname_with_its_strings_joined() {
        assert_eq!(read(&answer()), Some((0, vec!["v=DKIM1; ".to_owned()])));
        for cut in 0..answer().len() {
            assert_eq!(read(&answer()[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        for name in ["", "a..b", ".a", &"a".repeat(64), &"a.".repeat(200)] {
            assert_eq!(query(name, [0, 0]), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_reader(
            head in prop::collection::vec(any::<u8>(), 0..14),
            rest in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let _ = read(&[head, rest].concat());
        }
    }
}
