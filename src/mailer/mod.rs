//! SMTP: opens a connection to the relay and sends mail over it.
//!
//! lettre greets and authenticates; the transactions are ours, since each needs its exact verdict:
//!
//! ```no_run
//! # async fn example(envelope: masthead::mailer::Envelope, message: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! use masthead::mailer::{Connection, Mail, Relay, Verdict};
//!
//! let relay = Relay::parse("smtps://weekly:secret@relay.example.org")?;
//! let mut connection = Connection::open(&relay).await?;
//! match connection.send(&Mail::new(envelope, message)).await {
//!     Verdict::Accepted(reply) => println!("{reply}"),
//!     Verdict::Refused { stage, reply } => println!("refused at {stage}: {reply}"),
//!     Verdict::NotSent(lost) => println!("try again: {lost}"),
//!     Verdict::InDoubt(lost) => println!("nobody knows: {lost}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Who has many to send [submits](Connection::submit) them and takes the [verdicts](Connection::verdict) in order:
//! while one is in flight the next envelope, or with a window whole mails, are on the wire already.
//!
//! A connection is never used again after a timeout, an error or a dropped future,
//! so no reply can be taken for another message's.

mod connect;
mod connection;
mod lent;
mod message;
mod relay;
mod reply;
mod transaction;
mod wire;

use std::fmt;
use std::time::Duration;

use crate::delivery::Reply;
use crate::subscriber::EmailAddress;

pub use connect::ConnectError;
pub use connection::{Connection, Mode};
pub use message::{Mail, Message, Piece};
pub use relay::{Relay, RelayError, Security};

/// From whom and to whom a message goes, whatever its headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where bounces go.
    pub from: EmailAddress,
    /// The reader.
    pub to: EmailAddress,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The relay took it.
    Accepted(Reply),
    /// A 4xx or 5xx: the relay did not take it.
    Refused {
        /// Where; at [`Stage::Check`] the refusal is our own and the relay was not asked.
        stage: Stage,
        /// The relay's words, or ours.
        reply: Reply,
    },
    /// The connection was lost before the end of the message: the relay certainly did not take it.
    NotSent(Lost),
    /// The connection was lost after the end of the message, or the answer to it says neither yes nor no.
    InDoubt(Lost),
}

/// Where in the dialogue with a relay something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The name lookup and the TCP connection.
    Connect,
    /// The TLS handshake.
    Handshake,
    /// The relay's first words.
    Greeting,
    /// EHLO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth,
    /// Our own look at the message, before MAIL.
    Check,
    /// RSET after a refused message.
    Reset,
    /// MAIL.
    Mail,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// The message.
    Body,
    /// The final dot, or with BDAT the last byte.
    Dot,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Handshake => "TLS handshake",
            Self::Greeting => "greeting",
            Self::Hello => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Check => "check",
            Self::Reset => "RSET",
            Self::Mail => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::Body => "message",
            Self::Dot => "final dot",
        })
    }
}

/// How, and where, a connection was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} (at {stage})")]
pub struct Lost {
    /// Where.
    pub stage: Stage,
    /// How.
    pub why: Why,
}

/// How a connection was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The deadline of the stage passed.
    #[error("the relay was silent for {0:?}")]
    Silence(Duration),
    /// The relay closed without a word.
    #[error("the relay closed the connection")]
    Closed,
    /// The network failed.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// 421: the relay says that it closes; back off.
    #[error("the relay closes the connection: {0}")]
    Closing(Reply),
    /// A reply that has no place here.
    #[error("the relay answered out of turn: {0}")]
    Unexpected(Reply),
    /// Bytes that are no reply.
    #[error("the relay does not speak SMTP: `{0}`")]
    Garbage(String),
    /// The connection had ended before, or waits for another mail.
    #[error("the connection is no longer open")]
    NotOpen,
}

/// How long each stage may take; the defaults are those of RFC 5321 §4.5.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// The TCP connection to one address, and the TLS handshake.
    pub connect: Duration,
    /// The relay's first words.
    pub greeting: Duration,
    /// EHLO, STARTTLS and the whole of AUTH, each.
    pub hello: Duration,
    /// MAIL, and RSET.
    pub mail: Duration,
    /// RCPT.
    pub recipient: Duration,
    /// DATA.
    pub data: Duration,
    /// Each block of the message that the network takes.
    pub block: Duration,
    /// The answer to the final dot; a short one manufactures mail in doubt.
    pub dot: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            connect: Duration::from_secs(30),
            greeting: minutes(5),
            hello: minutes(5),
            mail: minutes(5),
            recipient: minutes(5),
            data: minutes(2),
            block: minutes(3),
            dot: minutes(10),
        }
    }
}

impl Deadlines {
    fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Connect | Stage::Handshake => self.connect,
            Stage::Greeting => self.greeting,
            Stage::Hello | Stage::StartTls | Stage::Auth => self.hello,
            Stage::Check | Stage::Reset | Stage::Mail => self.mail,
            Stage::Recipient => self.recipient,
            Stage::Data => self.data,
            Stage::Body => self.block,
            Stage::Dot => self.dot,
        }
    }
}

/// What the relay offers in its answer to EHLO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// SIZE (RFC 1870): the largest message in bytes, 0 for no fixed limit.
    pub size: Option<usize>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub utf8: bool,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// STARTTLS (RFC 3207).
    pub start_tls: bool,
}

impl Capabilities {
    /// Reads the lines of an answer to EHLO; the first is the relay's name.
    fn read(lines: &[String]) -> Self {
        let mut capabilities = Self::default();
        for line in lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "SIZE" => capabilities.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
                "8BITMIME" => capabilities.eight_bit = true,
                "SMTPUTF8" => capabilities.utf8 = true,
                "PIPELINING" => capabilities.pipelining = true,
                "CHUNKING" => capabilities.chunking = true,
                "STARTTLS" => capabilities.start_tls = true,
                _ => {}
            }
        }
        capabilities
    }
}
