//! Rendered + reader → bytes; every header is set here.
//!
//! A message ends its lines in CRLF and is not dot-stuffed: that is the mailer's part.
//! The same inputs give the same bytes, so a retry is the same message.

mod approved;
pub mod dkim;
mod header;

use lettre::message::header::ContentTransferEncoding::{Base64, QuotedPrintable};
use lettre::message::header::ContentType;
use lettre::message::{Body, MultiPart, SinglePart};
use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

pub use approved::{Digest, DigestError};

use self::dkim::{SignError, Signer};
use crate::newsletter::{Mailbox, Newsletter};
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
    /// The text or HTML cannot be encoded.
    #[error("the {0} part cannot be encoded")]
    Encoding(&'static str),
    /// The signature cannot be made.
    #[error(transparent)]
    Signature(#[from] SignError),
}

/// Builds the whole message of an issue to one reader.
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
    newsletter: &Newsletter,
    rendered: &Rendered,
    number: Option<u32>,
    reader: &Reader,
    message_id: &str,
    date: OffsetDateTime,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, MessageError> {
    let value = |slot| match slot {
        Slot::UnsubscribeUrl => reader.unsubscribe_url.as_str(),
        Slot::Name => reader.name.as_deref().unwrap_or_default(),
    };
    let number = number.map_or("letter".to_owned(), |number| number.to_string());
    let mut head = Head::default();
    head.line("From", header::mailbox("From name", "From".len(), &newsletter.from)?);
    if let Some(reply_to) = &newsletter.reply_to {
        head.line("Reply-To", header::mailbox("Reply-To name", "Reply-To".len(), reply_to)?);
    }
    let to = Mailbox { name: reader.name.clone(), address: reader.address.clone() };
    head.line("To", header::mailbox("To name", "To".len(), &to)?);
    head.line("Subject", header::unstructured("subject", "Subject".len(), &rendered.subject)?);
    head.line("Date", header::date(date)?);
    head.line("Message-ID", header::message_id(message_id)?);
    head.line("List-Id", header::named("newsletter's name", "List-Id".len(), &newsletter.name, &newsletter.list_id())?);
    head.way_out(&reader.unsubscribe_url)?;
    head.line("List-Archive", header::url("archive address", &newsletter.home_url())?);
    head.line("Feedback-ID", format!("{number}:{}:issue:masthead", newsletter.slug));
    let message = head.with_body(message_id, &rendered.text_for(value), &rendered.html_for(value))?;
    signed(message, date, signer)
}

/// Builds a proof: what a reader would get, mailed to somebody who looks at it; its way out leads nowhere.
pub fn proof_message(
    newsletter: &Newsletter,
    rendered: &Rendered,
    number: Option<u32>,
    to: &EmailAddress,
    date: OffsetDateTime,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, MessageError> {
    let to_hash = digest(&SHA256, to.key().as_bytes());
    let (moment, domain) = (date.unix_timestamp_nanos(), newsletter.from.address.domain());
    let message_id = format!("proof.{moment}.{}@{domain}", &hex(to_hash.as_ref())[..12]);
    let reader = Reader { address: to.clone(), name: None, unsubscribe_url: newsletter.unsubscribe_url("proof") };
    issue_message(newsletter, rendered, number, &reader, &message_id, date, signer)
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
    signed(head.with_body(message_id, &notice.text, &notice.html)?, date, signer)
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

    /// The message: the head, then text and HTML as alternatives, the better one last (RFC 2046 §5.1.4).
    fn with_body(mut self, message_id: &str, text: &str, html: &str) -> Result<Vec<u8>, MessageError> {
        self.line("MIME-Version", "1.0".to_owned());
        let parts = MultiPart::alternative()
            .boundary(boundary(message_id))
            .singlepart(part(ContentType::TEXT_PLAIN, text).ok_or(MessageError::Encoding("text"))?)
            .singlepart(part(ContentType::TEXT_HTML, html).ok_or(MessageError::Encoding("HTML"))?);
        let mut message = self.0.into_bytes();
        message.extend(parts.formatted());
        Ok(message)
    }
}

fn part(content_type: ContentType, content: &str) -> Option<SinglePart> {
    // lettre would put in every CR by itself, and move the rest of the text each time
    let content = match content.contains('\r') {
        true => content.replace("\r\n", "\n").replace(['\r', '\n'], "\r\n"),
        false => content.replace('\n', "\r\n"),
    };
    // quoted-printable triples every byte beyond ASCII, base64 adds a third to all of them
    let beyond_ascii = content.bytes().filter(|byte| !byte.is_ascii()).count();
    let encoding = if beyond_ascii * 6 > content.len() { Base64 } else { QuotedPrintable };
    let body = Body::new_with_encoding(content, encoding).ok()?;
    Some(SinglePart::builder().content_type(content_type).body(body))
}

/// What stands between the parts; `=_` occurs in neither encoding.
fn boundary(message_id: &str) -> String {
    format!("=_{}", &hex(digest(&SHA256, message_id.as_bytes()).as_ref())[..32])
}
