//! Commands and messages out, replies in, over a stream that is ours.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};

use super::reply::{Answer, Garbage, Incoming};
use super::{Lost, Stage, Why};

/// How long a broken connection may still tell what became of what was sent.
const FAREWELL: Duration = Duration::from_secs(1);

/// Room for what is read at once; a reply has a hundred bytes.
const BLOCK: usize = 4096;

/// What is read while a write waits; the replies to the largest window are a part of it.
const MOST_READ_AHEAD: usize = 64 << 10;

/// Bytes both ways: TCP, TLS over it, or a pipe in a test.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream to a relay with what was read ahead.
///
/// After a reply was not to be had it must be dropped: nobody knows which comes next.
pub(super) struct Wire {
    pub(super) stream: Box<dyn Stream>,
    incoming: Incoming,
    /// When the relay was last given something to answer, or answered.
    since: Instant,
    /// Why nothing more can be written; replies to what was may still come.
    broken: Option<Why>,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, incoming: Incoming::default(), since: Instant::now(), broken: None }
    }

    /// Sends one command line and waits for its reply, both within `deadline`.
    pub(super) async fn command(&mut self, stage: Stage, line: &str, deadline: Duration) -> Result<Answer, Lost> {
        self.expect_quiet().map_err(|why| Lost { stage, why })?;
        let line = format!("{line}\r\n");
        // Replies come to whole commands only.
        if self.write(&mut [IoSlice::new(line.as_bytes())], deadline).await.is_err() {
            return Err(self.farewell(stage).await);
        }
        self.reply(stage, deadline).await
    }

    /// Waits for a reply, for `deadline` from the last write or the last reply; nothing is lost by not waiting longer.
    pub(super) async fn reply(&mut self, stage: Stage, deadline: Duration) -> Result<Answer, Lost> {
        let until = self.since + if self.broken.is_some() { FAREWELL } else { deadline };
        let answered = match self.incoming.next() {
            // It came with the one before: no timer is needed.
            Ok(Some(answer)) => Ok(answer),
            _ => timeout_at(until, self.answer()).await.unwrap_or(Err(Why::Silence(deadline))),
        };
        match answered {
            Ok(answer) => {
                self.since = Instant::now();
                Ok(answer)
            }
            Err(why) => Err(Lost { stage, why: self.broken.clone().unwrap_or(why) }),
        }
    }

    /// The deadline of the next reply begins now: the wait so far was ours.
    pub(super) fn begin_waiting(&mut self) {
        self.since = Instant::now();
    }

    /// Whether nothing more can be written.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Checks that the relay has said nothing out of turn: it could be taken for a later reply.
    pub(super) fn expect_quiet(&mut self) -> Result<(), Why> {
        if self.incoming.is_empty() {
            return Ok(());
        }
        match self.incoming.next()? {
            Some(answer) if answer.code == 421 => Err(Why::Closing(answer.into())),
            Some(answer) => Err(Why::Unexpected(answer.into())),
            None => Err(Why::Garbage("half a reply out of turn".to_owned())),
        }
    }

    /// Writes `slices` one behind the other; each block that the system takes has `block` of time.
    ///
    /// An error is how many bytes were taken: those after them never leave.
    pub(super) async fn write(&mut self, mut slices: &mut [IoSlice<'_>], block: Duration) -> Result<(), usize> {
        let mut written = 0;
        IoSlice::advance_slices(&mut slices, 0);
        let result = loop {
            if slices.is_empty() {
                break timeout(block, self.stream.flush()).await;
            }
            match timeout(block, poll_fn(|context| self.poll_write(context, slices))).await {
                Ok(Ok(0)) => break Ok(Err(io::ErrorKind::BrokenPipe.into())),
                Ok(Ok(taken)) => {
                    written += taken;
                    IoSlice::advance_slices(&mut slices, taken);
                }
                failed => break failed.map(|result| result.map(drop)),
            }
        };
        self.since = Instant::now();
        let why = match result {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(_) => Why::Silence(block),
        };
        self.broken = Some(why);
        Err(written)
    }

    /// Writes; while that waits it reads, since a relay whose replies nobody takes may stop taking commands.
    fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        while written.is_pending() && self.incoming.bytes.len() < MOST_READ_AHEAD {
            let mut space = [0; BLOCK];
            let mut space = ReadBuf::new(&mut space);
            match Pin::new(&mut self.stream).poll_read(context, &mut space) {
                Poll::Ready(Ok(())) if !space.filled().is_empty() => {
                    self.incoming.bytes.extend_from_slice(space.filled());
                }
                // That the relay has closed, the write will find out.
                _ => break,
            }
        }
        written
    }

    /// Why the wire broke: as the relay says itself, if it does.
    pub(super) async fn farewell(&mut self, stage: Stage) -> Lost {
        match self.reply(stage, FAREWELL).await {
            Ok(answer) => Lost { stage, why: Why::Closing(answer.into()) },
            Err(lost) => lost,
        }
    }

    async fn answer(&mut self) -> Result<Answer, Why> {
        loop {
            if let Some(answer) = self.incoming.next()? {
                return Ok(answer);
            }
            self.incoming.bytes.reserve(BLOCK);
            if self.stream.read_buf(&mut self.incoming.bytes).await? == 0 {
                return Err(Why::Closed);
            }
        }
    }
}

impl From<Garbage> for Why {
    fn from(Garbage(text): Garbage) -> Self {
        Self::Garbage(text)
    }
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::*;
        match error.kind() {
            // TLS reports a close without goodbye as an unexpected end.
            UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe => Self::Closed,
            _ => Self::Broken(error.to_string()),
        }
    }
}
