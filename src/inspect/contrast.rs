//! Contrast of all words with what is behind them, in each mode in which clients show colours.

use std::collections::HashMap;

use super::cascade::{self, Run};
use super::colour::Colour;
use super::modes::Mode;
use super::{Finding, Severity};

/// Two colours that meet in an email.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// The words' colour.
    pub text: Colour,
    /// What is behind them.
    pub background: Colour,
    /// From 1 to 21 (WCAG 2.2).
    pub ratio: f64,
    /// Whether all words are large: 24 px, or 18.66 px and bold (WCAG 2.2, 1.4.3).
    pub large: bool,
    /// The first words in these colours.
    pub words: String,
    /// Where they stand in the HTML, as it was before the mode changed it.
    pub at: usize,
    /// How many runs of words have them.
    pub runs: usize,
}

impl Contrast {
    /// The least ratio that WCAG 2.2 AA asks for.
    pub fn wanted(&self) -> f64 {
        if self.large { 3.0 } else { 4.5 }
    }

    /// Whether the words can be read well.
    pub fn is_enough(&self) -> bool {
        self.ratio >= self.wanted()
    }
}

/// All pairs of colours in a mode, the poorest first.
pub fn contrast(html: &str, mode: Mode) -> Vec<Contrast> {
    measure(&cascade::runs(html), &mode.of(html))
}

/// Measures the shown email; the runs of the original tell where its words stand.
fn measure(original: &[Run], shown: &str) -> Vec<Contrast> {
    let mut pairs: Vec<Contrast> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (index, run) in cascade::runs(shown).into_iter().enumerate() {
        let (background, look) = (run.look.background, run.look);
        if look.hidden {
            continue;
        }
        let text = look.colour.over(background);
        let large = look.size >= 24.0 || (look.bold && look.size >= 18.66);
        let pair = *known.entry(format!("{text}{background}{large}")).or_insert(pairs.len());
        match pairs.get_mut(pair) {
            Some(pair) => pair.runs += 1,
            None => pairs.push(Contrast {
                text,
                background,
                ratio: text.contrast(background),
                large,
                at: original.get(index).map_or(0, |run| run.at),
                words: shorten(&run.text),
                runs: 1,
            }),
        }
    }
    pairs.sort_by(|one, two| one.ratio.total_cmp(&two.ratio));
    pairs
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text,
    }
}

/// Words that are hard to read, in every mode.
pub(super) fn check(html: &str) -> Vec<Finding> {
    let original = cascade::runs(html);
    let mut findings = Vec::new();
    for mode in Mode::ALL {
        for pair in measure(&original, &mode.of(html)).into_iter().take_while(|pair| pair.ratio < 4.5) {
            if !pair.is_enough() {
                findings.push(finding(mode, &pair));
            }
        }
    }
    findings
}

fn finding(mode: Mode, pair: &Contrast) -> Finding {
    let Contrast { text, background, ratio, words, runs, .. } = pair;
    let others = if *runs > 1 { format!(" and {} more", runs - 1) } else { String::new() };
    // what a client turns by force cannot be chosen, only made sturdy
    let severity = if let Mode::Forced(_) = mode { Severity::Note } else { Severity::Warning };
    Finding {
        mode: Some(mode),
        ..Finding::new(
            "email-contrast",
            severity,
            pair.at,
            format!("\"{words}\"{others}: {text} on {background} is {ratio:.2}:1 ({mode})"),
            format!("{}:1 is the least that can be read well; choose colours further apart", pair.wanted()),
        )
    }
}
