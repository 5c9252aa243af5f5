//! The invariants, computed from the ledger and the relay's own record.

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;
use time::OffsetDateTime;

use super::ground::Ground;
use super::sink::Dealings;
use crate::store::{AuditedDelivery, Registration};

/// What is known of an issue besides its ledger.
pub(super) struct Facts<'a> {
    pub(super) issue_id: i64,
    /// Connections of a sender.
    pub(super) connections: u64,
    /// Mails in flight over each.
    pub(super) window: u64,
    pub(super) registrations: &'a [Registration],
    /// Pids of the senders that were killed.
    pub(super) killed: HashSet<i32>,
    /// Who left, and when that was answered.
    pub(super) left: &'a HashMap<String, OffsetDateTime>,
    /// Who was to leave.
    pub(super) leavers: HashSet<&'a str>,
    /// Whether the operator cancelled it.
    pub(super) cancelled: bool,
    /// When it was to start, if it was scheduled.
    pub(super) starts_at: Option<OffsetDateTime>,
}

/// What is in doubt, and what only the relay's record can tell about it.
#[derive(Default)]
pub(super) struct Doubts {
    /// The relay took them.
    pub(super) arrived: Vec<String>,
    /// It did not.
    pub(super) missing: Vec<String>,
    /// The most that one killed process left.
    pub(super) most: u64,
}

/// An issue's deliveries beside the relay's record of them.
pub(super) struct Books {
    rows: Vec<AuditedDelivery>,
    message_ids: Vec<String>,
    /// How often each Message-ID is on record, and for whom.
    taken: HashMap<String, (u32, String)>,
}

impl Books {
    /// Opens the books: all rows of the ledger, all lines of the record.
    pub(super) async fn open(ground: &Ground, issue_id: i64, dealings: &Dealings) -> anyhow::Result<Self> {
        let rows = ground.store.audited_deliveries(issue_id).await?;
        let domain = ground.newsletter.from.address.domain();
        let keyring = ground.store.keyring();
        let message_ids = rows.iter().map(|row| keyring.message_id(issue_id, row.subscriber_id, domain)).collect();
        let mut taken: HashMap<String, (u32, String)> = HashMap::with_capacity(dealings.taken.len());
        for (message_id, address) in &dealings.taken {
            taken.entry(message_id.clone()).or_insert_with(|| (0, address.clone())).0 += 1;
        }
        Ok(Self { rows, message_ids, taken })
    }

    fn lines(&self) -> impl Iterator<Item = (&AuditedDelivery, &str, u32)> {
        self.rows.iter().zip(&self.message_ids).map(|(row, message_id)| {
            let times = self.taken.get(message_id).map_or(0, |(times, _)| *times);
            (row, row.email.as_deref().unwrap_or_default(), times)
        })
    }

    /// I1, I2, I4, I6: what is wrong between the ledger and the record. Once nothing is in doubt, `settled`.
    pub(super) fn violations(&self, facts: &Facts<'_>, dealings: &Dealings, settled: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for (row, email, times) in self.lines() {
            let state = row.state.as_str();
            let told = match (state, times) {
                ("accepted", 1) | ("refused" | "skipped" | "expired", 0) => "",
                ("in_doubt", 0 | 1) if !settled => "",
                ("accepted", 0) => "I1: lost: accepted, but the relay has no record of it",
                ("queued" | "attempting", _) => "I1: left open",
                ("in_doubt", _) if settled => "I1: still in doubt",
                (_, 2..) => "I2: mailed more than once",
                _ => "I2: mailed, but the ledger does not say so",
            };
            if !told.is_empty() {
                wrong.push(format!("{told}: {email} is {state}, taken {times} times"));
            }
            if times > 0 && row.last_intent_at.is_none() {
                wrong.push(format!("I1: mailed without an intent: {email}"));
            }
            if let (Some(answered), Some(intent)) = (facts.left.get(email), row.last_intent_at)
                && intent > *answered
            {
                wrong.push(format!(
                    "I4: the intent for {email} is of {intent}, the unsubscribe was answered {answered}"
                ));
            }
            if row.last_intent_at < facts.starts_at && row.last_intent_at.is_some() {
                wrong.push(format!("case 36: {email} was tried before the issue was to start"));
            }
            let wanted = dealings.refused.get(email).copied();
            let recorded = row.class.as_deref().filter(|_| state == "refused");
            let told = match (wanted, recorded) {
                (Some(wanted), Some(recorded)) if wanted == recorded => "",
                (None, None) => "",
                // The intent after a crash found that the reader had left.
                (Some(_), None) if state == "skipped" || (state == "in_doubt" && !settled) => "",
                (None, Some(_)) => "I6: recorded as refused, but the relay did not refuse",
                _ => "I6: refused, but not recorded so, or with another class",
            };
            if !told.is_empty() {
                wrong.push(format!("{told}: {email} is {state} ({:?}), the relay meant {wanted:?}", row.class));
            }
            let may_skip = facts.cancelled || facts.leavers.contains(email);
            if state == "skipped" && !may_skip {
                wrong.push(format!("I1: skipped ({:?}), but still a reader: {email}", row.class));
            }
        }
        let known: HashMap<_, _> = self.message_ids.iter().map(String::as_str).zip(&self.rows).collect();
        for (message_id, (_, address)) in &self.taken {
            let email = known.get(message_id.as_str()).and_then(|row| row.email.as_deref());
            if email != Some(address) {
                wrong.push(format!("I2: {address} got the mail of {email:?}, {message_id}"));
            }
        }
        wrong
    }

    /// I3: what is in doubt: at most what was in flight over all connections of each killed sender, and where the
    /// relay hung up, with what was in flight behind it.
    pub(super) fn doubts(&self, facts: &Facts<'_>, dealings: &Dealings) -> (Doubts, Vec<String>) {
        let expected: HashSet<_> = dealings.doubtful.iter().map(String::as_str).collect();
        let pids: HashMap<_, _> = facts.registrations.iter().map(|worker| (worker.id, worker.pid)).collect();
        let (mut doubts, mut by_worker, mut behind) = (Doubts::default(), HashMap::new(), Vec::new());
        for (row, email, times) in self.lines().filter(|(row, ..)| row.state == "in_doubt") {
            if times == 0 { &mut doubts.missing } else { &mut doubts.arrived }.push(email.to_owned());
            let worker_id = row.worker_id.unwrap_or_default();
            let was_killed = pids.get(&worker_id).is_some_and(|pid| facts.killed.contains(pid));
            if expected.contains(email) {
                continue;
            }
            match row.is_orphan && was_killed {
                true => *by_worker.entry(worker_id).or_insert(0_u64) += 1,
                false => behind.push(format!("{email} of worker {worker_id}")),
            }
        }
        let mut wrong = Vec::new();
        if behind.len() as u64 > dealings.hangups * (facts.window - 1) {
            wrong.push(format!("I3: in doubt, though nobody was killed or hung up there: {}", behind.join(", ")));
        }
        for (worker_id, count) in by_worker {
            doubts.most = doubts.most.max(count);
            if count > facts.connections * facts.window {
                let Facts { connections, window, .. } = facts;
                wrong.push(format!(
                    "I3: worker {worker_id} left {count} in doubt over {connections} × {window} in flight"
                ));
            }
        }
        (doubts, wrong)
    }

    /// How many deliveries are in a state.
    pub(super) fn count(&self, state: &str) -> u64 {
        self.rows.iter().filter(|row| row.state == state).count() as u64
    }
}

/// I5 for what `masthead audit` sees too: every row and every step of it.
pub(super) async fn audit(ground: &Ground, facts: &Facts<'_>) -> anyhow::Result<Vec<String>> {
    let mut wrong: Vec<_> =
        ground.store.audit(facts.issue_id).await?.into_iter().map(|what| format!("I5: {what}")).collect();
    let equation = ground.store.equation(facts.issue_id).await.context("the equation cannot be read")?;
    if !equation.holds() {
        wrong.push(format!("I5: {equation:?}"));
    }
    Ok(wrong)
}
