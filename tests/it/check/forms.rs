//! The forms that one defect takes, beside what looks like it and is fine.

use masthead::issue::Manuscript;
use masthead::issue::check::{Settings, Surroundings};

use super::{check, check_all, dates_in, marks, rules};

/// An issue with a body, checked by one rule.
fn body(rule: &str, text: &str, places: &[&str]) {
    marks(rule, &format!("# Harbour Weekly #1: Pilots\n\n{text}\n"), places);
}

/// What mending makes of a body.
fn mended(text: &str) -> String {
    let text = format!("# Harbour Weekly #1: Pilots\n\n{text}\n");
    let (manuscript, findings) = check_all(&[&text], &Settings::default()).remove(0);
    let bytes = check::fix(&manuscript, text.as_bytes(), &findings).unwrap();
    let text = bytes.map_or(text, |bytes| String::from_utf8(bytes).unwrap());
    text.split_once("\n\n").unwrap().1.trim_end().to_owned()
}

#[test]
fn references_without_a_definition_are_brackets() {
    for (text, places) in [
        ("Read [the tide][nope], and [tide][].", vec!["[the tide][nope]", "[tide][]"]),
        ("Read [tide][nope].", vec!["[tide][nope]"]),
        ("Twice a day.[^9] Or more[^more].", vec!["[^9]", "[^more]"]),
        ("Read [the tide][t] and [t][].[^9]\n\n[T]: https://t.example/\n\n[^9]: Both.", vec![]),
        ("- [video][en]\n- The pilots [video][en]\n- `[a b][c]` and `[^1]`", vec![]),
        ("grid[x y][z], [0][1], \\[the tide][t], a class [^abc] or [^a-z]+", vec![]),
    ] {
        body("reference-undefined", text, &places);
    }
}

#[test]
fn escapes_of_programs_are_told_from_paths_and_talk() {
    for (text, places) in [
        ("It\\u2019s here, \\u4e2d and \\ud83e\\udd84.", vec!["\\u2019", "\\u4e2d", "\\ud83e\\udd84"]),
        ("The first.\\nThe second.\\n\\nThe third", vec!["\\n", "\\n", "\\n"]),
        ("Open C:\\new\\Notes, C:\\u2019 is none; split on \\n, (\\n) and \"\\n\"; \\nabla, \\u12", vec!["\\u2019"]),
        ("`It\\u2019s`, \\\\u2019", vec![]),
    ] {
        body("stray-escape", text, &places);
    }
    assert_eq!(mended("It\\u2019s, it\\'s"), "It\\u2019s, it's", "the words may be about escapes");
}

#[test]
fn placeholders_hide_in_the_front_matter_and_behind_images() {
    marks("placeholder", "---\nnumber: 3\ntitle: \"TODO\"\npreheader: What TBD.\n---\n\nAhoy.\n", &["TODO", "TBD"]);
    marks("placeholder", "---\nnumber: 3\ntitle: A TODO list\ntags: [TODO]\n---\n\nAhoy.\n", &[]);
    body(
        "placeholder",
        "![TODO](https://a.example/b.png) ![lorem ipsum](https://a.example/c.png)",
        &["TODO", "lorem ipsum"],
    );
    body("placeholder", "![A TODO app](https://a.example/b.png)", &[]);
    body("placeholder", "An XXX movie, the Türkiye TK code, made in Türkiye TK.", &[]);
    body("placeholder", "The price is TK, the place XXX.", &["TK", "XXX"]);
}

#[test]
fn signs_are_doubled_only_by_mistake() {
    body("doubled-word", "**the** the pier", &["the"]);
    body("doubled-word", "港口的的灯，我们们去看。", &["的", "们"]);
    body("doubled-word", "以此为目的的人的的确确打了的，的的士。", &[]);
}

#[test]
fn leftovers_of_a_translation_are_found_beside_what_is_translated() {
    let english =
        "---\nlanguage: en\n---\n# Harbour Weekly #1: Pilots\n\nWe walked along both of the piers and asked.\n\n";
    let behind = "- Why the old tide in the harbour never turns twice in one day: 潮水每天涨落两次的原因在这里";
    let japanese = "港の灯台はとても古いので、みんなが見に来ます。";
    for (text, places) in [
        (behind, vec![behind]),
        (japanese, vec![japanese]),
        ("Why the old tide of the harbour of 上海外滩 and of 青岛 turns, says 王小明", vec![]),
        ("The word for harbour is みなと.", vec![]),
    ] {
        marks("leftover-language", &format!("{english}{text}\n"), &places);
    }
    let chinese = "---\nlanguage: zh\n---\n# 港口周刊#1：潮水的原因\n\n本期我们沿着两个码头走了一圈，问了所有愿意说话的人。\n\n1、[Tides](https://t.example/)\n\n";
    let description =
        "A small library which helps programmers write better harbour servers without learning another framework";
    for (text, places) in [
        (description.to_owned(), vec![description]),
        (japanese.to_owned(), vec![japanese]),
        (format!("> {description}"), vec![]),
        (format!("介绍：{description}"), vec![]),
        (
            "Python Django Flask FastAPI Starlette Pyramid Tornado Sanic Quart Bottle CherryPy Falcon Hug Masonite"
                .into(),
            vec![],
        ),
    ] {
        marks("leftover-language", &format!("{chinese}{text}\n"), &places);
    }
}

#[test]
fn a_stale_year_is_the_last_of_the_newsletters_own_notice() {
    let found = |text: &str| {
        let text = format!("# Harbour Weekly #1: Pilots\n\n{text}\n");
        let manuscript = Manuscript::read("1.md", text.as_bytes()).unwrap();
        let around = Surroundings { today: dates_in("2026-11-22"), ..Surroundings::default() };
        rules(&check::check(&manuscript, &around, &Settings::default())).contains(&"stale-year")
    };
    for stale in ["© 2019 Harbour Weekly", "© Harbour Weekly 2019–2024. Since 2026.", "Copyright 2019, 2021 Harbour"]
    {
        assert!(found(stale), "{stale}");
    }
    for fine in [
        "© 2020–2026 Harbour. Since 2019.",
        "© 2026 Harbour. Founded 2019.",
        "© Harbour, since the pilots came in 2019",
        "© 2019–present Harbour",
        "Photo: © 2019 Jane Doe",
        "![The pier](https://a.example/b.png)\n\n© 2019 Jane Doe",
        "## A\n\n1. [A](https://a.example/)\n\nText.\n\n© 2019 Jane Doe\n\n2. [B](https://b.example/)\n\nText.",
    ] {
        assert!(!found(fine), "{fine}");
    }
}

#[test]
fn quotations_need_no_links() {
    let quotes = |title: &str, second: &str| {
        format!(
            "# 港口周刊#1：潮水的原因\n\n## {title}\n\n1、[潮](https://a.example/)\n\n涨。\n\n2、{second}\n\n3、[风](https://b.example/)\n\n起。\n"
        )
    };
    marks("item-no-link", &quotes("文章", "船"), &["2、船"]);
    marks("item-no-link", &quotes("文章", "船开了就不回头。\n\n-- 无名氏"), &[]);
    marks("item-no-link", &quotes("言论", "船开了就不回头。"), &[]);
}

#[test]
fn counts_are_kept_wherever_they_are_declared() {
    let issue = |above: &str, below: &str| {
        format!(
            "# Harbour Weekly #1: Pilots\n\n{above}\n\n## Articles\n\n- [A](https://a.example/)\n- [B](https://b.example/)\n\n\
             ## Projects\n\n- [C](https://c.example/)\n\n## Closing\n\n{below}\n"
        )
    };
    for (above, places) in [
        ("This issue has three articles and one project.", vec!["t"]),
        ("Shared **3** articles.", vec!["3"]),
        ("In this issue: 5 links", vec!["5"]),
        ("Today: 2 Articles, 2 Projects", vec!["2"]),
        ("This issue has two articles and one project.", vec![]),
    ] {
        marks("count-mismatch", &issue(above, "Bye."), &places);
    }
    marks("count-mismatch", &issue("Ahoy.", "This week we shared 3 articles and 1 project."), &["3"]);
    marks("count-mismatch", &issue("Ahoy.", "This week we shared 2 articles and 1 project."), &[]);
    marks("count-mismatch", &issue("Ahoy.", "Ann shared 30 articles and 10 projects elsewhere."), &[]);
}

#[test]
fn tracking_is_what_the_site_tracks_with() {
    let amazon = "https://www.amazon.co.uk/dp/1?tag=ann-21";
    for (url, clean) in [
        ("https://a.example/?trk=x&ref_src=y&hss_channel=z&gad_source=1&id=7", "https://a.example/?id=7"),
        ("https://youtu.be/abc?si=x&t=42", "https://youtu.be/abc?t=42"),
        ("https://open.spotify.com/episode/1?si=x", "https://open.spotify.com/episode/1"),
        ("https://x.com/ann/status/17?s=20&t=abc", "https://x.com/ann/status/17"),
        ("https://mp.weixin.qq.com/s?__biz=M&sn=a&chksm=x&scene=21", "https://mp.weixin.qq.com/s?__biz=M&sn=a"),
        ("https://medium.com/p/0123456789ab?source=rss----1a2b---4", "https://medium.com/p/0123456789ab"),
        ("https://en.wikipedia.org/wiki/Pier?wprov=sfla1", "https://en.wikipedia.org/wiki/Pier"),
        ("https://www.reddit.com/r/piers/?rdt=1&share_id=x", "https://www.reddit.com/r/piers/"),
        ("https://a.example/?utm_source=x&amp;id=1&amp;b=2", "https://a.example/?id=1&amp;b=2"),
        // whose affiliate it is, the editor knows
        (amazon, amazon),
        ("https://a.example/?s=20&t=1&tag=x&scene=1&si=2", "https://a.example/?s=20&t=1&tag=x&scene=1&si=2"),
    ] {
        assert_eq!(mended(&format!("Read [the piers]({url}).")), format!("Read [the piers]({clean})."));
    }
    body("link-tracking", &format!("Read [the piers]({amazon})."), &[amazon]);
}

#[test]
fn an_address_with_a_password_or_a_lone_percent_is_malformed() {
    for (url, found) in [
        ("https://ann:secret@a.example/", true),
        ("https://a.example/%zz", true),
        ("https://a.example/100%", true),
        ("https://a.example/@ann/%E4%B8%AD?q=100%", false),
    ] {
        let places = if found { vec![url] } else { vec![] };
        body("link-malformed", &format!("Read [the piers]({url})."), &places);
    }
}

#[test]
fn badges_are_svg_without_saying_so() {
    for (url, found) in [
        ("https://img.shields.io/badge/tide-high-blue", true),
        ("https://api.star-history.com/svg?repos=ann/tide", true),
        ("https://img.shields.io/badge/tide-high-blue.png", false),
        ("https://img.example/badge/tide", false),
    ] {
        body("image-format", &format!("![High tide]({url})"), if found { std::slice::from_ref(&url) } else { &[] });
    }
}

#[test]
fn a_sign_that_stood_before_another_is_named_with_it() {
    let found = check("# Harbour Weekly #1: Pilots\n\nAn old boat is Â£5, a cafÃ©.\n");
    assert_eq!(found[0].message, "`Â£` was `£` once");
    assert_eq!(mended("An old boat is Â£5, a cafÃ©."), "An old boat is £5, a café.");
}

#[test]
fn an_earlier_link_names_the_newest_issue_and_counts_the_others() {
    let page = |number: u32, link: &str| {
        format!(
            "---\ndate: 2024-01-{number:02}\n---\n# Harbour Weekly #{number}: Pilots\n\n## A\n\n- [The tides]({link})\n\
             - [B](https://b{number}.example/)\n"
        )
    };
    let pages = [3, 9, 12].map(|number| page(number, "https://t.example/"));
    let all = check_all(&[&pages[0], &pages[1], &pages[2]], &Settings::default());
    let messages =
        all[2].1.iter().filter(|finding| finding.rule == "link-earlier").map(|finding| finding.message.as_str());
    assert_eq!(messages.collect::<Vec<_>>(), ["already in #9, 2024-01-09, and 1 earlier"]);
}

#[test]
fn one_comment_allows_several_rules_in_capitals_or_not() {
    let text = |comment: &str| {
        format!(
            "# Harbour Weekly #1: Pilots\n\n<!-- {comment} -->\nRead [about tides](http://t.example/?utm_source=x).\n"
        )
    };
    for comment in [
        "masthead: allow link-http, link-tracking: the site wants it so",
        "Masthead: Allow link-http，link-tracking：the site wants it so",
        "masthead:allow link-tracking,link-http: the site wants it so",
    ] {
        assert_eq!(rules(&check(&text(comment))), [""; 0], "{comment}");
    }
    for (comment, found) in [
        ("masthead: allow link-http, link-tracking", vec!["allow-no-reason", "link-http", "link-tracking"]),
        ("masthead: allow link-http, links: so", vec!["allow-no-reason", "link-tracking"]),
        ("masthead: allow link-http, link-tracking, link-shortener: so", vec!["allow-unused"]),
    ] {
        assert_eq!(rules(&check(&text(comment))), found, "{comment}");
    }
}
