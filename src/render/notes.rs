//! Footnotes: what is noted in one field of an issue may be mentioned in another.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use comrak::nodes::NodeValue;
use comrak::{Arena, parse_document};

use super::markdown;
use crate::issue::{Issue, Item, Piece};

/// The footnotes of an issue; each is shown below the field that mentions it first.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Number and Markdown of each, by its key.
    notes: HashMap<String, (u32, String)>,
    shown: HashSet<String>,
}

impl Notes {
    /// Collects the footnotes of all fields, and numbers them by their first mention.
    pub(super) fn of(issue: &Issue) -> Self {
        let sections = issue.sections.iter().flat_map(|section| {
            let items = section.items.iter().flat_map(Item::pieces).filter_map(|piece| match piece {
                Piece::Text(text) => Some(text),
                Piece::Image(image) => image.caption.as_deref(),
            });
            [section.body.as_str()].into_iter().chain(items).chain([section.after.as_str()])
        });
        let fields = [issue.intro.as_str()].into_iter().chain(sections).filter(|field| field.contains("[^"));
        let text = fields.collect::<Vec<_>>().join("\n\n");
        let mut notes = Self::default();
        if !text.contains("]:") {
            return notes;
        }
        let arena = Arena::new();
        let root = parse_document(&arena, &text, &markdown::options());
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for node in root.descendants() {
            if let NodeValue::FootnoteReference(note) = &node.data().value {
                numbers.insert(key(&note.name), note.ix);
            }
        }
        let lines: Vec<&str> = text.lines().collect();
        for node in root.descendants() {
            let data = node.data();
            let NodeValue::FootnoteDefinition(note) = &data.value else { continue };
            let key = key(&note.name);
            // what nobody mentions, nobody needs
            let Some(number) = numbers.get(&key).copied() else { continue };
            let (start, end) = (data.sourcepos.start, data.sourcepos.end);
            let rows = lines.get(start.line.saturating_sub(1)..end.line).unwrap_or_default();
            let column = start.column.saturating_sub(1);
            let written = rows.iter().map(|row| row.get(column..).unwrap_or_else(|| row.trim_start()));
            notes.notes.insert(key, (number, written.collect::<Vec<_>>().join("\n")));
        }
        notes
    }

    /// A field with all the footnotes that it mentions below it; those shown before as a word only.
    pub(super) fn complete<'t>(&self, field: Cow<'t, str>) -> Cow<'t, str> {
        if self.is_empty() {
            return field;
        }
        let mut complete = field.into_owned();
        let mut added = HashSet::new();
        let mut from = 0;
        while from < complete.len() {
            let mut notes = String::new();
            for label in labels(&complete[from..]) {
                let key = key(label);
                match self.notes.get(&key).filter(|_| added.insert(key.clone())) {
                    Some(_) if self.shown.contains(&key) => notes.push_str(&format!("\n\n[^{label}]: -")),
                    Some((_, note)) => notes.push_str(&format!("\n\n{note}")),
                    None => {}
                }
            }
            // footnotes mention others
            from = complete.len();
            complete.push_str(&notes);
        }
        complete.into()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// The number of a footnote.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.notes.get(&key(name)).map(|(number, _)| *number)
    }

    /// The number under which a footnote is to be shown here; `mentions` is how often the field mentions it.
    ///
    /// None where it has its place elsewhere, or is mentioned nowhere.
    pub(super) fn show(&mut self, name: &str, mentions: u32) -> Option<u32> {
        let key = key(name);
        let here = mentions > 0 && self.shown.insert(key);
        self.number(name).filter(|_| here)
    }
}

/// Names that differ in case or spaces only are the same.
fn key(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What stands between `[^` and `]`.
fn labels(text: &str) -> impl Iterator<Item = &str> {
    text.split("[^").skip(1).filter_map(|rest| rest.split_once(']')).map(|(label, _)| label)
}
