//! The send: everybody once, whatever the relay, the network and the operator do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use masthead::catcher::{Act, Moment, Stage};

use super::app::{App, Gate, link, wait_until};

/// Acts so at the first try for each reader, and well from then on.
pub(crate) fn at_first(stage: Stage, act: Act) -> impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static {
    let met = Mutex::new(HashSet::new());
    move |moment| match moment.to.first() {
        Some(reader) if moment.stage == stage && met.lock().unwrap().insert(reader.clone()) => act.clone(),
        _ => Act::CarryOn,
    }
}

/// Acts so for one reader.
pub(crate) fn for_reader(reader: &str, stage: Stage, act: Act) -> impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static {
    let reader = [reader.to_owned()];
    move |moment| if moment.stage == stage && moment.to == reader { act.clone() } else { Act::CarryOn }
}

pub(crate) fn once_each(app: &App, readers: &[String]) {
    let wanted: HashMap<_, _> = readers.iter().map(|reader| (reader.clone(), 1)).collect();
    assert_eq!(app.per_reader(), wanted);
}

#[test]
fn an_issue_without_anybody_to_send_it_to_is_refused_and_its_number_stays_free() {
    let app = App::start();
    let issue = app.issue(7);
    app.send(&issue).exits(2).says("`garden` has nobody to send it to").says("hint: ");
    assert_eq!(app.query("select count(*)::text from issue"), "0");
    // Of another content, too.
    let issue = app.issue_with(7, "Better words.");
    app.subscribe_many(2);
    app.send(&issue).exits(0).ledger().is(&[("accepted", 2)]);
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
fn who_leaves_during_the_send_gets_no_mail_unless_it_was_on_its_way() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    app.subscribe_many(3);
    let issue = app.issue(7);
    let _web = app.serve();
    let hold = app.hold_at(1);
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    hold.reached();
    for reader in ["reader-0@example.com", "reader-1@example.com"] {
        app.post(&app.unsubscribe_path(reader), "List-Unsubscribe=One-Click").is(200);
    }
    hold.release();
    sending.finish().exits(0).ledger().is(&[("accepted", 2), ("skipped", 1)]);
    once_each(&app, &["reader-0@example.com".into(), "reader-2@example.com".into()]);
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
fn whoever_waits_for_a_relay_that_waits_for_tls_is_told_its_url_soon() {
    let app = App::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    app.set("SMTP_URL", &format!("smtp://{address}?tls=required"));
    let since = Instant::now();
    let examined = app.spawn(&["doctor"]);
    let url = format!("its URL is smtps://{address}");
    app.masthead(&["send", &app.issue(7), "--proof", "ed@example.org"]).exits(2).says(&url);
    assert!(examined.finish().exits(2).out.contains(&url));
    assert!(since.elapsed() < Duration::from_secs(40), "it took {:?}", since.elapsed());
}

/// The digest that `masthead render` prints.
pub(crate) fn digest(app: &App, file: &str) -> String {
    let rendered = app.masthead(&["render", file, "--out", "out"]).exits(0);
    rendered.err.lines().find_map(|line| line.strip_prefix("digest ")).unwrap().to_owned()
}

#[test]
fn only_what_was_approved_leaves() {
    let app = App::start();
    app.subscribe_many(2);
    let issue = app.issue(7);
    let approved = digest(&app, &issue);
    app.append(&issue, "One more thing.");
    let changed = app.masthead(&["send", &issue, "--yes", "--approve", &approved]).exits(2);
    changed.says("garden/7 is not what was approved");
    assert_eq!((app.query("select count(*)::text from issue"), app.taken().len()), ("0".to_owned(), 0));

    let approved = digest(&app, &issue);
    app.set("MASTHEAD_NEWSLETTER__GARDEN__REPLY_TO", "jo@example.org");
    app.masthead(&["send", &issue, "--yes", "--approve", &approved]).exits(2).says("not what was approved");
    app.unset("MASTHEAD_NEWSLETTER__GARDEN__REPLY_TO");
    app.masthead(&["send", &issue, "--yes", "--approve", &approved]).exits(0);
    assert_eq!(app.taken().len(), 2);
}

#[test]
fn where_approval_is_wanted_nothing_leaves_without() {
    let app = App::start();
    app.subscribe_many(2);
    app.set("MASTHEAD_SEND__APPROVAL", "true");
    let issue = app.issue(7);
    app.send(&issue).exits(2).says("garden/7 is not approved");
    app.masthead(&["send", &issue, "--yes", "--approve", "1234"]).exits(2).says("64 hex digits");
    assert_eq!((app.query("select count(*)::text from issue"), app.taken().len()), ("0".to_owned(), 0));
    app.masthead(&["send", &issue, "--yes", "--approve", &digest(&app, &issue)]).exits(0);
    assert_eq!(app.taken().len(), 2);
    // It goes on as it is.
    app.subscribe(&["late@example.org"]);
    app.send(&issue).exits(0);
    assert_eq!(app.taken().len(), 3);
}

#[test]
fn an_error_of_the_check_stops_a_send_and_a_warning_does_not() {
    let app = App::start();
    app.subscribe_many(2);
    let issue = app.issue_with(7, "TODO: an intro.\n\nSee [the beds](/beds) and [the seeds](http://seeds.example/).");
    let refused = app.send(&issue).exits(2).says("7.md:3:1").says("7.md:5:").says("has 2 errors, which stop a send");
    assert!(!refused.err.contains("link-http"), "a warning is not shown: {}", refused.err);
    app.masthead(&["send", &issue, "--dry-run", "--out", "mail"]).exits(2).says("error[placeholder]");
    app.masthead(&["send", &issue, "--yes", "--at", "2999-01-01 00:00"]).exits(2).says("error[link-relative]");
    app.masthead(&["rehearse", &issue]).exits(0).says("error[placeholder]").says("2 errors, which stop a send");
    assert_eq!((app.query("select count(*)::text from issue"), app.taken().len()), ("0".to_owned(), 0));

    let issue = app.issue_with(
        7,
        "<!-- masthead: allow placeholder: it is what the letter is about -->\nTODO: an intro.\n\n\
         See [the seeds](http://seeds.example/).",
    );
    app.send(&issue).exits(0);
    assert_eq!(app.taken().len(), 2);
}

#[test]
fn what_was_frozen_goes_on_whatever_the_check_says_of_it_by_now() {
    let app = App::start();
    app.subscribe_many(1);
    let [first, second] = [7, 8].map(|number| app.issue_with(number, "See [the seeds](http://seeds.example/)."));
    app.send(&first).exits(0);
    app.append("masthead.toml", "\n[check.rules]\nlink-http = \"error\"\n");
    app.send(&second).exits(2).says("error[link-http]");
    let readers = app.subscribe_many(2);
    app.send(&first).exits(0);
    once_each(&app, &readers);
}

#[test]
fn a_day_in_the_name_of_the_file_is_the_issues_own_for_every_command() {
    let app = App::start();
    app.subscribe_many(1);
    let issue = app.issue(7);
    let named = "2024-06-08-letter.md";
    std::fs::rename(app.folder.path().join(&issue), app.folder.path().join(named)).unwrap();
    assert_eq!(app.masthead(&["parse", named]).exits(0).json()["date"], "2024-06-08");
    let approved = digest(&app, named);
    app.masthead(&["send", named, "--yes", "--approve", &approved]).exits(0);
    assert_eq!(app.query("select issue_date::text from issue"), "2024-06-08");
    let formatted = app.masthead(&["fmt", named]).exits(0);
    assert!(!formatted.out.contains("2024"), "the file's own text has no date: {}", formatted.out);
}

#[test]
fn a_dry_run_refuses_what_a_send_would() {
    let app = App::start();
    app.subscribe_many(2);
    let issue = app.issue(7);
    let approved = digest(&app, &issue);
    let dry = ["send", &issue, "--dry-run", "--out", "mail"];
    app.masthead(&[&dry[..], &["--approve", &"0".repeat(64)]].concat()).exits(2).says("not what was approved");
    app.set("MASTHEAD_SEND__APPROVAL", "true");
    app.masthead(&dry).exits(2).says("garden/7 is not approved");
    assert!(!app.folder.path().join("mail").exists());
    app.masthead(&[&dry[..], &["--approve", &approved]].concat()).exits(0).says("wrote 2 messages");
    app.masthead(&["send", &issue, "--yes", "--approve", &approved]).exits(0);
    app.append(&issue, "One more thing.");
    app.masthead(&dry).exits(2).says("was sent already with other content");
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
fn who_is_suppressed_is_not_in_the_audience() {
    let app = App::start();
    app.subscribe_many(3);
    app.query(
        "insert into suppression (address_hash, reason)
         select address_hash, 'bounced' from subscriber where email = 'reader-1@example.com'",
    );
    let ledger = app.send(&app.issue(7)).exits(0).ledger();
    ledger.is(&[("accepted", 2)]);
    once_each(&app, &["reader-0@example.com".into(), "reader-2@example.com".into()]);
}

#[test]
fn who_is_erased_during_the_send_gets_no_mail() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "1");
    app.subscribe_many(3);
    let issue = app.issue(7);
    let hold = app.hold_at(1);
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    hold.reached();
    app.masthead(&["subscribers", "erase", "reader-1@example.com", "--yes"]).exits(0);
    hold.release();
    sending.finish().exits(0).ledger().is(&[("accepted", 2), ("skipped", 1)]);
    once_each(&app, &["reader-0@example.com".into(), "reader-2@example.com".into()]);
}

#[test]
fn two_newsletters_have_readers_and_numbers_of_their_own() {
    let app = App::start();
    let pond = "[newsletter.pond]\nname = \"Pond\"\nfrom = \"bob@example.org\"\npostal_address = \"2 Lake Road\"\n";
    app.append("masthead.toml", pond);
    let issue = app.issue(7);
    let add = |slug: &str, reader: &str| {
        app.masthead(&["subscribers", "--newsletter", slug, "add", reader]).exits(0);
    };
    add("garden", "ann@readers.example");
    add("pond", "ann@readers.example");
    add("pond", "bob@readers.example");
    app.send(&issue).exits(2).says("--newsletter");
    app.write(
        "said.md",
        "---\nnewsletter: garden\n---\n# Garden Letters #7: Roots\n\n- [Moss](https://moss.example/)\n",
    );
    app.masthead(&["send", "said.md", "--yes"]).exits(0);
    app.masthead(&["subscribers", "--newsletter", "garden", "remove", "ann@readers.example"]).exits(0);
    app.masthead(&["send", &issue, "--newsletter", "pond", "--yes"]).exits(0).says("the title names");
    assert_eq!(app.mails_to("ann@readers.example").len(), 2);
    assert_eq!(app.mails_to("bob@readers.example").len(), 1);
}

#[test]
fn what_no_mail_shows_of_a_style_sheet_is_said_before_the_send() {
    let app = App::start();
    app.subscribe(&["ann@example.com"]);
    app.write("mail.css", "h1 { color: #123456 }\n.nobody { color: #123456 }\n");
    app.append("masthead.toml", "[newsletter.garden.theme]\ncss = \"mail.css\"\n");
    let said = "warning: style sheet `mail.css`, line 2: no part of a mail has the class `nobody`";
    app.send(&app.issue(7)).exits(0).says(said).ledger().is(&[("accepted", 1)]);
}

/// The pool has eight at most; the writer and the worker's lease have one each.
#[test]
fn a_send_over_many_connections_has_few_sessions_in_postgres() {
    let app = App::start();
    app.set("MASTHEAD_SMTP__CONNECTIONS", "32");
    app.subscribe_many(600);
    let issue = app.issue(7);
    let sessions = "select count(*)::text from pg_stat_activity
                    where datname = current_database() and application_name = 'masthead'";
    // The harness has its own.
    let before: usize = app.query(sessions).parse().unwrap();
    let (all_here, connections) = (Gate::default(), AtomicUsize::new(0));
    let gate = all_here.clone();
    app.script(move |moment| {
        let is_last = moment.stage == Stage::Connect && connections.fetch_add(1, Ordering::Relaxed) == 31;
        if is_last {
            gate.open();
        }
        Act::CarryOn
    });
    let sending = app.spawn(&["send", &issue, "--yes", "--json"]);
    let mut most = 0;
    wait_until("it is sent", || {
        most = app.query(sessions).parse::<usize>().unwrap().saturating_sub(before).max(most);
        app.query("select count(*)::text from issue where state = 'sent'") == "1"
    });
    all_here.wait();
    assert!((2..=10).contains(&most), "{most} sessions");
    sending.finish().exits(0).ledger().is(&[("accepted", 600)]);
}
