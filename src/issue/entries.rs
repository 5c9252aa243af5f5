//! Which blocks under a heading are items.

use comrak::nodes::{ListType, Node, NodeValue};

use super::beside::{self, Style};
use super::item::{self, Block, Draft};
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

    /// Finds the items among the blocks.
    pub(super) fn read(document: &Document<'a>, blocks: &[Node<'a>]) -> Self {
        let marks: Vec<Mark> = blocks.iter().flat_map(|node| marks(document, node)).collect();
        let mut accepted = accept(&marks).into_iter();
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
        let style = marks.first().map(|mark| (mark.style, mark.number));
        for (at, entry) in entries.iter().enumerate() {
            let mut own: Vec<Block<'a>> = entry.children().map(|node| Block::in_list(document, node)).collect();
            let lead = if own.first().is_some_and(Block::is_paragraph) { Some(own.remove(0)) } else { None };
            let number =
                style.and_then(|(_, number)| number).and_then(|first| first.checked_add(u32::try_from(at).ok()?));
            self.drafts.push(Draft {
                line: document.line(document.rows(entry).start),
                number,
                start: lead.as_ref().map_or(0, |lead| lead.span.start),
                lead,
                own,
                following: Vec::new(),
                listed: entries.len() > 1,
                bullet: number.is_none(),
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

/// Something that may be an item: a line with a number, or a whole list.
struct Mark<'a> {
    node: Node<'a>,
    style: Style,
    number: Option<u32>,
    /// How many entries it is, for the next number.
    count: usize,
    /// Whether the entry, or most of the list's, begins with a link.
    linked: bool,
    /// The child of a paragraph with which the line begins.
    child: usize,
    /// Where the text behind the number begins.
    start: usize,
}

/// Whether a block begins as an item does.
pub(super) fn is_entry<'a>(document: &Document<'a>, node: Node<'a>) -> bool {
    marks(document, node).iter().any(|mark| mark.linked || mark.style == Style::Circled)
}

fn marks<'a>(document: &Document<'a>, node: Node<'a>) -> Vec<Mark<'a>> {
    match &node.data().value {
        NodeValue::List(list) => {
            let leads = || node.children().filter_map(|entry| entry.first_child());
            let linked = leads().filter(|lead| {
                let inlines: Vec<_> = lead.children().collect();
                item::starts_with_link(document, &inlines, 0)
            });
            let count = node.children().count();
            let ordered = list.list_type == ListType::Ordered;
            vec![Mark {
                node,
                style: if ordered { Style::Ordered } else { Style::Bullets },
                number: ordered.then_some(u32::try_from(list.start).ok()).flatten(),
                count,
                linked: linked.count() * 2 >= count.max(1),
                child: 0,
                start: 0,
            }]
        }
        NodeValue::Paragraph | NodeValue::Heading(_) => {
            let children: Vec<_> = node.children().collect();
            let begins = |at: &usize| *at == 0 || markdown::is_break(children[at - 1]);
            (0..children.len()).filter(begins).filter_map(|at| line_mark(document, node, &children, at)).collect()
        }
        _ => Vec::new(),
    }
}

/// Reads the number at the start of a paragraph's line.
fn line_mark<'a>(document: &Document<'a>, node: Node<'a>, children: &[Node<'a>], child: usize) -> Option<Mark<'a>> {
    let from = document.span(children.get(child)?).start;
    let line = document.text.get(from..)?.lines().next()?;
    let marker = beside::marker(line)?;
    let start = from + marker.length;
    let line = children[child..].split(|node| markdown::is_break(node)).next().unwrap_or_default();
    Some(Mark {
        node,
        style: marker.style,
        number: Some(marker.number),
        count: 1,
        linked: item::starts_with_link(document, line, start),
        child,
        start,
    })
}

/// Decides which marks are items.
///
/// Numbers need links, at least on half of their lines: prose is numbered, too.
/// Where there are numbers, lists with bullets belong to an item's text, and so do numbers of another style,
/// unless they continue the count.
fn accept(marks: &[Mark<'_>]) -> Vec<bool> {
    let numbered = |mark: &&Mark<'_>| mark.style != Style::Bullets && (mark.linked || mark.style == Style::Circled);
    let Some(style) = marks.iter().find(numbered).map(|mark| mark.style) else {
        return marks.iter().map(|mark| mark.style == Style::Bullets && mark.linked).collect();
    };
    let alike = || marks.iter().filter(|mark| mark.style == style);
    let mostly = style == Style::Circled || alike().filter(|mark| mark.linked).count() * 2 >= alike().count();
    let mut next = 1;
    let mut decide = |mark: &Mark<'_>| {
        let Some(number) = mark.number else { return false };
        let continues = number == next || (number == 1 && style == Style::Circled);
        let fine = (mark.linked && (mark.style == style || continues)) || (mostly && continues);
        if fine {
            next = number.saturating_add(u32::try_from(mark.count).unwrap_or(u32::MAX));
        }
        fine
    };
    marks.iter().map(&mut decide).collect()
}
