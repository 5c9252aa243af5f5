//! The text part: the page's twin, for those who read plain text.

use unicode_width::UnicodeWidthStr as _;

use super::slot::{self, name_markers};
use super::wrap::{underline, wrap};
use crate::templates::{
    Block, Entry, Heading, Inline, Letter, Page, PastEntry, Picture, Section, Side, Table, TextStyle, Words,
};

/// Columns of a line.
pub(super) const COLUMNS: usize = 72;

/// The text part of an issue.
pub(super) fn issue(page: &Page) -> String {
    let mut text = Text::default();
    masthead(&mut text, page);
    text.heading(&words_of(&page.title), '=');
    text.blocks(&page.intro, page.words);
    for part in &page.sections {
        section(&mut text, part, page.words);
    }
    if !page.past_issues.is_empty() {
        heading(&mut text, &page.past_issues_heading);
        page.past_issues.iter().for_each(|past| past_entry(&mut text, past));
    }
    footer(&mut text, page);
    text.written
}

/// The text part of a short mail.
pub(super) fn notice(words: &Words, letter: &Letter, postal_address: &[String]) -> String {
    let mut text = Text::default();
    text.heading(&letter.title, '=');
    text.paragraph(&wrap(&letter.opening, COLUMNS));
    if let Some((label, url)) = &letter.button {
        text.link(label, words, url);
    }
    if let Some(closing) = &letter.closing {
        text.paragraph(&wrap(closing, COLUMNS));
    }
    if !postal_address.is_empty() || letter.unsubscribe.is_some() {
        text.footer_line();
    }
    if let Some((label, url)) = &letter.unsubscribe {
        text.link(label, words, url);
    }
    text.address(postal_address);
    text.written
}

/// How a letter begins: the words of its first paragraphs, on one line.
pub(super) fn opening(blocks: &[Block]) -> String {
    let paragraphs = blocks.iter().filter_map(|block| match block {
        Block::Paragraph(inlines) => Some(inlines),
        _ => None,
    });
    let mut opening = String::new();
    for inlines in paragraphs.take(3) {
        write_words(&mut opening, inlines, false);
        opening.push(' ');
    }
    opening.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn masthead(text: &mut Text, page: &Page) {
    let name: Vec<&str> = [Some(page.newsletter.as_str()), page.number.as_deref()].into_iter().flatten().collect();
    let name = name.join(" ");
    let read_online = page.words.read_online.to_owned() + page.words.colon;
    let mut lines = wrap(&name, COLUMNS);
    lines.extend(page.date.as_deref());
    if let Some(url) = &page.online_url {
        lines.extend([read_online.as_str(), url]);
    }
    text.paragraph(&lines);
}

fn heading(text: &mut Text, heading: &Heading) {
    let title = words_of(&heading.title);
    match &heading.emoji {
        Some(emoji) => text.heading(&format!("{emoji} {title}"), '-'),
        None if title.is_empty() => {}
        None => text.heading(&title, '-'),
    }
    if let Some(url) = &heading.url {
        text.paragraph(&[url]);
    }
}

fn section(text: &mut Text, section: &Section, words: &Words) {
    heading(text, &section.heading);
    text.blocks(&section.body, words);
    for part in &section.entries {
        entry(text, part, words);
    }
    text.blocks(&section.after, words);
}

fn entry(text: &mut Text, entry: &Entry, words: &Words) {
    let title = words_of(&entry.title);
    let title = match &entry.number {
        Some(number) => format!("{number}{title}"),
        None => title,
    };
    let remarks = entry.remarks.join(" · ");
    let mut lines = wrap(&title, COLUMNS);
    // the address may be all of the title
    lines.extend(entry.url.as_deref().filter(|url| words_of(&entry.title) != *url));
    if !remarks.is_empty() {
        lines.extend(wrap(&remarks, COLUMNS));
    }
    text.paragraph(&lines);
    text.blocks(&entry.description, words);
}

fn past_entry(text: &mut Text, past: &PastEntry) {
    let mut lines = wrap(&past.title, COLUMNS);
    lines.extend(past.url.as_deref());
    lines.extend(past.date.as_deref());
    text.paragraph(&lines);
}

fn footer(text: &mut Text, page: &Page) {
    let words = page.words;
    text.footer_line();
    text.paragraph(&wrap(&(words.why)(&page.newsletter), COLUMNS));
    text.link(words.unsubscribe, words, &page.unsubscribe_url);
    text.link(words.all_issues, words, &page.archive_url);
    text.address(&page.postal_address);
}

/// What is written so far: paragraphs with an empty line between.
#[derive(Default)]
struct Text {
    written: String,
}

impl Text {
    fn paragraph(&mut self, lines: &[impl AsRef<str>]) {
        if lines.is_empty() {
            return;
        }
        if !self.written.is_empty() {
            self.written.push('\n');
        }
        for line in lines {
            self.written.push_str(line.as_ref().trim_end());
            self.written.push('\n');
        }
    }

    /// A heading, underlined, with more air above.
    fn heading(&mut self, title: &str, with: char) {
        let mut lines = wrap(title, COLUMNS);
        let underline = underline(&lines, with);
        lines.push(&underline);
        if !self.written.is_empty() {
            self.written.push('\n');
        }
        self.paragraph(&lines);
    }

    /// An address below what it is.
    fn link(&mut self, label: &str, words: &Words, url: &str) {
        self.paragraph(&[&(label.to_owned() + words.colon), url]);
    }

    fn blocks(&mut self, blocks: &[Block], words: &Words) {
        for block in blocks {
            match block {
                Block::Heading(2, inlines) => self.heading(&words_of(inlines), '-'),
                Block::Paragraph(inlines) => self.paragraph(&wrap(&words_of(inlines), COLUMNS)),
                block => self.paragraph(&block_lines(block, COLUMNS, words)),
            }
        }
    }

    fn address(&mut self, lines: &[String]) {
        self.paragraph(&lines.iter().flat_map(|line| wrap(line, COLUMNS)).collect::<Vec<_>>());
    }

    /// The line above the footer; not `-- `, behind which mail programs hide what follows.
    fn footer_line(&mut self) {
        self.written.push('\n');
        self.paragraph(&["_".repeat(24)]);
    }
}

/// The lines of a block that is `columns` wide.
fn block_lines(block: &Block, columns: usize, words: &Words) -> Vec<String> {
    match block {
        Block::Paragraph(inlines) => wrapped(&words_of(inlines), columns),
        Block::Heading(_, inlines) => {
            let mut lines = wrapped(&words_of(inlines), columns);
            lines.push(underline(&lines, '-'));
            lines
        }
        Block::List(start, items) => {
            let mark = |index: usize| match start {
                Some(start) => format!("{}. ", start.saturating_add(index)),
                None => "- ".to_owned(),
            };
            let item = |(index, blocks): (usize, &Vec<Block>)| marked(&mark(index), blocks, columns, words);
            let mut lines = Vec::new();
            for (index, blocks) in items.iter().enumerate() {
                // behind code nothing else shows where the next item begins
                if index > 0 && matches!(items[index - 1].last(), Some(Block::Code(_))) {
                    lines.push(String::new());
                }
                lines.extend(item((index, blocks)));
            }
            lines
        }
        Block::Centred(blocks) => lines_of(blocks, columns, words),
        Block::Quote(blocks) => {
            let lines = lines_of(blocks, columns.saturating_sub(2).max(20), words);
            lines.into_iter().map(|line| format!("> {line}")).collect()
        }
        Block::Code(pieces) => {
            let code: String = pieces.iter().map(|(_, text)| text.as_str()).collect();
            let room = columns.saturating_sub(4).max(20);
            code.lines().flat_map(|line| code_lines(line, room)).map(|line| format!("    {line}")).collect()
        }
        Block::Picture(picture) => picture_lines(picture, columns, words),
        Block::Table(table) => table_lines(table, columns, words),
        Block::Rule => vec!["* * *".to_owned()],
        Block::Footnote(number, blocks) => marked(&format!("[{number}] "), blocks, columns, words),
    }
}

fn wrapped(text: &str, columns: usize) -> Vec<String> {
    wrap(text, columns).into_iter().map(str::to_owned).collect()
}

/// Several blocks, an empty line between, but none between a paragraph and its list.
fn lines_of(blocks: &[Block], columns: usize, words: &Words) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let introduced = matches!(blocks[..at].last(), Some(Block::Paragraph(_)));
        if !(lines.is_empty() || (introduced && matches!(block, Block::List(..)))) {
            lines.push(String::new());
        }
        lines.extend(block_lines(block, columns, words));
    }
    lines
}

/// Blocks behind a mark, the lines below indented to it.
fn marked(mark: &str, blocks: &[Block], columns: usize, words: &Words) -> Vec<String> {
    let indent = " ".repeat(mark.len());
    let lines = lines_of(blocks, columns.saturating_sub(mark.len()).max(20), words);
    let lead = |(index, line): (usize, String)| format!("{}{line}", if index == 0 { mark } else { &indent });
    lines.into_iter().enumerate().map(lead).collect()
}

fn picture_lines(picture: &Picture, columns: usize, words: &Words) -> Vec<String> {
    let alt = if picture.alt.is_empty() { words.image.to_owned() } else { format!("{}: {}", words.image, picture.alt) };
    let mut lines = wrapped(&format!("[{alt}]"), columns);
    lines.push(picture.url.clone());
    lines.extend(picture.link.clone());
    if !picture.caption.is_empty() {
        lines.extend(wrapped(&words_of(&picture.caption), columns));
    }
    lines
}

/// A table in columns where it is narrow enough, else a list with an entry for each row.
fn table_lines(table: &Table, columns: usize, words: &Words) -> Vec<String> {
    let cells = |cells: &Vec<Vec<Inline>>| -> Vec<String> {
        cells.iter().map(|cell| words_of(cell).replace('\n', " ")).collect()
    };
    let head = cells(&table.head);
    let rows: Vec<Vec<String>> = table.rows.iter().map(cells).collect();
    let all = || std::iter::once(&head).chain(&rows);
    let widths: Vec<usize> = (0..head.len())
        .map(|at| all().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or_default())
        .collect();
    let whole = widths.iter().sum::<usize>() + " | ".len() * widths.len().saturating_sub(1);
    // how wide a name is, nobody knows yet
    let named = all().flatten().any(|cell| !name_markers(cell).is_empty());
    if whole > columns || named {
        return rows.iter().flat_map(|row| row_lines(&head, row, columns, words)).collect();
    }
    let row = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
            let room = width.saturating_sub(cell.width());
            let before = match table.sides.get(at).copied().flatten() {
                Some(Side::Right) => room,
                Some(Side::Centre) => room / 2,
                Some(Side::Left) | None => 0,
            };
            format!("{}{cell}{}", " ".repeat(before), " ".repeat(room - before))
        });
        padded.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    };
    let head = (!head.iter().all(String::is_empty)).then(|| [row(&head), "-".repeat(whole)]);
    head.into_iter().flatten().chain(rows.iter().map(row)).collect()
}

/// A row of a wide table: its first cell behind a dash, the others below, each behind the head of its column.
///
/// ```text
/// - Boat: Heron
///   Where it lies: behind the long pier
/// ```
fn row_lines(head: &[String], row: &[String], columns: usize, words: &Words) -> Vec<String> {
    let gap = if words.colon == "：" { "" } else { " " };
    let said = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()).map(|(at, cell)| match head.get(at) {
        Some(head) if !head.is_empty() => format!("{head}{}{gap}{cell}", words.colon),
        _ => cell.clone(),
    });
    let lines = said.flat_map(|cell| wrapped(&cell, columns.saturating_sub(2)));
    lines.enumerate().map(|(at, line)| format!("{}{line}", if at == 0 { "- " } else { "  " })).collect()
}

/// A line of code: where it is too wide it goes on below, four columns deeper.
fn code_lines(line: &str, columns: usize) -> Vec<String> {
    const DEEPER: usize = 4;
    if line.width() <= columns {
        return vec![line.to_owned()];
    }
    let code = line.trim_start();
    let indent = (line.len() - code.len()).min(columns / 2);
    let lines = wrapped(code, columns.saturating_sub(indent + DEEPER));
    let indented = |(at, line)| format!("{}{line}", " ".repeat(if at == 0 { indent } else { indent + DEEPER }));
    lines.into_iter().enumerate().map(indented).collect()
}

/// The words of a line, addresses behind the words that link to them.
pub(super) fn words_of(inlines: &[Inline]) -> String {
    let mut words = String::new();
    write_words(&mut words, inlines, true);
    words
}

/// A number above the line: 10⁶ is not 106. Letters need no signs of their own, 1st is as good.
fn superscript(text: &str) -> Option<String> {
    let raise = |c| match c {
        '0'..='9' => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c as usize - '0' as usize),
        '-' | '−' => Some('⁻'),
        '+' => Some('⁺'),
        'n' => Some('ⁿ'),
        _ => None,
    };
    text.chars().map(raise).collect()
}

/// Writes the words of a line, with or without addresses, footnote marks and what is struck out.
fn write_words(words: &mut String, inlines: &[Inline], with_addresses: bool) {
    for inline in inlines {
        match inline {
            // a line end in a paragraph is a space
            Inline::Text(text) | Inline::Emoji(text) if text.contains('\n') => words.push_str(&text.replace('\n', " ")),
            Inline::Text(text) | Inline::Emoji(text) => words.push_str(text),
            Inline::Styled(TextStyle::Superscript, inlines) => {
                let mut raised = String::new();
                write_words(&mut raised, inlines, with_addresses);
                words.push_str(&superscript(&raised).unwrap_or(raised));
            }
            // unmarked, they would say what the editor took back
            Inline::Struck(inlines) if with_addresses => {
                words.push_str("~~");
                write_words(words, inlines, with_addresses);
                words.push_str("~~");
            }
            Inline::Struck(_) => {}
            Inline::Emphasis(inlines) | Inline::Strong(inlines) | Inline::Styled(_, inlines) => {
                write_words(words, inlines, with_addresses);
            }
            Inline::Code(code) => words.push_str(code),
            Inline::Link(_, inlines) if !with_addresses => write_words(words, inlines, with_addresses),
            Inline::Link(url, inlines) => {
                let text = words_of(inlines);
                let bare = url.strip_prefix("mailto:").unwrap_or(url);
                if text.is_empty() || text == bare || text == *url {
                    words.push_str(bare);
                } else {
                    words.push_str(&format!("{text} <{url}>"));
                }
            }
            Inline::Break => words.push('\n'),
            Inline::Note(number) if with_addresses => words.push_str(&format!("[{number}]")),
            Inline::Note(_) => {}
            Inline::Name(marker) if with_addresses => words.push_str(marker),
            Inline::Name(marker) => words.push_str(slot::stand_in(marker)),
        }
    }
}
