//! Issues to measure with: a roundup as an editor writes it, as long as it is to be.

use crate::issue::{Issue, parse};
use crate::render::{render, sample_newsletter};

/// Bytes of HTML where nothing else is asked for.
pub(super) const SIZE: usize = 60_000;

/// How often it is looked how long an issue is, each time with a better number of items.
const LOOKS: usize = 8;

/// A title and a text for all items.
pub(super) type Words = [&'static str; 2];

/// Mostly ASCII: its mail is quoted-printable.
pub(super) const ENGLISH: Words = [
    "Moss on a stone: what grows where",
    "A garden needs `shade`, water and *patience*. The author shows in twelve steps how to get all three.",
];

/// Its mail is base64.
pub(super) const CHINESE: Words = [
    "石头上的苔藓：什么长在哪里",
    "花园需要`阴凉`、水和*耐心*。作者用十二个步骤说明怎样三样都有，以及不下雨时怎么办。",
];

/// An issue of so many items, each with its link, that greets its reader.
pub(super) fn text(number: u32, items: usize, [title, words]: &Words) -> String {
    let mut text = format!("# Garden Weekly #{number}: Moss\n\nDear {{{{name|friend}}}},\n\n## Articles\n");
    for item in 1..=items {
        text += &format!("\n{item}. [{title}](https://example.org/moss/{item})\n\n{words}\n");
    }
    text
}

/// An issue whose email has about `size` bytes of HTML.
pub(super) fn issue(number: u32, size: usize, words: &Words) -> anyhow::Result<Issue> {
    let mut items = 1;
    for _ in 0..LOOKS {
        let issue = parse(text(number, items, words).as_bytes())?;
        let html = render(&issue, &sample_newsletter(&issue)?)?.html.len();
        items = ((items * size + html / 2) / html).max(1);
    }
    Ok(parse(text(number, items, words).as_bytes())?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_as_long_as_asked_for() {
        for size in [20_000, 60_000] {
            let issue = issue(7, size, &ENGLISH).unwrap();
            let html = render(&issue, &sample_newsletter(&issue).unwrap()).unwrap().html.len();
            assert!(html.abs_diff(size) < size / 50, "{html} bytes for {size}");
        }
    }
}
