//! The writer: one task that commits the results and the next intents of all couriers together.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use super::{Ended, Hold, Stop};
use crate::delivery::{DeliveryState, ReplyClass};
use crate::store::{Entry, FrozenIssue, Granted, Intent, Session, WorkerError};

/// How many notes one commit takes at most.
const GROUP: usize = 1024;

/// With fewer messages under way nobody is waited for: those on the wire would not fill the time of a commit.
const BUSY: usize = 28;

/// With so many intents a commit is worth it, however many more are under way.
const WORTHWHILE: usize = 96;

/// The longest wait for more.
const MOMENT: Duration = Duration::from_millis(2);

/// How many commits wait for nobody after one that has waited in vain.
const HURRIED: usize = 64;

/// How long results are tried to be written when the send is to stop and the store is away.
const LAST_TRIES: Duration = Duration::from_secs(30);

/// Hands notes to the writer task.
pub(super) struct Writer(mpsc::Sender<Note>);

enum Note {
    /// A result; its chunk stays claimed until it is durable.
    Entry(Entry, Arc<Hold>),
    Intent(Intent, oneshot::Sender<Granted>),
}

impl Writer {
    /// Hands in a result, which is durable before any intent that is asked for later.
    pub(super) async fn record(&self, entry: Entry, hold: Arc<Hold>) {
        // Without a writer the row stays `attempting`, and is in doubt when the worker is given up.
        self.0.send(Note::Entry(entry, hold)).await.ok();
    }

    /// Asks for intents, and returns when each is durable or not granted.
    pub(super) async fn intend(&self, intents: impl Iterator<Item = Intent>) -> Vec<Granted> {
        let mut answers = Vec::new();
        for intent in intents {
            let (answer, granted) = oneshot::channel();
            self.0.send(Note::Intent(intent, answer)).await.ok();
            answers.push(granted);
        }
        let mut granted = Vec::new();
        for answer in answers {
            granted.push(answer.await.unwrap_or(Granted::NotNow));
        }
        granted
    }
}

/// Starts the task; it ends when the last [`Writer`] is gone.
pub(super) fn start(session: Session, worker_id: i32, issue: &FrozenIssue, stop: Stop) -> (Writer, JoinHandle<()>) {
    let mut ledger = Ledger { session, worker_id, newsletter_id: issue.newsletter_id, issue_id: issue.id };
    let (sender, mut notes) = mpsc::channel(GROUP);
    let task = tokio::spawn(async move {
        let mut group = Vec::new();
        let mut gatherer = Gatherer::default();
        while notes.recv_many(&mut group, GROUP).await > 0 {
            gatherer.gather(&mut notes, &mut group).await;
            gatherer.on_the_wire += ledger.write(&stop, &mut group).await;
        }
        ledger.session.close().await;
    });
    (Writer(sender), task)
}

/// Waits for the notes that come any moment: a commit of 27 messages takes half as long again as one of 5.
///
/// Where so much is under way that the wire is busy meanwhile, that is a sixth more messages per second and above.
/// A relay that takes its time is not waited for.
#[derive(Default)]
struct Gatherer {
    /// How many messages have an intent and no result.
    on_the_wire: usize,
    /// How many commits are to wait for nobody.
    hurried: usize,
}

impl Gatherer {
    /// Adds to a group until it is worth a commit.
    async fn gather(&mut self, notes: &mut mpsc::Receiver<Note>, group: &mut Vec<Note>) {
        let mut intents: usize = group.iter().map(|note| self.count(note)).sum();
        if self.hurried > 0 {
            self.hurried -= 1;
            return;
        }
        let mut over = pin!(sleep(MOMENT));
        while self.is_worth_waiting(intents) {
            tokio::select! {
                biased;
                note = notes.recv() => {
                    let Some(note) = note else { return };
                    intents += self.count(&note);
                    group.push(note);
                }
                () = &mut over => {
                    self.hurried = HURRIED;
                    return;
                }
            }
        }
    }

    /// Whether there is much under way, and less than three quarters of it have come.
    fn is_worth_waiting(&self, intents: usize) -> bool {
        let under_way = intents + self.on_the_wire;
        under_way >= BUSY && intents < WORTHWHILE.min(under_way * 3 / 4)
    }

    /// How many intents a note is.
    fn count(&mut self, note: &Note) -> usize {
        match note {
            Note::Intent(..) => 1,
            Note::Entry(..) => {
                self.on_the_wire = self.on_the_wire.saturating_sub(1);
                0
            }
        }
    }
}

/// Where the notes go, and in whose name.
struct Ledger {
    session: Session,
    worker_id: i32,
    newsletter_id: i32,
    issue_id: i64,
}

impl Ledger {
    /// Commits a group, and returns how many intents it granted. While the store is away nothing is granted, so nothing
    /// is sent, and results are kept.
    async fn write(&mut self, stop: &Stop, group: &mut Vec<Note>) -> usize {
        let (mut entries, mut holds, mut intents, mut answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for note in group.drain(..) {
            match note {
                Note::Entry(entry, hold) => {
                    entries.push(entry);
                    holds.push(hold);
                }
                Note::Intent(intent, answer) => {
                    intents.push(intent);
                    answers.push(answer);
                }
            }
        }
        let mut stopping_since = None;
        loop {
            match self.session.commit(self.worker_id, self.newsletter_id, self.issue_id, &entries, &intents).await {
                Ok(settled) => {
                    let ended = |(entry, hold): (&Entry, Arc<Hold>)| {
                        if entry.state != DeliveryState::Queued {
                            hold.ended();
                        }
                    };
                    entries.iter().zip(holds).for_each(ended);
                    if settled.lost > 0 && stop.asked().is_none() {
                        warn!(deliveries = settled.lost, "results came too late: somebody resolved them");
                    }
                    let gone = settled.granted.iter().filter(|granted| **granted == Granted::Go).count();
                    for (answer, granted) in answers.into_iter().zip(settled.granted) {
                        answer.send(granted).ok();
                    }
                    return gone;
                }
                Err(WorkerError::GivenUp) => {
                    stop.ask(Ended::GivenUp);
                    // The results are written. Intents may be too, by a commit whose answer was lost.
                    if intents.is_empty() {
                        return 0;
                    }
                    answers.clear();
                    entries = intents.drain(..).map(never_sent).collect();
                }
                Err(WorkerError::Store(error)) => {
                    warn!(%error, "the ledger cannot be written; nothing is sent until it can");
                    if stop.asked().is_some() {
                        answers.clear();
                        entries.extend(intents.drain(..).map(never_sent));
                        let since = *stopping_since.get_or_insert_with(Instant::now);
                        if entries.is_empty() || since.elapsed() > LAST_TRIES {
                            error!(deliveries = entries.len(), "results could not be written; they are in doubt");
                            return 0;
                        }
                    }
                    sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }
}

/// What came of an intent that no courier has heard of: nothing. It counts if the intent is durable all the same,
/// and finds no place in the ledger if it is not.
fn never_sent(intent: Intent) -> Entry {
    Entry {
        subscriber_id: intent.subscriber_id,
        step: intent.step,
        attempt: intent.attempt,
        was_granted: false,
        state: DeliveryState::Queued,
        next_in: Some(Duration::ZERO),
        class: Some(ReplyClass::Soft.as_str()),
        reply: Some("never sent: the database went away".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent() -> Note {
        Note::Intent(Intent { subscriber_id: 1, step: 1, attempt: 1 }, oneshot::channel().0)
    }

    /// How many intents a group has that begins with one while others wait, and how long it takes to gather.
    async fn gathered(gatherer: &mut Gatherer, waiting: usize) -> (usize, Duration) {
        let (sender, mut notes) = mpsc::channel(GROUP);
        for _ in 0..waiting {
            assert!(sender.try_send(intent()).is_ok());
        }
        let (since, mut group) = (Instant::now(), vec![intent()]);
        gatherer.gather(&mut notes, &mut group).await;
        (group.len(), since.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_gathers_three_quarters_of_what_is_under_way_and_where_that_is_little_waits_for_nobody() {
        let busy = &mut Gatherer { on_the_wire: BUSY - 1, hurried: 0 };
        assert_eq!(gathered(busy, 500).await, (78, Duration::ZERO), "of 105 under way");
        let calm = &mut Gatherer { on_the_wire: BUSY - 2, hurried: 0 };
        assert_eq!(gathered(calm, BUSY - 2).await, (1, Duration::ZERO));
        let flooded = &mut Gatherer { on_the_wire: 500, hurried: 0 };
        assert_eq!(gathered(flooded, 500).await, (WORTHWHILE, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_relay_that_takes_its_time_is_waited_for_once_in_a_while() {
        let gatherer = &mut Gatherer { on_the_wire: 500, hurried: 0 };
        assert_eq!(gathered(gatherer, 2).await, (3, MOMENT));
        for _ in 0..HURRIED {
            assert_eq!(gathered(gatherer, 0).await, (1, Duration::ZERO));
        }
        assert_eq!(gathered(gatherer, 0).await, (1, MOMENT));
    }
}
