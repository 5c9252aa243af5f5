//! DKIM (RFC 6376): rsa-sha256, relaxed/relaxed, the whole body; no `l=`, so nothing can be put behind it.
//!
//! What is signed is split as a send needs it: [`BodyHash`] takes the body piece by piece and can be cloned after
//! a part that many messages share, [`Signer::seal`] does what is left for one message.

mod canonical;
mod key;
mod record;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use time::OffsetDateTime;

pub use canonical::BodyHash;
pub use key::{KeyError, SigningKey};
pub use record::KeyRecord;

use crate::newsletter::DkimName;

/// The fields that a signature covers, each named once more than it is there:
/// neither a second `Subject` nor a `List-Post` of somebody else's can be added (RFC 6376 §8.15).
const COVERED: [&str; 19] = [
    "From",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Archive",
    "List-Help",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "Feedback-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
];

/// Columns of a line of the signature.
const LINE: usize = 78;

/// Signs messages for a domain; clones share the key.
#[derive(Clone)]
pub struct Signer {
    key: Arc<SigningKey>,
    name: DkimName,
}

/// The key did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the DKIM key cannot sign; make a new one with `masthead doctor --new-key`")]
pub struct SignError;

impl Signer {
    /// A signer with the private half of the key that is published under `name`.
    pub fn new(key: SigningKey, name: DkimName) -> Self {
        Self { key: Arc::new(key), name }
    }

    /// What must be published for its signatures to be verified.
    pub fn record(&self) -> KeyRecord {
        KeyRecord::new(&self.name, &self.key)
    }

    /// The `DKIM-Signature` line of a whole message; it goes before the first line.
    ///
    /// ```text
    /// DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;
    ///  s=masthead; t=1748649600; h=From:From:Reply-To:…;
    ///  bh=…;
    ///  b=…
    /// ```
    pub fn sign(&self, message: &[u8], date: OffsetDateTime) -> Result<String, SignError> {
        let end = memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 2);
        let (head, rest) = message.split_at(end);
        let mut body = BodyHash::new();
        body.update(rest.get(2..).unwrap_or_default());
        self.seal(head, body, date)
    }

    /// The same for a `head` of header lines, each with its CRLF, and a body that is hashed already.
    ///
    /// `date` is what `t=` says: the message's own, so that every try is the same message.
    pub fn seal(&self, head: &[u8], body: BodyHash, date: OffsetDateTime) -> Result<String, SignError> {
        let fields = canonical::fields(head);
        let mut signed = Vec::with_capacity(head.len() + 1_024);
        let mut names = Vec::with_capacity(2 * COVERED.len());
        for name in COVERED {
            let lower = name.to_ascii_lowercase();
            // Of several, a verifier takes the last one first (RFC 6376 §5.4.2).
            for field in fields.iter().rev().filter(|field| field.name() == lower.as_bytes()) {
                signed.extend_from_slice(field.line());
                signed.extend_from_slice(b"\r\n");
                names.push(name);
            }
            names.push(name);
        }
        let mut signature = self.unsigned(&names, &body.finish(), date);
        // The signature covers its own line too, still without its value and without a line end.
        signed.extend_from_slice(canonical::field(signature.as_bytes()).line());
        let value = STANDARD.encode(self.key.sign(&signed).ok_or(SignError)?);
        for (index, piece) in value.as_bytes().chunks(LINE - 3).enumerate() {
            if index > 0 {
                signature.push_str("\r\n ");
            }
            signature.extend(piece.iter().map(|byte| char::from(*byte)));
        }
        signature.push_str("\r\n");
        Ok(signature)
    }

    /// The line up to the value of `b=`, folded.
    fn unsigned(&self, names: &[&str], body_hash: &[u8], date: OffsetDateTime) -> String {
        let mut line = Folded::default();
        line.push("DKIM-Signature: v=1;");
        line.push(" a=rsa-sha256;");
        line.push(" c=relaxed/relaxed;");
        line.push(&format!(" d={};", self.name.domain()));
        line.push(&format!(" s={};", self.name.selector()));
        line.push(&format!(" t={};", date.unix_timestamp().max(0)));
        for (index, name) in names.iter().enumerate() {
            let before = if index == 0 { " h=" } else { "" };
            let behind = if index + 1 == names.len() { ";" } else { ":" };
            line.push(&format!("{before}{name}{behind}"));
        }
        line.push(&format!(" bh={};", STANDARD.encode(body_hash)));
        // On a line of its own, which the value fills.
        line.text.push_str("\r\n b=");
        line.text
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.name)
    }
}

/// A header line that is folded before a piece that would be too long for it.
#[derive(Default)]
struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    fn push(&mut self, piece: &str) {
        if self.column + piece.len() > LINE {
            self.text.push_str("\r\n");
            self.column = 0;
            if !piece.starts_with(' ') {
                self.text.push(' ');
                self.column = 1;
            }
        }
        self.text.push_str(piece);
        self.column += piece.len();
    }
}
