//! References to what is defined elsewhere in the file: `[text][label]`, `[^1]`.

use std::collections::HashSet;
use std::ops::Range;

use comrak::Arena;
use comrak::nodes::{Node, NodeValue};

use super::super::markdown::Document;
use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[UNDEFINED, UNUSED];

const UNUSED: Rule = Rule {
    id: "footnote-unused",
    severity: Severity::Warning,
    summary: "a footnote that nothing refers to",
    why: "It is left out of the email: no reader would know what it is about.",
    bad: "# Harbour Weekly #12: Slow Software\n\nRead about the tides.\n\n[^1]: Both of them.\n",
    good: "# Harbour Weekly #12: Slow Software\n\nRead about the tides.[^1]\n\n[^1]: Both of them.\n",
    check: unused,
};

const UNDEFINED: Rule = Rule {
    id: "reference-undefined",
    severity: Severity::Warning,
    summary: "a link or footnote whose address or text is nowhere in the file",
    why: "It is no link then: readers see the brackets.",
    bad: "# Harbour Weekly #12: Slow Software\n\nRead about [the tides][tides].\n",
    good: "# Harbour Weekly #12: Slow Software\n\nRead about [the tides][tides].[^1]\n\n[tides]: https://tides.example/\n\n[^1]: Both of them.\n",
    check: undefined,
};

fn unused(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    if !manuscript.text.contains("[^") {
        return Vec::new();
    }
    let arena = Arena::new();
    let body = manuscript.text.get(manuscript.below..).unwrap_or_default();
    let document = Document::parse(&arena, body, 0);
    let mentioned = |node: Node<'_>| match &node.data().value {
        NodeValue::FootnoteReference(note) => Some(note.name.to_lowercase()),
        _ => None,
    };
    let mentioned: HashSet<String> = document.root.descendants().filter_map(mentioned).collect();
    let mut marks = Vec::new();
    for node in document.root.descendants() {
        let NodeValue::FootnoteDefinition(note) = &node.data().value else { continue };
        // a caption, which is read later, may mention it
        let written = format!("[^{}]", note.name);
        let elsewhere = body.match_indices(&written).any(|(at, _)| !body[at + written.len()..].starts_with(':'));
        if !mentioned.contains(&note.name.to_lowercase()) && !elsewhere {
            let start = manuscript.below + document.span(node).start;
            let line = manuscript.line_span(manuscript.line(start));
            marks.push(context.mark(
                &line,
                "nothing refers to this footnote",
                format!("write `{written}` where it belongs, or take it out"),
            ));
        }
    }
    marks
}

fn undefined(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let notes: HashSet<String> = manuscript.text.lines().filter_map(defined_note).collect();
    let mut marks = Vec::new();
    for words in manuscript.blocks.iter().flat_map(|block| block.phrases()) {
        let text = manuscript.slice(&words);
        let place = |place: &Range<usize>| words.start + place.start..words.start + place.end;
        for Reference { span, label } in links(text) {
            let hint = format!("add a line `[{label}]: https://…`, or write the address into parentheses");
            let message = format!("`[{label}]: …` is not in this file, so this is no link");
            marks.push(context.mark(&place(&span), message, hint));
        }
        for Reference { span, label } in footnotes(text).filter(|note| !notes.contains(&note.label.to_lowercase())) {
            let hint = format!("add a line `[^{label}]: …` with its text");
            marks.push(context.mark(&place(&span), "this footnote has no text", hint));
        }
    }
    marks
}

/// A reference in a text, with what it is to.
struct Reference<'a> {
    span: Range<usize>,
    label: &'a str,
}

/// The label of the footnote that a line defines, in lower case.
fn defined_note(line: &str) -> Option<String> {
    let label = line.trim_start_matches([' ', '\t', '>']).strip_prefix("[^")?;
    let (label, _) = label.split_once("]:")?;
    Some(label.to_lowercase())
}

/// `[text][label]` and `[text][]` that Markdown left as they are, but for tags side by side and places in arrays.
fn links(text: &str) -> impl Iterator<Item = Reference<'_>> {
    let mut end = 0;
    text.match_indices("][").filter_map(move |(middle, _)| {
        let start = end + text.get(end..middle)?.rfind('[')?;
        let shown = text.get(start + 1..middle)?;
        let rest = text.get(middle + 2..)?;
        let length = rest.find(['[', ']', '\n'])?;
        let (label, rest) = rest.split_at(length);
        let rest = rest.strip_prefix(']')?;
        let reference =
            Reference { span: start..middle + 2 + length + 1, label: if label.is_empty() { shown } else { label } };
        let before = text.get(..start)?;
        let array = before.ends_with(|c: char| c.is_alphanumeric() || "_])\\".contains(c));
        let counted = [shown, label].iter().all(|text| text.chars().all(|c| !c.is_alphabetic()));
        // `[video][en]` are remarks on a title where they stand alone or at its end
        let inside = before.trim_end().ends_with(|c: char| c.is_alphanumeric() || c == ',')
            && rest
                .trim_start_matches(' ')
                .starts_with(|c: char| c.is_alphanumeric() || ",.;:!?)，。；：！？）".contains(c));
        let sentence = shown.trim().contains(' ') || label.is_empty() || inside;
        end = reference.span.end;
        (!array && !counted && sentence).then_some(reference)
    })
}

/// `[^1]`, `word[^note]`; not `[^a-z]`, which means something in programs.
fn footnotes(text: &str) -> impl Iterator<Item = Reference<'_>> {
    text.match_indices("[^").filter_map(move |(at, _)| {
        let rest = text.get(at + 2..)?;
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')?;
        let (label, rest) = rest.split_at(length);
        let rest = rest.strip_prefix(']')?;
        let before = text.get(..at)?.chars().next_back();
        let number = label.bytes().all(|b| b.is_ascii_digit());
        let behind_word = before.is_some_and(|c| c.is_alphanumeric() || ".,;:!?)\"”’。，；：！？）」".contains(c));
        let named = label.chars().count() > 1 && behind_word && label.starts_with(char::is_alphabetic);
        let quantified = rest.starts_with(['*', '+', '{', ':']);
        let span = at..at + 2 + length + 1;
        (!label.is_empty() && (number || named) && !quantified).then_some(Reference { span, label })
    })
}
