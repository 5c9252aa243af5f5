//! A courier: carries mails to the relay over one connection, as many at a time as its window holds.
//!
//! While a mail waits for its verdict, the envelope of the next is on the wire behind it; the mail itself follows when
//! its intent is durable. If its reader has left by then, the relay waits in vain, and the connection is dropped.

use std::collections::VecDeque;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::join;
use tokio::sync::{Mutex, OwnedSemaphorePermit, SemaphorePermit, mpsc};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, warn};

use super::breaker::{Fault, Trip};
use super::lanes::Connected;
use super::{Ended, Job, RENEWAL, Send, Shared};
use crate::delivery::{DeliveryState, PauseCause, Reply, ReplyClass, classify};
use crate::mailer::{ConnectError, Connection, Envelope, Lost, Mail, Mode, Security, Stage, Verdict, Why};
use crate::message::{MessageError, Reader};
use crate::render::reader_name;
use crate::store::{Due, Entry, Granted, Intent};
use crate::subscriber::EmailAddress;
use crate::token::Claim;

/// The longest wait before another try to reach a relay that is away.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// The longest wait for a message whose connection broke before the dot: the relay has not judged it.
const LOST_WAIT: Duration = Duration::from_secs(30);

/// A request takes a moment at most where nobody is in front.
const AT_ONCE: Duration = Duration::from_millis(2);

/// How long a connection may take to open before that is said.
const SLOW: Duration = Duration::from_secs(3);

/// How long a relay may take to answer a message before that is said.
const STALLED: Duration = Duration::from_secs(10);

/// How long a connection is kept that has nothing to do.
const IDLE: Duration = Duration::from_secs(1);

/// Carries jobs until there are none, or the send is to stop.
pub(super) async fn work(shared: Arc<Shared>, jobs: Arc<Mutex<mpsc::Receiver<Job>>>) {
    let mut courier = Courier {
        shared: &shared,
        jobs: &jobs,
        lane: None,
        is_new: true,
        connection: None,
        connected: None,
        berth: None,
        carried: 0,
        limit: shared.send.messages,
        is_answered: false,
        ahead: None,
        flying: VecDeque::new(),
        is_pressed: false,
    };
    // Who has given way waits for another lane.
    while courier.lane.is_none() && courier.enter().await {
        while courier.go().await {}
        courier.ahead = None;
        courier.close().await;
    }
}

struct Courier<'a> {
    shared: &'a Shared,
    jobs: &'a Mutex<mpsc::Receiver<Job>>,
    /// The right to work.
    lane: Option<SemaphorePermit<'a>>,
    /// Whether it has had no connection in this lane.
    is_new: bool,
    connection: Option<Connection>,
    /// That it has one, as the others know.
    connected: Option<Connected<'a>>,
    /// The right to have one.
    berth: Option<OwnedSemaphorePermit>,
    /// How many mails went over this connection.
    carried: usize,
    /// How many may: fewer where another courier waits for a berth.
    limit: usize,
    /// Whether the relay has said anything about one of them, or has been counted as silent.
    is_answered: bool,
    /// What goes next; its envelope may be on the wire. It has no intent yet.
    ahead: Option<Load>,
    /// What is on the wire, oldest first.
    flying: VecDeque<Load>,
    /// Whether the wire is what it waits for, and not the rate: one courier more would help.
    is_pressed: bool,
}

/// A job with its mail; without a usable address there is none.
struct Load {
    job: Job,
    mail: Option<Mail>,
    /// When it was made; nothing of it was on the wire before.
    begun: Instant,
}

impl Load {
    fn intent(&self) -> Intent {
        let Due { subscriber_id, step, attempts, .. } = self.job.due;
        Intent { subscriber_id, step: step + 1, attempt: attempts + 1 }
    }
}

impl Courier<'_> {
    /// Waits for a lane; false when the send is to stop.
    async fn enter(&mut self) -> bool {
        self.lane = tokio::select! {
            lane = self.shared.lanes.enter() => lane,
            () = self.shared.stop.wait() => None,
        };
        self.is_new = true;
        self.lane.is_some()
    }

    /// Leaves the lane where the relay has let others in and not this one; false where it has let in nobody.
    fn give_way(&mut self) -> bool {
        self.connected = None;
        self.shared.lanes.narrow(&mut self.lane)
    }

    /// Puts on the wire what there is room for, then waits for the oldest verdict; false when there is nothing to do.
    ///
    /// What may take long comes before the intents: the connection, the mails, the rate's tokens.
    async fn go(&mut self) -> bool {
        if let Some(first) = self.first_load().await {
            let loads = self.fill_up(first);
            self.carry(loads).await;
        } else if self.flying.is_empty() {
            return false;
        }
        self.settle().await;
        if self.connection.is_none() {
            self.berth = None;
        }
        true
    }

    /// The next load, with a connection that has room for it. Waits for one only when nothing is in flight.
    async fn first_load(&mut self) -> Option<Load> {
        let is_idle = self.flying.is_empty();
        if !is_idle && self.room() == 0 {
            return None;
        }
        while self.lane.is_some() {
            let load = match self.ahead.take() {
                Some(load) if self.shared.stop.asked().is_none() => load,
                _ if is_idle => {
                    let job = self.next_job().await?;
                    match self.compose(job) {
                        Some(load) => load,
                        None => continue,
                    }
                }
                _ => self.load_at_once()?,
            };
            if self.room() > 0 {
                return Some(load);
            }
            // Without a connection the send is to stop, or others go on; the job is given back with its chunk.
            let load = self.open_with(load).await;
            if self.connection.is_some() && load.is_some() {
                return load;
            }
        }
        None
    }

    /// A new connection, and the load that waits for it, unless that takes long: then others may carry it.
    async fn open_with(&mut self, load: Load) -> Option<Load> {
        let mut load = Some(load);
        let mut opening = pin!(self.open());
        if timeout(SLOW, &mut opening).await.is_err() {
            load = None;
            opening.await;
        }
        load
    }

    /// Waits for a job; a connection that has long nothing to do is closed, and another courier may open one.
    async fn next_job(&mut self) -> Option<Job> {
        let jobs = self.jobs;
        let next = async || jobs.lock().await.recv().await;
        if self.connection.is_some() {
            match timeout(IDLE, next()).await {
                Ok(job) => return job,
                Err(_) => self.close().await,
            }
        }
        next().await
    }

    /// A new connection, once there is a berth for it.
    async fn open(&mut self) {
        let Shared { send, stop, .. } = self.shared;
        self.connected = None;
        if self.berth.is_none() {
            self.berth = tokio::select! {
                berth = send.berths.take() => berth,
                () = stop.wait() => None,
            };
        }
        self.connection = if self.berth.is_some() { self.connect().await } else { None };
        if self.connection.is_some() {
            self.connected = Some(self.shared.lanes.connected(self.is_new));
            self.is_new = false;
        } else {
            self.berth = None;
        }
        self.carried = 0;
        self.limit = send.messages;
        self.is_answered = false;
    }

    async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.quit().await;
        }
        self.connected = None;
        self.berth = None;
    }

    /// A load if a job is there.
    fn load_at_once(&mut self) -> Option<Load> {
        let job = self.jobs.try_lock().ok()?.try_recv().ok()?;
        self.compose(job)
    }

    /// `None` when the send is to stop; the job is given back with its chunk.
    fn compose(&self, job: Job) -> Option<Load> {
        if self.shared.stop.asked().is_some() {
            return None;
        }
        match compose(self.shared, &job.due) {
            Ok(mail) => Some(Load { job, mail, begun: Instant::now() }),
            Err(error) => {
                self.shared.stop.ask(Ended::Halted(error.to_string()));
                None
            }
        }
    }

    /// As many loads as there is room for and as are there; with a rate one, since each waits for its token.
    fn fill_up(&mut self, first: Load) -> Vec<Load> {
        let room = if self.shared.rate.is_limited() { 1 } else { self.room() };
        let mut loads = vec![first];
        while loads.len() < room
            && let Some(load) = self.load_at_once()
        {
            loads.push(load);
        }
        loads
    }

    /// Asks for the intents of all loads at once, stamps the next mail meanwhile, and puts those on the wire that are
    /// granted.
    async fn carry(&mut self, loads: Vec<Load>) {
        let asked = Instant::now();
        self.shared.rate.take(&self.shared.stop).await;
        self.is_pressed = asked.elapsed() < AT_ONCE;
        if self.shared.stop.asked().is_some() {
            return self.retract();
        }
        let intending = self.shared.writer.intend(loads.iter().map(Load::intent));
        let stamping = async {
            // The writer goes first: while the store works for it, there is time.
            yield_now().await;
            self.look_ahead(self.carried + 1);
        };
        let (granted, ()) = join!(intending, stamping);
        for (load, granted) in loads.into_iter().zip(granted) {
            match granted {
                Granted::Go => self.submit(load).await,
                Granted::Skipped => {
                    self.shared.progress.skipped.fetch_add(1, Ordering::Relaxed);
                    load.job.hold.ended();
                    self.retract();
                }
                Granted::NotNow => self.retract(),
            }
        }
    }

    /// Puts a load on the wire, and the envelope of the next behind it.
    async fn submit(&mut self, load: Load) {
        let Load { job, mail: Some(mail), begun } = load else {
            // The reader was erased after the chunk was read; the intent has seen that, but for a race of the two.
            let reply = "there is no usable address".to_owned();
            return self.record(load, (DeliveryState::Refused, None, Some(ReplyClass::AddressForm), reply)).await;
        };
        self.carried += 1;
        self.look_ahead(self.carried);
        let next = self.ahead.as_ref().and_then(|load| load.mail.as_ref());
        if let Some(connection) = &mut self.connection {
            connection.submit(&mail, next).await;
        }
        self.flying.push_back(Load { job, mail: Some(mail), begun });
    }

    /// Makes ready what goes behind so many mails, where its envelope may go ahead: a relay that waits for a message
    /// gets it soon.
    fn look_ahead(&mut self, carried: usize) {
        let is_announced = self.connection.as_ref().is_some_and(|connection| connection.mode() == Mode::Pipelined);
        if self.ahead.is_none() && is_announced && !self.shared.rate.is_limited() && carried < self.limit {
            self.ahead = self.load_at_once();
        }
    }

    /// What was announced will not come: that costs the connection.
    fn retract(&mut self) {
        if self.connection.as_ref().is_some_and(Connection::waits_for_announced) {
            self.connection = None;
            self.connected = None;
        }
    }

    /// Waits for the oldest verdict, and takes all that are there.
    async fn settle(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let mut verdicts = Vec::new();
        verdicts.extend(verdict(self.shared, connection).await);
        while verdicts.len() < self.flying.len() {
            tokio::select! {
                biased;
                Some(verdict) = connection.verdict() => verdicts.push(verdict),
                () = ready(()) => break,
            }
        }
        for verdict in verdicts {
            if let Some(load) = self.flying.pop_front() {
                self.mind_the_relay(&load, &verdict).await;
                if self.is_pressed && matches!(verdict, Verdict::Accepted(_)) {
                    self.shared.lanes.widen();
                }
                let judgement = judge(self.shared, &load.job.due, verdict);
                self.record(load, judgement).await;
            }
        }
        if self.shared.send.berths.is_over(self.carried) {
            // What is announced still goes.
            self.limit = self.limit.min(self.carried + usize::from(self.ahead.is_some()));
        }
        if self.flying.is_empty() && self.room() == 0 {
            self.close().await;
        }
    }

    /// What a verdict says of the relay and this connection; the breaker sees everything.
    async fn mind_the_relay(&mut self, Load { job, begun, .. }: &Load, verdict: &Verdict) {
        let shared = self.shared;
        // At a check the relay was not asked.
        let is_answer = !matches!(verdict, Verdict::Refused { stage: Stage::Check, .. });
        let was_answered = self.is_answered;
        self.is_answered |= is_answer;
        let trip = match verdict {
            Verdict::Accepted(_) => {
                shared.rest.end();
                shared.progress.set_trouble(None);
                if shared.breaker().accepted(*begun) {
                    shared.stop.ask(Ended::Healed);
                }
                None
            }
            Verdict::Refused { reply, .. } | Verdict::NotSent(Lost { why: Why::Closing(reply), .. })
                if reply.code == 421 =>
            {
                self.closing(reply, was_answered).await
            }
            Verdict::Refused { reply, .. } => shared.breaker().refused(&job.due, reply),
            // However many mails it had in flight, a connection that breaks before any answer counts once.
            Verdict::NotSent(lost) | Verdict::InDoubt(lost)
                if !was_answered && !matches!(lost.why, Why::Closing(_)) =>
            {
                if !self.give_way() {
                    shared.trouble(format!("the connection broke before an answer: {lost}"));
                }
                shared.breaker().barren(lost)
            }
            Verdict::NotSent(_) | Verdict::InDoubt(_) => None,
        };
        if let Some(trip) = trip {
            shared.stop.ask(Ended::Tripped(trip));
        }
    }

    /// After a 421 all connections rest until a message is taken. Where others are let in and this one was never
    /// answered, it alone is one too many.
    async fn closing(&mut self, reply: &Reply, was_answered: bool) -> Option<Trip> {
        let shared = self.shared;
        self.connected = None;
        let is_one_too_many = self.lane.is_none() || !was_answered && self.give_way();
        let resting = if is_one_too_many { Duration::ZERO } else { shared.rest.begin(reply) };
        if !is_one_too_many {
            shared.trouble(format!("the relay closes every connection: {reply}"));
        }
        let trip = shared.breaker().closing(reply, resting);
        confirmed(shared, trip).await
    }

    /// Opens a connection, again and again with longer waits while the relay is away; while it has let others in, once.
    async fn connect(&mut self) -> Option<Connection> {
        let shared = self.shared;
        let since = Instant::now();
        let mut backoff = Duration::from_millis(500);
        loop {
            while let Some(until) = shared.rest.until() {
                tokio::select! {
                    () = sleep_until(until) => {}
                    () = shared.stop.wait() => return None,
                }
            }
            let error = tokio::select! {
                opened = open(shared) => match opened {
                    Ok(connection) => return Some(connection),
                    Err(error) => error,
                },
                () = shared.stop.wait() => return None,
            };
            if !error.is_ours() && self.give_way() {
                debug!(%error, "the relay lets no further connection in");
                return None;
            }
            let away = shared.lanes.deserted().unwrap_or_default().min(since.elapsed());
            let trip = shared.breaker().unreachable(&error, away + backoff);
            if let Some(trip) = confirmed(shared, trip).await {
                shared.stop.ask(Ended::Tripped(trip));
                return None;
            }
            shared.trouble(error.to_string());
            warn!(%error, backoff_ms = backoff.as_millis() as u64, "the relay cannot be reached");
            tokio::select! {
                () = sleep(backoff) => {}
                () = shared.stop.wait() => return None,
            }
            backoff = (2 * backoff).min(LONGEST_BACKOFF);
        }
    }

    /// How many mails the connection takes now: none when it is to be opened anew.
    fn room(&self) -> usize {
        let left = self.limit.saturating_sub(self.carried);
        self.connection.as_ref().map_or(0, Connection::room).min(left)
    }

    async fn record(&mut self, load: Load, (state, next_in, class, reply): Judgement) {
        let progress = &self.shared.progress;
        let counter = match state {
            DeliveryState::Accepted => &progress.accepted,
            DeliveryState::Queued => &progress.deferred,
            DeliveryState::InDoubt => &progress.in_doubt,
            _ => &progress.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let Intent { subscriber_id, step, attempt } = load.intent();
        let class = class.map(ReplyClass::as_str);
        let reply = Some(reply);
        let entry = Entry { subscriber_id, step, attempt, was_granted: true, state, next_in, class, reply };
        self.shared.writer.record(entry, load.job.hold).await;
    }
}

/// The mail to the reader of `due`; `None` without a usable address.
fn compose(shared: &Shared, due: &Due) -> Result<Option<Mail>, MessageError> {
    let send = &shared.send;
    let Some(address) = due.email.as_deref().and_then(|email| EmailAddress::parse(email).ok()) else {
        return Ok(None);
    };
    let keyring = send.store.keyring();
    let claim = Claim::Unsubscribe { newsletter_id: send.issue.newsletter_id, subscriber_id: due.subscriber_id };
    let reader = Reader {
        address,
        name: due.name.as_deref().and_then(reader_name),
        unsubscribe_url: send.letterhead.unsubscribe_url(&keyring.sign(claim)),
    };
    let message_id = keyring.message_id(send.issue.id, due.subscriber_id, send.letterhead.from.address.domain());
    let message = shared.pieces.message(&shared.compiled.stamp(&reader, &message_id)?);
    let envelope = Envelope { from: send.letterhead.from.address.clone(), to: reader.address };
    Ok(Some(Mail::new(envelope, message)))
}

/// Opens a connection, and says so where that takes long: a relay may keep its greeting back for minutes.
async fn open(shared: &Shared) -> Result<Connection, ConnectError> {
    let mut opening = pin!(Connection::open(&shared.send.relay));
    if let Ok(opened) = timeout(SLOW, &mut opening).await {
        return opened;
    }
    let hint = match shared.send.relay.security() {
        Security::StartTls => "; if it speaks TLS from the first byte, its URL begins with smtps://",
        Security::Implicit | Security::Plain => "",
    };
    shared.trouble(format!("the relay lets us wait: no connection is ready after {} s{hint}", SLOW.as_secs()));
    let connection = opening.await?;
    shared.progress.set_trouble(None);
    Ok(connection)
}

/// The oldest verdict of a connection. Where that takes long and nothing is settled over the others either, it is said:
/// a relay may think about a message for minutes.
async fn verdict(shared: &Shared, connection: &mut Connection) -> Option<Verdict> {
    let progress = &shared.progress;
    let settled = progress.settled();
    if let Ok(verdict) = timeout(STALLED, connection.verdict()).await {
        return verdict;
    }
    if progress.settled() == settled {
        let silence = format!("the relay has not answered a message for {} s; it may take minutes", STALLED.as_secs());
        progress.set_trouble(Some(silence));
    }
    let verdict = connection.verdict().await;
    progress.set_trouble(None);
    verdict
}

/// A trip, unless the relay is away for this process alone: it has taken mail from another within the same time.
async fn confirmed(shared: &Shared, trip: Option<Trip>) -> Option<Trip> {
    let trip = trip?;
    if trip.cause != PauseCause::Relay {
        return Some(trip);
    }
    let Send { store, breaker, .. } = &*shared.send;
    // The others say so when they renew their leases.
    let span = breaker.patience + 2 * RENEWAL;
    let are_others_served = store.are_others_served(shared.worker_id, span).await.unwrap_or(false);
    (!are_others_served).then_some(trip)
}

type Judgement = (DeliveryState, Option<Duration>, Option<ReplyClass>, String);

/// What a verdict means for the delivery.
fn judge(shared: &Shared, due: &Due, verdict: Verdict) -> Judgement {
    match verdict {
        Verdict::Accepted(reply) => (DeliveryState::Accepted, None, None, reply.to_string()),
        Verdict::InDoubt(lost) => (DeliveryState::InDoubt, None, None, lost.to_string()),
        Verdict::NotSent(lost) => later(shared, due, LOST_WAIT, ReplyClass::Soft, lost.to_string()),
        Verdict::Refused { reply, .. } => refused(shared, due, &reply),
    }
}

fn refused(shared: &Shared, due: &Due, reply: &Reply) -> Judgement {
    let class = classify(reply);
    let fault = (class == ReplyClass::Ours).then(|| shared.breaker().fault(due, reply));
    match fault {
        Some(Fault::Unknown) if due.was_blamed => later(shared, due, Duration::MAX, class, reply.to_string()),
        // Others come first.
        Some(Fault::Senders | Fault::Unknown) => {
            (DeliveryState::Queued, Some(Duration::ZERO), Some(class), reply.to_string())
        }
        Some(Fault::Readers) | None if reply.is_permanent() => {
            (DeliveryState::Refused, None, Some(class), reply.to_string())
        }
        _ => later(shared, due, Duration::MAX, class, reply.to_string()),
    }
}

/// Another try by the schedule, but within `at_most`, unless the time is over.
fn later(shared: &Shared, due: &Due, at_most: Duration, class: ReplyClass, reply: String) -> Judgement {
    let since_first = due.since_first.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default();
    // Spreads the readers evenly over the jitter (the golden ratio's fraction is far from every rhythm).
    let jitter = (due.subscriber_id as f64 * 0.618_033_988_749_895).fract();
    let tries = u32::from(due.attempts.unsigned_abs()) + 1;
    match shared.send.retry.wait(tries, since_first, jitter) {
        Some(wait) => (DeliveryState::Queued, Some(wait.min(at_most)), Some(class), reply),
        None => (DeliveryState::Expired, None, Some(class), reply),
    }
}
