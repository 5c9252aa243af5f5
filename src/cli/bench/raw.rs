//! The raw client: writes prepared bytes and reads replies, as fast as a program can that does nothing else.

use std::io::IoSlice;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::form::Form;

const ENVELOPE: &str = "MAIL FROM:<weekly@example.org>\r\nRCPT TO:<reader@example.org>\r\n";

/// Numbers from 0 on, each for one of those who ask.
#[derive(Debug)]
pub(super) struct Numbers {
    next: AtomicU64,
    end: u64,
}

impl Numbers {
    pub(super) fn up_to(end: u64) -> Self {
        Self { next: AtomicU64::new(0), end }
    }

    pub(super) fn next(&self) -> Option<u64> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < self.end)
    }
}

/// Opens a connection and sends `message` over it again and again, in a form, as long as there are `numbers`.
pub(super) async fn send(form: Form, to: SocketAddr, message: &[u8], numbers: &Numbers) -> anyhow::Result<()> {
    let mut raw = Raw::open(to).await?;
    let data = format!("{ENVELOPE}DATA\r\n");
    let (data, dot) = (data.as_bytes(), b".\r\n");
    match form {
        Form::Sequence => {
            while numbers.next().is_some() {
                for command in data.split_inclusive(|byte| *byte == b'\n') {
                    raw.say(&[command]).await?;
                    raw.hear(1).await?;
                }
                raw.say(&[message, dot]).await?;
                raw.hear(1).await?;
            }
        }
        Form::Pipelined => {
            while numbers.next().is_some() {
                raw.say(&[data]).await?;
                raw.hear(3).await?;
                raw.say(&[message, dot]).await?;
                raw.hear(1).await?;
            }
        }
        Form::BehindTheDot => {
            let mut next = numbers.next();
            if next.is_some() {
                raw.say(&[data]).await?;
                raw.hear(3).await?;
            }
            while next.is_some() {
                next = numbers.next();
                let (behind, replies) = if next.is_some() { (data, 4) } else { (&b""[..], 1) };
                raw.say(&[message, dot, behind]).await?;
                raw.hear(replies).await?;
            }
        }
        Form::Window(window) => {
            let chunk = format!("{ENVELOPE}BDAT {} LAST\r\n", message.len());
            let mut in_flight = 0;
            while numbers.next().is_some() {
                if in_flight == window {
                    raw.hear(3).await?;
                    in_flight -= 1;
                }
                raw.say(&[chunk.as_bytes(), message]).await?;
                in_flight += 1;
            }
            raw.hear(3 * in_flight).await?;
        }
    }
    Ok(())
}

/// Bytes out, lines of replies in.
struct Raw {
    stream: TcpStream,
    space: Vec<u8>,
    /// Lines that were read and not yet waited for.
    ahead: usize,
}

impl Raw {
    async fn open(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to).await.context("the sink does not answer")?;
        stream.set_nodelay(true)?;
        let mut raw = Self { stream, space: vec![0; 64 << 10], ahead: 0 };
        raw.hear(1).await?;
        raw.say(&[b"HELO raw\r\n"]).await?;
        raw.hear(1).await?;
        Ok(raw)
    }

    async fn say<const N: usize>(&mut self, parts: &[&[u8]; N]) -> anyhow::Result<()> {
        let mut slices = parts.map(IoSlice::new);
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let taken = self.stream.write_vectored(rest).await?;
            ensure!(taken > 0, "the sink takes no more");
            IoSlice::advance_slices(&mut rest, taken);
        }
        Ok(())
    }

    /// Waits for so many lines; all of a block must be well, as far as its first byte tells.
    async fn hear(&mut self, lines: usize) -> anyhow::Result<()> {
        while self.ahead < lines {
            let size = self.stream.read(&mut self.space).await?;
            let heard = self.space.get(..size).unwrap_or_default();
            ensure!(matches!(heard.first(), Some(b'2' | b'3')), "the sink refuses, or has gone");
            self.ahead += heard.iter().filter(|byte| **byte == b'\n').count();
        }
        self.ahead -= lines;
        Ok(())
    }
}
