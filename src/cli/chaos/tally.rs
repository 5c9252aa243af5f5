//! What a run adds up to, and the table of it.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::process::Output;
use std::time::Duration;

use super::Args;
use super::crew::Hands;
use super::mode::Mode;
use super::plan::Fault;

/// Sums over all issues of a run.
#[derive(Default)]
pub(super) struct Tally {
    faults: HashMap<&'static str, u64>,
    seen: HashSet<String>,
    /// By mode: how many issues, and the most that one kill left in doubt.
    modes: HashMap<Mode, (u64, u64)>,
    hands: HashMap<Hands, u64>,
    pub(super) audience: u64,
    pub(super) taken: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) retried: u64,
    pub(super) skipped: u64,
    pub(super) put_off: u64,
    pub(super) left: u64,
    /// How often a send paused by itself while the relay was not well.
    pub(super) paused: u64,
    /// Connections that broke after the dot on purpose.
    pub(super) doubtful: u64,
    /// In doubt, and taken by the relay.
    pub(super) arrived: u64,
    /// In doubt, and not taken.
    pub(super) missing: u64,
    pub(super) senders: u64,
    pub(super) samples: u64,
    pub(super) sending: Duration,
    pub(super) takeovers: Vec<Duration>,
    pub(super) last_worker_id: i32,
}

impl Tally {
    /// A fault was committed.
    pub(super) fn count(&mut self, fault: Fault) {
        *self.faults.entry(name(fault)).or_default() += 1;
    }

    /// How often a fault was committed.
    pub(super) fn times(&self, fault: Fault) -> u64 {
        self.faults.get(name(fault)).copied().unwrap_or_default()
    }

    /// An issue was sent in this mode and by these, and a kill left so many in doubt at most.
    pub(super) fn played(&mut self, mode: Mode, hands: Hands, most: u64) {
        *self.hands.entry(hands).or_default() += 1;
        let (issues, most_so_far) = self.modes.entry(mode).or_default();
        *issues += 1;
        *most_so_far = most.max(*most_so_far);
    }

    /// How many issues were sent in this mode, and the most that one kill left in doubt.
    fn mode(&self, mode: Mode) -> (u64, u64) {
        self.modes.get(&mode).copied().unwrap_or_default()
    }

    /// `masthead audit` must find every row right.
    pub(super) fn audit_ran(&self, output: Output, wrong: &mut Vec<String>) {
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            wrong.push(format!("I5: masthead audit ended with {}: {said}", output.status));
        }
    }

    /// No Message-ID may come again, in whatever issue.
    pub(super) fn see(&mut self, taken: &[(String, String)], wrong: &mut Vec<String>) {
        for (message_id, address) in taken {
            if !self.seen.insert(message_id.clone()) {
                wrong.push(format!("I2: {message_id} was taken again, for {address}"));
            }
        }
    }

    /// The table for `docs/RELIABILITY.md`.
    pub(super) fn table(&mut self, args: &Args, violations: usize) -> String {
        let kills = self.times(Fault::Kill) + self.times(Fault::EarlyKill);
        self.takeovers.sort_unstable();
        let middle = self.takeovers.get(self.takeovers.len() / 2).copied().unwrap_or_default();
        let longest = self.takeovers.last().copied().unwrap_or_default();
        let rate = self.taken as f64 / self.sending.as_secs_f64().max(0.001);
        let doubt = self.arrived + self.missing;
        let mut table = String::from("| what | how many |\n| --- | ---: |\n");
        let mut row = |what: &str, value: String| {
            // Writing to a String cannot fail.
            writeln!(table, "| {what} | {value} |").ok();
        };
        row("seed", args.seed.to_string());
        row("issues", self.modes.values().map(|(issues, _)| issues).sum::<u64>().to_string());
        for mode in Mode::ALL {
            row(&format!("of them {mode}"), self.mode(mode).0.to_string());
        }
        for hands in Hands::ALL {
            row(&format!("of them {hands}"), self.hands.get(&hands).copied().unwrap_or_default().to_string());
        }
        row("deliveries", self.audience.to_string());
        row("senders at once × connections", format!("{} × {}", args.workers, args.connections));
        row("kill -9 of a sender", kills.to_string());
        row("of them just started", self.times(Fault::EarlyKill).to_string());
        row("kills of Postgres", self.times(Fault::KillPostgres).to_string());
        row("the relay away", self.times(Fault::Away).to_string());
        row("everybody put off by policy", self.times(Fault::Wary).to_string());
        row("paused for that and went on by itself", self.paused.to_string());
        row("SIGSTOP beyond the lease, SIGCONT", self.times(Fault::Stop).to_string());
        row("cut off from Postgres for three leases", self.times(Fault::Cut).to_string());
        row("disk full under Postgres", self.times(Fault::FullDisk).to_string());
        row("SIGTERM", self.times(Fault::Terminate).to_string());
        row("pause and resume", self.times(Fault::Pause).to_string());
        row("cancel", self.times(Fault::Cancel).to_string());
        row("unsubscribed while it was sent", self.left.to_string());
        row("put off by the relay, or hung up before the dot", self.put_off.to_string());
        row("hung up, or answered nonsense, behind the end of a message", self.doubtful.to_string());
        row("processes started", self.senders.to_string());
        row("**accepted**", self.accepted.to_string());
        row("refused, each with its class", self.refused.to_string());
        row("of them accepted after `retry`", self.retried.to_string());
        row("skipped: left, or cancelled", self.skipped.to_string());
        row("in doubt, resolved by the relay's record", doubt.to_string());
        row("of them had arrived", self.arrived.to_string());
        for mode in Mode::ALL {
            row(&format!("most in doubt by one kill, {mode}"), self.mode(mode).1.to_string());
        }
        row("equation read while it ran", self.samples.to_string());
        row("until a killed sender was found gone, median", format!("{} ms", middle.as_millis()));
        row("the same, longest", format!("{} ms", longest.as_millis()));
        row("under fire", format!("{:.0} s", self.sending.as_secs_f64()));
        row("mails a second, outages included", format!("{rate:.0}"));
        row("**lost, twice, or otherwise wrong**", violations.to_string());
        table
    }
}

fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::Kill => "kill",
        Fault::EarlyKill => "early kill",
        Fault::KillPostgres => "kill Postgres",
        Fault::Away => "away",
        Fault::Wary => "wary",
        Fault::Stop => "stop",
        Fault::FullDisk => "full disk",
        Fault::Cut => "cut",
        Fault::Pause => "pause",
        Fault::Terminate => "terminate",
        Fault::Cancel => "cancel",
        Fault::Leave => "leave",
    }
}
