//! `masthead worker`: sends whatever there is to send; `masthead serve` does the same beside the web.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::Exit;
use super::context::{
    ConfigArgs, OpenStore, block_on_sending, interruption, misaligned, relay, signer, wants_all_cores,
};
use super::ledger::{LedgerView, brief};
use super::letterhead;
use super::moment::span;
use super::send::{TELLING, herald, plan};
use crate::config::Config;
use crate::dispatch::{self, Berths, Ending, Herald, Progress};
use crate::mailer::Relay;
use crate::message::dkim::Signer;
use crate::newsletter::Newsletter;
use crate::store::{IssueState, Store, StoreError, Waiting};

/// How often a worker looks whether there is something to send.
const NAP: Duration = Duration::from_secs(1);

/// How long it stays with an issue of which only retries are left.
const STAY: Duration = Duration::from_secs(60);

/// How long it leaves an issue alone that it cannot send.
const BACKOFF: Duration = Duration::from_secs(30);

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    let relay = relay(&config)?;
    let is_signed = config.newsletters.iter().any(|newsletter| config.dkim(&newsletter.slug).is_some());
    block_on_sending(wants_all_cores(is_signed, config.send.window), async {
        let interrupted = interruption()?;
        let open = OpenStore::open(&config).await?;
        let sender = Sender::new(&config, open.store.clone(), relay).await?;
        errln!("waiting for issues to send");
        sender.work(&config, interrupted).await;
        open.close().await?;
        Ok(Exit::Done)
    })
}

/// Sends for all newsletters of a configuration.
pub(super) struct Sender {
    store: Store,
    relay: Relay,
    /// For the connections of all issues together.
    berths: Berths,
    /// By their ids.
    newsletters: BTreeMap<i32, Desk>,
}

/// What is needed to send for a newsletter.
struct Desk {
    newsletter: Newsletter,
    signer: Option<Signer>,
    operator: Option<Herald>,
}

/// The part of this process in the send of one issue, and how it ended.
struct Part {
    issue: Waiting,
    ending: Result<Ending, StoreError>,
}

/// Whether an issue may be joined again at once, or is better left alone for a time.
#[derive(PartialEq, Eq)]
enum Left {
    Well,
    Badly,
}

impl Sender {
    /// Reads what is needed to send for every newsletter.
    pub(super) async fn new(config: &Config, store: Store, relay: Relay) -> anyhow::Result<Self> {
        let mut newsletters = BTreeMap::new();
        for newsletter in &config.newsletters {
            let id = store.newsletter_id(&newsletter.slug).await?;
            let signer = signer(config, &newsletter.letterhead())?;
            let operator = herald(config, newsletter, &relay, signer.clone());
            newsletters.insert(id, Desk { newsletter: newsletter.clone(), signer, operator });
        }
        Ok(Self { store, relay, berths: Berths::new(config.send.connections), newsletters })
    }

    /// Takes part in every issue that has something to do, until `interrupted`; then messages on the wire finish.
    pub(super) async fn work(&self, config: &Config, mut interrupted: watch::Receiver<bool>) {
        let mut parts = JoinSet::new();
        let mut busy_with = HashSet::new();
        let mut left_alone: HashMap<i64, Instant> = HashMap::new();
        while !*interrupted.borrow() {
            left_alone.retain(|_, until| *until > Instant::now());
            let issues = self.waiting().await.unwrap_or_else(|error| {
                warn!(%error, "cannot look for issues to send");
                Vec::new()
            });
            for issue in issues {
                let id = issue.issue_id;
                if left_alone.contains_key(&id) || !busy_with.insert(id) {
                    continue;
                }
                if let Err(error) = self.join(config, issue, &interrupted, &mut parts).await {
                    warn!(%error, issue.id = id, "the issue cannot be sent");
                    busy_with.remove(&id);
                    left_alone.insert(id, Instant::now() + BACKOFF);
                }
            }
            tokio::select! {
                () = sleep(NAP) => {}
                Some(Ok(part)) = parts.join_next(), if !parts.is_empty() => {
                    busy_with.remove(&part.issue.issue_id);
                    if self.left(&part).await == Left::Badly {
                        left_alone.insert(part.issue.issue_id, Instant::now() + BACKOFF);
                    }
                }
                _ = interrupted.wait_for(|interrupted| *interrupted) => {}
            }
        }
        // They have heard the same signal.
        while let Some(ended) = parts.join_next().await {
            if let Ok(part) = ended {
                self.left(&part).await;
            }
        }
    }

    async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        // What a process left behind that is gone is due again.
        self.store.reap_workers().await?;
        let ids: Vec<_> = self.newsletters.keys().copied().collect();
        self.store.waiting_issues(&ids).await
    }

    /// Starts the issue if it was scheduled, and takes part in its send.
    async fn join(
        &self,
        config: &Config,
        issue: Waiting,
        interrupted: &watch::Receiver<bool>,
        parts: &mut JoinSet<Part>,
    ) -> Result<(), StoreError> {
        // Others are not asked for.
        let Some(Desk { newsletter, signer, operator }) = self.newsletters.get(&issue.newsletter_id) else {
            return Ok(());
        };
        if issue.is_scheduled && self.store.start(issue.issue_id).await? {
            errln!("{}/{}: its time has come", newsletter.slug, issue.number);
        }
        let frozen = self.store.issue(issue.newsletter_id, issue.number).await?;
        let frozen = frozen.ok_or_else(|| StoreError::Unknown(format!("no issue {} any more", issue.number)))?;
        let (store, relay) = (self.store.clone(), self.relay.clone());
        let plan = plan(config, store, relay, newsletter, signer.clone(), frozen).await?;
        let plan = dispatch::Send { wait: STAY, berths: self.berths.clone(), operator: operator.clone(), ..plan };
        let interrupted = interrupted.clone();
        // A look whether a pause is over is said when it is.
        if plan.issue.state != IssueState::Paused {
            let name = format!("{}/{}", newsletter.slug, issue.number);
            errln!("{name}: taking part");
            if let Some(oddity) = letterhead::oddity(&plan.issue, newsletter) {
                errln!("warning: {name} {oddity}");
                let dkim = config.dkim(&newsletter.slug);
                if let Some((what, remedy)) = dkim.and_then(|dkim| misaligned(dkim, &plan.letterhead.from.address)) {
                    errln!("warning: {what}; {remedy}");
                }
            }
        }
        parts.spawn(async move {
            Part { issue, ending: dispatch::run(plan, Arc::new(Progress::default()), interrupted).await }
        });
        Ok(())
    }

    /// Says how a part ended.
    async fn left(&self, part: &Part) -> Left {
        let Some(desk) = self.newsletters.get(&part.issue.newsletter_id) else { return Left::Badly };
        let name = format!("{}/{}", desk.newsletter.slug, part.issue.number);
        match &part.ending {
            Ok(Ending::Sent { now }) => {
                errln!("{name}: sent");
                if *now {
                    self.report(desk, part.issue).await;
                }
            }
            Ok(Ending::Waiting(due_in)) => {
                errln!("{name}: the next try is due in {}", span(due_in.as_secs_f64().ceil() as i64));
            }
            Ok(Ending::Stopped) => errln!("{name}: stopped{}", self.rest(part.issue).await),
            Ok(Ending::Cancelled) => errln!("{name}: cancelled"),
            Ok(Ending::Paused(pause)) => match pause.in_a_row {
                ..=1 => errln!("{name}: paused: {}", brief(&pause.reason)),
                times => errln!("{name}: still paused, {times} times in a row"),
            },
            Ok(Ending::Halted(reason)) => {
                errln!("{name}: {reason}");
                return Left::Badly;
            }
            Err(error) => {
                errln!("{name}: {error}");
                return Left::Badly;
            }
        }
        Left::Well
    }

    /// What is left of an issue, and who goes on; nothing where the store does not tell.
    async fn rest(&self, issue: Waiting) -> String {
        match self.store.summary(issue.issue_id).await {
            Ok(summary) => format!(
                "; {} of {} deliveries are left to `masthead worker`, `serve`, or `send` with the issue's file",
                summary.open(),
                summary.audience
            ),
            Err(_) => String::new(),
        }
    }

    /// Mails the ledger of an issue that is sent to the operator.
    async fn report(&self, Desk { newsletter, operator, .. }: &Desk, issue: Waiting) {
        let Some(operator) = operator else { return };
        match LedgerView::read(&self.store, newsletter, issue.newsletter_id, issue.number).await {
            Ok(view) => {
                let text = view.text();
                operator.tell(text.lines().next().unwrap_or_default(), &text);
                // A worker that is to end waits a moment for it; one that goes on tells it later, too.
                operator.finish(TELLING).await;
            }
            Err(error) => warn!(%error, "the report was not sent"),
        }
    }
}
