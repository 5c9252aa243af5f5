//! The mail catcher: an SMTP server on loopback that keeps what it gets and plays any fault.
//!
//! It stands in for a relay in `masthead demo`, in a rehearsal and in tests.
//! What it has answered with 250 is on record: in memory and, when a folder was given, on the disk.

mod incoming;
mod maildir;
mod session;
mod web;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use maildir::Maildir;

pub use web::web;

/// How long a shutdown waits for messages that are on their way.
const GRACE: Duration = Duration::from_secs(5);

/// How a [`Catcher`] behaves.
#[derive(Clone)]
pub struct Options {
    /// A Maildir that gets every accepted mail as a file before the catcher answers 250.
    pub maildir: Option<PathBuf>,
    /// What stays in memory.
    pub keep: Keep,
    /// The largest message in bytes, announced as SIZE (RFC 1870).
    pub largest: usize,
    /// What else the answer to EHLO lists, a line each.
    pub extensions: Vec<String>,
    /// Decides at every moment how to act; without one all is well always.
    pub script: Option<Script>,
    /// Gets every accepted mail before the catcher answers; where it fails, the mail is not taken.
    pub recorder: Option<Recorder>,
}

impl Default for Options {
    fn default() -> Self {
        let extensions = ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING"];
        Self {
            maildir: None,
            keep: Keep::Everything,
            largest: 50 << 20,
            extensions: extensions.map(str::to_owned).to_vec(),
            script: None,
            recorder: None,
        }
    }
}

impl Options {
    /// The same with a script.
    pub fn script(mut self, script: impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static) -> Self {
        self.script = Some(Arc::new(script));
        self
    }

    /// The same with AUTH PLAIN and LOGIN offered; any password is right unless the script says otherwise.
    pub fn auth(mut self) -> Self {
        self.extensions.push("AUTH PLAIN LOGIN".to_owned());
        self
    }
}

/// What of each mail stays in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Envelope and message.
    Everything,
    /// The envelope alone, about 200 bytes a mail.
    Envelopes,
    /// Nothing; mails are counted only.
    Nothing,
}

/// A function from the moment to the act.
pub type Script = Arc<dyn Fn(&Moment<'_>) -> Act + Send + Sync>;

/// A function that puts a mail on a record of its own.
pub type Recorder = Arc<dyn Fn(&Mail) -> io::Result<()> + Send + Sync>;

/// Where in the dialogue a script is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The client has connected and waits for the greeting.
    Connect,
    /// EHLO or HELO.
    Hello,
    /// The credentials are there.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, or the first BDAT of a message.
    Data,
    /// The message is complete: after the dot, or the octets of BDAT LAST.
    Dot,
}

/// What a script knows when it is asked.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Where the dialogue stands.
    pub stage: Stage,
    /// The number of this connection, from 1.
    pub connection: usize,
    /// How many connections are open, this one included.
    pub open: usize,
    /// The number of this message in its connection, from 1.
    pub message: usize,
    /// User and password, once the client has given them.
    pub credentials: Option<(&'a str, &'a str)>,
    /// The sender's address, from MAIL on.
    pub from: Option<&'a str>,
    /// The recipients, the one that is asked about at RCPT included.
    pub to: &'a [String],
    /// The message at [`Stage::Dot`], dots unstuffed.
    pub data: &'a [u8],
}

/// What the catcher does at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Answer as a healthy relay does.
    CarryOn,
    /// Answer with this code and text; a 2xx or 3xx goes on, a 421 closes the connection.
    Reply(u16, String),
    /// Say nothing, for as long as the client stays.
    Stall,
    /// Close the connection without a word.
    Close,
    /// At the dot: keep the mail as accepted, then close without a word.
    RecordThenClose,
    /// Send these bytes in place of a reply and go on; they count as positive when they begin with 2 or 3.
    Raw(Vec<u8>),
    /// As [`Act::Raw`], each byte a segment of its own.
    Drip(Vec<u8>),
}

impl Act {
    /// A reply with `code` and `text`.
    pub fn reply(code: u16, text: impl Into<String>) -> Self {
        Self::Reply(code, text.into())
    }
}

/// A mail that reached the dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender's address in the envelope, empty for a bounce.
    pub from: String,
    /// The recipients in the envelope.
    pub to: Vec<String>,
    /// The message as sent, dots unstuffed; empty when only envelopes are kept.
    pub raw: Vec<u8>,
    /// Whether the catcher took it: it answered 2xx, or recorded it on purpose before closing.
    pub accepted: bool,
    /// The number of the connection that brought it, from 1.
    pub connection: usize,
    /// When it came.
    pub at: SystemTime,
}

/// A running mail catcher; it stops when it is dropped.
pub struct Catcher {
    address: SocketAddr,
    shared: Arc<Shared>,
    closing: watch::Sender<bool>,
    listening: tokio::task::JoinHandle<()>,
}

impl Catcher {
    /// Listens on `listen`, a loopback address; port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// When `listen` is not loopback, is taken, or the Maildir cannot be made.
    pub async fn start(listen: SocketAddr, options: Options) -> Result<Self, CatcherError> {
        if !listen.ip().is_loopback() {
            return Err(CatcherError::NotLoopback(listen));
        }
        let maildir = match &options.maildir {
            Some(folder) => Some(Maildir::create(folder).map_err(|why| CatcherError::Maildir(folder.clone(), why))?),
            None => None,
        };
        let listener = TcpListener::bind(listen).await.map_err(|why| CatcherError::Listen(listen, why))?;
        let address = listener.local_addr().map_err(|why| CatcherError::Listen(listen, why))?;
        let shared = Arc::new(Shared {
            options,
            maildir,
            mails: Mutex::new(Vec::new()),
            accepted: watch::Sender::new(0),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let closing = watch::Sender::new(false);
        let listening = tokio::spawn(listen_on(listener, Arc::clone(&shared), closing.subscribe()));
        Ok(Self { address, shared, closing, listening })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has reached the dot so far, oldest first; see [`Keep`].
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.shared.mails().clone()
    }

    /// How many mails were accepted so far.
    pub fn accepted(&self) -> usize {
        *self.shared.accepted.borrow()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Waits until `count` mails are accepted in all.
    pub async fn wait_for(&self, count: usize) {
        // Cannot fail: the sender lives as long as `self`.
        let _ = self.shared.accepted.subscribe().wait_for(|accepted| *accepted >= count).await;
    }

    /// Takes no new connection, lets messages on their way finish, and stops.
    pub async fn shutdown(mut self) {
        self.closing.send_replace(true);
        let _ = tokio::time::timeout(GRACE, &mut self.listening).await;
    }
}

impl Drop for Catcher {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl fmt::Debug for Catcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catcher").field("address", &self.address).field("accepted", &self.accepted()).finish()
    }
}

/// Why a catcher does not start.
#[derive(Debug, thiserror::Error)]
pub enum CatcherError {
    /// The address can be reached from outside.
    #[error(
        "the mail catcher cannot listen on {0}: it takes any mail, so it stays on loopback; use 127.0.0.1 or [::1]"
    )]
    NotLoopback(SocketAddr),
    /// The address is taken, or not ours.
    #[error("the mail catcher cannot listen on {0}: {1}; choose another port, or 0 for any")]
    Listen(SocketAddr, #[source] io::Error),
    /// The folder cannot be written.
    #[error("the mail catcher cannot write to the Maildir {folder}: {why}", folder = .0.display(), why = .1)]
    Maildir(PathBuf, #[source] io::Error),
}

/// What all connections share.
struct Shared {
    options: Options,
    maildir: Option<Maildir>,
    mails: Mutex<Vec<Arc<Mail>>>,
    accepted: watch::Sender<usize>,
    connections: AtomicUsize,
    open: AtomicUsize,
}

impl Shared {
    fn mails(&self) -> MutexGuard<'_, Vec<Arc<Mail>>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes of a message are needed: none where nobody looks at them.
    fn most_kept(&self) -> usize {
        let options = &self.options;
        let looked_at = options.keep == Keep::Everything
            || options.maildir.is_some()
            || options.script.is_some()
            || options.recorder.is_some();
        if looked_at { options.largest } else { 0 }
    }

    /// Puts a mail on record; on the disk first, so that the answer can rely on it.
    async fn record(&self, mut mail: Mail) -> io::Result<()> {
        let accepted = mail.accepted;
        if let Some(recorder) = self.options.recorder.as_ref().filter(|_| accepted) {
            recorder(&mail)?;
        }
        if let Some(maildir) = self.maildir.as_ref().filter(|_| accepted) {
            mail = maildir.write(mail).await?;
        }
        match self.options.keep {
            Keep::Everything => self.mails().push(Arc::new(mail)),
            Keep::Envelopes => self.mails().push(Arc::new(Mail { raw: Vec::new(), ..mail })),
            Keep::Nothing => {}
        }
        if accepted {
            self.accepted.send_modify(|count| *count += 1);
        }
        Ok(())
    }
}

/// Accepts connections until it is told to close, then waits for those that are open.
async fn listen_on(listener: TcpListener, shared: Arc<Shared>, mut closing: watch::Receiver<bool>) {
    let mut sessions = JoinSet::new();
    let closing_sessions = closing.clone();
    loop {
        tokio::select! {
            connection = listener.accept() => match connection {
                Ok((stream, _)) => {
                    sessions.spawn(serve(stream, Arc::clone(&shared), closing_sessions.clone()));
                }
                // Out of file descriptors: one that closes makes room.
                Err(_) => drop(sessions.join_next().await),
            },
            Some(_) = sessions.join_next() => {}
            () = told_to_close(&mut closing) => break,
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

/// Waits until the catcher closes, or is gone.
async fn told_to_close(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, closing: watch::Receiver<bool>) {
    let number = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
    shared.open.fetch_add(1, Ordering::Relaxed);
    // An error means that the client is gone; there is nobody to tell.
    let _ = session::run(stream, number, &shared, closing).await;
    shared.open.fetch_sub(1, Ordering::Relaxed);
}
