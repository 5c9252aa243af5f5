//! The rendered email and its message: decoded, counted, and attacked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mail_parser::{HeaderValue, MessageParser, MimeHeaders as _};
use masthead::issue::{Image, Issue, Item, PastIssue, Section};
use masthead::message::{MessageError, Reader, issue_message, notice_message};
use masthead::newsletter::{BaseUrl, Mailbox, Newsletter, Slug};
use masthead::render::{self, Rendered, Slot, render};
use masthead::subscriber::EmailAddress;
use masthead::theme::{Logo, Sheet, Theme};
use time::OffsetDateTime;
use time::macros::{date, datetime};
use unicode_width::UnicodeWidthStr as _;

const LEAVE: &str = "https://news.example.org/u/3f9c?a=1&b=2";
const MESSAGE_ID: &str = "7.3f9c@example.org";
const DATE: OffsetDateTime = datetime!(2025-05-31 00:00 UTC);

fn newsletter() -> Newsletter {
    Newsletter {
        slug: Slug::parse("garden").unwrap(),
        name: "Garden Letters".into(),
        from: Mailbox::parse("Garden Letters <editor@example.org>").unwrap(),
        reply_to: None,
        postal_address: "Garden Letters\n1 Orchard Road\n12345 Example City".into(),
        language: "en".into(),
        base_url: BaseUrl::parse("https://news.example.org").unwrap(),
        theme: Theme::default(),
    }
}

fn blank() -> Issue {
    Issue {
        newsletter: Some("Garden Letters".into()),
        number: Some(7),
        title: Some("Roots & Shoots".into()),
        subject: None,
        language: "en".into(),
        date: Some(date!(2025 - 05 - 31)),
        preheader: None,
        intro: String::new(),
        sections: vec![],
        past_issues: vec![],
        repairs: vec![],
    }
}

fn item(number: u32, title: &str, url: &str, description: &str) -> Item {
    Item {
        line: 1,
        number: Some(number),
        title: title.into(),
        url: Some(url.into()),
        description: description.into(),
        stars: None,
        tags: vec![],
        links: vec![],
        images: vec![],
    }
}

fn section(emoji: &str, title: &str, items: Vec<Item>) -> Section {
    Section {
        line: 1,
        title: title.into(),
        emoji: Some(emoji.into()),
        url: None,
        body: String::new(),
        items,
        after: String::new(),
    }
}

/// An issue with everything that an issue can have.
fn weekly() -> Issue {
    let mut shed = item(
        2,
        "shed: a tool library in one file",
        "https://github.com/example/shed",
        "Lends rakes, and knows who has the *good* one.",
    );
    shed.stars = Some(13_500);
    shed.tags = vec!["video".into()];
    shed.images = vec![Image {
        url: "https://img.example.org/shed.png".into(),
        alt: "A shed at dusk".into(),
        caption: Some("The shed, before the storm".into()),
        link: None,
    }];
    let mut unnumbered = item(0, "A thought without an address", "", "Some things are only said.");
    unnumbered.number = None;
    unnumbered.url = None;
    let pruning = "When to cut, and **when to wait**; see [the calendar](https://example.org/calendar) first.";
    Issue {
        intro: "Good morning. This week: roots, and what comes of them.".into(),
        sections: vec![
            section(
                "🌱",
                "Reading",
                vec![item(1, "Pruning, explained", "https://www.example.org/pruning", pruning), shed],
            ),
            section("🎧", "Listening", vec![unnumbered]),
        ],
        past_issues: vec![PastIssue {
            title: "Garden Letters #6: Seeds".into(),
            url: "https://news.example.org/garden/6".into(),
            date: Some(date!(2025 - 05 - 24)),
        }],
        ..blank()
    }
}

fn rendered(issue: &Issue) -> Rendered {
    render(issue, &newsletter()).unwrap()
}

fn html(issue: &Issue) -> String {
    rendered(issue).html_for(value)
}

fn text(issue: &Issue) -> String {
    rendered(issue).text_for(value)
}

/// What a reader whose name nobody knows has in a slot.
fn value(slot: Slot) -> &'static str {
    match slot {
        Slot::UnsubscribeUrl => LEAVE,
        Slot::Name => "",
    }
}

fn prose(markdown: &str) -> (String, String) {
    let issue = Issue { intro: markdown.into(), ..blank() };
    (html(&issue), text(&issue))
}

fn reader(name: Option<&str>) -> Reader {
    Reader {
        address: EmailAddress::parse("jo@example.com").unwrap(),
        name: name.map(str::to_owned),
        unsubscribe_url: LEAVE.into(),
    }
}

fn message(newsletter: &Newsletter, rendered: &Rendered, reader: &Reader) -> Result<Vec<u8>, MessageError> {
    issue_message(newsletter, rendered, Some(7), reader, MESSAGE_ID, DATE, None)
}

/// The names of a message's own headers, in order.
fn header_names(message: &[u8]) -> Vec<String> {
    let message = std::str::from_utf8(message).unwrap();
    let head = message.split("\r\n\r\n").next().unwrap();
    let starts = head.split("\r\n").filter(|line| !line.starts_with(' '));
    starts.map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

#[test]
fn the_text_part_reads_as_the_editor_meant_it() {
    insta::assert_snapshot!(text(&weekly()));
}

#[test]
fn the_html_part_is_exactly_this() {
    insta::assert_snapshot!(html(&weekly()).replace("><", ">\n<"));
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    assert_eq!(rendered(&weekly()), rendered(&weekly()));
    let build = || message(&newsletter(), &rendered(&weekly()), &reader(None)).unwrap();
    assert_eq!(build(), build());
}

#[test]
fn the_mail_stands_without_its_style_element() {
    let html = html(&weekly());
    assert!(html.contains(r#"<html lang="en" dir="ltr">"#));
    let cell = letter_cell(&html);
    assert!(cell.contains("lang=\"en\"") && cell.contains("dir=\"ltr\""), "Gmail drops them from <html>: {cell}");
    assert!(html.contains("<!--[if mso]><table role=\"presentation\" width=\"600\""));
    let sheets: Vec<&str> = html.split("<style").skip(1).map(|rest| rest.split("</style>").next().unwrap()).collect();
    let [media, outlook_dark, outlook] = sheets[..] else { panic!("{sheets:#?}") };
    assert!(media.starts_with(" data-css-inline=\"keep\">@media") && media.contains("prefers-color-scheme:dark"));
    let plain = outlook_dark.lines().filter(|line| !line.contains("[data-ogs"));
    assert_eq!(plain.collect::<Vec<_>>(), [""; 0], "a plain rule there would be inlined");
    assert!(outlook.starts_with(">td,p,"));
    assert_eq!(html.matches("<h1").count(), 1);
    for once in ["Segoe UI", "line-height:1.55;"] {
        assert_eq!(html.matches(once).count(), 1, "{once} stands on the wrapper only");
    }
}

/// The tag of the cell around the content.
fn letter_cell(html: &str) -> &str {
    tags(html).find(|tag| tag.starts_with("td class=\"letter")).unwrap()
}

#[test]
fn every_class_has_a_rule_and_every_rule_a_class() {
    let mut issue = weekly();
    issue.intro += "\n\n| a | b | c | d | e |\n|---|---|---|---|---|\n| 1 | 2 | 3 | 4 | 5 |\n\n[^1] note\n\n[^1]: text\n\n\
        ```rust\nlet a = 1; // b\n```";
    issue.sections[0].title = String::new();
    issue.sections[0].emoji = None;
    let letter = html(&issue);
    let mut own = newsletter();
    own.theme.logo = Some(Logo { url: "https://img.example.org/logo.png".into(), alt: "Garden".into(), width: 90 });
    let chinese = render(&Issue { language: "ar".into(), ..blank() }, &own).unwrap().html;
    let confirmation = render::confirmation(&newsletter(), LEAVE).unwrap().html;
    let pages = [letter, chinese, confirmation].concat();
    let mut used: Vec<&str> =
        pages.split("class=\"").skip(1).flat_map(|rest| rest.split('"').next().unwrap().split(' ')).collect();
    used.sort_unstable();
    used.dedup();
    let sheet = masthead::templates::EMAIL_STYLE;
    let bare: String = sheet.split("*/").map(|part| part.split("/*").next().unwrap()).collect();
    let selectors: String = bare.split('}').map(|rule| rule.split('{').next().unwrap()).collect::<Vec<_>>().join(" ");
    let names = selectors.split('.').skip(1);
    let mut defined: Vec<&str> =
        names.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap()).collect();
    defined.sort_unstable();
    defined.dedup();
    assert_eq!(used, defined);
    let both = Sheet::parse(sheet).unwrap();
    assert_eq!(both.warnings, [], "every property is known");
}

#[test]
fn a_long_issue_stays_lean_and_leaves_the_hosts_out() {
    let many = |count: u32| {
        let one = |n| {
            item(
                n,
                &format!("Title number {n} of a usual length, with a colon: here"),
                &format!("https://blog.example.org/2025/05/some-post-about-something-{n}/"),
                &"A sentence of the description that has about eighty characters in it, so to say. ".repeat(4),
            )
        };
        Issue { sections: vec![section("🌱", "Reading", (1..=count).map(one).collect())], ..blank() }
    };
    let forty = html(&many(40));
    assert!(forty.len() < 40_000, "{} bytes", forty.len());
    assert!(forty.contains(">blog.example.org</p>"));
    assert!(!html(&many(61)).contains(">blog.example.org</p>"));
}

#[test]
fn both_parts_say_the_same_words_in_the_same_order() {
    let issue = weekly();
    let marks = [
        "Roots",
        "Good morning",
        "Reading",
        "Pruning, explained",
        "When to cut",
        "tool library",
        "★ 13.5K · video",
        "good",
        "A shed at dusk",
        "before the storm",
        "Listening",
        "only said",
        "Past issues",
        "Seeds",
        "You get this email",
        "Unsubscribe",
        "All issues",
    ];
    for part in [html(&issue).split_once("</head>").unwrap().1.split_once("</div>").unwrap().1.to_owned(), text(&issue)]
    {
        let mut from = 0;
        for mark in marks {
            let at = part[from..].find(mark).unwrap_or_else(|| panic!("{mark} is missing or out of order:\n{part}"));
            from += at + mark.len();
        }
    }
}

#[test]
fn text_lines_fit_and_addresses_stay_whole() {
    let url = format!("https://example.org/{}", "long-path/".repeat(20));
    let mut issue = weekly();
    issue.sections[0].items[0].url = Some(url.clone());
    issue.sections[0].items[0].title = "潮流周刊，每周精选文章、教程与项目".repeat(4);
    issue.intro = "中文内容需要按照显示宽度换行，而不是按照字符数换行。".repeat(8);
    let text = text(&issue);
    assert!(text.lines().any(|line| line == url));
    for line in text.lines().filter(|line| !line.contains("https://")) {
        assert!(line.width() <= 72, "{} columns: {line}", line.width());
    }
}

#[test]
fn markdown_becomes_html_that_mail_programs_know_and_text_that_people_read() {
    let (html, text) = prose(
        "A *fine* day\\\nindeed, ~~not~~ `so` bad.[^1]\n\n> Quoted words\n\n1. one\n2. two\n   - deep\n\n- [x] done\n\n```rust\nlet a = 1 < 2;\n```\n\n| Tree | Height |\n|---|---|\n| Oak | 30 m |\n\n---\n\n[![Oak](https://img.example.org/oak.png)](https://example.org/oak)\n\n[^1]: A note.",
    );
    for tag in [
        "<em>fine</em>",
        "<br>",
        "<del>not</del>",
        "<blockquote",
        "<ol",
        "<ul",
        "☑ done",
        " &lt; ",
        "<th ",
        "<hr",
        "<a href=\"https://example.org/oak\"",
        ">1</sup>",
        "A note.",
    ] {
        assert!(html.contains(tag), "{tag} is missing:\n{html}");
    }
    for line in [
        "indeed, not so bad.[1]",
        "> Quoted words",
        "1. one",
        "2. two",
        "   - deep",
        "- ☑ done",
        "    let a = 1 < 2;",
        "Tree | Height",
        "* * *",
        "[Image: Oak]",
        "https://img.example.org/oak.png",
        "https://example.org/oak",
        "[1] A note.",
    ] {
        assert!(text.lines().any(|written| written == line), "{line} is missing:\n{text}");
    }
}

#[test]
fn headings_of_a_letter_skip_no_level() {
    let (html, text) = prose("# One\n\n### Two\n\n# Three 🌱");
    let levels: Vec<&str> =
        html.split("<h").skip(1).map(|rest| &rest[..1]).filter(|level| level.parse::<u8>().is_ok()).collect();
    assert_eq!(levels, ["1", "2", "3", "2"]);
    assert!(html.contains("<span aria-hidden=\"true\">🌱</span>"));
    assert!(text.contains("\nOne\n---\n"));
}

#[test]
fn strong_chinese_needs_no_space_behind_it() {
    let (html, _) = prose("**中文。**后文");
    assert!(html.contains("<strong>中文。</strong>后文"), "{html}");
}

#[test]
fn nothing_active_gets_into_a_mail() {
    for attack in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "![x](javascript:alert(1))",
        "![x\" onerror=\"alert(1)](https://example.org/a.png)",
        "[x](https://example.org/\"onmouseover=\"alert(1))",
        "<https://example.org/\"onclick=alert(1)>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<style>*{display:none}</style>",
        "<!--[if mso]><script>alert(1)</script><![endif]-->",
        "</td></table><form action=https://evil.example>",
    ] {
        let mut issue = weekly();
        issue.intro = attack.into();
        issue.title = Some(attack.into());
        issue.sections[0].title = attack.into();
        issue.sections[0].url = Some(attack.into());
        issue.sections[0].items[0] = item(1, attack, attack, attack);
        issue.sections[0].items[0].tags = vec![attack.into()];
        issue.sections[0].items[1].images[0] =
            Image { url: attack.into(), alt: attack.into(), caption: Some(attack.into()), link: None };
        issue.past_issues[0].url = attack.into();
        let html = html(&issue).to_ascii_lowercase();
        let body = html.split_once("</head>").unwrap().1;
        for tag in tags(body) {
            let name = tag.split([' ', '/']).next().unwrap();
            let known = [
                "body", "div", "table", "tbody", "tr", "td", "th", "h1", "h2", "h3", "p", "a", "span", "br", "img",
                "strong", "em", "html", "", "sup",
            ];
            assert!(
                known.contains(&name) || tag.starts_with("!--[if mso]") || tag.starts_with("![endif]"),
                "{attack}: <{tag}>"
            );
            for attribute in attributes(tag) {
                assert!(!attribute.starts_with("on"), "{attack}: <{tag}>");
            }
            if let Some((_, url)) = tag.split_once("href=\"").or_else(|| tag.split_once("src=\"")) {
                assert!(
                    url.starts_with("https://") || url.starts_with("http://") || url.starts_with("mailto:"),
                    "{attack}: <{tag}>"
                );
            }
        }
    }
}

/// What stands between `<` and `>`; escaped text has neither.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap())
}

/// The names of a tag's attributes.
fn attributes(tag: &str) -> Vec<&str> {
    let outside: Vec<&str> = tag.split('"').step_by(2).collect();
    outside.iter().flat_map(|part| part.split_whitespace()).skip(1).collect()
}

#[test]
fn content_that_looks_like_a_slot_stays_literal() {
    let first = rendered(&weekly());
    let marker = Slot::UnsubscribeUrl.marker(&first.seal);
    let mut issue = weekly();
    issue.intro = format!(
        "`{{{{unsubscribe_url}}}}` `${{HOME}}` `<script>` {marker} https://slot.invalid/0000000000000000/unsubscribe"
    );
    let (html, text) = (html(&issue), text(&issue));
    for literal in
        ["{{unsubscribe_url}}", "${HOME}", marker.as_str(), "https://slot.invalid/0000000000000000/unsubscribe"]
    {
        assert!(html.contains(literal) && text.contains(literal), "{literal}");
    }
    assert!(html.contains("&lt;script&gt;") && text.contains("<script>"));
    assert!(!html.contains("<script>"));
}

#[test]
fn only_the_slots_differ_between_two_readers() {
    let rendered = rendered(&weekly());
    let other = "https://news.example.org/u/ffff";
    for (one, two) in [
        (rendered.html_for(value), rendered.html_for(|_| other)),
        (rendered.text_for(value), rendered.text_for(|_| other)),
    ] {
        let escaped = LEAVE.replace('&', "&amp;");
        let place = if one.contains(&escaped) { escaped.as_str() } else { LEAVE };
        assert_eq!(one.matches(place).count(), 1);
        assert_eq!(one.replace(place, other), two);
        assert!(!one.contains("slot.invalid"));
    }
}

#[test]
fn a_letter_has_its_words_as_preheader_and_no_empty_parts() {
    let issue = Issue {
        newsletter: None,
        number: None,
        date: None,
        intro: "I went to the [*river*](https://example.org/river) today.[^1]\n\nIt was high.\n\n[^1]: Yes.".into(),
        ..blank()
    };
    let rendered = rendered(&issue);
    assert_eq!(rendered.subject, "Roots & Shoots");
    assert_eq!(rendered.preheader, "I went to the river today. It was high.");
    assert!(!rendered.html.contains("Read online") && !rendered.html.contains("<h2"));
}

#[test]
fn a_subject_and_preheader_of_ones_own_win() {
    let rendered = rendered(&Issue { subject: Some("Roots".into()), preheader: Some("And shoots".into()), ..weekly() });
    assert_eq!((rendered.subject.as_str(), rendered.preheader.as_str()), ("Roots", "And shoots"));
    assert!(rendered.html.contains(">And shoots</div>"));
}

#[test]
fn chinese_readers_get_chinese_words() {
    let newsletter = Newsletter { language: "zh-CN".into(), name: "园艺来信".into(), ..newsletter() };
    let rendered = render(&Issue { language: "zh-CN".into(), ..weekly() }, &newsletter).unwrap();
    assert_eq!(rendered.subject, "Garden Letters #7: Roots & Shoots");
    for word in ["在线阅读", "退订", "往期回顾", "2025年5月31日", "1、", "退订"] {
        assert!(rendered.html.contains(word) && rendered.text.contains(word), "{word}");
    }
    assert!(rendered.html.contains("PingFang SC") && rendered.html.contains("line-height:1.7"));
}

#[test]
fn right_to_left_letters_run_so_in_every_cell() {
    let html = html(&Issue { language: "ar".into(), ..weekly() });
    let cell = letter_cell(&html);
    assert!(["lang=\"ar\"", "dir=\"rtl\"", "align=\"right\""].iter().all(|set| cell.contains(set)), "{cell}");
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
fn wire_form(message: &[u8]) {
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

/// `masthead render` on a file that says `content`, into a fresh folder.
fn render_command(content: &str) -> (std::process::Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("issue.md");
    std::fs::write(&file, content).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_masthead"));
    command.arg("render").arg(&file).arg("--out").arg(folder.path().join("out/new")).current_dir(folder.path());
    (command.output().unwrap(), folder)
}

const FILE: &str = "---\ndate: 2025-05-31\n---\n# Garden Letters #7: Roots\n\nGood morning.\n\n## 🌱 Reading\n\n1. [Pruning](https://example.org/pruning)\n\nWhen to cut.\n";

#[test]
fn the_render_command_writes_the_same_three_files_every_time() {
    let files = ["issue.html", "issue.txt", "issue.eml"];
    let read = || {
        let (output, folder) = render_command(FILE);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        files.map(|name| std::fs::read_to_string(folder.path().join("out/new").join(name)).unwrap())
    };
    let [html, text, message] = read();
    assert_eq!([&html, &text, &message].map(String::as_str), read().each_ref().map(String::as_str));
    let parsed = MessageParser::default().parse(message.as_bytes()).unwrap();
    assert_eq!(parsed.body_html(0).unwrap().replace("\r\n", "\n"), html);
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), text);
    assert!(message.contains("\r\nDate: Sat, 31 May 2025 00:00:00 +0000\r\n"));
    assert!(html.contains("https://newsletter.example.org/u/sample") && !html.contains("slot.invalid"));
}

#[test]
fn the_render_command_names_what_is_wrong_and_exits_2() {
    let (output, _folder) = render_command("---\ndate: [\n---\n# A\n");
    assert_eq!(output.status.code(), Some(2));
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.starts_with("error: ") && talk.contains("hint: "), "{talk}");
    assert!(output.stdout.is_empty());
}

#[test]
fn markdown_nested_without_end_is_rendered_all_the_same() {
    let (html, text) =
        prose(&format!("{} deep\n\n{}low\n\n{}", ">".repeat(20_000), "- ".repeat(2_000), "*a **b ".repeat(2_000)));
    assert!(html.contains("deep") && text.contains("low"));
}
