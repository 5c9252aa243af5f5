//! A manuscript: the file as a copy editor reads it, with the place of every link, image and word.
//!
//! What is read differs from what is on the disk: line ends, tabs and mojibake are mended for reading.
//! Places are byte ranges of the text as it is read; [`Manuscript::in_file`] says where they are in the file.

use std::ops::Range;

use comrak::Arena;
use comrak::nodes::{Node, NodeValue};
use time::Date;

use super::html::{self, AnchorKind};
use super::markdown::{self, Document};
use super::parse::Reading;
use super::{Issue, ParseError, dates, source};
use original::Original;

mod original;

/// An issue together with its file.
#[derive(Debug)]
pub struct Manuscript {
    /// What the file is called.
    pub name: String,
    /// What was read; without a date of its own, it has the one that the file's name begins with.
    pub issue: Issue,
    /// The date that the file's name begins with.
    pub(super) day: Option<Date>,
    /// The text as it is read.
    pub(super) text: String,
    /// Where the Markdown begins, below the front matter.
    pub(super) below: usize,
    /// Links, in order.
    pub(super) links: Vec<Link>,
    /// Images, in order.
    pub(super) images: Vec<Picture>,
    /// Headings, paragraphs and table cells, in order.
    pub(super) blocks: Vec<Block>,
    /// Code blocks, in order.
    codes: Vec<Range<usize>>,
    /// HTML comments, in order.
    pub(super) comments: Vec<Range<usize>>,
    /// Tags of HTML that an email shows as they are typed, or loses, in order.
    pub(super) tags: Vec<Tag>,
    original: Original,
    lines: Vec<usize>,
}

/// A link where it stands.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) span: Range<usize>,
    pub(super) url: String,
    /// Where its address stands, as far as it stands there letter for letter but for `&amp;`.
    pub(super) address: Option<Range<usize>>,
    pub(super) text: String,
    /// `<https://…>`
    pub(super) bare: bool,
    /// There is a picture inside.
    pub(super) pictured: bool,
    pub(super) part: Part,
}

/// What a link is in its issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The title of the item with this index, counted through the issue.
    Title(usize),
    /// In the text of the item with this index.
    Text(usize),
    /// Anywhere else: intro, section titles, past issues, imprint.
    Around,
}

/// An image where it stands.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) span: Range<usize>,
    pub(super) url: String,
    pub(super) address: Option<Range<usize>>,
    pub(super) alt: String,
}

/// A tag of HTML where it stands.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) span: Range<usize>,
    /// The element's name in lower case.
    pub(super) name: String,
    /// Whether it is read as HTML, and not as words about it.
    pub(super) block: bool,
}

/// A heading or paragraph; its runs of words, as they are written.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) span: Range<usize>,
    pub(super) heading: bool,
    pub(super) quoted: bool,
    pub(super) runs: Vec<Run>,
}

/// Words side by side, or what stands between them.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) span: Range<usize>,
    pub(super) kind: RunKind,
}

/// What a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunKind {
    Words,
    /// The text of a link.
    Linked,
    Code,
    Break,
    /// A picture, HTML.
    Other,
}

impl Manuscript {
    /// Reads the bytes of a file.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, ParseError> {
        let file = source::characters(bytes)?;
        let reading = Reading::of(&file)?;
        let arena = Arena::new();
        let document = reading.document(&arena);
        let (text, below) = (&reading.text, reading.below);
        let day = dates::of_file(name);
        let mut issue = reading.issue(&document);
        issue.date = issue.date.or(day);
        let mut manuscript = Self {
            name: name.to_owned(),
            day,
            below,
            links: Vec::new(),
            images: Vec::new(),
            blocks: Vec::new(),
            codes: Vec::new(),
            comments: Vec::new(),
            tags: Vec::new(),
            lines: std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect(),
            issue,
            text: text.clone(),
            original: Original::align(file.into_owned(), reading.before.as_ref().unwrap_or(text)).read(&reading.html),
        };
        Walk { document: &document, below, manuscript: &mut manuscript }.visit();
        manuscript.assign_parts();
        manuscript.find_reference_addresses();
        Ok(manuscript)
    }

    /// The file's text, as it is on the disk, without a byte order mark.
    pub fn file(&self) -> &str {
        &self.original.text
    }

    /// Where the words of a line are in the file; the title, where no line is known.
    pub(super) fn line_in_file(&self, line: Option<usize>) -> Range<usize> {
        self.in_file(line.map_or_else(|| self.title_span(), |line| self.line_span(line)))
    }

    /// Where a place of the text is in the file.
    pub(super) fn in_file(&self, place: Range<usize>) -> Range<usize> {
        self.original.place(place)
    }

    /// The places of the file that were mended for reading, with what is read there.
    pub(super) fn mended(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        self.original.mended()
    }

    /// What stands at a place.
    pub(super) fn slice(&self, place: &Range<usize>) -> &str {
        self.text.get(place.clone()).unwrap_or_default()
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1)
    }

    /// The words of a line, from 1, without white space around them.
    pub(super) fn line_span(&self, line: usize) -> Range<usize> {
        let at = |line: usize| self.lines.get(line).copied().unwrap_or(self.text.len());
        let start = at(line.saturating_sub(1));
        let row = self.text.get(start..at(line)).unwrap_or_default();
        let start = start + row.len() - row.trim_start().len();
        start..start + row.trim().len()
    }

    /// The number, or the character, at a line and column, both from 1.
    pub(super) fn digits_at(&self, line: usize, column: usize) -> Range<usize> {
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let row = self.text.get(start..).unwrap_or_default();
        let at = row.char_indices().nth(column.saturating_sub(1)).map_or(row.len(), |(at, _)| at);
        let rest = row.get(at..).unwrap_or_default();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let length = digits.max(rest.chars().next().map_or(0, char::len_utf8));
        start + at..start + at + length
    }

    /// The line of the title, from 1.
    pub fn title_line(&self) -> usize {
        self.line(self.title_span().start)
    }

    /// The words of headings, paragraphs, table cells and code blocks, each with its line, from 1; in order.
    ///
    /// As they are written, but for what is no words: addresses, pictures, HTML, the fences of code.
    pub fn passages(&self) -> Vec<(usize, String)> {
        let mut passages: Vec<(usize, String)> = self.blocks.iter().flat_map(|block| self.words_of(block)).collect();
        passages.extend(self.codes.iter().map(|code| {
            let is_fence = |line: &&str| ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence));
            (self.line(code.start), self.slice(code).lines().skip_while(is_fence).collect())
        }));
        passages.sort_by_key(|(line, _)| *line);
        passages
    }

    /// The words of a block; a table is read as a paragraph here, so its rows are parted into cells.
    fn words_of(&self, block: &Block) -> Vec<(usize, String)> {
        let words = block.runs.iter().filter(|run| !matches!(run.kind, RunKind::Break | RunKind::Other));
        let words = words.map(|run| (self.line(run.span.start), self.slice(&run.span)));
        let is_rule = |line: &str| line.contains('-') && line.contains('|') && !line.contains(char::is_alphanumeric);
        if !self.slice(&block.span).lines().any(is_rule) {
            return vec![(self.line(block.span.start), words.map(|(_, words)| words).collect())];
        }
        let mut rows: Vec<(usize, String)> = Vec::new();
        for (line, words) in words {
            match rows.last_mut() {
                Some((last, row)) if *last == line => row.push_str(words),
                _ => rows.push((line, words.to_owned())),
            }
        }
        let cells =
            |(line, row): (usize, String)| row.split('|').map(|cell| (line, cell.to_owned())).collect::<Vec<_>>();
        rows.into_iter().flat_map(cells).collect()
    }

    /// The addresses of pictures, each with its line, from 1; in order.
    pub fn pictures(&self) -> impl Iterator<Item = (usize, &str)> {
        self.images.iter().map(|picture| (self.line(picture.span.start), picture.url.as_str()))
    }

    /// The title line: the heading or front matter that names the issue, else the first line with words.
    pub(super) fn title_span(&self) -> Range<usize> {
        let key = |line: &str| {
            let key = line.split([':', '=']).next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            ["title", "subject"].iter().any(|name| key.eq_ignore_ascii_case(name))
        };
        let front = self.text.get(..self.below).unwrap_or_default();
        if let Some(line) = front.lines().position(key) {
            return self.line_span(line + 1);
        }
        match self.blocks.iter().find(|block| block.heading).or(self.blocks.first()) {
            Some(block) => self.line_span(self.line(block.span.start)),
            None => self.line_span(1),
        }
    }

    /// Tells which links are items' own: both are in the order of the file.
    fn assign_parts(&mut self) {
        let starts = &self.lines;
        let line = |at: usize| starts.partition_point(|start| *start <= at).max(1);
        let mut links = self.links.iter_mut().peekable();
        for (index, item) in self.issue.sections.iter().flat_map(|section| &section.items).enumerate() {
            while links.next_if(|link| line(link.span.start) < item.line).is_some() {}
            let mut titled = item.url.is_none();
            for url in &item.links {
                let Some(link) = links.next_if(|link| link.url == *url) else { continue };
                let first = !titled && item.url.as_ref() == Some(url);
                titled |= first;
                link.part = if first && is_title(link, &item.title) { Part::Title(index) } else { Part::Text(index) };
            }
        }
    }

    /// Finds the addresses of links that name theirs elsewhere: `[label]: https://…`.
    fn find_reference_addresses(&mut self) {
        let missing = |address: &Option<Range<usize>>| address.is_none();
        if !self.links.iter().any(|link| missing(&link.address)) && !self.images.iter().any(|i| missing(&i.address)) {
            return;
        }
        let mut definitions = std::collections::HashMap::new();
        let mut start = self.below;
        for line in self.text.get(self.below..).unwrap_or_default().split_inclusive('\n') {
            if let Some((_, target)) = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
                let rest = target.trim_start().trim_start_matches('<');
                let url = rest.split([' ', '\t', '\n', '>']).next().unwrap_or_default();
                let at = start + line.len() - rest.len();
                definitions.entry(url).or_insert(at..at + url.len());
            }
            start += line.len();
        }
        let links = self.links.iter_mut().map(|link| (&link.url, &mut link.address));
        let images = self.images.iter_mut().map(|image| (&image.url, &mut image.address));
        for (url, address) in links.chain(images).filter(|(_, address)| missing(address)) {
            *address = definitions.get(url.as_str()).cloned();
        }
    }
}

/// A walk through the tree that notes what stands where.
struct Walk<'w, 'a> {
    document: &'w Document<'a>,
    below: usize,
    manuscript: &'w mut Manuscript,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self) {
        for node in self.document.root.descendants() {
            match &node.data().value {
                NodeValue::Paragraph | NodeValue::Heading(_) | NodeValue::TableCell => self.block(node),
                NodeValue::CodeBlock(_) => {
                    let span = self.span(node);
                    self.manuscript.codes.push(span);
                }
                NodeValue::HtmlBlock(_) => {
                    self.comments(node);
                    self.tag(node, true);
                    self.anchors(node);
                }
                _ => {}
            }
        }
    }

    fn block(&mut self, block: Node<'a>) {
        let heading = matches!(block.data().value, NodeValue::Heading(_));
        let quoted = block.ancestors().take(MOST_ANCESTORS).any(|up| matches!(up.data().value, NodeValue::BlockQuote));
        let is_markup = html::is_markup(block);
        let mut runs = Vec::new();
        let mut link_end = 0;
        for node in block.descendants().skip(1) {
            let span = self.span(node);
            let linked = span.start < link_end;
            let kind = match &node.data().value {
                NodeValue::Link(link) => {
                    link_end = span.end;
                    self.link(node, &link.url);
                    continue;
                }
                NodeValue::Image(link) => {
                    self.image(node, &link.url);
                    RunKind::Other
                }
                NodeValue::HtmlInline(_) => {
                    self.comments(node);
                    self.tag(node, is_markup);
                    if is_markup {
                        self.anchors(node);
                    }
                    RunKind::Other
                }
                // the text that stands for a picture
                NodeValue::Text(_) if node.parent().is_some_and(is_image) => continue,
                NodeValue::Text(_) if linked => RunKind::Linked,
                NodeValue::Text(_) => RunKind::Words,
                NodeValue::Code(_) => RunKind::Code,
                NodeValue::SoftBreak | NodeValue::LineBreak => RunKind::Break,
                _ => continue,
            };
            runs.push(Run { span, kind });
        }
        self.manuscript.blocks.push(Block { span: self.span(block), heading, quoted, runs });
    }

    fn link(&mut self, node: Node<'a>, url: &str) {
        let span = self.span(node);
        let source = self.slice(&span);
        let bare = source.starts_with('<');
        let address = address_in(source, url, bare).map(|at| span.start + at.start..span.start + at.end);
        self.manuscript.links.push(Link {
            url: url.to_owned(),
            address,
            text: markdown::plain(node.children()),
            bare,
            pictured: node.children().any(is_image),
            part: Part::Around,
            span,
        });
    }

    fn image(&mut self, node: Node<'a>, url: &str) {
        let span = self.span(node);
        let address = address_in(self.slice(&span), url, false).map(|at| span.start + at.start..span.start + at.end);
        self.manuscript.images.push(Picture { url: url.to_owned(), address, alt: node.collect_text(), span });
    }

    /// Notes the links and pictures of a block of HTML.
    fn anchors(&mut self, node: Node<'a>) {
        let at = self.span(node).start;
        let placed = |place: Range<usize>| at + place.start..at + place.end;
        for anchor in html::anchors(self.slice(&self.span(node))) {
            let (span, url, address) = (placed(anchor.span), anchor.url, anchor.address.map(placed));
            match anchor.kind {
                AnchorKind::Picture => self.manuscript.images.push(Picture { span, url, address, alt: anchor.text }),
                AnchorKind::Link { pictured } => {
                    let (text, part) = (anchor.text, Part::Around);
                    self.manuscript.links.push(Link { span, url, address, text, bare: false, pictured, part });
                }
            }
        }
    }

    /// Notes the first tag, outside of comments, of which something is lost, or that stays as it is typed where
    /// `is_markup` is not so.
    fn tag(&mut self, node: Node<'a>, is_markup: bool) {
        let span = self.span(node);
        let html = self.slice(&span);
        let mut at = 0;
        while let Some(start) = html.get(at..).and_then(|rest| rest.find('<')).map(|found| at + found) {
            let rest = &html[start..];
            let counts = |tag: &html::Tag<'_>| if is_markup { tag.is_lost() } else { tag.is_foreign() };
            let tag = html::Tag::read(rest).filter(|tag| counts(tag) && !tag.closing);
            if let Some(tag) = tag {
                let span = span.start + start..span.start + start + tag.length;
                return self.manuscript.tags.push(Tag { span, name: tag.name, block: is_markup });
            }
            let comment = rest.starts_with("<!--").then(|| rest.find("-->").map_or(rest.len(), |end| end + 3));
            at = start + comment.unwrap_or(1);
        }
    }

    fn comments(&mut self, node: Node<'a>) {
        let span = self.span(node);
        let mut from = 0;
        let html = self.slice(&span).to_owned();
        while let Some(start) = html.get(from..).and_then(|rest| rest.find("<!--")).map(|at| from + at) {
            let end = html[start..].find("-->").map_or(html.len(), |end| start + end + "-->".len());
            self.manuscript.comments.push(span.start + start..span.start + end);
            from = end;
        }
    }

    fn span(&self, node: Node<'a>) -> Range<usize> {
        let span = self.document.span(node);
        self.below + span.start..self.below + span.end
    }

    fn slice(&self, span: &Range<usize>) -> &'a str {
        self.document.text.get(span.start - self.below..span.end - self.below).unwrap_or_default()
    }
}

/// Whether a link is its item's title, and not a word of it: `2024-06-08, Oslo: [The pilots](…) meet again`.
fn is_title(link: &Link, title: &str) -> bool {
    let length = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    length(title) <= length(&link.text) + MOST_BESIDE_TITLE
}

/// Letters that may stand beside a title's link: a tag, a star count.
const MOST_BESIDE_TITLE: usize = 8;

/// How far up a quotation is looked for; hostile files nest deeper.
const MOST_ANCESTORS: usize = 16;

fn is_image(node: Node<'_>) -> bool {
    matches!(node.data().value, NodeValue::Image(_))
}

/// Where the address stands in `[text](address "title")` or `<address>`, perhaps with `&amp;` for `&`.
fn address_in(source: &str, url: &str, bare: bool) -> Option<Range<usize>> {
    let from = if bare { 1 } else { source.rfind("](")? + 2 };
    let rest = source.get(from..)?;
    let find = |url: &str| rest.find(url).map(|at| from + at..from + at + url.len());
    find(url).or_else(|| find(&url.replace('&', "&amp;")))
}
