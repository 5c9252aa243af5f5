//! Issue → Page: Markdown read, links judged, numbers and dates written out.

use comrak::Arena;

use super::emoji::heading;
use super::link::{clean, host, link, one_line};
use super::markdown::{self, Level, Reading};
use super::notes::Notes;
use super::{Slot, text};
use crate::issue::{self, Issue, PastIssue};
use crate::newsletter::Newsletter;
use crate::templates::{Block, Entry, Heading, Inline, Page, PastEntry, Section, Words};
use crate::theme::Layout;

/// Beyond so many links, hosts and a finer style cost too many bytes.
const LONG: usize = 60;

/// Columns of a preheader that no editor wrote; inboxes show 40 to 140.
const PREHEADER_COLUMNS: usize = 140;

/// Makes the page of an issue; `seal` is what the markers of its slots are made with.
pub(super) fn page(issue: &Issue, newsletter: &Newsletter, seal: &str) -> Page {
    let words = Words::of(&newsletter.language);
    let arena = Arena::new();
    let reading = Reading { arena: &arena, seal, words };
    let layout = issue.layout.or(newsletter.theme.layout).unwrap_or_else(|| layout(issue));
    let name = one_line(&newsletter.name);
    let number = issue.number.map(|number| format!("#{number}"));
    let written = |text: &Option<String>| text.as_deref().map(one_line).filter(|text| !text.is_empty());
    let title = title(issue, newsletter, words);
    let subject = Some(issue.subject_line(Some(newsletter)));
    let mut notes = Notes::of(issue);
    let intro = markdown::read(&issue.intro, Level::Letter, reading, &mut notes);
    let sections = issue.sections.iter().map(|part| section(part, layout, reading, &mut notes));
    let sections: Vec<Section> = sections.collect();
    let links = sections.iter().flat_map(|part| &part.entries).filter(|entry| entry.url.is_some()).count();
    Page {
        language: one_line(&issue.language),
        subject: written(&subject).unwrap_or_else(|| name.clone()),
        preheader: written(&issue.preheader).unwrap_or_else(|| preheader(&intro, &sections)),
        title: heading(&title),
        online_url: issue.number.map(|number| newsletter.issue_url(number)),
        archive_url: newsletter.home_url(),
        unsubscribe_url: Slot::UnsubscribeUrl.marker(seal),
        postal_address: postal_address(newsletter),
        date: issue.date.map(words.date),
        past_issues_heading: past_heading(issue, words),
        past_issues: issue.past_issues.iter().map(|past| past_entry(past, words)).collect(),
        is_long: links + issue.past_issues.len() > LONG,
        newsletter: name,
        theme: newsletter.theme.clone(),
        layout,
        words,
        number,
        intro,
        sections,
    }
}

/// The title with the words before the number that the masthead, which has the newsletter's name, does not say.
fn title(issue: &Issue, newsletter: &Newsletter, words: &Words) -> String {
    let written = |text: Option<&str>| text.map(one_line).filter(|text| !text.is_empty());
    let gap = if words.colon == "：" { "" } else { " " };
    match (written(issue.words_before_number(newsletter)), written(issue.title.as_deref())) {
        (Some(before), Some(title)) => format!("{before}{}{gap}{title}", words.colon),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => {
            let number = issue.number.map(|number| format!(" #{number}")).unwrap_or_default();
            one_line(&newsletter.name) + &number
        }
    }
}

/// The sender's street address, line by line.
pub(super) fn postal_address(newsletter: &Newsletter) -> Vec<String> {
    clean(&newsletter.postal_address).lines().map(one_line).filter(|line| !line.is_empty()).collect()
}

/// What suits an issue: one without items is an essay.
fn layout(issue: &Issue) -> Layout {
    match issue.sections.iter().all(|section| section.items.is_empty()) {
        true => Layout::Letter,
        false => Layout::Roundup,
    }
}

fn section(section: &issue::Section, layout: Layout, reading: Reading, notes: &mut Notes) -> Section {
    let heading = section_heading(&section.title, section.emoji.as_deref(), section.url.as_deref());
    let (body, item) = match heading.title.is_empty() {
        true => (Level::Letter, Level::Section),
        false => (Level::Section, Level::Item),
    };
    Section {
        heading,
        body: markdown::read(&section.body, body, reading, notes),
        entries: section.items.iter().map(|part| entry(part, layout, item, reading, notes)).collect(),
        after: markdown::read(&section.after, body, reading, notes),
    }
}

fn entry(item: &issue::Item, layout: Layout, level: Level, reading: Reading, notes: &mut Notes) -> Entry {
    let url = item.url.as_deref().and_then(link);
    let host = url.as_deref().and_then(host);
    let title = match (one_line(&item.title), &host) {
        (title, Some(host)) if title.is_empty() => vec![Inline::Text(host.clone())],
        (title, _) => heading(&title),
    };
    let stars = item.stars.map(|stars| format!("★ {}", thousands(stars)));
    Entry {
        number: item.number.filter(|_| layout == Layout::Roundup).map(reading.words.number),
        title,
        host,
        url,
        remarks: stars.into_iter().chain(item.tags.iter().map(|tag| one_line(tag))).collect(),
        description: markdown::read_item(item, level, reading, notes),
    }
}

/// The editor's own heading, or the fixed words.
fn past_heading(issue: &Issue, words: &Words) -> Heading {
    let written = issue.past_issues_heading.as_ref();
    let read = |from: &issue::Heading| section_heading(&from.title, from.emoji.as_deref(), from.url.as_deref());
    written
        .map(read)
        .filter(|heading| !heading.title.is_empty())
        .unwrap_or_else(|| Heading { title: vec![Inline::Text(words.past_issues.to_owned())], ..Heading::default() })
}

/// A heading of a section; an emoji that stands alone is its title.
fn section_heading(title: &str, emoji: Option<&str>, url: Option<&str>) -> Heading {
    let emoji = emoji.map(one_line).filter(|emoji| !emoji.is_empty());
    let title = one_line(title);
    Heading {
        title: heading(if title.is_empty() { emoji.as_deref().unwrap_or_default() } else { &title }),
        emoji: emoji.filter(|_| !title.is_empty()),
        url: url.and_then(link),
    }
}

fn past_entry(past: &PastIssue, words: &Words) -> PastEntry {
    PastEntry { title: one_line(&past.title), url: link(&past.url), date: past.date.map(words.date) }
}

/// What an inbox shows where the editor wrote nothing: the first titles, or how a letter begins.
fn preheader(intro: &[Block], sections: &[Section]) -> String {
    let titles: Vec<String> =
        sections.iter().flat_map(|part| &part.entries).map(|entry| text::words_of(&entry.title)).take(8).collect();
    let whole = if titles.is_empty() { text::opening(intro) } else { titles.join(" · ") };
    super::wrap::shorten(&whole, PREHEADER_COLUMNS)
}

/// 13500 is `13.5K`.
fn thousands(count: u64) -> String {
    let (unit, sign) = match count {
        0..1_000 => return count.to_string(),
        1_000..999_950 => (1_000, "K"),
        _ => (1_000_000, "M"),
    };
    let tenths = (u128::from(count) * 10 + unit / 2) / unit;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}{sign}"),
        (whole, tenth) => format!("{whole}.{tenth}{sign}"),
    }
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn stars_are_written_as_people_write_them() {
        let written = [999, 1_000, 2_600, 13_500, 999_949, 999_950, 1_250_000].map(thousands);
        assert_eq!(written, ["999", "1K", "2.6K", "13.5K", "999.9K", "1M", "1.3M"]);
        assert!(thousands(u64::MAX).ends_with('M'));
    }
}
