//! Past issues: a section of links to earlier ones.

use comrak::nodes::{Node, NodeValue};

use super::{PastIssue, beside, dates, item, markdown, number};

/// Whether a heading announces past issues.
pub(super) fn is_title(title: &str) -> bool {
    const WORDS: [&str; 25] = [
        "past review",
        "past issue",
        "past edition",
        "previous issue",
        "previous edition",
        "previously on",
        "earlier issue",
        "older issue",
        "looking back",
        "look back",
        "flashback",
        "from the archive",
        "in the archive",
        "back issue",
        "throwback",
        "last year",
        "往期",
        "往年",
        "过往",
        "以往",
        "回顾",
        "历史",
        "旧刊",
        "上期",
        "前期",
    ];
    let title = title.to_lowercase();
    WORDS.iter().any(|word| title.contains(word))
}

/// Takes the links off the front; gives the other blocks back.
///
/// A single link with text below it is no list of issues, but an item.
pub(super) fn take<'a, 'n>(blocks: &'n [Node<'a>]) -> (Vec<PastIssue>, &'n [Node<'a>]) {
    let mut issues = Vec::new();
    let mut rest = blocks;
    while let [block, tail @ ..] = rest {
        let Some(found) = entries(block) else { break };
        issues.extend(found);
        rest = tail;
    }
    match rest {
        _ if issues.is_empty() => (issues, blocks),
        [first, sign_off @ ..] if matches!(first.data().value, NodeValue::ThematicBreak) => (issues, sign_off),
        [_, ..] if issues.len() < 2 => (Vec::new(), blocks),
        _ => (issues, rest),
    }
}

fn entries(block: Node<'_>) -> Option<Vec<PastIssue>> {
    match block.data().value {
        NodeValue::Paragraph => markdown::lines(block.children()).iter().map(|line| entry(line)).collect(),
        NodeValue::List(_) => {
            let mut issues = Vec::new();
            for item in block.children() {
                let paragraph = item.first_child().filter(|child| child.next_sibling().is_none())?;
                match paragraph.data().value {
                    NodeValue::Paragraph => issues.extend(entries(paragraph)?),
                    _ => return None,
                }
            }
            Some(issues)
        }
        _ => None,
    }
}

/// Reads a line that is one link, perhaps with a number, year or emoji before it and a date or number behind it.
fn entry(line: &[Node<'_>]) -> Option<PastIssue> {
    let at = line.iter().position(|node| item::url(node).is_some())?;
    let (before, rest) = line.split_at(at);
    let (link, after) = rest.split_first()?;
    let plain = |nodes: &[Node<'_>]| {
        let text = nodes.iter().all(|node| matches!(node.data().value, NodeValue::Text(_)));
        text.then(|| markdown::plain(nodes.iter().copied()))
    };
    let (before, after) = (plain(before)?, plain(after)?);
    let numbered = number::marker(&format!("{before}[")).is_some_and(|marker| marker.length == before.len());
    let after = after.trim_matches(|c: char| c.is_whitespace() || "()（）[]【】-–—,，:：.。".contains(c));
    let date = dates::parse(after);
    let number = after.strip_prefix(['#', '＃']).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
    let fits = numbered || is_label(&before) || beside::is_beside_title(&before);
    let pure = fits && (date.is_some() || number || after.is_empty());
    let image = link.descendants().any(|node| matches!(node.data().value, NodeValue::Image(_)));
    let (mut title, url) = (markdown::plain([*link]), item::url(link)?);
    if !numbered && before.contains(char::is_alphanumeric) && !title.is_empty() {
        let gap = if before.ends_with(['：', '】', '）']) { "" } else { " " };
        title = format!("{before}{gap}{title}");
    }
    if number && !title.is_empty() {
        title = format!("{title} {after}");
    }
    (pure && !image && !title.is_empty()).then_some(PastIssue { title, url, date })
}

/// Whether a text is the year and number of a past issue, before its title: `2021年（第 170 期）：`, `Issue #11:`.
fn is_label(text: &str) -> bool {
    const WORDS: [&str; 3] = ["Issue", "No.", "Vol."];
    let bare = WORDS.iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text);
    let fits = |c: char| c.is_ascii_digit() || c.is_whitespace() || "年第期#()（）:：".contains(c);
    bare.contains(|c: char| c.is_ascii_digit()) && bare.chars().all(fits)
}
