//! `masthead bench peers`: what a user would write instead, into the same sink with the same HTML.
//!
//! Each peer is a program `NAME HOST PORT COUNT built|prepared HTMLFILE`. It sends COUNT messages, to reader-0 and on,
//! each with the reader's link where the HTML says `{{unsubscribe_url}}`, and prints `{"sent": N, "seconds": S}`:
//! from the first connection to the last reply. `built` builds each message as the library's manual shows,
//! `prepared` puts the link into bytes that were built once.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::form::Form;
use super::ground::{Ground, Helper};
use super::report::{Column, Ratio, Table};
use super::sample::{self, ENGLISH, SIZE};
use super::send::{self, CONNECTIONS, Stage};
use super::sender::Client;
use crate::cli::advise;
use crate::render::{Slot, render, sample_newsletter};

/// The programs that there must be.
const PEERS: [&str; 4] = ["smtplib", "aiosmtplib", "nodemailer", "lettre"];

/// The arguments.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The folder with the peers' programs
    #[arg(long, value_name = "FOLDER", default_value = "benches/peers")]
    scripts: PathBuf,
    /// Messages of each peer in a round
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    messages: u64,
    /// Readers of masthead's sending
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..))]
    readers: u64,
    /// Connections of masthead's sending
    #[arg(long, default_value_t = CONNECTIONS, value_parser = send::connections)]
    connections: usize,
    /// Bytes of HTML that the email has
    #[arg(long, value_name = "BYTES", default_value_t = SIZE)]
    size: usize,
}

/// What a peer says of itself.
#[derive(Debug, Deserialize)]
struct Said {
    sent: u64,
    seconds: f64,
}

const COLUMNS: &[Column] = &[Column { key: "per_second", heading: "per second", decimals: 0 }];

/// Sends in turn: with the ledger, then each peer in both ways.
pub(super) async fn run(args: &Args, rounds: u32, ground: &Ground) -> anyhow::Result<Table> {
    let programs: Vec<_> = PEERS.iter().map(|name| program(&args.scripts, name)).collect::<anyhow::Result<_>>()?;
    let Args { readers, connections, size, .. } = *args;
    let send = send::Args { readers, connections, size, ..send::Args::brief() };
    let issue = sample::issue(1, size, &ENGLISH)?;
    let html = render(&issue, &sample_newsletter(&issue)?)?.html_for(|slot| match slot {
        Slot::UnsubscribeUrl => "{{unsubscribe_url}}",
        Slot::Name => "friend",
    });
    let html_file = ground.folder.write("issue.html", &html)?;
    let form = Form::BehindTheDot;
    let mut stage = Stage::set(&send, ground)?;

    let title = format!(
        "peers: {} bytes of HTML; masthead to {readers} readers over {connections} connections, {}",
        html.len(),
        form.name()
    );
    let ratio = Ratio::multiple("masthead_is_times", "masthead is ×", "per_second", 0);
    let mut table = Table::new("peers", title, COLUMNS, &[ratio]);
    let ours = table.row("masthead, with the ledger");
    let mut rows = Vec::new();
    for program in &programs {
        for way in ["built", "prepared"] {
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            rows.push((program, way, table.row(format!("{name}, {way}"))));
        }
    }
    for round in 1..=rounds {
        errln!("peers, round {round} of {rounds}");
        let spent = stage.send(Client::Ledger, form, readers).await?;
        table.put(ours, vec![Some(readers as f64 / spent.seconds)]);
        for (program, way, row) in &rows {
            let said = send_by(&mut stage, program, way, args.messages, &html_file).await?;
            table.put(*row, vec![Some(said.sent as f64 / said.seconds)]);
        }
    }
    Ok(table)
}

/// A program in the folder of peers.
pub(super) fn program(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    if path.is_file() {
        return Ok(path.canonicalize()?);
    }
    let (what, folder) = (path.display(), folder.display());
    Err(advise(
        &format!("there is no `{what}`"),
        &format!("run this where `{folder}` is, in masthead's repository, or name the folder with --scripts"),
    ))
}

/// Lets a peer send; the sink must have every message.
async fn send_by(stage: &mut Stage<'_>, program: &Path, way: &str, count: u64, html: &Path) -> anyhow::Result<Said> {
    let name = program.display();
    let mut command = Command::new(program);
    let (host, port) = (stage.to.ip().to_string(), stage.to.port().to_string());
    command.args([&host, &port, &count.to_string(), way]).arg(html);
    let before = stage.sink.accepted()?;
    let answer = Helper::spawn(command)?.answer().await;
    let remedy = "it says above what is wrong; the page beside it says what it needs";
    let answer = answer.map_err(|error| advise(&format!("`{name}` failed: {error:#}"), remedy))?;
    let said: Said = serde_json::from_str(&answer).with_context(|| format!("`{name}` said `{}`", answer.trim()))?;
    let accepted = stage.sink.accepted()? - before;
    ensure!(said.sent == count && accepted == count, "`{name}` sent {} of {count}, the sink has {accepted}", said.sent);
    Ok(said)
}
