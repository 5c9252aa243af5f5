//! Issue → Markdown, in one canonical form.

use comrak::Arena;
use comrak::nodes::NodeValue;
use time::Date;

use super::markdown::{self, Fence, inline_target};
use super::title::{self, TitleLine};
use super::{Heading, Image, Issue, Item, PastIssue, Piece, Section, front_matter, item, language, parse};

/// Writes an issue as its editor would, so that [`parse`] reads it back:
///
/// ```text
/// # Garden Weekly #12: Why Moss?
///
/// Good morning.
///
/// ## 🦄 Reading
///
/// 1. [Stones](https://example.org/stones) (★ 900) (video)
///
///    All about stones.
///
///    ![A stone](https://example.org/stone.png)
///    *Granite*
///
/// ## Past issues
///
/// - [Garden Weekly #11](https://example.org/11) (2024-06-08)
/// ```
///
/// Front matter has only what the text cannot say.
/// Text that looks like an item, and is none, stands between `<!-- text -->` and `<!-- /text -->`,
/// and where that is not enough, every item between `<!-- items -->` and `<!-- /items -->`.
pub fn format(issue: &Issue) -> String {
    let content = issue.content();
    let same = |text: &String| parse(text.as_bytes()).is_ok_and(|read| read.content() == content);
    let forms = [Form::Plain, Form::Fenced].map(|form| write(issue, form));
    forms.into_iter().find(same).unwrap_or_else(|| write(issue, Form::Explicit))
}

/// How much is said of what the text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// What it looks like.
    Plain,
    /// Text that is no item is fenced.
    Fenced,
    /// Everything is.
    Explicit,
}

fn write(issue: &Issue, form: Form) -> String {
    let (title, mut keys) = title_line(issue, form);
    let text = |text: &str| match form {
        Form::Fenced | Form::Explicit if !text.is_empty() => fence(Fence::Text, text),
        _ => text.to_owned(),
    };
    let mut blocks = vec![title, text(&issue.intro)];
    for section in &issue.sections {
        blocks.push(heading(&section.title, section.emoji.as_deref(), section.url.as_deref()));
        blocks.push(text(&section.body));
        let items = items(&section.items, form);
        blocks.push(if form == Form::Explicit { fence(Fence::Items, &items) } else { items });
        if needs_break(section, form) {
            blocks.push("---".to_owned());
        }
        blocks.push(text(&section.after));
    }
    blocks.extend(past_issues(issue));
    blocks.retain(|block| !block.is_empty());
    let body = blocks.join("\n\n") + "\n";
    let extra: String = issue.extra.iter().flat_map(|extra| [extra.text.as_str(), "\n"]).collect();
    let said = front_matter::split(&format!("---\n{extra}---\n")).map(|(front, _)| front).unwrap_or_default();
    let unsaid = |value: &Option<String>, said: Option<String>| value.clone().filter(|_| *value != said);
    let date = |date: Option<Date>| date.map(|date| date.to_string());
    keys.extend(unsaid(&issue.subject, said.subject).map(|subject| ("subject", subject)));
    keys.extend(unsaid(&date(issue.date), date(said.date)).map(|date| ("date", date)));
    keys.extend(unsaid(&issue.preheader, said.preheader).map(|preheader| ("preheader", preheader)));
    let layout = issue.layout.filter(|_| issue.layout != said.layout);
    keys.extend(layout.map(|layout| ("layout", layout.word().to_owned())));
    let guess = language::guess(markdown::tree(&Arena::new(), &body));
    if said.language.as_deref().unwrap_or(guess) != issue.language {
        keys.push(("language", issue.language.clone()));
    }
    let own = |keys: &[(&str, String)]| -> String {
        keys.iter().map(|(key, value)| front_matter::pair(key, &value.as_str().into()) + "\n").collect()
    };
    let front = format!("---\n{}{extra}---\n", own(&keys));
    match (front_matter::split(&front), front_matter::split(&body)) {
        (_, Ok((_, 0))) if keys.is_empty() && extra.is_empty() => body,
        // a key of two words does not begin front matter
        (Ok((_, 0)), _) => format!("---\nlanguage: {}\n{extra}---\n\n{body}", issue.language),
        _ => format!("{front}\n{body}"),
    }
}

/// Blocks in a fence.
fn fence(fence: Fence, blocks: &str) -> String {
    let parts = [fence.opening(), blocks, fence.closing()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// The title line, and what it cannot say.
fn title_line(issue: &Issue, form: Form) -> (String, Vec<(&'static str, String)>) {
    let colon = if issue.language.starts_with("zh") || issue.language.starts_with("ja") { "：" } else { ": " };
    let number = issue.number.map(|number| format!("#{number}"));
    let name: Vec<&str> = [issue.newsletter.as_deref(), number.as_deref()].into_iter().flatten().collect();
    let parts = [name.join(" "), issue.title.clone().unwrap_or_default()];
    let line = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(colon);
    let wanted = TitleLine {
        newsletter: issue.newsletter.clone(),
        number: issue.number,
        title: issue.title.clone(),
        date: None,
    };
    let mut keys = Vec::new();
    let line = match form {
        Form::Plain | Form::Fenced if title::split(&line) == wanted => {
            keys.extend(issue.slug.clone().map(|slug| ("newsletter", slug)));
            line
        }
        _ if let Some(slug) = &issue.slug => {
            keys.push(("newsletter", slug.clone()));
            keys.extend(issue.number.map(|number| ("number", number.to_string())));
            keys.extend(issue.title.clone().map(|title| ("title", title)));
            name.join(" ")
        }
        _ => {
            keys.push(("newsletter", issue.newsletter.clone().unwrap_or_default()));
            keys.extend(issue.number.map(|number| ("number", number.to_string())));
            keys.extend(issue.title.clone().map(|title| ("title", title)));
            issue.title.clone().unwrap_or_default()
        }
    };
    if line.is_empty() { (line, keys) } else { (format!("# {}", escape("# ", &line, "")), keys) }
}

fn heading(title: &str, emoji: Option<&str>, url: Option<&str>) -> String {
    let text = match emoji {
        // the same emoji before and behind is one
        Some(emoji) if title.ends_with(emoji) && title.starts_with(emoji) => format!("{emoji} {title} {emoji}"),
        Some(emoji) if title.ends_with(emoji) => format!("{title} {emoji}"),
        Some(emoji) if !title.is_empty() => format!("{emoji} {title}"),
        Some(emoji) => emoji.to_owned(),
        None => title.to_owned(),
    };
    match url {
        Some(url) => format!("## [{}]{}", escape("[", &text, "](u)"), inline_target(url, "")),
        None => format!("## {}", escape("# ", &text, "")).trim_end().to_owned(),
    }
}

/// Whether a thematic break must keep what follows the items from the last of them.
fn needs_break(section: &Section, form: Form) -> bool {
    let plain = |c: char| c.is_alphabetic() || c == '#' || c == '[';
    let several = section.items.len() > 1 && !repeats(&section.items);
    let beside = !section.items.is_empty() && !section.after.is_empty() && form != Form::Explicit;
    beside && (form == Form::Fenced || !several || !section.after.starts_with(plain))
}

/// Whether all numbers are the same, so that Markdown would count in their stead.
fn repeats(items: &[Item]) -> bool {
    items.len() > 1 && items.iter().all(|item| item.number.is_some() && item.number == items[0].number)
}

fn items(items: &[Item], form: Form) -> String {
    let tight = items.iter().all(|item| item.description.is_empty() && item.images.is_empty());
    let alternates = form == Form::Explicit || repeats(items);
    let mut delimiter = '.';
    let mut before = None;
    let written = items.iter().map(|item| {
        // another delimiter begins another list
        if alternates && before == item.number {
            delimiter = if delimiter == '.' { ')' } else { '.' };
        }
        before = item.number;
        entry(item, &item.number.map_or("- ".to_owned(), |number| format!("{number}{delimiter} ")), form)
    });
    written.collect::<Vec<_>>().join(if tight { "\n" } else { "\n\n" })
}

fn entry(item: &Item, marker: &str, form: Form) -> String {
    let target = item.url.as_ref().map_or("()".to_owned(), |url| inline_target(url, ""));
    let mut text = format!("[{}]{target}", escape("[", &item.title, "](u)"));
    if let Some(count) = item.stars {
        text += &format!(" (★ {})", stars(count));
    }
    for tag in &item.tags {
        text += &format!(" ({tag})");
    }
    let said = item.pieces().into_iter().map(|piece| match piece {
        Piece::Text(text) if form == Form::Explicit => fence(Fence::Text, text),
        Piece::Text(text) => text.to_owned(),
        Piece::Image(shown) => image(shown, form),
    });
    let text = [text].into_iter().chain(said).collect::<Vec<_>>().join("\n\n");
    let indent = format!("\n{}", " ".repeat(marker.len()));
    let lines: Vec<&str> = text.split('\n').collect();
    let mut entry = marker.to_owned();
    for (at, line) in lines.iter().enumerate() {
        match (at, line.is_empty()) {
            (0, _) => {}
            (_, true) => entry.push('\n'),
            (_, false) => entry.push_str(&indent),
        }
        entry.push_str(line);
    }
    entry
}

/// `900`, `13.5K`: short where that loses nothing.
fn stars(count: u64) -> String {
    match (count / 1000, count % 1000) {
        (0, _) => count.to_string(),
        (thousands, 0) => format!("{thousands}K"),
        (thousands, rest) if rest % 100 == 0 => format!("{thousands}.{}K", rest / 100),
        _ => count.to_string(),
    }
}

fn image(image: &Image, form: Form) -> String {
    let (below, title) = match image.caption.as_deref() {
        Some(caption) if form != Form::Explicit && item::is_caption(caption) => (Some(caption), ""),
        caption => (None, caption.unwrap_or_default()),
    };
    let picture = format!("![{}]{}", escape("![", &image.alt, "](u)"), inline_target(&image.url, title));
    let picture = match &image.link {
        Some(link) => format!("[{picture}]{}", inline_target(link, "")),
        None => picture,
    };
    match below {
        Some(caption) => format!("{picture}\n*{caption}*"),
        None => picture,
    }
}

fn past_issues(issue: &Issue) -> Option<String> {
    let heading = match &issue.past_issues_heading {
        Some(Heading { title, emoji, url }) => heading(title, emoji.as_deref(), url.as_deref()),
        None if issue.language.starts_with("zh") => "## 往期回顾".to_owned(),
        None => "## Past issues".to_owned(),
    };
    let line = |past: &PastIssue| {
        let date = past.date.map(|date| format!(" ({date})")).unwrap_or_default();
        format!("- [{}]{}{date}", escape("[", &past.title, "](u)"), inline_target(&past.url, ""))
    };
    let lines: Vec<String> = issue.past_issues.iter().map(line).collect();
    (!lines.is_empty()).then(|| format!("{heading}\n\n{}", lines.join("\n")))
}

/// Plain text as Markdown, for a place between `before` and `behind`; escaped only where it must be.
fn escape(before: &str, text: &str, behind: &str) -> String {
    let special = |c: char| "\\`*_[]<>&#!~".contains(c);
    if !text.contains(special) {
        return text.to_owned();
    }
    let arena = Arena::new();
    let root = markdown::tree(&arena, &format!("{before}{text}{behind}"));
    let inner = root.first_child().map(|block| if before == "# " { Some(block) } else { block.first_child() });
    let alone = |node: comrak::nodes::Node<'_>| node.next_sibling().is_none();
    let fits = inner.flatten().is_some_and(|node| {
        let plain = node.children().all(|child| matches!(child.data().value, NodeValue::Text(_)));
        plain && alone(node) && root.first_child().is_some_and(alone) && node.collect_text() == text
    });
    if fits {
        return text.to_owned();
    }
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
