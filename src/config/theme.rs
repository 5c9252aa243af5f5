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

/// Checks a theme; the style sheet's file lies beside the configuration, in `folder`.
pub(super) fn theme(section: &ThemeSection, folder: &Path) -> Result<Theme, Wrong> {
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
        sheet: section.css.as_deref().map(|file| sheet(folder, file)).transpose()?.unwrap_or_default(),
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

fn sheet(folder: &Path, file: &Path) -> Result<Sheet, Wrong> {
    let path = folder.join(file);
    let css = fs::read_to_string(&path)
        .map_err(|error| (format!("[theme] css: `{}` cannot be read: {error}", path.display()), None))?;
    let sheet =
        Sheet::parse(&css).map_err(|error| (format!("[theme] css: `{}` is broken, {error}", path.display()), None))?;
    Ok(sheet.named(&file.to_string_lossy()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(text: &str, folder: &Path) -> Result<Theme, Wrong> {
        theme(&toml::from_str(text).unwrap(), folder)
    }

    fn wrong(text: &str) -> Wrong {
        read(text, Path::new("")).unwrap_err()
    }

    #[test]
    fn what_is_set_is_taken_and_the_rest_is_ours() {
        let text = "accent = '#7a1f3d'\nwidth = 680\ndensity = 'compact'\nlayout = 'letter'\ntext_font = \"\\\"Gill Sans\\\", serif\"\n\
            logo = { url = 'https://img.example.org/logo.png', alt = 'Weekly', width = 180 }\n[dark]\npaper = '#000'";
        let theme = read(text, Path::new("")).unwrap();
        assert_eq!((theme.width, theme.density, theme.layout), (680, Density::Compact, Some(Layout::Letter)));
        assert_eq!(theme.text_font, Font::Own("'Gill Sans', serif".into()));
        assert_eq!(theme.light.ink, Palette::LIGHT.ink);
        assert_eq!(theme.dark.paper.to_string(), "#000000");
        assert!(theme.dark.accent.contrast(theme.dark.paper) > 6.0, "the accent is lightened: {}", theme.dark.accent);
        assert_eq!(read("", Path::new("")).unwrap(), Theme::default());
    }

    #[test]
    fn colours_that_cannot_be_read_are_refused_with_one_that_can() {
        let (what, hint) = wrong("accent = '#ffcc00'");
        assert_eq!(what, "[theme] accent #ffcc00 on paper #ffffff has a contrast of 1.51 to 1; text needs 4.5 to 1");
        let hint = hint.unwrap();
        let remedy = hint.split('"').nth(1).unwrap();
        assert!(read(&format!("accent = '{remedy}'"), Path::new("")).is_ok(), "{hint}");
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
            ("css = 'nowhere.css'", "cannot be read"),
        ] {
            let (what, _) = wrong(text);
            assert!(what.contains(expected), "{text}: {what}");
        }
    }

    #[test]
    fn a_style_sheet_lies_beside_the_configuration_and_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mail.css"), "h1 { color: #123456 }").unwrap();
        assert_eq!(read("css = 'mail.css'", folder.path()).unwrap().sheet.rules, "h1 { color: #123456 }\n");
        fs::write(folder.path().join("mail.css"), "h1 {\n color #123456 }").unwrap();
        let (what, _) = read("css = 'mail.css'", folder.path()).unwrap_err();
        assert!(what.contains("mail.css` is broken, line 2: `color` has no `:`"), "{what}");
    }
}
