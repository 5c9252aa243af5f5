//! Days as editors write them.

use time::{Date, Month};

/// Reads a day and what may follow it: `2024-06-08`, `2024.6.8`, `2024/06/08`, `2024年6月8日`, `June 8, 2024`,
/// `Sat, 8 Jun 2024 10:00:00 GMT`, RFC 3339 and `2014-02-23 16:09`; a time is dropped.
pub(super) fn parse(text: &str) -> Option<Date> {
    let text = text.trim();
    in_numbers(text).or_else(|| in_words(text))
}

/// Reads the day that a file's name begins with: `2024-06-08-tides.md`.
pub(super) fn of_file(name: &str) -> Option<Date> {
    name.rsplit(['/', '\\']).next().and_then(|name| name.get(..10)).and_then(parse)
}

fn in_numbers(text: &str) -> Option<Date> {
    let (year, rest) = number(text)?;
    let (month, rest) = number(rest.trim_start().strip_prefix(['-', '.', '/', '年'])?)?;
    let (day, rest) = number(rest.trim_start().strip_prefix(['-', '.', '/', '月'])?)?;
    let rest = rest.trim_start().strip_prefix(['日', '号', '號']).unwrap_or(rest);
    let time = rest.trim_start_matches(['T', 't', ' ']);
    let bare = rest.is_empty() || (time.len() < rest.len() && is_time(time));
    bare.then(|| date(year, Month::try_from(u8::try_from(month).ok()?).ok()?, day)).flatten()
}

/// Reads `June 8, 2024`, `8 June 2024` and their like, the day of the week before them or not.
fn in_words(text: &str) -> Option<Date> {
    const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let is_weekday = |word: &str| word.get(..3).is_some_and(|start| WEEKDAYS.contains(&start.to_lowercase().as_str()));
    let mut words = text.split([' ', ',', '\u{a0}', '-']).filter(|word| !word.is_empty() && *word != "of").peekable();
    words.next_if(|word| word.chars().all(|c| c.is_ascii_alphabetic() || c == '.') && is_weekday(word));
    let (first, second, third) = (words.next()?, words.next()?, words.next()?);
    let (name, day) = if first.starts_with(|c: char| c.is_ascii_digit()) { (second, first) } else { (first, second) };
    let (day, ordinal) = number(day)?;
    let (year, rest) = number(third)?;
    let plain = matches!(ordinal, "" | "st" | "nd" | "rd" | "th") && rest.is_empty();
    (plain && words.next().is_none_or(is_time)).then(|| date(year, month(name)?, day)).flatten()
}

/// Reads the English name of a month, in full or shortened to three letters or more.
fn month(name: &str) -> Option<Month> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let months = (1..=12).filter_map(|month| Month::try_from(month).ok());
    let mut fitting = months.filter(|month| month.to_string().to_ascii_lowercase().starts_with(&name));
    fitting.next().filter(|_| name.len() >= 3)
}

fn is_time(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn date(year: u32, month: Month, day: u32) -> Option<Date> {
    let year = i32::try_from(year).ok().filter(|year| (1000..=9999).contains(year))?;
    Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()
}

/// Takes a number of at most four digits off the front.
fn number(text: &str) -> Option<(u32, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (end <= 4).then_some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_forms_are_read_and_impossible_days_are_not() {
        for text in [
            "2024-06-08",
            " 2024.6.8 ",
            "2024/06/08",
            "2024年6月8日",
            "2024 年 6 月 8 日",
            "2024-06-08T10:00:00+08:00",
            "2024-06-08 16:09",
            "June 8, 2024",
            "8 June 2024",
            "Jun. 8th, 2024",
            "8th of June 2024",
            "Saturday, June 8, 2024",
            "Sat, 08 Jun 2024 10:00:00 +0000",
            "8-Jun-2024",
        ] {
            assert_eq!(parse(text).map(|date| date.to_string()).as_deref(), Some("2024-06-08"), "{text}");
        }
        for text in [
            "",
            "2024",
            "2024-13-01",
            "2024-02-30",
            "June 8",
            "2024-06-08 or so",
            "24-06-08",
            "Ju 8, 2024",
            "June 31, 2024",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
