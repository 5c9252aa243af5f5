//! The forms that mail takes on the wire.

use serde::{Deserialize, Serialize};

/// How messages follow each other over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Form {
    /// Each command waits for the reply to the one before.
    Sequence,
    /// MAIL, RCPT and DATA at once, when the message before is answered.
    Pipelined,
    /// The same behind the dot of the message before.
    BehindTheDot,
    /// BDAT with so many messages in flight.
    Window(usize),
}

impl Form {
    /// All that are measured where every form is.
    pub(super) const ALL: [Self; 5] =
        [Self::Sequence, Self::Pipelined, Self::BehindTheDot, Self::Window(4), Self::Window(16)];

    pub(super) fn name(self) -> String {
        match self {
            Self::Sequence => "one command at a time".to_owned(),
            Self::Pipelined => "MAIL RCPT DATA at once".to_owned(),
            Self::BehindTheDot => "next envelope behind the dot".to_owned(),
            Self::Window(window) => format!("BDAT, window {window}"),
        }
    }

    /// How many messages are in flight over a connection.
    pub(super) fn window(self) -> usize {
        if let Self::Window(window) = self { window } else { 1 }
    }

    /// How many messages go over one connection in the time of a round trip.
    pub(super) fn per_round_trip(self) -> f64 {
        match self {
            Self::Sequence => 0.25,
            Self::Pipelined => 0.5,
            Self::BehindTheDot => 1.0,
            Self::Window(window) => window as f64,
        }
    }

    /// The lines under `[smtp]` that bring a send to this form.
    pub(super) fn settings(self) -> String {
        format!("pipelining = {}\nwindow = {}\n", self != Self::Sequence, self.window())
    }
}
