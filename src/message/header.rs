//! Header values: checked, encoded (RFC 2047) and folded (RFC 5322 §2.2.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::MessageError;
use crate::newsletter::Mailbox;

/// Characters of a line, which RFC 5322 wants and RFC 2047 demands of lines with encoded-words.
const LINE: usize = 76;

/// Characters of an encoded-word, delimiters included.
const ENCODED_WORD: usize = 75;

/// A line of text, for `Subject`.
///
/// `name_length` is the length of the header's name: it stands on the first line too.
pub(super) fn unstructured(field: &'static str, name_length: usize, text: &str) -> Result<String, MessageError> {
    check(field, text)?;
    let column = name_length + 2;
    if is_plain(text) { Ok(fold_words(text, column)) } else { Ok(encode(text, column)) }
}

/// A display name and an address in brackets, or the address alone.
pub(super) fn mailbox(field: &'static str, name_length: usize, mailbox: &Mailbox) -> Result<String, MessageError> {
    match &mailbox.name {
        Some(name) if !name.trim().is_empty() => named(field, name_length, name, mailbox.address.as_str()),
        _ => Ok(mailbox.address.to_string()),
    }
}

/// A name as a phrase, then something in brackets: `"Müller, Hans" <hans@example.org>`.
pub(super) fn named(
    field: &'static str,
    name_length: usize,
    name: &str,
    bracketed: &str,
) -> Result<String, MessageError> {
    check(field, name)?;
    let column = name_length + 2;
    let phrase = if !is_plain(name) || name.len() > LINE - column - 2 {
        encode(name, column)
    } else if name.bytes().all(|byte| is_atom_text(byte) || byte == b' ') {
        name.to_owned()
    } else {
        let quoted = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        if quoted.len() > LINE - column { encode(name, column) } else { quoted }
    };
    let last_line = match phrase.rsplit_once("\r\n") {
        Some((_, last)) => last.len(),
        None => column + phrase.len(),
    };
    let gap = if last_line + bracketed.len() + 3 > LINE { "\r\n " } else { " " };
    Ok(format!("{phrase}{gap}<{bracketed}>"))
}

/// A web address in brackets; never folded, since some mail programs would keep the space.
pub(super) fn url(field: &'static str, url: &str) -> Result<String, MessageError> {
    let web = url.starts_with("https://") || url.starts_with("http://");
    if !web || url.len() > 900 || !url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\",".contains(&byte)) {
        return Err(MessageError::Url { field, url: url.to_owned() });
    }
    Ok(format!("<{url}>"))
}

/// An identifier in brackets (RFC 5322 §3.6.4).
pub(super) fn message_id(id: &str) -> Result<String, MessageError> {
    let dot_atom = |text: &str| text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_text));
    match id.split_once('@') {
        Some((left, right)) if id.len() <= 250 && dot_atom(left) && dot_atom(right) => Ok(format!("<{id}>")),
        _ => Err(MessageError::MessageId(id.to_owned())),
    }
}

/// A point in time, `Sat, 31 May 2025 00:00:00 +0000`.
pub(super) fn date(date: OffsetDateTime) -> Result<String, MessageError> {
    date.format(&Rfc2822).map_err(|_| MessageError::Date(date))
}

/// Refuses what ends a line or turns the direction of the rest: no header can be smuggled in, none misleads.
fn check(field: &'static str, text: &str) -> Result<(), MessageError> {
    let refused = |c: &char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    match text.chars().find(refused) {
        Some(character) => Err(MessageError::Character { field, character }),
        None => Ok(()),
    }
}

/// Whether a text reads the same unencoded: ASCII, not mistaken for an encoded-word,
/// single spaces to fold at, no word too long for a line.
fn is_plain(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.len() < LINE - 12;
    text.is_ascii() && !text.contains("=?") && text.split(' ').all(word)
}

fn is_atom_text(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Breaks lines before a space; unfolding gives the text back.
fn fold_words(text: &str, mut column: usize) -> String {
    let mut folded = String::with_capacity(text.len() + 8);
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            if column + 1 + word.len() > LINE {
                folded.push_str("\r\n");
                column = 0;
            }
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += word.len();
    }
    folded
}

/// Encoded-words, one a line; the white space between two of them is no part of the text (RFC 2047 §6.2).
fn encode(text: &str, column: usize) -> String {
    // base64 where most is beyond ASCII; elsewhere it looks like something to hide
    let kind =
        if text.chars().filter(|c| !c.is_ascii()).count() * 3 > text.chars().count() { Kind::B } else { Kind::Q };
    let mut words = Vec::new();
    let mut word = String::new();
    let mut room = ENCODED_WORD.min(LINE - column);
    for c in text.chars() {
        if kind.encoded_length(&word) + kind.encoded_length(c.encode_utf8(&mut [0; 4])) + FRAME > room
            && !word.is_empty()
        {
            words.push(kind.encode(&word));
            word.clear();
            room = ENCODED_WORD;
        }
        word.push(c);
    }
    words.push(kind.encode(&word));
    words.join("\r\n ")
}

/// `=?utf-8?q?` and `?=`.
const FRAME: usize = 12;

#[derive(Clone, Copy)]
enum Kind {
    B,
    Q,
}

impl Kind {
    fn encode(self, text: &str) -> String {
        match self {
            Self::B => format!("=?utf-8?b?{}?=", STANDARD.encode(text)),
            Self::Q => {
                let encoded: String = text.bytes().map(quoted).collect();
                format!("=?utf-8?q?{encoded}?=")
            }
        }
    }

    fn encoded_length(self, text: &str) -> usize {
        match self {
            Self::B => text.len().div_ceil(3) * 4,
            Self::Q => text.bytes().map(|byte| quoted(byte).len()).sum(),
        }
    }
}

/// A byte in a phrase (RFC 2047 §5 (3)), the strictest of the places.
fn quoted(byte: u8) -> String {
    match byte {
        b' ' => "_".to_owned(),
        _ if byte.is_ascii_alphanumeric() || b"!*+-/".contains(&byte) => char::from(byte).to_string(),
        _ => format!("={byte:02X}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_stay_within_76_columns() {
        for text in ["word ".repeat(60).trim_end(), &"潮".repeat(300), &"é a ".repeat(90), &"x".repeat(2_000)] {
            let value = format!("Subject: {}", unstructured("subject", 7, text).unwrap());
            assert!(value.split("\r\n").all(|line| line.len() <= LINE && !line.trim().is_empty()), "{value}");
        }
    }

    #[test]
    fn names_are_atoms_quoted_or_encoded() {
        let check = |name, expected: &str| assert_eq!(named("To name", 2, name, "a@b.example").unwrap(), expected);
        check("Ann Example", "Ann Example <a@b.example>");
        check("Example, Ann", "\"Example, Ann\" <a@b.example>");
        check("\"a\\\"b\"", "\"\\\"a\\\\\\\"b\\\"\" <a@b.example>");
        check("Müller", "=?utf-8?q?M=C3=BCller?= <a@b.example>");
        check("潮流周刊", "=?utf-8?b?5r2u5rWB5ZGo5YiK?= <a@b.example>");
    }

    #[test]
    fn identifiers_are_dot_atoms_at_a_domain() {
        assert_eq!(message_id("104.7f3a@example.org").unwrap(), "<104.7f3a@example.org>");
        for id in ["", "a", "<a@b.example>", "a b@c.example", "a@b@c", ".a@b", "a\r\nBcc: x@b.example", "ü@b.example"]
        {
            assert!(message_id(id).is_err(), "{id}");
        }
    }
}
