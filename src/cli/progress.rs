//! What a send says while it runs: a bar on a terminal, plain lines elsewhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::MissedTickBehavior;

use super::ledger::{LedgerView, brief};
use super::moment;
use crate::dispatch::Progress;
use crate::newsletter::Newsletter;
use crate::store::Store;

/// A bar on a terminal: the part of this process.
pub(super) async fn draw(progress: Arc<Progress>, open: u64) {
    let bar = ProgressBar::new(open);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        bar.set_position(progress.settled());
        let standstill = progress.standstill();
        if standstill.is_some() {
            // What moves afterwards is no slower for it.
            bar.reset_eta();
        }
        let deferred = progress.deferred.load(Ordering::Relaxed);
        bar.set_message(outlook(standstill.as_deref(), deferred, bar.per_sec(), bar.eta()));
    }
}

/// What stands beside the bar: how fast it goes and how long it will, or why nothing moves.
fn outlook(standstill: Option<&str>, deferred: u64, per_second: f64, left: Duration) -> String {
    let how = match standstill {
        Some(why) => format!("nothing moves: {}", brief(why)),
        None if per_second > 0.0 => format!("{per_second:.1}/s, about {} left", moment::span(left.as_secs() as i64)),
        None => String::new(),
    };
    match (deferred, how.is_empty()) {
        (0, _) => how,
        (_, true) => format!("{deferred} to try again"),
        (_, false) => format!("{how}; {deferred} to try again"),
    }
}

/// A plain line now and then elsewhere: the whole ledger, whoever works on it.
pub(super) async fn tell(store: Store, newsletter: Newsletter, newsletter_id: i32, number: u32) {
    let mut ticks = tokio::time::interval(Duration::from_secs(10));
    // A store that was silent for a minute has one line to give, not six.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        // Without the store there is nothing to tell, which others do.
        if let Ok(view) = LedgerView::read(&store, &newsletter, newsletter_id, number).await {
            errln!("{}", view.line());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_the_bar_stands_no_rate_while_nothing_moves() {
        let minute = Duration::from_secs(60);
        assert_eq!(outlook(None, 0, 12.34, minute), "12.3/s, about 1 min 0 s left");
        let why = Some("the database does not answer");
        assert_eq!(outlook(why, 3, 12.34, minute), "nothing moves: the database does not answer; 3 to try again");
        assert_eq!(outlook(None, 3, f64::NAN, minute), "3 to try again", "nothing has moved yet");
    }
}
