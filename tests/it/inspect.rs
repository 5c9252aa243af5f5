//! What an operator is told about a finished email.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use masthead::inspect::markup::{Kind, read};
use masthead::inspect::{
    CLIENTS, Colour, Expected, Finding, Force, Mode, Outline, Place, Severity, contrast, forced_dark, gaps, headers,
    inbox, inspect, light, placeholders, without_images, without_style,
};
use masthead::issue::check::CLIPPED;
use masthead::issue::{Issue, Manuscript};
use masthead::message::{Reader, issue_message};
use masthead::render::{Rendered, SAMPLE_UNSUBSCRIBE_URL, confirmation, render, sample_newsletter};
use masthead::subscriber::EmailAddress;
use masthead::theme::Sheet;
use proptest::prelude::*;
use time::macros::datetime;

const ISSUE: &str = "\
# Harbour Weekly #12: Slow Software

Ahoy. A calm week.

## 🦀 Boats

1、[The pilots' boat](https://boats.example/pilots)

She goes out at dawn, and `tide --now` says when.

![Dawn over the pier](https://img.example/dawn.jpg)

2、[Ropes & knots](https://boats.example/knots)

Ten of them, and **one** to forget.

## Harbours

1、[2024, a year of fog](https://fog.example/)

Nobody saw it.

2、[The pilots' boat](https://boats.example/again)

The same title again.
";

fn manuscript() -> Manuscript {
    Manuscript::read("issue.md", ISSUE.as_bytes()).unwrap()
}

fn issue() -> Issue {
    manuscript().issue
}

fn rendered(issue: &Issue) -> Rendered {
    render(issue, &sample_newsletter(issue).unwrap()).unwrap()
}

fn email(issue: &Issue) -> String {
    rendered(issue).html_for(|_| SAMPLE_UNSUBSCRIBE_URL)
}

fn styled(css: &str) -> Vec<Finding> {
    let issue = issue();
    let mut newsletter = sample_newsletter(&issue).unwrap();
    newsletter.theme.sheet = Sheet::parse(css).unwrap();
    let rendered = render(&issue, &newsletter).unwrap();
    let html = rendered.html_for(|_| SAMPLE_UNSUBSCRIBE_URL);
    inspect(&html, &Outline::of(&manuscript(), &html))
}

fn findings(html: &str) -> Vec<Finding> {
    inspect(html, &Outline::of(&manuscript(), html))
}

fn rules(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule).collect()
}

/// A whole document with this in its body, in which nothing else is to be found.
fn document(style: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\" dir=\"ltr\"><head><title>x</title><style>{style}</style></head>\
         <body><div lang=\"en\" dir=\"ltr\"><h1>Title</h1>{body}</div></body></html>"
    )
}

#[test]
fn an_email_of_ours_has_nothing_to_find() {
    let mut issue = issue();
    let html = email(&issue);
    // two titles of the same words are the editor's
    assert_eq!(rules(&findings(&html)), ["email-link-text"]);
    issue.sections[1].items.pop();
    assert_eq!(findings(&email(&issue)), []);
}

#[test]
fn no_look_of_our_own_has_anything_to_find() {
    let found = findings(&email(&Issue { intro: LOOKS.into(), ..issue() }));
    assert_eq!(rules(&found), ["email-link-text"], "{found:#?}");
}

/// All that prose can look like.
const LOOKS: &str = "| Boat | Mon | Tue | Wed | Thu | Fri |\n|---|--:|:-:|---|---|---|\n\
    | Tug | seldom | never | always | often | ropes of https://boats.example/every/rope/that/was/ever/laid/by/hand |\n\n\
    | 船名 | 数量 |\n|---|---|\n| 拖船 | 三 |\n\n\
    10<sup>-6</sup> H<sub>2</sub>O, <mark>in May</mark>, <small>or about that time</small>, <ins>added</ins> ~~gone~~ \
    <kbd>Q</kbd>\n\n<center>in the middle</center>\n\n> said\n\n- one\n\n```rust\nlet a = 1; // one\n```\n";

#[test]
fn figures_have_no_zeros_behind_them() {
    let message = |body: &str| findings(&document("", body)).remove(0).message;
    assert_eq!(message("<p style=\"font-size:11px\">small print</p>"), "\"small print\": 11 px is small");
    assert_eq!(message("<p style=\"font-size:8.25pt\">pt</p>"), "\"pt\": 11 px is small");
    assert_eq!(message("<p style=\"font-size:11.5px\">half</p>"), "\"half\": 11.5 px is small");
}

#[test]
fn a_confirmation_has_nothing_to_find() {
    let notice = confirmation(&sample_newsletter(&issue()).unwrap(), "https://news.example.org/c/1").unwrap();
    assert_eq!(inspect(&notice.html, &Outline::default()), []);
}

#[test]
fn every_part_of_an_issue_is_found_in_its_email() {
    let issue = issue();
    let html = email(&issue);
    let outline = Outline::of(&manuscript(), &html);
    let parts: Vec<_> = outline.parts.iter().map(|part| (part.place, part.title.as_str(), part.line)).collect();
    let expected = [
        (Place::Head, "", None),
        (Place::Masthead, "", None),
        (Place::Intro, "Slow Software", Some(1)),
        (Place::Section(0), "🦀 Boats", Some(5)),
        (Place::Item(0, 0), "The pilots' boat", Some(7)),
        (Place::Item(0, 1), "Ropes & knots", Some(13)),
        (Place::Section(1), "Harbours", Some(17)),
        (Place::Item(1, 0), "2024, a year of fog", Some(19)),
        (Place::Item(1, 1), "The pilots' boat", Some(23)),
        (Place::Footer, "", None),
    ];
    assert_eq!(parts, expected);
    // side by side, from the first byte to the last
    let ends: Vec<usize> = outline.parts.iter().map(|part| part.span.end).collect();
    let starts: Vec<usize> = outline.parts.iter().skip(1).map(|part| part.span.start).chain([html.len()]).collect();
    assert_eq!(ends, starts);
    assert_eq!(outline.sizes().iter().map(|size| size.bytes).sum::<usize>(), html.len());
    for (words, line) in [
        ("A calm week", Some(3)),
        ("tide --now", Some(9)),
        ("dawn.jpg", Some(11)),
        ("Ten of them", Some(15)),
        ("Nobody saw it", Some(21)),
        ("same title", Some(25)),
        ("Unsubscribe", None),
    ] {
        assert_eq!(outline.line(html.find(words).unwrap()), line, "{words}");
    }
}

/// A letter, with what a letter has beside paragraphs.
const LETTER: &str = "\
---
layout: letter
---
# Harbour Weekly #13: Fog

Nothing was seen, and *nothing* was heard.[^1]

| Pier | Boats |
| --- | --- |
| North | none at all |

## A tale

> Who waits for the fog to lift waits long.

```sh
tide --at noon
```

- one oar

[^1]: But for the horn.

## Past issues

- [#12: Slow Software](https://harbour.example/12)
";

#[test]
fn every_block_of_a_letter_is_found_in_the_file() {
    let manuscript = Manuscript::read("letter.md", LETTER.as_bytes()).unwrap();
    let html = email(&manuscript.issue);
    let outline = Outline::of(&manuscript, &html);
    for (words, line) in [
        (">Fog", Some("# Harbour Weekly #13: Fog")),
        ("Nothing was seen", Some("Nothing was seen, and *nothing* was heard.[^1]")),
        ("none at all", Some("| North | none at all |")),
        ("A tale", Some("## A tale")),
        ("waits long", Some("> Who waits for the fog to lift waits long.")),
        ("noon", Some("```sh")),
        ("one oar", Some("- one oar")),
        ("the horn", Some("[^1]: But for the horn.")),
        ("Past issues", Some("## Past issues")),
        ("harbour.example/12", Some("- [#12: Slow Software](https://harbour.example/12)")),
        ("Unsubscribe", None),
    ] {
        let at = html.rfind(words).unwrap(); // the preheader has the first words too
        let found = outline.line(at).map(|line| LETTER.lines().nth(line - 1).unwrap());
        assert_eq!(found, line, "{words}");
    }
    let small = format!("<style>p {{ font-size: 9px }}</style>{html}");
    assert!(inspect(&small, &Outline::of(&manuscript, &small)).iter().all(|finding| finding.line != Some(4)));
}

#[test]
fn items_without_a_heading_are_found_by_their_bold_link() {
    let html = document(
        "",
        "<h2>Boats</h2><ul><li>1. <a href=\"x\"><strong>The pilots' boat</strong></a> and so on</li>\
         <li><b>Ropes &amp; knots</b></li></ul><h2>Harbours</h2><p><a href=\"y\">The pilots' boat</a></p>",
    );
    let outline = Outline::of(&manuscript(), &html);
    let place = |words: &str| outline.part(html.find(words).unwrap()).unwrap().place;
    assert_eq!(place("1. <a"), Place::Item(0, 0));
    assert_eq!(place("knots"), Place::Item(0, 1));
    assert_eq!(place("y\">"), Place::Item(1, 1));
}

#[test]
fn gmails_clip_falls_into_the_item_that_passes_it() {
    let mut issue = issue();
    assert_eq!(Outline::of(&manuscript(), &email(&issue)).clip, None);
    issue.sections[0].items[1].description = "A knot, and a bight. ".repeat(CLIPPED / 20);
    let html = email(&issue);
    let outline = Outline::of(&manuscript(), &html);
    let clip = outline.clip.unwrap();
    assert_eq!(clip.at, CLIPPED);
    assert_eq!(outline.parts[clip.part].place, Place::Item(0, 1));
}

#[test]
fn css_that_clients_lack_is_named_with_the_clients_and_the_line() {
    let found = styled("h3 { display: grid; }");
    let finding = found.iter().find(|finding| finding.message.contains("`display:grid`")).unwrap();
    assert_eq!((finding.rule, finding.severity), ("email-unsupported", Severity::Warning));
    assert!(finding.clients.contains(&"Outlook on Windows (classic)"), "{:?}", finding.clients);
    assert!(!finding.clients.contains(&"Apple Mail on iOS"));
    assert_eq!(finding.line, Some(7));
    assert!(finding.hint.contains("caniemail.com/features/css-display-grid/"));
}

#[test]
fn a_gap_is_accepted_only_for_the_use_that_was_thought_of() {
    let margin = |css| styled(css).into_iter().filter(|finding| finding.message.contains("`margin`")).count();
    assert_eq!(margin("h3 { margin: 4px; }"), 0);
    assert_eq!(margin("h3 { margin: 0 -4px; }"), 1);
    assert!(styled("h3 { color: #000000 !important; }").iter().any(|finding| finding.message.contains("!important")));
    // told, but not as a finding
    let gaps = gaps(&email(&issue()));
    let outlook = gaps.iter().find(|gap| gap.feature.slug == "css-max-width").unwrap().lacks.first().unwrap();
    assert!(CLIENTS.contains(&outlook.client) && outlook.accepted.is_some());
}

#[test]
fn a_style_block_that_gmail_drops_is_found() {
    let html = document(&"@media print{.a{color:#000000}}".repeat(600), "");
    let found = findings(&html);
    assert_eq!(rules(&found), ["email-style-size"]);
    assert!(found[0].clients.iter().all(|client| client.starts_with("Gmail")));
    assert_eq!(findings(&document("@media print{.a{color:#000000}}", "")), []);
    let nested = findings(&document("@media screen{@media print{.a{color:#000000}}}", ""));
    assert!(nested.iter().any(|finding| finding.message.contains("`@media`")), "{nested:#?}");
}

#[test]
fn an_images_format_is_looked_up_too() {
    let mut issue = issue();
    issue.sections[0].items[0].images[0].url = "https://img.example/dawn.svg?2".to_owned();
    let html = email(&issue);
    let found = inspect(&html, &Outline::of(&manuscript(), &html));
    assert_eq!(rules(&found)[..2], ["email-unsupported", "email-partly-supported"]);
    assert_eq!(found[0].line, Some(7));
}

#[test]
fn contrast_is_measured_after_inheritance() {
    let html = document(
        ".a .b { color: #777777 } p { background: #fff url(x.png) }",
        "<div class=\"a\" style=\"color:#000000;background-color:#000000\"><p>one <i class=\"b\">two</i></p>\
         <table bgcolor=\"#ffffff\"><tr><td style=\"color:rgba(0,0,0,.5)\">three</td></tr></table></div>\
         <p style=\"display:none;color:#ffffff\">unseen</p>",
    );
    let pairs = contrast(&html, Mode::Light);
    let pair = |words: &str| pairs.iter().find(|pair| pair.words == words).unwrap();
    assert_eq!((pair("two").text, pair("two").background), (Colour::rgb(0x777777), Colour::rgb(0xffffff)));
    assert!((pair("two").ratio - 4.478).abs() < 0.001 && !pair("two").is_enough());
    assert_eq!(pair("three").text, Colour::rgb(0x808080));
    assert_eq!(pairs.iter().find(|pair| pair.words == "unseen"), None);
    assert_eq!(pair("two").at, html.find("two").unwrap());
    assert!(rules(&findings(&html)).contains(&"email-contrast"));
}

#[test]
fn large_words_need_less_contrast() {
    let small = |style: &str| {
        let html = document("", &format!("<p style=\"color:#8a8a8a;{style}\">grey</p>"));
        findings(&html).iter().any(|finding| finding.rule == "email-contrast" && finding.mode == Some(Mode::Light))
    };
    assert!(small("font-size:16px"));
    assert!(small("font-size:18px;font-weight:bold"));
    assert!(!small("font-size:24px"));
    assert!(!small("font-size:14pt;font-weight:bold"));
}

#[test]
fn dark_colours_are_those_of_the_media_query() {
    let style = "@media (prefers-color-scheme:dark) { .x { color: #111111 !important; background: #222222 } }";
    let html = document(style, "<p class=\"x\" style=\"color:#000000;background:#ffffff\">words</p>");
    let colours = |mode| {
        let pairs = contrast(&html, mode);
        let pair = pairs.into_iter().find(|pair| pair.words == "words").unwrap();
        (pair.text, pair.background)
    };
    assert_eq!(colours(Mode::Light), (Colour::rgb(0x000000), Colour::rgb(0xffffff)));
    // without `!important` the inline colour stays
    assert_eq!(colours(Mode::AuthorDark), (Colour::rgb(0x111111), Colour::rgb(0xffffff)));
    let found = findings(&html);
    assert!(!found.iter().any(|finding| finding.mode == Some(Mode::AuthorDark) && finding.message.contains("words")));
}

#[test]
fn a_scheme_holds_whatever_the_screen_prefers() {
    let html = email(&issue());
    for mode in Mode::ALL {
        let shown = mode.of(&html);
        assert!(!shown.contains("prefers-color-scheme"), "{mode}");
        assert!(!shown.contains("light dark"), "{mode}");
    }
    assert!(light(&html).contains("@media (max-width:0){"));
    assert!(Mode::AuthorDark.of(&html).contains("@media (min-width:0){"));
}

#[test]
fn partial_darkening_leaves_what_is_dark_and_full_turns_it_round() {
    let html = document(
        "[data-ogsc] .kept { color: #ff0000 !important }",
        "<table bgcolor=\"#ffffff\"><tr><td style=\"border:1px solid #dddddd\">cell</td></tr></table>\
         <p class=\"kept\" style=\"color:#000000\">kept</p>\
         <p style=\"color:#ffffff;background-color:#1d4f91\">button</p>",
    );
    let colours = |force, words: &str| {
        let pairs = contrast(&html, Mode::Forced(force));
        let pair = pairs.into_iter().find(|pair| pair.words == words).unwrap();
        (pair.text.to_string(), pair.background.to_string())
    };
    assert_eq!(colours(Force::Partial, "cell"), ("#ffffff".to_owned(), "#333333".to_owned()));
    assert_eq!(colours(Force::Partial, "button"), ("#ffffff".to_owned(), "#1d4f91".to_owned()));
    assert_eq!(colours(Force::Partial, "kept").0, "#ff0000");
    assert_eq!(colours(Force::Full, "cell"), ("#ffffff".to_owned(), "#1b1b1b".to_owned()));
    let (text, background) = colours(Force::Full, "button");
    assert!(Colour::parse(&text).unwrap().lightness() < 20.0, "{text}");
    assert!(Colour::parse(&background).unwrap().lightness() > 70.0, "{background}");
    assert!(forced_dark(&html, Force::Partial).contains("data-ogsc"));
    assert!(!forced_dark(&html, Force::Full).contains("#dddddd"));
}

#[test]
fn views_leave_out_what_their_name_says_and_nothing_else() {
    let html = email(&issue());
    let bare = without_style(&html);
    assert!(!bare.contains("@media") && bare.contains("style=\""));

    let blind = without_images(&html);
    assert!(!blind.contains("<img") && blind.contains(">Dawn over the pier</span>"));

    let html = html.replace("<body ", "<body background=\"https://img.example/b.png\" ");
    let html =
        html.replacen("</style>", "@import 'https://a.example/x.css';p{background:url(https://b.example/)}</style>", 1);
    let framed = placeholders(&html);
    assert!(framed.contains("img.example · 552 wide · Dawn over the pier"), "{framed}");
    for address in ["https://img.example", "https://a.example", "https://b.example", "<img"] {
        assert!(!framed.contains(address), "{address}");
    }
    let words = |html: &str| read(html).filter(|piece| matches!(piece.kind, Kind::Text(_))).count();
    assert_eq!(words(&bare), words(&email(&issue())));
    assert_eq!(words(&framed), words(&html) + 1);
}

#[test]
fn what_cannot_be_heard_or_seen_is_found() {
    let rule = |body: &str| {
        let found = findings(&document("", body));
        assert_eq!(found.len(), 1, "{body}: {found:#?}");
        found[0].rule
    };
    assert_eq!(rule("<p><img src=\"x\" width=\"1\"></p>"), "email-alt");
    assert_eq!(rule("<h1>Another</h1>"), "email-heading");
    assert_eq!(rule("<h3>Too deep</h3>"), "email-heading");
    assert_eq!(rule("<h2> </h2>"), "email-heading");
    assert_eq!(rule("<h2>🦀 Boats</h2>"), "email-heading");
    assert_eq!(rule("<a href=\"https://a.example\"> </a>"), "email-link-text");
    assert_eq!(rule("<a href=\"https://a.example\"><img src=\"x\" alt=\"\"></a>"), "email-link-text");
    assert_eq!(rule("<a href=\"https://a.example\">here</a><a href=\"https://b.example\">Here</a>"), "email-link-text");
    assert_eq!(rule("<table><tr><td>data</td></tr></table>"), "email-table");
    assert_eq!(rule("<table><tr><th>data</th></tr></table>"), "email-table");
    assert_eq!(rule("<table role=\"presentation\"><tr><th scope=\"col\">x</th></tr></table>"), "email-table");
    assert_eq!(rule("<p style=\"font-size:11px\">small print</p>"), "email-small");
    let plain = document("", "<p>a <a href=\"x\" style=\"text-decoration:none\">link</a></p>");
    assert!(rules(&findings(&plain)).contains(&"email-underline"));
    let alone = document("", "<p><a href=\"x\" style=\"text-decoration:none\">link</a></p>");
    assert!(!rules(&findings(&alone)).contains(&"email-underline"));
    for fine in [
        "<h2><span aria-hidden=\"true\">🦀</span> Boats</h2><h3>x</h3><h2>y</h2>",
        "<a href=\"https://a.example\"><img src=\"x\" alt=\"A boat\"></a>",
        "<table role=\"presentation\"><tr><td><table><tr><th scope=\"col\">x</th></tr></table></td></tr></table>",
        "<p>A note<sup style=\"font-size:12px\">1</sup></p>",
    ] {
        assert_eq!(findings(&document("", fine)), [], "{fine}");
    }
    let bare = "<html><head><title></title></head><body><h1>Title</h1></body></html>";
    assert_eq!(rules(&findings(bare)), ["email-language", "email-language", "email-title"]);
}

fn message() -> (Vec<u8>, String) {
    let issue = issue();
    let reader = Reader {
        address: EmailAddress::parse("reader@example.com").unwrap(),
        name: None,
        unsubscribe_url: SAMPLE_UNSUBSCRIBE_URL.to_owned(),
    };
    let newsletter = sample_newsletter(&issue).unwrap();
    let rendered = rendered(&issue);
    let date = datetime!(2025-05-31 00:00 UTC);
    let bytes =
        issue_message(&newsletter.letterhead(), &rendered, issue.number, &reader, "12.3f9c@example.org", date, None)
            .unwrap();
    (bytes, rendered.subject)
}

fn expected(subject: &str) -> Expected<'_> {
    Expected { subject, reply_to: false, signed: false }
}

#[test]
fn a_message_of_ours_is_as_it_should_be() {
    let (bytes, subject) = message();
    let told = headers(&bytes, &expected(&subject));
    assert_eq!(told.findings, []);
    assert!(!told.signed && told.bytes == bytes.len() && told.longest_line <= 78);
    let names: Vec<&str> = told.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names[..4], ["From", "To", "Subject", "Date"]);
    let body = told.body.unwrap();
    let parts: Vec<_> = body.parts.iter().map(|part| part.content_type.as_str()).collect();
    assert_eq!((body.content_type.as_str(), parts), ("multipart/alternative", vec!["text/plain", "text/html"]));
    assert_eq!(body.parts[1].bytes, email(&issue()).replace('\n', "\r\n").len());
}

#[test]
fn every_flaw_of_a_message_is_named() {
    let (bytes, subject) = message();
    let text = String::from_utf8(bytes).unwrap();
    let rules = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let told = headers(text.replacen(from, to, 1).as_bytes(), &expected(&subject));
        let mut rules: Vec<_> = told.findings.iter().map(|finding| finding.rule).collect();
        rules.dedup();
        rules
    };
    assert_eq!(rules("To: ", "Bcc: x@example.com\r\nTo: "), ["message-header"]);
    assert_eq!(rules("Feedback-ID: ", "X-ID: "), ["message-header"]);
    assert_eq!(rules("Date: ", "Date: Sat, 31 May 2025 00:00:00 +0000\r\nDate: "), ["message-header"]);
    assert_eq!(rules("Slow", "Fast"), ["message-subject"]);
    assert_eq!(
        rules("<https://newsletter.example.org/u/", "<http://newsletter.example.org/u/"),
        ["message-unsubscribe"]
    );
    assert_eq!(rules("=One-Click", "=Yes"), ["message-unsubscribe"]);
    assert_eq!(rules("12.3f9c@", "12..3f9c@"), ["message-id"]);
    assert_eq!(rules("\r\nFeedback-ID", "\nFeedback-ID"), ["message-line-end", "message-header"]);
    assert_eq!(rules("Ahoy", "Ähoy"), ["message-ascii"]);
    assert_eq!(rules("Ahoy", &"a".repeat(1000)), ["message-line-length"]);
    assert_eq!(rules("text/plain; charset=utf-8", "text/plain; charset=latin1"), ["message-mime"]);
    assert_eq!(rules("From: ", "DKIM-Signature: v=1\r\nFrom: "), ["message-signature"]);
    let swapped = text.replacen("Date: ", "X: ", 1).replacen("To: ", "Date: ", 1).replacen("X: ", "To: ", 1);
    assert!(headers(swapped.as_bytes(), &expected(&subject)).findings[0].message.contains("another order"));
}

#[test]
fn an_inbox_row_is_cut_where_phones_cut_it() {
    let rows = inbox("Harbour Weekly", "Harbour Weekly #12: Slow Software, and what it is good for", &"潮".repeat(80));
    let phone = rows.iter().find(|row| row.program == "iPhone Mail").unwrap();
    assert_eq!(phone.subject, "Harbour Weekly #12: Slow Software, and what it…");
    assert_eq!(phone.preheader, format!("{}…", "潮".repeat(49)));
    assert!(rows.iter().all(|row| row.from == "Harbour Weekly"));
}

/// Text that is full of markup, whole and broken.
fn tangle() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "<",
        ">",
        "</",
        "/>",
        "<p",
        "<p>",
        "</p>",
        "<a href=\"x\" ",
        "<style>",
        "</style>",
        "<!--",
        "-->",
        "<!",
        "\"",
        "'",
        "=",
        " style=\"color:#123;",
        "background:url(",
        "@media (prefers-color-scheme:dark){",
        "{",
        "}",
        ";",
        ":",
        "/*",
        "*/",
        "\\",
        "(",
        "[",
        "&amp;",
        "&#x1F980;",
        "&",
        "é",
        "潮",
        "🦀",
        "<img alt=a src=b>",
        "<h1>",
        "</h1>",
        "<table bgcolor=#fff>",
        "<td class=\"footer\">",
        "!important",
        "calc(1px + ",
        ".a .b",
        ",",
        "<body",
        "<br>",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_whole(text in prop_oneof![tangle(), ".*"]) {
        let mut at = 0;
        for piece in read(&text) {
            prop_assert_eq!(piece.span.start, at);
            prop_assert!(piece.span.end > at && text.get(piece.span.clone()).is_some());
            if let Kind::Open(tag) = piece.kind {
                for attribute in &tag.attributes {
                    prop_assert!(piece.span.start < attribute.span.start && attribute.span.end <= piece.span.end);
                    prop_assert!(text.get(attribute.value_span.clone()).is_some());
                }
            }
            at = piece.span.end;
        }
        prop_assert_eq!(at, text.len());
    }

    #[test]
    fn no_text_breaks_an_inspection(text in prop_oneof![tangle(), ".*"]) {
        let outline = Outline::of(&manuscript(), &text);
        prop_assert_eq!(outline.sizes().iter().map(|size| size.bytes).sum::<usize>(), text.len());
        for finding in inspect(&text, &outline) {
            prop_assert!(finding.at.is_none_or(|at| at <= text.len()));
        }
        for view in [without_style, without_images, placeholders] {
            view(&text);
        }
        headers(text.as_bytes(), &expected("x"));
    }
}
