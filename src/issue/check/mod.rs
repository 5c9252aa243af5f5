//! What a copy editor would mark in an issue before it leaves.
//!
//! [`check`] runs every [rule](RULES) over a [`Manuscript`] and gives its [findings](Finding).
//! A rule sees the file and its [`Surroundings`]: the issues beside it, and the email that it makes.

mod allow;
mod edition;
mod email;
mod fix;
mod html;
mod identity;
mod images;
mod items;
mod links;
mod numbers;
mod references;
mod repeats;
mod size;
mod text;
mod words;

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Serialize;
use time::Date;

use super::manuscript::{Block, RunKind};
use super::{Archive, Manuscript};
use crate::newsletter::Newsletter;

pub use email::Remark;
pub use fix::{Unfixable, fix};
pub use size::{CLIPPED, Email};

use edition::Edition;
use links::Target;

/// Something that a rule looks for.
#[derive(Debug)]
pub struct Rule {
    /// Its name, `link-repeated`.
    pub id: &'static str,
    /// How much it matters, where nothing else is configured.
    pub severity: Severity,
    /// What is wrong, in a few words.
    pub summary: &'static str,
    /// Why it matters to readers.
    pub why: &'static str,
    /// An issue that it marks; files are parted by [`PAGE_BREAK`].
    pub bad: &'static str,
    /// An issue that it leaves alone; both are empty where no Markdown shows it.
    pub good: &'static str,
    check: fn(&Context<'_>) -> Vec<Mark>,
}

/// The line between the files of an example.
pub const PAGE_BREAK: &str = "\n~~~\n";

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Fine to leave as it is.
    Note,
    /// An editor wants to know.
    Warning,
    /// Must not leave like this.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The bytes of the [file's text](Manuscript::file) that it is about.
    pub span: Range<usize>,
    /// The line of the file, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// What mends it for certain; empty where a person must decide.
    pub edits: Vec<Edit>,
}

/// A change to the file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub span: Range<usize>,
    /// What comes.
    pub text: String,
}

/// What is known beyond the file.
#[derive(Debug, Default)]
pub struct Surroundings<'a> {
    /// The issues that were sent, and the other files given; this one may be among them.
    pub archive: Option<&'a Archive>,
    /// The email that the issue makes.
    pub email: Option<Email<'a>>,
    /// What was seen in that email; none where nobody looked.
    pub remarks: Option<&'a [Remark]>,
    /// The newsletter that is configured for the issue.
    pub newsletter: Option<&'a Newsletter>,
    /// The day on which it is checked.
    pub today: Option<Date>,
}

/// What the editor wants to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The severity of a rule, by its id; none switches it off.
    pub rules: BTreeMap<String, Option<Severity>>,
    /// Addresses that may come again and again.
    pub allow_links: Vec<String>,
}

/// Every rule, in the order in which an editor reads.
pub const RULES: &[&[Rule]] = &[
    identity::RULES,
    numbers::RULES,
    items::RULES,
    links::RULES,
    references::RULES,
    repeats::RULES,
    images::RULES,
    html::RULES,
    text::RULES,
    words::RULES,
    size::RULES,
    email::RULES,
    allow::RULES,
];

/// All rules, one after the other.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten()
}

/// Checks one issue; findings come in the order of the file.
pub fn check(manuscript: &Manuscript, around: &Surroundings<'_>, settings: &Settings) -> Vec<Finding> {
    let context = Context { manuscript, around, settings, edition: OnceCell::new(), targets: OnceCell::new() };
    let mut findings = Vec::new();
    for rule in rules() {
        let Some(severity) = settings.rules.get(rule.id).copied().unwrap_or(Some(rule.severity)) else { continue };
        findings.extend((rule.check)(&context).into_iter().map(|mark| Finding {
            rule: rule.id,
            severity,
            span: mark.span,
            line: 0,
            column: 0,
            message: mark.message,
            hint: mark.hint,
            edits: mark.edits,
        }));
    }
    findings.extend(email::findings(&context));
    findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
    locate(manuscript.file(), &mut findings);
    allow::apply(&context, &mut findings);
    text::gather_mojibake(&mut findings);
    findings
}

/// Parts findings by rule, the order in which a person mends them: errors first, notes last; rules of one severity as
/// they are first met. `of` tells severity and rule of a finding.
pub fn by_rule<'f, F>(
    findings: impl IntoIterator<Item = F>,
    of: impl Fn(&F) -> (Severity, &'f str),
) -> Vec<(Severity, &'f str, Vec<F>)> {
    let mut groups: Vec<(Severity, &str, Vec<F>)> = Vec::new();
    let mut places: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
    for finding in findings {
        let (severity, rule) = of(&finding);
        let place = *places.entry((severity, rule)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((.., group)) => group.push(finding),
            None => groups.push((severity, rule, vec![finding])),
        }
    }
    groups.sort_by_key(|(severity, ..)| Reverse(*severity));
    groups
}

/// Fills in lines and columns in one pass; the findings are in order.
fn locate(file: &str, findings: &mut [Finding]) {
    let (mut line, mut column, mut at) = (1, 1, 0);
    for finding in findings {
        let mut before = file.get(at..finding.span.start).unwrap_or_default().chars().peekable();
        at = finding.span.start.max(at);
        while let Some(c) = before.next() {
            match c {
                '\r' if before.peek() == Some(&'\n') => {}
                '\n' | '\r' => (line, column) = (line + 1, 1),
                _ => column += 1,
            }
        }
        (finding.line, finding.column) = (line, column);
    }
}

/// What a rule looks at.
struct Context<'a> {
    manuscript: &'a Manuscript,
    around: &'a Surroundings<'a>,
    settings: &'a Settings,
    edition: OnceCell<Edition<'a>>,
    targets: OnceCell<Vec<Target<'a>>>,
}

impl Context<'_> {
    /// Marks a place of the text that is read.
    fn mark(&self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Mark {
        let span = self.manuscript.in_file(span.clone());
        Mark { span, message: message.into(), hint: hint.into(), edits: Vec::new() }
    }

    /// An edit of the text that is read; none where the file itself says something else there.
    fn edit(&self, span: &Range<usize>, text: impl Into<String>) -> Option<Edit> {
        let place = self.manuscript.in_file(span.clone());
        let same = self.manuscript.file().get(place.clone()) == Some(self.manuscript.slice(span));
        same.then(|| Edit { span: place, text: text.into() })
    }
}

impl Block {
    /// Its words, as far as nothing else stands between them: the parser parts words at signs.
    fn phrases(&self) -> Vec<Range<usize>> {
        let mut phrases: Vec<Range<usize>> = Vec::new();
        for run in self.runs.iter().filter(|run| run.kind == RunKind::Words) {
            match phrases.last_mut() {
                Some(words) if words.end == run.span.start => words.end = run.span.end,
                _ => phrases.push(run.span.clone()),
            }
        }
        phrases
    }
}

/// What a rule found, before it has a severity.
struct Mark {
    span: Range<usize>,
    message: String,
    hint: String,
    edits: Vec<Edit>,
}

impl Mark {
    fn fixed_by(mut self, edits: impl IntoIterator<Item = Edit>) -> Self {
        self.edits.extend(edits);
        self
    }
}
