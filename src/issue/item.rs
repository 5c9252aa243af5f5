//! An item: the line with the recommended link, and what is said below it.

use std::ops::Range;

use comrak::Arena;
use comrak::nodes::{Node, NodeValue};

use super::beside;
use super::html::{self, AnchorKind};
use super::lead::{source, take_title};
use super::markdown::{self, Document, Fence};
use super::{Image, Item};

/// A block, or some lines of a paragraph.
pub(super) struct Block<'a> {
    pub(super) node: Node<'a>,
    pub(super) span: Range<usize>,
    /// The inline nodes in `span`, of a paragraph.
    pub(super) inlines: Vec<Node<'a>>,
    /// The indentation to take off, in a list.
    pub(super) column: usize,
}

impl<'a> Block<'a> {
    /// A block that stands by itself.
    pub(super) fn whole(document: &Document<'a>, node: Node<'a>) -> Self {
        if Fence::opened(node).is_some() {
            return Self::fenced(document, node, 0);
        }
        let rows = document.rows(node);
        let (start, column) = match node.data().value {
            // its indentation makes it code
            NodeValue::CodeBlock(_) => (rows.start, 0),
            _ => (document.span(node).start.max(rows.start), document.column(node)),
        };
        Self { node, span: start..rows.end.max(start), inlines: inlines(node), column }
    }

    /// A block in a list, indented by `column`.
    pub(super) fn in_list(document: &Document<'a>, node: Node<'a>, column: usize) -> Self {
        if Fence::opened(node).is_some() {
            return Self::fenced(document, node, column);
        }
        let rows = document.rows(node);
        let (start, column) = match node.data().value {
            // what stands behind the list's marker has no indentation of its own
            NodeValue::CodeBlock(_) if node.previous_sibling().is_some() => {
                let first_line = document.text.get(rows.clone()).unwrap_or_default();
                let blank = first_line.len() - first_line.trim_start_matches(' ').len();
                (rows.start + blank.min(column), column)
            }
            _ => (document.span(node).start, document.column(node)),
        };
        Self { node, span: start..rows.end, inlines: inlines(node), column }
    }

    /// What a fence holds, letter for letter; indented by `column`.
    fn fenced(document: &Document<'a>, opening: Node<'a>, column: usize) -> Self {
        Self { node: opening, span: document.fenced(opening), inlines: Vec::new(), column }
    }

    /// What is left from `start` on, with those of `inlines` that are in it.
    pub(super) fn rest(&self, document: &Document<'a>, inlines: &[Node<'a>], start: usize) -> Option<Self> {
        let inlines: Vec<_> = inlines.iter().copied().filter(|node| document.span(node).end > start).collect();
        let span = start..self.span.end.max(start);
        (!inlines.is_empty()).then_some(Self { node: self.node, span, inlines, column: self.column })
    }

    pub(super) fn is_paragraph(&self) -> bool {
        matches!(self.node.data().value, NodeValue::Paragraph)
    }

    pub(super) fn is_heading(&self) -> bool {
        matches!(self.node.data().value, NodeValue::Heading(_))
    }

    pub(super) fn is_thematic_break(&self) -> bool {
        matches!(self.node.data().value, NodeValue::ThematicBreak)
    }

    /// Whether it is pictures and nothing else.
    pub(super) fn is_picture(&self) -> bool {
        self.is_paragraph()
            && self.inlines.iter().any(|node| is_image(node))
            && self.inlines.iter().all(|node| is_image(node) || is_blank(node) || markdown::is_break(node))
    }

    /// Whether it is HTML that shows a picture.
    fn is_html_picture(&self) -> bool {
        matches!(&self.node.data().value, NodeValue::HtmlBlock(html) if html.literal.contains("<img"))
    }

    /// Pictures, and the caption beside or right below them: in italics or bold, or a few words.
    fn captioned(&self) -> Option<(&[Node<'a>], &[Node<'a>])> {
        let shown = |node: &&Node<'a>| is_image(node) || is_blank(node) || markdown::is_break(node);
        let (pictures, caption) = self.inlines.split_at(self.inlines.iter().take_while(shown).count());
        let one_line = !caption.iter().any(|node| markdown::is_break(node));
        let fine = self.is_paragraph() && pictures.first().is_some_and(is_image) && one_line;
        (fine && (is_emphasis(caption) || is_short(caption))).then_some((pictures, caption))
    }

    /// The block, cut before every line of pictures that has words above it.
    fn parts(&self, document: &Document<'a>) -> Vec<Self> {
        let mut firsts = Vec::new();
        let (mut at, mut words) = (0, false);
        for line in markdown::lines(self.inlines.iter().copied()) {
            if is_pictures(&line) && words {
                firsts.push(at);
                words = false;
            }
            words |= is_words(&line);
            at += line.len() + 1;
        }
        let mut parts = Vec::new();
        let (mut first, mut start) = (0, self.span.start);
        let end = |part: &[Node<'a>]| {
            let last = part.iter().rfind(|node| !markdown::is_break(node));
            last.map_or(self.span.start, |last| document.span(last).end)
        };
        for next in firsts {
            let inlines = self.inlines[first..next].to_vec();
            parts.push(Self { node: self.node, span: start..end(&inlines), inlines, column: self.column });
            first = next;
            start = document.span(self.inlines[next]).start;
        }
        let inlines = self.inlines[first..].to_vec();
        parts.push(Self { node: self.node, span: start..self.span.end, inlines, column: self.column });
        parts
    }

    /// Every link in it, in order, but those in `cuts`.
    fn links(&self, document: &Document<'a>, cuts: &[Range<usize>]) -> Vec<String> {
        let nodes: Vec<Node<'a>> = match Fence::opened(self.node) {
            Some(_) => markdown::inside(self.node).collect(),
            None if self.inlines.is_empty() => vec![self.node],
            None => self.inlines.clone(),
        };
        let nodes = nodes.iter().flat_map(|node| node.descendants());
        let kept = nodes.filter(|node| markdown::cut_at(cuts, document.span(node).start).is_none());
        kept.flat_map(|node| urls(document, node)).collect()
    }

    /// Its Markdown, as it stands there.
    pub(super) fn markdown(&self, document: &Document<'a>) -> String {
        let text = document.slice(self.span.clone(), &[], self.column).trim_matches('\n').trim_end().to_owned();
        let last = Fence::opened(self.node).and_then(|_| markdown::inside(self.node).last());
        match &last.unwrap_or(self.node).data().value {
            NodeValue::Paragraph if last.is_none() => text.trim_start().to_owned(),
            NodeValue::CodeBlock(code) if code.fenced && !code.closed => {
                format!("{text}\n{}", char::from(code.fence_char).to_string().repeat(code.fence_length))
            }
            NodeValue::HtmlBlock(html) => match html_end(&html.literal) {
                Some(end) if !html.literal.to_lowercase().contains(end) => format!("{text}\n{end}"),
                _ => text,
            },
            _ => text,
        }
    }
}

/// What ends a block of HTML that a blank line does not end.
fn html_end(html: &str) -> Option<&'static str> {
    const ENDS: [(&str, &str); 8] = [
        ("<!--", "-->"),
        ("<![CDATA[", "]]>"),
        ("<!", ">"),
        ("<?", "?>"),
        ("<script", "</script>"),
        ("<style", "</style>"),
        ("<pre", "</pre>"),
        ("<textarea", "</textarea>"),
    ];
    let start = html.trim_start().get(..12).unwrap_or(html.trim_start()).to_lowercase();
    ENDS.iter().find(|(begin, _)| start.starts_with(&begin.to_lowercase())).map(|(_, end)| *end)
}

fn inlines(node: Node<'_>) -> Vec<Node<'_>> {
    if matches!(node.data().value, NodeValue::Paragraph) { node.children().collect() } else { Vec::new() }
}

/// An item as it was found, before it is taken apart.
pub(super) struct Draft<'a> {
    pub(super) line: usize,
    pub(super) number: Option<u32>,
    /// The first paragraph without the number; lines of a longer paragraph, or a heading.
    pub(super) lead: Option<Block<'a>>,
    /// Where the lead's text begins, behind number and punctuation.
    pub(super) start: usize,
    /// The other blocks of its list entry.
    pub(super) own: Vec<Block<'a>>,
    /// The blocks up to the next item.
    pub(super) following: Vec<Block<'a>>,
    /// One of several in a list: what follows the list is not its own.
    pub(super) listed: bool,
    /// In a list with bullets.
    pub(super) bullet: bool,
}

impl<'a> Draft<'a> {
    /// How many paragraphs of text follow it.
    pub(super) fn paragraphs(&self) -> usize {
        let shown = self.shown();
        self.following.iter().zip(shown).filter(|(block, shown)| block.is_paragraph() && !shown).count()
    }

    /// Which of the blocks that follow it are pictures and their captions.
    pub(super) fn shown(&self) -> Vec<bool> {
        let mut picture = false;
        let shown = |block: &Block<'_>| {
            let caption = picture && block.is_paragraph() && is_emphasis(&block.inlines);
            picture = block.is_picture();
            picture || caption || block.captioned().is_some() || block.is_html_picture()
        };
        self.following.iter().map(shown).collect()
    }

    /// Takes the draft apart.
    pub(super) fn item(mut self, document: &Document<'a>) -> Item {
        while self.following.pop_if(|block| block.is_thematic_break()).is_some() {}
        let mut item = Item {
            line: self.line,
            number: self.number,
            title: String::new(),
            url: None,
            description: String::new(),
            stars: None,
            tags: Vec::new(),
            links: Vec::new(),
            images: Vec::new(),
        };
        let rest = self.lead.as_ref().and_then(|lead| take_title(document, lead, self.start, &mut item));
        if let Some(rest) = rest {
            describe(document, &rest, &mut item);
        }
        let mut picture = false;
        for block in self.own.iter().chain(&self.following) {
            let caption = if picture { caption(document, block, !item.description.is_empty()) } else { None };
            match (caption, item.images.last_mut()) {
                (Some(caption), Some(image)) if image.caption.is_none() => image.caption = Some(caption),
                _ => describe(document, block, &mut item),
            }
            picture = block.is_picture();
        }
        item.links.extend(item.images.iter().filter_map(|image| image.link.clone()));
        item
    }
}

/// Adds a block to the description, in several paragraphs where pictures on lines of their own part it.
fn describe<'a>(document: &Document<'a>, block: &Block<'a>, item: &mut Item) {
    block.parts(document).iter().for_each(|part| describe_part(document, part, item));
}

/// Adds a block to the description; images at its ends, and stars, go to their fields.
fn describe_part<'a>(document: &Document<'a>, block: &Block<'a>, item: &mut Item) {
    if let Some((pictures, caption)) = block.captioned() {
        let mut images = images(pictures);
        if let Some(image) = images.last_mut().filter(|image| image.caption.is_none()) {
            image.caption = Some(caption_text(document, caption));
            item.show(images);
            return;
        }
    }
    let lines = markdown::lines(block.inlines.iter().copied());
    let (first_words, last_words) = (lines.iter().position(is_words), lines.iter().rposition(is_words));
    let start = |node: &Node<'a>| document.span(node).start;
    let end = |node: &Node<'a>| document.span(node).end;
    let mut cuts = Vec::new();
    let mut below = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let (Some(head), Some(tail)) = (line.first(), line.last()) else { continue };
        if is_pictures(line) {
            match last_words {
                Some(last) if last < at => below.extend(images(line)),
                _ => item.show(images(line)),
            }
            let next = lines.get(at + 1).and_then(|line| line.first());
            cuts.push(start(head)..next.map_or(end(tail), start));
            continue;
        }
        let (Some(first), Some(last)) = (line.iter().position(is_text), line.iter().rposition(is_text)) else {
            continue;
        };
        let (before, after) = (&line[..first], &line[last + 1..]);
        if first_words == Some(at) && !images(before).is_empty() {
            item.show(images(before));
            cuts.push(start(head)..before.last().map_or(0, end));
        }
        if last_words == Some(at) && !images(after).is_empty() {
            below.extend(images(after));
            cuts.push(after.first().map_or(0, start)..end(tail));
        }
    }
    item.links.extend(block.links(document, &cuts));
    if item.stars.is_none() {
        let texts =
            block.inlines.iter().filter_map(|node| Some((document.span(node).start, source(document, node, 0)?)));
        let found = texts.into_iter().find_map(|(at, text)| {
            let (span, stars) = beside::find_stars(text)?;
            Some((at + span.start..at + span.end, stars))
        });
        if let Some((span, stars)) = found {
            item.stars = Some(stars);
            cuts.push(span);
            cuts.sort_unstable_by_key(|cut| cut.start);
        }
    }
    let text = match block.inlines.is_empty() {
        false => markdown::as_paragraph(document.slice(block.span.clone(), &cuts, block.column).trim()),
        true => block.markdown(document),
    };
    if !text.is_empty() {
        if !item.description.is_empty() {
            item.description.push_str("\n\n");
        }
        item.description.push_str(&text);
    }
    item.show(below);
}

impl Item {
    /// Puts images below what is described so far.
    fn show(&mut self, images: Vec<Image>) {
        let ends = self.description.bytes().filter(|byte| *byte == b'\n').count();
        let below_line = if self.description.is_empty() { 0 } else { ends + 1 };
        self.images.extend(images.into_iter().map(|image| Image { below_line, ..image }));
    }
}

/// Whether a node is more than a picture or a space.
fn is_text(node: &Node<'_>) -> bool {
    !is_image(node) && !is_blank(node)
}

fn is_words(line: &Vec<Node<'_>>) -> bool {
    line.iter().any(is_text)
}

/// Whether a line is pictures and nothing else.
fn is_pictures(line: &Vec<Node<'_>>) -> bool {
    !is_words(line) && !images(line).is_empty()
}

/// The caption that a paragraph right under a picture is: italics, or a few words without a full stop.
fn caption<'a>(document: &Document<'a>, block: &Block<'a>, described: bool) -> Option<String> {
    let fine = is_emphasis(&block.inlines) || (described && is_short(&block.inlines));
    (block.is_paragraph() && fine).then(|| caption_text(document, &block.inlines))
}

/// The Markdown of a caption, without the signs that make all of it italics or bold.
fn caption_text<'a>(document: &Document<'a>, nodes: &[Node<'a>]) -> String {
    let text = match nodes {
        [node] if is_emphasis(nodes) => markdown::inner(document, node),
        [first, .., last] => document.slice(document.span(first).start..document.span(last).end, &[], 0),
        [only] => document.slice(document.span(only), &[], 0),
        [] => String::new(),
    };
    one_line(&text)
}

/// Whether `*text*` under a picture is its caption again.
pub(super) fn is_caption(text: &str) -> bool {
    let arena = Arena::new();
    let written = format!("*{text}*");
    let document = Document::parse(&arena, &written, 0);
    let Some(block) = document.root.first_child() else { return false };
    let inlines = inlines(block);
    block.next_sibling().is_none() && is_emphasis(&inlines) && caption_text(&document, &inlines) == text
}

/// Whether nodes are words in italics, or a few in bold, without links and images.
fn is_emphasis(nodes: &[Node<'_>]) -> bool {
    let [node] = nodes else { return false };
    let linked = node.descendants().any(|node| url(node).is_some() || is_image(&node));
    let emphasis = match node.data().value {
        NodeValue::Emph => true,
        NodeValue::Strong => is_short(nodes),
        _ => false,
    };
    emphasis && !linked && !markdown::plain([*node]).is_empty()
}

/// Whether nodes are a few plain words that are no sentence.
fn is_short(nodes: &[Node<'_>]) -> bool {
    const LONGEST_CAPTION: usize = 60;
    let text = markdown::plain(nodes.iter().copied());
    let unmarked = |node: Node<'_>| matches!(node.data().value, NodeValue::Text(_) | NodeValue::Strong);
    let plain = nodes.iter().flat_map(|node| node.descendants()).all(unmarked);
    let sentence = text.ends_with(['.', '。', '!', '！', '?', '？', ':', '：', ')', '）']);
    !text.is_empty() && text.chars().count() <= LONGEST_CAPTION && plain && !sentence && !text.contains("{{")
}

/// Whether a node is an image, perhaps with a link around it.
pub(super) fn is_image(node: &Node<'_>) -> bool {
    match &node.data().value {
        NodeValue::Image(_) => true,
        NodeValue::Link(_) => {
            let mut children = node.children().peekable();
            children.peek().is_some() && children.all(|child| matches!(child.data().value, NodeValue::Image(_)))
        }
        _ => false,
    }
}

fn is_blank(node: &Node<'_>) -> bool {
    matches!(&node.data().value, NodeValue::Text(text) if text.trim().is_empty())
}

/// The images in some inline nodes; one in the text of another is not shown.
pub(super) fn images<'a>(nodes: &[Node<'a>]) -> Vec<Image> {
    let mut images = Vec::new();
    let mut stack: Vec<Node<'a>> = nodes.iter().rev().copied().collect();
    while let Some(node) = stack.pop() {
        match image(node) {
            Some(image) => images.push(image),
            None => stack.extend(node.reverse_children()),
        }
    }
    images
}

fn image(node: Node<'_>) -> Option<Image> {
    match &node.data().value {
        NodeValue::Image(link) => Some(Image {
            url: link.url.clone(),
            alt: one_line(&node.collect_text()),
            caption: Some(one_line(&link.title)).filter(|title| !title.is_empty()),
            link: node.parent().filter(|parent| is_image(parent)).and_then(url).filter(|url| !url.is_empty()),
            below_line: 0,
        }),
        _ => None,
    }
}

/// A text without line ends and spaces around it.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Where a node links to.
pub(super) fn url(node: Node<'_>) -> Option<String> {
    match &node.data().value {
        NodeValue::Link(link) => Some(link.url.clone()),
        _ => None,
    }
}

/// Where a node, or the links of a block of HTML, lead.
fn urls<'a>(document: &Document<'a>, node: Node<'a>) -> Vec<String> {
    let NodeValue::HtmlBlock(_) = &node.data().value else { return url(node).into_iter().collect() };
    let anchors = html::anchors(document.text.get(document.span(node)).unwrap_or_default());
    let links = anchors.into_iter().filter(|anchor| anchor.kind != AnchorKind::Picture);
    links.map(|link| link.url).collect()
}
