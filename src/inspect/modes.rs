//! The colours that clients make of an email: as it is, dark as its author wants it, dark by force.

use std::fmt;

use super::colour::Colour;
use super::css;
use super::edits::Edits;
use super::markup::{self, Kind, Tag};
use super::media::{self, Scheme};

/// How a client shows colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// As they are.
    Light,
    /// By the author's `prefers-color-scheme: dark` (Apple Mail, Samsung Email, Thunderbird).
    AuthorDark,
    /// By force.
    Forced(Force),
}

/// How a client makes an email dark by force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Force {
    /// Light backgrounds darkened, dark text lightened, the rest left (Outlook.com, new Outlook, Gmail on Android).
    Partial,
    /// Every colour turned round, dark backgrounds become light too (Gmail on iOS, classic Outlook).
    Full,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Light, Self::AuthorDark, Self::Forced(Force::Partial), Self::Forced(Force::Full)];

    /// The email as it is shown in this mode.
    pub fn of(self, html: &str) -> String {
        match self {
            Self::Light => light(html),
            Self::AuthorDark => author_dark(html),
            Self::Forced(force) => forced_dark(html, force),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::AuthorDark => "author's dark",
            Self::Forced(Force::Partial) => "forced dark, partial",
            Self::Forced(Force::Full) => "forced dark, full",
        })
    }
}

/// The email in its light colours, whatever the screen prefers.
pub fn light(html: &str) -> String {
    settle(html, Scheme::Light)
}

/// The email in its author's dark colours, whatever the screen prefers.
pub fn author_dark(html: &str) -> String {
    settle(html, Scheme::Dark)
}

/// Makes queries for the preferred scheme hold or fail for good.
fn settle(html: &str, scheme: Scheme) -> String {
    let word = match scheme {
        Scheme::Light => "light",
        Scheme::Dark => "dark",
    };
    let mut edits = Edits::default();
    for piece in markup::read(html) {
        match piece.kind {
            Kind::Raw(css) => {
                let offset = piece.span.start;
                for (at, prelude) in css::sheet(css).at_rules {
                    for (span, text) in media::settled(prelude, scheme) {
                        edits.replace(offset + at + span.start..offset + at + span.end, text);
                    }
                }
                edits.restyle_sheet(css, offset, |_, declaration| {
                    declaration.is("color-scheme").then(|| word.to_owned())
                });
            }
            Kind::Open(tag) => {
                let scheme_meta = ["color-scheme", "supported-color-schemes"];
                if tag.is("meta")
                    && scheme_meta.iter().any(|name| tag.value("name") == Some(name))
                    && let Some(content) = tag.attribute("content")
                {
                    edits.replace(content.value_span.clone(), word);
                }
                edits.restyle(&tag, |declaration| declaration.is("color-scheme").then(|| word.to_owned()));
                if let Some(media) = tag.attribute("media") {
                    for (span, text) in media::settled(&media.value, scheme) {
                        let start = media.value_span.start;
                        edits.replace(start + span.start..start + span.end, text);
                    }
                }
            }
            _ => {}
        }
    }
    edits.apply(html)
}

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Text,
    Surface,
    Line,
}

/// CIELAB lightness of `#333333`, on which Microsoft's own editor turns colours dark.
const OUTLOOK_BASE: f64 = 21.247;

/// Half-way between black and white: what is above counts as light.
const MIDDLE: f64 = 50.0;

impl Force {
    /// What becomes of a colour.
    ///
    /// Neither client publishes its transform. `Partial` is that of roosterjs, the editor under Outlook on the web
    /// (`getDarkColor`: lightness turned round above that of `#333333`), kept to light surfaces and dark text as
    /// readers see it. `Full` is that of Chromium's forced dark (`kInvertLightnessLAB`: 110 − L*, at most 100),
    /// which stands in for Gmail's on iOS: both turn every colour round and keep its hue.
    fn turn(self, role: Role, colour: Colour) -> Colour {
        let lightness = colour.lightness();
        let turned = match self {
            Self::Full => (110.0 - lightness).min(100.0),
            Self::Partial => (100.0 - lightness) * (100.0 - OUTLOOK_BASE) / 100.0 + OUTLOOK_BASE,
        };
        let left = self == Self::Partial
            && match role {
                Role::Text => lightness > MIDDLE,
                Role::Surface => lightness <= MIDDLE,
                Role::Line => false,
            };
        if left || colour.alpha == 0.0 { colour } else { colour.with_lightness(turned) }
    }

    /// The value of a property with its colours turned; none where it has none.
    fn restyled(self, property: &str, value: &str) -> Option<String> {
        let role = role(&property.to_ascii_lowercase())?;
        let mut edits = Edits::default();
        let mut found = false;
        for (at, word) in css::split(value, b' ') {
            if let Some(colour) = Colour::parse(word) {
                let turned = self.turn(role, colour);
                found |= turned != colour;
                edits.replace(at..at + word.len(), turned.to_string());
            }
        }
        found.then(|| edits.apply(value))
    }
}

fn role(property: &str) -> Option<Role> {
    match property {
        "color" | "text-decoration" | "text-decoration-color" => Some(Role::Text),
        "background" | "background-color" => Some(Role::Surface),
        _ if property.starts_with("border") || property.starts_with("outline") => Some(Role::Line),
        _ => None,
    }
}

/// The email as a client shows it that darkens by force.
///
/// Such clients know no `prefers-color-scheme`, so the light colours are what they turn.
/// Those that leave `data-ogsc` and `data-ogsb` behind (Outlook.com) let rules for them have their own way.
pub fn forced_dark(html: &str, force: Force) -> String {
    let html = light(html);
    let mut edits = Edits::default();
    let paper = |role, code| force.turn(role, Colour::rgb(code));
    let outside = format!(
        "<style>html{{background-color:{};color:{}}}a{{color:{}}}</style>",
        paper(Role::Surface, 0xffffff),
        paper(Role::Text, 0x000000),
        paper(Role::Text, 0x0000ee),
    );
    edits.insert_into_head(&html, &outside);
    for piece in markup::read(&html) {
        match piece.kind {
            Kind::Raw(css) => edits.restyle_sheet(css, piece.span.start, |rule, declaration| {
                let own = rule.prelude.contains("data-ogs");
                if own { None } else { force.restyled(declaration.name, declaration.value) }
            }),
            Kind::Open(tag) => darken(&mut edits, force, &tag, piece.span.start),
            _ => {}
        }
    }
    edits.apply(&html)
}

/// Turns the colours of one tag, and marks it as Outlook.com does.
fn darken(edits: &mut Edits, force: Force, tag: &Tag<'_>, at: usize) {
    let (mut text, mut surface) = (tag.is("body"), tag.is("body"));
    edits.restyle(tag, |declaration| {
        let value = force.restyled(declaration.name, declaration.value);
        text |= value.is_some() && declaration.is("color");
        surface |= value.is_some() && role(&declaration.name.to_ascii_lowercase()) == Some(Role::Surface);
        value
    });
    let attributes = [("bgcolor", Role::Surface), ("color", Role::Text), ("text", Role::Text), ("link", Role::Text)];
    for (name, role) in attributes {
        let attribute = tag.attribute(name);
        if let Some((attribute, colour)) = attribute.and_then(|own| Some((own, Colour::parse(&own.value)?))) {
            let turned = force.turn(role, colour);
            text |= role == Role::Text && turned != colour;
            surface |= role == Role::Surface && turned != colour;
            edits.replace(attribute.value_span.clone(), turned.to_string());
        }
    }
    if force == Force::Partial {
        let marks = [(text, " data-ogsc=\"\""), (surface, " data-ogsb=\"\"")];
        let marks: String = marks.into_iter().filter(|(marked, _)| *marked).map(|(_, mark)| mark).collect();
        let end = at + 1 + tag.name.len();
        if !marks.is_empty() {
            edits.replace(end..end, marks);
        }
    }
}
