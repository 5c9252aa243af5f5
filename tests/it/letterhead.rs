//! What a newsletter's headers and links are made of is frozen with the issue: whoever sends it, all its mails have that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::fs;

use mail_parser::{Message, MessageParser};
use masthead::catcher::{Act, Stage};
use masthead::newsletter::{BaseUrl, Letterhead, Mailbox, Slug};

use super::app::{App, decoded, wait_until};
use super::chaos::{WAITING, hold_in_database};
use super::send::{at_first, digest, once_each};
use super::worker::{all_together, later, schedule, time_passes, wait_until_sent, worker};

const FROM: &str = "MASTHEAD_NEWSLETTER__GARDEN__FROM";

/// From here on masthead.toml has another sender, at another domain, and the pages are elsewhere.
fn rename(app: &App) {
    app.set(FROM, "Bob <bob@other.example>");
    app.set("MASTHEAD_NEWSLETTER__GARDEN__NAME", "Pond Letters");
    app.set("MASTHEAD_NEWSLETTER__GARDEN__REPLY_TO", "jo@other.example");
    app.set("MASTHEAD_WEB__BASE_URL", "https://other.example");
}

/// Whether a mail is in every place from whom it was when the issue was frozen.
#[track_caller]
fn is_as_before(app: &App, mail: &Message<'_>) {
    let header = |name: &str| mail.header_raw(name).unwrap_or_default().split_whitespace().collect::<String>();
    assert_eq!(header("From"), "GardenLetters<ann@example.org>");
    assert_eq!(header("Reply-To"), "");
    assert_eq!(header("List-Id"), "GardenLetters<garden.example.org>");
    assert_eq!(header("List-Archive"), format!("<{}/garden>", app.base_url()));
    assert!(header("List-Unsubscribe").starts_with(&format!("<{}/u/", app.base_url())));
    assert!(mail.message_id().unwrap().ends_with("@example.org"));
    let whole = String::from_utf8_lossy(mail.raw_message());
    assert!(!whole.contains("other.example") && !whole.contains("Pond"), "{whole}");
}

/// An issue as an earlier version froze it.
fn forget_letterhead(app: &App) {
    app.query("update issue set newsletter_name = null, from_mailbox = null, reply_to = null, base_url = null");
}

/// Whom the mails that the relay took are from, in the envelope and in the header.
fn senders(app: &App) -> HashSet<(String, String)> {
    let sender = |mail: &Message<'_>| mail.from().unwrap().first().unwrap().address().unwrap().to_owned();
    app.taken().iter().map(|mail| (mail.from.clone(), sender(&decoded(mail)))).collect()
}

fn all_from(address: &str) -> HashSet<(String, String)> {
    HashSet::from([(address.to_owned(), address.to_owned())])
}

#[test]
fn an_approved_issue_leaves_from_whom_it_was_approved_for_whatever_masthead_toml_says_then() {
    let app = App::start();
    let readers = app.subscribe_many(5);
    app.set("MASTHEAD_SEND__APPROVAL", "true");
    let issue = app.issue(7);
    let approved = digest(&app, &issue);
    app.masthead(&["send", &issue, "--yes", "--approve", &approved, "--at", &later()]).exits(0);
    rename(&app);
    let differences = "goes out as it was frozen, not as masthead.toml has it: name Garden Letters, not Pond Letters; \
                       from Garden Letters <ann@example.org>, not Bob <bob@other.example>; \
                       reply_to none, not jo@other.example; base_url ";
    let status = app.masthead(&["status"]).exits(3).out;
    assert!(status.contains(differences) && status.contains("`masthead cancel garden/7`"), "{status}");
    let mut worker = worker(&app);
    time_passes(&app);
    worker.wait_for(differences);
    wait_until_sent(&app);
    once_each(&app, &readers);
    for mail in app.taken() {
        is_as_before(&app, &decoded(&mail));
        assert_eq!(mail.from, "ann@example.org");
    }
    let status = app.masthead(&["status"]).exits(0).out;
    assert!(!status.contains("frozen"), "it is over: {status}");
}

#[test]
fn what_another_froze_under_the_number_in_the_meantime_must_be_what_was_approved() {
    let app = App::start();
    let readers = app.subscribe_many(3);
    let issue = app.issue(7);
    let approved = digest(&app, &issue);
    hold_in_database(&app, "before insert on issue for each row when (new.from_mailbox like '%<ann@example.org>')");
    let sending = app.spawn(&["send", &issue, "--yes", "--approve", &approved]);
    wait_until("it is about to freeze the issue", || app.query(WAITING) == "1");
    app.set(FROM, "bob@example.org");
    app.send(&issue).exits(0);
    app.query("select pg_advisory_unlock(77)::text");
    sending.finish().exits(2).says("garden/7 is not what was approved");
    once_each(&app, &readers);
    assert_eq!(senders(&app), all_from("bob@example.org"));
}

#[test]
fn two_who_send_an_issue_with_other_configurations_send_it_from_one() {
    let app = App::start();
    let readers = app.subscribe_many(300);
    let issue = app.issue(7);
    app.set(FROM, "bob@other.example");
    let _worker = worker(&app);
    app.unset(FROM);
    all_together(&app, 2);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 300)]);
    once_each(&app, &readers);
    assert_eq!(app.query("select count(distinct worker_id)::text from ledger where state = 'accepted'"), "2");
    assert_eq!(senders(&app), all_from("ann@example.org"));
}

#[test]
fn a_retry_is_the_same_message_after_the_sender_has_moved_to_another_domain() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "30m");
    let readers = app.subscribe_many(4);
    let issue = app.issue(7);
    app.script(at_first(Stage::Dot, Act::reply(451, "4.7.1 greylisted, come back")));
    app.masthead(&["send", &issue, "--yes", "--wait", "0s"]).exits(3);
    app.query("update ledger set next_at = now() where next_at is not null");
    app.query("update chunk set next_at = now() where next_at is not null");
    rename(&app);
    app.send(&issue).exits(0).says("warning: garden/7 goes out as it was frozen").ledger().is(&[("accepted", 4)]);
    for reader in &readers {
        let tries: Vec<_> = app.mails().into_iter().filter(|mail| mail.to == [reader.clone()]).collect();
        assert_eq!(tries.len(), 2);
        assert_eq!((&tries[0].from, &tries[0].raw), (&tries[1].from, &tries[1].raw));
    }
}

#[test]
fn who_joined_since_gets_the_issue_from_whom_all_others_got_it() {
    let app = App::start();
    app.subscribe_many(2);
    let issue = app.issue(7);
    app.send(&issue).exits(0);
    rename(&app);
    let readers = app.subscribe_many(4);
    let asked = format!("{} does not answer", app.base_url());
    app.send(&issue).exits(0).says("warning: garden/7 goes out as it was frozen").says(&asked);
    once_each(&app, &readers);
    app.taken().iter().for_each(|mail| is_as_before(&app, &decoded(mail)));
}

#[test]
fn an_issue_that_waits_is_refused_with_another_sender_as_with_other_content() {
    let app = App::start();
    let readers = app.subscribe_many(3);
    let issue = app.issue(7);
    schedule(&app, &issue);
    let before = app.dump();
    app.set(FROM, "bob@example.org");
    let dry = ["send", &issue, "--dry-run", "--out", "mail"];
    for arguments in [&["send", &issue, "--yes"][..], &["send", &issue, "--yes", "--at", &later()], &dry] {
        app.masthead(arguments)
            .exits(2)
            .says("garden/7 was scheduled with other settings than masthead.toml has: from")
            .says("`masthead cancel garden/7`");
    }
    assert_eq!((app.dump(), app.taken().len()), (before, 0));
    app.unset(FROM);
    app.send(&issue).exits(0);
    once_each(&app, &readers);
}

#[test]
fn an_issue_of_an_earlier_version_goes_out_from_whoever_sends_it_first_to_everybody() {
    let app = App::start();
    let readers = app.subscribe_many(300);
    let issue = app.issue(7);
    let hold = app.hold_at(1);
    schedule(&app, &issue);
    forget_letterhead(&app);
    assert!(!app.masthead(&["status"]).exits(3).out.contains("frozen"));
    app.set(FROM, "Bob <bob@example.org>");
    let _worker = worker(&app);
    time_passes(&app);
    hold.reached();
    app.unset(FROM);
    assert_eq!(app.query("select from_mailbox from issue"), "Bob <bob@example.org>");
    let mut sending = app.spawn(&["send", &issue, "--yes"]);
    sending.wait_for("from Bob <bob@example.org>, not Garden Letters <ann@example.org>");
    wait_until("both have work in hand", || {
        app.query("select count(distinct worker_id)::text from chunk where worker_id is not null") == "2"
    });
    hold.release();
    sending.finish().exits(0);
    wait_until_sent(&app);
    once_each(&app, &readers);
    assert_eq!(senders(&app), all_from("bob@example.org"));
}

#[test]
fn of_many_who_take_up_an_issue_of_an_earlier_version_one_says_whom_it_is_from() {
    let app = App::start();
    schedule(&app, &app.issue(7));
    forget_letterhead(&app);
    let own = |number: usize| Letterhead {
        slug: Slug::parse("garden").unwrap(),
        name: "Garden Letters".into(),
        from: Mailbox::parse(&format!("\"Ann, the {number}. \\\"A\\\"\" <ann-{number}@example.org>")).unwrap(),
        reply_to: number.is_multiple_of(2).then(|| Mailbox::parse("jo@example.org").unwrap()),
        base_url: BaseUrl::parse("https://news.example.org").unwrap(),
    };
    let (store, newsletter_id) = (app.store(), app.newsletter_id());
    let found = app.block_on(async {
        let issue = store.issue(newsletter_id, 7).await.unwrap().unwrap();
        let mut takers = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (store, issue) = (store.clone(), issue.clone());
            takers.spawn(async move { store.letterhead(&issue, &own(number)).await.unwrap().clone() });
        }
        takers.join_all().await
    });
    assert!(found.iter().all(|letterhead| *letterhead == found[0]), "{found:?}");
    assert!((0..8).any(|number| *found[0] == own(number)), "{:?}", found[0]);
}

#[test]
fn a_dry_run_and_a_rehearsal_of_a_known_issue_are_what_leaves_of_it() {
    let app = App::start();
    app.subscribe_many(3);
    let issue = app.issue(7);
    app.masthead(&["send", &issue, "--yes"]).exits(0);
    let approved = digest(&app, &issue);
    rename(&app);
    app.subscribe_many(5);
    let dry = ["send", &issue, "--dry-run", "--out", "dry", "--approve", &approved];
    app.masthead(&dry).exits(0).says("warning: garden/7 goes out as it was frozen").says("wrote 2 messages");
    let other = digest(&app, &issue);
    app.masthead(&["send", &issue, "--dry-run", "--out", "dry", "--approve", &other])
        .exits(2)
        .says("not what was approved");
    app.masthead(&["rehearse", &issue, "--out", "rehearsed"])
        .exits(0)
        .says("warning: garden/7 goes out as it was frozen");
    for (folder, count) in [("dry", 2), ("rehearsed", 5)] {
        let files: Vec<_> = fs::read_dir(app.folder.path().join(folder).join("new")).unwrap().collect();
        assert_eq!(files.len(), count);
        for file in files {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            is_as_before(&app, &MessageParser::default().parse(&bytes).unwrap());
        }
    }
}

#[test]
fn a_signature_that_no_longer_fits_the_sender_is_said_by_whoever_sends() {
    let app = App::start();
    app.subscribe_many(1);
    app.masthead(&["doctor", "--new-key"]).exits(0);
    app.append("masthead.toml", "[dkim]\n");
    let issue = app.issue(7);
    schedule(&app, &issue);
    rename(&app);
    let said = "DKIM signs for other.example, mail is from example.org";
    let mut worker = worker(&app);
    time_passes(&app);
    worker.wait_for(said);
    wait_until_sent(&app);
    app.subscribe_many(2);
    app.send(&issue).exits(0).says(said);
}
