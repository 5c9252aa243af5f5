//! The email of an issue.

use maud::{Markup, html};

use super::Words;
use super::prose::{Block, Inline, line, prose};
use super::shell::{band, shell};

/// An issue made ready for showing: Markdown read, links judged, numbers and dates written out.
#[derive(Debug, Clone)]
pub struct Page {
    /// BCP 47 language tag of the content.
    pub language: String,
    /// The fixed words.
    pub words: &'static Words,
    /// The newsletter's name.
    pub newsletter: String,
    /// The issue's number, `#104`.
    pub number: Option<String>,
    /// Day of publication, as the readers write it.
    pub date: Option<String>,
    /// The subject of the mail.
    pub subject: String,
    /// The line that an inbox shows behind the subject.
    pub preheader: String,
    /// The headline.
    pub title: Vec<Inline>,
    /// Where this issue is read in a browser.
    pub online_url: Option<String>,
    /// Where all issues are.
    pub archive_url: String,
    /// The reader's own address for leaving.
    pub unsubscribe_url: String,
    /// The sender's street address, line by line.
    pub postal_address: Vec<String>,
    /// What comes before the first section.
    pub intro: Vec<Block>,
    /// The sections.
    pub sections: Vec<Section>,
    /// Earlier issues.
    pub past_issues: Vec<PastEntry>,
    /// Whether each link tells its host; long issues save the bytes.
    pub show_hosts: bool,
}

/// A section, ready for showing.
#[derive(Debug, Clone)]
pub struct Section {
    /// The emoji of its heading.
    pub emoji: Option<String>,
    /// The heading.
    pub title: Vec<Inline>,
    /// Where the heading leads.
    pub url: Option<String>,
    /// What comes before the first entry.
    pub body: Vec<Block>,
    /// The recommended links.
    pub entries: Vec<Entry>,
    /// What comes after the last entry.
    pub after: Vec<Block>,
}

/// A recommended link, ready for showing.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number and what parts it from the title, `1. `.
    pub number: Option<String>,
    /// Its title.
    pub title: Vec<Inline>,
    /// Where it leads.
    pub url: Option<String>,
    /// The host that it leads to, without `www.`.
    pub host: Option<String>,
    /// Stars and tags, `★ 13.5K`, `video`.
    pub remarks: Vec<String>,
    /// What the editor says about it, its pictures at the end.
    pub description: Vec<Block>,
}

/// A link to an earlier issue, ready for showing.
#[derive(Debug, Clone)]
pub struct PastEntry {
    /// Its title.
    pub title: String,
    /// Where it is read.
    pub url: Option<String>,
    /// When it appeared.
    pub date: Option<String>,
}

/// Writes the email of an issue as HTML, its style sheet not yet inlined.
pub fn issue(page: &Page) -> Markup {
    let content = html! {
        (masthead(page))
        h1.display { (line(&page.title)) }
        (prose(&page.intro))
        @for part in &page.sections { (section(page, part)) }
        @if !page.past_issues.is_empty() { (past_issues(page)) }
        (footer(page))
    };
    shell(&page.language, &page.subject, &page.preheader, &content)
}

/// The line on top: name, number, date, read online.
fn masthead(page: &Page) -> Markup {
    let line = html! {
        span.name.display { (page.newsletter) }
        @if let Some(number) = &page.number { span.quiet { " " (number) } }
        @if page.date.is_some() || page.online_url.is_some() {
            br;
            span.quiet {
                @if let Some(date) = &page.date { (date) }
                @if page.date.is_some() && page.online_url.is_some() { " · " }
                @if let Some(url) = &page.online_url { a href=(url) { (page.words.read_online) } }
            }
        }
    };
    band("masthead", &line)
}

fn section(page: &Page, section: &Section) -> Markup {
    html! {
        h2.display {
            @if let Some(emoji) = &section.emoji { span aria-hidden="true" { (emoji) } " " }
            (linked(section.url.as_deref(), &line(&section.title)))
        }
        (prose(&section.body))
        @for part in &section.entries { (entry(page, part)) }
        (prose(&section.after))
    }
}

fn entry(page: &Page, entry: &Entry) -> Markup {
    let host = entry.host.iter().filter(|_| page.show_hosts);
    let source: Vec<&str> = host.chain(&entry.remarks).map(String::as_str).collect();
    html! {
        h3 {
            @if let Some(number) = &entry.number { span.number { (number) } }
            (linked(entry.url.as_deref(), &line(&entry.title)))
        }
        @if !source.is_empty() { p.source { (source.join(" · ")) } }
        (prose(&entry.description))
    }
}

fn past_issues(page: &Page) -> Markup {
    html! {
        h2.display { (page.words.past_issues) }
        @for past in &page.past_issues {
            p {
                (linked(past.url.as_deref(), &html! { (past.title) }))
                @if let Some(date) = &past.date { br; span.quiet { (date) } }
            }
        }
    }
}

/// The end of every issue: why it came, the way out, who sent it.
fn footer(page: &Page) -> Markup {
    let lines = html! {
        p { ((page.words.why)(&page.newsletter)) }
        p {
            a href=(page.unsubscribe_url) { (page.words.unsubscribe) }
            " · "
            a href=(page.archive_url) { (page.words.all_issues) }
        }
        (postal_address(&page.postal_address))
    };
    html! { div.gap { (band("footer", &lines)) } }
}

/// A street address, line by line.
pub(super) fn postal_address(lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            p {
                @for (index, line) in lines.iter().enumerate() {
                    @if index > 0 { br; }
                    (line)
                }
            }
        }
    }
}

fn linked(url: Option<&str>, text: &Markup) -> Markup {
    html! {
        @match url {
            Some(url) => a href=(url) { (text) },
            None => (text),
        }
    }
}
