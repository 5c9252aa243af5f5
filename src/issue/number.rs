//! The number at the start of an item, and numbers in words.

/// How an editor numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `1、`, `1.`, `1)`, `(1)`, `[1]`, in a paragraph or heading, perhaps bold.
    Digits,
    /// `①`: sure enough without a link.
    Circled,
    /// `一、`: an item only with a link.
    Chinese,
    /// `1.` as a Markdown list.
    Ordered,
    /// `-`, `*`, `+`.
    Bullets,
    /// `•`, `■`, `→` and their like, before a link.
    Sign,
    /// A bold link at the start of a paragraph, or a heading that is a link.
    Bold,
    /// A bold line above its address, or in an issue that has such ones, above its text.
    Titled,
    /// A link at the start of a line, set apart from what follows.
    Bare,
}

/// The number at the start of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) style: Style,
    pub(super) number: u32,
    /// Bytes up to the title.
    pub(super) length: usize,
}

/// Reads the number that a line begins with.
pub(super) fn marker(line: &str) -> Option<Marker> {
    let text = line.trim_start();
    let text = text.strip_prefix("**").or_else(|| text.strip_prefix("__")).unwrap_or(text);
    let (style, number, rest) = circled(text).or_else(|| chinese(text)).or_else(|| arabic(text))?;
    let rest = rest.trim_start();
    (!rest.is_empty()).then_some(Marker { style, number, length: line.len() - rest.len() })
}

/// Reads the number that a line is, when what it numbers stands below: `1、`.
pub(super) fn marker_alone(line: &str) -> Option<Marker> {
    const BELOW: &str = "_";
    let marker = marker(&[line.trim(), BELOW].concat())?;
    (marker.style == Style::Digits && marker.length == line.trim().len()).then_some(marker)
}

/// Takes the number in a circle, black or white, off the front: `①` to `㊿`.
fn circled(text: &str) -> Option<(Style, u32, &str)> {
    let first = text.chars().next()?;
    let base = match first {
        '①'..='⑳' => '①' as u32 - 1,
        '㉑'..='㉟' => '㉑' as u32 - 21,
        '㊱'..='㊿' => '㊱' as u32 - 36,
        '❶'..='❿' => '❶' as u32 - 1,
        '⓫'..='⓴' => '⓫' as u32 - 11,
        _ => return None,
    };
    let rest = text[first.len_utf8()..].trim_start().trim_start_matches(['、', '.', '．']);
    Some((Style::Circled, first as u32 - base, rest))
}

/// Takes `一、` off the front.
fn chinese(text: &str) -> Option<(Style, u32, &str)> {
    let inner = text.trim_start_matches(['(', '（']);
    let (number, rest) = chinese_digits(inner)?;
    let stops: &[char] = if inner.len() < text.len() { &[')', '）'] } else { &['、', '.', '．'] };
    Some((Style::Chinese, number, rest.strip_prefix(stops)?))
}

/// Takes `1、`, `１．`, `(1)`, `1️⃣` or, before a link, `[1]` off the front.
fn arabic(text: &str) -> Option<(Style, u32, &str)> {
    const LONGEST: usize = 4;
    let inner = text.trim_start_matches(['(', '（']);
    let bracketed = inner.len() < text.len();
    if let Some(inner) = text.strip_prefix(['[', '【']) {
        let (number, rest) = arabic_digits(inner, LONGEST)?;
        let rest = rest.strip_prefix([']', '】'])?.trim_start();
        let link = rest.trim_start_matches(['*', '_']).starts_with('[');
        return link.then_some((Style::Digits, number, rest));
    }
    let (number, rest) = arabic_digits(inner, LONGEST)?;
    let keycap = rest.strip_prefix("\u{fe0f}\u{20e3}");
    let rest = match rest.trim_start().chars().next()? {
        _ if keycap.is_some() => keycap?,
        closing @ (')' | '）') => &rest.trim_start()[closing.len_utf8()..],
        stop @ ('、' | '.' | '．') if !bracketed => &rest.trim_start()[stop.len_utf8()..],
        _ => return None,
    };
    // `3.12` is a version
    (!rest.starts_with(|c: char| c.is_ascii_digit())).then_some((Style::Digits, number, rest))
}

/// Takes a number of at most `longest` digits, narrow or wide, off the front.
pub(super) fn arabic_digits(text: &str, longest: usize) -> Option<(u32, &str)> {
    let digit = |c: char| match c {
        '０'..='９' => Some(c as u32 - '０' as u32),
        _ => c.to_digit(10),
    };
    let end = text.find(|c: char| digit(c).is_none())?;
    let (written, rest) = text.split_at(end);
    let fine = (1..=longest).contains(&written.chars().count());
    fine.then(|| (written.chars().filter_map(digit).fold(0, |number, digit| number * 10 + digit), rest))
}

/// Takes a number below a thousand in Chinese words off the front: `十二`, `一百零八`.
pub(super) fn chinese_digits(text: &str) -> Option<(u32, &str)> {
    const DIGITS: &str = "〇一二三四五六七八九";
    let end = text.find(|c: char| !DIGITS.contains(c) && !"零十百".contains(c)).unwrap_or(text.len());
    let (words, rest) = text.split_at(end);
    let digit = |c: char| DIGITS.chars().position(|digit| digit == c).and_then(|digit| u32::try_from(digit).ok());
    let (mut number, mut pending) = (0u32, None);
    for c in words.chars().take(8) {
        match c {
            '百' => number += pending.take().unwrap_or(1) * 100,
            '十' => number += pending.take().unwrap_or(1) * 10,
            '零' => {}
            // `一〇八` is read digit by digit
            _ => pending = Some(pending.unwrap_or(0) * 10 + digit(c)?),
        }
    }
    (end > 0).then_some((number + pending.unwrap_or(0), rest))
}

/// Writes a number in the digits of another: `3`, `３` or, below a hundred, `三`.
pub(super) fn like(other: &str, number: u32) -> Option<String> {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digits = number.to_string();
    let wide = |c: char| char::from_u32(c as u32 - '0' as u32 + '０' as u32);
    match other.chars().next()? {
        '0'..='9' => Some(digits),
        '０'..='９' => digits.chars().map(wide).collect(),
        _ => {
            let (tens, ones) = (usize::try_from(number / 10).ok()?, usize::try_from(number % 10).ok()?);
            let tens = match tens {
                0 => String::new(),
                1 => "十".to_owned(),
                _ => format!("{}十", DIGITS.get(tens)?),
            };
            Some(tens + DIGITS.get(ones)?).filter(|written| !written.is_empty())
        }
    }
}

/// Whether a line begins with a Chinese number that heads a section: `一、动态`.
pub(super) fn is_chinese_number(line: &str) -> bool {
    let rest = line.trim_start_matches(['一', '二', '三', '四', '五', '六', '七', '八', '九', '十']);
    rest.len() < line.len()
        && line.len() - rest.len() <= 9
        && rest.starts_with(['、', '.', '．', ' '])
        && rest.len() > 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_what_follows_them() {
        for (line, style, number, title) in [
            ("1、[a](b)", Style::Digits, 1, "[a](b)"),
            ("12 、 [a](b)", Style::Digits, 12, "[a](b)"),
            ("3.[a](b)", Style::Digits, 3, "[a](b)"),
            ("(4) a", Style::Digits, 4, "a"),
            ("（4）a", Style::Digits, 4, "a"),
            ("5️⃣ a", Style::Digits, 5, "a"),
            ("１２．a", Style::Digits, 12, "a"),
            ("[7] [a](b)", Style::Digits, 7, "[a](b)"),
            ("**8. [a](b)**", Style::Digits, 8, "[a](b)**"),
            ("⑬ a", Style::Circled, 13, "a"),
            ("㉑、a", Style::Circled, 21, "a"),
            ("十二、a", Style::Chinese, 12, "a"),
            ("（三）a", Style::Chinese, 3, "a"),
        ] {
            let marker = marker(line).map(|marker| (marker.style, marker.number, &line[marker.length..]));
            assert_eq!(marker, Some((style, number, title)), "{line}");
        }
        for line in [
            "",
            "3.12 is out",
            "2024 was good",
            "a 1、",
            "1、",
            "12345、a",
            "(see a)",
            "[7] a",
            "[1](b)",
            "一天、a",
            "、a",
        ] {
            assert_eq!(marker(line), None, "{line}");
        }
    }

    #[test]
    fn a_number_is_written_as_another_is() {
        for (other, number, written) in [
            ("1", 12, "12"),
            ("１", 12, "１２"),
            ("一", 3, "三"),
            ("九", 10, "十"),
            ("九", 12, "十二"),
            ("九", 20, "二十"),
            ("九", 99, "九十九"),
        ] {
            assert_eq!(like(other, number).as_deref(), Some(written));
            let line = format!("{written}、");
            let read = arabic_digits(&line, 4).or_else(|| chinese_digits(&line));
            assert_eq!(read, Some((number, "、")));
        }
        assert_eq!((like("一", 0), like("一", 100), like("", 1)), (None, None, None));
    }

    #[test]
    fn a_number_alone_numbers_what_is_below() {
        assert_eq!(marker_alone(" 3、 ").map(|marker| marker.number), Some(3));
        for line in ["", "3", "3、a", "①", "、"] {
            assert_eq!(marker_alone(line), None, "{line}");
        }
    }
}
