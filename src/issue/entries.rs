//! Which blocks under a heading are items.

use comrak::nodes::{ListType, Node, NodeValue};

use super::beside::{self, Style};
use super::item::{self, Block, Draft};
use super::lead;
use super::markdown::{self, Document};

/// The blocks under a heading, told apart.
#[derive(Default)]
pub(super) struct Entries<'a> {
    pub(super) body: Vec<Block<'a>>,
    pub(super) drafts: Vec<Draft<'a>>,
    pub(super) after: Vec<Block<'a>>,
}

impl<'a> Entries<'a> {
    /// Takes all blocks for text.
    pub(super) fn text(document: &Document<'a>, blocks: &[Node<'a>]) -> Self {
        Self { body: blocks.iter().map(|node| Block::whole(document, node)).collect(), ..Self::default() }
    }

    /// Finds the items among the blocks, as the issue usually has them.
    pub(super) fn read(document: &Document<'a>, blocks: &[Node<'a>], usual: Usual) -> Self {
        let marks: Vec<Mark> = blocks.iter().flat_map(|node| marks(document, node)).collect();
        let first = blocks.iter().find(|node| !matches!(node.data().value, NodeValue::HtmlBlock(_)));
        let mut accepted = accept(&marks, usual, first.copied()).into_iter();
        let mut marks = marks.into_iter().peekable();
        let mut entries = Self::default();
        for node in blocks {
            let mut found = Vec::new();
            while let Some(mark) = marks.next_if(|mark| mark.node.same_node(node)) {
                if accepted.next() == Some(true) {
                    found.push(mark);
                }
            }
            match &node.data().value {
                _ if found.is_empty() => entries.push([Block::whole(document, node)]),
                NodeValue::List(_) => entries.push_list(document, node, &found),
                _ => entries.push_lines(document, node, &found),
            }
        }
        entries
    }

    pub(super) fn is_empty(&self) -> bool {
        self.body.is_empty() && self.drafts.is_empty() && self.after.is_empty()
    }

    /// Adds text behind what is there.
    pub(super) fn push(&mut self, blocks: impl IntoIterator<Item = Block<'a>>) {
        match self.drafts.last_mut() {
            Some(draft) => draft.following.extend(blocks),
            None => self.body.extend(blocks),
        }
    }

    fn push_list(&mut self, document: &Document<'a>, list: Node<'a>, marks: &[Mark<'a>]) {
        let entries: Vec<Node<'a>> = list.children().collect();
        let ordered = marks.first().is_some_and(|mark| mark.style == Style::Ordered);
        let numbers = if ordered { numbers(list) } else { Vec::new() };
        for (at, entry) in entries.iter().enumerate() {
            let column = document.content_column(entry);
            let mut own: Vec<Block<'a>> = entry.children().map(|node| Block::in_list(document, node, column)).collect();
            let lead = if own.first().is_some_and(Block::is_paragraph) { Some(own.remove(0)) } else { None };
            self.drafts.push(Draft {
                line: document.line(document.rows(entry).start),
                number: numbers.get(at).copied(),
                start: lead.as_ref().map_or(0, |lead| lead.span.start),
                lead,
                own,
                following: Vec::new(),
                listed: entries.len() > 1,
                bullet: !ordered,
            });
        }
    }

    /// Splits a paragraph, or a heading, where the accepted lines begin.
    fn push_lines(&mut self, document: &Document<'a>, node: Node<'a>, marks: &[Mark<'a>]) {
        let children: Vec<Node<'a>> = node.children().collect();
        let mut starts = marks.iter().map(|mark| mark.child).chain([children.len()]);
        let mut from = starts.next().unwrap_or(children.len());
        if from > 0 {
            self.push([lines(document, node, &children[..from])]);
        }
        for (mark, until) in marks.iter().zip(starts) {
            let lead = lines(document, node, &children[from..until]);
            self.drafts.push(Draft {
                line: document.line(lead.span.start),
                number: mark.number,
                start: mark.start,
                lead: Some(lead),
                own: Vec::new(),
                following: Vec::new(),
                listed: false,
                bullet: false,
            });
            from = until;
        }
    }
}

/// The lines of a paragraph that `inlines` are.
fn lines<'a>(document: &Document<'a>, node: Node<'a>, inlines: &[Node<'a>]) -> Block<'a> {
    let inlines: Vec<_> = match inlines {
        [rest @ .., last] if markdown::is_break(last) => rest.to_vec(),
        _ => inlines.to_vec(),
    };
    let start = inlines.first().map_or(0, |first| document.span(first).start);
    let end = inlines.last().map_or(start, |last| document.span(last).end);
    Block { node, span: start..end.max(start), inlines, column: 0 }
}

/// Gives what stands below a section's last item back to the section, where it is not the item's own.
///
/// How far an item's text goes, the other items tell: nine in ten have no more paragraphs below their link.
pub(super) fn release_tails(mut parts: Vec<&mut Entries<'_>>) {
    let inner = parts.iter().filter_map(|entries| entries.drafts.split_last()).flat_map(|(_, inner)| inner);
    let mut lengths: Vec<usize> = inner.map(Draft::paragraphs).collect();
    lengths.sort_unstable();
    let usual = lengths.len().checked_sub(1 + lengths.len() / 10).and_then(|at| lengths.get(at).copied());
    for entries in &mut parts {
        let Some(last) = entries.drafts.last_mut() else { continue };
        let allowed = match usual {
            _ if last.listed => 0,
            Some(usual) => usual,
            None if last.bullet => 0,
            None => usize::MAX,
        };
        let bar = last.following.iter().position(|block| block.is_heading() || block.is_thematic_break());
        let bar = match allowed {
            0 => last.following.iter().position(|block| !block.is_picture()),
            _ => bar,
        };
        let beyond = last.following.split_off(bar.unwrap_or(last.following.len()));
        let surplus = last.paragraphs().saturating_sub(allowed);
        let tail = last.following.iter().rev().take(surplus);
        let tail = tail.take_while(|block| block.is_paragraph() && !block.is_picture()).count();
        entries.after = last.following.split_off(last.following.len() - tail);
        entries.after.extend(beyond);
        if entries.after.first().is_some_and(Block::is_thematic_break) {
            entries.after.remove(0);
        }
    }
}

/// Something that may be an item: a line with a number or a link, or a whole list.
struct Mark<'a> {
    node: Node<'a>,
    style: Style,
    number: Option<u32>,
    /// The number behind the last of its entries.
    next: u32,
    /// Whether the entry, or most of the list's, has its link where an item has it.
    linked: bool,
    /// Whether most of a list's entries have a link anywhere.
    mentions: bool,
    /// The child of a paragraph with which the line begins.
    child: usize,
    /// Where the text behind the number begins.
    start: usize,
}

/// Whether a block begins as an item does; with its number, if it has one.
pub(super) fn entry_number<'a>(document: &Document<'a>, node: Node<'a>) -> Option<Option<u32>> {
    let sure = |mark: &Mark<'_>| mark.linked || mark.style == Style::Circled;
    marks(document, node).into_iter().find(sure).map(|mark| mark.number)
}

/// What the items of an issue are like, as far as they are sure.
#[derive(Clone, Copy)]
pub(super) struct Usual {
    /// Whether there are any.
    items: bool,
    /// How the first with a number is numbered.
    pub(super) numbered: Option<Style>,
}

impl Usual {
    pub(super) fn of<'a>(document: &Document<'a>, blocks: &[Node<'a>]) -> Self {
        let marks: Vec<Mark> = blocks.iter().flat_map(|node| marks(document, node)).collect();
        let linked = || marks.iter().filter(|mark| mark.linked);
        let numbered = linked().find(|mark| mark.number.is_some()).map(|mark| mark.style);
        Self { items: linked().next().is_some(), numbered }
    }
}

fn marks<'a>(document: &Document<'a>, node: Node<'a>) -> Vec<Mark<'a>> {
    match &node.data().value {
        _ if document.is_text(node) => Vec::new(),
        NodeValue::List(list) => vec![list_mark(document, node, list.list_type == ListType::Ordered)],
        NodeValue::Paragraph | NodeValue::Heading(_) => {
            let children: Vec<_> = node.children().collect();
            let begins = |at: &usize| *at == 0 || markdown::is_break(children[at - 1]);
            let starts = (0..children.len()).filter(begins);
            let marks: Vec<_> = starts.filter_map(|at| line_mark(document, node, &children, at)).collect();
            if marks.is_empty() { bare_mark(document, node, &children).into_iter().collect() } else { marks }
        }
        _ => Vec::new(),
    }
}

fn list_mark<'a>(document: &Document<'a>, node: Node<'a>, ordered: bool) -> Mark<'a> {
    let linked = node.children().filter(|entry| is_linked_entry(document, entry)).count();
    let mention = |entry: &Node<'a>| entry.first_child().is_some_and(|lead| lead.descendants().any(has_url));
    let mentions = node.children().filter(mention).count();
    let count = node.children().count();
    let numbers = if ordered { numbers(node) } else { Vec::new() };
    Mark {
        node,
        style: if ordered { Style::Ordered } else { Style::Bullets },
        number: numbers.first().copied(),
        next: numbers.last().map_or(0, |number| number.saturating_add(1)),
        linked: linked * 2 >= count.max(1),
        mentions: mentions * 3 >= count.max(1) * 2,
        child: 0,
        start: 0,
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
    let host = || inlines.iter().flat_map(|node| node.descendants()).any(|node| item::url(node).is_some());
    lead::has_address(document, &inlines, 0)
        || (list_below(entry).is_some_and(|list| is_linked(document, list)) && host())
}

/// The list that is all of an entry below its first paragraph.
fn list_below(entry: Node<'_>) -> Option<Node<'_>> {
    let paragraph = entry.first_child().filter(|child| matches!(child.data().value, NodeValue::Paragraph))?;
    let list = paragraph.next_sibling().filter(|child| child.next_sibling().is_none())?;
    matches!(list.data().value, NodeValue::List(_)).then_some(list)
}

fn is_linked<'a>(document: &Document<'a>, list: Node<'a>) -> bool {
    list.children().all(|entry| {
        let inlines: Vec<_> = entry.first_child().map(|lead| lead.children().collect()).unwrap_or_default();
        lead::has_address(document, &inlines, 0)
    })
}

/// The headings and lists of a list whose entries are nothing but headings above lists of items.
pub(super) fn categories<'a>(document: &Document<'a>, list: Node<'a>) -> Option<Vec<(Node<'a>, Node<'a>)>> {
    if !matches!(list.data().value, NodeValue::List(_)) || document.is_text(list) {
        return None;
    }
    let category = |entry: Node<'a>| {
        let heading = entry.first_child()?;
        let plain = heading.descendants().all(|node| item::url(node).is_none());
        let list = list_below(entry).filter(|list| plain && is_linked(document, list))?;
        Some((heading, list))
    };
    list.children().map(category).collect()
}

/// The numbers of a list as they are written; where all are the same, Markdown counts.
fn numbers(list: Node<'_>) -> Vec<u32> {
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

/// Reads the number at the start of a paragraph's line.
fn line_mark<'a>(document: &Document<'a>, node: Node<'a>, children: &[Node<'a>], child: usize) -> Option<Mark<'a>> {
    let from = document.span(children.get(child)?).start;
    let line = document.text.get(from..)?.lines().next()?;
    let marker = beside::marker(line)?;
    let start = from + marker.length;
    Some(Mark {
        node,
        style: marker.style,
        number: Some(marker.number),
        next: marker.number.saturating_add(1),
        linked: lead::has_address(document, two_lines(&children[child..]), start),
        mentions: false,
        child,
        start,
    })
}

/// The line with which inline nodes begin, and the next, where an address can stand.
fn two_lines<'n, 'a>(nodes: &'n [Node<'a>]) -> &'n [Node<'a>] {
    let breaks = nodes.iter().enumerate().filter(|(_, node)| markdown::is_break(node));
    let end = breaks.map(|(at, _)| at).nth(1).unwrap_or(nodes.len());
    &nodes[..end]
}

/// Takes a paragraph for an item without a number: a bold link, or a link alone on its line, and text for it;
/// and a heading that is a link.
fn bare_mark<'a>(document: &Document<'a>, node: Node<'a>, children: &[Node<'a>]) -> Option<Mark<'a>> {
    if !lead::starts_with_link(document, children, 0) {
        return None;
    }
    let heading = matches!(node.data().value, NodeValue::Heading(_));
    let line = children.split(|node| markdown::is_break(node)).next().unwrap_or_default();
    let bold = line.iter().any(|node| matches!(node.data().value, NodeValue::Strong));
    let alone = lead::is_link_alone(document, line);
    let text_below = || {
        let below = node.next_sibling()?;
        let inlines: Vec<_> = below.children().collect();
        let paragraph = matches!(below.data().value, NodeValue::Paragraph);
        (paragraph && !lead::starts_with_link(document, &inlines, 0)).then_some(())
    };
    let described = line.len() < children.len() || !alone || text_below().is_some();
    let start = document.span(*children.first()?).start;
    let style = if heading || bold { Style::Bold } else { Style::Bare };
    (heading || (described && (bold || alone))).then_some(Mark {
        node,
        style,
        number: None,
        next: 0,
        linked: true,
        mentions: false,
        child: 0,
        start,
    })
}

/// Decides which marks are items.
///
/// Numbers need links, at least on half of their lines: prose is numbered, too.
/// Where there are numbers, lists with bullets belong to an item's text, and so do numbers of another style,
/// unless they continue the count. Links without number and bullet come last, plain ones not singly.
/// In an issue that has items, so are the entries of a list that a section begins with, wherever their links stand,
/// and numbered lines in the usual style without a link.
fn accept<'a>(marks: &[Mark<'a>], usual: Usual, first: Option<Node<'a>>) -> Vec<bool> {
    let numbered = |mark: &&Mark<'_>| mark.number.is_some() && (mark.linked || mark.style == Style::Circled);
    let of = |style: Style| marks.iter().filter(move |mark| mark.style == style);
    let style = marks.iter().find(numbered).map(|mark| mark.style);
    let unlinked = || usual.numbered.filter(|style| *style == Style::Digits && of(*style).count() > 1);
    let Some(style) = style.or_else(unlinked) else {
        let bare = of(Style::Bold).count() > 0 || of(Style::Bare).count() > 1;
        let bullets = marks.iter().find(|mark| mark.linked).is_some_and(|mark| mark.style == Style::Bullets);
        let leading =
            |mark: &Mark<'a>| usual.items && mark.mentions && first.is_some_and(|node| node.same_node(mark.node));
        let wanted = |mark: &Mark<'_>| match mark.style {
            Style::Bullets => bullets || !bare,
            Style::Bold | Style::Bare => bare && !bullets,
            _ => false,
        };
        return marks.iter().map(|mark| (mark.linked || leading(mark)) && wanted(mark)).collect();
    };
    let linked = of(style).filter(|mark| mark.linked).count();
    let mostly = style == Style::Circled || linked * 2 >= of(style).count() || linked == 0;
    let mut next = 1;
    let mut decide = |mark: &Mark<'_>| {
        let Some(number) = mark.number else { return false };
        let continues = number == next || (number == 1 && style == Style::Circled);
        let fine = (mark.linked && (mark.style == style || continues)) || (mostly && continues);
        if fine {
            next = mark.next;
        }
        fine
    };
    marks.iter().map(&mut decide).collect()
}
