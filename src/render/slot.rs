//! Slots: all that differs between two readers' mails.

use ring::digest::{Context, SHA256};

use crate::issue::Issue;
use crate::newsletter::Newsletter;

/// A gap in a rendered issue that each reader's mail fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The reader's own address for leaving.
    UnsubscribeUrl,
}

impl Slot {
    /// Every slot there is.
    pub const ALL: [Self; 1] = [Self::UnsubscribeUrl];

    /// What stands in its place until it is filled; an address, so that links stay links.
    ///
    /// ```text
    /// https://slot.invalid/91f0c2aa54d0be17/unsubscribe
    /// ```
    pub fn marker(self, seal: &str) -> String {
        let name = match self {
            Self::UnsubscribeUrl => "unsubscribe",
        };
        format!("https://slot.invalid/{seal}/{name}")
    }
}

/// 16 hex digits that nobody can write into an issue beforehand: they hash the whole of it.
pub(super) fn seal(issue: &Issue, newsletter: &Newsletter) -> String {
    let mut context = Context::new(&SHA256);
    // Debug writes every field, strings escaped and quoted: two contents never look the same.
    context.update(format!("{issue:?}{newsletter:?}").as_bytes());
    context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Puts each slot's value in place of its marker, in one pass: a value is never read again.
pub(super) fn fill(part: &str, seal: &str, value: impl Fn(Slot) -> String) -> String {
    let markers = Slot::ALL.map(|slot| (slot, slot.marker(seal)));
    let mut filled = String::with_capacity(part.len() + 256);
    let mut rest = part;
    while let Some((at, slot, marker)) = markers
        .iter()
        .filter_map(|(slot, marker)| Some((rest.find(marker.as_str())?, slot, marker)))
        .min_by_key(|hit| hit.0)
    {
        filled.push_str(&rest[..at]);
        filled.push_str(&value(*slot));
        rest = &rest[at + marker.len()..];
    }
    filled.push_str(rest);
    filled
}
