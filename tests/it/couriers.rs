//! How the mails of a send go over the wire: in every form, one connection after another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;

use masthead::catcher::{Act, Stage};

use super::app::App;
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
