//! The writer: one task that commits the results and the next intents of all couriers together.

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
        while notes.recv_many(&mut group, GROUP).await > 0 {
            ledger.write(&stop, &mut group).await;
        }
        ledger.session.close().await;
    });
    (Writer(sender), task)
}

/// Where the notes go, and in whose name.
struct Ledger {
    session: Session,
    worker_id: i32,
    newsletter_id: i32,
    issue_id: i64,
}

impl Ledger {
    /// Commits a group. While the store is away nothing is granted, so nothing is sent, and results are kept.
    async fn write(&mut self, stop: &Stop, group: &mut Vec<Note>) {
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
                    for (answer, granted) in answers.into_iter().zip(settled.granted) {
                        answer.send(granted).ok();
                    }
                    return;
                }
                Err(WorkerError::GivenUp) => {
                    stop.ask(Ended::GivenUp);
                    // The results are written. Intents may be too, by a commit whose answer was lost.
                    if intents.is_empty() {
                        return;
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
                            return;
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
