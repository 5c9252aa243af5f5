//! Short mails to one reader.

use mail_parser::MessageParser;
use masthead::message::notice_message;
use masthead::newsletter::Newsletter;
use masthead::render;
use masthead::subscriber::EmailAddress;
use unicode_width::UnicodeWidthStr as _;

use super::message::{header_names, wire_form};
use super::{DATE, MESSAGE_ID, newsletter};

#[test]
fn a_confirmation_says_who_asked_and_that_ignoring_is_enough() {
    let url = "https://news.example.org/c/9d0c";
    for (language, words) in [
        ("en", ["was signed up for Garden Letters", "ignore this email"]),
        ("zh", ["订阅了《Garden Letters》", "忽略这封邮件"]),
    ] {
        let newsletter = Newsletter { language: language.into(), ..newsletter() };
        let notice = render::confirmation(&newsletter, url).unwrap();
        for word in words {
            assert!(notice.html.contains(word), "{word}: {}", notice.html);
            assert!(notice.text.replace('\n', " ").contains(word), "{word}: {}", notice.text);
        }
        assert_eq!(notice.html.matches("href=").count(), 1);
        assert!(notice.text.lines().any(|line| line == url));

        let reader = EmailAddress::parse("jo@example.com").unwrap();
        let bytes = notice_message(&newsletter.from, &reader, &notice, MESSAGE_ID, DATE, None).unwrap();
        assert_eq!(
            header_names(&bytes).join(" "),
            "From To Subject Date Message-ID Auto-Submitted MIME-Version Content-Type"
        );
        wire_form(&bytes);
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.subject(), Some(notice.subject.as_str()));
        assert_eq!(parsed.body_html(0).unwrap().replace("\r\n", "\n"), notice.html);
    }
}

#[test]
fn a_welcome_leads_to_the_newest_issue_and_out_again() {
    let (issue, leave) = ("https://news.example.org/garden/7", "https://news.example.org/u/9d0c");
    let notice = render::welcome(&newsletter(), Some(issue), leave).unwrap();
    assert_eq!(notice.subject, "Welcome to Garden Letters");
    for url in [issue, leave] {
        assert!(
            notice.html.contains(&format!("href=\"{url}\"")) && notice.text.lines().any(|line| line == url),
            "{url}"
        );
    }
    let reader = EmailAddress::parse("jo@example.com").unwrap();
    let bytes = notice_message(&newsletter().from, &reader, &notice, MESSAGE_ID, DATE, None).unwrap();
    assert_eq!(
        header_names(&bytes).join(" "),
        "From To Subject Date Message-ID List-Unsubscribe List-Unsubscribe-Post Auto-Submitted MIME-Version Content-Type"
    );
    wire_form(&bytes);
    let first = render::welcome(&newsletter(), None, leave).unwrap();
    assert!(!first.html.contains("class=\"button\""), "without an issue there is nothing to read");
}

#[test]
fn a_goodbye_leads_back() {
    let notice = render::goodbye(&newsletter()).unwrap();
    assert_eq!(notice.subject, "You have left Garden Letters");
    assert!(notice.text.lines().any(|line| line == "https://news.example.org/garden"));
    assert_eq!(notice.html.matches("href=").count(), 1);
}

#[test]
fn short_mails_are_written_in_every_language() {
    for language in ["ar", "de", "en", "es", "fr", "ja", "zh", "zh-Hant"] {
        let newsletter = Newsletter { language: language.into(), ..newsletter() };
        let notices = [
            render::confirmation(&newsletter, "https://news.example.org/c/1").unwrap(),
            render::welcome(&newsletter, None, "https://news.example.org/u/1").unwrap(),
            render::goodbye(&newsletter).unwrap(),
        ];
        for notice in notices {
            assert!(notice.subject.contains("Garden Letters"), "{language}: {}", notice.subject);
            let plain = |line: &&str| !line.contains("https://");
            assert!(notice.text.lines().filter(plain).all(|line| line.width() <= 72), "{language}: {}", notice.text);
            assert!(notice.html.contains(&format!("lang=\"{language}\"")));
        }
    }
}
