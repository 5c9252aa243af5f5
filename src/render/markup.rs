//! Blocks of HTML → the tree that Markdown gives.
//!
//! An allow list: lists, tables, quotes, headings, code, rules, pictures, links and the looks of words are what they
//! are; boxes part paragraphs; what a mail cannot run or show is gone, but not the words in it.
//! A tag that is none of HTML's own is a word of the editor's and stays as it is typed.
//! Whatever is left open ends with the text, and what was never opened is not closed, so nothing reaches further.

use comrak::nodes::AstNode;

use super::markdown::{DEPTH, Line, Opened, end_paragraph, heading_line, picture};
use super::text::words_of;
use super::{highlight, link};
use crate::issue::html::{Piece, Role, Tag, decoded, pieces};
use crate::templates::{Block, Inline, Side, Table};

/// Columns or rows that a cell takes at most; a hostile one asks for thousands.
const WIDEST: usize = 20;

/// Reads blocks that stand side by side, HTML and other; what one opens the next may close.
pub(super) struct Markup {
    frames: Vec<Frame>,
    /// The line that is being read.
    line: Line,
    /// How many frames may be open.
    room: usize,
    /// How many more would be.
    beyond: usize,
}

/// An element that is open.
struct Frame {
    kind: Kind,
    blocks: Vec<Block>,
    /// How many looks and links were open when it was opened.
    opened: usize,
}

enum Kind {
    /// All that is read.
    Whole,
    List {
        start: Option<usize>,
        items: Vec<Vec<Block>>,
    },
    Item,
    /// What a definition defines.
    Term,
    Quote,
    Heading(u8),
    Code {
        language: String,
        text: String,
    },
    Caption,
    /// What stands in the middle: its element, and how many of the same are open in it.
    Centred(String, usize),
    /// What a mail cannot play: a link to it.
    Media {
        poster: String,
        name: String,
        url: String,
        is_whole: bool,
    },
    Table(Vec<Vec<Cell>>),
    Cell {
        is_head: bool,
        side: Option<Side>,
        columns: usize,
        rows: usize,
    },
}

/// A cell of a table.
struct Cell {
    blocks: Vec<Block>,
    is_head: bool,
    side: Option<Side>,
    columns: usize,
    rows: usize,
}

impl Markup {
    /// Lists and the like are followed `depth` deep.
    pub(super) fn new(depth: usize) -> Self {
        let whole = Frame { kind: Kind::Whole, blocks: Vec::new(), opened: 0 };
        Self { frames: vec![whole], line: Line::default(), room: 2 * depth, beyond: 0 }
    }

    /// How many lists and the like are open.
    pub(super) fn depth(&self) -> usize {
        self.frames.len() / 2
    }

    /// Whether something is open that later blocks stand in.
    pub(super) fn is_open(&self) -> bool {
        self.frames.len() > 1
    }

    /// All that was read.
    pub(super) fn finish(mut self) -> Vec<Block> {
        self.close_to(1);
        self.end_line();
        self.frames.pop().map(|whole| whole.blocks).unwrap_or_default()
    }

    /// Adds blocks that are no HTML.
    pub(super) fn put(&mut self, blocks: Vec<Block>) {
        if matches!(self.top().kind, Kind::Code { .. }) {
            self.close_to(self.frames.len() - 1);
        }
        self.end_line();
        self.top().blocks.extend(blocks);
    }

    /// Adds words to the line, and what is among them.
    pub(super) fn put_inline<'a>(&mut self, node: &'a AstNode<'a>) {
        if matches!(self.top().kind, Kind::Code { .. }) {
            self.close_to(self.frames.len() - 1);
        }
        self.line.push(node, DEPTH);
    }

    /// Reads a block of HTML; `level` says which level a heading gets.
    pub(super) fn read(&mut self, html: &str, level: &mut dyn FnMut(u8) -> u8) {
        for (_, piece) in pieces(html) {
            match piece {
                Piece::Words(words) => self.text(words),
                Piece::Tag(tag) if tag.closing => self.close(&tag),
                Piece::Tag(tag) => self.open(&tag, level),
            }
        }
    }

    /// Words between tags.
    fn text(&mut self, source: &str) {
        let words = decoded(source);
        if let Kind::Code { text, .. } = &mut self.top().kind {
            return text.push_str(&words);
        }
        let mut written = String::with_capacity(words.len());
        let mut space = None;
        for c in words.chars() {
            match (c.is_ascii_whitespace(), space) {
                // a line end stays one
                (true, None | Some(' ')) => space = Some(if c == '\n' { '\n' } else { ' ' }),
                (true, Some(_)) => {}
                (false, _) => {
                    written.extend(space.take());
                    written.push(c);
                }
            }
        }
        written.extend(space);
        let blank = written.chars().all(|c| c.is_ascii_whitespace());
        if !(written.is_empty() || blank && self.line.is_blank()) {
            self.line.text(link::clean(&written).into_owned());
        }
    }

    fn open(&mut self, tag: &Tag<'_>, level: &mut dyn FnMut(u8) -> u8) {
        if matches!(self.top().kind, Kind::Code { .. }) {
            if tag.name == "code"
                && let Some(name) = tag.text("class").split_whitespace().find_map(|name| name.strip_prefix("language-"))
                && let Kind::Code { language, .. } = &mut self.top().kind
            {
                *language = name.to_owned();
            }
            if tag.name == "br" {
                self.text("\n");
            }
            return;
        }
        match tag.name.as_str() {
            "ul" | "dl" => self.push(Kind::List { start: None, items: Vec::new() }),
            "ol" => {
                let start = tag.text("start").trim().parse().ok().filter(|start| *start < 1_000_000_000);
                self.push(Kind::List { start: Some(start.unwrap_or(1)), items: Vec::new() });
            }
            "li" => self.item(Kind::Item),
            "dt" => self.item(Kind::Term),
            "dd" => self.definition(),
            "blockquote" => self.push(Kind::Quote),
            "pre" => self.push(Kind::Code { language: String::new(), text: String::new() }),
            "figcaption" => self.push(Kind::Caption),
            "table" => self.push(Kind::Table(Vec::new())),
            "tr" => self.row(),
            "td" | "th" => self.cell(tag),
            "hr" => self.put(vec![Block::Rule]),
            "video" | "audio" | "iframe" => self.media(tag),
            "source" => self.source(tag),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let written = tag.name[1..].parse().unwrap_or(6);
                self.push(Kind::Heading(level(written)));
            }
            _ => match tag.role() {
                Some(Role::Picture) => self.picture(tag),
                Some(Role::Link) => self.line.open(Opened::Link(link::link(&decoded(tag.text("href"))))),
                Some(Role::Break) => self.line.end_here(),
                Some(Role::Words(look)) => self.line.open(Opened::Words(look)),
                Some(Role::Wrapper) | None => self.open_box(tag),
            },
        }
    }

    fn close(&mut self, tag: &Tag<'_>) {
        let is_own: fn(&Kind) -> bool = match tag.name.as_str() {
            "ul" | "ol" | "dl" => |kind| matches!(kind, Kind::List { .. }),
            "li" | "dd" => |kind| matches!(kind, Kind::Item),
            "dt" => |kind| matches!(kind, Kind::Term),
            "blockquote" => |kind| matches!(kind, Kind::Quote),
            "pre" => |kind| matches!(kind, Kind::Code { .. }),
            "figcaption" => |kind| matches!(kind, Kind::Caption),
            "video" | "audio" | "iframe" => return self.end_media(),
            "table" => |kind| matches!(kind, Kind::Table(_)),
            "td" | "th" => |kind| matches!(kind, Kind::Cell { .. }),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => |kind| matches!(kind, Kind::Heading(_)),
            _ if matches!(self.top().kind, Kind::Code { .. }) => return,
            _ => {
                return match tag.role() {
                    Some(Role::Link) => self.line.close(|opened| matches!(opened, Opened::Link(_))),
                    Some(Role::Words(look)) => {
                        self.line.close(|opened| matches!(opened, Opened::Words(l) if *l == look))
                    }
                    Some(Role::Picture | Role::Break) => {}
                    Some(Role::Wrapper) | None => self.close_box(tag),
                };
            }
        };
        let nests = matches!(tag.name.as_str(), "ul" | "ol" | "dl" | "blockquote" | "table");
        if nests && self.beyond > 0 {
            self.beyond -= 1;
            return self.end_line();
        }
        // what is outside of a cell is not closed in it, and neither is the item that a list is in
        let is_wall = |kind: &Kind| match kind {
            Kind::Table(_) | Kind::Cell { .. } => tag.name != "table",
            Kind::List { .. } => !nests,
            _ => false,
        };
        let found = self.frames.iter().rposition(|frame| is_own(&frame.kind) || is_wall(&frame.kind));
        match found.filter(|at| is_own(&self.frames[*at].kind)) {
            Some(at) => self.close_to(at),
            None => self.end_line(),
        }
    }

    fn push(&mut self, kind: Kind) {
        self.end_line();
        if self.frames.len() > self.room {
            self.beyond += usize::from(matches!(kind, Kind::List { .. } | Kind::Quote | Kind::Table(_)));
            return;
        }
        self.frames.push(Frame { kind, blocks: Vec::new(), opened: self.line.open_count() });
    }

    /// Opens an entry of the list around, or of a new one.
    fn item(&mut self, kind: Kind) {
        let near = self.frames.iter().rposition(|frame| {
            matches!(frame.kind, Kind::List { .. } | Kind::Cell { .. } | Kind::Table(_) | Kind::Quote)
        });
        match near.filter(|at| matches!(self.frames[*at].kind, Kind::List { .. })) {
            Some(at) => self.close_to(at + 1),
            None => self.push(Kind::List { start: None, items: Vec::new() }),
        }
        self.push(kind);
    }

    /// Opens what says the meaning of the term above: the same entry goes on.
    fn definition(&mut self) {
        self.item(Kind::Item);
        if let [.., Frame { kind: Kind::List { items, .. }, .. }, entry] = &mut self.frames[..]
            && matches!(entry.kind, Kind::Item)
        {
            entry.blocks = items.pop().unwrap_or_default();
        }
    }

    /// Where the table around begins.
    fn table_around(&self) -> Option<usize> {
        self.frames.iter().rposition(|frame| matches!(frame.kind, Kind::Table(_)))
    }

    fn row(&mut self) {
        let Some(at) = self.table_around() else { return self.end_line() };
        self.close_to(at + 1);
        self.end_line();
        if let Kind::Table(rows) = &mut self.frames[at].kind {
            rows.push(Vec::new());
        }
    }

    fn cell(&mut self, tag: &Tag<'_>) {
        let Some(at) = self.table_around() else { return self.end_line() };
        self.close_to(at + 1);
        let side = match tag.text("align").to_ascii_lowercase().as_str() {
            "left" => Some(Side::Left),
            "center" => Some(Side::Centre),
            "right" => Some(Side::Right),
            _ => None,
        };
        let count = |name| tag.text(name).trim().parse().unwrap_or(1).clamp(1, WIDEST);
        let (columns, rows) = (count("colspan"), count("rowspan"));
        self.push(Kind::Cell { is_head: tag.name == "th", side, columns, rows });
    }

    /// A picture on a line of its own, or words that link to it; in a link it has what is linked.
    fn picture(&mut self, tag: &Tag<'_>) {
        let target = self.line.take_link();
        let mut shown = picture(&decoded(tag.text("src")), &decoded(tag.text("alt")), target, Vec::new());
        if let Some(Block::Picture(picture)) = &mut shown {
            picture.width = tag.width();
        }
        self.put(shown.into_iter().collect());
    }

    /// A box parts paragraphs; it may put them in the middle.
    fn open_box(&mut self, tag: &Tag<'_>) {
        match self.centred(tag) {
            // a paragraph ends with the next
            Some(at) if tag.name == "p" => self.close_to(at),
            Some(at) => {
                if let Kind::Centred(_, more) = &mut self.frames[at].kind {
                    *more += 1;
                }
                return self.end_line();
            }
            None => {}
        }
        match tag.is_centred() {
            true => self.push(Kind::Centred(tag.name.clone(), 0)),
            false => self.end_line(),
        }
    }

    fn close_box(&mut self, tag: &Tag<'_>) {
        let Some(at) = self.centred(tag) else { return self.end_line() };
        match &mut self.frames[at].kind {
            Kind::Centred(_, more @ 1..) => {
                *more -= 1;
                self.end_line();
            }
            _ => self.close_to(at),
        }
    }

    /// Where the element of this name begins that puts in the middle what stands here.
    fn centred(&self, tag: &Tag<'_>) -> Option<usize> {
        let is_wall = |kind: &Kind| matches!(kind, Kind::Table(_) | Kind::Cell { .. } | Kind::List { .. } | Kind::Item);
        let is_own = |kind: &Kind| matches!(kind, Kind::Centred(name, _) if *name == tag.name);
        let near = self.frames.iter().rposition(|frame| is_own(&frame.kind) || is_wall(&frame.kind))?;
        is_own(&self.frames[near].kind).then_some(near)
    }

    fn media(&mut self, tag: &Tag<'_>) {
        let text = |name| decoded(tag.text(name)).into_owned();
        let name = if tag.text("title").is_empty() { text("aria-label") } else { text("title") };
        self.push(Kind::Media { poster: text("poster"), name, url: text("src"), is_whole: false });
    }

    /// Where something to play lies; the first is the best.
    fn source(&mut self, tag: &Tag<'_>) {
        if let Kind::Media { url, .. } = &mut self.top().kind
            && url.is_empty()
        {
            *url = decoded(tag.text("src")).into_owned();
        }
    }

    fn end_media(&mut self) {
        let Some(at) = self.frames.iter().rposition(|frame| matches!(frame.kind, Kind::Media { .. })) else {
            return self.end_line();
        };
        self.close_to(at + 1);
        if let Kind::Media { is_whole, .. } = &mut self.top().kind {
            *is_whole = true;
        }
        self.close_to(at);
    }

    /// Ends the paragraph; what looks are open go on in the next one.
    fn end_line(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        end_paragraph(&mut frame.blocks, self.line.end());
    }

    /// Closes all frames from the one at `at` on.
    fn close_to(&mut self, at: usize) {
        while self.frames.len() > at.max(1) {
            self.end_line();
            let Some(frame) = self.frames.pop() else { return };
            self.line.forget(frame.opened);
            self.end(frame);
        }
    }

    /// Puts what a frame is into the one around it.
    fn end(&mut self, Frame { kind, blocks, .. }: Frame) {
        let around = self.top();
        match kind {
            Kind::Item | Kind::Term => {
                let blocks = if matches!(kind, Kind::Term) { blocks.into_iter().map(strong).collect() } else { blocks };
                match &mut around.kind {
                    Kind::List { items, .. } => items.push(blocks),
                    _ => around.blocks.extend(blocks),
                }
            }
            Kind::List { start, mut items } => {
                // words of no entry
                if !blocks.is_empty() {
                    items.push(blocks);
                }
                let list = Block::List(start, items);
                // `<ul><li>a</li><ul>…`
                if let Kind::List { items, .. } = &mut around.kind
                    && let Some(last) = items.last_mut()
                {
                    last.push(list);
                } else {
                    around.blocks.push(list);
                }
            }
            Kind::Quote => around.blocks.extend((!blocks.is_empty()).then_some(Block::Quote(blocks))),
            Kind::Heading(level) => {
                let (line, others) = one_line(blocks);
                around.blocks.extend((!line.is_empty()).then(|| Block::Heading(level, heading_line(line))));
                around.blocks.extend(others);
            }
            Kind::Code { language, text } => {
                let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
                let lines = lines.join("\n");
                let code = lines.trim_start_matches('\n');
                around.blocks.extend((!code.is_empty()).then(|| Block::Code(highlight::code(code, &language))));
                around.blocks.extend(blocks);
            }
            Kind::Caption => match around.blocks.last_mut() {
                Some(Block::Picture(shown)) if shown.caption.is_empty() => {
                    let (line, others) = one_line(blocks);
                    shown.caption = line;
                    around.blocks.extend(others);
                }
                _ => around.blocks.extend(blocks),
            },
            Kind::Centred(..) => around.blocks.extend((!blocks.is_empty()).then_some(Block::Centred(blocks))),
            Kind::Media { poster, name, url, is_whole } => {
                // words of its own are its name
                let (name, rest) = match &blocks[..] {
                    [Block::Paragraph(line)] if name.is_empty() && is_whole => (words_of(line), Vec::new()),
                    _ => (name, blocks),
                };
                around.blocks.extend(media(&poster, &name, &url));
                around.blocks.extend(rest);
            }
            Kind::Cell { is_head, side, columns, rows: height } => {
                let cell = Cell { blocks, is_head, side, columns, rows: height };
                if let Kind::Table(rows) = &mut around.kind {
                    match rows.last_mut() {
                        Some(row) => row.push(cell),
                        None => rows.push(vec![cell]),
                    }
                }
            }
            Kind::Table(rows) => {
                // a caption, and words of no cell
                around.blocks.extend(blocks);
                around.blocks.extend(table(rows));
            }
            Kind::Whole => {}
        }
    }

    fn top(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1; // the whole is never closed
        &mut self.frames[last]
    }
}

/// A link to something to play: its poster, or its name.
fn media(poster: &str, name: &str, url: &str) -> Option<Block> {
    let Some(url) = link::link(url) else {
        return picture(poster, name, None, Vec::new()).or_else(|| words(name));
    };
    if let Some(Block::Picture(shown)) = picture(poster, name, Some(url.clone()), Vec::new()) {
        return Some(Block::Picture(shown));
    }
    let words = if name.trim().is_empty() { url.clone() } else { link::one_line(name) };
    Some(Block::Paragraph(vec![Inline::Link(url, vec![Inline::Text(words)])]))
}

fn words(text: &str) -> Option<Block> {
    let text = link::one_line(text);
    (!text.is_empty()).then(|| Block::Paragraph(vec![Inline::Text(text)]))
}

/// Lines of which all words are strong.
fn strong(block: Block) -> Block {
    match block {
        Block::Paragraph(line) => Block::Paragraph(vec![Inline::Strong(line)]),
        other => other,
    }
}

/// The paragraphs as one line, and what else there is.
fn one_line(blocks: Vec<Block>) -> (Vec<Inline>, Vec<Block>) {
    let mut line = Vec::new();
    let mut others = Vec::new();
    for block in blocks {
        match block {
            Block::Paragraph(inlines) => {
                line.extend((!line.is_empty()).then_some(Inline::Break));
                line.extend(inlines);
            }
            other => others.push(other),
        }
    }
    (line, others)
}

/// A table of words; where cells hold more than that, or stand below each other only, it was there to place them.
fn table(rows: Vec<Vec<Cell>>) -> Vec<Block> {
    let words = |cell: &Cell| cell.blocks.iter().all(|block| matches!(block, Block::Paragraph(_)));
    let rows: Vec<Vec<Cell>> = rows.into_iter().filter(|row| !row.is_empty()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    if columns < 2 || !rows.iter().flatten().all(words) {
        return rows.into_iter().flatten().flat_map(|cell| cell.blocks).collect();
    }
    let has_head = rows.len() > 1 && rows[0].iter().all(|cell| cell.is_head);
    let mut sides = Vec::new();
    let mut below = Vec::new();
    let mut grid = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        grid.push(placed(row, has_head && index == 0, &mut sides, &mut below));
    }
    let columns = grid.iter().map(Vec::len).max().unwrap_or_default();
    let mut head = if has_head { grid.remove(0) } else { Vec::new() };
    head.resize(columns, Vec::new());
    vec![Block::Table(Table { sides, head, rows: grid })]
}

/// The cells of a row, each in its column; `below` says how many more rows the cells above take.
fn placed(row: Vec<Cell>, is_head: bool, sides: &mut Vec<Option<Side>>, below: &mut Vec<usize>) -> Vec<Vec<Inline>> {
    let mut line: Vec<Vec<Inline>> = Vec::new();
    for Cell { blocks, is_head: is_heading, side, columns, rows } in row {
        while let Some(taken) = below.get_mut(line.len()).filter(|taken| **taken > 0) {
            *taken -= 1;
            line.push(Vec::new());
        }
        let (mut words, _) = one_line(blocks);
        // the heading of a row
        if is_heading && !is_head && !words.is_empty() {
            words = vec![Inline::Strong(words)];
        }
        let at = line.len();
        let end = at + columns;
        sides.resize(sides.len().max(end), None);
        below.resize(below.len().max(end), 0);
        sides[at] = sides[at].or(side);
        below[at..end].fill(rows - 1);
        line.push(words);
        line.resize(end, Vec::new());
    }
    below.iter_mut().skip(line.len()).for_each(|taken| *taken = taken.saturating_sub(1));
    let used = line.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
    line.truncate(used);
    line
}
