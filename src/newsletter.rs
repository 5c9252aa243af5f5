//! A newsletter: a publication with its name, sender, address and language.

use std::fmt;

use crate::subscriber::{AddressError, EmailAddress};
use crate::theme::Theme;

/// A publication that readers subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// How its mail looks.
    pub theme: Theme,
}

impl Newsletter {
    /// What its mails have of it in their headers and links.
    pub fn letterhead(&self) -> Letterhead {
        let Self { slug, name, from, reply_to, base_url, .. } = self.clone();
        Letterhead { slug, name, from, reply_to, base_url }
    }

    /// The page that lists its issues and takes sign-ups: `https://example.org/weekly`.
    pub fn home_url(&self) -> String {
        self.base_url.home(&self.slug)
    }

    /// The page of one sent issue, "read online": `https://example.org/weekly/104`.
    pub fn issue_url(&self, number: u32) -> String {
        format!("{}/{}/{number}", self.base_url, self.slug)
    }

    /// The address that unsubscribes the reader whom `token` names, without a login (RFC 8058).
    pub fn unsubscribe_url(&self, token: &str) -> String {
        self.base_url.unsubscribe(token)
    }

    /// The address that confirms the sign-up that `token` names.
    pub fn confirm_url(&self, token: &str) -> String {
        format!("{}/c/{token}", self.base_url)
    }
}

/// What of a newsletter stands in the headers of an issue's mails, and where their links lead.
///
/// It is frozen with the issue: all of its mails have the same, whatever masthead.toml says by then.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Letterhead {
    /// The newsletter's name in web addresses and commands.
    pub slug: Slug,
    /// Its name for readers.
    pub name: String,
    /// Who the mail is from.
    pub from: Mailbox,
    /// Where replies go, if not to `from`.
    pub reply_to: Option<Mailbox>,
    /// Where its pages are served.
    pub base_url: BaseUrl,
}

impl Letterhead {
    /// The page that lists the newsletter's issues and takes sign-ups: `https://example.org/weekly`.
    pub fn home_url(&self) -> String {
        self.base_url.home(&self.slug)
    }

    /// The address that unsubscribes the reader whom `token` names, without a login (RFC 8058).
    pub fn unsubscribe_url(&self, token: &str) -> String {
        self.base_url.unsubscribe(token)
    }

    /// The identifier in `List-Id` (RFC 2919): `weekly.example.org`.
    pub fn list_id(&self) -> String {
        format!("{}.{}", self.slug, self.from.address.domain())
    }

    /// The settings in which `other` is not the same: the name in masthead.toml, the value here, the value there.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        let settings = |of: &Self| {
            let reply_to = of.reply_to.as_ref().map_or("none".to_owned(), Mailbox::to_string);
            [
                ("name", of.name.clone()),
                ("from", of.from.to_string()),
                ("reply_to", reply_to),
                ("base_url", of.base_url.to_string()),
            ]
        };
        let pairs = settings(self).into_iter().zip(settings(other));
        pairs.filter(|(here, there)| here != there).map(|((name, here), (_, there))| (name, here, there)).collect()
    }
}

/// What a newsletter mails to a reader besides its issues and the request to confirm a sign-up.
///
/// ```
/// use masthead::newsletter::Notices;
///
/// assert_eq!(Notices::default(), Notices { welcome: true, goodbye: false });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Notices {
    /// A welcome to who has confirmed: it tells that the button worked, and how to leave.
    pub welcome: bool,
    /// A goodbye to who has left on the unsubscribe page. It is one mail more to somebody who wants none.
    pub goodbye: bool,
}

impl Default for Notices {
    fn default() -> Self {
        Self { welcome: true, goodbye: false }
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

/// As [`Mailbox::parse`] reads it.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => self.address.fmt(f),
            Some(name) if name.trim() == name && !name.contains(['"', '<', '>', '\\', ',']) => {
                write!(f, "{name} <{}>", self.address)
            }
            Some(name) => {
                let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{quoted}\" <{}>", self.address)
            }
        }
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

/// Where a DKIM key is published: a selector of a domain that signs (RFC 6376 §3.1).
///
/// ```
/// use masthead::newsletter::DkimName;
///
/// let name = DkimName::parse("masthead", "Bücher.example")?;
/// assert_eq!(name.to_string(), "masthead._domainkey.xn--bcher-kva.example");
/// # Ok::<(), masthead::newsletter::DkimNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DkimName {
    selector: String,
    domain: String,
}

impl DkimName {
    /// Reads selector and domain as written in `masthead.toml`.
    pub fn parse(selector: &str, domain: &str) -> Result<Self, DkimNameError> {
        let label = |label: &str| {
            (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if !selector.split('.').all(label) || selector.len() > 100 {
            return Err(DkimNameError::Selector(selector.to_owned()));
        }
        // What can stand behind the @ of an address can sign for it.
        let address = EmailAddress::parse(&format!("dkim@{domain}"))?;
        Ok(Self { selector: selector.to_ascii_lowercase(), domain: address.domain().to_owned() })
    }

    /// The selector, `s=`.
    pub fn selector(&self) -> &str {
        &self.selector
    }

    /// The domain that signs, `d=`, in A-labels.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether a signature under this name can count for mail from `address`, as DMARC sees it.
    ///
    /// One domain must lie in the other; that they only share an organisation needs a list that changes.
    pub fn is_aligned_with(&self, address: &EmailAddress) -> bool {
        let lies_in = |inner: &str, outer: &str| {
            inner.strip_suffix(outer).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        lies_in(address.domain(), &self.domain) || lies_in(&self.domain, address.domain())
    }
}

impl fmt::Display for DkimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}._domainkey.{}", self.selector, self.domain)
    }
}

/// A selector or domain that cannot be in DNS.
#[derive(Debug, thiserror::Error)]
pub enum DkimNameError {
    /// The selector is none.
    #[error("`{}` is no DKIM selector: letters, digits and hyphens, like `masthead`", .0.escape_debug())]
    Selector(String),
    /// The domain is none.
    #[error(transparent)]
    Domain(#[from] AddressError),
}

/// Where the readers' pages are: `https://example.org`. They have the host to themselves, so there is no path.
///
/// Plain `http` is for loopback only: the unsubscribe address of RFC 8058 must be https.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

    /// The page of a newsletter: `https://example.org/weekly`.
    fn home(&self, slug: &Slug) -> String {
        format!("{self}/{slug}")
    }

    /// The address that unsubscribes the reader whom `token` names.
    fn unsubscribe(&self, token: &str) -> String {
        format!("{self}/u/{token}")
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mailbox_is_read_as_it_is_written(name in prop::option::of(r#"[ a-zé"<>\\,.@]{1,9}"#)) {
            let mailbox = Mailbox { name, address: EmailAddress::parse("ann@example.org").unwrap() };
            prop_assert_eq!(Mailbox::parse(&mailbox.to_string()).unwrap(), mailbox);
        }
    }

    #[test]
    fn a_dkim_name_cannot_leave_its_line() {
        for (selector, domain) in [
            ("", "a.example"),
            ("a; b", "a.example"),
            ("a\r\nb", "a.example"),
            ("a..b", "a.example"),
            ("a", "b; c.d"),
            ("a", ""),
        ] {
            assert!(DkimName::parse(selector, domain).is_err(), "{selector:?} {domain:?}");
        }
    }

    #[test]
    fn a_signature_counts_for_the_domain_and_what_lies_in_it() {
        let name = DkimName::parse("k1", "example.org").unwrap();
        let aligned = |address| name.is_aligned_with(&EmailAddress::parse(address).unwrap());
        assert!(aligned("a@example.org") && aligned("a@news.example.org") && !aligned("a@bad-example.org"));
        assert!(
            DkimName::parse("k1", "mail.example.org")
                .unwrap()
                .is_aligned_with(&EmailAddress::parse("a@example.org").unwrap())
        );
    }
}
