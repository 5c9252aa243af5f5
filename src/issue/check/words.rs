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
        summary: "words that were to be replaced: TODO, TK, lorem ipsum",
        why: "They were a promise to write something before the issue leaves.",
        bad: "# Harbour Weekly #12: Slow Software\n\nTODO: ask the pilots.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nA TODO list in 40 lines, and the TODO app that grew out of it.\n",
        check: placeholder,
    },
    Rule {
        id: "placeholder-address",
        severity: Severity::Warning,
        summary: "an address that nobody can have: example.com",
        why: "These domains are reserved for documentation (RFC 2606); the real address was to come.",
        bad: "# Harbour Weekly #12: Slow Software\n\nMore about [tides](https://example.com/tides).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nMore about [tides](https://tides.example/). In code, `https://example.com` stays.\n",
        check: placeholder_address,
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
        marks.extend(doubled_signs(context, block));
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

/// `的的` and `们们`, but no 目的的, 的的确确 and 的的士.
fn doubled_signs(context: &Context<'_>, block: &Block) -> Vec<Mark> {
    let mut marks = Vec::new();
    for run in block.runs.iter().filter(|run| matches!(run.kind, RunKind::Words | RunKind::Linked)) {
        let text = context.manuscript.slice(&run.span);
        for (twice, sign) in [("的的", "的"), ("们们", "们")] {
            let meant = |at: usize| {
                let after = text.get(at + twice.len()..).unwrap_or_default();
                text[..at].ends_with(['目', '的']) || after.starts_with(['确', '士', '的'])
            };
            for (at, _) in text.match_indices(twice).filter(|(at, _)| !meant(*at)) {
                let place = run.span.start + at + sign.len()..run.span.start + at + twice.len();
                marks.push(context.mark(&place, format!("`{sign}` stands here twice"), "take one out"));
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
    marks.extend(unwritten_fields(context));
    marks.extend(unwritten_alts(context));
    marks
}

fn placeholder_address(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    for target in context.targets() {
        if let Some(host) = reserved_host(target.url) {
            marks.push(context.mark(target.place(), format!("`{host}` is a placeholder"), "put the real address in"));
        }
    }
    marks
}

/// Placeholders in what the front matter says to readers.
fn unwritten_fields(context: &Context<'_>) -> Vec<Mark> {
    const KEYS: [&str; 6] = ["title", "subject", "preheader", "description", "summary", "newsletter"];
    let manuscript = context.manuscript;
    let mut marks = Vec::new();
    let mut at = 0;
    for line in manuscript.text.get(..manuscript.below).unwrap_or_default().split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some((key, value)) = line.split_once([':', '=']) else { continue };
        let key = key.trim().trim_matches(['"', '\'']);
        if !KEYS.iter().any(|name| key.eq_ignore_ascii_case(name)) {
            continue;
        }
        let said = value.trim_start().trim_start_matches(['"', '\'']);
        let start = start + line.len() - said.len();
        for place in drafted(said.trim_end().trim_end_matches(['"', '\'']), true, false) {
            let what = format!("`{}` is left from a draft", said.get(place.clone()).unwrap_or_default());
            let place = start + place.start..start + place.end;
            marks.push(context.mark(&place, what, "write what was to be here"));
        }
    }
    marks
}

/// Placeholders in what is said of images.
fn unwritten_alts(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    for image in &context.manuscript.images {
        let Some(place) = drafted(&image.alt, true, false).into_iter().next() else { continue };
        let word = image.alt.get(place).unwrap_or_default();
        let at = context.manuscript.slice(&image.span).find(word);
        let place = at.map_or(image.span.clone(), |at| image.span.start + at..image.span.start + at + word.len());
        marks.push(context.mark(&place, format!("`{word}` is left from a draft"), "say what the image shows"));
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
        let short = matches!(self.word, "XXX" | "TK");
        let named = next.starts_with(|c: char| c.is_ascii_uppercase()) && !apart
            || short && last == before && last.starts_with(|c: char| c.is_ascii_uppercase());
        // "XXX movie", "TK domains": they say what the next word is
        let named = named || short && !apart && !next.is_empty();
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
        "en" | "de" | "fr" | "es" | "it" | "pt" | "nl" | "sv" | "pl" | "zh" if is_japanese(text) => Some("Japanese"),
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

/// More Chinese than anything else, and more than a name; or a sentence of it, behind a title say.
fn is_chinese(text: &str) -> bool {
    const SENTENCE: usize = 10;
    let han = text.chars().filter(|c| is_han(*c)).count();
    let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).count();
    let stretches = text.split(|c: char| c.is_alphabetic() && !is_han(c));
    let longest = stretches.map(|stretch| stretch.chars().filter(|c| is_han(*c)).count()).max();
    han >= 6 && (han > words || longest >= Some(SENTENCE))
}

/// Half a sentence in kana, which Chinese has none of; Japanese writes about half its words in Chinese characters.
fn is_japanese(text: &str) -> bool {
    let kana = text.chars().filter(|c| matches!(c, '\u{3041}'..='\u{30fa}')).count();
    let han = text.chars().filter(|c| is_han(*c)).count();
    kana >= 8 && kana * 2 > han
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
    const COMMON: &str = "the a an and of to in is are that this with for you it on";
    const USUAL: &str = "as at be by can from has have how into its not or their they we which will without your";
    if text.chars().any(is_han) {
        return false;
    }
    let words = || text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let of = |list: &str| words().filter(|word| has_word(list, &word.to_ascii_lowercase())).count();
    let (count, common) = (words().count(), of(COMMON));
    count >= 12 && common >= 3 || count >= 14 && common >= 1 && common + of(USUAL) >= 2
}

fn stale_year(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    // an issue without a date is about to leave, unless a later one is known
    let today = context.around.today.filter(|_| context.edition().is_newest());
    let Some(date) = manuscript.issue.date.or(today) else { return Vec::new() };
    let mut marks = Vec::new();
    for place in notices(context).into_iter().filter_map(|notice| last_year(context, notice)) {
        let year = manuscript.slice(&place).parse::<i32>().ok();
        if year.is_some_and(|year| year < date.year()) {
            let message = match manuscript.issue.date {
                Some(_) => format!("this issue is of {}", date.year()),
                None => format!("this is {}", date.year()),
            };
            marks.push(context.mark(&place, message, format!("write {}", date.year())));
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

/// What stands behind the newsletter's own copyright signs: not above its last item, and not beside a picture.
fn notices(context: &Context<'_>) -> Vec<Range<usize>> {
    const SIGNS: [&str; 5] = ["©", "Copyright", "copyright", "(c) 2", "版权所有"];
    /// Characters before the sign that may say what was taken by whom.
    const CREDIT: usize = 60;
    const CREDITS: [&str; 10] =
        ["photo", "image", "picture", "illustration", "credit", "drawing", "图片", "摄影", "插图", "封面"];
    let manuscript = context.manuscript;
    let last_item = context.items().last().map_or(0, |placed| placed.line.start);
    let is_picture = |span: &Range<usize>| {
        let next = manuscript.images.partition_point(|image| image.span.start < span.start);
        manuscript.images.get(next).is_some_and(|image| image.span.start < span.end)
    };
    let mut notices = Vec::new();
    let mut pictured = false;
    for block in &manuscript.blocks {
        let beside = std::mem::replace(&mut pictured, is_picture(&block.span)) || pictured;
        if beside || block.span.end <= last_item {
            continue;
        }
        for run in block.runs.iter().filter(|run| run.kind == RunKind::Words) {
            let text = manuscript.slice(&run.span);
            let Some(sign) = SIGNS.iter().filter_map(|sign| text.find(sign)).min() else { continue };
            let before = manuscript.slice(&(block.span.start..run.span.start + sign));
            let near = before.char_indices().rev().nth(CREDIT).map_or(0, |(at, _)| at);
            let before = before.get(near..).unwrap_or_default().to_lowercase();
            if !CREDITS.iter().any(|credit| before.contains(credit)) {
                notices.push(run.span.start + sign..run.span.end);
            }
        }
    }
    notices
}

/// The last year of a copyright notice, `2019–2023`; none where it has none, or runs on, `2019–present`.
fn last_year(context: &Context<'_>, notice: Range<usize>) -> Option<Range<usize>> {
    /// Bytes of a name that may stand before the year.
    const NAME: usize = 24;
    let text = context.manuscript.slice(&notice);
    let is_range = |text: &str| text.chars().all(|c| c.is_whitespace() || "-–—−/,、~～至到".contains(c));
    let mut last: Option<Range<usize>> = None;
    let mut at = 0;
    for part in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit());
        let place = at..at + digits.len();
        at += part.len();
        if digits.len() != 4 || !(digits.starts_with("19") || digits.starts_with("20")) {
            continue;
        }
        let between = text.get(last.as_ref().map_or(0, |last| last.end)..place.start)?;
        let belongs = match last {
            Some(_) => is_range(between),
            None => between.len() <= NAME && !between.contains(['.', '。', ';', '；']),
        };
        if !belongs {
            break;
        }
        last = Some(place);
    }
    let last = last?;
    let rest = text.get(last.end..)?.trim_start_matches(|c: char| c.is_whitespace() || "-–—−至到".contains(c));
    let runs_on = ["present", "now", "today", "今", "现在"].iter().any(|word| rest.starts_with(word));
    (!runs_on).then(|| notice.start + last.start..notice.start + last.end)
}
