//! `masthead bench`: how fast everything is, beside what it could be at most.
//!
//! Every measurement has its reference in the same run: whoever does only the part that cannot be left out. They take
//! their turns round by round; printed are medians, and the medians of the ratios within each round.
//! Readers, a private Postgres and the sink are made in a temporary folder, and leave with it.
//! docs/PERFORMANCE.md says what was measured, and how to repeat it.

mod form;
mod ground;
mod import;
mod line;
mod machine;
mod parse;
mod peers;
mod postfix;
mod raw;
mod render;
mod report;
mod sample;
mod send;
mod sender;
mod stamp;
mod web;

use serde_json::{Value, json};

use self::ground::{Ground, run_sink};
use self::machine::Machine;
use self::report::Table;
use self::sample::SIZE;
use super::Exit;
use super::context::{block_on, interruption};

pub(super) use self::machine::{children, postmaster};

/// Rounds where one thing is measured.
const ROUNDS: u32 = 5;

/// Rounds where everything is.
const FEW_ROUNDS: u32 = 3;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// How often each measurement is taken; the median counts
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to measure; all of it, briefly, where none is named.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Reading an issue, beside comrak alone
    Parse,
    /// Rendering an issue, beside css-inline alone
    Render,
    /// Making a reader's message, beside a full build and a bare signature
    Stamp(stamp::Args),
    /// Sending, beside a client that writes prepared bytes into the same sink
    Send(send::Args),
    /// Importing readers, beside COPY of the same file
    Import(import::Args),
    /// The readers' pages, beside one that asks nobody
    Web(web::Args),
    /// What a user would write instead, beside masthead with its ledger
    Peers(peers::Args),
    /// Sending, beside Postfix's smtp-source
    Postfix(postfix::Args),
    /// Take mail and keep nothing of it
    #[command(hide = true)]
    Sink,
    /// Do what standard input says, and print what it took
    #[command(hide = true)]
    Sender,
}

impl What {
    /// Everything that needs nothing but this program and Postgres, with less of it.
    fn all() -> Vec<Self> {
        vec![
            Self::Parse,
            Self::Render,
            Self::Stamp(stamp::Args { size: SIZE }),
            Self::Import(import::Args { readers: 20_000 }),
            Self::Web(web::Args { readers: 2_000, connections: web::CONNECTIONS }),
            Self::Send(send::Args::brief()),
        ]
    }

    fn needs_database(&self) -> bool {
        match self {
            Self::Send(args) => !args.no_ledger,
            Self::Import(_) | Self::Web(_) | Self::Peers(_) | Self::Postfix(_) => true,
            Self::Parse | Self::Render | Self::Stamp(_) | Self::Sink | Self::Sender => false,
        }
    }
}

/// Runs the command.
pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let Args { what, rounds, json } = args;
    let (what, usual) = match what {
        Some(What::Sink) => return run_sink(),
        Some(What::Sender) => return sender::run(),
        Some(what) => (vec![what], ROUNDS),
        None => (What::all(), FEW_ROUNDS),
    };
    block_on(async {
        let mut interrupted = interruption()?;
        let ground = Ground::make(what.iter().any(What::needs_database)).await?;
        let measured = tokio::select! {
            measured = measure(&what, rounds.unwrap_or(usual), &ground) => measured,
            _ = interrupted.wait_for(|interrupted| *interrupted) => Err(anyhow::anyhow!("interrupted")),
        };
        ground.end().await?;
        let (machine, tables) = measured?;
        print(&machine, &tables, json)?;
        Ok(Exit::Done)
    })
}

async fn measure(what: &[What], rounds: u32, ground: &Ground) -> anyhow::Result<(Machine, Vec<Table>)> {
    let mut machine = Machine::look();
    if let Some(database) = &ground.database {
        machine.postgres = Some(database.store.server_version().await?);
    }
    errln!("{}", machine.line());
    if !machine.is_optimised() {
        errln!("warning: this is a debug build; measure with `cargo build --release`");
    }
    let mut tables = Vec::new();
    for what in what {
        match what {
            What::Parse => tables.push(parse::run(rounds).await?),
            What::Render => tables.extend(render::run(rounds, ground).await?),
            What::Stamp(args) => tables.extend(stamp::run(args, rounds).await?),
            What::Send(args) => tables.extend(send::run(args, rounds, ground).await?),
            What::Import(args) => tables.push(import::run(args, rounds, ground).await?),
            What::Web(args) => tables.push(web::run(args, rounds, ground).await?),
            What::Peers(args) => tables.push(peers::run(args, rounds, ground).await?),
            What::Postfix(args) => tables.extend(postfix::run(args, rounds, ground).await?),
            What::Sink | What::Sender => {}
        }
    }
    Ok((machine, tables))
}

fn print(machine: &Machine, tables: &[Table], json: bool) -> anyhow::Result<()> {
    if json {
        let tables: Vec<Value> = tables.iter().map(Table::json).collect();
        outln!("{}", serde_json::to_string_pretty(&json!({"machine": machine, "tables": tables}))?);
        return Ok(());
    }
    outln!("{}", machine.line());
    for table in tables {
        out!("\n{}", table.text());
    }
    Ok(())
}
