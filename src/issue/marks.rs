//! Lines and lists that may be items.

use comrak::nodes::{ListType, Node, NodeValue};

use super::beside;
use super::imprint;
use super::item;
use super::lead;
use super::markdown::{self, Document};
use super::number::{self, Marker, Style};

/// Something that may be an item: a line with a number or a link, or a whole list.
#[derive(Clone, Copy)]
pub(super) struct Mark<'a> {
    pub(super) node: Node<'a>,
    pub(super) style: Style,
    pub(super) number: Option<u32>,
    /// The number behind the last of its entries.
    pub(super) next: u32,
    /// Whether the entry, or most of the list's, has its link where an item has it.
    pub(super) linked: bool,
    /// Whether it has text of its own, or needs none.
    pub(super) described: bool,
    /// Whether its title is set apart from what follows on the line.
    pub(super) apart: bool,
    /// Whether most of a list's entries have a link anywhere.
    pub(super) mentions: bool,
    /// The child of a paragraph with which the line begins.
    pub(super) child: usize,
    /// Where the text behind the number begins.
    pub(super) start: usize,
    /// The paragraph below, of a number that stands alone.
    pub(super) below: Option<Node<'a>>,
}

impl<'a> Mark<'a> {
    fn new(node: Node<'a>, style: Style) -> Self {
        Self {
            node,
            style,
            number: None,
            next: 0,
            linked: true,
            described: true,
            apart: true,
            mentions: false,
            child: 0,
            start: 0,
            below: None,
        }
    }

    fn numbered(node: Node<'a>, marker: &Marker) -> Self {
        let next = marker.number.saturating_add(1);
        Self { number: Some(marker.number), next, ..Self::new(node, marker.style) }
    }

    /// Whether the next mark continues its count.
    pub(super) fn counts_on(&self, next: &Self) -> bool {
        self.number.is_some() && self.style == next.style && next.number == Some(self.next)
    }

    pub(super) fn is_line(&self) -> bool {
        matches!(self.style, Style::Bare | Style::Sign)
    }
}

/// Finds what may be an item in some blocks.
pub(super) fn all<'a>(document: &Document<'a>, blocks: &[Node<'a>]) -> Vec<Mark<'a>> {
    let mut found: Vec<Mark<'a>> = Vec::new();
    for node in blocks {
        // what stands below a number alone is numbered by it
        let numbered = found.last().and_then(|mark| mark.below).is_some_and(|below| below.same_node(node));
        if !numbered {
            found.extend(marks(document, node));
        }
    }
    found
}

/// Finds what may be an item in some `blocks` side by side, where `all` is what was found in the whole document.
pub(super) fn within<'a>(document: &Document<'a>, all: &[Mark<'a>], blocks: &[Node<'a>]) -> Vec<Mark<'a>> {
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Vec::new() };
    if !first.parent().is_some_and(|parent| parent.same_node(document.root)) {
        return self::all(document, blocks);
    }
    let line = |node: Node<'a>| node.data().sourcepos.start.line;
    let start = all.partition_point(|mark| line(mark.node) < line(first));
    let end = all.partition_point(|mark| line(mark.node) <= line(last));
    all[start..end.max(start)].to_vec()
}

/// Finds what may be an item in a block.
fn marks<'a>(document: &Document<'a>, node: Node<'a>) -> Vec<Mark<'a>> {
    match &node.data().value {
        _ if names_people(document, node) => Vec::new(),
        NodeValue::List(list) => vec![list_mark(document, node, list.list_type == ListType::Ordered)],
        NodeValue::Paragraph | NodeValue::Heading(_) => {
            let children: Vec<_> = node.children().collect();
            if is_bold_above_text(node, &children) {
                return vec![titled_mark(document, node, &children)];
            }
            let begins = |at: &usize| *at == 0 || markdown::is_break(children[at - 1]);
            let starts = (0..children.len()).filter(begins);
            let marks: Vec<_> = starts.filter_map(|at| line_mark(document, node, &children, at)).collect();
            if marks.is_empty() { link_marks(document, node, &children) } else { marks }
        }
        _ => Vec::new(),
    }
}

/// How a block begins that begins as an item does.
pub(super) fn entry<'a>(document: &Document<'a>, node: Node<'a>) -> Option<Mark<'a>> {
    marks(document, node).into_iter().find(|mark| mark.style == Style::Circled || mark.linked)
}

/// Whether a block says whose the words above it are: `– Ada` or an only entry below a quotation, or a list of editors.
fn names_people<'a>(document: &Document<'a>, node: Node<'a>) -> bool {
    let Some(above) = node.previous_sibling() else { return false };
    let list = matches!(node.data().value, NodeValue::List(_));
    match above.data().value {
        NodeValue::BlockQuote if list => node.first_child().is_some_and(|entry| entry.next_sibling().is_none()),
        NodeValue::BlockQuote => beside::has_sign(document.text.get(document.span(node)).unwrap_or_default()),
        NodeValue::Paragraph if list => imprint::introduces_people(&markdown::plain(above.children())),
        _ => false,
    }
}

fn list_mark<'a>(document: &Document<'a>, node: Node<'a>, ordered: bool) -> Mark<'a> {
    let linked = node.children().filter(|entry| is_linked_entry(document, entry)).count();
    let mention = |entry: &Node<'a>| entry.first_child().is_some_and(|lead| lead.descendants().any(has_url));
    let mentions = node.children().filter(mention).count();
    let count = node.children().count();
    let numbers = if ordered { numbers(node) } else { Vec::new() };
    Mark {
        number: numbers.first().copied(),
        next: numbers.last().map_or(0, |number| number.saturating_add(1)),
        linked: linked * 2 >= count.max(1),
        mentions: mentions * 3 >= count.max(1) * 2,
        ..Mark::new(node, if ordered { Style::Ordered } else { Style::Bullets })
    }
}

fn has_url(node: Node<'_>) -> bool {
    item::url(node).is_some()
}

/// Whether an entry of a list is an item: it begins with a link, has a bare address,
/// or names a host with a link, above a list of links.
fn is_linked_entry<'a>(document: &Document<'a>, entry: Node<'a>) -> bool {
    let Some(lead) = entry.first_child() else { return false };
    let inlines: Vec<_> = lead.children().collect();
    let host = || inlines.iter().flat_map(|node| node.descendants()).any(has_url);
    lead::has_address(document, &inlines, 0)
        || (list_below(entry).is_some_and(|list| is_linked(document, list)) && host())
}

/// The list that is all of an entry below its first paragraph.
fn list_below(entry: Node<'_>) -> Option<Node<'_>> {
    let paragraph = entry.first_child().filter(|child| matches!(child.data().value, NodeValue::Paragraph))?;
    let list = paragraph.next_sibling().filter(|child| child.next_sibling().is_none())?;
    matches!(list.data().value, NodeValue::List(_)).then_some(list)
}

/// Whether all entries of a list begin with a link.
pub(super) fn is_linked<'a>(document: &Document<'a>, list: Node<'a>) -> bool {
    list.children().all(|entry| {
        let inlines: Vec<_> = entry.first_child().map(|lead| lead.children().collect()).unwrap_or_default();
        lead::has_address(document, &inlines, 0)
    })
}

/// The headings and lists of a list whose entries are nothing but headings above lists of items.
pub(super) fn categories<'a>(document: &Document<'a>, list: Node<'a>) -> Option<Vec<(Node<'a>, Node<'a>)>> {
    if !matches!(list.data().value, NodeValue::List(_)) {
        return None;
    }
    let category = |entry: Node<'a>| {
        let heading = entry.first_child()?;
        let plain = heading.descendants().all(|node| !has_url(node));
        let list = list_below(entry).filter(|list| plain && is_linked(document, list))?;
        Some((heading, list))
    };
    list.children().map(category).collect()
}

/// The numbers of a list as they are written; where all are the same, Markdown counts.
pub(super) fn numbers(list: Node<'_>) -> Vec<u32> {
    let written = |entry: Node<'_>| match &entry.data().value {
        NodeValue::Item(item) => u32::try_from(item.start).unwrap_or(u32::MAX),
        _ => 0,
    };
    let written: Vec<u32> = list.children().map(written).collect();
    match written.first() {
        Some(first) if written.iter().all(|number| number == first) => {
            (*first..=u32::MAX).take(written.len()).collect()
        }
        _ => written,
    }
}

/// Reads the number, or the sign for a bullet, at the start of a paragraph's line.
fn line_mark<'a>(document: &Document<'a>, node: Node<'a>, children: &[Node<'a>], child: usize) -> Option<Mark<'a>> {
    let from = document.span(children.get(child)?).start;
    let line = document.text.get(from..)?.lines().next()?;
    let lines = two_lines(&children[child..]);
    if let Some(marker) = number::marker(line) {
        let start = from + marker.length;
        let linked = lead::has_address(document, lines, start) || (is_heading(node) && links_below(document, node));
        let mark = Mark { linked, child, start, ..Mark::numbered(node, &marker) };
        return (linked || marker.style != Style::Chinese).then_some(mark);
    }
    if beside::has_sign(line) {
        let linked = lead::starts_with_link(document, lines, from);
        return linked.then(|| Mark { child, start: from, ..Mark::new(node, Style::Sign) });
    }
    let below = node.next_sibling().filter(|below| is_paragraph(below) && child == 0 && children.len() == 1)?;
    let marker = number::marker_alone(line)?;
    let inlines: Vec<_> = below.children().collect();
    let linked = lead::has_address(document, two_lines(&inlines), 0);
    Some(Mark { linked, below: Some(below), ..Mark::numbered(node, &marker) })
}

/// Whether the paragraph below a heading has a link, or is an address.
fn links_below<'a>(document: &Document<'a>, heading: Node<'a>) -> bool {
    heading.next_sibling().filter(is_paragraph).is_some_and(|below| {
        let inlines: Vec<_> = below.children().collect();
        below.descendants().any(has_url) || lead::has_address(document, two_lines(&inlines), 0)
    })
}

/// The line with which inline nodes begin, and the next, where an address can stand.
fn two_lines<'n, 'a>(nodes: &'n [Node<'a>]) -> &'n [Node<'a>] {
    let breaks = nodes.iter().enumerate().filter(|(_, node)| markdown::is_break(node));
    let end = breaks.map(|(at, _)| at).nth(1).unwrap_or(nodes.len());
    &nodes[..end]
}

/// Takes a heading that is a link, and a paragraph that begins with a link as its title, for an item.
///
/// Of several lines, each that begins so is one, where all do or where text stands below the last.
fn link_marks<'a>(document: &Document<'a>, node: Node<'a>, children: &[Node<'a>]) -> Vec<Mark<'a>> {
    let mut lines = Vec::new();
    let mut from = 0;
    for line in children.split(|node| markdown::is_break(node)) {
        lines.push(link_mark(document, node, line, from));
        from += line.len() + 1;
    }
    if lines.first().is_none_or(Option::is_none) {
        return Vec::new();
    }
    let titles = lines.iter().flatten().count();
    let each = titles == lines.len() || lines.last().is_some_and(Option::is_none);
    if !each {
        lines.truncate(1);
        lines.push(None);
    }
    let below: Vec<bool> = lines.iter().skip(1).map(Option::is_none).chain([text_below(document, node)]).collect();
    for (mark, below) in lines.iter_mut().zip(below) {
        mark.iter_mut().for_each(|mark| mark.described |= below);
    }
    lines.into_iter().flatten().collect()
}

fn titled_mark<'a>(document: &Document<'a>, node: Node<'a>, children: &[Node<'a>]) -> Mark<'a> {
    let linked = lead::has_address(document, two_lines(children), 0);
    Mark { linked, start: document.span(node).start, ..Mark::new(node, Style::Titled) }
}

/// Whether a paragraph's first line is a bold title without a link, above its text.
fn is_bold_above_text<'a>(node: Node<'a>, children: &[Node<'a>]) -> bool {
    let [title, end, ..] = children else { return false };
    let bold = matches!(title.data().value, NodeValue::Strong) && markdown::is_break(end) && is_paragraph(&node);
    bold && !title.descendants().any(has_url) && number::marker(&markdown::plain([*title])).is_none()
}

/// Whether a paragraph follows that does not begin with a link.
fn text_below<'a>(document: &Document<'a>, node: Node<'a>) -> bool {
    node.next_sibling().filter(is_paragraph).is_some_and(|below| {
        let inlines: Vec<_> = below.children().collect();
        !lead::starts_with_link(document, &inlines, 0)
    })
}

/// Takes a line for an item that begins with a link: a bold one, one set apart from what follows, or a heading.
fn link_mark<'a>(document: &Document<'a>, node: Node<'a>, line: &[Node<'a>], child: usize) -> Option<Mark<'a>> {
    if !lead::starts_with_link(document, line, 0) {
        return None;
    }
    let bold = line.iter().any(|node| matches!(node.data().value, NodeValue::Strong));
    let alone = lead::is_link_alone(document, line);
    let apart = lead::is_set_apart(document, line);
    let heading = is_heading(node);
    let style = if heading || bold { Style::Bold } else { Style::Bare };
    let start = document.span(*line.first()?).start;
    let described = heading || !alone;
    (heading || bold || apart).then_some(Mark { child, start, apart, described, ..Mark::new(node, style) })
}

pub(super) fn is_heading(node: Node<'_>) -> bool {
    matches!(node.data().value, NodeValue::Heading(_))
}

pub(super) fn is_paragraph(node: &Node<'_>) -> bool {
    matches!(node.data().value, NodeValue::Paragraph)
}
