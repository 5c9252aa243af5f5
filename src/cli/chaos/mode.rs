//! How the mails of an issue go over the wire, in turn: each form has faults of its own.

use std::fmt;

/// A form of the transactions, see [`crate::mailer::Mode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(super) enum Mode {
    /// One command at a time
    Sequence,
    /// The next envelope behind the dot
    Pipelined,
    /// BDAT, with several mails in flight
    Chunked,
}

/// How many mails are in flight over a connection where there is a window.
const WINDOW: usize = 4;

impl Mode {
    pub(super) const ALL: [Self; 3] = [Self::Sequence, Self::Pipelined, Self::Chunked];

    /// That of issue number `at`, from 0.
    pub(super) fn of_issue(at: u64) -> Self {
        match at % 3 {
            0 => Self::Sequence,
            1 => Self::Pipelined,
            _ => Self::Chunked,
        }
    }

    /// How many mails are in flight over a connection at most.
    pub(super) fn window(self) -> usize {
        if self == Self::Chunked { WINDOW } else { 1 }
    }

    /// What makes a process of the program send so.
    pub(super) fn environment(self) -> [(&'static str, String); 2] {
        [
            ("MASTHEAD_SMTP__PIPELINING", (self != Self::Sequence).to_string()),
            ("MASTHEAD_SMTP__WINDOW", self.window().to_string()),
        ]
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence => f.write_str("one command at a time"),
            Self::Pipelined => f.write_str("pipelined"),
            Self::Chunked => write!(f, "BDAT, {WINDOW} in flight"),
        }
    }
}
