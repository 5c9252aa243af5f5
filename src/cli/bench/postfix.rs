//! `masthead bench postfix`: beside Postfix's own test client, into Postfix's own test server and into the sink.
//!
//! `smtp-source` sends one line again and again: what it can do is what SMTP without a list of readers costs in C.
//! `smtp-sink` is no faster than it is, so where it takes the mail, it decides how fast that goes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::time::sleep;

use super::form::Form;
use super::ground::{Ground, Helper};
use super::peers::program;
use super::report::{Column, Ratio, Table};
use super::sample::SIZE;
use super::send::{self, CONNECTIONS, Stage};
use super::sender::Client;

/// How long `smtp-sink` may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// The arguments.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The folder with smtp-source and smtp-sink, or what starts them
    #[arg(long, value_name = "FOLDER", default_value = "benches/peers")]
    scripts: PathBuf,
    /// Messages of each sending
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    messages: u64,
    /// Sessions, that is, connections
    #[arg(long, default_value_t = CONNECTIONS, value_parser = send::connections)]
    sessions: usize,
    /// Bytes of HTML that the email has
    #[arg(long, value_name = "BYTES", default_value_t = SIZE)]
    size: usize,
}

const COLUMNS: &[Column] = &[Column { key: "per_second", heading: "per second", decimals: 0 }];

/// Sends in turn, a table for each server.
pub(super) async fn run(args: &Args, rounds: u32, ground: &Ground) -> anyhow::Result<Vec<Table>> {
    let source = program(&args.scripts, "smtp-source")?;
    let server = PostfixSink::start(&program(&args.scripts, "smtp-sink")?).await?;
    let send =
        send::Args { readers: args.messages, connections: args.sessions, size: args.size, ..send::Args::brief() };
    let mut stage = Stage::set(&send, ground)?;
    // As long as a reader's message is.
    let bytes = stage.send(Client::Raw, Form::BehindTheDot, 1).await?.message;
    let ours = (stage.to, stage.sink.pid());
    let mut tables = Vec::new();
    for (name, (to, taker)) in [("smtp-sink", (server.address, server.helper.pid())), ("masthead's sink", ours)] {
        let title = format!("into {name}: {} messages of {bytes} bytes, {} sessions", args.messages, args.sessions);
        let ratio = Ratio::share("of_smtp_source", "of smtp-source", "per_second", 0);
        let mut table = Table::new("postfix", title, COLUMNS, &[ratio]);
        let (theirs, ours) = (table.row("smtp-source"), table.row("masthead, with the ledger"));
        for round in 1..=rounds {
            errln!("postfix, into {name}, round {round} of {rounds}");
            let per_second = |seconds: f64| vec![Some(args.messages as f64 / seconds)];
            table.put(theirs, per_second(send_by(&source, args, bytes, to).await?));
            let spent = stage.send_to(to, taker, Client::Ledger, Form::BehindTheDot, args.messages).await?;
            table.put(ours, per_second(spent.seconds));
        }
        tables.push(table);
    }
    Ok(tables)
}

/// Lets `smtp-source` send; returns how many seconds it took, its start included.
async fn send_by(source: &Path, args: &Args, bytes: usize, to: SocketAddr) -> anyhow::Result<f64> {
    let mut command = Command::new(source);
    let (sessions, messages, bytes) = (args.sessions.to_string(), args.messages.to_string(), bytes.to_string());
    // `-d`: a session keeps its connection.
    command.args(["-d", "-s", &sessions, "-m", &messages, "-l", &bytes]);
    command.args(["-f", "editor@newsletter.example.org", "-t", "reader@example.com", &to.to_string()]);
    let started = Instant::now();
    Helper::spawn(command)?.answer().await.with_context(|| format!("`{}`", source.display()))?;
    Ok(started.elapsed().as_secs_f64())
}

/// Postfix's test server in a process of its own.
struct PostfixSink {
    helper: Helper,
    address: SocketAddr,
}

impl PostfixSink {
    async fn start(program: &Path) -> anyhow::Result<Self> {
        // It takes no port 0: one that is free now will do.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(program);
        command.args([&address.to_string(), "500"]);
        let mut helper = Helper::spawn(command)?;
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            let name = program.display();
            if let Some(status) = helper.ended()? {
                bail!("`{name}` ended with {status}");
            }
            ensure!(started.elapsed() < PATIENCE, "`{name}` does not listen at {address}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { helper, address })
    }
}
