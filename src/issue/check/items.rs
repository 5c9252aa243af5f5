//! Items: number, title, link and description.

use std::ops::Range;

use super::super::manuscript::{Link, Part};
use super::super::{Item, Section};
use super::{Context, Edit, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "item-number",
        severity: Severity::Warning,
        summary: "items whose numbers leave one out, or have one twice",
        why: "Readers count, and write to ask where number 3 is.",
        bad: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n3、[Boats](https://boats.example/)\n\nWho builds them.\n",
        good: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、[Boats](https://boats.example/)\n\nWho builds them.\n",
        check: number,
    },
    Rule {
        id: "item-no-link",
        severity: Severity::Warning,
        summary: "an item without a link, among items that have one",
        why: "Readers are told of something that they cannot get to.",
        bad: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、Boats\n\nWho builds them.\n",
        good: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、[Boats](https://boats.example/)\n\nWho builds them.\n",
        check: no_link,
    },
    Rule {
        id: "item-no-title",
        severity: Severity::Error,
        summary: "an item without a title",
        why: "There is nothing to read, and nothing to click.",
        bad: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、[![A boat](https://boats.example/a.png)](https://boats.example/)\n\n3、[Piers](https://piers.example/)\n\nOld and new.\n",
        good: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、[Boats](https://boats.example/)\n\nWho builds them.\n\n3、[Piers](https://piers.example/)\n\nOld and new.\n",
        check: no_title,
    },
    Rule {
        id: "item-no-description",
        severity: Severity::Warning,
        summary: "an item without a description, among items that have one",
        why: "It looks forgotten, and mostly is.",
        bad: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、[Boats](https://boats.example/)\n\n3、[Piers](https://piers.example/)\n\nOld and new.\n\n4、[Ropes](https://ropes.example/)\n\nFrom hemp.\n",
        good: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\n2、[Boats](https://boats.example/)\n",
        check: no_description,
    },
];

/// An item where it stands.
pub(super) struct Placed<'a> {
    pub(super) item: &'a Item,
    link: Option<&'a Link>,
    line: Range<usize>,
}

impl Placed<'_> {
    /// Its linked title, else its line.
    pub(super) fn title_span(&self) -> Range<usize> {
        self.link.map_or_else(|| self.line.clone(), |link| link.span.clone())
    }
}

impl<'a> Context<'a> {
    /// All items, in order.
    pub(super) fn items(&self) -> impl Iterator<Item = Placed<'a>> {
        let manuscript = self.manuscript;
        let mut titles = manuscript.links.iter().filter_map(|link| match link.part {
            Part::Title(index) => Some((index, link)),
            _ => None,
        });
        let mut next = titles.next();
        manuscript.issue.sections.iter().flat_map(|section| &section.items).enumerate().map(move |(index, item)| {
            let link = next.filter(|(at, _)| *at == index).map(|(_, link)| link);
            if link.is_some() {
                next = titles.next();
            }
            Placed { item, link, line: manuscript.line_span(item.line) }
        })
    }

    /// The items of each section.
    fn sections(&self) -> Vec<(&'a Section, Vec<Placed<'a>>)> {
        let mut items = self.items();
        let sections = self.manuscript.issue.sections.iter();
        sections.map(|section| (section, items.by_ref().take(section.items.len()).collect())).collect()
    }
}

/// A number as it is written.
struct Written {
    number: u32,
    span: Range<usize>,
    circled: bool,
}

/// The number with which an item's line begins.
fn written(context: &Context<'_>, item: &Placed<'_>) -> Option<Written> {
    item.item.number?;
    let line = context.manuscript.slice(&item.line);
    let before = line.find(|c: char| !" #*-+>(（[".contains(c))?;
    let rest = line.get(before..)?;
    let start = item.line.start + before;
    let first = rest.chars().next()?;
    if let Some(number) = CIRCLED.chars().position(|c| c == first) {
        let number = u32::try_from(number).ok()? + 1;
        return Some(Written { number, span: start..start + first.len_utf8(), circled: true });
    }
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some(Written { number: rest.get(..digits)?.parse().ok()?, span: start..start + digits, circled: false })
}

const CIRCLED: &str = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉑㉒㉓㉔㉕㉖㉗㉘㉙㉚㉛㉜㉝㉞㉟㊱㊲㊳㊴㊵㊶㊷㊸㊹㊺㊻㊼㊽㊾㊿";

fn number(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut last: Option<u32> = None;
    for (_, items) in context.sections() {
        let numbers: Vec<Written> = items.iter().filter_map(|item| written(context, item)).collect();
        let (Some(first), Some(end)) = (numbers.first(), numbers.last()) else { continue };
        // `1.` on every line is Markdown's way to number by itself
        if numbers.len() > 1 && numbers.iter().all(|written| written.number == first.number && !written.circled) {
            continue;
        }
        // numbers begin anew, or run on
        let mut expected = match last.and_then(|last| last.checked_add(1)) {
            Some(next) if next == first.number => next,
            _ => 1,
        };
        let restarted = expected == 1;
        let mut found: Vec<Mark> = Vec::new();
        let mut before = expected.checked_sub(1);
        for written in &numbers {
            if before.and_then(|before| before.checked_add(1)) != Some(written.number) {
                let message = match before {
                    None | Some(0) => format!("the first item is number {}", written.number),
                    Some(before) => format!("item {} follows item {before}", written.number),
                };
                let hint = format!("number it {expected}, and the items below it on from there");
                found.push(context.mark(&written.span, message, hint));
            }
            let edit = (written.number != expected).then(|| renumber(context, written, expected)).flatten();
            if let (Some(mark), Some(edit), true) = (found.last_mut(), edit, restarted) {
                mark.edits.push(edit);
            }
            before = Some(written.number);
            expected = expected.saturating_add(1);
        }
        last = Some(end.number);
        marks.extend(found);
    }
    marks
}

fn renumber(context: &Context<'_>, written: &Written, number: u32) -> Option<Edit> {
    let text = if written.circled {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        CIRCLED.chars().nth(index)?.to_string()
    } else {
        number.to_string()
    };
    context.edit(&written.span, text)
}

fn no_link(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (_, items) in context.sections() {
        let linked = items.iter().filter(|placed| !placed.item.links.is_empty()).count();
        // a list of titles alone means it
        if linked * 2 < items.len() {
            continue;
        }
        let without = items.iter().filter(|placed| placed.item.links.is_empty());
        marks.extend(
            without.map(|placed| context.mark(&placed.line, "this item has no link", "link its title to the page")),
        );
    }
    marks
}

fn no_title(context: &Context<'_>) -> Vec<Mark> {
    let without = context.items().filter(|placed| is_untitled(placed.item));
    without
        .map(|placed| context.mark(&placed.line, "this item has no title", "write one into the link's `[…]`"))
        .collect()
}

/// Nothing, or its number again.
fn is_untitled(item: &Item) -> bool {
    let words = item.title.trim_matches(|c: char| !c.is_alphanumeric());
    item.title.trim().is_empty() || item.number.is_some_and(|number| words == number.to_string())
}

fn no_description(context: &Context<'_>) -> Vec<Mark> {
    let described = |placed: &&Placed<'_>| {
        !placed.item.description.trim().is_empty() || !placed.item.images.is_empty() || placed.item.stars.is_some()
    };
    let mut marks = Vec::new();
    for (_, items) in context.sections() {
        // three in four: some weeklies describe only what a title does not say
        if items.iter().filter(described).count() * 4 < items.len() * 3 {
            continue;
        }
        let without = items.iter().filter(|placed| !described(placed) && !placed.item.links.is_empty());
        marks.extend(without.map(|placed| {
            context.mark(
                &placed.title_span(),
                "this item has no description",
                "say in a sentence why it is worth reading",
            )
        }));
    }
    marks
}
