//! `masthead subscribers`: who gets a newsletter, and how we know that they want it.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use super::context::{ConfigArgs, OpenStore, block_on, told};
use super::ledger::clock;
use super::{Exit, Output, advise, subscriber_file};
use crate::store::ImportRow;
use crate::subscriber::{EmailAddress, SubscriptionState};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The newsletter, where there are several
    #[arg(long, global = true, value_name = "SLUG")]
    newsletter: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add one reader, who asked for it elsewhere
    Add {
        /// The address
        address: String,
        /// The name
        #[arg(long)]
        name: Option<String>,
        /// How the reader agreed, for the consent record
        #[arg(long, default_value = "added by the operator")]
        consent: String,
    },
    /// List the readers
    List {
        /// Only those in this state: pending, active, unsubscribed
        #[arg(long, value_parser = state)]
        state: Option<SubscriptionState>,
        /// Print a JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Show one reader: subscriptions, consent record, suppression
    Show {
        /// The address
        address: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Import a CSV file with a column `email` and optionally `name`, as active
    Import {
        /// The file
        file: PathBuf,
        /// How these readers agreed, for the consent record
        #[arg(long)]
        consent: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Write all readers as CSV
    Export {
        /// The file; standard output without it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Unsubscribe a reader
    Remove {
        /// The address
        address: String,
    },
    /// Erase a reader: nothing stays but a keyed hash that keeps the address suppressed
    Erase {
        /// The address
        address: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

fn state(text: &str) -> Result<SubscriptionState, String> {
    [SubscriptionState::Pending, SubscriptionState::Active, SubscriptionState::Unsubscribed]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| format!("`{text}` is no state; there is pending, active and unsubscribed"))
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    block_on(async {
        let open = OpenStore::open(&config).await?;
        let newsletter = config.newsletter(args.newsletter.as_deref()).map_err(told)?;
        let id = open.newsletter_id(newsletter).await?;
        let exit = match &args.command {
            Command::Add { address, name, consent } => add(&open, id, address, name.as_deref(), consent).await?,
            Command::List { state, json } => list(&open, id, *state, *json).await?,
            Command::Show { address, json } => show(&open, address, *json).await?,
            Command::Import { file, consent, yes } => import(&open, id, file, consent, *yes).await?,
            Command::Export { out } => export(&open, id, out.as_ref()).await?,
            Command::Remove { address } => remove(&open, id, address).await?,
            Command::Erase { address, yes } => erase(&open, address, *yes).await?,
        };
        open.close().await?;
        Ok(exit)
    })
}

async fn add(open: &OpenStore, id: i32, address: &str, name: Option<&str>, consent: &str) -> anyhow::Result<Exit> {
    let address = EmailAddress::parse(address)?;
    let name = name.map(subscriber_file::clean_name).transpose().map_err(anyhow::Error::msg)?;
    let row = ImportRow { address: address.clone(), name, unsubscribed: false };
    let counts = open.store.import(id, &[row], "added", consent).await?;
    if counts.added == 1 {
        errln!("{address} is subscribed");
    } else if counts.known == 1 {
        errln!("{address} was subscribed already");
    } else {
        return Err(advise(
            &format!("{address} left or is suppressed"),
            "only the reader can come back, through the sign-up page",
        ));
    }
    Ok(Exit::Done)
}

async fn list(open: &OpenStore, id: i32, state: Option<SubscriptionState>, as_json: bool) -> anyhow::Result<Exit> {
    let mut out = Output;
    let mut after = 0;
    loop {
        let page = open.store.subscribers(id, state, after, 1_000).await?;
        let Some(last) = page.last() else { return Ok(Exit::Done) };
        after = last.id;
        for reader in &page {
            if as_json {
                let since = reader.changed_at.unix_timestamp();
                let line = json!({"email": reader.email, "name": reader.name, "state": reader.state, "since": since});
                writeln!(out, "{line}")?;
            } else {
                let name = reader.name.as_deref().unwrap_or("");
                writeln!(out, "{}\t{}\t{}\t{name}", reader.email, reader.state, clock(reader.changed_at))?;
            }
        }
    }
}

async fn show(open: &OpenStore, address: &str, as_json: bool) -> anyhow::Result<Exit> {
    let address = EmailAddress::parse(address)?;
    let Some(profile) = open.store.profile(&address).await? else {
        return match open.store.suppression(&address).await? {
            Some(reason) => {
                errln!("{address} is not known, and suppressed: {reason}");
                Ok(Exit::Findings)
            }
            None => Err(advise(&format!("{address} is not known"), "`masthead subscribers list` shows who is")),
        };
    };
    if as_json {
        let subscriptions: Vec<_> = profile
            .subscriptions
            .iter()
            .map(|(slug, state, since)| json!({"newsletter": slug, "state": state, "since": since.unix_timestamp()}))
            .collect();
        let consents: Vec<_> = profile
            .consents
            .iter()
            .map(|(slug, act, source, network, at)| {
                json!({"newsletter": slug, "act": act, "source": source, "network": network, "at": at.unix_timestamp()})
            })
            .collect();
        outln!(
            "{}",
            json!({"email": profile.email, "name": profile.name, "suppressed": profile.suppression,
                   "subscriptions": subscriptions, "consent": consents})
        );
        return Ok(Exit::Done);
    }
    outln!("{} {}", profile.email, profile.name.unwrap_or_default());
    if let Some(reason) = profile.suppression {
        outln!("  suppressed: {reason}");
    }
    for (slug, state, since) in profile.subscriptions {
        outln!("  {slug}: {state} since {} UTC", clock(since));
    }
    for (slug, act, source, network, at) in profile.consents {
        outln!(
            "  {} UTC  {slug}: {act}, {source}{}",
            clock(at),
            network.map_or(String::new(), |from| format!(", from {from}"))
        );
    }
    Ok(Exit::Done)
}

async fn import(open: &OpenStore, id: i32, file: &PathBuf, consent: &str, yes: bool) -> anyhow::Result<Exit> {
    if consent.trim().is_empty() {
        return Err(advise(
            "--consent is empty",
            "say how these readers agreed, like \"sign-up form of the old site\"",
        ));
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let read = subscriber_file::read(&bytes).map_err(|what| anyhow::anyhow!("`{}`: {what}", file.display()))?;
    for (line, what) in &read.wrong {
        errln!("{}:{line}: {what}", file.display());
    }
    errln!("{} readers, {} rows that are left out", read.rows.len(), read.wrong.len());
    if !yes && !confirmed("import them?")? {
        return Ok(Exit::Findings);
    }
    let counts = open.store.import(id, &read.rows, "imported", consent).await?;
    errln!(
        "{} added, {} subscribed already, {} unsubscribed and left so, {} suppressed and left so",
        counts.added,
        counts.known,
        counts.unsubscribed,
        counts.suppressed
    );
    Ok(if read.wrong.is_empty() { Exit::Done } else { Exit::Findings })
}

async fn export(open: &OpenStore, id: i32, out: Option<&PathBuf>) -> anyhow::Result<Exit> {
    let target: Box<dyn Write> = match out {
        Some(path) => Box::new(File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?),
        None => Box::new(Output),
    };
    let mut writer = subscriber_file::Writer::new(target)?;
    let mut after = 0;
    loop {
        let page = open.store.subscribers(id, None, after, 1_000).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for reader in &page {
            writer.write(&reader.email, reader.name.as_deref(), &reader.state, &clock(reader.changed_at))?;
        }
    }
    writer.finish()?;
    Ok(Exit::Done)
}

async fn remove(open: &OpenStore, id: i32, address: &str) -> anyhow::Result<Exit> {
    let address = EmailAddress::parse(address)?;
    let subscriber_id = open
        .store
        .subscriber_id(&address)
        .await?
        .ok_or_else(|| advise(&format!("{address} is not known"), "`masthead subscribers list` shows who is"))?;
    let ended = open.store.unsubscribe(id, subscriber_id, "removed", "by the operator", None, false).await?;
    errln!("{address} {}", if ended { "is unsubscribed" } else { "was not subscribed" });
    Ok(Exit::Done)
}

async fn erase(open: &OpenStore, address: &str, yes: bool) -> anyhow::Result<Exit> {
    let address = EmailAddress::parse(address)?;
    if !yes && !confirmed(&format!("erase {address} for good?"))? {
        return Ok(Exit::Findings);
    }
    let erased = open.store.erase(&address).await?;
    let known = if erased { "is erased" } else { "was not known" };
    errln!("{address} {known}; a keyed hash keeps it suppressed");
    Ok(Exit::Done)
}

fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(advise("nobody is there to confirm", "add --yes"));
    }
    err!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
