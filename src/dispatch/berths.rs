//! Berths: how many connections to a relay a process has at most, whatever issues it sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many messages a connection carries while another courier waits for a berth: it is shared out, but not so
/// often that connecting costs more than sending.
const TURN: usize = 50;

/// What the sends of a process share: room for so many connections. Cheap to clone.
#[derive(Clone)]
pub struct Berths {
    free: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    most: usize,
}

impl Berths {
    /// Room for `most` connections.
    pub fn new(most: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), waiting: Arc::default(), most }
    }

    /// How many connections there is room for.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Waits for a berth, behind those who came before, and keeps it until the permit is dropped.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let _waiting = Waiting::new(&self.waiting);
        self.free.clone().acquire_owned().await.ok()
    }

    /// Whether a connection that has carried so many messages is to make room: somebody waits for it.
    pub(super) fn is_over(&self, carried: usize) -> bool {
        carried >= TURN && self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Counts who waits, also where the waiting is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_ends_only_where_another_waits() {
        let berths = Berths::new(1);
        let berth = berths.take().await.unwrap();
        assert!(!berths.is_over(10 * TURN));
        let other = tokio::spawn({
            let berths = berths.clone();
            async move { berths.take().await.is_some() }
        });
        while berths.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!berths.is_over(TURN - 1));
        assert!(berths.is_over(TURN));
        drop(berth);
        assert!(other.await.unwrap());
        assert!(!berths.is_over(TURN));
    }
}
