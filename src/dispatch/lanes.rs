//! Lanes: how many couriers may be on the way. The first goes alone; each message that is taken makes room for one more.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Lets couriers out one after another, so that a relay that takes nothing gets one connection and not all at once.
pub(super) struct Lanes {
    open: Semaphore,
    closed: AtomicUsize,
}

impl Lanes {
    /// One open lane of `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { open: Semaphore::new(most.min(1)), closed: AtomicUsize::new(most.saturating_sub(1)) }
    }

    /// Waits for a lane, and keeps it.
    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.open.acquire().await.ok()
    }

    /// Opens one more, if there is one.
    pub(super) fn widen(&self) {
        let one_less = |closed: usize| closed.checked_sub(1);
        if self.closed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            self.open.add_permits(1);
        }
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
}
