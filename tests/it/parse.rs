//! Issue files as editors write them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod anything; // generated Markdown: nothing is lost, nothing panics, nothing takes long
mod canonical; // fmt: what comes back is what went in

use std::process::Command;

use masthead::issue::{Issue, Repair, format, parse};
use masthead::newsletter::{Newsletter, Slug};
use masthead::render::sample_newsletter;
use masthead::theme::Layout;

const FIXTURES: [(&str, &str); 9] = [
    ("damaged", include_str!("parse/damaged.md")),
    ("chinese", include_str!("parse/chinese.md")),
    ("pelican", include_str!("parse/pelican.md")),
    ("headless", include_str!("parse/headless.md")),
    ("essay", include_str!("parse/essay.md")),
    ("digest", include_str!("parse/digest.md")),
    ("digest-zh", include_str!("parse/digest-zh.md")),
    ("nested", include_str!("parse/nested.md")),
    ("forms", include_str!("parse/forms.md")),
];

fn read(text: &str) -> Issue {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn newsletter(slug: &str, name: &str) -> Newsletter {
    let named = sample_newsletter(&read(&format!("# {name} #1\n"))).unwrap();
    Newsletter { slug: Slug::parse(slug).unwrap(), ..named }
}

#[test]
fn a_fixture_reads_as_its_snapshot_says() {
    for (name, text) in FIXTURES {
        let json = serde_json::to_string_pretty(&read(text)).unwrap();
        insta::with_settings!({ snapshot_path => "parse", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, json);
        });
    }
}

#[test]
fn damage_is_mended_for_reading_and_reported() {
    let issue = read(FIXTURES[0].1);
    assert_eq!(issue.repairs, [Repair { line: 5, what: "Mac Roman mojibake".into(), count: 13 }]);
    let emoji: Vec<_> = issue.sections.iter().filter_map(|section| section.emoji.as_deref()).collect();
    assert_eq!(emoji, ["🦄", "🐿️", "🐢"]);
}

#[test]
fn line_ends_and_byte_order_marks_change_nothing() {
    for (_, text) in FIXTURES {
        assert_eq!(read(&text.replace('\n', "\r\n")), read(text));
        assert_eq!(read(&format!("\u{feff}{text}")), read(text));
    }
}

#[test]
fn items_are_found_however_they_are_numbered() {
    for items in [
        "1、[One](u:1)\n\nText.\n\n2、[Two](u:2)\n\nText.",
        "1. [One](u:1)\n\nText.\n\n2. [Two](u:2)\n\nText.",
        "1. [One](u:1)\n\n   Text.\n\n2. [Two](u:2)\n\n   Text.",
        "1) [One](u:1)\n   Text.\n2) [Two](u:2)\n   Text.",
        "1.[One](u:1)\nText.\n2.[Two](u:2)\nText.",
        "（1）[One](u:1)：Text.\n\n（2）[Two](u:2)：Text.",
        "① [One](u:1)\n② [Two](u:2)",
        "### 1. [One](u:1)\n\nText.\n\n### 2. [Two](u:2)\n\nText.",
        "- [One](u:1) - Text.\n- [Two](u:2) - Text.",
        "* **[One](u:1)**: Text.\n* **[Two](u:2)**: Text.",
        "**[One](u:1)**\n\nText.\n\n**[Two](u:2)**\n\nText.",
        "**[One](u:1)** — Text.\n\n**[Two](u:2)** — Text.",
        "[One](u:1)\nText.\n\n[Two](u:2)\nText.",
        "### [One](u:1)\n\nText.\n\n### [Two](u:2)\n\nText.",
        "1）[One](u:1)\n2）[Two](u:2)",
        "㊿ [One](u:1)\n① [Two](u:2)",
        "- [One][1]\n\n  Text.\n\n- [Two][2]\n\n  Text.\n\n[1]: u:1\n[2]: u:2",
        "**1. [One](u:1)**\n\nText.\n\n**2. [Two](u:2)** Text.",
        "[1] [One](u:1)\n\nText.\n\n[2] [Two](u:2)",
        "１．[One](u:1)\n\nText.\n\n２、[Two](u:2)",
        "一、[One](u:1)\n\nText.\n\n二、[Two](u:2)\n\nText.",
        "1、\n\n[One](u:1)\n\nText.\n\n2、\n\n[Two](u:2)\n\nText.",
        "• [One](u:1) Text.\n\n• [Two](u:2) Text.",
        "→ [One](u:1)\n▶ [Two](u:2)",
        "### ■ [One](u:1)\n\nText.\n\n### ■ [Two](u:2)\n\nText.",
        "[One](u:1) — Text.\n\n[Two](u:2): Text.",
        "[One](u:1)\nText.\n[Two](u:2)\nText.",
        "[One](u:1)\n[Two](u:2)",
        "[One](u:1)\n\nText.\n\n[Two](u:2)\n\nText.",
        "1. [One](u:1)\n\n- [Two](u:2)",
        "- [One](u:1)\n\n1. [Two](u:2)",
    ] {
        let issue = read(&format!("# Name #1: T\n\n## S\n\nBody.\n\n{items}\n"));
        let [section] = &issue.sections[..] else { panic!("{items}: {issue:#?}") };
        let found: Vec<_> = section.items.iter().map(|i| (i.title.as_str(), i.url.as_deref().unwrap())).collect();
        assert_eq!(found, [("One", "u:1"), ("Two", "u:2")], "{items}");
        assert!(section.items.iter().all(|item| matches!(&*item.description, "" | "Text.")), "{items}: {section:#?}");
        assert_eq!((section.body.as_str(), section.after.as_str()), ("Body.", ""), "{items}");
    }
}

#[test]
fn a_link_above_its_text_is_an_item_where_each_section_is_one() {
    let issue = read("# N #1: T\n\n## A\n\n[One](u:1)\nText.\n\n## B\n\n[Two](u:2)\nText.\n");
    let titles: Vec<_> = issue.sections.iter().flat_map(|part| &part.items).map(|item| item.title.as_str()).collect();
    assert_eq!(titles, ["One", "Two"]);
    let essay = "## A\n\n[One](u:1)\nText.\n\n## B\n\nWords.";
    assert_eq!(read(essay).intro, essay);
}

#[test]
fn an_address_without_brackets_is_the_items() {
    for items in [
        "1、One https://o.example\nText.\n\n2、Two https://t.example\nText.",
        "1. One: https://o.example\n2. Two: https://t.example",
        "- One\n  https://o.example\n- Two\n  https://t.example",
        "1、One\n<https://o.example>\n\nText.\n\n2、Two\n<https://t.example>\n\nText.",
        "1. **One**：https://o.example\n2. Two（https://t.example）",
        "**One**\\\n<https://o.example>\\\nText.\n\n**Two**\n<https://t.example>\nText.",
    ] {
        let issue = read(&format!("## S\n\n{items}\n"));
        let [section] = &issue.sections[..] else { panic!("{items}: {issue:#?}") };
        let found: Vec<_> = section.items.iter().map(|i| (i.title.as_str(), i.url.as_deref().unwrap())).collect();
        assert_eq!(found, [("One", "https://o.example"), ("Two", "https://t.example")], "{items}");
    }
    let issue = read("## S\n\n- https://o.example - Text.\n- https://t.example\n");
    assert_eq!(issue.sections[0].items[0].title, "https://o.example");
    assert_eq!(issue.sections[0].items[0].description, "Text.");
}

#[test]
fn sections_are_found_however_they_are_headed() {
    for text in [
        "## 🦄One\n\n1、[a](u:a)\n\n## 🐢 Two\n\n1、[b](u:b)",
        "**🦄 One**\n\n1、[a](u:a)\n\n**Two 🐢**\n\n1、[b](u:b)",
        "**[🦄One](u:1)**\n\n① a\n\n**[🐢Two](u:2)**\n\n① b",
        "[🦄One](u:1)\n\n- [a](u:a)\n\n[🐢Two](u:2)\n\n- [b](u:b)",
        "# T\n\n### 🦄 One\n\n- [a](u:a)\n\n### 🐢 Two\n\n- [b](u:b)",
        "## 🦄 One\n\n- [a](u:a)\n\n**🐢 Two**\n\n- [b](u:b)",
        "## 🦄 One\n\n- [a](u:a)\n\n### [🐢 Two](u:2)\n\n- [b](u:b)",
        "- 🦄 One\n  - [a](u:a)\n- 🐢 Two\n  - [b](u:b)",
        "## 🦄 One\n\n1、[a](u:a)\n\n**🐢 Two**\n\n- [b](u:b)",
        "## 🦄 One\n\n1、[a](u:a)\n\n[🐢Two](u:2)\n\n1、[b](u:b)",
        "## 🦄 One\n\n- [a](u:a)\n\n🐢 **Two**\n\n- [b](u:b)",
        "🦄 **One**\n\n- [a](u:a)\n\n🐢 **[Two](u:2)**\n\n- [b](u:b)",
    ] {
        let issue = read(text);
        let found: Vec<_> =
            issue.sections.iter().map(|s| (s.title.as_str(), s.emoji.as_deref(), s.items.len())).collect();
        assert_eq!(found, [("One", Some("🦄"), 1), ("Two", Some("🐢"), 1)], "{text}");
    }
    let issue = read("一、动态\n\n1、[a](u:a)\n\n二、工具\n\n1、[b](u:b)");
    let found: Vec<_> = issue.sections.iter().map(|s| (s.title.as_str(), s.items.len())).collect();
    assert_eq!(found, [("一、动态", 1), ("二、工具", 1)]);
}

#[test]
fn numbers_are_as_the_editor_wrote_them() {
    for (items, numbers) in [
        ("1. [a](u:a)\n2. [b](u:b)\n2. [c](u:c)", [1, 2, 2]),
        ("1. [a](u:a)\n1. [b](u:b)\n1. [c](u:c)", [1, 2, 3]),
        ("1、[a](u:a)\n\n2、[b](u:b)\n\n4、[c](u:c)", [1, 2, 4]),
        ("7. [a](u:a)\n\ntext\n\n1. [b](u:b)\n2. [c](u:c)", [7, 1, 2]),
    ] {
        let issue = read(&format!("## S\n\n{items}\n"));
        let found: Vec<_> = issue.sections[0].items.iter().filter_map(|item| item.number).collect();
        assert_eq!(found, numbers, "{items}");
    }
}

#[test]
fn stars_and_reading_times_stand_beside_the_title() {
    let issue = read(
        "## S\n\n- [a](u:a) (★ 900) (5 min read)\n- [b](u:b)（3.2k star）（约 5 分钟）\n- [c](u:c) ⭐ 1.2k - Text.\n\
         - **[d (7 minute read)](u:d)** (1.2 万 star)\n- [e](u:e) - Text. ⭐ 12\n",
    );
    let items = &issue.sections[0].items;
    let stars: Vec<_> = items.iter().filter_map(|item| item.stars).collect();
    assert_eq!(stars, [900, 3_200, 1_200, 12_000, 12]);
    let tags: Vec<_> = items.iter().flat_map(|item| item.tags.iter().map(String::as_str)).collect();
    assert_eq!(tags, ["5 min read", "约 5 分钟", "7 minute read"]);
    assert_eq!((items[2].description.as_str(), items[3].title.as_str()), ("Text.", "d"));
    assert_eq!(items[4].description, "Text.");
}

#[test]
fn numbered_prose_is_no_list_of_items() {
    let text = "# T\n\n## S\n\n1、First this.\n\n2、Then that.\n\n1. One\n2. Two\n\n- plain\n- words\n";
    let issue = read(text);
    assert_eq!(issue.intro, text.trim_start_matches("# T\n\n").trim_end());
    assert_eq!(issue.sections, []);
}

#[test]
fn lists_in_a_numbered_item_are_its_text() {
    let issue = read("## S\n\n1、[One](u:1)\n\nSee:\n\n- [a](u:a)\n- [b](u:b)\n\n1. [c](u:c)\n\n2、[Two](u:2)\n");
    let [one, two] = &issue.sections[0].items[..] else { panic!("{issue:#?}") };
    assert_eq!(one.description, "See:\n\n- [a](u:a)\n- [b](u:b)\n\n1. [c](u:c)");
    assert_eq!(one.links, ["u:1", "u:a", "u:b", "u:c"]);
    assert_eq!(two.number, Some(2));
}

#[test]
fn lists_of_links_beside_other_items_are_items() {
    for (items, count) in [
        ("1、[One](u:1)\n\nText.\n\n2、[Two](u:2)\n\nText.\n\n- [a](u:a)\n- [b](u:b)", 4),
        ("- [a](u:a)\n- [b](u:b)\n\n**[One](u:1)** — Text.\n\n**[Two](u:2)** — Text.", 4),
        ("- [a](u:a)\n- [b](u:b)\n\n[One](u:1) — Text.\n\n[Two](u:2) — Text.", 4),
        ("**[One](u:1)** — Text.\n\n**[Two](u:2)** — Text.\n\n- [a](u:a)\n- [b](u:b)", 4),
        ("**[One](u:1)** — Text.\n\n**[Two](u:2)** — See also:\n\n- [a](u:a)\n- [b](u:b)", 2),
        ("1、[One](u:1)\n\n- light as [cork](u:c)\n- and cheap\n\n2、[Two](u:2)\n\n- no link\n- here", 2),
    ] {
        let issue = read(&format!("## S\n\n{items}\n"));
        assert_eq!(issue.sections[0].items.len(), count, "{items}: {issue:#?}");
    }
}

#[test]
fn titles_with_their_text_above_all_sections_are_lead_stories() {
    for leads in [
        "**[One](u:1)** — Text.\n\n**[Two](u:2)** — Text.",
        "[One](u:1)\n— Text.\n\n[Two](u:2)\n— Text.",
        "**[One](u:1)**\n\nText.\n\n**[Two](u:2)**\n\nText.",
    ] {
        let issue = read(&format!("# Name #1\n\nHello.\n\n{leads}\n\n## S\n\n- [a](u:a)\n"));
        let [first, _] = &issue.sections[..] else { panic!("{leads}: {issue:#?}") };
        let titles: Vec<_> = first.items.iter().map(|item| item.title.as_str()).collect();
        assert_eq!((issue.intro.as_str(), first.title.as_str(), titles), ("Hello.", "", vec!["One", "Two"]), "{leads}");
    }
    for intro in [
        "[Last week](u:l) we had a storm.\n\n[Ada](u:a) has joined us.",
        "- [S](#s)\n- [T](#t)",
        "**[Subscribe](u:s)** — free.",
    ] {
        let issue = read(&format!("# Name #1\n\n{intro}\n\n## S\n\n- [a](u:a)\n"));
        assert_eq!((issue.intro.as_str(), issue.sections.len()), (intro, 1));
    }
}

#[test]
fn links_that_begin_sentences_are_no_items() {
    for text in [
        "[Ropes](u:r) hold because of friction.\n\n[Friction](u:f) is what nobody understands.",
        "Words.\n\n[Source](u:s)\n\n![a](i:a)\n\nWords.\n\n[Thanks](u:t) for reading.",
        "> A quotation.\n\n– [Ada](u:a)\n\n> Another.\n\n- [Bo](u:b)",
        "[Web](u:w) | [Mail](u:m) | [Feed](u:f)\n\nWords.",
        "This weekly is edited by:\n\n- [ada](u:a)\n- [bo](u:b)",
    ] {
        let issue = read(&format!("# T\n\n## S\n\n{text}\n"));
        assert_eq!((issue.sections.len(), issue.intro), (0, format!("## S\n\n{text}")));
    }
}

#[test]
fn links_of_an_imprint_are_no_items() {
    for heading in ["🐼 Subscribe", "欢迎订阅", "Contact"] {
        let text = "- [Blog](u:b): posts\n- [Feed](u:f)";
        let issue = read(&format!("# T\n\n## S\n\n- [a](u:a)\n\n### {heading}\n\n{text}\n"));
        let [_, imprint] = &issue.sections[..] else { panic!("{heading}: {issue:#?}") };
        assert_eq!((imprint.items.len(), imprint.body.as_str()), (0, text), "{heading}");
    }
}

#[test]
fn reference_links_link_wherever_their_text_goes() {
    let issue = read(
        "Hi [a], [b][B] and ![i][i].\n\n## S\n\n- [t][]: [x\\]][B]\n\n[a]: <u:a b> 'q\"'\n[b]: u:b\n[i]: u:i\n[t]: u:t\n",
    );
    assert_eq!(issue.intro, "Hi [a](<u:a b> \"q\\\"\"), [b](u:b) and ![i](u:i).");
    let item = &issue.sections[0].items[0];
    assert_eq!((item.url.as_deref(), item.description.as_str()), (Some("u:t"), "[x\\]](u:b)"));
}

#[test]
fn images_and_captions_belong_to_the_item_above() {
    let issue = read(
        "## S\n\n1、[One](u:1)\n\nText.\n\n![a](i:1)\n*right under*\n\n![b](i:2)\n\n*below*\n\n[![c](i:3 \"t\")](u:c)\n\n\
         2、[Two](u:2)\n\nText with ![icon](i:4) inside. ![d](i:5)\n",
    );
    let [one, two] = &issue.sections[0].items[..] else { panic!("{issue:#?}") };
    let images = |item: &masthead::issue::Item| -> Vec<_> {
        item.images.iter().map(|i| format!("{} {} {}", i.url, i.alt, i.caption.clone().unwrap_or_default())).collect()
    };
    assert_eq!(images(one), ["i:1 a right under", "i:2 b below", "i:3 c t"]);
    for caption in
        ["![a](i:1)\n\n*A rope, drying.*", "![a](i:1)\n\n**A rope**", "![a](i:1) A rope", "![a](i:1) *A rope.*"]
    {
        let issue = read(&format!("## S\n\n- [One](u:1) - Text.\n- [Two](u:2) - Text.\n\n{caption}\n\nBye.\n"));
        let two = &issue.sections[0].items[1];
        assert!(two.images[0].caption.as_deref().is_some_and(|text| text.starts_with("A rope")), "{caption}: {two:#?}");
        assert_eq!((two.description.as_str(), issue.sections[0].after.as_str()), ("Text.", "Bye."), "{caption}");
    }
    assert_eq!((one.description.as_str(), one.links.as_slice()), ("Text.", &["u:1".into(), "u:c".into()][..]));
    assert_eq!(images(two), ["i:5 d "]);
    assert_eq!(two.description, "Text with ![icon](i:4) inside.");
}

#[test]
fn front_matter_in_any_form_wins() {
    for text in [
        "---\ntitle: 'Name #6: T: U'\ndate: 2024-06-08\nsummary: P\nlang: de\ndraft: [x]\n---\n# Other #7: V\n",
        "+++\ntitle = \"Name #6: T: U\"\ndate = 2024-06-08T10:00:00Z\npreheader = \"P\"\nlanguage = \"de\"\n+++\n# Other #7: V\n",
        "Title: Name #7: T: U\nNumber: 6\nNewsletter: Name\nDate: 2024-06-08 16:09\nSummary: P\nLang: de\n\n# Name #7: V\n",
        "---\n\"title\": \"T: U\"\nissue: \"#6\"\npublish_date: 2024.06.08\ndescription: P\nlang: de\n---\n# Name #7: V\n",
    ] {
        let issue = read(text);
        assert!(issue.title.as_deref().is_some_and(|title| title.ends_with("T: U")), "{text}{issue:#?}");
        assert_eq!(issue.newsletter.as_deref(), Some("Name"), "{text}");
        assert_eq!((issue.number, issue.language.as_str(), issue.preheader.as_deref()), (Some(6), "de", Some("P")));
        assert_eq!(issue.date.map(|date| date.to_string()).as_deref(), Some("2024-06-08"), "{text}");
    }
}

#[test]
fn a_title_line_that_says_otherwise_is_not_lost() {
    let issue = read("---\ntitle: 'Name #6: T'\n---\n# Other #7: [V](u:v)\n\nHello.\n");
    assert_eq!((issue.newsletter.as_deref(), issue.number, issue.title.as_deref()), (Some("Name"), Some(6), Some("T")));
    assert_eq!(issue.intro, "Other #7: [V](u:v)\n\nHello.");
    let issue = read("---\ntitle: T\ndate: 8 June 2024\n---\n# Name #6: T\n\nHello.\n");
    assert_eq!((issue.newsletter.as_deref(), issue.number, issue.intro.as_str()), (Some("Name"), Some(6), "Hello."));
    assert_eq!(issue.date.map(|date| date.to_string()).as_deref(), Some("2024-06-08"));
}

#[test]
fn a_newsletter_in_the_front_matter_has_the_name() {
    let issue = read("---\nnewsletter: Home\ntitle: 'Moss #5: T'\nnumber: 6\n---\n\n## Name #7\n\n- [x](u:x)\n");
    assert_eq!(
        (issue.newsletter.as_deref(), issue.number, issue.title.as_deref()),
        (Some("Home"), Some(6), Some("Moss #5: T"))
    );
    assert_eq!(issue.sections[0].title, "Name #7");
    let issue = read("---\nnewsletter: Home\n---\n\n# Name #6: T\n\nHello.\n");
    assert_eq!((issue.newsletter.as_deref(), issue.number, issue.title.as_deref()), (Some("Home"), Some(6), Some("T")));
    assert_eq!(issue.intro, "Name #6: T\n\nHello.", "the other name is not lost");
}

#[test]
fn a_subject_is_kept_and_stands_in_for_a_title() {
    let home = newsletter("home-letters", "Home");
    let issue = read("---\nsubject: 'Name #6: T'\n---\nHello.\n");
    assert_eq!((issue.subject_line(Some(&home)).as_str(), issue.title.as_deref()), ("Name #6: T", Some("T")));
    let issue = read("---\nsubject: S\n---\n# Name #6: T\n");
    assert_eq!((issue.subject_line(Some(&home)).as_str(), issue.title.as_deref()), ("S", Some("T")));
    let issue = read("---\nsubject: S\n---\n# Name #6\n");
    assert_eq!((issue.number, issue.title.as_deref()), (Some(6), Some("S")));
    assert_eq!(read("# Name #6: T\n").subject_line(Some(&home)), "Name #6: T");
    assert_eq!(read("# Name #6\n").subject_line(Some(&home)), "Name #6");
    assert_eq!(read("# T\n").subject_line(Some(&home)), "T");
    assert_eq!(read("#6：T\n").subject_line(Some(&home)), "Home #6: T");
    assert_eq!(read("Hello.\n").subject_line(Some(&home)), "");
}

#[test]
fn a_slug_in_the_front_matter_says_which_newsletter_and_a_title_line_its_name() {
    let weekly = newsletter("weekly", "The Moss Weekly");
    for (text, subject, intro) in [
        (
            "---\nnewsletter: weekly\n---\n# The Moss Weekly #104: Tides\n\nHello.\n",
            "The Moss Weekly #104: Tides",
            "Hello.",
        ),
        ("---\nnewsletter: weekly\n---\n# Moss #104: Tides\n\nHello.\n", "Moss #104: Tides", "Hello."),
        ("---\nnewsletter: weekly\nnumber: 104\n---\n# Moss #104: Tides\n\nHello.\n", "Moss #104: Tides", "Hello."),
        (
            "---\nnewsletter: weekly\nnumber: 104\ntitle: Tides\n---\n# Moss #104\n\nHello.\n",
            "Moss #104: Tides",
            "Hello.",
        ),
        ("---\nnewsletter: weekly\ntitle: 'Moss #104: Tides'\n---\nHello.\n", "Moss #104: Tides", "Hello."),
        ("---\nnewsletter: weekly\n---\n# #104: Tides\n\nHello.\n", "The Moss Weekly #104: Tides", "Hello."),
        ("---\nnewsletter: weekly\nnumber: 104\ntitle: Tides\n---\nHello.\n", "The Moss Weekly #104: Tides", "Hello."),
        // no slug
        (
            "---\nnewsletter: Weekly\n---\n# Moss #104: Tides\n\nHello.\n",
            "Weekly #104: Tides",
            "Moss #104: Tides\n\nHello.",
        ),
    ] {
        let issue = read(text);
        assert_eq!((issue.subject_line(Some(&weekly)).as_str(), issue.intro.as_str()), (subject, intro), "{text}");
        assert_eq!(read(&format(&issue)).content(), issue.content(), "{text}");
        let is_slug = text.contains("newsletter: weekly");
        assert_eq!((issue.has_slug_of(&weekly), issue.other_newsletter(&weekly).is_some()), (is_slug, !is_slug));
        assert!(!is_slug || issue.other_newsletter(&newsletter("daily", "Moss")) == Some("weekly"), "{text}");
    }
}

#[test]
fn a_thematic_break_at_the_start_is_no_front_matter() {
    for text in ["---\n\nHello.\n", "---\nHello, you.\n\n---\n", "---\n\nHello: you.\n", "***\nHello.\n"] {
        assert!(read(text).intro.contains("Hello"), "{text}");
    }
}

#[test]
fn broken_front_matter_is_an_error_on_its_line() {
    for (text, line, word) in [
        ("---\ntitle: T\n\nHello.\n", 1, "no end"),
        ("+++\ntitle = 'T'\n\nHello.\n", 1, "no end"),
        ("---\ntitle: T\nnumber: [1\n---\n", 3, "YAML"),
        ("---\ntitle: T\nx: 'a\n---\n", 3, "YAML"),
        ("+++\ntitle = 'T'\nnumber 1\n+++\n", 3, "TOML"),
        ("---\ntitle: T\nnumber: many\n---\n", 3, "`many`"),
        ("+++\nnumber = 1.5\n+++\n", 2, "`1.5`"),
        ("---\ntitle: T\n\ndate: 2024-02-30\n---\n", 4, "`2024-02-30`"),
        ("Title: T\nDate: soon\n\nHello.\n", 2, "`soon`"),
    ] {
        let error = parse(text.as_bytes()).expect_err(text);
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.what.contains(word) && !error.hint.is_empty(), "{text}: {error}");
    }
}

#[test]
fn past_issues_are_no_section() {
    for (heading, entries) in [
        ("Previous issues", "- [A #1](u:1) (2024-06-08)\n- [B #2](u:2)"),
        ("🐧 往期回顾", "1、[A #1](u:1)（2024.06.08）\n2、[B #2](u:2)"),
        ("[Looking back](u:x)", "[A #1](u:1) - 2024/6/8\n[B #2](u:2)"),
        ("历史上的本周", "2024年（第 1 期）：[A #1](u:1)（2024-06-08）\n\n2023：[B #2](u:2)"),
        ("往年回顾", "[A](u:1)（2024-06-08）\n\n[B](u:2)（#2）"),
        ("Past issues", "- #1: [A](u:1) (2024-06-08)\n- Issue 2: [B #2](u:2)"),
    ] {
        let issue = read(&format!("# N #9: T\n\n## S\n\n- [x](u:x)\n\n## {heading}\n\n{entries}\n"));
        let found: Vec<_> = issue.past_issues.iter().map(|past| (past.title.as_str(), past.date.is_some())).collect();
        assert!(
            matches!(found[..], [(a, true), (b, false)] if a.contains('A') && b.ends_with("B #2")),
            "{heading}: {found:?}"
        );
        assert_eq!(issue.sections.len(), 1, "{heading}");
    }
    for entries in
        ["- [Book](u:1): a long review of it", "1、[Book](u:1)\n\nA long review.\n\n2、[Film](u:2)\n\nA short one."]
    {
        let issue = read(&format!("## Past Reviews\n\n{entries}\n"));
        assert_eq!((issue.past_issues.len(), issue.sections[0].items[0].title.as_str()), (0, "Book"));
    }
    let words = read("## Past issues\n\n- (Video) [A](u:1)\n- [Tides][B](u:2)\n- 🐧 [C](u:3)\n");
    let titles: Vec<_> = words.past_issues.iter().map(|past| past.title.as_str()).collect();
    assert_eq!(titles, ["(Video) A", "[Tides] B", "C"], "words before a link are the editor's");
    let signed = read("## Past issues\n\n[A](u:1)\n\n---\n\nBye.\n");
    assert_eq!((signed.past_issues.len(), signed.sections[0].body.as_str()), (1, "Bye."));
    assert_eq!(signed.sections[0].title, "", "the heading is that of the past issues");
}

#[test]
fn the_heading_of_past_issues_is_kept() {
    let issue = read("## S\n\n- [x](u:x)\n\n## [🐧Looking back at the pier](u:archive)\n\n- [A](u:1)\n- [B](u:2)\n");
    let heading = issue.past_issues_heading.unwrap();
    assert_eq!((heading.title.as_str(), heading.emoji.as_deref()), ("Looking back at the pier", Some("🐧")));
    assert_eq!(heading.url.as_deref(), Some("u:archive"));
}

#[test]
fn front_matter_chooses_the_layout_and_other_programs_keep_theirs() {
    for (written, layout) in [("letter", Some(Layout::Letter)), ("roundup", Some(Layout::Roundup)), ("post", None)] {
        for text in [
            format!("---\nlayout: {written}\n---\n\nHello.\n"),
            format!("---\nlayout: \"{written}\" # so\n---\n\nHello.\n"),
            format!("+++\nlayout = '{written}'\n+++\n\nHello.\n"),
            format!("Title: A\nLayout: {written}\n\nHello.\n"),
        ] {
            let issue = read(&text);
            assert_eq!(issue.layout, layout, "{text}");
            assert_eq!(read(&format(&issue)).content(), issue.content(), "{text}");
        }
    }
    assert_eq!(format(&read("+++\nlayout = 'letter'\n+++\nHello.\n")), "---\nlayout: letter\n---\n\nHello.\n");
}

#[test]
fn front_matter_of_other_programs_is_kept_as_it_is_written() {
    let lines =
        "layout: post\npubDate: 2024-06-08\ntags:\n  - moss # and ferns\n\n  - peat\n# Ours\nauthor: {name: Ada}";
    let text = format!("---\ntitle: 'Name #6: Moss'\n{lines}\n---\n\nHello.\n");
    let issue = read(&text);
    let keys: Vec<_> = issue.extra.iter().map(|extra| extra.key.as_str()).collect();
    assert_eq!(keys, ["layout", "pubDate", "tags", "", "author"]);
    assert_eq!(issue.date.map(|date| date.to_string()).as_deref(), Some("2024-06-08"));
    assert_eq!(format(&issue), format!("---\n{lines}\n---\n\n# Name #6: Moss\n\nHello.\n"));
}

#[test]
fn footnotes_are_no_addresses_of_links() {
    let issue = read("Text[^1] more[^2].\n\n[^1]: foo\n\n[^2]: https://src.example/x\n");
    assert_eq!(issue.intro, "Text[^1] more[^2].\n\n[^1]: foo\n\n[^2]: https://src.example/x");
}

#[test]
fn pictures_and_links_of_html_are_those_of_the_item() {
    for (html, image, links) in [
        ("<p align=\"center\"><img src='u:i' style=\"max-width:80%\"></img></p>", Some(("u:i", "")), vec!["u:1"]),
        ("<p>\n    <img\n      alt=\"a [b] *c*\" src=u:i>\n</p>", Some(("u:i", "a [b] *c*")), vec!["u:1"]),
        ("See <a href=\"u:a(1)\">a <b>b</b></a> <br> H<sub>2</sub>O.", None, vec!["u:1", "u:a(1)"]),
        (
            "<center><a href=\"u:a?b&amp;c\"><img src=\"u:i\" alt=\"x\"></a></center>",
            Some(("u:i", "x")),
            vec!["u:1", "u:a?b&c"],
        ),
    ] {
        let issue = read(&format!("## S\n\n1、[One](u:1)：Words.\n\n{html}\n\n2、[Two](u:2)：Words.\n"));
        let item = &issue.sections[0].items[0];
        let found = item.images.first().map(|image| (image.url.as_str(), image.alt.as_str()));
        assert_eq!(
            (found, &item.links[..]),
            (image, &links.iter().map(|url| url.to_string()).collect::<Vec<_>>()[..]),
            "{html}"
        );
        assert_eq!(issue.sections[0].items[1].line, 7 + html.matches('\n').count(), "{html}");
    }
    let kept = "Some `<img src=\"u:i\">` and Vec<T>.\n\n<table><tr><td><a href=\"u:a\">a</a></td></tr></table>";
    assert_eq!(read(kept).intro, kept);
    assert_eq!(read("<p>a_b * c\n    - d</p>").intro, "a\\_b \\* c\n\\- d");
}

#[test]
fn the_program_prints_json_or_where_and_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_masthead")).arg("parse").arg(&file).output().unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "the file is left alone");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, stdout, stderr) = run("fine.md", FIXTURES[0].1);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap()["number"], 12);
    let (code, stdout, stderr) = run("broken.md", "---\nnumber: many\n---\n");
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("broken.md:2: `many` is no issue number\nhint: "), "{stderr}");
}
