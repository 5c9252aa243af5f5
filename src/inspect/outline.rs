//! Which part of the email comes from where: sections and items found again in the HTML by their titles.

use std::collections::HashMap;
use std::ops::Range;

use super::cascade::is_inline;
use super::lines::Lines;
use super::markup::{self, Kind};
use crate::issue::check::CLIPPED;
use crate::issue::{Issue, Item, Manuscript};

/// An email, part by part; of a mail that is no issue nothing is known, `Outline::default()`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The parts, side by side, from the first byte to the last.
    pub parts: Vec<Part>,
    /// Where Gmail clips it; none where it shows all of it.
    pub clip: Option<Clip>,
    /// Where what comes from a line of the file begins, in order; none where it comes from no line of it.
    pub lines: Vec<(usize, Option<usize>)>,
}

/// A part of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub place: Place,
    /// Its title: an item's, a section's, or that of a heading that belongs to neither.
    pub title: String,
    /// Its line in the issue's file, from 1.
    pub line: Option<usize>,
    /// Its bytes of the HTML.
    pub span: Range<usize>,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Everything before `<body>`.
    Head,
    /// What is above the title.
    Masthead,
    /// The title and what follows it.
    Intro,
    /// The heading of the section with this index, and what follows until its first item.
    Section(usize),
    /// The section's index and the item's in it.
    Item(usize, usize),
    /// A heading that is no section of the issue: of a letter, or the past issues.
    Heading,
    /// Why the email came, how to leave, who sent it.
    Footer,
}

/// Where Gmail ends an email and hides the rest behind a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clip {
    /// The first byte of the HTML that is hidden.
    pub at: usize,
    /// The index of the part that is cut.
    pub part: usize,
}

/// How much of the email a section takes, its items included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// What it is; items count with their section.
    pub place: Place,
    /// Its title.
    pub title: String,
    /// Its line in the issue's file, from 1.
    pub line: Option<usize>,
    /// Bytes of HTML.
    pub bytes: usize,
}

impl Outline {
    /// Finds the parts of an issue in its email.
    pub fn of(manuscript: &Manuscript, html: &str) -> Self {
        let landmarks = Landmarks::read(html);
        let mut parts = assemble(html.len(), starts(&manuscript.issue, &landmarks));
        let clip = (html.len() > CLIPPED).then(|| Clip { at: CLIPPED, part: index(&parts, CLIPPED) });
        let words = Lines::of(manuscript).find_in(html, landmarks.body.unwrap_or_default());
        for part in &mut parts {
            let own = words.binary_search_by_key(&part.span.start, |(at, _)| *at).ok().and_then(|own| words.get(own));
            part.line = match part.place {
                Place::Intro => Some(manuscript.title_line()),
                Place::Heading => own.map(|(_, line)| *line),
                _ => part.line,
            };
        }
        let lines = lines(&parts, words);
        Self { parts, clip, lines }
    }

    /// The part that a byte of the HTML belongs to.
    pub fn part(&self, at: usize) -> Option<&Part> {
        self.parts.get(index(&self.parts, at))
    }

    /// The line of the issue's file that a byte of the HTML comes from.
    pub fn line(&self, at: usize) -> Option<usize> {
        let next = self.lines.partition_point(|(start, _)| *start <= at);
        next.checked_sub(1).and_then(|last| self.lines.get(last)).and_then(|(_, line)| *line)
    }

    /// The line where what is said of a byte of the HTML belongs: an item's own, as for all that is said of items.
    pub fn remark_line(&self, at: usize) -> Option<usize> {
        match self.part(at) {
            Some(Part { place: Place::Item(..), line, .. }) => *line,
            _ => self.line(at),
        }
    }

    /// The bytes of each section, head, masthead, intro and footer.
    pub fn sizes(&self) -> Vec<Size> {
        let mut sizes: Vec<Size> = Vec::new();
        for Part { place, title, line, span } in &self.parts {
            match (place, sizes.last_mut()) {
                (Place::Item(..), Some(size)) => size.bytes += span.len(),
                _ => sizes.push(Size { place: *place, title: title.clone(), line: *line, bytes: span.len() }),
            }
        }
        sizes
    }
}

/// The lines of parts, and of the blocks in them; what surrounds the issue comes from none.
fn lines(parts: &[Part], words: Vec<(usize, usize)>) -> Vec<(usize, Option<usize>)> {
    let is_around = |at: usize| {
        parts.get(index(parts, at)).is_none_or(|part| matches!(part.place, Place::Masthead | Place::Footer))
    };
    let blocks = words.into_iter().filter(|(at, _)| !is_around(*at)).map(|(at, line)| (at, Some(line)));
    let mut lines: Vec<_> = parts.iter().map(|part| (part.span.start, part.line)).chain(blocks).collect();
    // a part knows better than its words
    lines.sort_by_key(|(at, _)| *at);
    lines.dedup_by_key(|(at, _)| *at);
    lines
}

fn index(parts: &[Part], at: usize) -> usize {
    parts.partition_point(|part| part.span.start <= at).saturating_sub(1)
}

/// A part that begins somewhere; where it ends, the next one tells.
struct Start {
    at: usize,
    place: Place,
    title: String,
    line: Option<usize>,
}

fn assemble(length: usize, mut starts: Vec<Start>) -> Vec<Part> {
    starts.sort_by_key(|start| start.at);
    let ends: Vec<usize> = starts.iter().skip(1).map(|start| start.at).chain([length]).collect();
    let part = |(Start { at, place, title, line }, end)| Part { place, title, line, span: at..end };
    starts.into_iter().zip(ends).map(part).collect()
}

/// Elements whose text can be a title, and the places that every email has.
#[derive(Default)]
struct Landmarks {
    /// Headings, by their words.
    headings: Titles,
    /// Links and strong words, by their words.
    others: Titles,
    /// Every heading: where it begins, its level, its text.
    all_headings: Vec<(usize, u8, String)>,
    body: Option<usize>,
    footer: Option<usize>,
}

/// Where texts stand, each list in order.
type Titles = HashMap<String, Vec<usize>>;

/// An element whose text is being read.
struct Open {
    name: String,
    at: usize,
    /// Where the line begins that it stands in.
    line_at: usize,
    text: String,
}

impl Landmarks {
    fn read(html: &str) -> Self {
        // titles in titles in titles say nothing new
        const NESTED: usize = 4;
        let mut landmarks = Self::default();
        let mut open: Vec<Open> = Vec::new();
        let mut line_at = 0;
        for piece in markup::read(html) {
            match piece.kind {
                Kind::Open(tag) => {
                    if !is_inline(tag.name) {
                        line_at = piece.span.start;
                    }
                    if tag.is("body") {
                        landmarks.body.get_or_insert(piece.span.start);
                    }
                    let classes = tag.value("class").unwrap_or_default();
                    if tag.is("footer") || classes.split_ascii_whitespace().any(|class| class == "footer") {
                        landmarks.footer.get_or_insert(line_at);
                    }
                    let name = tag.name.to_ascii_lowercase();
                    if open.len() < NESTED && is_title(&name) {
                        open.push(Open { name, at: piece.span.start, line_at, text: String::new() });
                    }
                }
                Kind::Text(text) => {
                    let text = markup::decode(text);
                    open.iter_mut().for_each(|title| title.text.push_str(&text));
                }
                Kind::Close(name) if open.last().is_some_and(|title| title.name.eq_ignore_ascii_case(name)) => {
                    if let Some(title) = open.pop() {
                        landmarks.add(title);
                    }
                }
                _ => {}
            }
        }
        let in_order = |titles: &mut Titles| titles.values_mut().for_each(|places| places.sort_unstable());
        in_order(&mut landmarks.headings);
        in_order(&mut landmarks.others);
        landmarks.all_headings.sort_unstable();
        landmarks
    }

    fn add(&mut self, title: Open) {
        let level = level(&title.name);
        let (titles, at) =
            if level.is_some() { (&mut self.headings, title.at) } else { (&mut self.others, title.line_at) };
        titles.entry(key(&title.text)).or_default().push(at);
        if let Some(level) = level {
            let words: Vec<&str> = title.text.split_whitespace().collect();
            self.all_headings.push((title.at, level, words.join(" ")));
        }
    }
}

fn is_title(name: &str) -> bool {
    level(name).is_some() || matches!(name, "a" | "b" | "strong")
}

fn level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => Some(digit - b'0'),
        _ => None,
    }
}

/// What stays of a title however it is written: letters and digits, without a number in front.
pub(super) fn key(title: &str) -> String {
    let letters: String = title.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let bare = letters.trim_start_matches(char::is_numeric);
    if bare.is_empty() { letters } else { bare.to_owned() }
}

/// The first place of a title within bounds.
fn find(titles: &Titles, key: &str, within: &Range<usize>) -> Option<usize> {
    let places = titles.get(key).filter(|_| !key.is_empty())?;
    places.get(places.partition_point(|at| *at < within.start)).copied().filter(|at| *at < within.end)
}

/// Where the parts of an issue begin.
fn starts(issue: &Issue, landmarks: &Landmarks) -> Vec<Start> {
    let start = |at, place, title: &str, line| Start { at, place, title: title.to_owned(), line };
    let mut starts = vec![start(0, Place::Head, "", None)];
    let body = landmarks.body.unwrap_or_default();
    if body > 0 {
        starts.push(start(body, Place::Masthead, "", None));
    }
    let title = landmarks.all_headings.iter().find(|(at, level, _)| *level == 1 && *at > body);
    if let Some((at, _, text)) = title {
        starts.push(start(*at, Place::Intro, text, None));
    }
    let first = title.map_or(body, |(at, ..)| at + 1);
    let sections = place_sections(issue, landmarks, first);
    let mut last = first;
    for (index, section) in issue.sections.iter().enumerate() {
        let own = sections.get(index).copied().flatten();
        if let Some(at) = own {
            let emoji = section.emoji.as_deref().map_or(String::new(), |emoji| format!("{emoji} "));
            starts.push(start(at, Place::Section(index), &format!("{emoji}{}", section.title), Some(section.line)));
        }
        let from = own.map_or(last, |at| at + 1);
        let end = sections.iter().skip(index + 1).find_map(|at| *at).unwrap_or(usize::MAX);
        for (number, at) in place_items(&section.items, landmarks, from..end).into_iter().enumerate() {
            let (Some(at), Some(item)) = (at, section.items.get(number)) else { continue };
            starts.push(start(at, Place::Item(index, number), &item.title, Some(item.line)));
            last = at + 1;
        }
        last = last.max(from);
    }
    let taken: Vec<usize> = starts.iter().map(|start| start.at).collect();
    let footer = landmarks.footer.filter(|at| *at > last);
    for (at, level, text) in &landmarks.all_headings {
        // what stands inside a section is part of it
        let outside = *at >= last || sections.iter().all(Option::is_none);
        if *level == 2 && *at >= first && outside && !taken.contains(at) && footer.is_none_or(|footer| *at < footer) {
            starts.push(start(*at, Place::Heading, text, None));
        }
    }
    starts.extend(footer.map(|at| start(at, Place::Footer, "", None)));
    starts
}

/// Where each section's heading is, in order; some are found nowhere.
fn place_sections(issue: &Issue, landmarks: &Landmarks, first: usize) -> Vec<Option<usize>> {
    let mut from = first;
    let mut place = |title: &str| {
        let at = find(&landmarks.headings, &key(title), &(from..usize::MAX))?;
        from = at + 1;
        Some(at)
    };
    issue.sections.iter().map(|section| place(&section.title)).collect()
}

/// Where each item of a section begins: at its heading, or at the line of the link or strong words that name it.
fn place_items(items: &[Item], landmarks: &Landmarks, within: Range<usize>) -> Vec<Option<usize>> {
    let keys: Vec<String> = items.iter().map(|item| key(&item.title)).collect();
    let mut from = within.start;
    let mut places: Vec<Option<usize>> = Vec::with_capacity(items.len());
    for key in &keys {
        let at = find(&landmarks.headings, key, &(from..within.end));
        from = at.map_or(from, |at| at + 1);
        places.push(at);
    }
    // the rest lies between those that have a heading
    let mut ends = vec![within.end; places.len()];
    for index in (1..places.len()).rev() {
        ends[index - 1] = places[index].unwrap_or(ends[index]);
    }
    let mut from = within.start;
    for ((key, place), end) in keys.iter().zip(&mut places).zip(ends) {
        *place = place.or_else(|| find(&landmarks.others, key, &(from..end)));
        from = place.map_or(from, |at| at + 1);
    }
    places
}
