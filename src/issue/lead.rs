//! The lead of an item: its title with the address, and what stands beside it.

use std::ops::Range;

use comrak::nodes::{Node, NodeValue};

use super::item::{Block, images, is_image, url};
use super::markdown::{self, Document};
use super::{Item, beside, number};

/// Fills in title, address, tags and stars beside the title; gives what is left of the lead.
pub(super) fn take_title<'a>(
    document: &Document<'a>,
    lead: &Block<'a>,
    start: usize,
    item: &mut Item,
) -> Option<Block<'a>> {
    let nodes = &lead.inlines;
    // nothing but tags and emoji is a title, too
    let at = title_node(document, nodes, start).unwrap_or(0);
    let node = *nodes.get(at)?;
    if let Some(bare) = bare_address(document, nodes, start).filter(|_| !is_only_link(node)) {
        return take_bare_title(document, lead, start, bare, item);
    }
    let until = if is_only_link(node) {
        let mut prefix = String::new();
        for text in nodes[..at].iter().filter_map(|node| source(document, node, start)) {
            prefix.push_str(&beside::before_title(text, &mut item.tags));
        }
        name(item, format!("{prefix} {}", markdown::plain([node])).trim());
        at + 1
    } else if linked_title(document, node, start).is_some() {
        name(item, &without_number(&markdown::plain(nodes[..=at].iter().copied()), lead, start));
        at + 1
    } else {
        // no link ends the title: the line does, or the paragraph in a list
        let line_end = if lead.column > 0 { None } else { nodes.iter().position(|node| markdown::is_break(node)) };
        let until = sentence_end(document, nodes).or(line_end).unwrap_or(nodes.len());
        name(item, &without_number(&markdown::plain(nodes[..until].iter().copied()), lead, start));
        until
    };
    let (title, rest) = nodes.split_at(until);
    item.images.extend(images(title));
    let links = || title.iter().flat_map(|node| node.descendants()).filter(|node| url(node).is_some());
    item.url = links().find_map(url);
    if let Some(image) = item.images.iter_mut().find(|image| image.link.is_some() && image.link == item.url) {
        image.link = None;
    }
    // the title has one address: its other links go to the description
    let others: Vec<_> = links().skip(1).filter(|link| !is_image(link)).collect();
    let written: Vec<_> = others.iter().map(|link| document.slice(document.span(link), &[], 0)).collect();
    item.description = written.join(" ");
    // `[Title]()` has none
    item.url.take_if(|url| url.is_empty());
    item.links.extend(item.url.clone().into_iter().chain(others.into_iter().filter_map(url)));
    let mut from = title.last().map_or(start, |last| document.span(last).end);
    if let Some(text) = rest.first().and_then(|node| source(document, node, from)) {
        from += text.len() - beside::after_title(text, &mut item.tags).len();
    }
    take_stars(item);
    lead.rest(document, rest, from)
}

/// Gives an item its title; reading times at its end are tags.
fn name(item: &mut Item, title: &str) {
    let mut rest = title;
    let mut times = Vec::new();
    while let (title, Some(time)) = beside::split_reading_time(rest) {
        times.push(time.to_owned());
        rest = title;
    }
    item.title = rest.to_owned();
    item.tags.extend(times.into_iter().rev());
}

/// A title without the number before `start`, and without a sign.
fn without_number(title: &str, lead: &Block<'_>, start: usize) -> String {
    let marker = if start > lead.span.start { number::marker(title) } else { None };
    beside::without_sign(&title[marker.map_or(0, |marker| marker.length)..]).trim().to_owned()
}

/// Behind the first link, where a sentence, or what introduces a description, ends with it.
fn sentence_end<'a>(document: &Document<'a>, nodes: &[Node<'a>]) -> Option<usize> {
    const ENDS: [&str; 8] = [".", "。", ":", "：", " - ", " – ", " — ", "——"];
    let link = nodes.iter().position(|node| is_only_link(node))?;
    let text = source(document, nodes.get(link + 1)?, 0)?;
    let one_line = !nodes[..link].iter().any(|node| markdown::is_break(node));
    (one_line && ENDS.iter().any(|end| text.starts_with(end))).then_some(link + 1)
}

/// Makes the first tag that counts stars a number.
fn take_stars(item: &mut Item) {
    let Some(at) = item.tags.iter().position(|tag| beside::stars(tag).is_some()) else { return };
    item.stars = beside::stars(&item.tags.remove(at));
}

/// An address without brackets, beside or below a title.
struct BareAddress {
    /// Which child of the lead has it.
    child: usize,
    span: Range<usize>,
    url: String,
}

/// Finds a bare address that ends the first line, begins it, or begins the second.
fn bare_address<'a>(document: &Document<'a>, nodes: &[Node<'a>], start: usize) -> Option<BareAddress> {
    let second = nodes.iter().position(|node| markdown::is_break(node)).map_or(nodes.len(), |at| at + 1);
    for (child, node) in nodes.iter().enumerate().take(second + 1) {
        if let NodeValue::Link(link) = &node.data().value {
            let bare = !link.url.is_empty() && link.url == markdown::plain([*node]);
            return bare.then(|| BareAddress { child, span: document.span(node), url: link.url.clone() });
        }
        if node.descendants().any(|node| url(node).is_some()) {
            return None;
        }
        let Some(text) = source(document, node, start) else { continue };
        let Some(found) = beside::bare_address(text) else { continue };
        let at = document.span(node).start.max(start);
        let closing = text[found.end..].trim_start_matches([')', '）']);
        let end = text.len() - closing.len();
        let begins = (child == 0 || child == second) && text[..found.start].trim().is_empty();
        let ends = child < second
            && closing.trim().is_empty()
            && nodes.get(child + 1).is_none_or(|node| markdown::is_break(node));
        let url = text[found.clone()].to_owned();
        return (begins || ends).then(|| BareAddress { child, span: at + found.start..at + end, url });
    }
    None
}

/// Fills in what stands around a bare address; the address is the title where nothing stands before it.
fn take_bare_title<'a>(
    document: &Document<'a>,
    lead: &Block<'a>,
    start: usize,
    bare: BareAddress,
    item: &mut Item,
) -> Option<Block<'a>> {
    let (nodes, behind) = lead.inlines.split_at(bare.child.min(lead.inlines.len()));
    let text = behind.first().filter(|node| matches!(node.data().value, NodeValue::Text(_)));
    let text = text.map(|node| document.text.get(document.span(node).start..bare.span.start).unwrap_or_default());
    let title = markdown::plain(nodes.iter().copied()) + text.unwrap_or_default();
    let title = if start >= bare.span.start { String::new() } else { without_number(&title, lead, start) };
    let title = title.trim_end_matches(|c: char| c.is_whitespace() || ":：-–—|｜,，(（".contains(c));
    name(item, if title.is_empty() { &bare.url } else { title.trim_start() });
    item.images.extend(images(nodes));
    item.links.push(bare.url.clone());
    item.url = Some(bare.url);
    let mut text_behind = behind.iter().take(2).filter_map(|node| source(document, node, bare.span.end));
    let text_behind = text_behind.next().unwrap_or_default();
    let from = bare.span.end + text_behind.len() - beside::after_title(text_behind, &mut item.tags).len();
    take_stars(item);
    lead.rest(document, behind, from)
}

/// Whether inline nodes have an item's address: they begin with a link, or a bare address stands by the title.
pub(super) fn has_address<'a>(document: &Document<'a>, nodes: &[Node<'a>], start: usize) -> bool {
    starts_with_link(document, nodes, start) || bare_address(document, nodes, start).is_some()
}

/// Whether a line is one link, with no more than tags and emoji beside it.
pub(super) fn is_link_alone<'a>(document: &Document<'a>, line: &[Node<'a>]) -> bool {
    let beside = |node: &&Node<'a>| source(document, node, 0).is_some_and(beside::is_beside_title);
    line.iter().filter(|node| !beside(node)).count() == 1
}

/// Whether what follows the link with which a line begins sets it apart as a title; a row of links does not.
pub(super) fn is_set_apart<'a>(document: &Document<'a>, line: &[Node<'a>]) -> bool {
    let Some(at) = title_node(document, line, 0) else { return false };
    let Some(text) = line.get(at + 1).map(|node| source(document, node, 0)) else { return true };
    let last = at + 2 >= line.len();
    let linked = line.get(at + 2).is_some_and(|node| url(node).is_some());
    text.is_some_and(|text| {
        let row = linked && text.trim().chars().all(|c| "|｜·•/,，、".contains(c));
        beside::sets_apart(text) && !row && (last || !text.trim().is_empty())
    })
}

/// Whether inline nodes begin with a link, perhaps bold; signs, tags and emoji may stand before it.
pub(super) fn starts_with_link<'a>(document: &Document<'a>, nodes: &[Node<'a>], start: usize) -> bool {
    let Some(node) = title_node(document, nodes, start).and_then(|at| nodes.get(at).copied()) else { return false };
    linked_title(document, node, start).is_some()
}

/// The link with which a node begins, through bold and italics; a number before `start`, signs, tags and emoji may stand before it.
fn linked_title<'a>(document: &Document<'a>, node: Node<'a>, start: usize) -> Option<Node<'a>> {
    let mut node = node;
    while matches!(node.data().value, NodeValue::Strong | NodeValue::Emph) {
        let children: Vec<_> = node.children().filter(|child| document.span(child).end > start).collect();
        node = *children.get(title_node(document, &children, start)?)?;
    }
    is_link(node).then_some(node)
}

/// The first node that is more than tags and emoji.
fn title_node<'a>(document: &Document<'a>, nodes: &[Node<'a>], start: usize) -> Option<usize> {
    nodes.iter().position(|node| {
        source(document, node, start).is_none_or(|text| !beside::is_beside_title(text)) && !markdown::is_break(node)
    })
}

/// Whether a node is a link with a text and nothing else, through bold and italics.
fn is_only_link(node: Node<'_>) -> bool {
    let mut node = node;
    while matches!(node.data().value, NodeValue::Strong | NodeValue::Emph) {
        match node.first_child() {
            Some(child) if child.next_sibling().is_none() => node = child,
            _ => return false,
        }
    }
    is_link(node)
}

/// Whether a node is a link with a text, or with nothing at all.
fn is_link(node: Node<'_>) -> bool {
    matches!(node.data().value, NodeValue::Link(_))
        && (node.first_child().is_none() || !markdown::plain([node]).is_empty())
}

/// The source of a text node from `start` on.
pub(super) fn source<'t>(document: &Document<'t>, node: Node<'_>, start: usize) -> Option<&'t str> {
    let text = matches!(node.data().value, NodeValue::Text(_));
    let span = document.span(node);
    text.then(|| document.text.get(span.start.max(start)..span.end.max(start)).unwrap_or_default())
}
