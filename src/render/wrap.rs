//! Lines by display width: where text may break (UAX 14), how wide it is, addresses kept whole.

use std::ops::Range;

use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_width::UnicodeWidthStr;

/// Breaks a text into lines of at most `columns`, counting CJK as two.
///
/// Line breaks in the text stay. A word or an address that is wider has a line of its own.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    text.split('\n').flat_map(|line| wrap_line(line, columns)).collect()
}

fn wrap_line(text: &str, columns: usize) -> Vec<String> {
    let addresses = addresses(text);
    let mut lines = Vec::new();
    let mut start = 0;
    let mut fits = 0;
    for (at, kind) in linebreaks(text) {
        // UAX 14 would break behind each hyphen too: `pre-` and `Python3.12` belong together
        let in_word = at < text.len() && text[..at].ends_with('-');
        if in_word || addresses.iter().any(|address| address.start < at && at < address.end) {
            continue;
        }
        if fits > start && text[start..at].trim_end().width() > columns {
            lines.push(text[start..fits].trim_end().to_owned());
            start = fits;
        }
        fits = at;
        if kind == BreakOpportunity::Mandatory {
            lines.push(text[start..at].trim_end().to_owned());
            start = at;
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// Where addresses stand in a text: no line breaks inside them, though UAX 14 would break behind a slash.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = ["http://", "https://", "mailto:"]
        .iter()
        .filter_map(|scheme| text[from..].find(scheme))
        .min()
        .map(|at| from + at)
    {
        let length = text[start..].find(|c: char| !c.is_ascii_graphic() || c == '>').unwrap_or(text.len() - start);
        found.push(start..start + length);
        from = start + length;
    }
    found
}

/// The beginning of a text, with an ellipsis where it is cut, at most `columns` wide.
pub(super) fn shorten(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    // an essay may be one line of megabytes
    let end = text.char_indices().nth(4 * columns).map_or(text.len(), |(at, _)| at);
    let line = wrap(&text[..end], columns - 1).into_iter().next().unwrap_or_default();
    let mut line = line.trim_end_matches([' ', '·', ',', '，', '、']).to_owned();
    while line.width() > columns - 1 {
        line.pop();
    }
    line + "…"
}

/// A line of `with` below a heading, as wide as its widest line; an address in it may be wider than the text.
pub(super) fn underline(lines: &[String], with: char) -> String {
    let columns = lines.iter().map(|line| line.width()).max().unwrap_or(0);
    with.to_string().repeat(columns.min(super::text::COLUMNS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_columns_not_characters() {
        for line in wrap(&"潮流周刊每周精选文章、".repeat(20), 72) {
            assert!(line.width() <= 72, "{line}");
            assert!(!line.starts_with('、'), "punctuation begins no line: {line}");
        }
        for line in wrap(&"quick brown foxes jump ".repeat(20), 72) {
            assert!((50..=72).contains(&line.width()) || line.ends_with("jump"), "{line}");
        }
    }

    #[test]
    fn addresses_are_never_broken() {
        let url = format!("https://example.org/{}", "a-b/c?d=e&".repeat(12));
        let lines = wrap(&format!("before <{url}> after, 见{url}后文"), 40);
        assert_eq!(lines.iter().filter(|line| line.contains(&url)).count(), 2, "{lines:#?}");
    }

    #[test]
    fn nothing_is_lost_and_hyphenated_words_stay_whole() {
        assert_eq!(wrap("no contention - pre-Python3.12 -", 20), ["no contention -", "pre-Python3.12 -"]);
        assert_eq!(wrap("a-", 1), ["a-"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(wrap("", 9), [""]);
    }

    #[test]
    fn what_is_shortened_fits() {
        assert_eq!(shorten("short", 10), "short");
        for text in ["one two three four".to_owned(), "潮流周刊".repeat(9), "a".repeat(99)] {
            let short = shorten(&text, 10);
            assert!(short.width() <= 10 && short.ends_with('…'), "{short}");
        }
    }
}
