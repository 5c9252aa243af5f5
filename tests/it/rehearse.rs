//! A rehearsal: the whole send, and nothing of it stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use mail_parser::MessageParser;

use super::app::{App, link, wait_until};
use super::send::once_each;

/// Whether the rehearsal's tables are there.
fn is_under_way(app: &App) -> bool {
    app.query("select count(*)::text from information_schema.schemata where schema_name = 'rehearsal'") == "1"
}

#[test]
fn a_rehearsal_mails_everybody_into_a_catcher_and_leaves_nothing() {
    let app = App::start();
    let readers = app.subscribe_many(40);
    let issue = app.issue(7);
    let before = app.dump();
    // Neither is asked.
    let relay = format!("smtp://{}", app.relay_address());
    app.unset("SMTP_URL");
    let run = app.masthead(&["rehearse", &issue, "--json", "--out", "mail"]).exits(0).says("40 messages");
    run.ledger().is(&[("accepted", 40)]);
    let figures = &run.json()["rehearsal"];
    let files: Vec<_> = fs::read_dir(app.folder.path().join("mail/new")).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!((files.len(), &figures["messages"]), (40, &40.into()));
    assert!(figures["largest_bytes"].as_u64().unwrap() > 1_000);
    let unseen = app.masthead(&["rehearse", &issue, "--json"]).exits(0);
    assert_eq!(unseen.json()["rehearsal"]["largest_bytes"], figures["largest_bytes"], "also where nobody keeps them");
    assert_eq!((app.dump(), is_under_way(&app), app.mails().len()), (before, false, 0));

    // What was rehearsed is what leaves, and the links lead to the same.
    app.set("SMTP_URL", &relay);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 40)]);
    once_each(&app, &readers);
    let rehearsed =
        files.iter().map(|file| MessageParser::default().parse(&fs::read(file).unwrap()).unwrap().into_owned());
    for rehearsed in rehearsed {
        let reader = rehearsed.to().unwrap().first().unwrap().address().unwrap();
        let sent = app.mails_to(reader).remove(0);
        assert_eq!(rehearsed.body_html(0), sent.body_html(0));
        assert_eq!(link(&rehearsed, "/u/"), link(&sent, "/u/"));
    }
}

#[test]
fn a_rehearsal_that_is_killed_hurts_nobody_and_the_next_one_clears_up() {
    let app = App::start();
    let readers = app.subscribe_many(30);
    let issue = app.issue(7);
    let rehearsing = app.spawn(&["rehearse", &issue, "--rate", "5/s"]);
    let accepted = "select count(*)::text from rehearsal.ledger where state = 'accepted'";
    wait_until("it is under way", || is_under_way(&app) && app.query(accepted) != "0");
    app.masthead(&["rehearse", &issue]).exits(2).says("another rehearsal is under way");
    rehearsing.kill();
    app.send(&issue).exits(0).ledger().is(&[("accepted", 30)]);
    app.masthead(&["audit", "7"]).exits(0);
    once_each(&app, &readers);
    wait_until("the next one may begin", || app.masthead(&["rehearse", &issue]).code == Some(0));
    assert!(!is_under_way(&app));
    app.ledger(7).is(&[("accepted", 30)]);
    assert_eq!(app.taken().len(), 30);
}

#[test]
fn a_rehearsal_during_a_send_touches_none_of_it() {
    let app = App::start();
    let readers = app.subscribe_many(30);
    let issue = app.issue(7);
    let hold = app.hold_at(5);
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    hold.reached();
    app.masthead(&["rehearse", &issue]).exits(0).says("is sending already");
    app.masthead(&["rehearse", &app.issue_with(7, "Other words.")]).exits(2).says("other content");
    hold.release();
    sending.finish().exits(0).ledger().is(&[("accepted", 30)]);
    once_each(&app, &readers);
}
