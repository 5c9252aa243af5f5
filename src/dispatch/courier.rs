//! A courier: carries one message after another to the relay over one connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

use super::{Ended, Job, Shared};
use crate::delivery::{DeliveryState, Reply, ReplyClass, classify};
use crate::mailer::{Connection, Envelope, Lost, Mail, Verdict, Why};
use crate::message::{MessageError, Reader};
use crate::render::reader_name;
use crate::store::{Due, Entry, Granted, Intent};
use crate::subscriber::EmailAddress;
use crate::token::Claim;

/// The longest wait before another try to reach a relay that is away.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// The longest wait for a message whose connection broke before the dot: the relay has not judged it.
const LOST_WAIT: Duration = Duration::from_secs(30);

/// Carries jobs until there are none, or the send is to stop.
pub(super) async fn work(shared: Arc<Shared>, jobs: Arc<Mutex<mpsc::Receiver<Job>>>) {
    let mut connection = None;
    loop {
        let job = jobs.lock().await.recv().await;
        let Some(job) = job else { break };
        if shared.stop.asked().is_none() {
            connection = carry(&shared, connection, job).await;
        }
    }
    if let Some(connection) = connection {
        connection.quit().await;
    }
}

/// Carries one message; gives the connection back when it can carry another.
///
/// What may take long comes before the intent: the connection, the message, the rate's token.
async fn carry(shared: &Shared, connection: Option<Connection>, job: Job) -> Option<Connection> {
    let mail = match compose(shared, &job.due) {
        Ok(mail) => mail,
        Err(error) => {
            shared.stop.ask(Ended::Halted(error.to_string()));
            return connection;
        }
    };
    let mut connection = match connection {
        Some(connection) if connection.is_open() => connection,
        _ => connect(shared).await?,
    };
    shared.rate.take(&shared.stop).await;
    if shared.stop.asked().is_some() {
        return Some(connection);
    }
    let intent = Intent { subscriber_id: job.due.subscriber_id, step: job.due.step + 1, attempt: job.due.attempts + 1 };
    match shared.writer.intend(intent).await {
        Granted::Go => {}
        Granted::Skipped => {
            shared.progress.skipped.fetch_add(1, Ordering::Relaxed);
            return Some(connection);
        }
        Granted::NotNow => return Some(connection),
    }
    let (state, next_in, class, reply) = match mail {
        Some(mail) => {
            let verdict = connection.send(&mail).await;
            mind_the_relay(shared, &job.due, &verdict);
            judge(shared, &job.due, verdict)
        }
        // The reader was erased after the chunk was read; the intent has seen that, but for a race of the two.
        None => (DeliveryState::Refused, None, Some(ReplyClass::AddressForm), "there is no usable address".to_owned()),
    };
    let counter = match state {
        DeliveryState::Accepted => &shared.progress.accepted,
        DeliveryState::Queued => &shared.progress.deferred,
        DeliveryState::InDoubt => &shared.progress.in_doubt,
        _ => &shared.progress.refused,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    let entry = Entry {
        subscriber_id: intent.subscriber_id,
        step: intent.step,
        attempt: intent.attempt,
        state,
        next_in,
        class: class.map(ReplyClass::as_str),
        reply: Some(reply),
    };
    shared.writer.record(entry, job.hold).await;
    connection.is_open().then_some(connection)
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
        unsubscribe_url: send.newsletter.unsubscribe_url(&keyring.sign(claim)),
    };
    let message_id = keyring.message_id(send.issue.id, due.subscriber_id, send.newsletter.from.address.domain());
    let bytes = shared.compiled.stamp(&reader, &message_id)?.to_vec();
    let envelope = Envelope { from: send.newsletter.from.address.clone(), to: reader.address };
    Ok(Some(Mail::new(envelope, bytes)))
}

/// Opens a connection, again and again with longer waits while the relay is away.
async fn connect(shared: &Shared) -> Option<Connection> {
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
            opened = Connection::open(&shared.send.relay) => match opened {
                Ok(connection) => return Some(connection),
                Err(error) => error,
            },
            () = shared.stop.wait() => return None,
        };
        if let Some(trip) = shared.breaker().unreachable(&error, since.elapsed() + backoff) {
            shared.stop.ask(Ended::Tripped(trip));
            return None;
        }
        warn!(%error, backoff_ms = backoff.as_millis() as u64, "the relay cannot be reached");
        tokio::select! {
            () = sleep(backoff) => {}
            () = shared.stop.wait() => return None,
        }
        backoff = (2 * backoff).min(LONGEST_BACKOFF);
    }
}

/// After a 421 all connections rest; a message that is taken ends that. The breaker sees everything.
fn mind_the_relay(shared: &Shared, due: &Due, verdict: &Verdict) {
    let trip = match verdict {
        Verdict::Accepted(_) => {
            shared.rest.end();
            if shared.breaker().accepted() {
                shared.stop.ask(Ended::Healed);
            }
            None
        }
        Verdict::Refused { reply, .. } | Verdict::NotSent(Lost { why: Why::Closing(reply), .. })
            if reply.code == 421 =>
        {
            let resting = shared.rest.begin();
            shared.breaker().closing(reply, resting)
        }
        Verdict::Refused { reply, .. } => shared.breaker().refused(due.subscriber_id, due.attempts + 1, reply),
        Verdict::NotSent(_) | Verdict::InDoubt(_) => None,
    };
    if let Some(trip) = trip {
        shared.stop.ask(Ended::Tripped(trip));
    }
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
    match classify(reply) {
        ReplyClass::Ours => (DeliveryState::Queued, Some(Duration::ZERO), Some(ReplyClass::Ours), reply.to_string()),
        class if reply.is_permanent() => (DeliveryState::Refused, None, Some(class), reply.to_string()),
        class => later(shared, due, Duration::MAX, class, reply.to_string()),
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
