//! The rate limit, a token per message at even distances; and the rest that a relay asks for with 421.
//!
//! All processes that send through a relay share a row in the store, from which each takes a few tokens at once:
//! a tenth of a second's worth, so that a process that dies takes no more with it. A token is a moment; one that
//! nobody used in time is lost, not saved up. A rate that changes counts from the next tokens on.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

use super::Stop;
use crate::delivery::Reply;
use crate::store::Store;

/// How much a process takes at once.
const BATCH: Duration = Duration::from_millis(100);

/// How late a token may be used; also how much of an idle time is given out at once.
const GRACE: Duration = Duration::from_millis(50);

/// Lets messages go at most at a rate, all connections of all processes together.
pub(super) struct RateLimit {
    store: Store,
    relay: String,
    per_second: std::sync::Mutex<Option<f64>>,
    batch: Mutex<Batch>,
}

/// Tokens that this process has.
struct Batch {
    next: Instant,
    left: u32,
    distance: Duration,
}

impl RateLimit {
    /// A limit of messages per second to a relay; none at all without one.
    pub(super) fn new(store: Store, relay: String, per_second: Option<f64>) -> Self {
        let batch = Batch { next: Instant::now(), left: 0, distance: Duration::ZERO };
        let limit = Self { store, relay, per_second: None.into(), batch: batch.into() };
        limit.set(per_second);
        limit
    }

    /// Changes the rate.
    pub(super) fn set(&self, per_second: Option<f64>) {
        *self.lock() = per_second.filter(|rate| *rate > 0.0);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<f64>> {
        // Nothing panics under the lock.
        self.per_second.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a limit.
    pub(super) fn is_limited(&self) -> bool {
        self.lock().is_some()
    }

    /// Waits for the next token, or for the wish to stop.
    pub(super) async fn take(&self, stop: &Stop) {
        if !self.is_limited() {
            return;
        }
        tokio::select! {
            () = async { sleep_until(self.reserve().await).await } => {}
            () = stop.wait() => {}
        }
    }

    /// The moment of the next token; asks the store for more when there is none left.
    async fn reserve(&self) -> Instant {
        let mut batch = self.batch.lock().await;
        loop {
            if let Some(moment) = batch.take(Instant::now()) {
                return moment;
            }
            let Some(per_second) = *self.lock() else { return Instant::now() };
            let count = (per_second * BATCH.as_secs_f64()).ceil() as u32;
            batch.distance = Duration::from_secs_f64(1.0 / per_second);
            let span = batch.distance * count;
            match self.store.take_tokens(&self.relay, span, GRACE).await {
                Ok(starts_in) => {
                    batch.next = Instant::now() + starts_in;
                    batch.left = count;
                }
                Err(error) => {
                    warn!(%error, "the rate cannot be kept without the store; nothing is sent until it is back");
                    sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }
}

impl Batch {
    fn take(&mut self, now: Instant) -> Option<Instant> {
        while self.left > 0 {
            let moment = self.next;
            self.next += self.distance;
            self.left -= 1;
            if moment + GRACE >= now {
                return Some(moment);
            }
        }
        None
    }
}

/// The first rest after a 421; each further one is twice as long.
const FIRST_REST: Duration = Duration::from_secs(1);

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Keeps all connections away from a relay that closes them with 421, longer each time until it takes a message.
#[derive(Default)]
pub(super) struct Rest(std::sync::Mutex<Option<Resting>>);

#[derive(Clone, Copy)]
struct Resting {
    since: Instant,
    until: Instant,
    length: Duration,
}

impl Rest {
    /// A connection was closed with 421. Those that follow within the rest are of the same moment.
    /// Returns how long the relay has taken nothing when this rest is over.
    ///
    /// The first one is said to nobody: many relays end a connection so when it has carried enough.
    pub(super) fn begin(&self, reply: &Reply) -> Duration {
        let mut resting = self.lock();
        let now = Instant::now();
        let rest = match *resting {
            Some(rest) if rest.until > now => rest,
            Some(Resting { since, length, .. }) => {
                let length = (2 * length).min(LONGEST_REST);
                warn!(%reply, rest_ms = length.as_millis() as u64, "the relay closes every connection; they rest");
                Resting { since, until: now + length, length }
            }
            None => Resting { since: now, until: now + FIRST_REST, length: FIRST_REST },
        };
        *resting = Some(rest);
        rest.until - rest.since
    }

    /// The relay took a message.
    pub(super) fn end(&self) {
        *self.lock() = None;
    }

    /// When the rest is over, if it is not.
    pub(super) fn until(&self) -> Option<Instant> {
        self.lock().map(|rest| rest.until).filter(|until| *until > Instant::now())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Resting>> {
        // Nothing panics under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_at_even_distances_and_one_that_is_too_late_is_lost() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut batch = Batch { next: start, left: 5, distance: Duration::from_millis(20) };
        assert_eq!(batch.take(start), Some(start));
        assert_eq!(batch.take(start), Some(at(20)));
        assert_eq!(batch.take(at(60)), Some(at(40)), "a little late is in time");
        assert_eq!(batch.take(at(111)), Some(at(80)));
        assert_eq!(batch.take(at(111)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_grows_with_each_421_until_a_message_is_taken() {
        let rest = Rest::default();
        let closing = Reply { code: 421, text: "4.3.2 shutting down".into() };
        let mut lengths = Vec::new();
        for _ in 0..8 {
            rest.begin(&closing);
            rest.begin(&closing);
            let until = rest.until().unwrap();
            lengths.push((until - Instant::now()).as_secs());
            tokio::time::advance(until - Instant::now()).await;
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 60, 60]);
        rest.end();
        assert!(rest.until().is_none());
        rest.begin(&closing);
        assert_eq!((rest.until().unwrap() - Instant::now()).as_secs(), 1);
    }
}
