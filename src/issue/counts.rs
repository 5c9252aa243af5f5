//! Counts that an issue declares: `this week we share 12 articles, 12 open-source projects and 2 podcasts`.

use super::number::{self, chinese_digits};
use super::{Issue, Section};

/// What an editor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Articles, posts, tutorials.
    Articles,
    /// Projects, tools, libraries, resources.
    Projects,
    /// Podcasts, videos, talks.
    Media,
    /// Discussions, topics, threads.
    Discussions,
    /// News.
    News,
    /// Courses.
    Courses,
    /// Books.
    Books,
    /// Jobs.
    Jobs,
    /// Links of any kind: all items of the issue.
    Links,
}

/// A count in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// How many there are to be.
    pub count: u32,
    /// Of what.
    pub kind: Kind,
    /// The line of the number, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
}

/// Reads the counts that the text above the first section or item declares.
///
/// A sentence declares where it says that the issue shares, collects or brings something, or is nothing but counts:
/// with several counts, or with one and `this week`, `this issue`, `本期`.
/// Numbers of words, copies and the like are left out; numbers in words count beside others, from five on, or in a
/// mere list of counts, for prose has small ones.
pub fn declared(text: &str) -> Vec<Declared> {
    let above = text.lines().enumerate().take_while(|(at, line)| *at == 0 || !begins_roundup(line));
    let mut found = Vec::new();
    for (at, line) in above {
        for (from, sentence) in sentences(line) {
            let counts = counts(sentence);
            let (announced, issue) = announces(sentence, &counts);
            if announced && (counts.len() > 1 || issue) {
                found.extend(counts.iter().map(|count| count.declared(at, line, from)));
            }
        }
    }
    found
}

/// Reads the counts of the sections below the last item: several in a sentence that names the issue.
pub fn declared_below(text: &str, issue: &Issue) -> Vec<Declared> {
    let Some(last) = issue.sections.iter().rposition(|section| !section.items.is_empty()) else { return Vec::new() };
    let Some(closing) = issue.sections.get(last + 1) else { return Vec::new() };
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate().skip(closing.line) {
        for (from, sentence) in sentences(line) {
            let counts = counts(sentence);
            if counts.len() > 1 && announces(sentence, &counts) == (true, true) {
                found.extend(counts.iter().map(|count| count.declared(at, line, from)));
            }
        }
    }
    found
}

/// The sentences of a line, with where they begin.
fn sentences(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let ends = ['。', '！', '？', '!', '?', ';', '；'];
    let mut from = 0;
    line.split_inclusive(ends).flat_map(|part| part.split_inclusive(". ")).map(move |sentence| {
        let start = from;
        from += sentence.len();
        (start, sentence)
    })
}

/// The counts that the issue does not keep, with how many items of the kind it has.
///
/// A kind without a section counts as none only where it is certain: every section is of another kind,
/// no item is marked as one of this kind, and all other counts are kept.
pub fn broken(declared: &[Declared], issue: &Issue) -> Vec<(Declared, usize)> {
    let kept = |declared: &Declared, count: usize| u32::try_from(count) == Ok(declared.count);
    let counts: Vec<Option<usize>> = declared.iter().map(|declared| declared.kind.count(issue)).collect();
    let others_kept =
        declared.iter().zip(&counts).all(|(declared, count)| count.is_none_or(|count| kept(declared, count)));
    let sections = || issue.sections.iter().filter(|section| !section.items.is_empty());
    let known = sections().next().is_some() && sections().all(|section| Kind::of(&section.title).is_some());
    let absent = |kind: Kind| {
        let marked = |section: &Section| {
            section.items.iter().any(|item| item.tags.iter().any(|tag| Kind::of(tag) == Some(kind)))
        };
        (known && others_kept && !issue.sections.iter().any(marked)).then_some(0)
    };
    let found = declared.iter().zip(counts).filter_map(|(declared, count)| {
        let count = count.or_else(|| absent(declared.kind))?;
        (!kept(declared, count)).then(|| (declared.clone(), count))
    });
    found.collect()
}

impl Kind {
    /// How many items the sections of this kind have; none where no section has such a title.
    fn count(self, issue: &Issue) -> Option<usize> {
        let all = self == Self::Links;
        let of_kind = issue.sections.iter().filter(|section| all || Self::of(&section.title) == Some(self));
        of_kind.map(|section| section.items.len()).reduce(|sum, count| sum + count)
    }

    /// What a noun, or the title of a section, means: its first word that means something.
    pub fn of(text: &str) -> Option<Self> {
        const ENGLISH: [(Kind, &str); 9] = [
            (Kind::Articles, "article articles post posts tutorial tutorials essay essays read reads story stories"),
            (
                Kind::Projects,
                "project projects tool tools library libraries repo repos repository repositories resource resources package packages",
            ),
            (Kind::Media, "podcast podcasts video videos audio audios talk talks episode episodes"),
            (Kind::Discussions, "discussion discussions topic topics thread threads"),
            (Kind::News, "news"),
            (Kind::Courses, "course courses"),
            (Kind::Books, "book books"),
            (Kind::Jobs, "job jobs"),
            (Kind::Links, "link links item items pick picks"),
        ];
        const CHINESE: [(Kind, &[&str]); 9] = [
            (Kind::Articles, &["文章", "教程", "博文", "长文"]),
            (Kind::Projects, &["项目", "工具", "资源", "类库", "仓库"]),
            (Kind::Media, &["音视频", "播客", "视频", "音频", "演讲"]),
            (Kind::Discussions, &["话题", "讨论", "热议"]),
            (Kind::News, &["新闻", "资讯", "动态", "快讯"]),
            (Kind::Courses, &["课程", "公开课"]),
            (Kind::Books, &["图书", "书籍", "电子书"]),
            (Kind::Jobs, &["招聘", "职位"]),
            (Kind::Links, &["链接"]),
        ];
        let text = text.to_lowercase();
        let chinese = CHINESE.iter().flat_map(|(kind, words)| words.iter().map(|word| (*kind, *word)));
        let chinese = chinese.filter_map(|(kind, word)| Some((text.find(word)?, kind))).min_by_key(|(at, _)| *at);
        let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
        let meaning = |word: &str| ENGLISH.iter().find(|(_, words)| words.split(' ').any(|known| known == word));
        chinese.map(|(_, kind)| kind).or_else(|| words.find_map(meaning).map(|(kind, _)| *kind))
    }
}

/// Whether a line heads a section or begins an item.
fn begins_roundup(line: &str) -> bool {
    let line = line.trim();
    let heading = line.starts_with("##") || (line.starts_with("**") && line.ends_with("**"));
    let entry = line.starts_with(['-', '*', '+']) && line[1..].starts_with(' ');
    heading || entry || number::marker(line).is_some()
}

/// Whether a sentence announces what the issue has, and whether it names the issue.
fn announces(sentence: &str, counts: &[Count]) -> (bool, bool) {
    const VERBS: &str = "share shares shared sharing bring brings bringing feature features featuring collected \
                         collects curated includes contains picked have has";
    const CHINESE_VERBS: [&str; 8] = ["分享", "收录", "推荐", "精选", "整理", "带来", "包含", "以下是"];
    const ISSUE: [&str; 9] =
        ["this week", "this issue", "this edition", "today", "本期", "本周", "这期", "这周", "本刊"];
    // "Shared 12 articles": nobody else does it
    const BEGINNINGS: [&str; 8] = ["shared ", "sharing ", "featuring ", "here are ", "分享", "收录", "推荐", "以下是"];
    let sentence = sentence.to_lowercase();
    let beginning = sentence.trim_start_matches(|c: char| !c.is_alphanumeric());
    let before = counts.first().map(|first| sentence.get(..first.start).unwrap_or_default().trim_end_matches(MARKS));
    let named = ISSUE.iter().any(|issue| sentence.contains(issue));
    let headed = named && before.is_some_and(|before| before.trim_end().ends_with([':', '：']));
    let begins = BEGINNINGS.iter().find_map(|verb| beginning.strip_prefix(verb));
    let begins = begins.is_some_and(|rest| begins_with_count(rest.trim_start_matches(MARKS)));
    let bare = counts.len() > 1 && before.is_some_and(str::is_empty) && is_mere_list(&sentence, counts);
    let mut words = sentence.split(|c: char| !c.is_ascii_alphabetic());
    let verb = words.any(|word| VERBS.split(' ').any(|verb| verb == word));
    let verb = verb || CHINESE_VERBS.iter().any(|verb| sentence.contains(verb));
    (verb || headed || begins || bare, named || begins || bare)
}

/// Signs of emphasis and white space that may stand around a number.
const MARKS: [char; 4] = ['*', '_', ' ', '了'];

/// Whether a text begins with a number that counts something.
fn begins_with_count(text: &str) -> bool {
    number_at(text, None).is_some_and(|number| number.value.is_some() && noun(&text[number.length..]).is_some())
}

/// A number with what it counts.
struct Count {
    /// Where the number begins and ends in its sentence.
    start: usize,
    end: usize,
    count: u32,
    kind: Kind,
}

impl Count {
    /// The count in a sentence that begins at `from` in the line with index `at`.
    fn declared(&self, at: usize, line: &str, from: usize) -> Declared {
        let column = line[..from + self.start].chars().count() + 1;
        Declared { count: self.count, kind: self.kind, line: at + 1, column }
    }
}

/// The numbers of a sentence with what they count.
fn counts(sentence: &str) -> Vec<Count> {
    const SURE_IN_WORDS: u32 = 5;
    let mut counts = Vec::new();
    let (mut from, mut sure) = (0, false);
    while let Some((start, number)) = next_number(sentence, from) {
        from = start + number.length;
        let counted = number.value.zip(noun(&sentence[from..]));
        if let Some((count, kind)) = counted {
            sure |= !number.words || count >= SURE_IN_WORDS;
            counts.push(Count { start, end: from, count, kind });
        }
    }
    // "one article" counts beside "three projects" only
    let ones = counts.iter().filter(|count| is_one(&sentence[count.start..count.end])).count();
    let all_count = sure && ones == 0 || counts.len() > ones.max(1) && is_mere_list(sentence, &counts);
    if !all_count {
        counts.retain(|count| sure && !is_one(&sentence[count.start..count.end]));
    }
    counts
}

fn is_one(number: &str) -> bool {
    number.eq_ignore_ascii_case("one")
}

/// Whether nothing stands between the counts, from the first to the end of the sentence, but what they count:
/// `three articles, two open-source projects and one podcast.`
fn is_mere_list(sentence: &str, counts: &[Count]) -> bool {
    const MOST_WORDS: usize = 3;
    let ends = counts.iter().skip(1).map(|next| next.start).chain([sentence.len()]);
    counts.iter().zip(ends).all(|(count, end)| {
        let phrase = sentence.get(count.end..end).unwrap_or_default();
        let phrase = phrase.trim_matches(|c: char| c.is_whitespace() || "*_,.!、，。！；;:：和及以与".contains(c));
        let phrase = phrase.strip_suffix(" and").unwrap_or(phrase).trim_end_matches([',', ' ', '*']);
        let last = phrase.rsplit(' ').next().unwrap_or_default();
        let told = phrase.contains('的') || phrase.contains("关于") || phrase.contains([',', '，', '、']);
        Kind::of(last) == Some(count.kind) && phrase.split(' ').count() <= MOST_WORDS && !told
    })
}

/// A number in a sentence.
struct Number {
    /// None of a part of something else: `3.12`, `#5`.
    value: Option<u32>,
    /// Whether it is written in words.
    words: bool,
    /// In bytes.
    length: usize,
}

/// Finds the first number from `from` on, in digits or words, and where it begins.
fn next_number(sentence: &str, from: usize) -> Option<(usize, Number)> {
    let rest = &sentence[from..];
    let mut before = sentence[..from].chars().next_back();
    for (at, c) in rest.char_indices() {
        let here = &rest[at..];
        if let Some(number) = number_at(here, before) {
            return Some((from + at, number));
        }
        before = Some(c);
    }
    None
}

/// Reads `12`, `twelve` or `十二` at the start of a text, behind a character.
fn number_at(text: &str, before: Option<char>) -> Option<Number> {
    let first = text.chars().next()?;
    if first.is_ascii_digit() {
        let length = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let bare = !before.is_some_and(|c| c.is_ascii_alphanumeric() || "#.,-/$".contains(c));
        return Some(Number { value: text[..length].parse().ok().filter(|_| bare), words: false, length });
    }
    if first.is_ascii_alphabetic() {
        // a word is looked at once
        if before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let length = text.find(|c: char| !c.is_ascii_alphabetic() && c != '-').unwrap_or(text.len());
        let value = english_number(&text[..length])?;
        return Some(Number { value: Some(value), words: true, length });
    }
    // `第三篇` is the third
    let ordinal = before.is_some_and(|c| "第每周星期任同".contains(c));
    let (value, rest) = if first == '两' { (2, &text[first.len_utf8()..]) } else { chinese_digits(text)? };
    Some(Number { value: Some(value).filter(|_| !ordinal), words: true, length: text.len() - rest.len() })
}

/// Reads `one` to `ninety-nine`.
fn english_number(word: &str) -> Option<u32> {
    const SMALL: [&str; 19] = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let word = word.to_ascii_lowercase();
    let position = |words: &[&str], word: &str| {
        words.iter().position(|known| *known == word).and_then(|at| u32::try_from(at + 1).ok())
    };
    let (tens, unit) = word.split_once('-').unwrap_or((&word, ""));
    match (position(&TENS, tens), unit) {
        (Some(tens), "") => Some((tens + 1) * 10),
        (Some(tens), unit) => Some((tens + 1) * 10 + position(&SMALL, unit).filter(|unit| *unit < 10)?),
        (None, _) => position(&SMALL, &word),
    }
}

/// What stands right behind a number, a few words at most.
fn noun(rest: &str) -> Option<Kind> {
    const LONGEST_CHINESE: usize = 8;
    const MOST_WORDS: usize = 4;
    const LONGEST: usize = 80;
    let rest = rest.trim_start_matches(['*', '_']);
    let rest = &rest[..rest.char_indices().nth(LONGEST).map_or(rest.len(), |(at, _)| at)];
    let phrase = rest.split(|c: char| c.is_ascii_digit() || ",.，。、；;：:（）()《》".contains(c)).next()?;
    let phrase =
        [" and ", " of "].iter().fold(phrase, |phrase, end| phrase.split(end).next().unwrap_or_default()).trim();
    if phrase.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let end = phrase.match_indices(' ').nth(MOST_WORDS - 1).map_or(phrase.len(), |(at, _)| at);
        return Kind::of(&phrase[..end]).filter(|_| !phrase.contains("giveaway"));
    }
    // a measure word comes first
    let phrase = phrase.strip_prefix([
        '篇', '个', '個', '则', '則', '条', '條', '款', '门', '門', '部', '期', '段', '项', '場', '场', '本',
    ])?;
    let end = phrase.char_indices().nth(LONGEST_CHINESE).map_or(phrase.len(), |(at, _)| at);
    Kind::of(&phrase[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::parse;

    fn found(text: &str) -> Vec<(u32, Kind)> {
        declared(text).into_iter().map(|declared| (declared.count, declared.kind)).collect()
    }

    #[test]
    fn declared_counts_are_read() {
        use Kind::{Articles, Books, Courses, Discussions, Links, Media, Projects};
        for (text, counts) in [
            ("Shared 12 articles, 9 open-source projects, 2 podcasts", vec![(12, Articles), (9, Projects), (2, Media)]),
            ("This week we're sharing 3 articles and 4 open source projects.", vec![(3, Articles), (4, Projects)]),
            (
                "We share 5 articles, 3 audio/video resources, 2 hot topics.",
                vec![(5, Articles), (3, Media), (2, Discussions)],
            ),
            ("Hi! This issue brings 30 links.", vec![(30, Links)]),
            (
                "本期分享了 12 篇文章，11 个开源项目，1 门课程，赠书 5 本《绳结》，全文 2000 字。",
                vec![(12, Articles), (11, Projects), (1, Courses)],
            ),
            ("分享了 3 篇文章，2 则音视频，2 则热门话题", vec![(3, Articles), (2, Media), (2, Discussions)]),
            ("本期推荐 3 本书籍。", vec![(3, Books)]),
            ("This week we share ten articles and Twenty-one tools.", vec![(10, Articles), (21, Projects)]),
            ("This issue brings twelve links.", vec![(12, Links)]),
            ("本期分享了十二篇文章、两则视频。", vec![(12, Articles), (2, Media)]),
            ("This issue has three articles and one project.", vec![(3, Articles), (1, Projects)]),
            ("本期分享了三篇文章、一个项目。", vec![(3, Articles), (1, Projects)]),
            ("Shared **3** articles.", vec![(3, Articles)]),
            ("Today: 3 Articles, 1 Project", vec![(3, Articles), (1, Projects)]),
            ("In this issue: 5 links", vec![(5, Links)]),
            ("以下是 6 个项目", vec![(6, Projects)]),
            ("12篇文章，12个开源项目，2则播客", vec![(12, Articles), (12, Projects), (2, Media)]),
        ] {
            assert_eq!(found(text), counts, "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_counts() {
        for text in [
            "The author shares 20 tools.",
            "This week we share a text and give away 5 copies of a book, 3 book giveaways.",
            "We have 50,000 readers and 3 editors.",
            "Hello.\n\n## S\n\nThis week we share 3 articles and 4 projects.",
            "本周刊已有 3 年，全文 2000 字。",
            "文章分享了 20 个项目。",
            "This week we have two talks in Oslo.",
            "This week I share one tool, and three posts of mine.",
            "本期分享一个关于绳结的项目和一篇文章。",
            "本周分享第十篇文章。",
            "This week one article stood out.",
            "This week we share one article about three tools.",
            "Ann shared 3 articles.",
            "3 articles in the paper, 2 videos on the way",
            "Sharing 3 desks in the office",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn a_count_has_its_place() {
        let declared = declared("# T\n\n你好。本期分享了 12 篇文章。");
        assert_eq!(declared.iter().map(|found| (found.line, found.column)).collect::<Vec<_>>(), [(3, 10)]);
    }

    #[test]
    fn a_kind_without_a_section_is_missing_only_where_that_is_certain() {
        let broken_in = |text: &str| {
            let found = parse(text.as_bytes()).ok().map(|issue| broken(&declared(text), &issue));
            found.map(|found| found.into_iter().map(|(declared, count)| (declared.count, count)).collect::<Vec<_>>())
        };
        let intro = "# T\n\nThis week we share 1 articles and 3 videos.\n\n";
        let articles = "## Articles\n\n- [a](u:a)\n";
        assert_eq!(broken_in(&[intro, articles].concat()), Some(vec![(3, 0)]));
        assert_eq!(broken_in(&[intro, articles, "\n## Videos\n\n- [b](u:b)\n"].concat()), Some(vec![(3, 1)]));
        for sections in [
            [articles, "\n## Misc\n\n- [b](u:b)\n"].concat(),
            articles.replace("(u:a)", "(u:a) (video)"),
            "Nothing yet.".to_owned(),
        ] {
            assert_eq!(broken_in(&[intro, &sections].concat()), Some(vec![]), "{sections}");
        }
        let more = [intro, articles, "- [c](u:c)\n"].concat();
        assert_eq!(broken_in(&more), Some(vec![(1, 2)]));
    }

    #[test]
    fn sections_are_counted_by_their_titles() {
        for (title, kind) in [
            ("Articles & Tutorials", Some(Kind::Articles)),
            ("Projects & Resources", Some(Kind::Projects)),
            ("播客&视频", Some(Kind::Media)),
            ("热门话题", Some(Kind::Discussions)),
            ("Postgres", None),
        ] {
            assert_eq!(Kind::of(title), kind, "{title}");
        }
    }
}
