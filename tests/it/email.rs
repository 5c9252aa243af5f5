//! The rendered email and its message: decoded, counted, and attacked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod look;
mod message;
mod notices;
mod pictures;
mod slots;
mod text;

use mail_parser::MessageParser;
use masthead::issue::{Image, Issue, Item, PastIssue, Section};
use masthead::message::{Reader, issue_message};
use masthead::newsletter::{BaseUrl, Mailbox, Newsletter, Slug};
use masthead::render::{Rendered, Slot, render};
use masthead::subscriber::EmailAddress;
use masthead::theme::Theme;
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
        slug: None,
        number: Some(7),
        title: Some("Roots & Shoots".into()),
        subject: None,
        language: "en".into(),
        date: Some(date!(2025 - 05 - 31)),
        preheader: None,
        layout: None,
        intro: String::new(),
        sections: vec![],
        past_issues_heading: None,
        past_issues: vec![],
        extra: vec![],
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
        below_line: 1,
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
    let build = || {
        let rendered = rendered(&weekly());
        issue_message(&newsletter().letterhead(), &rendered, Some(7), &reader(None), MESSAGE_ID, DATE, None).unwrap()
    };
    assert_eq!(build(), build());
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
    issue.intro += &format!("\n\n| Tree | Where |\n| --- | --- |\n| Oak | {} |", "in the old park ".repeat(8));
    let text = text(&issue);
    assert!(text.lines().any(|line| line == url));
    for line in text.lines().filter(|line| !line.contains("https://")) {
        assert!(line.width() <= 72, "{} columns: {line}", line.width());
    }
}

#[test]
fn code_has_no_spaces_behind_its_lines() {
    let (html, text) = prose("```\nlet a = 1;  \n  a + 1 \n```");
    assert!(html.contains("let a = 1;\n  a + 1</code>"), "{html}");
    assert!(text.contains("    let a = 1;\n      a + 1\n"), "{text}");
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
        "indeed, ~~not~~ so bad.[1]",
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
fn blocks_of_html_read_as_what_they_are() {
    let (html, text) = prose(
        "<div class=\"x\">\n<h2>Boats &amp; tides</h2>\n<p align=center>The <b>ferry <i>is</i></b> late &mdash; see \
         <a href=\"https://a.example/?a=1&amp;b=2\">the plan</a>.</p>\n<ul>\n  <li>One</li>\n  <li>Two\n    \
         <ol start=\"3\"><li>deep<li>deeper</ol>\n  </li>\n</ul>\n<table>\n<tr><th>Boat</th><th align=\"right\">\
         Length</th></tr>\n<tr><td rowspan=2>Tug</td><td>9 m</td></tr><tr><td>10 m</td></tr>\n</table>\n\
         <blockquote><p>Never turn back.</p></blockquote>\n<pre><code>let a = 1 &lt; 2;\n  a</code></pre>\n<hr>\n\
         <dl><dt>Knot</dt><dd>One mile</dd></dl>\n<figure><a href=\"https://p.example\">\
         <img src=\"https://img.example.org/a.png\" alt=\"A\"></a><figcaption>The pier</figcaption></figure>\n</div>\n\n\
         <blockquote>\n\nA *quoted* word\n\n</blockquote>\n\n<script>alert(\"no\")</script>\n\n\
         <ul><li>a</li>\n\n    <li>below an empty line</li></ul>\n\n<iframe src=\"https://f.example\">the film</iframe>",
    );
    for tag in [
        "Boats &amp; tides</h2>",
        "<strong>ferry <em>is</em></strong> late —",
        "<a href=\"https://a.example/?a=1&amp;b=2\"",
        "<ol start=\"3\"",
        "<blockquote",
        "let a = 1 &lt; 2;",
        "<hr",
        "<strong>Knot</strong>",
        "<a href=\"https://p.example\"",
        "<em>quoted</em>",
    ] {
        assert!(html.contains(tag), "{tag} is missing:\n{html}");
    }
    for line in [
        "- Two",
        "  4. deeper",
        "Boat | Length",
        "Tug  |    9 m",
        "     |   10 m",
        "> Never turn back.",
        "      a",
        "[Image: A]",
        "https://p.example",
        "The pier",
        "> A quoted word",
        "- below an empty line",
        "the film <https://f.example>",
    ] {
        assert!(text.lines().any(|written| written == line), "{line} is missing:\n{text}");
    }
    assert_eq!(text.matches('<').count(), 3, "of two links and of the code: {text}");
    assert!(!html.contains("alert") && !text.contains("alert"));
}

#[test]
fn blocks_of_html_in_a_line_are_blocks() {
    let (html, text) = prose(
        "Look: <video poster=\"https://v.example.org/a.jpg\" title=\"The pier\"><source src=\"https://v.example.org/a.mp4\">\
         </video> there.\n\nBoats: <ul><li>a *tug*</li><li>a ferry</li></ul> all late.\n\nOne\n<hr>\ntwo.\n\n\
         Plans <table><tr><td>Tug</td><td>9 m</td></tr></table>",
    );
    assert!(html.contains("<a href=\"https://v.example.org/a.mp4\"") && html.contains("alt=\"The pier\""), "{html}");
    for part in ["- a tug\n- a ferry\n", "\nall late.\n", "One\n\n* * *\n\ntwo.", "Plans\n\nTug | 9 m"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    assert_eq!(text.matches('<').count(), 0, "{text}");
    for words in ["An <hr> in words, and <ul> too", "A </video> alone"] {
        assert!(prose(words).1.contains(words), "words about HTML stay as they are typed");
    }
}

#[test]
fn what_stands_in_the_middle_stays_there() {
    let (html, _) = prose(
        "<div align=center>Ahoy, <div>dear</div> all</div>\n\n<p style=\"text-align: center\">One\n<p>two\n\n\
         <center><img src=\"https://img.example.org/b.png\" alt=\"B\" width=\"90\"></center>",
    );
    let centred: Vec<&str> = html.split("class=\"centred\"").skip(1).collect();
    let [first, second, third] = centred[..] else { panic!("{html}") };
    assert!(first.find("all</p>") < first.find("</div>"), "{first}");
    assert!(second.find("</div>") < second.find("two"), "a paragraph ends with the next: {second}");
    assert!(third.contains("<div style=\"margin:0 auto;max-width:90px\">"), "{third}");
}

#[test]
fn paragraphs_of_markdown_stand_in_the_middle_between_tags_that_say_so() {
    for (opening, closing) in
        [("<div align=\"center\">", "</div>"), ("<center>", "</center>"), ("<p align=center>", "</p>")]
    {
        let file = format!("# Name #1: T\n\nBefore.\n\n{opening}\n\nOne *word*.\n\nTwo.\n\n{closing}\n\nAfter.\n");
        let (html, text) = pictures::parts(&file);
        let (_, centred) = html.split_once("class=\"centred\"").unwrap_or_else(|| panic!("{opening}: {html}"));
        let (centred, after) = centred.split_once("</div>").unwrap();
        assert!(centred.contains("<em>word</em>") && centred.contains("Two.") && after.contains("After."), "{html}");
        assert!(text.contains("Before.\n\nOne word.\n\nTwo.\n\nAfter.\n"), "{text}");
    }
    let (open, _) = pictures::parts("# Name #1: T\n\n<div align=center>\n\nNever closed.\n\nAfter.\n");
    assert!(!open.contains("centred"), "{open}");
}

#[test]
fn broken_html_loses_no_word_and_stays_where_it_is() {
    let first = format!("{}deep{}", "<ul><li><blockquote><table><tr><td>".repeat(3_000), "</ul></td>".repeat(2_000));
    for (markdown, words) in [
        (first.as_str(), "deep"),
        ("</div></td></tr></table></body>\n\nafter", "after"),
        ("<table>loose<tr>more<td>cell", "loose more cell"),
        ("<ul>loose<li>a<table><td>b</ul>c", "loose a b c"),
        ("<div><a href='https://a.example'><b>x<p>y</a>z", "x y z"),
        ("<pre>code <b>not bold", "code not bold"),
        ("<h3>head<ul><li>entry", "head entry"),
        ("<div>\n<file> &nosuch; & <!-- open", "<file> &nosuch; & <!-- open"),
        (&format!("<div>\n{}end", "<b><a href='https://a.example'>x".repeat(3_000)), "end"),
    ] {
        let (html, text) = prose(markdown);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words.split(' ') {
            assert!(text.contains(word), "{word}: {text}");
        }
        for name in ["table", "ul", "blockquote", "a", "td", "tr", "li", "div"] {
            let count = |wanted: &str| tags(&html).filter(|tag| tag.split(' ').next() == Some(wanted)).count();
            assert_eq!(count(name), count(&format!("/{name}")), "{name} in {html}");
        }
        assert!(html.contains("signed up for"), "the footer is there: {html}");
    }
}

#[test]
fn no_link_is_inside_another() {
    for markdown in [
        "[see ![Oak](https://img.example.org/oak.png) and *![Ash](http://a.example/b.png)*](https://example.org/oak)",
        "[see https://a.example and www.b.example, ann@c.example](https://example.org/oak)",
        "[see <https://a.example> [b](https://b.example)](https://example.org/oak)",
        "<a href=\"https://a.example\">see [b](https://b.example)</a>",
        "## [see https://a.example](https://b.example)",
    ] {
        let (html, _) = prose(markdown);
        let links: Vec<&str> =
            tags(&html).map(|tag| tag.split(' ').next().unwrap()).filter(|name| matches!(*name, "a" | "/a")).collect();
        assert!(links.chunks(2).all(|link| link == ["a", "/a"]), "{markdown}: {html}");
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
            Image { url: attack.into(), alt: attack.into(), caption: Some(attack.into()), link: None, below_line: 0 };
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

/// `masthead render` on a file that says `content`, into a fresh folder.
fn render_command(content: &str) -> (std::process::Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (render_into(&folder, content), folder)
}

/// The same into a folder that may have been rendered into before.
fn render_into(folder: &tempfile::TempDir, content: &str) -> std::process::Output {
    std::fs::write(folder.path().join("issue.md"), content).unwrap();
    render_in(folder)
}

/// Renders the issue that is in a folder.
fn render_in(folder: &tempfile::TempDir) -> std::process::Output {
    let file = folder.path().join("issue.md");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_masthead"));
    command.arg("render").arg(&file).arg("--out").arg(folder.path().join("out/new")).current_dir(folder.path());
    command.output().unwrap()
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
fn an_issue_without_a_day_is_dated_with_the_last_change_of_its_file() {
    let undated = FILE.replace("date: 2025-05-31\n", "");
    let (_, folder) = render_command(&undated);
    let file = std::fs::File::options().append(true).open(folder.path().join("issue.md")).unwrap();
    let render = |changed: OffsetDateTime| {
        file.set_modified(changed.into()).unwrap();
        let output = render_in(&folder);
        let message = std::fs::read_to_string(folder.path().join("out/new/issue.eml")).unwrap();
        let html = std::fs::read_to_string(folder.path().join("out/new/issue.html")).unwrap();
        (message, html, String::from_utf8(output.stderr).unwrap())
    };
    let (message, html, digest) = render(datetime!(2025-06-02 07:08:09.5 UTC));
    assert!(message.contains("\r\nDate: Mon, 02 Jun 2025 07:08:09 +0000\r\n"), "{message}");
    assert!(!html.contains("June"), "no day is made up for readers: {html}");
    let (again, _, _) = render(datetime!(2025-06-02 07:08:09.5 UTC));
    assert_eq!(message, again);
    let (later, _, same_digest) = render(datetime!(2025-06-03 07:08:09 UTC));
    assert!(later.contains("\r\nDate: Tue, 03 Jun 2025 "), "{later}");
    assert!(digest.starts_with("digest ") && digest == same_digest, "{digest} {same_digest}");
}

#[test]
fn the_render_command_leaves_alone_what_says_the_same() {
    let (_, folder) = render_command(FILE);
    let out = folder.path().join("out/new");
    let (html, text) = (out.join("issue.html"), out.join("issue.txt"));
    let written = std::fs::metadata(&html).unwrap().modified().unwrap();
    let mended = std::fs::read(&text).unwrap();
    std::fs::write(&text, "Something else.").unwrap();
    assert!(render_into(&folder, FILE).status.success());
    assert_eq!(std::fs::metadata(&html).unwrap().modified().unwrap(), written);
    assert_eq!(std::fs::read(&text).unwrap(), mended);
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
