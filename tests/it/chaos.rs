//! The cases of trust that need more than a relay's script: `masthead chaos` in small, and what it cannot play.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use masthead::catcher::{Act, Stage};

use super::app::{App, repository, text, wait_until};
use super::send::once_each;

/// Runs the harness in small; its own invariants decide. Returns its table.
fn chaos(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_masthead")).arg("chaos").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    let table = text(&output.stdout);
    assert!(table.contains("| **lost, twice, or otherwise wrong** | 0 |"), "{table}");
    table
}

#[test]
fn cases_19_to_31_and_36_to_38_under_fire_lose_nobody_and_mail_nobody_twice() {
    let cases = "19,20,21,22,24,28,29,30,31,36,37,38";
    let amounts = ["--readers", "400", "--issues", "3", "--kills", "10", "--postgres-kills", "2"];
    let table = chaos(&[&["--seed", "1", "--only", cases], &amounts[..]].concat());
    for played in [
        "one command at a time",
        "pipelined",
        "BDAT, 4 in flight",
        "by `send`",
        "by `worker`, scheduled with `send --at`",
        "by `send` and `worker`",
    ] {
        let row = table.lines().find_map(|line| line.strip_prefix(&format!("| of them {played} | ")));
        assert!(row.is_some_and(|times| times != "0 |"), "{played}: {table}");
    }
    assert!(table.contains("| paused for that and went on by itself | 2 |"), "{table}");
}

#[test]
fn case_32_a_sender_that_is_stopped_past_its_lease_costs_nobody() {
    chaos(&["--seed", "1", "--readers", "300", "--issues", "1", "--kills", "0", "--only", "30,31,32"]);
}

#[test]
fn case_33_a_full_disk_under_postgres_costs_nobody() {
    chaos(&["--seed", "1", "--readers", "1000", "--issues", "1", "--kills", "0", "--only", "30,31,33"]);
}

#[test]
fn case_34_a_sender_that_is_cut_off_from_postgres_for_three_leases_costs_nobody() {
    chaos(&["--seed", "1", "--readers", "300", "--issues", "1", "--kills", "0", "--only", "30,31,34"]);
}

#[test]
fn every_case_names_what_proves_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_masthead")).args(["chaos", "--list"]).output().unwrap();
    let list = text(&output.stdout);
    let page = fs::read_to_string(repository("docs/RELIABILITY.md")).unwrap();
    assert!(page.contains(&list), "docs/RELIABILITY.md has another table than `masthead chaos --list`");
    let mut code = String::new();
    for folder in ["src", "tests/it"] {
        gather(&repository(folder), &mut code);
    }
    let rows: Vec<Vec<&str>> = list.lines().skip(2).map(|row| row.split(" | ").collect()).collect();
    let numbers: Vec<u32> = rows.iter().map(|row| row[0].trim_start_matches("| ").parse().unwrap()).collect();
    assert_eq!(numbers, (1..=38).collect::<Vec<_>>());
    for row in rows {
        let tests: Vec<_> = row[3].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty() || !row[2].is_empty(), "nothing proves case {}", row[0]);
        for test in tests {
            assert!(code.contains(&format!("fn {test}()")), "case {} names {test}, which is nowhere", row[0]);
        }
    }
}

fn gather(folder: &Path, code: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// Case 20.
#[test]
fn half_of_the_readers_refused_with_5_1_1_cost_the_others_neither_mail_nor_connection() {
    let app = App::start();
    let readers = app.subscribe_many(60);
    let half: HashSet<_> = readers.iter().step_by(2).cloned().collect();
    let refused = half.clone();
    app.script(move |moment| match moment.to.first() {
        Some(reader) if moment.stage == Stage::Rcpt && refused.contains(reader) => {
            Act::reply(550, "5.1.1 no such user")
        }
        _ => Act::CarryOn,
    });
    let ledger = app.send(&app.issue(7)).exits(1).ledger();
    ledger.is(&[("accepted", 30), ("refused", 30)]);
    assert_eq!((&ledger.0["refusals"][0]["class"], &ledger.0["refusals"][0]["count"]), (&"hard".into(), &30.into()));
    let others: Vec<_> = readers.into_iter().filter(|reader| !half.contains(reader)).collect();
    once_each(&app, &others);
    let connections: HashSet<_> = app.taken().iter().map(|mail| mail.connection).collect();
    assert!(connections.len() <= 2, "{connections:?}");
}

/// Case 22.
#[test]
fn after_45_mails_452_leaves_the_rest_open_and_the_next_run_mails_only_those() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "1m");
    let readers = app.subscribe_many(100);
    let issue = app.issue(7);
    let taken = Mutex::new(0);
    app.script(move |moment| {
        let mut taken = taken.lock().unwrap();
        match moment.stage {
            Stage::Dot if *taken == 45 => Act::reply(452, "4.3.1 no room left"),
            Stage::Dot => {
                *taken += 1;
                Act::CarryOn
            }
            _ => Act::CarryOn,
        }
    });
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--wait", "0s"]).exits(3);
    run.ledger().is(&[("accepted", 45), ("queued", 55)]);
    assert_eq!(run.ledger().0["state"], "sending");
    app.heal();
    // Their time, a minute from now, comes at once.
    app.query("update ledger set next_at = now() where state = 'queued'; update chunk set next_at = now()");
    let run = app.send(&issue).exits(0).says("0 new, 55 still to be sent; 100 in the audience");
    run.ledger().is(&[("accepted", 100)]);
    once_each(&app, &readers);
}

/// Case 31.
#[test]
fn of_four_senders_one_is_killed_and_the_others_take_over_its_rows_within_seconds() {
    let app = App::start();
    let readers = app.subscribe_many(400);
    let issue = app.issue(7);
    let hold = app.hold_at(8);
    let mut sending: Vec<_> = (0..4).map(|_| app.spawn(&["send", &issue, "--yes"])).collect();
    hold.reached();
    wait_until("all four have joined", || app.query("select count(*)::text from worker") == "4");
    let killed_at = app.query("select clock_timestamp()::text");
    sending.remove(0).kill();
    hold.release();
    for sending in sending {
        let run = sending.finish();
        assert!(matches!(run.code, Some(0 | 1)), "{}", run.err);
    }
    let ledger = app.ledger(7);
    let in_doubt: Vec<_> = ledger.0["in_doubt"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert!(in_doubt.len() <= 2, "{in_doubt:?}");
    ledger.is(&[("accepted", 400 - in_doubt.len() as u64), ("in_doubt", in_doubt.len() as u64)]);
    let per_reader = app.per_reader();
    assert!(readers.iter().all(|reader| in_doubt.contains(&reader.as_str()) || per_reader[reader] == 1));
    let sql = format!("select (min(gone_at) - '{killed_at}'::timestamptz < interval '10 s')::text from worker");
    assert_eq!(app.query(&sql), "true");
}

/// Case 36: `resolve` mails again only whom the operator names, `retry` only who was refused.
#[test]
fn what_is_in_doubt_is_resolved_by_the_operator_and_the_refused_are_tried_again() {
    let app = App::start();
    let readers = app.subscribe_many(6);
    let issue = app.issue(7);
    app.script(|moment| match (moment.stage, moment.to.first().map(String::as_str)) {
        (Stage::Dot, Some("reader-1@example.com")) => Act::RecordThenClose,
        (Stage::Dot, Some("reader-2@example.com")) => Act::Close,
        (Stage::Rcpt, Some("reader-3@example.com")) => Act::reply(550, "5.1.1 no such user"),
        _ => Act::CarryOn,
    });
    app.send(&issue).exits(1).ledger().is(&[("accepted", 3), ("in_doubt", 2), ("refused", 1)]);
    app.heal();
    app.masthead(&["resolve", "7", "--accepted", "--only", "reader-1@example.com"]).exits(0).says("1 deliveries");
    app.masthead(&["resolve", "7", "--resend"]).exits(0).says("1 deliveries");
    app.masthead(&["status", "7"]).exits(3);
    app.send(&issue).exits(1).ledger().is(&[("accepted", 5), ("refused", 1)]);
    app.masthead(&["retry", "7"]).exits(0).says("1 deliveries");
    app.send(&issue).exits(0).ledger().is(&[("accepted", 6)]);
    app.masthead(&["audit", "7"]).exits(0);
    once_each(&app, &readers);
}

/// A cancelled issue sends nothing more, whatever the operator says of what it left in doubt.
#[test]
fn what_a_cancelled_issue_has_in_doubt_is_never_queued_again() {
    let app = App::start();
    app.subscribe_many(5);
    let issue = app.issue(7);
    app.script(|moment| match (moment.stage, moment.to.first().map(String::as_str)) {
        (Stage::Dot, Some("reader-1@example.com")) => Act::Close,
        (Stage::Rcpt, Some("reader-2@example.com")) => Act::reply(550, "5.1.1 no such user"),
        (Stage::Rcpt, Some("reader-3@example.com")) => Act::reply(450, "4.2.1 busy"),
        _ => Act::CarryOn,
    });
    app.masthead(&["send", &issue, "--yes", "--wait", "0s"]).exits(3);
    app.masthead(&["cancel", "7"]).exits(0);
    app.ledger(7).is(&[("accepted", 2), ("in_doubt", 1), ("refused", 1), ("skipped", 1)]);
    app.masthead(&["resolve", "7", "--resend"]).exits(0).says("1 deliveries are skipped: garden/7 is cancelled");
    app.masthead(&["retry", "7"]).exits(2).says("garden/7 is cancelled");
    app.ledger(7).is(&[("accepted", 2), ("refused", 1), ("skipped", 2)]);
    app.masthead(&["audit", "7"]).exits(0);
}

/// What `resolve` queues while somebody cancels the issue is skipped with the rest.
#[test]
fn what_is_resolved_while_the_issue_is_cancelled_is_skipped() {
    let app = App::start();
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.script(|moment| match (moment.stage, moment.to.first().map(String::as_str)) {
        (Stage::Dot, Some("reader-1@example.com")) => Act::Close,
        (Stage::Rcpt, Some("reader-2@example.com")) => Act::reply(450, "4.2.1 busy"),
        _ => Act::CarryOn,
    });
    app.masthead(&["send", &issue, "--yes", "--wait", "0s"]).exits(3);
    hold_in_database(&app, "before insert on ledger for each row when (new.state = 'queued')");
    let resolving = app.spawn(&["resolve", "7", "--resend"]);
    wait_until("it is held", || app.query(WAITING) == "1");
    let cancelling = app.spawn(&["cancel", "7"]);
    // It waits for the one before it, or else has done all that it does.
    wait_until("the other is as far as it comes", || {
        let is_over = "select (exists (select from issue where state = 'cancelled')
                               and not exists (select from chunk where next_at is not null))::text";
        app.query(BEHIND_ANOTHER) != "0" || app.query(is_over) == "true"
    });
    app.query("select pg_advisory_unlock(77)::text");
    for process in [resolving, cancelling] {
        let run = process.finish();
        assert_eq!(run.code, Some(0), "{}", run.err);
    }
    app.ledger(7).is(&[("accepted", 1), ("skipped", 2)]);
    app.masthead(&["audit", "7"]).exits(0);
}

/// A library that sets the clock of a process off by so many seconds.
#[cfg(target_os = "linux")]
fn clock_off_by(app: &App, seconds: i64) -> String {
    app.write(
        "clock.c",
        "#define _GNU_SOURCE\n#include <time.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n\
         int clock_gettime(clockid_t clock, struct timespec *now) {\n\
         \x20   int done = (int)syscall(SYS_clock_gettime, clock, now);\n\
         \x20   if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += OFF;\n\
         \x20   return done;\n}\n",
    );
    let library = app.folder.path().join("clock.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O", "clock.c", "-o", "clock.so"]).arg(format!("-DOFF={seconds}"));
    assert!(compiler.current_dir(app.folder.path()).status().unwrap().success());
    library.to_str().unwrap().to_owned()
}

/// Case 35: retries, their end, leases and the equation go by the clock of the database alone.
#[cfg(target_os = "linux")]
#[test]
fn a_clock_a_day_off_changes_nothing() {
    for seconds in [86_400, -86_400] {
        let app = App::start();
        app.set("MASTHEAD_SEND__RETRY", "50ms");
        app.set("MASTHEAD_SEND__GIVE_UP_AFTER", "1h");
        let readers = app.subscribe_many(6);
        let issue = app.issue(7);
        let tries = Mutex::new(HashMap::new());
        app.script(move |moment| match moment.to.first() {
            Some(reader) if moment.stage == Stage::Dot => {
                let mut tries = tries.lock().unwrap();
                let tries = tries.entry(reader.clone()).or_insert(0);
                *tries += 1;
                if *tries <= 2 { Act::reply(451, "4.7.1 greylisted") } else { Act::CarryOn }
            }
            _ => Act::CarryOn,
        });
        app.set("LD_PRELOAD", &clock_off_by(&app, seconds));
        let run = app.send(&issue).exits(0);
        run.ledger().is(&[("accepted", 6)]);
        once_each(&app, &readers);

        app.subscribe(&["late@example.com"]);
        app.set("MASTHEAD_SEND__GIVE_UP_AFTER", "200ms");
        app.script(|moment| match moment.stage {
            Stage::Rcpt => Act::reply(450, "4.2.1 busy"),
            _ => Act::CarryOn,
        });
        app.send(&issue).exits(1).says("1 expired").ledger().is(&[("accepted", 6), ("expired", 1)]);
        app.unset("LD_PRELOAD");
        app.masthead(&["audit", "7"]).exits(0);
    }
}

/// A hold for whatever fires its trigger: who comes there waits for the lock 77, which this session has.
pub(crate) fn hold_in_database(app: &App, on: &str) {
    app.query(
        "create or replace function hold() returns trigger language plpgsql as $$
         begin perform pg_advisory_xact_lock(77); return new; end $$",
    );
    app.query(&format!("create or replace trigger hold {on} execute function hold()"));
    app.query("select pg_advisory_lock(77)::text");
}

/// How many wait in the hold; the server is that of other tests too.
pub(crate) const WAITING: &str = "select count(*)::text from pg_locks join pg_database on pg_database.oid = database
     where datname = current_database() and locktype = 'advisory' and objid = 77 and not granted";

/// How many wait for a row that another transaction changes.
pub(crate) const BEHIND_ANOTHER: &str = "select count(*)::text from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and wait_event in ('transactionid', 'tuple')";

/// Runs the program into the hold and kills it there; what it had begun is undone when this returns.
pub(crate) fn kill_in_hold(app: &App, arguments: &[&str]) {
    let running = app.spawn(arguments);
    wait_until("it is held", || app.query(WAITING) == "1");
    running.kill();
    app.query("select pg_advisory_unlock(77)::text");
    let others = "select count(*)::text from pg_stat_activity
                  where datname = current_database() and application_name = 'masthead' and state <> 'idle'";
    wait_until("its transaction is over", || app.query(others) == "0");
}

/// Case 38.
#[test]
fn a_process_killed_in_any_migration_leaves_a_store_that_opens() {
    let app = App::start();
    let migrations = fs::read_dir(repository("migrations")).unwrap().count();
    // As sqlx would make it.
    app.query(
        "create table _sqlx_migrations (version bigint primary key, description text not null,
             installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null,
             execution_time bigint not null)",
    );
    for version in 1..=migrations {
        let on = format!("before insert on _sqlx_migrations for each row when (new.version = {version})");
        hold_in_database(&app, &on);
        kill_in_hold(&app, &["subscribers", "list"]);
        let applied = app.query("select count(*)::text from _sqlx_migrations");
        assert_eq!(applied, (version - 1).to_string(), "killed in migration {version}");
    }
    app.query("drop trigger hold on _sqlx_migrations");
    let readers = app.subscribe_many(3);
    app.send(&app.issue(7)).exits(0).ledger().is(&[("accepted", 3)]);
    once_each(&app, &readers);
}

/// Case 38.
#[test]
fn a_process_killed_in_the_snapshot_leaves_nobody_out_and_nobody_twice() {
    let app = App::start();
    let readers = app.subscribe_many(30);
    let issue = app.issue(7);
    hold_in_database(&app, "before insert on chunk for each statement");
    kill_in_hold(&app, &["send", &issue, "--yes"]);
    assert_eq!(app.query("select count(*)::text from delivery"), "0");
    app.query("drop trigger hold on chunk");
    app.send(&issue).exits(0).ledger().is(&[("accepted", 30)]);
    once_each(&app, &readers);
}
