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

/// Words that are rightly said twice: sounds, dances, names of fish, and "that that".
const TWICE: &str = "that had is was do does did her very really so no ha haha blah bye knock yeah yes many much more long \
                     short go hear far big way now there well again on win log over round step tut nom pew beep tick yada \
                     never ever aye cha can hush chop pom yo mahi bora wiki walla tsk tom dum ding dong bling boom click \
                     please come night nudge wink tap drip hip choo woof meow moo quack buzz dik aku beri tse ylang \
                     goody pooh rah la oh hey ho hee tee he wow why what hot hello";

/// Words that no name is doubled of.
const SMALL: &str = "the a an and or of to in it its at by for from with as be are were this these those we you they our \
                     your their if but not when which who will would has have";

fn has_word(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

fn doubled(context: &Context<'_>) -> Vec<Mark> {
    // other languages double other words: "die, die die Katze …"
    if context.manuscript.issue.language != "en" && context.manuscript.issue.language != "zh" {
        return Vec::new();
    }
    let mut marks = Vec::new();
    for block in &context.manuscript.blocks {
        let (mut times, mut marked) = (1, false);
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
                times = if near && twice { times + 1 } else { 1 };
                if times == 2 && is_doubled(word, last.map_or("", |(word, _)| word)) {
                    let place = run.span.start + at..run.span.start + at + word.len();
                    marks.push(context.mark(&place, format!("\"{word}\" stands here twice"), "take one out"));
                    marked = true;
                }
                // three times is on purpose: location, location, location
                if times == 3 && marked {
                    marks.pop();
                }
                marked &= times == 2;
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

/// Names are doubled (Duran Duran, Bora bora), and so are single letters.
fn is_doubled(word: &str, before: &str) -> bool {
    let lower = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '\'');
    let begins = before.get(1..).is_some_and(lower) && (lower(before) || has_word(SMALL, word));
    lower(word) && begins && word.len() > 1 && !has_word(TWICE, word)
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
            for place in drafted(text, begins, run.kind == RunKind::Linked) {
                let what = format!("`{}` is left from a draft", text.get(place.clone()).unwrap_or_default());
                let place = run.span.start + place.start..run.span.start + place.end;
                marks.push(context.mark(&place, what, "write what was to be here"));
            }
        }
        marks.extend(pictured(context, block));
    }
    for target in context.targets() {
        if let Some(host) = reserved_host(target.url) {
            marks.push(context.mark(target.place(), format!("`{host}` is a placeholder"), "put the real address in"));
        }
    }
    marks
}

/// The host of an address, or of a mail address, if nobody can have it but documentation (RFC 2606).
fn reserved_host(url: &str) -> Option<String> {
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest,
        None => url.strip_prefix("mailto:")?.rsplit('@').next()?,
    };
    let host = rest.split(['/', '?', '#', ':']).next()?.to_ascii_lowercase();
    const RESERVED: [&str; 5] = ["example.com", "example.org", "example.net", "yourdomain.com", "placeholder.com"];
    let is_below = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    RESERVED.into_iter().any(is_below).then_some(host)
}

/// Where words are left from a draft; `begins` where a paragraph does, `linked` in the title of a page.
fn drafted(text: &str, begins: bool, linked: bool) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let toolkit = text.contains("Tcl");
    for word in ["TODO", "FIXME", "TBD", "TK", "TKTK", "XXX"] {
        for (at, _) in text.match_indices(word) {
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            let joined = |c: char| c.is_ascii_alphanumeric() || "_-/&'’#@".contains(c);
            // `.todo` and `todo.txt` are files
            let stop = after.strip_prefix('.').is_some_and(|next| next.starts_with(|c: char| c.is_alphanumeric()));
            if before.ends_with(joined) || before.ends_with('.') || after.starts_with(joined) || stop {
                continue;
            }
            let here = Draft { word, before, after };
            let alone = before.trim().is_empty() && begins && after.trim_matches(['.', '!', '…', ' ']).is_empty();
            let known = linked || word == "TK" && toolkit;
            // a meeting may be announced before its title
            let alone = alone && !(linked && word == "TBD");
            if alone || here.is_bracketed() || here.is_announced() || (!known && here.is_left()) {
                places.push(at..at + word.len());
            }
        }
    }
    let lower = text.to_ascii_lowercase();
    for words in ["lorem ipsum", "dolor sit amet", "待补充", "此处填写"] {
        let found = lower.match_indices(words).filter(|(at, _)| !lower[..*at].ends_with("lorem ipsum "));
        places.extend(found.map(|(at, _)| at..at + words.len()));
    }
    places
}

/// A word of drafts with what stands around it.
struct Draft<'a> {
    word: &'a str,
    before: &'a str,
    after: &'a str,
}

impl Draft<'_> {
    /// `[TODO]`, `(TK)`
    fn is_bracketed(&self) -> bool {
        self.before.ends_with(['[', '(', '（', '【', '<'])
            && self.after.starts_with([']', ')', '）', '】', '>', ':', '：'])
    }

    /// `TODO: ask the pilots`
    fn is_announced(&self) -> bool {
        self.after.starts_with([':', '：']) && self.word != "TK" && self.before.trim().is_empty()
    }

    /// "This part is TODO", but no "TODO list", "a TODO", "TODO Tree" or "TODO and FIXME".
    fn is_left(&self) -> bool {
        const ARTICLES: &str =
            "a an the my your our their his her its this each every no any all some of with for and or";
        const NOUNS: &str = "list lists app apps comment comments item items manager application tag tags note notes marker \
                             markers entry entries and or file files board plugin highlighter tracker project example";
        const CHINESE_NOUNS: [&str; 8] = ["列表", "清单", "应用", "注释", "项目", "事项", "待办", "标记"];
        let quoted = self.before.ends_with(['"', '“', '‘', '\'', '「', '《'])
            && self.after.starts_with(['"', '”', '’', '\'', '」', '》']);
        let word = |text: &str| text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let before = self.before.split_whitespace().next_back().unwrap_or_default();
        let last = word(before);
        let next = word(self.after.split_whitespace().next().unwrap_or_default());
        let apart = self.after.starts_with([',', '.', ';', '，', '。', '；', ')']);
        // a name goes on in capitals: "TODO Tree", "XXX Corporation", and so does "Tcl/TK"
        let named = next.starts_with(|c: char| c.is_ascii_uppercase()) && !apart
            || self.word == "XXX" && last == before && last.starts_with(|c: char| c.is_ascii_uppercase());
        let told = has_word(ARTICLES, &last.to_ascii_lowercase())
            || (has_word(NOUNS, &next.to_ascii_lowercase()) && !apart)
            || CHINESE_NOUNS.iter().any(|noun| next.starts_with(noun));
        !quoted && !named && !told
    }
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
    let language = language.split('-').next().unwrap_or_default();
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
        let text = without_quotations(&text);
        let linked = block.runs.iter().any(|run| run.kind == RunKind::Linked);
        let letters = text.chars().map(|c| usize::from(c.is_alphanumeric()) + usize::from(is_han(c))).sum::<usize>();
        // beside a link, a few words say whose it is
        let brief = linked && letters < MOST_BESIDE_LINK;
        if let Some(name) = foreign(&text, language, block.heading).filter(|_| !brief) {
            let hint = "translate it, or put it in quotation marks if it is meant as it is";
            let line = context.manuscript.line_span(context.manuscript.line(block.span.start));
            marks.push(context.mark(&line, format!("this is {name}, and the edition is not"), hint));
        }
    }
    marks
}

/// Letters beside a link that need no translation; a Chinese character counts for two.
const MOST_BESIDE_LINK: usize = 20;

/// What a text is that an edition in this language is not.
fn foreign(text: &str, language: &str, heading: bool) -> Option<&'static str> {
    let chinese = || is_chinese(text) || (heading && is_chinese_alone(text));
    match language {
        "en" | "de" | "fr" | "es" | "it" | "pt" | "nl" | "sv" | "pl" if chinese() => Some("Chinese"),
        "zh" if is_english(text) => Some("English"),
        "en" | "de" | "fr" | "es" | "it" | "pt" | "nl" | "sv" | "pl" | "zh" if is_other_script(text) => {
            Some("in another script")
        }
        _ => None,
    }
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

/// Chinese, and no word of anything else.
fn is_chinese_alone(text: &str) -> bool {
    text.chars().filter(|c| is_han(*c)).count() >= 2 && text.chars().all(|c| !c.is_alphabetic() || is_han(c))
}

/// More of a script that is neither Latin nor Chinese than of these two, and more than a name.
fn is_other_script(text: &str) -> bool {
    let known = |c: char| c < '\u{370}' || matches!(c, '\u{1e00}'..='\u{1eff}') || is_han(c);
    let (own, other): (Vec<char>, Vec<char>) = text.chars().filter(|c| c.is_alphabetic()).partition(|c| known(*c));
    other.len() >= 16 && other.len() > own.len()
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
    // an issue without a date is about to leave, unless a later one is known
    let today = context.around.today.filter(|_| context.edition().is_newest());
    let Some(date) = manuscript.issue.date.or(today) else { return Vec::new() };
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
                let message = match manuscript.issue.date {
                    Some(_) => format!("this issue is of {}", date.year()),
                    None => format!("this is {}", date.year()),
                };
                marks.push(context.mark(&place, message, format!("write {}", date.year())));
            }
        }
    }
    if manuscript.issue.date.is_none() {
        return marks;
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
