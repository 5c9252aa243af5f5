//! maud templates: functions from values to markup.
//!
//! [`Page`] is an issue made ready for showing; [`issue`] writes it as HTML, `render` writes its text twin.

pub mod catcher;
mod confirmation;
mod issue;
pub mod pages;
mod preview;
mod prose;
mod report;
mod shell;
mod words;

pub use confirmation::confirmation;
pub use issue::{Entry, Page, PastEntry, Section, issue};
pub use preview::{Preview, SCRIPT as PREVIEW_SCRIPT, STYLE as PREVIEW_STYLE, preview};
pub use prose::{Block, Inline, Picture};
pub use report::report;
pub use shell::STYLE as EMAIL_STYLE;
pub use words::Words;

use maud::PreEscaped;

/// Markup that is compiled in; the one place that skips escaping, and no content can have this type.
fn verbatim(markup: &'static str) -> PreEscaped<&'static str> {
    PreEscaped(markup)
}
