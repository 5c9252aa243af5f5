//! One sending in a process of its own, so that its memory and its CPU time are its alone.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::form::Form;
use super::machine::{cpu_of, cpu_of_server, own_cpu, own_peak_memory};
use super::raw::{self, Numbers};
use super::sample::{self, ENGLISH};
use crate::cli::Exit;
use crate::cli::context::{relay, signer, told};
use crate::cli::send::{Ready, freeze, plan};
use crate::config::Config;
use crate::dispatch::{self, Ending, Pieces, Progress};
use crate::mailer::{Connection, Envelope, Mail, Mode, Relay, Verdict};
use crate::message::{Compiled, Reader, Stamped};
use crate::newsletter::Letterhead;
use crate::store::Store;
use crate::subscriber::EmailAddress;
use crate::token::{Claim, Keyring};

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Client {
    /// The raw client: one message, prepared.
    Raw,
    /// Messages stamped per reader, and the mailer; nobody writes anything down.
    Mailer,
    /// The whole send, as `masthead send` has it.
    Ledger,
}

/// What is to be sent, and who is looked at while it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) client: Client,
    pub(super) form: Form,
    /// The configuration: relay, newsletter, key, database.
    pub(super) config: PathBuf,
    pub(super) connections: usize,
    /// How many readers there are.
    pub(super) readers: u64,
    /// Bytes of HTML.
    pub(super) size: usize,
    /// The issue's number, a new one for each sending.
    pub(super) number: u32,
    /// Threads of the sender; as many as there are cores without it.
    pub(super) threads: Option<usize>,
    /// Where the sink listens, or the line to it begins.
    pub(super) to: SocketAddr,
    /// The sink's process.
    pub(super) sink: i32,
    /// The main process of Postgres.
    pub(super) postmaster: Option<i32>,
}

/// What a sending took: from before the first connection until the last reply is written down.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Spent {
    pub(super) seconds: f64,
    /// CPU time in seconds.
    pub(super) sender: f64,
    /// The same of the sink.
    pub(super) sink: Option<f64>,
    /// The same of all processes of Postgres.
    pub(super) postgres: Option<f64>,
    /// Bytes.
    pub(super) wal: Option<u64>,
    /// Seconds that the snapshot took, before the sending.
    pub(super) snapshot: Option<f64>,
    /// The most memory that the sender had resident, in bytes, from its start on.
    pub(super) peak_memory: Option<u64>,
    /// Bytes of a message.
    pub(super) message: usize,
}

/// Reads a [`Task`] from standard input, does it, and prints what was [`Spent`].
pub(super) fn run() -> anyhow::Result<Exit> {
    let task: Task = serde_json::from_reader(io::stdin().lock())?;
    let runtime = match task.threads {
        Some(1) => Builder::new_current_thread().enable_all().build()?,
        Some(threads) => Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
        None => Builder::new_multi_thread().enable_all().build()?,
    };
    let spent = runtime.block_on(send(&task))?;
    outln!("{}", serde_json::to_string(&spent)?);
    Ok(Exit::Done)
}

async fn send(task: &Task) -> anyhow::Result<Spent> {
    let config = Config::load(&task.config, []).map_err(told)?;
    let newsletter = config.newsletter(None).map_err(told)?.clone();
    let letterhead = newsletter.letterhead();
    let issue = sample::issue(task.number, task.size, &ENGLISH)?;
    let ready = Ready::new(Path::new("the sample issue"), issue, newsletter)?;
    if task.client == Client::Ledger {
        return send_with_ledger(task, &config, ready).await;
    }
    let (number, date) = (Some(task.number), OffsetDateTime::now_utc());
    let signer = signer(&config, &letterhead)?;
    let compiled = Compiled::new(&letterhead, &ready.rendered, number, date, signer.as_ref())?;
    let keyring = Keyring::new(&[(1, vec![7; 32])]).context("a key ring of one key")?;
    let stamper = Arc::new(Stamper { letterhead, compiled, pieces: Pieces::default(), keyring });
    let prepared: Arc<[u8]> = stamper.stamp(0)?.1.to_vec().into();
    let relay = relay(&config)?;
    let numbers = Arc::new(Numbers::up_to(task.readers));
    let (form, to) = (task.form, task.to);
    let meter = Meter::start(task, None).await?;
    let mut sending = JoinSet::new();
    for _ in 0..task.connections {
        let numbers = numbers.clone();
        if task.client == Client::Raw {
            let prepared = prepared.clone();
            sending.spawn(async move { raw::send(form, to, &prepared, &numbers).await });
        } else {
            let (relay, stamper) = (relay.clone(), stamper.clone());
            sending.spawn(async move { send_stamped(form, &relay, &stamper, &numbers).await });
        }
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(Spent { message: prepared.len(), ..meter.stop(None).await? })
}

/// Freeze, snapshot, send: what `masthead send` does once everything is looked at.
async fn send_with_ledger(task: &Task, config: &Config, ready: Ready) -> anyhow::Result<Spent> {
    let url = config.database_url.as_ref().context("there is no database in the configuration")?;
    let store = Store::open(url.reveal()).await?;
    let newsletter_id = store.newsletter_id(&ready.newsletter.slug).await?;
    let issue = freeze(&store, newsletter_id, &ready, None).await?;
    let snapshot = Instant::now();
    let audience = store.snapshot(issue.id).await?.audience;
    let snapshot = snapshot.elapsed().as_secs_f64();
    ensure!(audience == task.readers, "the audience is {audience}, not {}", task.readers);
    let signer = signer(config, &ready.letterhead)?;
    let send = plan(config, store.clone(), relay(config)?, &ready.newsletter, signer, issue).await?;
    let progress = Arc::new(Progress::default());
    // Nobody interrupts it but by killing it.
    let (_interrupt, interrupted) = watch::channel(false);
    let meter = Meter::start(task, Some(&store)).await?;
    let ending = dispatch::run(send, progress.clone(), interrupted).await?;
    let spent = meter.stop(Some(&store)).await?;
    let accepted = progress.accepted.load(Ordering::Relaxed);
    ensure!(ending == Ending::Sent { now: true } && accepted == audience, "{ending:?}, {accepted} accepted");
    store.close().await;
    Ok(Spent { snapshot: Some(snapshot), ..spent })
}

/// Makes the mail to a reader as a courier does.
struct Stamper {
    letterhead: Letterhead,
    compiled: Compiled,
    pieces: Pieces,
    keyring: Keyring,
}

impl Stamper {
    fn mail(&self, number: u64) -> anyhow::Result<Mail> {
        let (to, stamped) = self.stamp(number)?;
        let envelope = Envelope { from: self.letterhead.from.address.clone(), to };
        Ok(Mail::new(envelope, self.pieces.message(&stamped)))
    }

    /// A reader's address and message.
    fn stamp(&self, number: u64) -> anyhow::Result<(EmailAddress, Stamped)> {
        let address = EmailAddress::parse(&format!("reader-{number}@example.com"))?;
        let subscriber_id = i64::try_from(number)?;
        let claim = Claim::Unsubscribe { newsletter_id: 1, subscriber_id };
        let name = (number % 2 == 1).then(|| format!("Reader {number}"));
        let unsubscribe_url = self.letterhead.unsubscribe_url(&self.keyring.sign(claim));
        let message_id = self.keyring.message_id(1, subscriber_id, self.letterhead.from.address.domain());
        let reader = Reader { address, name, unsubscribe_url };
        let stamped = self.compiled.stamp(&reader, &message_id)?;
        Ok((reader.address, stamped))
    }
}

/// Opens a connection and sends over it as a courier does, with nothing to wait for but the relay.
async fn send_stamped(form: Form, relay: &Relay, stamper: &Stamper, numbers: &Numbers) -> anyhow::Result<()> {
    let mut connection = Connection::open(relay).await?;
    let wanted = match form {
        Form::Sequence => Mode::Sequence,
        Form::Pipelined | Form::BehindTheDot => Mode::Pipelined,
        Form::Window(window) => Mode::Chunked { window },
    };
    ensure!(connection.mode() == wanted, "the sink does not offer {}", form.name());
    let make = || numbers.next().map(|number| stamper.mail(number)).transpose();
    let mut ahead = make()?;
    let mut in_flight = 0;
    while ahead.is_some() || in_flight > 0 {
        while connection.room() > 0
            && let Some(mail) = ahead.take()
        {
            ahead = make()?;
            connection.submit(&mail, ahead.as_ref().filter(|_| form == Form::BehindTheDot)).await;
            in_flight += 1;
        }
        match connection.verdict().await {
            Some(Verdict::Accepted(_)) => in_flight -= 1,
            verdict => bail!("a mail was not taken: {verdict:?}"),
        }
    }
    Ok(())
}

/// What was used until the sending began.
struct Meter {
    started: Instant,
    sender: Duration,
    sink: (Pid, Option<Duration>),
    postgres: Option<(Pid, Option<Duration>)>,
    wal: Option<u64>,
}

impl Meter {
    async fn start(task: &Task, store: Option<&Store>) -> anyhow::Result<Self> {
        let sink = Pid::from_raw(task.sink).context("the sink has no process")?;
        let postmaster = store.and(task.postmaster).and_then(Pid::from_raw);
        let wal = wal(store).await?;
        Ok(Self {
            sink: (sink, cpu_of(sink)),
            postgres: postmaster.map(|pid| (pid, cpu_of_server(pid))),
            wal,
            sender: own_cpu(),
            started: Instant::now(),
        })
    }

    async fn stop(self, store: Option<&Store>) -> anyhow::Result<Spent> {
        let (seconds, sender) = (self.started.elapsed().as_secs_f64(), own_cpu() - self.sender);
        let since =
            |after: Option<Duration>, before: Option<Duration>| Some(after?.saturating_sub(before?).as_secs_f64());
        Ok(Spent {
            seconds,
            sender: sender.as_secs_f64(),
            sink: since(cpu_of(self.sink.0), self.sink.1),
            postgres: self.postgres.and_then(|(pid, before)| since(cpu_of_server(pid), before)),
            peak_memory: own_peak_memory(),
            wal: wal(store).await?.zip(self.wal).map(|(after, before)| after - before),
            ..Spent::default()
        })
    }
}

async fn wal(store: Option<&Store>) -> anyhow::Result<Option<u64>> {
    Ok(match store {
        Some(store) => Some(store.wal_written().await?),
        None => None,
    })
}
