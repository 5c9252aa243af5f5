//! The numbers of items: lists that count, and what is wrong with them.

use std::ops::Range;

use super::super::number;
use super::items::Placed;
use super::{Context, Edit, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "item-number",
    severity: Severity::Warning,
    summary: "items whose numbers leave one out, or have one twice",
    why: "Readers count, and write to ask where number 3 is.",
    bad: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n3、[Boats](https://boats.example/)\n\nWho builds them.\n",
    good: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、[Boats](https://boats.example/)\n\nWho builds them.\n",
    check: number,
}];

/// A number as it is written.
pub(super) struct Written {
    number: u32,
    span: Range<usize>,
    pub(super) style: Style,
}

/// What stands around a number: lists of different styles lie in one another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Circled,
    /// The character before, if it is a bracket, and the one behind.
    Digits(Option<char>, Option<char>),
}

/// The number with which an item's line begins.
pub(super) fn written(context: &Context<'_>, line: &Range<usize>) -> Option<Written> {
    let start = line.start;
    let line = context.manuscript.slice(line);
    let before = line.find(|c: char| !" #*-+>(（[".contains(c))?;
    let rest = line.get(before..)?;
    let start = start + before;
    let first = rest.chars().next()?;
    if let Some(number) = CIRCLED.chars().position(|c| c == first) {
        let number = u32::try_from(number).ok()? + 1;
        return Some(Written { number, span: start..start + first.len_utf8(), style: Style::Circled });
    }
    let (number, behind) = number::arabic_digits(rest, LONGEST).or_else(|| number::chinese_digits(rest))?;
    let bracket = line.get(..before)?.chars().next_back().filter(|c| "(（[".contains(*c));
    let style = Style::Digits(bracket, behind.chars().next());
    Some(Written { number, span: start..start + rest.len() - behind.len(), style })
}

/// How many digits an item's number has at most.
const LONGEST: usize = 9;

const CIRCLED: &str = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉑㉒㉓㉔㉕㉖㉗㉘㉙㉚㉛㉜㉝㉞㉟㊱㊲㊳㊴㊵㊶㊷㊸㊹㊺㊻㊼㊽㊾㊿";

/// From here on a number is a year.
const FIRST_YEAR: u32 = 1000;
/// A first number from here on counts through many issues.
const COUNTED_ON: u32 = 10;

/// Numbers that are to follow one another, perhaps through several sections.
struct List {
    numbers: Vec<Written>,
    /// Where its section begins.
    first_line: usize,
}

impl List {
    fn first(&self) -> u32 {
        self.numbers.first().map_or(0, |written| written.number)
    }

    fn last(&self) -> u32 {
        self.numbers.last().map_or(0, |written| written.number)
    }

    /// Steps other than to the next number, by the index of the item behind.
    fn breaks(&self) -> Vec<usize> {
        let steps = self.numbers.windows(2).zip(1..);
        let breaks = steps.filter(|(pair, _)| !matches!(pair, [a, b] if a.number.checked_add(1) == Some(b.number)));
        breaks.map(|(_, at)| at).collect()
    }

    /// Whether every number is lower than the one before: the tenth, the ninth, …
    fn counts_down(&self) -> bool {
        self.numbers.len() > 1 && self.numbers.windows(2).all(|pair| matches!(pair, [a, b] if a.number > b.number))
    }

    /// Whether the numbers say something else than the place: versions, ranks, days.
    fn counts_not(&self) -> bool {
        self.numbers.len() > 3 && self.breaks().len() == self.numbers.len() - 1
    }

    /// The one way in which a single slip explains what is wrong, if there is no other: the first number, and the
    /// index from which on the numbers differ from what they should be.
    fn slip(&self, firsts: &[u32]) -> Option<(u32, usize)> {
        let mut slips = firsts.iter().filter_map(|&first| Some((first, self.slip_from(first)?)));
        slips.next().filter(|_| slips.next().is_none())
    }

    /// Where the numbers differ from those that count from `first`, if one slip explains it: one number is another,
    /// or one is left out or there twice, and those below follow it.
    fn slip_from(&self, first: u32) -> Option<usize> {
        let off: Vec<i64> =
            self.numbers.iter().zip(i64::from(first)..).map(|(w, to)| i64::from(w.number) - to).collect();
        let at = off.iter().position(|off| *off != 0)?;
        let (here, below) = (off.get(at)?, off.get(at + 1..)?);
        let one = !below.is_empty() && below.iter().all(|off| *off == 0);
        // 1, 1, 2 may be two lists
        let anew = self.numbers.get(at).is_some_and(|written| written.number == 1);
        let shifted = at > 0 && here.abs() == 1 && !anew && below.iter().all(|off| off == here);
        (one || shifted).then_some(at)
    }
}

fn number(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    // what the next list may begin with, if not with 1
    let mut next: Vec<u32> = Vec::new();
    for list in lists(context) {
        let begins = list.first();
        let fine = begins == 1 || next.contains(&begins) || (next.is_empty() && begins >= COUNTED_ON);
        let firsts = match begins {
            _ if fine => vec![begins],
            0 => vec![0, 1],
            _ => std::iter::once(1).chain(next).collect(),
        };
        next = vec![list.last().saturating_add(1)];
        if list.counts_down() {
            next = vec![list.last().saturating_sub(1)];
            continue;
        }
        if list.counts_not() || is_told_elsewhere(context, &list) {
            continue;
        }
        if let Some((first, at)) = list.slip(&firsts) {
            marks.extend(slipped(context, &list, first, at));
            let count = u32::try_from(list.numbers.len()).unwrap_or(u32::MAX);
            next.push(first.saturating_add(count));
        } else {
            marks.extend(unexplained(context, &list, &firsts));
        }
    }
    marks
}

/// The lists of the issue: one for each section, or several where numbers begin anew; one for sections through which
/// the numbers run on.
fn lists(context: &Context<'_>) -> Vec<List> {
    let mut lists: Vec<List> = Vec::new();
    for (section, items) in context.sections() {
        let first_line = section.line.min(items.first().map_or(section.line, |placed| placed.item.line));
        for numbers in parted(numbers_of(context, &items)) {
            let list = List { numbers, first_line };
            match lists.last_mut() {
                Some(before) if list.first() > 1 && before.last().checked_add(1) == Some(list.first()) => {
                    before.numbers.extend(list.numbers);
                }
                _ => lists.push(list),
            }
        }
    }
    lists
}

/// The numbers of a section's items; none where they count nothing.
fn numbers_of(context: &Context<'_>, items: &[Placed<'_>]) -> Vec<Written> {
    let numbered = items.iter().filter(|placed| placed.item.number.is_some());
    let mut numbers: Vec<Written> = numbered.filter_map(|placed| written(context, &placed.line)).collect();
    let Some((style, first)) = numbers.first().map(|first| (first.style, first.number)) else { return numbers };
    numbers.retain(|written| written.style == style);
    // `1.` on every line is Markdown's way to number by itself
    let by_itself = numbers.len() > 1 && numbers.iter().all(|written| written.number == first);
    if (by_itself && style != Style::Circled) || numbers.iter().any(|written| written.number >= FIRST_YEAR) {
        numbers.clear();
    }
    numbers
}

/// Parts the numbers where they begin anew; a countdown stays whole.
fn parted(numbers: Vec<Written>) -> Vec<Vec<Written>> {
    let all = List { numbers, first_line: 0 };
    if all.counts_down() {
        return vec![all.numbers];
    }
    let numbers: Vec<u32> = all.numbers.iter().map(|written| written.number).collect();
    let begins = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| numbers.get(before)).copied().unwrap_or_default();
        // 1, 2, 1, 4 has a slip in it
        numbers.get(at) == Some(&1) && before > 1 && numbers.get(at + 1).copied() != before.checked_add(2)
    };
    let mut lists: Vec<Vec<Written>> = Vec::new();
    for (at, written) in all.numbers.into_iter().enumerate() {
        match lists.last_mut().filter(|_| !begins(at)) {
            Some(list) => list.push(written),
            None => lists.push(vec![written]),
        }
    }
    lists
}

/// Whether a number that seems to be missing stands before what is no item, having no link.
fn is_told_elsewhere(context: &Context<'_>, list: &List) -> bool {
    let mut line = list.first_line;
    let mut before = None;
    list.numbers.iter().any(|written| {
        let here = context.manuscript.line(written.span.start);
        let between = line..here;
        line = here + 1;
        if before.replace(written.number).and_then(|before| before.checked_add(1)) == Some(written.number) {
            return false;
        }
        let mut others = between.filter_map(|line| self::written(context, &context.manuscript.line_span(line)));
        others.any(|other| other.style == written.style && other.number.checked_add(1) == Some(written.number))
    })
}

/// Marks a slip at the number with index `at`, and mends it: the numbers count from `first` on.
fn slipped(context: &Context<'_>, list: &List, first: u32, at: usize) -> Option<Mark> {
    let wrong = list.numbers.get(at)?;
    let counted = || list.numbers.iter().zip(first..);
    let changed = || counted().filter(|(written, to)| written.number != *to);
    let (_, right) = counted().nth(at)?;
    let hint = match changed().count() {
        1 => format!("number it {right}"),
        _ => format!("number it {right}, and the items below it on from there"),
    };
    // all or none
    let edits: Option<Vec<Edit>> = changed().map(|(written, to)| renumber(context, written, to)).collect();
    Some(context.mark(&wrong.span, told(list, at), hint).fixed_by(edits.unwrap_or_default()))
}

/// Marks what may be meant in several ways: the first number, or else the first step that leads elsewhere.
fn unexplained(context: &Context<'_>, list: &List, firsts: &[u32]) -> Option<Mark> {
    let begins = list.numbers.first()?;
    if !firsts.contains(&begins.number) {
        let hint = match firsts {
            [_, next, ..] => format!("number it {next} if the numbers run on, 1 if they begin anew"),
            _ => "see whether an item above it is missing; else begin with 1".to_owned(),
        };
        return Some(context.mark(&begins.span, told(list, 0), hint));
    }
    let at = *list.breaks().first()?;
    let hint = "see whether an item is missing or out of its place, and number them anew";
    Some(context.mark(&list.numbers.get(at)?.span, told(list, at), hint))
}

/// What is odd about a number.
fn told(list: &List, at: usize) -> String {
    let number = |at: usize| list.numbers.get(at).map(|written| written.number).unwrap_or_default();
    match at.checked_sub(1) {
        None => format!("the first item is number {}", number(0)),
        Some(before) => format!("item {} follows item {}", number(at), number(before)),
    }
}

fn renumber(context: &Context<'_>, written: &Written, number: u32) -> Option<Edit> {
    let text = if written.style == Style::Circled {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        CIRCLED.chars().nth(index)?.to_string()
    } else {
        number::like(context.manuscript.slice(&written.span), number)?
    };
    context.edit(&written.span, text)
}
