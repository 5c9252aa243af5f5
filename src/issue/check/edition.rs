//! The other issues of the same edition: what its numbers and its language are known by.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::super::{Archive, ArchivedIssue, Beside, Manuscript, Origin};
use super::Context;

/// The issues beside one, as far as they are known.
pub(super) struct Edition<'a> {
    manuscript: &'a Manuscript,
    archive: Option<&'a Archive>,
    /// What else the newsletter had.
    pub(super) others: Option<Beside<'a>>,
    /// The numbers of the same newsletter in the same language, this issue's own among them.
    pub(super) numbers: BTreeMap<u32, Vec<&'a ArchivedIssue>>,
}

impl<'a> Context<'a> {
    /// The other issues; looked up once.
    pub(super) fn edition(&self) -> &Edition<'a> {
        self.edition.get_or_init(|| {
            let (manuscript, archive) = (self.manuscript, self.around.archive);
            let numbers = archive.map(|archive| archive.numbers(&manuscript.issue)).unwrap_or_default();
            let others = archive.map(|archive| archive.beside(&manuscript.issue, &manuscript.name));
            Edition { manuscript, archive, others, numbers }
        })
    }
}

impl<'a> Edition<'a> {
    /// The earlier issue that has the same number.
    pub(super) fn same_number(&self) -> Option<&'a ArchivedIssue> {
        let own = &self.manuscript.issue;
        let alike = self.numbers.get(&own.number?)?;
        let same_file = |issue: &ArchivedIssue| issue.origin == Origin::File && issue.name == self.manuscript.name;
        let position = alike.iter().position(|issue| same_file(issue)).unwrap_or(alike.len());
        let mut others = alike.iter().enumerate().filter(|(_, issue)| !same_file(issue));
        others.find_map(|(at, issue)| {
            if issue.origin != Origin::File {
                let own = self.others.as_ref().is_some_and(|others| others.is_own(issue));
                return (!own).then_some(*issue);
            }
            let earlier = match issue.date.zip(own.date) {
                // the same issue in another folder: a draft and what was sent
                Some((one, other)) if one == other => at < position && self.is_beside(issue),
                Some((one, other)) => one < other,
                None => at < position && (issue.title != own.title || self.is_beside(issue)),
            };
            earlier.then_some(*issue)
        })
    }

    /// Whether no issue with a higher number is known.
    pub(super) fn is_newest(&self) -> bool {
        let last = self.numbers.keys().next_back();
        last.is_none_or(|last| self.manuscript.issue.number.is_some_and(|own| own >= *last))
    }

    /// The date of the issue with the number before.
    pub(super) fn date_before(&self) -> Option<Date> {
        let (_, issues) = self.numbers.range(..self.manuscript.issue.number?).next_back()?;
        issues.iter().filter_map(|issue| issue.date).min()
    }

    /// The first and the last of the numbers that are missing right before this one's.
    ///
    /// A number may hide in a file that tells no number, or another name: those are counted as if they were it.
    /// Where most numbers are missing, the files are but a sample.
    pub(super) fn missing_before(&self) -> Option<(u32, u32)> {
        let own = self.manuscript.issue.number?;
        let (before, issues) = self.numbers.range(..own).next_back()?;
        let (first, last) = (before + 1, own - 1);
        if first > last || self.is_sample() {
            return None;
        }
        let dated = |issue: &&ArchivedIssue| {
            let after = issues.iter().any(|before| before.date.zip(issue.date).is_none_or(|(one, other)| one < other));
            after && self.manuscript.issue.date.zip(issue.date).is_none_or(|(own, other)| other < own)
        };
        let beside = self.beside().filter(|issue| match issue.number {
            Some(number) => (first..=last).contains(&number),
            None => dated(issue),
        });
        let missing = usize::try_from(own - first).unwrap_or(usize::MAX);
        (beside.count() < missing).then_some((first, last))
    }

    /// The language of most files in the folder, where there are several.
    pub(super) fn language(&self) -> Option<&'a str> {
        let mut languages: BTreeMap<&str, usize> = BTreeMap::new();
        for language in self.beside().filter_map(|issue| issue.language.as_deref()) {
            *languages.entry(language).or_default() += 1;
        }
        let all: usize = languages.values().sum();
        languages.into_iter().find(|(_, count)| all > 2 && count * 2 > all).map(|(language, _)| language)
    }

    /// Whether most other issues that are known have a title of their own.
    pub(super) fn has_titles(&self) -> bool {
        let others = || self.numbers.values().flatten().filter(|issue| issue.name != self.manuscript.name);
        let titled = others().filter(|issue| issue.title.is_some()).count();
        titled * 4 >= others().count() || others().count() < 3
    }

    fn is_sample(&self) -> bool {
        let beside = self.beside().filter_map(|issue| issue.number);
        let numbers: BTreeSet<u32> = self.numbers.keys().copied().chain(beside).collect();
        let steps = numbers.iter().zip(numbers.iter().skip(1));
        let gaps = steps.filter(|(one, next)| *one + 1 < **next).count();
        gaps >= 2 && gaps * 2 >= numbers.len() - 1
    }

    /// The files in the same folder.
    fn beside(&self) -> impl Iterator<Item = &'a ArchivedIssue> {
        let issues = self.archive.map(Archive::issues).unwrap_or_default();
        issues.iter().map(AsRef::as_ref).filter(|issue| self.is_beside(issue))
    }

    fn is_beside(&self, issue: &ArchivedIssue) -> bool {
        issue.origin == Origin::File && folder(&issue.name) == folder(&self.manuscript.name)
    }
}

fn folder(name: &str) -> &str {
    name.rsplit_once(['/', '\\']).map(|(folder, _)| folder).unwrap_or_default()
}
