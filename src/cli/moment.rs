//! A moment as people write it.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// Reads `2026-11-23T08:00:00+01:00` (RFC 3339), or `2026-11-23 08:00` on this machine's clock; each with or without
/// seconds, the day and the time apart by a space or `T`.
pub(super) fn parse(text: &str) -> Result<OffsetDateTime, String> {
    let text = text.trim();
    let full = match text.split_at_checked("2026-11-23 08:00".len()) {
        Some((minute, rest)) if !rest.starts_with(':') => format!("{minute}:00{rest}"),
        _ => text.to_owned(),
    };
    if let Ok(at) = OffsetDateTime::parse(&full, &Rfc3339) {
        return Ok(at);
    }
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let clock = PrimitiveDateTime::parse(&full.replacen(['T', 't'], " ", 1), format)
        .map_err(|_| format!("`{text}` is no time; write it like `2026-11-23 08:00` or `2026-11-23T08:00:00+01:00`"))?;
    let offset =
        |at| {
            UtcOffset::local_offset_at(at).map_err(|_| {
        format!("this machine does not tell its time zone; write `{text}` with one, like `2026-11-23T08:00:00+01:00`")
    })
        };
    // The offset of a moment is known, not that of a clock's time: the first guess is off by hours at most.
    let guess = clock.assume_utc();
    let near = clock.assume_offset(offset(guess)?);
    Ok(clock.assume_offset(offset(near)?))
}

/// How long that is, in words: `2 days 3 h`, `4 h 5 min`, `12 min`, `30 s`.
pub(super) fn span(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", seconds.max(0)),
        (0, 0, minutes) if seconds < 300 => format!("{minutes} min {} s", seconds % 60),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (1, hours, _) => format!("1 day {hours} h"),
        (days, hours, _) => format!("{days} days {hours} h"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_moment_with_its_offset_is_the_same_everywhere() {
        let at = parse("2026-11-23T08:00:00+01:00").unwrap();
        assert_eq!(at, parse("2026-11-23T07:00:00Z").unwrap());
        for same in
            ["2026-11-23T08:00+01:00", "2026-11-23 08:00:00+01:00", "2026-11-23t07:00z", "2026-11-23 07:00:00.0Z"]
        {
            assert_eq!(parse(same).unwrap(), at, "{same}");
        }
        assert_eq!(parse("2026-11-23T07:00:05Z").unwrap(), at + Duration::from_secs(5));
        for wrong in
            ["", "tomorrow", "2026-11-23", "2026-13-01 08:00", "08:00", "2026-11-23 08:00 o'clock", "二〇二六年十一月"]
        {
            assert!(parse(wrong).unwrap_err().contains("like `2026-11-23 08:00`"), "{wrong}");
        }
    }

    #[test]
    fn spans_are_as_exact_as_people_want_them() {
        let spans = [0, 59, 61, 301, 3_725, 90_000, 200_000].map(span);
        assert_eq!(spans, ["0 s", "59 s", "1 min 1 s", "5 min", "1 h 2 min", "1 day 1 h", "2 days 7 h"]);
    }
}
