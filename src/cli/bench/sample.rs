//! Issues to measure with: a roundup as an editor writes it, as long as it is to be.

use crate::issue::{Issue, parse};
use crate::render::{render, sample_newsletter};

/// How often it is looked how long an issue is, each time with a better number of items.
const LOOKS: usize = 8;

/// A title and a text for all items.
const WORDS: [&str; 2] = [
    "Moss on a stone: what grows where",
    "A garden needs `shade`, water and *patience*. The author shows in twelve steps how to get all three.",
];

/// An issue of so many items, each with its link, that greets its reader.
pub(super) fn text(number: u32, items: usize) -> String {
    let [title, words] = WORDS;
    let mut text = format!("# Garden Weekly #{number}: Moss\n\nDear {{{{name|friend}}}},\n\n## Articles\n");
    for item in 1..=items {
        text += &format!("\n{item}. [{title}](https://example.org/moss/{item})\n\n{words}\n");
    }
    text
}

/// An issue whose email has about `size` bytes of HTML.
pub(super) fn issue(number: u32, size: usize) -> anyhow::Result<Issue> {
    let mut items = 1;
    for _ in 0..LOOKS {
        let issue = parse(text(number, items).as_bytes())?;
        let html = render(&issue, &sample_newsletter(&issue)?)?.html.len();
        items = (items * size / html).max(1);
    }
    Ok(parse(text(number, items).as_bytes())?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_as_long_as_asked_for() {
        for size in [20_000, 60_000] {
            let issue = issue(7, size).unwrap();
            let html = render(&issue, &sample_newsletter(&issue).unwrap()).unwrap().html.len();
            assert!(html.abs_diff(size) < size / 50, "{html} bytes for {size}");
        }
    }
}
