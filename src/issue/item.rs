//! An item: the line with the recommended link, and what is said below it.

use std::ops::Range;

use comrak::nodes::{Node, NodeValue};

use super::beside;
use super::markdown::{self, Document};
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

    /// What is left from `start` on, with those of `inlines` that are in it.
    fn rest(&self, document: &Document<'a>, inlines: &[Node<'a>], start: usize) -> Option<Self> {
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

    /// Every link in it, in order, but those in `cuts`.
    fn links(&self, document: &Document<'a>, cuts: &[Range<usize>]) -> Vec<String> {
        let nodes = if self.inlines.is_empty() { std::slice::from_ref(&self.node) } else { &self.inlines };
        let links = nodes.iter().flat_map(|node| node.descendants()).filter(|node| url(node).is_some());
        links.filter(|node| markdown::cut_at(cuts, document.span(node).start).is_none()).filter_map(url).collect()
    }

    /// Its Markdown, as it stands there.
    pub(super) fn markdown(&self, document: &Document<'a>) -> String {
        let text = document.slice(self.span.clone(), &[], self.column).trim_matches('\n').trim_end().to_owned();
        match &self.node.data().value {
            NodeValue::Paragraph => text.trim_start().to_owned(),
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
        self.following.iter().filter(|block| block.is_paragraph() && !block.is_picture()).count()
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
            let caption = if picture { caption(block, !item.description.is_empty()) } else { None };
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

/// Fills in title, address, tags and stars beside the title; gives what is left of the lead.
fn take_title<'a>(document: &Document<'a>, lead: &Block<'a>, start: usize, item: &mut Item) -> Option<Block<'a>> {
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
        let text = markdown::plain([node]);
        let (title, time) = beside::split_reading_time(&text);
        item.title = format!("{prefix} {title}").trim().to_owned();
        item.tags.extend(time.map(str::to_owned));
        at + 1
    } else {
        // no link ends the title: the line does, or the paragraph in a list
        let line_end = if lead.column > 0 { None } else { nodes.iter().position(|node| markdown::is_break(node)) };
        let until = sentence_end(document, nodes).or(line_end).unwrap_or(nodes.len());
        let title = markdown::plain(nodes[..until].iter().copied());
        let marker = if start > lead.span.start { beside::marker(&title) } else { None };
        item.title = title.get(marker.map_or(0, |marker| marker.length)..).unwrap_or_default().trim().to_owned();
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
            let bare = link.url == markdown::plain([*node]);
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
    let marker = if start > lead.span.start { beside::marker(&title) } else { None };
    let title = if start >= bare.span.start { "" } else { &title[marker.map_or(0, |marker| marker.length)..] };
    let title = title.trim_end_matches(|c: char| c.is_whitespace() || ":：-–—|｜,，(（".contains(c));
    item.title = if title.is_empty() { bare.url.clone() } else { title.trim_start().to_owned() };
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

/// Whether inline nodes begin with a link, perhaps bold; tags and emoji may stand before it.
pub(super) fn starts_with_link<'a>(document: &Document<'a>, nodes: &[Node<'a>], start: usize) -> bool {
    let Some(mut node) = title_node(document, nodes, start).and_then(|at| nodes.get(at).copied()) else { return false };
    while matches!(node.data().value, NodeValue::Strong | NodeValue::Emph) {
        let Some(child) = node.first_child() else { return false };
        node = child;
    }
    is_only_link(node)
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
    matches!(node.data().value, NodeValue::Link(_))
        && (node.first_child().is_none() || !markdown::plain([node]).is_empty())
}

/// The source of a text node from `start` on.
fn source<'t>(document: &Document<'t>, node: Node<'_>, start: usize) -> Option<&'t str> {
    let text = matches!(node.data().value, NodeValue::Text(_));
    let span = document.span(node);
    text.then(|| document.text.get(span.start.max(start)..span.end.max(start)).unwrap_or_default())
}

/// Adds a block to the description; images at its ends or on lines of their own, and stars, go to their fields.
fn describe<'a>(document: &Document<'a>, block: &Block<'a>, item: &mut Item) {
    let lines = markdown::lines(block.inlines.iter().copied());
    let is_text = |node: &Node<'a>| !is_image(node) && !is_blank(node);
    let is_words = |line: &Vec<Node<'a>>| line.iter().any(is_text);
    let is_pictures = |line: &Vec<Node<'a>>| !is_words(line) && !images(line).is_empty();
    let (first_words, last_words) = (lines.iter().position(is_words), lines.iter().rposition(is_words));
    let start = |node: &Node<'a>| document.span(node).start;
    let end = |node: &Node<'a>| document.span(node).end;
    let mut cuts = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let (Some(head), Some(tail)) = (line.first(), line.last()) else { continue };
        if is_pictures(line) {
            item.images.extend(images(line));
            let next = lines.get(at + 1).and_then(|line| line.first());
            cuts.push(start(head)..next.map_or(end(tail), start));
            continue;
        }
        let (Some(first), Some(last)) = (line.iter().position(is_text), line.iter().rposition(is_text)) else {
            continue;
        };
        let (before, after) = (&line[..first], &line[last + 1..]);
        if first_words == Some(at) && !images(before).is_empty() {
            item.images.extend(images(before));
            cuts.push(start(head)..before.last().map_or(0, end));
        }
        if last_words == Some(at) && !images(after).is_empty() {
            item.images.extend(images(after));
            cuts.push(after.first().map_or(0, start)..end(tail));
        }
    }
    let under_picture = lines.first().is_some_and(is_pictures);
    item.links.extend(block.links(document, &cuts));
    if let (true, [_, line]) = (under_picture, &lines[..])
        && let Some(image) = item.images.last_mut().filter(|image| image.caption.is_none())
        && (is_italic(line) || is_short(line))
    {
        image.caption = Some(markdown::plain(line.iter().copied()));
        return;
    }
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
    if text.is_empty() {
        return;
    }
    if !item.description.is_empty() {
        item.description.push_str("\n\n");
    }
    item.description.push_str(&text);
}

/// The caption that a paragraph right under a picture is: italics, or a few words without a full stop.
fn caption(block: &Block<'_>, described: bool) -> Option<String> {
    let fine = block.is_paragraph() && (is_italic(&block.inlines) || described) && is_short(&block.inlines);
    fine.then(|| markdown::plain(block.inlines.iter().copied()))
}

/// Whether nodes are words in italics, without links and images.
fn is_italic(nodes: &[Node<'_>]) -> bool {
    let [node] = nodes else { return false };
    let linked = node.descendants().any(|node| url(node).is_some() || is_image(&node));
    matches!(node.data().value, NodeValue::Emph) && !linked && !markdown::plain([*node]).is_empty()
}

/// Whether nodes are a few words, without links and images, that are no sentence.
fn is_short(nodes: &[Node<'_>]) -> bool {
    const LONGEST_CAPTION: usize = 60;
    let text = markdown::plain(nodes.iter().copied());
    let linked = nodes.iter().flat_map(|node| node.descendants()).any(|node| url(node).is_some() || is_image(&node));
    let sentence = text.ends_with(['.', '。', '!', '！', ':', '：', ')', '）']);
    !text.is_empty() && text.chars().count() <= LONGEST_CAPTION && !linked && !sentence
}

/// Whether a node is an image, perhaps with a link around it.
fn is_image(node: &Node<'_>) -> bool {
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
fn images<'a>(nodes: &[Node<'a>]) -> Vec<Image> {
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
