//! Outages in the middle of a send: killed processes, relays that go away, databases that hang up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use masthead::catcher::{Act, Moment, Stage};
use rustix::process::Signal;

use super::app::{App, Gate, decoded, wait_until};
use super::send::{at_first, for_reader, once_each};

#[test]
fn a_connection_that_breaks_before_the_dot_costs_nobody() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "10ms");
    let readers = app.subscribe_many(6);
    app.script(at_first(Stage::Rcpt, Act::Close));
    app.send(&app.issue(7)).exits(0).ledger().is(&[("accepted", 6)]);
    once_each(&app, &readers);
}

#[test]
fn what_broke_after_the_dot_is_in_doubt_and_never_mailed_again() {
    let app = App::start();
    app.subscribe_many(6);
    let issue = app.issue(7);
    let taken = for_reader("reader-2@example.com", Stage::Dot, Act::RecordThenClose);
    let lost = for_reader("reader-4@example.com", Stage::Dot, Act::Close);
    app.script(move |moment| match taken(moment) {
        Act::CarryOn => lost(moment),
        act => act,
    });
    let ledger = app.send(&issue).exits(1).ledger();
    ledger.is(&[("accepted", 4), ("in_doubt", 2)]);
    assert_eq!(ledger.0["in_doubt"], serde_json::json!(["reader-2@example.com", "reader-4@example.com"]));
    app.heal();
    app.send(&issue).exits(1).says("reader-4@example.com").ledger().is(&[("accepted", 4), ("in_doubt", 2)]);
    assert_eq!(app.taken().len(), 5);
    app.masthead(&["subscribers", "erase", "reader-4@example.com", "--yes"]).exits(0);
    let id = app.query("select subscriber_id::text from ledger where state = 'in_doubt' and reply is null");
    let in_doubt = app.ledger(7).0["in_doubt"].clone();
    assert_eq!(in_doubt, serde_json::json!(["reader-2@example.com", format!("reader {id}, erased")]));
    app.masthead(&["resolve", "7", "--accepted", "--only", "reader-2@example.com"]).exits(0);
    app.masthead(&["resolve", "7", "--resend"]).exits(0);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 5), ("skipped", 1)]);
}

#[test]
fn who_resolves_or_retries_what_is_not_so_is_told_how_it_is_and_what_there_is_to_say() {
    let app = App::start();
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.script(for_reader("reader-2@example.com", Stage::Dot, Act::Close));
    app.send(&issue).exits(1).ledger().is(&[("accepted", 2), ("in_doubt", 1)]);
    let run = app.masthead(&["resolve", "7"]).exits(2);
    run.says("with `--accepted` they count as mailed").says("with `--resend` they are mailed again");
    let accepted = |reader: &str| app.masthead(&["resolve", "7", "--accepted", "--only", reader]);
    accepted("reader-1@example.com").exits(2).says("reader-1@example.com is not in doubt in garden/7, but accepted");
    accepted("nobody@example.com").exits(2).says("nobody@example.com is not in the audience of garden/7");
    let retried = app.masthead(&["retry", "7", "--only", "reader-2@example.com"]).exits(2);
    retried.says("reader-2@example.com is not refused or expired in garden/7, but in doubt");
    app.ledger(7).is(&[("accepted", 2), ("in_doubt", 1)]);
    // The relay has no record of it, so this is what the operator has to say.
    app.masthead(&["resolve", "7", "--resend", "--only", "reader-2@example.com"]).exits(0);
    app.heal();
    app.send(&issue).exits(0).ledger().is(&[("accepted", 3)]);
}

#[test]
fn after_kill_9_in_the_middle_again_and_again_everybody_is_mailed_once_or_in_doubt() {
    const CONNECTIONS: u64 = 4;
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", &CONNECTIONS.to_string());
    let readers = app.subscribe_many(400);
    let issue = app.issue(7);
    let kills = [1, 40, 41, 130, 250, 333];
    for until in kills {
        let sending = app.spawn(&["send", &issue, "--yes"]);
        app.wait_for_mails(until);
        sending.kill();
    }
    let run = app.send(&issue);
    let ledger = run.ledger();
    let (accepted, in_doubt) = (ledger.count("accepted"), ledger.count("in_doubt"));
    assert_eq!((accepted + in_doubt, ledger.audience()), (400, 400));
    assert!(in_doubt <= CONNECTIONS * kills.len() as u64, "{in_doubt} in doubt");
    assert_eq!(run.code, Some(if in_doubt > 0 { 1 } else { 0 }));
    let per_reader = app.per_reader();
    assert!(per_reader.values().all(|count| *count == 1));
    let missed = readers.iter().filter(|reader| !per_reader.contains_key(*reader));
    let listed = ledger.0["in_doubt"].as_array().unwrap();
    assert!(missed.into_iter().all(|reader| listed.contains(&reader.as_str().into())));
}

#[test]
fn an_interrupted_send_finishes_what_is_under_way_and_the_next_run_the_rest() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let app = App::start();
        let readers = app.subscribe_many(60);
        let issue = app.issue(7);
        let hold = app.hold_at(10);
        let mut sending = app.spawn_on_terminal(&["send", &issue, "--yes", "--json"]);
        hold.reached();
        sending.signal(signal);
        sending.wait_for("stopping");
        hold.release();
        let ledger = sending.finish().exits(3).ledger();
        assert_eq!(ledger.count("accepted"), app.taken().len() as u64);
        ledger.is(&[("accepted", ledger.count("accepted")), ("queued", 60 - ledger.count("accepted"))]);
        app.send(&issue).exits(0);
        once_each(&app, &readers);
    }
}

#[test]
fn two_sends_at_once_share_the_work_and_mail_nobody_twice() {
    let app = App::start();
    let readers = app.subscribe_many(200);
    let issue = app.issue(7);
    let all_here = Gate::default();
    let open = Mutex::new(0);
    app.script(move |moment| {
        match moment.stage {
            Stage::Connect => {
                let mut open = open.lock().unwrap();
                *open += 1;
                // Each begins with one connection, and opens more once a message is taken.
                if *open == 2 {
                    all_here.open();
                }
            }
            Stage::Dot => all_here.wait(),
            _ => {}
        }
        Act::CarryOn
    });
    let both = [app.spawn(&["send", &issue, "--yes"]), app.spawn(&["send", &issue, "--yes"])];
    for sending in both {
        sending.finish().exits(0);
    }
    once_each(&app, &readers);
    assert_eq!(app.query("select count(distinct worker_id)::text from ledger where state = 'accepted'"), "2");
}

#[test]
fn a_relay_that_is_down_at_first_is_waited_for() {
    let app = App::start();
    let readers = app.subscribe_many(5);
    let issue = app.issue(7);
    app.relay_down();
    let mut sending = app.spawn(&["send", &issue, "--yes"]);
    sending.wait_for("the relay cannot be reached");
    app.relay_up();
    sending.finish().exits(0);
    once_each(&app, &readers);
}

#[test]
fn a_relay_that_goes_down_in_the_middle_costs_nobody() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "100ms");
    app.subscribe_many(40);
    let issue = app.issue(7);
    let sending = app.spawn(&["send", &issue, "--yes"]);
    app.wait_for_mails(5);
    app.relay_down();
    app.relay_up();
    let run = sending.finish();
    // What was between the dot and its answer is in doubt, no more than there are connections.
    let ledger = app.ledger(7);
    assert!(ledger.count("in_doubt") <= 2, "{ledger:?}");
    assert_eq!(ledger.count("accepted") + ledger.count("in_doubt"), 40);
    run.exits(if ledger.count("in_doubt") > 0 { 1 } else { 0 });
}

#[test]
fn a_relay_that_is_away_longer_than_the_wait_leaves_everybody_queued() {
    let app = App::start();
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.relay_down();
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--wait", "0s"]).exits(3);
    run.ledger().is(&[("queued", 3)]);
    app.relay_up();
    app.send(&issue).exits(0);
}

#[test]
fn retries_that_keep_coming_do_not_outlast_the_wait() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "50ms");
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.script(|moment| match moment.stage {
        Stage::Rcpt => Act::reply(451, "4.7.1 come back later"),
        _ => Act::CarryOn,
    });
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--wait", "1s"]).exits(3).says("--wait is over");
    run.ledger().is(&[("queued", 3)]);
    app.heal();
    app.send(&issue).exits(0).ledger().is(&[("accepted", 3)]);
}

#[test]
fn a_relay_that_closes_every_connection_is_left_in_peace() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "1s");
    app.set("MASTHEAD_SMTP__CONNECTIONS", "2");
    app.subscribe_many(60);
    let issue = app.issue(7);
    let closed = Arc::new(AtomicUsize::new(0));
    let counter = closed.clone();
    app.script(move |moment| match moment.stage {
        Stage::Mail => {
            counter.fetch_add(1, Ordering::Relaxed);
            Act::reply(421, "4.3.2 too many of you")
        }
        _ => Act::CarryOn,
    });
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--wait", "1s"]).exits(3).says("421");
    run.ledger().is(&[("queued", 60)]);
    // Two connections, the rest of one second and the one of two: not one 421 a reader.
    assert!(closed.load(Ordering::Relaxed) <= 8, "{} connections were closed", closed.load(Ordering::Relaxed));
}

/// The relay refuses us, not the readers: the send stops, and nobody pays for it.
fn refuses_us(act: impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static) {
    let app = App::start();
    app.set("SMTP_URL", &format!("smtp://ann:secret@{}", app.relay_address()));
    let readers = app.subscribe_many(20);
    let issue = app.issue(7);
    app.script(act);
    let run = app.send(&issue).exits(3).says("paused: ");
    run.ledger().is(&[("queued", 20)]);
    assert_eq!(run.ledger().0["pause"]["cause"], "ours");
    assert_eq!(app.query("select count(*)::text from suppression"), "0");
    app.heal();
    app.masthead(&["resume", "7"]).exits(0);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 20)]);
    once_each(&app, &readers);
}

#[test]
fn wrong_credentials_stop_the_send_and_no_reader_pays_for_them() {
    refuses_us(|moment| match moment.stage {
        Stage::Auth => Act::reply(535, "5.7.8 bad credentials"),
        _ => Act::CarryOn,
    });
}

#[test]
fn a_sender_that_is_not_authenticated_stops_the_send_and_no_reader_pays_for_it() {
    refuses_us(|moment| match moment.stage {
        Stage::Dot => Act::reply(550, "5.7.515 access denied, the sending domain does not pass"),
        _ => Act::CarryOn,
    });
}

#[test]
fn lost_connections_to_the_database_cost_nobody() {
    let app = App::start();
    let readers = app.subscribe_many(60);
    let issue = app.issue(7);
    let hold = app.hold_at(10);
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    hold.reached();
    app.query(
        "select pg_terminate_backend(pid)::text from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    );
    hold.release();
    let run = sending.finish();
    assert!(matches!(run.code, Some(0 | 3)), "{}", run.err);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 60)]);
    once_each(&app, &readers);
}

#[test]
fn the_status_of_a_killed_send_holds_what_was_on_the_wire_in_doubt() {
    let app = App::start();
    app.subscribe_many(10);
    let issue = app.issue(7);
    let hold = app.hold_at(2);
    let sending = app.spawn(&["send", &issue, "--yes"]);
    wait_until("two messages are on the wire", || app.count("attempting") == 2);
    sending.kill();
    wait_until("the database notices", || app.ledger(7).count("in_doubt") == 2);
    hold.release();
    app.heal();
    app.send(&issue).exits(1).ledger().is(&[("accepted", 8), ("in_doubt", 2)]);
    let ids: HashSet<_> = app.taken().iter().map(|mail| decoded(mail).message_id().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), app.taken().len());
}

#[test]
fn while_the_ledger_cannot_be_written_nothing_is_sent_and_results_are_kept() {
    let app = App::start();
    let readers = app.subscribe_many(60);
    let issue = app.issue(7);
    let hold = app.hold_at(10);
    let mut sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    hold.reached();
    app.database_down();
    hold.release();
    for _ in 0..2 {
        sending.wait_for("the ledger cannot be written");
    }
    let intents = app.query("select count(*)::text from ledger where state = 'attempting'");
    assert!(app.taken().len() <= intents.parse().unwrap());
    app.database_up();
    let run = sending.finish();
    assert!(matches!(run.code, Some(0 | 3)), "{}", run.err);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 60)]);
    once_each(&app, &readers);
}

#[test]
fn a_database_that_does_not_answer_is_said_by_the_send_and_costs_nobody() {
    let app = App::start();
    let readers = app.subscribe_many(40);
    let hold = app.hold_at(5);
    let mut sending = app.spawn(&["send", &app.issue(7), "--yes", "--json"]);
    hold.reached();
    // Whoever asks for a worker's row gets no answer.
    app.query("begin");
    app.query("lock table worker in access exclusive mode");
    sending.wait_for("the database does not answer; nothing is sent until it does");
    app.query("rollback");
    hold.release();
    sending.finish().exits(0).says("the database answers again").ledger().is(&[("accepted", 40)]);
    once_each(&app, &readers);
}

/// The sessions of the send are dead when it signs off, and it has no time to find that out before.
#[test]
fn a_database_that_restarts_at_the_end_of_a_send_costs_it_nothing() {
    for _ in 0..3 {
        let app = App::start();
        let readers = app.subscribe_many(2);
        let issue = app.issue(7);
        let hold = app.hold_at(1);
        let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
        hold.reached();
        app.database_down();
        app.database_up();
        hold.release();
        let ledger = sending.finish().exits(0).ledger();
        assert_eq!(ledger.0["state"], "sent");
        once_each(&app, &readers);
    }
}

#[test]
fn who_signs_off_or_joins_while_the_database_is_away_waits_for_it() {
    for event in ["insert", "update of gone_at"] {
        let app = App::start();
        let readers = app.subscribe_many(5);
        let issue = app.issue(7);
        // A sequence counts what is rolled back, too.
        app.query(&format!(
            "create sequence tries;
             create function refuse() returns trigger language plpgsql as
             $$ begin if nextval('tries') < 3 then raise 'the database is away'; end if; return new; end $$;
             create trigger refuse before {event} on worker for each row execute function refuse()"
        ));
        let run = app.send(&issue).exits(0).says("the store is away");
        assert_eq!(run.ledger().0["state"], "sent");
        assert!(app.query("select last_value::text from tries").parse::<u64>().unwrap() >= 3);
        once_each(&app, &readers);
    }
}

#[test]
fn a_relay_that_thinks_about_its_messages_is_named() {
    let app = App::start();
    let readers = app.subscribe_many(6);
    let hold = app.hold_at(1);
    let sending = app.spawn(&["send", &app.issue(7), "--yes", "--json"]);
    hold.reached();
    wait_until("it is known", || app.query("select max(trouble) from worker").contains("has not answered a message"));
    let status = app.masthead(&["status"]).exits(3).out;
    assert!(status.contains("nothing moves: the relay has not answered a message for 10 s"), "{status}");
    hold.release();
    sending.finish().exits(0);
    once_each(&app, &readers);
}

#[test]
fn a_send_that_waits_for_its_relay_can_be_interrupted() {
    let app = App::start();
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.relay_down();
    let mut sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    sending.wait_for("the relay cannot be reached");
    sending.signal(Signal::INT);
    sending.finish().exits(3).ledger().is(&[("queued", 3)]);
}

#[test]
fn pause_and_cancel_end_the_wait_for_a_relay_that_never_greets() {
    for (act, state, code) in [("pause", "queued", 3), ("cancel", "skipped", 0)] {
        let app = App::start();
        app.subscribe_many(40);
        let issue = app.issue(7);
        app.script(|moment| match moment.stage {
            Stage::Connect => Act::Stall,
            _ => Act::CarryOn,
        });
        let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
        wait_until("the wait is known", || app.query("select trouble from worker").contains("lets us wait"));
        let status = app.masthead(&["status"]).exits(3).out;
        assert!(status.contains("nothing moves: the relay lets us wait: no connection is ready after 3 s"), "{status}");
        let since = Instant::now();
        app.masthead(&[act, "7"]).exits(0);
        sending.finish().exits(code).ledger().is(&[(state, 40)]);
        assert!(since.elapsed() < Duration::from_secs(10), "it took {:?}", since.elapsed());
    }
}

#[test]
fn a_relay_that_never_greets_is_away_when_patience_ends() {
    let app = App::start();
    app.subscribe_many(3);
    app.set("MASTHEAD_SEND__PATIENCE", "1s");
    app.script(|moment| match moment.stage {
        Stage::Connect => Act::Stall,
        _ => Act::CarryOn,
    });
    let run = app.masthead(&["send", &app.issue(7), "--yes", "--json", "--wait", "1s"]).exits(3);
    run.says("the relay was silent for 10s (at greeting)").ledger().is(&[("queued", 3)]);
    assert_eq!(app.ledger(7).0["state"], "paused");
}

/// `/dev/full` is a disk that is full.
#[test]
fn output_that_cannot_be_written_ends_no_send_and_panics_nowhere() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let app = App::start();
    let readers = app.subscribe_many(20);
    app.script(at_first(Stage::Rcpt, Act::reply(451, "4.7.1 come back")));
    app.set("MASTHEAD_SEND__RETRY", "10ms");
    app.set("MASTHEAD_LOG", "info");
    let mut send = app.command(&["send", &app.issue(7), "--yes"]);
    let status = send.stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    once_each(&app, &readers);
    // The operator hears of it all the same.
    app.set("MASTHEAD_SEND__OPERATOR", "op@example.org");
    let mut send = app.command(&["send", &app.issue(8), "--yes", "--json"]);
    assert_eq!(send.stdout(full()).stderr(full()).status().unwrap().code(), Some(2));
    assert_eq!(app.mails_to("op@example.org").len(), 1);
    // What was asked for and cannot be had is an error, and the last words of it are nobody's fault.
    for said in ["status", "audit"] {
        assert_eq!(app.command(&[said]).stdout(full()).stderr(full()).status().unwrap().code(), Some(2), "{said}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(app.command(&["status"]).stdout(writer).status().unwrap().code(), Some(0));
}
