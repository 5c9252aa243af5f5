//! The style sheets of an email, filled from a theme.

use super::script::Script;
use crate::theme::{Colour, Density, Font, Palette, Theme};

/// What is inlined into every email, with `var(--…)` where the theme goes.
pub const STYLE: &str = include_str!("email.css");

/// The font of headings; left out where it is that of the text, since every heading repeats it.
const HEADINGS: &str = ".display { font-family: var(--title-font); }";

/// The finer look of items' titles: some 60 bytes each, which a long issue has no room for.
const TITLES: &str = "h3, .item { font-family: var(--title-font); font-size: 19px; }";
const UNDERLINES: &str = "h3 a, .item a { text-decoration-color: var(--underline); }";

/// What stays in the head: rules that cannot be inlined. The mail stands without them.
const KEPT: &str = include_str!("email-kept.css");

/// What the new Outlook needs in the dark, in an element of its own: Gmail drops the one that has it.
const OUTLOOK: &str = include_str!("email-outlook.css");

/// Hues of code, by day: words of the language, and strings.
const CODE: (Colour, Colour) = (Colour::new(0x7a, 0x2e, 0x8e), Colour::new(0x1f, 0x6b, 0x3a));

/// The style sheets of one newsletter's mail in one language.
#[derive(Debug, Clone)]
pub struct Style {
    /// Rules to inline, the newsletter's own last.
    pub inlined: String,
    /// Rules for the head.
    pub(super) kept: String,
    /// Rules for the head that only the new Outlook reads.
    pub(super) outlook: String,
}

impl Style {
    /// Fills the sheets; `is_long` where each item must be short.
    pub fn new(theme: &Theme, language: &str, is_long: bool) -> Self {
        let variables = Variables { theme, script: Script::of(language) };
        let [headings, titles] = variables.titles(is_long);
        let underlines = if is_long { "" } else { UNDERLINES };
        let sheets = [STYLE, headings, titles, underlines, &theme.sheet.rules];
        Self {
            inlined: variables.fill(&sheets.concat()),
            kept: variables.fill(KEPT) + &variables.fill(&theme.sheet.kept),
            outlook: variables.fill(OUTLOOK),
        }
    }
}

/// Whether a theme has a variable of this name, `accent` or `dark-ink`.
pub fn is_variable(name: &str) -> bool {
    let theme = Theme::default();
    Variables { theme: &theme, script: Script::Latin }.value(name).is_some()
}

/// What the variables of the sheets stand for.
struct Variables<'a> {
    theme: &'a Theme,
    script: Script,
}

impl Variables<'_> {
    /// Puts values in place of `var(--…)`; one that nobody knows stays.
    fn fill(&self, sheet: &str) -> String {
        let mut filled = String::with_capacity(sheet.len());
        let mut rest = sheet;
        while let Some((before, behind)) = rest.split_once("var(--") {
            filled.push_str(before);
            let value = behind.split_once(')').and_then(|(name, behind)| Some((self.value(name)?, behind)));
            rest = match value {
                Some((value, behind)) => {
                    filled.push_str(&value);
                    behind
                }
                None => {
                    filled.push_str("var(--");
                    behind
                }
            };
        }
        filled + rest
    }

    /// What is to be said of headings and titles.
    fn titles(&self, is_long: bool) -> [&'static str; 2] {
        let same_font = self.font(&self.theme.text_font) == self.font(&self.theme.title_font);
        match (same_font, is_long) {
            (true, _) => [""; 2],
            (false, true) => [HEADINGS, ""],
            (false, false) => [HEADINGS, TITLES],
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        let theme = self.theme;
        let roomy = theme.density == Density::Comfortable;
        let pixels = |comfortable: u16, compact: u16| format!("{}px", if roomy { comfortable } else { compact });
        Some(match name {
            "width" => format!("{}px", theme.width),
            "inner" => format!("{}px", inner_width(theme)),
            "paragraph" => pixels(16, 12),
            "item" => pixels(28, 18),
            "section" => pixels(48, 32),
            "leading" => self.script.leading().to_owned(),
            "text-font" => self.font(&theme.text_font),
            "title-font" => self.font(&theme.title_font),
            "title-weight" => if self.has_serifs() { "normal" } else { "bold" }.to_owned(),
            "start" => self.script.start().to_owned(),
            "end" => self.script.end().to_owned(),
            _ => match name.strip_prefix("dark-") {
                Some(name) => colour(&theme.dark, name)?.to_string(),
                None => colour(&theme.light, name)?.to_string(),
            },
        })
    }

    fn font(&self, font: &Font) -> String {
        match font {
            Font::Own(stack) => stack.clone(),
            Font::Sans => self.script.sans().to_owned(),
            Font::Serif => self.script.serif().to_owned(),
        }
    }

    /// Whether titles are set in a serif that is strong enough in its normal weight.
    fn has_serifs(&self) -> bool {
        self.theme.title_font.is_serif() && self.script == Script::Latin
    }
}

/// Width of the column inside its padding: what Outlook scales a picture to.
pub(super) fn inner_width(theme: &Theme) -> u16 {
    theme.width.saturating_sub(48)
}

/// A colour of a palette by its name in the sheets.
fn colour(palette: &Palette, name: &str) -> Option<Colour> {
    Some(match name {
        "accent" => palette.accent,
        "ink" => palette.ink,
        "paper" => palette.paper,
        "muted" => palette.muted,
        "line" => palette.line,
        "panel" => palette.panel(),
        "underline" => palette.accent.mixed(palette.paper, 65),
        "on-accent" => palette.on_accent(),
        "code-word" => CODE.0.readable_on(palette.panel()),
        "code-text" => CODE.1.readable_on(palette.panel()),
        "code-note" => palette.muted.readable_on(palette.panel()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_has_a_value() {
        for language in ["en", "zh", "ar"] {
            let style = Style::new(&Theme::default(), language, false);
            for sheet in [style.inlined, style.kept, style.outlook] {
                assert!(!sheet.contains("var("), "{sheet}");
            }
        }
    }

    #[test]
    fn what_is_kept_stays_far_below_the_size_that_gmail_drops() {
        let style = Style::new(&Theme::default(), "en", false);
        assert!(style.kept.len() + style.outlook.len() < 4_000);
    }
}
