//! The email of an issue.

use maud::{Markup, html};

use super::Words;
use super::direction::Direction;
use super::prose::{Block, Inline, Setting, class, dir, line, prose};
use super::script::Script;
use super::shell::{Head, band, nameplate, postal_address, shell};
use super::style::{Style, inner_width};
use crate::theme::{Layout, Theme};

/// An issue made ready for showing: Markdown read, links judged, numbers and dates written out.
#[derive(Debug, Clone)]
pub struct Page {
    /// Colours, fonts and what else the newsletter chose.
    pub theme: Theme,
    /// How the issue is laid out.
    pub layout: Layout,
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
    /// What stands over the earlier issues.
    pub past_issues_heading: Heading,
    /// Earlier issues.
    pub past_issues: Vec<PastEntry>,
    /// Whether there are so many links that each must be short: without its host, in a plainer style.
    pub is_long: bool,
}

/// The heading of a section, ready for showing; without a title there is none.
#[derive(Debug, Clone, Default)]
pub struct Heading {
    /// The emoji before it.
    pub emoji: Option<String>,
    /// Its words.
    pub title: Vec<Inline>,
    /// Where it leads.
    pub url: Option<String>,
}

/// A section, ready for showing.
#[derive(Debug, Clone)]
pub struct Section {
    /// What stands over it.
    pub heading: Heading,
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
    /// What the editor says about it, its footnotes at the end.
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
pub fn issue(page: &Page, style: &Style) -> Markup {
    let direction = match Script::of(&page.language) {
        Script::RightToLeft => Direction::RightToLeft,
        _ => Direction::LeftToRight,
    };
    let setting = Setting::new(inner_width(&page.theme), page.words.colon, direction);
    let turned = setting.turned(&page.title);
    let content = html! {
        (masthead(page))
        h1 class=[class(Some("display"), turned)] dir=[dir(turned)] { (line(&page.title)) }
        @match page.layout {
            Layout::Roundup if !page.intro.is_empty() => div.lead { (prose(setting, &page.intro)) },
            _ => (prose(setting, &page.intro)),
        }
        @for part in &page.sections { (section(page, setting, part)) }
        @if !page.past_issues.is_empty() { (past_issues(page, setting)) }
        (footer(page))
    };
    let head = Head {
        theme: &page.theme,
        style,
        language: &page.language,
        subject: &page.subject,
        preheader: &page.preheader,
        class: (page.layout == Layout::Letter).then_some("essay"),
    };
    shell(head, &content)
}

/// The line on top: name, number, date, read online.
fn masthead(page: &Page) -> Markup {
    let edition = html! {
        @if page.number.is_some() || page.date.is_some() || page.online_url.is_some() {
            span.quiet {
                @if let Some(number) = &page.number { (number) }
                @if page.number.is_some() && page.date.is_some() { " · " }
                @if let Some(date) = &page.date { (fixed(page, date)) }
                @if page.online_url.is_some() && (page.number.is_some() || page.date.is_some()) { br; }
                @if let Some(url) = &page.online_url { a href=(url) { (page.words.read_online) } }
            }
        }
    };
    band(Some("masthead"), &[("nameplate", nameplate(&page.theme, &page.newsletter)), ("edition", edition)])
}

fn section(page: &Page, setting: Setting, section: &Section) -> Markup {
    html! {
        (heading(setting, &section.heading))
        (prose(setting, &section.body))
        @for part in &section.entries { (entry(page, setting, part, section.heading.title.is_empty())) }
        (prose(setting, &section.after))
    }
}

fn heading(setting: Setting, heading: &Heading) -> Markup {
    let turned = setting.turned(&heading.title);
    html! {
        @if !heading.title.is_empty() {
            h2 class=[class(Some("display"), turned)] dir=[dir(turned)] {
                @if let Some(emoji) = &heading.emoji { span aria-hidden="true" { (emoji) } " " }
                (linked(heading.url.as_deref(), setting, &line(&heading.title)))
            }
        }
    }
}

/// A recommended link; `at_top` where no section's heading stands over it: then no level may be skipped.
fn entry(page: &Page, setting: Setting, entry: &Entry, at_top: bool) -> Markup {
    let host = entry.host.as_ref().filter(|_| !page.is_long);
    let turned = setting.turned(&entry.title);
    let dir = dir(turned);
    let title = html! {
        @if let Some(number) = &entry.number {
            span.number { (number) }
            // without a space spam filters take `1、` and the title for one word with a tag hidden in it
            @if !number.ends_with(' ') { " " }
        }
        (linked(entry.url.as_deref(), setting, &line(&entry.title)))
    };
    html! {
        @if !entry.title.is_empty() {
            @if at_top { h2 class=[class(Some("item"), turned)] dir=[dir] { (title) } }
            @else { h3 class=[class(None, turned)] dir=[dir] { (title) } }
        }
        @if host.is_some() || !entry.remarks.is_empty() {
            p class=[class(Some("source"), turned)] dir=[dir] {
                @if let Some(host) = host { (never_turned(setting, host)) }
                @for (index, remark) in entry.remarks.iter().enumerate() {
                    @if index > 0 || host.is_some() { " · " }
                    (remark)
                }
            }
        }
        (prose(setting, &entry.description))
    }
}

/// Fixed words among others, which may run the other way.
fn fixed(page: &Page, words: &str) -> Markup {
    html! {
        @match page.words.direction_in(&page.language) {
            Some(direction) => span dir=(direction) { (words) },
            None => (words),
        }
    }
}

/// A text that runs from left to right in every language.
fn never_turned(setting: Setting, text: &str) -> Markup {
    html! { @match setting.ltr() { Some(ltr) => span dir=(ltr) { (text) }, None => (text) } }
}

fn past_issues(page: &Page, setting: Setting) -> Markup {
    html! {
        (heading(setting, &page.past_issues_heading))
        @for past in &page.past_issues {
            @let turned = setting.turned(&[Inline::Text(past.title.clone())]);
            p class=[class(None, turned)] dir=[dir(turned)] {
                (linked(past.url.as_deref(), setting, &html! { (past.title) }))
                @if let Some(date) = &past.date { br; span.quiet { (date) } }
            }
        }
    }
}

/// The end of every issue: why it came, the way out, who sent it.
fn footer(page: &Page) -> Markup {
    let direction = page.words.direction_in(&page.language);
    let lines = html! {
        p dir=[direction] { ((page.words.why)(&page.newsletter)) }
        p dir=[direction] {
            a href=(page.unsubscribe_url) { (page.words.unsubscribe) }
            " · "
            a href=(page.archive_url) { (page.words.all_issues) }
        }
        (postal_address(&page.postal_address))
    };
    html! { div.gap { (band(None, &[("footer", lines)])) } }
}

fn linked(url: Option<&str>, setting: Setting, text: &Markup) -> Markup {
    html! {
        @match url {
            Some(url) => a href=(url) { @match setting.auto() { Some(auto) => span dir=(auto) { (text) }, None => (text) } },
            None => (text),
        }
    }
}
