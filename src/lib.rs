//! Masthead publishes an email newsletter from a text file: one program, one Postgres, any SMTP relay.
//!
//! Two flows go through this crate:
//!
//! ```text
//! issue file ─parse→ Issue ─render→ Rendered ─message→ bytes ─────────────────────┐
//!         subscribers ─snapshot→ deliveries ─claim→ dispatch ──────────── mailer ─┴→ relay
//!                                    ↑                 └──── result ────┘
//! reader ─web→ sign-up → confirm → subscription ← unsubscribe
//! ```
//!
//! The modules, in reading order. Imports go down this list only; `tests/it/house.rs` checks it.

// They panic where nothing can be written; `cli` has its own.
#![warn(clippy::print_stdout, clippy::print_stderr)]

// Words: what everything is called. Values only, no I/O.
pub mod delivery;
pub mod issue;
pub mod newsletter;
pub mod subscriber;
pub mod theme;
pub mod token;

// The email: functions from values to values.
pub mod message;
pub mod render;
#[path = "../templates/mod.rs"]
pub mod templates;
// and what is told about it before it leaves
pub mod inspect;

// The world: each speaks with one thing outside.
pub mod catcher;
pub mod mailer;
pub mod postgres;
pub mod store;

// The flows: send an issue, serve the readers, show the operator.
pub mod dispatch;
pub mod preview;
pub mod web;

// The program: configuration, arguments, wiring.
pub mod cli;
pub mod config;
