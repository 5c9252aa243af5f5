//! Rendered + reader → bytes; every header is set here.
//!
//! A message ends its lines in CRLF, and none begins with a dot: what SMTP doubles is not there.
//! The same inputs give the same bytes, so a retry is the same message.
//!
//! An issue is [compiled](Compiled) once, headers, MIME and encoding; each reader's message is stamped from that.

mod approved;
mod compiled;
pub mod dkim;
mod encoding;
mod header;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, MultiPart, SinglePart};
use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

pub use approved::{Digest, DigestError};
pub use compiled::{Compiled, Stamped, StampedPiece};

use self::dkim::{SignError, Signer};
use self::encoding::Encoder;
use crate::newsletter::{Letterhead, Mailbox};
use crate::render::{Notice, Rendered, Slot};
use crate::subscriber::EmailAddress;
use crate::token::hex;

/// Who gets the message, and how to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The address.
    pub address: EmailAddress,
    /// The display name in `To`.
    pub name: Option<String>,
    /// What unsubscribes this reader without a login; goes into footer and header.
    pub unsubscribe_url: String,
}

impl Reader {
    /// What this reader's mail has in a slot.
    fn value(&self, slot: Slot) -> &str {
        match slot {
            Slot::UnsubscribeUrl => &self.unsubscribe_url,
            Slot::Name => self.name.as_deref().unwrap_or_default(),
        }
    }
}

/// Why a message cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// A header would hold a line break, a control or a direction character.
    #[error("the {field} has the character {}; remove it", .character.escape_unicode())]
    Character {
        /// `subject`, `From name`, `To name`.
        field: &'static str,
        /// The character.
        character: char,
    },
    /// An address for a header is no web address.
    #[error("the {field} `{}` is no web address; it must be printable ASCII and begin with https://", .url.escape_debug())]
    Url {
        /// `unsubscribe address`, `archive address`.
        field: &'static str,
        /// The address.
        url: String,
    },
    /// The identifier is no `dot-atom@domain` in ASCII.
    #[error("`{}` is no Message-ID; write it like `104.7f3a@example.org`", .0.escape_debug())]
    MessageId(String),
    /// The date cannot be written as RFC 5322 has it.
    #[error("the date {0} cannot be written; mail knows the years from 1900 to 9999")]
    Date(OffsetDateTime),
    /// The signature cannot be made.
    #[error(transparent)]
    Signature(#[from] SignError),
}

/// Builds the whole message of an issue to one reader; for many, they are stamped from one [`Compiled`].
///
/// `message_id` is `dot-atom@domain`, without brackets, unique per delivery.
/// An issue without a number is a letter in `Feedback-ID`.
/// With a `signer`, its `DKIM-Signature` comes first.
///
/// ```text
/// From: Python Trending Weekly <editor@example.org>
/// To: Jo <jo@example.com>
/// Subject: Python Trending Weekly #104: …
/// Date: Sat, 31 May 2025 00:00:00 +0000
/// Message-ID: <104.7f3a@example.org>
/// List-Id: Python Trending Weekly <weekly.example.org>
/// List-Unsubscribe: <https://example.org/u/3f9c…>
/// List-Unsubscribe-Post: List-Unsubscribe=One-Click
/// List-Archive: <https://example.org/weekly>
/// Feedback-ID: 104:weekly:issue:masthead
/// MIME-Version: 1.0
/// Content-Type: multipart/alternative; boundary="…"
/// ```
pub fn issue_message(
    letterhead: &Letterhead,
    rendered: &Rendered,
    number: Option<u32>,
    reader: &Reader,
    message_id: &str,
    date: OffsetDateTime,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, MessageError> {
    let compiled = Compiled::new(letterhead, rendered, number, date, signer)?;
    Ok(compiled.stamp(reader, message_id)?.to_vec())
}

/// Builds a proof: what a reader would get, mailed to somebody who looks at it; its way out leads nowhere.
pub fn proof_message(
    letterhead: &Letterhead,
    rendered: &Rendered,
    number: Option<u32>,
    to: &EmailAddress,
    date: OffsetDateTime,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, MessageError> {
    let to_hash = digest(&SHA256, to.key().as_bytes());
    let (moment, domain) = (date.unix_timestamp_nanos(), letterhead.from.address.domain());
    let message_id = format!("proof.{moment}.{}@{domain}", &hex(to_hash.as_ref())[..12]);
    let reader = Reader { address: to.clone(), name: None, unsubscribe_url: letterhead.unsubscribe_url("proof") };
    issue_message(letterhead, rendered, number, &reader, &message_id, date, signer)
}

/// Builds the whole message of a notice: a confirmation to a reader, a report to the operator.
///
/// One with a way out has the list headers for it, as an issue has. With a `signer`, its `DKIM-Signature` comes first.
pub fn notice_message(
    from: &Mailbox,
    to: &EmailAddress,
    notice: &Notice,
    message_id: &str,
    date: OffsetDateTime,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, MessageError> {
    let mut head = Head::default();
    head.line("From", header::mailbox("From name", "From".len(), from)?);
    head.line("To", to.to_string());
    head.line("Subject", header::unstructured("subject", "Subject".len(), &notice.subject)?);
    head.line("Date", header::date(date)?);
    head.line("Message-ID", header::message_id(message_id)?);
    if let Some(url) = &notice.unsubscribe_url {
        head.way_out(url)?;
    }
    // RFC 3834: no vacation notice answers it
    head.line("Auto-Submitted", "auto-generated".to_owned());
    head.line("MIME-Version", "1.0".to_owned());
    let part = |text: &str| {
        let (text, encoder) = (crlf(text), Encoder::for_text(text));
        (encoder.name(), encoder.encode(&text))
    };
    let mut message = head.0.into_bytes();
    message.extend(alternatives(&boundary(message_id), part(&notice.text), part(&notice.html)));
    signed(message, date, signer)
}

/// The message with its signature before it, where somebody signs.
fn signed(message: Vec<u8>, date: OffsetDateTime, signer: Option<&Signer>) -> Result<Vec<u8>, MessageError> {
    match signer {
        Some(signer) => Ok([signer.sign(&message, date)?.into_bytes(), message].concat()),
        None => Ok(message),
    }
}

/// The header lines so far; lettre's own are not used: it panics on some names and folds others wrongly.
#[derive(Default)]
struct Head(String);

impl Head {
    /// Adds a line; `value` is encoded and folded already.
    fn line(&mut self, name: &str, value: String) {
        self.0.push_str(&format!("{name}: {value}\r\n"));
    }

    /// Adds the list headers that let a mail program unsubscribe the reader by one POST (RFC 8058 §3.1).
    fn way_out(&mut self, unsubscribe_url: &str) -> Result<(), MessageError> {
        self.line("List-Unsubscribe", header::url("unsubscribe address", unsubscribe_url)?);
        self.line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
        Ok(())
    }
}

/// A part's encoding, and the part encoded.
type Part = (ContentTransferEncoding, String);

/// Text and HTML as alternatives, the better one last (RFC 2046 §5.1.4); begins with their own header lines.
fn alternatives(boundary: &str, text: Part, html: Part) -> Vec<u8> {
    let part = |content_type, (encoding, encoded): Part| {
        let body = Body::dangerous_pre_encoded(encoded.into_bytes(), encoding);
        SinglePart::builder().content_type(content_type).body(body)
    };
    let parts = MultiPart::alternative()
        .boundary(boundary)
        .singlepart(part(ContentType::TEXT_PLAIN, text))
        .singlepart(part(ContentType::TEXT_HTML, html));
    parts.formatted()
}

/// A text with CRLF for every line end, as all encodings begin with it.
fn crlf(text: &str) -> String {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace(['\r', '\n'], "\r\n"),
        false => text.replace('\n', "\r\n"),
    }
}

/// What stands between the parts; `=_` occurs in neither encoding.
fn boundary(of: &str) -> String {
    format!("=_{}", &hex(digest(&SHA256, of.as_bytes()).as_ref())[..32])
}
