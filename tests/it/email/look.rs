//! The look: style sheets, themes, scripts, sizes.

use masthead::issue::{Heading, Issue, Section};
use masthead::newsletter::Newsletter;
use masthead::render::{self, render};
use masthead::theme::{Colour, Density, Font, Layout, Logo, Palette, Sheet};

use super::pictures::parts;
use super::{LEAVE, blank, html, item, newsletter, section, tags, text, weekly};

#[test]
fn the_mail_stands_without_its_style_element() {
    let html = html(&weekly());
    assert!(html.contains(r#"<html lang="en" dir="ltr">"#));
    let cell = letter_cell(&html);
    assert!(cell.contains("lang=\"en\"") && cell.contains("dir=\"ltr\""), "Gmail drops them from <html>: {cell}");
    assert!(html.contains("<!--[if mso]><table role=\"presentation\" width=\"600\""));
    let sheets: Vec<&str> = html.split("<style").skip(1).map(|rest| rest.split("</style>").next().unwrap()).collect();
    let [media, outlook_dark, outlook] = sheets[..] else { panic!("{sheets:#?}") };
    assert!(media.starts_with(">@media") && media.contains("prefers-color-scheme:dark"));
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
    issue.intro += "\n\n| a | b | c | d | e |\n|---|---|---|---|---|\n| 1 | 2 | 3 | 4 | 5 |\n\n| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |\n\n[^1] note\n\n[^1]: text\n\n\
        ```rust\nlet a = 1; // b\n```\n\n<mark>May</mark>\n\n> said\n\nשלום לכולם\n\n<center>words</center>\n\n\
        | a |\n|---|\n| https://example.org/an_address_that_no_phone_has_room_for/at/all |\n\n- - - - - - - deep";
    issue.sections[0].title = String::new();
    issue.sections[0].emoji = None;
    let letter = html(&issue);
    let mut own = newsletter();
    own.theme.logo = Some(Logo { url: "https://img.example.org/logo.png".into(), alt: "Garden".into(), width: 90 });
    let arabic = Issue { language: "ar".into(), intro: "- Ahoy.".into(), ..blank() };
    let arabic = render(&arabic, &own).unwrap().html;
    let confirmation = render::confirmation(&newsletter(), LEAVE).unwrap().html;
    let pages = [letter, arabic, confirmation].concat();
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
fn chinese_readers_get_chinese_words() {
    let newsletter = Newsletter { language: "zh-CN".into(), name: "园艺来信".into(), ..newsletter() };
    let rendered = render(&Issue { language: "zh-CN".into(), ..weekly() }, &newsletter).unwrap();
    assert_eq!(rendered.subject, "Garden Letters #7: Roots & Shoots");
    for word in ["在线阅读", "退订", "往期回顾", "2025年5月31日", "1、", "退订"] {
        assert!(rendered.html.contains(word) && rendered.text.contains(word), "{word}");
    }
    assert!(rendered.html.contains(">1、</span> <a"), "a space keeps number and title two words");
    assert!(rendered.html.contains("PingFang SC") && rendered.html.contains("line-height:1.7"));
}

#[test]
fn right_to_left_letters_run_so_in_every_cell() {
    let html = html(&Issue { language: "ar".into(), ..weekly() });
    let cell = letter_cell(&html);
    assert!(["lang=\"ar\"", "dir=\"rtl\"", "align=\"right\""].iter().all(|set| cell.contains(set)), "{cell}");
}

#[test]
fn a_theme_is_seen_in_every_part_that_it_names() {
    let mut own = newsletter();
    own.theme.light.accent = Colour::parse("#7a1f3d").unwrap();
    own.theme.dark = Palette::dark_of(&own.theme.light);
    own.theme.width = 680;
    own.theme.text_font = Font::Serif;
    own.theme.density = Density::Compact;
    own.theme.logo = Some(Logo { url: "https://img.example.org/logo.png".into(), alt: "Garden".into(), width: 90 });
    own.theme.sheet = Sheet::parse("h1 { color: var(--accent) }\n@media print { .gap { margin: 0 } }").unwrap();
    let html = render(&weekly(), &own).unwrap().html;
    for part in [
        "color:#7a1f3d\">",
        "width=\"680\" align=\"center\"",
        "max-width:680px",
        "width=\"632\"",
        "font-family:Georgia,serif;font-size:16px",
        "font-family:Georgia,serif}</style>",
        "class=\"logo\"",
        "https://img.example.org/logo.png",
        "alt=\"Garden\"",
        "width=\"90\"",
        "margin:0 0 12px",
        "@media print { .gap { margin: 0 } }",
    ] {
        assert!(html.contains(part), "{part} is missing:\n{html}");
    }
    assert!(
        tags(&html).any(|tag| tag.starts_with("h1 ") && tag.contains("color:#7a1f3d")),
        "a sheet of one's own wins"
    );
    assert!(!html.contains("#1b4f8f") && html.contains(&format!("a{{color:{}!important}}", own.theme.dark.accent)));
}

#[test]
fn no_style_sheet_can_end_its_element() {
    let mut own = newsletter();
    own.theme.sheet.kept = "@media print { p { content: '</style><script>' } }".into();
    let html = render(&weekly(), &own).unwrap().html;
    assert!(!html.contains("<script") && html.matches("</style>").count() == 3, "{html}");
}

#[test]
fn an_issue_without_items_is_a_letter_unless_it_or_the_newsletter_says_otherwise() {
    let essay = Issue { intro: "I went to the river.".into(), ..blank() };
    let is_letter = |issue: &Issue, layout| {
        let mut newsletter = newsletter();
        newsletter.theme.layout = layout;
        letter_cell(&render(issue, &newsletter).unwrap().html).contains("letter essay")
    };
    assert!(is_letter(&essay, None) && !is_letter(&weekly(), None));
    assert!(!is_letter(&essay, Some(Layout::Roundup)) && is_letter(&weekly(), Some(Layout::Letter)));
    let written = |layout| Issue { layout: Some(layout), ..weekly() };
    assert!(is_letter(&written(Layout::Letter), None) && !is_letter(&written(Layout::Roundup), Some(Layout::Letter)));
    let mut newsletter = newsletter();
    newsletter.theme.layout = Some(Layout::Letter);
    let rendered = render(&weekly(), &newsletter).unwrap();
    assert!(!rendered.html.contains("1. ") && !rendered.text.contains("1. "), "a letter numbers nothing");
}

#[test]
fn what_never_runs_from_right_to_left_is_marked_in_a_letter_that_does() {
    let issue = Issue { language: "ar".into(), intro: "```\ncode\n```".into(), ..weekly() };
    let html = render(&issue, &Newsletter { language: "ar".into(), ..newsletter() }).unwrap().html;
    for part in [
        "<pre dir=\"ltr\"",
        "<span dir=\"ltr\">example.org</span>",
        "<span dir=\"auto\">Pruning, explained</span></a>",
        "text-align:left;vertical-align:bottom",
        "إلغاء الاشتراك",
    ] {
        assert!(html.contains(part), "{part} is missing:\n{html}");
    }
}

#[test]
fn lines_of_the_other_direction_are_turned() {
    let file = |language: &str| {
        format!(
            "---\nlanguage: {language}\n---\n# Garden #7: Hedges, explained\n\nThe hedge grows.\n\nRust 1.80 صدرت النسخة الجديدة \
             من لغة البرمجة.\n\nالسياج ينمو.\n\n- A hedge.\n  - A branch.\n  - غصن كبير\n\n---\n\n- سياج\n- A fence.\n\n| A \
             hedge | سياج |\n|:-:|---|\n| grows | `x` |\n\n## Reading, slowly\n\n1. [Pruning, explained.](https://example.org/)\n\n   Cut \
             it.\n\n![A](https://example.org/a.png)\n*A boat.*\n"
        )
    };
    let (html, _) = parts(&file("ar"));
    let html = without_styles(&html);
    for part in [
        "<h1 class=\"display leftward\" dir=\"ltr\">Hedges",
        "<p class=\"leftward\" dir=\"ltr\">The hedge grows.</p><p>Rust 1.80",
        "<p>السياج",
        "<ul class=\"leftward\" dir=\"ltr\"><li>A hedge.<ul class=\"leftward\"><li>A branch.</li><li><span dir=\"rtl\">غصن",
        "<ul><li>سياج</li><li><span dir=\"ltr\">A fence.</span></li></ul>",
        "<th scope=\"col\" class=\"centre\" dir=\"ltr\">A hedge</th><th scope=\"col\">سياج",
        "<td class=\"centre\" dir=\"ltr\">grows</td><td><code dir=\"ltr\">x",
        "<h2 class=\"display leftward\" dir=\"ltr\">Reading",
        "<h3 class=\"leftward\" dir=\"ltr\"><span class=\"number\">",
        "<p class=\"source leftward\" dir=\"ltr\"><span dir=\"ltr\">example.org",
        "<p class=\"leftward\" dir=\"ltr\">Cut it.",
        "<p class=\"caption leftward\" dir=\"ltr\">A boat.",
    ] {
        assert!(html.contains(part), "{part} is missing:\n{html}");
    }
    let (english, _) = parts(&file("en"));
    let english = without_styles(&english);
    for part in [
        "<p>The hedge grows.</p>",
        "<p class=\"rightward\" dir=\"rtl\">السياج",
        "<ul><li>A hedge.<ul><li>A branch.</li><li><span dir=\"rtl\">غصن",
        "<ul class=\"rightward\" dir=\"rtl\"><li>سياج</li><li><span dir=\"ltr\">A fence.",
        "A hedge</th><th scope=\"col\" class=\"right\" dir=\"rtl\">سياج",
        "<h2 class=\"display\">Reading",
    ] {
        assert!(english.contains(part), "{part} is missing:\n{english}");
    }
    assert_eq!(english.matches("dir=\"rtl\"").count(), 4, "{english}");
}

/// HTML without what is inlined.
fn without_styles(html: &str) -> String {
    let mut parts = html.split(" style=\"");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| all + part.split_once('"').unwrap().1)
}

#[test]
fn the_room_for_the_marks_of_a_list_is_where_its_lines_begin() {
    let list = |language: &str, file: &str| {
        let (html, _) = parts(&format!("---\nlanguage: {language}\n---\n# Garden #7: T\n\n{file}\n"));
        let lists = html.split("<ul").skip(1).map(|rest| rest.split('>').next().unwrap().to_owned());
        lists.collect::<Vec<_>>()
    };
    for (language, file, sides) in [
        ("ar", "- A hedge.\n  - A branch.", ["0 0 0 24px"; 2]),
        ("ar", "- سياج\n  - A branch.", ["0 24px 0 0"; 2]),
        ("en", "- A hedge.\n  - سياج", ["0 0 0 24px"; 2]),
        ("en", "- سياج\n  - سياج", ["0 24px 0 0"; 2]),
    ] {
        let lists = list(language, file);
        let fine = lists.iter().zip(sides).all(|(list, side)| list.contains(&format!("padding:{side}")));
        assert!(fine && lists.len() == 2, "{language} {file:?}: {lists:?}");
    }
}

#[test]
fn lists_are_indented_as_long_as_a_phone_has_room() {
    for (language, indented) in [("en", "padding:0 0 0 24px"), ("ar", "padding:0 24px 0 0")] {
        let (html, _) = parts(&format!("---\nlanguage: {language}\n---\n# Garden #7: T\n\n{}سياج\n", "- ".repeat(12)));
        let lists: Vec<&str> = html.split("<ul").skip(1).map(|rest| rest.split('>').next().unwrap()).collect();
        assert_eq!(lists.len(), 12, "{html}");
        assert!(lists[..6].iter().all(|list| list.contains(indented)), "{lists:?}");
        assert!(lists[6..].iter().all(|list| list.ends_with(";padding:0\"")), "{lists:?}");
    }
}

#[test]
fn every_heading_and_link_says_something() {
    let mut issue = weekly();
    issue.sections[0].emoji = Some("🎉".into());
    issue.sections[0].title = String::new();
    issue.sections[0].items[0].title = "🎉".into();
    issue.sections[0].items[1].title = String::new();
    issue.sections[1].emoji = None;
    issue.sections[1].title = String::new();
    issue.intro = "[![](https://img.example.org/a.png)](https://www.example.org/a)".into();
    let html = html(&issue);
    let body = html.split_once("</head>").unwrap().1;
    for (open, close) in [("<h1", "</h1>"), ("<h2", "</h2>"), ("<h3", "</h3>"), ("<a ", "</a>")] {
        for inner in body.split(open).skip(1).map(|rest| rest.split(close).next().unwrap()) {
            let hidden =
                inner.split("<span aria-hidden=\"true\">").skip(1).map(|rest| rest.split("</span>").next().unwrap());
            let seen =
                hidden.fold(inner.split_once('>').unwrap().1.to_owned(), |seen, hidden| seen.replacen(hidden, "", 1));
            let words: String = seen.split('<').map(|part| part.rsplit('>').next().unwrap()).collect();
            let alt = inner.split("alt=\"").nth(1).is_some_and(|rest| !rest.starts_with('"'));
            assert!(!words.trim().is_empty() || alt, "{open}{inner}");
        }
    }
    assert!(body.contains("alt=\"example.org\""));
    assert!(body.contains("<h2 class=\"item\""), "no level is skipped where a section has no heading");
}

#[test]
fn the_heading_of_past_issues_is_the_editors() {
    let heading =
        Heading {
            title: "Looking back".into(), emoji: Some("🐧".into()), url: Some("https://example.org/all".into())
        };
    let issue = Issue { past_issues_heading: Some(heading), ..weekly() };
    assert!(html(&issue).contains("Looking back") && !html(&issue).contains("Past issues"));
    assert!(text(&issue).contains("🐧 Looking back\n") && text(&issue).contains("https://example.org/all"));
}

#[test]
fn a_footnote_is_shown_once_below_the_field_that_mentions_it_first() {
    let issue = Issue {
        intro: "One[^b] and two[^a].\n\n[^c]: Nobody mentions this.".into(),
        sections: vec![Section {
            body: "Again[^a].\n\n[^a]: Three words here\n\n[^b]: word".into(),
            ..section("", "S", vec![])
        }],
        ..blank()
    };
    let text = text(&issue);
    let notes = text.find("[1] word").zip(text.find("[2] Three words here")).unwrap();
    assert!(notes.0 < notes.1 && notes.1 < text.find("Again[2].").unwrap(), "{text}");
    assert_eq!(text.matches("Three words here").count(), 1);
    assert!(!text.contains("Nobody mentions this") && !text.contains("[3]"), "{text}");
}

#[test]
fn words_in_html_look_as_their_tags_say() {
    let issue = Issue {
        intro: "<b>bold</b> H<sub>2</sub>O<br><kbd>Q</kbd> <i>open <file> <script>x</script>".into(),
        ..blank()
    };
    let html = html(&issue);
    assert!(
        html.contains(">bold</strong>")
            && html.contains("H<sub style")
            && html.contains("2</sub>O<br")
            && html.contains(">Q</code>"),
        "{html}"
    );
    assert!(html.contains("open &lt;file&gt; &lt;script&gt;x&lt;/script&gt;"), "{html}");
    let issue = Issue {
        intro: "10<sup>-6</sup> of the 1<sup>st</sup> <mark>May</mark>, <small>or so</small>".into(),
        ..blank()
    };
    let added = Issue { intro: "<ins>May</ins>, <u>not *June*</u>".into(), ..blank() };
    assert!(self::html(&added).contains("<u>May</u>, <u>not <em>June</em></u>"), "{}", self::html(&added));
    for (tag, words) in [("sup", "-6"), ("sup", "st"), ("span", "May"), ("small", "or so")] {
        let html = self::html(&issue);
        assert!(tags(&html).any(|written| written.starts_with(tag) && written.contains(" style=")), "{html}");
        assert!(html.contains(&format!(">{words}</{tag}>")), "{html}");
    }
    assert!(text(&issue).contains("10⁻⁶ of the 1st May, or so"), "{}", text(&issue));
}

#[test]
fn a_cell_breaks_a_word_only_where_its_column_has_no_room_for_it_on_a_phone() {
    let url = "https://example.org/an_address_that_no_phone_has_room_for/at/all";
    let intro =
        format!("| Tool | Stars | See |\n|---|---|---|\n| hyperfine | 22k | {url} |\n| moss | 1.2k | some words |");
    let html = html(&Issue { intro, ..blank() });
    let breaking: Vec<&str> = tags(&html).filter(|tag| tag.contains("class=\"long\"")).collect();
    let [cell] = breaking[..] else { panic!("{breaking:?}") };
    assert!(cell.starts_with("td ") && cell.contains("word-break:break-word"), "{cell}");
    let table = tags(&html).find(|tag| tag.starts_with("table class=\"data\"")).unwrap();
    assert!(table.contains("word-break:normal"), "{table}");
}

#[test]
fn a_table_of_more_columns_than_any_screen_has_room_for_is_a_list_of_its_rows() {
    let months = ["Month", "January", "February", "March", "April", "September", "October", "November", "December"];
    let row = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let table = |count: usize| {
        let values = [
            "precipitation",
            "thunderstorm",
            "",
            "thunderstorms",
            "lightning",
            "hailstorms",
            "snowstorms",
            "moonshine",
            "sunshine",
        ]
        .map(str::to_owned);
        let values: Vec<&str> = values[..count].iter().map(String::as_str).collect();
        row(&months[..count]) + &row(&vec!["---"; count]) + &row(&values)
    };
    let (few, _) = super::prose(&table(4));
    assert!(few.contains("<table class=\"data\""), "{few}");
    let (many, text) = super::prose(&table(9));
    assert!(!many.contains("<table class=\"data"), "{many}");
    let bare = without_styles(&many);
    assert!(bare.contains("<li><strong>Month:</strong> precipitation<br><strong>January:</strong> thunderstorm<br><strong>March:</strong> thunderstorms<br>"), "{bare}");
    assert!(text.contains("- Month: precipitation\n  January: thunderstorm\n  March: thunderstorms\n"), "{text}");
}

#[test]
fn the_columns_of_a_table_keep_their_side() {
    let issue = Issue {
        intro: "| Boat | Length |\n|:-:|--:|\n| Ferry with a long name | 40 m |\n| Tug | 9 m |".into(),
        ..blank()
    };
    let (html, text) = (html(&issue), text(&issue));
    assert_eq!(html.matches("text-align:center").count(), 3, "{html}");
    let lines = [
        "         Boat          | Length\n-------------------------------\n",
        "Ferry with a long name |   40 m\n         Tug           |    9 m\n",
    ];
    assert!(text.contains(&lines.concat()), "{text}");
}

#[test]
fn paragraphs_of_an_item_in_a_list_have_room_between() {
    let issue = Issue { intro: "- one\n\n  two\n\n- `a`\n\n  ```\n  code\n  ```\n- three".into(), ..blank() };
    let (html, text) = (html(&issue), text(&issue));
    let list = html.split_once("<li").unwrap().1;
    let paragraph = list.split_once("<p").unwrap().1;
    assert!(paragraph.starts_with(" style=\"margin:0 0") && paragraph.contains(">one</p>"), "{list}");
    assert!(text.contains("code\n\n- three"), "{text}");
}

#[test]
fn an_entity_cannot_turn_the_text_around() {
    let issue = Issue { intro: "Harmless &#x202e;sselmrah&#8238; text".into(), ..blank() };
    for part in [html(&issue), text(&issue)] {
        assert!(part.contains("sselmrah") && !part.contains('\u{202e}'), "{part}");
    }
}

#[test]
fn fixed_words_of_another_direction_are_marked() {
    let hebrew = Issue { language: "he".into(), ..weekly() };
    let newsletter = Newsletter { language: "he".into(), ..newsletter() };
    let html = render(&hebrew, &newsletter).unwrap().html;
    let why = html.split_once("You get this").unwrap().0.rsplit_once('<').unwrap().1;
    assert!(why.starts_with("p dir=\"ltr\""), "{why}");
    let footer = html.split_once("You get this").unwrap().0.rsplit_once("<td").unwrap().1;
    assert!(footer.contains("text-align:right"), "{footer}");
    let notice = render::confirmation(&newsletter, "https://news.example.org/c").unwrap().html;
    assert!(notice.contains("lang=\"en\" dir=\"ltr\""), "{notice}");
    let arabic = Newsletter { language: "ar".into(), ..newsletter };
    let html = render(&Issue { language: "ar".into(), ..weekly() }, &arabic).unwrap().html;
    assert!(!html.contains("<p dir=\"ltr\""), "{html}");
}

#[test]
fn pictures_that_are_not_loaded_are_dark_in_the_dark() {
    let html = html(&weekly());
    let dark = html.split_once("prefers-color-scheme:dark").unwrap().1;
    let rule = dark.split('}').find(|rule| rule.contains(".picture img") && rule.contains("background-color")).unwrap();
    assert!(rule.ends_with("!important"), "{rule}");
}

#[test]
fn a_nameplate_that_stands_alone_keeps_its_room_on_phones() {
    let notice = render::goodbye(&newsletter()).unwrap().html;
    let kept = notice.split_once("max-width:480px").unwrap().1;
    let (zero, room) =
        (kept.find("padding-bottom:0!important").unwrap(), kept.find(".alone{padding-bottom:13px").unwrap());
    assert!(zero < room && notice.contains("class=\"nameplate alone\""), "{notice}");
}
