//! What is seen in the email itself. [`inspect`](crate::inspect) looks; here its remarks become findings as others are,
//! by the settings and the comments of the file.

use super::{Context, Finding, Rule, Severity};

/// Something that was seen in the email that an issue makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The rule that saw it, one of those named `email-…` or `style-sheet`.
    pub rule: &'static str,
    /// How much it matters, where nothing else is configured.
    pub severity: Severity,
    /// The line of the file that it comes from, where that is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// A rule that looks at the email: no example in Markdown shows what it marks.
const fn rule(id: &'static str, severity: Severity, summary: &'static str, why: &'static str) -> Rule {
    Rule { id, severity, summary, why, bad: "", good: "", check: |_| Vec::new() }
}

/// In the order of importance to a reader; the severity is that of the worst remark.
pub(super) const RULES: &[Rule] = &[
    rule(
        "email-unsupported",
        Severity::Warning,
        "HTML or CSS that a mail client does not know (--email)",
        "Its readers get the email without it; what knows what is data of caniemail.com.",
    ),
    rule(
        "email-partly-supported",
        Severity::Note,
        "HTML or CSS that a mail client knows in part only (--email)",
        "It looks different there, in the cases that the finding names.",
    ),
    rule(
        "email-style-size",
        Severity::Warning,
        "more style in the head than Gmail reads (--email)",
        "Gmail drops all of it beyond 16 KB: no dark colours, no widths for phones.",
    ),
    rule(
        "email-contrast",
        Severity::Warning,
        "words that hardly differ from what is behind them (--email)",
        "Whoever sees less well, or reads in the sun or in the dark, cannot read them (WCAG 2.2, 1.4.3).",
    ),
    rule(
        "email-alt",
        Severity::Warning,
        "an image without words in its place (--email)",
        "Many clients load no images at first, and some readers see none.",
    ),
    rule(
        "email-link-text",
        Severity::Warning,
        "a link whose words do not say where it leads (--email)",
        "Screen readers list links without what is around them (WCAG 2.2, 2.4.4).",
    ),
    rule(
        "email-underline",
        Severity::Warning,
        "a link among words that only its colour tells apart (--email)",
        "Who does not see the colour does not see the link (WCAG 2.2, 1.4.1).",
    ),
    rule(
        "email-small",
        Severity::Warning,
        "letters too small for a phone (--email)",
        "Readers must enlarge the whole email, and then move it line by line.",
    ),
    rule(
        "email-heading",
        Severity::Warning,
        "a heading that is empty, out of order, or begins with an emoji (--email)",
        "Screen readers go from heading to heading.",
    ),
    rule(
        "email-table",
        Severity::Warning,
        "a table that does not say whether it is data or layout (--email)",
        "Screen readers count the cells of the one, and read over those of the other.",
    ),
    rule(
        "email-language",
        Severity::Warning,
        "an email that does not say its language or direction (--email)",
        "It is read aloud with the wrong voice, and set in the wrong direction.",
    ),
    rule(
        "email-title",
        Severity::Warning,
        "an email without a title (--email)",
        "It is what a browser or screen reader calls the email.",
    ),
    rule(
        "style-sheet",
        Severity::Warning,
        "something in the theme's style sheet that no mail shows (--email)",
        "A class, variable or property that nobody knows is most often a typing mistake.",
    ),
];

/// The remarks as findings, but for those of rules that are switched off.
pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let finding = |remark: &Remark| {
        let severity = context.settings.rules.get(remark.rule).copied().unwrap_or(Some(remark.severity))?;
        Some(Finding {
            rule: remark.rule,
            severity,
            span: context.manuscript.line_in_file(remark.line),
            line: 0,
            column: 0,
            message: remark.message.clone(),
            hint: remark.hint.clone(),
            edits: Vec::new(),
        })
    };
    context.around.remarks.unwrap_or_default().iter().filter_map(finding).collect()
}

/// Whether nobody has looked for what a rule marks.
pub(super) fn is_unseen(rule: &str, context: &Context<'_>) -> bool {
    context.around.remarks.is_none() && RULES.iter().any(|email| email.id == rule)
}
