//! The operator's page around an email: everything that will leave, before it leaves.
//!
//! The page needs its script only to follow the file, to fit the frames and to jump to a line; the forms work without.

mod desk;
mod stage;

use maud::{DOCTYPE, Markup, html};

pub use desk::{Approval, Desk, Finding, Group, Note};
pub use stage::{Change, Changes, InboxRow, Letter, Part, Poor, Shade, Share};

/// Its style sheet.
pub const STYLE: &str = include_str!("page.css");

/// Its script.
pub const SCRIPT: &str = include_str!("page.js");

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Preview<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Counts the changes of the files; the script waits for another.
    pub version: u64,
    /// Who reads it, as asked for.
    pub reader: usize,
    /// The sample readers.
    pub readers: &'a [&'a str],
    /// Whether images are loaded.
    pub images: bool,
    /// Why the email is not what the files say now.
    pub trouble: Option<&'a Trouble>,
    /// Why the newsletter is none that is configured.
    pub unconfigured: Option<&'a str>,
    /// The email, or why there is none.
    pub shown: Result<Email<'a>, Trouble>,
}

/// Why there is no email of what the files say now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The file at fault, with its line where that is known: `mail.css, line 2`.
    pub place: String,
    /// What is wrong with it, and the remedy.
    pub what: String,
}

/// An email, and all that can be said of it.
#[derive(Debug, Clone)]
pub struct Email<'a> {
    /// The newsletter's name.
    pub newsletter: &'a str,
    /// What leaves.
    pub letter: Letter<'a>,
    /// What to look at, the gravest first.
    pub findings: Vec<Group>,
    /// The lines of the file.
    pub source: Vec<&'a str>,
    /// Approving and proofs.
    pub desk: Desk,
}

/// The views of the stage: id and name.
const VIEWS: [(&str, &str); 7] = [
    ("widths", "Widths"),
    ("dark", "Dark"),
    ("bare", "Bare"),
    ("text", "Text"),
    ("inbox", "Inbox"),
    ("message", "Message"),
    ("changes", "Changes"),
];

/// Writes the page.
pub fn preview(page: &Preview<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.file) " · Masthead" }
                link rel="stylesheet" href="page.css";
                script src="page.js" defer {}
            }
            body data-version=(page.version) data-kind=(if page.shown.is_ok() { "email" } else { "failure" }) {
                p.banner.lost role="alert" hidden { "The preview has ended. What is here is what it showed last." }
                @match &page.shown {
                    Ok(email) => (desk_page(page, email)),
                    Err(trouble) => (failure(page.file, trouble)),
                }
            }
        }
    }
}

fn desk_page(page: &Preview<'_>, email: &Email<'_>) -> Markup {
    html! {
        a.skip href="#panel-findings" { "To findings, source and approval" }
        header {
            div.title data-part="title" {
                h1 { (email.letter.subject) }
                p { (page.file) " · " (email.newsletter) " · " (kilobytes(email.letter.html_bytes)) " of HTML" }
            }
            fieldset.tabs {
                legend.unseen { "View" }
                @for (at, (id, name)) in VIEWS.into_iter().enumerate() { (tab("view", id, name, at == 0)) }
            }
            (looks(page))
        }
        div.banners role="status" data-part="banners" { (banners(page)) }
        main tabindex="0" aria-label="The email" {
            (stage::stage(page, &email.letter))
        }
        aside aria-label="Findings, source and approval" {
            (desk::desk(page.file, email))
        }
    }
}

/// What is odd about all that the page shows.
fn banners(page: &Preview<'_>) -> Markup {
    html! {
        @if let Some(trouble) = page.trouble {
            div.banner.trouble {
                p { b { "This is the email as it was before. To be mended: " (trouble.place) } }
                pre { (trouble.what) }
            }
        }
        @if let Some(why) = page.unconfigured {
            div.banner {
                p {
                    b { "This is a sample newsletter: " } (why)
                    " Sender, addresses, looks and digest are not those of your newsletter."
                }
            }
        }
    }
}

/// Whose copy, and with which images.
fn looks(page: &Preview<'_>) -> Markup {
    html! {
        form.looks method="get" {
            label { "Reader "
                select name="reader" {
                    @for (at, reader) in page.readers.iter().enumerate() {
                        option value=(at) selected[at == page.reader] { (reader) }
                    }
                }
            }
            label { input type="checkbox" name="images" value="1" checked[page.images]; " Load images" }
            noscript { button { "Show" } }
        }
    }
}

fn failure(file: &str, trouble: &Trouble) -> Markup {
    html! {
        main.failure role="alert" data-part="failure" {
            h1 { "No email of " (file) " yet. To be mended: " (trouble.place) }
            pre { (trouble.what) }
            p { "Mend it and save it; this page follows." }
        }
    }
}

/// One of several, chosen by keyboard too.
fn tab(group: &str, id: &str, name: &str, first: bool) -> Markup {
    html! {
        label.tab { input type="radio" name=(group) id={ (group) "-" (id) } checked[first]; span { (name) } }
    }
}

/// `41.3 KB`, of 1,024 bytes as in the findings.
fn kilobytes(bytes: usize) -> String {
    let tenths = bytes * 10 / 1024;
    format!("{}.{} KB", tenths / 10, tenths % 10)
}
