//! `[newsletter.SLUG.theme]`: how a newsletter's mail looks.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::file::Number;
use crate::theme::{Colour, Density, Font, Layout, Logo, Palette, Sheet, Theme};

/// Widths that mail programs show well, in CSS pixels.
const WIDTHS: std::ops::RangeInclusive<f64> = 480.0..=720.0;

/// The section as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThemeSection {
    accent: Option<String>,
    ink: Option<String>,
    paper: Option<String>,
    muted: Option<String>,
    line: Option<String>,
    #[serde(default)]
    dark: DarkSection,
    text_font: Option<String>,
    title_font: Option<String>,
    logo: Option<LogoSection>,
    width: Option<Number>,
    density: Option<DensityWord>,
    layout: Option<LayoutWord>,
    css: Option<PathBuf>,
}

impl ThemeSection {
    /// The file of the style sheet; it lies beside the configuration, in `folder`.
    pub(super) fn css(&self, folder: &Path) -> Option<PathBuf> {
        self.css.as_ref().map(|file| folder.join(file))
    }

    /// Reads the style sheet; without one, an empty one.
    pub(super) fn sheet(&self, folder: &Path) -> Result<Sheet, BrokenSheet> {
        let Some(css) = &self.css else { return Ok(Sheet::default()) };
        let file = folder.join(css);
        let broken = |line, what| BrokenSheet { file: file.clone(), line, what };
        let text = fs::read_to_string(&file).map_err(|error| broken(None, format!("cannot be read: {error}")))?;
        let sheet = Sheet::parse(&text)
            .map_err(|error| broken(usize::try_from(error.line).ok(), format!("is broken, {error}")))?;
        Ok(sheet.named(&css.to_string_lossy()))
    }
}

/// The colours in the dark.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DarkSection {
    accent: Option<String>,
    ink: Option<String>,
    paper: Option<String>,
    muted: Option<String>,
    line: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = r#"`logo = { url = "https://…", alt = "…", width = 180 }`"#)]
struct LogoSection {
    url: String,
    alt: String,
    width: Number,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DensityWord {
    Comfortable,
    Compact,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LayoutWord {
    Auto,
    Roundup,
    Letter,
}

/// What is wrong with a theme, and the remedy.
pub(super) type Wrong = (String, Option<String>);

/// Why there is no style sheet.
#[derive(Debug)]
pub(super) struct BrokenSheet {
    pub(super) file: PathBuf,
    /// From 1, where it is in a line.
    pub(super) line: Option<usize>,
    pub(super) what: String,
}

/// Checks a theme, but for its style sheet, which is empty here.
pub(super) fn theme(section: &ThemeSection) -> Result<Theme, Wrong> {
    let font = |key: &str, font: &Option<String>, default: Font| match font {
        Some(text) => Font::parse(text).map_err(|error| (format!("[theme] {key}: {error}"), None)),
        None => Ok(default),
    };
    let plain = Theme::default();
    let width = number("width", section.width.as_ref(), plain.width, WIDTHS)?;
    let (light, dark) = palettes(section)?;
    Ok(Theme {
        light,
        dark,
        text_font: font("text_font", &section.text_font, plain.text_font)?,
        title_font: font("title_font", &section.title_font, plain.title_font)?,
        logo: section.logo.as_ref().map(|written| logo(written, width)).transpose()?,
        width,
        density: match section.density {
            Some(DensityWord::Compact) => Density::Compact,
            Some(DensityWord::Comfortable) | None => Density::Comfortable,
        },
        layout: match section.layout {
            Some(LayoutWord::Roundup) => Some(Layout::Roundup),
            Some(LayoutWord::Letter) => Some(Layout::Letter),
            Some(LayoutWord::Auto) | None => None,
        },
        sheet: Sheet::default(),
    })
}

/// The colours by day and in the dark, each set of them readable.
fn palettes(section: &ThemeSection) -> Result<(Palette, Palette), Wrong> {
    let mut light = Palette::LIGHT;
    for (key, written, colour) in [
        ("accent", &section.accent, &mut light.accent),
        ("ink", &section.ink, &mut light.ink),
        ("paper", &section.paper, &mut light.paper),
        ("muted", &section.muted, &mut light.muted),
        ("line", &section.line, &mut light.line),
    ] {
        set("theme", key, written.as_deref(), colour)?;
    }
    readable("theme", &light)?;
    let mut dark = Palette::dark_of(&light);
    let own = &section.dark;
    for (key, written, colour) in [
        ("accent", &own.accent, &mut dark.accent),
        ("ink", &own.ink, &mut dark.ink),
        ("paper", &own.paper, &mut dark.paper),
        ("muted", &own.muted, &mut dark.muted),
        ("line", &own.line, &mut dark.line),
    ] {
        set("theme.dark", key, written.as_deref(), colour)?;
    }
    readable("theme.dark", &dark)?;
    Ok((light, dark))
}

fn set(section: &str, key: &str, written: Option<&str>, colour: &mut Colour) -> Result<(), Wrong> {
    if let Some(text) = written {
        *colour = Colour::parse(text).map_err(|error| (format!("[{section}] {key}: {error}"), None))?;
    }
    Ok(())
}

fn readable(section: &str, palette: &Palette) -> Result<(), Wrong> {
    palette.check().map_err(|error| {
        let hint = format!("`{} = \"{}\"` would do, or another paper", error.name, error.remedy);
        (format!("[{section}] {error}"), Some(hint))
    })
}

fn logo(written: &LogoSection, column: u16) -> Result<Logo, Wrong> {
    let fine = written.url.starts_with("https://") && written.url.len() > 8;
    if !fine || written.url.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"".contains(c)) {
        return Err((format!("[theme] logo: `{}` is no https address", written.url), None));
    }
    if written.alt.trim().is_empty() || written.alt.chars().any(char::is_control) {
        let hint = "write the newsletter's name; it stands there where pictures are not loaded";
        return Err(("[theme] logo: there is no `alt`".into(), Some(hint.into())));
    }
    let width = number("logo width", Some(&written.width), 0, 16.0..=f64::from(column.saturating_sub(48)))?;
    Ok(Logo { url: written.url.clone(), alt: written.alt.trim().to_owned(), width })
}

fn number(
    key: &str,
    written: Option<&Number>,
    default: u16,
    range: std::ops::RangeInclusive<f64>,
) -> Result<u16, Wrong> {
    match written {
        None => Ok(default),
        Some(Number(number)) if range.contains(number) => Ok(*number as u16),
        Some(Number(number)) => {
            Err((format!("[theme] {key}: {number} is not between {} and {}", range.start(), range.end()), None))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Theme, Wrong> {
        theme(&toml::from_str(text).unwrap())
    }

    fn wrong(text: &str) -> Wrong {
        read(text).unwrap_err()
    }

    #[test]
    fn what_is_set_is_taken_and_the_rest_is_ours() {
        let text = "accent = '#7a1f3d'\nwidth = 680\ndensity = 'compact'\nlayout = 'letter'\ntext_font = \"\\\"Gill Sans\\\", serif\"\n\
            logo = { url = 'https://img.example.org/logo.png', alt = 'Weekly', width = 180 }\n[dark]\npaper = '#000'";
        let theme = read(text).unwrap();
        assert_eq!((theme.width, theme.density, theme.layout), (680, Density::Compact, Some(Layout::Letter)));
        assert_eq!(theme.text_font, Font::Own("'Gill Sans', serif".into()));
        assert_eq!(theme.light.ink, Palette::LIGHT.ink);
        assert_eq!(theme.dark.paper.to_string(), "#000000");
        assert!(theme.dark.accent.contrast(theme.dark.paper) > 6.0, "the accent is lightened: {}", theme.dark.accent);
        assert_eq!(read("").unwrap(), Theme::default());
    }

    #[test]
    fn colours_that_cannot_be_read_are_refused_with_one_that_can() {
        let (what, hint) = wrong("accent = '#ffcc00'");
        assert_eq!(what, "[theme] accent #ffcc00 on paper #ffffff has a contrast of 1.51 to 1; text needs 4.5 to 1");
        let hint = hint.unwrap();
        let remedy = hint.split('"').nth(1).unwrap();
        assert!(read(&format!("accent = '{remedy}'")).is_ok(), "{hint}");
        assert!(wrong("paper = '#202020'").0.contains("ink"), "paper alone would hide the text");
        assert!(wrong("[dark]\nink = '#333'").0.starts_with("[theme.dark] ink"));
        assert!(wrong("muted = 'grey'").0.contains("is no colour"));
    }

    #[test]
    fn an_address_alone_is_no_logo_and_the_error_says_what_is() {
        let error = toml::from_str::<ThemeSection>("logo = 'https://a.example/l.png'").err().unwrap().to_string();
        assert!(error.contains("expected `logo = { url = \"https://…\", alt = \"…\", width = 180 }`"), "{error}");
    }

    #[test]
    fn what_no_mail_could_show_is_refused() {
        for (text, expected) in [
            ("width = 900", "not between 480 and 720"),
            ("text_font = 'x; color: red'", "is no font"),
            ("logo = { url = 'http://a.example/l.png', alt = 'A', width = 90 }", "is no https address"),
            ("logo = { url = 'https://a.example/l.png', alt = ' ', width = 90 }", "no `alt`"),
            ("logo = { url = 'https://a.example/l.png', alt = 'A', width = 900 }", "not between 16 and 552"),
        ] {
            let (what, _) = wrong(text);
            assert!(what.contains(expected), "{text}: {what}");
        }
    }

    #[test]
    fn a_style_sheet_lies_beside_the_configuration_and_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mail.css"), "h1 { color: #123456 }").unwrap();
        let section: ThemeSection = toml::from_str("css = 'mail.css'").unwrap();
        assert_eq!(section.sheet(folder.path()).unwrap().rules, "h1 { color: #123456 }\n");
        fs::write(folder.path().join("mail.css"), "h1 {\n color #123456 }").unwrap();
        let BrokenSheet { file, line, what } = section.sheet(folder.path()).unwrap_err();
        assert_eq!((file, line), (folder.path().join("mail.css"), Some(2)));
        assert!(what.contains("is broken, line 2: `color` has no `:`"), "{what}");
        let nowhere: ThemeSection = toml::from_str("css = 'nowhere.css'").unwrap();
        let BrokenSheet { file, line, what } = nowhere.sheet(folder.path()).unwrap_err();
        assert_eq!((file, line), (folder.path().join("nowhere.css"), None));
        assert!(what.contains("cannot be read"), "{what}");
    }
}
