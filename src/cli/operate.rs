//! `masthead pause|resume|cancel|retry|resolve|audit`: what the operator does to a ledger.

use super::context::{ConfigArgs, OpenStore, block_on};
use super::ledger::{LedgerView, words};
use super::{Exit, advise, status};
use crate::delivery::PauseCause;
use crate::store::{IssueState, Resolution};
use crate::subscriber::EmailAddress;

/// The arguments of `pause`, `resume` and `cancel`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The issue, as slug/number, or the number where there is one newsletter
    issue: String,
}

/// The arguments of `retry`.
#[derive(Debug, clap::Args)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    of: Args,
    /// Just this reader's delivery
    #[arg(long, value_name = "ADDRESS")]
    only: Option<String>,
}

/// The arguments of `resolve`.
#[derive(Debug, clap::Args)]
pub(super) struct ResolveArgs {
    #[command(flatten)]
    of: Args,
    /// The relay took them: its log says so
    #[arg(long, conflicts_with = "resend")]
    accepted: bool,
    /// Send them again: the relay did not take them, or a second mail is the lesser evil
    #[arg(long)]
    resend: bool,
    /// Just this reader's delivery
    #[arg(long, value_name = "ADDRESS")]
    only: Option<String>,
}

/// The arguments of `audit`.
#[derive(Debug, clap::Args)]
pub(super) struct AuditArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The issue, as slug/number, or the number where there is one newsletter; the newest without it
    issue: Option<String>,
}

/// Runs `masthead pause`.
pub(super) fn pause(args: &Args) -> anyhow::Result<Exit> {
    on_ledger(&args.config, Some(&args.issue), async |open, ledger| {
        let reason = "the operator wanted it";
        if !open.store.pause(ledger.issue.id, PauseCause::Operator, reason, None).await? {
            let state = open.store.standing(ledger.issue.id).await?.state;
            let hint = "only an issue that is sending, or has paused by itself, can be paused";
            return Err(not_so(&ledger.name(), state.as_str(), hint));
        }
        errln!("{} is paused; `masthead resume {}` and the same `send` go on", ledger.name(), args.issue);
        Ok(Exit::Done)
    })
}

/// Runs `masthead resume`.
pub(super) fn resume(args: &Args) -> anyhow::Result<Exit> {
    on_ledger(&args.config, Some(&args.issue), async |open, ledger| {
        if !open.store.resume(ledger.issue.id).await? {
            let state = open.store.standing(ledger.issue.id).await?.state;
            let hint = "only a paused issue, or one that goes gently, can be resumed";
            return Err(not_so(&ledger.name(), state.as_str(), hint));
        }
        errln!("{} may go on; `masthead send` with its file sends what is left", ledger.name());
        Ok(Exit::Done)
    })
}

/// Runs `masthead cancel`.
pub(super) fn cancel(args: &Args) -> anyhow::Result<Exit> {
    on_ledger(&args.config, Some(&args.issue), async |open, ledger| {
        let skipped = open.store.cancel(ledger.issue.id).await?.ok_or_else(|| {
            not_so(&ledger.name(), ledger.issue.state.as_str(), "only an issue with open deliveries can be cancelled")
        })?;
        errln!("{} is cancelled; {skipped} readers are skipped", ledger.name());
        Ok(Exit::Done)
    })
}

/// Runs `masthead retry`.
pub(super) fn retry(args: &RetryArgs) -> anyhow::Result<Exit> {
    let only = args.only.as_deref().map(EmailAddress::parse).transpose()?;
    on_ledger(&args.of.config, Some(&args.of.issue), async |open, ledger| {
        if ledger.issue.state == IssueState::Cancelled {
            return Err(not_so(&ledger.name(), "cancelled", "give the file another number to send it after all"));
        }
        let count = open.store.retry(ledger.issue.id, only.as_ref()).await?;
        if let (0, Some(only)) = (count, &only) {
            return Err(not_there(open, &ledger, only, "refused or expired").await?);
        }
        errln!("{count} deliveries are queued again; `masthead send` with the issue's file sends them");
        Ok(Exit::Done)
    })
}

/// Runs `masthead resolve`.
pub(super) fn resolve(args: &ResolveArgs) -> anyhow::Result<Exit> {
    let only = args.only.as_deref().map(EmailAddress::parse).transpose()?;
    let resolution = match (args.accepted, args.resend) {
        (false, false) => {
            return Err(advise(
                "what became of those in doubt? say `--accepted` or `--resend`",
                "with `--accepted` they count as mailed: the relay's log says that it took them; with `--resend` they are \
                 mailed again: it did not, or a second mail is the lesser evil; `--only ADDRESS` says it of one reader",
            ));
        }
        (_, true) => Resolution::Resend,
        (_, false) => Resolution::Accepted,
    };
    on_ledger(&args.of.config, Some(&args.of.issue), async |open, ledger| {
        let count = open.store.resolve(ledger.issue.id, resolution, only.as_ref()).await?;
        if let (0, Some(only)) = (count, &only) {
            return Err(not_there(open, &ledger, only, "in doubt").await?);
        }
        match resolution {
            Resolution::Accepted => errln!("{count} deliveries are accepted now"),
            Resolution::Resend if ledger.issue.state == IssueState::Cancelled => {
                errln!("{count} deliveries are skipped: {} is cancelled", ledger.name());
            }
            Resolution::Resend => {
                errln!("{count} deliveries are queued again; `masthead send` with the issue's file sends them");
            }
        }
        Ok(Exit::Done)
    })
}

/// Runs `masthead audit`.
pub(super) fn audit(args: &AuditArgs) -> anyhow::Result<Exit> {
    on_ledger(&args.config, args.issue.as_deref(), async |open, ledger| {
        let wrong = open.store.audit(ledger.issue.id).await?;
        out!("{}", ledger.text());
        for what in &wrong {
            outln!("  wrong: {what}");
        }
        if wrong.is_empty() {
            outln!("  every row is right");
        }
        Ok(if wrong.is_empty() { Exit::Done } else { Exit::Findings })
    })
}

/// Opens the store and reads the ledger that `name` names, what dead processes left behind put right.
fn on_ledger(
    config: &ConfigArgs,
    name: Option<&str>,
    act: impl AsyncFnOnce(&OpenStore, LedgerView) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    let config = config.load()?;
    block_on(async {
        let open = OpenStore::open(&config).await?;
        open.store.reap_workers().await?;
        let ledger = status::find(&config, &open.store, name).await?;
        let acted = act(&open, ledger).await;
        open.close().await?;
        acted
    })
}

/// Why nothing was done about one reader, who is not in one of the states `wanted`.
async fn not_there(
    open: &OpenStore,
    ledger: &LedgerView,
    only: &EmailAddress,
    wanted: &str,
) -> anyhow::Result<anyhow::Error> {
    let (name, hint) = (ledger.name(), "`masthead status` lists who is in doubt, and counts the refused");
    Ok(match open.store.delivery_state(ledger.issue.id, only).await? {
        Some(state) => advise(&format!("{only} is not {wanted} in {name}, but {}", words(state)), hint),
        None => advise(
            &format!("{only} is not in the audience of {name}"),
            "write the address as `masthead subscribers list` has it",
        ),
    })
}

fn not_so(name: &str, state: &str, hint: &str) -> anyhow::Error {
    advise(&format!("{name} is {state}"), hint)
}
