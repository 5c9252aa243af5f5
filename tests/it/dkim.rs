//! Signatures, as another implementation sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use masthead::issue::{Issue, parse};
use masthead::message::dkim::{KeyRecord, Signer, SigningKey};
use masthead::message::{Reader, issue_message, notice_message};
use masthead::newsletter::{BaseUrl, DkimName, Mailbox, Newsletter, Slug};
use masthead::render::{confirmation, render};
use masthead::subscriber::EmailAddress;
use masthead::theme::Theme;
use time::OffsetDateTime;
use time::macros::datetime;

use super::app::{App, link, repository, text};

const DATE: OffsetDateTime = datetime!(2025-05-31 08:30 UTC);

static SIGNER: LazyLock<Signer> =
    LazyLock::new(|| Signer::new(SigningKey::generate().unwrap(), DkimName::parse("masthead", "example.org").unwrap()));

/// What dkimpy says to each message, with this record published and no other.
fn verdicts(record: &KeyRecord, messages: &[Vec<u8>]) -> Vec<String> {
    // Debian's own: another one in the path has other packages.
    let mut python = Command::new("/usr/bin/python3")
        .arg(repository("tests/it/dkim/verify.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    let lines: String = messages
        .iter()
        .map(|message| {
            let words = [record.name.as_bytes(), record.value.as_bytes(), message].map(|word| STANDARD.encode(word));
            words.join(" ") + "\n"
        })
        .collect();
    // It answers while it reads: with both pipes full nobody would go on.
    let writing = thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = python.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success(), "tests/run installs dkimpy (python3-dkim)");
    let verdicts: Vec<_> = text(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!(verdicts.len(), messages.len());
    verdicts
}

#[track_caller]
fn verified(record: &KeyRecord, messages: &[Vec<u8>]) {
    for (verdict, message) in verdicts(record, messages).iter().zip(messages) {
        assert_eq!(verdict, "ok", "{}", text(message));
    }
}

#[track_caller]
fn broken(record: &KeyRecord, messages: &[(String, Vec<u8>)]) {
    let only: Vec<_> = messages.iter().map(|(_, message)| message.clone()).collect();
    for (verdict, (change, _)) in verdicts(record, &only).iter().zip(messages) {
        assert_ne!(verdict, "ok", "{change} was not noticed");
    }
}

fn newsletter(name: &str, language: &str) -> Newsletter {
    Newsletter {
        slug: Slug::parse("garden").unwrap(),
        name: name.into(),
        from: Mailbox::parse(&format!("{name} <editor@example.org>")).unwrap(),
        reply_to: Some(Mailbox::parse("\"Müller, Hans\" <hans@example.org>").unwrap()),
        postal_address: "1 Orchard Road\n12345 Example City".into(),
        language: language.into(),
        base_url: BaseUrl::parse("https://news.example.org").unwrap(),
        theme: Theme::default(),
    }
}

fn issue(markdown: &str) -> Issue {
    parse(markdown.as_bytes()).unwrap()
}

fn signed_issue(newsletter: &Newsletter, issue: &Issue, reader_name: &str) -> Vec<u8> {
    let reader = Reader {
        address: EmailAddress::parse("jo@example.com").unwrap(),
        name: Some(reader_name.into()),
        unsubscribe_url: format!("https://news.example.org/u/{}", "3f9c".repeat(40)),
    };
    let rendered = render(issue, newsletter).unwrap();
    issue_message(&newsletter.letterhead(), &rendered, issue.number, &reader, "7.3f9c@example.org", DATE, Some(&SIGNER))
        .unwrap()
}

fn english() -> Vec<u8> {
    let issue = issue(
        "# Garden Letters #7: Roots and shoots\n\nLeave the seed heads  standing: finches = live on them.\n\n\
         ## Reading\n\n1. [How a hedge is laid](https://hedges.example/laying)\n\nWith pictures of every cut.\n",
    );
    signed_issue(&newsletter("Garden Letters", "en"), &issue, "Jo")
}

fn chinese() -> Vec<u8> {
    let issue = issue(
        "# 园艺周刊 #7: 根与芽\n\n把种子头留到三月，雀鸟靠它们过冬。\n\n## 文章\n\n\
         1、[怎样编一道树篱](https://hedges.example/laying)\n\n每一刀都有图，慢慢看。\n",
    );
    signed_issue(&newsletter("园艺周刊", "zh"), &issue, "李小龙")
}

/// Every header that can be long is folded.
fn long() -> Vec<u8> {
    let issue = issue(&format!("# Garden Letters #7: {}\n\nShort.\n", "roots, шиповник and shoots ".repeat(40)));
    signed_issue(&newsletter(&"Garden Letters of the Orchard ".repeat(9), "en"), &issue, &"Ólafur Þór ".repeat(60))
}

fn confirmation_mail() -> Vec<u8> {
    let newsletter = newsletter("Garden Letters", "en");
    let notice = confirmation(&newsletter, "https://news.example.org/c/3f9c").unwrap();
    let to = EmailAddress::parse("jo@example.com").unwrap();
    notice_message(&newsletter.from, &to, &notice, "c.3f9c@example.org", DATE, Some(&SIGNER)).unwrap()
}

/// The fields of a message behind its signature, each with its line end, and the rest.
fn taken_apart(message: &[u8]) -> (String, Vec<String>, String) {
    let message = std::str::from_utf8(message).unwrap();
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let mut fields: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        match fields.last_mut() {
            Some(field) if line.starts_with(' ') => *field += &format!("{line}\r\n"),
            _ => fields.push(format!("{line}\r\n")),
        }
    }
    assert!(fields[0].starts_with("DKIM-Signature: "));
    (fields.remove(0), fields, format!("\r\n{body}"))
}

fn put_together(signature: &str, fields: &[String], body: &str) -> Vec<u8> {
    format!("{signature}{}{body}", fields.concat()).into_bytes()
}

#[test]
fn another_implementation_verifies_every_kind_of_message() {
    let messages = [english(), chinese(), long(), confirmation_mail()];
    assert!(text(&messages[0]).contains("quoted-printable") && text(&messages[1]).contains("base64"));
    verified(&SIGNER.record(), &messages);
}

#[test]
fn a_change_to_any_header_a_second_one_and_a_change_of_the_body_are_noticed() {
    let mut changed = Vec::new();
    for message in [english(), long(), confirmation_mail()] {
        let (signature, fields, body) = taken_apart(&message);
        for at in 0..fields.len() {
            let name = fields[at].split(':').next().unwrap();
            let mut change = |what: &str, edit: &dyn Fn(&mut Vec<String>)| {
                let mut fields = fields.clone();
                edit(&mut fields);
                changed.push((format!("{name} {what}"), put_together(&signature, &fields, &body)));
            };
            change("altered", &|fields| fields[at] = format!("{}x\r\n", fields[at].trim_end()));
            change("removed", &|fields| drop(fields.remove(at)));
            change("added before", &|fields| fields.insert(0, format!("{name}: x\r\n")));
            change("added behind", &|fields| fields.push(format!("{name}: x\r\n")));
        }
        for name in ["Cc", "Reply-To", "List-Post", "List-Unsubscribe", "Auto-Submitted"] {
            let fields = [&[format!("{name}: x\r\n")], &*fields].concat();
            changed.push((format!("{name} added"), put_together(&signature, &fields, &body)));
        }
        let (front, back) = body.split_at(body.len() / 2 + body[body.len() / 2..].find("\r\n").unwrap());
        for (what, body) in [
            ("middle", format!("{front}x{back}")),
            ("lines", format!("{front}\r\n{back}")),
            ("end", format!("{body}x")),
            ("length", body[..body.len() - 20].to_owned()),
        ] {
            changed.push((format!("the body's {what}"), put_together(&signature, &fields, &body)));
        }
    }
    assert!(changed.len() > 150, "{}", changed.len());
    broken(&SIGNER.record(), &changed);
}

#[test]
fn what_relays_do_on_the_way_does_no_harm() {
    let (signature, mut fields, body) = taken_apart(&long());
    for field in &mut fields {
        *field = field.replacen(": ", ":\t ", 1).replace("\r\n ", " \r\n\t ");
    }
    fields.insert(0, "Received: from a.example by b.example;\r\n Sat, 31 May 2025 08:31:00 +0000\r\n".into());
    fields.push("X-Relay: 1\r\n".into());
    let resent = put_together(&signature.replace("\r\n ", "\r\n\t"), &fields, &format!("{body}\r\n \r\n\r\n"));
    verified(&SIGNER.record(), &[resent]);
}

#[test]
fn a_key_that_is_not_the_published_one_is_noticed() {
    let other = KeyRecord::new(&DkimName::parse("masthead", "example.org").unwrap(), &SigningKey::generate().unwrap());
    broken(&other, &[("the key".into(), english())]);
}

#[test]
fn a_signature_is_the_same_on_every_try_and_its_lines_are_short() {
    assert_eq!(english(), english());
    for message in [english(), long()] {
        let (signature, ..) = taken_apart(&message);
        assert!(signature.contains(" t=1748680200;") && !signature.contains(" l="), "{signature}");
        assert!(signature.split("\r\n").all(|line| line.len() <= 78), "{signature}");
    }
}

#[test]
fn everything_that_the_program_mails_or_writes_is_signed() {
    let app = App::start();
    app.set("MASTHEAD_DKIM__KEY_FILE", "dkim.pem");
    app.set("MASTHEAD_SEND__OPERATOR", "operator@example.net");
    app.set("MASTHEAD_NEWSLETTER__GARDEN__GOODBYE", "true");
    let made = app.masthead(&["doctor", "--new-key", "--json"]).exits(0).json();
    let record = |field: &str| made[field].as_str().unwrap().to_owned();
    let record = KeyRecord { name: record("name"), value: record("value") };
    let issue = app.issue(7);
    let web = app.serve();
    app.sign_up("new@example.com").is(200);
    app.wait_for_mails(1);
    app.post(&link(&app.mails_to("new@example.com")[0], "/c/"), "").is(200);
    app.subscribe(&["gone@example.com"]);
    app.post(&app.unsubscribe_path("gone@example.com"), "").is(200);
    app.wait_for_mails(3);
    drop(web);
    app.masthead(&["send", &issue, "--proof", "proof@example.net"]).exits(0);
    app.send(&issue).exits(0);
    let mut readers: Vec<_> = app.taken().iter().map(|mail| mail.to.join(",")).collect();
    readers.sort_unstable();
    let new = ["new@example.com"; 3].as_slice();
    assert_eq!(readers, [&["gone@example.com"], new, &["operator@example.net", "proof@example.net"]].concat());
    let mut messages: Vec<_> = app.taken().iter().map(|mail| mail.raw.clone()).collect();

    app.masthead(&["render", &issue, "--out", "out"]).exits(0);
    let rendered = std::fs::read(app.folder.path().join("out/issue.eml")).unwrap();
    app.masthead(&["render", &issue, "--out", "out"]).exits(0);
    assert_eq!(std::fs::read(app.folder.path().join("out/issue.eml")).unwrap(), rendered);
    messages.push(rendered);
    app.subscribe(&["later@example.com"]);
    app.masthead(&["send", &issue, "--dry-run", "--out", "maildir"]).exits(0);
    let written = std::fs::read_dir(app.folder.path().join("maildir/new")).unwrap();
    messages.extend(written.map(|file| std::fs::read(file.unwrap().path()).unwrap()));
    assert_eq!(messages.len(), 8);
    verified(&record, &messages);
}
