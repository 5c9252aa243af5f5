//! Allowances: `<!-- masthead: allow link-http, link-tracking: the site has no https -->`.
//!
//! One counts for the line it is on; alone on its line, for the next line with words.

use std::collections::HashMap;
use std::ops::Range;

use super::{Context, Finding, Mark, Rule, Severity, email, rules};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "allow-no-reason",
        severity: Severity::Warning,
        summary: "an allowance that gives no reason, or names no rule",
        why: "In a year nobody knows whether it still holds.",
        bad: "# Harbour Weekly #12: Slow Software\n\n<!-- masthead: allow link-http -->\n[The pilots](http://pilots.example/) work on.\n",
        good: "# Harbour Weekly #12: Slow Software\n\n<!-- masthead: allow link-http: the pilots have no https -->\n[The pilots](http://pilots.example/) work on.\n",
        check: no_reason,
    },
    Rule {
        id: "allow-unused",
        severity: Severity::Note,
        summary: "an allowance that allows nothing",
        why: "What it allowed is mended; left standing, it hides the next one.",
        bad: "# Harbour Weekly #12: Slow Software\n\n<!-- masthead: allow link-http: the pilots have no https -->\n[The pilots](https://pilots.example/) work on.\n",
        good: "# Harbour Weekly #12: Slow Software\n\n[The pilots](https://pilots.example/) work on.\n",
        // known only when all others are done: `apply` finds it
        check: |_| Vec::new(),
    },
];

/// A comment that allows something.
struct Allowance<'a> {
    span: Range<usize>,
    rules: Vec<&'a str>,
    reason: &'a str,
    /// The line that it is for.
    line: usize,
}

fn allowances<'a>(context: &'a Context<'_>) -> Vec<Allowance<'a>> {
    let manuscript = context.manuscript;
    let read = |span: &Range<usize>| {
        let inner = manuscript.slice(span).strip_prefix("<!--")?.strip_suffix("-->")?;
        let inner = without_word(without_word(inner, "masthead:")?, "allow")?;
        let (rules, reason) = inner.split_once([':', '：']).unwrap_or((inner, ""));
        let rules = rules.split([',', '，', '、']).map(str::trim).collect();
        let own = manuscript.line(span.start);
        let alone = manuscript.line_span(own) == *span;
        let mut line = own + usize::from(alone);
        while alone && manuscript.line_span(line).is_empty() && line < manuscript.line(manuscript.text.len()) {
            line += 1;
        }
        Some(Allowance { span: span.clone(), rules, reason: reason.trim(), line })
    };
    manuscript.comments.iter().filter_map(read).collect()
}

/// What stands behind a word, in capitals or not, at the start.
fn without_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.trim_start().split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// The rules of an allowance that gives a reason.
fn allowed<'a>(allowance: &Allowance<'a>) -> impl Iterator<Item = &'a str> {
    let rules = if allowance.reason.is_empty() { Vec::new() } else { allowance.rules.clone() };
    rules.into_iter().filter(|rule| is_rule(rule))
}

fn is_rule(id: &str) -> bool {
    rules().any(|rule| rule.id == id)
}

fn no_reason(context: &Context<'_>) -> Vec<Mark> {
    let unsound = |allowance: Allowance<'_>| {
        let unknown = allowance.rules.iter().find(|rule| !is_rule(rule));
        let (message, hint) = match unknown {
            Some(rule) => {
                (format!("there is no rule `{rule}` to allow"), "`masthead check --rules` lists the rules".to_owned())
            }
            None if allowance.reason.is_empty() => (
                "this allowance gives no reason, so it allows nothing".to_owned(),
                format!("write `<!-- masthead: allow {}: why -->`", allowance.rules.join(", ")),
            ),
            None => return None,
        };
        Some(context.mark(&allowance.span, message, hint))
    };
    allowances(context).into_iter().filter_map(unsound).collect()
}

/// Takes out what is allowed, and adds the allowances that allow nothing.
pub(super) fn apply(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let allowances = allowances(context);
    if allowances.is_empty() {
        return;
    }
    let mut used: HashMap<(usize, &str), bool> = HashMap::new();
    for allowance in &allowances {
        used.extend(allowed(allowance).map(|rule| ((allowance.line, rule), false)));
    }
    findings.retain(|finding| match used.get_mut(&(finding.line, finding.rule)) {
        Some(used) => {
            *used = true;
            false
        }
        None => true,
    });
    let severity = context.settings.rules.get("allow-unused").copied().unwrap_or(Some(Severity::Note));
    let Some(severity) = severity else { return };
    let each = allowances.iter().flat_map(|allowance| allowed(allowance).map(move |rule| (allowance, rule)));
    let is_idle = |allowance: &Allowance<'_>, rule| used.get(&(allowance.line, rule)) == Some(&false);
    let idle = each.filter(|(allowance, rule)| is_idle(allowance, rule) && !email::is_unseen(rule, context));
    let mut idle: Vec<Finding> = idle
        .map(|(allowance, rule)| {
            let message = format!("nothing on line {} needs `{rule}` allowed", allowance.line);
            let mark = context.mark(&allowance.span, message, "take it out of the comment, or the comment out");
            let (rule, span) = ("allow-unused", mark.span);
            Finding { rule, severity, span, line: 0, column: 0, message: mark.message, hint: mark.hint, edits: vec![] }
        })
        .collect();
    if !idle.is_empty() {
        super::locate(context.manuscript.file(), &mut idle);
        findings.extend(idle);
        findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
    }
}
