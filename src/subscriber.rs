//! A subscriber: a person, that is, an address, and the state of the subscription.

use std::fmt;

/// An email address that can be mailed.
///
/// The domain is kept in lower case and as A-labels (RFC 5890), the local part as written.
/// Two addresses that differ in case only are one [`key`](EmailAddress::key).
///
/// ```
/// use masthead::subscriber::EmailAddress;
///
/// let address = EmailAddress::parse("Jo@Bücher.example")?;
/// assert_eq!(address.as_str(), "Jo@xn--bcher-kva.example");
/// assert_eq!(address.key(), "jo@xn--bcher-kva.example");
/// # Ok::<(), masthead::subscriber::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

impl EmailAddress {
    /// Reads an address as a reader types it; spaces around it are dropped.
    ///
    /// Dot-atoms (RFC 5321 §4.1.2) with UTF-8 (RFC 6531) are taken.
    /// Quoted local parts, address literals, hosts without a dot and underscores in the domain are not:
    /// nobody subscribes with them, and relays disagree on what they mean.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let wrong = |why| AddressError { address: text.escape_debug().to_string(), why };
        let text = text.trim_matches([' ', '\t']);
        let (local, domain) = text.rsplit_once('@').ok_or_else(|| wrong("there is no @ in it"))?;
        if local.is_empty() || local.len() > 64 {
            return Err(wrong("the part before the @ must have 1 to 64 bytes"));
        }
        if local.split('.').any(str::is_empty) {
            return Err(wrong("the part before the @ has a dot at an end, or two in a row"));
        }
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || is_letter(c);
        if !local.chars().all(atom) {
            return Err(wrong("the part before the @ has a character that no mailbox has"));
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| wrong("the part behind the @ is no domain"))?;
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let numeric = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
        if !domain.contains('.') || !domain.split('.').all(label) || domain.rsplit('.').next().is_some_and(numeric) {
            return Err(wrong("the part behind the @ is no domain"));
        }
        if local.len() + 1 + domain.len() > 254 {
            return Err(wrong("it is longer than 254 bytes"));
        }
        Ok(Self { text: format!("{local}@{domain}"), at: local.len() })
    }

    /// The address as it goes on the wire.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What makes it the same person: the address in lower case.
    pub fn key(&self) -> String {
        self.text.to_lowercase()
    }

    /// The part before the @.
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// The part behind the @, in A-labels.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Whether a relay needs SMTPUTF8 (RFC 6531) for it.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local().is_ascii()
    }
}

/// Letters and digits beyond ASCII; marks, spaces, controls and bidi characters are none.
fn is_letter(c: char) -> bool {
    !c.is_ascii() && c.is_alphanumeric()
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text that is no [`EmailAddress`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{address}` is no email address: {why}")]
pub struct AddressError {
    /// The text, control characters escaped.
    pub address: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionState {
    /// Signed up, not confirmed.
    Pending,
    /// Gets the issues.
    Active,
    /// Has left.
    Unsubscribed,
}

impl SubscriptionState {
    /// The word in the store and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, as_written: &str) {
        assert_eq!(EmailAddress::parse(text).unwrap().as_str(), as_written);
    }

    #[track_caller]
    fn refuses(text: &str, why: &str) {
        let error = EmailAddress::parse(text).unwrap_err();
        assert!(error.why.contains(why), "{error}");
    }

    #[test]
    fn odd_addresses_have_a_verdict_with_its_reason() {
        refuses("\"a b\"@example.org", "a character that no mailbox has");
        refuses("a@localhost", "is no domain");
        refuses("a@[127.0.0.1]", "is no domain");
        refuses("a@127.0.0.1", "is no domain");
        refuses("a@x_y.example", "is no domain");
        refuses("a@-x.example", "is no domain");
        refuses(&format!("{}@example.org", "a".repeat(65)), "1 to 64 bytes");
        refuses(&format!("{}@example.org", "é".repeat(33)), "1 to 64 bytes");
        refuses(&format!("a@{}.example", "x".repeat(64)), "is no domain");
        refuses(&format!("a@{}example.org", "x.".repeat(125)), "is no domain");
        refuses("a@example.org.", "is no domain");
        refuses("a.@example.org", "a dot at an end");
        refuses(".a@example.org", "a dot at an end");
        refuses("a..b@example.org", "two in a row");
        refuses("a b@example.org", "a character that no mailbox has");
        refuses("a@b@example.org", "a character that no mailbox has");
        refuses("jose\u{301}@example.org", "a character that no mailbox has");
        refuses("a@example.org\r\nBcc: b@example.org", "");
        refuses("example.org", "there is no @");
        reads(&format!("{}@example.org", "a".repeat(64)), &format!("{}@example.org", "a".repeat(64)));
        reads(" \ta@example.org ", "a@example.org");
        reads("o'neil+weekly=!#$%&*/?^_`{|}~-@example.org", "o'neil+weekly=!#$%&*/?^_`{|}~-@example.org");
    }

    #[test]
    fn a_domain_is_the_same_as_u_label_and_a_label_and_only_a_local_part_needs_smtputf8() {
        for text in ["a@bücher.example", "a@BÜCHER.example", "a@xn--bcher-kva.example", "a@bu\u{308}cher.example"] {
            reads(text, "a@xn--bcher-kva.example");
            assert!(!EmailAddress::parse(text).unwrap().needs_smtputf8(), "{text}");
        }
        reads("a@例子。example", "a@xn--fsqu00a.example");
        reads("José@example.com", "José@example.com");
        let keys = ["José@example.com", "JOSÉ@EXAMPLE.COM"].map(|text| EmailAddress::parse(text).unwrap().key());
        assert_eq!(keys[0], keys[1]);
        assert!(EmailAddress::parse("josé@example.com").unwrap().needs_smtputf8());
    }
}
