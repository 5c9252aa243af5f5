//! What a copy editor would mark: every rule, the places, the mending, the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod forms; // each defect in its forms, and what looks like it
mod memory; // what the store remembers of issues sent and imported
mod program; // the command: output, exit codes, files mended

use std::fs;

use masthead::issue::check::{self, Email, Finding, PAGE_BREAK, Rule, Settings, Severity, Surroundings};
use masthead::issue::{Archive, Manuscript, Role, parse};
use masthead::render::{self, sample_newsletter};
use proptest::prelude::*;

use super::app::repository;

/// Checks files against one another.
fn check_all(pages: &[&str], settings: &Settings) -> Vec<(Manuscript, Vec<Finding>)> {
    let mut archive = Archive::new();
    let mut manuscripts = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        let manuscript = Manuscript::read(&format!("{at}.md"), page.as_bytes()).unwrap();
        archive.add(&manuscript.issue, &manuscript.name);
        manuscripts.push(manuscript);
    }
    let check = |manuscript: Manuscript| {
        let newsletter = render::sample_newsletter(&manuscript.issue).unwrap();
        let email = render::render(&manuscript.issue, &newsletter).unwrap();
        let around = Surroundings {
            archive: Some(&archive),
            email: Some(Email { html: &email.html }),
            ..Surroundings::default()
        };
        let findings = check::check(&manuscript, &around, settings);
        (manuscript, findings)
    };
    manuscripts.into_iter().map(check).collect()
}

/// Checks one file.
fn check(text: &str) -> Vec<Finding> {
    check_all(&[text], &Settings::default()).remove(0).1
}

fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

/// Asserts that `rule` marks exactly these places of a file, by what stands there.
fn marks(rule: &str, text: &str, places: &[&str]) {
    let manuscript = Manuscript::read("x.md", text.as_bytes()).unwrap();
    let findings = check(text);
    let found = findings.iter().filter(|finding| finding.rule == rule);
    let found: Vec<_> = found.map(|finding| &manuscript.file()[finding.span.clone()]).collect();
    assert_eq!(found, places, "{rule}: {text}");
}

#[test]
fn every_rule_marks_its_bad_example_and_leaves_its_good_one_alone() {
    for rule in check::rules() {
        let found = |example: &str| {
            let pages: Vec<&str> = example.split(PAGE_BREAK).collect();
            let all = check_all(&pages, &Settings::default());
            all.into_iter().flat_map(|(_, findings)| findings).collect::<Vec<_>>()
        };
        if !rule.bad.is_empty() {
            let marked = found(rule.bad);
            let own: Vec<_> = marked.iter().filter(|finding| finding.rule == rule.id).collect();
            assert_eq!(own.len(), 1, "{}: {:?}", rule.id, rules(&marked));
            assert!(!own[0].hint.is_empty() && own[0].severity == rule.severity, "{}", rule.id);
        }
        if !rule.good.is_empty() {
            assert_eq!(rules(&found(rule.good)), [""; 0], "{}: the good example is good throughout", rule.id);
        }
    }
}

#[test]
fn every_rule_explains_itself() {
    let mut ids: Vec<_> = check::rules().map(|rule| rule.id).collect();
    let kebab = |id: &&str| id.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    assert!(ids.iter().all(kebab), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), check::rules().count());
    for Rule { id, summary, why, .. } in check::rules() {
        assert!(!summary.is_empty() && !summary.ends_with('.') && why.ends_with('.'), "{id}");
    }
}

#[test]
fn every_rule_that_looks_at_the_email_is_listed() {
    let source = |file: &str| fs::read_to_string(repository("src/inspect").join(file)).unwrap();
    let code: String = ["access.rs", "clients.rs", "contrast.rs", "mod.rs"].map(source).concat();
    let mut named: Vec<&str> = code.split('"').filter(|word| word.starts_with("email-")).collect();
    named.sort_unstable();
    named.dedup();
    let listed = |id: &&str| check::rules().any(|rule| rule.id == *id && rule.bad.is_empty());
    assert!(named.len() > 10 && named.iter().all(listed), "{named:?}");
}

#[test]
fn braces_that_every_reader_would_see_are_errors() {
    let front =
        "---\nnumber: 12\ntitle: Slow Software\nsubject: For {{ name }}\npreheader: Ahoy {{name|sailor}}\n---\n";
    marks(
        "slot-in-title",
        &format!("{front}\nAhoy, {{{{name}}}}.\n\n## Boats for {{{{name}}}}\n\n- [Two](https://a.example/)\n"),
        &["subject: For {{ name }}", "preheader: Ahoy {{name|sailor}}", "## Boats for {{name}}"],
    );
    for (text, place) in [
        ("- [Boats for {{name}}](https://a.example/)", "- [Boats for {{name}}](https://a.example/)"),
        ("Ahoy, [you](https://a.example/?n={{name|you}}).", "[you](https://a.example/?n={{name|you}})"),
        ("![For {{name}}](https://a.example/a.png)", "![For {{name}}](https://a.example/a.png)"),
    ] {
        let file = format!("# Harbour Weekly #12: Slow Software\n\n## Boats\n\n- [One](https://b.example/)\n{text}\n");
        marks("slot-in-title", &file, &[place]);
    }
    for fine in ["{{namely}}", "{name}", "{{name", "{{date}}"] {
        marks("slot-in-title", &format!("# Harbour Weekly #12: Software for {fine}\n\nAhoy, {{{{name}}}}.\n"), &[]);
    }
}

#[test]
fn what_is_certain_is_mended_and_then_found_no_more() {
    let mut mended = Vec::new();
    for rule in check::rules().filter(|rule| !rule.bad.is_empty() && !rule.bad.contains(PAGE_BREAK)) {
        let (manuscript, findings) = check_all(&[rule.bad], &Settings::default()).remove(0);
        let Some(bytes) = check::fix(&manuscript, rule.bad.as_bytes(), &findings).unwrap() else { continue };
        let text = String::from_utf8(bytes).unwrap();
        assert!(!rules(&check(&text)).contains(&rule.id), "{}: {text}", rule.id);
        mended.push(rule.id);
    }
    assert_eq!(mended, ["item-number", "link-tracking", "mojibake", "hidden-character", "stray-escape"]);
}

#[test]
fn findings_are_placed_by_line_and_character_of_the_file() {
    let text = "\u{feff}# Harbour Weekly #12: 潮\r\n\r\n🦄 潮水 „ÄÅ [潮](http://a.example/)\r\n\r\n\t- [b](http://b.example/)\r\n";
    let places: Vec<_> = check(text)
        .iter()
        .filter(|finding| finding.rule == "link-http" || finding.rule == "mojibake")
        .map(|finding| (finding.rule, finding.line, finding.column))
        .collect();
    assert_eq!(places, [("mojibake", 3, 6), ("link-http", 3, 14)]);
    marks("link-http", text, &["http://a.example/"]);
}

#[test]
fn the_defects_of_a_year_of_weeklies_are_found() {
    let issue = |number: u32, day: &str, body: &str| {
        format!("---\ndate: {day}\n---\n# Harbour Weekly #{number}: What the Pilots Say\n\n## Articles\n\n{body}\n")
    };
    let list = |links: &[&str]| links.iter().map(|link| format!("- [Page]({link})\n")).collect::<String>();
    let pages = [
        issue(1, "2024-01-06", &list(&["https://a.example/", "https://b.example/"])),
        issue(2, "2024-01-13", &list(&["https://c.example/", "https://d.example/"])),
        issue(2, "2024-01-20", &list(&["https://www.a.example/?utm_medium=x", "https://e.example/"])),
        issue(4, "2024-01-27", &list(&["https://f.example/", "http://f.example"])),
    ];
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    let all = check_all(&pages, &Settings::default());
    let found: Vec<_> = all.iter().map(|(_, findings)| rules(findings)).collect();
    let expected: [&[&str]; 4] =
        [&[], &[], &["number-used", "link-tracking", "link-earlier"], &["number-gap", "link-http", "link-repeated"]];
    assert_eq!(found, expected);
    assert!(all[2].1[0].message.ends_with("used before: 1.md, 2024-01-13"), "{:?}", all[2].1[0]);
    let earlier = all[2].1.iter().find(|finding| finding.rule == "link-earlier").unwrap();
    assert_eq!(earlier.message, "already in #1, 2024-01-06");
}

#[test]
fn a_sample_of_an_archive_has_no_gaps() {
    let pages: Vec<String> =
        [3, 6, 9, 12].iter().map(|n| format!("# Harbour Weekly #{n}: Pilots\n\nAhoy.\n")).collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    for (_, findings) in check_all(&pages, &Settings::default()) {
        assert_eq!(rules(&findings), [""; 0]);
    }
}

#[test]
fn an_issue_that_tells_no_number_leaves_no_gap() {
    let pages = [
        "---\ndate: 2024-01-06\n---\n# Harbour Weekly #1: Pilots\n\nAhoy.\n",
        "---\ndate: 2024-01-13\n---\n# Boats\n\nAhoy.\n",
        "---\ndate: 2024-01-20\n---\n# Harbour Weekly #3: Piers\n\nAhoy.\n",
    ];
    let all = check_all(&pages, &Settings::default());
    assert!(rules(&all[1].1).contains(&"number-missing"));
    assert_eq!(rules(&all[2].1), [""; 0]);
}

#[test]
fn words_are_doubled_only_by_mistake() {
    for (text, places) in [
        ("We saw saw a boat.", vec!["saw"]),
        ("We went to\nto the pier.", vec!["to"]),
        ("**In the** the end.", vec!["the"]),
        ("It is what it is is.", vec![]),
        ("He knew that that had had an end.", vec![]),
        ("Duran Duran and a Walla Walla boat, bye bye.", vec![]),
        ("The boat, boat and all. Boat. boat", vec![]),
        ("A [boat](https://b.example/) boat.", vec![]),
        ("Tests tests tests, and then then then more", vec![]),
        ("The the pier, but Bora bora and Walla walla", vec!["the"]),
        ("They danced the cha cha, and the cha cha cha; hush hush, yo yo.", vec![]),
        ("`the` the and 10 10 x x", vec![]),
        ("看看 好好 的的确确 天天向上", vec![]),
        ("The `long long` long haul; a long long int", vec![]),
    ] {
        marks("doubled-word", &format!("# Harbour Weekly #1: Pilots\n\n{text}\n"), &places);
    }
}

#[test]
fn drafts_are_told_from_talk_of_drafts() {
    for (text, places) in [
        ("TODO", vec!["TODO"]),
        ("TODO: ask", vec!["TODO"]),
        ("TODO ask the pilots", vec!["TODO"]),
        ("The price is TK.", vec!["TK"]),
        ("We still TODO this part, and this one is FIXME.", vec!["TODO", "FIXME"]),
        ("The day is TBD, the place XXX.", vec!["TBD", "XXX"]),
        ("此处 TODO，补充链接", vec!["TODO"]),
        ("Lorem ipsum dolor sit amet", vec!["Lorem ipsum"]),
        ("(TODO) and [TK]", vec!["TODO", "TK"]),
        ("Lorem ipsum dolor", vec!["Lorem ipsum"]),
        ("[Image of the pier]", vec!["[Image of the pier]"]),
        ("A TODO list; todo.txt; TODO Tree for editors; the TODO app", vec![]),
        ("Tcl/TK and TKinter", vec![]),
        ("TODO and FIXME comments, each TODO, a \"TODO\", .TODO, TODO_LIST", vec![]),
        ("The XXX conference, Super Bowl XXX, TODO 注释", vec![]),
        ("[**TBD**](https://meet.example/): [How to find every TODO quickly](https://find.example/)", vec![]),
        ("`TODO: x` in code", vec![]),
    ] {
        marks("placeholder", &format!("# Harbour Weekly #1: Pilots\n\n{text}\n"), &places);
    }
}

#[test]
fn addresses_that_nobody_can_have_are_placeholders() {
    for (text, places) in [
        (
            "See <https://docs.example.com/a> and https://www.example.net.",
            vec!["https://docs.example.com/a", "https://www.example.net"],
        ),
        ("Write to [Ann](mailto:ann@example.com)", vec!["mailto:ann@example.com"]),
        ("See <https://example.com/a>", vec!["https://example.com/a"]),
        ("See <https://docs.example/a> and <https://example.company/>", vec![]),
    ] {
        marks("placeholder-address", &format!("# Harbour Weekly #1: Pilots\n\n{text}\n"), &places);
    }
}

#[test]
fn another_language_is_left_over_only_as_a_sentence() {
    let english = "# Harbour Weekly #1: Pilots\n\nThis week we walked along both of the piers and asked.\n\n";
    for (text, places) in [
        ("① 潮水每天涨落两次的原因", vec!["① 潮水每天涨落两次的原因"]),
        ("1、[潮水每天涨落两次的原因](https://tides.example/) (中文)", vec![]),
        ("The author, 王小明, wrote 《潮水每天涨落两次的原因》.", vec![]),
        ("> 潮水每天涨落两次的原因", vec![]),
        ("Names: 张三, 李四", vec![]),
        ("## 🦄文章", vec!["## 🦄文章"]),
        (
            "- [Tides](https://tides.example/): 潮水每天涨落两次的原因",
            vec!["- [Tides](https://tides.example/): 潮水每天涨落两次的原因"],
        ),
        ("- [Tides](https://tides.example/) 中文播客", vec![]),
        ("## Tides 潮水", vec![]),
        ("Это предложение забыли перевести.", vec!["Это предложение забыли перевести."]),
        ("The word for harbour is гавань.", vec![]),
    ] {
        marks("leftover-language", &format!("{english}{text}\n"), &places);
    }
    let chinese = "# 港口周刊#1：潮水的原因\n\n本期我们沿着两个码头走了一圈，问了所有愿意说话的人。\n\n";
    let sentence = "This is the sentence that was left in the edition and that nobody has translated.";
    for (text, places) in [
        (sentence.to_owned(), vec![sentence]),
        (format!("[{sentence}](https://tides.example/)"), vec![]),
        (format!("他说：“{sentence}”"), vec![]),
        ("Python, Django, Flask and FastAPI".to_owned(), vec![]),
    ] {
        marks("leftover-language", &format!("{chinese}{text}\n"), &places);
    }
}

#[test]
fn addresses_are_judged_as_browsers_do() {
    for (url, rule) in [
        ("https://tides.example/a_(b)?c=d#e", None),
        ("https://zh.wikipedia.org/wiki/潮汐", None),
        ("https://web.archive.org/web/2020/https://tides.example//x", None),
        ("https://tides.example/?ref=main&source=x", None),
        ("mailto:ann@tides.example", None),
        ("http//tides.example", Some("link-malformed")),
        ("htps://tides.example", Some("link-malformed")),
        ("https:/tides.example", Some("link-malformed")),
        ("https://https://tides.example", Some("link-malformed")),
        ("https://tides", Some("link-malformed")),
        ("https://tides.example/，潮", Some("link-malformed")),
        ("www.tides.example", Some("link-relative")),
        ("tides.example/a", Some("link-relative")),
        ("#top", Some("link-relative")),
        ("//tides.example", Some("link-relative")),
        ("javascript:alert", Some("link-scheme")),
        ("https://192.168.0.7/x", Some("link-localhost")),
        ("https://[::1]:80/x", Some("link-localhost")),
        ("https://t.co/abc", Some("link-shortener")),
        ("https://t.co/", None),
        ("https://tides.example/?fbclid=1", Some("link-tracking")),
        ("https://tides.example/a//b", Some("link-double-slash")),
    ] {
        let found = check(&format!("# Harbour Weekly #1: Pilots\n\nRead about [tides]({url}).\n"));
        assert_eq!(rules(&found), rule.into_iter().collect::<Vec<_>>(), "{url}");
    }
    for unread in ["[tides] (https://tides.example/)", "[tides](https://tides.example/a b)"] {
        let found = check(&format!("# Harbour Weekly #1: Pilots\n\nRead about {unread}.\n"));
        assert_eq!(rules(&found), ["link-malformed"], "{unread}");
    }
}

#[test]
fn addresses_among_words_are_judged_like_links() {
    for (text, rule, place) in [
        ("See http://tides.example/a.", "link-http", "http://tides.example/a"),
        ("（见http://tides.example/a_(b)）。", "link-http", "http://tides.example/a_(b)"),
        ("## HTTP and http://tides.example/a!", "link-http", "http://tides.example/a"),
        ("1. https://bit.ly/3abc: tides", "link-shortener", "https://bit.ly/3abc"),
        ("**https://t.example/?utm_source=a_b&c=1**", "link-tracking", "https://t.example/?utm_source=a_b&c=1"),
        ("Then http://localhost:4000/, and go", "link-localhost", "http://localhost:4000/"),
        ("| a |\n| - |\n| https://tides.example//a |", "link-double-slash", "https://tides.example//a"),
    ] {
        let text = format!("# Harbour Weekly #1: Pilots\n\n{text}\n");
        marks(rule, &text, &[place]);
        assert_eq!(rules(&check(&text)), [rule], "{text}");
    }
    for text in [
        "See https://tides.example/a, tides.example, and write http:// or https://… before it.",
        "`http://tides.example/` and\n\n```\nhttp://bit.ly/3\n```",
        "[http://tides.example](https://tides.example)",
        "<!-- http://tides.example -->",
    ] {
        assert_eq!(rules(&check(&format!("# Harbour Weekly #1: Pilots\n\n{text}\n"))), [""; 0], "{text}");
    }
    let text = "# Harbour Weekly #1: Pilots\n\nRead https://tides.example/?utm_source=x&id=7, and more.\n";
    let (manuscript, findings) = check_all(&[text], &Settings::default()).remove(0);
    let bytes = check::fix(&manuscript, text.as_bytes(), &findings).unwrap().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), text.replace("utm_source=x&", ""));
}

#[test]
fn html_is_judged_like_markdown_and_mended_where_it_stands() {
    let text = "# Harbour #12: The title here\n\nThe <a href=\"https://a.example/?utm_source=x\">old pier</a> and \
                <img alt=\"Boats\" src='http://a.example/1.png'> <object data=\"u\"></object> <file>.\n";
    marks("link-tracking", text, &["https://a.example/?utm_source=x"]);
    marks("image-http", text, &["http://a.example/1.png"]);
    marks("raw-html", text, &["<object data=\"u\">"]);
    let manuscript = Manuscript::read("x.md", text.as_bytes()).unwrap();
    let mended = check::fix(&manuscript, text.as_bytes(), &check(text)).unwrap().unwrap();
    assert_eq!(String::from_utf8(mended).unwrap(), text.replace("?utm_source=x", ""));
}

#[test]
fn a_block_of_html_is_judged_tag_by_tag() {
    let text = "# Harbour Weekly #12: The title here\n\n<table><tr><td><a href=\"http://tides.example//x\">High <b>tide</b>\
                </a></td><td><img src=http://boats.example/1.png></td></tr></table>\n\n> <ul>\n> <li><a href='https://t.example/\
                ?id=7&amp;utm_source=x'>A boat</a><li><a href='#top'>Up</a> <a href='https://a.example/'></a>\n> </ul>\n\n\
                <ul><li><!-- <a href='http://a.example'>a</a> --><a name=x>No</a> <style>a</style></ul>\n\n\
                <pre><a href='http://b.example/'>b</a></pre>\n";
    marks("link-http", text, &["http://tides.example//x"]);
    marks("link-double-slash", text, &["http://tides.example//x"]);
    marks("image-http", text, &["http://boats.example/1.png"]);
    marks("image-no-alt", text, &["<img src=http://boats.example/1.png>"]);
    marks("link-tracking", text, &["https://t.example/?id=7&amp;utm_source=x"]);
    marks("link-relative", text, &["#top"]);
    marks("link-no-text", text, &["<a href='https://a.example/'></a>"]);
    let manuscript = Manuscript::read("x.md", text.as_bytes()).unwrap();
    let mended = check::fix(&manuscript, text.as_bytes(), &check(text)).unwrap().unwrap();
    assert_eq!(String::from_utf8(mended).unwrap(), text.replace("&amp;utm_source=x", ""));
}

#[test]
fn what_a_block_of_html_in_an_item_links_to_is_remembered() {
    let text = "# Harbour Weekly #12: The title here\n\n## Boats\n\n1. [Launches](https://a.example/)\n\n   <table><tr>\
                <td><a href=\"https://b.example/?a=1&amp;b=2\">Tide tables</a></td></tr></table>\n\n2. [Piers](https://c.example/)\n";
    let manuscript = Manuscript::read("x.md", text.as_bytes()).unwrap();
    let links: Vec<_> =
        manuscript.issue.recommended().into_iter().map(|link| (link.url.to_owned(), link.role)).collect();
    let expected = [
        ("https://a.example/", Role::Item),
        ("https://b.example/?a=1&b=2", Role::Mention),
        ("https://c.example/", Role::Item),
    ];
    assert_eq!(links, expected.map(|(url, role)| (url.to_owned(), role)));
    // what stands behind it is still told apart
    marks("link-repeated", &text.replace("c.example", "a.example"), &["https://a.example/"]);
}

#[test]
fn what_turns_the_direction_of_words_is_marked_as_a_reference_too() {
    let text = |reference: &str| format!("# Harbour Weekly #12: The title here\n\nThe {reference}old pier.\n");
    for reference in ["&#x202e;", "&#X202E;", "&#8238;", "&#x2066;"] {
        marks("hidden-character", &text(reference), &[reference]);
    }
    for shown in ["&#233;", "`&#x202e;` ", "&#x;", "&#99999999;"] {
        assert!(!rules(&check(&text(shown))).contains(&"hidden-character"), "{shown}");
    }
}

#[test]
fn two_slashes_in_a_path_are_left_to_the_editor() {
    let text = "# Harbour Weekly #1: Pilots\n\nRead [about tides](https://store.example/a//b.png).\n";
    let (manuscript, findings) = check_all(&[text], &Settings::default()).remove(0);
    assert_eq!(rules(&findings), ["link-double-slash"]);
    assert_eq!(check::fix(&manuscript, text.as_bytes(), &findings).unwrap(), None);
}

#[test]
fn a_link_that_shows_nothing_is_one_finding() {
    for link in ["[](u)", "[]()", "[](https//tides.example)", "[](irc://tides.example)"] {
        marks("link-no-text", &format!("# Harbour Weekly #1: Pilots\n\nRead {link} now.\n"), &[link]);
        let found = check(&format!("# Harbour Weekly #1: Pilots\n\nRead {link} now.\n"));
        assert_eq!(rules(&found), ["link-no-text"], "{link}");
    }
}

#[test]
fn a_title_is_cut_off_where_a_word_is_followed_by_dots() {
    let title = |title: &str| rules(&check(&format!("# Harbour Weekly #3: {title}\n\nAhoy.\n")));
    for cut in
        ["Something about...", "Something about…", "码头上的慢软件...", "Something about ...", "Something about......"]
    {
        assert_eq!(title(cut), ["title-cut"], "{cut}");
    }
    for whole in ["Something about it", "Slow software?...", "So...", "码头上的慢软件……"] {
        assert_eq!(title(whole), [""; 0], "{whole}");
    }
    let item = |title: &str| format!("# Harbour Weekly #3: Pilots\n\n## A\n\n- [{title}](https://a.example/)\n");
    assert_eq!(rules(&check(&item("Why all of the pilots sing when..."))), ["title-cut"]);
    assert_eq!(rules(&check(&item("And then..."))), [""; 0]);
}

#[test]
fn a_subject_is_measured_with_the_name_that_it_will_have() {
    let named = sample_newsletter(&parse(b"# Harbour Weekly #1\n").unwrap()).unwrap();
    let found = |text: &str, newsletter| {
        let manuscript = Manuscript::read("1.md", text.as_bytes()).unwrap();
        rules(&check::check(&manuscript, &Surroundings { newsletter, ..Surroundings::default() }, &Settings::default()))
    };
    assert_eq!(found("# #3: Hi\n\nAhoy.\n", None), ["subject-short"]);
    assert_eq!(found("# #3: Hi\n\nAhoy.\n", Some(&named)), [""; 0]);
    let long = format!("# #3: {}\n\nAhoy.\n", "Slow software ".repeat(5).trim());
    assert_eq!(found(&long, None), [""; 0]);
    assert_eq!(found(&long, Some(&named)), ["subject-long"]);
}

#[test]
fn a_year_is_stale_in_an_issue_that_is_about_to_leave() {
    let today = dates_in("2026-11-22");
    let found = |issues: &[&str], at: usize| {
        let mut archive = Archive::new();
        let manuscripts: Vec<_> = (0..)
            .zip(issues)
            .map(|(at, text)| Manuscript::read(&format!("{at}.md"), text.as_bytes()).unwrap())
            .collect();
        manuscripts.iter().for_each(|manuscript| archive.add(&manuscript.issue, &manuscript.name));
        let around = Surroundings { archive: Some(&archive), today, ..Surroundings::default() };
        rules(&check::check(&manuscripts[at], &around, &Settings::default()))
    };
    let [old, new] = [1, 2].map(|n| format!("# Harbour Weekly #{n}: Pilots\n\nAhoy.\n\n© 2025 Harbour Weekly\n"));
    assert_eq!(found(&[&new], 0), ["stale-year"]);
    assert_eq!(found(&[&old, &new], 1), ["stale-year"]);
    assert_eq!(found(&[&old, &new], 0), [""; 0], "it left long ago");
    assert_eq!(found(&[&new.replace("2025", "2026")], 0), [""; 0]);
}

fn dates_in(day: &str) -> Option<time::Date> {
    time::Date::parse(day, &time::format_description::well_known::Iso8601::DATE).ok()
}

#[test]
fn characters_that_join_are_hidden_only_where_nothing_joins() {
    for (text, count) in [
        ("👩\u{200d}🚀 and 🏳\u{fe0f}\u{200d}🌈", 0),
        ("می\u{200c}خواهم, क्\u{200d}ष, നന്\u{200d}മ", 0),
        ("I\u{200d}/\u{200d}O", 2),
        ("é\u{200d}e, 潮\u{200d}水, 潮。\u{200c}水", 3),
    ] {
        let found = check(&format!("# Harbour Weekly #1: Pilots\n\nRead {text} now.\n"));
        assert_eq!(found.iter().filter(|finding| finding.rule == "hidden-character").count(), count, "{text:?}");
    }
}

#[test]
fn mojibake_is_one_finding_and_code_keeps_its_own() {
    let damaged = "# Harbour Weekly #1: Pilots\n\nThe pilotâ€™s cafÃ©.\n\nThe cook’s cafÃ©.\n\n`cafÃ©` is how it looks:\n\n```\nprint('cafÃ©')\n```\n";
    let (manuscript, findings) = check_all(&[damaged], &Settings::default()).remove(0);
    assert_eq!(rules(&findings), ["mojibake"]);
    assert_eq!((findings[0].line, findings[0].column), (3, 10));
    assert_eq!(findings[0].message, "`â€™` was `’` once; 3 places in all, also on line 5");
    let bytes = check::fix(&manuscript, damaged.as_bytes(), &findings).unwrap().unwrap();
    let mended = damaged.replace("pilotâ€™s cafÃ©", "pilot’s café").replace("cook’s cafÃ©", "cook’s café");
    assert_eq!(String::from_utf8(bytes).unwrap(), mended);
    assert_eq!(rules(&check(&mended)), [""; 0]);
    let allowed = damaged.replace("The pilot", "<!-- masthead: allow mojibake: a joke -->\nThe pilot");
    assert_eq!(check(&allowed)[0].line, 6);
}

#[test]
fn a_page_of_a_known_repository_is_noted_whatever_it_is() {
    let page = |number: u32, link: &str| {
        format!(
            "# Harbour Weekly #{number}: Pilots\n\n## A\n\n- [Tide, a new one](https://github.com/harbour/{link})\n\
             - [B](https://b{number}.example/)\n"
        )
    };
    for (one, other, noted) in [
        ("tide", "tide/issues/3", true),
        ("tide", "tide/pull/7/files", true),
        ("tide", "tide/releases/tag/v2", true),
        ("tide/releases", "Tide", true),
        // two changes are news each
        ("tide/pull/7", "tide/pull/8", false),
        ("tide", "ebb", false),
    ] {
        let all = check_all(&[&page(1, one), &page(2, other)], &Settings::default());
        let expected = if noted { vec!["repository-earlier"] } else { vec![] };
        assert_eq!(rules(&all[1].1), expected, "{one}, {other}");
    }
}

#[test]
fn a_link_that_names_its_address_elsewhere_is_marked_and_mended_there() {
    let text =
        "# Harbour Weekly #1: Pilots\n\nRead [about tides][t].\n\n[t]: https://tides.example/?utm_source=x 'Tides'\n";
    marks("link-tracking", text, &["https://tides.example/?utm_source=x"]);
    let (manuscript, findings) = check_all(&[text], &Settings::default()).remove(0);
    let bytes = check::fix(&manuscript, text.as_bytes(), &findings).unwrap().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), text.replace("?utm_source=x", ""));
}

#[test]
fn numbers_are_mended_however_they_are_written() {
    let issue = |numbers: [&str; 3]| {
        let item = |(at, number): (usize, &&str)| format!("{number}[Page](https://{at}.example/)\n\nText.\n\n");
        let items: String = numbers.iter().enumerate().map(item).collect();
        format!("# Harbour Weekly #1: Pilots\n\n## Articles\n\n{items}")
    };
    for (wrong, right) in [
        (["1、", "2、", "4、"], ["1、", "2、", "3、"]),
        (["① ", "② ", "② "], ["① ", "② ", "③ "]),
        (["1. ", "2. ", "4. "], ["1. ", "2. ", "3. "]),
        (["１．", "２．", "４．"], ["１．", "２．", "３．"]),
        (["一、", "二、", "四、"], ["一、", "二、", "三、"]),
    ] {
        let (manuscript, findings) = check_all(&[&issue(wrong)], &Settings::default()).remove(0);
        assert_eq!(rules(&findings), ["item-number"], "{wrong:?}");
        let bytes = check::fix(&manuscript, issue(wrong).as_bytes(), &findings).unwrap().unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), issue(right));
    }
    for fine in [["1. ", "1. ", "1. "], ["- ", "- ", "- "]] {
        assert_eq!(rules(&check(&issue(fine).replace("\n\nText.\n\n", "\n"))), [""; 0], "{fine:?}");
    }
}

/// The numbers of items, section by section.
type Sections<'a> = &'a [&'a [u32]];

#[test]
fn numbers_are_mended_only_where_one_slip_explains_them() {
    let section = |(name, numbers): (char, &&[u32])| {
        let item = |number: &u32| format!("{number}. [Page](https://{name}{number}.example/)\n\nText.\n\n");
        format!("## {name}\n\n{}", numbers.iter().map(item).collect::<String>())
    };
    let issue = |sections: &[&[u32]]| {
        format!("# Harbour Weekly #1: Pilots\n\n{}", ('A'..).zip(sections).map(section).collect::<String>())
    };
    let written =
        |text: &str| -> Vec<u32> { text.lines().filter_map(|line| line.split_once(". [")?.0.parse().ok()).collect() };
    let cases: [(Sections, &str, &[u32]); 19] = [
        (&[&[1, 3]], "number it 2", &[1, 2]),
        (&[&[1, 2, 2, 4]], "number it 3", &[1, 2, 3, 4]),
        (&[&[1, 2, 2, 3]], "number it 3, and the items below it on from there", &[1, 2, 3, 4]),
        (&[&[1, 2, 1, 4]], "number it 3", &[1, 2, 3, 4]),
        (&[&[2, 2, 3]], "number it 1", &[1, 2, 3]),
        (&[&[1, 2], &[3, 5, 6], &[7, 8]], "number it 4, and the items below", &[1, 2, 3, 4, 5, 6, 7]),
        (&[&[12, 13], &[14, 16]], "number it 15", &[12, 13, 14, 15]),
        // meant in several ways
        (&[&[1, 2], &[2, 3]], "number it 3 if the numbers run on, 1 if they begin anew", &[1, 2, 2, 3]),
        (&[&[2, 3, 4]], "see whether an item above it is missing", &[2, 3, 4]),
        (&[&[1, 1, 2]], "see whether an item is missing", &[1, 1, 2]),
        (&[&[1, 2, 5, 6]], "see whether an item is missing", &[1, 2, 5, 6]),
        (&[&[1, 3, 2]], "see whether an item is missing", &[1, 3, 2]),
        (&[&[0, 2, 3]], "see whether an item is missing", &[0, 2, 3]),
        // fine
        (&[&[3, 2, 1]], "", &[3, 2, 1]),
        (&[&[5, 4], &[3, 2, 1]], "", &[5, 4, 3, 2, 1]),
        (&[&[1984, 2001]], "", &[1984, 2001]),
        (&[&[0, 1, 2]], "", &[0, 1, 2]),
        (&[&[12, 13], &[14, 15]], "", &[12, 13, 14, 15]),
        (&[&[1, 2, 1, 2], &[1, 2]], "", &[1, 2, 1, 2, 1, 2]),
    ];
    for (sections, hint, mended) in cases {
        let text = issue(sections);
        let (manuscript, findings) = check_all(&[&text], &Settings::default()).remove(0);
        let found: Vec<_> = findings.iter().filter(|finding| finding.rule == "item-number").collect();
        assert_eq!(found.len(), usize::from(!hint.is_empty()), "{sections:?}: {found:?}");
        assert!(found.iter().all(|finding| finding.hint.starts_with(hint)), "{sections:?}: {found:?}");
        let bytes = check::fix(&manuscript, text.as_bytes(), &findings).unwrap();
        let after = bytes.map_or(text, |bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(written(&after), mended, "{sections:?}");
        let left = rules(&check(&after)).contains(&"item-number");
        assert_eq!(left, hint.contains("see whether") || hint.contains(" if "), "{sections:?}");
    }
}

#[test]
fn a_table_of_short_rows_makes_no_large_email() {
    let table = ["|a".repeat(100), "|-".repeat(100), "|a|\n".repeat(100)].join("\n");
    assert_eq!(rules(&check(&format!("# Harbour Weekly #1: Pilots\n\n{table}"))), [""; 0]);
}

#[test]
fn an_email_too_large_names_the_item_that_passes_the_line() {
    let items = |count: usize| {
        let item = |at: usize| format!("{at}、[Page {at}](https://{at}.example/)\n\n{}\n\n", "Words. ".repeat(120));
        format!("# Harbour Weekly #1: Pilots\n\n## Articles\n\n{}", (1..=count).map(item).collect::<String>())
    };
    assert_eq!(rules(&check(&items(70))), [""; 0]);
    let large = check(&items(88));
    assert_eq!(rules(&large), ["email-large"]);
    let clipped = check(&items(140));
    assert_eq!(rules(&clipped), ["email-clipped"]);
    assert!(clipped[0].message.contains("which this item passes: \"Page "), "{}", clipped[0].message);
    assert!(clipped[0].line > large[0].line && large[0].line > 100);
}

#[test]
fn rules_can_be_switched_off_set_and_allowed() {
    let text = "# Harbour Weekly #1: Pilots\n\nRead [about tides](http://tides.example/).\n";
    let with = |severity| Settings { rules: [("link-http".to_owned(), severity)].into(), ..Settings::default() };
    assert!(check_all(&[text], &with(None))[0].1.is_empty());
    assert_eq!(check_all(&[text], &with(Some(Severity::Note)))[0].1[0].severity, Severity::Note);
    let on_line = text.replace(").", "). <!-- masthead: allow link-http: no https there -->");
    assert_eq!(rules(&check(&on_line)), [""; 0]);
    let above = text.replace("Read", "<!-- masthead: allow link-http: no https there -->\n\nRead");
    assert_eq!(rules(&check(&above)), [""; 0]);
    let elsewhere = above.replace("link-http:", "link-tracking:");
    assert_eq!(rules(&check(&elsewhere)), ["allow-unused", "link-http"]);
    let unknown = above.replace("link-http:", "links:");
    assert_eq!(rules(&check(&unknown)), ["allow-no-reason", "link-http"]);
}

#[test]
fn pages_on_the_allow_list_come_again() {
    let page = |number: u32| {
        format!(
            "# Harbour Weekly #{number}: Pilots\n\n## A\n\n- [Channel](https://channel.example/)\n- [Page](https://{number}.example/)\n"
        )
    };
    let pages = [page(1), page(2)];
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    let settings = Settings { allow_links: vec!["http://www.channel.example".to_owned()], ..Settings::default() };
    assert_eq!(rules(&check_all(&pages, &Settings::default())[1].1), ["link-earlier"]);
    assert_eq!(rules(&check_all(&pages, &settings)[1].1), [""; 0]);
}

#[test]
fn a_link_that_a_wide_bracket_leaves_open_is_marked_as_a_whole() {
    let text = "# 港口周刊 #1：领航员\n\n今天读到了[潮汐](https://tides.example/a）。\n";
    marks("link-malformed", text, &["[潮汐](https://tides.example/a）"]);
}

#[test]
fn a_paragraph_of_addresses_is_checked_and_rendered_in_time() {
    let text = "www.a.b ".repeat(40_000);
    let started = std::time::Instant::now();
    check(&text);
    // unoptimised, on a busy machine; a quadratic step takes minutes
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn what_comes_every_week_is_no_repetition() {
    let page = |number: u32| {
        format!(
            "# Harbour Weekly #{number}: Pilots\n\n## Upcoming Events\n\n- [Pilots](https://pilots.example/)\n- [Pilots \
             again](https://pilots.example/)\n\n## Articles\n\n- [A](https://{number}.example/)\n- [B](https://b{number}.example/)\n"
        )
    };
    let pages = [page(1), page(2)];
    for (_, findings) in check_all(&[&pages[0], &pages[1]], &Settings::default()) {
        assert_eq!(rules(&findings), [""; 0]);
    }
}

/// Pieces that issues and their defects are made of.
const PIECES: [&str; 43] = [
    "# Harbour Weekly #12: Pilots",
    "\n\n",
    "\n",
    "\r\n",
    " ",
    "\t",
    "## A",
    "1、",
    "2. ",
    "- ",
    "① ",
    "[text](",
    ")",
    "[",
    "]",
    "](",
    "http://a.example//b?utm_source=x&c",
    "https://b.example/",
    "<https://c.example>",
    "![](",
    "![x](",
    "the ",
    "the the ",
    "TODO: ",
    "潮水每天涨落",
    "„ÄÅ",
    "â€™",
    "Ã©",
    "\u{200b}",
    "\u{202e}",
    "\u{fffd}",
    "🦄",
    "\\'",
    "&amp;amp;",
    "<!-- masthead: allow link-http: x -->",
    "<td><a href='http://d.example'>",
    "<ul><img src=潮&amp;>",
    "</a>",
    "---\n",
    "title: x\n",
    "`code`",
    "> ",
    "© 2019 ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_file_is_checked_and_mended(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        let text = pieces.concat();
        let Ok(manuscript) = Manuscript::read("2024-06-08.md", text.as_bytes()) else { return Ok(()) };
        let findings = check::check(&manuscript, &Surroundings::default(), &Settings::default());
        let mut last = 0;
        for finding in &findings {
            prop_assert!(manuscript.file().get(finding.span.clone()).is_some(), "{finding:?}");
            prop_assert!(finding.span.start >= last && finding.line > 0 && finding.column > 0);
            last = finding.span.start;
            for edit in &finding.edits {
                prop_assert!(manuscript.file().get(edit.span.clone()).is_some(), "{finding:?}");
            }
        }
        if let Some(bytes) = check::fix(&manuscript, text.as_bytes(), &findings).unwrap() {
            prop_assert!(bytes != text.as_bytes());
            let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
            prop_assert_eq!(lines(&bytes), lines(text.as_bytes()));
        }
    }
}

#[test]
fn html_that_is_indented_in_a_box_is_judged_where_it_stands() {
    for (opening, closing) in
        [("<div>", "</div>"), ("<details><summary>More</summary>", "</details>"), ("<ul>", "</ul>")]
    {
        let text = format!(
            "# Harbour Weekly #3: Pilots\n\n{opening}\n\n      <img src=\"https://a.example/1.png\">\n\n    <a href=\"http://b.example/x\">The pier</a>\n\n{closing}\n\nAhoy.\n\n    <img src=\"https://a.example/code.png\">\n"
        );
        let findings = check(&text);
        let places: Vec<_> = findings.iter().map(|found| (found.rule, found.line, found.column)).collect();
        assert_eq!(places, [("image-no-alt", 5, 7), ("link-http", 7, 14)], "{opening}");
    }
}
