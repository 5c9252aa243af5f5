//! Mending what is certain.

use encoding_rs::GBK;

use super::{Edit, Finding, Manuscript};

/// Why a file cannot be mended.
#[derive(Debug, thiserror::Error)]
#[error("its encoding cannot be written back without a change; save it as UTF-8 first")]
pub struct Unfixable;

/// Makes the certain edits of `findings` in the file's `bytes`; none where there is nothing to mend.
///
/// Byte order mark, encoding and line ends stay, and so does every byte outside the edits.
/// Of edits that touch the same words the first counts; a second run finds the others.
/// Gives the file's new bytes.
pub fn fix(manuscript: &Manuscript, bytes: &[u8], findings: &[Finding]) -> Result<Option<Vec<u8>>, Unfixable> {
    let mut edits: Vec<Edit> = findings.iter().flat_map(|finding| &finding.edits).cloned().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut end = 0;
    edits.retain(|edit| {
        let apart = edit.span.start >= end;
        end = end.max(edit.span.end);
        apart
    });
    if edits.is_empty() {
        return Ok(None);
    }
    let file = manuscript.file();
    let mut mended = String::with_capacity(file.len());
    let mut done = 0;
    for edit in &edits {
        mended.push_str(file.get(done..edit.span.start).unwrap_or_default());
        mended.push_str(&edit.text);
        done = edit.span.end;
    }
    mended.push_str(file.get(done..).unwrap_or_default());
    let write = encoder(bytes);
    if write(file).as_deref() != Some(bytes) {
        return Err(Unfixable);
    }
    write(&mended).ok_or(Unfixable).map(Some)
}

/// What writes text as `bytes` are written.
fn encoder(bytes: &[u8]) -> fn(&str) -> Option<Vec<u8>> {
    let utf8_mark = b"\xef\xbb\xbf";
    match bytes {
        [0xff, 0xfe, ..] => |text| Some(utf16(text, u16::to_le_bytes)),
        [0xfe, 0xff, ..] => |text| Some(utf16(text, u16::to_be_bytes)),
        _ if bytes.starts_with(utf8_mark) => |text| Some(["\u{feff}", text].concat().into_bytes()),
        _ if std::str::from_utf8(bytes).is_ok() => |text| Some(text.as_bytes().to_vec()),
        _ => |text| {
            let (bytes, _, lost) = GBK.encode(text);
            (!lost).then(|| bytes.into_owned())
        },
    }
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(order).collect()
}
