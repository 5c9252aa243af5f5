//! `masthead rehearse`: the whole send to the real audience, into the program's own mail catcher.
//!
//! Everything is as in a send, but for the relay and the ledger: that one lies in a schema of its own, which is
//! dropped at the end ([`crate::store::Rehearsal`]).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;

use super::context::{ConfigArgs, OpenStore, block_on, interruption, sent_newsletter, signer, warn_of_style};
use super::ledger::LedgerView;
use super::send::{Ready, freeze, plan, rate, refuse_errors, refuse_other_content, was};
use super::{Exit, advise, check, letterhead, progress};
use crate::catcher::{Catcher, Keep, Mail, Options};
use crate::config::Config;
use crate::dispatch::{self, Ending, Progress};
use crate::mailer::Relay;
use crate::store::Rehearsal;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The issue file
    file: PathBuf,
    /// The newsletter, where there are several
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    /// Messages per second at most, like 20/s; as fast as it goes without it
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<f64>,
    /// Keep the messages in this Maildir; the links in them are the readers' real ones
    #[arg(long, value_name = "MAILDIR")]
    out: Option<PathBuf>,
    /// Print ledger and figures as JSON
    #[arg(long)]
    json: bool,
}

/// What came in at the catcher.
#[derive(Default)]
struct Caught {
    mails: AtomicU64,
    bytes: AtomicU64,
    largest: AtomicU64,
}

impl Caught {
    fn count(&self, mail: &Mail) {
        let bytes = mail.raw.len() as u64;
        self.mails.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.largest.fetch_max(bytes, Ordering::Relaxed);
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    let manuscript = check::read(&args.file)?;
    let newsletter = sent_newsletter(&config, &manuscript.issue, args.newsletter.as_deref())?;
    warn_of_style(&newsletter.theme);
    let ready = Ready::new(&args.file, manuscript.issue.clone(), newsletter)?;
    block_on(async {
        let interrupted = interruption()?;
        let open = OpenStore::open(&config).await?;
        let newsletter_id = open.newsletter_id(&ready.newsletter).await?;
        let known = open.store.issue(newsletter_id, ready.number).await?;
        let ready = match &known {
            Some(known) => {
                refuse_other_content(&ready, known)?;
                let name = ready.name();
                errln!("note: {name} {} already; this goes to everybody all the same", was(known.state));
                if let Some(oddity) = letterhead::oddity(known, &ready.newsletter) {
                    errln!("warning: {name} {oddity}");
                }
                ready.frozen_as(known)
            }
            None => {
                if let Err(why) = refuse_errors(&manuscript, &ready, &config.check) {
                    errln!("warning: {why}");
                }
                ready
            }
        };
        let rehearsal = open.store.rehearse().await?.ok_or_else(|| {
            advise("another rehearsal is under way in this database", "wait until it is over, or stop it")
        })?;
        let played = play(args, &config, &ready, &rehearsal, newsletter_id, interrupted).await;
        rehearsal.end().await?;
        open.close().await?;
        played
    })
}

/// Sends into the catcher, and says what came of it.
async fn play(
    args: &Args,
    config: &Config,
    ready: &Ready,
    rehearsal: &Rehearsal,
    newsletter_id: i32,
    interrupted: watch::Receiver<bool>,
) -> anyhow::Result<Exit> {
    let store = &rehearsal.store;
    let signer = signer(config, &ready.letterhead)?;
    let caught = Arc::new(Caught::default());
    let counting = caught.clone();
    let options = Options {
        maildir: args.out.clone(),
        keep: Keep::Nothing,
        recorder: Some(Arc::new(move |mail| {
            counting.count(mail);
            Ok(())
        })),
        ..Options::default()
    };
    let catcher = Catcher::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await?;
    let relay = Relay::parse(&format!("smtp://{}", catcher.address()))?;
    let issue = freeze(store, newsletter_id, ready, None).await?;
    let snapshot = store.snapshot(issue.id).await?;
    errln!("rehearsal for {} readers: nothing leaves this machine", snapshot.audience);

    let progress = Arc::new(Progress::default());
    let bar = tokio::spawn(progress::draw(progress.clone(), snapshot.audience));
    let mut plan = plan(config, store.clone(), relay, &ready.newsletter, signer, issue).await?;
    plan.rate = args.rate;
    let began = Instant::now();
    let ending = dispatch::run(plan, progress, interrupted).await?;
    let took = began.elapsed();
    bar.abort();
    bar.await.ok();
    catcher.shutdown().await;
    let view = LedgerView::read(store, &ready.newsletter, newsletter_id, ready.number).await?;
    let stopped = match ending {
        Ending::Sent { .. } => None,
        Ending::Paused(pause) => Some(pause.reason),
        Ending::Stopped | Ending::Waiting(_) | Ending::Cancelled => Some("before the end".to_owned()),
        Ending::Halted(reason) => Some(reason),
    };
    match stopped {
        None => err!("{}", view.text()),
        // What else there is to say of a ledger is of one that stays.
        Some(why) => errln!("stopped: {why}\n{}; nothing of the rehearsal stays", view.line()),
    }
    let [mails, bytes, largest] = [&caught.mails, &caught.bytes, &caught.largest].map(|n| n.load(Ordering::Relaxed));
    let per_second = mails as f64 / took.as_secs_f64().max(0.001);
    errln!(
        "  {mails} messages of {} KB at most in {:.1} s: {per_second:.0} a second",
        kilobytes(largest),
        took.as_secs_f64()
    );
    if let Some(rate) = config.send.rate.filter(|rate| *rate > 0.0) {
        let real = Duration::from_secs_f64(mails as f64 / rate);
        errln!("  at {rate}/s, as configured, the send takes {} min", real.as_secs().div_ceil(60));
    }
    if args.json {
        let mut view = view.json();
        view["rehearsal"] = json!({
            "messages": mails,
            "bytes": bytes,
            "largest_bytes": largest,
            "seconds": took.as_secs_f64(),
            "messages_per_second": per_second,
        });
        outln!("{view}");
    }
    Ok(view.exit())
}

fn kilobytes(bytes: u64) -> u64 {
    bytes.div_ceil(1000)
}
