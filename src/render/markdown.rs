//! Markdown → blocks: the one place that reads it for showing.
//!
//! HTML among words is how these look, or literal text, blocks of it are read by `markup`; links that a mail may not carry become plain words.

use comrak::nodes::{AstNode, ListType, NodeValue, TableAlignment};
use comrak::{Arena, Options, parse_document};

use super::markup::Markup;
use super::notes::Notes;
use super::{emoji, highlight, link, slot, text};
use crate::issue::html::{Look, Role, Tag, is_markup};
use crate::issue::{Item, Piece};
use crate::templates::{Block, Inline, Picture, Side, Table, TextStyle, Words};

/// Quotes and lists are followed so deep; what is nested deeper is shown as plain words.
pub(super) const DEPTH: usize = 16;

/// What the Markdown stands under; its own headings go below.
#[derive(Debug, Clone, Copy)]
pub(super) enum Level {
    /// Under the title: headings are h2 and smaller.
    Letter,
    /// Under a section's heading, or an item's title without a section.
    Section,
    /// Under an item's title.
    Item,
}

/// What Markdown is read with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Where the trees of all fields live.
    pub(super) arena: &'a Arena<'a>,
    /// What the markers of slots are made with.
    pub(super) seal: &'a str,
    /// The fixed words.
    pub(super) words: &'a Words,
}

/// Reads a Markdown field of an issue with these footnotes.
pub(super) fn read(markdown: &str, level: Level, reading: Reading, notes: &mut Notes) -> Vec<Block> {
    if markdown.is_empty() {
        return Vec::new();
    }
    let document = parse_document(reading.arena, &notes.complete(link::clean(markdown)), &options());
    for node in document.descendants().filter(|_| !notes.is_empty()) {
        if let NodeValue::FootnoteReference(note) = &mut node.data_mut().value {
            note.ix = notes.number(&note.name).unwrap_or(note.ix);
        }
    }
    let top = match level {
        Level::Letter => 2,
        Level::Section => 3,
        Level::Item => 4,
    };
    let mut blocks = Reader { top, last: top - 1, shift: None, reading, notes }.blocks(document, DEPTH);
    name_blocks(&mut blocks, reading);
    blocks
}

/// Reads what an item says, its pictures between its words; footnotes stand below all of it.
pub(super) fn read_item(item: &Item, level: Level, reading: Reading, notes: &mut Notes) -> Vec<Block> {
    let mut blocks = Vec::new();
    for piece in item.pieces() {
        match piece {
            Piece::Text(text) => blocks.extend(read(text, level, reading, notes)),
            Piece::Image(image) => {
                let target = image.link.as_deref().and_then(link::link);
                let (caption, mentioned) = read_caption(image.caption.as_deref(), reading, notes);
                blocks.extend(picture(&image.url, &image.alt, target, caption));
                blocks.extend(mentioned);
            }
        }
    }
    let (footnotes, mut said): (Vec<_>, Vec<_>) =
        blocks.into_iter().partition(|block| matches!(block, Block::Footnote(..)));
    said.extend(footnotes);
    said
}

/// The line below a picture, and the footnotes that it mentions first.
fn read_caption(caption: Option<&str>, reading: Reading, notes: &mut Notes) -> (Vec<Inline>, Vec<Block>) {
    let caption = caption.map(link::one_line).unwrap_or_default();
    let mut blocks = read(&caption, Level::Item, reading, notes).into_iter();
    match blocks.next() {
        Some(Block::Paragraph(line)) => (line, blocks.filter(|block| matches!(block, Block::Footnote(..))).collect()),
        // `# 1` is no heading here
        Some(_) => (vec![Inline::Text(caption)], Vec::new()),
        None => (Vec::new(), Vec::new()),
    }
}

/// A picture, or a link to it, or its words: what may be shown of it.
pub(super) fn picture(url: &str, alt: &str, target: Option<String>, caption: Vec<Inline>) -> Option<Block> {
    let mut alt = link::one_line(alt);
    if let Some(url) = link::picture(url) {
        // a link must say something
        if let Some(host) = target.as_deref().and_then(link::host).filter(|_| alt.is_empty()) {
            alt = host;
        }
        return Some(Block::Picture(Picture { url, alt, width: None, link: target, caption }));
    }
    let mut shown: Vec<Inline> = Some(alt).filter(|alt| !alt.is_empty()).map(Inline::Text).into_iter().collect();
    if let Some(url) = link::link(url) {
        let words = if shown.is_empty() { vec![Inline::Text(url.clone())] } else { shown };
        shown = vec![Inline::Link(url, words)];
    }
    if !shown.is_empty() && !caption.is_empty() {
        shown.push(Inline::Break);
    }
    shown.extend(caption);
    (!shown.is_empty()).then_some(Block::Paragraph(shown))
}

pub(super) fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.parse.leave_footnote_definitions = true;
    // `**中文。**后文` is strong though no space follows
    options.extension.cjk_friendly_emphasis = true;
    options
}

/// Walks the tree; keeps the heading levels without gaps.
struct Reader<'r, 'n> {
    top: u8,
    last: u8,
    shift: Option<i16>,
    reading: Reading<'r>,
    notes: &'n mut Notes,
}

impl Reader<'_, '_> {
    fn blocks<'a>(&mut self, parent: &'a AstNode<'a>, depth: usize) -> Vec<Block> {
        let mut markup = Markup::new(depth);
        for node in parent.children() {
            match &node.data().value {
                NodeValue::HtmlBlock(html) => markup.read(&html.literal, &mut |level| self.level(level)),
                // HTML that is indented below an empty line
                NodeValue::CodeBlock(code) if !code.fenced && markup.is_open() && Tag::begins(&code.literal) => {
                    markup.read(&code.literal, &mut |level| self.level(level));
                }
                _ => {
                    let blocks = self.block(node, depth.saturating_sub(markup.depth()));
                    markup.put(blocks);
                }
            }
        }
        markup.finish()
    }

    fn block<'a>(&mut self, node: &'a AstNode<'a>, depth: usize) -> Vec<Block> {
        let Some(depth) = depth.checked_sub(1) else {
            return vec![Block::Paragraph(vec![Inline::Text(plain(node))])];
        };
        match &node.data().value {
            NodeValue::Paragraph => self.paragraph(node),
            NodeValue::Heading(heading) => {
                vec![Block::Heading(self.level(heading.level), heading_line(inlines(node, DEPTH)))]
            }
            NodeValue::List(list) => {
                let start = (list.list_type == ListType::Ordered).then_some(list.start);
                vec![Block::List(start, node.children().map(|item| self.list_item(item, depth)).collect())]
            }
            NodeValue::BlockQuote => vec![Block::Quote(self.blocks(node, depth))],
            NodeValue::CodeBlock(code) => {
                // what nobody sees at the end of a line is none of the code
                let lines: Vec<&str> = code.literal.trim_end().lines().map(str::trim_end).collect();
                vec![Block::Code(highlight::code(&lines.join("\n"), &code.info))]
            }
            NodeValue::ThematicBreak => vec![Block::Rule],
            NodeValue::Table(_) => vec![table(node)],
            NodeValue::FootnoteDefinition(note) => match self.notes.show(&note.name, note.total_references) {
                Some(number) => vec![Block::Footnote(number, self.blocks(node, depth))],
                None => Vec::new(),
            },
            _ => self.blocks(node, depth),
        }
    }

    fn list_item<'a>(&mut self, item: &'a AstNode<'a>, depth: usize) -> Vec<Block> {
        let mut blocks = self.blocks(item, depth);
        if let NodeValue::TaskItem(task) = &item.data().value {
            let mark = if task.symbol.is_some() { "☑ " } else { "☐ " };
            match blocks.first_mut() {
                Some(Block::Paragraph(inlines)) => inlines.insert(0, Inline::Text(mark.to_owned())),
                _ => blocks.insert(0, Block::Paragraph(vec![Inline::Text(mark.trim_end().to_owned())])),
            }
        }
        blocks
    }

    /// A paragraph; pictures in it stand on lines of their own, and lists and the like in HTML are what they are.
    fn paragraph<'a>(&mut self, node: &'a AstNode<'a>) -> Vec<Block> {
        let is_markup = is_markup(node);
        let mut markup = Markup::new(DEPTH);
        let mut mentioned = Vec::new();
        for child in node.children() {
            match (&child.data().value, lone_picture(child)) {
                (_, Some(shown)) => {
                    let (caption, notes) = read_caption(Some(&shown.title), self.reading, self.notes);
                    markup.put(picture(&shown.url, &shown.alt, shown.target, caption).into_iter().collect());
                    mentioned.extend(notes);
                }
                (NodeValue::HtmlInline(html), None) if is_markup && Tag::begins(html) => {
                    markup.read(html, &mut |level| self.level(level));
                }
                (_, None) => markup.put_inline(child),
            }
        }
        let mut blocks = markup.finish();
        caption_last(&mut blocks);
        blocks.extend(mentioned);
        blocks
    }

    /// The first heading goes right below what stands above; the others keep their distance to it,
    /// but none skips a level.
    fn level(&mut self, written: u8) -> u8 {
        let shift = *self.shift.get_or_insert(i16::from(self.top) - i16::from(written));
        let wanted = (i16::from(written) + shift).clamp(i16::from(self.top), i16::from(self.last) + 1).min(6);
        self.last = u8::try_from(wanted).unwrap_or(self.top);
        self.last
    }
}

/// Makes italics right under the last picture its caption, as in an item.
fn caption_last(blocks: &mut Vec<Block>) {
    if let [.., Block::Picture(picture), Block::Paragraph(line)] = &mut blocks[..]
        && let [Inline::Emphasis(words)] = &mut line[..]
        && picture.caption.is_empty()
    {
        picture.caption = std::mem::take(words);
        blocks.pop();
    }
}

pub(super) fn end_paragraph(blocks: &mut Vec<Block>, mut line: Vec<Inline>) {
    let blank =
        |inline: &Inline| matches!(inline, Inline::Break) || matches!(inline, Inline::Text(t) if t.trim().is_empty());
    while line.last().is_some_and(blank) {
        line.pop();
    }
    let leading = line.iter().take_while(|inline| blank(inline)).count();
    line.drain(..leading);
    if let Some(Inline::Text(first)) = line.first_mut() {
        first.drain(..first.len() - first.trim_start().len());
    }
    if let Some(Inline::Text(last)) = line.last_mut() {
        last.truncate(last.trim_end().len());
    }
    if !line.is_empty() {
        blocks.push(Block::Paragraph(line));
    }
}

/// A picture that may stand on a line of its own.
struct LonePicture {
    url: String,
    alt: String,
    title: String,
    target: Option<String>,
}

/// A picture, or a link with nothing but a picture in it.
fn lone_picture<'a>(node: &'a AstNode<'a>) -> Option<LonePicture> {
    let shown = |node: &'a AstNode<'a>, target| match &node.data().value {
        NodeValue::Image(image) => {
            Some(LonePicture { url: image.url.clone(), alt: plain(node), title: image.title.clone(), target })
        }
        _ => None,
    };
    match &node.data().value {
        NodeValue::Link(target) => {
            let mut children = node.children();
            let (only, None) = (children.next()?, children.next()) else { return None };
            shown(only, link::link(&target.url))
        }
        _ => shown(node, None),
    }
}

fn inlines<'a>(parent: &'a AstNode<'a>, depth: usize) -> Vec<Inline> {
    let mut line = Line::default();
    line.push_all(parent, depth);
    line.inlines
}

/// A line as it is read; a tag of HTML is open until it is closed.
#[derive(Default)]
pub(super) struct Line {
    inlines: Vec<Inline>,
    /// What each open tag means for the words behind it, and where they begin.
    open: Vec<(Opened, usize)>,
}

/// What an open tag means for words.
#[derive(Debug, Clone)]
pub(super) enum Opened {
    /// They look so.
    Words(Look),
    /// They lead there; nowhere where it is no address for a mail, or has its words already.
    Link(Option<String>),
}

impl Line {
    fn push_all<'a>(&mut self, parent: &'a AstNode<'a>, depth: usize) {
        parent.children().for_each(|node| self.push(node, depth));
    }

    pub(super) fn push<'a>(&mut self, node: &'a AstNode<'a>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.inlines.push(Inline::Text(plain(node)));
        };
        let inline = match &node.data().value {
            // an entity may stand for what nobody may type
            NodeValue::Text(text) => Inline::Text(link::clean(text).into_owned()),
            NodeValue::SoftBreak => Inline::Text("\n".to_owned()),
            NodeValue::LineBreak => Inline::Break,
            NodeValue::Code(code) => Inline::Code(code.literal.clone()),
            NodeValue::HtmlInline(html) => return self.push_html(html),
            NodeValue::Emph => Inline::Emphasis(inlines(node, depth)),
            NodeValue::Strong => Inline::Strong(inlines(node, depth)),
            NodeValue::Strikethrough => Inline::Struck(inlines(node, depth)),
            NodeValue::FootnoteReference(note) => Inline::Note(note.ix),
            NodeValue::Link(target) => match link::link(&target.url) {
                Some(url) => Inline::Link(url, inlines(node, depth)),
                None => return self.push_all(node, depth),
            },
            // deep in a line there is no room for a picture, and in a link none for another
            NodeValue::Image(image) => {
                let words = Inline::Text(plain(node));
                match link::link(&image.url).filter(|_| !is_linked(node)) {
                    Some(url) => Inline::Link(url, vec![words]),
                    None => words,
                }
            }
            _ => return self.push_all(node, depth),
        };
        self.inlines.push(inline);
    }

    /// HTML: breaks are breaks, words look as their tags say, comments are gone, the rest stays as it was typed.
    fn push_html(&mut self, html: &str) {
        let tag = Tag::read(html);
        match tag.as_ref().and_then(|tag| Some((tag.role()?, tag.closing))) {
            Some((Role::Break, _)) => self.inlines.push(Inline::Break),
            Some((Role::Words(look), false)) => self.open(Opened::Words(look)),
            Some((Role::Words(look), true)) => self.close(|open| matches!(open, Opened::Words(own) if *own == look)),
            // where it has an address, that is a link already
            Some((Role::Link | Role::Wrapper, _)) => {}
            _ if html.starts_with("<!--") => {}
            _ => self.inlines.push(Inline::Text(html.to_owned())),
        }
    }

    pub(super) fn text(&mut self, text: String) {
        self.inlines.push(Inline::Text(text));
    }

    pub(super) fn end_here(&mut self) {
        self.inlines.push(Inline::Break);
    }

    /// Whether it has no words so far.
    pub(super) fn is_blank(&self) -> bool {
        self.inlines.is_empty()
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    pub(super) fn open(&mut self, opened: Opened) {
        if matches!(opened, Opened::Link(_)) {
            self.close(|open| matches!(open, Opened::Link(_)));
        }
        self.open.push((opened, self.inlines.len()));
    }

    /// Closes the last tag that is `wanted`, and what was opened in it.
    pub(super) fn close(&mut self, wanted: impl Fn(&Opened) -> bool) {
        let near = self.open.len().saturating_sub(DEPTH);
        let Some(at) = self.open[near..].iter().rposition(|(open, _)| wanted(open)) else { return };
        self.close_to(near + at);
    }

    /// The words of a paragraph that ends here. What is open goes on in the next, but a link has its words.
    pub(super) fn end(&mut self) -> Vec<Inline> {
        let mut open = self.open.clone();
        if !self.inlines.is_empty() {
            self.close_to(0);
            for (opened, start) in &mut open {
                *start = 0;
                if let Opened::Link(url) = opened {
                    *url = None;
                }
            }
        }
        self.open = open;
        std::mem::take(&mut self.inlines)
    }

    /// Forgets what was opened since so many were open.
    pub(super) fn forget(&mut self, count: usize) {
        self.open.truncate(count);
    }

    /// Takes the address of the link that is open.
    pub(super) fn take_link(&mut self) -> Option<String> {
        self.open.iter_mut().rev().take(DEPTH).find_map(|(open, _)| match open {
            Opened::Link(url) => url.take(),
            Opened::Words(_) => None,
        })
    }

    fn close_to(&mut self, count: usize) {
        while self.open.len() > count {
            let Some((opened, start)) = self.open.pop() else { return };
            // deeper than anybody nests, and in paragraphs that have no words for it
            if self.open.len() >= DEPTH || start >= self.inlines.len() {
                continue;
            }
            let inner = self.inlines.split_off(start);
            let whole = match opened {
                Opened::Words(Look::Plain) | Opened::Link(None) => {
                    self.inlines.extend(inner);
                    continue;
                }
                Opened::Words(Look::Strong) => Inline::Strong(inner),
                Opened::Words(Look::Emphasis) => Inline::Emphasis(inner),
                Opened::Words(Look::Struck) => Inline::Struck(inner),
                Opened::Words(Look::Code) => Inline::Code(text::words_of(&inner)),
                Opened::Words(Look::Superscript) => Inline::Styled(TextStyle::Superscript, inner),
                Opened::Words(Look::Subscript) => Inline::Styled(TextStyle::Subscript, inner),
                Opened::Words(Look::Highlight) => Inline::Styled(TextStyle::Highlight, inner),
                Opened::Words(Look::Small) => Inline::Styled(TextStyle::Small, inner),
                Opened::Words(Look::Underline) => Inline::Styled(TextStyle::Underline, inner),
                Opened::Link(Some(url)) => Inline::Link(url, inner),
            };
            self.inlines.push(whole);
        }
    }
}

/// Whether a link is around a node.
fn is_linked<'a>(node: &'a AstNode<'a>) -> bool {
    node.ancestors().any(|around| matches!(around.data().value, NodeValue::Link(_)))
}

fn table<'a>(node: &'a AstNode<'a>) -> Block {
    let mut rows = node.children().map(|row| row.children().map(|cell| inlines(cell, DEPTH)).collect::<Vec<_>>());
    let side = |alignment: &TableAlignment| match alignment {
        TableAlignment::None => None,
        TableAlignment::Left => Some(Side::Left),
        TableAlignment::Center => Some(Side::Centre),
        TableAlignment::Right => Some(Side::Right),
    };
    let sides = match &node.data().value {
        NodeValue::Table(table) => table.alignments.iter().map(side).collect(),
        _ => Vec::new(),
    };
    let head = rows.next().unwrap_or_default();
    Block::Table(Table { sides, head, rows: rows.map(without_empty_end).collect() })
}

/// The cells up to the last with words: the parser fills short rows up to the width of the head, which makes a large
/// email of a small file.
fn without_empty_end(mut cells: Vec<Vec<Inline>>) -> Vec<Vec<Inline>> {
    let used = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
    cells.truncate(used);
    cells
}

/// Puts the marker of the reader's name where an editor wrote `{{name}}`; code stays as it is.
fn name_blocks(blocks: &mut [Block], reading: Reading) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) | Block::Heading(_, inlines) => name_line(inlines, reading),
            Block::List(_, items) => items.iter_mut().for_each(|item| name_blocks(item, reading)),
            Block::Quote(blocks) | Block::Centred(blocks) | Block::Footnote(_, blocks) => {
                name_blocks(blocks, reading);
            }
            Block::Table(table) => {
                let cells = table.head.iter_mut().chain(table.rows.iter_mut().flatten());
                cells.for_each(|cell| name_line(cell, reading));
            }
            Block::Picture(picture) => name_line(&mut picture.caption, reading),
            Block::Code(_) | Block::Rule => {}
        }
    }
}

fn name_line(inlines: &mut Vec<Inline>, reading: Reading) {
    let mut has_names = false;
    for inline in inlines.iter_mut() {
        match inline {
            Inline::Text(text) => has_names |= slot::written_name(text).is_some(),
            other => other.inner_mut().into_iter().for_each(|inner| name_line(inner, reading)),
        }
    }
    if has_names {
        let each = |inline| match inline {
            Inline::Text(text) => name_text(&text, reading),
            other => vec![other],
        };
        *inlines = inlines.drain(..).flat_map(each).collect();
    }
}

fn name_text(text: &str, reading: Reading) -> Vec<Inline> {
    let mut named = Vec::new();
    let mut rest = text;
    while let Some((before, stand_in, behind)) = slot::written_name(rest) {
        if !before.is_empty() {
            named.push(Inline::Text(before.to_owned()));
        }
        named.push(Inline::Name(slot::name_marker(reading.seal, stand_in.unwrap_or(reading.words.reader))));
        rest = behind;
    }
    if !rest.is_empty() {
        named.push(Inline::Text(rest.to_owned()));
    }
    named
}

/// Emoji in a heading are marked as such.
pub(super) fn heading_line(inlines: Vec<Inline>) -> Vec<Inline> {
    let each = |inline| match inline {
        Inline::Text(text) => emoji::heading(&text),
        Inline::Link(url, inlines) => vec![Inline::Link(url, heading_line(inlines))],
        Inline::Strong(inlines) => vec![Inline::Strong(heading_line(inlines))],
        other => vec![other],
    };
    inlines.into_iter().flat_map(each).collect()
}

/// All words below a node; never deep in the stack.
fn plain<'a>(node: &'a AstNode<'a>) -> String {
    let mut words = String::new();
    for node in node.descendants() {
        match &node.data().value {
            NodeValue::Text(text) => words.push_str(text),
            NodeValue::Code(code) => words.push_str(&code.literal),
            NodeValue::CodeBlock(code) => words.push_str(&code.literal),
            NodeValue::HtmlInline(html) => words.push_str(html),
            NodeValue::HtmlBlock(html) => words.push_str(&html.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => words.push(' '),
            _ => {}
        }
    }
    words
}
