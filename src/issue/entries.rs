//! Which blocks under a heading are items.

use comrak::nodes::{ListType, Node, NodeValue};

use super::choice::{self, Usual};
use super::item::{Block, Draft};
use super::markdown::{self, Document, Fence};
use super::marks::{self, Mark};

/// The blocks under a heading, told apart.
#[derive(Default)]
pub(super) struct Entries<'a> {
    pub(super) body: Vec<Block<'a>>,
    pub(super) drafts: Vec<Draft<'a>>,
    pub(super) after: Vec<Block<'a>>,
    /// Whether the editor fenced the items.
    pub(super) fenced: bool,
}

impl<'a> Entries<'a> {
    /// Takes all blocks for text, but what is fenced as items.
    pub(super) fn text(document: &Document<'a>, blocks: &[Node<'a>]) -> Self {
        Self::split(document, blocks, Vec::new(), &[])
    }

    /// Finds the items among the blocks, as the issue usually has them.
    pub(super) fn read(document: &Document<'a>, blocks: &[Node<'a>], marks: Vec<Mark<'a>>, usual: Usual) -> Self {
        let first = blocks.iter().find(|node| !matches!(node.data().value, NodeValue::HtmlBlock(_)));
        let accepted = choice::accept(document, &marks, usual, first.copied());
        Self::split(document, blocks, marks, &accepted)
    }

    /// Finds the lead stories among the blocks above the first heading.
    pub(super) fn leads(document: &Document<'a>, blocks: &[Node<'a>], marks: Vec<Mark<'a>>) -> Self {
        let accepted = choice::accept_leads(&marks);
        Self::split(document, blocks, marks, &accepted)
    }

    fn split(document: &Document<'a>, blocks: &[Node<'a>], marks: Vec<Mark<'a>>, accepted: &[bool]) -> Self {
        let mut items = marks.into_iter().zip(accepted).filter_map(|(mark, fine)| fine.then_some(mark)).peekable();
        let mut entries = Self::default();
        let mut blocks = blocks.iter();
        while let Some(node) = blocks.next() {
            let mut found = Vec::new();
            while let Some(mark) = items.next_if(|mark| mark.node.same_node(node)) {
                found.push(mark);
            }
            if let [Mark { number, below: Some(below), .. }] = found[..] {
                blocks.next();
                entries.push_below(document, node, number, below);
                continue;
            }
            match &node.data().value {
                _ if Fence::opened(node) == Some(Fence::Items) => entries.push_fenced(document, node),
                _ if found.is_empty() => entries.push([Block::whole(document, node)]),
                NodeValue::List(_) => entries.push_list(document, node, false),
                _ => entries.push_lines(document, node, &found),
            }
        }
        entries
    }

    /// Adds text behind what is there.
    pub(super) fn push(&mut self, blocks: impl IntoIterator<Item = Block<'a>>) {
        match self.drafts.last_mut() {
            Some(draft) => draft.following.extend(blocks),
            None => self.body.extend(blocks),
        }
    }

    /// Takes every entry of the lists in a fence for an item.
    fn push_fenced(&mut self, document: &Document<'a>, opening: Node<'a>) {
        self.fenced = true;
        for node in markdown::inside(opening) {
            match node.data().value {
                NodeValue::List(_) => self.push_list(document, node, true),
                _ => self.push([Block::whole(document, node)]),
            }
        }
    }

    /// Takes every entry of a list for an item; where it is fenced, nothing that follows is its last item's own.
    fn push_list(&mut self, document: &Document<'a>, list: Node<'a>, fenced: bool) {
        let entries: Vec<Node<'a>> = list.children().collect();
        let ordered = matches!(&list.data().value, NodeValue::List(list) if list.list_type == ListType::Ordered);
        let numbers = if ordered { marks::numbers(list) } else { Vec::new() };
        for (at, entry) in entries.iter().enumerate() {
            let column = document.content_column(entry);
            let own = markdown::blocks(entry).into_iter();
            let mut own: Vec<Block<'a>> = own.map(|node| Block::in_list(document, node, column)).collect();
            let lead = if own.first().is_some_and(Block::is_paragraph) { Some(own.remove(0)) } else { None };
            self.drafts.push(Draft {
                line: document.line(document.rows(entry).start),
                number: numbers.get(at).copied(),
                start: lead.as_ref().map_or(0, |lead| lead.span.start),
                lead,
                own,
                following: Vec::new(),
                listed: fenced || entries.len() > 1,
                bullet: !ordered,
            });
        }
    }

    /// Takes the paragraph below a number that stands alone for the item's first.
    fn push_below(&mut self, document: &Document<'a>, node: Node<'a>, number: Option<u32>, below: Node<'a>) {
        let lead = Block::whole(document, below);
        self.drafts.push(Draft {
            line: document.line(document.rows(node).start),
            number,
            start: lead.span.start,
            lead: Some(lead),
            own: Vec::new(),
            following: Vec::new(),
            listed: false,
            bullet: false,
        });
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
            0 => last.shown().iter().position(|shown| !shown),
            _ => bar,
        };
        let beyond = last.following.split_off(bar.unwrap_or(last.following.len()));
        let surplus = last.paragraphs().saturating_sub(allowed);
        let shown = last.shown();
        let tail = last.following.iter().zip(shown).rev().take(surplus);
        let tail = tail.take_while(|(block, shown)| block.is_paragraph() && !shown).count();
        entries.after = last.following.split_off(last.following.len() - tail);
        entries.after.extend(beyond);
        if entries.after.first().is_some_and(Block::is_thematic_break) {
            entries.after.remove(0);
        }
    }
}
