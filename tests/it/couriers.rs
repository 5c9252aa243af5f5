//! How the mails of a send go over the wire: in every form, one connection after another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use masthead::catcher::{Act, Moment, Stage};

use super::app::{App, Gate, wait_until};
use super::send::{at_first, once_each};

fn connections(app: &App) -> usize {
    app.taken().iter().map(|mail| mail.connection).collect::<HashSet<_>>().len()
}

#[test]
fn every_form_of_sending_mails_everybody_exactly_once() {
    for (name, value) in [("PIPELINING", "false"), ("PIPELINING", "true"), ("WINDOW", "4")] {
        for stage in [Stage::Rcpt, Stage::Dot] {
            let app = App::start();
            app.set(&format!("MASTHEAD_SMTP__{name}"), value);
            app.set("MASTHEAD_SEND__RETRY", "100ms");
            app.script(at_first(stage, Act::reply(451, "4.3.0 later")));
            let readers = app.subscribe_many(40);
            app.send(&app.issue(7)).exits(0).ledger().is(&[("accepted", 40)]);
            once_each(&app, &readers);
            assert_eq!(app.query("select count(*)::text from ledger where state = 'attempting'"), "80", "{name}");
        }
    }
}

#[test]
fn who_leaves_while_the_envelope_is_on_the_wire_costs_nobody_else_a_try() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    let readers = app.subscribe_many(12);
    let issue = app.issue(7);
    let hold = app.hold_at(1);
    let sending = app.spawn(&["send", &issue, "--yes"]);
    hold.reached();
    let first = app.query("select email from subscriber join ledger on subscriber_id = subscriber.id");
    let leaving: Vec<_> = readers.iter().filter(|reader| **reader != first).step_by(2).cloned().collect();
    for reader in &leaving {
        app.masthead(&["subscribers", "remove", reader]).exits(0);
    }
    hold.release();
    sending.finish().exits(0);
    let staying: Vec<_> = readers.into_iter().filter(|reader| !leaving.contains(reader)).collect();
    once_each(&app, &staying);
    assert_eq!(app.query("select max(attempt)::text from ledger"), "1");
    assert_eq!(app.query("select count(*)::text from ledger where state = 'skipped'"), leaving.len().to_string());
    assert!(connections(&app) > 1, "the envelope that was on the wire has cost its connection");
}

#[test]
fn a_rate_that_one_connection_keeps_opens_no_others() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "8");
    app.set("MASTHEAD_SEND__RATE", "5");
    let readers = app.subscribe_many(8);
    app.send(&app.issue(7)).exits(0);
    once_each(&app, &readers);
    // The first token is there at once.
    assert!(connections(&app) <= 2);
}

#[test]
fn a_connection_is_opened_anew_after_so_many_messages() {
    for window in ["1", "4"] {
        let app = App::start();
        app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
        app.set("MASTHEAD_SMTP__MESSAGES", "5");
        app.set("MASTHEAD_SMTP__WINDOW", window);
        let readers = app.subscribe_many(12);
        app.send(&app.issue(7)).exits(0);
        once_each(&app, &readers);
        assert_eq!(connections(&app), 3);
    }
}

/// A relay that takes so many connections, and says so to further ones at a stage in its own way; they are counted.
fn few_at_a_time(few: usize, stage: Stage, act: Act) -> (impl Fn(&Moment<'_>) -> Act, Arc<AtomicUsize>) {
    let turned_away = Arc::new(AtomicUsize::new(0));
    let counter = turned_away.clone();
    let script = move |moment: &Moment<'_>| match moment.open > few && moment.stage == stage && moment.message <= 1 {
        true => {
            counter.fetch_add(1, Ordering::Relaxed);
            act.clone()
        }
        false => Act::CarryOn,
    };
    (script, turned_away)
}

#[test]
fn a_relay_that_takes_fewer_connections_is_there_as_long_as_one_is_open() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "4");
    app.set("MASTHEAD_SEND__PATIENCE", "1s");
    let readers = app.subscribe_many(60);
    let issue = app.issue(7);
    let (few, turned_away) = few_at_a_time(2, Stage::Connect, Act::reply(421, "4.7.0 too many connections"));
    let (reached, released) = (Gate::default(), Gate::default());
    let (hold, let_go) = (reached.clone(), released.clone());
    app.script(move |moment| {
        if moment.stage == Stage::Dot && moment.message == 5 {
            hold.open();
            let_go.wait();
        }
        few(moment)
    });
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    reached.wait();
    wait_until("a third is turned away", || turned_away.load(Ordering::Relaxed) > 0);
    // Each renewal of the lease is two seconds after the one before, and says what is wrong with the relay.
    for _ in 0..2 {
        let renewed = app.query("select lease_until::text from worker");
        wait_until("the lease is renewed", || app.query("select lease_until::text from worker") != renewed);
    }
    let ledger = app.ledger(7);
    assert_eq!((&ledger.0["state"], &ledger.0["trouble"]), (&"sending".into(), &serde_json::Value::Null));
    released.open();
    let run = sending.finish().exits(0);
    assert!(!run.err.contains("paused"), "{}", run.err);
    once_each(&app, &readers);
}

#[test]
fn a_relay_whose_connections_another_process_has_is_not_away() {
    let too_many = Act::reply(421, "4.7.0 too many connections");
    for (stage, act) in [(Stage::Connect, Act::Close), (Stage::Mail, too_many)] {
        let app = App::start();
        app.set("MASTHEAD_SEND__PATIENCE", "100ms");
        app.set("MASTHEAD_SEND__RETRY", "100ms");
        let readers = app.subscribe_many(60);
        let issue = app.issue(7);
        let (few, turned_away) = few_at_a_time(1, stage, act);
        app.script(few);
        let first = app.spawn(&["send", &issue, "--yes", "--rate", "10/s"]);
        wait_until("the first is known to be served", || {
            app.query("select (count(taken_at) > 0)::text from worker") == "true"
        });
        let second = app.spawn(&["send", &issue, "--yes"]);
        wait_until("the second is turned away", || turned_away.load(Ordering::Relaxed) > 0);
        for run in [first.finish(), second.finish()] {
            let run = run.exits(0);
            assert!(!run.err.contains("paused"), "{}", run.err);
        }
        assert_eq!(app.query("select probes::text from issue"), "0");
        once_each(&app, &readers);
    }
}

/// As a relay does whose processes are all busy: the system takes the connection, and nobody greets.
#[test]
fn readers_do_not_wait_with_connections_that_nobody_greets() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "6");
    let readers = app.subscribe_many(60);
    let (few, turned_away) = few_at_a_time(2, Stage::Connect, Act::Stall);
    app.script(move |moment| {
        // The two have work for longer than a courier waits for its connection with a reader in hand.
        if moment.stage == Stage::Dot {
            thread::park_timeout(Duration::from_millis(150));
        }
        few(moment)
    });
    let since = Instant::now();
    let run = app.send(&app.issue(7)).exits(0);
    assert!(!run.err.contains("paused"), "{}", run.err);
    assert!(turned_away.load(Ordering::Relaxed) > 0);
    // A greeting has two minutes.
    assert!(since.elapsed() < Duration::from_secs(40), "{:?}", since.elapsed());
    once_each(&app, &readers);
}

#[test]
fn a_relay_that_takes_fewer_connections_is_as_fast_as_over_so_many() {
    let seconds = |connections: &str, script: &dyn Fn(&App)| {
        let app = App::start();
        app.set("MASTHEAD_SMTP__CONNECTIONS", connections);
        app.set("MASTHEAD_SMTP__MESSAGES", "50");
        app.set("MASTHEAD_SEND__RETRY", "100ms");
        app.set("MASTHEAD_SEND__PATIENCE", "500ms");
        let readers = app.subscribe_many(160);
        let issue = app.issue(7);
        script(&app);
        let since = Instant::now();
        let run = app.send(&issue).exits(0);
        assert!(!run.err.contains("paused"), "{}", run.err);
        once_each(&app, &readers);
        since.elapsed().as_secs_f64()
    };
    let takes_its_time = |moment: &Moment<'_>| {
        if moment.stage == Stage::Dot {
            thread::park_timeout(Duration::from_millis(20));
        }
    };
    let over_two = seconds("2", &|app| {
        app.script(move |moment| {
            takes_its_time(moment);
            Act::CarryOn
        });
    });
    let too_many = Act::reply(421, "4.7.0 too many connections");
    for (stage, act) in [
        (Stage::Connect, too_many.clone()),
        (Stage::Connect, Act::Close),
        (Stage::Hello, Act::reply(451, "4.7.0 try again later")),
        (Stage::Mail, too_many),
        (Stage::Mail, Act::Close),
    ] {
        let (few, turned_away) = few_at_a_time(2, stage, act.clone());
        let few = Arc::new(few);
        let took = seconds("8", &|app| {
            let few = few.clone();
            app.script(move |moment| {
                takes_its_time(moment);
                few(moment)
            });
        });
        let turned_away = turned_away.load(Ordering::Relaxed);
        assert!((1..=20).contains(&turned_away), "{turned_away} were turned away with {act:?} at {stage:?}");
        assert!(took < 1.5 * over_two + 1.0, "{took} s with {act:?} at {stage:?}, over two {over_two} s");
    }
}
