//! One message over an open connection: MAIL, RCPT, DATA, the message, the dot (RFC 5321 §3.3).
//!
//! Every answer is judged where it belongs: 354 alone opens the message, 2xx alone accepts it,
//! and once the dot may be on the wire, no answer means that nobody knows.

use std::borrow::Cow;

use memchr::memchr_iter;

use super::wire::Wire;
use super::{Capabilities, Deadlines, Envelope, Lost, Stage, Verdict, Why};
use crate::delivery::Reply;

/// A connection's wire with what is needed to use it; dropped with the future that uses it.
pub(super) struct Ready {
    pub(super) wire: Wire,
    /// A refused transaction has left an envelope behind.
    pub(super) unclean: bool,
}

/// What ends a transaction early.
enum Stop {
    Refused(Stage, Reply),
    Lost(Lost),
}

/// Sends one message; gives the wire back when it can carry another.
pub(super) async fn send(
    mut ready: Ready,
    capabilities: &Capabilities,
    deadlines: &Deadlines,
    envelope: &Envelope,
    message: &[u8],
) -> (Verdict, Option<Ready>) {
    let stuffed = match check(capabilities, envelope, message) {
        Ok(stuffed) => stuffed,
        Err(reply) => return (Verdict::Refused { stage: Stage::Check, reply }, Some(ready)),
    };
    let mail = mail_command(capabilities, envelope, message);
    match open(&mut ready, deadlines, &mail, envelope).await {
        Ok(()) => deliver(ready, deadlines, &stuffed).await,
        Err(Stop::Refused(stage, reply)) => {
            ready.unclean = true;
            (Verdict::Refused { stage, reply }, Some(ready))
        }
        Err(Stop::Lost(lost)) => (Verdict::NotSent(lost), None),
    }
}

/// Refuses what this relay cannot carry, before it is bothered; returns the message with dots stuffed.
fn check<'a>(capabilities: &Capabilities, envelope: &Envelope, message: &'a [u8]) -> Result<Cow<'a, [u8]>, Reply> {
    let refuse = |code, text: String| Err(Reply { code, text });
    if let Some(limit) = capabilities.size.filter(|limit| (1..message.len()).contains(limit)) {
        let size = message.len();
        return refuse(552, format!("5.3.4 the message has {size} bytes, the relay takes {limit}"));
    }
    if !capabilities.utf8 && envelope.to.needs_smtputf8() {
        return refuse(553, "5.6.7 the address needs SMTPUTF8, which the relay does not offer".to_owned());
    }
    if !capabilities.utf8 && envelope.from.needs_smtputf8() {
        return refuse(550, "5.1.7 the sender's address needs SMTPUTF8, which the relay does not offer".to_owned());
    }
    if !capabilities.eight_bit && !message.is_ascii() {
        return refuse(554, "5.6.3 the message has 8-bit bytes, the relay takes 7 bits only".to_owned());
    }
    match stuff_dots(message) {
        Some(stuffed) => Ok(stuffed),
        None => refuse(554, "5.6.0 the message has a CR or LF alone, which could hide a second message".to_owned()),
    }
}

fn mail_command(capabilities: &Capabilities, envelope: &Envelope, message: &[u8]) -> String {
    let mut command = format!("MAIL FROM:<{}>", envelope.from);
    if capabilities.size.is_some() {
        command += &format!(" SIZE={}", message.len());
    }
    if !message.is_ascii() {
        command += " BODY=8BITMIME";
    }
    if envelope.from.needs_smtputf8() || envelope.to.needs_smtputf8() {
        command += " SMTPUTF8";
    }
    command
}

/// Brings the relay to where it waits for the message.
async fn open(ready: &mut Ready, deadlines: &Deadlines, mail: &str, envelope: &Envelope) -> Result<(), Stop> {
    let wire = &mut ready.wire;
    if ready.unclean {
        step(wire, Stage::Reset, "RSET", deadlines).await?;
        ready.unclean = false;
    }
    step(wire, Stage::Mail, mail, deadlines).await?;
    step(wire, Stage::Recipient, &format!("RCPT TO:<{}>", envelope.to), deadlines).await?;
    step(wire, Stage::Data, "DATA", deadlines).await
}

/// One command; anything but the answer that goes on stops.
async fn step(wire: &mut Wire, stage: Stage, line: &str, deadlines: &Deadlines) -> Result<(), Stop> {
    let reply: Reply = wire.command(stage, line, deadlines.of(stage)).await.map_err(Stop::Lost)?.into();
    let lost = |why| Err(Stop::Lost(Lost { stage, why }));
    match (stage, reply.code) {
        (Stage::Data, 354) => Ok(()),
        (_, 421) => lost(Why::Closing(reply)),
        // Without a clean slate the next message would go to this one's reader.
        (Stage::Reset, 400..=599) => lost(Why::Unexpected(reply)),
        (_, 400..=599) => Err(Stop::Refused(stage, reply)),
        (Stage::Data, _) | (_, 300..=399) => lost(Why::Unexpected(reply)),
        _ => Ok(()),
    }
}

/// Writes the message and the dot, and judges the last reply.
async fn deliver(mut ready: Ready, deadlines: &Deadlines, stuffed: &[u8]) -> (Verdict, Option<Ready>) {
    let wire = &mut ready.wire;
    if let Err(why) = wire.expect_quiet() {
        return (Verdict::NotSent(Lost { stage: Stage::Data, why }), None);
    }
    let at_line_start = stuffed.is_empty() || stuffed.ends_with(b"\r\n");
    let end: &[u8] = if at_line_start { b".\r\n" } else { b"\r\n.\r\n" };
    let before_dot = stuffed.len() + end.len() - b".\r\n".len();
    match wire.write([stuffed, end], deadlines.block).await {
        Ok(()) => {}
        Err((written, why)) if written > before_dot => {
            return (Verdict::InDoubt(Lost { stage: Stage::Dot, why }), None);
        }
        Err((_, why)) => {
            let verdict = match wire.farewell().await.map(Reply::from) {
                Some(reply) if reply.code == 421 => {
                    Verdict::NotSent(Lost { stage: Stage::Body, why: Why::Closing(reply) })
                }
                Some(reply) if reply.code >= 400 => Verdict::Refused { stage: Stage::Body, reply },
                _ => Verdict::NotSent(Lost { stage: Stage::Body, why }),
            };
            return (verdict, None);
        }
    }
    match wire.reply(Stage::Dot, deadlines.dot).await.map(Reply::from) {
        Ok(reply) if reply.is_positive() => (Verdict::Accepted(reply), Some(ready)),
        Ok(reply) if reply.code == 421 => (Verdict::Refused { stage: Stage::Dot, reply }, None),
        Ok(reply) if reply.code >= 400 => {
            ready.unclean = true;
            (Verdict::Refused { stage: Stage::Dot, reply }, Some(ready))
        }
        Ok(reply) => (Verdict::InDoubt(Lost { stage: Stage::Dot, why: Why::Unexpected(reply) }), None),
        Err(lost) => (Verdict::InDoubt(lost), None),
    }
}

/// Doubles the dot at the start of a line (RFC 5321 §4.5.2); most messages have none and are not copied.
///
/// `None` when a CR or LF is not part of a CRLF.
fn stuff_dots(message: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut line_ends = 0;
    let mut dots = usize::from(message.starts_with(b"."));
    for line_end in memchr_iter(b'\n', message) {
        if !message.get(..line_end).is_some_and(|line| line.ends_with(b"\r")) {
            return None;
        }
        line_ends += 1;
        dots += usize::from(message.get(line_end + 1) == Some(&b'.'));
    }
    if memchr_iter(b'\r', message).count() != line_ends {
        return None;
    }
    if dots == 0 {
        return Some(Cow::Borrowed(message));
    }
    let mut stuffed = Vec::with_capacity(message.len() + dots);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    Some(Cow::Owned(stuffed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::VecDeque;
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;
    use crate::subscriber::EmailAddress;

    /// A network that takes so many bytes and then breaks; a reply for each read, then the end.
    struct Breaking {
        takes: usize,
        replies: VecDeque<&'static str>,
    }

    impl AsyncRead for Breaking {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            buffer.put_slice(self.replies.pop_front().unwrap_or_default().as_bytes());
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Breaking {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.takes);
            self.takes -= taken;
            Poll::Ready(if taken == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) })
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn only_once_the_dot_may_be_on_the_wire_is_there_doubt() {
        let address = EmailAddress::parse("a@example.org").unwrap();
        let envelope = Envelope { from: address.clone(), to: address };
        let commands = "MAIL FROM:<a@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n".len();
        for (message, before_dot) in [("a\r\n.b\r\n", "a\r\n..b\r\n".len()), ("ab", "ab\r\n".len()), ("", 0)] {
            for takes in 0..=commands + before_dot + ".\r\n".len() {
                let replies = VecDeque::from(["250 mail\r\n", "250 rcpt\r\n", "354 data\r\n"]);
                let wire = Wire::new(Box::new(Breaking { takes, replies }));
                let ready = Ready { wire, unclean: false };
                let (capabilities, deadlines) = (Capabilities::default(), Deadlines::default());
                let (verdict, ready) = send(ready, &capabilities, &deadlines, &envelope, message.as_bytes()).await;
                let doubt = matches!(verdict, Verdict::InDoubt(_));
                assert_eq!(doubt, takes > commands + before_dot, "{message:?}, {takes} bytes: {verdict:?}");
                assert!(doubt || matches!(verdict, Verdict::NotSent(_)), "{verdict:?}");
                assert!(ready.is_none());
            }
        }
    }

    #[test]
    fn dots_are_doubled_at_the_start_of_lines_only() {
        let stuffed =
            |message: &str| stuff_dots(message.as_bytes()).map(|bytes| String::from_utf8_lossy(&bytes).into());
        assert_eq!(stuffed("a.b\r\n"), Some("a.b\r\n".to_owned()));
        assert_eq!(stuffed(".\r\n..\r\na\r\n.b"), Some("..\r\n...\r\na\r\n..b".to_owned()));
        assert_eq!(stuffed(""), Some(String::new()));
        assert!(matches!(stuff_dots(b"a\r\nb."), Some(Cow::Borrowed(_))));
    }

    #[test]
    fn a_line_end_that_is_no_crlf_is_found() {
        for clean in ["", "a", "a\r\n", "\r\n\r\n", "a\r\nb"] {
            assert!(stuff_dots(clean.as_bytes()).is_some(), "{clean:?}");
        }
        for dirty in ["\r", "\n", "a\n.\n", "a\r.\r", "\n\r", "a\r\r\n", "a\r\n\n", "a\r\nb\r"] {
            assert!(stuff_dots(dirty.as_bytes()).is_none(), "{dirty:?}");
        }
    }
}
