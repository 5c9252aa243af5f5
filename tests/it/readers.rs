//! The readers' web, by form posts and by the links in the mail: sign up, confirm, leave, be forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use masthead::catcher::{Act, Stage};
use rustix::process::Signal;

use super::app::{Answer, App, link, wait_until};

const ANN: &str = "ann@readers.example";

/// Signs an address up and returns the path of the link in its confirmation mail.
fn confirmation_link(app: &App, address: &str) -> String {
    let before = app.taken().len();
    app.sign_up(address).is(200);
    app.wait_for_mails(before + 1);
    link(&app.mails_to(address).remove(0), "/c/")
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
    assert_eq!(app.mails_to(ANN).len(), 2);
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
    let outbox_is_done = || app.query("select count(*)::text from signup where mail = 'queued'") == "0";
    super::app::wait_until("the outbox has recorded the mail", outbox_is_done);
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
    let outbox_is_done = || app.query("select count(*)::text from signup where mail = 'queued'") == "0";
    super::app::wait_until("the outbox has recorded the mail", outbox_is_done);
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
    let confirm = confirmation_link(&app, ANN);
    app.post(&confirm, "").is(200);
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
    assert_eq!(app.mails_to(ANN).len(), 1, "the confirmation mail");
    assert!(!app.dump().to_lowercase().contains(ANN));
}

#[test]
fn an_erased_reader_comes_back_by_an_own_new_confirmation_only() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&[ANN]);
    app.masthead(&["subscribers", "erase", ANN, "--yes"]).exits(0);
    let path = confirmation_link(&app, ANN);
    app.send(&app.issue(7)).exits(0).ledger().is(&[]);
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
