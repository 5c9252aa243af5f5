//! A newsletter: a publication with its name, sender, address and language.

use std::fmt;

use crate::subscriber::{AddressError, EmailAddress};

/// A publication that readers subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newsletter {
    /// Its name in web addresses and commands.
    pub slug: Slug,
    /// Its name for readers.
    pub name: String,
    /// Who the mail is from.
    pub from: Mailbox,
    /// Where replies go, if not to `from`.
    pub reply_to: Option<Mailbox>,
    /// The street address that CAN-SPAM and CASL want in every issue.
    pub postal_address: String,
    /// BCP 47 language tag of its fixed words, `en` or `zh`.
    pub language: String,
    /// Where its pages are served.
    pub base_url: BaseUrl,
}

impl Newsletter {
    /// The page that lists its issues and takes sign-ups: `https://example.org/weekly`.
    pub fn home_url(&self) -> String {
        format!("{}/{}", self.base_url, self.slug)
    }

    /// The page of one sent issue, "read online": `https://example.org/weekly/104`.
    pub fn issue_url(&self, number: u32) -> String {
        format!("{}/{}/{number}", self.base_url, self.slug)
    }

    /// The address that unsubscribes the reader whom `token` names, without a login (RFC 8058).
    pub fn unsubscribe_url(&self, token: &str) -> String {
        format!("{}/u/{token}", self.base_url)
    }

    /// The address that confirms the sign-up that `token` names.
    pub fn confirm_url(&self, token: &str) -> String {
        format!("{}/c/{token}", self.base_url)
    }

    /// The identifier in `List-Id` (RFC 2919): `weekly.example.org`.
    pub fn list_id(&self) -> String {
        format!("{}.{}", self.slug, self.from.address.domain())
    }
}

/// The short name of a newsletter: 1 to 63 of `a-z`, `0-9` and inner `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

impl Slug {
    /// Paths that the web keeps for itself.
    const RESERVED: [&str; 7] = ["u", "c", "assets", "health", "instance", "robots.txt", "favicon.ico"];

    /// Reads a slug as written in `masthead.toml`.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fine = !text.is_empty()
            && text.len() <= 63
            && text.bytes().all(|b| inner(b) || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if !fine || Self::RESERVED.contains(&text) {
            return Err(SlugError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Makes the slug that a name suggests: `Python Trending Weekly` is `python-trending-weekly`.
    pub fn suggest(name: &str) -> Self {
        let mut slug = String::new();
        for c in name.to_lowercase().chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(63);
        Self::parse(slug.trim_end_matches('-')).unwrap_or_else(|_| Self("newsletter".to_owned()))
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no [`Slug`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no slug: 1 to 63 of a-z, 0-9 and inner hyphens, and not a word that the web uses itself")]
pub struct SlugError(String);

/// A display name with an address: `Ann Example <ann@example.org>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, without quotes or control characters.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

impl Mailbox {
    /// Reads `Ann Example <ann@example.org>`, `"Ann, Example" <ann@example.org>` or a bare address.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(MailboxError::Control(text.escape_debug().to_string()));
        }
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
            Some((name, address)) => (name.trim(), address),
            None => ("", text),
        };
        let name = match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\"),
            None => name.to_owned(),
        };
        let address = EmailAddress::parse(address)?;
        Ok(Self { name: (!name.is_empty()).then_some(name), address })
    }
}

/// A text that is no [`Mailbox`].
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// A line break or another control character: a header could be smuggled in.
    #[error("`{0}` has a control character in it; write `Name <address>` on one line")]
    Control(String),
    /// The part in angle brackets is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Where the readers' pages are: `https://example.org`. They have the host to themselves, so there is no path.
///
/// Plain `http` is for loopback only: the unsubscribe address of RFC 8058 must be https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads the address as written in `masthead.toml`.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let url = text.trim().trim_end_matches('/');
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let host = rest.unwrap_or_default();
        let printable = url.chars().all(|c| c.is_ascii_graphic() && !"<>\"'\\?#@".contains(c)) && !host.contains('/');
        if host.is_empty() || !printable {
            return Err(BaseUrlError::Form(text.to_owned()));
        }
        let name = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let loopback =
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if url.starts_with("http://") && !loopback {
            return Err(BaseUrlError::Plain(text.to_owned()));
        }
        Ok(Self(url.to_owned()))
    }

    /// The address as text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its links are https, as the list headers want.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no [`BaseUrl`].
#[derive(Debug, thiserror::Error)]
pub enum BaseUrlError {
    /// No web address at all.
    #[error("`{0}` is no web address of a host; write it like `https://news.example.org`, without a path")]
    Form(String),
    /// Plain http beyond this machine.
    #[error("`{0}` is plain http; mailed links must be https (http is for loopback only)")]
    Plain(String),
}
