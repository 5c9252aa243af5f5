//! The web view of caught mail: a list, and a page per mail.

use maud::{DOCTYPE, Markup, html};

/// A mail in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtLine {
    /// Its number, from 1, in the order of arrival.
    pub number: usize,
    /// The recipients in the envelope.
    pub to: String,
    /// The decoded subject.
    pub subject: String,
    /// When it came, for people.
    pub when: String,
    /// Whether the catcher took it.
    pub accepted: bool,
}

/// A mail on its own page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtMail {
    /// Number, recipients, subject, time.
    pub line: CaughtLine,
    /// The sender's address in the envelope.
    pub from: String,
    /// Header names with their raw values.
    pub headers: Vec<(String, String)>,
    /// Whether there is an HTML part to frame.
    pub has_html: bool,
    /// The decoded text part.
    pub text: Option<String>,
}

/// The looks of both pages.
pub const CSS: &str = "
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td { overflow-wrap: anywhere; }
iframe { width: 100%; height: 45rem; border: 1px solid #ccc; background: #fff; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: 1rem; }
.refused { color: #a00; }
";

/// The list of caught mail, `lines` newest first, of `total` in all.
pub fn list(lines: &[CaughtLine], total: usize) -> Markup {
    let shown = lines.len();
    page(
        "Caught mail",
        html! {
            h1 { "Caught mail" }
            @if lines.is_empty() {
                p { "Nothing yet. Every mail that is sent to this catcher appears here, and goes nowhere else." }
            } @else {
                p { (total) " caught" @if shown < total { ", the newest " (shown) " shown" } ". None of it went anywhere else." }
                table {
                    thead { tr { th { "To" } th { "Subject" } th { "When" } } }
                    tbody {
                        @for line in lines {
                            tr {
                                td { (line.to) }
                                td { a href={ "/mail/" (line.number) } { (subject(line)) } (refused(line)) }
                                td { (line.when) }
                            }
                        }
                    }
                }
            }
        },
    )
}

/// The page of one mail.
pub fn mail(mail: &CaughtMail) -> Markup {
    let line = &mail.line;
    page(
        subject(line),
        html! {
            p { a href="/" { "Caught mail" } }
            h1 { (subject(line)) (refused(line)) }
            p { "From " (mail.from) " to " (line.to) ", " (line.when) ". " a href={ "/mail/" (line.number) "/raw" } { "Download" } }
            @if mail.has_html {
                h2 { "HTML" }
                iframe title="HTML part" sandbox="allow-popups allow-popups-to-escape-sandbox" src={ "/mail/" (line.number) "/html" } {}
            }
            @if let Some(text) = &mail.text {
                h2 { "Text" }
                pre { (text) }
            }
            h2 { "Headers" }
            table {
                @for (name, value) in &mail.headers {
                    tr { th scope="row" { (name) } td { (value) } }
                }
            }
        },
    )
}

fn subject(line: &CaughtLine) -> &str {
    if line.subject.is_empty() { "(no subject)" } else { &line.subject }
}

fn refused(line: &CaughtLine) -> Markup {
    html! { @if !line.accepted { " " span.refused { "not accepted" } } }
}

fn page(title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) }
                link rel="stylesheet" href="/style.css";
            }
            body { (content) }
        }
    }
}
