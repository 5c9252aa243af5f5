//! Colours, and whether one can be read on another.

use std::fmt;

/// The contrast that text needs (WCAG 2.2, 1.4.3, AA).
const READABLE: f64 = 4.5;

/// The contrast of links and muted text in the dark, where a little more is kinder.
const IN_THE_DARK: f64 = 6.5;

/// An sRGB colour, `#1d4f91`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour(u8, u8, u8);

impl Colour {
    const BLACK: Self = Self(0, 0, 0);
    const WHITE: Self = Self(255, 255, 255);

    /// A colour by its red, green and blue.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self(red, green, blue)
    }

    /// Reads `#1d4f91` or `#abc`.
    pub fn parse(text: &str) -> Result<Self, ColourError> {
        let wrong = || ColourError(text.to_owned());
        let digits = text.trim().strip_prefix('#').ok_or_else(wrong)?;
        let digits: Option<Vec<u8>> = digits.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        match digits.as_deref() {
            Some(&[r, g, b]) => Ok(Self(r * 17, g * 17, b * 17)),
            Some(&[r, r2, g, g2, b, b2]) => Ok(Self(r * 16 + r2, g * 16 + g2, b * 16 + b2)),
            _ => Err(wrong()),
        }
    }

    /// The contrast with another colour, 1 to 21 (WCAG 2.2, contrast ratio).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let channel = |value: u8| match f64::from(value) / 255.0 {
            dark if dark <= 0.04045 => dark / 12.92,
            value => ((value + 0.055) / 1.055).powf(2.4),
        };
        0.2126 * channel(self.0) + 0.7152 * channel(self.1) + 0.0722 * channel(self.2)
    }

    /// This colour with `percent` of another in it.
    #[must_use]
    pub fn mixed(self, other: Self, percent: u16) -> Self {
        let channel = |own: u8, other: u8| {
            let mixed = (u16::from(own) * (100 - percent) + u16::from(other) * percent + 50) / 100;
            mixed as u8
        };
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    /// This colour, or the nearest one on its way to black or white that can be read on `ground`.
    #[must_use]
    pub fn readable_on(self, ground: Self) -> Self {
        self.towards(ground, READABLE)
    }

    fn towards(self, ground: Self, contrast: f64) -> Self {
        if self.contrast(ground) >= contrast {
            return self;
        }
        let end = if ground.contrast(Self::WHITE) > ground.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK };
        let steps = (1..=100).map(|percent| self.mixed(end, percent));
        steps.into_iter().find(|colour| colour.contrast(ground) >= contrast).unwrap_or(end)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// A text that is no [`Colour`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no colour; write it like `#1d4f91`")]
pub struct ColourError(String);

/// The colours of a mail, by day or in the dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Palette {
    /// Links and buttons.
    pub accent: Colour,
    /// Text.
    pub ink: Colour,
    /// What is behind the text.
    pub paper: Colour,
    /// Text that steps back: hosts, numbers, captions, the footer.
    pub muted: Colour,
    /// Rules between parts.
    pub line: Colour,
}

impl Palette {
    /// The colours by day where none are set.
    pub const LIGHT: Self = Self {
        accent: Colour(0x1b, 0x4f, 0x8f),
        ink: Colour(0x21, 0x1e, 0x1a),
        paper: Colour(0xff, 0xff, 0xff),
        muted: Colour(0x69, 0x63, 0x5a),
        line: Colour(0xde, 0xd9, 0xcf),
    };

    /// The colours in the dark where none are set.
    pub const DARK: Self = Self {
        accent: Colour(0x8f, 0xb9, 0xef),
        ink: Colour(0xe8, 0xe4, 0xdc),
        paper: Colour(0x18, 0x18, 0x19),
        muted: Colour(0xac, 0xa6, 0x9c),
        line: Colour(0x3d, 0x3b, 0x38),
    };

    /// The dark colours that go with light ones: an accent of one's own is lightened until it can be read.
    #[must_use]
    pub fn dark_of(light: &Self) -> Self {
        let accent = if light.accent == Self::LIGHT.accent { Self::DARK.accent } else { light.accent };
        Self { accent: accent.towards(Self::DARK.paper, IN_THE_DARK), ..Self::DARK }
    }

    /// What code and pictures that are not loaded stand on.
    pub fn panel(&self) -> Colour {
        self.paper.mixed(self.ink, 4)
    }

    /// The text on a button.
    pub fn on_accent(&self) -> Colour {
        let paper_is_clearer = self.paper.contrast(self.accent) >= self.ink.contrast(self.accent);
        let text = if paper_is_clearer { self.paper } else { self.ink };
        text.readable_on(self.accent)
    }

    /// Checks that all text can be read, WCAG's 4.5 to 1.
    pub fn check(&self) -> Result<(), ContrastError> {
        for (name, colour) in [("ink", self.ink), ("muted", self.muted), ("accent", self.accent)] {
            let ratio = colour.contrast(self.paper);
            if ratio < READABLE {
                let remedy = colour.readable_on(self.paper);
                return Err(ContrastError { name, colour, paper: self.paper, ratio, remedy });
            }
        }
        Ok(())
    }
}

/// Two colours that cannot be told apart well enough to read.
#[derive(Debug, thiserror::Error)]
#[error("{name} {colour} on paper {paper} has a contrast of {:.2} to 1; text needs 4.5 to 1", (ratio * 100.0).floor() / 100.0)]
pub struct ContrastError {
    /// `accent`, `ink` or `muted`.
    pub name: &'static str,
    /// That colour.
    pub colour: Colour,
    /// What it stands on.
    pub paper: Colour,
    /// Their contrast.
    pub ratio: f64,
    /// The nearest colour that can be read there.
    pub remedy: Colour,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).unwrap()
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let check = |one, two, ratio: f64| assert!((colour(one).contrast(colour(two)) - ratio).abs() < 0.01);
        check("#000", "#fff", 21.0);
        check("#777777", "#ffffff", 4.48);
        check("#ffffff", "#0000ff", 8.59);
    }

    #[test]
    fn only_hexadecimal_colours_are_read() {
        assert_eq!(colour("#aBc"), colour("#aabbcc"));
        for text in ["", "#", "red", "#12", "#12345", "#1234567", "#12345g", "#日本語"] {
            assert!(Colour::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_colour_can_be_mended() {
        for ground in ["#ffffff", "#000000", "#777777", "#1b4f8f", "#ffd700"] {
            for text in ["#ffffff", "#000000", "#7f7f7f", "#ff0000"] {
                assert!(colour(text).readable_on(colour(ground)).contrast(colour(ground)) >= READABLE);
            }
        }
    }

    #[test]
    fn our_own_colours_pass_with_room_for_the_panel() {
        for palette in [Palette::LIGHT, Palette::DARK] {
            palette.check().unwrap();
            for text in [palette.ink, palette.muted, palette.accent] {
                assert!(text.contrast(palette.panel()) >= READABLE, "{text} on {}", palette.panel());
            }
        }
    }
}
