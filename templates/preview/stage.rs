//! What leaves: in every width and colour, as text, in the inbox, as a message, and what changed.

use maud::{Markup, html};

use super::{Preview, kilobytes};

/// What leaves.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// The subject.
    pub subject: &'a str,
    /// Bytes of the HTML part.
    pub html_bytes: usize,
    /// The text part.
    pub text: String,
    /// How inboxes list it.
    pub inbox: Vec<InboxRow>,
    /// The ways in which clients make it dark.
    pub shades: &'a [Shade],
    /// Header names with their values, decoded.
    pub headers: Vec<(String, String)>,
    /// The tree of MIME parts, the outer ones first.
    pub parts: Vec<Part>,
    /// What the bytes of the HTML part are spent on.
    pub shares: Vec<Share>,
    /// Where Gmail stops showing: the bytes it shows, and the item that it cuts.
    pub clip: (usize, Option<String>),
    /// What is new since earlier versions.
    pub changes: Vec<Changes>,
}

/// How one client lists the email.
#[derive(Debug, Clone)]
pub struct InboxRow {
    /// The client.
    pub client: &'static str,
    /// Whether it is as narrow as a phone.
    pub is_phone: bool,
    /// The sender's name.
    pub from: String,
    /// As much of the subject as it shows.
    pub subject: String,
    /// As much of the preheader as it shows.
    pub preheader: String,
}

/// One way of being dark.
#[derive(Debug, Clone)]
pub struct Shade {
    /// The word in the frame's address.
    pub view: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Which clients do it.
    pub clients: &'static str,
    /// The lowest contrast of words with what is behind them.
    pub lowest: f64,
    /// Pairs of colours that are too close.
    pub poor: Vec<Poor>,
}

/// Two colours that are too close.
#[derive(Debug, Clone)]
pub struct Poor {
    /// The words, shortened.
    pub words: String,
    /// The words' colour.
    pub text: String,
    /// The colour behind them.
    pub background: String,
    /// The contrast.
    pub ratio: f64,
}

/// One MIME part.
#[derive(Debug, Clone)]
pub struct Part {
    /// How deep it lies in others.
    pub depth: usize,
    /// Its type, with the character set.
    pub kind: String,
    /// Its transfer encoding.
    pub encoding: String,
    /// Its encoded bytes.
    pub bytes: usize,
}

/// What some of the HTML's bytes are spent on.
#[derive(Debug, Clone)]
pub struct Share {
    /// A section's title, or `head`, `footer`.
    pub name: String,
    /// The bytes.
    pub bytes: usize,
    /// Its line in the file.
    pub line: Option<usize>,
}

/// What is new since an earlier version.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Since what.
    pub since: String,
    /// The lines of what can be read; none where there is nothing to compare with.
    pub lines: Option<Vec<Change>>,
    /// What lines do not show.
    pub notes: Vec<String>,
}

/// A line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// In both.
    Same(String),
    /// Only in the new.
    Added(String),
    /// Only in the old.
    Removed(String),
    /// Lines in both that are left out.
    Skipped(usize),
}

/// Widths of a small phone, a usual one, the letter itself, and a desktop's pane.
const WIDTHS: [(u32, &str); 4] = [(320, "small phone"), (375, "phone"), (600, "the letter"), (800, "desktop")];

/// The views; the style sheet shows the one that is chosen.
pub(super) fn stage(page: &Preview<'_>, letter: &Letter<'_>) -> Markup {
    html! {
        section.view.widths tabindex="0" aria-label="Widths" {
            label.zoom hidden { input #fit type="checkbox" checked; " All widths within the window" }
            div.sheets {
                @for (width, device) in WIDTHS {
                    (frame(page, "light", width, &format!("{width} px"), html! { (device) }))
                }
            }
        }
        section.view.dark tabindex="0" aria-label="Dark" {
            div.sheets {
                @for shade in letter.shades { (frame(page, shade.view, 400, shade.name, shade_note(shade))) }
            }
        }
        section.view.bare tabindex="0" aria-label="Bare" {
            div.sheets {
                (frame(page, "no-images", 600, "Images off", html! { "as many clients begin" }))
                (frame(page, "no-style", 600, "Without <style>", html! { "Gmail with another provider's account" }))
            }
        }
        section.view.text aria-label="Text part" data-part="text" {
            figure { figcaption { b { "Text part" } " 72 columns" } pre.letter tabindex="0" { (letter.text) } }
        }
        section.view.inbox aria-label="Inbox" data-part="inbox" { (inbox(&letter.inbox)) }
        section.view.message aria-label="Message" data-part="message" { (message(page, letter)) }
        section.view.changes aria-label="Changes" data-part="changes" {
            @for changes in &letter.changes { (comparison(changes)) }
        }
    }
}

/// The email in a frame: no script runs in it, and nothing is loaded unless asked for.
fn frame(page: &Preview<'_>, view: &str, width: u32, name: &str, note: Markup) -> Markup {
    let images = if page.images { "&images=1" } else { "" };
    let source = format!("email.html?view={view}&reader={}{images}&version={}", page.reader, page.version);
    html! {
        figure class={ "w" (width) } data-width=(width) {
            figcaption data-part={ "caption-" (view) (width) } { b { (name) } " " (note) }
            iframe title={ "The email, " (name) } tabindex="-1" sandbox="allow-same-origin" loading="lazy" src=(source) {}
        }
    }
}

fn shade_note(shade: &Shade) -> Markup {
    html! {
        (shade.clients)
        span.contrast.poor[!shade.poor.is_empty()] { "lowest contrast " (format!("{:.1}", shade.lowest)) ":1" }
        @if !shade.poor.is_empty() {
            ul {
                @for pair in &shade.poor {
                    li { (format!("{:.1}", pair.ratio)) ":1 “" (pair.words) "” " code { (pair.text) " on " (pair.background) } }
                }
            }
        }
    }
}

fn inbox(rows: &[InboxRow]) -> Markup {
    html! {
        @for row in rows {
            figure.phone[row.is_phone] {
                figcaption { b { (row.client) } }
                div.row {
                    span.face aria-hidden="true" { (row.from.chars().find(|c| c.is_alphanumeric()).unwrap_or('·')) }
                    div.words dir="auto" {
                        span.from { (row.from) }
                        span.subject { (row.subject) }
                        span.preheader { (row.preheader) }
                    }
                }
            }
        }
    }
}

fn message(page: &Preview<'_>, letter: &Letter<'_>) -> Markup {
    let (limit, cut) = &letter.clip;
    let whole = letter.html_bytes.max(1);
    html! {
        div.card {
            h2 { "Size" }
            p {
                (kilobytes(letter.html_bytes)) " of HTML; Gmail shows " (kilobytes(*limit)) ". "
                @match cut {
                    Some(item) => b.alarm { "It is clipped in “" (item) "”, and the way to unsubscribe is hidden." },
                    None => "It is shown whole.",
                }
            }
            table.shares {
                @for share in &letter.shares {
                    tr {
                        th scope="row" {
                            @match share.line { Some(line) => (line_link(line, &share.name)), None => (share.name) }
                        }
                        td.bar { meter min="0" max=(whole) value=(share.bytes) aria-label=(share.name) {} }
                        td.number { (kilobytes(share.bytes)) }
                    }
                }
            }
        }
        div.card {
            h2 { "Headers" }
            table.headers {
                @for (name, value) in &letter.headers { tr { th scope="row" { (name) } td { (value) } } }
            }
        }
        div.card {
            h2 { "Parts" }
            ul.parts {
                @for part in &letter.parts {
                    li class={ "depth" (part.depth.min(4)) } {
                        code { (part.kind) } " " span.quiet { (part.encoding) " · " (kilobytes(part.bytes)) }
                    }
                }
            }
            p { a.button href={ "issue.eml?reader=" (page.reader) } download { "Download the .eml" } }
        }
    }
}

fn comparison(changes: &Changes) -> Markup {
    html! {
        figure {
            figcaption { b { "Since " (changes.since) } }
            @for note in &changes.notes { p.note { (note) } }
            @match &changes.lines {
                None => p.none { "There is nothing to compare with." },
                Some(lines) if lines.is_empty() && changes.notes.is_empty() => p.none { "Nothing changed." },
                Some(lines) if lines.is_empty() => p.none { "No words, links, pictures or headers changed." },
                Some(lines) => pre.diff tabindex="0" {
                    @for line in lines {
                        @match line {
                            Change::Same(text) => span.same { "  " (text) "\n" },
                            Change::Added(text) => ins { "+ " (text) "\n" },
                            Change::Removed(text) => del { "- " (text) "\n" },
                            Change::Skipped(lines) => span.skipped { "  … " (lines) " lines\n" },
                        }
                    }
                },
            }
        }
    }
}

/// A link to a line of the file.
pub(super) fn line_link(line: usize, text: &str) -> Markup {
    html! { a href={ "#L" (line) } data-line=(line) { (text) } }
}
