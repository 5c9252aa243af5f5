//! Words: said twice, left from a draft, in another language, out of date.

use std::ops::Range;

use super::super::manuscript::{Block, RunKind};
use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "doubled-word",
        severity: Severity::Warning,
        summary: "a word that stands there twice",
        why: "The eye skips it while writing, and stumbles over it while reading.",
        bad: "# Harbour Weekly #12: Slow Software\n\nWe walked along the the pier.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nWe had had that that morning: very very slow software.\n",
        check: doubled,
    },
    Rule {
        id: "placeholder",
        severity: Severity::Error,
        summary: "words that were to be replaced: TODO, TK, lorem ipsum, example.com",
        why: "They were a promise to write something before the issue leaves.",
        bad: "# Harbour Weekly #12: Slow Software\n\nTODO: ask the pilots.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nA TODO list in 40 lines, and the TODO app that grew out of it.\n",
        check: placeholder,
    },
    Rule {
        id: "leftover-language",
        severity: Severity::Warning,
        summary: "text of another language in an edition",
        why: "It was left untranslated, and most readers cannot read it.",
        bad: "---\nlanguage: en\n---\n# Harbour Weekly #12: Slow Software\n\nThis week we walked along the piers.\n\n潮水每天涨落两次，码头上的人都知道。\n",
        good: "---\nlanguage: en\n---\n# Harbour Weekly #12: Slow Software\n\nThe word for tide is \"潮汐\", says [潮水每天涨落两次，码头上的人都知道](https://tides.example/) (中文).\n",
        check: leftover,
    },
    Rule {
        id: "stale-year",
        severity: Severity::Warning,
        summary: "a year that is over: in the imprint, or in the issue's own date",
        why: "A footer is copied from issue to issue, and in January so is the year.",
        bad: "---\ndate: 2024-06-08\n---\n# Harbour Weekly #12: Slow Software\n\n© 2022-2023 Harbour Weekly\n",
        good: "---\ndate: 2024-06-08\n---\n# Harbour Weekly #12: Slow Software\n\nThe best boats of 2023.\n\n© 2022-2024 Harbour Weekly\n",
        check: stale_year,
    },
];

/// Whether a character is a Chinese one.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// Words that are rightly said twice.
#[rustfmt::skip]
const TWICE: [&str; 48] = [
    "that", "had", "is", "was", "do", "does", "did", "her", "very", "really", "so", "no", "ha", "haha", "blah", "bye",
    "knock", "yeah", "yes", "many", "much", "more", "long", "short", "go", "hear", "far", "big", "way", "now", "there",
    "well", "again", "on", "win", "log", "over", "round", "step", "tut", "nom", "pew", "beep", "tick", "yada", "never",
    "ever", "aye",
];

fn doubled(context: &Context<'_>) -> Vec<Mark> {
    // other languages double other words: "die, die die Katze …"
    if context.manuscript.issue.language != "en" && context.manuscript.issue.language != "zh" {
        return Vec::new();
    }
    let mut marks = Vec::new();
    for block in &context.manuscript.blocks {
        let mut times = 1;
        let mut last: Option<(&str, RunKind)> = None;
        for run in &block.runs {
            if run.kind == RunKind::Break {
                continue;
            }
            if !matches!(run.kind, RunKind::Words | RunKind::Linked) {
                last = None;
                continue;
            }
            let text = context.manuscript.slice(&run.span);
            let mut from = 0;
            for (word, at) in words(text) {
                let between = text.get(from..at).unwrap_or_default();
                let near = between.chars().all(char::is_whitespace) && (from > 0 || !between.is_empty() || at == 0);
                let twice = last.is_some_and(|(before, kind)| kind == run.kind && before.eq_ignore_ascii_case(word));
                let doubled = near && twice && is_doubled(word, last.map_or("", |(word, _)| word));
                times = if doubled { times + 1 } else { 1 };
                if times == 2 {
                    let place = run.span.start + at..run.span.start + at + word.len();
                    marks.push(context.mark(&place, format!("\"{word}\" stands here twice"), "take one out"));
                }
                // three times is on purpose: location, location, location
                if times == 3 {
                    marks.pop();
                }
                last = Some((word, run.kind));
                from = at + word.len();
            }
            if text.get(from..).is_some_and(|rest| !rest.trim().is_empty()) {
                last = None;
            }
        }
    }
    marks
}

/// Names are doubled (Duran Duran), and so are single letters.
fn is_doubled(word: &str, before: &str) -> bool {
    let lower = word.chars().all(|c| c.is_ascii_lowercase() || c == '\'');
    let begins = before.chars().skip(1).all(|c| c.is_ascii_lowercase() || c == '\'');
    lower && begins && word.len() > 1 && !TWICE.contains(&word)
}

/// Stretches that white space or punctuation parts, with where they begin.
fn words(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let parts = |c: char| c.is_whitespace() || ",;:!?()[]{}\"“”‘，。、；：！？（）《》「」—–…|".contains(c);
    let mut at = 0;
    text.split_inclusive(parts).filter_map(move |part| {
        let start = at;
        at += part.len();
        let word = part.trim_end_matches(parts);
        (!word.is_empty()).then_some((word, start))
    })
}

fn placeholder(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let mut marks = Vec::new();
    for block in &manuscript.blocks {
        for run in block.runs.iter().filter(|run| matches!(run.kind, RunKind::Words | RunKind::Linked)) {
            let text = manuscript.slice(&run.span);
            let begins = block.runs.first().is_some_and(|first| first.span == run.span);
            for place in drafted(text, begins) {
                let what = format!("`{}` is left from a draft", text.get(place.clone()).unwrap_or_default());
                let place = run.span.start + place.start..run.span.start + place.end;
                marks.push(context.mark(&place, what, "write what was to be here"));
            }
        }
        marks.extend(pictured(context, block));
    }
    let links = manuscript.links.iter().map(|link| (&link.url, link.address.as_ref().unwrap_or(&link.span)));
    let images = manuscript.images.iter().map(|image| (&image.url, image.address.as_ref().unwrap_or(&image.span)));
    for (url, place) in links.chain(images) {
        let rest = url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
        let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default().to_ascii_lowercase();
        let name = host.strip_prefix("www.").unwrap_or(&host);
        if ["example.com", "example.org", "example.net", "yourdomain.com", "placeholder.com"].contains(&name) {
            marks.push(context.mark(place, format!("`{name}` is a placeholder"), "put the real address in"));
        }
    }
    marks
}

/// Where words are left from a draft; `begins` where a paragraph does.
fn drafted(text: &str, begins: bool) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    for word in ["TODO", "FIXME", "TK", "TKTK", "XXX"] {
        for (at, _) in text.match_indices(word) {
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            let joined = |c: char| c.is_alphanumeric() || "_-/.&'’".contains(c);
            if before.ends_with(joined) || after.starts_with(|c| joined(c) && c != '.') {
                continue;
            }
            let alone = before.trim().is_empty() && begins && after.trim_matches(['.', '!', '…', ' ']).is_empty();
            let bracketed =
                before.ends_with(['[', '(', '（', '【', '<']) && after.starts_with([']', ')', '）', '】', '>', ':']);
            let announced = after.starts_with([':', '：']) && word != "TK" && (before.trim().is_empty() || bracketed);
            // "TODO ask the pilots", but no "TODO list" and no "TODO Tree"
            let next = after.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            let noun =
                ["list", "lists", "app", "apps", "comment", "comments", "item", "items", "manager", "application"];
            let told = begins
                && before.trim().is_empty()
                && next.starts_with(|c: char| c.is_ascii_lowercase())
                && !noun.contains(&next)
                && matches!(word, "TODO" | "FIXME");
            let coming = matches!(word, "TK" | "TKTK") && !text.contains("Tcl") && !before.ends_with('"');
            if alone || bracketed || announced || told || coming {
                places.push(at..at + word.len());
            }
        }
    }
    let lower = text.to_ascii_lowercase();
    for words in ["lorem ipsum", "待补充", "此处填写"] {
        places.extend(lower.match_indices(words).map(|(at, _)| at..at + words.len()));
    }
    places
}

/// `[Image of a pier]` alone in its paragraph: a picture that never came.
fn pictured(context: &Context<'_>, block: &Block) -> Option<Mark> {
    let [run] = &block.runs[..] else { return None };
    let text = context.manuscript.slice(&run.span).trim();
    let inner = text.strip_prefix(['[', '【'])?.strip_suffix([']', '】'])?.to_lowercase();
    let missing =
        ["image", "picture", "screenshot", "figure", "图片", "截图", "插图"].iter().any(|word| inner.starts_with(word));
    missing.then(|| context.mark(&run.span, "a picture was to be here", "put it in, or take the line out"))
}

fn leftover(context: &Context<'_>) -> Vec<Mark> {
    let edition = context.edition();
    let language = edition.language().unwrap_or(&context.manuscript.issue.language);
    let foreign: fn(&str) -> bool = match language.split('-').next().unwrap_or_default() {
        "en" | "de" | "fr" | "es" | "it" | "pt" | "nl" | "sv" | "pl" => is_chinese,
        "zh" => is_english,
        _ => return Vec::new(),
    };
    let mut marks = Vec::new();
    for block in context.manuscript.blocks.iter().filter(|block| !block.quoted) {
        // what is linked is the title of a page, in the page's language
        let mut text = String::new();
        for run in &block.runs {
            match run.kind {
                RunKind::Words => text.push_str(context.manuscript.slice(&run.span)),
                _ => text.push(' '),
            }
        }
        let linked = block.runs.iter().any(|run| run.kind == RunKind::Linked);
        if foreign(&without_quotations(&text)) && !(linked && text.chars().filter(|c| c.is_alphanumeric()).count() < 24)
        {
            let name = if language.starts_with("zh") { "English" } else { "Chinese" };
            let hint = "translate it, or put it in quotation marks if it is meant as it is";
            let line = context.manuscript.line_span(context.manuscript.line(block.span.start));
            marks.push(context.mark(&line, format!("this is {name} in an edition that is not"), hint));
        }
    }
    marks
}

/// The text without what stands in quotation marks or parentheses.
fn without_quotations(text: &str) -> String {
    const PAIRS: [(char, char); 8] =
        [('“', '”'), ('「', '」'), ('『', '』'), ('《', '》'), ('(', ')'), ('（', '）'), ('"', '"'), ('[', ']')];
    let mut kept = String::new();
    let mut closing = None;
    let mut inner = String::new();
    for c in text.chars() {
        match closing {
            Some(close) if c == close => {
                closing = None;
                inner.clear();
                kept.push(' ');
            }
            Some(_) => inner.push(c),
            None => match PAIRS.iter().find(|(open, _)| *open == c) {
                Some((_, close)) => closing = Some(*close),
                None => kept.push(c),
            },
        }
    }
    // never closed
    kept.push_str(&inner);
    kept
}

/// More Chinese than anything else, and more than a name.
fn is_chinese(text: &str) -> bool {
    let han = text.chars().filter(|c| is_han(*c)).count();
    let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).count();
    han >= 6 && han > words
}

/// A whole English sentence, and nothing Chinese.
fn is_english(text: &str) -> bool {
    const COMMON: [&str; 16] =
        ["the", "a", "an", "and", "of", "to", "in", "is", "are", "that", "this", "with", "for", "you", "it", "on"];
    let words = || text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let common = words().filter(|word| COMMON.contains(word)).count();
    !text.chars().any(is_han) && words().count() >= 12 && common >= 3
}

fn stale_year(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let Some(date) = manuscript.issue.date else { return Vec::new() };
    let mut marks = Vec::new();
    for block in &manuscript.blocks {
        for run in block.runs.iter().filter(|run| run.kind == RunKind::Words) {
            let text = manuscript.slice(&run.span);
            let signs = ["©", "Copyright", "copyright", "(c) 2", "版权所有"];
            let Some(sign) = signs.iter().filter_map(|sign| text.find(sign)).min() else { continue };
            let Some(place) = last_year(text, sign) else { continue };
            let year = text.get(place.clone()).and_then(|year| year.parse::<i32>().ok());
            if year.is_some_and(|year| year < date.year()) {
                let place = run.span.start + place.start..run.span.start + place.end;
                let message = format!("this issue is of {}", date.year());
                marks.push(context.mark(&place, message, format!("write {}", date.year())));
            }
        }
    }
    let written = manuscript.day.filter(|day| day.year() != date.year());
    if let Some(day) = written {
        let message = format!("the issue is dated {date}, its file {day}");
        marks.push(context.mark(&manuscript.title_span(), message, "one of the years is wrong"));
    } else if let Some(before) = context
        .edition()
        .date_before()
        .filter(|before| before.year() > date.year() || (*before - date).whole_days() > 180)
    {
        let message = format!("the issue is dated {date}, the one before it {before}");
        marks.push(context.mark(&manuscript.title_span(), message, "the year is last year's"));
    }
    marks
}

/// The last year in `2019–2023` behind `from`.
fn last_year(text: &str, from: usize) -> Option<Range<usize>> {
    let mut found = None;
    let mut at = from;
    let mut apart = 0;
    for part in text.get(from..)?.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit());
        apart += part.len();
        if digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20")) {
            found = Some(at..at + 4);
            apart = 0;
        }
        // years of one notice stand side by side
        if apart > 24 {
            break;
        }
        at += part.len();
    }
    found
}
