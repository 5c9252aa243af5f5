//! What `status` says of a send under way, and the plan before it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Instant;

use masthead::catcher::{Act, Stage};

use super::app::{App, wait_until};
use super::send::for_reader;

#[test]
fn the_eta_is_true_whoever_sends_and_the_plan_says_it_before() {
    let app = App::start();
    app.subscribe_many(240);
    let issue = app.issue(7);
    let start = || app.spawn(&["send", &issue, "--yes", "--rate", "30/s"]);
    let mut sending = start();
    sending.wait_for("plan        2 connections, 30/s at most: about 8 s");
    let other = start();
    app.wait_for_mails(90);
    let before = Instant::now();
    let ledger = app.ledger(7).0;
    let (rate, eta) = (ledger["rate"].as_f64().unwrap(), ledger["eta_seconds"].as_f64().unwrap());
    for sending in [sending, other] {
        sending.finish().exits(0);
    }
    let took = before.elapsed().as_secs_f64();
    assert!((took - eta).abs() < 2.5, "{eta} s were said, {took} s it took");
    assert!((20.0..35.0).contains(&rate), "{rate} a second");
    let ledger = app.ledger(7).0;
    assert!(ledger["eta_seconds"].is_null() && ledger["rate"].is_null(), "{ledger}");
}

#[test]
fn the_eta_of_who_waits_for_a_retry_is_that_retry() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "30m");
    app.subscribe_many(5);
    let issue = app.issue(7);
    app.script(for_reader("reader-1@example.com", Stage::Rcpt, Act::reply(450, "4.2.1 busy")));
    app.masthead(&["send", &issue, "--yes", "--wait", "0s"]).exits(3);
    let eta = app.ledger(7).0["eta_seconds"].as_u64().unwrap();
    // Up to a fifth is added, so that not all come at once.
    assert!((29 * 60..=36 * 60).contains(&eta), "{eta} s");
}

#[test]
fn watching_without_a_terminal_is_a_line_now_and_then_and_the_ledger_at_the_end() {
    let app = App::start();
    app.subscribe_many(5);
    let issue = app.issue(7);
    let hold = app.hold_at(1);
    app.masthead(&["status", "--json", "--watch"]).exits(2);
    let sending = app.spawn(&["send", &issue, "--yes"]);
    wait_until("a message is on the wire", || app.count("attempting") == 1);
    let mut watching = app.spawn(&["status", "--watch"]);
    assert_eq!(watching.first_line(), "garden/7 is sending: 0 of 5");
    hold.release();
    app.heal();
    sending.finish().exits(0);
    let run = watching.finish().exits(0);
    assert!(run.out.ends_with("  5 in the audience = 5 accepted\n"), "{}", run.out);
    assert!(!run.out.contains('\u{1b}'), "{}", run.out);
}
