//! Senders that run all the time: workers, and `serve`; what is scheduled, and who takes over from whom.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use masthead::catcher::{Act, Stage};
use rustix::process::Signal;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::app::{App, Gate, Running, decoded, wait_until};
use super::send::{at_first, once_each};

const OPERATOR: &str = "operator@example.org";

pub(crate) fn worker(app: &App) -> Running {
    let mut worker = app.spawn(&["worker"]);
    worker.wait_for("waiting for issues to send");
    worker
}

/// Waits until nobody has anything to do with the issue any more.
pub(crate) fn wait_until_sent(app: &App) {
    wait_until("the issue is sent", || app.query("select state from issue") == "sent");
}

/// A moment after this test.
pub(crate) fn later() -> String {
    (OffsetDateTime::now_utc() + Duration::from_secs(3_600)).format(&Rfc3339).unwrap()
}

/// Schedules an issue; its time has not come.
pub(crate) fn schedule(app: &App, issue: &str) {
    app.masthead(&["send", issue, "--yes", "--at", &later()]).exits(0);
}

/// The time of all scheduled issues comes.
pub(crate) fn time_passes(app: &App) {
    app.query("update issue set starts_at = now() where state = 'scheduled'");
}

/// Nobody gets an answer at the dot before so many connections are open; each process begins with one.
pub(crate) fn all_together(app: &App, connections: usize) {
    let (all_here, open) = (Gate::default(), Mutex::new(0));
    app.script(move |moment| {
        match moment.stage {
            Stage::Connect => {
                let mut open = open.lock().unwrap();
                *open += 1;
                if *open == connections {
                    all_here.open();
                }
            }
            Stage::Dot => all_here.wait(),
            _ => {}
        }
        Act::CarryOn
    });
}

#[test]
fn workers_share_a_send_mail_nobody_twice_and_end_in_order() {
    let app = App::start();
    let readers = app.subscribe_many(300);
    let issue = app.issue(7);
    let workers = [worker(&app), worker(&app)];
    all_together(&app, 3);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 300)]);
    once_each(&app, &readers);
    assert_eq!(app.query("select count(distinct worker_id)::text from ledger where state = 'accepted'"), "3");
    for worker in workers {
        worker.signal(Signal::TERM);
        worker.finish().exits(0);
    }
    assert_eq!(app.query("select count(*)::text from worker where gone_at is null"), "0");
}

#[test]
fn what_a_killed_sender_leaves_behind_a_worker_takes_over_before_any_lease_has_run_out() {
    let app = App::start();
    app.subscribe_many(300);
    let issue = app.issue(7);
    let hold = app.hold_at(20);
    let sending = app.spawn(&["send", &issue, "--yes"]);
    hold.reached();
    let _worker = worker(&app);
    wait_until("both have work in hand", || {
        app.query("select count(distinct worker_id)::text from chunk where worker_id is not null") == "2"
    });
    let since = Instant::now();
    sending.kill();
    hold.release();
    wait_until_sent(&app);
    assert!(since.elapsed() < Duration::from_secs(25), "it took {:?}", since.elapsed());
    let ledger = app.ledger(7);
    let in_doubt = ledger.count("in_doubt");
    assert!(in_doubt <= 2, "{in_doubt} in doubt");
    assert_eq!(ledger.count("accepted") + in_doubt, 300);
    assert!(app.per_reader().values().all(|count| *count == 1));
}

#[test]
fn a_worker_that_is_told_to_end_finishes_what_is_on_the_wire_and_gives_the_rest_back() {
    let app = App::start();
    let readers = app.subscribe_many(60);
    let issue = app.issue(7);
    let mut worker = worker(&app);
    schedule(&app, &issue);
    let hold = app.hold_at(5);
    time_passes(&app);
    hold.reached();
    worker.signal(Signal::TERM);
    worker.wait_for("stopping");
    hold.release();
    let run = worker.finish().exits(0);
    let (accepted, taken) = (app.count("accepted"), app.taken().len() as u64);
    app.ledger(7).is(&[("accepted", accepted), ("queued", 60 - accepted)]);
    assert!(accepted == taken && accepted < 60, "{accepted} accepted, {taken} taken");
    run.says(&format!("garden/7: stopped; {} of 60 deliveries are left to `masthead worker`", 60 - accepted));
    app.send(&issue).exits(0);
    once_each(&app, &readers);
}

#[test]
fn serve_takes_care_of_retries_that_are_due_after_the_send_has_left() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "1s");
    app.set("MASTHEAD_SEND__OPERATOR", OPERATOR);
    let readers = app.subscribe_many(5);
    let issue = app.issue(7);
    app.script(at_first(Stage::Rcpt, Act::reply(450, "4.2.1 busy")));
    app.masthead(&["send", &issue, "--yes", "--wait", "0s"]).exits(3);
    let serving = app.serve_with(&[]);
    wait_until_sent(&app);
    app.ledger(7).is(&[("accepted", 5)]);
    // By the send when it left, which was put off at first as all others, and of the end.
    wait_until("the operator is told", || app.mails_to(OPERATOR).len() == 2);
    serving.signal(Signal::TERM);
    serving.finish().exits(0);
    for reader in &readers {
        assert_eq!(app.mails_to(reader).len(), 1);
    }
}

#[test]
fn a_scheduled_issue_is_started_once_by_whoever_runs_with_the_audience_of_that_moment() {
    let app = App::start();
    app.set("MASTHEAD_SEND__OPERATOR", OPERATOR);
    app.subscribe_many(20);
    let issue = app.issue(7);
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--at", &later()]).exits(0);
    run.ledger().is(&[]);
    let run = run.says("20 readers as of now");
    let ledger = run.ledger().0;
    assert_eq!(
        (&ledger["state"], &ledger["audience"], &ledger["prospects"]),
        (&"scheduled".into(), &0.into(), &20.into())
    );
    assert!(app.masthead(&["status"]).exits(3).out.contains("garden/7 is scheduled"));
    assert_eq!(app.taken().len(), 0);

    let workers = [worker(&app), worker(&app)];
    let readers = app.subscribe_many(30);
    time_passes(&app);
    wait_until_sent(&app);
    app.ledger(7).is(&[("accepted", 30)]);
    wait_until("the operator is told", || !app.mails_to(OPERATOR).is_empty());
    for worker in workers {
        worker.signal(Signal::TERM);
        worker.finish().exits(0);
    }
    assert_eq!(app.mails_to(OPERATOR).len(), 1);
    for reader in &readers {
        assert_eq!(app.mails_to(reader).len(), 1);
    }
    assert_eq!(app.query("select rounds::text from issue"), "1");
}

#[test]
fn a_scheduled_issue_whose_time_finds_no_reader_is_sent_to_nobody_and_says_so() {
    let app = App::start();
    let issue = app.issue(7);
    schedule(&app, &issue);
    let worker = worker(&app);
    time_passes(&app);
    wait_until_sent(&app);
    worker.signal(Signal::TERM);
    worker.finish().exits(0).says("garden/7: sent");
    let status = app.masthead(&["status"]).exits(0).out;
    assert!(status.contains("0 in the audience = nobody"), "{status}");
    // Who comes later is reached as with any issue.
    app.subscribe_many(2);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 2)]);
}

#[test]
fn the_same_command_sends_a_scheduled_issue_when_its_time_has_come() {
    let app = App::start();
    let readers = app.subscribe_many(5);
    let issue = app.issue(7);
    schedule(&app, &issue);
    assert_eq!(app.taken().len(), 0);
    time_passes(&app);
    let at = app.query("select to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from issue");
    app.masthead(&["send", &issue, "--yes", "--at", &at]).exits(0);
    once_each(&app, &readers);
}

#[test]
fn a_scheduled_issue_can_be_sent_at_once_or_cancelled() {
    let app = App::start();
    let readers = app.subscribe_many(5);
    let (now, never) = (app.issue(7), app.issue(8));
    for issue in [&now, &never] {
        schedule(&app, issue);
    }
    schedule(&app, &never);
    app.send(&now).exits(0).ledger().is(&[("accepted", 5)]);
    app.masthead(&["cancel", "8"]).exits(0);
    let refused = [
        app.masthead(&["send", &never, "--yes", "--at", &later()]).exits(2).says("give the file another number"),
        app.send(&never).exits(2).says("was cancelled"),
        app.masthead(&["send", &now, "--yes", "--at", &later()])
            .exits(2)
            .says("is sent already")
            .says("leave out --at"),
    ];
    for run in refused {
        assert!(!run.err.contains("plan"), "it said its plan first: {}", run.err);
    }
    once_each(&app, &readers);
    let date = app.mails_to("reader-0@example.com")[0].date().unwrap().to_timestamp();
    assert!(date <= OffsetDateTime::now_utc().unix_timestamp(), "the mail is dated in the future");
}

#[test]
fn a_time_that_is_over_or_no_time_is_refused() {
    let app = App::start();
    app.subscribe_many(1);
    let issue = app.issue(7);
    app.masthead(&["send", &issue, "--yes", "--at", "2020-01-01T08:00:00Z"]).exits(2).says("is over");
    app.masthead(&["send", &issue, "--yes", "--at", "soon"]).exits(2).says("2026-11-23 08:00");
    assert_eq!(app.query("select count(*)::text from issue"), "0");
    schedule(&app, &issue);
    app.masthead(&["send", &issue, "--yes", "--at", "2020-01-01T08:00:00Z"]).exits(2).says("is over");
    assert_eq!(app.query("select state from issue"), "scheduled", "a slip sends nothing");
}

#[test]
fn a_time_without_offset_is_that_of_this_machine() {
    let app = App::start();
    app.subscribe_many(1);
    app.set("TZ", "Asia/Tokyo");
    let issue = app.issue(7);
    for at in ["2099-06-01 08:00", "2099-06-01 08:00:05", "2099-06-01T08:00:05"] {
        app.masthead(&["send", &issue, "--yes", "--at", at]).exits(0).says("starts at 2099-05-31 23:00:");
    }
    assert_eq!(app.query("select extract(second from starts_at)::int::text from issue"), "5");
}

#[test]
fn a_worker_goes_on_by_itself_when_the_relay_is_back() {
    let app = App::start();
    app.set("MASTHEAD_SEND__PATIENCE", "100ms");
    app.set("MASTHEAD_SEND__PROBE", "100ms");
    let readers = app.subscribe_many(20);
    let issue = app.issue(7);
    app.relay_down();
    let _worker = worker(&app);
    app.masthead(&["send", &issue, "--yes", "--wait", "0s"]).exits(3).says("paused: ");
    wait_until("it has looked, in vain", || app.query("select (probes > 1)::text from issue") == "true");
    app.relay_up();
    wait_until_sent(&app);
    once_each(&app, &readers);
}

#[test]
fn a_worker_sends_several_issues_at_once() {
    let app = App::start();
    app.subscribe_many(3);
    let (first, second) = (app.issue(7), app.issue(8));
    let hold = Gate::default();
    let held = hold.clone();
    let mut worker = worker(&app);
    app.script(move |moment| {
        if moment.stage == Stage::Dot && moment.data.windows(10).any(|word| word == b"Letters #7") {
            held.wait();
        }
        Act::CarryOn
    });
    schedule(&app, &first);
    schedule(&app, &second);
    time_passes(&app);
    worker.wait_for("garden/8: sent");
    hold.open();
    worker.wait_for("garden/7: sent");
    assert_eq!(app.taken().len(), 6);
}

/// How many connections to a port are open on this machine, as Linux tells, from their beginning to their end.
fn connections_to(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let wanted = format!(":{port:04X}");
    let columns = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let established = columns.filter(|columns| columns[2].ends_with(&wanted) && columns[3] == "01");
    // A table that changes while it is read has a row twice.
    established.map(|columns| columns[1].to_owned()).collect::<HashSet<_>>().len()
}

#[test]
fn a_worker_with_several_issues_has_no_more_connections_to_a_relay_than_with_one() {
    let app = App::start();
    app.subscribe_many(200);
    let issues = [app.issue(7), app.issue(8)];
    let (port, most) = (app.relay_address().port(), Arc::new(AtomicUsize::new(0)));
    let peak = most.clone();
    app.script(move |moment| {
        if moment.stage == Stage::Dot {
            peak.fetch_max(connections_to(port), Ordering::Relaxed);
        }
        Act::CarryOn
    });
    for issue in &issues {
        schedule(&app, issue);
    }
    time_passes(&app);
    let mut worker = worker(&app);
    for _ in issues {
        worker.wait_for(": sent");
    }
    assert_eq!(most.load(Ordering::Relaxed), 2);
    let numbers: Vec<_> = app.taken().iter().map(|mail| decoded(mail).subject().unwrap().to_owned()).collect();
    assert_eq!(numbers.len(), 400);
    let other = numbers.iter().position(|number| *number != numbers[0]).unwrap();
    assert!(other < 200, "the one had to wait until the other was sent");
}

#[test]
fn an_issue_that_waits_for_retries_leaves_its_connection_to_another() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    app.set("MASTHEAD_SEND__RETRY", "30s");
    app.subscribe_many(3);
    let (first, second) = (app.issue(7), app.issue(8));
    app.script(at_first(Stage::Rcpt, Act::reply(450, "4.2.1 busy")));
    let mut worker = worker(&app);
    schedule(&app, &first);
    time_passes(&app);
    wait_until("the first is put off", || app.count("queued") == 3);
    schedule(&app, &second);
    time_passes(&app);
    worker.wait_for("garden/8: sent");
    assert_eq!(app.query("select state from issue where number = 7"), "sending");
    app.query("update ledger set next_at = now() where state = 'queued'");
    app.query("update chunk set next_at = now() where next_at is not null");
    worker.wait_for("garden/7: sent");
    assert_eq!(app.taken().len(), 6);
}
