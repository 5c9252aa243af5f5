//! Links that readers have got already: in this issue, or in an earlier one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::manuscript::{Link, Part};
use super::super::{Address, Appearance, Role};
use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "link-repeated",
        severity: Severity::Warning,
        summary: "two items of an issue that lead to the same page",
        why: "One of them was meant to lead elsewhere, or is one too many.",
        bad: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、[Boats](http://www.tides.example)\n\nWho builds them.\n",
        good: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n1、[Tides](https://tides.example/)\n\nHow they turn.\n\n2、[Boats](https://boats.example/)\n\nWho builds them.\n",
        check: repeated,
    },
    Rule {
        id: "link-earlier",
        severity: Severity::Warning,
        summary: "an item that an earlier issue recommended",
        why: "Readers notice, and think that we do not.",
        bad: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n- [Tides](https://tides.example/)\n- [Ropes](https://ropes.example/)\n~~~\n# Harbour Weekly #13: Fast Boats\n\n## Articles\n\n- [Ebb and flow](http://tides.example/?utm_source=feed)\n- [Boats](https://boats.example/)\n",
        good: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n- [Tides](https://tides.example/)\n- [Ropes](https://ropes.example/)\n~~~\n# Harbour Weekly #13: Fast Boats\n\n## Articles\n\n- [Piers](https://piers.example/)\n- [Boats](https://boats.example/)\n",
        check: earlier,
    },
    Rule {
        id: "repository-earlier",
        severity: Severity::Note,
        summary: "an item from a repository of which an earlier issue recommended another page",
        why: "A new release is news; the same project under another page may be none.",
        bad: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n- [Tide](https://github.com/harbour/tide)\n- [Ropes](https://ropes.example/)\n~~~\n# Harbour Weekly #13: Fast Boats\n\n## Articles\n\n- [Tide 2](https://github.com/harbour/tide/releases)\n- [Boats](https://boats.example/)\n",
        good: "# Harbour Weekly #12: Slow Software\n\n## Articles\n\n- [Tide](https://github.com/harbour/tide)\n- [Ropes](https://ropes.example/)\n~~~\n# Harbour Weekly #13: Fast Boats\n\n## Articles\n\n- [Ebb](https://github.com/harbour/ebb)\n- [Boats](https://boats.example/)\n",
        check: repository,
    },
];

impl Context<'_> {
    /// Whether each item comes again by the nature of its section: meetings, jobs, sponsors.
    fn recurring(&self) -> Vec<bool> {
        const WORDS: [&str; 14] = [
            "event",
            "meetup",
            "calendar",
            "conference",
            "job",
            "hiring",
            "sponsor",
            "subscribe",
            "about us",
            "活动",
            "招聘",
            "赞助",
            "订阅",
            "关于",
        ];
        let mut recurring = Vec::new();
        for section in &self.manuscript.issue.sections {
            let title = section.title.to_lowercase();
            let recurs = WORDS.iter().any(|word| title.contains(word));
            recurring.extend(std::iter::repeat_n(recurs, section.items.len()));
        }
        recurring
    }

    /// Whether the editor lets a page come again.
    fn may_repeat(&self, address: &Address) -> bool {
        self.settings.allow_links.iter().any(|link| Address::canonical(link).as_ref() == Some(address))
    }
}

fn repeated(context: &Context<'_>) -> Vec<Mark> {
    let manuscript = context.manuscript;
    let mut known: HashMap<Address, (usize, &Link)> = HashMap::new();
    let recurring = context.recurring();
    let mut marks = Vec::new();
    for link in &manuscript.links {
        let (item, titled) = match link.part {
            Part::Title(item) => (item, true),
            Part::Text(item) => (item, false),
            Part::Around => continue,
        };
        if recurring.get(item) == Some(&true) {
            continue;
        }
        let Some(address) = Address::canonical(&link.url) else { continue };
        match known.entry(address) {
            Entry::Vacant(vacant) => {
                vacant.insert((item, link));
            }
            Entry::Occupied(mut first) => {
                let (first_item, first_link) = *first.get();
                let first_titled = matches!(first_link.part, Part::Title(_));
                // two descriptions may name the same page
                if first_item != item && titled && first_titled && !context.may_repeat(first.key()) {
                    let line = manuscript.line(first_link.span.start);
                    let message = format!("this page is recommended twice: first on line {line}");
                    let hint = "take one of the items out, or correct its link";
                    marks.push(context.mark(link.address.as_ref().unwrap_or(&link.span), message, hint));
                }
                if titled && !first_titled {
                    first.insert((item, link));
                }
            }
        }
    }
    marks
}

fn earlier(context: &Context<'_>) -> Vec<Mark> {
    let Some(others) = &context.edition().others else { return Vec::new() };
    recommended(context, |address| {
        let mut issues: Vec<&Appearance> = Vec::new();
        for item in others.earlier(address).filter(|appearance| appearance.role == Role::Item) {
            if !issues.iter().any(|known| known.issue.is_same(&item.issue)) {
                issues.push(item);
            }
        }
        let newest = issues.iter().max_by_key(|item| (item.issue.date, item.issue.number))?;
        let more = match issues.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} earlier"),
        };
        Some((format!("already in {}{more}", issue_of(newest)), "take it out, or say what is new about it"))
    })
}

fn repository(context: &Context<'_>) -> Vec<Mark> {
    let Some(others) = &context.edition().others else { return Vec::new() };
    recommended(context, |address| {
        if others.earlier(address).any(|appearance| appearance.role == Role::Item) {
            return None;
        }
        let mut pages = others.earlier_of_repository(address);
        let page = pages.find(|appearance| appearance.role == Role::Item && !is_contribution(&appearance.address))?;
        let message = format!("another page of this repository was in {}: {}", issue_of(page), page.address);
        Some((message, "fine if there is news of it"))
    })
}

/// Whether a page of a repository is what somebody did to it, and says little of the whole: an issue, a change.
fn is_contribution(address: &Address) -> bool {
    const PLACES: [&str; 10] = [
        "pull",
        "pulls",
        "issues",
        "commit",
        "commits",
        "compare",
        "discussions",
        "merge_requests",
        "labels",
        "milestone",
    ];
    address.as_str().split(['/', '?', '#']).skip(3).any(|part| PLACES.contains(&part))
}

/// Marks the items' own links of which `find` has something to say.
fn recommended(context: &Context<'_>, find: impl Fn(&Address) -> Option<(String, &'static str)>) -> Vec<Mark> {
    let recurring = context.recurring();
    let mut marks = Vec::new();
    for link in &context.manuscript.links {
        let Part::Title(item) = link.part else { continue };
        let address = Address::canonical(&link.url).filter(|_| recurring.get(item) != Some(&true));
        let Some(address) = address.filter(|address| !context.may_repeat(address)) else { continue };
        if let Some((message, hint)) = find(&address) {
            marks.push(context.mark(link.address.as_ref().unwrap_or(&link.span), message, hint));
        }
    }
    marks
}

/// `#58, 2024-06-22`, as far as it is known.
fn issue_of(appearance: &Appearance) -> String {
    let issue = &appearance.issue;
    let number = issue.number.map(|number| format!("#{number}"));
    let date = issue.date.map(|date| date.to_string());
    let parts: Vec<String> = [number, date].into_iter().flatten().collect();
    if parts.is_empty() { issue.name.clone() } else { parts.join(", ") }
}
