//! maud templates: functions from values to markup.
//!
//! [`Page`] is an issue made ready for showing; [`issue`] writes it as HTML, `render` writes its text twin.

pub mod catcher;
mod columns;
mod direction;
mod issue;
mod notice;
pub mod pages;
pub mod preview;
mod prose;
mod report;
mod script;
mod shell;
mod style;
mod table;
mod words;

pub use issue::{Entry, Heading, Page, PastEntry, Section, issue};
pub use notice::{Letter, notice};
pub use prose::{Block, CodeKind, Inline, Picture, TextStyle};
pub use report::report;
pub use style::{STYLE as EMAIL_STYLE, Style, is_variable};
pub use table::{Side, Table};
pub use words::Words;

use maud::PreEscaped;

/// Markup that is compiled in; the one place that skips escaping, and no content can have this type.
fn verbatim(markup: &'static str) -> PreEscaped<&'static str> {
    PreEscaped(markup)
}

/// A style sheet; without `<` none can end its element.
fn css(sheet: &str) -> PreEscaped<String> {
    PreEscaped(sheet.replace('<', ""))
}

/// The table that holds the column in Outlook for Windows, which knows no `max-width`.
fn outlook_column(width: u16) -> PreEscaped<String> {
    PreEscaped(format!(
        "<!--[if mso]><table role=\"presentation\" width=\"{width}\" align=\"center\" cellpadding=\"0\" \
         cellspacing=\"0\" border=\"0\"><tr><td><![endif]-->"
    ))
}
