//! The tree that comrak reads in a Markdown text, with verbatim slices of the text.

use std::ops::Range;

use comrak::nodes::{LineColumn, Node, NodeValue};
use comrak::{Arena, Options, parse_document};

use super::html::{Role, Tag};

/// A parsed text. A slice of it links as the whole does: reference links come out as inline links.
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) root: Node<'a>,
    /// Where each line begins.
    lines: Vec<usize>,
    /// Lines of the file above the text.
    above: usize,
    /// What stands for each reference, by where it is, in order.
    references: Vec<(Range<usize>, String)>,
}

impl<'a> Document<'a> {
    /// Parses `text`, which begins below `above` lines of its file.
    pub(super) fn parse(arena: &'a Arena<'a>, text: &'a str, above: usize) -> Self {
        let root = tree(arena, text);
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut document = Self { text, root, lines, above, references: Vec::new() };
        if text.contains("]:") {
            root.descendants().for_each(|node| document.mend_positions(node));
        }
        let mut references: Vec<_> = root.descendants().filter_map(|node| document.reference(node)).collect();
        references.sort_unstable_by_key(|(span, _)| (span.start, span.end));
        document.references = references;
        document
    }

    /// Moves what stands in a paragraph below link definitions there: comrak counts its lines from the definitions.
    fn mend_positions(&self, paragraph: Node<'_>) {
        let position = paragraph.data().sourcepos;
        let defined = matches!(paragraph.data().value, NodeValue::Paragraph)
            && self.text.get(self.offset(position.start, 1)..).is_some_and(|text| text.starts_with('['));
        let Some(last) = paragraph.last_child().filter(|_| defined) else { return };
        let lines = position.end.line.saturating_sub(last.data().sourcepos.end.line);
        if lines == 0 {
            return;
        }
        let indentation = |line: usize| match self.lines.get(line.saturating_sub(1)).and_then(|at| self.text.get(*at..))
        {
            _ if line == position.start.line => position.start.column - 1,
            Some(text) => text.len() - text.trim_start_matches([' ', '\t', '>']).len(),
            None => 0,
        };
        let moved = |at: LineColumn| LineColumn {
            line: at.line + lines,
            column: (at.column + indentation(at.line + lines)).saturating_sub(indentation(at.line)),
        };
        for node in paragraph.descendants() {
            let mut data = node.data_mut();
            data.sourcepos.start = moved(data.sourcepos.start);
            if !node.same_node(paragraph) {
                data.sourcepos.end = moved(data.sourcepos.end);
            }
        }
    }

    /// The lines between the comments of a fence, which `opening` begins, with the line end before them.
    pub(super) fn fenced(&self, opening: Node<'_>) -> Range<usize> {
        let start = self.rows(opening).end;
        let last = inside(opening).last().unwrap_or(opening);
        let end = match last.next_sibling() {
            Some(closing) => self.rows(closing).start.saturating_sub(1),
            None => self.rows(last).end,
        };
        start..end.max(start)
    }

    /// The line of the file on which `at` is, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.above + self.lines.partition_point(|start| *start <= at).max(1)
    }

    /// The exact bytes of a node.
    pub(super) fn span(&self, node: Node<'_>) -> Range<usize> {
        let position = node.data().sourcepos;
        let start = self.offset(position.start, 1);
        start..self.offset(position.end, 0).max(start)
    }

    /// The whole lines of a block, without the last line end.
    pub(super) fn rows(&self, node: Node<'_>) -> Range<usize> {
        let position = node.data().sourcepos;
        let row = |line: usize| self.lines.get(line).copied().unwrap_or(self.text.len() + 1);
        let start = row(position.start.line.saturating_sub(1)).min(self.text.len());
        start..row(position.end.line).saturating_sub(1).max(start)
    }

    /// How far the first line of a block is indented.
    pub(super) fn column(&self, node: Node<'_>) -> usize {
        node.data().sourcepos.start.column.saturating_sub(1)
    }

    /// How far the content of a list's entry is indented.
    pub(super) fn content_column(&self, entry: Node<'_>) -> usize {
        let data = entry.data();
        let padding = match &data.value {
            NodeValue::Item(item) => item.padding,
            _ => 0,
        };
        data.sourcepos.start.column.saturating_sub(1) + padding
    }

    /// The offset of a position, moved to a character's start.
    fn offset(&self, position: LineColumn, first_column: usize) -> usize {
        let start = self.lines.get(position.line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let mut at = (start + position.column.saturating_sub(first_column)).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        at
    }

    /// The Markdown of `span` without `cuts` (in order), freed from the indentation of a list.
    pub(super) fn slice(&self, span: Range<usize>, cuts: &[Range<usize>], column: usize) -> String {
        // what is put in at the very start belongs to the text before
        let inside = |reference: &Range<usize>| reference.start >= span.start && reference.end > span.start;
        let first = self.references.partition_point(|(reference, _)| !inside(reference));
        let references = self.references[first..].iter().take_while(|(reference, _)| reference.end <= span.end);
        let mut edits: Vec<(Range<usize>, &str)> = references.map(|(at, text)| (at.clone(), text.as_str())).collect();
        if !cuts.is_empty() {
            // what is put in right before a cut belongs to the text before it
            edits.retain(|(at, _)| cut_at(cuts, at.end.saturating_sub(1)).is_none_or(|cut| cut.start > at.start));
            edits.extend(cuts.iter().map(|cut| (cut.clone(), "")));
            edits.sort_unstable_by_key(|(at, _)| (at.start, at.end));
        }
        let mut slice = String::new();
        let mut done = span.start;
        for (at, replacement) in edits {
            slice.push_str(self.text.get(done..at.start).unwrap_or_default());
            slice.push_str(replacement);
            done = at.end.max(done);
        }
        slice.push_str(self.text.get(done..span.end).unwrap_or_default());
        if column == 0 { slice } else { dedent(&slice, column) }
    }

    /// What stands for a link or image that names its target elsewhere.
    fn reference(&self, node: Node<'_>) -> Option<(Range<usize>, String)> {
        let data = node.data();
        let (link, bracket) = match &data.value {
            NodeValue::Link(link) => (link, 0),
            NodeValue::Image(link) => (link, 1),
            _ => return None,
        };
        let span = self.span(node);
        let source = self.text.get(span.clone())?;
        if !source.ends_with(']') || !source.get(bracket..).is_some_and(|inner| inner.starts_with('[')) {
            return None;
        }
        let unescaped = |at: usize| source[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0;
        let label = source.rmatch_indices('[').map(|(at, _)| at).find(|at| unescaped(*at))?;
        let tail = if label == bracket { span.end } else { span.start + label };
        Some((tail..span.end, inline_target(&link.url, &link.title)))
    }
}

/// Reads Markdown, with footnotes where they stand: CommonMark takes `[^1]: word` for the target of a link.
pub(super) fn tree<'a>(arena: &'a Arena<'a>, text: &str) -> Node<'a> {
    let mut options = Options::default();
    options.extension.footnotes = true;
    options.parse.leave_footnote_definitions = true;
    parse_document(arena, text, &options)
}

/// Comments around blocks that say what these are, whatever they look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fence {
    /// No heading, item or past issue.
    Text,
    /// Lists whose every entry is an item.
    Items,
}

impl Fence {
    pub(super) const fn opening(self) -> &'static str {
        match self {
            Self::Text => "<!-- text -->",
            Self::Items => "<!-- items -->",
        }
    }

    pub(super) const fn closing(self) -> &'static str {
        match self {
            Self::Text => "<!-- /text -->",
            Self::Items => "<!-- /items -->",
        }
    }

    /// The fence that a block opens.
    pub(super) fn opened(node: Node<'_>) -> Option<Self> {
        [Self::Text, Self::Items].into_iter().find(|fence| is_comment(node, fence.opening()))
    }

    fn closed(node: Node<'_>) -> Option<Self> {
        [Self::Text, Self::Items].into_iter().find(|fence| is_comment(node, fence.closing()))
    }
}

fn is_comment(node: Node<'_>, comment: &str) -> bool {
    matches!(&node.data().value, NodeValue::HtmlBlock(html) if html.literal.trim() == comment)
}

/// The blocks in a document or list entry; one that opens a fence stands for all that is inside.
pub(super) fn blocks(parent: Node<'_>) -> Vec<Node<'_>> {
    let mut open = None;
    let mut blocks = Vec::new();
    for node in parent.children() {
        match open {
            Some(_) if Fence::closed(node) == open => open = None,
            Some(_) => {}
            None if Fence::closed(node).is_some() => {}
            None => {
                open = Fence::opened(node);
                blocks.push(node);
            }
        }
    }
    blocks
}

/// The blocks of the fence that `opening` begins, which may lack its other end.
pub(super) fn inside<'a>(opening: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    let fence = Fence::opened(opening);
    opening.following_siblings().skip(1).take_while(move |node| Fence::closed(node) != fence)
}

/// `(url "title")`, with what Markdown would misread escaped.
pub(super) fn inline_target(url: &str, title: &str) -> String {
    let escape = |text: &str, special: &str| -> String {
        let escaped = |c: char| match c {
            _ if c.is_control() => format!("&#{};", u32::from(c)),
            '&' => "&amp;".to_owned(),
            _ if special.contains(c) => format!("\\{c}"),
            _ => c.to_string(),
        };
        text.chars().map(escaped).collect()
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\\".contains(c);
    let plain = !url.is_empty() && !url.contains(odd) && is_balanced(url);
    let entity = url.contains('&') && url.contains(';');
    let url = if plain && !entity { url.to_owned() } else { format!("<{}>", escape(url, "<>\\")) };
    match title {
        "" => format!("({url})"),
        _ => format!("({url} \"{}\")", escape(title, "\"\\")),
    }
}

/// Whether every parenthesis has its other half.
fn is_balanced(url: &str) -> bool {
    let depth = url.chars().try_fold(0usize, |depth, c| match c {
        '(' => depth.checked_add(1).filter(|depth| *depth < 8),
        ')' => depth.checked_sub(1),
        _ => Some(depth),
    });
    depth == Some(0)
}

/// Writes tabs at the start of lines, and behind the markers of lists and quotes there, as spaces, but in fenced code.
///
/// comrak counts columns wrong behind a tab that is partly a list's indentation,
/// and how wide a tab is depends on where its line begins, which changes when a list is written anew.
/// None where there is no tab at all.
pub(super) fn expand_tabs(text: &str) -> Option<String> {
    if !text.contains('\t') {
        return None;
    }
    let mut expanded = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        let start = line.trim_start_matches([' ', '\t']);
        fenced ^= start.starts_with("```") || start.starts_with("~~~");
        let inner = if fenced { line } else { behind_markers(line) };
        let before = &line[..line.len() - inner.len()];
        let mut column = 0;
        for c in before.chars() {
            let width = if c == '\t' { 4 - column % 4 } else { 1 };
            match c {
                '\t' => expanded.extend(std::iter::repeat_n(' ', width)),
                _ => expanded.push(c),
            }
            column += width;
        }
        expanded.push_str(inner);
    }
    Some(expanded)
}

/// What stands behind a line's indentation and the markers of lists and quotes in it.
fn behind_markers(line: &str) -> &str {
    let mut rest = line;
    loop {
        let inner = rest.trim_start_matches([' ', '\t']);
        let digits = inner.trim_start_matches(|c: char| c.is_ascii_digit());
        let marker = match digits.len() == inner.len() {
            true => inner.strip_prefix(['-', '*', '+', '>']),
            false => digits.strip_prefix(['.', ')']),
        };
        match marker {
            Some(behind) if behind.starts_with([' ', '\t']) => rest = behind,
            _ => return inner,
        }
    }
}

/// Takes up to `column` columns of white space off every line but the first.
fn dedent(text: &str, column: usize) -> String {
    let mut lines = text.split('\n');
    let mut dedented = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let mut at = 0;
        let mut rest = line;
        while at < column {
            match rest.as_bytes() {
                [b' ', ..] => at += 1,
                [b'\t', ..] => at += 4 - at % 4,
                _ => break,
            }
            rest = &rest[1..];
        }
        dedented.push('\n');
        dedented.push_str(rest);
    }
    dedented
}

/// The one of `cuts` (in order) that has an offset in it.
pub(super) fn cut_at(cuts: &[Range<usize>], at: usize) -> Option<&Range<usize>> {
    cuts[..cuts.partition_point(|cut| cut.start <= at)].last().filter(|cut| at < cut.end)
}

/// The Markdown of what is in a block of text.
pub(super) fn inner<'a>(document: &Document<'a>, node: Node<'a>) -> String {
    let start = node.first_child().map_or(0, |first| document.span(first).start);
    let end = node.last_child().map_or(start, |last| document.span(last).end);
    document.slice(start..end.max(start), &[], 0)
}

/// The rest of a paragraph as one by itself: what would begin a list, a definition or the like there is escaped.
pub(super) fn as_paragraph(text: &str) -> String {
    let odd = |c: char| c.is_ascii_digit() || "[#>-+*_=`~<".contains(c);
    if !text.starts_with(odd) {
        return text.to_owned();
    }
    let bracket = |(at, _): &(usize, char)| !text[..*at].ends_with('\\');
    let bracket = text.char_indices().skip(1).filter(|(_, c)| matches!(c, '[' | ']')).find(bracket);
    let definition = text.starts_with('[') && bracket.is_some_and(|(at, _)| text[at..].starts_with("]:"));
    let arena = Arena::new();
    let first = tree(&arena, text).first_child();
    if !definition && first.is_some_and(|block| matches!(block.data().value, NodeValue::Paragraph)) {
        return text.to_owned();
    }
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or_default();
    format!("{}\\{}", &text[..at], &text[at..])
}

/// The inline nodes of a block, a line each.
pub(super) fn lines<'a>(inlines: impl IntoIterator<Item = Node<'a>>) -> Vec<Vec<Node<'a>>> {
    let mut lines = vec![Vec::new()];
    for node in inlines {
        match (is_break(node), lines.last_mut()) {
            (false, Some(line)) => line.push(node),
            _ => lines.push(Vec::new()),
        }
    }
    lines
}

pub(super) fn is_break(node: Node<'_>) -> bool {
    matches!(node.data().value, NodeValue::SoftBreak | NodeValue::LineBreak)
}

/// The plain text of inline nodes, in one line, without the texts that stand for images.
pub(super) fn plain<'a>(nodes: impl IntoIterator<Item = Node<'a>>) -> String {
    let mut text = String::new();
    let mut stack: Vec<Node<'a>> = nodes.into_iter().collect();
    stack.reverse();
    while let Some(node) = stack.pop() {
        match &node.data().value {
            NodeValue::Text(literal) => text.push_str(literal),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::FootnoteReference(note) => text.push_str(&format!("[^{}]", note.name)),
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            NodeValue::HtmlInline(html) => match Tag::read(html).map(|tag| tag.role()) {
                Some(Some(Role::Break)) => text.push(' '),
                // `Vec<T>`
                Some(None) => text.push_str(html),
                _ => {}
            },
            NodeValue::Image(_) => {}
            _ => stack.extend(node.reverse_children()),
        }
    }
    text.trim().to_owned()
}
