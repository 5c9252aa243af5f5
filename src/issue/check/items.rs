//! Items: title, link, description, and how many there are.

use std::ops::Range;

use super::super::manuscript::{Link, Part};
use super::super::{Item, Section, counts};
use super::numbers::written;
use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "count-mismatch",
        severity: Severity::Warning,
        summary: "an announced number of articles or projects that are not as many",
        why: "Readers count, or trust the number and miss the rest.",
        bad: "# Harbour Weekly #12: Slow Software\n\nThis issue shares 3 articles and 2 projects.\n\n## Articles\n\n- [Tides](https://tides.example/)\n- [Boats](https://boats.example/)\n\n## Projects\n\n- [Ropes](https://ropes.example/)\n- [Piers](https://piers.example/)\n",
        good: "# Harbour Weekly #12: Slow Software\n\nThis issue shares 2 articles and 2 projects.\n\n## Articles\n\n- [Tides](https://tides.example/)\n- [Boats](https://boats.example/)\n\n## Projects\n\n- [Ropes](https://ropes.example/)\n- [Piers](https://piers.example/)\n",
        check: count,
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
    pub(super) line: Range<usize>,
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
    pub(super) fn sections(&self) -> Vec<(&'a Section, Vec<Placed<'a>>)> {
        let mut items = self.items();
        let sections = self.manuscript.issue.sections.iter();
        sections.map(|section| (section, items.by_ref().take(section.items.len()).collect())).collect()
    }
}

fn count(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let mut marks = Vec::new();
    let mut declared = counts::declared(&manuscript.text);
    declared.extend(counts::declared_below(&manuscript.text, &manuscript.issue));
    for (declared, count) in counts::broken(&declared, &manuscript.issue) {
        let place = manuscript.digits_at(declared.line, declared.column);
        let message = format!("{} are announced, {count} are here", declared.count);
        marks.push(context.mark(&place, message, format!("write {count}, or see which item is missing")));
    }
    marks
}

fn no_link(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (section, items) in context.sections() {
        if quotes(section) {
            continue;
        }
        let style = |placed: &Placed<'_>| written(context, &placed.line).map(|written| written.style);
        // "4、Others", with (1), (2), (3) below it
        let heads = |at: usize| {
            let next = items.get(at + 1).and_then(style);
            next.is_some() && items.get(at).and_then(style).is_some_and(|own| Some(own) != next)
        };
        let without: Vec<_> = items
            .iter()
            .enumerate()
            .filter(|(at, placed)| placed.item.links.is_empty() && !heads(*at))
            .map(|(_, placed)| placed)
            .collect();
        // a list of titles, or of stories that stand by themselves, means it
        let few = without.len() * 4 <= items.len();
        let one = without.len() == 1 && items.len() > 1;
        let forgotten = |placed: &&&Placed<'_>| few || (one && placed.item.description.len() < SHORT_STORY);
        let usual = items.first().and_then(style);
        let prose = |placed: &&Placed<'_>| {
            style(placed) != usual && placed.item.title.ends_with(['.', '。', '；', ';', '！', '：'])
        };
        marks.extend(
            without
                .iter()
                .filter(forgotten)
                .filter(|placed| !prose(placed) && !is_quote(placed.item))
                .map(|placed| context.mark(&placed.line, "this item has no link", "link its title to the page")),
        );
    }
    marks
}

/// Whether a section is of things that were said.
fn quotes(section: &Section) -> bool {
    const WORDS: [&str; 8] = ["quote", "quotation", "said", "言论", "金句", "语录", "名言", "摘录"];
    let title = section.title.to_lowercase();
    WORDS.iter().any(|word| {
        title.split(|c: char| !c.is_ascii_alphabetic()).any(|known| known.trim_end_matches('s') == *word)
            || !word.is_ascii() && title.contains(word)
    })
}

/// Whether an item ends with who said it: `-- a pilot`, `—— 无名氏`.
fn is_quote(item: &Item) -> bool {
    let text = if item.description.trim().is_empty() { &item.title } else { &item.description };
    let last = text.trim_end().lines().next_back().unwrap_or_default();
    let said = ["--", "—"].iter().filter_map(|dash| last.rsplit_once(dash)).map(|(_, name)| name.trim());
    said.into_iter().any(|name| !name.is_empty() && name.chars().count() <= LONGEST_NAME)
}

/// Characters of a name with what is said about it.
const LONGEST_NAME: usize = 40;

/// Bytes of a description that stands by itself.
const SHORT_STORY: usize = 300;

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
        // a title that is a sentence with a link in it says enough
        let without = items.iter().filter(|placed| !described(placed) && placed.link.is_some());
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
