//! The emails and pages as a reader's browser shows them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use masthead::issue::parse;
use masthead::newsletter::Newsletter;
use masthead::render::{render, sample_newsletter, sample_value};
use masthead::templates::Style;
use masthead::theme::Sheet;
use rustix::process::Signal;
use serde_json::json;

use super::app::{App, Browser, Running, Scheme, link, repository};

const ANN: &str = "ann@readers.example";

/// What an issue can have, in one file.
const EVERYTHING: &str = "# Garden Letters #8: Roots, shoots & a very long word: Rhabarberbarbarabarbarbarenbartbarbier\n\n\
    Good morning. **Frost** is *over*; `git bisect` found the ~~mole~~ vole.[^1]\n\n\
    > Who plants trees knows that he will never sit in their shade.\n\n\
    ## 🌱 Reading\n\n\
    1. [How a hedge is laid](https://hedges.example/laying) (1.2K stars) (video)\n\n   With pictures of every cut.\n\n\
    2. [Soil](https://soil.example/a/very/long/path/that/goes/on/and/on/and/on/and/on/and/on/and/on/and/on)\n\n\
    ![A wheelbarrow full of compost](https://pictures.example/barrow.png)\n\n\
    ## 🛠️ Tools\n\n\
    - [A rake](https://tools.example/rake) - Twelve teeth, ash handle.\n\
    - [A hoe](https://tools.example/hoe) - Swan neck.\n\n\
    | Tool | Weight | Price |\n| --- | ---: | --- |\n| Rake | 1.2 kg | 40 |\n| Hoe | 0.9 kg | 35 |\n\n\
    ```python\ndef water(bed, litres=10):  # every evening in July, unless it rained more than four millimetres\n    return bed.pour(litres)\n```\n\n\
    [^1]: It ate the tulips.\n";

/// What axe-core may find in an email: it has no landmarks of its own, since mail clients show it within theirs.
const EMAIL: [&str; 2] = ["landmark-one-main", "region"];

/// No page may be wider than the smallest phone, and axe-core finds nothing in light and dark, narrow and wide.
#[track_caller]
fn assert_good_in_every_look(browser: &mut Browser, what: &str, allowed: &[&str]) {
    for scheme in [Scheme::Light, Scheme::Dark] {
        browser.look(320, scheme);
        browser.assert_no_sideways_scroll(what);
        for width in [360, 800] {
            browser.look(width, scheme);
            assert_eq!(browser.violations(allowed), [""; 0], "{what}, {width} px, {scheme:?}");
        }
    }
}

#[test]
fn the_readers_pages_are_good_for_everybody() {
    let app = App::start();
    let _web = app.serve();
    app.subscribe(&[ANN]);
    app.send(&app.issue(7)).exits(0);
    app.sign_up("bob@readers.example").is(200);
    app.wait_for_mails(2);
    let confirm = link(&app.mails_to("bob@readers.example")[0], "/c/");
    let mut browser = Browser::start();
    for path in ["/garden", "/garden/7", "/nowhere", &app.unsubscribe_path(ANN), &confirm] {
        browser.open(&format!("{}{path}", app.base_url()));
        assert_good_in_every_look(&mut browser, path, if path == "/garden/7" { &EMAIL } else { &[] });
    }
    assert_eq!(browser.asked_outside(), [""; 0]);
}

#[test]
fn a_reader_signs_up_confirms_and_leaves_by_keyboard() {
    let app = App::start();
    let _web = app.serve();
    let mut browser = Browser::start();
    browser.open(&format!("{}/garden", app.base_url()));
    browser.tab_to("input[name=email]");
    browser.write(ANN);
    browser.press("Enter");
    browser.wait_for("Page.loadEventFired");
    app.wait_for_mails(1);
    for (path, state) in [(link(&app.mails_to(ANN)[0], "/c/"), "active"), (app.unsubscribe_path(ANN), "unsubscribed")] {
        browser.open(&format!("{}{path}", app.base_url()));
        assert_ne!(app.state_of(ANN), state, "opening the page must change nothing");
        browser.tab_to("button");
        browser.press("Enter");
        browser.wait_for("Page.loadEventFired");
        assert_eq!(app.state_of(ANN), state);
    }
}

#[test]
fn an_issue_with_everything_in_it_is_good_for_everybody() {
    let app = App::start();
    app.write("8.md", EVERYTHING);
    app.masthead(&["render", "8.md", "--out", "out"]).exits(0);
    let mut browser = Browser::start();
    browser.open_file(&app.folder.path().join("out/issue.html"));
    assert_eq!(browser.asked_outside(), ["https://pictures.example/barrow.png"]);
    assert_good_in_every_look(&mut browser, "the email", &EMAIL);
    app.masthead(&["render", repository("deploy/sample-issue.md").to_str().unwrap(), "--out", "sample"]).exits(0);
    browser.open_file(&app.folder.path().join("sample/issue.html"));
    assert_good_in_every_look(&mut browser, "the sample", &EMAIL);
}

/// Rules of a user's own, of the kinds that are hard to inline.
const OWN_RULES: &str = ".letter p { letter-spacing: 0.2px } blockquote p:last-child, td > a { font-style: italic }
    h1, .footer a[href] { color: var(--accent) } #none, p + ul li:first-child { margin-top: 9px }";

#[test]
fn inlining_changes_no_computed_style() {
    let issue = parse(EVERYTHING.as_bytes()).unwrap();
    let mut browser = Browser::start();
    browser.open("about:blank");
    for own in ["", OWN_RULES] {
        let mut newsletter = sample_newsletter(&issue).unwrap();
        newsletter.theme.sheet = Sheet::parse(own).unwrap();
        let inlined = render(&issue, &newsletter).unwrap().html_for(sample_value);
        let pages = json!([styled_by_sheet(&inlined, &newsletter), inlined]);
        for (scheme, width) in [(Scheme::Light, 700), (Scheme::Light, 320), (Scheme::Dark, 700)] {
            browser.look(width, scheme);
            let found = browser.value(&format!("({COMPARE})({pages})"));
            assert!(found["elements"].as_u64().unwrap() > 80 && found["properties"].as_u64().unwrap() > 300, "{found}");
            assert_eq!(found["differences"], json!([]), "{scheme:?}, {width} px");
        }
    }
}

/// An email as it was before inlining: no element has a style, the head has the sheet, above the rules that it keeps.
fn styled_by_sheet(inlined: &str, newsletter: &Newsletter) -> String {
    let mut parts = inlined.split(" style=\"");
    let bare: String = parts.next().into_iter().chain(parts.map(|part| part.split_once('"').unwrap().1)).collect();
    assert!(bare.len() < inlined.len());
    let sheet = Style::new(&newsletter.theme, "en", false).inlined;
    bare.replacen("<style", &format!("<style>{sheet}</style><style"), 1)
}

/// Compares what the elements of two pages look like, in document order, property by property.
const COMPARE: &str = "async (pages) => {
    document.body.replaceChildren();
    const looks = pages.map(async (html) => {
        const frame = document.createElement('iframe');
        frame.style = 'width: 100%; height: 4000px; border: 0';
        frame.srcdoc = html;
        const loaded = new Promise((resolve) => { frame.onload = resolve; });
        document.body.append(frame);
        await loaded;
        return [...frame.contentDocument.querySelectorAll('html, body, body *')].map((element) => {
            const style = frame.contentWindow.getComputedStyle(element);
            const values = new Map([...style].map((property) => [property, style.getPropertyValue(property)]));
            return { name: `${element.tagName}.${element.className}`, values };
        });
    });
    const [before, after] = await Promise.all(looks);
    const differences = before.flatMap(({ name, values }, index) =>
        [...values].filter(([property, value]) => value !== after[index]?.values.get(property))
            .map(([property, value]) => `${name}: ${property}: ${value} or ${after[index]?.values.get(property)}`));
    if (before.length !== after.length) differences.push(`${before.length} elements or ${after.length}`);
    return { elements: before.length, properties: before[0].values.size, differences };
}";

#[test]
fn lists_in_lists_fit_on_a_phone() {
    let app = App::start();
    for language in ["en", "ar"] {
        app.write(
            "9.md",
            &format!("---\nlanguage: {language}\n---\n# Garden #9: Lists\n\n{}Hedges grow.\n", "1. ".repeat(15)),
        );
        app.masthead(&["render", "9.md", "--out", "out"]).exits(0);
        let mut browser = Browser::start();
        browser.open_file(&app.folder.path().join("out/issue.html"));
        browser.look(320, Scheme::Light);
        browser.assert_no_sideways_scroll(language);
        assert_eq!(browser.value(UNSEEN), json!([]), "{language}");
    }
}

/// Tables in which one column is long, beside short ones that must not suffer from it.
const TABLES: &str = "# Garden #9: Tables\n\n\
    | Bed | No | What grows in it, and what the neighbours say of it |\n|---|---|---|\n\
    | Short | 12 | Beans, mostly, since the year of the long frost, when nothing else came up, and a row of peas beside \
    the shed, which the neighbours water whenever they remember that it is there. |\n\n\
    | Bed | Address | Note |\n|---|---|---|\n\
    | North | https://gardens.example.org/plans/of/the/northern/bed/with/all/that/grows?in=it&sorted=by&height=yes | fine |\n\n\
    | Who | Mail | Says |\n|---|---|---|\n\
    | Somebody | somebody@gardens.example.org | Beans, mostly, since the year of the long frost, when \
    nothing else came up, and a row of peas beside the shed. |\n\n\
    | Name | Q1 | Q2 | Q3 | Q4 | Total |\n|---|--:|--:|--:|--:|--:|\n\
    | Dues | 10,000 | 12,000 | 14,000 | 16,000 | 52,000 |\n\n\
    | Mon | Tue | Wed | Thu | Fri | Sat |\n|---|---|---|---|---|---|\n\
    | Monday | Tuesday | Wednesday | Thursday | Friday | Everybody has a rest in the shade of the old tree |\n\n\
    | 名称 | 数量 | 说明 |\n|---|---|---|\n\
    | 苔藓 | 三 | 苔藓植物大多生长在阴湿的环境中，是一种小型的绿色植物，结构简单，仅包含茎和叶两部分，没有真正的根。 |\n\n\
    | 姓名 | 链接 | 城市 |\n|---|---|---|\n\
    | 欧阳娜娜 | https://gardens.example.org/plans/of/the/northern/bed | 上海 |\n\
    | 司马相如的研究会 | https://gardens.example.org/ | 成都市 |\n\n\
    1. > | Bed | Day | What |\n   > |---|---|---|\n   > | North | Wednesday | Somebody said something long here, and then went on |\n";

/// The words in tables that do not stand on one line, but for addresses.
const BROKEN_WORDS: &str = "[...document.querySelectorAll('.data td, .data th')].flatMap((cell) => {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const broken = [];
    while (walker.nextNode()) {
        const text = walker.currentNode;
        for (const word of text.data.matchAll(/\\S+/g)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const isOne = range.getClientRects().length === 1;
            if (!isOne && !word[0].includes('://') && word[0].length < 40) broken.push(word[0]);
        }
    }
    return broken;
})";

#[test]
fn the_columns_of_a_table_keep_their_words_whole_and_fit_on_a_phone() {
    let app = App::start();
    app.write("9.md", TABLES);
    app.masthead(&["render", "9.md", "--out", "out"]).exits(0);
    let mut browser = Browser::start();
    browser.open_file(&app.folder.path().join("out/issue.html"));
    for style in ["whole", "dropped"] {
        browser.look(700, Scheme::Light);
        assert_eq!(browser.value(BROKEN_WORDS), json!([]), "{style}");
        browser.look(320, Scheme::Light);
        browser.assert_no_sideways_scroll(style);
        assert_eq!(browser.value(UNSEEN), json!([]), "{style}");
        let broken = browser.value(BROKEN_WORDS).to_string();
        for word in [
            "Bed",
            "Short",
            "12",
            "North",
            "fine",
            "Somebody",
            "beside",
            "名称",
            "数量",
            "苔藓",
            "Dues",
            "10,000",
            "Total",
            "欧阳娜娜",
            "上海",
            "成都市",
            "姓名",
        ] {
            assert!(!broken.contains(&format!("\"{word}\"")), "{style}, {word}: {broken}");
        }
        browser.value("document.querySelectorAll('style').forEach((style) => style.remove())");
    }
}

#[test]
fn an_email_without_images_and_style_block_can_be_read() {
    let app = App::start();
    app.write("8.md", EVERYTHING);
    let mut browser = Browser::start();
    for file in ["8.md", repository("tests/checkers/issues/huge.md").to_str().unwrap()] {
        app.masthead(&["render", file, "--out", "out"]).exits(0);
        browser.open_file(&app.folder.path().join("out/issue.html"));
        browser.value("document.querySelectorAll('style').forEach((style) => style.remove())");
        for width in [320, 800] {
            browser.look(width, Scheme::Light);
            browser.assert_no_sideways_scroll(file);
            assert_eq!(browser.value(UNSEEN), json!([]), "{file}, {width} px");
            assert_eq!(browser.violations(&EMAIL), [""; 0], "{file}, {width} px");
        }
    }
}

/// The words, and the words instead of pictures, that are not wholly inside the window; but for the preheader.
const UNSEEN: &str = "(() => {
    const isSeen = ({ left, right, width, height }) =>
        width > 0 && height > 0 && left >= 0 && right <= document.documentElement.clientWidth;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const unseen = [];
    while (walker.nextNode()) {
        const text = walker.currentNode;
        const range = document.createRange();
        range.selectNodeContents(text);
        const boxes = [...range.getClientRects()];
        const isThere = text.data.trim() === '' || text.parentElement.matches('.preheader')
            || (boxes.length > 0 && boxes.every(isSeen));
        if (!isThere) unseen.push(text.data);
    }
    const pictures = [...document.images].filter((image) => !isSeen(image.getBoundingClientRect()));
    return [...unseen, ...pictures.map((image) => image.alt)];
})()";

#[test]
fn emails_in_other_colours_are_good_for_everybody() {
    let app = App::start();
    app.write("8.md", EVERYTHING);
    app.write(
        "mail.css",
        ".lead { font-style: italic } @media (prefers-color-scheme: dark) { .lead { border-color: var(--dark-line) } }",
    );
    let mut browser = Browser::start();
    for (name, theme) in [
        ("warm", "accent = '#7a1f3d'\npaper = '#fff6e5'\ntext_font = 'serif'\ndensity = 'compact'\nwidth = 480"),
        ("night", "paper = '#101418'\nink = '#f2efe6'\nmuted = '#a9b0b8'\naccent = '#ffb86b'\nline = '#39424c'"),
        (
            "own",
            "accent = '#00574b'\ncss = 'mail.css'\nwidth = 720\nlayout = 'letter'\n\
             dark = { paper = '#001a16', ink = '#e0fff8', accent = '#5fd7c0' }\n\
             logo = { url = 'https://pictures.example/logo.png', alt = 'Garden Letters', width = 180 }",
        ),
    ] {
        let before = fs::read_to_string(app.folder.path().join("masthead.toml")).unwrap();
        app.write("themed.toml", &format!("{before}\n[newsletter.garden.theme]\n{theme}\n"));
        app.masthead(&["render", "8.md", "--config", "themed.toml", "--out", name]).exits(0);
        browser.open_file(&app.folder.path().join(name).join("issue.html"));
        assert_good_in_every_look(&mut browser, name, &EMAIL);
    }
}

#[test]
fn letters_notices_and_every_script_are_good_for_everybody() {
    let app = App::start();
    let _web = app.serve();
    app.sign_up(ANN).is(200);
    app.wait_for_mails(1);
    app.write("confirmation.html", &app.mails_to(ANN)[0].body_html(0).unwrap());
    let mut browser = Browser::start();
    browser.open_file(&app.folder.path().join("confirmation.html"));
    assert_good_in_every_look(&mut browser, "the confirmation", &EMAIL);
    for name in ["letter", "chinese", "arabic"] {
        let file = repository(&format!("tests/checkers/issues/{name}.md"));
        app.masthead(&["render", file.to_str().unwrap(), "--out", name]).exits(0);
        browser.open_file(&app.folder.path().join(name).join("issue.html"));
        assert_good_in_every_look(&mut browser, name, &EMAIL);
    }
    assert_eq!(browser.value("getComputedStyle(document.querySelector('h1')).direction"), "rtl");
}

/// A preview in a browser, of a file in the App's folder.
fn preview(app: &App, file: &str) -> (Running, Browser) {
    let mut running = app.spawn(&["preview", file]);
    let url = running.first_line();
    let mut browser = Browser::start();
    browser.look(1400, Scheme::Light);
    browser.open(&url);
    browser.until(&format!("{FRAME}.querySelector('h1') != null"));
    (running, browser)
}

#[test]
fn all_widths_stand_side_by_side_in_a_window_and_each_is_laid_out_as_wide_as_it_says() {
    let app = App::start();
    app.write("8.md", EVERYTHING);
    let (_preview, mut browser) = preview(&app, "8.md");
    let sideways = "document.querySelector('main').scrollWidth > document.querySelector('main').clientWidth";
    // a frame begins and ends at whole pixels of the screen, of which one is about two of its own
    let inner = "[...document.querySelectorAll('.widths iframe')].map((frame, at) =>
        Math.abs(frame.contentWindow.innerWidth - [320, 375, 600, 800][at]) <= 2)";
    for width in [1440, 1000] {
        browser.look(width, Scheme::Light);
        browser.until(&format!("!({sideways})"));
        browser.until(&format!("String({inner}) === 'true,true,true,true'"));
    }
    browser.tab_to("#fit");
    browser.value("document.activeElement.click()");
    browser.until(sideways);
    assert_eq!(browser.value(inner), json!([true, true, true, true]));
}

/// The document of the first frame.
const FRAME: &str = "document.querySelector('iframe').contentDocument";

#[test]
fn the_preview_is_good_for_everybody_and_asks_no_other_machine() {
    let app = App::start();
    app.write("8.md", EVERYTHING);
    let (_preview, mut browser) = preview(&app, "8.md");
    for scheme in [Scheme::Light, Scheme::Dark] {
        browser.look(320, scheme);
        browser.assert_no_sideways_scroll("the preview");
        for width in [360, 800, 1400] {
            browser.look(width, scheme);
            for choice in
                ["view-widths", "view-text", "view-inbox", "view-message", "view-changes", "panel-source", "panel-send"]
            {
                browser.value(&format!("document.getElementById('{choice}').click()"));
                // the emails in the frames are within the page's landmarks
                let found = browser.violations(&EMAIL);
                assert_eq!(found, [""; 0], "{choice}, {width} px, {scheme:?}");
            }
        }
    }
    assert_eq!(browser.asked_outside(), [""; 0]);
}

#[test]
fn nothing_in_an_issue_makes_the_preview_ask_another_machine() {
    let app = App::start();
    let hostile = fs::read_to_string(repository("tests/checkers/issues/hostile.md")).unwrap();
    app.write("10.md", &hostile);
    app.write("mail.css", ".letter { background: url(https://evil.example.net/sheet.png) }");
    app.write("masthead.toml", &{
        let before = fs::read_to_string(app.folder.path().join("masthead.toml")).unwrap();
        format!("{before}\n[newsletter.garden.theme]\ncss = 'mail.css'\n")
    });
    let (_preview, mut browser) = preview(&app, "10.md");
    for choice in ["view-dark", "view-bare", "view-text", "view-inbox", "view-message", "view-changes", "view-widths"] {
        browser.value(&format!("document.getElementById('{choice}').click()"));
    }
    let count = browser.value(&format!("{FRAME}.querySelectorAll('a').length")).as_u64().unwrap();
    for link in 0..count {
        browser.value(&format!("{FRAME}.querySelectorAll('a')[{link}].click()"));
    }
    assert!(
        browser.value(&format!("{FRAME}.documentElement.outerHTML")).as_str().unwrap().contains("evil.example.net")
    );
    assert_eq!(browser.value(&format!("{FRAME}.title == 'taken' || document.title == 'taken'")), false);
    assert_eq!(browser.value(&format!("{FRAME}.querySelectorAll('script, iframe, form, object, link').length")), 0);
    assert_eq!(browser.asked_outside(), [""; 0]);
}

#[test]
fn images_are_loaded_when_the_operator_asks_for_them() {
    let app = App::start();
    app.write("8.md", EVERYTHING);
    let (_preview, mut browser) = preview(&app, "8.md");
    assert!(browser.value(&format!("{FRAME}.body.innerText")).as_str().unwrap().contains("pictures.example"));
    browser.value("document.querySelector('[name=images]').click()");
    browser.until(&format!("{FRAME}.querySelector('img') != null"));
    assert!(browser.asked_outside().contains(&"https://pictures.example/barrow.png"));
}

#[test]
fn the_preview_follows_the_file_and_keeps_its_place() {
    let app = App::start();
    let long: String =
        (1..80).map(|number| format!("{number}. [Bed {number}](https://beds.example/{number})\n\nDig.\n\n")).collect();
    app.write("8.md", &format!("# Garden Letters #8: Beds\n\n## Reading\n\n{long}"));
    let (_preview, mut browser) = preview(&app, "8.md");
    browser.until("document.querySelector('iframe').offsetHeight > 3000");
    browser.value("document.getElementById('fit').click()");
    browser.value("document.querySelector('main').scrollTo(40, 1500)");
    browser.value("document.getElementById('panel-source').click()");
    app.write("8.md", &format!("# Garden Letters #8: Beds\n\n## Reading\n\n{}", long.replace("Dig.", "Hoe.")));
    browser.until(&format!("{FRAME}.body?.innerText.includes('Hoe.') ?? false"));
    browser.until("document.querySelector('.lines').textContent.includes('Hoe.')");
    assert_eq!(
        browser.value("[document.querySelector('main').scrollLeft, document.querySelector('main').scrollTop]"),
        json!([40, 1500])
    );
    assert_eq!(browser.value("document.getElementById('panel-source').checked"), true);
}

#[test]
fn a_click_on_an_item_shows_its_line_in_the_file() {
    let app = App::start();
    app.write("8.md", EVERYTHING);
    let (_preview, mut browser) = preview(&app, "8.md");
    let line = 1 + EVERYTHING.lines().position(|line| line.contains("[Soil]")).unwrap();
    browser.value(&format!("[...{FRAME}.querySelectorAll('a')].find(link => link.textContent == 'Soil').click()"));
    browser.until("document.querySelector('.lines .here') != null");
    assert_eq!(browser.value("document.querySelector('.lines .here').id"), format!("L{line}"));
    browser.value(&format!("{FRAME}.querySelector('blockquote p').click()"));
    let line = 1 + EVERYTHING.lines().position(|line| line.starts_with("> Who plants")).unwrap();
    browser.until(&format!("document.querySelector('.lines .here').id == 'L{line}'"));
    // the footer comes from no line
    browser.value(&format!("[...{FRAME}.querySelectorAll('a')].at(-1).click()"));
    browser.until("document.querySelector('.lines .here') == null");
    assert_eq!(browser.asked_outside(), [""; 0]);
}

#[test]
fn gmails_clip_line_goes_through_a_table_and_leaves_it_whole() {
    let app = App::start();
    let rows: String =
        (0..2000).map(|at| format!("| a cell with number {at} | and another one beside it |\n")).collect();
    app.write("8.md", &format!("# Garden Letters #8: Rows\n\nLook:\n\n| a | b |\n| --- | --- |\n{rows}\nThe end.\n"));
    let (_preview, mut browser) = preview(&app, "8.md");
    browser.until("document.querySelector('iframe').offsetHeight > 3000");
    let line = format!("{FRAME}.querySelector('.clip-line')");
    assert_eq!(browser.value(&format!("{line}.closest('tr').querySelectorAll('td').length")), 2);
    assert_eq!(browser.value(&format!("{FRAME}.querySelectorAll('tr td').length >= 4000")), true);
    let beside = format!(
        "(() => {{ const line = {line}.getBoundingClientRect(), row = {line}.closest('tr').getBoundingClientRect();
            return line.width >= 320 && line.top >= row.top - 1 && line.top <= row.bottom; }})()"
    );
    assert_eq!(browser.value(&beside), true);
    assert_eq!(
        browser.value(&format!(
            "{line}.closest('tr').offsetHeight == {line}.closest('tr').previousElementSibling.offsetHeight"
        )),
        true
    );
}

#[test]
fn the_views_change_by_keyboard() {
    let app = App::start();
    let file = app.issue(7);
    let (_preview, mut browser) = preview(&app, &file);
    browser.tab_to("[name=view]");
    for view in ["dark", "bare", "text", "inbox", "message", "changes"] {
        browser.press("ArrowRight");
        assert_eq!(browser.value("document.querySelector('[name=view]:checked').id"), format!("view-{view}"));
        assert_eq!(
            browser.value(&format!("getComputedStyle(document.querySelector('.view.{view}')).display == 'none'")),
            false
        );
    }
}

#[test]
fn what_is_approved_on_the_page_is_what_may_leave() {
    let app = App::start();
    app.subscribe_many(2);
    app.set("MASTHEAD_SEND__APPROVAL", "true");
    let file = app.issue(7);
    let (_preview, mut browser) = preview(&app, &file);
    browser.value("document.getElementById('panel-send').click()");
    browser.value("document.querySelector('form[action=approve] button').click()");
    browser.until("document.querySelector('.given') != null");
    app.append(&file, "TODO: one more thing.");
    browser.until("document.querySelector('form[action=approve] button').disabled");
    app.write(&file, "");
    app.issue(7);
    app.append(&file, "One more thing.");
    browser.until("document.querySelector('.stale') != null");
    browser.until(
        "[...document.querySelectorAll('.diff ins')].some(line => line.textContent.includes('One more thing.'))",
    );
    app.send(&file).exits(2).says("not what was approved");
    browser.value("document.querySelector('form[action=approve] button').click()");
    browser.until("document.querySelector('.given') != null");
    app.send(&file).exits(0);
    assert_eq!(app.taken().len(), 2);
}

#[test]
fn whatever_changed_since_the_approval_is_named() {
    let app = App::start();
    let file = app.issue(7);
    let toml = fs::read_to_string(app.folder.path().join("masthead.toml")).unwrap();
    let (_preview, mut browser) = preview(&app, &file);
    browser.value("document.getElementById('panel-send').click()");
    browser.value("document.querySelector('form[action=approve] button').click()");
    browser.until("document.querySelector('.given') != null");
    let since = "document.querySelector('.view.changes figure')";
    assert!(browser.value(&format!("{since}.textContent")).as_str().unwrap().ends_with("Nothing changed."));
    let text = fs::read_to_string(app.folder.path().join(&file)).unwrap();
    for (name, content, named) in [
        (&file[..], format!("---\nsubject: Something else\n---\n{text}"), "+ Subject: Something else"),
        (&file, format!("---\npreheader: Another line\n---\n{text}"), "+ Preheader: Another line"),
        (&file, text.replace("example/laying", "example/felling"), "+ https://hedges.example/felling"),
        (&file, format!("{text}\n![A hedge](https://pictures.example/hedge.png)\n"), "+ Picture: https://pictures"),
        ("masthead.toml", toml.replace("Garden Letters <", "Somebody <").replace("ann@", "eve@"), "eve@example.org"),
        ("masthead.toml", format!("{toml}\n[newsletter.garden.theme]\nink = '#001133'\n"), "The look changed: "),
    ] {
        let before = if name == file { &text } else { &toml };
        assert_ne!(&content, before, "{named}");
        app.write(name, &content);
        browser.until("document.querySelector('.stale') != null");
        browser.until(&format!("{since}.textContent.includes({named:?})"));
        app.write(name, before);
        browser.until("document.querySelector('.given') != null");
    }
}

#[test]
fn a_look_that_send_does_not_know_is_not_approved() {
    let app = App::start();
    let file = app.issue(7);
    app.write("mine.css", "h1 { color: #123456 }");
    let mut running = app.spawn(&["preview", &file, "--css", "mine.css"]);
    let url = running.first_line();
    let mut browser = Browser::start();
    browser.open(&url);
    assert_eq!(browser.value("document.querySelector('form[action=approve] button').disabled"), true);
    // nor by a form that was there before
    browser.value(
        "fetch('approve', { method: 'POST',
            body: new URLSearchParams({ digest: document.querySelector('.digest').textContent }) }).then(() => true)",
    );
    assert_eq!(app.query("select count(*)::text from approval"), "0");
    browser.open(&url);
    assert!(browser.value("document.querySelector('.outcome').textContent").as_str().unwrap().contains("--css"));
}

#[test]
fn the_first_approval_of_a_project_makes_its_store() {
    let app = App::start();
    app.unset("DATABASE_URL");
    let file = app.issue(7);
    let (running, mut browser) = preview(&app, &file);
    assert!(!app.folder.path().join(".masthead").exists(), "looking makes nothing");
    browser.value("document.getElementById('panel-send').click()");
    browser.value("document.querySelector('form[action=approve] button').click()");
    browser.until("document.querySelector('.given') != null");
    running.signal(Signal::INT);
    running.finish().exits(0);
    app.set("DATABASE_URL", &app.database_url);
}

#[test]
fn the_preview_says_whose_newsletter_it_shows_and_finds_its_own_again() {
    let app = App::start();
    let toml = fs::read_to_string(app.folder.path().join("masthead.toml")).unwrap();
    app.write("7.md", "---\ntitle: [x\n---\nAhoy.\n");
    let mut running = app.spawn(&["preview", "7.md"]);
    let mut browser = Browser::start();
    browser.open(&running.first_line());
    let told = browser.value("document.querySelector('.failure h1').textContent");
    assert!(told.as_str().unwrap().ends_with("To be mended: 7.md, line 2"), "{told}");
    let file = app.issue(7);
    browser.until("document.querySelector('iframe') != null");
    let footer = format!("{FRAME}?.body?.innerText.includes('1 Orchard Road') ?? false");
    browser.until(&footer);
    let digest = "document.querySelector('.digest')?.textContent";
    browser.until(&format!("{digest} != null"));
    let own = browser.value(digest);
    let own = own.as_str().unwrap();
    app.masthead(&["render", &file, "--out", "out"]).exits(0).says(own);
    fs::remove_file(app.folder.path().join("masthead.toml")).unwrap();
    browser.until("document.querySelector('.banners').textContent.includes('sample newsletter')");
    browser.until("document.querySelector('.banners').textContent.includes('there is no `masthead.toml`')");
    assert_eq!(browser.value("document.querySelector('form[action=approve] button').disabled"), true);
    for (css, toml, place) in [
        ("", "[[[", "masthead.toml, line 1"),
        ("p {}\np { color red }", &*format!("{toml}\n[newsletter.garden.theme]\ncss = 'own.css'\n"), "own.css, line 2"),
    ] {
        app.write("own.css", css);
        app.write("masthead.toml", toml);
        browser.until(&format!("document.querySelector('.banner.trouble')?.textContent.includes('mended: {place}')"));
    }
    app.write("masthead.toml", &toml);
    browser.until("document.querySelector('.banners .banner') == null");
    browser.until(&format!("{digest} == '{own}'"));
}

#[test]
fn scroll_view_and_what_was_typed_outlive_a_slip() {
    let app = App::start();
    let beds: String = (1..60).map(|at| format!("{at}. [Bed {at}](https://beds.example/{at})\n\nDig.\n\n")).collect();
    let text = format!("# Garden Letters #8: Beds\n\n## Reading\n\n{beds}");
    app.write("8.md", &text);
    let (_preview, mut browser) = preview(&app, "8.md");
    browser.value("document.getElementById('view-dark').click()");
    browser.until("document.querySelector('.view.dark iframe').offsetHeight > 2000");
    browser.value("document.querySelector('main').scrollTo(0, 900)");
    browser.value("document.getElementById('panel-send').click()");
    browser.value("document.getElementById('address').focus()");
    browser.write("half-typed@");
    for slip in ["", "---\ntitle: [\n---\n"] {
        app.write("8.md", slip);
        browser.until("document.querySelector('.banner.trouble') != null");
        app.write("8.md", &text.replace("Dig.", &format!("Hoe {}.", slip.len())));
        browser.until("document.querySelector('.banner.trouble') == null");
        browser.until(&format!(
            "document.querySelector('.view.dark iframe').contentDocument?.body?.innerText.includes('Hoe {}.') ?? false",
            slip.len()
        ));
    }
    let kept = "[document.querySelector('main').scrollTop, document.querySelector('[name=view]:checked').id,
        document.getElementById('address').value, document.activeElement.id]";
    assert_eq!(browser.value(kept), json!([900, "view-dark", "half-typed@", "address"]));
}

#[test]
fn a_frame_is_as_high_as_its_email_and_shrinks_with_it() {
    let app = App::start();
    let long = "# Garden Letters #8: Beds\n\n".to_owned() + &"Dig.\n\n".repeat(100);
    app.write("8.md", &long);
    let (_preview, mut browser) = preview(&app, "8.md");
    browser.until("document.querySelector('iframe').offsetHeight > 3000");
    app.write("8.md", "# Garden Letters #8: Beds\n\nDig.\n");
    browser.until("document.querySelector('iframe').offsetHeight < 1500");
}

#[test]
fn a_preview_that_has_ended_says_so() {
    let app = App::start();
    let file = app.issue(7);
    let (running, mut browser) = preview(&app, &file);
    assert_eq!(browser.value("document.querySelector('.lost').checkVisibility()"), false);
    running.kill();
    browser.until("document.querySelector('.lost').checkVisibility()");
    assert!(browser.value("document.body.innerText").as_str().unwrap().contains("The preview has ended."));
}

#[test]
fn a_preview_is_good_in_many_tabs_at_once() {
    let app = App::start();
    let file = app.issue(7);
    let (_preview, mut browser) = preview(&app, &file);
    let url = browser.value("location.href");
    let tabs: Vec<_> = (0..8).map(|_| browser.value(&format!("window.open({url}) != null"))).collect();
    assert_eq!(tabs, vec![json!(true); 8]);
    browser
        .until("fetch('email.html', { signal: AbortSignal.timeout(3000) }).then((answer) => answer.ok, () => false)");
    app.append(&file, "One more thing.");
    browser.bring_to_front();
    browser.until(&format!("{FRAME}.body?.innerText.includes('One more thing.') ?? false"));
}

#[test]
fn the_keyboard_gets_to_every_panel_without_a_tour_through_the_email() {
    let app = App::start();
    app.write("8.md", EVERYTHING);
    let (_preview, mut browser) = preview(&app, "8.md");
    browser.press("Tab");
    assert_eq!(browser.value("document.activeElement.className"), "skip");
    let mut stops = 1;
    while browser.value("document.activeElement.name") != "panel" {
        browser.press("Tab");
        stops += 1;
        assert!(stops <= 8, "{stops} stops before the panels");
    }
    browser.value("document.querySelector('.skip').focus()");
    browser.press("Enter");
    browser.until("document.activeElement.id == 'panel-findings'");
}

#[test]
fn a_proof_is_sent_from_the_page() {
    let app = App::start();
    app.subscribe_many(1);
    let file = app.issue(7);
    let (_preview, mut browser) = preview(&app, &file);
    browser.value("document.getElementById('panel-send').click()");
    browser.value("document.getElementById('address').value = 'ed@example.org'");
    browser.value("document.querySelector('form[action=proof] button').click()");
    browser.until("document.querySelector('.outcome') != null");
    assert_eq!(
        browser.value("document.querySelector('.outcome').textContent"),
        "The relay took the proof to ed@example.org."
    );
    assert_eq!(app.mails_to("ed@example.org").len(), 1);
    assert_eq!(app.query("select count(*)::text from issue"), "0");
}
