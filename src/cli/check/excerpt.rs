//! A finding as a person reads it: the line, the place marked, what to do.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::issue::Manuscript;
use crate::issue::check::{Finding, Severity};

/// Columns of a line that are shown, and how many of them before the place.
const COLUMNS: usize = 100;
const BEFORE: usize = 40;

/// Whether to write in colour; it never says what words do not.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Shows a finding:
///
/// ```text
/// warning[link-http]: this link is plain http
///   --> issue-12.md:14:20
///    |
/// 14 | Read about [tides](http://tides.example/).
///    |                    ^^^^^^^^^^^^^^^^^^^^^
///    = hint: write https:// if the page is there under it
/// ```
pub(super) fn show(manuscript: &Manuscript, finding: &Finding, paint: Paint) -> String {
    let code = match finding.severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
        Severity::Note => "1;36",
    };
    let number = finding.line.to_string();
    let margin = " ".repeat(number.len());
    let Excerpt { line, before, marked } = Excerpt::cut(manuscript.file(), finding);
    let place = format!("{}:{}:{}", manuscript.name, finding.line, finding.column);
    let (bar, arrow) = (paint.paint("34", "|"), paint.paint("34", "-->"));
    let rows = [
        format!(
            "{}: {}",
            paint.paint(code, &format!("{}[{}]", finding.severity, finding.rule)),
            visible(&finding.message)
        ),
        format!("{margin}{arrow} {place}"),
        format!("{margin} {bar}"),
        format!("{} {bar} {line}", paint.paint("34", &number)),
        format!("{margin} {bar} {}{}", " ".repeat(before), paint.paint(code, &"^".repeat(marked.max(1)))),
        format!("{margin} = hint: {}", visible(&finding.hint)),
    ];
    rows.join("\n") + "\n"
}

/// The part of a line around a place, with widths in columns.
struct Excerpt {
    line: String,
    before: usize,
    marked: usize,
}

impl Excerpt {
    /// Cuts around the place; never looks farther than what is shown, since a file may be one line.
    fn cut(file: &str, finding: &Finding) -> Self {
        let (head, rest) = file.split_at_checked(finding.span.start).unwrap_or((file, ""));
        let mut left = Vec::new();
        let (mut before, mut whole) = (0, true);
        for grapheme in head.graphemes(true).rev().take_while(|grapheme| !grapheme.ends_with(['\n', '\r'])) {
            let shown = visible(grapheme);
            if before + shown.width() > BEFORE {
                whole = false;
                break;
            }
            before += shown.width();
            left.push(shown);
        }
        let mut line = if whole { String::new() } else { "…".to_owned() };
        before += line.width();
        line.extend(left.into_iter().rev());
        let (mut columns, mut marked, mut at) = (before, 0, 0);
        for grapheme in rest.graphemes(true).take_while(|grapheme| !grapheme.starts_with(['\n', '\r'])) {
            let shown = visible(grapheme);
            if columns + shown.width() > COLUMNS {
                line.push('…');
                break;
            }
            columns += shown.width();
            line.push_str(&shown);
            if at < finding.span.len() {
                marked += shown.width();
            }
            at += grapheme.len();
        }
        Self { line, before, marked }
    }
}

/// The text with what a terminal would not show, or would act upon, written out.
fn visible(text: &str) -> String {
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        let alone = grapheme.chars().count() == 1;
        for c in grapheme.chars() {
            let hidden = match c {
                '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => true,
                '\u{feff}' => true,
                // elsewhere they join emoji and letters
                '\u{200c}' | '\u{200d}' => alone,
                _ => c.is_control(),
            };
            match c {
                '\t' => shown.push_str("    "),
                c if hidden => shown.extend(c.escape_unicode()),
                c => shown.push(c),
            }
        }
    }
    shown
}
