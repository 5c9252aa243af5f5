//! What pauses a send by itself, who is kept, and how it goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use masthead::catcher::{Act, Moment, Stage};
use rustix::process::Signal;

use super::app::{App, Gate, Run, decoded, wait_until};
use super::send::once_each;

const OPERATOR: &str = "operator@example.org";

/// A desk whose breaker trips after five readers in a row, with somebody to tell.
fn desk() -> App {
    let app = App::start();
    app.set("MASTHEAD_SEND__BREAKER", "5");
    app.set("MASTHEAD_SEND__OPERATOR", OPERATOR);
    app
}

/// Whether this is about a reader's mail, at its dot.
fn is_readers_dot(moment: &Moment<'_>) -> bool {
    moment.stage == Stage::Dot && moment.to != [OPERATOR]
}

/// The subjects of what the operator was told.
fn told(app: &App) -> Vec<String> {
    app.mails_to(OPERATOR).iter().map(|mail| mail.subject().unwrap().to_owned()).collect()
}

fn pause_of(run: &Run) -> (String, String) {
    let ledger = run.ledger().0;
    assert_eq!(ledger["state"], "paused", "{ledger}");
    let word = |name: &str| ledger["pause"][name].as_str().unwrap().to_owned();
    (word("cause"), word("reason"))
}

#[test]
fn policy_refusals_in_a_row_pause_the_send_and_the_row_stays_queued() {
    let app = desk();
    let readers = app.subscribe_many(60);
    let issue = app.issue(7);
    let dots = AtomicUsize::new(0);
    app.script(move |moment| match is_readers_dot(moment) && dots.fetch_add(1, Ordering::Relaxed) >= 10 {
        true => Act::reply(550, "5.7.1 blocked as spam"),
        false => Act::CarryOn,
    });
    let run = app.send(&issue).exits(3).says("nobody is lost; mend it, then `masthead resume garden/7`");
    run.ledger().is(&[("accepted", 10), ("queued", 50)]);
    let (cause, reason) = pause_of(&run);
    assert_eq!(cause, "policy");
    assert!(reason.ends_with("readers in a row by policy, the last with: 550 5.7.1 blocked as spam"), "{reason}");
    assert!(app.masthead(&["status", "7"]).exits(3).out.contains(&reason));
    let told = app.mails_to(OPERATOR);
    assert_eq!((told.len(), told[0].subject()), (1, Some("garden/7 is paused")));
    assert!(told[0].body_text(0).unwrap().contains("550 5.7.1 blocked as spam"));
    assert_eq!(app.query("select count(*)::text from suppression"), "0");

    app.heal();
    app.send(&issue).exits(3).ledger().is(&[("accepted", 10), ("queued", 50)]);
    app.masthead(&["resume", "7"]).exits(0);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 60)]);
    app.masthead(&["audit", "7"]).exits(0);
    for reader in &readers {
        assert_eq!(app.mails_to(reader).len(), 1);
    }
}

/// With many in flight over many connections, the last that are taken are heard of long after the first refusal.
#[test]
fn who_is_refused_while_the_last_mails_are_taken_is_queued_again_too() {
    let app = desk();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "8");
    app.set("MASTHEAD_SMTP__WINDOW", "16");
    app.subscribe_many(400);
    let asked = AtomicUsize::new(0);
    app.script(move |moment| {
        let (at_rcpt, is_operator) = (moment.stage == Stage::Rcpt, moment.to == [OPERATOR]);
        if at_rcpt && !is_operator && asked.fetch_add(1, Ordering::Relaxed) >= 60 {
            return Act::reply(550, "5.7.1 blocked as spam");
        }
        Act::CarryOn
    });
    app.send(&app.issue(7)).exits(3).ledger().is(&[("accepted", 60), ("queued", 340)]);
    assert_eq!(app.query("select count(*)::text from suppression"), "0");
}

/// Over one connection; the relay refuses the sender wherever one of these is the reader. Who was asked about is kept.
fn sender_is_blamed_at(app: &App, odd: &[&str]) -> Arc<Mutex<Vec<String>>> {
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (asking, odd) = (asked.clone(), odd.iter().map(|reader| (*reader).to_owned()).collect::<Vec<_>>());
    app.script(move |moment| match moment.to {
        [reader] if moment.stage == Stage::Rcpt && reader != OPERATOR => {
            asking.lock().unwrap().push(reader.clone());
            if odd.contains(reader) { Act::reply(501, "5.5.4 bad parameter") } else { Act::CarryOn }
        }
        _ => Act::CarryOn,
    });
    asked
}

/// The odd ones are refused, the others accepted, and nobody is suppressed.
fn ends_with(app: &App, run: &Run, odd: &[&str]) {
    let ledger = run.ledger();
    ledger.is(&[("accepted", ledger.audience() - odd.len() as u64), ("refused", odd.len() as u64)]);
    assert_eq!(ledger.0["state"], "sent");
    assert_eq!((&ledger.0["refusals"][0]["class"], &ledger.0["blamed"]), (&"ours".into(), &odd.into()));
    let text = app.masthead(&["status", "7"]).exits(1).out;
    assert!(text.contains(&format!("the relay blames the sender at {}\n", odd.join(", "))), "{text}");
    assert_eq!(app.query("select count(*)::text from suppression"), "0");
    app.masthead(&["audit", "7"]).exits(0);
}

#[test]
fn a_reader_at_whom_alone_the_relay_blames_the_sender_is_refused_alone() {
    let app = desk();
    app.subscribe_many(40);
    let odd = "reader-7@example.com";
    let asked = sender_is_blamed_at(&app, &[odd]);
    ends_with(&app, &app.send(&app.issue(7)).exits(1), &[odd]);
    let asked = asked.lock().unwrap();
    assert_eq!((asked.len(), asked.last().unwrap().as_str()), (41, odd), "others come before the second try");
    assert!(!told(&app).contains(&"garden/7 is paused".to_owned()));
}

#[test]
fn a_first_reader_at_whom_the_relay_blames_the_sender_is_named_and_lets_the_others_pass() {
    let app = desk();
    app.subscribe_many(40);
    let issue = app.issue(7);
    let odd = "reader-0@example.com";
    let asked = sender_is_blamed_at(&app, &[odd]);
    let run = app.send(&issue).exits(3).says("where the relay means its reader and not you, resume at once");
    run.ledger().is(&[("queued", 40)]);
    let (cause, reason) = pause_of(&run);
    let words = "the relay refuses this sender, not the reader: 501 5.5.4 bad parameter";
    assert_eq!((cause.as_str(), reason), ("ours", format!("at {odd} {words}")));
    assert!(app.mails_to(OPERATOR)[0].body_text(0).unwrap().contains(odd));
    app.masthead(&["resume", "7"]).exits(0);
    ends_with(&app, &app.send(&issue).exits(1), &[odd]);
    let asked = asked.lock().unwrap();
    let tries = asked.iter().filter(|reader| *reader == odd).count();
    assert_eq!((tries, asked.last().unwrap().as_str()), (2, odd), "others come before the second try");
}

#[test]
fn readers_in_a_row_at_whom_the_relay_blames_the_sender_pause_the_send_once() {
    let app = desk();
    app.subscribe_many(40);
    let issue = app.issue(7);
    let odd = ["reader-20@example.com", "reader-21@example.com", "reader-22@example.com"];
    sender_is_blamed_at(&app, &odd);
    let run = app.send(&issue).exits(3);
    run.ledger().is(&[("accepted", 20), ("queued", 20)]);
    let words = "the relay refuses this sender, 3 readers in a row, the last with: 501 5.5.4 bad parameter";
    assert_eq!(pause_of(&run), ("ours".to_owned(), format!("at {} {words}", odd.join(", "))));
    app.masthead(&["resume", "7"]).exits(0);
    ends_with(&app, &app.send(&issue).exits(1), &odd);
    app.masthead(&["retry", "7"]).exits(0);
    app.heal();
    app.send(&issue).exits(0).ledger().is(&[("accepted", 40)]);
}

/// Nobody is left whom the relay could take, which would tell whom it means.
#[test]
fn the_last_readers_at_whom_the_relay_blames_the_sender_pause_the_send_once_and_are_refused_at_the_fifth_try() {
    let app = desk();
    app.set("MASTHEAD_SEND__RETRY", "50ms");
    app.subscribe_many(40);
    let issue = app.issue(7);
    let odd = ["reader-37@example.com", "reader-38@example.com", "reader-39@example.com"];
    sender_is_blamed_at(&app, &odd);
    app.send(&issue).exits(3).ledger().is(&[("accepted", 37), ("queued", 3)]);
    app.masthead(&["resume", "7"]).exits(0);
    let ledger = app.send(&issue).exits(1).ledger();
    ledger.is(&[("accepted", 37), ("refused", 3)]);
    assert_eq!((&ledger.0["state"], &ledger.0["blamed"]), (&"sent".into(), &odd.as_slice().into()));
    assert_eq!(app.query("select max(attempt)::text from ledger"), "5");
    assert_eq!(app.query("select count(*)::text from suppression"), "0");
}

#[test]
fn a_sender_that_is_refused_from_the_middle_on_costs_no_reader() {
    let app = desk();
    app.unset("MASTHEAD_SEND__OPERATOR");
    let readers = app.subscribe_many(200);
    let issue = app.issue(7);
    let dots = AtomicUsize::new(0);
    app.script(move |moment| match is_readers_dot(moment) && dots.fetch_add(1, Ordering::Relaxed) >= 50 {
        true => Act::reply(550, "5.7.26 unauthenticated"),
        false => Act::CarryOn,
    });
    for tries in [5, 10] {
        let run = app.send(&issue).exits(3);
        run.ledger().is(&[("accepted", 50), ("queued", 150)]);
        assert_eq!(pause_of(&run).0, "ours");
        let refused: usize = app.query("select count(*)::text from ledger where class = 'ours'").parse().unwrap();
        assert!(refused <= tries, "{refused} readers were tried");
        app.masthead(&["resume", "7"]).exits(0);
    }
    app.heal();
    app.send(&issue).exits(0).ledger().is(&[("accepted", 200)]);
    once_each(&app, &readers);
}

#[test]
fn a_relay_that_wants_credentials_in_the_middle_names_no_reader() {
    let app = desk();
    app.subscribe_many(40);
    let issue = app.issue(7);
    let dots = AtomicUsize::new(0);
    app.script(move |moment| match is_readers_dot(moment) && dots.fetch_add(1, Ordering::Relaxed) >= 10 {
        true => Act::reply(530, "5.7.0 authenticate first"),
        false => Act::CarryOn,
    });
    let run = app.send(&issue).exits(3);
    assert_eq!(pause_of(&run).0, "ours");
    assert_eq!(run.ledger().0["blamed"], serde_json::json!([]));
    assert!(!run.err.contains("means its reader"), "{}", run.err);
}

#[test]
fn who_is_erased_is_named_in_no_pause() {
    let app = desk();
    app.subscribe_many(5);
    let issue = app.issue(7);
    let odd = "reader-0@example.com";
    app.unset("MASTHEAD_SEND__OPERATOR");
    sender_is_blamed_at(&app, &[odd]);
    app.send(&issue).exits(3);
    assert!(app.dump().contains(odd));
    app.masthead(&["subscribers", "erase", odd, "--yes"]);
    assert!(!app.dump().contains(odd), "{}", app.ledger(7).0["pause"]);
    assert!(pause_of(&app.masthead(&["status", "7", "--json"])).1.starts_with("at an erased reader the relay refuses"));
}

/// Ten are taken, then the relay refuses by policy; the fourth of that row is held until the sender has ended.
fn ends_in_a_row(signal: Signal) {
    let app = App::start();
    app.set("MASTHEAD_SEND__BREAKER", "5");
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    let readers = app.subscribe_many(60);
    let issue = app.issue(7);
    let (dots, reached, released) = (AtomicUsize::new(0), Gate::default(), Gate::default());
    let (hold, let_go) = (reached.clone(), released.clone());
    app.script(move |moment| match is_readers_dot(moment).then(|| dots.fetch_add(1, Ordering::Relaxed)) {
        Some(0..10) | None => Act::CarryOn,
        Some(number) => {
            if number == 13 {
                hold.open();
                let_go.wait();
            }
            Act::reply(550, "5.7.1 blocked as spam")
        }
    });
    let mut sending = app.spawn(&["send", &issue, "--yes"]);
    reached.wait();
    assert_eq!((app.count("accepted"), app.count("refused")), (10, 3));
    sending.signal(signal);
    if signal == Signal::TERM {
        sending.wait_for("stopping");
    }
    released.open();
    sending.finish();
    wait_until("the database notices", || app.ledger(7).count("claimed") == 0);
    assert_eq!(app.ledger(7).count("refused"), 0);
    app.heal();
    app.send(&issue);
    app.masthead(&["resolve", "7", "--resend"]);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 60)]);
    once_each(&app, &readers);
    app.masthead(&["audit", "7"]).exits(0);
}

#[test]
fn a_sender_that_is_killed_in_a_row_of_policy_refusals_costs_nobody() {
    ends_in_a_row(Signal::KILL);
}

#[test]
fn a_sender_that_is_stopped_in_a_row_of_policy_refusals_costs_nobody() {
    ends_in_a_row(Signal::TERM);
}

#[test]
fn a_relay_that_hangs_up_before_any_answer_pauses_the_send_long_before_everybody_is_in_doubt() {
    for (number, stage) in [(7, Stage::Dot), (8, Stage::Rcpt)] {
        let app = desk();
        app.subscribe_many(60);
        let issue = app.issue(number);
        app.script(move |moment| match moment.stage == stage && moment.to != [OPERATOR] {
            true => Act::Close,
            false => Act::CarryOn,
        });
        app.set("MASTHEAD_SEND__WAIT", "1s");
        app.set("MASTHEAD_SEND__RETRY", "10ms");
        let run = app.send(&issue).exits(3);
        let in_doubt = if stage == Stage::Dot { 10 } else { 0 };
        assert_eq!((run.ledger().count("in_doubt"), run.ledger().count("queued")), (in_doubt, 60 - in_doubt));
        let (cause, reason) = pause_of(&run);
        assert_eq!(cause, "relay");
        assert!(reason.starts_with("10 connections in a row broke before an answer"), "{reason}");

        app.heal();
        app.masthead(&["resume", &number.to_string()]).exits(0);
        app.set("MASTHEAD_SEND__WAIT", "1m");
        assert_eq!(app.send(&issue).ledger().count("accepted"), 60 - in_doubt);
    }
}

/// Every other reader has an address that this relay cannot carry, which it is not asked about.
#[test]
fn what_the_relay_was_not_asked_about_is_no_answer_of_a_relay_that_hangs_up() {
    let app = desk();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    app.set("MASTHEAD_SEND__WAIT", "1s");
    app.set("MASTHEAD_SEND__RETRY", "1m");
    let readers = (0..60).map(|number| format!("{}-{number}@example.com", ["josé", "reader"][number % 2]));
    app.subscribe(&readers.collect::<Vec<_>>());
    let issue = app.issue(7);
    app.script(|moment| match moment.stage {
        Stage::Hello => Act::reply(250, "a relay without extensions"),
        Stage::Mail => Act::Close,
        _ => Act::CarryOn,
    });
    let run = app.send(&issue).exits(3);
    let (cause, reason) = pause_of(&run);
    assert!(cause == "relay" && reason.starts_with("10 connections in a row broke before an answer"), "{reason}");
    assert_eq!(run.ledger().count("queued") + run.ledger().count("refused"), 60);
}

#[test]
fn the_operator_is_told_of_a_pause_by_one_mail_that_is_tried_until_the_relay_takes_it() {
    let app = desk();
    app.subscribe_many(20);
    let issue = app.issue(7);
    let tries = AtomicUsize::new(0);
    app.script(move |moment| match moment.stage {
        Stage::Dot if is_readers_dot(moment) => Act::reply(550, "5.7.1 blocked as spam"),
        Stage::Dot if tries.fetch_add(1, Ordering::Relaxed) < 2 => Act::reply(451, "4.3.0 later"),
        _ => Act::CarryOn,
    });
    app.send(&issue).exits(3).says("the operator could not be told by mail yet");
    assert_eq!(told(&app), ["garden/7 is paused"]);
    let tried = app.mails().into_iter().filter(|mail| mail.to == [OPERATOR]);
    let ids: Vec<_> = tried.map(|mail| decoded(&mail).message_id().unwrap().to_owned()).collect();
    assert_eq!((ids.len(), &ids[0]), (3, &ids[2]));
}

#[test]
fn policy_refusals_here_and_there_are_refusals() {
    let app = desk();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    app.subscribe_many(40);
    let issue = app.issue(7);
    let dots = AtomicUsize::new(0);
    app.script(move |moment| match is_readers_dot(moment) && !dots.fetch_add(1, Ordering::Relaxed).is_multiple_of(5) {
        true => Act::reply(550, "5.7.1 blocked as spam"),
        false => Act::CarryOn,
    });
    let ledger = app.send(&issue).exits(1).ledger();
    ledger.is(&[("accepted", 8), ("refused", 32)]);
    assert_eq!((&ledger.0["state"], &ledger.0["pause"]), (&"sent".into(), &serde_json::Value::Null));
}

#[test]
fn a_relay_that_puts_everybody_off_by_policy_is_tried_now_and_then_and_the_send_goes_on_by_itself() {
    let app = desk();
    app.set("MASTHEAD_SEND__RETRY", "10ms");
    app.set("MASTHEAD_SEND__PROBE", "50ms");
    let readers = app.subscribe_many(20);
    let issue = app.issue(7);
    let tries = Mutex::new(HashMap::new());
    app.script(move |moment| match moment.to.first() {
        // The pause comes with the second try of the fifth reader; the probes try one of them again and again.
        Some(reader) if reader != OPERATOR && moment.stage == Stage::Rcpt => {
            let mut tries = tries.lock().unwrap();
            *tries.entry(reader.clone()).or_insert(0) += 1;
            if tries.values().any(|count| *count > 4) { Act::CarryOn } else { Act::reply(451, "4.7.1 not now") }
        }
        _ => Act::CarryOn,
    });
    app.set("MASTHEAD_LOG", "info");
    let run = app.send(&issue).exits(0).says("the send is paused").says("the send goes on");
    run.ledger().is(&[("accepted", 20)]);
    assert!(run.err.contains("the send stays paused"), "no probe has failed: {}", run.err);
    assert_eq!(told(&app)[..2], ["garden/7 is paused", "garden/7 goes on"], "one mail for all of its probes");
    for reader in &readers {
        assert_eq!(app.mails_to(reader).len(), 1);
    }
}

#[test]
fn a_relay_that_is_away_longer_than_its_patience_pauses_the_send_until_it_is_back() {
    let app = desk();
    app.set("MASTHEAD_SEND__PATIENCE", "100ms");
    app.set("MASTHEAD_SEND__PROBE", "100ms");
    let readers = app.subscribe_many(20);
    let issue = app.issue(7);
    app.relay_down();
    let mut sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    sending.wait_for("the send is paused");
    // It may be looking just now, and have the first of them in hand.
    wait_until("it stands still", || app.query("select state from issue") == "paused");
    let ledger = app.ledger(7);
    assert_eq!(ledger.count("queued") + ledger.count("claimed"), 20);
    assert_eq!(ledger.0["pause"]["cause"], "relay");
    assert!(ledger.0["pause"]["probe_at"].is_string());
    app.relay_up();
    sending.wait_for("the send goes on");
    sending.finish().exits(0).ledger().is(&[("accepted", 20)]);
    for reader in &readers {
        assert_eq!(app.mails_to(reader).len(), 1);
    }
    assert_eq!(told(&app)[..2], ["garden/7 is paused", "garden/7 goes on"]);
    assert!(app.mails_to(OPERATOR)[0].body_text(0).unwrap().contains("the relay cannot be reached"));
}

#[test]
fn who_sends_again_by_hand_need_not_wait_for_the_next_look_at_the_relay() {
    let app = desk();
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.relay_down();
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--wait", "0s"]).exits(3);
    assert_eq!(pause_of(&run).0, "relay");
    app.relay_up();
    app.masthead(&["send", &issue, "--yes", "--json", "--wait", "0s"]).exits(0).ledger().is(&[("accepted", 3)]);
}

#[test]
fn the_operator_keeps_an_issue_paused_that_would_go_on_by_itself() {
    let app = desk();
    app.set("MASTHEAD_SEND__PROBE", "10ms");
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.relay_down();
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--wait", "0s"]).exits(3);
    assert_eq!(pause_of(&run).0, "relay");
    app.masthead(&["pause", "7"]).exits(0);
    app.masthead(&["pause", "7"]).exits(2).says("garden/7 is paused");
    app.relay_up();
    let run = app.send(&issue).exits(3);
    assert_eq!(pause_of(&run).0, "operator");
    app.masthead(&["resume", "7"]).exits(0);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 3)]);
}

#[test]
fn what_gmail_throttles_stands_still_and_then_goes_over_one_connection() {
    let app = desk();
    app.set("MASTHEAD_SEND__THROTTLED", "200ms");
    app.set("MASTHEAD_SEND__RETRY", "10ms");
    app.set("MASTHEAD_SMTP__CONNECTIONS", "3");
    let readers = app.subscribe_many(60);
    let issue = app.issue(7);
    let throttled = AtomicBool::new(false);
    app.script(move |moment| match is_readers_dot(moment) && !throttled.swap(true, Ordering::Relaxed) {
        true => Act::reply(451, "4.7.28 unusual rate of mail from you"),
        false => Act::CarryOn,
    });
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    sending.finish().exits(0).says("the send is paused").ledger().is(&[("accepted", 60)]);
    for reader in &readers {
        assert_eq!(app.mails_to(reader).len(), 1);
    }
    let told = app.mails().iter().position(|mail| mail.to == [OPERATOR]).unwrap();
    let after: Vec<_> = app.mails().into_iter().skip(told).filter(|mail| mail.to != [OPERATOR]).collect();
    assert!(after.len() > 50, "{} of 60 came after the pause", after.len());
    assert!(after.iter().all(|mail| mail.connection == after[0].connection), "there was more than one connection");
}

/// The relay holds a message on each of two connections while the operator acts elsewhere.
fn acts_within_a_message_per_connection(act: &str, state: &str) -> (App, String) {
    let app = App::start();
    app.subscribe_many(200);
    let issue = app.issue(7);
    let hold = app.hold_at(3);
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    wait_until("two messages are on the wire", || app.count("attempting") == 2);
    hold.reached();
    app.masthead(&[act, "7"]).exits(0);
    let begun: usize = app.query("select count(*)::text from ledger where state = 'attempting'").parse().unwrap();
    hold.release();
    let ledger = sending.finish().ledger();
    assert_eq!(app.taken().len(), begun, "what was not on the wire when `{act}` came back never left");
    ledger.is(&[("accepted", begun as u64), (state, 200 - begun as u64)]);
    (app, issue)
}

#[test]
fn a_pause_takes_effect_within_a_message_per_connection_and_resume_sends_the_rest() {
    let (app, issue) = acts_within_a_message_per_connection("pause", "queued");
    assert_eq!(app.ledger(7).0["pause"]["cause"], "operator");
    app.heal();
    app.send(&issue).exits(3).says("paused by the operator");
    app.masthead(&["resume", "7"]).exits(0);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 200)]);
    once_each(&app, &(0..200).map(|number| format!("reader-{number}@example.com")).collect::<Vec<_>>());
}

#[test]
fn a_cancel_takes_effect_within_a_message_per_connection_and_is_final() {
    let (app, issue) = acts_within_a_message_per_connection("cancel", "skipped");
    let taken = app.taken().len();
    app.heal();
    app.send(&issue).exits(2).says("was cancelled");
    app.masthead(&["resume", "7"]).exits(2);
    assert_eq!(app.taken().len(), taken);
    app.masthead(&["audit", "7"]).exits(0);
}
