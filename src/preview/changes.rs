//! What is new in an email since an earlier version of it, or since the issue before.

use std::collections::{BTreeMap, BTreeSet};

use similar::{ChangeTag, TextDiff};

use crate::inspect::markup::{self, Kind};
use crate::templates::preview as templates;

/// A version of an email, its slots filled with their names.
#[derive(Debug)]
pub(super) struct Version<'a> {
    pub(super) subject: &'a str,
    pub(super) preheader: &'a str,
    /// The other fields that all readers get, `Name: value` by line; empty where nobody kept them.
    pub(super) headers: &'a str,
    pub(super) text: String,
    /// Empty where nobody kept it.
    pub(super) html: String,
}

/// What differs between two versions; nothing where they are the same.
pub(super) fn compare(since: String, before: &Version<'_>, after: &Version<'_>) -> templates::Changes {
    let kept = !before.html.is_empty();
    let has_headers = !before.headers.is_empty();
    let lines = difference(&sheet(before, has_headers, kept), &sheet(after, has_headers, kept));
    let mut notes = Vec::new();
    if kept {
        let (same_frame, looks) = (bare(&before.html) == bare(&after.html), changed_looks(&before.html, &after.html));
        if !looks.is_empty() {
            notes.push(format!("The look changed: {}.", looks.join(", ")));
        } else if same_frame && before.html != after.html {
            notes.push("The look changed in some places.".to_owned());
        } else if !same_frame && lines.is_empty() {
            notes.push("The HTML is built in another way; words, links and pictures are the same.".to_owned());
        }
    }
    templates::Changes { since, lines: Some(lines), notes }
}

/// All that can be compared by lines: what an inbox shows, the other fields, the text, what only the HTML has.
fn sheet(version: &Version<'_>, with_headers: bool, with_html: bool) -> String {
    let Version { subject, preheader, headers, text, html } = version;
    let headers = if with_headers { *headers } else { "" };
    let beside = if with_html { beside_text(html, text) } else { String::new() };
    format!("Subject: {subject}\nPreheader: {preheader}\n{headers}\n{}\n{beside}", text.trim_end())
}

/// The links and pictures that the text part does not have.
fn beside_text(html: &str, text: &str) -> String {
    let mut lines = String::new();
    for piece in markup::read(html) {
        let Kind::Open(tag) = piece.kind else { continue };
        let value = |name| tag.value(name).unwrap_or_default();
        let line = match tag.name {
            "a" if !text.contains(value("href")) => format!("Link: {}\n", value("href")),
            "img" => format!("Picture: {} “{}”\n", value("src"), value("alt")),
            _ => continue,
        };
        if !lines.contains(&line) {
            lines.push_str(&line);
        }
    }
    lines
}

/// The HTML without its looks.
fn bare(html: &str) -> String {
    let mut bare = String::with_capacity(html.len());
    for piece in markup::read(html) {
        let whole = html.get(piece.span.clone()).unwrap_or_default();
        match piece.kind {
            Kind::Raw(_) => {}
            Kind::Open(tag) => match tag.attribute("style") {
                Some(style) => {
                    let (start, end) = (style.span.start - piece.span.start, style.span.end - piece.span.start);
                    bare.extend([whole.get(..start), whole.get(end..)].into_iter().flatten());
                }
                None => bare.push_str(whole),
            },
            _ => bare.push_str(whole),
        }
    }
    bare
}

/// The kinds of elements that are in both and look the same nowhere: `h1.display`, and `style sheet`.
fn changed_looks(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (looks(before), looks(after));
    let changed =
        before.into_iter().filter(|(kind, styles)| after.get(kind).is_some_and(|now| now.is_disjoint(styles)));
    changed.map(|(kind, _)| kind).collect()
}

/// The styles of each kind of element.
fn looks(html: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut looks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut sheet = String::new();
    for piece in markup::read(html) {
        match piece.kind {
            Kind::Raw(css) => sheet.push_str(css),
            Kind::Open(tag) => {
                let classes = tag.value("class").unwrap_or_default().split_ascii_whitespace();
                let kind = std::iter::once(tag.name).chain(classes).collect::<Vec<_>>().join(".");
                looks.entry(kind).or_default().insert(tag.value("style").unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
    looks.insert("style sheet".to_owned(), BTreeSet::from([sheet]));
    looks
}

/// Lines around a change that are shown with it.
const AROUND: usize = 2;

/// The lines that differ, with some around them.
fn difference(before: &str, after: &str) -> Vec<templates::Change> {
    let difference = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    let mut shown = 0;
    for group in difference.grouped_ops(AROUND) {
        let start = group.first().map_or(0, |op| op.old_range().start);
        if start > shown {
            lines.push(templates::Change::Skipped(start - shown));
        }
        for change in group.iter().flat_map(|op| difference.iter_changes(op)) {
            let text = change.value().trim_end_matches('\n').to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => templates::Change::Same(text),
                ChangeTag::Insert => templates::Change::Added(text),
                ChangeTag::Delete => templates::Change::Removed(text),
            });
        }
        shown = group.last().map_or(shown, |op| op.old_range().end);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version<'a>(subject: &'a str, headers: &'a str, text: &str, html: &str) -> Version<'a> {
        Version { subject, preheader: "Ahoy.", headers, text: text.to_owned(), html: html.to_owned() }
    }

    /// The lines that differ, and the notes.
    #[track_caller]
    fn differ(before: &Version<'_>, after: &Version<'_>, lines: &[&str], notes: &[&str]) {
        let found = compare(String::new(), before, after);
        let line = |line: templates::Change| match line {
            templates::Change::Added(text) => Some(format!("+{text}")),
            templates::Change::Removed(text) => Some(format!("-{text}")),
            _ => None,
        };
        assert_eq!(found.lines.unwrap_or_default().into_iter().filter_map(line).collect::<Vec<_>>(), lines);
        assert_eq!(found.notes, notes);
    }

    #[test]
    fn whatever_differs_is_named() {
        const HTML: &str = "<style>a{}</style><h1 style=\"color:red\">Fog</h1><p class=\"lead\" style=\"margin:0\">\
                            <img src=\"x.png\" alt=\"Sea\"></p><p class=\"lead\" style=\"margin:1px\"></p>";
        let before = version("Fog", "From: Ann", "Nothing.", HTML);
        differ(&before, &before, &[], &[]);
        differ(&before, &version("Sun", "From: Ann", "Nothing.", HTML), &["-Subject: Fog", "+Subject: Sun"], &[]);
        differ(&before, &version("Fog", "From: Bob", "Nothing.", HTML), &["-From: Ann", "+From: Bob"], &[]);
        differ(&before, &version("Fog", "From: Ann", "All.", HTML), &["-Nothing.", "+All."], &[]);
        let look = |from, to, notes: &[&str]| {
            differ(&before, &version("Fog", "From: Ann", "Nothing.", &HTML.replace(from, to)), &[], notes);
        };
        look("color:red", "color:blue", &["The look changed: h1."]);
        look("a{}", "b{}", &["The look changed: style sheet."]);
        look("margin:1px", "margin:2px", &["The look changed in some places."]);
        look("<h1", "<h1 dir=\"rtl\"", &["The HTML is built in another way; words, links and pictures are the same."]);
        let picture = ["-Picture: x.png “Sea”", "+Picture: y.png “Sea”"];
        differ(&before, &version("Fog", "From: Ann", "Nothing.", &HTML.replace("x.png", "y.png")), &picture, &[]);
        // what nobody kept is not compared
        differ(&version("Fog", "", "Nothing.", ""), &before, &[], &[]);
    }
}
