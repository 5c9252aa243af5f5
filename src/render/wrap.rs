//! Lines by display width: where text may break (UAX 14), how wide it is, addresses kept whole.

use std::ops::Range;

use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_width::UnicodeWidthStr;

use super::slot::{NAME_COLUMNS, name_markers};

/// Breaks a text into lines of at most `columns`, counting CJK as two.
///
/// Line breaks in the text stay. A word or an address that is wider has a line of its own.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        match is_plain(line) {
            true => wrap_plain(&mut lines, line, columns),
            false => wrap_line(&mut lines, line, columns),
        }
    }
    lines
}

/// Whether all that UAX 14 says of a text is that it may break at its spaces: English, mostly.
fn is_plain(text: &str) -> bool {
    let mut before = b' ';
    let mut follows = |byte: u8| {
        let fits = match byte {
            b',' | b'.' | b':' | b';' | b' ' => before != b' ',
            _ => byte.is_ascii_alphanumeric() || b"'\"-#@*_=~&<>".contains(&byte),
        };
        before = byte;
        fits
    };
    text.bytes().all(&mut follows) && follows(b' ')
}

fn wrap_plain<'a>(lines: &mut Vec<&'a str>, text: &'a str, limit: usize) {
    let mut rest = text;
    while let Some(overfull) = rest.get(..=limit)
        && let Some(space) = overfull.rfind(' ').or_else(|| rest.find(' '))
    {
        lines.push(&rest[..space]);
        rest = &rest[space + 1..];
    }
    lines.push(rest);
}

fn wrap_line<'a>(lines: &mut Vec<&'a str>, text: &'a str, limit: usize) {
    let above = lines.len();
    let names = name_markers(text);
    let mut whole: Vec<Range<usize>> = addresses(text).into_iter().chain(names.iter().cloned()).collect();
    whole.sort_unstable_by_key(|range| range.start);
    let mut whole = whole.into_iter().peekable();
    let (mut start, mut fits) = (0, 0);
    // columns from `start` to `fits`, spaces at the end included
    let mut filled = 0;
    for (at, kind) in linebreaks(text) {
        // UAX 14 would break behind each hyphen too: `pre-` and `Python3.12` belong together
        let in_word = at < text.len() && text[..at].ends_with('-');
        while whole.next_if(|range| range.end <= at).is_some() {}
        if in_word || whole.peek().is_some_and(|range| range.start < at) {
            continue;
        }
        let (columns, with_spaces) = width(text, fits..at, &names);
        if fits > start && filled + columns > limit {
            lines.push(text[start..fits].trim_end());
            (start, filled) = (fits, 0);
        }
        fits = at;
        filled += with_spaces;
        if kind == BreakOpportunity::Mandatory {
            lines.push(text[start..at].trim_end());
            (start, filled) = (at, 0);
        }
    }
    if lines.len() == above {
        lines.push("");
    }
}

/// The columns of a part of a text, without and with spaces at its end; a name that is still to come takes all
/// that it may.
fn width(text: &str, range: Range<usize>, names: &[Range<usize>]) -> (usize, usize) {
    let first = names.partition_point(|name| name.start < range.start);
    let inside = names[first..].iter().take_while(|name| name.end <= range.end);
    let (count, markers) =
        inside.fold((0, 0), |(count, columns), name| (count + 1, columns + text[name.clone()].width()));
    let part = &text[range];
    let trimmed = part.trim_end();
    let columns = if trimmed.is_ascii() { trimmed.len() } else { trimmed.width() };
    let columns = columns - markers + count * NAME_COLUMNS;
    (columns, columns + part[trimmed.len()..].chars().count())
}

/// Where addresses stand in a text: no line breaks inside them, though UAX 14 would break behind a slash.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (colon, _) in text.match_indices(':') {
        let (before, after) = text.split_at(colon);
        let scheme = match after.starts_with("://") {
            true => ["https", "http"].into_iter().find(|scheme| before.ends_with(scheme)),
            false => Some("mailto").filter(|scheme| before.ends_with(scheme)),
        };
        let start = scheme.map(|scheme| colon - scheme.len());
        let Some(start) = start.filter(|start| found.last().is_none_or(|last| last.end <= *start)) else { continue };
        let length = after.find(|c: char| !c.is_ascii_graphic() || c == '>').unwrap_or(after.len());
        // a line that begins with the bracket would be read as a quote
        let length = length + usize::from(after[length..].starts_with('>'));
        found.push(start..colon + length);
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
pub(super) fn underline(lines: &[impl AsRef<str>], with: char) -> String {
    let columns = lines.iter().map(|line| line.as_ref().width()).max().unwrap_or(0);
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
        let text = format!("before <{url}> after, 见{url}后文");
        let lines = wrap(&text, 40);
        assert_eq!(lines.iter().filter(|line| line.contains(&url)).count(), 2, "{lines:#?}");
        let lines = wrap("before <https://example.org/a-page-that-ends-in-a-slash/> after", 40);
        assert_eq!(lines, ["before", "<https://example.org/a-page-that-ends-in-a-slash/>", "after"]);
    }

    #[test]
    fn plain_text_breaks_where_any_text_would() {
        let pieces: Vec<char> = (' '..='~').collect();
        for (first, second) in pieces.iter().flat_map(|first| pieces.iter().map(move |second| (first, second))) {
            for text in [
                format!("a{first}{second}b"),
                format!("a{first}1{second} b"),
                format!("a {first}{second}{first} 1"),
                format!("1{first} {second}a"),
            ] {
                for columns in (1..5).filter(|_| is_plain(&text)) {
                    let mut lines = Vec::new();
                    wrap_line(&mut lines, &text, columns);
                    assert_eq!(wrap(&text, columns), lines, "{text}");
                }
            }
        }
        assert!(is_plain("It's a \"quick\" fox-trot, <b>: 1.5 & more; #2."));
        assert!(["", " a", "a ", "a  b", "a .b", "a/b", "a\tb", "é", "{"].iter().all(|text| !is_plain(text)));
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
