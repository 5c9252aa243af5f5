//! Lanes: how many couriers may be on the way. The first goes alone; each message that is taken makes room for one more,
//! until the relay lets no more connections in. Then one is tried now and then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How long a lane stays closed whose courier was not let in; each time in a row twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest that it stays closed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Lets couriers out one after another, so that a relay that takes nothing gets one connection and not all at once,
/// and one that takes few is not asked for more all the time.
pub(super) struct Lanes {
    open: Semaphore,
    width: Mutex<Width>,
}

struct Width {
    /// How many lanes are closed.
    closed: usize,
    /// How many couriers have a connection.
    connected: usize,
    /// When one had, or the lanes were made.
    seen: Instant,
    /// What is known of a relay that did not let a courier in, while it had others.
    narrow: Option<Narrow>,
}

struct Narrow {
    wait: Duration,
    until: Instant,
    /// Whether a courier tries now if there is room for one more.
    is_tried: bool,
}

/// A courier's connection counts as one as long as this lives.
pub(super) struct Connected<'a>(&'a Lanes);

impl Lanes {
    /// One open lane of `most`.
    pub(super) fn new(most: usize) -> Self {
        let closed = most.saturating_sub(1);
        let width = Width { closed, connected: 0, seen: Instant::now(), narrow: None };
        Self { open: Semaphore::new(most.min(1)), width: width.into() }
    }

    /// Waits for a lane, and keeps it.
    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.open.acquire().await.ok()
    }

    /// Opens one more, if there is one, and the relay may have room for it.
    pub(super) fn widen(&self) {
        let mut width = self.lock();
        if width.closed == 0 {
            return;
        }
        if let Some(narrow) = &mut width.narrow {
            if narrow.is_tried || narrow.until > Instant::now() {
                return;
            }
            narrow.is_tried = true;
        }
        width.closed -= 1;
        self.open.add_permits(1);
    }

    /// Closes the lane of a courier whom the relay did not let in, unless it has let in no other.
    /// Returns whether it is closed.
    pub(super) fn narrow(&self, lane: &mut Option<SemaphorePermit<'_>>) -> bool {
        let mut width = self.lock();
        if width.connected == 0 {
            return false;
        }
        let Some(lane) = lane.take() else { return true };
        lane.forget();
        width.closed += 1;
        let wait = match &width.narrow {
            None => FIRST_WAIT,
            Some(narrow) if narrow.is_tried => (2 * narrow.wait).min(LONGEST_WAIT),
            // It was under way already.
            Some(_) => return true,
        };
        width.narrow = Some(Narrow { wait, until: Instant::now() + wait, is_tried: false });
        true
    }

    /// A courier has a connection, the first in its lane or a further one.
    pub(super) fn connected(&self, is_first: bool) -> Connected<'_> {
        let mut width = self.lock();
        width.connected += 1;
        width.narrow.take_if(|_| is_first);
        Connected(self)
    }

    /// How long no courier has had a connection; `None` while one has.
    pub(super) fn deserted(&self) -> Option<Duration> {
        let width = self.lock();
        (width.connected == 0).then(|| width.seen.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Width> {
        // Nothing panics under the lock.
        self.width.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        let mut width = self.0.lock();
        width.connected -= 1;
        width.seen = Instant::now();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn lanes_open_one_by_one_up_to_the_most() {
        let lanes = Lanes::new(3);
        let mut open = Vec::new();
        for _ in 0..5 {
            open.push(lanes.open.available_permits());
            lanes.widen();
        }
        assert_eq!(open, [1, 2, 3, 3, 3]);
    }

    /// How long until a message that is taken opens a lane.
    async fn next_try(lanes: &Lanes) -> Duration {
        let since = Instant::now();
        while lanes.open.available_permits() == 0 {
            tokio::time::advance(Duration::from_millis(100)).await;
            lanes.widen();
        }
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_relay_that_lets_few_in_is_asked_for_more_less_and_less_by_one_at_a_time() {
        let lanes = Lanes::new(9);
        let _lane = lanes.enter().await.unwrap();
        let _connected = lanes.connected(true);
        for _ in 0..3 {
            lanes.widen();
        }
        for _ in 0..3 {
            assert!(lanes.narrow(&mut lanes.enter().await));
        }
        let mut waits = Vec::new();
        for _ in 0..8 {
            waits.push(next_try(&lanes).await.as_millis());
            lanes.widen();
            assert_eq!(lanes.open.available_permits(), 1, "another is tried beside it");
            assert!(lanes.narrow(&mut lanes.enter().await));
        }
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        next_try(&lanes).await;
        let _lane = lanes.enter().await.unwrap();
        let _connected = lanes.connected(true);
        for _ in 0..9 {
            lanes.widen();
        }
        assert_eq!(lanes.open.available_permits(), 7, "there is room again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_relay_that_lets_nobody_in_closes_no_lane_and_is_away_since_the_last_connection_ended() {
        let lanes = Lanes::new(2);
        lanes.widen();
        let (mut one, mut other) = (lanes.enter().await, lanes.enter().await);
        let connected = lanes.connected(true);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(lanes.deserted(), None);
        drop(connected);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(lanes.deserted(), Some(Duration::from_secs(3)));
        assert!(!lanes.narrow(&mut one) && !lanes.narrow(&mut other));
        assert!(one.is_some() && other.is_some());
    }
}
