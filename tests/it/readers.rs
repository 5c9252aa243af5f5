//! The readers' web, by form posts and by the links in the mail: sign up, confirm, leave, be forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use masthead::catcher::{Act, Stage};
use rustix::process::Signal;

use super::app::{Answer, App, Gate, link, text, wait_until};

const ANN: &str = "ann@readers.example";

/// Signs an address up and returns the path of the link in its confirmation mail.
fn confirmation_link(app: &App, address: &str) -> String {
    app.sign_up(address).is(200);
    wait_until("the confirmation mail came", || !app.mails_to(address).is_empty());
    link(&app.mails_to(address).remove(0), "/c/")
}

/// Signs an address up and confirms; returns when the welcome is there.
fn join(app: &App, address: &str) {
    app.post(&confirmation_link(app, address), "").is(200);
    wait_until("the welcome came", || app.mails_to(address).len() == 2);
}

/// Returns when all that was queued so far is mailed: what comes later is mailed later.
fn outbox_is_empty(app: &App) {
    let queued = "select count(*)::text from (select mail from signup union all select mail from notice) m
                  where mail = 'queued'";
    wait_until("the outbox has recorded every mail", || app.query(queued) == "0");
}

/// The subjects of what a reader got.
fn subjects(app: &App, address: &str) -> Vec<String> {
    app.mails_to(address).iter().map(|mail| mail.subject().unwrap().to_owned()).collect()
}

#[test]
fn a_reader_signs_up_and_confirms_without_javascript() {
    let app = App::start();
    let _web = app.serve();
    let page = app.get("/garden").is(200).body;
    assert!(page.contains(r#"<form method="post" action="/garden/subscribe">"#) && page.contains(r#"name="email""#));
    let path = confirmation_link(&app, ANN);
    assert_eq!(app.state_of(ANN), "pending");

    let asked = app.get(&path).is(200).body;
    assert!(asked.contains(r#"<form method="post">"#), "{asked}");
    assert_eq!(app.state_of(ANN), "pending");
    app.post(&path, "").is(200);
    let profile = app.profile(ANN);
    assert_eq!(profile["subscriptions"][0]["state"], "active");
    let acts: Vec<_> = profile["consent"].as_array().unwrap().iter().map(|record| &record["act"]).collect();
    assert_eq!(acts, ["signed up", "confirmed"]);
    assert_eq!(profile["consent"][1]["network"], "127.0.0.1");

    app.send(&app.issue(7)).exits(0);
    outbox_is_empty(&app);
    assert_eq!(app.mails_to(ANN).len(), 3, "confirmation, welcome, issue");
}

#[test]
fn no_page_has_a_script_or_sets_a_cookie() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&[ANN]);
    app.send(&app.issue(7)).exits(0);
    let confirm = confirmation_link(&app, "bob@readers.example");
    let pages = ["/garden", "/garden/7", "/nowhere", &app.unsubscribe_path(ANN), &confirm].map(|path| app.get(path));
    for Answer { head, body, .. } in pages {
        assert!(!body.contains("<script") && !body.contains("javascript:"), "{body}");
        assert!(!head.contains("set-cookie"), "{head}");
        assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
        assert!(head.contains("referrer-policy: no-referrer"), "{head}");
    }
}

#[test]
fn the_answer_to_a_sign_up_does_not_tell_whether_the_address_is_known() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&["active@readers.example", "left@readers.example", "erased@readers.example"]);
    app.post(&app.unsubscribe_path("left@readers.example"), "").is(200);
    app.masthead(&["subscribers", "erase", "erased@readers.example", "--yes"]).exits(0);
    let answer = |address: &str| {
        let Answer { status, head, body } = app.sign_up(address);
        let head: Vec<_> = head.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect();
        (status, head, body)
    };
    let new = answer("new@readers.example");
    assert_eq!(new.0, 200);
    for known in ["new", "active", "left", "erased"] {
        assert_eq!(answer(&format!("{known}@readers.example")), new, "{known}");
    }
}

#[test]
fn a_thousand_sign_ups_of_an_address_make_one_mail() {
    let app = App::start();
    app.set("MASTHEAD_WEB__SIGNUPS_PER_HOUR", "100000");
    let _web = app.serve();
    thread::scope(|scope| {
        for spelling in [ANN, "ANN@readers.example", "Ann@Readers.Example", ANN] {
            let app = &app;
            scope.spawn(move || (0..250).for_each(|_| drop(app.sign_up(spelling).is(200))));
        }
    });
    confirmation_link(&app, "last@readers.example");
    assert_eq!(app.taken().len(), 2);
    assert_eq!(app.query("select count(*)::text from signup where mail <> 'none'"), "2");
}

#[test]
fn a_network_can_sign_up_so_many_an_hour_and_no_forged_header_helps() {
    let app = App::start();
    app.set("MASTHEAD_WEB__SIGNUPS_PER_HOUR", "3");
    let _web = app.serve();
    for number in 0..3 {
        app.sign_up(&format!("reader-{number}@readers.example")).is(200);
    }
    let forged = "X-Forwarded-For: 203.0.113.9\r\n";
    app.post_with("/garden/subscribe", forged, "email=more%40readers.example").is(429);
    assert_eq!(app.state_of("more@readers.example"), "");
}

#[test]
fn the_consent_record_has_the_network_behind_trusted_proxies_only() {
    let app = App::start();
    let network = |address: &str, form: &str| {
        let headers = "X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\n";
        app.post_with("/garden/subscribe", headers, form).is(200);
        app.profile(address)["consent"][0]["network"].as_str().unwrap().to_owned()
    };
    let direct = app.serve();
    assert_eq!(network("one@readers.example", "email=one%40readers.example"), "127.0.0.1");
    drop(direct);
    app.set("MASTHEAD_WEB__TRUSTED_PROXIES", "127.0.0.1");
    let _behind = app.serve();
    assert_eq!(network("two@readers.example", "email=two%40readers.example"), "203.0.113.9");
}

#[test]
fn what_is_no_address_is_asked_for_again() {
    let app = App::start();
    let _web = app.serve();
    let before = app.dump();
    for form in ["", "email=", "email=%3Cscript%3E", "email=a%40b", "email=a%0d%0aBcc%3Ax%40y.example", "name=x"] {
        let answer = app.post("/garden/subscribe", form).is(422);
        assert!(answer.body.contains("<form") && !answer.body.contains("<script"), "{}", answer.body);
    }
    assert_eq!(app.dump(), before);
}

#[test]
fn a_confirmation_mail_survives_a_killed_server_and_a_relay_that_is_down() {
    let app = App::start();
    app.relay_down();
    let mut web = app.serve();
    app.sign_up(ANN).is(200);
    web.wait_for("the relay cannot be reached");
    web.kill();
    app.relay_up();
    let _web = app.serve();
    app.wait_for_mails(1);
    app.post(&link(&app.mails_to(ANN).remove(0), "/c/"), "").is(200);
    assert_eq!(app.state_of(ANN), "active");
}

#[test]
fn a_confirmation_mail_that_the_relay_puts_off_is_tried_again() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "1s");
    app.script(|moment| match (moment.connection, moment.stage) {
        (1, Stage::Dot) => Act::reply(421, "4.7.0 later"),
        _ => Act::CarryOn,
    });
    let _web = app.serve();
    confirmation_link(&app, ANN);
    let tries = app.mails();
    assert_eq!((tries.len(), &tries[0].raw), (2, &tries[1].raw));
}

#[test]
fn two_servers_at_once_mail_every_confirmation_once() {
    let app = App::start();
    let _web = app.serve();
    let mut another = app.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    another.wait_for("serving on");
    for number in 0..5 {
        app.sign_up(&format!("reader-{number}@readers.example")).is(200);
    }
    app.wait_for_mails(5);
    another.signal(Signal::TERM);
    another.finish().exits(0);
    assert_eq!((app.taken().len(), app.per_reader().len()), (5, 5));
}

#[test]
fn who_confirms_is_welcomed_once_with_the_newest_issue_and_the_way_out() {
    let app = App::start();
    let _web = app.serve();
    let path = confirmation_link(&app, "early@readers.example");
    app.post(&path, "").is(200);
    app.subscribe(&["bob@readers.example"]);
    app.send(&app.issue(7)).exits(0);
    app.send(&app.issue(8)).exits(0);
    join(&app, ANN);
    app.post(&link(&app.mails_to(ANN)[0], "/c/"), "").is(200);
    outbox_is_empty(&app);
    assert_eq!(subjects(&app, ANN), ["Confirm your subscription to Garden Letters", "Welcome to Garden Letters"]);

    let welcome = app.mails_to(ANN).remove(1);
    assert_eq!(link(&welcome, "/garden/"), "/garden/8");
    let leave = link(&welcome, "/u/");
    assert_eq!(welcome.header_raw("List-Unsubscribe").unwrap().trim(), format!("<{}{leave}>", app.base_url()));
    assert_eq!(welcome.header_raw("List-Unsubscribe-Post").unwrap().trim(), "List-Unsubscribe=One-Click");
    app.post(&leave, "List-Unsubscribe=One-Click").is(200);
    assert_eq!(app.state_of(ANN), "unsubscribed");

    let early = app.mails_to("early@readers.example").remove(1);
    assert!(!early.body_text(0).unwrap().contains("/garden/"), "no issue was out yet");
}

#[test]
fn readers_who_came_by_import_or_by_hand_are_not_welcomed() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&[ANN]);
    app.masthead(&["subscribers", "add", "bob@readers.example"]).exits(0);
    app.post(&confirmation_link(&app, ANN), "").is(200);
    assert_eq!(app.query("select count(*)::text from notice"), "0", "Ann was a reader before she confirmed");
}

#[test]
fn a_newsletter_can_do_without_welcomes() {
    let app = App::start();
    app.set("MASTHEAD_NEWSLETTER__GARDEN__WELCOME", "false");
    let _web = app.serve();
    app.post(&confirmation_link(&app, ANN), "").is(200);
    assert_eq!(app.state_of(ANN), "active");
    assert_eq!(app.query("select count(*)::text from notice"), "0");
}

#[test]
fn a_goodbye_follows_where_it_is_configured_and_never_a_one_click() {
    let app = App::start();
    let readers = ["page@readers.example", "click@readers.example", "removed@readers.example"];
    app.subscribe(&readers);
    app.subscribe(&["quiet@readers.example"]);
    let web = app.serve();
    app.post(&app.unsubscribe_path("quiet@readers.example"), "").is(200);
    assert_eq!(app.query("select count(*)::text from notice"), "0", "none unless asked for");
    drop(web);

    app.set("MASTHEAD_NEWSLETTER__GARDEN__GOODBYE", "true");
    let _web = app.serve();
    app.post(&app.unsubscribe_path(readers[1]), "List-Unsubscribe=One-Click").is(200);
    app.masthead(&["subscribers", "remove", readers[2]]).exits(0);
    for _ in 0..2 {
        app.post(&app.unsubscribe_path(readers[0]), "").is(200);
    }
    app.wait_for_mails(1);
    outbox_is_empty(&app);
    assert_eq!(subjects(&app, readers[0]), ["You have left Garden Letters"]);
    assert_eq!(app.taken().len(), 1);
    let goodbye = app.mails_to(readers[0]).remove(0);
    assert!(goodbye.body_text(0).unwrap().contains(&format!("{}/garden", app.base_url())));
    assert!(goodbye.header_raw("List-Unsubscribe").is_none());
}

#[test]
fn who_left_or_is_suppressed_before_the_relay_is_back_gets_no_welcome() {
    let app = App::start();
    app.set("MASTHEAD_NEWSLETTER__GARDEN__GOODBYE", "true");
    let addresses = ["left@readers.example", "bounced@readers.example", "page@readers.example"];
    let mut web = app.serve();
    let paths = addresses.map(|address| confirmation_link(&app, address));
    outbox_is_empty(&app);
    app.relay_down();
    for path in &paths {
        app.post(path, "").is(200);
    }
    web.wait_for("the relay cannot be reached");
    app.post(&app.unsubscribe_path(addresses[0]), "List-Unsubscribe=One-Click").is(200);
    app.post(&app.unsubscribe_path(addresses[2]), "").is(200);
    app.query(&format!(
        "insert into suppression select address_hash, 'bounced' from subscriber where email = '{}'",
        addresses[1]
    ));
    app.relay_up();
    outbox_is_empty(&app);
    assert_eq!(addresses.map(|address| subjects(&app, address).len()), [1, 1, 2]);
    assert_eq!(subjects(&app, addresses[2])[1], "You have left Garden Letters");
    let fates = app.query("select kind || ' ' || mail from notice order by id");
    assert_eq!(fates, "welcome skipped\nwelcome skipped\nwelcome skipped\ngoodbye accepted");
}

#[test]
fn a_welcome_survives_a_killed_server_and_is_the_same_on_every_try() {
    let app = App::start();
    app.set("MASTHEAD_SEND__RETRY", "1s");
    app.subscribe(&["bob@readers.example"]);
    let web = app.serve();
    let path = confirmation_link(&app, ANN);
    outbox_is_empty(&app);
    let (reached, released) = (Gate::default(), Gate::default());
    let gates = (reached.clone(), released.clone());
    app.script(move |moment| match moment.stage {
        Stage::Dot => {
            gates.0.open();
            gates.1.wait();
            Act::reply(451, "4.3.0 later")
        }
        _ => Act::CarryOn,
    });
    app.post(&path, "").is(200);
    reached.wait();
    web.kill();
    released.open();
    let _web = app.serve();
    let mut another = app.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    another.wait_for("serving on");
    wait_until("it was put off", || app.query("select tries::text from notice") != "0");
    app.heal();
    app.send(&app.issue(7)).exits(0);
    outbox_is_empty(&app);
    another.signal(Signal::TERM);
    another.finish().exits(0);
    let mails: Vec<_> = app.mails().into_iter().filter(|mail| mail.to == [ANN]).skip(1).collect();
    let tries: Vec<_> = mails.iter().filter(|mail| text(&mail.raw).contains("Auto-Submitted")).collect();
    assert!(tries.len() > 1 && tries.iter().all(|mail| mail.raw == tries[0].raw), "{} tries", tries.len());
    assert_eq!(app.query("select mail from notice"), "accepted");
}

#[test]
fn serve_ends_in_order_when_it_is_told_to() {
    let app = App::start();
    let web = app.serve();
    app.get("/garden").is(200);
    web.signal(Signal::TERM);
    web.finish().exits(0);
}

#[test]
fn following_a_link_changes_nothing_however_often() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&["bob@readers.example"]);
    let paths = [app.unsubscribe_path("bob@readers.example"), confirmation_link(&app, ANN)];
    outbox_is_empty(&app);
    let before = app.dump();
    thread::scope(|scope| {
        for path in &paths {
            let app = &app;
            scope.spawn(move || {
                for _ in 0..250 {
                    app.get(path).is(200);
                    app.http(&format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).is(200);
                }
            });
        }
    });
    assert_eq!(app.dump(), before);
}

#[test]
fn every_form_of_an_unsubscribe_post_works_also_twice() {
    let form = "application/x-www-form-urlencoded";
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let body = |kind: &str, body: &str| format!("Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let requests = [
        ("one-click", body(form, "List-Unsubscribe=One-Click")),
        ("one-click", body("multipart/form-data; boundary=x", multipart)),
        ("one-click", "Transfer-Encoding: chunked\r\n\r\n1a\r\nList-Unsubscribe=One-Click\r\n0\r\n\r\n".to_owned()),
        ("one-click", "Content-Length: 26\r\n\r\nList-Unsubscribe=One-Click".to_owned()),
        ("unsubscribe page", body(form, "")),
        ("unsubscribe page", body("application/json", "{}")),
        ("unsubscribe page", "\r\n".to_owned()),
    ];
    let app = App::start();
    let _web = app.serve();
    let readers = app.subscribe_many(requests.len());
    app.subscribe(&[ANN]);
    for (reader, (source, request)) in readers.iter().zip(&requests) {
        let path = app.unsubscribe_path(reader);
        for _ in 0..2 {
            let post = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{request}");
            let answer = app.http(&post).is(200);
            assert!(!answer.head.contains("\nlocation:"), "{}", answer.head);
            assert!(answer.body.contains("You are unsubscribed"));
        }
        let profile = app.profile(reader);
        assert_eq!(profile["subscriptions"][0]["state"], "unsubscribed");
        let acts = profile["consent"].as_array().unwrap();
        assert_eq!((acts.len(), acts[1]["source"].as_str()), (2, Some(*source)), "{request}");
    }
    app.send(&app.issue(7)).exits(0).ledger().is(&[("accepted", 1)]);
    assert_eq!(app.mails_to(ANN).len(), 1);
}

#[test]
fn the_link_in_a_mail_unsubscribes_its_own_reader_and_nobody_else() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe_many(3);
    app.send(&app.issue(7)).exits(0);
    let path = link(&app.mails_to("reader-1@example.com").remove(0), "/u/");
    assert!(app.get(&path).is(200).body.contains("reader-1@example.com"));
    app.post(&path, "").is(200);
    app.send(&app.issue(8)).exits(0).ledger().is(&[("accepted", 2)]);
    assert_eq!(app.mails_to("reader-1@example.com").len(), 1);
    assert_eq!(app.mails_to("reader-0@example.com").len(), 2);
}

#[test]
fn no_forged_token_does_anything() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&[ANN]);
    let (unsubscribe, confirm) = (app.unsubscribe_path(ANN), confirmation_link(&app, "bob@readers.example"));
    outbox_is_empty(&app);
    let before = app.dump();
    for path in [&unsubscribe, &confirm] {
        let (start, token) = path.split_at(3);
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            app.post(&format!("{start}{}", URL_SAFE_NO_PAD.encode(forged)), "").is(404);
        }
        for forged in ["", "x", &token[1..], &format!("{token}A"), &format!("{token}/"), &format!("{token}%00")] {
            app.post(&format!("{start}{forged}"), "").is(404);
        }
    }
    // One kind of token is worth nothing as the other.
    app.post(&unsubscribe.replacen("/u/", "/c/", 1), "").is(404);
    app.post(&confirm.replacen("/c/", "/u/", 1), "").is(404);
    assert_eq!(app.dump(), before);
}

#[test]
fn an_old_confirmation_link_does_not_bring_back_who_left_after_it() {
    let app = App::start();
    let _web = app.serve();
    let path = confirmation_link(&app, ANN);
    app.post(&path, "").is(200);
    app.post(&path, "").is(200);
    app.post(&app.unsubscribe_path(ANN), "").is(200);
    app.get(&path).is(404);
    app.post(&path, "").is(404);
    assert_eq!(app.state_of(ANN), "unsubscribed");
}

#[test]
fn an_erased_reader_is_in_no_table_and_is_never_mailed_again() {
    let app = App::start();
    let _web = app.serve();
    join(&app, ANN);
    let confirm = link(&app.mails_to(ANN)[0], "/c/");
    app.subscribe(&["bob@readers.example"]);
    let issue = app.issue(7);
    app.script(|moment| match (moment.stage, moment.to) {
        (Stage::Rcpt, [to]) if to == ANN => Act::reply(550, format!("5.7.1 <{ANN}> does not want this")),
        _ => Act::CarryOn,
    });
    app.send(&issue).exits(1);
    app.heal();
    let unsubscribe = app.unsubscribe_path(ANN);
    assert!(app.dump().contains(ANN));

    app.masthead(&["subscribers", "erase", "Ann@Readers.example", "--yes"]).exits(0);
    assert!(!app.dump().to_lowercase().contains(ANN));
    assert_eq!(app.ledger(7).audience(), 2);
    app.masthead(&["subscribers", "add", ANN]).exits(2).says("suppressed");
    app.write("back.csv", &format!("email\n{ANN}\n"));
    app.masthead(&["subscribers", "import", "back.csv", "--consent", "the old list", "--yes"])
        .exits(0)
        .says("1 suppressed");
    app.get(&confirm).is(404);
    app.post(&confirm, "").is(404);
    app.post(&unsubscribe, "").is(200);
    app.send(&app.issue(8)).exits(0);
    assert_eq!(app.mails_to(ANN).len(), 2, "confirmation and welcome");
    assert!(!app.dump().to_lowercase().contains(ANN));
}

#[test]
fn an_erased_reader_comes_back_by_an_own_new_confirmation_only() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&[ANN]);
    app.masthead(&["subscribers", "erase", ANN, "--yes"]).exits(0);
    let path = confirmation_link(&app, ANN);
    app.send(&app.issue(7)).exits(2).says("has nobody to send it to");
    app.post(&path, "").is(200);
    app.send(&app.issue(8)).exits(0).ledger().is(&[("accepted", 1)]);
}

#[test]
fn an_issue_is_read_online_without_any_readers_token() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&[ANN]);
    app.get("/garden/7").is(404);
    app.send(&app.issue(7)).exits(0);
    assert!(app.get("/garden").is(200).body.contains(r#"href="/garden/7""#));
    let Answer { head, body, .. } = app.get("/garden/7").is(200);
    assert!(body.contains("How a hedge is laid") && body.contains("finches live on them"));
    assert!(!body.contains("/u/") && !body.contains("slot.invalid"), "{body}");
    let policy = head.lines().find(|line| line.starts_with("content-security-policy:")).unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
}

#[test]
fn there_is_nothing_at_other_paths() {
    let app = App::start();
    let _web = app.serve();
    let paths =
        ["/nowhere", "/garden/7", "/garden/x", "/garden/-1", "/garden/99999999999", "/garden/7/x", "/u/", "/c/x"];
    for path in paths.into_iter().chain(["/u/x", "/assets/", "/assets/../masthead.toml", "/garden/subscribe/x", "//"]) {
        app.get(path).is(404);
    }
    app.post("/nowhere/subscribe", "email=ann%40readers.example").is(404);
    app.post("/garden", "").is(405);
}

#[test]
fn markup_in_a_newsletters_name_is_escaped() {
    let app = App::start();
    app.set("MASTHEAD_NEWSLETTER__GARDEN__NAME", "<script>alert(1)</script> & \"Sons\"");
    let _web = app.serve();
    let confirm = confirmation_link(&app, ANN);
    app.subscribe(&["bob@readers.example"]);
    for path in ["/garden", &confirm, &app.unsubscribe_path("bob@readers.example")] {
        let body = app.get(path).is(200).body;
        assert!(body.contains("&lt;script&gt;alert(1)") && !body.contains("<script"), "{body}");
    }
    let mail = app.mails_to(ANN).remove(0);
    assert!(!mail.body_html(0).unwrap().contains("<script"));
}

#[test]
fn an_unsubscribe_counts_though_the_client_hangs_up_before_the_answer() {
    let app = App::start();
    app.subscribe(&["ann@example.com"]);
    let _serving = app.serve();
    let path = app.unsubscribe_path("ann@example.com");
    let body = "List-Unsubscribe=One-Click";
    app.post_and_hang_up(&path, body);
    wait_until("the reader is unsubscribed", || app.state_of("ann@example.com") == "unsubscribed");
}
