//! The rate: one for all processes that send through a relay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant, SystemTime};

use super::app::App;

const GRACE: Duration = Duration::from_millis(50);

/// When the relay took its mails, oldest first.
fn moments(app: &App) -> Vec<SystemTime> {
    let mut moments: Vec<_> = app.taken().iter().map(|mail| mail.at).collect();
    moments.sort_unstable();
    moments
}

#[test]
fn three_senders_keep_one_rate_together_also_when_one_is_killed() {
    const RATE: f64 = 40.0;
    let app = App::start();
    app.set("MASTHEAD_SEND__RATE", "40/s");
    app.set("MASTHEAD_SMTP__CONNECTIONS", "2");
    app.subscribe_many(320);
    let issue = app.issue(7);
    let start = || app.spawn(&["send", &issue, "--yes"]);
    let (first, second, doomed) = (start(), start(), start());
    app.wait_for_mails(120);
    doomed.kill();
    for sending in [first, second] {
        assert!(matches!(sending.finish().code, Some(0 | 1)));
    }
    let moments = moments(&app);
    // Whatever the machine does, no second has more than its tokens, the grace, and what six connections held up.
    for (at, begins) in moments.iter().enumerate() {
        let within =
            moments[at..].iter().take_while(|m| m.duration_since(*begins).unwrap().as_secs_f64() < 1.0).count();
        assert!(within as f64 <= RATE * (1.0 + GRACE.as_secs_f64()) + 7.0, "{within} mails in one second");
    }
    let took = moments.last().unwrap().duration_since(moments[0]).unwrap().as_secs_f64();
    let rate = (moments.len() - 1) as f64 / took;
    assert!(rate <= 1.02 * RATE + 6.0 / took, "{rate} mails a second");
    assert!(rate >= 0.75 * RATE, "{rate} mails a second: the dead sender's share is lost");
    assert_eq!(app.query("select count(distinct worker_id)::text from ledger where state = 'accepted'"), "3");
}

#[test]
fn the_rate_of_a_send_is_kept_by_whoever_sends_the_issue() {
    let app = App::start();
    app.subscribe_many(60);
    app.masthead(&["send", &app.issue(7), "--yes", "--rate", "50/s", "--at", "2999-01-01 00:00"]).exits(0);
    let mut worker = app.spawn(&["worker"]);
    worker.wait_for("waiting for issues to send");
    app.query("update issue set starts_at = now()");
    app.wait_for_mails(60);
    let moments = moments(&app);
    let took = moments[59].duration_since(moments[0]).unwrap().as_secs_f64();
    assert!(took >= 59.0 / 50.0 * 0.9, "60 mails in {took} s");
    worker.kill();
}

#[test]
fn a_rate_that_is_said_later_holds_for_who_sends_already() {
    let app = App::start();
    app.subscribe_many(200);
    let issue = app.issue(7);
    let sending = app.spawn(&["send", &issue, "--yes", "--rate", "5/s"]);
    app.wait_for_mails(5);
    let since = Instant::now();
    app.query("update issue set rate = 500");
    sending.finish().exits(0);
    assert!(since.elapsed() < Duration::from_secs(15), "it took {:?}", since.elapsed());
    assert_eq!(app.taken().len(), 200);
}

/// By the database's clock alone, so exact on any machine.
#[test]
fn what_several_processes_take_from_a_bucket_never_overlaps_and_leaves_no_gap() {
    let app = App::start();
    let (store, other) = (app.store().clone(), app.block_on(masthead::store::Store::open(&app.database_url)).unwrap());
    let span = Duration::from_millis(20);
    let begin = Instant::now();
    let last = app.block_on(async {
        let mut last = Duration::ZERO;
        for _ in 0..100 {
            let (one, two) =
                tokio::join!(store.take_tokens("relay", span, GRACE), other.take_tokens("relay", span, GRACE));
            last = one.unwrap().max(two.unwrap());
        }
        other.close().await;
        last
    });
    // 200 spans of 20 ms from one bucket: the last begins 199 spans after the first.
    let ends = begin.elapsed() + last;
    let (least, most) = (199 * span - GRACE, 199 * span + begin.elapsed());
    assert!(least <= ends && ends <= most, "the last span begins after {ends:?}");
    let free = app.block_on(store.take_tokens("another relay", span, GRACE)).unwrap();
    assert_eq!(free, Duration::ZERO, "each relay has a bucket of its own");
}
