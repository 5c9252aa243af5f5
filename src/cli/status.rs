//! `masthead status`: the ledger of an issue.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::signal::ctrl_c;
use tokio::time::{sleep, timeout};

use super::context::{ConfigArgs, OpenStore, block_on, told};
use super::ledger::LedgerView;
use super::{Exit, advise};
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
    /// Look again every two seconds until the issue is sent or cancelled
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
        let mut view = look(&config, &open.store, args.issue.as_deref()).await?;
        let is_terminal = io::stdout().is_terminal();
        while args.watch && !matches!(view.issue.state, IssueState::Sent | IssueState::Cancelled) {
            if is_terminal {
                out!("{REDRAW}{}", view.text());
                io::stdout().flush()?;
            } else {
                outln!("{}", view.line());
            }
            tokio::select! {
                () = sleep(TICK) => {}
                _ = ctrl_c() => break,
            }
            view = look(&config, &open.store, Some(&view.name())).await?;
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

/// Looks anew, as long as Postgres answers.
async fn look(config: &Config, store: &Store, name: Option<&str>) -> anyhow::Result<LedgerView> {
    let look = async {
        // What a process left behind that is gone is in doubt, not under way.
        store.reap_workers().await?;
        find(config, store, name).await
    };
    timeout(PATIENCE, look).await.unwrap_or_else(|_| Err(StoreError::Silent(PATIENCE).into()))
}

/// The ledger of the issue that `slug/number` or `number` names, or of the newest.
pub(super) async fn find(config: &Config, store: &Store, name: Option<&str>) -> anyhow::Result<LedgerView> {
    let (slug, number) = match name {
        None => {
            let newest = store.newest_issue().await?;
            let (slug, number) =
                newest.ok_or_else(|| advise("no issue was sent yet", "`masthead send FILE` sends one"))?;
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
    LedgerView::read(store, newsletter, newsletter_id, number).await
}
