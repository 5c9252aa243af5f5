//! What stands beside a title: signs, tags, emoji, stars.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Takes tags and emoji before a title; gives the emoji.
pub(super) fn before_title(text: &str, tags: &mut Vec<String>) -> String {
    let mut emoji = String::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.graphemes(true).next() {
        rest = match tag(rest) {
            Some((tag, after)) => {
                tags.push(tag.to_owned());
                after
            }
            None if first.starts_with(SIGNS) => &rest[first.len()..],
            None => {
                emoji.push_str(first);
                &rest[first.len()..]
            }
        }
        .trim_start();
    }
    emoji
}

/// The signs that stand for the bullets of a list.
const SIGNS: [char; 23] =
    ['•', '·', '●', '○', '◦', '‣', '⁃', '∙', '■', '□', '▪', '▫', '◆', '◇', '►', '▸', '▶', '→', '⇒', '»', '›', '–', '—'];

/// Whether a line begins with a sign for a bullet.
pub(super) fn has_sign(line: &str) -> bool {
    line.trim_start().starts_with(SIGNS)
}

/// A line without its sign for a bullet.
pub(super) fn without_sign(line: &str) -> &str {
    let bare = line.trim_start().trim_start_matches(SIGNS).trim_start();
    if bare.is_empty() { line } else { bare }
}

/// Whether a text is tags, signs, emoji and spaces only.
pub(super) fn is_beside_title(text: &str) -> bool {
    let mut rest = text.trim_start();
    while let Some(first) = rest.graphemes(true).next() {
        rest = match tag(rest) {
            Some((_, after)) => after,
            None if is_emoji(first) || first.starts_with(SIGNS) => &rest[first.len()..],
            None => return false,
        }
        .trim_start();
    }
    true
}

/// Takes the tags behind a title, and the punctuation before its description; gives the description.
pub(super) fn after_title<'t>(text: &'t str, tags: &mut Vec<String>) -> &'t str {
    let mut rest = text;
    while let Some((tag, after)) = tag(rest.trim_start()).or_else(|| bare_stars(rest.trim_start())) {
        // a remark in the middle of a sentence is part of it
        if after.trim_start().starts_with(|c: char| c.is_ascii_lowercase()) {
            break;
        }
        tags.push(tag.to_owned());
        rest = after;
    }
    let spaced = rest.trim_start();
    let bare = spaced.trim_start_matches([':', '：', '-', '–', '—', '|', '｜', ',', '，', '.', '。', ';', '；']);
    let separated = bare.len() < spaced.len() && (bare.is_empty() || bare.starts_with(char::is_whitespace));
    let wide = spaced.starts_with(['：', '，', '。', '；', '｜', '—', '–', ':']) && !bare.starts_with('/');
    if separated || wide { bare.trim_start() } else { spaced }
}

/// Whether what follows a link on its line, tags excepted, sets it apart as a title.
///
/// Nothing, `— text`, `: text` and `by somebody` do; `has moved` makes it a word of a sentence.
pub(super) fn sets_apart(text: &str) -> bool {
    const MARKS: [char; 11] = ['—', '–', '-', '|', '｜', ':', '：', '•', '·', '→', '/'];
    const AUTHORS: [&str; 3] = ["by ", "via ", "from "];
    let mut rest = text.trim();
    while let Some((_, after)) = tag(rest).or_else(|| bare_stars(rest)) {
        rest = after.trim_start();
    }
    // `(` is before a link to comments
    matches!(rest, "" | "(")
        || rest.starts_with(MARKS)
        || AUTHORS.iter().any(|author| text.trim_start().starts_with(author))
}

/// How many characters a remark has at most.
const LONGEST_TAG: usize = 24;

/// A short remark in brackets at the start.
fn tag(text: &str) -> Option<(&str, &str)> {
    let opening = text.chars().next()?;
    let closing = match opening {
        '(' => ')',
        '（' => '）',
        '[' => ']',
        '【' => '】',
        _ => return None,
    };
    let inner = &text[opening.len_utf8()..];
    let end = inner.char_indices().take(LONGEST_TAG + 1).find(|(_, c)| "()（）[]【】".contains(*c))?;
    let (tag, rest) = inner.split_at(end.0);
    let rest = rest.strip_prefix(closing)?;
    (tag.contains(char::is_alphanumeric) && !rest.starts_with(['(', '['])).then(|| (tag.trim(), rest))
}

/// The signs that stand for stars.
const STARS: [char; 3] = ['⭐', '★', '🌟'];

/// Takes `⭐ 1.2k` off the front.
fn bare_stars(text: &str) -> Option<(&str, &str)> {
    let sign = text.chars().next().filter(|c| STARS.contains(c))?;
    let count = text[sign.len_utf8()..].trim_start_matches(['\u{fe0f}', ' ', ':', '：']);
    let digits = count.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',' || c == '.');
    // a full stop ends the sentence
    let digits = &count[count[..count.len() - digits.len()].trim_end_matches(['.', ',']).len()..];
    let unit = digits.trim_start_matches(' ').trim_start_matches(['k', 'K', 'w', 'W', 'm', 'M', '万', '萬', '千']);
    let rest = if unit.starts_with(|c: char| c.is_alphanumeric()) { digits } else { unit };
    let apart = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '/' || c == '%');
    let (found, rest) = text.split_at(text.len() - rest.len());
    (apart && stars(found).is_some()).then(|| (found.trim_end(), rest))
}

/// Finds `(star 13.5K)` or `★ 900` in a text, with the spaces before it.
pub(super) fn find_stars(text: &str) -> Option<(Range<usize>, u64)> {
    let openings = text.match_indices(|c: char| matches!(c, '(' | '（') || STARS.contains(&c));
    let found = openings.into_iter().find_map(|(at, opening)| {
        let start = text[..at].trim_end_matches([' ', '\u{3000}']).len();
        let (end, count) = match bare_stars(&text[at..]) {
            Some((found, _)) => (at + found.len(), stars(found)?),
            None => {
                let inner = &text[at + opening.len()..];
                let (end, closing) = inner.char_indices().take(32).find(|(_, c)| matches!(c, ')' | '）'))?;
                (at + opening.len() + end + closing.len_utf8(), stars(&inner[..end])?)
            }
        };
        // without them, what stands around them could become a link or the like
        let opened = text[..start].ends_with(['(', '[', '<', '\\', '`']);
        let joined = text[..start].ends_with([']', '!']) && text[end..].starts_with(['(', '[', ':']);
        (!opened && !joined).then_some((start..end, count))
    })?;
    // nor where a link is begun that is none
    (!text[..found.0.start].contains("](")).then_some(found)
}

/// Takes a reading time off the end of a title: `Moss (5 minute read)`, `苔藓（约 5 分钟）`.
pub(super) fn split_reading_time(title: &str) -> (&str, Option<&str>) {
    let plain = |c: char| c.is_alphanumeric() || " .,~+–-，、".contains(c);
    let split = || {
        let inner = title.strip_suffix([')', '）'])?;
        let (before, time) = inner.rsplit_once(['(', '（'])?;
        let time = time.trim();
        let unit = ["min", "分钟", "分鐘"].iter().any(|unit| time.to_lowercase().contains(unit));
        let short = time.chars().count() <= LONGEST_TAG && time.contains(|c: char| c.is_ascii_digit());
        (unit && short && time.chars().all(plain) && !before.trim().is_empty()).then(|| (before.trim_end(), Some(time)))
    };
    split().unwrap_or((title, None))
}

/// Finds an address without brackets: where it stands in a text.
pub(super) fn bare_address(text: &str) -> Option<Range<usize>> {
    let scheme = |at: &usize| {
        let lower = text.get(*at..).map(|rest| rest.get(..8).unwrap_or(rest).to_ascii_lowercase()).unwrap_or_default();
        lower.starts_with("http://") || lower.starts_with("https://")
    };
    let start = text.match_indices(['h', 'H']).map(|(at, _)| at).find(scheme)?;
    let apart = !text[..start].ends_with(|c: char| c.is_alphanumeric() || "=/\"'[<`".contains(c));
    let outside = |c: char| c.is_whitespace() || c.is_control() || "<>\"`，。；、：！？）】》（【《“”".contains(c);
    let end = text[start..].find(outside).map_or(text.len(), |end| start + end);
    let mut address = text[start..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_']);
    if !address.contains('(') {
        address = address.trim_end_matches(')');
    }
    let named = address.split_once("://").is_some_and(|(_, host)| host.starts_with(|c: char| c.is_alphanumeric()));
    (apart && named && !address.contains('\\')).then(|| start..start + address.len())
}

/// Reads `star 13.5K`, `6.4k stars`, `⭐ 1,234`, `star：1.2万`.
pub(super) fn stars(text: &str) -> Option<u64> {
    const WORDS: [&str; 9] = ["stars", "star", "⭐️", "⭐", "★", "🌟", "颗星", "星标", "星"];
    let text = text.trim().to_lowercase();
    let count = WORDS.iter().find_map(|word| text.strip_prefix(word).or_else(|| text.strip_suffix(word)))?;
    let count = count.trim_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '：' | '+'));
    let end = count.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(count.len());
    let (digits, unit) = count.split_at(end);
    let factor = match unit.trim() {
        "" => 1.0,
        "k" | "千" => 1e3,
        "w" | "万" | "萬" => 1e4,
        "m" => 1e6,
        _ => return None,
    };
    let number: f64 = digits.replace(',', "").parse().ok()?;
    let stars = (number * factor).round();
    // exact up to a thousand million, and GitHub has none with more
    (stars <= 1e9).then_some(stars as u64)
}

/// Splits the emoji before or after a heading off its text.
pub(super) fn split_emoji(text: &str) -> (Option<String>, String) {
    let text = text.trim();
    let run = |graphemes: &mut dyn Iterator<Item = &str>| -> usize {
        graphemes.take_while(|grapheme| is_emoji(grapheme)).map(str::len).sum()
    };
    let before = run(&mut text.graphemes(true));
    let (emoji, title) = match before {
        0 => {
            let after = run(&mut text.graphemes(true).rev());
            let (title, emoji) = text.split_at(text.len() - after);
            (emoji, title)
        }
        _ => {
            let (emoji, title) = text.split_at(before);
            (emoji, title.trim_end().strip_suffix(emoji).unwrap_or(title))
        }
    };
    let title = title.trim_matches(|c: char| c.is_whitespace() || c == '\u{fe0f}');
    ((!emoji.is_empty()).then(|| emoji.to_owned()), title.to_owned())
}

/// Whether a grapheme is shown as an emoji.
pub(super) fn is_emoji(grapheme: &str) -> bool {
    let picture = |c: char| {
        matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
            | '\u{231a}' | '\u{231b}' | '\u{23e9}'..='\u{23fa}')
            && !matches!(c, '\u{2768}'..='\u{2793}')
    };
    grapheme.starts_with(picture) || grapheme.contains(['\u{fe0f}', '\u{20e3}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_numbers() {
        for (text, count) in [
            ("star 13.5K", 13_500),
            ("6.4k stars", 6_400),
            ("star：1.2万", 12_000),
            ("⭐ 1,234", 1_234),
            ("Stars: 8", 8),
            ("2.3K+ stars", 2_300),
            ("★ 900", 900),
            ("3.2k star", 3_200),
            ("1.2 万 star", 12_000),
        ] {
            assert_eq!(stars(text), Some(count), "{text}");
        }
        for text in ["", "star", "like Starlette", "3 starts", "nearly 3K stars", "star 1.2.3"] {
            assert_eq!(stars(text), None, "{text}");
        }
    }

    #[test]
    fn stars_stand_in_brackets_or_behind_their_sign() {
        for (text, count, rest) in [
            ("Words. (★ 900)", 900, "Words."),
            ("文字。（3.2k star）更多", 3_200, "文字。更多"),
            ("Amazing! (star 28K)", 28_000, "Amazing!"),
            ("Words (and more (★ 3))", 3, "Words (and more)"),
            ("Words ⭐ 1.2k, more", 1_200, "Words, more"),
            ("⭐️ 12. More", 12, ". More"),
        ] {
            let found =
                find_stars(text).map(|(span, count)| (count, [&text[..span.start], &text[span.end..]].concat()));
            assert_eq!(found, Some((count, rest.to_owned())), "{text}");
        }
        for text in ["", "★★★★☆", "★ 4/5", "a ⭐ for you", "⭐ 5kg", "(stars)"] {
            assert_eq!(find_stars(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_and_reading_times_are_told_from_titles() {
        for (text, address) in [
            ("Moss: https://example.org/a_(b)?c=d", "https://example.org/a_(b)?c=d"),
            ("苔藓：https://example.org/a。好", "https://example.org/a"),
            ("(see https://example.org/a).", "https://example.org/a"),
            ("HTTP://example.org, yes", "HTTP://example.org"),
        ] {
            assert_eq!(bare_address(text).map(|span| &text[span]), Some(address), "{text}");
        }
        for text in ["", "http", "https://", "xhttps://a", "see http:// there"] {
            assert_eq!(bare_address(text), None, "{text}");
        }
        assert_eq!(split_reading_time("Moss (5 minute read)"), ("Moss", Some("5 minute read")));
        assert_eq!(split_reading_time("苔藓（约 5 分钟）"), ("苔藓", Some("约 5 分钟")));
        assert_eq!(split_reading_time("Moss (2024)"), ("Moss (2024)", None));
    }

    #[test]
    fn an_emoji_of_several_code_points_is_one() {
        for (heading, emoji, title) in [
            ("🦄Articles", "🦄", "Articles"),
            ("🐿️ Tools", "🐿️", "Tools"),
            ("Tools 👩‍🔬", "👩‍🔬", "Tools"),
            ("🎁 Gifts 🎁", "🎁", "Gifts"),
            ("1️⃣ First", "1️⃣", "First"),
            ("🇩🇪🇫🇷 Europe", "🇩🇪🇫🇷", "Europe"),
            ("文章&教程", "", "文章&教程"),
            ("C# & ™", "", "C# & ™"),
        ] {
            let (found, text) = split_emoji(heading);
            assert_eq!((found.unwrap_or_default().as_str(), text.as_str()), (emoji, title), "{heading}");
        }
    }

    #[test]
    fn tags_stand_beside_the_title() {
        let mut tags = Vec::new();
        assert_eq!(before_title("🎈 [video] （英）", &mut tags), "🎈");
        assert_eq!(after_title(" (English) [x]: words", &mut tags), "words");
        assert_eq!(tags, ["video", "英", "English", "x"]);
        for (text, rest) in [
            (". Words", "Words"),
            (" - words", "words"),
            ("：文", "文"),
            ("'s words", "'s words"),
            (" (a b) is it", "(a b) is it"),
            (".", ""),
        ] {
            assert_eq!(after_title(text, &mut Vec::new()), rest);
        }
    }
}
