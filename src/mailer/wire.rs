//! One command, one reply, over a stream that is ours.

use std::io::{self, IoSlice};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::reply::{Answer, Garbage, Incoming};
use super::{Lost, Stage, Why};

/// How long a broken connection may still tell why the relay closed it.
const FAREWELL: Duration = Duration::from_secs(1);

/// Bytes both ways: TCP, TLS over it, or a pipe in a test.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream to a relay with what was read ahead.
///
/// After an error it must be dropped: nobody knows which reply comes next.
pub(super) struct Wire {
    pub(super) stream: Box<dyn Stream>,
    incoming: Incoming,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, incoming: Incoming::default() }
    }

    /// Sends one command line and waits for its reply, both within `deadline`.
    pub(super) async fn command(&mut self, stage: Stage, line: &str, deadline: Duration) -> Result<Answer, Lost> {
        let exchange = async {
            self.expect_quiet()?;
            let line = format!("{line}\r\n");
            let written = async {
                self.stream.write_all(line.as_bytes()).await?;
                self.stream.flush().await
            };
            if let Err(error) = written.await {
                let why = Why::from(error);
                return Err(self.farewell().await.map_or(why, |answer| Why::Closing(answer.into())));
            }
            self.answer().await
        };
        let answer = timeout(deadline, exchange).await.unwrap_or(Err(Why::Silence(deadline)));
        answer.map_err(|why| Lost { stage, why })
    }

    /// Waits for a reply to what was written.
    pub(super) async fn reply(&mut self, stage: Stage, deadline: Duration) -> Result<Answer, Lost> {
        let answer = timeout(deadline, self.answer()).await.unwrap_or(Err(Why::Silence(deadline)));
        answer.map_err(|why| Lost { stage, why })
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

    /// Writes `parts` one behind the other; each block that the system takes has `block` of time.
    ///
    /// An error tells how many bytes were taken: those after them never leave.
    pub(super) async fn write(&mut self, parts: [&[u8]; 2], block: Duration) -> Result<(), (usize, Why)> {
        let mut written = 0;
        let mut slices = parts.map(IoSlice::new);
        let mut left = slices.as_mut_slice();
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match timeout(block, self.stream.write_vectored(left)).await {
                Ok(Ok(0)) => return Err((written, Why::Closed)),
                Ok(Ok(taken)) => {
                    written += taken;
                    IoSlice::advance_slices(&mut left, taken);
                }
                Ok(Err(error)) => return Err((written, error.into())),
                Err(_) => return Err((written, Why::Silence(block))),
            }
        }
        match timeout(block, self.stream.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err((written, error.into())),
            Err(_) => Err((written, Why::Silence(block))),
        }
    }

    /// What the relay said before it closed, if it did.
    pub(super) async fn farewell(&mut self) -> Option<Answer> {
        timeout(FAREWELL, self.answer()).await.ok()?.ok()
    }

    async fn answer(&mut self) -> Result<Answer, Why> {
        loop {
            if let Some(answer) = self.incoming.next()? {
                return Ok(answer);
            }
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
