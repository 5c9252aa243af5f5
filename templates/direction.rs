//! Which way a line runs: in a letter of one direction there may be paragraphs of the other.

use super::prose::Inline;

/// The way in which words run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    LeftToRight,
    RightToLeft,
}

impl Direction {
    /// The value of `dir`.
    pub(super) fn as_str(self) -> &'static str {
        if self == Self::RightToLeft { "rtl" } else { "ltr" }
    }

    /// The class of what begins on its side, though the letter begins on the other.
    pub(super) fn class(self) -> &'static str {
        if self == Self::RightToLeft { "rightward" } else { "leftward" }
    }

    /// Which way a line runs in a text that runs this way.
    ///
    /// It is turned where both its first letter and most of its letters run the other way: an Arabic sentence may begin
    /// with the name of a program, and end with an English quotation. Code says nothing.
    pub(super) fn of_line(self, line: &[Inline]) -> Self {
        let mut letters = Letters { first: None, balance: 0 };
        letters.count(line, self);
        letters.first.filter(|_| letters.balance < 0).unwrap_or(self)
    }

    /// The direction of a letter; none where it has none of its own (UAX 9, roughly).
    fn of(c: char) -> Option<Self> {
        match c {
            '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => Some(Self::RightToLeft),
            '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}' => Some(Self::RightToLeft),
            _ => Some(Self::LeftToRight),
        }
        .filter(|_| c.is_alphabetic())
    }
}

/// The letters of a line.
struct Letters {
    /// Which way the first runs.
    first: Option<Direction>,
    /// How many more run with the text around than against it.
    balance: isize,
}

impl Letters {
    fn count(&mut self, line: &[Inline], around: Direction) {
        for inline in line {
            // nothing is turned that begins as the text around does
            if self.first == Some(around) {
                return;
            }
            match inline {
                Inline::Text(text) => {
                    for direction in text.chars().filter_map(Direction::of) {
                        self.balance += if direction == around { 1 } else { -1 };
                        if *self.first.get_or_insert(direction) == around {
                            return;
                        }
                    }
                }
                other => self.count(other.inner(), around),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_turned_by_its_first_letter_and_most_of_them() {
        let check = |around: Direction, text: &str, expected| {
            assert_eq!(around.of_line(&[Inline::Text(text.to_owned())]), expected, "{text}");
        };
        use Direction::{LeftToRight, RightToLeft};
        check(RightToLeft, "1. Hedges, explained.", LeftToRight);
        check(RightToLeft, "《树篱》", LeftToRight);
        check(RightToLeft, "Rust 1.80 صدرت النسخة الجديدة من لغة البرمجة.", RightToLeft);
        check(RightToLeft, "قال: the quick brown fox jumps over the lazy dog.", RightToLeft);
        check(RightToLeft, "2024 – 12", RightToLeft);
        check(LeftToRight, "שלום, gardeners", LeftToRight);
        check(LeftToRight, "שלום לכולם, friends", RightToLeft);
        let code = [Inline::Code("let".into()), Inline::Strong(vec![Inline::Text("كلمة".into())])];
        assert_eq!(LeftToRight.of_line(&code), RightToLeft);
    }
}
