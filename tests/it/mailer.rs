//! SMTP against the scripted catcher: every message gets its own, exact verdict, in whatever form it goes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acceptance; // what arrives, and what a refusal says
mod connecting; // greeting, EHLO, AUTH
mod loss; // what is lost, and at which point
mod pipelining; // the next envelope behind the dot, and whole mails in flight
mod tls; // who may hear anything at all

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use masthead::catcher::{self, Act, Catcher, Moment, Options};
use masthead::delivery::{Reply, ReplyClass, classify};
use masthead::mailer::{ConnectError, Connection, Deadlines, Envelope, Lost, Mail, Mode, Relay, Stage, Verdict, Why};
use masthead::subscriber::EmailAddress;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Far below the deadlines that a test leaves alone, far above those that it sets.
const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(400);

const CHUNKED: Mode = Mode::Chunked { window: 4 };
/// What the catcher offers, all of these can be chosen from.
const MODES: [Mode; 3] = [Mode::Sequence, Mode::Pipelined, CHUNKED];

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn catcher(script: impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static) -> Catcher {
    Catcher::start(loopback(), Options::default().script(script)).await.unwrap()
}

fn relay(address: SocketAddr, mode: Mode) -> Relay {
    in_mode(Relay::parse(&format!("smtp://{address}")).unwrap(), mode)
}

fn in_mode(relay: Relay, mode: Mode) -> Relay {
    match mode {
        Mode::Sequence => relay.with_pipelining(false),
        Mode::Pipelined => relay,
        Mode::Chunked { window } => relay.with_window(window),
    }
}

async fn open(catcher: &Catcher, mode: Mode) -> Connection {
    let connection = timeout(PATIENCE, Connection::open(&relay(catcher.address(), mode))).await.unwrap().unwrap();
    assert_eq!(connection.mode(), mode);
    connection
}

fn to(address: &str) -> Envelope {
    let parse = |address| EmailAddress::parse(address).unwrap();
    Envelope { from: parse("weekly@example.org"), to: parse(address) }
}

const MESSAGE: &[u8] = b"Subject: hi\r\n\r\nhello\r\n";

fn mail(address: &str) -> Mail {
    Mail::new(to(address), MESSAGE)
}

async fn send(connection: &mut Connection, address: &str) -> Verdict {
    timeout(PATIENCE, connection.send(&mail(address))).await.expect("a verdict comes in time")
}

fn refused(stage: Stage, code: u16, text: &str) -> Verdict {
    Verdict::Refused { stage, reply: Reply { code, text: text.into() } }
}

fn class_of(verdict: &Verdict) -> ReplyClass {
    match verdict {
        Verdict::Refused { reply, .. } => classify(reply),
        other => panic!("{other:?} is no refusal"),
    }
}

/// A relay that says what `talk` says; for what the catcher is too healthy for.
async fn by_hand<F>(talk: impl Fn(Hand) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(Hand(BufReader::new(stream))));
        }
    });
    address
}

struct Hand(BufReader<TcpStream>);

impl Hand {
    async fn say(&mut self, text: &str) {
        let _ = self.0.get_mut().write_all(text.as_bytes()).await;
    }

    async fn hear(&mut self) -> String {
        let mut line = String::new();
        let _ = self.0.read_line(&mut line).await;
        line
    }

    /// Hears lines up to one that begins with `word`.
    async fn hear_until(&mut self, word: &str) {
        while !self.hear().await.starts_with(word) {}
    }

    /// Greets, and offers everything.
    async fn greet(&mut self) {
        self.say("220 hand\r\n").await;
        assert!(self.hear().await.starts_with("EHLO "));
        self.say("250-hand\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 CHUNKING\r\n").await;
    }

    /// Greets and answers every command up to where the message begins, as a plain relay does.
    async fn until_message(&mut self) {
        self.greet().await;
        for answer in ["250 mail", "250 rcpt"] {
            self.hear().await;
            self.say(&format!("{answer}\r\n")).await;
        }
        if self.hear().await == "DATA\r\n" {
            self.say("354 data\r\n").await;
        }
    }
}
