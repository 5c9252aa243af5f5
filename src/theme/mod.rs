//! A theme: colours, fonts, logo, width and density of a newsletter's mail, and a style sheet of its own on top.

mod balance;
mod colour;
mod names;
mod sheet;
mod value;

pub use colour::{Colour, ColourError, ContrastError, Palette};
pub use sheet::{Sheet, SheetError, SheetLine, SheetWarning};

use serde::Serialize;

/// How a newsletter's mail looks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Theme {
    /// The colours by day.
    pub light: Palette,
    /// The colours where the reader's mail program is dark.
    pub dark: Palette,
    /// The font of running text.
    pub text_font: Font,
    /// The font of title and section headings.
    pub title_font: Font,
    /// The picture in place of the newsletter's name.
    pub logo: Option<Logo>,
    /// Width of the column in CSS pixels, 480 to 720.
    pub width: u16,
    /// How much air there is.
    pub density: Density,
    /// How an issue is laid out; by what is in it where nothing is said.
    pub layout: Option<Layout>,
    /// Rules of the newsletter's own, over all others.
    pub sheet: Sheet,
}

impl Default for Theme {
    fn default() -> Self {
        Self {
            light: Palette::LIGHT,
            dark: Palette::DARK,
            text_font: Font::Sans,
            title_font: Font::Serif,
            logo: None,
            width: 600,
            density: Density::Comfortable,
            layout: None,
            sheet: Sheet::default(),
        }
    }
}

/// A font that readers have: nothing is loaded for a mail.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Font {
    /// The sans serif of the reader's system.
    Sans,
    /// Georgia, or another serif.
    Serif,
    /// A stack of names, as CSS has it: `'Gill Sans', Verdana, sans-serif`.
    Own(String),
}

impl Font {
    /// Reads `sans`, `serif` or a stack of names.
    pub fn parse(text: &str) -> Result<Self, FontError> {
        let stack = text.trim().replace('"', "'");
        match stack.as_str() {
            "sans" => Ok(Self::Sans),
            "serif" => Ok(Self::Serif),
            _ if stack.split(',').all(|name| is_font_name(name.trim())) => Ok(Self::Own(stack)),
            _ => Err(FontError(text.to_owned())),
        }
    }

    /// Whether its letters have serifs, for mail programs that take one font only.
    pub fn is_serif(&self) -> bool {
        match self {
            Self::Sans => false,
            Self::Serif => true,
            Self::Own(stack) => stack.rsplit(',').next().is_some_and(|last| last.trim() == "serif"),
        }
    }
}

/// Whether a text is the name of a font as CSS has it: in quotes, or words that begin with a letter.
fn is_font_name(name: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    match name.strip_prefix('\'') {
        Some(quoted) => {
            quoted.strip_suffix('\'').is_some_and(|name| name.chars().all(inner) && name.contains(char::is_alphabetic))
        }
        None => {
            let mut words = name.split(' ').filter(|word| !word.is_empty()).peekable();
            let begins = |word: &str| word.trim_start_matches(['-', '_']).starts_with(char::is_alphabetic);
            words.peek().is_some() && words.all(|word| begins(word) && word.chars().all(inner))
        }
    }
}

/// A text that is no [`Font`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no font; write `sans`, `serif`, or a stack of names like `'Gill Sans', Verdana, sans-serif`")]
pub struct FontError(String);

/// A picture that stands for the newsletter's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Logo {
    /// Where it lies; https.
    pub url: String,
    /// What it says to those who do not see it.
    pub alt: String,
    /// Its width in CSS pixels, at most the column's.
    pub width: u16,
}

/// How much air a mail has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Density {
    /// Room around everything.
    Comfortable,
    /// More on a screen.
    Compact,
}

/// How an issue is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Links with what is said about them, numbered.
    Roundup,
    /// An essay: larger text, no numbers.
    Letter,
}

impl Layout {
    /// Reads `roundup` or `letter`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Roundup, Self::Letter].into_iter().find(|layout| layout.word() == text)
    }

    /// Its word in front matter.
    pub fn word(self) -> &'static str {
        match self {
            Self::Roundup => "roundup",
            Self::Letter => "letter",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_font_is_a_stack_of_names() {
        for stack in ["'Gill Sans', Verdana, sans-serif", "Georgia", "'PT 55', -apple-system, system-ui", "思源宋体"]
        {
            assert_eq!(Font::parse(stack).unwrap(), Font::Own(stack.to_owned()));
        }
        for stack in ["", ",,,", "''", "123", "Georgia,", "'Gill Sans", "Gill' Sans", "a;b", "'12'", "url(x)", "9 a"] {
            assert!(Font::parse(stack).is_err(), "{stack}");
        }
    }
}
