//! What clients and readers stumble over in the email that an issue makes, as findings about the issue's lines.

use crate::inspect::{self, Outline};
use crate::issue::Manuscript;
use crate::issue::check::{self, Finding};

/// Adds what is found in the email to what was found in the file, in the order of the file.
pub(super) fn inspect(manuscript: &Manuscript, html: &str, findings: &mut Vec<Finding>) {
    let outline = Outline::of(&manuscript.issue, html);
    findings.extend(inspect::inspect(html, &outline).into_iter().map(|found| Finding {
        rule: found.rule,
        severity: found.severity,
        span: manuscript.line_in_file(found.line),
        line: 0,
        column: 0,
        message: found.message,
        hint: found.hint,
        edits: Vec::new(),
    }));
    findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
    check::locate(manuscript.file(), findings);
}
