//! Issue files as nobody writes them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options, parse_document};
use masthead::issue::{Issue, format, parse};
use proptest::prelude::*;

use super::{FIXTURES, read};

/// What a text says, shows and links to: every word, and every address as often as it is there.
#[derive(Default)]
struct Content {
    text: String,
    addresses: BTreeMap<String, usize>,
}

impl Content {
    fn markdown(&mut self, text: &str) {
        let arena = Arena::new();
        let mut options = Options::default();
        options.extension.footnotes = true;
        options.parse.leave_footnote_definitions = true;
        for node in parse_document(&arena, text, &options).descendants() {
            match &node.data().value {
                // of `<https://…>`, the address is enough
                NodeValue::Text(text) if node.parent().is_some_and(|link| address(link).as_ref() == Some(text)) => {}
                NodeValue::Text(text) => self.plain(text),
                NodeValue::Code(code) => self.plain(&code.literal),
                NodeValue::CodeBlock(code) => self.plain(&code.literal),
                NodeValue::HtmlBlock(html) => self.html(&html.literal),
                NodeValue::HtmlInline(html) => self.html(html),
                NodeValue::FootnoteReference(note) => self.plain(&note.name),
                NodeValue::Link(link) | NodeValue::Image(link) => self.address(&link.url),
                _ => {}
            }
        }
    }

    /// What stands around tags, and what their attributes say to a reader; a character reference is its character.
    fn html(&mut self, html: &str) {
        let html = &html.replace("&amp;", "&");
        let (before, tags) = html.split_at(html.find('<').unwrap_or(html.len()));
        self.plain(before);
        for piece in tags.split('<').skip(1) {
            if let Some(comment) = piece.strip_prefix("!--") {
                self.plain(comment);
                continue;
            }
            let (tag, behind) = piece.split_once('>').unwrap_or((piece, ""));
            self.plain(behind);
            let mut quoted = tag.split('"');
            while let (Some(name), Some(value)) = (quoted.next(), quoted.next()) {
                match name.trim() {
                    name if name.ends_with("src=") || name.ends_with("href=") => self.address(value),
                    name if name.ends_with("alt=") || name.ends_with("title=") => self.plain(value),
                    _ => {}
                }
            }
        }
    }

    /// The values of front matter, with their keys where they are nested.
    fn front(&mut self, lines: &str) {
        for line in lines.lines() {
            let nested = line.starts_with([' ', '-', '#']);
            self.plain(line.split_once(": ").filter(|_| !nested).map_or(line, |(_, value)| value));
        }
    }

    fn plain(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push(' ');
    }

    fn address(&mut self, url: &str) {
        *self.addresses.entry(url.to_owned()).or_default() += 1;
    }

    fn of(issue: &Issue) -> Self {
        let mut content = Self::default();
        content.markdown(&issue.intro);
        for text in [&issue.newsletter, &issue.title, &issue.subject, &issue.preheader].into_iter().flatten() {
            content.plain(text);
        }
        issue.extra.iter().for_each(|extra| content.plain(&extra.text));
        if let Some(heading) = &issue.past_issues_heading {
            content.plain(&heading.title);
            heading.url.iter().for_each(|url| content.address(url));
        }
        for past in &issue.past_issues {
            content.plain(&past.title);
            content.address(&past.url);
        }
        for section in &issue.sections {
            content.plain(&section.title);
            section.url.iter().for_each(|url| content.address(url));
            content.markdown(&section.body);
            content.markdown(&section.after);
            for item in &section.items {
                content.plain(&item.title);
                item.tags.iter().for_each(|tag| content.plain(tag));
                item.links.iter().for_each(|url| content.address(url));
                for image in &item.images {
                    content.address(&image.url);
                    content.plain(&image.alt);
                    image.caption.iter().for_each(|caption| content.markdown(caption));
                }
                content.markdown(&item.description);
            }
        }
        content
    }
}

fn address(node: Node<'_>) -> Option<Cow<'static, str>> {
    match &node.data().value {
        NodeValue::Link(link) => Some(link.url.clone().into()),
        _ => None,
    }
}

/// Checks that what is in a file, front matter and Markdown, is in its issue.
fn check_nothing_is_lost(text: &str) {
    let issue = read(text);
    let (mut written, found) = (Content::default(), Content::of(&issue));
    let fenced = text.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n"));
    let headed = || text.split_once("\n\n").filter(|_| text.starts_with("Title: "));
    let (front, body) = fenced.or_else(headed).unwrap_or(("", text));
    written.front(front);
    written.markdown(body);
    let words: BTreeSet<&str> = written.text.split(|c: char| !c.is_alphabetic()).collect();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        let count = |content: &Content| content.text.matches(word).count();
        assert!(count(&found) >= count(&written), "`{word}` got lost\n{text}\n{issue:#?}");
    }
    for (url, count) in &written.addresses {
        assert!(found.addresses.get(url).is_some_and(|found| found >= count), "{url} got lost\n{text}\n{issue:#?}");
    }
}

#[test]
fn nothing_of_a_fixture_is_lost() {
    for (name, text) in FIXTURES {
        // numbers, and the words that announce them, are data
        let text = match name {
            "damaged" => {
                let mended = String::from_utf8(encoding_rs::MACINTOSH.encode(text).0.into_owned()).unwrap();
                mended.replace(" (star 13.5K)", "").replace(" (980 stars)", "")
            }
            "chinese" => text.replace("（star 1.2万）", ""),
            // the newsletter's name, again, and a day
            "nested" => text.replace("title: Boats and Ropes\n", "").replace("Sat, 8 Jun 2024", "2024-06-08"),
            "headless" => text.replace(" 第 151 期", "#151"),
            "digest" => text.replace(" https://example.org/", " u:").replace(" ⭐ 1.2k", ""),
            "digest-zh" => {
                text.replace("（3.2k star）", "").replace("（1.2 万 star）", "").replace("（第 12 期）", "#12")
            }
            _ => text.to_owned(),
        };
        check_nothing_is_lost(&text);
    }
}

/// A word that is nowhere else in the text, most of the time.
fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[b-df-hj-np-rt-z]{6,9}", "[船海港灯塔潮汐绳桅帆]{4,6}"]
}

/// Inline Markdown.
fn inline() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => word(),
        2 => (word(), word()).prop_map(|(text, url)| format!("[{text}](https://example.org/{url})")),
        1 => (word(), word()).prop_map(|(text, url)| format!("[**{text}** `x`](<https://example.org/{url}> \"q\")")),
        1 => (word(), word()).prop_map(|(alt, url)| format!("![{alt}](https://example.org/{url}.png)")),
        1 => (word(), word()).prop_map(|(alt, url)| format!("[![{alt}](u:{url}i)](u:{url}l)")),
        1 => word().prop_map(|word| format!("**{word}**")),
        1 => word().prop_map(|word| format!("*{word}*,")),
        1 => word().prop_map(|word| format!("`{word}`")),
        1 => word().prop_map(|word| format!("<https://example.org/{word}>")),
        1 => word().prop_map(|word| format!("({word})")),
        1 => word().prop_map(|word| format!("[{word}]")),
        1 => word().prop_map(|word| format!("\\[{word}\\] &amp; \\*")),
        1 => Just("[ref]".to_owned()),
        1 => Just("[Some *text*][ref]".to_owned()),
        1 => Just("![picture][ref]".to_owned()),
        1 => Just("🦄".to_owned()),
        1 => Just("—".to_owned()),
        1 => word().prop_map(|word| format!("<b>{word}</b>")),
        1 => (word(), word()).prop_map(|(text, url)| format!("<a href=\"u:{url}\">{text}</a>")),
        1 => (word(), word()).prop_map(|(alt, url)| format!("<img alt=\"{alt}\" src=\"u:{url}\"/>")),
        1 => Just("words<br>".to_owned()),
        1 => Just("Map<Key>".to_owned()),
        1 => Just("text[^note]".to_owned()),
    ];
    proptest::collection::vec(
        (piece, prop_oneof![5 => Just(" "), 1 => Just("\n"), 1 => Just("  \n"), 1 => Just("")]),
        1..6,
    )
    .prop_map(|pieces| pieces.into_iter().map(|(piece, gap)| piece + gap).collect::<String>().trim().to_owned())
}

/// A block, of a roundup or not.
pub(super) fn block() -> impl Strategy<Value = String> {
    let line = || inline().prop_map(|text| text.replace('\n', " "));
    let entry = || (1..15u32, inline()).prop_map(|(number, text)| (number, text.replace('\n', "\n   ")));
    prop_oneof![
        3 => inline(),
        2 => line().prop_map(|text| format!("## {text}")),
        1 => line().prop_map(|text| format!("### {text}")),
        1 => line().prop_map(|text| format!("**{text}**")),
        1 => line().prop_map(|text| format!("{text}\n---")),
        3 => (1..15u32, inline()).prop_map(|(number, text)| format!("{number}、{text}")),
        1 => (1..15u32, inline()).prop_map(|(number, text)| format!("### {number}. {}", text.replace('\n', " "))),
        1 => inline().prop_map(|text| format!("① {text}\n② {text}")),
        1 => (1..15u32, line()).prop_map(|(number, text)| format!("**{number}. {text}**")),
        1 => (1..15u32, word(), inline()).prop_map(|(number, word, text)| format!("[{number}] [{word}](u:{word}) {text}")),
        1 => (1..15u32, inline()).prop_map(|(number, text)| format!("{number}、\n\n{text}")),
        1 => (word(), inline()).prop_map(|(word, text)| format!("• [{word}](u:{word}) {text}\n→ [{word}](u:{word})")),
        1 => (word(), inline()).prop_map(|(word, text)| format!("[{word}](u:{word})\n{text}\n[{word}](u:{word}) — w")),
        1 => (word(), inline()).prop_map(|(word, text)| format!("**[{word}](u:{word})** — {text}")),
        1 => (word(), inline()).prop_map(|(word, text)| format!("![{word}](u:{word}) {text}")),
        1 => (word(), inline()).prop_map(|(word, text)| format!("**{word}**\n<https://example.org/{word}>\n{text}")),
        1 => line().prop_map(|text| format!("🦄 **{text}**")),
        1 => word().prop_map(|word| format!("[🦄{word}](u:{word})")),
        1 => word().prop_map(|word| format!("## Subscribe {word}")),
        1 => (word(), word()).prop_map(|(word, url)| format!("## [Looking back: {word}](u:{url})\n\n- [{word}](u:{word})")),
        1 => (word(), word()).prop_map(|(word, url)| format!("[^{word}]: {word}\n\n[^note]: u:{url}")),
        1 => (word(), word()).prop_map(|(alt, url)| {
            format!("<p align=\"center\">\n    <img src=\"u:{url}\" alt=\"{alt}\"></img><br>\n{alt}_{url} * {alt}\n</p>")
        }),
        1 => (word(), inline()).prop_map(|(word, text)| format!("<details><summary>{word}</summary>\n\n{text}\n\n</details>")),
        1 => (word(), word()).prop_map(|(text, url)| format!("<table><tr><td>{text} <a href=\"u:{url}\">{text}</a></td></tr></table>")),
        1 => (word(), word()).prop_map(|(text, url)| format!("- [{text}](u:{text}) <center>{text} <a href=\"u:{url}\">[{text}]</a></center>")),
        2 => entry().prop_map(|(number, text)| format!("{number}. {text}")),
        2 => proptest::collection::vec(entry(), 1..4).prop_map(|entries| {
            entries.iter().map(|(_, text)| format!("*  {text}\n")).collect::<String>()
        }),
        1 => (entry(), inline()).prop_map(|((_, text), more)| {
            format!("-  {text}\n\n   {}\n\n       code\n   - nested\n", more.replace('\n', "\n   "))
        }),
        1 => (inline(), inline()).prop_map(|(text, more)| {
            format!("1.\t{}\n\n\t- {}", text.replace('\n', "\n\t"), more.replace('\n', "\n\t\t"))
        }),
        1 => (word(), inline()).prop_map(|(word, text)| format!("1. 1. {word}\n\t{}", text.replace('\n', " "))),
        1 => inline().prop_map(|text| format!("> {}", text.replace('\n', "\n> "))),
        1 => word().prop_map(|word| format!("```\n## {word}\n1、[a](b)\n```")),
        1 => word().prop_map(|word| format!("    {word}")),
        1 => word().prop_map(|word| format!("<!-- {word}\n\n{word} -->")),
        1 => word().prop_map(|word| format!("| {word} | b |\n| --- | --- |\n| [x](u:{word}) | d |")),
        1 => Just("---".to_owned()),
        1 => Just("[ref]: https://example.org/ref 'Title'".to_owned()),
    ]
}

/// A box of HTML, and what is indented in it: code to Markdown, HTML to whoever typed it.
pub(super) fn boxed() -> impl Strategy<Value = String> {
    let inner = prop_oneof![
        word().prop_map(|word| format!("    <p>{word} <b>{word}</b></p>")),
        word().prop_map(|word| format!("    <img src=\"u:{word}\">\n      <a href=\"u:{word}\">{word}</a>")),
        word().prop_map(|word| format!("    <ul><li>{word}</li></ul>\n\n        <b>{word}</b>")),
        word().prop_map(|word| format!("    <div>{word}\n\n        <i>{word}</i>\n\n    </div>")),
        word(),
    ];
    let (div, details, list) = ("<div align=\"center\">", "<details>\n<summary>Tides</summary>", "<ul>");
    let tags = prop_oneof![Just((div, "</div>")), Just((details, "</details>")), Just((list, "</ul>"))];
    (tags, proptest::collection::vec(inner, 1..3))
        .prop_map(|((opening, closing), inner)| format!("{opening}\n\n{}\n\n{closing}", inner.join("\n\n")))
}

/// Front matter for us and for other programs; often none.
pub(super) fn front() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        word().prop_map(|word| ("title", format!("title: {word}"))),
        word().prop_map(|word| ("author", format!("author: \"{word}: #\""))),
        (word(), word()).prop_map(|(one, other)| ("tags", format!("tags: [{one}, '{other}'] # {one}"))),
        (word(), word())
            .prop_map(|(one, other)| ("params", format!("params:\n  - {one}: |\n      {other}\n\n      {one}"))),
        word().prop_map(|word| ("Category", format!("# {word}\nCategory:\n- {word}"))),
        word().prop_map(|word| ("summary", format!("summary: {word}"))),
        word().prop_map(|word| ("preheader", format!("preheader: {word}\n  {word}"))),
        Just(("pubDate", "pubDate: 2024-06-08T10:00:00Z".to_owned())),
        Just(("date", "date: 2024-06-09".to_owned())),
        Just(("lang", "lang: de".to_owned())),
    ];
    proptest::collection::btree_map(0..20usize, line, 0..5).prop_map(|lines| {
        let mut seen = BTreeSet::new();
        let lines: Vec<String> =
            lines.into_values().filter(|(key, _)| seen.insert(*key)).map(|(_, line)| line).collect();
        if lines.is_empty() { String::new() } else { format!("---\n{}\n---\n", lines.join("\n")) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_of_any_file_is_lost(front in front(), blocks in proptest::collection::vec(block(), 1..12)) {
        check_nothing_is_lost(&format!("{front}Intro.\n\n{}\n\n[ref]: u:ref\n", blocks.join("\n\n")));
    }

    #[test]
    fn no_input_panics(pieces in proptest::collection::vec(
        prop_oneof![
            Just("---\n"), Just("+++\n"), Just("title: "), Just("\n"), Just("\n\n"), Just("# "), Just("## "), Just("#"),
            Just("1、"), Just("① "), Just("1. "), Just("- "), Just("  "), Just("\t"), Just("["), Just("]"), Just("(u)"),
            Just("![a](b)"), Just("**"), Just("*"), Just("`"), Just("(star 1K)"), Just("🐿️"), Just("é"), Just("„ÄÅ"),
            Just("<!--"), Just("> "), Just("\\"), Just("[a]: b\n"), Just("（英）"), Just("Past issues"), Just("\r"),
            Just("第 3 期"), Just("&amp;"), Just("|"), Just("```\n"),
        ], 0..40)) {
        let _ = parse(pieces.concat().as_bytes());
    }

    #[test]
    fn no_damaged_file_panics(
        fixture in 0..FIXTURES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0..5usize, any::<u8>()), 1..20),
    ) {
        let mut bytes = FIXTURES[fixture].1.as_bytes().to_vec();
        for (at, change, byte) in changes {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            let end = (at + usize::from(byte)).min(bytes.len());
            match change {
                0 => { bytes.drain(at..end); }
                1 => bytes.insert(at, byte),
                2 => { let piece = bytes[at..end].to_vec(); bytes.extend(piece); }
                3 => bytes[at..end].reverse(),
                _ => bytes.insert(at, b"[]()*`#\n-1<>!\\\t"[usize::from(byte) % 15]),
            }
        }
        // UTF-8 in pieces is refused
        for text in [bytes.clone(), String::from_utf8_lossy(&bytes).into_owned().into_bytes()] {
            if let Ok(issue) = parse(&text) {
                let _ = format(&issue);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(&bytes);
    }
}

/// How long this thread has run; what else the machine does is not in it.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn anything_is_read_in_time_that_grows_as_its_length_does() {
    // a quadratic step that takes a minute for a megabyte makes ten times of these five
    let (small, large) = (20_000, 100_000);
    let fastest = |text: &str| {
        let run = || {
            let started = processor_time();
            let _ = parse(text.as_bytes());
            processor_time() - started
        };
        run().min(run())
    };
    for (before, piece) in [
        ("", "["),
        ("", "!["),
        ("", "> "),
        ("", "*a_ "),
        ("# ", "#1 "),
        ("", "1、[a](b)\n"),
        ("", "1. [a](b)\n\nx\n\n"),
        ("", "① a\n\n"),
        ("## S\n\n", "- [a](b)\n"),
        ("## S\n\n1、[a](b)\n\n", "(star "),
        ("## S\n\n- ", "[a] "),
        ("[a]: u\n\n1、", "[a] "),
        ("## Past issues\n\n", "[a](b)\n"),
        ("", "**a**\n\n"),
        ("", "„ÄÅé"),
        ("", "<p><a href='u'>a</a> <br>"),
        ("", "a <b>b <a href=u>c</a> "),
        ("", "<a b=\"x' "),
        ("", "a <b c="),
        ("a <b", " c"),
        ("a[^1]", "[^1]: [^2]\n\n[^2]: b\n\n"),
        ("---\n", "a: ["),
        ("Title: a\n", " b\n"),
    ] {
        let [small, large] =
            [small, large].map(|size| fastest(&(before.to_owned() + &piece.repeat(size / piece.len()))));
        let allowed = small * 10 + Duration::from_millis(50);
        assert!(large < allowed, "{before}{piece}: {small:?}, then {large:?}");
    }
}

#[test]
fn what_is_nested_deeply_is_read_in_time() {
    for (before, opening, closing) in [
        ("## S\n\n1、[a](b)\n\n", "![", "](u)"),
        ("## S\n\n1、[a](b)\n\n", "*a **b ", "** *"),
        ("## S\n\n1、", "*a **b ", "** *"),
        ("# ", "**a *b ", "* **"),
        ("", "> ", "\n"),
        ("", "1) ", "\n\n"),
        ("---\ntitle: ", "[", "]"),
        ("+++\ntitle = ", "[", "]"),
    ] {
        let text = [before, &opening.repeat(50_000), "x", &closing.repeat(50_000)].concat();
        let started = Instant::now();
        if let Ok(issue) = parse(text.as_bytes()) {
            let _ = format(&issue);
        }
        assert!(started.elapsed().as_secs() < 30, "{before}{opening}: {:?}", started.elapsed());
    }
}
