//! Guessing the language of a text.

use comrak::nodes::{Node, NodeValue};

/// `zh` where a text has more Han characters than Latin words, else `en`.
///
/// A Chinese text about programs is full of Latin names, and a Han character is about half a word.
pub(super) fn guess(root: Node<'_>) -> &'static str {
    let (mut han, mut words) = (0usize, 0usize);
    for node in root.descendants() {
        if let NodeValue::Text(text) = &node.data().value {
            han += text.chars().filter(|c| is_han(*c)).count();
            words += text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).count();
        }
    }
    if han > words { "zh" } else { "en" }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}
