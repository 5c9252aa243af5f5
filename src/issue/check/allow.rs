//! Allowances: `<!-- masthead: allow link-http: the site has no https -->`.
//!
//! One counts for the line it is on; alone on its line, for the next line with words.

use std::collections::HashMap;

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
    span: std::ops::Range<usize>,
    rule: &'a str,
    reason: &'a str,
    /// The line that it is for.
    line: usize,
}

fn allowances<'a>(context: &'a Context<'_>) -> Vec<Allowance<'a>> {
    let manuscript = context.manuscript;
    let read = |span: &std::ops::Range<usize>| {
        let inner = manuscript.slice(span).strip_prefix("<!--")?.strip_suffix("-->")?.trim();
        let (rule, reason) = inner
            .strip_prefix("masthead:")
            .and_then(|rest| rest.trim_start().strip_prefix("allow"))
            .map(|rest| rest.split_once([':', '：']).unwrap_or((rest, "")))?;
        let own = manuscript.line(span.start);
        let alone = manuscript.line_span(own) == *span;
        let mut line = own + usize::from(alone);
        while alone && manuscript.line_span(line).is_empty() && line < manuscript.line(manuscript.text.len()) {
            line += 1;
        }
        Some(Allowance { span: span.clone(), rule: rule.trim(), reason: reason.trim(), line })
    };
    manuscript.comments.iter().filter_map(read).collect()
}

fn is_sound(allowance: &Allowance<'_>) -> bool {
    !allowance.reason.is_empty() && rules().any(|rule| rule.id == allowance.rule)
}

fn no_reason(context: &Context<'_>) -> Vec<Mark> {
    let unsound = |allowance: Allowance<'_>| {
        let known = rules().any(|rule| rule.id == allowance.rule);
        let (message, hint) = match known {
            _ if is_sound(&allowance) => return None,
            true => (
                "this allowance gives no reason, so it allows nothing".to_owned(),
                format!("write `<!-- masthead: allow {}: why -->`", allowance.rule),
            ),
            false => (
                format!("there is no rule `{}` to allow", allowance.rule),
                "`masthead check --rules` lists the rules".to_owned(),
            ),
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
    for allowance in allowances.iter().filter(|allowance| is_sound(allowance)) {
        used.insert((allowance.line, allowance.rule), false);
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
    let is_idle = |allowance: &&Allowance<'_>| used.get(&(allowance.line, allowance.rule)) == Some(&false);
    let idle = allowances.iter().filter(is_idle).filter(|allowance| !email::is_unseen(allowance.rule, context));
    let mut idle: Vec<Finding> = idle
        .map(|allowance| {
            let message = format!("nothing on line {} needs `{}` allowed", allowance.line, allowance.rule);
            let mark = context.mark(&allowance.span, message, "take the comment out");
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
