//! `masthead.toml` as it is written: its sections, and the forms of their values, which the environment gives as text.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::Secret;
use super::theme::ThemeSection;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) data: Option<PathBuf>,
    #[serde(default)]
    pub(super) database: DatabaseSection,
    #[serde(default)]
    pub(super) smtp: SmtpSection,
    #[serde(default)]
    pub(super) send: SendSection,
    #[serde(default)]
    pub(super) web: WebSection,
    #[serde(default)]
    pub(super) check: CheckSection,
    pub(super) dkim: Option<DkimSection>,
    #[serde(default)]
    pub(super) newsletter: BTreeMap<String, NewsletterSection>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatabaseSection {
    pub(super) url: Option<Secret>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SmtpSection {
    pub(super) url: Option<Secret>,
    pub(super) connections: Option<Number>,
    pub(super) window: Option<Number>,
    pub(super) pipelining: Option<Switch>,
    pub(super) messages: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendSection {
    pub(super) rate: Option<Number>,
    pub(super) retry: Option<List>,
    pub(super) give_up_after: Option<Span>,
    pub(super) breaker: Option<Number>,
    pub(super) patience: Option<Span>,
    pub(super) probe: Option<Span>,
    pub(super) throttled: Option<Span>,
    pub(super) wait: Option<Span>,
    pub(super) operator: Option<String>,
    pub(super) approval: Option<Switch>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebSection {
    pub(super) base_url: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) trusted_proxies: Option<List>,
    pub(super) signups_per_hour: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckSection {
    #[serde(default)]
    pub(super) rules: BTreeMap<String, Level>,
    pub(super) allow_links: Option<List>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DkimSection {
    pub(super) selector: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) key_file: Option<PathBuf>,
}

/// How much a rule's findings matter.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Off,
    Note,
    Warning,
    Error,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewsletterSection {
    pub(super) name: String,
    pub(super) from: String,
    pub(super) reply_to: Option<String>,
    pub(super) postal_address: Option<String>,
    pub(super) language: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) welcome: Option<Switch>,
    pub(super) goodbye: Option<Switch>,
    pub(super) dkim: Option<DkimSection>,
    #[serde(default)]
    pub(super) theme: ThemeSection,
}

/// A number, which the environment gives as text.
pub(super) struct Number(pub(super) f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number")]
        enum Form {
            Number(f64),
            Text(String),
        }
        let number = match Form::deserialize(deserializer)? {
            Form::Number(number) => number,
            Form::Text(text) => text
                .trim()
                .trim_end_matches("/s")
                .parse()
                .map_err(|_| serde::de::Error::custom(format!("`{text}` is no number")))?,
        };
        match number {
            0.0.. if number.is_finite() => Ok(Self(number)),
            _ => Err(serde::de::Error::custom(format!("`{number}` must be 0 or more"))),
        }
    }
}

/// Yes or no, which the environment gives as text.
pub(super) struct Switch(pub(super) bool);

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "true or false")]
        enum Form {
            Switch(bool),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Switch(switch) => Ok(Self(switch)),
            Form::Text(text) => text
                .trim()
                .parse()
                .map(Self)
                .map_err(|_| serde::de::Error::custom(format!("`{text}` is neither true nor false"))),
        }
    }
}

/// A list of texts, which the environment gives with commas.
pub(super) struct List(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a list of texts")]
        enum Form {
            List(Vec<String>),
            Text(String),
        }
        Ok(Self(match Form::deserialize(deserializer)? {
            Form::List(list) => list,
            Form::Text(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        }))
    }
}

/// A duration as people write it.
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Reads `90s`, `15m`, `48h`, `2d` or `250ms`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(format!("`{text}` is no duration; write it like `90s`, `15m` or `48h`")),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * seconds).ok())
        .ok_or_else(|| format!("`{text}` is no duration; write it like `90s`, `15m` or `48h`"))
}
