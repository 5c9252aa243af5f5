//! `masthead bench send`: readers per second, beside a raw client that writes prepared bytes into the same sink.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use rustix::process::Pid;

use super::form::Form;
use super::ground::{Ground, Helper, Relay, Sink};
use super::line;
use super::report::{Column, Ratio, Table};
use super::sample::SIZE;
use super::sender::{Client, Spent, Task};
use crate::cli::context::wants_all_cores;
use crate::newsletter::Slug;

/// How long one sending over a slow line takes, about.
const ON_A_SLOW_LINE: f64 = 6.0;

/// Messages after which whoever keeps no ledger has shown how fast it is.
const ENOUGH: u64 = 1_000_000;

/// Connections where nothing else is asked for.
pub(super) const CONNECTIONS: usize = 32;

/// The arguments.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Readers of each sending
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) readers: u64,
    /// Connections to the sink
    #[arg(long, default_value_t = CONNECTIONS, value_parser = connections)]
    pub(super) connections: usize,
    /// Put the sink at the end of a line with this round trip, in milliseconds, and send in every form
    #[arg(long, value_name = "MS")]
    pub(super) latency: Option<u64>,
    /// Send with BDAT, so many messages in flight over each connection
    #[arg(long, value_name = "N", value_parser = window)]
    pub(super) window: Option<usize>,
    /// Send in every form: in sequence, pipelined, behind the dot, and with BDAT
    #[arg(long, conflicts_with = "window")]
    pub(super) each_form: bool,
    /// Leave out the sending with a ledger
    #[arg(long)]
    pub(super) no_ledger: bool,
    /// Sign with DKIM
    #[arg(long)]
    pub(super) dkim: bool,
    /// Bytes of HTML that the email has
    #[arg(long, value_name = "BYTES", default_value_t = SIZE)]
    pub(super) size: usize,
    /// Threads of the sender with a ledger; without it those that `send` has: one, or as many as there are cores with
    /// --dkim and with a window of 8 or more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,
}

impl Args {
    /// A short send over loopback.
    pub(super) fn brief() -> Self {
        Self {
            readers: 20_000,
            connections: CONNECTIONS,
            latency: None,
            window: None,
            each_form: false,
            no_ledger: false,
            dkim: false,
            size: SIZE,
            threads: None,
        }
    }
}

pub(super) fn connections(text: &str) -> Result<usize, String> {
    number(text, 500)
}

fn window(text: &str) -> Result<usize, String> {
    number(text, 64)
}

/// Reads a number as the configuration has it.
fn number(text: &str, most: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("`{text}` is not between 1 and {most}"))
}

const PER_SECOND: &str = "per_second";

const COLUMNS: &[Column] = &[
    Column { key: PER_SECOND, heading: "per second", decimals: 0 },
    Column { key: "us", heading: "µs each", decimals: 1 },
    Column { key: "sender_cpu_us", heading: "sender CPU µs", decimals: 1 },
    Column { key: "postgres_cpu_us", heading: "Postgres CPU µs", decimals: 1 },
    Column { key: "sink_cpu_us", heading: "sink CPU µs", decimals: 1 },
    Column { key: "wal_bytes", heading: "WAL B", decimals: 0 },
    Column { key: "snapshot_s", heading: "snapshot s", decimals: 2 },
    Column { key: "peak_mb", heading: "peak MB", decimals: 1 },
];

/// The figures of a sending, in the order of the columns.
fn figures(spent: &Spent, readers: u64) -> Vec<Option<f64>> {
    let each = |seconds: f64| seconds * 1e6 / readers as f64;
    vec![
        Some(readers as f64 / spent.seconds),
        Some(each(spent.seconds)),
        Some(each(spent.sender)),
        spent.postgres.map(each),
        spent.sink.map(each),
        spent.wal.map(|bytes| bytes as f64 / readers as f64),
        spent.snapshot,
        spent.peak_memory.map(|bytes| bytes as f64 / 1e6),
    ]
}

/// Sends in turn, a table for each form.
pub(super) async fn run(args: &Args, rounds: u32, ground: &Ground) -> anyhow::Result<Vec<Table>> {
    let mut stage = Stage::set(args, ground)?;
    let mut tables = Vec::new();
    for form in forms(args) {
        tables.push(compare(&mut stage, form, rounds).await?);
    }
    Ok(tables)
}

fn forms(args: &Args) -> Vec<Form> {
    match args.window {
        Some(window) => vec![Form::Window(window)],
        None if args.each_form || args.latency.is_some() => Form::ALL.to_vec(),
        None => vec![Form::BehindTheDot],
    }
}

async fn compare(stage: &mut Stage<'_>, form: Form, rounds: u32) -> anyhow::Result<Table> {
    let args = stage.args;
    let readers = readers(args, form);
    let mut senders = vec![(Client::Raw, form, "raw client, in the same form")];
    // Over a long line other forms take other times: only the same one is a reference.
    let beside_pipelined = form != Form::Pipelined && args.latency.is_none();
    if beside_pipelined {
        senders.push((Client::Raw, Form::Pipelined, "raw client, MAIL RCPT DATA at once"));
    }
    senders.push((Client::Mailer, form, "masthead, without a ledger"));
    // Where a relay pipelines, a send always announces the next envelope.
    if !args.no_ledger && form != Form::Pipelined {
        senders.push((Client::Ledger, form, "masthead, with the ledger"));
    }
    let mut ratios = vec![Ratio::share("of_raw_same_form", "of raw, same form", PER_SECOND, 0)];
    if beside_pipelined {
        ratios.push(Ratio::share("of_raw_pipelined", "of raw, at once", PER_SECOND, 1));
    }
    let mut table = Table::new("send", String::new(), COLUMNS, &ratios);
    let rows: Vec<_> = senders.iter().map(|(_, _, name)| table.row(*name)).collect();
    let mut message = 0;
    for round in 1..=rounds {
        errln!("send, {}, round {round} of {rounds}", form.name());
        for ((client, form, _), row) in senders.iter().zip(&rows) {
            let readers = if *client == Client::Ledger { readers } else { readers.min(ENOUGH) };
            let spent = stage.send(*client, *form, readers).await?;
            message = message.max(spent.message);
            table.put(*row, figures(&spent, readers));
        }
    }
    table.set_title(format!(
        "send: {}, {}, {} connections, {readers} readers, messages of {message} bytes{}",
        form.name(),
        stage.line(),
        args.connections,
        if args.dkim { ", signed" } else { "" }
    ));
    Ok(table)
}

/// How many readers a sending has: over a slow line, as many as are done in a few seconds.
fn readers(args: &Args, form: Form) -> u64 {
    let Some(latency) = args.latency.filter(|latency| *latency > 0) else { return args.readers };
    let per_second = form.per_round_trip() * args.connections as f64 * 1e3 / latency as f64;
    ((per_second * ON_A_SLOW_LINE) as u64).clamp(args.connections as u64, args.readers.max(args.connections as u64))
}

/// Where senders take their turns: one sink, one line, one database.
pub(super) struct Stage<'a> {
    args: &'a Args,
    ground: &'a Ground,
    pub(super) sink: Sink,
    /// Where the sink is reached.
    pub(super) to: SocketAddr,
    /// Of the last issue.
    number: u32,
    /// Newsletters that have their readers.
    populated: BTreeSet<Slug>,
}

impl<'a> Stage<'a> {
    pub(super) fn set(args: &'a Args, ground: &'a Ground) -> anyhow::Result<Self> {
        let sink = Sink::start()?;
        let to = match args.latency {
            Some(latency) => line::lay(sink.address, Duration::from_micros(500 * latency))?,
            None => sink.address,
        };
        Ok(Self { args, ground, sink, to, number: 0, populated: BTreeSet::new() })
    }

    /// What kind of line leads to the sink.
    fn line(&self) -> String {
        self.args.latency.map_or("loopback".to_owned(), |latency| format!("{latency} ms round trip"))
    }

    /// One sending by a process of its own; the sink must have every message.
    pub(super) async fn send(&mut self, client: Client, form: Form, readers: u64) -> anyhow::Result<Spent> {
        let before = self.sink.accepted()?;
        let spent = self.send_to(self.to, self.sink.pid(), client, form, readers).await?;
        let accepted = self.sink.accepted()? - before;
        ensure!(accepted == readers, "the sink has {accepted} messages of {readers}");
        Ok(spent)
    }

    /// One sending by a process of its own to whoever takes mail at an address, the process `taker`.
    pub(super) async fn send_to(
        &mut self,
        to: SocketAddr,
        taker: Pid,
        client: Client,
        form: Form,
        readers: u64,
    ) -> anyhow::Result<Spent> {
        let args = self.args;
        self.number += 1;
        // One newsletter for each number of readers.
        let newsletter = Slug::parse(&format!("weekly-{readers}"))?;
        if client == Client::Ledger && !self.populated.contains(&newsletter) {
            let store = &self.ground.database()?.store;
            store.populate(store.newsletter_id(&newsletter).await?, readers).await?;
            self.populated.insert(newsletter.clone());
        }
        let relay = Relay { address: to, connections: args.connections, form, signs: args.dkim };
        let config = self.ground.configure(&newsletter, &relay)?;
        let postmaster = self.ground.database.as_ref().and_then(|database| database.postmaster());
        let task = Task {
            client,
            form,
            config,
            connections: args.connections,
            readers,
            size: args.size,
            number: self.number,
            // The sink has one thread, and so have clients that do nothing but write.
            threads: match (client, args.threads) {
                (Client::Ledger, Some(threads)) => Some(threads.into()),
                (Client::Ledger, None) if wants_all_cores(args.dkim, form.window()) => None,
                _ => Some(1),
            },
            to,
            sink: taker.as_raw_nonzero().get(),
            postmaster: postmaster.map(|pid| pid.as_raw_nonzero().get()),
        };
        Helper::start(["bench", "sender"])?.ask(&task).await
    }
}
