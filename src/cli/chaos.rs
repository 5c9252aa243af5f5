//! `masthead chaos`: the promises of the ledger under fire, with real processes and a real Postgres.
//!
//! Readers, a private Postgres, a relay with a record of its own and `masthead serve` are made in a temporary folder.
//! Issue after issue is sent by several senders while they, Postgres, the connections and the relay fail in every
//! way that the seed has planned. After each issue the ledger is compared with the relay's record:
//!
//! | | |
//! | --- | --- |
//! | I1 | every row of the snapshot ends in a state, and what is accepted is on the record |
//! | I2 | nobody has two mails of an issue |
//! | I3 | a killed process leaves at most what was in flight in doubt: a message per connection, or a window of them |
//! | I4 | nobody is mailed whose unsubscribe was answered before the intent |
//! | I5 | the audience is the sum of the states whenever somebody looks, and every step is one that there is |
//! | I6 | every refusal is recorded with its class |
//!
//! The mails of one issue go one command at a time, those of the next pipelined, and of the third by BDAT. One is sent
//! by `masthead send`, another is scheduled and sent by `masthead worker`, another by both.
//!
//! The seed decides which faults there are, in which order, and what the relay has in store for whom. When exactly
//! a fault meets a process is up to the machine: two runs with one seed differ, and both must hold.

mod cases;
mod crew;
mod dice;
mod ground;
mod mode;
mod plan;
mod proxy;
mod readers;
mod round;
mod sink;
mod tally;
mod verdict;

use std::time::Instant;

use self::cases::Cases;
use self::crew::Hands;
use self::dice::Dice;
use self::ground::Ground;
use self::mode::Mode;
use self::plan::{Amounts, Fault, plan, share};
use self::round::{Round, Setup};
use self::tally::Tally;
use super::context::{block_on, interruption};
use super::{Exit, advise, told_once};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What decides about the faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Readers of every issue
    #[arg(long, default_value_t = 2_000)]
    readers: u64,
    /// How many issues to send
    #[arg(long, default_value_t = 2)]
    issues: u64,
    /// How many senders to kill with -9
    #[arg(long, default_value_t = 20)]
    kills: u64,
    /// How often to kill Postgres
    #[arg(long, default_value_t = 4)]
    postgres_kills: u64,
    /// Connections of every sender
    #[arg(long, default_value_t = 4)]
    connections: u64,
    /// Senders at once
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// How all mails go over the wire; without it, each issue's in another form
    #[arg(long)]
    mode: Option<Mode>,
    /// Play these cases only, like 28,29
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    only: Vec<u32>,
    /// Say where each case is proven, and leave
    #[arg(long)]
    list: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.list {
        return cases::list();
    }
    let cases = match args.only.as_slice() {
        [] => Cases::all(),
        only => Cases::only(only).map_err(|case| {
            advise(&format!("case {case} is none that this plays"), "`masthead chaos --list` says where each is")
        })?,
    };
    let folder = std::env::temp_dir().join(format!("masthead-chaos-{}", std::process::id()));
    block_on(async {
        let mut interrupted = interruption()?;
        let ground = Ground::make(&folder, args, cases.clone()).await?;
        let began = Instant::now();
        let mut tally = Tally::default();
        let fired = tokio::select! {
            fired = fire(args, &cases, &ground, &mut tally) => fired,
            _ = interrupted.wait_for(|interrupted| *interrupted) => Err(anyhow::anyhow!("interrupted")),
        };
        let wrong = fired.unwrap_or_else(|error| vec![told_once(&error)]);
        out!("{}", tally.table(args, wrong.len()));
        errln!("took {:.0} s", began.elapsed().as_secs_f64());
        for what in wrong.iter().take(50) {
            errln!("violation: {what}");
        }
        if !wrong.is_empty() {
            errln!("{} violations with --seed {}", wrong.len(), args.seed);
            errln!("said.log, faults.log and taken.log in {} tell what happened when;", folder.display());
            errln!("there `masthead status ISSUE`, `audit ISSUE` and `postgres` open the ledger");
        }
        ground.end(wrong.is_empty()).await?;
        Ok(if wrong.is_empty() { Exit::Done } else { Exit::Findings })
    })
}

/// Sends all issues under fire; returns what is wrong, as soon as something is.
async fn fire(args: &Args, cases: &Cases, ground: &Ground, tally: &mut Tally) -> anyhow::Result<Vec<String>> {
    let readers: Vec<_> = (0..args.readers).map(|number| format!("reader-{number}@example.com")).collect();
    ground.import(&readers).await?;
    let mut dice = Dice::new(args.seed, "plan");
    // Faults for which there was no time in their issue come in the next.
    let mut left_over = Vec::new();
    let mut at = 0;
    while at < args.issues || !left_over.is_empty() {
        let mut amounts = if at < args.issues { amounts(args, cases, at) } else { Amounts::new() };
        amounts.extend(left_over.drain(..).map(|fault| (fault, 1)));
        let (over, wrong) = one_issue(args, cases, ground, tally, &mut dice, at, &amounts).await?;
        if !wrong.is_empty() {
            return Ok(wrong);
        }
        left_over = over;
        at += 1;
    }
    if cases.has(36) {
        let (_, wrong) = one_issue(args, cases, ground, tally, &mut dice, at, &vec![(Fault::Cancel, 1)]).await?;
        return Ok(wrong);
    }
    Ok(Vec::new())
}

async fn one_issue(
    args: &Args,
    cases: &Cases,
    ground: &Ground,
    tally: &mut Tally,
    dice: &mut Dice,
    at: u64,
    amounts: &Amounts,
) -> anyhow::Result<(Vec<Fault>, Vec<String>)> {
    let leaving = amounts.iter().filter(|(fault, _)| *fault == Fault::Leave).map(|(_, amount)| amount).sum();
    let setup = Setup {
        number: at as u32 + 1,
        mode: args.mode.unwrap_or(Mode::of_issue(at)),
        hands: Hands::of_issue(at),
        workers: if cases.has(31) { args.workers } else { 1 },
        connections: args.connections,
        readers: args.readers,
        on_cable: cases.has(34),
        plan: plan(dice, amounts, args.readers + leaving),
        leavers: (0..leaving).map(|number| format!("leaver-{at}-{number}@example.com")).collect(),
        retry: cases.has(36) && at + 1 == args.issues,
    };
    errln!("issue {} of {}: {}", setup.number, args.issues, setup.title());
    let played = Round::new(ground, dice, tally, setup).await?.play().await?;
    errln!("  {} mails on record, {:.0} s under fire", tally.taken, tally.sending.as_secs_f64());
    Ok(played)
}

/// How often each fault is to meet issue number `at`.
fn amounts(args: &Args, cases: &Cases, at: u64) -> Amounts {
    let part = |case, amount| if cases.has(case) { share(amount, at, args.issues) } else { 0 };
    // The slow ones are few: one of them lasts as long as many issues.
    let slow = |kills: u64| 1 + args.kills / kills;
    let early = if cases.has(38) { args.kills / 10 } else { 0 };
    vec![
        (Fault::Kill, part(28, args.kills - early)),
        (Fault::EarlyKill, part(38, early)),
        (Fault::KillPostgres, part(29, args.postgres_kills)),
        (Fault::Away, part(21, slow(100))),
        (Fault::Wary, part(21, slow(100))),
        (Fault::Stop, part(32, slow(200))),
        (Fault::FullDisk, part(33, slow(200))),
        (Fault::Cut, part(34, slow(500))),
        (Fault::Pause, part(36, slow(20))),
        (Fault::Terminate, part(36, slow(20))),
        (Fault::Leave, part(37, args.readers * args.issues / 100)),
    ]
}
