//! Front matter: what the editor wrote about the issue above its text.

use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use time::Date;

use super::{ParseError, dates};

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
    pub(super) language: Option<String>,
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
    let written = match inner.trim() {
        "" => Written::default(),
        _ => serde_saphyr::from_str(&inner).map_err(|error| ParseError {
            line: 1 + error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1)),
            what: format!("the front matter is no YAML: {}", first_line(&error.without_snippet().to_string())),
            hint: "write `key: value`, with quotes around a value that has `: ` or ` #` in it".into(),
        })?,
    };
    Ok(Some((written, length + 2)))
}

fn toml<'t>(lines: impl Iterator<Item = &'t str> + Clone) -> Result<Option<(Written, usize)>, ParseError> {
    let Some(length) = lines.clone().position(|line| line.trim_end() == "+++") else {
        return Err(unclosed("+++"));
    };
    let inner: String = lines.take(length).flat_map(|line| [line, "\n"]).collect();
    let written = toml::from_str(&inner).map_err(|error| {
        let before = error.span().and_then(|span| inner.get(..span.start)).unwrap_or_default();
        ParseError {
            line: 2 + before.matches('\n').count(),
            what: format!("the front matter is no TOML: {}", first_line(error.message())),
            hint: "write `key = \"value\"`, numbers and dates without quotes".into(),
        }
    })?;
    Ok(Some((written, length + 2)))
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
    let pairs = MapDeserializer::<_, serde::de::value::Error>::new(pairs.into_iter());
    Some((Written::deserialize(pairs).ok()?, length))
}

/// Splits `key: value`; a key is one word, in quotes or not.
fn key(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let word = key.trim_end().trim_matches(['"', '\'']);
    let inner = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let fine = word.starts_with(char::is_alphabetic) && word.chars().all(inner);
    (fine && (value.is_empty() || value.starts_with([' ', '\t']))).then(|| (word, value.trim()))
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
            "language" | "lang" => Self::Language,
            _ => return None,
        })
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
    language: Option<String>,
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
            language: self.language,
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
                    let key = Key::read(&key);
                    let field = match key {
                        Some(Key::Newsletter) => &mut written.newsletter,
                        Some(Key::Title) => &mut written.title,
                        Some(Key::Subject) => &mut written.subject,
                        Some(Key::Number) => &mut written.number,
                        Some(Key::Date) => &mut written.date,
                        Some(Key::Preheader) => &mut written.preheader,
                        Some(Key::Description) => &mut written.description,
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
