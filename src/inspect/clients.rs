//! Which clients lack something that the email uses, by the data of caniemail.com.

mod allowed;
mod used;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::markup::{self, Kind};
use super::{Finding, Severity};
use allowed::ALLOWED;
use used::Use;

/// A client that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its name in the data: family and platform.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// The clients that readers use.
///
/// Left out are those without much data (QQ Mail and 163 have none), what was shut down (Windows Mail),
/// AOL, which is Yahoo, and French and Russian providers of whom few readers have an address.
pub const CLIENTS: [Client; 23] = [
    client("gmail.desktop-webmail", "Gmail"),
    client("gmail.android", "Gmail on Android"),
    client("gmail.ios", "Gmail on iOS"),
    client("gmail.mobile-webmail", "Gmail on the mobile web"),
    client("apple-mail.ios", "Apple Mail on iOS"),
    client("apple-mail.macos", "Apple Mail on macOS"),
    client("outlook.windows", "Outlook on Windows (classic)"),
    client("outlook.outlook-com", "Outlook.com and new Outlook"),
    client("outlook.macos", "Outlook on macOS"),
    client("outlook.ios", "Outlook on iOS"),
    client("outlook.android", "Outlook on Android"),
    client("yahoo.desktop-webmail", "Yahoo Mail"),
    client("yahoo.android", "Yahoo Mail on Android"),
    client("yahoo.ios", "Yahoo Mail on iOS"),
    client("samsung-email.android", "Samsung Email"),
    client("thunderbird.macos", "Thunderbird"),
    client("protonmail.desktop-webmail", "Proton Mail"),
    client("protonmail.android", "Proton Mail on Android"),
    client("protonmail.ios", "Proton Mail on iOS"),
    client("fastmail.desktop-webmail", "Fastmail"),
    client("hey.desktop-webmail", "HEY"),
    client("gmx.desktop-webmail", "GMX"),
    client("web-de.desktop-webmail", "WEB.DE"),
];

const fn client(id: &'static str, name: &'static str) -> Client {
    Client { id, name }
}

/// Something that clients support or not.
#[derive(Debug, Deserialize)]
pub struct Feature {
    /// Its name in addresses, `css-display-grid`.
    pub slug: String,
    /// Its name, `display:grid`.
    pub title: String,
    /// `html`, `css`, `image` or `others`.
    pub category: String,
    /// For each client of the data `y`, `n`, `a` (in part) or `u` (unknown), with the numbers of notes.
    support: String,
    /// What the numbers mean.
    #[serde(default)]
    notes: BTreeMap<String, String>,
}

impl Feature {
    /// Where the data can be read.
    pub fn url(&self) -> String {
        format!("https://www.caniemail.com/features/{}/", self.slug)
    }
}

/// The data, made by `caniemail/update`.
#[derive(Debug, Deserialize, Default)]
struct Data {
    version: String,
    updated: String,
    clients: Vec<String>,
    features: Vec<Feature>,
}

/// Read once; that it can be read, and has all clients, is tested.
static DATA: LazyLock<Data> =
    LazyLock::new(|| serde_json::from_str(include_str!("caniemail/features.json")).unwrap_or_default());

/// The version of the data and its day: `caniemail 2.0.2, 2026-05-13`.
pub fn data_version() -> String {
    format!("caniemail {}, {}", DATA.version, DATA.updated)
}

impl Data {
    /// What a client makes of a feature; nothing where all is well or unknown.
    fn lack(&self, feature: &'static Feature, client: &Client, used: &Use) -> Option<Lack> {
        let column = self.clients.iter().position(|id| id == client.id)?;
        let word = feature.support.split(' ').nth(column)?;
        let (kind, numbers) = word.split_at_checked(1)?;
        let unsupported = match kind {
            "n" => true,
            "a" => false,
            _ => return None,
        };
        let notes = numbers.split(',').filter_map(|number| feature.notes.get(number)).map(String::as_str).collect();
        let allowed = ALLOWED.iter().find(|allowed| allowed.covers(&feature.slug, client.id, used));
        Some(Lack { client: *client, unsupported, notes, accepted: allowed.map(|allowed| allowed.reason) })
    }
}

/// A client that does not support a feature, or only in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The client.
    pub client: Client,
    /// Not at all; otherwise in part.
    pub unsupported: bool,
    /// What the data says about it, Markdown.
    pub notes: Vec<&'static str>,
    /// Why the email is good without it, where somebody thought about it.
    pub accepted: Option<&'static str>,
}

/// A feature that the email uses and some clients lack.
#[derive(Debug, Clone)]
pub struct Gap {
    /// The feature.
    pub feature: &'static Feature,
    /// Who lacks it.
    pub lacks: Vec<Lack>,
    /// Where the HTML uses it first.
    pub at: usize,
    /// How often it does.
    pub uses: usize,
}

/// Everything in the email that some client lacks, accepted or not, in the order of the HTML.
pub fn gaps(html: &str) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for (slug, used) in used::features(html) {
        let Some(feature) = DATA.features.iter().find(|feature| feature.slug == slug) else { continue };
        let lacks: Vec<Lack> = CLIENTS.iter().filter_map(|client| DATA.lack(feature, client, &used)).collect();
        if !lacks.is_empty() {
            gaps.push(Gap { feature, lacks, at: used.at, uses: used.count });
        }
    }
    gaps.sort_by_key(|gap| gap.at);
    gaps
}

/// Gaps that nobody accepted.
pub(super) fn check(html: &str) -> Vec<Finding> {
    let finding = |gap: &Gap, unsupported: bool| {
        let lacks: Vec<&Lack> =
            gap.lacks.iter().filter(|lack| lack.accepted.is_none() && lack.unsupported == unsupported).collect();
        let clients: Vec<&'static str> = lacks.iter().map(|lack| lack.client.name).collect();
        let (rule, severity, verb) = match unsupported {
            true => ("email-unsupported", Severity::Warning, "unknown to"),
            false => ("email-partly-supported", Severity::Note, "known in part only to"),
        };
        let uses = if gap.uses > 1 { format!(", used {} times,", gap.uses) } else { String::new() };
        let message = format!("`{}`{uses} is {verb} {}", gap.feature.title, clients.join(", "));
        let note = lacks.iter().find_map(|lack| Some((lack.client.name, lack.notes.first()?)));
        let note = note.map_or_else(
            || "see that nothing depends on it, or do without".to_owned(),
            |(name, note)| format!("{name}: {}", note.trim_end_matches('.')),
        );
        let hint = format!("{note}; see {}", gap.feature.url());
        let found = !clients.is_empty();
        found.then(|| Finding { clients, ..Finding::new(rule, severity, gap.at, message, hint) })
    };
    let gaps = gaps(html);
    let found = gaps.iter().flat_map(|gap| [finding(gap, true), finding(gap, false)]).flatten();
    found.chain(style_too_large(html)).collect()
}

/// Bytes of all style blocks together beyond which Gmail drops them (email-bugs#90).
const STYLE_LIMIT: usize = 16 * 1024;

fn style_too_large(html: &str) -> Option<Finding> {
    let blocks = || markup::read(html).filter(|piece| matches!(piece.kind, Kind::Raw(_)));
    let bytes: usize = blocks().map(|piece| piece.span.len()).sum();
    let at = blocks().next()?.span.start;
    let clients = CLIENTS.iter().filter(|client| client.id.starts_with("gmail.")).map(|client| client.name).collect();
    let message = format!("the style block has {} KB, more than {}", bytes.div_ceil(1024), STYLE_LIMIT / 1024);
    let hint = "Gmail drops all of it; keep media queries there, and nothing else";
    let found = Finding::new("email-style-size", Severity::Warning, at, message, hint);
    (bytes > STYLE_LIMIT).then_some(Finding { clients, ..found })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{ALLOWED, CLIENTS, DATA, Use};

    #[test]
    fn the_data_knows_every_client_and_many_features() {
        assert!(DATA.features.len() > 300);
        for client in &CLIENTS {
            assert!(DATA.clients.iter().any(|id| id == client.id), "{}", client.id);
        }
        for feature in &DATA.features {
            assert_eq!(feature.support.split(' ').count(), DATA.clients.len(), "{}", feature.slug);
        }
    }

    #[test]
    fn what_is_accepted_is_lacking_in_each_client_named() {
        let used = Use { at: 0, count: 1, inline: false, ways: HashSet::new() };
        for allowed in &ALLOWED {
            let feature = DATA.features.iter().find(|feature| feature.slug == allowed.feature);
            assert!(feature.is_some(), "{} is no feature", allowed.feature);
            for pattern in allowed.clients {
                let family = pattern.trim_end_matches('*');
                let named = CLIENTS.iter().filter(|client| client.id.starts_with(family));
                let lacking = named.filter(|client| feature.is_some_and(|it| DATA.lack(it, client, &used).is_some()));
                assert!(lacking.count() > 0, "{} is no gap of {pattern}", allowed.feature);
            }
        }
    }
}
