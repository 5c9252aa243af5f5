//! Days as editors write them.

use time::{Date, Month};

/// Reads a day and what may follow it: `2024-06-08`, `2024.6.8`, `2024/06/08`, `2024年6月8日`,
/// RFC 3339 and `2014-02-23 16:09`; a time is dropped.
pub(super) fn parse(text: &str) -> Option<Date> {
    let text = text.trim();
    let (year, rest) = number(text)?;
    let (month, rest) = number(rest.trim_start().strip_prefix(['-', '.', '/', '年'])?)?;
    let (day, rest) = number(rest.trim_start().strip_prefix(['-', '.', '/', '月'])?)?;
    let rest = rest.trim_start().strip_prefix('日').unwrap_or(rest);
    let time = rest.trim_start_matches(['T', 't', ' ']);
    let bare = rest.is_empty() || (time.len() < rest.len() && time.starts_with(|c: char| c.is_ascii_digit()));
    if !bare || !(1000..=9999).contains(&year) {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()
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
        for text in
            ["2024-06-08", " 2024.6.8 ", "2024/06/08", "2024年6月8日", "2024-06-08T10:00:00+08:00", "2024-06-08 16:09"]
        {
            assert_eq!(parse(text).map(|date| date.to_string()).as_deref(), Some("2024-06-08"), "{text}");
        }
        for text in ["", "2024", "2024-13-01", "2024-02-30", "June 8", "2024-06-08 or so", "24-06-08"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
