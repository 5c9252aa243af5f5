//! Headers and MIME: parsed back, counted, attacked.

use mail_parser::{HeaderValue, MessageParser, MimeHeaders as _};
use masthead::issue::Issue;
use masthead::message::{MessageError, Reader, issue_message};
use masthead::newsletter::{Mailbox, Newsletter};
use masthead::render::Rendered;

use super::{DATE, MESSAGE_ID, blank, newsletter, reader, rendered, value, weekly};

fn message(newsletter: &Newsletter, rendered: &Rendered, reader: &Reader) -> Result<Vec<u8>, MessageError> {
    issue_message(&newsletter.letterhead(), rendered, Some(7), reader, MESSAGE_ID, DATE, None)
}

/// The names of a message's own headers, in order.
pub(super) fn header_names(message: &[u8]) -> Vec<String> {
    let message = std::str::from_utf8(message).unwrap();
    let head = message.split("\r\n\r\n").next().unwrap();
    let starts = head.split("\r\n").filter(|line| !line.starts_with(' '));
    starts.map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

#[test]
fn a_message_has_exactly_these_headers_once() {
    let mut newsletter = newsletter();
    let message = |newsletter: &Newsletter| message(newsletter, &rendered(&weekly()), &reader(Some("Jo"))).unwrap();
    let expected = "From To Subject Date Message-ID List-Id List-Unsubscribe List-Unsubscribe-Post List-Archive Feedback-ID MIME-Version Content-Type";
    assert_eq!(header_names(&message(&newsletter)).join(" "), expected);
    newsletter.reply_to = Some(Mailbox::parse("replies@example.org").unwrap());
    assert_eq!(header_names(&message(&newsletter)).join(" "), expected.replacen("From To", "From Reply-To To", 1));

    let bytes = message(&newsletter);
    let head = std::str::from_utf8(&bytes).unwrap().split("\r\n\r\n").next().unwrap().to_owned();
    for line in [
        "From: Garden Letters <editor@example.org>",
        "Reply-To: replies@example.org",
        "To: Jo <jo@example.com>",
        "Subject: Garden Letters #7: Roots & Shoots",
        "Date: Sat, 31 May 2025 00:00:00 +0000",
        "Message-ID: <7.3f9c@example.org>",
        "List-Id: Garden Letters <garden.example.org>",
        "List-Unsubscribe: <https://news.example.org/u/3f9c?a=1&b=2>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "List-Archive: <https://news.example.org/garden>",
        "Feedback-ID: 7:garden:issue:masthead",
        "MIME-Version: 1.0",
    ] {
        assert!(head.split("\r\n").any(|written| written == line), "{line} is missing:\n{head}");
    }
}

#[test]
fn a_message_decodes_to_the_rendered_parts_again() {
    let chinese = Issue {
        intro: "中文内容需要按照显示宽度换行。".repeat(40),
        language: "zh".into(),
        title: Some("潮流".into()),
        ..blank()
    };
    for (issue, encoding) in [(weekly(), "quoted-printable"), (chinese, "base64")] {
        let rendered = rendered(&issue);
        let bytes = message(&newsletter(), &rendered, &reader(None)).unwrap();
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.text_body.len(), 1);
        assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), rendered.text_for(value));
        assert_eq!(parsed.body_html(0).unwrap().replace("\r\n", "\n"), rendered.html_for(value));
        assert_eq!(parsed.subject(), Some(rendered.subject.as_str()));
        assert!(parsed.is_content_type("multipart", "alternative"));
        assert_eq!(parsed.parts[1].content_transfer_encoding(), Some(encoding));
        wire_form(&bytes);
    }
}

/// CRLF only, printable head, no line over 998 octets.
pub(super) fn wire_form(message: &[u8]) {
    let text = std::str::from_utf8(message).unwrap();
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "a lone CR or LF");
    assert!(message.is_ascii() && !message.contains(&0));
    assert!(text.split("\r\n").all(|line| line.len() <= 78), "{:?}", text.split("\r\n").max_by_key(|line| line.len()));
    assert!(text.ends_with("\r\n"));
}

#[test]
fn bodies_of_dots_lone_returns_and_endless_lines_are_one_message() {
    let body = format!("a\n.\nb\r.\rc\n\n{}\n\nFrom x\n", "x".repeat(10_000));
    let rendered = Rendered { text: body.clone(), html: format!("<p>{body}</p>"), ..rendered(&weekly()) };
    let bytes = message(&newsletter(), &rendered, &reader(None)).unwrap();
    wire_form(&bytes);
    let parsed = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), body.replace('\r', "\n"));
}

#[test]
fn names_of_every_kind_are_read_back_as_they_were() {
    let (long, han) = ("a name ".repeat(286), "潮".repeat(500));
    let (long, unbroken) = (long.trim_end(), "x".repeat(2_000));
    for name in [
        "Müller, Hans",
        "\"a\\\"b\"",
        "=?utf-8?b?SGk=?=",
        "{{unsubscribe_url}}",
        "${HOME}",
        "<script>",
        "a  b",
        "潮流 & Co.",
        "O'Neil (editor)",
        "x@y.example",
        long,
        &unbroken,
        &han,
    ] {
        let mut newsletter = newsletter();
        newsletter.name = name.into();
        newsletter.from.name = Some(name.into());
        let mut rendered = rendered(&weekly());
        rendered.subject = name.into();
        let bytes = message(&newsletter, &rendered, &reader(Some(name))).unwrap();
        wire_form(&bytes);
        for word in std::str::from_utf8(&bytes).unwrap().split_whitespace().filter(|word| word.starts_with("=?")) {
            assert!(word.len() <= 75, "{word}");
        }
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.subject(), Some(name));
        for address in [parsed.from(), parsed.to()] {
            let address = address.unwrap().first().unwrap();
            assert_eq!(address.name(), Some(name));
            assert!(address.address().unwrap().contains('@'));
        }
        assert!(
            matches!(parsed.list_id(), HeaderValue::Address(address) if address.first().unwrap().address() == Some("garden.example.org"))
        );
        assert_eq!(header_names(&bytes).len(), 12);
    }
}

#[test]
fn names_that_could_smuggle_or_mislead_are_refused() {
    for character in ['\r', '\n', '\0', '\u{7f}', '\u{85}', '\u{2028}', '\u{202e}'] {
        let name = format!("a{character}Bcc: v@x.example");
        let rendered = rendered(&weekly());
        let refused = |result: Result<Vec<u8>, MessageError>, expected: &str| match result {
            Err(MessageError::Character { field, character: found }) => {
                assert_eq!((field, found), (expected, character))
            }
            other => panic!("{other:?}"),
        };
        refused(message(&newsletter(), &rendered, &reader(Some(&name))), "To name");
        refused(
            message(&newsletter(), &Rendered { subject: name.clone(), ..rendered.clone() }, &reader(None)),
            "subject",
        );
        let named = Newsletter { name: name.clone(), ..newsletter() };
        refused(message(&named, &rendered, &reader(None)), "newsletter's name");
        let mut from = newsletter();
        from.from.name = Some(name);
        refused(message(&from, &rendered, &reader(None)), "From name");
    }
}

#[test]
fn a_title_with_such_characters_is_cleaned_before_it_is_a_subject() {
    let issue = Issue { title: Some("a\r\nBcc: v@x.example\0\u{202e}b".into()), ..blank() };
    let rendered = rendered(&issue);
    assert_eq!(rendered.subject, "Garden Letters #7: a Bcc: v@x.exampleb");
    message(&newsletter(), &rendered, &reader(None)).unwrap();
}

#[test]
fn an_unsubscribe_address_cannot_end_its_header() {
    for url in
        ["", "javascript:x", "https://a.example/\r\nBcc: x", "https://a.example/>,<mailto:x", "https://例子.example/"]
    {
        let reader = Reader { unsubscribe_url: url.into(), ..reader(None) };
        assert!(
            matches!(message(&newsletter(), &rendered(&weekly()), &reader), Err(MessageError::Url { .. })),
            "{url}"
        );
    }
}
