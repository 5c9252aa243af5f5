//! How large the email becomes.

use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "email-large",
        severity: Severity::Warning,
        summary: "an email of more than 80 KB of HTML",
        why: "It comes near the 102 KB at which Gmail clips, and loads slowly on the road.",
        bad: LARGE_ISSUE,
        good: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n",
        check: large,
    },
    Rule {
        id: "email-clipped",
        severity: Severity::Error,
        summary: "an email of more than 100 KB of HTML",
        why: "Gmail clips it at about 102 KB: the rest is hidden, and the link to unsubscribe with it.",
        bad: CLIPPED_ISSUE,
        good: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n",
        check: clipped,
    },
];

/// Eight times the same words.
macro_rules! eightfold {
    ($($words:tt)*) => {
        concat!($($words)*, $($words)*, $($words)*, $($words)*, $($words)*, $($words)*, $($words)*, $($words)*)
    };
}

const LARGE_ISSUE: &str = concat!(
    "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\n",
    eightfold!(eightfold!(eightfold!(
        "Twice a day the water comes, and twice a day it goes; whoever waits sees both of them, and is none the wiser, as the pilots say who have seen it more than once: it comes, it goes. "
    )))
);

const CLIPPED_ISSUE: &str = concat!(
    "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\n",
    eightfold!(eightfold!(eightfold!(
        "Twice a day the water comes, and twice a day it goes; whoever waits sees both of them, and is none the wiser, as the pilots say who have seen it more than once, rain or shine, and have written it all down. "
    )))
);

/// The email that an issue makes.
#[derive(Debug, Clone, Copy)]
pub struct Email<'a> {
    /// Its HTML part.
    pub html: &'a str,
}

const LARGE: usize = 80 * 1024;
/// Bytes of HTML after which Gmail hides the rest; it says no number, and clips at about 102 KB.
pub const CLIPPED: usize = 100 * 1024;

fn large(context: &Context<'_>) -> Vec<Mark> {
    let size = context.around.email.map_or(0, |email| email.html.len());
    if size <= LARGE || size > CLIPPED { Vec::new() } else { over(context, size, LARGE) }
}

fn clipped(context: &Context<'_>) -> Vec<Mark> {
    let size = context.around.email.map_or(0, |email| email.html.len());
    if size <= CLIPPED { Vec::new() } else { over(context, size, CLIPPED) }
}

/// Marks the item in which the email passes `limit`.
fn over(context: &Context<'_>, size: usize, limit: usize) -> Vec<Mark> {
    let html = context.around.email.map_or("", |email| email.html);
    // an item begins before the limit, or is of no interest; some titles are written otherwise in the email
    const MISSES: usize = 3;
    let limit_at = (0..=limit).rev().find(|at| html.is_char_boundary(*at)).unwrap_or_default();
    let html = html.get(..limit_at).unwrap_or(html);
    let (mut at, mut missed) = (0, 0);
    let mut falls = None;
    for placed in context.items() {
        let escape =
            |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let title = escape(&placed.item.title);
        let link = placed.item.url.as_deref().map(|url| format!("href=\"{}\"", escape(url)));
        let rest = html.get(at..).unwrap_or_default();
        let found = link.and_then(|link| rest.find(&link)).or_else(|| rest.find(&title));
        match found {
            Some(found) => (at, missed, falls) = (at + found, 0, Some(placed)),
            None if missed == MISSES => break,
            None => missed += 1,
        }
    }
    let kilobytes = |bytes: usize| bytes.div_ceil(1024);
    let (place, within) = match &falls {
        Some(placed) => (placed.title_span(), format!(", which this item passes: \"{}\"", placed.item.title)),
        None => (context.manuscript.title_span(), String::new()),
    };
    let message = format!("the email has {} KB, more than {} KB{within}", kilobytes(size), kilobytes(limit));
    vec![context.mark(&place, message, "shorten descriptions, or leave what is below it to the next issue")]
}
