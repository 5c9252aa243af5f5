//! The send: everybody once, whatever the relay, the network and the operator do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use mail_parser::MessageParser;
use masthead::catcher::{Act, Moment, Stage};
use rustix::process::Signal;

use super::app::{App, Gate, decoded, link, wait_until};

/// Acts so at the first try for each reader, and well from then on.
fn at_first(stage: Stage, act: Act) -> impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static {
    let met = Mutex::new(HashSet::new());
    move |moment| match moment.to.first() {
        Some(reader) if moment.stage == stage && met.lock().unwrap().insert(reader.clone()) => act.clone(),
        _ => Act::CarryOn,
    }
}

/// Acts so for one reader.
fn for_reader(reader: &str, stage: Stage, act: Act) -> impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static {
    let reader = [reader.to_owned()];
    move |moment| if moment.stage == stage && moment.to == reader { act.clone() } else { Act::CarryOn }
}

fn once_each(app: &App, readers: &[String]) {
    let wanted: HashMap<_, _> = readers.iter().map(|reader| (reader.clone(), 1)).collect();
    assert_eq!(app.per_reader(), wanted);
}

#[test]
fn a_send_mails_everybody_exactly_once() {
    let app = App::start();
    let readers = app.subscribe_many(50);
    let ledger = app.send(&app.issue(7)).exits(0).ledger();
    ledger.is(&[("accepted", 50)]);
    assert_eq!((ledger.audience(), &ledger.0["state"]), (50, &"sent".into()));
    once_each(&app, &readers);
}

#[test]
fn sending_again_mails_only_who_is_new() {
    let app = App::start();
    app.subscribe_many(5);
    let issue = app.issue(7);
    app.send(&issue).exits(0);
    app.send(&issue).exits(0);
    assert_eq!(app.taken().len(), 5);
    let readers = app.subscribe_many(8);
    let ledger = app.send(&issue).exits(0).ledger();
    assert_eq!(ledger.audience(), 8);
    once_each(&app, &readers);
}

#[test]
fn other_content_under_a_number_that_was_sent_is_refused() {
    let app = App::start();
    app.subscribe_many(3);
    app.send(&app.issue(7)).exits(0);
    app.subscribe_many(6);
    app.send(&app.issue_with(7, "Cut the seed heads in autumn.")).exits(2).says("sent already with other content");
    assert_eq!(app.taken().len(), 3);
    app.send(&app.issue(7)).exits(0);
    assert_eq!(app.taken().len(), 6);
}

#[test]
fn without_yes_and_without_a_terminal_nothing_is_sent() {
    let app = App::start();
    app.subscribe_many(3);
    let before = app.dump();
    app.masthead(&["send", &app.issue(7)]).exits(2).says("--yes");
    assert_eq!((app.dump(), app.mails().len()), (before, 0));
}

#[test]
fn a_temporary_refusal_is_tried_again_with_the_same_message() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "1s");
    let readers = app.subscribe_many(4);
    app.script(at_first(Stage::Dot, Act::reply(451, "4.7.1 greylisted, come back")));
    app.send(&app.issue(7)).exits(0).ledger().is(&[("accepted", 4)]);
    once_each(&app, &readers);
    for reader in &readers {
        let tries: Vec<_> = app.mails().into_iter().filter(|mail| mail.to == [reader.clone()]).collect();
        assert_eq!(tries.len(), 2);
        assert_eq!(tries[0].raw, tries[1].raw);
    }
}

#[test]
fn a_retry_that_is_due_later_than_the_wait_is_left_open() {
    let app = App::start();
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.script(for_reader("reader-1@example.com", Stage::Rcpt, Act::reply(450, "4.2.1 busy")));
    let run = app.masthead(&["send", &issue, "--yes", "--json", "--wait", "1s"]).exits(3).says("next try");
    run.ledger().is(&[("accepted", 2), ("queued", 1)]);
    assert_eq!(run.ledger().0["state"], "sending");
    app.masthead(&["status", "7"]).exits(3);
}

#[test]
fn temporary_refusals_end_when_the_schedule_does() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "10ms");
    app.set("MASTHEAD_SEND__GIVE_UP_AFTER", "200ms");
    app.subscribe_many(3);
    app.script(for_reader("reader-1@example.com", Stage::Rcpt, Act::reply(450, "4.2.1 busy")));
    let ledger = app.send(&app.issue(7)).exits(1).ledger();
    ledger.is(&[("accepted", 2), ("expired", 1)]);
    assert_eq!(ledger.0["state"], "sent");
}

#[test]
fn a_permanent_refusal_is_recorded_with_its_class_and_ends_the_run_with_1() {
    let app = App::start();
    app.subscribe_many(4);
    let issue = app.issue(7);
    app.script(for_reader("reader-2@example.com", Stage::Rcpt, Act::reply(550, "5.1.1 no such user")));
    let ledger = app.send(&issue).exits(1).ledger();
    ledger.is(&[("accepted", 3), ("refused", 1)]);
    assert_eq!(ledger.0["refusals"][0]["class"], "hard");
    assert_eq!(ledger.0["refusals"][0]["reply"], "550 5.1.1 no such user");
    app.send(&issue).exits(1);
    assert_eq!(app.mails().len(), 3);
}

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
    for signal in [Signal::INT, Signal::TERM] {
        let app = App::start();
        let readers = app.subscribe_many(60);
        let issue = app.issue(7);
        let (gate, held) = (Gate::default(), Gate::default());
        let (held_gate, holding) = (gate.clone(), held.clone());
        app.script(move |moment| {
            if moment.stage == Stage::Dot && moment.message == 10 {
                holding.open();
                held_gate.hold();
            }
            Act::CarryOn
        });
        let mut sending = app.spawn(&["send", &issue, "--yes", "--json"]);
        held.hold();
        sending.signal(signal);
        sending.wait_for("stopping");
        gate.open();
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
                if *open == 4 {
                    all_here.open();
                }
            }
            Stage::Dot => all_here.hold(),
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
fn who_leaves_during_the_send_gets_no_mail_unless_it_was_on_its_way() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    app.subscribe_many(3);
    let issue = app.issue(7);
    let _web = app.serve();
    let (gate, held) = (Gate::default(), Gate::default());
    let (held_gate, holding) = (gate.clone(), held.clone());
    app.script(move |moment| {
        if moment.stage == Stage::Dot && moment.message == 1 {
            holding.open();
            held_gate.hold();
        }
        Act::CarryOn
    });
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    held.hold();
    for reader in ["reader-0@example.com", "reader-1@example.com"] {
        app.post(&app.unsubscribe_path(reader), "List-Unsubscribe=One-Click").is(200);
    }
    gate.open();
    sending.finish().exits(0).ledger().is(&[("accepted", 2), ("skipped", 1)]);
    once_each(&app, &["reader-0@example.com".into(), "reader-2@example.com".into()]);
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

/// The relay refuses us, not the readers: the send stops, and nobody pays for it.
fn refuses_us(act: impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static) {
    let app = App::start();
    app.set("SMTP_URL", &format!("smtp://ann:secret@{}", app.relay_address()));
    let readers = app.subscribe_many(20);
    let issue = app.issue(7);
    app.script(act);
    let run = app.send(&issue).exits(3).says("stopped: ");
    run.ledger().is(&[("queued", 20)]);
    assert_eq!(app.query("select count(*)::text from suppression"), "0");
    app.heal();
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
    let (gate, held) = (Gate::default(), Gate::default());
    let (held_gate, holding) = (gate.clone(), held.clone());
    app.script(move |moment| {
        if moment.stage == Stage::Dot && moment.message == 10 {
            holding.open();
            held_gate.hold();
        }
        Act::CarryOn
    });
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    held.hold();
    app.query(
        "select pg_terminate_backend(pid)::text from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    );
    gate.open();
    let run = sending.finish();
    assert!(matches!(run.code, Some(0 | 3)), "{}", run.err);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 60)]);
    once_each(&app, &readers);
}

#[test]
fn a_proof_is_the_mail_itself_and_touches_no_ledger() {
    let app = App::start();
    app.subscribe_many(2);
    let issue = app.issue(7);
    let before = app.dump();
    app.masthead(&["send", &issue, "--proof", "ed@example.org", "--proof", "jo@example.org"]).exits(0);
    assert_eq!(app.dump(), before);
    assert_eq!(app.taken().len(), 2);
    let proof = app.mails_to("ed@example.org").remove(0);
    app.send(&issue).exits(0);
    let mail = app.mails_to("reader-0@example.com").remove(0);
    assert_eq!(proof.subject(), mail.subject());
    let without_link = |text: &str, link: &str| text.replace(link, "");
    let (proof_link, mail_link) = (link(&proof, "/u/"), link(&mail, "/u/"));
    let (proof, mail) = (proof.body_html(0).unwrap(), mail.body_html(0).unwrap());
    assert_eq!(without_link(&proof, &proof_link), without_link(&mail, &mail_link));
}

#[test]
fn a_dry_run_writes_what_every_reader_would_get_and_touches_nothing() {
    let app = App::start();
    let readers = app.subscribe_many(5);
    let issue = app.issue(7);
    let before = app.dump();
    app.masthead(&["send", &issue, "--dry-run", "--out", "mail"]).exits(0);
    assert_eq!((app.dump(), app.mails().len()), (before, 0));
    let files = fs::read_dir(app.folder.path().join("mail/new")).unwrap();
    let mut to: Vec<_> = files
        .map(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            let mail = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(mail.subject(), Some("Garden Letters #7: Roots and shoots"));
            mail.to().unwrap().first().unwrap().address().unwrap().to_owned()
        })
        .collect();
    to.sort();
    assert_eq!(to, readers);
}

#[test]
fn the_rate_is_kept() {
    let app = App::start();
    app.subscribe_many(41);
    app.masthead(&["send", &app.issue(7), "--yes", "--rate", "50/s"]).exits(0);
    let at: Vec<_> = app.taken().iter().map(|mail| mail.at).collect();
    let took = at.iter().max().unwrap().duration_since(*at.iter().min().unwrap()).unwrap();
    assert!(took > Duration::from_millis(700), "40 mails at 50/s took {took:?}");
}

#[test]
fn links_that_lead_to_another_database_stop_the_send() {
    let app = App::start();
    app.subscribe_many(2);
    let issue = app.issue(7);
    let ours = app.database_url.clone();
    app.set("DATABASE_URL", &app.another_database());
    let elsewhere = app.serve();
    app.set("DATABASE_URL", &ours);
    app.send(&issue).exits(2).says("serves another database");
    assert_eq!(app.mails().len(), 0);
    elsewhere.kill();
    app.send(&issue).exits(0).says("does not answer");
    app.subscribe_many(3);
    let _web = app.serve();
    let run = app.send(&issue).exits(0);
    assert!(!run.err.contains("warning"), "{}", run.err);
}

#[test]
fn a_database_that_cannot_be_reached_is_said_so_at_once() {
    let app = App::start();
    let issue = app.issue(7);
    app.relay_down(); // nobody listens there now
    app.set("DATABASE_URL", &format!("postgres://{}/masthead", app.relay_address()));
    let run = app.masthead(&["send", &issue, "--yes"]).exits(2).says("DATABASE_URL").says("refused");
    assert!(!run.err.contains("panicked"), "{}", run.err);
}

#[test]
fn the_unsubscribe_address_is_the_same_in_header_text_and_html_and_the_readers_own() {
    let app = App::start();
    let readers = app.subscribe_many(3);
    app.send(&app.issue(7)).exits(0);
    let (mut links, mut ids) = (HashSet::new(), HashSet::new());
    for reader in &readers {
        let mail = app.mails_to(reader).remove(0);
        let link = link(&mail, "/u/");
        assert_eq!(link, app.unsubscribe_path(reader));
        let header = |name: &str| mail.header_raw(name).unwrap().split_whitespace().collect::<String>();
        assert_eq!(header("List-Unsubscribe"), format!("<{}{link}>", app.base_url()));
        assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        links.insert(link);
        ids.insert(mail.message_id().unwrap().to_owned());
    }
    assert_eq!((links.len(), ids.len()), (3, 3));
}

#[test]
fn the_operator_gets_a_report_when_the_send_ends() {
    let app = App::start();
    app.set("MASTHEAD_SEND__OPERATOR", "operator@example.org");
    app.subscribe_many(3);
    app.script(for_reader("reader-2@example.com", Stage::Rcpt, Act::reply(550, "5.1.1 no such user")));
    app.send(&app.issue(7)).exits(1);
    let report = app.mails_to("operator@example.org").remove(0);
    let text = report.body_text(0).unwrap();
    assert!(text.contains("3 in the audience = 2 accepted + 1 refused"), "{text}");
}

#[test]
fn the_status_of_a_killed_send_holds_what_was_on_the_wire_in_doubt() {
    let app = App::start();
    app.subscribe_many(10);
    let issue = app.issue(7);
    let gate = Gate::default();
    let held_gate = gate.clone();
    app.script(move |moment| {
        if moment.stage == Stage::Dot {
            held_gate.hold();
        }
        Act::CarryOn
    });
    let sending = app.spawn(&["send", &issue, "--yes"]);
    wait_until("two messages are on the wire", || app.count("attempting") == 2);
    sending.kill();
    wait_until("the database notices", || app.ledger(7).count("in_doubt") == 2);
    gate.open();
    app.heal();
    app.send(&issue).exits(1).ledger().is(&[("accepted", 8), ("in_doubt", 2)]);
    let ids: HashSet<_> = app.taken().iter().map(|mail| decoded(mail).message_id().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), app.taken().len());
}
