//! `masthead status`: the ledger of an issue.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::signal::ctrl_c;
use tokio::time::{sleep, timeout};

use super::context::{ConfigArgs, OpenStore, block_on, told};
use super::ledger::LedgerView;
use super::{Exit, Output, advise};
use crate::config::Config;
use crate::store::{IssueState, Store, StoreError};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The issue, as slug/number, or the number where there is one newsletter; the newest without it
    issue: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "watch")]
    json: bool,
    /// Look again every two seconds until the issue is sent or cancelled; wait for it where it is not there yet
    #[arg(long, short)]
    watch: bool,
}

/// How often --watch looks.
const TICK: Duration = Duration::from_secs(2);

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where --watch draws on a terminal: from the top left, over what was there.
const REDRAW: &str = "\x1b[H\x1b[J";

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    block_on(async {
        let open = OpenStore::open(&config).await?;
        let mut view = match look(&config, &open.store, args.issue.as_deref()).await? {
            Some(view) => view,
            None if args.watch => match first(&config, &open.store, args.issue.as_deref()).await? {
                Some(view) => view,
                None => return Ok(Exit::Done),
            },
            None => return Err(unsent(args.issue.as_deref())),
        };
        let is_terminal = io::stdout().is_terminal();
        while args.watch && !matches!(view.issue.state, IssueState::Sent | IssueState::Cancelled) {
            if is_terminal {
                out!("{REDRAW}{}", view.text());
                Output.flush()?;
            } else {
                outln!("{}", view.line());
            }
            tokio::select! {
                () = sleep(TICK) => {}
                _ = ctrl_c() => break,
            }
            let name = view.name();
            view = look(&config, &open.store, Some(&name)).await?.ok_or_else(|| unsent(Some(&name)))?;
        }
        if args.json {
            outln!("{}", view.json());
        } else if args.watch && is_terminal {
            out!("{REDRAW}{}", view.text());
        } else {
            out!("{}", view.text());
        }
        let exit = view.exit();
        open.close().await?;
        Ok(exit)
    })
}

/// Waits for an issue to be sent; none when that was interrupted.
async fn first(config: &Config, store: &Store, name: Option<&str>) -> anyhow::Result<Option<LedgerView>> {
    errln!("waiting until {} is sent", name.unwrap_or("an issue"));
    loop {
        tokio::select! {
            () = sleep(TICK) => {}
            _ = ctrl_c() => return Ok(None),
        }
        if let Some(view) = look(config, store, name).await? {
            return Ok(Some(view));
        }
    }
}

/// Looks anew, as long as Postgres answers.
async fn look(config: &Config, store: &Store, name: Option<&str>) -> anyhow::Result<Option<LedgerView>> {
    let look = async {
        // What a process left behind that is gone is in doubt, not under way.
        store.reap_workers().await?;
        named(config, store, name).await
    };
    timeout(PATIENCE, look).await.unwrap_or_else(|_| Err(StoreError::Silent(PATIENCE).into()))
}

/// The ledger of the issue that `slug/number` or `number` names, or of the newest.
pub(super) async fn find(config: &Config, store: &Store, name: Option<&str>) -> anyhow::Result<LedgerView> {
    named(config, store, name).await?.ok_or_else(|| unsent(name))
}

fn unsent(name: Option<&str>) -> anyhow::Error {
    let what = name.map_or("no issue was sent yet".to_owned(), |name| format!("{name} was never sent"));
    advise(&what, "`masthead send FILE` sends an issue")
}

async fn named(config: &Config, store: &Store, name: Option<&str>) -> anyhow::Result<Option<LedgerView>> {
    let (slug, number) = match name {
        None => {
            let Some((slug, number)) = store.newest_issue().await? else { return Ok(None) };
            (Some(slug), number)
        }
        Some(name) => {
            let (slug, number) = match name.rsplit_once('/') {
                Some((slug, number)) => (Some(slug.to_owned()), number),
                None => (None, name),
            };
            let number = number.trim_start_matches('#').parse().map_err(|_| {
                advise(
                    &format!("`{name}` names no issue"),
                    "write it as slug/number, like `weekly/104`, or as the number",
                )
            })?;
            (slug, number)
        }
    };
    let newsletter = config.newsletter(slug.as_deref()).map_err(told)?;
    let newsletter_id = store.newsletter_id(&newsletter.slug).await?;
    LedgerView::find(store, newsletter, newsletter_id, number).await
}
