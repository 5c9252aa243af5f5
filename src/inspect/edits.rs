//! Changes to an HTML text, collected and then made in one pass.

use std::ops::Range;

use super::css::{self, Declaration, Rule};
use super::markup::{self, Kind, Tag};

/// What goes, and what comes in its place.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts `text` in the place of `span`.
    pub(super) fn replace(&mut self, span: Range<usize>, text: impl Into<String>) {
        self.0.push((span, text.into()));
    }

    /// The HTML with all changes; of two that overlap, the first stays.
    pub(super) fn apply(mut self, html: &str) -> String {
        self.0.sort_by_key(|(span, _)| (span.start, span.end));
        let mut changed = String::with_capacity(html.len());
        let mut at = 0;
        for (span, text) in self.0 {
            if let (Some(kept), Some(_)) = (html.get(at..span.start), html.get(span.clone())) {
                changed.push_str(kept);
                changed.push_str(&text);
                at = span.end;
            }
        }
        changed.push_str(html.get(at..).unwrap_or_default());
        changed
    }

    /// Changes the declarations of `style` attributes; `change` gives a new value, or nothing to leave it.
    ///
    /// Returns whether there was a change.
    pub(super) fn restyle(
        &mut self,
        tag: &Tag<'_>,
        mut change: impl FnMut(&Declaration<'_>) -> Option<String>,
    ) -> bool {
        let Some(style) = tag.attribute("style") else { return false };
        let mut edits = Self::default();
        for declaration in css::declarations(&style.value) {
            if let Some(value) = change(&declaration) {
                edits.replace(declaration.value_span.clone(), value);
            }
        }
        if edits.0.is_empty() {
            return false;
        }
        self.replace(style.value_span.clone(), markup::encode(&edits.apply(&style.value)));
        true
    }

    /// Changes the declarations of a style sheet that stands at `offset`.
    pub(super) fn restyle_sheet(
        &mut self,
        sheet: &str,
        offset: usize,
        mut change: impl FnMut(&Rule<'_>, &Declaration<'_>) -> Option<String>,
    ) {
        for rule in css::sheet(sheet).rules {
            let base = offset + rule.body_span.start;
            for declaration in css::declarations(rule.body) {
                if let Some(value) = change(&rule, &declaration) {
                    let span = declaration.value_span.clone();
                    self.replace(base + span.start..base + span.end, value);
                }
            }
        }
    }

    /// Puts `text` where the head begins, or the document if there is none.
    pub(super) fn insert_into_head(&mut self, html: &str, text: &str) {
        let mut at = 0;
        for piece in markup::read(html) {
            match piece.kind {
                Kind::Open(tag) if tag.is("head") => {
                    at = piece.span.end;
                    break;
                }
                Kind::Open(tag) if tag.is("body") => break,
                Kind::Declaration(_) => at = piece.span.end,
                _ => {}
            }
        }
        self.replace(at..at, text);
    }
}
