//! Past issues: a section of links to earlier ones.

use comrak::nodes::{Node, NodeValue};

use super::markdown::{self, Document};
use super::{PastIssue, beside, dates, item};

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

/// Takes the blocks off the front that are nothing but links with dates; gives the other blocks back.
pub(super) fn take<'a, 'n>(document: &Document<'a>, blocks: &'n [Node<'a>]) -> (Vec<PastIssue>, &'n [Node<'a>]) {
    let mut issues = Vec::new();
    let mut rest = blocks;
    while let [block, tail @ ..] = rest {
        let Some(found) = entries(document, block) else { break };
        issues.extend(found);
        rest = tail;
    }
    (issues, rest)
}

fn entries<'a>(document: &Document<'a>, block: Node<'a>) -> Option<Vec<PastIssue>> {
    match block.data().value {
        NodeValue::Paragraph => markdown::lines(block.children()).iter().map(|line| entry(document, line)).collect(),
        NodeValue::List(_) => {
            let only = |entry: Node<'a>| entry.first_child().filter(|child| child.next_sibling().is_none());
            let nested = block.children().map(|item| entries(document, only(item)?));
            Some(nested.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// Reads a line that is one link, perhaps with a number before it and a date behind it.
fn entry<'a>(document: &Document<'a>, line: &[Node<'a>]) -> Option<PastIssue> {
    let at = line.iter().position(|node| item::url(node).is_some())?;
    let (before, after) =
        (markdown::plain(line[..at].iter().copied()), markdown::plain(line[at + 1..].iter().copied()));
    let link = *line.get(at)?;
    let alone = line[at + 1..].iter().all(|node| matches!(node.data().value, NodeValue::Text(_)));
    let numbered = beside::marker(&format!("{before}[")).is_some_and(|marker| marker.length == before.len());
    let (title, url) = (markdown::plain([link]), item::url(link)?);
    let bare = after.trim_matches(|c: char| c.is_whitespace() || "()（）[]【】-–—,，:：.。".contains(c));
    let date = dates::parse(bare);
    let pure = alone && (before.is_empty() || numbered || beside::is_beside_title(&before)) && !title.is_empty();
    let image = link.descendants().any(|node| matches!(node.data().value, NodeValue::Image(_)));
    let _ = document;
    (pure && !image && (date.is_some() || bare.is_empty())).then_some(PastIssue { title, url, date })
}
