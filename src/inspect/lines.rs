//! From an email back to the file: which line a paragraph, heading, cell, code block or picture comes from.

use std::collections::HashMap;

use super::cascade::is_inline;
use super::markup::{self, Kind};
use super::outline::key;
use crate::issue::Manuscript;

/// Letters at the beginning of a block that tell it from others: behind them, notes and hosts may be added.
const TELLING: usize = 32;

/// The lines of a file by what begins there.
pub(super) struct Lines(HashMap<Mark, Vec<usize>>);

/// What tells a line from others.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Mark {
    /// The first letters of a block.
    Words(String),
    /// The address of a picture.
    Picture(String),
}

impl Lines {
    pub(super) fn of(manuscript: &Manuscript) -> Self {
        let mut lines: HashMap<Mark, Vec<usize>> = HashMap::new();
        for (line, text) in manuscript.passages() {
            lines.entry(Mark::words(&markup::decode(&text))).or_default().push(line);
        }
        for (line, url) in manuscript.pictures() {
            lines.entry(Mark::Picture(url.to_owned())).or_default().push(line);
        }
        lines.remove(&Mark::words(""));
        Self(lines)
    }

    /// Where blocks and pictures of an email begin, each with its line, as far as the file has them.
    ///
    /// Of lines with the same words, the next one counts that is not above the block before.
    pub(super) fn find_in(&self, html: &str, from: usize) -> Vec<(usize, usize)> {
        let mut last = 0;
        let found = marks(html, from).into_iter().filter_map(|(at, mark)| {
            let lines = self.0.get(&mark)?;
            last = *lines.iter().find(|line| **line >= last).or(lines.first())?;
            Some((at, last))
        });
        found.collect()
    }
}

impl Mark {
    fn words(text: &str) -> Self {
        Self::Words(key(text).chars().take(TELLING).collect())
    }
}

/// The blocks and pictures from a byte on, and where their tags begin.
fn marks(html: &str, from: usize) -> Vec<(usize, Mark)> {
    let mut marks = Vec::new();
    let (mut block, mut words) = (from, String::new());
    for piece in markup::read(html).filter(|piece| piece.span.start >= from) {
        let at = piece.span.start;
        let is_edge = match &piece.kind {
            Kind::Open(tag) => !is_inline(tag.name),
            Kind::Close(name) => !is_inline(name),
            _ => false,
        };
        if is_edge {
            marks.push((block, Mark::words(&words)));
            block = at;
            words.clear();
        }
        match piece.kind {
            Kind::Open(tag) if tag.is("img") => {
                marks.push((at, Mark::Picture(tag.value("src").unwrap_or_default().to_owned())));
            }
            Kind::Text(text) => words.push_str(&markup::decode(text)),
            _ => {}
        }
    }
    marks.push((block, Mark::words(&words)));
    marks.sort_by_key(|(at, _)| *at);
    marks
}
