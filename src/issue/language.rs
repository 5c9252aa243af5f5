//! Guessing the language of a text.

use comrak::nodes::{Node, NodeValue};

/// `zh` where a text has more Han characters than Latin words, else `en`; kana make it `ja`, Hangul `ko`.
///
/// A Chinese text about programs is full of Latin names, and a Han character is about half a word.
pub(super) fn guess(root: Node<'_>) -> &'static str {
    let (mut han, mut kana, mut hangul, mut words) = (0usize, 0usize, 0usize, 0usize);
    for node in root.descendants() {
        if let NodeValue::Text(text) = &node.data().value {
            if !text.is_ascii() {
                for c in text.chars() {
                    match c {
                        '\u{3041}'..='\u{30ff}' => kana += 1,
                        '\u{ac00}'..='\u{d7a3}' => hangul += 1,
                        _ => han += usize::from(is_han(c)),
                    }
                }
            }
            let mut inside = false;
            for letter in text.bytes().map(|byte| byte.is_ascii_alphabetic()) {
                words += usize::from(letter && !inside);
                inside = letter;
            }
        }
    }
    match () {
        () if hangul > words.max(han) => "ko",
        // Japanese has about as many kana as Han characters; a Chinese text quotes a few
        () if kana + han > words && kana * 3 > han => "ja",
        () if han > words => "zh",
        () => "en",
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}
