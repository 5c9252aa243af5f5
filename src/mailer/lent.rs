//! A stream lent to lettre, which gives none back: it speaks through this handle while we keep hold of the stream.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::wire::Stream;

/// More than any answer to EHLO and AUTH; lettre itself sets no bound on a line.
const MOST_HEARD: usize = 64 << 10;

/// What both ends of the loan share.
pub(super) struct Loan {
    stream: Box<dyn Stream>,
    /// Bytes that the borrower reads before any from the stream.
    ahead: &'static [u8],
    /// Every byte that came from the stream: the exact replies, which lettre does not pass on.
    heard: Vec<u8>,
}

/// The borrower's end.
pub(super) struct Lent(Arc<Mutex<Loan>>, SocketAddr);

/// The owner's end.
pub(super) struct Owned(Arc<Mutex<Loan>>);

/// Lends `stream`; the borrower first reads `ahead`, as if it came from `peer`.
pub(super) fn lend(stream: Box<dyn Stream>, ahead: &'static [u8], peer: SocketAddr) -> (Lent, Owned) {
    let loan = Arc::new(Mutex::new(Loan { stream, ahead, heard: Vec::new() }));
    (Lent(Arc::clone(&loan), peer), Owned(loan))
}

impl Owned {
    /// What the borrower has heard so far.
    pub(super) fn heard(&self) -> Vec<u8> {
        lock(&self.0).heard.clone()
    }

    /// The stream again, once the borrower is dropped.
    pub(super) fn take_back(self) -> Option<Box<dyn Stream>> {
        Arc::into_inner(self.0).map(|loan| loan.into_inner().unwrap_or_else(PoisonError::into_inner).stream)
    }
}

fn lock(loan: &Mutex<Loan>) -> MutexGuard<'_, Loan> {
    loan.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncTokioStream for Lent {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.1)
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut loan = lock(&self.0);
        if !loan.ahead.is_empty() {
            let (now, later) = loan.ahead.split_at(loan.ahead.len().min(buffer.remaining()));
            buffer.put_slice(now);
            loan.ahead = later;
            return Poll::Ready(Ok(()));
        }
        if loan.heard.len() > MOST_HEARD {
            return Poll::Ready(Err(io::Error::other("the relay talks without end")));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut loan.stream).poll_read(context, buffer);
        loan.heard.extend_from_slice(buffer.filled().get(before..).unwrap_or_default());
        read
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut lock(&self.0).stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut lock(&self.0).stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut lock(&self.0).stream).poll_shutdown(context)
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lent")
    }
}
