//! Issue → Page: Markdown read, links judged, numbers and dates written out.

use super::emoji::heading;
use super::link::{clean, host, link, one_line};
use super::markdown::{self, Level};
use super::text;
use crate::issue::{self, Issue, PastIssue};
use crate::newsletter::Newsletter;
use crate::templates::{Block, Entry, Page, PastEntry, Section, Words};

/// Beyond so many links the hosts cost too many bytes.
const HOSTS_UP_TO: usize = 60;

/// Columns of a preheader that no editor wrote; inboxes show 40 to 140.
const PREHEADER_COLUMNS: usize = 140;

/// Makes the page of an issue; `unsubscribe_url` is a slot's marker.
pub(super) fn page(issue: &Issue, newsletter: &Newsletter, unsubscribe_url: String) -> Page {
    let words = Words::of(&newsletter.language);
    let name = one_line(&newsletter.name);
    let number = issue.number.map(|number| format!("#{number}"));
    let written = |text: &Option<String>| text.as_deref().map(one_line).filter(|text| !text.is_empty());
    let title = written(&issue.title).unwrap_or_else(|| match &number {
        Some(number) => format!("{name} {number}"),
        None => name.clone(),
    });
    let subject = Some(issue.subject_line(&name));
    let intro = markdown::read(&issue.intro, Level::Letter);
    let sections: Vec<Section> = issue.sections.iter().map(|part| section(part, words)).collect();
    let links = sections.iter().flat_map(|part| &part.entries).filter(|entry| entry.url.is_some()).count();
    Page {
        language: one_line(&issue.language),
        subject: written(&subject).unwrap_or_else(|| name.clone()),
        preheader: written(&issue.preheader).unwrap_or_else(|| preheader(&intro, &sections)),
        title: heading(&title),
        online_url: issue.number.map(|number| newsletter.issue_url(number)),
        archive_url: newsletter.home_url(),
        unsubscribe_url,
        postal_address: postal_address(newsletter),
        date: issue.date.map(words.date),
        past_issues: issue.past_issues.iter().map(|past| past_entry(past, words)).collect(),
        show_hosts: links + issue.past_issues.len() <= HOSTS_UP_TO,
        newsletter: name,
        words,
        number,
        intro,
        sections,
    }
}

/// The sender's street address, line by line.
pub(super) fn postal_address(newsletter: &Newsletter) -> Vec<String> {
    clean(&newsletter.postal_address).lines().map(one_line).filter(|line| !line.is_empty()).collect()
}

fn section(section: &issue::Section, words: &Words) -> Section {
    Section {
        emoji: section.emoji.as_deref().map(one_line),
        title: heading(&one_line(&section.title)),
        url: section.url.as_deref().and_then(link),
        body: markdown::read(&section.body, Level::Section),
        entries: section.items.iter().map(|item| entry(item, words)).collect(),
        after: markdown::read(&section.after, Level::Section),
    }
}

fn entry(item: &issue::Item, words: &Words) -> Entry {
    let url = item.url.as_deref().and_then(link);
    let stars = item.stars.map(|stars| format!("★ {}", thousands(stars)));
    let mut description = markdown::read(&item.description, Level::Item);
    for image in &item.images {
        let caption = image.caption.as_deref().map(one_line).filter(|caption| !caption.is_empty());
        description.extend(markdown::picture(&image.url, &image.alt, None, caption));
    }
    Entry {
        number: item.number.map(words.number),
        title: heading(&one_line(&item.title)),
        host: url.as_deref().and_then(host),
        url,
        remarks: stars.into_iter().chain(item.tags.iter().map(|tag| one_line(tag))).collect(),
        description,
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
