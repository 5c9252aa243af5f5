//! What an approval stands for.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256};
use time::OffsetDateTime;

use super::{Compiled, MessageError};
use crate::newsletter::Letterhead;
use crate::render::Rendered;
use crate::token::hex;

/// SHA-256 of what all readers of an issue get, the slots' names where a reader's own values go.
///
/// Neither Date, Message-ID nor To is in it, so the same issue has the same digest on every day.
/// Written as 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of an issue as it would leave now.
    pub fn of(letterhead: &Letterhead, rendered: &Rendered, number: Option<u32>) -> Result<Self, MessageError> {
        Ok(Compiled::new(letterhead, rendered, number, OffsetDateTime::UNIX_EPOCH, None)?.digest())
    }

    /// The digest of pieces; where one ends and the next begins counts.
    pub(super) fn over<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut context = Context::new(&SHA256);
        for piece in pieces {
            context.update(&piece.len().to_be_bytes());
            context.update(piece);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Digest {
    type Error = DigestError;

    fn try_from(bytes: &[u8]) -> Result<Self, DigestError> {
        bytes.try_into().map(Self).map_err(|_| DigestError)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// A text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no digest; it has 64 hex digits, as the preview and `masthead render` print it")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digits = text.trim().as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(DigestError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'));
            *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or(DigestError)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_what_it_writes_and_nothing_else() {
        let digest = Digest([0xa5; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for wrong in ["", "a5", &"+5".repeat(32), &"g0".repeat(32), &"é".repeat(32), &"a5".repeat(33)] {
            assert_eq!(wrong.parse::<Digest>(), Err(DigestError), "{wrong}");
        }
    }
}
