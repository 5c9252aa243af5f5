//! The tree that comrak reads in a Markdown text, with verbatim slices of the text.

use std::ops::Range;

use comrak::nodes::{LineColumn, Node, NodeValue};
use comrak::{Arena, Options, parse_document};

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
    /// What the editor fenced as text.
    fenced: Vec<Range<usize>>,
}

impl<'a> Document<'a> {
    /// Parses `text`, which begins below `above` lines of its file.
    pub(super) fn parse(arena: &'a Arena<'a>, text: &'a str, above: usize) -> Self {
        let root = parse_document(arena, text, &Options::default());
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut document = Self { text, root, lines, above, references: Vec::new(), fenced: Vec::new() };
        let mut references: Vec<_> = root.descendants().filter_map(|node| document.reference(node)).collect();
        references.sort_unstable_by_key(|(span, _)| (span.start, span.end));
        document.references = references;
        let mut fence = None;
        for node in root.children() {
            match (comment(node), fence) {
                (Some(TEXT), None) => fence = Some(document.span(node).start),
                (Some(END_OF_TEXT), Some(start)) => {
                    document.fenced.push(start..document.span(node).end);
                    fence = None;
                }
                _ => {}
            }
        }
        document.fenced.extend(fence.map(|start| start..text.len()));
        document
    }

    /// Whether a block stands between `<!-- text -->` and `<!-- /text -->`: no heading, item or past issue then.
    pub(super) fn is_text(&self, node: Node<'_>) -> bool {
        let start = self.rows(node).start;
        let before = self.fenced.partition_point(|fence| fence.start <= start);
        self.fenced[..before].last().is_some_and(|fence| start < fence.end)
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

/// The comments around what is no roundup, whatever it looks like.
pub(super) const TEXT: &str = "<!-- text -->";
pub(super) const END_OF_TEXT: &str = "<!-- /text -->";

/// Whether a block is one of the comments around text.
pub(super) fn is_fence(node: Node<'_>) -> bool {
    comment(node).is_some()
}

fn comment(node: Node<'_>) -> Option<&'static str> {
    match &node.data().value {
        NodeValue::HtmlBlock(html) => [TEXT, END_OF_TEXT].into_iter().find(|comment| *comment == html.literal.trim()),
        _ => None,
    }
}

/// `(url "title")`, with what Markdown would misread escaped.
pub(super) fn inline_target(url: &str, title: &str) -> String {
    let escape = |text: &str, special: &str| -> String {
        let escaped = |c: char| special.contains(c).then_some('\\').into_iter().chain([c]);
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).flat_map(escaped).collect()
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\\".contains(c);
    let plain = !url.is_empty() && !url.contains(odd) && is_balanced(url);
    let entity = url.contains('&') && url.contains(';');
    let url = if plain && !entity { url.to_owned() } else { format!("<{}>", escape(url, "<>\\&")) };
    match title {
        "" => format!("({url})"),
        _ => format!("({url} \"{}\")", escape(title, "\"\\&")),
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
    let odd = |c: char| c.is_ascii_digit() || "[#>-+*_=`~".contains(c);
    if !text.starts_with(odd) {
        return text.to_owned();
    }
    let bracket = text.match_indices(']').map(|(at, _)| at).find(|at| !text[..*at].ends_with('\\'));
    let definition = text.starts_with('[') && bracket.is_some_and(|at| text[at..].starts_with("]:"));
    let arena = Arena::new();
    let first = parse_document(&arena, text, &Options::default()).first_child();
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
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            NodeValue::Image(_) => {}
            _ => stack.extend(node.reverse_children()),
        }
    }
    text.trim().to_owned()
}
