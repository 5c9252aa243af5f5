//! An issue: one number of a newsletter, read from a Markdown file.
//!
//! [`parse`] turns the bytes of a file into an [`Issue`]; nothing here touches the disk.

// bytes → text → front matter and Markdown
mod dates;
mod front_matter;
pub(crate) mod html;
mod markdown;
mod mojibake;
mod source;

// Markdown → title line, sections, items
mod beside;
mod choice;
mod entries;
mod imprint;
mod item;
mod language;
mod lead;
mod marks;
mod number;
mod past;
mod roundup;
mod title;

mod parse;

// links → the pages that they lead to
mod address;
mod archive;
mod site;
mod tracking;

// the file and its issue side by side → what a copy editor would mark
pub mod check;
pub mod counts;
mod manuscript;

// Issue → Markdown
mod format;

pub use address::{Address, Repository};
pub use archive::{Appearance, Archive, ArchivedIssue, Beside, IssueLink, Origin, Role};
pub use format::format;
pub use manuscript::Manuscript;
pub use parse::{ParseError, parse, parse_file};
pub use tracking::{is_referral, is_tracking};

use serde::Serialize;
use time::Date;

use crate::newsletter::Newsletter;
use crate::theme::Layout;

/// One number of a newsletter, as the editor wrote it.
///
/// Every Markdown field is CommonMark with mojibake already repaired.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Issue {
    /// The newsletter's name as the title line gives it; its slug, where the front matter says that and nothing a name.
    pub newsletter: Option<String>,
    /// The newsletter's slug, where the front matter says it and the title line a name.
    pub slug: Option<String>,
    /// The issue's number.
    pub number: Option<u32>,
    /// The title without the newsletter's name and the number.
    pub title: Option<String>,
    /// The subject, where the front matter has one of its own.
    pub subject: Option<String>,
    /// BCP 47 language tag, written or guessed from the text.
    pub language: String,
    /// Day of publication, `2024-06-08`.
    #[serde(serialize_with = "iso_date")]
    pub date: Option<Date>,
    /// The line that an inbox shows behind the subject, where written.
    pub preheader: Option<String>,
    /// How it is laid out, where the front matter says so.
    pub layout: Option<Layout>,
    /// Markdown before the first section; of an essay, all of it.
    pub intro: String,
    /// The sections, past issues excepted.
    pub sections: Vec<Section>,
    /// The heading above the past issues.
    pub past_issues_heading: Option<Heading>,
    /// Links to earlier issues.
    pub past_issues: Vec<PastIssue>,
    /// Front matter that is for other programs.
    pub extra: Vec<Extra>,
    /// What was mended for reading; the file itself is left alone.
    pub repairs: Vec<Repair>,
}

impl Issue {
    /// The issue without what another way of writing it changes: lines and repairs.
    #[must_use]
    pub fn content(&self) -> Self {
        let mut content = self.clone();
        content.repairs.clear();
        for section in &mut content.sections {
            section.line = 0;
            section.items.iter_mut().for_each(|item| item.line = 0);
        }
        content
    }

    /// Whether the issue says that it is one of `newsletter`, by its slug.
    pub fn has_slug_of(&self, newsletter: &Newsletter) -> bool {
        self.slug.as_ref().or(self.newsletter.as_ref()).is_some_and(|slug| slug == newsletter.slug.as_str())
    }

    /// The name or slug that the issue gives, where it is another than `newsletter`'s.
    pub fn other_newsletter(&self, newsletter: &Newsletter) -> Option<&str> {
        match self.has_slug_of(newsletter) {
            true => None,
            false => self.slug.as_deref().or_else(|| self.other_name(newsletter)),
        }
    }

    /// The words before the number in the title line that `newsletter`'s name does not have: `Summer special #12`.
    pub fn words_before_number(&self, newsletter: &Newsletter) -> Option<&str> {
        self.other_name(newsletter).filter(|words| !plain(&newsletter.name).contains(&plain(words)))
    }

    /// The name in the title line, where it is another than `newsletter`'s; case and spaces make no other.
    fn other_name(&self, newsletter: &Newsletter) -> Option<&str> {
        self.newsletter
            .as_deref()
            .filter(|name| *name != newsletter.slug.as_str() && plain(name) != plain(&newsletter.name))
    }

    /// The subject: written, or put together as `Newsletter #104: Title` from what there is;
    /// a numbered issue that says no name has its newsletter's.
    pub fn subject_line(&self, newsletter: Option<&Newsletter>) -> String {
        if let Some(subject) = &self.subject {
            return subject.clone();
        }
        let number = self.number.map(|number| format!("#{number}"));
        let own = self.newsletter.as_deref();
        let configured = newsletter.filter(|newsletter| match own {
            Some(own) => own == newsletter.slug.as_str(),
            None => number.is_some(),
        });
        let name = configured.map(|newsletter| newsletter.name.as_str()).or(own);
        let issue: Vec<&str> = [name, number.as_deref()].into_iter().flatten().collect();
        let parts = [issue.join(" "), self.title.clone().unwrap_or_default()];
        parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(": ")
    }
}

fn plain(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect()
}

/// A part of an issue under a heading of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Section {
    /// Line of the heading, from 1.
    pub line: usize,
    /// The heading without its emoji.
    pub title: String,
    /// The emoji before or after the heading's text.
    pub emoji: Option<String>,
    /// Where the heading links to.
    pub url: Option<String>,
    /// Markdown before the first item.
    pub body: String,
    /// The items, in order.
    pub items: Vec<Item>,
    /// Markdown after the last item.
    pub after: String,
}

/// One recommended link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Item {
    /// Line on which the item begins, from 1.
    pub line: usize,
    /// The number that the editor wrote.
    pub number: Option<u32>,
    /// The title, plain text.
    pub title: String,
    /// Where the title links to.
    pub url: Option<String>,
    /// Markdown of the description, without stars and images.
    pub description: String,
    /// Stars of a repository: `13.5K` is 13500.
    pub stars: Option<u64>,
    /// Short remarks in parentheses or brackets beside the title, such as `video`.
    pub tags: Vec<String>,
    /// Every link in title and description, in order, and then those around images.
    pub links: Vec<String>,
    /// The images that follow the item.
    pub images: Vec<Image>,
}

/// A picture of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Image {
    /// Where it lies.
    pub url: String,
    /// Text for those who do not see it; editors leave it empty often.
    pub alt: String,
    /// Markdown of the line below it.
    pub caption: Option<String>,
    /// Where a click on it leads.
    pub link: Option<String>,
    /// The line of the item's description below which it stands; 0 where it is above all of it.
    pub below_line: usize,
}

/// A piece of what an item says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Markdown: one or more whole blocks.
    Text(&'a str),
    /// A picture between blocks.
    Image(&'a Image),
}

impl Item {
    /// The description and the images, in the order in which they were written.
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let mut ends = self.description.match_indices('\n').map(|(at, _)| at);
        let (mut from, mut line, mut at) = (0, 0, 0);
        for image in &self.images {
            if image.below_line > line {
                at = ends.nth(image.below_line - line - 1).unwrap_or(self.description.len());
                line = image.below_line;
            }
            pieces.push(Piece::Text(&self.description[from..at]));
            pieces.push(Piece::Image(image));
            from = at;
        }
        pieces.push(Piece::Text(&self.description[from..]));
        let trimmed = pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => Piece::Text(text.trim_matches('\n')),
            image @ Piece::Image(_) => image,
        });
        trimmed.filter(|piece| *piece != Piece::Text("")).collect()
    }
}

/// The words of a heading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Heading {
    /// The text without its emoji.
    pub title: String,
    /// The emoji before or after the text.
    pub emoji: Option<String>,
    /// Where it links to.
    pub url: Option<String>,
}

/// A key of front matter, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Extra {
    /// The key, `layout`; empty for comments.
    pub key: String,
    /// The lines of YAML that say it, the key among them.
    pub text: String,
}

/// A link to an earlier issue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct PastIssue {
    /// Its title.
    pub title: String,
    /// Where it can be read.
    pub url: String,
    /// When it appeared.
    #[serde(serialize_with = "iso_date")]
    pub date: Option<Date>,
}

/// Damage of one kind that was mended for reading.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Repair {
    /// The first line that had it, from 1.
    pub line: usize,
    /// The kind, `Mac Roman mojibake`.
    pub what: String,
    /// How many runs of characters were mended.
    pub count: usize,
}

/// Writes a date as `2024-06-08`.
fn iso_date<S: serde::Serializer>(date: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => serializer.collect_str(date),
        None => serializer.serialize_none(),
    }
}
