//! The ledger by itself: who may write what, and what is left when a worker is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::thread;
use std::time::Duration;

use masthead::delivery::DeliveryState::{Accepted, Attempting, Claimed, Expired, InDoubt, Queued, Refused, Skipped};
use masthead::delivery::{DeliveryState, PauseCause, ReplyClass};
use masthead::newsletter::{BaseUrl, Letterhead, Mailbox, Slug};
use masthead::render::Rendered;
use masthead::store::{
    Chunk, Due, Entry, Granted, Intent, IssueState, NewIssue, Outcome, Resolution, Settled, Worker, WorkerError,
};
use masthead::subscriber::EmailAddress;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::app::{App, wait_until};
use super::chaos::{BEHIND_ANOTHER, WAITING, hold_in_database};

/// An issue with readers to deliver it to, no relay in sight.
struct Desk {
    app: App,
    newsletter_id: i32,
    issue_id: i64,
}

impl Desk {
    fn with_readers(count: usize) -> Self {
        let app = App::start();
        app.subscribe_many(count);
        let newsletter_id = app.newsletter_id();
        let issue_id = issue(&app, newsletter_id, 7);
        Self { app, newsletter_id, issue_id }
    }

    fn worker(&self) -> Worker {
        self.app.block_on(self.app.store().register_worker(self.issue_id, "here", 1)).unwrap()
    }

    /// The deliveries of a chunk that the worker claims.
    fn claim(&self, worker_id: i32) -> Option<(Chunk, Vec<Due>)> {
        self.app.block_on(async {
            let chunk = self.app.store().claim(worker_id, self.issue_id, false).await.unwrap()?;
            let due = self.app.store().due(&chunk).await.unwrap();
            Some((chunk, due))
        })
    }

    fn intend(&self, worker_id: i32, due: &Due) -> Result<Granted, WorkerError> {
        self.commit(worker_id, &[], &[self.intent(due)]).map(|settled| settled.granted[0])
    }

    fn settle(&self, worker_id: i32, due: &Due, state: DeliveryState) -> Result<u64, WorkerError> {
        self.commit(worker_id, &[self.entry(due, state)], &[]).map(|settled| settled.lost)
    }

    /// The relay refuses a reader by its policy.
    fn settle_by_policy(&self, worker_id: i32, due: &Due) {
        let entry = Entry { class: Some(ReplyClass::Policy.as_str()), ..self.entry(due, Refused) };
        assert_eq!(self.commit(worker_id, &[entry], &[]).unwrap().lost, 0);
    }

    fn commit(&self, worker_id: i32, entries: &[Entry], intents: &[Intent]) -> Result<Settled, WorkerError> {
        self.app.block_on(self.app.store().session().commit(
            worker_id,
            self.newsletter_id,
            self.issue_id,
            entries,
            intents,
        ))
    }

    fn intent(&self, due: &Due) -> Intent {
        let Due { subscriber_id, step, attempts, .. } = *due;
        Intent { subscriber_id, step: step + 1, attempt: attempts + 1 }
    }

    fn entry(&self, due: &Due, state: DeliveryState) -> Entry {
        Entry {
            subscriber_id: due.subscriber_id,
            step: due.step + 1,
            attempt: due.attempts + 1,
            was_granted: true,
            state,
            next_in: (state == Queued).then_some(Duration::ZERO),
            class: match state {
                Refused => Some(ReplyClass::Hard.as_str()),
                Queued | Expired => Some(ReplyClass::Soft.as_str()),
                _ => None,
            },
            reply: Some("as the relay said".to_owned()),
        }
    }

    /// Ends a worker's session as a crash does, and waits until others find it gone.
    fn crash(&self, worker: Worker) -> u64 {
        let worker_id = worker.id;
        drop(worker);
        let mut in_doubt = 0;
        wait_until("the worker is given up", || {
            in_doubt += self.app.block_on(self.app.store().reap_workers()).unwrap();
            self.app.query(&format!("select (gone_at is null)::text from worker where id = {worker_id}")) == "false"
        });
        in_doubt
    }

    /// How many deliveries are in each state.
    fn states(&self) -> HashMap<&'static str, u64> {
        self.app.block_on(self.app.store().summary(self.issue_id)).unwrap().states
    }
}

impl Drop for Desk {
    /// The App would want to find every accepted mail at the relay; here there was none.
    fn drop(&mut self) {
        self.app.query("truncate issue, delivery, ledger, chunk, archived_issue, archived_link");
    }
}

/// Freezes an issue and takes everybody into its audience.
fn issue(app: &App, newsletter_id: i32, number: u32) -> i64 {
    let text = String::new;
    let rendered = Rendered { subject: "Roots".into(), preheader: text(), html: text(), text: text(), seal: text() };
    let letterhead = Letterhead {
        slug: Slug::parse("garden").unwrap(),
        name: "Garden Letters".into(),
        from: Mailbox::parse("ann@example.org").unwrap(),
        reply_to: None,
        base_url: BaseUrl::parse("https://news.example.org").unwrap(),
    };
    let new = NewIssue {
        newsletter_id,
        number,
        source_digest: &[7; 32],
        title: "Roots",
        rendered: &rendered,
        letterhead: &letterhead,
        date: None,
        links: &[],
        rate: None,
    };
    app.block_on(async {
        let issue = app.store().freeze_issue(&new).await.unwrap();
        app.store().snapshot(issue.id).await.unwrap();
        issue.id
    })
}

#[test]
fn what_a_dead_worker_had_on_the_wire_is_in_doubt_and_the_rest_is_queued() {
    let desk = Desk::with_readers(3);
    let worker = desk.worker();
    let (_, due) = desk.claim(worker.id).unwrap();
    assert_eq!(desk.intend(worker.id, &due[0]).unwrap(), Granted::Go);
    assert_eq!(desk.states(), HashMap::from([("attempting", 1), ("claimed", 2)]));
    assert_eq!(desk.crash(worker), 1);
    assert_eq!(desk.states(), HashMap::from([("in_doubt", 1), ("queued", 2)]));
}

#[test]
fn whom_a_policy_refused_since_a_dead_worker_had_a_mail_accepted_is_queued_again() {
    let desk = Desk::with_readers(7);
    let (worker, other) = (desk.worker(), desk.worker());
    let (_, due) = desk.claim(worker.id).unwrap();
    for due in &due {
        desk.intend(worker.id, due).unwrap();
    }
    desk.settle_by_policy(worker.id, &due[0]);
    desk.settle(worker.id, &due[1], Accepted).unwrap();
    desk.settle_by_policy(worker.id, &due[2]);
    desk.settle(worker.id, &due[3], Refused).unwrap();
    desk.settle_by_policy(worker.id, &due[4]);
    desk.settle(worker.id, &due[5], Queued).unwrap();
    desk.crash(worker);
    assert_eq!(desk.states(), HashMap::from([("refused", 2), ("accepted", 1), ("queued", 3), ("in_doubt", 1)]));
    let again: Vec<_> = desk.claim(other.id).unwrap().1.iter().map(|due| due.subscriber_id).collect();
    assert_eq!(again, [2, 4, 5].map(|at: usize| due[at].subscriber_id));
    assert_eq!(desk.app.block_on(desk.app.store().audit(desk.issue_id)).unwrap(), Vec::<String>::new());
}

/// Nobody else is left to be tried, so it would go on and on.
#[test]
fn whom_a_policy_refused_last_stays_refused_when_its_worker_leaves_in_order() {
    let desk = Desk::with_readers(1);
    let worker = desk.worker();
    let (_, due) = desk.claim(worker.id).unwrap();
    desk.intend(worker.id, &due[0]).unwrap();
    desk.settle_by_policy(worker.id, &due[0]);
    desk.app.block_on(worker.leave()).unwrap();
    assert_eq!(desk.states(), HashMap::from([("refused", 1)]));
}

#[test]
fn a_worker_whose_relay_takes_nothing_looks_at_the_others_and_not_at_itself() {
    let desk = Desk::with_readers(1);
    let (mut served, other) = (desk.worker(), desk.worker());
    let are_others_served =
        |id, span| desk.app.block_on(desk.app.store().are_others_served(id, Duration::from_secs(span))).unwrap();
    desk.app.block_on(served.renew(None, false)).unwrap();
    assert!(!are_others_served(other.id, 60));
    desk.app.block_on(served.renew(None, true)).unwrap();
    assert!(are_others_served(other.id, 60));
    assert!(!are_others_served(other.id, 0), "that was before");
    assert!(!are_others_served(served.id, 60));
}

/// Two mails are in flight when their worker is given up; one was taken, one was told to wait.
#[test]
fn a_late_reply_settles_the_doubt_for_the_worker_that_was_given_up() {
    let desk = Desk::with_readers(3);
    let worker = desk.worker();
    let id = worker.id;
    let (_, due) = desk.claim(id).unwrap();
    desk.intend(id, &due[0]).unwrap();
    desk.intend(id, &due[1]).unwrap();
    desk.crash(worker);
    assert!(matches!(desk.settle(id, &due[0], Accepted), Err(WorkerError::GivenUp)));
    assert_eq!(desk.states(), HashMap::from([("accepted", 1), ("in_doubt", 1), ("queued", 1)]));
    assert!(matches!(desk.settle(id, &due[1], Queued), Err(WorkerError::GivenUp)));
    assert_eq!(desk.states(), HashMap::from([("accepted", 1), ("queued", 2)]));
    let next = desk.worker();
    assert_eq!(desk.claim(next.id).unwrap().1.len(), 2);
}

/// Another worker has been through the chunk in the meantime, and found nothing to do in it.
#[test]
fn a_late_temporary_refusal_makes_its_reader_due_again() {
    let desk = Desk::with_readers(1);
    let (worker, next) = (desk.worker(), desk.worker());
    let id = worker.id;
    let (_, due) = desk.claim(id).unwrap();
    desk.intend(id, &due[0]).unwrap();
    desk.crash(worker);
    let (chunk, nobody) = desk.claim(next.id).unwrap();
    assert!(nobody.is_empty());
    desk.app.block_on(desk.app.store().release(next.id, &[chunk.id])).unwrap();
    assert!(desk.claim(next.id).is_none());
    assert!(matches!(desk.settle(id, &due[0], Queued), Err(WorkerError::GivenUp)));
    assert_eq!(desk.claim(next.id).unwrap().1.len(), 1);
}

#[test]
fn a_worker_that_was_given_up_begins_nothing_new() {
    let desk = Desk::with_readers(2);
    let worker = desk.worker();
    let id = worker.id;
    let (_, due) = desk.claim(id).unwrap();
    desk.crash(worker);
    assert!(matches!(desk.intend(id, &due[0]), Err(WorkerError::GivenUp)));
    assert!(desk.claim(id).is_none());
    assert_eq!(desk.states(), HashMap::from([("queued", 2)]));
}

#[test]
fn a_worker_that_is_being_given_up_claims_nothing_that_would_be_held_for_good() {
    let desk = Desk::with_readers(2);
    let (app, worker) = (&desk.app, desk.worker());
    app.query(&format!("update worker set lease_until = now() - interval '1 s' where id = {}", worker.id));
    hold_in_database(app, "before update on worker for each row when (new.gone_at is not null)");
    let claimed = thread::scope(|scope| {
        let reaping = scope.spawn(|| app.block_on(app.store().reap_workers()).unwrap());
        wait_until("it is being given up", || app.query(WAITING) == "1");
        let claiming = scope.spawn(|| desk.claim(worker.id));
        wait_until("the claim waits, or is over", || claiming.is_finished() || app.query(BEHIND_ANOTHER) != "0");
        app.query("select pg_advisory_unlock(77)::text");
        assert_eq!(reaping.join().unwrap(), 0);
        claiming.join().unwrap()
    });
    assert!(claimed.is_none());
    assert_eq!(app.block_on(app.store().audit(desk.issue_id)).unwrap(), Vec::<String>::new());
    assert_eq!(desk.claim(desk.worker().id).unwrap().1.len(), 2);
}

#[test]
fn who_is_queued_again_before_the_chunk_is_finished_is_due_all_the_same() {
    let desk = Desk::with_readers(2);
    let (app, worker) = (&desk.app, desk.worker());
    let (chunk, due) = desk.claim(worker.id).unwrap();
    for (due, state) in due.iter().zip([Refused, Accepted]) {
        desk.intend(worker.id, due).unwrap();
        desk.settle(worker.id, due, state).unwrap();
    }
    assert_eq!(app.block_on(app.store().retry(desk.issue_id, None)).unwrap(), 1);
    app.block_on(app.store().finish(worker.id, &[chunk.id])).unwrap();
    let (chunk, again) = desk.claim(worker.id).unwrap();
    assert_eq!(again.iter().map(|due| due.subscriber_id).collect::<Vec<_>>(), [due[0].subscriber_id]);
    desk.intend(worker.id, &again[0]).unwrap();
    desk.settle(worker.id, &again[0], Accepted).unwrap();
    app.block_on(app.store().release(worker.id, &[chunk.id])).unwrap();
    assert!(desk.claim(worker.id).is_none());
}

#[test]
fn two_workers_cannot_take_the_same_step() {
    let desk = Desk::with_readers(2);
    let (one, other) = (desk.worker(), desk.worker());
    let (_, due) = desk.claim(one.id).unwrap();
    assert!(desk.claim(other.id).is_none());
    assert_eq!(desk.intend(one.id, &due[0]).unwrap(), Granted::Go);
    assert_eq!(desk.intend(other.id, &due[0]).unwrap(), Granted::NotNow);
    let entry = Entry { was_granted: false, ..desk.entry(&due[0], Accepted) };
    let lost = desk.commit(other.id, &[entry], &[]).unwrap().lost;
    assert_eq!(lost, 1, "the entry finds no attempt of its own");
    assert_eq!(desk.states(), HashMap::from([("attempting", 1), ("claimed", 1)]));
}

#[test]
fn a_commit_that_is_made_twice_changes_nothing() {
    let desk = Desk::with_readers(2);
    let worker = desk.worker();
    let (_, due) = desk.claim(worker.id).unwrap();
    desk.intend(worker.id, &due[0]).unwrap();
    let (entries, intents) = ([desk.entry(&due[0], Refused)], [desk.intent(&due[1])]);
    for _ in 0..2 {
        assert_eq!(desk.commit(worker.id, &entries, &intents).unwrap().granted, [Granted::Go]);
        assert_eq!(desk.states(), HashMap::from([("attempting", 1), ("refused", 1)]));
    }
    assert_eq!(desk.app.query("select count(*)::text from ledger"), "3");
}

#[test]
fn an_orderly_farewell_gives_everything_back() {
    let desk = Desk::with_readers(2);
    let worker = desk.worker();
    desk.claim(worker.id).unwrap();
    desk.app.block_on(worker.leave()).unwrap();
    assert_eq!(desk.states(), HashMap::from([("queued", 2)]));
    assert_eq!(desk.app.block_on(desk.app.store().reap_workers()).unwrap(), 0);
}

/// Ten a second for two seconds, twice, with an hour between: one in three was skipped, and the operator knows of another.
#[test]
fn the_pace_of_the_last_issue_is_that_of_its_messages_while_it_was_sent() {
    let desk = Desk::with_readers(64);
    let (app, worker) = (&desk.app, desk.worker());
    app.query(&format!(
        "insert into ledger (issue_id, subscriber_id, step, attempt, worker_id, state, at)
         select issue_id, subscriber_id, 1, 1, case when n < 60 then {} end,
                case when n % 3 = 2 and n < 60 then 'skipped' else 'accepted' end,
                now() + n / 15.0 * interval '1 s' + case when n >= 30 then interval '1 h' else '0' end
         from (select *, row_number() over (order by subscriber_id) - 1 as n from delivery) numbered",
        worker.id
    ));
    let pace = || app.block_on(app.store().last_pace(desk.newsletter_id)).unwrap();
    assert_eq!(pace(), None, "it is not sent yet");
    app.query("update issue set state = 'sent'");
    let pace = pace().unwrap();
    assert!((9.5..11.0).contains(&pace), "{pace} a second");
}

/// What may happen to an issue while it is sent; the numbers pick a worker and one of what it has in hand.
#[derive(Debug, Clone)]
enum Step {
    Claim(usize),
    Intend(usize, usize),
    Settle(usize, usize, DeliveryState),
    /// The relay refuses by its policy.
    SettleByPolicy(usize, usize),
    /// A worker that is gone hears from the relay after all.
    SettleLate(usize, DeliveryState),
    /// The worker's session ends, and the others find out.
    Crash(usize),
    /// The worker is alive, but its lease has run out, and the others find out.
    LoseLease(usize),
    /// The worker has nothing on the wire and gives its chunks back.
    Release(usize),
    /// A reader unsubscribes.
    Leave(usize),
    /// New readers come, and the issue is sent again.
    Grow,
    /// The operator says what became of one that is in doubt.
    Resolve(usize, Resolution),
    /// The operator tries the refused and expired again.
    Retry,
    Pause,
    Resume,
    Cancel,
}

const WORKERS: usize = 2;

fn step() -> impl Strategy<Value = Step> {
    let worker = || 0..WORKERS;
    let pick = any::<usize>;
    let outcome = || prop_oneof![8 => Just(Accepted), 2 => Just(Refused), 5 => Just(Queued), 1 => Just(Expired), 2 => Just(InDoubt)];
    let resolution = || prop_oneof![Just(Resolution::Accepted), Just(Resolution::Resend)];
    prop_oneof![
        16 => worker().prop_map(Step::Claim),
        32 => (worker(), pick()).prop_map(|(worker, pick)| Step::Intend(worker, pick)),
        32 => (worker(), pick(), outcome()).prop_map(|(worker, pick, state)| Step::Settle(worker, pick, state)),
        6 => (worker(), pick()).prop_map(|(worker, pick)| Step::SettleByPolicy(worker, pick)),
        10 => (pick(), outcome()).prop_map(|(pick, state)| Step::SettleLate(pick, state)),
        6 => worker().prop_map(Step::Crash),
        4 => worker().prop_map(Step::LoseLease),
        8 => worker().prop_map(Step::Release),
        4 => pick().prop_map(Step::Leave),
        4 => Just(Step::Grow),
        6 => (pick(), resolution()).prop_map(|(pick, resolution)| Step::Resolve(pick, resolution)),
        3 => Just(Step::Retry),
        2 => Just(Step::Pause),
        3 => Just(Step::Resume),
        1 => Just(Step::Cancel),
    ]
}

/// What the store should know: a state per reader, and what each worker has in hand.
struct Model<'a> {
    desk: &'a Desk,
    states: BTreeMap<i64, DeliveryState>,
    left: HashSet<i64>,
    workers: Vec<Hands>,
    /// What workers that are gone had on the wire, and whether its doubt is still theirs to settle.
    late: Vec<(i32, Due, bool)>,
    issue: IssueState,
    readers_so_far: usize,
}

struct Hands {
    worker: Worker,
    /// Each chunk with those of it who were due, and whether these are all.
    chunks: Vec<(i64, HashSet<i64>, bool)>,
    /// Whose delivery ended here.
    ended: HashSet<i64>,
    ready: Vec<Due>,
    on_the_wire: Vec<Due>,
    /// Whom a policy refused since a mail was accepted.
    row: Vec<i64>,
}

impl<'a> Model<'a> {
    fn new(desk: &'a Desk) -> Self {
        let workers = (0..WORKERS).map(|_| Hands::new(desk)).collect();
        let mut model = Self {
            desk,
            states: BTreeMap::new(),
            left: HashSet::new(),
            workers,
            late: Vec::new(),
            issue: IssueState::Sending,
            readers_so_far: 0,
        };
        model.grow();
        model
    }

    fn grow(&mut self) {
        let app = &self.desk.app;
        let newcomers = self.readers_so_far..self.readers_so_far + 3;
        let addresses: Vec<_> =
            newcomers.map(|number| format!("{}-{number}@example.com", self.desk.issue_id)).collect();
        self.readers_so_far += addresses.len();
        app.subscribe(&addresses);
        let snapshot = app.block_on(app.store().snapshot(self.desk.issue_id)).unwrap();
        assert_eq!(snapshot.added, addresses.len() as u64);
        let ids =
            app.query(&format!("select subscriber_id::text from delivery where issue_id = {}", self.desk.issue_id));
        for id in ids.lines() {
            self.states.entry(id.parse().unwrap()).or_insert(Queued);
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Claim(at) => {
                self.claim(at);
            }
            Step::Intend(at, pick) => self.intend(at, pick),
            Step::Settle(at, pick, state) => {
                let hands = &mut self.workers[at];
                let Some(due) = picked(&mut hands.on_the_wire, pick) else { return };
                assert_eq!(self.desk.settle(hands.worker.id, &due, state).unwrap(), 0);
                if state != Queued {
                    hands.ended.insert(due.subscriber_id);
                }
                if state == Accepted {
                    hands.row.clear();
                }
                self.set(due.subscriber_id, state);
            }
            Step::SettleByPolicy(at, pick) => {
                let hands = &mut self.workers[at];
                let Some(due) = picked(&mut hands.on_the_wire, pick) else { return };
                self.desk.settle_by_policy(hands.worker.id, &due);
                hands.ended.insert(due.subscriber_id);
                self.set(due.subscriber_id, Refused);
                // Whoever was retried since is of this row now.
                for hands in &mut self.workers {
                    hands.row.retain(|id| *id != due.subscriber_id);
                }
                self.workers[at].row.push(due.subscriber_id);
            }
            Step::SettleLate(pick, state) => {
                let Some((worker_id, due, counts)) = picked(&mut self.late, pick) else { return };
                assert!(matches!(self.desk.settle(worker_id, &due, state), Err(WorkerError::GivenUp)));
                if counts {
                    self.set(due.subscriber_id, state);
                }
            }
            Step::Crash(at) => {
                let Hands { worker, on_the_wire, row, .. } = self.replace(at);
                let worker_id = worker.id;
                assert_eq!(self.desk.crash(worker), on_the_wire.len() as u64);
                self.doubt(worker_id, on_the_wire);
                self.put_back(&row);
            }
            Step::LoseLease(at) => {
                let Hands { worker, on_the_wire, row, .. } = self.replace(at);
                let app = &self.desk.app;
                app.query(&format!("update worker set lease_until = now() - interval '1 s' where id = {}", worker.id));
                assert_eq!(app.block_on(app.store().reap_workers()).unwrap(), on_the_wire.len() as u64);
                self.doubt(worker.id, on_the_wire);
                self.put_back(&row);
            }
            Step::Release(at) => {
                let hands = &mut self.workers[at];
                if hands.on_the_wire.is_empty() {
                    let (store, worker_id) = (self.desk.app.store(), hands.worker.id);
                    let (finished, open): (Vec<_>, Vec<_>) = std::mem::take(&mut hands.chunks)
                        .into_iter()
                        .partition(|(_, readers, are_all)| *are_all && readers.is_subset(&hands.ended));
                    let ids = |chunks: Vec<(i64, _, _)>| chunks.into_iter().map(|(id, ..)| id).collect::<Vec<_>>();
                    hands.ready.clear();
                    hands.ended.clear();
                    self.desk.app.block_on(store.finish(worker_id, &ids(finished))).unwrap();
                    self.desk.app.block_on(store.release(worker_id, &ids(open))).unwrap();
                }
            }
            Step::Leave(pick) => {
                let (app, newsletter_id) = (&self.desk.app, self.desk.newsletter_id);
                let id = *self.states.keys().nth(pick % self.states.len()).unwrap();
                let leaving = app.store().unsubscribe(newsletter_id, id, "unsubscribed", "page", None, false);
                app.block_on(leaving).unwrap();
                self.left.insert(id);
            }
            // The command refuses to send a cancelled issue again.
            Step::Grow if self.issue == IssueState::Cancelled => {}
            Step::Grow => self.grow(),
            Step::Resolve(pick, resolution) => self.resolve(pick, resolution),
            Step::Retry => {
                let (app, cancelled) = (&self.desk.app, self.issue == IssueState::Cancelled);
                let retried = app.block_on(app.store().retry(self.desk.issue_id, None)).unwrap();
                let ended: Vec<_> = self.readers_in(&[Refused, Expired]);
                assert_eq!(retried, if cancelled { 0 } else { ended.len() as u64 });
                for id in ended.into_iter().filter(|_| !cancelled) {
                    self.set(id, Queued);
                }
            }
            Step::Pause => self.change(IssueState::Sending, IssueState::Paused),
            Step::Resume => self.change(IssueState::Paused, IssueState::Sending),
            Step::Cancel => {
                let (app, waiting) = (&self.desk.app, self.readers_in(&[Queued]));
                let cancelled = app.block_on(app.store().cancel(self.desk.issue_id)).unwrap();
                let expected = (self.issue != IssueState::Cancelled).then_some(waiting.len() as u64);
                assert_eq!(cancelled, expected);
                self.issue = IssueState::Cancelled;
                for id in waiting {
                    self.states.insert(id, Skipped);
                }
            }
        }
    }

    /// A reader's new state; a cancelled issue queues nobody.
    fn set(&mut self, id: i64, state: DeliveryState) {
        let over = state == Queued && self.issue == IssueState::Cancelled;
        self.states.insert(id, if over { Skipped } else { state });
    }

    fn readers_in(&self, states: &[DeliveryState]) -> Vec<i64> {
        self.states.iter().filter(|(_, state)| states.contains(state)).map(|(id, _)| *id).collect()
    }

    /// A new worker in the place of one who will be gone.
    fn replace(&mut self, at: usize) -> Hands {
        std::mem::replace(&mut self.workers[at], Hands::new(self.desk))
    }

    /// Those of a row that has no end who are still refused by it.
    fn put_back(&mut self, row: &[i64]) {
        let refused = self.readers_in(&[Refused]);
        for id in row.iter().filter(|id| refused.contains(id) && self.issue != IssueState::Cancelled) {
            self.states.insert(*id, Queued);
        }
    }

    fn doubt(&mut self, worker_id: i32, on_the_wire: Vec<Due>) {
        for due in on_the_wire {
            self.states.insert(due.subscriber_id, InDoubt);
            self.late.push((worker_id, due, true));
        }
    }

    fn resolve(&mut self, pick: usize, resolution: Resolution) {
        let in_doubt = self.readers_in(&[InDoubt]);
        let Some(id) = in_doubt.get(pick % in_doubt.len().max(1)).copied() else { return };
        let app = &self.desk.app;
        let address =
            EmailAddress::parse(&app.query(&format!("select email from subscriber where id = {id}"))).unwrap();
        let resolved = app.store().resolve(self.desk.issue_id, resolution, Some(&address));
        assert_eq!(app.block_on(resolved).unwrap(), 1);
        self.set(id, if resolution == Resolution::Accepted { Accepted } else { Queued });
        // Whoever hears of it later comes too late.
        for (_, due, counts) in &mut self.late {
            *counts &= due.subscriber_id != id;
        }
    }

    fn change(&mut self, from: IssueState, to: IssueState) {
        let (app, issue_id) = (&self.desk.app, self.desk.issue_id);
        let changed = match to {
            IssueState::Paused => app.block_on(app.store().pause(issue_id, PauseCause::Operator, "tea", None)).unwrap(),
            _ => app.block_on(app.store().resume(issue_id)).unwrap(),
        };
        assert_eq!(changed, self.issue == from);
        if changed {
            self.issue = to;
        }
    }

    /// Whether there was something to claim.
    fn claim(&mut self, at: usize) -> bool {
        let Some((chunk, due)) = self.desk.claim(self.workers[at].worker.id) else { return false };
        assert_eq!(self.issue, IssueState::Sending, "nothing is claimed of an issue that is not sending");
        for due in &due {
            assert_eq!(self.states[&due.subscriber_id], Queued, "who is due is queued");
            let twice =
                self.workers.iter().flat_map(|hands| &hands.ready).any(|d| d.subscriber_id == due.subscriber_id);
            assert!(!twice, "who is due is in nobody's hands");
        }
        let hands = &mut self.workers[at];
        let readers: HashSet<_> = due.iter().map(|due| due.subscriber_id).collect();
        let are_all = chunk.size.unwrap() == readers.len() as i32;
        hands.chunks.push((chunk.id, readers, are_all));
        hands.ready.extend(due);
        true
    }

    fn intend(&mut self, at: usize, pick: usize) {
        let hands = &mut self.workers[at];
        let Some(due) = picked(&mut hands.ready, pick) else { return };
        let granted = self.desk.intend(hands.worker.id, &due).unwrap();
        if self.issue != IssueState::Sending {
            assert_eq!(granted, Granted::NotNow);
        } else if self.left.contains(&due.subscriber_id) {
            assert_eq!(granted, Granted::Skipped);
            hands.ended.insert(due.subscriber_id);
            self.states.insert(due.subscriber_id, Skipped);
        } else {
            assert_eq!(granted, Granted::Go);
            self.states.insert(due.subscriber_id, Attempting);
            hands.on_the_wire.push(due);
        }
    }

    /// The ledger says what the model says, and adds up.
    fn compare(&self) {
        let summary = self.desk.app.block_on(self.desk.app.store().summary(self.desk.issue_id)).unwrap();
        assert_eq!(summary.audience, self.states.len() as u64);
        let rows = self.desk.app.block_on(self.desk.app.store().audited_deliveries(self.desk.issue_id)).unwrap();
        let there: BTreeMap<_, _> = rows.iter().map(|row| (row.subscriber_id, row.state.as_str())).collect();
        let wanted: BTreeMap<_, _> = self.states.iter().map(|(id, state)| (*id, state.as_str())).collect();
        assert_eq!(there, wanted);
        assert!(self.desk.app.block_on(self.desk.app.store().equation(self.desk.issue_id)).unwrap().holds());
        let waiting = self.states.values().filter(|state| **state == Queued).count() as u64;
        assert_eq!(summary.count(Queued) + summary.count(Claimed), waiting, "{:?}", summary.states);
    }

    /// Whatever happened, one healthy worker can finish.
    fn finish(mut self) {
        for at in 0..WORKERS {
            self.take(&Step::Crash(at));
        }
        self.take(&Step::Resume);
        while self.claim(0) {
            while !self.workers[0].ready.is_empty() {
                self.take(&Step::Intend(0, 0));
                self.take(&Step::Settle(0, 0, Accepted));
            }
            self.take(&Step::Release(0));
        }
        assert!(!self.states.values().any(|state| *state == Queued), "somebody is queued, but never due");
        self.compare();
        let (store, issue_id) = (self.desk.app.store(), self.desk.issue_id);
        if self.issue == IssueState::Sending {
            let settle = || self.desk.app.block_on(store.settle_issue(issue_id)).unwrap();
            assert_eq!([settle(), settle()], [Outcome::SentNow, Outcome::Sent]);
        }
        assert_eq!(self.desk.app.block_on(store.audit(issue_id)).unwrap(), Vec::<String>::new());
        for hands in self.workers {
            self.desk.app.block_on(hands.worker.leave()).unwrap();
        }
    }
}

impl Hands {
    fn new(desk: &Desk) -> Self {
        let (chunks, ended) = (Vec::new(), HashSet::new());
        Self { worker: desk.worker(), chunks, ended, ready: Vec::new(), on_the_wire: Vec::new(), row: Vec::new() }
    }
}

fn picked<T>(from: &mut Vec<T>, pick: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.remove(pick % from.len()))
}

#[test]
fn whatever_happens_in_whatever_order_the_ledger_adds_up_and_nobody_is_tried_twice_at_once() {
    let mut desk = Desk::with_readers(0);
    let number = Cell::new(8);
    let desk_cell = RefCell::new(&mut desk);
    let cases = std::env::var("PROPTEST_CASES").map_or(24, |cases| cases.parse().unwrap());
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() });
    let schedules = prop::collection::vec(step(), 10..50);
    let outcome = runner.run(&schedules, |steps| {
        let mut desk = desk_cell.borrow_mut();
        desk.app.query("update subscription set state = 'unsubscribed'");
        desk.issue_id = issue(&desk.app, desk.newsletter_id, number.replace(number.get() + 1));
        let mut model = Model::new(&desk);
        for step in &steps {
            model.take(step);
            model.compare();
        }
        model.finish();
        Ok(())
    });
    outcome.unwrap();
}
