//! The operator's page around an email.

use maud::{DOCTYPE, Markup, html};

/// Its style sheet.
pub const STYLE: &str = include_str!("preview.css");

/// Its script: reloads when the issue changed.
pub const SCRIPT: &str = include_str!("preview.js");

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub enum Preview<'a> {
    /// An email.
    Email {
        /// The file's name.
        file: &'a str,
        /// From whom.
        from: &'a str,
        /// The subject.
        subject: &'a str,
        /// The line behind it.
        preheader: &'a str,
        /// The text part, slots filled.
        text: &'a str,
        /// Bytes of the HTML part.
        html_bytes: usize,
    },
    /// Why there is none.
    Failure {
        /// The file's name.
        file: &'a str,
        /// What is wrong, and the remedy.
        error: &'a str,
    },
}

/// Writes the page; `version` is what the script waits to change.
pub fn preview(shown: Preview<'_>, version: u64) -> Markup {
    let file = match shown {
        Preview::Email { file, .. } | Preview::Failure { file, .. } => file,
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (file) " · Masthead" }
                link rel="stylesheet" href="preview.css";
                script src="preview.js" data-version=(version) defer {}
            }
            body {
                @match shown {
                    Preview::Email { from, subject, preheader, text, html_bytes, .. } => {
                        (header(file, from, subject, preheader))
                        main {
                            section.mail aria-label="HTML part" {
                                h2 { "HTML " span.note { (kilobytes(html_bytes)) } }
                                iframe title="The email" src={ "email.html?" (version) } sandbox="" {}
                            }
                            section.text aria-label="Text part" {
                                h2 { "Text " span.note { (kilobytes(text.len())) } }
                                pre { (text) }
                            }
                        }
                    },
                    Preview::Failure { error, .. } => {
                        main.failure role="alert" {
                            h1 { (file) " cannot be shown" }
                            pre { (error) }
                            p { "Mend the file and save it; this page follows." }
                        }
                    },
                }
            }
        }
    }
}

/// The mail as an inbox lists it, and the widths to try.
fn header(file: &str, from: &str, subject: &str, preheader: &str) -> Markup {
    html! {
        header {
            div.inbox {
                p.from { (from) }
                h1 { (subject) }
                p.preheader { (preheader) }
            }
            fieldset {
                legend { (file) }
                @for (name, id, checked) in [("Phone", "phone", false), ("Tablet", "tablet", true), ("Wide", "wide", false)] {
                    label { input type="radio" name="width" id=(id) checked[checked]; " " (name) }
                }
            }
        }
    }
}

/// `41.3 KB`.
fn kilobytes(bytes: usize) -> String {
    format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100)
}
