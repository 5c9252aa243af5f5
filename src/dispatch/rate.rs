//! The rate limit, a token per message at even distances; and the rest that a relay asks for with 421.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Lets messages go at most at a rate, all connections of this process together.
pub(super) struct RateLimit {
    distance: Option<Duration>,
    next: Mutex<Instant>,
}

impl RateLimit {
    /// A limit of messages per second; none at all without one.
    pub(super) fn new(per_second: Option<f64>) -> Self {
        let distance = per_second.filter(|rate| *rate > 0.0).map(|rate| Duration::from_secs_f64(1.0 / rate));
        Self { distance, next: Mutex::new(Instant::now()) }
    }

    /// Waits for the next token.
    pub(super) async fn take(&self) {
        let Some(distance) = self.distance else { return };
        let mut next = self.next.lock().await;
        // What was not used in a pause is not saved up.
        let mine = (*next).max(Instant::now());
        *next = mine + distance;
        drop(next);
        sleep_until(mine).await;
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
    pub(super) fn begin(&self) -> Duration {
        let mut resting = self.lock();
        let now = Instant::now();
        let rest = match *resting {
            Some(rest) if rest.until > now => rest,
            Some(Resting { since, length, .. }) => {
                let length = (2 * length).min(LONGEST_REST);
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
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tokens_come_at_even_distances_and_are_not_saved_up() {
        let limit = RateLimit::new(Some(50.0));
        let start = Instant::now();
        for _ in 0..101 {
            limit.take().await;
        }
        assert_eq!(start.elapsed().as_millis(), 2000);
        tokio::time::advance(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..51 {
            limit.take().await;
        }
        assert_eq!(start.elapsed().as_millis(), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_grows_with_each_421_until_a_message_is_taken() {
        let rest = Rest::default();
        let mut lengths = Vec::new();
        for _ in 0..8 {
            rest.begin();
            rest.begin();
            let until = rest.until().unwrap();
            lengths.push((until - Instant::now()).as_secs());
            tokio::time::advance(until - Instant::now()).await;
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 60, 60]);
        rest.end();
        assert!(rest.until().is_none());
        rest.begin();
        assert_eq!((rest.until().unwrap() - Instant::now()).as_secs(), 1);
    }
}
