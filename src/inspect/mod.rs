//! What an operator wants to know of a finished email before it leaves.
//!
//! Everything here looks at the HTML or the message itself, as any client gets it, and needs no marks in them:
//!
//! ```text
//! html ─outline→ which part is where, and its line in the issue's file
//!      ├─clients, contrast, access→ findings
//!      └─modes, views→ the email in the dark, without images, without style
//! message ─headers→ fields, MIME tree, findings
//! ```

// reading HTML and CSS
mod cascade;
mod colour;
mod css;
mod edits;
pub mod markup;
mod media;
mod selector;

// where things are
mod lines;
mod outline;

// the email as clients show it
mod inbox;
mod modes;
mod views;

// what is wrong with it
mod access;
mod clients;
mod contrast;
mod headers;

pub use clients::{CLIENTS, Client, Feature, Gap, Lack, data_version, gaps};
pub use colour::Colour;
pub use contrast::{Contrast, contrast};
pub use headers::{Expected, Field, Headers, MimePart, headers};
pub use inbox::{InboxRow, PROGRAMS, Program, inbox};
pub use modes::{Force, Mode, author_dark, forced_dark, light};
pub use outline::{Clip, Outline, Part, Place, Size};
pub use views::{placeholders, without_images, without_style};

pub use crate::issue::check::Severity;

use crate::issue::Manuscript;
use crate::issue::check::Remark;
use crate::render;
use crate::theme::Theme;

/// Something that a client or a reader will stumble over.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule that found it, `email-contrast`.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// The clients that it is about; none where it is about all.
    pub clients: Vec<&'static str>,
    /// The colours in which it is seen; none where it is seen in all.
    pub mode: Option<Mode>,
    /// The byte of the HTML where it is first; none where it is about the message's head.
    pub at: Option<usize>,
    /// The line of the issue's file that it comes from, where that is known.
    pub line: Option<usize>,
}

impl Finding {
    fn new(
        rule: &'static str,
        severity: Severity,
        at: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            message: message.into(),
            hint: hint.into(),
            clients: Vec::new(),
            mode: None,
            at: Some(at),
            line: None,
        }
    }
}

/// What there is to say of the email that an issue makes, and of the theme's style sheet, for
/// [`check`](crate::issue::check).
pub fn remarks(manuscript: &Manuscript, html: &str, theme: &Theme) -> Vec<Remark> {
    let style = render::style_warnings(theme).into_iter().map(|warning| Remark {
        rule: "style-sheet",
        severity: Severity::Warning,
        line: None,
        message: warning.to_string(),
        hint: "mend the file that `css` in the newsletter's theme names, or `--css`".to_owned(),
    });
    let email = inspect(html, &Outline::of(manuscript, html)).into_iter().map(|finding| Remark {
        rule: finding.rule,
        severity: finding.severity,
        line: finding.line,
        message: finding.message,
        hint: finding.hint,
    });
    style.chain(email).collect()
}

/// Checks the HTML of an email: support by clients, contrast, accessibility. In the order of the HTML.
pub fn inspect(html: &str, outline: &Outline) -> Vec<Finding> {
    let mut findings = clients::check(html);
    findings.extend(contrast::check(html));
    findings.extend(access::check(html));
    for finding in &mut findings {
        finding.line = finding.at.and_then(|at| outline.remark_line(at));
    }
    findings.sort_by_key(|finding| finding.at);
    findings
}
