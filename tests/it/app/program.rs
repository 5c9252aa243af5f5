//! The program under test: while it runs, how it ended, what its ledger says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_masthead");

/// How the program ended and what it said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// The same, once it has ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// The same, once it has said this to the user.
    #[track_caller]
    pub(crate) fn says(self, what: &str) -> Self {
        assert!(self.err.contains(what), "`{what}` is not in: {}", self.err);
        self
    }

    /// Its data.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// Its data, as a ledger.
    #[track_caller]
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger(self.json())
    }
}

/// A ledger in numbers.
#[derive(Debug)]
pub(crate) struct Ledger(pub(crate) Value);

impl Ledger {
    /// How many deliveries are in a state.
    pub(crate) fn count(&self, state: &str) -> u64 {
        self.0["states"][state].as_u64().unwrap()
    }

    pub(crate) fn audience(&self) -> u64 {
        self.0["audience"].as_u64().unwrap()
    }

    /// Whether these are all states that there are; those not named are empty.
    #[track_caller]
    pub(crate) fn is(&self, states: &[(&str, u64)]) {
        let nonzero = |(_, count): &(&String, &Value)| count.as_u64() != Some(0);
        let mut there: Vec<_> = self.0["states"].as_object().unwrap().iter().filter(nonzero).collect();
        there.sort_by_key(|(state, _)| *state);
        let mut wanted: Vec<_> = states.iter().copied().filter(|(_, count)| *count > 0).collect();
        wanted.sort_unstable();
        let there: Vec<_> = there.into_iter().map(|(state, n)| (state.as_str(), n.as_u64().unwrap())).collect();
        assert_eq!(there, wanted, "{}", self.0);
    }
}

/// The program while it runs; it is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// Waits until it says a line with `what` in it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: &str) {
        loop {
            let at = self.said.len();
            let read = self.stderr.read_line(&mut self.said).unwrap();
            assert!(read > 0, "it ended without `{what}`: {}", self.said);
            if self.said[at..].contains(what) {
                return;
            }
        }
    }

    /// The first line of its data.
    pub(crate) fn first_line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// As with kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; its data must fit into a pipe's buffer.
    pub(crate) fn finish(mut self) -> Run {
        let mut out = String::new();
        self.stderr.read_to_string(&mut self.said).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let status = self.child.wait().unwrap();
        Run { code: status.code(), out, err: std::mem::take(&mut self.said) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
