//! Which of the lines and lists that may be items are.

use comrak::nodes::Node;

use super::markdown::{self, Document};
use super::marks::{Mark, is_heading, is_linked, is_paragraph};
use super::number::Style;

/// What the items of an issue are like, as far as they are sure.
#[derive(Clone, Copy)]
pub(super) struct Usual {
    /// Whether there are any.
    items: bool,
    /// How the first with a number is numbered.
    pub(super) numbered: Option<Style>,
    /// Whether they are lines that begin with a link.
    lines: bool,
    /// Whether they are bold lines above their text.
    titled: bool,
}

impl Usual {
    /// Looks at what was found in an issue's blocks.
    pub(super) fn of<'a>(marks: &[Mark<'a>], blocks: &[Node<'a>]) -> Self {
        const SEVERAL: usize = 4;
        let linked = || marks.iter().filter(|mark| mark.linked && mark.described);
        let numbered = linked().find(|mark| mark.number.is_some()).map(|mark| mark.style);
        let lines = linked().filter(|mark| mark.is_line()).count();
        let titled = linked().filter(|mark| mark.style == Style::Titled).count() >= SEVERAL;
        // one at the top of each section
        let headings = blocks.iter().filter(|node| is_heading(node)).count();
        let on_top = |mark: &&Mark<'a>| mark.is_line() && mark.node.previous_sibling().is_some_and(is_heading);
        let each = headings > 1 && linked().filter(on_top).count() == headings;
        let lines = numbered.is_none() && (each || lines >= SEVERAL);
        Self { titled, items: linked().next().is_some(), numbered, lines }
    }
}

/// Decides which of the marks in a section are items; `first` is the block that the section begins with.
///
/// Numbers come first, then what the section has first of bullets and links.
/// A list of links outside of what they span is one of items, too.
pub(super) fn accept<'a>(
    document: &Document<'a>,
    marks: &[Mark<'a>],
    usual: Usual,
    first: Option<Node<'a>>,
) -> Vec<bool> {
    let mut accepted = match main_number(marks, usual) {
        Some(style) => accept_numbers(marks, style, usual),
        None => accept_links(marks, usual, first),
    };
    let list = |mark: &Mark<'a>| mark.style == Style::Bullets && mark.linked && is_linked(document, mark.node);
    let Some(start) = accepted.iter().position(|fine| *fine) else { return accepted };
    let end = accepted.iter().rposition(|fine| *fine).unwrap_or(start);
    // between them it is one's text
    if !marks[start..end].iter().zip(&accepted[start..]).any(|(mark, fine)| list(mark) && !fine) {
        for (at, mark) in marks.iter().enumerate().filter(|(at, _)| *at < start || *at > end) {
            accepted[at] |= list(mark) && !is_introduced(mark.node);
        }
    }
    accepted
}

/// Whether the paragraph above a list ends with a colon.
fn is_introduced(list: Node<'_>) -> bool {
    let above = list.previous_sibling().filter(is_paragraph);
    above.is_some_and(|above| markdown::plain(above.children()).ends_with([':', '：']))
}

/// The style of the numbers in a section, if they number items: prose is numbered, too.
fn main_number(marks: &[Mark<'_>], usual: Usual) -> Option<Style> {
    let numbered = |mark: &&Mark<'_>| mark.number.is_some() && (mark.linked || mark.style == Style::Circled);
    let several = |style: &Style| marks.iter().filter(|mark| mark.style == *style).count() > 1;
    let unlinked = || usual.numbered.filter(|style| *style == Style::Digits && several(style));
    marks.iter().find(numbered).map(|mark| mark.style).or_else(unlinked)
}

/// Numbers need links, at least on half of their lines, or as the issue usually has them.
///
/// Lists with bullets belong to an item's text, and so do numbers of another style, unless they continue the count.
fn accept_numbers(marks: &[Mark<'_>], style: Style, usual: Usual) -> Vec<bool> {
    let of_style = || marks.iter().filter(|mark| mark.style == style);
    let linked = of_style().filter(|mark| mark.linked).count();
    let common = style == Style::Circled || (style == Style::Digits && usual.numbered == Some(style));
    let mostly = common || linked * 2 >= of_style().count() || linked == 0;
    let mut next = 1;
    let mut decide = |mark: &Mark<'_>| {
        let Some(number) = mark.number else { return false };
        let continues = number == next || (number == 1 && style == Style::Circled);
        let fine = (mark.linked && (mark.style == style || continues)) || (mostly && continues);
        if fine {
            next = mark.next;
        }
        fine
    };
    marks.iter().map(&mut decide).collect()
}

/// Bullets, or links without them, whichever come first; the other kind is text then, unless there are several.
///
/// In an issue that has items, so are the entries of a list that a section begins with, wherever their links stand.
fn accept_links<'a>(marks: &[Mark<'a>], usual: Usual, first: Option<Node<'a>>) -> Vec<bool> {
    let begins = |mark: &Mark<'a>| first.is_some_and(|node| node.same_node(mark.node));
    let described: Vec<&Mark<'a>> =
        marks.iter().filter(|mark| mark.linked && mark.described && mark.number.is_none()).collect();
    let bulleted = described.first().is_some_and(|mark| mark.style == Style::Bullets);
    let bold = described.iter().any(|mark| matches!(mark.style, Style::Bold | Style::Titled));
    let links = described.iter().filter(|mark| mark.style != Style::Bullets).count();
    let single = usual.lines && described.iter().any(|mark| mark.is_line() && begins(mark));
    let several = links > 1 || (!bulleted && (bold || single));
    let alone = !bulleted && !bold && stand_alone(marks, begins);
    let wanted = |mark: &Mark<'a>| match mark.style {
        Style::Bullets => bulleted || !(several || alone),
        Style::Bold | Style::Titled => several && mark.described,
        Style::Bare | Style::Sign => alone || (several && mark.described),
        _ => false,
    };
    let leading = |mark: &Mark<'a>| usual.items && mark.mentions && begins(mark);
    let titled = |mark: &Mark<'a>| usual.titled && mark.style == Style::Titled;
    marks.iter().map(|mark| titled(mark) || ((mark.linked || leading(mark)) && wanted(mark))).collect()
}

/// Whether links without any text are items: most are so, and a section begins with several of them,
/// a paragraph is nothing else, or three stand in a row.
fn stand_alone<'a>(marks: &[Mark<'a>], begins: impl Fn(&Mark<'a>) -> bool) -> bool {
    let lines: Vec<&Mark<'a>> = marks.iter().filter(|mark| mark.is_line()).collect();
    let alone = lines.iter().filter(|mark| !mark.described).count();
    let together = |pair: &[&Mark<'a>]| pair[0].node.same_node(pair[1].node);
    let adjacent = |pair: &[&Mark<'a>]| {
        together(pair) || pair[0].node.next_sibling().is_some_and(|node| node.same_node(pair[1].node))
    };
    let listed = || lines.windows(2).any(together) || lines.windows(3).any(|row| row.windows(2).all(adjacent));
    lines.len() > 1 && alone * 2 >= lines.len() && (begins(lines[0]) || listed())
}

/// Decides which of the marks above all sections are lead stories: several titles, or a bold one, with their text.
pub(super) fn accept_leads(marks: &[Mark<'_>]) -> Vec<bool> {
    const LONG: usize = 80;
    let story = |mark: &Mark<'_>| {
        matches!(mark.style, Style::Bold | Style::Bare) && !is_heading(mark.node) && mark.apart && mark.described
    };
    let long = |mark: &Mark<'_>| {
        mark.style == Style::Bold && markdown::plain(mark.node.children()).chars().nth(LONG).is_some()
    };
    let several = marks.iter().filter(|mark| story(mark)).count() > 1;
    marks.iter().map(|mark| story(mark) && (several || long(mark))).collect()
}
