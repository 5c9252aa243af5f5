//! Bytes → Issue.

use comrak::Arena;
use comrak::nodes::{Node, NodeValue};

use super::front_matter::{self, FrontMatter};
use super::html::{self, Change};
use super::markdown::{self, Document};
use super::source::{self, Source};
use super::title::{self, TitleLine};
use super::{Issue, Repair, dates, item, language, roundup};
use crate::newsletter::Slug;

/// Why a file is no issue.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// Reads an issue from the bytes of a file.
///
/// Whatever is no title line, section or item stays Markdown in its place; no word, link or image gets lost.
/// Only a file that is no text, or whose front matter is broken, is an error.
pub fn parse(bytes: &[u8]) -> Result<Issue, ParseError> {
    let reading = Reading::of(&source::characters(bytes)?)?;
    let arena = Arena::new();
    Ok(reading.issue(&reading.document(&arena)))
}

/// Reads an issue from a file called `name`: where nothing in it says a day, `2024-06-08-tides.md` says it.
pub fn parse_file(name: &str, bytes: &[u8]) -> Result<Issue, ParseError> {
    let issue = parse(bytes)?;
    Ok(Issue { date: issue.date.or_else(|| dates::of_file(name)), ..issue })
}

/// What is read of a file: its text, mended, and what its front matter says.
pub(super) struct Reading {
    pub(super) text: String,
    /// The text with its HTML as it was, where some is read as Markdown.
    pub(super) before: Option<String>,
    /// What is read of that HTML; and addresses in it.
    pub(super) html: [Vec<Change>; 2],
    /// Where the Markdown begins, below the front matter.
    pub(super) below: usize,
    /// Lines of the front matter.
    above: usize,
    front: FrontMatter,
    repairs: Vec<Repair>,
}

impl Reading {
    /// Reads the characters of a file as far as its front matter.
    pub(super) fn of(characters: &str) -> Result<Self, ParseError> {
        let Source { mut text, repairs } = source::mend(characters);
        let (front, above) = front_matter::split(&text)?;
        let below = text.split_inclusive('\n').take(above).map(str::len).sum();
        if let Some(expanded) = text.get(below..).and_then(markdown::expand_tabs) {
            text.truncate(below);
            text.push_str(&expanded);
        }
        text = html::unindented(&text, below).unwrap_or(text);
        let read = html::read(&text, below);
        let (html, read) = read.map_or_else(Default::default, |read| ([read.changes, read.moved], Some(read.text)));
        let before = read.map(|read| std::mem::replace(&mut text, read));
        Ok(Self { text, before, html, below, above, front, repairs })
    }

    /// Parses the Markdown.
    pub(super) fn document<'a>(&'a self, arena: &'a Arena<'a>) -> Document<'a> {
        Document::parse(arena, self.text.get(self.below..).unwrap_or_default(), self.above)
    }

    /// The issue that the front matter and the parsed Markdown are.
    pub(super) fn issue(&self, document: &Document<'_>) -> Issue {
        let front = &self.front;
        let mut blocks = markdown::blocks(document.root);
        let written = written(front);
        let (line, extras) = take_title_line(document, front, &written, &mut blocks).unwrap_or_default();
        let subject = front.subject.as_deref().map(title::split).unwrap_or_default();
        let roundup = roundup::read(document, &blocks);
        let named = slug_and_name(front, &line).or_else(|| slug_and_name(front, &front_title(front)));
        let (slug, name) = named.unzip();
        let intro = [extras, roundup.intro].into_iter().filter(|text| !text.is_empty());
        Issue {
            title: written.title.filter(|title| !names(&line, title)).or(line.title).or(subject.title),
            slug,
            newsletter: match name {
                Some(name) => Some(name),
                None if is_exact(front) => written.newsletter,
                None => written.newsletter.or(line.newsletter).or(subject.newsletter),
            },
            number: front.number.or(written.number).or(line.number).or(subject.number),
            subject: front.subject.clone(),
            language: front.language.clone().unwrap_or_else(|| language::guess(document.root).to_owned()),
            date: front.date.or(written.date).or(line.date),
            preheader: front.preheader.clone(),
            layout: front.layout,
            intro: intro.collect::<Vec<_>>().join("\n\n"),
            sections: roundup.sections,
            past_issues_heading: roundup.past_issues_heading,
            past_issues: roundup.past_issues,
            extra: front.extra.clone(),
            repairs: self.repairs.clone(),
        }
    }
}

/// Whether the front matter has newsletter and number, so that nothing else says them, and the title none of them.
fn is_exact(front: &FrontMatter) -> bool {
    front.newsletter.is_some() && front.number.is_some()
}

/// The slug that the front matter says, where a title line beside it says the newsletter's name; and that name.
fn slug_and_name(front: &FrontMatter, line: &TitleLine) -> Option<(String, String)> {
    let slug = front.newsletter.as_ref().filter(|name| Slug::parse(name).is_ok())?;
    let (name, number) = (line.newsletter.as_ref()?, line.number?);
    let alone = title::split(&format!("{name} #{number}"));
    let reads_back = alone.newsletter.as_ref() == Some(name) && alone.title.is_none();
    (name != slug && reads_back).then(|| (slug.clone(), name.clone()))
}

/// The title in the front matter as a title line, unless it is nothing but a title.
fn front_title(front: &FrontMatter) -> TitleLine {
    front.title.as_deref().filter(|_| !is_exact(front)).map(title::split).unwrap_or_default()
}

/// What the front matter says of a title line.
fn written(front: &FrontMatter) -> TitleLine {
    let newsletter = front.newsletter.clone().filter(|name| !name.is_empty());
    if is_exact(front) {
        return TitleLine { newsletter, title: front.title.clone(), ..TitleLine::default() };
    }
    let line = front_title(front);
    TitleLine { newsletter: newsletter.or(line.newsletter), ..line }
}

/// Takes the title line out of the blocks; gives what it says, and the Markdown of its links and images.
fn take_title_line<'a>(
    document: &Document<'a>,
    front: &FrontMatter,
    written: &TitleLine,
    blocks: &mut Vec<Node<'a>>,
) -> Option<(TitleLine, String)> {
    let headed = blocks.iter().any(|node| roundup::level(node) == Some(1));
    let first = blocks.first()?;
    let first_names =
        is_title_paragraph(document, first) || (!headed && front.newsletter.is_none() && names_issue(first));
    let at = if first_names { 0 } else { blocks.iter().position(|node| roundup::level(node).is_some())? };
    let node = *blocks.get(at)?;
    if !first_names && roundup::level(node).is_some_and(|level| level > 1) {
        return None;
    }
    // as front matter has it
    let text = markdown::plain(node.children()).split_whitespace().collect::<Vec<_>>().join(" ");
    let line = match text.trim_start_matches(['#', '＃']) {
        _ if front.title.as_ref() == Some(&text) => written.clone(),
        // `#108：Title` keeps its number sign
        rest if rest.starts_with(|c: char| c.is_ascii_digit()) => title::split(&text),
        rest => title::split(rest),
    };
    let only = blocks.iter().filter(|node| roundup::level(node) == Some(1)).count() == 1;
    let is_title = match &front.title {
        Some(title) => line.number.is_some() || text == *title || (line.title.is_some() && line.title == written.title),
        None => at == 0 || only || line.number.is_some(),
    };
    if !is_title {
        return None;
    }
    blocks.remove(at);
    if says_more(&line, front, written) {
        return Some((line, markdown::inner(document, node)));
    }
    let extra = |node: &Node<'a>| item::url(node).is_some() || matches!(node.data().value, NodeValue::Image(_));
    let extras = node.descendants().filter(extra).map(|node| document.slice(document.span(node), &[], 0));
    Some((line, extras.collect::<Vec<_>>().join("\n\n")))
}

/// Whether a title in the front matter is the newsletter's name in the title line.
fn names(line: &TitleLine, title: &str) -> bool {
    line.newsletter.as_deref() == Some(title)
}

/// Whether a title line says what the front matter says otherwise.
fn says_more(line: &TitleLine, front: &FrontMatter, written: &TitleLine) -> bool {
    fn differ<T: PartialEq>(written: Option<&T>, line: Option<&T>) -> bool {
        written.zip(line).is_some_and(|(written, line)| written != line)
    }
    (slug_and_name(front, line).is_none() && differ(written.newsletter.as_ref(), line.newsletter.as_ref()))
        || differ(written.title.as_ref().filter(|title| !names(line, title)), line.title.as_ref())
        || differ(front.number.or(written.number).as_ref(), line.number.as_ref())
        || differ(front.date.or(written.date).as_ref(), line.date.as_ref())
}

/// Whether a heading of any level, or a bold paragraph of one line, is a name with a number and no sentence.
fn names_issue(node: Node<'_>) -> bool {
    let bold = roundup::bold(node).is_some();
    let text = markdown::plain(node.children());
    let sentence = text.ends_with(['.', '。', '!', '！', ':', '：']);
    let linked = node.descendants().any(|node| item::url(node).is_some());
    (bold || roundup::level(node).is_some()) && !sentence && !linked && title::split(&text).number.is_some()
}

/// Whether a paragraph of one line is a title line whose number sign is wide, or has no space behind it.
fn is_title_paragraph<'a>(document: &Document<'a>, node: Node<'a>) -> bool {
    let text = document.text.get(document.span(node)).unwrap_or_default();
    let paragraph = matches!(node.data().value, NodeValue::Paragraph) && !text.contains('\n');
    let title = text.trim_start_matches(['#', '＃']);
    // several number signs are hashtags
    let wanted = title::split(text).number.is_some() || text.starts_with('＃') || !title.contains('#');
    paragraph && title.len() < text.len() && wanted
}
