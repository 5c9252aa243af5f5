//! The DNS record that publishes a key (RFC 6376 §3.6).

use std::fmt;

use super::SigningKey;
use crate::newsletter::DkimName;

/// How many octets one string of a TXT record holds (RFC 1035 §3.3.14).
const STRING: usize = 255;

/// The public half of a key as DNS has it.
///
/// ```text
/// masthead._domainkey.example.org. IN TXT ( "v=DKIM1; k=rsa; p=MIIBIjAN…" "…IDAQAB" )
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Where it is published: `masthead._domainkey.example.org`.
    pub name: String,
    /// Its text: `v=DKIM1; k=rsa; p=…`.
    pub value: String,
}

impl KeyRecord {
    /// The record of a key under a name.
    pub fn new(name: &DkimName, key: &SigningKey) -> Self {
        Self { name: name.to_string(), value: format!("v=DKIM1; k=rsa; p={}", key.public_key()) }
    }

    /// Whether a published text is this record: the same public key, for mail and for SHA-256 (RFC 6376 §3.6.1).
    pub fn is_published_by(&self, text: &str) -> bool {
        let tag = |text: &str, name: &str| {
            text.split(';').find_map(|tag| {
                let (tag, value) = tag.split_once('=')?;
                (tag.trim() == name).then(|| value.split_ascii_whitespace().collect::<String>())
            })
        };
        let allows = |name, word: &str| {
            tag(text, name).is_none_or(|list| list.split(':').any(|listed| listed == "*" || listed == word))
        };
        tag(text, "v").is_none_or(|version| version == "DKIM1")
            && tag(text, "k").is_none_or(|kind| kind == "rsa")
            && allows("h", "sha256")
            && allows("s", "email")
            && tag(text, "p").is_some()
            && tag(text, "p") == tag(&self.value, "p")
    }
}

/// A line of a zone file; a TXT record of several strings is read as one text.
impl fmt::Display for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. IN TXT (", self.name)?;
        let mut rest = self.value.as_str();
        while !rest.is_empty() {
            let (string, behind) = rest.split_at(rest.len().min(STRING));
            write!(f, " \"{string}\"")?;
            rest = behind;
        }
        f.write_str(" )")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn record() -> KeyRecord {
        let name = DkimName::parse("masthead", "example.org").unwrap();
        KeyRecord::new(&name, &SigningKey::generate().unwrap())
    }

    #[test]
    fn a_zone_file_gets_strings_of_255_octets_at_most() {
        let record = record();
        let line = record.to_string();
        let strings: Vec<_> = line.split('"').skip(1).step_by(2).collect();
        assert!(line.starts_with("masthead._domainkey.example.org. IN TXT ( \"v=DKIM1; k=rsa; p=MIIB"), "{line}");
        assert_eq!(strings.concat(), record.value);
        assert_eq!(strings.iter().map(|string| string.len()).max(), Some(255));
    }

    #[test]
    fn a_published_text_counts_when_it_has_this_key_for_mail() {
        let record = record();
        let p = record.value.split("p=").last().unwrap();
        let (front, back) = p.split_at(100);
        for text in [
            record.value.clone(),
            format!("p={p}"),
            format!("v=DKIM1;k=rsa;h=sha1:sha256;s=email;t=y;p={front} {back};"),
        ] {
            assert!(record.is_published_by(&text), "{text}");
        }
        for text in [
            String::new(),
            "v=DKIM1; p=".into(),
            format!("v=DKIM1; p={front}"),
            format!("v=DKIM1; k=ed25519; p={p}"),
            format!("v=DKIM1; h=sha1; p={p}"),
            format!("v=DKIM1; s=other; p={p}"),
        ] {
            assert!(!record.is_published_by(&text), "{text}");
        }
    }
}
