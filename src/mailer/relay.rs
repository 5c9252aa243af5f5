//! The relay: where it is, how to reach it safely, who we are to it.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{self, ClientConfig};
use url::Url;

use super::Deadlines;

/// An SMTP server that takes our mail, as `SMTP_URL` names it.
///
/// ```
/// use masthead::mailer::{Relay, Security};
///
/// let relay = Relay::parse("smtp://weekly:p%40ss@relay.example.org?tls=required")?;
/// assert_eq!((relay.host(), relay.port(), relay.security()), ("relay.example.org", 587, Security::StartTls));
/// assert_eq!(relay.to_string(), "smtp://relay.example.org:587?tls=required");
/// # Ok::<(), masthead::mailer::RelayError>(())
/// ```
#[derive(Clone)]
pub struct Relay {
    host: String,
    port: u16,
    security: Security,
    roots: Vec<CertificateDer<'static>>,
    /// Made at the first connection, since it reads every certificate that the system trusts; clones share it.
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: Option<String>,
    pub(super) deadlines: Deadlines,
    window: usize,
    pipelines: bool,
}

/// What protects the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// STARTTLS, required (RFC 3207).
    StartTls,
    /// Nothing, not even for user and password; on loopback only.
    Plain,
}

impl Relay {
    /// Reads a relay's URL; user and password are percent-encoded in it, a path is the name to say in EHLO.
    ///
    /// ```text
    /// smtps://user:password@relay.example.org           TLS, port 465
    /// smtp://user:password@relay.example.org?tls=required   STARTTLS, port 587
    /// smtp://127.0.0.1:2525                             plain, on loopback only
    /// ```
    pub fn parse(text: &str) -> Result<Self, RelayError> {
        let url = Url::parse(text.trim()).map_err(RelayError::Unreadable)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(RelayError::NoHost)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = tls_parameter(&url)?;
        let (security, port) = match (url.scheme(), tls.as_deref()) {
            ("smtps", None | Some("required" | "wrapper")) => (Security::Implicit, 465),
            ("smtp", Some("required")) => (Security::StartTls, 587),
            ("smtp", None) if is_loopback(&host) => (Security::Plain, 25),
            ("smtp", None) => return Err(RelayError::Plain),
            ("smtp" | "smtps", _) => return Err(RelayError::Tls),
            _ => return Err(RelayError::Scheme),
        };
        let hello = match url.path().trim_matches('/') {
            "" => None,
            name if is_host_name(name) => Some(name.to_owned()),
            _ => return Err(RelayError::Hello),
        };
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            security,
            roots: Vec::new(),
            tls: Arc::default(),
            credentials: credentials(&url)?,
            hello,
            deadlines: Deadlines::default(),
            window: 1,
            pipelines: true,
        })
    }

    /// The same with other deadlines.
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// The same where no step up to the first message may take longer than `patience`.
    pub fn within(mut self, patience: Duration) -> Self {
        let Deadlines { connect, greeting, hello, .. } = &mut self.deadlines;
        for deadline in [connect, greeting, hello] {
            *deadline = patience.min(*deadline);
        }
        self
    }

    /// The same with up to `window` messages in flight over each connection, where it offers CHUNKING.
    ///
    /// Each of them is one that a crash leaves in doubt. A relay that answers a command twice goes unnoticed longer.
    pub fn with_window(mut self, window: usize) -> Self {
        self.window = window.max(1);
        self
    }

    /// The same with commands sent ahead of replies or not, where it offers PIPELINING.
    pub fn with_pipelining(mut self, pipelines: bool) -> Self {
        self.pipelines = pipelines;
        self
    }

    /// The same, trusting also the certificates in `pem`: a relay with a private authority.
    pub fn trusting(mut self, pem: &[u8]) -> Result<Self, RelayError> {
        let before = self.roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.roots.push(certificate.map_err(|why| RelayError::Pem(why.to_string()))?);
        }
        if self.roots.len() == before {
            return Err(RelayError::Pem("there is no certificate in it".to_owned()));
        }
        self.tls = Arc::default();
        Ok(self)
    }

    /// The host's name or address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What protects the connection.
    pub fn security(&self) -> Security {
        self.security
    }

    /// Its URL, were it protected so.
    pub(super) fn url_with(&self, security: Security) -> String {
        Self { security, ..self.clone() }.to_string()
    }

    /// How many messages are in flight over each connection at most.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Whether commands may be sent ahead of replies.
    pub fn pipelines(&self) -> bool {
        self.pipelines
    }

    /// Whether it is given a user and a password.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// TLS that trusts what the operating system trusts, and our extra roots.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(self.roots.iter().cloned(), Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous() // so rustls calls any verifier of one's own; this one is the system's
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }
}

/// The URL without user and password: some relays take their key as the user.
impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, parameter) = match self.security {
            Security::Implicit => ("smtps", ""),
            Security::StartTls => ("smtp", "?tls=required"),
            Security::Plain => ("smtp", ""),
        };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}:{}{parameter}", self.host, self.port)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({self})")
    }
}

/// Why a text names no relay; none of these repeats any part of it, since a misread URL has its password anywhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// It is no URL.
    #[error(
        "the relay's URL cannot be read ({0}); write `smtps://user:password@host`, with @ : / ? # % in user and password percent-encoded"
    )]
    Unreadable(url::ParseError),
    /// The scheme is neither smtps nor smtp.
    #[error("the relay's URL is of an unknown kind; use `smtps://…`, or `smtp://…?tls=required`")]
    Scheme,
    /// There is no host.
    #[error("the relay's URL has no host; write `smtps://user:password@host`")]
    NoHost,
    /// Plain SMTP to another machine.
    #[error(
        "plain `smtp://` to another machine shows passwords and mail to the network; use `smtps://`, or add `?tls=required`"
    )]
    Plain,
    /// TLS that may be left out, or an unknown value.
    #[error(
        "the relay's URL has a `tls` that cannot be used: anything weaker than `tls=required` can be stripped on the way; use that, or `smtps://`"
    )]
    Tls,
    /// A parameter other than tls.
    #[error(
        "the relay's URL has an unknown parameter; only `tls=required` is known (is a ? in the password percent-encoded?)"
    )]
    Parameter,
    /// The path is no host name.
    #[error(
        "the path of the relay's URL is no host name to say in EHLO; leave it out (is a / in the password percent-encoded?)"
    )]
    Hello,
    /// User or password is missing or not usable.
    #[error("the relay's URL has no usable user and password; give both, percent-encoded UTF-8, or none")]
    Credentials,
    /// The extra certificates cannot be read.
    #[error("the relay's certificates cannot be read as PEM: {0}")]
    Pem(String),
}

fn tls_parameter(url: &Url) -> Result<Option<String>, RelayError> {
    let mut tls = None;
    for (name, value) in url.query_pairs() {
        if name != "tls" {
            return Err(RelayError::Parameter);
        }
        tls = Some(value.into_owned());
    }
    Ok(tls)
}

fn credentials(url: &Url) -> Result<Option<Credentials>, RelayError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let (user, password) = (decode(url.username()), url.password().and_then(decode));
    match (user, password) {
        // NUL is what separates the two in AUTH PLAIN (RFC 4616).
        (Some(user), Some(password)) if !user.is_empty() && !user.contains('\0') && !password.contains('\0') => {
            Ok(Some(Credentials::new(user, password)))
        }
        _ => Err(RelayError::Credentials),
    }
}

/// Percent-decodes; a % that begins no code stays. `None` when the result is no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let code = others.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.filter(|code| !code.starts_with('+')).and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether a name can be said in EHLO.
pub(super) fn is_host_name(name: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn reads(url: &str, host: &str, port: u16, security: Security) {
        let relay = Relay::parse(url).unwrap();
        assert_eq!((relay.host(), relay.port(), relay.security()), (host, port, security), "{url}");
    }

    #[test]
    fn urls_are_read_as_lettre_writes_them() {
        reads("smtps://u:p@relay.example.org", "relay.example.org", 465, Security::Implicit);
        reads("smtps://u:p@relay.example.org:4650", "relay.example.org", 4650, Security::Implicit);
        reads("smtp://u:p@relay.example.org?tls=required", "relay.example.org", 587, Security::StartTls);
        reads("smtp://127.0.0.1:2525", "127.0.0.1", 2525, Security::Plain);
        reads("smtp://localhost", "localhost", 25, Security::Plain);
        reads("smtp://[::1]:2525", "::1", 2525, Security::Plain);
        assert_eq!(Relay::parse("smtp://localhost/me.example.org").unwrap().hello.unwrap(), "me.example.org");
    }

    #[test]
    fn what_would_be_unsafe_is_refused() {
        let refused = |url: &str| Relay::parse(url).unwrap_err();
        assert_eq!(refused("smtp://relay.example.org"), RelayError::Plain);
        assert_eq!(refused("smtp://10.0.0.1:25"), RelayError::Plain);
        assert_eq!(refused("smtp://localhost.example.org"), RelayError::Plain);
        assert_eq!(refused("smtp://relay.example.org?tls=opportunistic"), RelayError::Tls);
        assert_eq!(refused("smtp://localhost?tls="), RelayError::Tls);
        assert_eq!(refused("smtps://relay.example.org?insecure=1"), RelayError::Parameter);
        assert_eq!(refused("http://relay.example.org"), RelayError::Scheme);
        assert_eq!(refused("smtps://user@relay.example.org"), RelayError::Credentials);
        assert_eq!(refused("smtps://u:%00@relay.example.org"), RelayError::Credentials);
        assert_eq!(refused("smtps://u:%ff@relay.example.org"), RelayError::Credentials);
        assert_eq!(refused("smtps://relay.example.org/a%0d%0ab"), RelayError::Hello);
        assert!(matches!(refused("relay.example.org"), RelayError::Unreadable(_)));
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        let relay = Relay::parse("smtps://me%40example.org:p%C3%A9%2F+%25%@relay.example.org").unwrap();
        assert_eq!(relay.credentials, Some(Credentials::new("me@example.org".into(), "pé/+%%".into())));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let relay = Relay::parse("smtps://key:secret@relay.example.org").unwrap();
        let printed = format!("{relay} {relay:?} {relay:#?}");
        assert!(!printed.contains("secret") && !printed.contains("key"), "{printed}");
        for url in [
            "smtps://u:12/secret@host",
            "smtps://u:1?secret@host",
            "secret://h",
            "smtps://u:se#cret@h",
            "smtp://secret",
        ] {
            let error = Relay::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
