//! What an approval stands for.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256};
use time::OffsetDateTime;

use super::{MessageError, Reader, issue_message};
use crate::newsletter::Newsletter;
use crate::render::Rendered;
use crate::subscriber::EmailAddress;
use crate::token::hex;

/// SHA-256 of an issue's messages with the slots' names where a reader's own values go.
///
/// Date, Message-ID and To are constants in it, so the same issue has the same digest on every day.
/// Written as 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// The message to nobody in particular: what all readers get, the slots filled with their names.
fn specimen(
    newsletter: &Newsletter,
    rendered: &Rendered,
    number: Option<u32>,
    name: Option<&str>,
) -> Result<Vec<u8>, MessageError> {
    #[expect(clippy::expect_used, reason = "a constant, and a test reads it")]
    let address = EmailAddress::parse("reader@slot.invalid").expect("an address");
    let unsubscribe_url = "https://slot.invalid/unsubscribe".to_owned();
    let reader = Reader { address, name: name.map(str::to_owned), unsubscribe_url };
    issue_message(newsletter, rendered, number, &reader, "message-id@slot.invalid", OffsetDateTime::UNIX_EPOCH, None)
}

impl Digest {
    /// The digest of an issue as it would leave now, to a reader with a name and to one without.
    pub fn of(newsletter: &Newsletter, rendered: &Rendered, number: Option<u32>) -> Result<Self, MessageError> {
        let mut context = Context::new(&SHA256);
        for name in [None, Some("Slot Name")] {
            context.update(&specimen(newsletter, rendered, number, name)?);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Ok(Self(bytes))
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
