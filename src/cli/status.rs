//! `masthead status`: the ledger of an issue.

use super::context::{ConfigArgs, OpenStore, block_on, told};
use super::ledger::LedgerView;
use super::{Exit, advise};
use crate::config::Config;
use crate::store::{FrozenIssue, Store};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The issue, as slug/number, or the number where there is one newsletter; the newest without it
    issue: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    block_on(async {
        let open = OpenStore::open(&config).await?;
        // What a process left behind that is gone is in doubt, not under way.
        open.store.reap_workers().await?;
        let (slug, issue) = find(&config, &open.store, args.issue.as_deref()).await?;
        let summary = open.store.summary(issue.id).await?;
        let view = LedgerView { slug: &slug, issue: &issue, summary: &summary };
        if args.json {
            println!("{}", view.json());
        } else {
            print!("{}", view.text());
        }
        let exit = view.exit();
        open.close().await?;
        Ok(exit)
    })
}

/// Finds the issue that `slug/number` or `number` names, or the newest.
async fn find(config: &Config, store: &Store, name: Option<&str>) -> anyhow::Result<(String, FrozenIssue)> {
    let (slug, number) = match name {
        None => store.newest_issue().await?.ok_or_else(|| advise("no issue was sent yet", "`masthead send FILE` sends one"))?,
        Some(name) => {
            let (slug, number) = match name.rsplit_once('/') {
                Some((slug, number)) => (Some(slug), number),
                None => (None, name),
            };
            let number = number.trim_start_matches('#').parse().map_err(|_| {
                advise(&format!("`{name}` names no issue"), "write it as slug/number, like `weekly/104`, or as the number")
            })?;
            (config.newsletter(slug).map_err(told)?.slug.to_string(), number)
        }
    };
    let newsletter = config.newsletter(Some(&slug)).map_err(told)?;
    let newsletter_id = store.newsletter_id(&newsletter.slug).await?;
    let issue = store
        .issue(newsletter_id, number)
        .await?
        .ok_or_else(|| advise(&format!("{slug}/{number} was never sent"), "`masthead send FILE` sends it"))?;
    Ok((slug, issue))
}
