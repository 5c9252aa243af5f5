//! The link memory: which page was recommended in which issue.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use time::Date;

use super::{Address, Issue, Repository, dates};

/// A page that this many other issues link to is the newsletter's own furniture, such as its channel.
const STANDING: usize = 3;

/// So many pages of one repository are kept of an issue; a list of all its pages would have to be gone through
/// for each of them.
const PAGES_OF_A_REPOSITORY: usize = 16;

/// What a link is to its issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// What an item recommends: its title's link.
    Item,
    /// Named beside it, in a title or a description.
    Mention,
}

impl Role {
    /// The word in the store and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Item => "item",
            Self::Mention => "mention",
        }
    }

    /// Reads [`Role::as_str`]'s word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Item, Self::Mention].into_iter().find(|role| role.as_str() == text)
    }
}

/// A page that an issue links to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueLink<'a> {
    /// The page.
    pub address: Address,
    /// The link as it is written.
    pub url: &'a str,
    /// What it is to the issue.
    pub role: Role,
    /// The line of its item, from 1.
    pub line: usize,
}

impl Issue {
    /// The pages that the issue recommends or mentions, each once, in the order of the file.
    ///
    /// Only what stands in items counts: the links of headings, intros and closings are in every issue.
    pub fn recommended(&self) -> Vec<IssueLink<'_>> {
        let items = || self.sections.iter().flat_map(|section| &section.items);
        let own = items().filter_map(|item| Some((item.url.as_deref()?, Role::Item, item.line)));
        let beside = items().flat_map(|item| {
            let others = item.links.iter().filter(|url| item.url.as_ref() != Some(url));
            others.map(|url| (url.as_str(), Role::Mention, item.line))
        });
        let mut known = HashSet::new();
        // Items first: what one item recommends and another mentions is recommended.
        let mut links: Vec<_> = own
            .chain(beside)
            .filter_map(|(url, role, line)| Some(IssueLink { address: Address::canonical(url)?, url, role, line }))
            .filter(|link| known.insert(link.address.clone()))
            .collect();
        links.sort_by_key(|link| (link.line, link.role));
        links
    }
}

/// Where the archive knows an issue from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A file, by its name.
    File,
    /// A file of before that the store remembers; its name says where it was then.
    Imported,
    /// It was sent: its number is taken, and its date may be the day of the send.
    Sent,
}

/// An issue that the archive knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedIssue {
    /// The newsletter's name, where the issue says one.
    pub newsletter: Option<String>,
    /// Its language, where known: editions in several recommend the same pages.
    pub language: Option<String>,
    /// Its number.
    pub number: Option<u32>,
    /// Its title.
    pub title: Option<String>,
    /// Its date: what it says itself, else what its file's name begins with.
    pub date: Option<Date>,
    /// Its file, or `slug/number` of an issue that was sent.
    pub name: String,
    /// Where it is known from.
    pub origin: Origin,
}

impl ArchivedIssue {
    /// What the archive keeps of the issue in a file.
    pub fn new(issue: &Issue, name: &str) -> Self {
        Self {
            newsletter: issue.newsletter.clone(),
            language: Some(issue.language.clone()),
            number: issue.number,
            title: issue.title.clone(),
            date: date(issue, name),
            name: name.to_owned(),
            origin: Origin::File,
        }
    }

    /// Whether two of a series are one issue, known from a file and from the store.
    pub fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.number.is_some() && self.number == other.number
    }

    /// Whether it is of the same newsletter and language, as far as both say.
    pub fn is_of_series(&self, issue: &Issue) -> bool {
        let named = self.newsletter.as_deref().zip(issue.newsletter.as_deref());
        named.is_none_or(|(one, other)| is_same_newsletter(one, other))
            && self.language.as_ref().is_none_or(|language| *language == issue.language)
    }

    /// Whether it appeared before `issue`, which is called `name`: by date, else by number; what was sent, by number.
    /// What cannot be told is taken for earlier.
    pub fn precedes(&self, issue: &Issue, name: &str) -> bool {
        match (self.date.zip(date(issue, name)), self.number.zip(issue.number)) {
            (_, Some((one, other))) if self.origin == Origin::Sent && one != other => one < other,
            (Some((one, other)), _) if one != other => one < other,
            (_, Some((one, other))) if one != other => one < other,
            // a number that was sent is taken for good
            _ => true,
        }
    }
}

/// Words that any newsletter may have in its name.
#[rustfmt::skip]
const COMMON: [&str; 19] = [
    "a", "the", "this", "of", "in", "and", "for", "on", "my", "your", "week", "weekly", "daily", "monthly", "news",
    "newsletter", "letters", "digest", "周刊",
];

/// Whether two names are one newsletter's: editors write `Python Weekly` for `Python Trending Weekly` now and then.
fn is_same_newsletter(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (one, other) = (words(one), words(other));
    one == other || one.iter().any(|word| !COMMON.contains(&word.as_str()) && other.contains(word))
}

/// The words of a name in lower case; another script is another word.
fn words(name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let parts = name.split(|c: char| !c.is_alphanumeric());
    let words = parts.flat_map(|part| {
        let (latin, other) = part.split_at(part.find(|c: char| !c.is_ascii()).unwrap_or(part.len()));
        [latin, other]
    });
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The date that an issue says, or that the name of its file begins with: `2024-06-22-weekly.md`.
fn date(issue: &Issue, name: &str) -> Option<Date> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    issue.date.or_else(|| file.get(..10).and_then(dates::parse))
}

/// A page in an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appearance {
    /// The issue.
    pub issue: Arc<ArchivedIssue>,
    /// The page.
    pub address: Address,
    /// What it was to the issue.
    pub role: Role,
}

/// Which pages appeared in which issues. An index in memory: looking up a page takes the same time in any archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Archive {
    issues: Vec<Arc<ArchivedIssue>>,
    pages: HashMap<Address, Vec<Appearance>>,
    repositories: HashMap<Repository, Vec<Appearance>>,
}

impl Archive {
    /// An archive without issues.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an issue; `name` is its file, or `slug/number`.
    pub fn add(&mut self, issue: &Issue, name: &str) {
        let links = issue.recommended().into_iter().map(|link| (link.address, link.role));
        self.insert(ArchivedIssue::new(issue, name), links);
    }

    /// Takes in an issue with its links as [`Issue::recommended`] gave them.
    pub fn insert(&mut self, issue: ArchivedIssue, links: impl IntoIterator<Item = (Address, Role)>) {
        let issue = Arc::new(issue);
        for (address, role) in links {
            let appearance = Appearance { issue: issue.clone(), address: address.clone(), role };
            if let Some(repository) = address.repository() {
                let pages = self.repositories.entry(repository).or_default();
                let own = pages.iter().rev().take_while(|page| Arc::ptr_eq(&page.issue, &issue));
                if own.take(PAGES_OF_A_REPOSITORY).count() < PAGES_OF_A_REPOSITORY {
                    pages.push(appearance.clone());
                }
            }
            self.pages.entry(address).or_default().push(appearance);
        }
        self.issues.push(issue);
    }

    /// The issues, in the order in which they came.
    pub fn issues(&self) -> &[Arc<ArchivedIssue>] {
        &self.issues
    }

    /// How many pages it knows.
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Where a page appeared, in the order in which the issues came.
    pub fn find(&self, address: &Address) -> &[Appearance] {
        self.pages.get(address).map(Vec::as_slice).unwrap_or_default()
    }

    /// Where pages of a repository appeared: the first few of each issue.
    pub fn repository(&self, repository: &Repository) -> &[Appearance] {
        self.repositories.get(repository).map(Vec::as_slice).unwrap_or_default()
    }

    /// The archive as it stands for `issue`, which is called `name`.
    pub fn beside<'a>(&'a self, issue: &'a Issue, name: &'a str) -> Beside<'a> {
        let pages: Vec<_> = issue.recommended().into_iter().map(|link| link.address).collect();
        let own = |archived: &&Arc<ArchivedIssue>| self.is_itself(archived, issue, name, &pages);
        Beside { archive: self, own: self.issues.iter().filter(own).map(Arc::as_ref).collect(), issue, name }
    }

    /// Whether an archived issue is `issue` itself, which is called `name` and links to `pages`.
    ///
    /// A file is known by its name, or by its number unless the dates differ. What the store remembers is known by its
    /// number, and then by its title or by half of the pages: another issue may have its number by mistake.
    fn is_itself(&self, archived: &ArchivedIssue, issue: &Issue, name: &str, pages: &[Address]) -> bool {
        let same_number = archived.number.is_some() && archived.number == issue.number && archived.is_of_series(issue);
        let dates = archived.date.zip(date(issue, name));
        if archived.origin == Origin::File {
            return archived.name == name || same_number && dates.is_none_or(|(one, other)| one == other);
        }
        let same_title = archived.title.as_deref().map(words) == issue.title.as_deref().map(words);
        let shared = || pages.iter().filter(|page| self.has_page(archived, page)).count();
        let same_content = match issue.title {
            Some(_) if same_title => true,
            None if pages.is_empty() => same_title,
            _ => !pages.is_empty() && shared() * 2 >= pages.len(),
        };
        let same_day = archived.origin == Origin::Imported && dates.is_some_and(|(one, other)| one == other);
        same_number && (same_content || same_day)
    }

    fn has_page(&self, issue: &ArchivedIssue, page: &Address) -> bool {
        self.find(page).iter().any(|appearance| std::ptr::eq(appearance.issue.as_ref(), issue))
    }

    /// The numbers of the newsletter that `issue` is of, each with the issues that have it.
    pub fn numbers(&self, issue: &Issue) -> BTreeMap<u32, Vec<&ArchivedIssue>> {
        let mut numbers: BTreeMap<u32, Vec<&ArchivedIssue>> = BTreeMap::new();
        for archived in self.issues.iter().filter(|archived| archived.is_of_series(issue)) {
            if let Some(number) = archived.number {
                numbers.entry(number).or_default().push(archived);
            }
        }
        numbers
    }
}

/// The archive as it stands for one issue: what else its newsletter had.
#[derive(Debug)]
pub struct Beside<'a> {
    archive: &'a Archive,
    issue: &'a Issue,
    name: &'a str,
    /// What the archive has of the issue itself.
    own: Vec<&'a ArchivedIssue>,
}

impl<'a> Beside<'a> {
    /// Whether an issue of the archive is the one that is looked at.
    pub fn is_own(&self, archived: &ArchivedIssue) -> bool {
        self.own.iter().any(|own| std::ptr::eq(*own, archived))
    }

    /// Where a page appeared before, in the same newsletter.
    ///
    /// Nowhere for what many issues link to, before or after: their channels and sponsors are no repetition.
    pub fn earlier(&self, address: &Address) -> impl Iterator<Item = &'a Appearance> {
        self.before(self.archive.find(address))
    }

    /// Where other pages of a page's repository appeared before. Nowhere for a repository that many issues link to.
    pub fn earlier_of_repository(&self, address: &Address) -> impl Iterator<Item = &'a Appearance> {
        let repository = address.repository();
        let pages = repository.map(|repository| self.archive.repository(&repository)).unwrap_or_default();
        self.before(pages).filter(move |appearance| appearance.address != *address)
    }

    /// The appearances before, unless there are so many in others that the link stands in every one.
    fn before(&self, pages: &'a [Appearance]) -> impl Iterator<Item = &'a Appearance> {
        let in_other = |found: &&Appearance| found.issue.is_of_series(self.issue) && !self.is_own(&found.issue);
        let mut others: Vec<&ArchivedIssue> = Vec::new();
        for found in pages.iter().filter(in_other) {
            if others.len() < STANDING && !others.iter().any(|other| other.is_same(&found.issue)) {
                others.push(&found.issue);
            }
        }
        let standing = others.len() == STANDING;
        let earlier = move |found: &&Appearance| in_other(found) && found.issue.precedes(self.issue, self.name);
        pages.iter().filter(move |found| !standing && earlier(found))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::issue::parse;

    fn issue(number: u32, items: &str) -> Issue {
        parse(
            format!("# Harbour Weekly #{number}: Boats\n\n[Home](https://harbour.example)\n\n## Reading\n\n{items}\n")
                .as_bytes(),
        )
        .unwrap()
    }

    fn address(link: &str) -> Address {
        Address::canonical(link).unwrap()
    }

    fn earlier(archive: &Archive, link: &str, issue: &Issue) -> Vec<String> {
        let beside = archive.beside(issue, "draft.md");
        beside.earlier(&address(link)).map(|found| found.issue.name.clone()).collect()
    }

    #[test]
    fn a_page_is_found_under_any_link_to_it() {
        let mut archive = Archive::new();
        archive.add(&issue(1, "1. [Rope](https://www.rope.example/splice/?utm_source=x)\n\nText."), "1.md");
        assert_eq!(earlier(&archive, "http://rope.example/splice#end", &issue(2, "")), ["1.md"]);
        assert!(earlier(&archive, "http://rope.example/knots", &issue(2, "")).is_empty());
    }

    #[test]
    fn only_what_items_link_to_is_remembered_and_their_own_link_comes_first() {
        let issue = issue(
            1,
            "1. [Rope](https://rope.example)\n\nSee [knots](https://knots.example).\n\n2. [Knots](https://knots.example/)\n\nSee [rope](https://rope.example).",
        );
        let links: Vec<_> = issue.recommended().iter().map(|link| (link.address.to_string(), link.role)).collect();
        assert_eq!(links, [("rope.example".to_owned(), Role::Item), ("knots.example".to_owned(), Role::Item)]);
    }

    #[test]
    fn an_issue_is_not_earlier_than_itself_or_than_what_came_before_it() {
        let link = "https://rope.example";
        let mut archive = Archive::new();
        for number in [1, 2] {
            archive.add(&issue(number, &format!("1. [Rope]({link})\n\nText.")), &format!("{number}.md"));
        }
        assert_eq!(earlier(&archive, link, &issue(2, "")), ["1.md"]);
        assert_eq!(earlier(&archive, link, &issue(4, "")), ["1.md", "2.md"]);
        assert!(earlier(&archive, link, &issue(1, "")).is_empty());
    }

    #[test]
    fn what_was_sent_comes_before_higher_numbers_whatever_the_dates_say() {
        let sent = ArchivedIssue {
            date: dates::parse("2024-06-25"),
            origin: Origin::Sent,
            ..ArchivedIssue::new(&issue(7, ""), "harbour/7")
        };
        let next = Issue { date: dates::parse("2024-06-22"), ..issue(8, "") };
        let before = Issue { date: dates::parse("2024-06-29"), ..issue(6, "") };
        assert!(sent.precedes(&next, "8.md") && !sent.precedes(&before, "6.md"));
    }

    #[test]
    fn what_stands_in_every_issue_is_no_repetition() {
        let link = "https://harbour.example/channel";
        let mut archive = Archive::new();
        for number in 1..=4 {
            archive.add(&issue(number, &format!("1. [Channel]({link})\n\nText.")), &format!("{number}.md"));
        }
        assert!((1..=5).all(|number| earlier(&archive, link, &issue(number, "")).is_empty()));
    }

    #[test]
    fn another_edition_recommends_the_same_pages_rightly() {
        let link = "https://rope.example";
        let mut archive = Archive::new();
        archive.add(&issue(1, &format!("1. [Rope]({link})\n\nText.")), "1.md");
        let chinese = Issue { language: "zh".to_owned(), ..issue(2, "") };
        let other = Issue { newsletter: Some("Garden Letters".to_owned()), ..issue(2, "") };
        assert!(earlier(&archive, link, &chinese).is_empty() && earlier(&archive, link, &other).is_empty());
        assert!(archive.numbers(&chinese).is_empty() && archive.numbers(&issue(2, "")).contains_key(&1));
    }

    #[test]
    fn a_newsletter_is_known_by_the_words_of_its_own() {
        for (one, other) in [
            ("Harbour Weekly", "Harbour & Boats Weekly"),
            ("Harbour 港口周刊", "Harbour港口周刊"),
            ("THE WEEKLY", "The Weekly"),
        ] {
            assert!(is_same_newsletter(one, other), "{one} {other}");
        }
        for (one, other) in
            [("Harbour Weekly", "Garden Weekly"), ("港口周刊", "花园周刊"), ("The Weekly", "Weekly News")]
        {
            assert!(!is_same_newsletter(one, other), "{one} {other}");
        }
    }

    #[test]
    fn the_name_of_a_file_may_tell_its_date() {
        let link = "https://rope.example";
        let mut archive = Archive::new();
        archive.add(&issue(7, &format!("1. [Rope]({link})\n\nText.")), "old/2024-06-22-weekly.md");
        assert_eq!(archive.issues()[0].date.map(|date| date.to_string()).as_deref(), Some("2024-06-22"));
        // a number that was used twice
        let again = issue(7, "");
        let earlier = |name| archive.beside(&again, name).earlier(&address(link)).count();
        assert_eq!(
            (earlier("2024-06-29-weekly.md"), earlier("2024-06-22.md"), earlier("2024-06-15-weekly.md")),
            (1, 0, 0)
        );
    }

    #[test]
    fn other_pages_of_a_repository_are_known() {
        let mut archive = Archive::new();
        archive.add(&issue(1, "1. [Rope](https://github.com/Ann/rope)\n\nText."), "1.md");
        let next = issue(2, "");
        let count = |link| archive.beside(&next, "2.md").earlier_of_repository(&address(link)).count();
        assert_eq!(count("https://github.com/ann/rope/releases"), 1);
        assert_eq!(count("https://github.com/ann/rope.git"), 0);
        assert_eq!(count("https://github.com/ann/knots"), 0);
    }
}
