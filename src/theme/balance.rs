//! What a style sheet opens and does not close: at the end of a file CSS closes everything, and drops the rest silently.

/// The line, from 1, of the first bracket or comment that is not closed, and how it begins.
pub(super) fn unclosed(css: &str) -> Option<(u32, &'static str)> {
    let mut open: Vec<(u32, &'static str, u8)> = Vec::new();
    let bytes = css.as_bytes();
    let (mut at, mut line) = (0, 1);
    while let Some(byte) = bytes.get(at) {
        let from = at;
        at += match byte {
            b'/' if css[at..].starts_with("/*") => match css[at + 2..].find("*/") {
                Some(end) => end + 4,
                None => return Some((line, "/*")),
            },
            b'"' | b'\'' => string_length(&bytes[at..], *byte),
            // what stands in an address is neither comment nor string
            b'(' if ends_with_url(&bytes[..at]) && !is_quoted(&css[at + 1..]) => match css[at..].find(')') {
                Some(end) => end + 1,
                None => return Some((line, "url(")),
            },
            b'\\' => 2,
            _ => 1,
        };
        match byte {
            b'{' => open.push((line, "{", b'}')),
            b'[' => open.push((line, "[", b']')),
            b'(' if at == from + 1 => open.push((line, "(", b')')),
            b'}' | b']' | b')' => match open.pop() {
                Some((_, _, closing)) if closing == *byte => {}
                Some((line, opening, _)) => return Some((line, opening)),
                // one too much, which has an error of its own
                None => return None,
            },
            _ => {}
        }
        let passed = bytes.get(from..at).unwrap_or_default();
        line += u32::try_from(passed.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u32::MAX);
    }
    open.pop().map(|(line, opening, _)| (line, opening))
}

/// The length of a string with its quotes; the end of a line ends it, too.
fn string_length(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(byte) if *byte == quote => return at + 1,
            Some(b'\n') | None => return at,
            Some(_) => at += 1,
        }
    }
}

fn ends_with_url(bytes: &[u8]) -> bool {
    bytes.len().checked_sub(3).is_some_and(|start| bytes[start..].eq_ignore_ascii_case(b"url"))
}

fn is_quoted(text: &str) -> bool {
    text.trim_start().starts_with(['"', '\''])
}
