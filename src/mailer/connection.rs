//! A connection: what was announced over it, what is in flight, and in which form messages go.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::transaction::{self, Flight, Goodbye, Opened, Opening, Then};
use super::wire::Wire;
use super::{Capabilities, ConnectError, Deadlines, Lost, Mail, Relay, Stage, Verdict, Why, connect};

/// The form that transactions take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each command waits for the reply to the one before.
    Sequence,
    /// MAIL, RCPT and DATA go at once, behind the message before where there is one (RFC 2920).
    Pipelined,
    /// Whole transactions follow each other without a wait (RFC 3030).
    Chunked {
        /// How many messages are in flight at most: a crash leaves as many in doubt.
        window: usize,
    },
}

impl Mode {
    fn of(relay: &Relay, capabilities: &Capabilities) -> Self {
        match relay.window() {
            _ if !(capabilities.pipelining && relay.pipelines()) => Self::Sequence,
            window if window > 1 && capabilities.chunking => Self::Chunked { window },
            _ => Self::Pipelined,
        }
    }
}

/// An open connection to a relay, owned by one worker.
pub struct Connection {
    /// Taken out while it is written to: a dropped future drops the wire with it.
    wire: Option<Wire>,
    mode: Mode,
    capabilities: Capabilities,
    deadlines: Deadlines,
    /// A refused transaction may have left an envelope behind.
    is_unclean: bool,
    /// What is on the wire ahead of its message; its replies are not read yet.
    announced: Option<Opening>,
    in_flight: VecDeque<Submitted>,
    /// Nothing goes out after it, but what is in flight may be answered.
    goodbye: Option<Goodbye>,
}

enum Submitted {
    /// It never reached the wire whole, or its verdict is known already.
    Judged(Verdict),
    Flying(Flight),
}

impl Connection {
    /// Connects, secures, greets and authenticates as `relay` says.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] tells whether waiting helps or the configuration is at fault.
    pub async fn open(relay: &Relay) -> Result<Self, ConnectError> {
        let (wire, capabilities) = connect::open(relay).await?;
        Ok(Self::over(wire, Mode::of(relay, &capabilities), capabilities, relay.deadlines))
    }

    pub(super) fn over(wire: Wire, mode: Mode, capabilities: Capabilities, deadlines: Deadlines) -> Self {
        Self {
            wire: Some(wire),
            mode,
            capabilities,
            deadlines,
            is_unclean: false,
            announced: None,
            in_flight: VecDeque::new(),
            goodbye: None,
        }
    }

    /// Sends one mail and waits for its verdict.
    ///
    /// When the future is dropped before it is done, the connection is closed,
    /// and the mail is in doubt unless the caller knows better.
    pub async fn send(&mut self, mail: &Mail) -> Verdict {
        let closed = Self { wire: None, announced: None, in_flight: VecDeque::new(), goodbye: None, ..*self };
        let mut connection = std::mem::replace(self, closed);
        connection.submit(mail, None).await;
        let verdict = connection.verdict().await;
        *self = connection;
        verdict.unwrap_or(Verdict::NotSent(Lost { stage: Stage::Check, why: Why::NotOpen }))
    }

    /// Puts a mail on the wire; its verdict will be the next that is not yet asked for.
    ///
    /// Where the relay pipelines, the envelope of `next` goes out behind it, ahead of its message.
    /// Then `next` must be the next to be submitted: with any other the connection ends, since the relay waits for it.
    ///
    /// When the future is dropped before it is done, the connection is closed.
    pub async fn submit(&mut self, mail: &Mail, next: Option<&Mail>) {
        let submitted = match self.wire.take() {
            Some(wire) if self.may_write_to(&wire) && self.in_flight.len() < self.window() => {
                match transaction::check(&self.capabilities, mail) {
                    Ok(()) => self.put(wire, mail, next).await,
                    Err(reply) => {
                        self.wire = Some(wire);
                        Submitted::Judged(Verdict::Refused { stage: Stage::Check, reply })
                    }
                }
            }
            wire => {
                self.wire = wire;
                not_sent(Lost { stage: Stage::Check, why: Why::NotOpen })
            }
        };
        self.in_flight.push_back(submitted);
    }

    /// The verdict on the oldest mail that was submitted; `None` when there is none.
    ///
    /// A dropped future loses nothing: the verdict can be asked for again.
    pub async fn verdict(&mut self) -> Option<Verdict> {
        let (verdict, lost) = match (self.in_flight.front_mut()?, &mut self.wire) {
            (Submitted::Judged(verdict), _) => (verdict.clone(), None),
            (Submitted::Flying(flight), Some(wire)) => flight.verdict(wire, &self.deadlines, &mut self.goodbye).await,
            (Submitted::Flying(flight), None) => {
                let lost = Lost { stage: Stage::Dot, why: Why::NotOpen };
                (flight.lost(&lost, None), Some(lost))
            }
        };
        let was_flying = matches!(self.in_flight.pop_front(), Some(Submitted::Flying(_)));
        if was_flying {
            self.is_unclean = !matches!(verdict, Verdict::Accepted(_));
        }
        let verdict = match &lost {
            None => self.find_surplus(&verdict).unwrap_or(verdict),
            Some(_) => verdict,
        };
        let is_flying = self.in_flight.iter().any(|submitted| matches!(submitted, Submitted::Flying(_)));
        if let Some(lost) =
            lost.or_else(|| self.goodbye.as_ref().filter(|_| !is_flying).map(|goodbye| goodbye.said().clone()))
        {
            self.lose(&lost);
        }
        Some(verdict)
    }

    /// How many mails can be submitted before a verdict must be taken: none when the connection has ended.
    pub fn room(&self) -> usize {
        if self.is_open() { self.window() - self.in_flight.len() } else { 0 }
    }

    /// How many mails can be in flight at once.
    pub fn window(&self) -> usize {
        match self.mode {
            Mode::Chunked { window } => window,
            Mode::Sequence | Mode::Pipelined => 1,
        }
    }

    /// Whether another mail can be sent over it.
    pub fn is_open(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| self.may_write_to(wire))
    }

    /// Whether the relay waits for the mail that was announced, and takes no other.
    pub fn waits_for_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// What the relay offers.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// How mails are sent over it.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Says goodbye and closes; does not wait long for an answer. A relay that waits for a message gets no goodbye.
    pub async fn quit(mut self) {
        let idle = self.announced.is_none() && self.in_flight.is_empty();
        if let Some(mut wire) = self.wire.take().filter(|_| idle) {
            let patience = Duration::from_secs(2).min(self.deadlines.mail);
            let _ = wire.command(Stage::Reset, "QUIT", patience).await;
        }
    }

    fn may_write_to(&self, wire: &Wire) -> bool {
        self.goodbye.is_none() && !wire.is_broken()
    }

    /// Writes as the mode has it; the wire is kept as long as a reply may come.
    async fn put(&mut self, mut wire: Wire, mail: &Mail, next: Option<&Mail>) -> Submitted {
        wire.begin_waiting();
        let flight = match self.mode {
            Mode::Chunked { .. } => {
                let is_idle = self.in_flight.is_empty();
                if is_idle && let Err(why) = wire.expect_quiet() {
                    return not_sent(Lost { stage: Stage::Mail, why });
                }
                // What becomes of those before is not known yet; a refused one leaves its envelope.
                let with_reset = self.is_unclean || !is_idle;
                Flight::chunk(&mut wire, &self.capabilities, &self.deadlines, mail, with_reset).await
            }
            Mode::Sequence | Mode::Pipelined => {
                let next = next.filter(|next| {
                    self.mode == Mode::Pipelined && transaction::check(&self.capabilities, next).is_ok()
                });
                match self.begin(&mut wire, mail).await {
                    Opened::Ready => {}
                    Opened::Lost(lost) => return not_sent(lost),
                    Opened::Refused(stage, reply, then) => {
                        self.is_unclean = true;
                        if matches!(then, Then::GoOn) {
                            self.announce(wire, next).await;
                        }
                        return Submitted::Judged(Verdict::Refused { stage, reply });
                    }
                }
                if let Err(why) = wire.expect_quiet() {
                    return not_sent(Lost { stage: Stage::Data, why });
                }
                self.is_unclean = false;
                self.announced = next.map(|next| Opening::new(&self.capabilities, next, false));
                Flight::body(&mut wire, &self.deadlines, mail, self.announced.as_ref()).await
            }
        };
        self.wire = Some(wire);
        Submitted::Flying(flight)
    }

    /// Brings the relay to where it waits for the message; it may be there already.
    async fn begin(&mut self, wire: &mut Wire, mail: &Mail) -> Opened {
        let opening = match self.announced.take() {
            Some(opening) if opening.is_of(&self.capabilities, mail) => opening,
            Some(_) => return Opened::Lost(Lost { stage: Stage::Check, why: Why::NotOpen }),
            None => {
                let opening = Opening::new(&self.capabilities, mail, self.is_unclean);
                if self.mode == Mode::Sequence {
                    return transaction::open_in_sequence(wire, &self.deadlines, &opening).await;
                }
                if let Err(lost) = transaction::write(wire, &self.deadlines, &opening).await {
                    return Opened::Lost(lost);
                }
                opening
            }
        };
        transaction::read(wire, &self.deadlines, &opening).await
    }

    /// Writes the opening of `next` behind a refused one, so that it is answered when its turn comes.
    async fn announce(&mut self, mut wire: Wire, next: Option<&Mail>) {
        if let Some(next) = next {
            let opening = Opening::new(&self.capabilities, next, true);
            if transaction::write(&mut wire, &self.deadlines, &opening).await.is_err() {
                return;
            }
            self.announced = Some(opening);
        }
        self.wire = Some(wire);
    }

    /// Drops the wire; each mail that is still in flight gets its verdict.
    fn lose(&mut self, lost: &Lost) {
        self.wire = None;
        self.announced = None;
        for submitted in &mut self.in_flight {
            if let Submitted::Flying(flight) = submitted {
                *submitted = Submitted::Judged(flight.lost(lost, self.goodbye.as_ref()));
            }
        }
    }

    /// One reply more than there were commands, and nothing says which it is: no 354 stands before an answer to BDAT.
    fn find_surplus(&mut self, verdict: &Verdict) -> Option<Verdict> {
        let is_last = matches!(self.mode, Mode::Chunked { .. }) && self.in_flight.is_empty();
        if !is_last || matches!(verdict, Verdict::Refused { stage: Stage::Check, .. }) {
            return None;
        }
        let why = self.wire.as_mut()?.expect_quiet().err()?;
        if self.goodbye.is_some() && matches!(why, Why::Closing(_)) {
            return None;
        }
        let lost = Lost { stage: Stage::Dot, why };
        self.lose(&lost);
        Some(Verdict::InDoubt(lost))
    }
}

fn not_sent(lost: Lost) -> Submitted {
    Submitted::Judged(Verdict::NotSent(lost))
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("open", &self.is_open()).field("mode", &self.mode).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;
    use crate::mailer::Envelope;
    use crate::subscriber::EmailAddress;

    const MODES: [Mode; 3] = [Mode::Sequence, Mode::Pipelined, Mode::Chunked { window: 4 }];

    /// A network that takes so many bytes and then breaks; a reply for each read, then the end.
    struct Breaking {
        takes: usize,
        replies: Vec<&'static str>,
    }

    impl AsyncRead for Breaking {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if !self.replies.is_empty() {
                buffer.put_slice(self.replies.remove(0).as_bytes());
            }
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

    fn over(takes: usize, replies: &[&'static str], mode: Mode) -> Connection {
        let wire = Wire::new(Box::new(Breaking { takes, replies: replies.to_vec() }));
        Connection::over(wire, mode, Capabilities::default(), Deadlines::default())
    }

    fn mail(message: &str) -> Mail {
        let address = EmailAddress::parse("a@example.org").unwrap();
        Mail::new(Envelope { from: address.clone(), to: address }, message.as_bytes())
    }

    const ENVELOPE: usize = "MAIL FROM:<a@example.org>\r\nRCPT TO:<a@example.org>\r\n".len();
    const DATA: usize = ENVELOPE + "DATA\r\n".len();

    #[tokio::test]
    async fn only_once_the_last_byte_may_be_on_the_wire_is_there_doubt() {
        let messages = [("a\r\n.b\r\n", "a\r\n..b\r\n", 7), ("ab", "ab\r\n", 4), ("", "", 0)];
        for (message, stuffed, size) in messages {
            for mode in MODES {
                let (replies, doubt_from) = match mode {
                    Mode::Chunked { .. } => {
                        (&["250 mail\r\n", "250 rcpt\r\n"][..], ENVELOPE + "BDAT 0 LAST\r\n".len() + size)
                    }
                    _ => (&["250 mail\r\n", "250 rcpt\r\n", "354 data\r\n"][..], DATA + stuffed.len() + 1),
                };
                for takes in 0..=doubt_from + 2 {
                    let mut connection = over(takes, replies, mode);
                    let verdict = connection.send(&mail(message)).await;
                    let doubt = matches!(verdict, Verdict::InDoubt(_));
                    assert_eq!(doubt, takes >= doubt_from, "{mode:?}, {message:?}, {takes} bytes: {verdict:?}");
                    assert!(doubt || matches!(verdict, Verdict::NotSent(_)), "{verdict:?}");
                    assert!(!connection.is_open());
                }
            }
        }
    }

    #[tokio::test]
    async fn what_breaks_behind_the_dot_leaves_the_answer_to_the_dot() {
        let replies = ["250 mail\r\n", "250 rcpt\r\n", "354 data\r\n", "250 taken\r\n"];
        let dot = DATA + "a\r\n.\r\n".len();
        for takes in dot..dot + DATA {
            let mut connection = over(takes, &replies, Mode::Pipelined);
            connection.submit(&mail("a"), Some(&mail("b"))).await;
            assert!(matches!(connection.verdict().await, Some(Verdict::Accepted(_))), "{takes} bytes");
            assert!(!connection.is_open());
            connection.submit(&mail("b"), None).await;
            assert!(matches!(connection.verdict().await, Some(Verdict::NotSent(_))), "{takes} bytes");
        }
    }
}
