//! The send: claim, build, send, record.
//!
//! One process takes part in the send of one issue as a [worker](crate::store::Worker):
//!
//! ```text
//! feeder ─claims chunks→ jobs ─→ courier (one per connection) ─message→ relay
//!    ↑                              │  ↑
//!    └──── chunks that are done ──writer: one commit for the results and next intents of all couriers
//! ```
//!
//! A courier asks for an intent only after it has handed in the results that make room for it, and the writer commits
//! in the order of asking: a killed process leaves at most one message per connection in doubt, or the relay's window.

mod berths;
mod breaker;
mod courier;
mod lanes;
mod operator;
mod pieces;
mod rate;
mod writer;

use std::mem::replace;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, sleep, timeout};
use tracing::{info, warn};

use crate::delivery::{BreakerLimits, PauseCause, RetrySchedule};
use crate::mailer::Relay;
use crate::message::Compiled;
use crate::message::dkim::Signer;
use crate::store::{
    Due, FrozenIssue, FrozenLetterhead, IssueState, Outcome, Outlook, Pause, Store, StoreError, Terms, Worker,
    WorkerError,
};
use breaker::{Breaker, Trip};
use lanes::Lanes;
use rate::{RateLimit, Rest};
use writer::Writer;

pub use berths::Berths;
pub use operator::Herald;
pub(crate) use pieces::Pieces;

/// How often a worker renews its lease and looks for workers that are gone.
const RENEWAL: Duration = Duration::from_secs(2);

/// How long a relay may always take to greet, however short the patience with it.
const GREETING: Duration = Duration::from_secs(10);

/// How long the store may take to renew a lease before that is said.
const SLOW: Duration = Duration::from_secs(5);

/// How long a send goes on trying while the store is away.
const STORE_PATIENCE: Duration = Duration::from_secs(60);

/// The pause before the store is asked again.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// An issue to send, and how.
pub struct Send {
    /// The store.
    pub store: Store,
    /// The relay.
    pub relay: Relay,
    /// Who it is from, and where its links lead.
    pub letterhead: FrozenLetterhead,
    /// Who signs its mail, if anybody does.
    pub signer: Option<Signer>,
    /// The issue.
    pub issue: FrozenIssue,
    /// How many connections to the relay this process has at most; they open one by one as messages are taken.
    pub berths: Berths,
    /// How many messages go over a connection before it is opened anew.
    pub messages: usize,
    /// Messages per second to the relay, all connections of all processes together, where the issue has no rate of
    /// its own.
    pub rate: Option<f64>,
    /// When a temporary refusal is tried again.
    pub retry: RetrySchedule,
    /// When the send pauses by itself.
    pub breaker: BreakerLimits,
    /// How long to wait for retries that are due later, and for the end of a pause.
    pub wait: Duration,
    /// Whether to see at once if a relay is back that was away: somebody is there and wants it.
    pub eager: bool,
    /// Who is told by mail when the send pauses, and when it goes on by itself.
    pub operator: Option<Herald>,
    /// Name of this machine.
    pub host: String,
}

/// How the part of this process in a send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// No delivery is open.
    Sent {
        /// Whether it was this process that noted it; of several one does.
        now: bool,
    },
    /// The next try is due later than the wait allows.
    Waiting(Duration),
    /// Asked to stop.
    Stopped,
    /// The issue is paused, and does not go on by itself within the wait.
    Paused(Pause),
    /// The operator has cancelled the issue.
    Cancelled,
    /// The configuration or the issue's state does not allow more.
    Halted(String),
}

/// How a [shift] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    /// No delivery is open.
    Sent { now: bool },
    /// The next try is due later than the wait allows.
    Waiting(Duration),
    /// Asked to stop.
    Stopped,
    /// No message can be made, or nobody is left to carry one.
    Halted(String),
    /// Another process took this one for dead.
    GivenUp,
    /// The issue is no longer sending.
    Held,
    /// The breaker wants to pause the send.
    Tripped(Trip),
    /// This process has paused the send.
    Paused(Trip),
    /// The relay is well again.
    Healed,
}

/// What a running send has done, readable while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Accepted by the relay.
    pub accepted: AtomicU64,
    /// Refused for good, or expired.
    pub refused: AtomicU64,
    /// To be tried again.
    pub deferred: AtomicU64,
    /// Left out: the reader is gone.
    pub skipped: AtomicU64,
    /// In doubt.
    pub in_doubt: AtomicU64,
    /// Why the relay takes nothing now.
    trouble: std::sync::Mutex<Option<String>>,
    /// Whether the store does not answer.
    is_store_away: AtomicBool,
}

impl Progress {
    /// How many deliveries reached a state that lasts.
    pub fn settled(&self) -> u64 {
        [&self.accepted, &self.refused, &self.skipped, &self.in_doubt].map(|n| n.load(Ordering::Relaxed)).iter().sum()
    }

    /// Why nothing moves now, if that is so: without the store nothing is sent, however well the relay is.
    pub fn standstill(&self) -> Option<String> {
        match self.is_store_away.load(Ordering::Relaxed) {
            true => Some("the database does not answer".to_owned()),
            false => self.trouble(),
        }
    }

    /// Why the relay takes nothing now, if that is so.
    fn trouble(&self) -> Option<String> {
        self.lock_trouble().clone()
    }

    /// The relay takes nothing, or does again.
    fn set_trouble(&self, trouble: Option<String>) {
        *self.lock_trouble() = trouble;
    }

    fn lock_trouble(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        // Nothing panics under the lock.
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A delivery in a courier's hands.
struct Job {
    due: Due,
    hold: Arc<Hold>,
}

/// Keeps a chunk claimed: the feeder hears when the last job of it is done.
struct Hold {
    chunk_id: i64,
    /// How many of its deliveries have not ended, as far as this process knows.
    open: AtomicUsize,
    done: mpsc::UnboundedSender<Done>,
}

/// A chunk to be given back.
struct Done {
    chunk_id: i64,
    /// Whether all of its deliveries have ended.
    is_finished: bool,
}

impl Hold {
    /// One delivery has ended, and the ledger has it.
    fn ended(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // The feeder is gone only when the process goes down; then the lease ends the claim.
        self.done.send(Done { chunk_id: self.chunk_id, is_finished: *self.open.get_mut() == 0 }).ok();
    }
}

/// What the couriers of a process share.
struct Shared {
    send: Arc<Send>,
    /// This process among those who send the issue.
    worker_id: i32,
    /// What every message is stamped from.
    compiled: Arc<Compiled>,
    pieces: Pieces,
    writer: Writer,
    lanes: Lanes,
    rate: Arc<RateLimit>,
    rest: Rest,
    breaker: std::sync::Mutex<Breaker>,
    progress: Arc<Progress>,
    stop: Stop,
}

impl Shared {
    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        // Nothing panics under the lock.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is wrong with the relay: nothing moves if no courier has a connection.
    fn trouble(&self, why: String) {
        if self.lanes.deserted().is_some() {
            self.progress.set_trouble(Some(why));
        }
    }
}

/// The wish to stop, with its reason once there is one.
#[derive(Clone)]
struct Stop(watch::Sender<Option<Ended>>);

impl Stop {
    fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// The first reason counts.
    fn ask(&self, ended: Ended) {
        self.0.send_if_modified(|reason| reason.is_none() && reason.replace(ended).is_none());
    }

    fn asked(&self) -> Option<Ended> {
        self.0.borrow().clone()
    }

    async fn wait(&self) {
        // The sender lives in `self`.
        self.0.subscribe().wait_for(Option::is_some).await.ok();
    }
}

/// Takes part in the send of an issue until no delivery is open, what is left is due too late, or `interrupt` is set.
///
/// A worker that was taken for dead registers anew and goes on. A paused issue is seen to when its time comes,
/// within the wait.
///
/// # Errors
///
/// When the store fails: then nothing more is sent.
pub async fn run(
    send: Send,
    progress: Arc<Progress>,
    mut interrupt: watch::Receiver<bool>,
) -> Result<Ending, StoreError> {
    let (number, date) = (Some(send.issue.number), send.issue.created_at);
    let compiled = match Compiled::new(&send.letterhead, &send.issue.rendered, number, date, send.signer.as_ref()) {
        Ok(compiled) => Arc::new(compiled),
        Err(error) => return Ok(Ending::Halted(error.to_string())),
    };
    let relay = send.relay.clone().within(send.breaker.patience.max(GREETING));
    let send = Arc::new(Send { relay, ..send });
    let per_second = send.issue.rate.or(send.rate);
    let rate = Arc::new(RateLimit::new(send.store.clone(), send.relay.to_string(), per_second));
    let mut eager = send.eager;
    let mut still_since = None;
    loop {
        let until = Instant::now() + STORE_PATIENCE;
        let standing = tokio::select! {
            standing = patiently(until, || send.store.standing(send.issue.id)) => standing?,
            () = told_to_stop(&mut interrupt) => return Ok(Ending::Stopped),
        };
        let probing = match (standing.state, standing.pause) {
            (IssueState::Sending | IssueState::Sent, pause) => pause.map(|pause| pause.cause),
            (IssueState::Paused, Some(pause))
                if patiently(until, || send.store.probe(send.issue.id, eager)).await? =>
            {
                Some(pause.cause)
            }
            (IssueState::Paused, Some(pause)) => {
                let still = still_since.get_or_insert_with(Instant::now).elapsed();
                let Some(probe_in) = standing.probe_in.filter(|probe_in| still + *probe_in <= send.wait) else {
                    return Ok(Ending::Paused(pause));
                };
                // The operator may end it earlier.
                let nap = probe_in.clamp(Duration::from_millis(20), Duration::from_secs(1));
                tokio::select! {
                    () = sleep(nap) => continue,
                    () = told_to_stop(&mut interrupt) => return Ok(Ending::Stopped),
                }
            }
            (IssueState::Cancelled, _) => return Ok(Ending::Cancelled),
            (state, _) => return Ok(Ending::Halted(format!("the issue is {}", state.as_str()))),
        };
        eager = false;
        let stop = Stop::new();
        let shift = shift(send.clone(), compiled.clone(), rate.clone(), progress.clone(), stop.clone(), probing);
        tokio::pin!(shift);
        let ended = tokio::select! {
            ended = &mut shift => ended?,
            () = told_to_stop(&mut interrupt) => {
                stop.ask(Ended::Stopped);
                shift.await?
            }
        };
        match ended {
            Ended::Sent { now } => return Ok(Ending::Sent { now }),
            Ended::Waiting(due_in) => return Ok(Ending::Waiting(due_in)),
            Ended::Stopped => return Ok(Ending::Stopped),
            Ended::Halted(reason) => return Ok(Ending::Halted(reason)),
            Ended::GivenUp => warn!("another process took this one for dead; joining anew"),
            Ended::Held | Ended::Tripped(_) => {}
            // A probe that fails is the same pause.
            Ended::Paused(trip) if probing == Some(trip.cause) => info!(reason = trip.reason, "the send stays paused"),
            Ended::Paused(trip) => {
                warn!(reason = trip.reason, "the send is paused");
                tell_of_pause(&send, &trip);
            }
            Ended::Healed => {
                still_since = None;
                if patiently(Instant::now() + STORE_PATIENCE, || send.store.heal(send.issue.id)).await? {
                    warn!("the relay takes mail again; the send goes on");
                    let text = "The relay takes mail again, so the send goes on by itself. Nobody was lost.";
                    tell_operator(&send, "goes on", text);
                }
            }
        }
    }
}

async fn told_to_stop(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|interrupted| *interrupted).await.is_err() {
        // Whoever could have told is gone.
        std::future::pending::<()>().await;
    }
}

fn tell_of_pause(send: &Send, trip: &Trip) {
    let name = format!("{}/{}", send.letterhead.slug, send.issue.number);
    let remedy = match trip.probe_in {
        Some(_) => {
            format!("It sees by itself whether it can go on, from time to time; `masthead resume {name}` is faster.")
        }
        None => {
            format!("Mend that, then let it go on: `masthead resume {name}`, and send it again if nothing else runs.")
        }
    };
    let others = match trip.names_readers() {
        true => "\nWhere the relay means its reader and not you, let it go on at once: the others go first.",
        false => "",
    };
    let reason = trip.words();
    let text =
        format!("{name} is paused: {reason}\n\n{remedy}{others}\nNobody is lost, and nobody was suppressed for it.");
    tell_operator(send, "is paused", &text);
}

/// Mails the operator, if there is one.
fn tell_operator(send: &Send, what: &str, text: &str) {
    if let Some(operator) = &send.operator {
        operator.tell(&format!("{}/{} {what}", send.letterhead.slug, send.issue.number), text);
    }
}

/// The time from registering as a worker to signing off.
async fn shift(
    send: Arc<Send>,
    compiled: Arc<Compiled>,
    rate: Arc<RateLimit>,
    progress: Arc<Progress>,
    stop: Stop,
    probing: Option<PauseCause>,
) -> Result<Ended, StoreError> {
    let (store, issue_id) = (send.store.clone(), send.issue.id);
    let (worker, has_accepted) = tokio::select! {
        joined = patiently(Instant::now() + STORE_PATIENCE, || join(&send)) => joined?,
        () = stop.wait() => return Ok(Ended::Stopped),
    };
    let worker_id = worker.id;
    info!(worker.id = worker_id, issue.id = issue_id, "joined the send");
    let (signed_off, sign_off) = oneshot::channel();
    let renewing = renew(worker, send.clone(), rate.clone(), progress.clone(), stop.clone(), sign_off);
    let renewing = tokio::spawn(renewing);
    let breaker = Breaker::new(send.breaker.clone(), probing, has_accepted).into();
    let connections = if probing.is_some() { 1 } else { send.berths.most() };
    let lanes = Lanes::new(connections);
    let (writer, writing) = writer::start(store.session(), worker_id, &send.issue, stop.clone());
    // Twice what is in flight keeps the couriers busy while the feeder reads the next chunk.
    let (jobs, next_jobs) = mpsc::channel(2 * connections * send.relay.window());
    let (rest, stopping) = (Rest::default(), stop.clone());
    let shared = Arc::new(Shared {
        send,
        worker_id,
        compiled,
        pieces: Pieces::default(),
        writer,
        lanes,
        rate,
        rest,
        breaker,
        progress,
        stop: stopping,
    });

    let next_jobs = Arc::new(Mutex::new(next_jobs));
    let mut couriers = JoinSet::new();
    for _ in 0..connections {
        couriers.spawn(courier::work(shared.clone(), next_jobs.clone()));
    }
    drop(next_jobs);
    let fed = feed(&shared, jobs, probing.is_some()).await;
    // Jobs that are left have no intent yet; the couriers drop them.
    stop.ask(Ended::Stopped);
    while let Some(ended) = couriers.join_next().await {
        if let Err(error) = ended {
            warn!(%error, "a courier broke down; its message is in doubt");
        }
    }
    let row = shared.breaker().row();
    // With the last courier the writer ends too: every result is committed, or the store is away for good.
    drop(shared);
    writing.await.ok();
    // Who is told to stop, or has waited long for the store, waits no longer: whoever finds this worker gone does all this.
    let until = match fed {
        Ok(Ended::Stopped) | Err(_) => Instant::now(),
        Ok(_) => Instant::now() + STORE_PATIENCE,
    };
    // Where nobody else is left to try, or only later, that was the relay's last word.
    if !matches!(fed, Ok(Ended::Sent { .. } | Ended::Waiting(_))) {
        patiently(until, || store.put_back(issue_id, &row)).await?;
    }
    signed_off.send(()).ok();
    if let Ok(Some(worker)) = renewing.await {
        patiently(until, || worker.leave()).await?;
    }
    let ended = fed?;
    Ok(match patiently(until, || store.settle_issue(issue_id)).await? {
        Outcome::Open => ended,
        outcome => Ended::Sent { now: outcome == Outcome::SentNow },
    })
}

/// Registers as a worker. Whether the relay has accepted a message of the issue before.
async fn join(send: &Send) -> Result<(Worker, bool), StoreError> {
    let worker = send.store.register_worker(send.issue.id, &send.host, std::process::id()).await?;
    send.store.reap_workers().await?;
    Ok((worker, send.store.has_accepted(send.issue.id).await?))
}

/// Asks the store again while it is away, until then.
async fn patiently<T, F>(until: Instant, mut ask: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match ask().await {
            Err(error) if Instant::now() < until => {
                warn!(%error, "the store is away");
                sleep(STORE_PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// Renews the lease, with how it goes, and gives up workers that are gone, until the shift ends.
///
/// It hears what the issue asks for now: a new rate, or to stop, which couriers that wait for the relay must hear too.
async fn renew(
    mut worker: Worker,
    send: Arc<Send>,
    rate: Arc<RateLimit>,
    progress: Arc<Progress>,
    stop: Stop,
    mut sign_off: oneshot::Receiver<()>,
) -> Option<Worker> {
    let mut taken = progress.accepted.load(Ordering::Relaxed);
    let mut ticks = tokio::time::interval(RENEWAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut sign_off => return Some(worker),
            _ = ticks.tick() => {}
        }
        let taken_before = replace(&mut taken, progress.accepted.load(Ordering::Relaxed));
        match renewed(&mut worker, &progress, taken > taken_before).await {
            Ok(terms) => {
                rate.set(terms.rate.or(send.rate));
                if !matches!(terms.state, IssueState::Sending | IssueState::Sent) {
                    stop.ask(Ended::Held);
                }
                if let Err(error) = send.store.reap_workers().await {
                    warn!(%error, "cannot look for workers that are gone");
                }
            }
            Err(WorkerError::GivenUp) => {
                stop.ask(Ended::GivenUp);
                return None;
            }
            Err(WorkerError::Store(error)) => warn!(%error, "cannot renew the lease"),
        }
    }
}

/// Renews the lease, and says so where the store does not answer: who waits for it says nothing.
async fn renewed(worker: &mut Worker, progress: &Progress, has_taken: bool) -> Result<Terms, WorkerError> {
    let trouble = progress.trouble();
    let mut renewing = pin!(worker.renew(trouble.as_deref(), has_taken));
    let renewed = match timeout(SLOW, &mut renewing).await {
        Ok(renewed) => renewed,
        Err(_) => {
            progress.is_store_away.store(true, Ordering::Relaxed);
            warn!("the database does not answer; nothing is sent until it does");
            renewing.await
        }
    };
    let is_away = matches!(renewed, Err(WorkerError::Store(_)));
    if progress.is_store_away.swap(is_away, Ordering::Relaxed) && !is_away {
        warn!("the database answers again");
    }
    renewed
}

/// Hands the due deliveries of claimed chunks to the couriers, and gives back the chunks that are done.
///
/// While the store is away it waits as the writer does, up to [`STORE_PATIENCE`].
async fn feed(shared: &Shared, jobs: mpsc::Sender<Job>, gently: bool) -> Result<Ended, StoreError> {
    let (done, done_chunks) = mpsc::unbounded_channel();
    let (back, in_hand, waits) = (Vec::new(), 0, None);
    let mut feeder = Feeder { shared, gently, jobs, done, done_chunks, back, in_hand, waits };
    let mut away_since = None;
    loop {
        match feeder.step().await {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) => away_since = None,
            Err(error) => {
                let since = *away_since.get_or_insert_with(Instant::now);
                // That the send is paused must be written: it is for all.
                let stops = shared.stop.asked().is_some_and(|ended| !matches!(ended, Ended::Tripped(_)));
                if since.elapsed() > STORE_PATIENCE || stops {
                    return Err(error);
                }
                warn!(%error, "the store is away");
                sleep(STORE_PAUSE).await;
            }
        }
    }
}

struct Feeder<'a> {
    shared: &'a Shared,
    /// Whether the send goes gently, so that other workers keep out of it.
    gently: bool,
    jobs: mpsc::Sender<Job>,
    done: mpsc::UnboundedSender<Done>,
    done_chunks: mpsc::UnboundedReceiver<Done>,
    /// Chunks whose last job is done, to be given back.
    back: Vec<Done>,
    /// How many chunks this worker has claimed.
    in_hand: usize,
    /// Since when nothing but retries is left.
    waits: Option<Instant>,
}

impl Feeder<'_> {
    /// Gives back what is done, then claims one chunk and hands out its jobs, or naps. How the shift ended, when it has.
    async fn step(&mut self) -> Result<Option<Ended>, StoreError> {
        let send = &self.shared.send;
        while let Ok(done) = self.done_chunks.try_recv() {
            self.back.push(done);
        }
        self.give_back().await?;
        match self.shared.stop.asked() {
            None => {}
            Some(Ended::Tripped(trip)) => {
                let paused = send.store.pause(send.issue.id, trip.cause, &trip.words(), trip.probe_in).await?;
                return Ok(Some(if paused { Ended::Paused(trip) } else { Ended::Held }));
            }
            Some(ended) => return Ok(Some(ended)),
        }
        let waited = self.waits.map(|since| since.elapsed());
        if waited.is_none_or(|waited| waited <= send.wait)
            && let Some(chunk) = send.store.claim(self.shared.worker_id, send.issue.id, self.gently).await?
        {
            self.in_hand += 1;
            let due = send.store.due(&chunk).await?;
            // What is not due now is due later, or has ended; only the ledger knows.
            let elsewhere = usize::from(chunk.size != i32::try_from(due.len()).ok());
            let open = AtomicUsize::new(due.len() + elsewhere);
            let hold = Arc::new(Hold { chunk_id: chunk.id, open, done: self.done.clone() });
            return self.hand_out(due, hold).await;
        }
        let nap = match send.store.outlook(send.issue.id).await? {
            Outlook::Nothing => return Ok(Some(Ended::Sent { now: false })),
            Outlook::Held if self.in_hand == 0 => return Ok(Some(Ended::Held)),
            Outlook::DueIn(due_in) if self.in_hand == 0 && waited.unwrap_or_default() + due_in > send.wait => {
                return Ok(Some(Ended::Waiting(due_in)));
            }
            Outlook::DueIn(due_in) => due_in.clamp(Duration::from_millis(20), Duration::from_secs(1)),
            Outlook::InHand | Outlook::Held => Duration::from_secs(1),
        };
        if self.in_hand == 0 {
            self.waits.get_or_insert_with(Instant::now);
        }
        tokio::select! {
            Some(done) = self.done_chunks.recv() => self.back.push(done),
            () = self.shared.stop.wait() => {}
            () = sleep(nap) => {}
        }
        Ok(None)
    }

    async fn give_back(&mut self) -> Result<(), StoreError> {
        let store = &self.shared.send.store;
        for is_finished in [true, false] {
            let ids: Vec<_> =
                self.back.iter().filter(|done| done.is_finished == is_finished).map(|done| done.chunk_id).collect();
            match (ids.is_empty(), is_finished) {
                (true, _) => {}
                (false, true) => store.finish(self.shared.worker_id, &ids).await?,
                (false, false) => store.release(self.shared.worker_id, &ids).await?,
            }
            self.in_hand -= ids.len();
            self.back.retain(|done| done.is_finished != is_finished);
        }
        Ok(())
    }

    async fn hand_out(&mut self, due: Vec<Due>, hold: Arc<Hold>) -> Result<Option<Ended>, StoreError> {
        if due.iter().any(|due| due.attempts == 0) {
            self.waits = None;
        }
        for due in due {
            let job = Job { due, hold: hold.clone() };
            tokio::select! {
                handed = self.jobs.send(job) => {
                    if handed.is_err() {
                        return Ok(Some(Ended::Halted("no connection is left to send over".into())));
                    }
                }
                () = self.shared.stop.wait() => break,
            }
        }
        Ok(None)
    }
}
