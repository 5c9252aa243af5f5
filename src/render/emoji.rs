//! Emoji in headings are ornament: screen readers skip them.

use unicode_segmentation::UnicodeSegmentation;

use crate::templates::Inline;

/// A heading of plain text, its emoji marked; one of nothing else is all that it says.
pub(super) fn heading(text: &str) -> Vec<Inline> {
    if text.is_empty() {
        return Vec::new();
    }
    // most headings have none, and need not be cut into graphemes to see that
    let may_have_emoji = text.chars().any(|c| c >= '\u{2600}');
    let runs = if may_have_emoji { runs(text) } else { vec![(false, text)] };
    if runs.iter().all(|(emoji, run)| *emoji || run.trim().is_empty()) {
        return vec![Inline::Text(text.to_owned())];
    }
    let mark = |(emoji, run): (bool, &str)| match emoji {
        true => Inline::Emoji(run.to_owned()),
        false => Inline::Text(run.to_owned()),
    };
    runs.into_iter().map(mark).collect()
}

/// Splits a text into runs; `true` marks a run of emoji.
fn runs(text: &str) -> Vec<(bool, &str)> {
    let mut runs: Vec<(bool, &str)> = Vec::new();
    let mut start = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let emoji = is_emoji(grapheme);
        let end = at + grapheme.len();
        match runs.last_mut() {
            Some((kind, run)) if *kind == emoji => *run = &text[start..end],
            _ => {
                start = at;
                runs.push((emoji, &text[start..end]));
            }
        }
    }
    runs
}

/// Whether a grapheme is shown as a picture: a pictograph, or a symbol that asks for it (U+FE0F).
fn is_emoji(grapheme: &str) -> bool {
    grapheme.chars().next().is_some_and(|first| matches!(first, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}'))
        || grapheme.chars().nth(1) == Some('\u{FE0F}')
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn emoji_of_several_code_points_stay_whole() {
        assert_eq!(runs("🐿️Projects 👩‍💻"), [(true, "🐿️"), (false, "Projects "), (true, "👩‍💻")]);
        assert_eq!(runs("潮流 #1"), [(false, "潮流 #1")]);
        assert_eq!(runs(""), []);
    }
}
