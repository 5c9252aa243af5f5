//! What must hold whatever happened: the ledger adds up, and agrees with the relay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{App, decoded};

impl App {
    /// For every issue, audience = Σ states; what is accepted was taken, once; what was taken is accepted or in doubt.
    pub(super) fn check(&self) {
        let store = self.store();
        let mut wrong = String::new();
        let mut known = HashMap::new();
        for line in self.query("select id::text, audience::text from issue").lines() {
            let (issue_id, audience) = line.split_once('|').unwrap();
            let issue_id: i64 = issue_id.parse().unwrap();
            let summary = self.block_on(store.summary(issue_id)).unwrap();
            let sum: u64 = summary.states.values().sum();
            if audience.parse() != Ok(sum) || summary.audience != sum {
                writeln!(wrong, "issue {issue_id}: audience {audience}, states {:?}", summary.states).unwrap();
            }
            let rows = self.query(&format!(
                "select d.subscriber_id::text, coalesce((
                     select state from ledger l where l.issue_id = d.issue_id and l.subscriber_id = d.subscriber_id
                     order by step desc limit 1), 'queued')
                 from delivery d where issue_id = {issue_id}"
            ));
            for row in rows.lines() {
                let (subscriber_id, state) = row.split_once('|').unwrap();
                let message_id = store.keyring().message_id(issue_id, subscriber_id.parse().unwrap(), "example.org");
                known.insert(message_id, state.to_owned());
            }
        }
        let mut taken: HashMap<String, usize> = HashMap::new();
        for mail in self.taken() {
            *taken.entry(decoded(&mail).message_id().unwrap().to_owned()).or_default() += 1;
        }
        for (message_id, count) in &taken {
            let state = known.get(message_id).map_or("", String::as_str);
            if *count > 1 {
                writeln!(wrong, "{message_id} was taken {count} times").unwrap();
            }
            if !matches!(state, "" | "accepted" | "in_doubt" | "attempting") {
                writeln!(wrong, "{message_id} was taken, but is {state}").unwrap();
            }
        }
        for (message_id, state) in &known {
            if state == "accepted" && !taken.contains_key(message_id) {
                writeln!(wrong, "{message_id} is accepted, but nobody took it").unwrap();
            }
        }
        assert!(wrong.is_empty(), "the ledger does not hold:\n{wrong}");
    }
}
