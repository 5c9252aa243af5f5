//! Tokens: the unguessable parts of mailed links, and the keyed hashes that stand for addresses.
//!
//! A token is what it means plus a MAC over it (HMAC-SHA-256, RFC 2104, cut to 128 bits), so nothing
//! need be stored for it and a mailed link works for ever.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use crate::subscriber::EmailAddress;

/// Bytes of a MAC that go into a token.
const MAC_BYTES: usize = 16;

/// What a token allows, which its MAC covers: a token for one thing is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Ends the subscription of `subscriber_id` to `newsletter_id`.
    Unsubscribe {
        /// The newsletter's id in the store.
        newsletter_id: i32,
        /// The subscriber's id in the store.
        subscriber_id: i64,
    },
    /// Confirms the sign-up with this id.
    Confirm {
        /// The sign-up's id in the store.
        signup_id: i64,
    },
}

impl Claim {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Unsubscribe { newsletter_id, subscriber_id } => {
                [&b"u"[..], &newsletter_id.to_be_bytes(), &subscriber_id.to_be_bytes()].concat()
            }
            Self::Confirm { signup_id } => [&b"c"[..], &signup_id.to_be_bytes()].concat(),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (b'u', ids) => {
                let (newsletter_id, subscriber_id) = ids.split_first_chunk()?;
                Some(Self::Unsubscribe {
                    newsletter_id: i32::from_be_bytes(*newsletter_id),
                    subscriber_id: i64::from_be_bytes(subscriber_id.try_into().ok()?),
                })
            }
            (b'c', id) => Some(Self::Confirm { signup_id: i64::from_be_bytes(id.try_into().ok()?) }),
            _ => None,
        }
    }
}

/// The store's MAC keys. The newest signs; every one verifies, so links outlive a new key.
pub struct Keyring {
    /// By id, in the order of their age.
    keys: Vec<(u8, hmac::Key)>,
    /// Hashes addresses; the oldest key, since suppressed hashes cannot be made anew.
    oldest: hmac::Key,
    newest: (u8, hmac::Key),
}

impl Keyring {
    /// A ring of keys by id, the oldest first; `None` without a key.
    pub fn new(secrets: &[(u8, Vec<u8>)]) -> Option<Self> {
        let keys: Vec<_> =
            secrets.iter().map(|(id, secret)| (*id, hmac::Key::new(hmac::HMAC_SHA256, secret))).collect();
        let oldest = keys.first()?.1.clone();
        let newest = keys.last()?.clone();
        Some(Self { keys, oldest, newest })
    }

    /// Makes the token that proves `claim`: URL-safe base64 of key id, claim and MAC.
    pub fn sign(&self, claim: Claim) -> String {
        let (id, key) = &self.newest;
        let bytes = claim.bytes();
        let mac = mac(key, b"link", &bytes);
        URL_SAFE_NO_PAD.encode([&[*id][..], &bytes, &mac].concat())
    }

    /// Reads a token; `None` unless it was made with one of the keys.
    pub fn verify(&self, token: &str) -> Option<Claim> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (id, rest) = bytes.split_first()?;
        let (claim, claimed_mac) = rest.split_at_checked(rest.len().checked_sub(MAC_BYTES)?)?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == id)?;
        same(&mac(key, b"link", claim), claimed_mac).then(|| Claim::from_bytes(claim))?
    }

    /// The keyed hash that stands for an address, alike for every spelling of its case.
    pub fn address_hash(&self, address: &EmailAddress) -> [u8; MAC_BYTES] {
        mac(&self.oldest, b"address", address.key().as_bytes())
    }

    /// The Message-ID of a delivery, without angle brackets: unique per delivery, the same on every try,
    /// and telling nobody who the reader is.
    pub fn message_id(&self, issue_id: i64, subscriber_id: i64, domain: &str) -> String {
        let name = [issue_id.to_be_bytes(), subscriber_id.to_be_bytes()].concat();
        format!("{}@{domain}", hex(&mac(&self.oldest, b"message", &name)))
    }

    /// The Message-ID of a confirmation mail, the same on every try.
    pub fn signup_message_id(&self, signup_id: i64, domain: &str) -> String {
        format!("{}@{domain}", hex(&mac(&self.oldest, b"signup", &signup_id.to_be_bytes())))
    }

    /// The Message-ID of a welcome or goodbye, the same on every try.
    pub fn notice_message_id(&self, notice_id: i64, domain: &str) -> String {
        format!("{}@{domain}", hex(&mac(&self.oldest, b"notice", &notice_id.to_be_bytes())))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.keys.len())
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn mac(key: &hmac::Key, purpose: &[u8], bytes: &[u8]) -> [u8; MAC_BYTES] {
    let tag = hmac::sign(key, &[purpose, &[0], bytes].concat());
    let mut mac = [0; MAC_BYTES];
    mac.copy_from_slice(&tag.as_ref()[..MAC_BYTES]);
    mac
}

/// Compares without telling by its time where the difference is.
fn same(a: &[u8; MAC_BYTES], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const CLAIM: Claim = Claim::Unsubscribe { newsletter_id: 3, subscriber_id: 77 };

    fn ring(ids: &[u8]) -> Keyring {
        Keyring::new(&ids.iter().map(|id| (*id, vec![*id; 32])).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_token_says_what_was_signed_also_after_a_new_key() {
        let token = ring(&[1]).sign(CLAIM);
        assert_eq!(ring(&[1, 2]).verify(&token), Some(CLAIM));
        assert_eq!(ring(&[2]).verify(&token), None);
    }

    #[test]
    fn no_flipped_bit_passes() {
        let token = URL_SAFE_NO_PAD.decode(ring(&[1]).sign(CLAIM)).unwrap();
        for bit in 0..token.len() * 8 {
            let mut forged = token.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ring(&[1]).verify(&URL_SAFE_NO_PAD.encode(forged)), None, "bit {bit}");
        }
        assert_eq!(ring(&[1]).verify(""), None);
        assert_eq!(ring(&[1]).verify("AQ"), None);
    }

    #[test]
    fn an_address_has_one_hash_in_any_case_and_under_newer_keys() {
        let hash = |text, ids| ring(ids).address_hash(&EmailAddress::parse(text).unwrap());
        assert_eq!(hash("Jo@Example.org", &[1]), hash("jo@example.ORG", &[1, 2]));
        assert_ne!(hash("jo@example.org", &[1]), hash("jo@example.net", &[1]));
    }
}
