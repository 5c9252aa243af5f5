//! Characters: what came in by accident, and shows nothing or nonsense.

use std::cell::OnceCell;
use std::ops::Range;

use comrak::Arena;
use comrak::nodes::{Node, NodeValue};

use super::super::manuscript::RunKind;
use super::super::markdown::Document;
use super::{Context, Edit, Finding, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "mojibake",
        severity: Severity::Warning,
        summary: "text that went through the wrong encoding",
        why: "Masthead mends it in the email; every other reader of the file sees `â€™`.",
        bad: "# Harbour Weekly #12: Slow Software\n\nThe pilotâ€™s boat is the old cafÃ©.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nThe pilot’s boat is the old café.\n",
        check: mojibake,
    },
    Rule {
        id: "replacement-character",
        severity: Severity::Warning,
        summary: "a character that some program could not read, and replaced by �",
        why: "What stood there is lost; only the source still knows it.",
        bad: "# Harbour Weekly #12: Slow Software\n\nThe old caf\u{fffd} on the pier.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nThe old café on the pier.\n",
        check: replacement,
    },
    Rule {
        id: "hidden-character",
        severity: Severity::Warning,
        summary: "a character that nobody sees: zero width, direction, control",
        why: "It breaks addresses and searches, and can make text read otherwise than it is.",
        bad: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/\u{200b}).\n",
        good: "# Harbour Weekly #12: Slow Software\n\nRead about [tides](https://tides.example/). 👩‍🚀\n",
        check: hidden,
    },
    Rule {
        id: "stray-escape",
        severity: Severity::Warning,
        summary: "a backslash or an entity that a program left behind",
        why: "In a subject line, a feed or another Markdown it is seen as it is.",
        bad: "# Harbour Weekly #12: The Pilot\\'s Boat\n\nAhoy.\n",
        good: "# Harbour Weekly #12: The Pilot's Boat\n\nAhoy.\n",
        check: escape,
    },
];

/// One mark for each line, with all of its damage; [`gather_mojibake`] makes one finding of them.
///
/// What stands in code may show damage on purpose, and is left as it is.
fn mojibake(context: &Context<'_>) -> Vec<Mark> {
    let file = context.manuscript.file();
    let code = OnceCell::new();
    let mut marks: Vec<Mark> = Vec::new();
    let mut end = 0;
    for (span, read) in context.manuscript.mended() {
        let code = code.get_or_init(|| code_in_file(context));
        let next = code.partition_point(|code| code.end <= span.start);
        if code.get(next).is_some_and(|code| code.contains(&span.start)) {
            continue;
        }
        let edit = Edit { span: span.clone(), text: read.to_owned() };
        let same_line = !file.get(end..span.start).unwrap_or_default().contains(['\n', '\r']);
        end = span.end;
        match marks.last_mut() {
            Some(mark) if same_line => mark.edits.push(edit),
            _ => marks.push(Mark {
                message: was(file, &span, read),
                hint: "`--fix` puts the characters back; save as UTF-8".to_owned(),
                span,
                edits: vec![edit],
            }),
        }
    }
    marks
}

/// `Â£` was `£`: where nothing is left of the damage, the character behind it says what was meant.
fn was(file: &str, span: &Range<usize>, read: &str) -> String {
    let damaged = file.get(span.clone()).unwrap_or_default();
    let behind = file.get(span.end..).and_then(|rest| rest.chars().next()).filter(|_| read.is_empty());
    let behind = behind.map(String::from).unwrap_or_default();
    format!("`{damaged}{behind}` was `{read}{behind}` once")
}

/// Where the file has fenced code and code among words, in order.
fn code_in_file(context: &Context<'_>) -> Vec<Range<usize>> {
    let manuscript = context.manuscript;
    let arena = Arena::new();
    let body = manuscript.text.get(manuscript.below..).unwrap_or_default();
    let document = Document::parse(&arena, body, 0);
    let is_code = |node: &Node<'_>| match &node.data().value {
        NodeValue::Code(_) => true,
        NodeValue::CodeBlock(block) => block.fenced,
        _ => false,
    };
    let code = document.root.descendants().filter(is_code).map(|node| document.span(node));
    code.map(|span| manuscript.in_file(manuscript.below + span.start..manuscript.below + span.end)).collect()
}

/// Lines that are named beside the first.
const NAMED_LINES: usize = 5;

/// Makes one finding of all mojibake: where one line has it, most have.
pub(super) fn gather_mojibake(findings: &mut Vec<Finding>) {
    let is_mojibake = |finding: &mut Finding| finding.rule == "mojibake";
    let Some(first) = findings.iter().position(|finding| finding.rule == "mojibake") else { return };
    let others: Vec<Finding> = findings.extract_if(first + 1.., is_mojibake).collect();
    let Some(first) = findings.get_mut(first).filter(|_| !others.is_empty()) else { return };
    let lines: Vec<String> = others.iter().take(NAMED_LINES).map(|finding| finding.line.to_string()).collect();
    let more = if others.len() > NAMED_LINES { " …" } else { "" };
    let count = first.edits.len() + others.iter().map(|finding| finding.edits.len()).sum::<usize>();
    let also = if lines.len() == 1 { "line" } else { "lines" };
    first.message += &format!("; {count} places in all, also on {also} {}{more}", lines.join(", "));
    first.edits.extend(others.into_iter().flat_map(|finding| finding.edits));
}

fn replacement(context: &Context<'_>) -> Vec<Mark> {
    let lost = context.manuscript.text.match_indices('\u{fffd}');
    lost.map(|(at, c)| {
        context.mark(&(at..at + c.len()), "a character is lost here", "look into the source for what it was")
    })
    .collect()
}

fn hidden(context: &Context<'_>) -> Vec<Mark> {
    let text = &context.manuscript.text;
    let mut marks = Vec::new();
    let mut before = ' ';
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let after = characters.peek().map_or(' ', |(_, c)| *c);
        let previous = std::mem::replace(&mut before, c);
        let Some((what, certain)) = trace(previous, c, after) else { continue };
        let span = at..at + c.len_utf8();
        let mark = context.mark(&span, format!("there is {what} (U+{:04X}) here", u32::from(c)), "take it out");
        marks.push(mark.fixed_by(certain.then(|| context.edit(&span, "")).flatten()));
    }
    marks.extend(referenced(context));
    marks
}

/// Direction marks among words that are written as `&#x202e;`: an email goes without them.
fn referenced<'a>(context: &Context<'a>) -> impl Iterator<Item = Mark> {
    let words = context.manuscript.blocks.iter().flat_map(|block| &block.runs);
    let words = words.filter(|run| matches!(run.kind, RunKind::Words | RunKind::Linked));
    words.flat_map(|run| {
        let text = context.manuscript.slice(&run.span);
        text.match_indices("&#").filter_map(|(at, _)| {
            let (digits, _) = text[at + 2..].split_once(';').filter(|(digits, _)| digits.len() <= 8)?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            let c = char::from_u32(code.ok()?)?;
            let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let (what, _) = trace(' ', c, ' ').filter(|_| turns)?;
            let span = run.span.start + at..run.span.start + at + digits.len() + 3;
            Some(context.mark(&span, format!("there is {what} (U+{:04X}) here", u32::from(c)), "take it out"))
        })
    })
}

/// What an unseen character is, and whether it is certain that nothing needs it.
fn trace(before: char, c: char, after: char) -> Option<(&'static str, bool)> {
    match c {
        // writing without spaces breaks its lines there
        '\u{200b}' if is_unspaced(before) || is_unspaced(after) => None,
        '\u{200b}' => Some(("a zero-width space", true)),
        '\u{200c}' | '\u{200d}' if is_joined(before) || is_joined(after) => None,
        '\u{200c}' => Some(("a zero-width non-joiner", true)),
        '\u{200d}' => Some(("a zero-width joiner", true)),
        '\u{2060}' | '\u{feff}' => Some(("a zero-width no-break space", true)),
        '\u{200e}' | '\u{200f}' | '\u{61c}' if is_right_to_left(before) || is_right_to_left(after) => None,
        '\u{200e}' | '\u{200f}' | '\u{61c}' => Some(("a direction mark", false)),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(("a change of direction", false)),
        '\u{2028}' | '\u{2029}' => Some(("a line separator", false)),
        '\n' | '\r' | '\t' => None,
        '\u{e000}'..='\u{f8ff}' => Some(("a private character, which most readers see as a box", false)),
        _ if c.is_control() => Some(("a control character", true)),
        _ => None,
    }
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{f00}'..='\u{fff}')
}

/// Emoji, Arabic and Indic letters join or part by unseen characters; Latin and Chinese ones do not.
fn is_joined(c: char) -> bool {
    let latin = matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{2010}'..='\u{2027}');
    let chinese = matches!(c, '\u{3000}'..='\u{30ff}' | '\u{ac00}'..='\u{d7af}' | '\u{ff00}'..='\u{ffef}');
    !latin && !chinese && !super::words::is_han(c)
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

fn escape(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let mut marks = Vec::new();
    // in quotes, front matter has escapes of its own
    let title = manuscript.title_span();
    if title.start < manuscript.below && !manuscript.slice(&title).contains('"') {
        marks.extend(escapes(context, &title));
    }
    for block in &manuscript.blocks {
        let words = block.runs.iter().filter(|run| matches!(run.kind, RunKind::Words | RunKind::Linked));
        marks.extend(words.flat_map(|run| escapes(context, &run.span)));
    }
    marks
}

fn escapes(context: &Context<'_>, span: &Range<usize>) -> Vec<Mark> {
    const STRAY: [(&str, &str); 8] = [
        ("\\'", "'"),
        ("\\\"", "\""),
        ("&amp;amp;", "&amp;"),
        ("&amp;lt;", "&lt;"),
        ("&amp;gt;", "&gt;"),
        ("&amp;quot;", "\""),
        ("&amp;#39;", "'"),
        ("&amp;nbsp;", " "),
    ];
    let text = context.manuscript.slice(span);
    let mut marks = literal_escapes(context, span);
    for (stray, meant) in STRAY {
        for (at, _) in text.match_indices(stray) {
            let escaped = text[..at].ends_with('\\');
            let place = span.start + at..span.start + at + stray.len();
            if !escaped {
                let mark = context.mark(&place, format!("`{stray}` is a stray escape"), format!("write `{meant}`"));
                marks.push(mark.fixed_by(context.edit(&place, meant)));
            }
        }
    }
    marks
}

/// `\u2019` and `\n` as a program writes them: they are not mended, for the words may be about them.
fn literal_escapes(context: &Context<'_>, span: &Range<usize>) -> Vec<Mark> {
    let text = context.manuscript.slice(span);
    let mut marks = Vec::new();
    let mut end = 0;
    for (at, _) in text.match_indices('\\').filter(|(at, _)| !text[..*at].ends_with('\\')) {
        let rest = &text[at..];
        // half of a character is no character
        if at < end {
            continue;
        }
        if let Some((length, meant)) = unicode_escape(rest) {
            end = at + length;
            let place = span.start + at..span.start + end;
            let message = format!("`{}` is a stray escape", &rest[..length]);
            marks.push(context.mark(&place, message, format!("write `{meant}`")));
        } else if is_line_end(&text[..at], rest) {
            let place = span.start + at..span.start + at + LINE_END.len();
            marks.push(context.mark(&place, "`\\n` is a stray escape", "begin a line there"));
        }
    }
    marks
}

const LINE_END: &str = "\\n";

/// Reads `\u2019`, or `\ud83e\udd84`, at the start of a text: its length, and the character.
fn unicode_escape(text: &str) -> Option<(usize, char)> {
    const LENGTH: usize = 6;
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| hex)
    };
    let first = unit(text)?;
    let second = text.get(LENGTH..).and_then(unit);
    match char::decode_utf16([first, second.unwrap_or_default()]).next()?.ok()? {
        c if c.is_control() => None,
        c => Some((LENGTH * c.len_utf16(), c)),
    }
}

/// Whether a text has `\n` between a word or its punctuation and what begins a line; `C:\new` is a path.
fn is_line_end(before: &str, text: &str) -> bool {
    let Some(after) = text.strip_prefix(LINE_END) else { return false };
    /// Characters before it in which a path would show itself.
    const PATH: usize = 40;
    let near = before.char_indices().rev().nth(PATH).map_or(0, |(at, _)| at);
    let word = before[near..].rsplit(char::is_whitespace).next().unwrap_or_default();
    let path = word.contains([':', '\\', '/']) && !word.contains(LINE_END);
    let ended = before.ends_with(|c: char| c.is_alphanumeric() || ".,!?;:)。，！？；：）".contains(c))
        || before.ends_with(LINE_END);
    let begun = after.starts_with(|c: char| c.is_uppercase() || super::words::is_han(c) || "\\-*#".contains(c));
    ended && (begun || after.is_empty()) && !path
}
