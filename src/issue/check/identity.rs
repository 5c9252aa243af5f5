//! Number, title, subject and preheader: what an inbox and an archive know an issue by.

use unicode_segmentation::UnicodeSegmentation;

use super::super::manuscript::{Link, Part};
use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "number-missing",
        severity: Severity::Error,
        summary: "an issue without a number",
        why: "The number is what the ledger, the archive and readers know an issue by.",
        bad: "# Harbour Weekly: Slow Software\n\nAhoy.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n",
        check: number_missing,
    },
    Rule {
        id: "number-used",
        severity: Severity::Error,
        summary: "a number that an earlier issue has",
        why: "Two issues under one number overwrite each other in archives, and the second is refused at the send.",
        bad: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n~~~\n# Harbour Weekly #12: Fast Boats\n\nAhoy.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n~~~\n# Harbour Weekly #13: Fast Boats\n\nAhoy.\n",
        check: number_used,
    },
    Rule {
        id: "number-gap",
        severity: Severity::Warning,
        summary: "a number that leaves out the one before",
        why: "Readers look for the issue that they think they missed.",
        bad: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n~~~\n# Harbour Weekly #14: Fast Boats\n\nAhoy.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n~~~\n# Harbour Weekly #13: Fast Boats\n\nAhoy.\n",
        check: number_gap,
    },
    // the name is configured, so no Markdown shows it
    Rule {
        id: "newsletter-other",
        severity: Severity::Warning,
        summary: "a title that names another newsletter than the one that is configured",
        why: "Readers see a name in the subject that they never subscribed to; or the issue goes to the wrong readers.",
        bad: "",
        good: "",
        check: newsletter_other,
    },
    Rule {
        id: "title-missing",
        severity: Severity::Warning,
        summary: "an issue without a title of its own",
        why: "An inbox shows the subject alone; with nothing but name and number all issues look the same.",
        bad: "# Harbour Weekly #12\n\nAhoy.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n",
        check: title_missing,
    },
    Rule {
        id: "title-cut",
        severity: Severity::Warning,
        summary: "a title that ends in an ellipsis",
        why: "Titles copied from a feed are often cut off there; readers take the dots for ours.",
        bad: "# Harbour Weekly #12: Slow Software and the...\n\nAhoy.\n",
        good: "# Harbour Weekly #12: Slow Software\n\nAhoy.\n",
        check: title_cut,
    },
    Rule {
        id: "subject-long",
        severity: Severity::Warning,
        summary: "a subject of more than 78 characters",
        why: "Inboxes cut it, phones at about 40 characters; its end is never read.",
        bad: "# Harbour Weekly #12: Slow Software, Fast Boats, and Everything That We Found Between the Two Piers\n\nAhoy.\n",
        good: "# Harbour Weekly #12: Slow Software, Fast Boats\n\nAhoy.\n",
        check: subject_long,
    },
    Rule {
        id: "subject-short",
        severity: Severity::Warning,
        summary: "a subject of fewer than 10 characters",
        why: "It says nothing about the issue, and filters take it for spam.",
        bad: "# #1: Hi\n\nAhoy.\n",
        good: "# #1: Slow software\n\nAhoy.\n",
        check: subject_short,
    },
    Rule {
        id: "preheader-long",
        severity: Severity::Warning,
        summary: "a preheader of more than 150 characters",
        why: "Inboxes show 40 to 130 characters behind the subject, and drop the rest.",
        bad: "---\nnumber: 12\ntitle: Slow Software\npreheader: This week we walked along both piers of the old harbour, asked everybody who would talk to us what slow software is, and wrote down what they said about it.\n---\n\nAhoy.\n",
        good: "---\nnumber: 12\ntitle: Slow Software\npreheader: What the pilots say about slow software.\n---\n\nAhoy.\n",
        check: preheader_long,
    },
    Rule {
        id: "slot-in-title",
        severity: Severity::Error,
        summary: "a place for the reader's name in a title, subject, preheader, heading, address or alternative text",
        why: "The name is put into running text only; there, every reader would see the braces.",
        bad: "# Harbour Weekly #12: Slow Software for {{name}}\n\nAhoy.\n",
        good: "# Harbour Weekly #12: Slow Software for You\n\nAhoy, {{name|sailor}}.\n",
        check: slot_in_title,
    },
];

const LONGEST_SUBJECT: usize = 78;
const SHORTEST_SUBJECT: usize = 10;
const LONGEST_PREHEADER: usize = 150;

fn number_missing(context: &Context<'_>) -> Vec<Mark> {
    if context.manuscript.issue.number.is_some() {
        return Vec::new();
    }
    let hint = "write it into the title line, `# Name #12: Title`, or as `number: 12` into the front matter";
    vec![context.mark(&context.manuscript.title_span(), "this issue has no number", hint)]
}

fn number_used(context: &Context<'_>) -> Vec<Mark> {
    let Some(earlier) = context.edition().same_number() else { return Vec::new() };
    let number = earlier.number.unwrap_or_default();
    let when = earlier.date.map(|date| format!(", {date}")).unwrap_or_default();
    let message = format!("number {number} was used before: {}{when}", earlier.name);
    let hint = match context.edition().numbers.keys().max().and_then(|last| last.checked_add(1)) {
        Some(next) => format!("the next free number is {next}"),
        None => "give it the next free number".to_owned(),
    };
    vec![context.mark(&context.manuscript.title_span(), message, hint)]
}

fn number_gap(context: &Context<'_>) -> Vec<Mark> {
    let Some((first, last)) = context.edition().missing_before() else { return Vec::new() };
    let missing = match last - first {
        0 => format!("there is no number {first}"),
        _ => format!("there are no numbers {first} to {last}"),
    };
    let hint = format!("if none was left out, this is number {first}");
    vec![context.mark(&context.manuscript.title_span(), format!("{missing} before this one"), hint)]
}

fn newsletter_other(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let newsletter = context.around.newsletter;
    let other = newsletter.and_then(|newsletter| Some((newsletter, manuscript.issue.other_newsletter(newsletter)?)));
    let mark = other.map(|(newsletter, other)| {
        let message = format!("the title names \"{other}\", the newsletter is \"{}\"", newsletter.name);
        let hint = "write the newsletter's name as in masthead.toml, or say which one it is with --newsletter";
        context.mark(&manuscript.title_span(), message, hint)
    });
    mark.into_iter().collect()
}

fn title_missing(context: &Context<'_>) -> Vec<Mark> {
    let issue = &context.manuscript.issue;
    // some weeklies never have one
    if issue.title.is_some() || issue.subject.is_some() || !context.edition().has_titles() {
        return Vec::new();
    }
    let hint = "say in a few words what is in it: `# Name #12: Title`";
    vec![context.mark(&context.manuscript.title_span(), "this issue has no title", hint)]
}

fn title_cut(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let hint = "write the whole title, or a shorter one";
    let own = manuscript.issue.title.as_deref().filter(|title| is_cut(title, SHORTEST_SUBJECT, SHORTEST_SUBJECT));
    let mut marks: Vec<Mark> =
        own.map(|_| context.mark(&manuscript.title_span(), "this title looks cut off", hint)).into_iter().collect();
    // an item may have its page's own title, dots and all
    let cut = context.items().filter(|item| is_cut(&item.item.title, 20, 40));
    marks.extend(cut.map(|item| context.mark(&item.title_span(), "this title looks cut off", hint)));
    marks
}

/// Dots behind a word, where a feed cuts; a title shorter than `dots`, or with an ellipsis than `ellipsis`, ends in
/// them on purpose.
fn is_cut(title: &str, dots: usize, ellipsis: usize) -> bool {
    let without_dots = title.trim_end_matches('.');
    let (word, shortest) = match title.len() - without_dots.len() {
        3.. => (without_dots, dots),
        _ => (title.strip_suffix('…').unwrap_or_default(), ellipsis),
    };
    let behind_word = word.trim_end().chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == ',');
    behind_word && said(title) >= shortest
}

/// How much a text says, in letters: a Chinese character says about as much as two.
fn said(text: &str) -> usize {
    text.graphemes(true).count() + text.chars().filter(|c| super::words::is_han(*c)).count()
}

fn subject_long(context: &Context<'_>) -> Vec<Mark> {
    let length = subject(context).graphemes(true).count();
    if length <= LONGEST_SUBJECT {
        return Vec::new();
    }
    let message = format!("the subject has {length} characters, more than {LONGEST_SUBJECT}");
    let hint = "shorten the title, or give the front matter a `subject` of its own";
    vec![context.mark(&context.manuscript.title_span(), message, hint)]
}

fn subject(context: &Context<'_>) -> String {
    context.manuscript.issue.subject_line(context.around.newsletter).trim().to_owned()
}

fn subject_short(context: &Context<'_>) -> Vec<Mark> {
    let subject = subject(context);
    // a missing title has a rule of its own
    if said(&subject) >= SHORTEST_SUBJECT || context.manuscript.issue.title.is_none() {
        return Vec::new();
    }
    let length = subject.graphemes(true).count();
    let message = format!("the subject has {length} characters, fewer than {SHORTEST_SUBJECT}");
    vec![context.mark(&context.manuscript.title_span(), message, "say what is in the issue")]
}

fn preheader_long(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let Some(preheader) = &manuscript.issue.preheader else { return Vec::new() };
    let length = preheader.graphemes(true).count();
    if length <= LONGEST_PREHEADER {
        return Vec::new();
    }
    let message = format!("the preheader has {length} characters, more than {LONGEST_PREHEADER}");
    let hint = "say the best of it in the first 90 characters, and leave out the rest";
    let line = front_line(context, &PREHEADER).unwrap_or(1);
    vec![context.mark(&manuscript.line_span(line), message, hint)]
}

/// The keys of the front matter that a preheader is read from.
const PREHEADER: [&str; 3] = ["preheader", "description", "summary"];

/// The line of the front matter that has one of these keys, from 1.
fn front_line(context: &Context<'_>, keys: &[&str]) -> Option<usize> {
    let manuscript = context.manuscript;
    let front = manuscript.text.get(..manuscript.below).unwrap_or_default();
    let at = front.lines().position(|line| {
        let key = line.split([':', '=']).next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        keys.iter().any(|name| key.eq_ignore_ascii_case(name))
    });
    at.map(|at| at + 1)
}

fn slot_in_title(context: &Context<'_>) -> Vec<Mark> {
    let (manuscript, issue) = (context.manuscript, &context.manuscript.issue);
    let titles: [(&str, &Option<String>, &[&str]); 3] = [
        ("the title", &issue.title, &["title"]),
        ("the subject", &issue.subject, &["subject"]),
        ("the preheader", &issue.preheader, &PREHEADER),
    ];
    let title_line = || manuscript.line(manuscript.title_span().start);
    let titles = titles.into_iter().filter(|(_, text, _)| text.as_deref().is_some_and(has_name_slot));
    let titles = titles.map(|(what, _, keys)| (what, front_line(context, keys).unwrap_or_else(title_line)));
    let headings = issue.sections.iter().filter(|section| has_name_slot(&section.title));
    let headings = headings.map(|section| ("a heading", section.line));
    let items = issue.sections.iter().flat_map(|section| &section.items);
    let items = items.filter(|item| has_name_slot(&item.title)).map(|item| ("an item's title", item.line));
    let hint = "say it without the name; `{{name|reader}}` works in text";
    let mark = |(what, line)| {
        let message = format!("`{{{{name}}}}` stays as it is in {what}");
        context.mark(&manuscript.line_span(line), message, hint)
    };
    let lines = titles.chain(headings).chain(items).map(mark);
    lines.chain(slots_in_addresses(context, hint)).collect()
}

/// Marks places for the name in addresses, in the texts that stand for pictures, and in titles of past issues.
fn slots_in_addresses<'a>(context: &'a Context<'_>, hint: &'a str) -> impl Iterator<Item = Mark> + 'a {
    let manuscript = context.manuscript;
    let is_past =
        |link: &Link| has_name_slot(&link.text) && manuscript.issue.past_issues.iter().any(|past| past.url == link.url);
    let links = manuscript.links.iter().filter_map(move |link| match link.part {
        _ if has_name_slot(&decoded(&link.url)) => Some((&link.span, "an address")),
        Part::Around if is_past(link) => Some((&link.span, "the title of a past issue")),
        _ => None,
    });
    let images = manuscript.images.iter().filter_map(|image| match image {
        _ if has_name_slot(&image.alt) => Some((&image.span, "the text that stands for a picture")),
        _ if has_name_slot(&decoded(&image.url)) => Some((&image.span, "an address")),
        _ => None,
    });
    links
        .chain(images)
        .map(move |(span, what)| context.mark(span, format!("`{{{{name}}}}` stays as it is in {what}"), hint))
}

/// An address as it was typed: some editors encode braces.
fn decoded(url: &str) -> String {
    url.replace("%7B", "{").replace("%7D", "}").replace("%7b", "{").replace("%7d", "}").replace("%7C", "|")
}

/// Whether a text has a place for the reader's name: `{{name}}` or `{{name|reader}}`.
fn has_name_slot(text: &str) -> bool {
    let inner = text.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0));
    inner.map(|inner| inner.split('|').next().unwrap_or_default()).any(|name| name.trim() == "name")
}
