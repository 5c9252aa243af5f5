//! What keeps an email from being read aloud, from being seen, or from being found one's way in.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::cascade::{self, Run};
use super::markup::{self, Kind, Tag};
use super::{Finding, Severity};

/// Words smaller than this are hard to read on a phone, CSS pixels.
const SMALL: f64 = 14.0;

/// Words smaller than this are hard to read anywhere; iOS enlarges them on its own.
const TINY: f64 = 12.0;

/// A mark such as a footnote's number may be small.
const MARK: usize = 3;

/// Checks an email's HTML for everybody who does not read it as its author does.
pub(super) fn check(html: &str) -> Vec<Finding> {
    let mut page = Page::read(html);
    let mut findings = std::mem::take(&mut page.findings);
    findings.extend(page.languages());
    findings.extend(page.headings());
    findings.extend(page.links());
    let runs: Vec<Run> = cascade::runs(html).into_iter().filter(|run| !run.look.hidden).collect();
    findings.extend(sizes(&runs));
    findings.extend(underlines(&runs));
    findings
}

/// What a walk through the HTML gathers.
#[derive(Default)]
struct Page {
    findings: Vec<Finding>,
    /// `<html>` says its language and direction.
    html: (bool, bool),
    /// So does something in the body.
    wrapper: (bool, bool),
    title: String,
    headings: Vec<Named>,
    links: Vec<Named>,
    tables: Vec<Table>,
    /// How deep we are in elements that are not read aloud.
    silent: usize,
}

/// A heading or a link.
#[derive(Default)]
struct Named {
    at: usize,
    /// What is read aloud of it.
    text: String,
    /// A heading's level.
    level: u8,
    /// Where a link leads.
    target: String,
    /// A heading's emoji that are read aloud.
    emoji: bool,
    open: bool,
}

/// A table that is open.
struct Table {
    at: usize,
    layout: bool,
    header: bool,
}

impl Page {
    fn read(html: &str) -> Self {
        let mut page = Self::default();
        let mut in_body = false;
        let mut in_title = false;
        let mut silent: Vec<(String, bool)> = Vec::new();
        for piece in markup::read(html) {
            let at = piece.span.start;
            match piece.kind {
                Kind::Open(tag) => {
                    in_body |= tag.is("body");
                    in_title = tag.is("title");
                    let hidden = tag.value("aria-hidden") == Some("true");
                    if !tag.is_void() {
                        silent.push((tag.name.to_ascii_lowercase(), hidden));
                        page.silent += usize::from(hidden);
                    }
                    page.open(&tag, at, in_body);
                }
                Kind::Close(name) => {
                    in_title = false;
                    if silent.last().is_some_and(|(open, _)| open.eq_ignore_ascii_case(name)) {
                        page.silent -= usize::from(silent.pop().is_some_and(|(_, hidden)| hidden));
                    }
                    page.close(name);
                }
                Kind::Text(text) if in_title => page.title.push_str(text),
                Kind::Text(text) => page.say(&markup::decode(text)),
                Kind::Comment(_) | Kind::Raw(_) | Kind::Declaration(_) => {}
            }
        }
        page
    }

    fn mark(&mut self, rule: &'static str, severity: Severity, at: usize, message: &str, hint: &str) {
        self.findings.push(Finding::new(rule, severity, at, message, hint));
    }

    fn open(&mut self, tag: &Tag<'_>, at: usize, in_body: bool) {
        let says = |name: &str| tag.value(name).is_some_and(|value| !value.trim().is_empty());
        match tag.is("html") {
            true => self.html = (says("lang"), says("dir")),
            false if in_body => self.wrapper = (self.wrapper.0 || says("lang"), self.wrapper.1 || says("dir")),
            false => {}
        }
        match tag.name.to_ascii_lowercase().as_str() {
            "img" => self.image(tag, at),
            "a" if tag.attribute("href").is_some() => {
                let target = tag.value("href").unwrap_or_default().to_owned();
                self.links.push(Named { at, target, open: true, ..Named::default() });
            }
            "table" => {
                let layout = matches!(tag.value("role"), Some("presentation" | "none"));
                self.tables.push(Table { at, layout, header: false });
            }
            "th" => self.header_cell(tag, at),
            name => {
                if let [b'h', digit @ b'1'..=b'6'] = name.as_bytes() {
                    self.headings.push(Named { at, level: digit - b'0', open: true, ..Named::default() });
                }
            }
        }
    }

    fn close(&mut self, name: &str) {
        match name.to_ascii_lowercase().as_str() {
            "a" => self.links.iter_mut().rev().take(1).for_each(|link| link.open = false),
            "table" => {
                if let Some(table) = self.tables.pop().filter(|table| !table.layout && !table.header) {
                    let message = "this table is neither layout nor has it header cells";
                    let hint = "give it role=\"presentation\", or th cells with a scope";
                    self.mark("email-table", Severity::Warning, table.at, message, hint);
                }
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.headings.iter_mut().rev().take(1).for_each(|heading| heading.open = false);
            }
            _ => {}
        }
    }

    /// Words that are read aloud, unless something keeps them from it.
    fn say(&mut self, text: &str) {
        if self.silent > 0 {
            return;
        }
        for named in [self.links.last_mut(), self.headings.last_mut()].into_iter().flatten().filter(|named| named.open)
        {
            named.text.push_str(text);
            named.emoji |= text.chars().any(is_emoji);
        }
    }

    fn image(&mut self, tag: &Tag<'_>, at: usize) {
        match tag.value("alt") {
            Some(alt) => self.say(alt),
            None => {
                let message = "this image has no alt attribute, so its address is read aloud";
                let hint = "say what is to be seen; leave it empty for ornament";
                self.mark("email-alt", Severity::Warning, at, message, hint);
            }
        }
    }

    fn header_cell(&mut self, tag: &Tag<'_>, at: usize) {
        let layout = self.tables.last_mut().map(|table| {
            table.header = true;
            table.layout
        });
        if layout == Some(true) {
            let hint = "use td in tables that are layout";
            self.mark("email-table", Severity::Warning, at, "there is a header cell in a layout table", hint);
        } else if tag.value("scope").is_none_or(str::is_empty) {
            let hint = "say scope=\"col\" or scope=\"row\"";
            self.mark("email-table", Severity::Warning, at, "this header cell does not say what it heads", hint);
        }
    }

    fn languages(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut mark = |rule, message: &str, hint: &str| {
            findings.push(Finding::new(rule, Severity::Warning, 0, message, hint));
        };
        if self.html != (true, true) {
            mark("email-language", "<html> does not say language and direction", "give it lang and dir");
        }
        if self.wrapper != (true, true) {
            let hint = "give lang and dir to an element around the content: Gmail drops <html>";
            mark("email-language", "nothing in the body says language and direction", hint);
        }
        if self.title.trim().is_empty() {
            mark("email-title", "the email has no title", "write the subject into <title>");
        }
        findings
    }

    fn headings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut mark = |at, message: String, hint: &str| {
            findings.push(Finding::new("email-heading", Severity::Warning, at, message, hint));
        };
        let titles = self.headings.iter().filter(|heading| heading.level == 1).count();
        if titles != 1 {
            mark(0, format!("there are {titles} h1 headings"), "an email has one title");
        }
        let mut above = 0;
        for heading in &self.headings {
            if heading.level > above + 1 {
                let message = format!("\"{}\" is h{}, right below h{above}", heading.text.trim(), heading.level);
                mark(heading.at, message, "skip no level: screen readers list headings as an outline");
            }
            if heading.text.trim().is_empty() {
                mark(heading.at, "this heading has no words".to_owned(), "write some, or make it no heading");
            }
            if heading.emoji {
                let message = format!("the emoji in \"{}\" are read aloud", heading.text.trim());
                mark(heading.at, message, "put them into <span aria-hidden=\"true\">");
            }
            above = heading.level;
        }
        findings
    }

    fn links(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut targets: HashMap<String, (&str, bool)> = HashMap::new();
        for link in &self.links {
            let words: Vec<&str> = link.text.split_whitespace().collect();
            let words = words.join(" ");
            if words.is_empty() {
                let hint = "give the link words, or its image an alt text";
                let message = format!("the link to {} has no words", link.target);
                findings.push(Finding::new("email-link-text", Severity::Warning, link.at, message, hint));
                continue;
            }
            let (target, told) = targets.entry(words.to_lowercase()).or_insert((&link.target, false));
            if *target != link.target && !*told {
                *told = true;
                let message = format!("\"{words}\" leads here to {}, and elsewhere to {target}", link.target);
                let hint = "who hears only the links cannot tell them apart";
                findings.push(Finding::new("email-link-text", Severity::Note, link.at, message, hint));
            }
        }
        findings
    }
}

/// Whether a character is shown as a picture.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{FE0F}')
}

/// Words that are too small, size by size.
fn sizes(runs: &[Run]) -> Vec<Finding> {
    let mut small: BTreeMap<u64, (&Run, usize)> = BTreeMap::new();
    let too_small =
        |run: &&Run| run.look.size < TINY || (run.look.size < SMALL && run.text.trim().chars().count() > MARK);
    for run in runs.iter().filter(too_small) {
        // sizes are positive: their bits sort as they do
        small.entry(run.look.size.to_bits()).or_insert((run, 0)).1 += 1;
    }
    let finding = |(run, count): (&Run, usize)| {
        let size = rounded(run.look.size);
        let (severity, least) = if size < TINY { (Severity::Warning, TINY) } else { (Severity::Note, SMALL) };
        let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        let message = format!("\"{}\"{others}: {size} px is small", run.text.trim());
        Finding::new("email-small", severity, run.at, message, format!("{least} px can be read on a phone"))
    };
    small.into_values().map(finding).collect()
}

/// A size to the thousandth, which is what a figure of it shows at most.
fn rounded(size: f64) -> f64 {
    (size * 1000.0).round() / 1000.0
}

/// Links among other words that only their colour tells apart (WCAG 2.2, 1.4.1).
fn underlines(runs: &[Run]) -> Vec<Finding> {
    let words = |run: &&Run| run.link.is_none() && run.text.chars().any(char::is_alphanumeric);
    let mixed: HashSet<usize> = runs.iter().filter(words).map(|run| run.block).collect();
    let plain: Vec<&Run> =
        runs.iter().filter(|run| run.link.is_some() && !run.look.underlined && mixed.contains(&run.block)).collect();
    let Some(first) = plain.first() else { return Vec::new() };
    let others = if plain.len() > 1 { format!(" and {} more", plain.len() - 1) } else { String::new() };
    let message = format!("the link \"{}\"{others} among other words is not underlined", first.text.trim());
    let hint = "who does not see its colour does not see the link; leave text-decoration alone";
    vec![Finding::new("email-underline", Severity::Warning, first.at, message, hint)]
}
