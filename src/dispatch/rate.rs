//! The rate limit: a token per message, at even distances.

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

#[cfg(test)]
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
}
