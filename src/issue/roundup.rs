//! Sections: the headings of an issue, and what is under them.

use comrak::nodes::{Node, NodeValue};

use super::beside;
use super::choice::Usual;
use super::entries::{self, Entries};
use super::item::{self, Block};
use super::lead;
use super::markdown::{self, Document};
use super::marks::{self, Mark};
use super::number::{self, Style};
use super::{Heading, PastIssue, Section, imprint, past};

/// The text of an issue below its title line.
#[derive(Default)]
pub(super) struct Roundup {
    pub(super) intro: String,
    pub(super) sections: Vec<Section>,
    pub(super) past_issues_heading: Option<Heading>,
    pub(super) past_issues: Vec<PastIssue>,
}

/// A heading with what is under it.
struct Part<'a> {
    heading: Option<Node<'a>>,
    past_issues: Vec<PastIssue>,
    /// It tells how to subscribe and the like: its links are no items.
    imprint: bool,
    entries: Entries<'a>,
}

/// Finds the sections; a text without any item is an essay, and all of it the intro.
pub(super) fn read<'a>(document: &Document<'a>, blocks: &[Node<'a>]) -> Roundup {
    let mut parts = parts(document, blocks);
    let bare = |part: &Part<'a>| part.entries.drafts.is_empty() && part.past_issues.is_empty() && !part.entries.fenced;
    let essay = parts.iter().all(bare);
    if essay && parts.iter().any(|part| !part.entries.body.is_empty()) {
        let blocks = blocks.iter().map(|node| Block::whole(document, node)).collect();
        return Roundup { intro: join(document, blocks), ..Roundup::default() };
    }
    entries::release_tails(parts.iter_mut().map(|part| &mut part.entries).collect());
    let mut roundup = Roundup::default();
    for part in parts {
        let Part { heading, past_issues, mut entries, .. } = part;
        if heading.is_none() {
            roundup.intro = join(document, std::mem::take(&mut entries.body));
        }
        let nodes = heading.map(heading_inlines).unwrap_or_default();
        let line = heading.map(|node| document.line(document.rows(node).start));
        let headed = heading.is_some() && past_issues.is_empty();
        let mut heading = read_heading(&nodes);
        if !past_issues.is_empty() {
            // what stands below past issues is a section without a heading
            roundup.past_issues_heading = Some(std::mem::take(&mut heading));
            roundup.past_issues = past_issues;
        }
        let section = section(document, line, heading, &nodes, entries);
        if headed || !(section.body.is_empty() && section.items.is_empty() && section.after.is_empty()) {
            roundup.sections.push(section);
        }
    }
    roundup
}

/// The section under a heading of the inline nodes `inlines`.
fn section<'a>(
    document: &Document<'a>,
    line: Option<usize>,
    heading: Heading,
    inlines: &[Node<'a>],
    entries: Entries<'a>,
) -> Section {
    let inner = || inlines.iter().flat_map(|node| node.descendants());
    // a heading has one address: its other links, and images, go to the body
    let image = |node: &Node<'_>| matches!(node.data().value, NodeValue::Image(_));
    let links = inner().filter(|node| item::url(node).is_some()).skip(1);
    let extras = links.chain(inner().filter(image)).map(|node| document.slice(document.span(node), &[], 0));
    let first = entries.drafts.first().map(|draft| draft.line);
    let body = extras.chain([join(document, entries.body)]).filter(|text| !text.is_empty());
    Section {
        line: line.or(first).unwrap_or(1),
        title: heading.title,
        emoji: heading.emoji,
        url: heading.url,
        body: body.collect::<Vec<_>>().join("\n\n"),
        items: entries.drafts.into_iter().map(|draft| draft.item(document)).collect(),
        after: join(document, entries.after),
    }
}

fn read_heading(inlines: &[Node<'_>]) -> Heading {
    let (emoji, title) = beside::split_emoji(&markdown::plain(inlines.iter().copied()));
    Heading { title, emoji, url: inlines.iter().flat_map(|node| node.descendants()).find_map(item::url) }
}

/// The Markdown of blocks, without thematic breaks at the end.
pub(super) fn join<'a>(document: &Document<'a>, mut blocks: Vec<Block<'a>>) -> String {
    while blocks.pop_if(|block| block.is_thematic_break()).is_some() {}
    let texts = blocks.iter().map(|block| block.markdown(document)).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join("\n\n")
}

/// Splits the blocks at the headings that begin a section.
///
/// A heading of a lower level does so when items stand right under it, else it is text of the section before.
fn parts<'a>(document: &Document<'a>, blocks: &[Node<'a>]) -> Vec<Part<'a>> {
    let top = blocks.iter().filter_map(|node| level(node)).min().unwrap_or(2).max(2);
    let headless = !blocks.iter().any(|node| level(node).is_some());
    let marks = marks::all(document, blocks);
    let usual = Usual::of(&marks, blocks);
    let mut parts = vec![Part { heading: None, past_issues: Vec::new(), imprint: false, entries: Entries::default() }];
    let mut listed = false;
    for (heading, blocks) in chunks(document, blocks, top, headless, usual) {
        let part = part(document, heading, &blocks, headless, (&marks, usual), !listed);
        listed |= !part.past_issues.is_empty();
        let low = heading.is_some_and(|node| level(node).is_some_and(|level| level > top));
        match parts.last_mut() {
            Some(before) if low && !part.imprint && part.entries.drafts.is_empty() && part.past_issues.is_empty() => {
                before.entries.push(heading.map(|node| Block::whole(document, node)));
                before.entries.push(part.entries.body);
            }
            Some(before) if heading.is_none() => *before = part,
            _ => parts.push(part),
        }
    }
    parts
}

/// The blocks under each heading; the first are those above all of them.
fn chunks<'a>(
    document: &Document<'a>,
    blocks: &[Node<'a>],
    top: u8,
    headless: bool,
    usual: Usual,
) -> Vec<(Option<Node<'a>>, Vec<Node<'a>>)> {
    let items = item_headings(document, blocks, top);
    let mut chunks = vec![(None, Vec::new())];
    for (at, node) in blocks.iter().enumerate() {
        let begins = match level(node) {
            Some(level) => level <= top || !(items[at] || is_numbered(document, node)),
            None => is_line_heading(document, node, blocks.get(at + 1).copied(), headless, usual),
        };
        match marks::categories(document, node) {
            _ if begins => chunks.push((Some(*node), Vec::new())),
            Some(categories) => chunks.extend(categories.into_iter().map(|(title, list)| (Some(title), vec![list]))),
            None => chunks.last_mut().into_iter().for_each(|(_, blocks)| blocks.push(*node)),
        }
    }
    chunks
}

/// Which headings below the top level are items: where all of a section are links, right above their text.
fn item_headings<'a>(document: &Document<'a>, blocks: &[Node<'a>], top: u8) -> Vec<bool> {
    let mut items = vec![false; blocks.len()];
    let low = |at: usize| blocks.get(at).and_then(|node| level(node)).is_some_and(|level| level > top);
    let fine = |at: usize| {
        let Some(heading) = blocks.get(at) else { return false };
        let inlines: Vec<_> = heading.children().collect();
        let text = blocks.get(at + 1).is_some_and(|node| {
            matches!(node.data().value, NodeValue::Paragraph) && marks::entry(document, node).is_none()
        });
        text && lead::starts_with_link(document, &inlines, 0)
    };
    let mut at = 0;
    while at < blocks.len() {
        let next_top = |node: &Node<'a>| level(node).is_some_and(|level| level <= top);
        let end = blocks[at + 1..].iter().position(next_top).map_or(blocks.len(), |offset| at + 1 + offset);
        let headings: Vec<usize> = (at..end).filter(|at| low(*at)).collect();
        if headings.len() > 1 && headings.iter().all(|at| fine(*at)) {
            headings.into_iter().for_each(|at| items[at] = true);
        }
        at = end;
    }
    items
}

fn part<'a>(
    document: &Document<'a>,
    heading: Option<Node<'a>>,
    blocks: &[Node<'a>],
    headless: bool,
    (marks, usual): (&[Mark<'a>], Usual),
    may_list: bool,
) -> Part<'a> {
    let title = heading.map(|node| markdown::plain(heading_inlines(node)));
    let imprint = title.as_deref().is_some_and(imprint::is_title);
    let (past_issues, rest) = match title {
        // an issue has one list of past issues
        Some(title) if may_list && past::is_title(&title) => past::take(blocks),
        _ => (Vec::new(), blocks),
    };
    let found = marks::within(document, marks, rest);
    let entries = match heading {
        // above the first heading stand tables of contents and the like
        None if !headless => Entries::leads(document, rest, found),
        _ if imprint => Entries::text(document, rest),
        _ => Entries::read(document, rest, found, usual),
    };
    Part { heading, past_issues, imprint, entries }
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
    number::marker(text).is_some_and(|marker| marker.style == Style::Digits)
}

/// Whether a paragraph serves as a heading.
///
/// A bold line does, with an emoji, or right above the first of several items; so do a link with an emoji,
/// and, where there are no real headings, `一、Title`, above an item.
fn is_line_heading<'a>(
    document: &Document<'a>,
    node: Node<'a>,
    next: Option<Node<'a>>,
    headless: bool,
    usual: Usual,
) -> bool {
    let Some(inlines) = one_line(node) else { return false };
    let bold = bold(node);
    // `*[a](b)*` is one, too
    if !(headless || bold.is_some() || inlines.len() == 1) {
        return false;
    }
    let text = markdown::plain(inlines.iter().copied());
    let emoji = beside::split_emoji(&text).0.is_some();
    let linked = node.descendants().any(|node| item::url(node).is_some());
    let below = next.and_then(|next| marks::entry(document, next));
    let above_item = below.as_ref().is_some_and(|item| item.described || (headless && !linked));
    let number = below.as_ref().and_then(|item| item.number);
    // among numbered items, a list with bullets is part of one
    let above_first = above_item && (number == Some(1) || (number.is_none() && (emoji || usual.numbered.is_none())));
    let is_item = || marks::entry(document, node).is_some_and(|mark| below.is_some_and(|next| mark.counts_on(&next)));
    if text.is_empty() {
        false
    } else if let Some(bold) = bold {
        let all = !linked || bold.next_sibling().is_none() && bold.previous_sibling().is_none();
        if headless { ((emoji && all) || above_item) && !is_item() } else { above_first && !is_item() }
    } else if linked && inlines.len() == 1 {
        emoji && above_item && (headless || number == Some(1))
    } else {
        headless && above_item && number::is_chinese_number(&text) && !is_item()
    }
}

/// The inline nodes of a paragraph of one line.
fn one_line(node: Node<'_>) -> Option<Vec<Node<'_>>> {
    let inlines: Vec<_> = node.children().collect();
    let paragraph = matches!(node.data().value, NodeValue::Paragraph);
    (paragraph && !inlines.iter().any(|node| markdown::is_break(node))).then_some(inlines)
}

/// The bold words of a paragraph that has no others; emoji may stand beside them.
pub(super) fn bold(node: Node<'_>) -> Option<Node<'_>> {
    let beside = |node: &Node<'_>| match &node.data().value {
        NodeValue::Text(text) => beside::split_emoji(text).1.is_empty(),
        _ => false,
    };
    if !node.children().any(|child| matches!(child.data().value, NodeValue::Strong)) {
        return None;
    }
    let mut words = node.children().filter(|child| !beside(child));
    let only = words.next().filter(|_| words.next().is_none())?;
    let paragraph = matches!(node.data().value, NodeValue::Paragraph);
    (paragraph && matches!(only.data().value, NodeValue::Strong)).then_some(only)
}

/// The inline nodes of a heading, or of a bold paragraph that serves as one.
fn heading_inlines<'a>(heading: Node<'a>) -> Vec<Node<'a>> {
    let Some(bold) = bold(heading) else { return heading.children().collect() };
    let words = |node: Node<'a>| node.same_node(bold);
    heading.children().flat_map(|node| if words(node) { node.children().collect() } else { vec![node] }).collect()
}
