//! The key that signs: RSA of 2048 bits or more, kept as PEM.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A private RSA key of 2048 to 8192 bits; it never prints.
pub struct SigningKey(RsaKeyPair);

/// Why there is no key to sign with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither `PRIVATE KEY` nor `RSA PRIVATE KEY` is in it.
    #[error("there is no private key in it; it must be PEM, beginning with `-----BEGIN PRIVATE KEY-----`")]
    Missing,
    /// It has a passphrase.
    #[error("the key has a passphrase; take it off with `openssl pkey -in FILE -out NEW`")]
    Encrypted,
    /// It is damaged, of another kind, or too short.
    #[error("it holds no RSA key of 2048 bits or more ({0}); `masthead doctor --new-key` makes one")]
    Unusable(String),
    /// The operating system or the library failed.
    #[error("no key could be made")]
    Generation,
}

impl SigningKey {
    /// Makes a key of 2048 bits, what every verifier takes (RFC 8301 §3.2) and one TXT record holds.
    pub fn generate() -> Result<Self, KeyError> {
        RsaKeyPair::generate(KeySize::Rsa2048).map(Self).map_err(|_| KeyError::Generation)
    }

    /// Reads a key in PEM, as PKCS#8 or PKCS#1; text around it is skipped.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let unusable = |why: &dyn fmt::Display| KeyError::Unusable(why.to_string());
        if let Some(der) = section(pem, "PRIVATE KEY") {
            return RsaKeyPair::from_pkcs8(&der.map_err(|e| unusable(&e))?).map(Self).map_err(|e| unusable(&e));
        }
        if let Some(der) = section(pem, "RSA PRIVATE KEY") {
            return RsaKeyPair::from_der(&der.map_err(|e| unusable(&e))?).map(Self).map_err(|e| unusable(&e));
        }
        Err(if pem.contains("ENCRYPTED") { KeyError::Encrypted } else { KeyError::Missing })
    }

    /// The key in PEM, as PKCS#8.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let der: Pkcs8V1Der<'_> = self.0.as_der().map_err(|_| KeyError::Generation)?;
        let base64 = STANDARD.encode(der.as_ref());
        let mut pem = String::with_capacity(base64.len() + 128);
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        for line in base64.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|byte| char::from(*byte)));
            pem.push('\n');
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    /// The public half: a SubjectPublicKeyInfo in DER, in base64, as `p=` wants it.
    pub(super) fn public_key(&self) -> String {
        let public = self.0.public_key();
        let der: Result<PublicKeyX509Der<'_>, _> = public.as_der();
        // A key that was read has a public half that can be written.
        der.map(|der| STANDARD.encode(der.as_ref())).unwrap_or_default()
    }

    /// The signature of a text, RSASSA-PKCS1-v1_5 with SHA-256.
    pub(super) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
        Some(signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// The bytes of the first section of a PEM file (RFC 7468) with this label.
fn section(pem: &str, label: &str) -> Option<Result<Vec<u8>, base64::DecodeError>> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (base64, _) = rest.split_once(&format!("-----END {label}-----"))?;
    Some(STANDARD.decode(base64.split_ascii_whitespace().collect::<String>()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_made_is_read_back() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pem(&format!("made today\r\n{}", key.to_pem().unwrap())).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(again.sign(b"text"), key.sign(b"text"));
        assert!(!format!("{key:?}").contains(&key.to_pem().unwrap()[30..60]));
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_reason() {
        let refused = |pem: &str| SigningKey::from_pem(pem).unwrap_err();
        assert_eq!(refused(""), KeyError::Missing);
        assert_eq!(refused("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"), KeyError::Encrypted);
        for base64 in ["", "AAAA", "!", "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"] {
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
            assert!(matches!(refused(&pem), KeyError::Unusable(_)), "{pem}");
        }
    }
}
