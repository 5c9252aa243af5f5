//! The doctor: what is in order, what is not, and what to do about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use masthead::message::dkim::SigningKey;
use serde_json::Value;

use super::app::{App, Run, text};

/// A DNS server on loopback that knows these TXT records; it lives as long as the tests.
///
/// What is longer than an SPF record it tells over TCP only.
fn dns(zone: &[(&str, &str)]) -> SocketAddr {
    let zone: HashMap<String, String> = zone.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    let (tcp, udp) = loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            break (tcp, udp);
        }
    };
    let address = tcp.local_addr().unwrap();
    let same = zone.clone();
    thread::spawn(move || {
        for stream in tcp.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut query).unwrap();
            let answer = answer(&query, &zone);
            stream.write_all(&[&(answer.len() as u16).to_be_bytes(), &*answer].concat()).unwrap();
        }
    });
    thread::spawn(move || {
        let mut query = [0; 512];
        loop {
            let (length, peer) = udp.recv_from(&mut query).unwrap();
            let mut answer = answer(&query[..length], &same);
            if answer.len() > 200 {
                answer.truncate(200);
                answer[2] |= 0x02;
            }
            udp.send_to(&answer, peer).unwrap();
        }
    });
    address
}

fn answer(query: &[u8], zone: &HashMap<String, String>) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(text(&query[at + 1..=at + length]));
        at += length + 1;
    }
    let found = zone.get(&labels.join("."));
    let mut answer = vec![query[0], query[1], 0x81, if found.is_some() { 0x80 } else { 0x83 }, 0, 1];
    answer.extend([0, u8::from(found.is_some()), 0, 0, 0, 0]);
    answer.extend_from_slice(&query[12..at + 5]);
    if let Some(found) = found {
        let string = |string: &[u8]| [&[string.len() as u8], string].concat();
        let strings: Vec<u8> = found.as_bytes().chunks(255).flat_map(string).collect();
        answer.extend_from_slice(b"\xC0\x0C\0\x10\0\x01\0\0\0\x3C");
        answer.extend((strings.len() as u16).to_be_bytes());
        answer.extend(strings);
    }
    answer
}

fn doctor(app: &App, resolver: SocketAddr) -> Run {
    app.masthead(&["doctor", "--json", "--resolver", &resolver.to_string()])
}

/// The check with this name whose state is the worst.
fn check(run: &Run, about: &str) -> Value {
    let rank = |check: &Value| ["ok", "note", "warning", "error"].iter().position(|state| check["state"] == *state);
    let checks = run.json()["checks"].as_array().unwrap().clone();
    checks.into_iter().filter(|check| check["about"] == about).max_by_key(rank).unwrap()
}

fn new_key(app: &App) -> Value {
    app.masthead(&["doctor", "--new-key", "--json"]).exits(0).json()
}

#[test]
fn a_new_key_is_for_its_owner_alone_and_is_never_overwritten() {
    let app = App::start();
    let made = new_key(&app);
    let file = app.folder.path().join("dkim.pem");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let pem = fs::read_to_string(&file).unwrap();
    SigningKey::from_pem(&pem).unwrap();
    assert_eq!(made["name"], "masthead._domainkey.example.org");

    app.masthead(&["doctor", "--new-key"]).exits(2).says("never overwritten");
    assert_eq!(fs::read_to_string(&file).unwrap(), pem);
    let other = app.masthead(&["doctor", "--new-key", "--out", "next.pem", "--selector", "k2"]).exits(0);
    assert!(other.out.contains("k2._domainkey.example.org"), "{}", other.out);
    assert!(other.err.contains("selector = \"k2\""), "{}", other.err);
    assert_ne!(fs::read_to_string(app.folder.path().join("next.pem")).unwrap(), pem);
    assert!(!format!("{}{}", other.out, other.err).contains("PRIVATE"));
}

#[test]
fn what_a_new_key_says_to_add_makes_the_mail_signed() {
    let app = App::start();
    let made = app.masthead(&["doctor", "--new-key", "--selector", "k7"]).exits(0);
    let section = &made.err[made.err.find("[dkim]").unwrap()..];
    assert!(section.contains("key_file = \"dkim.pem\""), "the folder may move: {section}");
    app.append("masthead.toml", section);
    let issue = app.issue(7);
    app.masthead(&["render", &issue, "--out", "out"]).exits(0);
    let message = fs::read_to_string(app.folder.path().join("out/issue.eml")).unwrap();
    assert!(message.starts_with("DKIM-Signature: v=1;"), "{message}");
    assert!(message.contains(" s=k7;"), "{message}");
    app.set("MASTHEAD_DKIM__DOMAIN", "other.example");
    app.masthead(&["render", &issue, "--out", "out"]).exits(0).says("DMARC does not count that");
}

#[test]
fn a_folder_is_no_key_and_is_not_to_be_closed_to_others() {
    let app = App::start();
    fs::create_dir(app.folder.path().join("keys")).unwrap();
    app.set("MASTHEAD_DKIM__KEY_FILE", "keys");
    app.set("MASTHEAD_DKIM__SELECTOR", "k7");
    let shown = app.masthead(&["render", &app.issue(7), "--out", "out"]).exits(2).says("is a directory");
    assert!(shown.err.contains("name the file in it") && !shown.err.contains("chmod"), "{}", shown.err);
}

#[test]
fn where_all_is_in_order_the_doctor_finds_nothing_but_the_missing_tls() {
    let app = App::start();
    app.set("MASTHEAD_DKIM__KEY_FILE", "dkim.pem");
    let made = new_key(&app);
    let _web = app.serve();
    let resolver = dns(&[
        (made["name"].as_str().unwrap(), made["value"].as_str().unwrap()),
        ("example.org", "v=spf1 include:relay.example -all"),
        ("_dmarc.example.org", "v=DMARC1; p=none"),
    ]);
    let run = doctor(&app, resolver).exits(1);
    let states: Vec<_> = run.json()["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["state"] != "ok")
        .map(|check| check["what"].as_str().unwrap().to_owned())
        .collect();
    assert!(matches!(&states[..], [one] if one.contains("https in List-Unsubscribe")), "{states:?}");
    for about in
        ["configuration", "relay", "postgres", "garden dkim", "garden spf", "garden dmarc", "garden unsubscribe"]
    {
        assert_eq!(check(&run, about)["state"], "ok", "{about}");
    }
    let relay = check(&run, "relay")["what"].as_str().unwrap().to_owned();
    assert!(relay.contains("PIPELINING") && relay.contains("wants no password"), "{relay}");
    // The same for people.
    let run = app.masthead(&["doctor", "--resolver", &resolver.to_string()]).exits(1);
    assert!(run.out.contains("ok       garden dkim: masthead._domainkey.example.org is published"), "{}", run.out);
}

#[test]
fn the_doctor_names_everything_that_is_missing_with_its_remedy() {
    let app = App::start();
    app.set("MASTHEAD_DKIM__KEY_FILE", "dkim.pem");
    let made = new_key(&app);
    fs::set_permissions(app.folder.path().join("dkim.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    app.relay_down();
    let run = doctor(&app, dns(&[])).exits(2);
    for (about, state, what, remedy) in [
        ("relay", "error", "cannot be reached", "check SMTP_URL"),
        ("garden dkim", "error", "is not published", made["zone"].as_str().unwrap()),
        ("garden spf", "warning", "does not say who may send", "v=spf1"),
        ("garden dmarc", "warning", "no DMARC policy", "v=DMARC1; p=none"),
        ("garden web", "error", "does not answer", "masthead serve"),
        ("garden unsubscribe", "error", "does not answer", "/u/"),
    ] {
        let check = check(&run, about);
        assert_eq!(check["state"], state, "{check}");
        assert!(check["what"].as_str().unwrap().contains(what), "{check}");
        assert!(check["remedy"].as_str().unwrap().contains(remedy), "{check}");
    }
    assert!(run.out.contains("other users may read the DKIM key"), "{}", run.out);
}

#[test]
fn another_key_in_dns_is_an_error_and_an_answer_that_does_not_come_is_none() {
    let app = App::start();
    app.set("MASTHEAD_DKIM__KEY_FILE", "dkim.pem");
    let made = new_key(&app);
    let other = app.masthead(&["doctor", "--new-key", "--json", "--out", "other.pem"]).exits(0).json();
    let resolver = dns(&[(made["name"].as_str().unwrap(), other["value"].as_str().unwrap())]);
    let check_dkim = |resolver| check(&doctor(&app, resolver), "garden dkim");
    assert!(check_dkim(resolver)["what"].as_str().unwrap().contains("has another key"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(check_dkim(nobody)["state"], "note");
    assert!(check_dkim(nobody)["remedy"].as_str().unwrap().contains(made["zone"].as_str().unwrap()));
}

#[test]
fn a_key_that_cannot_be_used_stops_a_send_before_anything_leaves() {
    let app = App::start();
    app.subscribe_many(2);
    let issue = app.issue(7);
    app.set("MASTHEAD_DKIM__KEY_FILE", "dkim.pem");
    app.send(&issue).exits(2).says("`masthead doctor --new-key` makes one");
    app.write("dkim.pem", "no key");
    app.send(&issue).exits(2).says("there is no private key in it");
    assert_eq!(app.mails().len(), 0);
}
