//! Front matter: what the editor wrote about the issue above its text.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use time::Date;

use super::{Extra, ParseError, dates};
use crate::theme::Layout;

/// What front matter says; every field may be missing.
#[derive(Debug, Default)]
pub(super) struct FrontMatter {
    /// Empty where it says that there is none.
    pub(super) newsletter: Option<String>,
    pub(super) title: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) number: Option<u32>,
    pub(super) date: Option<Date>,
    pub(super) preheader: Option<String>,
    pub(super) layout: Option<Layout>,
    pub(super) language: Option<String>,
    pub(super) extra: Vec<Extra>,
}

/// Splits `text` into its front matter and the number of lines that it takes.
///
/// Three forms: YAML between `---`, TOML between `+++`, and bare `Title: …` lines up to a blank one.
pub(super) fn split(text: &str) -> Result<(FrontMatter, usize), ParseError> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let written = match first.trim_end() {
        "---" => yaml(lines)?,
        "+++" => toml(lines)?,
        _ => headers(text.lines()),
    };
    let Some((written, length)) = written else { return Ok((FrontMatter::default(), 0)) };
    Ok((written.check(text)?, length))
}

fn yaml<'t>(lines: impl Iterator<Item = &'t str> + Clone) -> Result<Option<(Written, usize)>, ParseError> {
    // a thematic break stands before prose or a blank line, front matter before `key:`
    let begun = lines.clone().find(|line| !line.trim_start().starts_with('#')).unwrap_or_default();
    let closing = |line: &&str| matches!(line.trim_end(), "---" | "...");
    let empty = closing(&begun);
    if !empty && key(begun).is_none() {
        return Ok(None);
    }
    let Some(length) = lines.clone().position(|line| closing(&line)) else {
        return Err(unclosed("---"));
    };
    let inner: String = lines.take(length).flat_map(|line| [line, "\n"]).collect();
    let mut written = from_yaml(&inner).map_err(|error| ParseError {
        line: 1 + error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1)),
        what: format!("the front matter is no YAML: {}", first_line(&error.without_snippet().to_string())),
        hint: "write `key: value`, with quotes around a value that has `: ` or ` #` in it".into(),
    })?;
    written.extra = kept_lines(&inner, &written.keys).unwrap_or_else(|| {
        let values: serde_json::Map<String, Value> = serde_saphyr::from_str(&inner).unwrap_or_default();
        kept(values.into_iter().map(|(key, value)| (key.clone(), pair(&key, &value))))
    });
    Ok(Some((written, length + 2)))
}

fn from_yaml(text: &str) -> Result<Written, serde_saphyr::Error> {
    match text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
        true => Ok(Written::default()),
        false => serde_saphyr::from_str(text),
    }
}

/// The lines of YAML that say more than an [`Issue`](super::Issue) has fields for, letter for letter: keys of other
/// programs with all that is nested in them, and comments.
///
/// None where its lines are not what its `keys` are, as in `{title: Moss, author: Ada}`.
fn kept_lines(text: &str, keys: &[String]) -> Option<Vec<Extra>> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let begun = match line.chars().next() {
            Some('#') => Some(String::new()),
            Some(' ' | '\t' | '\n' | '-') => None,
            _ => line.split_once(':').map(|(key, _)| key.trim().trim_matches(['"', '\'']).to_owned()),
        };
        match (begun, entries.last_mut()) {
            (Some(key), _) => entries.push((key, line.to_owned())),
            (None, Some((_, text))) => text.push_str(line),
            (None, None) if line.trim().is_empty() => {}
            (None, None) => return None,
        }
    }
    if !entries.iter().map(|(key, _)| key).filter(|key| !key.is_empty()).eq(keys) {
        return None;
    }
    let kept = kept(entries.into_iter());
    let text: String = kept.iter().flat_map(|extra| [extra.text.as_str(), "\n"]).collect();
    let alone = from_yaml(&text).ok()?.keys;
    kept.iter().map(|extra| &extra.key).filter(|key| !key.is_empty()).eq(&alone).then_some(kept)
}

/// Those of the written keys and lines that say more than an [`Issue`](super::Issue) has fields for.
fn kept(entries: impl Iterator<Item = (String, String)>) -> Vec<Extra> {
    let mut said: Vec<&str> = Vec::new();
    let mut says_more = |key: &str, text: &str| {
        let Some(name) = Key::read(key).map(Key::name) else { return true };
        let first = !said.contains(&name);
        said.push(name);
        let timed = name == "date" && text.matches(':').nth(1).is_some();
        let others =
            name == "layout" && text.split_once(':').and_then(|(_, text)| Layout::parse(text.trim())).is_none();
        !first || timed || others || !key.eq_ignore_ascii_case(name)
    };
    let entries = entries.filter(|(key, text)| says_more(key, text));
    entries.map(|(key, text)| Extra { key, text: text.trim_end().to_owned() }).collect()
}

/// A line of YAML.
pub(super) fn pair(key: &str, value: &Value) -> String {
    let written = |value: &str| format!("{}: {value}", if is_word(key) { key.to_owned() } else { quoted(key) });
    let Value::String(text) = value else { return written(&value.to_string()) };
    let plain = written(text);
    let read: Option<BTreeMap<String, Scalar>> = serde_saphyr::from_str(&plain).ok();
    let same = !text.is_empty() && read.is_some_and(|read| read.get(key).is_some_and(|Scalar(read)| read == text));
    if same { plain } else { written(&quoted(text)) }
}

/// A text in quotes, as YAML has them.
fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() || "\u{feff}\u{fffe}\u{ffff}\u{2028}\u{2029}".contains(c) => {
            format!("\\u{:04X}", u32::from(c))
        }
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn toml<'t>(lines: impl Iterator<Item = &'t str> + Clone) -> Result<Option<(Written, usize)>, ParseError> {
    let Some(length) = lines.clone().position(|line| line.trim_end() == "+++") else {
        return Err(unclosed("+++"));
    };
    let inner: String = lines.take(length).flat_map(|line| [line, "\n"]).collect();
    let not_toml = |error: toml::de::Error| {
        let before = error.span().and_then(|span| inner.get(..span.start)).unwrap_or_default();
        ParseError {
            line: 2 + before.matches('\n').count(),
            what: format!("the front matter is no TOML: {}", first_line(error.message())),
            hint: "write `key = \"value\"`, numbers and dates without quotes".into(),
        }
    };
    let mut written: Written = toml::from_str(&inner).map_err(not_toml)?;
    let values: toml::Table = toml::from_str(&inner).map_err(not_toml)?;
    written.extra = kept(values.into_iter().map(|(key, value)| (key.clone(), pair(&key, &as_json(value)))));
    Ok(Some((written, length + 2)))
}

/// A TOML value as YAML can have it, too: dates are strings.
fn as_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(is) => is.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(as_json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, as_json(value))).collect(),
    }
}

/// Bare header lines, as Pelican has them: a first paragraph of nothing but `Key: value`, known keys among them.
fn headers<'t>(lines: impl Iterator<Item = &'t str>) -> Option<(Written, usize)> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    let mut length = 0;
    for line in lines.take_while(|line| !line.trim().is_empty()) {
        match (key(line), pairs.last_mut()) {
            (Some((key, value)), _) => pairs.push((key, value.to_owned())),
            (None, Some((_, value))) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => return None,
        }
        length += 1;
    }
    let all_known = !pairs.is_empty() && pairs.iter().all(|(key, _)| Key::read(key).is_some());
    let titled = pairs.iter().any(|(key, _)| matches!(Key::read(key), Some(Key::Title | Key::Subject)));
    if !all_known && !titled {
        return None;
    }
    // YAML, as which they are written back, has no key twice
    let mut said = HashSet::new();
    let extra = kept(pairs.iter().map(|(key, value)| {
        let line = pair(key, &value.as_str().into());
        if said.insert(*key) { ((*key).to_owned(), line) } else { (String::new(), format!("# {line}")) }
    }));
    let pairs = MapDeserializer::<_, serde::de::value::Error>::new(pairs.into_iter());
    Some((Written { extra, ..Written::deserialize(pairs).ok()? }, length))
}

/// Splits `key: value`; a key is one word, in quotes or not.
fn key(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let word = key.trim_end().trim_matches(['"', '\'']);
    (is_word(word) && (value.is_empty() || value.starts_with([' ', '\t']))).then(|| (word, value.trim()))
}

fn is_word(key: &str) -> bool {
    key.starts_with(char::is_alphabetic) && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn unclosed(fence: &str) -> ParseError {
    ParseError {
        line: 1,
        what: format!("the front matter that `{fence}` begins has no end"),
        hint: format!("close it with a line `{fence}`"),
    }
}

/// What is wrong, without where: the error tells that itself, counted from the file's first line.
fn first_line(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default();
    line.split(" at line ").next().unwrap_or_default()
}

/// The keys that mean something; all others are left to other programs.
#[derive(Clone, Copy)]
enum Key {
    Newsletter,
    Title,
    Subject,
    Number,
    Date,
    Preheader,
    Description,
    Layout,
    Language,
}

impl Key {
    fn read(key: &str) -> Option<Self> {
        Some(match key.to_ascii_lowercase().as_str() {
            "newsletter" => Self::Newsletter,
            "title" => Self::Title,
            "subject" => Self::Subject,
            "number" | "issue" => Self::Number,
            "date" | "pubdate" | "publish_date" => Self::Date,
            "preheader" => Self::Preheader,
            "description" | "summary" => Self::Description,
            "layout" => Self::Layout,
            "language" | "lang" => Self::Language,
            _ => return None,
        })
    }

    /// The word that `fmt` writes.
    fn name(self) -> &'static str {
        match self {
            Self::Newsletter => "newsletter",
            Self::Title => "title",
            Self::Subject => "subject",
            Self::Number => "number",
            Self::Date => "date",
            Self::Preheader | Self::Description => "preheader",
            Self::Layout => "layout",
            Self::Language => "language",
        }
    }
}

/// Front matter as it stands there; the first of several keys for one thing counts.
#[derive(Default)]
struct Written {
    newsletter: Option<String>,
    title: Option<String>,
    subject: Option<String>,
    number: Option<String>,
    date: Option<String>,
    preheader: Option<String>,
    description: Option<String>,
    /// Site generators have layouts of other names, which are none of ours.
    layout: Option<String>,
    language: Option<String>,
    /// Every key, in order.
    keys: Vec<String>,
    extra: Vec<Extra>,
}

impl Written {
    /// Reads the number and the date; `text` is searched for the line of one that is wrong.
    fn check(self, text: &str) -> Result<FrontMatter, ParseError> {
        let line = |wanted: fn(Key) -> bool| {
            let has = |line: &str| {
                let key = line.split([':', '=']).next().unwrap_or_default().trim().trim_matches(['"', '\'']);
                Key::read(key).is_some_and(wanted)
            };
            1 + text.lines().position(has).unwrap_or_default()
        };
        let number = match self.number {
            None => None,
            Some(number) => Some(number.trim_start_matches(['#', '＃']).parse().map_err(|_| ParseError {
                line: line(|key| matches!(key, Key::Number)),
                what: format!("`{number}` is no issue number"),
                hint: "write a whole number, such as `number: 104`".into(),
            })?),
        };
        let date = match self.date {
            None => None,
            Some(date) => Some(dates::parse(&date).ok_or_else(|| ParseError {
                line: line(|key| matches!(key, Key::Date)),
                what: format!("`{date}` is no date"),
                hint: "write a day that exists, such as `date: 2024-06-08`".into(),
            })?),
        };
        Ok(FrontMatter {
            newsletter: self.newsletter,
            title: self.title,
            subject: self.subject,
            number,
            date,
            preheader: self.preheader.or(self.description),
            layout: self.layout.as_deref().and_then(Layout::parse),
            language: self.language,
            extra: self.extra,
        })
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Written;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("lines of `key: value`")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Written, M::Error> {
                let mut written = Written::default();
                while let Some(key) = map.next_key::<String>()? {
                    written.keys.push(key.clone());
                    let key = Key::read(&key);
                    let field = match key {
                        Some(Key::Newsletter) => &mut written.newsletter,
                        Some(Key::Title) => &mut written.title,
                        Some(Key::Subject) => &mut written.subject,
                        Some(Key::Number) => &mut written.number,
                        Some(Key::Date) => &mut written.date,
                        Some(Key::Preheader) => &mut written.preheader,
                        Some(Key::Description) => &mut written.description,
                        Some(Key::Layout) => &mut written.layout,
                        Some(Key::Language) => &mut written.language,
                        None => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    let Scalar(value) = map.next_value()?;
                    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
                    if field.is_none() && (!value.is_empty() || matches!(key, Some(Key::Newsletter))) {
                        *field = Some(value);
                    }
                }
                Ok(written)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// A value as text, whatever its form takes it for; empty for null.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Scalar;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text, a number or a date")
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.to_owned()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_none<E>(self) -> Result<Scalar, E> {
                Ok(Scalar(String::new()))
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar(String::new()))
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
                deserializer.deserialize_str(Text)
            }

            // a TOML date comes as a map with one entry
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Scalar, M::Error> {
                let date = toml::value::Datetime::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Scalar(date.to_string()))
            }
        }

        // an option first: YAML gives null as no string
        deserializer.deserialize_option(Text)
    }
}
