//! Bytes → text: encodings, line ends, mojibake.

use std::borrow::Cow;

use encoding_rs::{GBK, UTF_16BE, UTF_16LE};

use super::{ParseError, Repair, mojibake};

/// The text of a file, with `\n` as its line ends and mojibake mended.
pub(super) struct Source {
    pub(super) text: String,
    pub(super) repairs: Vec<Repair>,
}

/// Mends a file's characters for reading.
pub(super) fn mend(characters: &str) -> Source {
    let mut text = match characters.contains('\r') {
        true => characters.replace("\r\n", "\n").replace('\r', "\n"),
        false => characters.to_owned(),
    };
    // comrak takes a link definition for text where the last line has no end
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let (text, repairs) = mojibake::repair(text);
    Source { text, repairs }
}

/// The characters of a file as they are: UTF-8 with or without a byte order mark, UTF-16 with one,
/// and GBK where it is certain.
pub(super) fn characters(bytes: &[u8]) -> Result<Cow<'_, str>, ParseError> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => UTF_16LE.decode_without_bom_handling_and_without_replacement(rest),
        [0xfe, 0xff, rest @ ..] => UTF_16BE.decode_without_bom_handling_and_without_replacement(rest),
        _ => match std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
            Ok(text) => Some(text.into()),
            Err(_) => gbk(bytes).map(Into::into),
        },
    };
    if is_unmarked_utf16(bytes) {
        return Err(ParseError {
            line: 1,
            what: "the file is UTF-16 without a byte order mark".into(),
            hint: "save it as UTF-8".into(),
        });
    }
    let Some(text) = text else { return Err(undecodable(bytes)) };
    if let Some(at) = text.find('\0') {
        return Err(ParseError {
            line: line_at(text[..at].as_bytes()),
            what: "a NUL byte: this is a binary file, no text".into(),
            hint: "name the Markdown file of the issue, saved as UTF-8".into(),
        });
    }
    if text.trim().is_empty() {
        return Err(ParseError {
            line: 1,
            what: "the file is empty".into(),
            hint: "begin with a title line such as `# Name #1: Title`".into(),
        });
    }
    Ok(text)
}

fn undecodable(bytes: &[u8]) -> ParseError {
    let utf16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let byte = bytes.get(valid).copied().unwrap_or_default();
    ParseError {
        line: if utf16 { 1 } else { line_at(&bytes[..valid]) },
        what: match utf16 {
            true => "the file begins as UTF-16 but is not".into(),
            false => format!("byte {byte:02X} is not UTF-8, and the file is surely no GBK either"),
        },
        hint: "save the file as UTF-8".into(),
    }
}

/// Whether a file without a byte order mark is UTF-16: in one byte order it has lines of usual characters.
fn is_unmarked_utf16(bytes: &[u8]) -> bool {
    let usual = |c: char| {
        matches!(c, '\n' | '\r' | '\t' | ' '..='~' | '\u{a0}'..='\u{24f}' | '\u{2000}'..='\u{206f}')
            || matches!(c, '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}' | '\u{1f300}'..)
    };
    let reads = |text: &str| {
        let (all, known) = (text.chars().count(), text.chars().filter(|c| usual(*c)).count());
        text.contains(['\n', '#']) && known * 10 >= all * 9
    };
    // Line ends and number signs have a NUL byte in them.
    let marked = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    !marked
        && bytes.contains(&0)
        && [UTF_16LE, UTF_16BE].iter().any(|order| {
            order.decode_without_bom_handling_and_without_replacement(bytes).is_some_and(|text| reads(&text))
        })
}

/// The line behind `before`, from 1.
fn line_at(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Decodes GBK where it is certain.
///
/// Much Latin-1 is valid GBK by chance (`é` before a letter makes a rare character),
/// so nine in ten characters must be in the common rows: punctuation, kana, GB 2312 level 1 and full width.
fn gbk(bytes: &[u8]) -> Option<String> {
    let text = GBK.decode_without_bom_handling_and_without_replacement(bytes)?;
    let (mut all, mut common) = (0usize, 0usize);
    let mut rest = bytes;
    while let [lead, tail @ ..] = rest {
        rest = tail;
        if *lead < 0x80 {
            continue;
        }
        let [trail, tail @ ..] = tail else { break };
        rest = tail;
        all += 1;
        common += usize::from(*trail >= 0xa1 && matches!(lead, 0xa1..=0xa5 | 0xb0..=0xd7));
    }
    (all >= 4 && common * 10 >= all * 9).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Option<String> {
        characters(bytes).ok().map(|characters| mend(&characters).text)
    }

    #[test]
    fn encodings_that_are_certain_are_read() {
        let utf16 = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        assert_eq!(text("a、\r\nb\rc".as_bytes()).as_deref(), Some("a、\nb\nc\n"));
        assert_eq!(text("\u{feff}# a".as_bytes()).as_deref(), Some("# a\n"));
        assert_eq!(text(&utf16("\u{feff}a、🦄", u16::to_le_bytes)).as_deref(), Some("a、🦄\n"));
        assert_eq!(text(&utf16("\u{feff}a、🦄", u16::to_be_bytes)).as_deref(), Some("a、🦄\n"));
        let chinese = "# 周刊第 12 期：你好，世界\n\n这里每周分享优质的文章、教程和开源项目。\n";
        assert_eq!(text(&GBK.encode(chinese).0).as_deref(), Some(chinese));
    }

    #[test]
    fn utf_16_without_a_byte_order_mark_is_named() {
        let utf16 = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        for text in ["# a\n\nb c\n", "# 园艺周刊#12：苔藓\n\n这里每周分享优质的文章。\n", "# \u{1f984}\n"]
        {
            for bytes in [utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes)] {
                let error = characters(&bytes).err().map(|error| error.what).unwrap_or_default();
                assert_eq!(error, "the file is UTF-16 without a byte order mark", "{text}");
            }
        }
        for bytes in [&b"a\nb\0"[..], b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01", b"\0\0\0\0\0\0"] {
            let error = characters(bytes).err().map(|error| error.what).unwrap_or_default();
            assert!(error.contains("NUL") || error.contains("UTF-8"), "{error}");
        }
    }

    #[test]
    fn what_is_uncertain_is_refused_with_its_line() {
        for (bytes, line) in [
            (&b""[..], 1),
            (b" \n\n", 1),
            (b"# a\n\ncaf\xe9 r\xe9sum\xe9 na\xefve \xfcber gar\xe7on", 3),
            (b"a\nb\0", 2),
            (b"\xff\xfea", 1),
            (b"\x89PNG\r\n\x1a\n\0\0", 1),
        ] {
            assert_eq!(characters(bytes).err().map(|error| error.line), Some(line), "{bytes:x?}");
        }
    }
}
