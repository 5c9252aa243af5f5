//! A short mail to one reader: a confirmation, a welcome, a goodbye.

use maud::{Markup, html};

use super::shell::{Head, band, nameplate, postal_address, shell};
use super::style::Style;
use crate::theme::Theme;

/// What a short mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Subject and heading.
    pub title: String,
    /// What is said first; an inbox shows it behind the subject.
    pub opening: String,
    /// What the reader may do: the words on the button, and where it leads.
    pub button: Option<(String, String)>,
    /// What else there is to know.
    pub closing: Option<String>,
    /// The way out: its words, and where it leads.
    pub unsubscribe: Option<(String, String)>,
}

/// Writes a short mail as HTML, its style sheet not yet inlined.
pub fn notice(theme: &Theme, style: &Style, language: &str, name: &str, address: &[String], letter: &Letter) -> Markup {
    let content = html! {
        (band(Some("masthead"), &[("nameplate alone", nameplate(theme, name))]))
        h1.display { (letter.title) }
        p { (letter.opening) }
        @if let Some((words, url)) = &letter.button {
            table.button role="presentation" cellpadding="0" cellspacing="0" border="0" {
                tbody { tr { td { a href=(url) { (words) } } } }
            }
        }
        @if let Some(closing) = &letter.closing { p.quiet { (closing) } }
        @if !address.is_empty() || letter.unsubscribe.is_some() {
            div.gap { (band(None, &[("footer", footer(address, letter))])) }
        }
    };
    let head = Head { theme, style, language, subject: &letter.title, preheader: &letter.opening, class: None };
    shell(head, &content)
}

fn footer(address: &[String], letter: &Letter) -> Markup {
    html! {
        @if let Some((words, url)) = &letter.unsubscribe { p { a href=(url) { (words) } } }
        (postal_address(address))
    }
}
