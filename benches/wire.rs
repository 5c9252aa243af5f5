//! How fast mail goes over the wire: the mailer against a raw client that writes prepared bytes and counts replies.
//!
//! ```text
//! cargo bench --bench wire            60 KB and 10 KB over loopback, then over a line with 40 ms round trip
//! cargo bench --bench wire -- quick   one round of each
//! ```
//!
//! Client and sink have a thread each; the sink is the mail catcher. Rounds are taken in turn; printed are the
//! medians of messages per second and of the CPU that the client takes for one, which a busy machine changes less.
#![allow(clippy::cast_precision_loss, clippy::expect_used)]

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::future::Future;
use std::io::{IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener as BlockingListener, TcpStream as BlockingStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use masthead::catcher::{Catcher, Keep, Options};
use masthead::mailer::{Connection, Envelope, Mail, Message, Mode, Piece, Relay, Verdict};
use masthead::subscriber::EmailAddress;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// A form of sending, for both clients.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Sequence,
    Pipelined,
    BehindTheDot,
    Window(usize),
}

const FORMS: [Form; 5] = [Form::Sequence, Form::Pipelined, Form::BehindTheDot, Form::Window(4), Form::Window(16)];

impl Form {
    fn name(self) -> String {
        match self {
            Self::Sequence => "one command at a time".to_owned(),
            Self::Pipelined => "MAIL RCPT DATA at once".to_owned(),
            Self::BehindTheDot => "next envelope behind the dot".to_owned(),
            Self::Window(window) => format!("BDAT, window {window}"),
        }
    }

    /// Messages per second over one connection, in round trips.
    fn per_round_trip(self) -> f64 {
        match self {
            Self::Sequence => 0.25,
            Self::Pipelined => 0.5,
            Self::BehindTheDot => 1.0,
            Self::Window(window) => window as f64,
        }
    }
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let rounds = if quick { 1 } else { 5 };
    let sink = sink();
    println!("{:30} {:>6} {:>8} {:>20} {:>20} {:>6}", "form", "size", "line", "raw", "mailer", "ratio");
    for size in [60_000, 10_000] {
        for form in FORMS {
            let count = if quick { 4_000 } else { 40_000 };
            compare(form, size, sink, "loopback", rounds, 32, count);
        }
    }
    let round_trip = Duration::from_millis(40);
    let far = delayed(sink, round_trip / 2);
    for form in FORMS {
        let seconds = if quick { 1.0 } else { 3.0 };
        let count = (form.per_round_trip() / round_trip.as_secs_f64() * seconds) as usize;
        compare(form, 60_000, far, "40 ms", rounds.min(3), 1, count.max(4));
    }
}

fn compare(form: Form, size: usize, to: SocketAddr, line: &str, rounds: usize, connections: usize, count: usize) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut raw, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        raw.push(measure(&runtime, connections, count, |count| send_raw(form, size, to, count)));
        ours.push(measure(&runtime, connections, count, |count| send_ours(form, size, to, count)));
    }
    let (raw, ours) = (Pace::median(&raw), Pace::median(&ours));
    let ratio = ours.per_second / raw.per_second;
    println!("{:30} {:>4} K {line:>8} {raw} {ours} {ratio:>6.2}", form.name(), size / 1000);
}

/// How fast a client went.
struct Pace {
    /// Messages per second.
    per_second: f64,
    /// Microseconds of its own CPU per message.
    cpu: f64,
}

impl Pace {
    fn median(paces: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| {
            let mut parts: Vec<_> = paces.iter().map(part).collect();
            parts.sort_by(f64::total_cmp);
            parts.get(parts.len() / 2).copied().unwrap_or_default()
        };
        Self { per_second: of(|pace| pace.per_second), cpu: of(|pace| pace.cpu) }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.0}/s {:>6.1} µs", self.per_second, self.cpu)
    }
}

/// The CPU time of this thread in nanoseconds, as Linux counts it.
fn cpu_time() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|spent| spent.parse().ok()).unwrap_or_default()
}

/// Sends over so many connections; they are open before the clock starts.
fn measure<S, F>(runtime: &Runtime, connections: usize, count: usize, client: impl Fn(usize) -> S) -> Pace
where
    S: Future<Output = F>,
    F: Future<Output = ()> + Send + 'static,
{
    runtime.block_on(async {
        let each = count / connections;
        let mut ready = Vec::new();
        for _ in 0..connections {
            ready.push(client(each).await);
        }
        let (started, spent) = (Instant::now(), cpu_time());
        let mut sending = JoinSet::new();
        for sender in ready {
            sending.spawn(sender);
        }
        sending.join_all().await;
        let sent = (each * connections) as f64;
        Pace { per_second: sent / started.elapsed().as_secs_f64(), cpu: (cpu_time() - spent) / 1e3 / sent }
    })
}

/// Lines of 76 characters, none of which begins with a dot.
fn lines(size: usize) -> Vec<u8> {
    let line = format!("{}\r\n", "0123456789abcdef".repeat(5).get(..76).unwrap_or_default());
    line.repeat(size / line.len()).into_bytes()
}

/// The catcher on a thread of its own.
fn sink() -> SocketAddr {
    let (tell, address) = mpsc::channel();
    thread::spawn(move || {
        Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            let options = Options { keep: Keep::Nothing, ..Options::default() };
            let catcher = Catcher::start(([127, 0, 0, 1], 0).into(), options).await.expect("a catcher");
            tell.send(catcher.address()).ok();
            std::future::pending::<()>().await;
        });
    });
    address.recv().expect("an address")
}

/// A line to `to` on which everything takes `delay`, each way.
fn delayed(to: SocketAddr, delay: Duration) -> SocketAddr {
    let listener = BlockingListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = BlockingStream::connect(to).expect("the sink");
            for stream in [&client, &server] {
                stream.set_nodelay(true).ok();
            }
            carry(client.try_clone().expect("a handle"), server.try_clone().expect("a handle"), delay);
            carry(server, client, delay);
        }
    });
    address
}

fn carry(mut from: BlockingStream, mut to: BlockingStream, delay: Duration) {
    let (put, take) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut block = vec![0; 256 << 10];
        while let Ok(size @ 1..) = from.read(&mut block) {
            let bytes = block.get(..size).unwrap_or_default().to_vec();
            if put.send((Instant::now() + delay, bytes)).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in take {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Write).ok();
    });
}

const ENVELOPE: &str = "MAIL FROM:<weekly@example.org>\r\nRCPT TO:<reader@example.org>\r\n";

/// Bytes out, lines of replies in.
struct Raw {
    stream: TcpStream,
    space: Vec<u8>,
    /// Lines that were read and not yet waited for.
    ahead: usize,
}

impl Raw {
    async fn open(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.expect("the sink");
        stream.set_nodelay(true).expect("a socket");
        let mut raw = Self { stream, space: vec![0; 64 << 10], ahead: 0 };
        raw.hear(1).await;
        raw.say(b"HELO raw\r\n").await;
        raw.hear(1).await;
        raw
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the sink reads");
    }

    async fn say_all(&mut self, slices: &mut [IoSlice<'_>]) {
        let mut rest = slices;
        while !rest.is_empty() {
            let taken = self.stream.write_vectored(rest).await.expect("the sink reads");
            IoSlice::advance_slices(&mut rest, taken);
        }
    }

    async fn hear(&mut self, lines: usize) {
        while self.ahead < lines {
            let size = self.stream.read(&mut self.space).await.expect("the sink answers");
            let heard = self.space.get(..size).unwrap_or_default();
            assert!(heard.starts_with(b"2") || heard.starts_with(b"3"), "the sink is well");
            self.ahead += heard.iter().filter(|byte| **byte == b'\n').count();
        }
        self.ahead -= lines;
    }
}

async fn send_raw(form: Form, size: usize, to: SocketAddr, count: usize) -> impl Future<Output = ()> + Send {
    let mut raw = Raw::open(to).await;
    let body = lines(size);
    let data = format!("{ENVELOPE}DATA\r\n");
    let chunk = format!("{ENVELOPE}BDAT {} LAST\r\n", body.len());
    async move {
        let dot = b".\r\n";
        match form {
            Form::Sequence => {
                for _ in 0..count {
                    for command in data.split_inclusive('\n') {
                        raw.say(command.as_bytes()).await;
                        raw.hear(1).await;
                    }
                    raw.say_all(&mut [IoSlice::new(&body), IoSlice::new(dot)]).await;
                    raw.hear(1).await;
                }
            }
            Form::Pipelined => {
                for _ in 0..count {
                    raw.say(data.as_bytes()).await;
                    raw.hear(3).await;
                    raw.say_all(&mut [IoSlice::new(&body), IoSlice::new(dot)]).await;
                    raw.hear(1).await;
                }
            }
            Form::BehindTheDot => {
                raw.say(data.as_bytes()).await;
                raw.hear(3).await;
                for _ in 1..count {
                    let slices = &mut [IoSlice::new(&body), IoSlice::new(dot), IoSlice::new(data.as_bytes())];
                    raw.say_all(slices).await;
                    raw.hear(4).await;
                }
                raw.say_all(&mut [IoSlice::new(&body), IoSlice::new(dot)]).await;
                raw.hear(1).await;
            }
            Form::Window(window) => {
                for number in 0..count {
                    if number >= window {
                        raw.hear(3).await;
                    }
                    raw.say_all(&mut [IoSlice::new(chunk.as_bytes()), IoSlice::new(&body)]).await;
                }
                raw.hear(3 * window.min(count)).await;
            }
        }
    }
}

async fn send_ours(form: Form, size: usize, to: SocketAddr, count: usize) -> impl Future<Output = ()> + Send {
    let relay = Relay::parse(&format!("smtp://{to}")).expect("a URL");
    let relay = match form {
        Form::Sequence => relay.with_pipelining(false),
        Form::Pipelined | Form::BehindTheDot => relay,
        Form::Window(window) => relay.with_window(window),
    };
    let mut connection = Connection::open(&relay).await.expect("the sink");
    let wanted = match form {
        Form::Sequence => Mode::Sequence,
        Form::Pipelined | Form::BehindTheDot => Mode::Pipelined,
        Form::Window(window) => Mode::Chunked { window },
    };
    assert!(connection.mode() == wanted, "the sink offers everything");
    let from = EmailAddress::parse("weekly@example.org").expect("an address");
    // As an issue has it: four gaps that differ per reader.
    let shared: Vec<_> = [1, 3, 4, 2].map(|tenths| Piece::new(lines(size * tenths / 10))).into();
    let reader = EmailAddress::parse("reader@example.org").expect("an address");
    let mail = move |number: usize| {
        let own = Piece::new(format!("https://weekly.example.org/u/{number:032}\r\n").into_bytes());
        let message = Message::new(shared.iter().flat_map(|piece| [own.clone(), piece.clone()]));
        Mail::new(Envelope { from: from.clone(), to: reader.clone() }, message)
    };
    async move {
        let mut ahead: VecDeque<Mail> = (0..count.min(1)).map(&mail).collect();
        let (mut made, mut judged) = (ahead.len(), 0);
        while judged < count {
            while connection.room() > 0
                && let Some(now) = ahead.pop_front()
            {
                if made < count {
                    ahead.push_back(mail(made));
                    made += 1;
                }
                let next = ahead.front().filter(|_| form == Form::BehindTheDot);
                connection.submit(&now, next).await;
            }
            let verdict = connection.verdict().await;
            assert!(matches!(verdict, Some(Verdict::Accepted(_))), "{verdict:?}");
            judged += 1;
        }
    }
}
