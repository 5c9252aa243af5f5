//! Sections: the headings of an issue, and what is under them.

use comrak::nodes::{Node, NodeValue};

use super::beside::{self, Style};
use super::entries::{self, Entries};
use super::item::{self, Block};
use super::markdown::{self, Document};
use super::{PastIssue, Section, past};

/// The text of an issue below its title line.
pub(super) struct Roundup {
    pub(super) intro: String,
    pub(super) sections: Vec<Section>,
    pub(super) past_issues: Vec<PastIssue>,
}

/// A heading with what is under it.
struct Part<'a> {
    heading: Option<Node<'a>>,
    past_issues: Vec<PastIssue>,
    entries: Entries<'a>,
}

/// Finds the sections; a text without any item is an essay, and all of it the intro.
pub(super) fn read<'a>(document: &Document<'a>, blocks: &[Node<'a>]) -> Roundup {
    let mut parts = parts(document, blocks);
    let essay = parts.iter().all(|part| part.entries.drafts.is_empty() && part.past_issues.is_empty());
    if essay && parts.iter().any(|part| !part.entries.body.is_empty()) {
        let blocks = blocks.iter().map(|node| Block::whole(document, node)).collect();
        return Roundup { intro: join(document, blocks), sections: Vec::new(), past_issues: Vec::new() };
    }
    entries::release_tails(parts.iter_mut().map(|part| &mut part.entries).collect());
    let mut roundup = Roundup { intro: String::new(), sections: Vec::new(), past_issues: Vec::new() };
    for part in parts {
        let Part { heading, past_issues, mut entries } = part;
        if heading.is_none() {
            roundup.intro = join(document, std::mem::take(&mut entries.body));
        }
        let listed = !past_issues.is_empty() || heading.is_none();
        roundup.past_issues.extend(past_issues);
        if !(listed && entries.is_empty()) {
            roundup.sections.push(section(document, heading, entries));
        }
    }
    roundup
}

fn section<'a>(document: &Document<'a>, heading: Option<Node<'a>>, entries: Entries<'a>) -> Section {
    let nodes = heading.map(heading_inlines).unwrap_or_default();
    let (emoji, title) = beside::split_emoji(&markdown::plain(nodes.iter().copied()));
    let inner = || nodes.iter().flat_map(|node| node.descendants());
    // a section has one address: its other links, and images, go to the body
    let image = |node: &Node<'_>| matches!(node.data().value, NodeValue::Image(_));
    let links = inner().filter(|node| item::url(node).is_some()).skip(1);
    let extras = links.chain(inner().filter(image)).map(|node| document.slice(document.span(node), &[], 0));
    let line = heading.map(|node| document.line(document.rows(node).start));
    let first = entries.drafts.first().map(|draft| draft.line);
    Section {
        line: line.or(first).unwrap_or(1),
        title,
        emoji,
        url: inner().find_map(item::url),
        body: extras
            .chain([join(document, entries.body)])
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n"),
        items: entries.drafts.into_iter().map(|draft| draft.item(document)).collect(),
        after: join(document, entries.after),
    }
}

/// The Markdown of blocks, without thematic breaks at the end.
pub(super) fn join<'a>(document: &Document<'a>, mut blocks: Vec<Block<'a>>) -> String {
    while blocks.pop_if(|block| block.is_thematic_break()).is_some() {}
    blocks.iter().map(|block| block.markdown(document)).collect::<Vec<_>>().join("\n\n")
}

/// Splits the blocks at the headings that begin a section.
///
/// A heading of a lower level does so when items stand right under it, else it is text of the section before.
fn parts<'a>(document: &Document<'a>, blocks: &[Node<'a>]) -> Vec<Part<'a>> {
    let top = blocks.iter().filter_map(|node| level(node)).min().unwrap_or(2).max(2);
    let headless = !blocks.iter().any(|node| level(node).is_some());
    let begins = |at: usize| match blocks.get(at) {
        Some(node) if headless => is_bold_heading(document, node, blocks.get(at + 1).copied()),
        Some(node) => level(node).is_some_and(|level| level <= top || !is_numbered(document, node)),
        None => false,
    };
    let mut parts = vec![Part { heading: None, past_issues: Vec::new(), entries: Entries::default() }];
    let mut at = 0;
    while at < blocks.len() {
        let heading = begins(at).then(|| blocks[at]);
        let from = at + usize::from(heading.is_some());
        at = (from..blocks.len()).find(|at| begins(*at)).unwrap_or(blocks.len());
        let part = part(document, heading, &blocks[from..at], headless);
        let low = heading.and_then(level).is_some_and(|level| level > top);
        match parts.last_mut() {
            Some(before) if low && part.entries.drafts.is_empty() && part.past_issues.is_empty() => {
                before.entries.push(heading.map(|node| Block::whole(document, node)));
                before.entries.push(part.entries.body);
            }
            Some(before) if heading.is_none() => *before = part,
            _ => parts.push(part),
        }
    }
    parts
}

fn part<'a>(document: &Document<'a>, heading: Option<Node<'a>>, blocks: &[Node<'a>], headless: bool) -> Part<'a> {
    let title = heading.map(|node| markdown::plain(heading_inlines(node)));
    let (past_issues, rest) = match title {
        Some(title) if past::is_title(&title) => past::take(blocks),
        _ => (Vec::new(), blocks),
    };
    // above the first heading stand tables of contents and the like, no items
    let entries =
        if heading.is_none() && !headless { Entries::text(document, rest) } else { Entries::read(document, rest) };
    Part { heading, past_issues, entries }
}

/// The level of a heading.
pub(super) fn level(node: Node<'_>) -> Option<u8> {
    match node.data().value {
        NodeValue::Heading(heading) => Some(heading.level),
        _ => None,
    }
}

/// Whether a heading is an item: `### 1. [Title](url)`.
fn is_numbered(document: &Document<'_>, heading: Node<'_>) -> bool {
    let start = heading.first_child().map(|node| document.span(node).start).unwrap_or_default();
    let text = document.text.get(start..document.span(heading).end).unwrap_or_default();
    beside::marker(text).is_some_and(|marker| marker.style == Style::Digits)
}

/// Whether a bold paragraph serves as a heading: with an emoji, or right above an item.
fn is_bold_heading<'a>(document: &Document<'a>, node: Node<'a>, next: Option<Node<'a>>) -> bool {
    let Some(strong) = bold(node) else { return false };
    let text = markdown::plain([strong]);
    let above_item = || next.is_some_and(|next| entries::is_entry(document, next));
    !text.is_empty() && (beside::split_emoji(&text).0.is_some() || above_item())
}

/// The one child of a paragraph that is bold all through.
fn bold(node: Node<'_>) -> Option<Node<'_>> {
    let only = node.first_child().filter(|child| child.next_sibling().is_none())?;
    let paragraph = matches!(node.data().value, NodeValue::Paragraph);
    (paragraph && matches!(only.data().value, NodeValue::Strong)).then_some(only)
}

/// The inline nodes of a heading, or of a bold paragraph that serves as one.
fn heading_inlines(heading: Node<'_>) -> Vec<Node<'_>> {
    bold(heading).unwrap_or(heading).children().collect()
}
