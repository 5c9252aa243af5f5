//! What `status` says of a send under way, and the plan before it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::TcpListener;
use std::time::Instant;

use masthead::catcher::{Act, Stage};
use serde_json::json;

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

/// Postgres knows nothing yet of a table that has just begun to grow.
#[test]
fn the_rate_of_a_fast_send_is_said_at_once() {
    let app = App::start();
    app.subscribe_many(1_000);
    let hold = app.hold_at(451);
    let sending = app.spawn(&["send", &app.issue(7), "--yes"]);
    wait_until("two messages are held", || app.count("attempting") == 2 && app.count("accepted") == 900);
    app.query("update ledger set at = now() - subscriber_id * interval '1 ms'");
    let ledger = app.ledger(7).0;
    assert!(ledger["rate"].as_f64().is_some_and(|rate| rate > 100.0), "{ledger}");
    hold.release();
    app.heal();
    sending.finish().exits(0);
}

#[test]
fn an_outage_slows_no_rate_and_while_nothing_moves_there_is_none() {
    let app = App::start();
    app.subscribe_many(60);
    let hold = app.hold_at(11);
    let sending = app.spawn(&["send", &app.issue(7), "--yes"]);
    wait_until("two messages are held", || app.count("attempting") == 2 && app.count("accepted") == 20);
    let happened = |ago: &str| {
        app.query(&format!(
            "update ledger l set at = now() - ({ago}) from (
                 select subscriber_id, row_number() over (order by subscriber_id) as n from ledger
                 where state = 'accepted'
             ) a where l.subscriber_id = a.subscriber_id and l.state = 'accepted'"
        ));
        app.ledger(7).0["rate"].as_f64()
    };
    // Ten a second, then nothing for 20 seconds, then again; the look itself takes a moment.
    let rate = happened("case when n <= 10 then interval '22 s' else interval '2 s' end - n * interval '0.1 s'");
    assert!(rate.is_some_and(|rate| (3.0..12.0).contains(&rate)), "{rate:?} a second");
    assert_eq!(happened("interval '12 s' - n * interval '0.1 s'"), None, "for ten seconds nothing moves");
    let rate = happened("n * interval '6 s' - interval '5 s'");
    assert!(rate.is_some_and(|rate| (0.1..0.3).contains(&rate)), "slow, but steady: {rate:?} a second");
    hold.release();
    app.heal();
    sending.finish().exits(0);
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
    let mut early = app.spawn(&["status", "--watch"]);
    early.wait_for("waiting until an issue is sent");
    let sending = app.spawn(&["send", &issue, "--yes"]);
    wait_until("a message is on the wire", || app.count("attempting") == 1);
    let mut watching = app.spawn(&["status", "--watch"]);
    assert_eq!(watching.first_line(), "garden/7 is sending: 0 of 5");
    hold.release();
    app.heal();
    sending.finish().exits(0);
    early.finish().exits(0).says("waiting until");
    let run = watching.finish().exits(0);
    assert!(run.out.ends_with("  5 in the audience = 5 accepted\n"), "{}", run.out);
    assert!(!run.out.contains('\u{1b}'), "{}", run.out);
}

#[test]
fn while_the_relay_closes_every_connection_the_operator_sees_why_nothing_moves() {
    let app = App::start();
    app.set("MASTHEAD_SEND__PATIENCE", "10m");
    app.set("MASTHEAD_SEND__WAIT", "10m");
    app.set("MASTHEAD_SEND__RETRY", "10ms");
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.script(|moment| match moment.stage {
        Stage::Mail => Act::reply(421, "4.3.2 too many of you"),
        _ => Act::CarryOn,
    });
    let mut sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    sending.wait_for("the relay closes every connection; they rest");
    let trouble = "the relay closes every connection: 421 4.3.2 too many of you";
    wait_until("its reason is known", || app.ledger(7).0["trouble"] == trouble);
    let text = app.masthead(&["status"]).exits(3).out;
    assert!(text.contains("garden/7 is sending") && text.contains(&format!("nothing moves: {trouble}")), "{text}");
    let mut watching = app.spawn(&["status", "--watch"]);
    assert_eq!(watching.first_line(), format!("garden/7 is sending: 0 of 3; nothing moves: {trouble}"));
    app.heal();
    let ledger = sending.finish().exits(0).ledger();
    ledger.is(&[("accepted", 3)]);
    assert!(ledger.0["trouble"].is_null(), "{}", ledger.0);
}

#[test]
fn an_issue_under_way_that_nobody_sends_says_so_and_how_it_goes_on() {
    let app = App::start();
    app.subscribe_many(10);
    let issue = app.issue(7);
    let nobody = "nobody is sending it now; `masthead send` with its file, or `masthead worker`, goes on";
    let hold = app.hold_at(2);
    let sending = app.spawn(&["send", &issue, "--yes"]);
    hold.reached();
    assert!(!app.masthead(&["status"]).exits(3).out.contains("nobody"));
    assert_eq!(app.ledger(7).0["senders"], 1);
    sending.kill();
    wait_until("its end is noticed", || app.ledger(7).0["senders"] == 0);
    let text = app.masthead(&["status"]).exits(3).out;
    assert!(text.contains(nobody), "{text}");
    hold.release();
    app.heal();
    app.send(&issue).exits(1);
    assert!(!app.masthead(&["status"]).exits(1).out.contains("nobody"));
}

#[test]
fn who_is_put_off_is_counted_with_the_relays_words_and_nobody_is_missed_who_waits() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "30m");
    app.subscribe_many(9);
    let issue = app.issue(7);
    let words = format!("4.3.1 {} the end", "no room, ".repeat(40));
    let answer = words.clone();
    app.script(move |moment| match moment.to.first() {
        Some(reader) if moment.stage == Stage::Rcpt && reader.as_str() < "reader-7" => Act::reply(452, &answer),
        _ => Act::CarryOn,
    });
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--wait", "0s"]).exits(3);
    assert_eq!(
        run.ledger().0["put_off"],
        json!([{"state": "queued", "class": "soft", "count": 7, "reply": format!("452 {words}")}])
    );
    assert_eq!(run.ledger().0["refusals"], json!([]));
    for text in [app.masthead(&["status"]).exits(3).out, app.masthead(&["audit"]).out] {
        assert!(text.contains("put off: 7, such as: 452 4.3.1 no room, "), "{text}");
        assert!(!text.contains("the end") && text.lines().all(|line| line.chars().count() < 250), "{text}");
        assert!(!text.contains("nobody is sending"), "they wait for their time: {text}");
        assert!(text.contains("next try: ") && text.contains("`masthead worker` if one runs"), "{text}");
    }
    app.query("update ledger set next_at = now() - interval '1 min' where next_at is not null");
    assert!(app.masthead(&["status"]).exits(3).out.contains("nobody is sending"));
}

#[test]
fn what_can_be_mended_and_what_must_be_resolved_names_its_commands() {
    let app = App::start();
    app.subscribe_many(5);
    let issue = app.issue(7);
    app.script(|moment| match (moment.stage, moment.to.first().map(String::as_str)) {
        (Stage::Rcpt, Some("reader-1@example.com")) => Act::reply(550, "5.1.1 no such user"),
        _ => Act::CarryOn,
    });
    app.send(&issue).exits(1);
    let text = app.masthead(&["status"]).exits(1).out;
    assert!(text.contains("refused, hard: 1") && !text.contains("masthead retry"), "nobody mends an address: {text}");

    let issue = app.issue(8);
    app.script(|moment| match (moment.stage, moment.to.first().map(String::as_str)) {
        (Stage::Hello, _) => Act::Raw(b"250-a small relay\r\n250 SIZE 1000\r\n".to_vec()),
        _ => Act::CarryOn,
    });
    let run = app.send(&issue).exits(1).says("the relay takes 1000").says("`masthead retry garden/8`");
    run.ledger().is(&[("refused", 5)]);
    app.script(for_reader("reader-2@example.com", Stage::Dot, Act::Close));
    app.masthead(&["retry", "8"]).exits(0);
    let run = app
        .send(&issue)
        .exits(1)
        .says("`masthead resolve garden/8 --accepted`")
        .says("`masthead resolve garden/8 --resend`");
    run.ledger().is(&[("accepted", 4), ("in_doubt", 1)]);
}

#[test]
fn a_database_that_is_away_or_silent_is_told_once_with_the_remedy() {
    let app = App::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    app.set("DATABASE_URL", &format!("postgres://nobody@{}/none", silent.local_addr().unwrap()));
    let run = app.masthead(&["status"]).exits(2).says("error: the database has not answered for 10 s\nhint: ");
    assert!(run.err.contains("DATABASE_URL"), "{}", run.err);
    drop(silent);
    let run = app.masthead(&["status"]).exits(2).says("hint: see that Postgres runs");
    assert_eq!(run.err.matches("Connection refused").count(), 1, "{}", run.err);
}
