//! The self-check of a built message: its header fields, its lines, its MIME tree.
//!
//! Reads the bytes as they will leave, and decodes them with another implementation than the one that wrote them.

use mail_parser::{Encoding, Message, MessageParser, MimeHeaders as _, PartType};

use super::{Finding, Severity};

/// The fields of an issue's mail, in order.
const FIELDS: [&str; 13] = [
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Archive",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
];

/// Octets of a line, without its end (RFC 5322 §2.1.1).
const LONGEST: usize = 998;
const PREFERRED: usize = 78;

/// What a message is expected to have.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The subject.
    pub subject: &'a str,
    /// The newsletter has answers go elsewhere.
    pub reply_to: bool,
    /// A key is configured, so it is signed.
    pub signed: bool,
}

/// A message, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Headers {
    /// The header fields, in order.
    pub fields: Vec<Field>,
    /// The MIME tree; none where there is none to read.
    pub body: Option<MimePart>,
    /// Bytes of the whole message.
    pub bytes: usize,
    /// Octets of the longest line, without its end.
    pub longest_line: usize,
    /// Whether there is a DKIM signature.
    pub signed: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as it is written.
    pub name: String,
    /// Its value as it is on the wire, line breaks included.
    pub raw: String,
    /// Its value on one line; for `Subject`, `From`, `To` and the like, decoded.
    pub value: String,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MimePart {
    /// `text/html`.
    pub content_type: String,
    /// `utf-8`.
    pub charset: Option<String>,
    /// `quoted-printable`.
    pub encoding: Option<String>,
    /// Bytes as it travels.
    pub encoded_bytes: usize,
    /// Bytes of the content.
    pub bytes: usize,
    /// What it holds, for a multipart.
    pub parts: Vec<MimePart>,
}

/// Takes a message apart and checks it.
pub fn headers(message: &[u8], expected: &Expected<'_>) -> Headers {
    let head = head(message);
    let parsed = MessageParser::default().parse(message);
    let fields = fields(head, parsed.as_ref());
    let body = parsed.as_ref().and_then(|parsed| mime_part(parsed, 0));
    let mut check = Check(Vec::new());
    check.bytes(message);
    check.names(&fields, expected);
    check.values(&fields, expected);
    check.body(body.as_ref());
    Headers {
        signed: fields.iter().any(|field| field.name.eq_ignore_ascii_case("DKIM-Signature")),
        longest_line: lines(message).map(<[u8]>::len).max().unwrap_or_default(),
        bytes: message.len(),
        findings: check.0,
        fields,
        body,
    }
}

fn head(message: &[u8]) -> &[u8] {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n").map_or(message.len(), |end| end + 2);
    message.get(..end).unwrap_or(message)
}

/// Lines without their ends; a bare CR or LF ends none.
fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(message);
    std::iter::from_fn(move || {
        let text = rest.filter(|text| !text.is_empty())?;
        match text.windows(2).position(|window| window == b"\r\n") {
            Some(end) => {
                rest = text.get(end + 2..);
                text.get(..end)
            }
            None => rest.take(),
        }
    })
}

fn fields(head: &[u8], parsed: Option<&Message<'_>>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for line in lines(head) {
        let line = String::from_utf8_lossy(line);
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => {
                field.raw.push_str(&format!("\r\n{line}"));
                field.value.push_str(&line);
            }
            _ => {
                let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
                fields.push(Field { name: name.to_owned(), raw: value.clone(), value });
            }
        }
    }
    for field in &mut fields {
        field.value = decoded(field, parsed).unwrap_or_else(|| field.value.trim().to_owned());
    }
    fields
}

/// The value of a field with encoded-words (RFC 2047).
fn decoded(field: &Field, parsed: Option<&Message<'_>>) -> Option<String> {
    let mailbox = |address: Option<&mail_parser::Address<'_>>| {
        let first = address?.first()?;
        let address = first.address()?;
        Some(first.name().map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>")))
    };
    let parsed = parsed?;
    match field.name.to_ascii_lowercase().as_str() {
        "subject" => parsed.subject().map(str::to_owned),
        "from" => mailbox(parsed.from()),
        "to" => mailbox(parsed.to()),
        "reply-to" => mailbox(parsed.reply_to()),
        _ => None,
    }
}

/// The part with this index, and those in it.
fn mime_part(message: &Message<'_>, index: u32) -> Option<MimePart> {
    let part = message.parts.get(usize::try_from(index).ok()?)?;
    let content_type = part.content_type();
    let subtype = content_type.and_then(|kind| kind.subtype());
    let parts = match &part.body {
        // a part comes before those in it, so that this ends
        PartType::Multipart(parts) => {
            parts.iter().filter(|inner| **inner > index).filter_map(|inner| mime_part(message, *inner)).collect()
        }
        _ => Vec::new(),
    };
    Some(MimePart {
        content_type: match content_type {
            Some(kind) => format!("{}/{}", kind.ctype(), subtype.unwrap_or("*")).to_ascii_lowercase(),
            None => "text/plain".to_owned(),
        },
        charset: content_type.and_then(|kind| kind.attribute("charset")).map(str::to_owned),
        encoding: match part.encoding {
            Encoding::None => part.content_transfer_encoding().map(str::to_owned),
            Encoding::QuotedPrintable => Some("quoted-printable".to_owned()),
            Encoding::Base64 => Some("base64".to_owned()),
        },
        encoded_bytes: usize::try_from(part.offset_end.saturating_sub(part.offset_body)).unwrap_or_default(),
        bytes: if parts.is_empty() { part.len() } else { parts.iter().map(|part: &MimePart| part.bytes).sum() },
        parts,
    })
}

/// The findings so far.
struct Check(Vec<Finding>);

impl Check {
    fn error(&mut self, rule: &'static str, message: impl Into<String>, hint: &str) {
        self.0.push(Finding { at: None, ..Finding::new(rule, Severity::Error, 0, message, hint) });
    }

    fn bytes(&mut self, message: &[u8]) {
        let bare = |index: &usize| match message.get(*index) {
            Some(b'\r') => message.get(index + 1) != Some(&b'\n'),
            Some(b'\n') => *index == 0 || message.get(index - 1) != Some(&b'\r'),
            _ => false,
        };
        if let Some(at) = (0..message.len()).find(bare) {
            self.error("message-line-end", format!("byte {at} is a CR or LF alone"), "lines end in CRLF");
        }
        if let Some(at) = message.iter().position(|byte| !byte.is_ascii()) {
            let hint = "encode the part; not every relay takes eight bits";
            self.error("message-ascii", format!("byte {at} is beyond ASCII"), hint);
        }
        if let Some((number, line)) = lines(message).enumerate().find(|(_, line)| line.len() > LONGEST) {
            let message = format!("line {} has {} octets, more than {LONGEST}", number + 1, line.len());
            self.error("message-line-length", message, "encode the part, or fold the header (RFC 5322 §2.1.1)");
        }
        let long = |line: &&[u8]| line.len() > PREFERRED && !line.starts_with(b"List-");
        if let Some(line) = lines(head(message)).find(long) {
            let message = format!("a header line has {} octets, more than {PREFERRED}", line.len());
            let hint = "fold it: some programs cut long lines";
            let finding = Finding::new("message-line-length", Severity::Note, 0, message, hint);
            self.0.push(Finding { at: None, ..finding });
        }
    }

    /// Exactly the fields expected, once each, in order; signatures above them.
    fn names(&mut self, fields: &[Field], expected: &Expected<'_>) {
        let is_signature = |field: &&Field| field.name.eq_ignore_ascii_case("DKIM-Signature");
        let signatures = fields.iter().take_while(is_signature).count();
        let own = fields.get(signatures..).unwrap_or_default();
        let wanted: Vec<&str> = FIELDS.into_iter().filter(|name| *name != "Reply-To" || expected.reply_to).collect();
        let there: Vec<&str> = own.iter().map(|field| field.name.as_str()).collect();
        let count = |list: &[&str], name: &str| list.iter().filter(|own| own.eq_ignore_ascii_case(name)).count();
        for name in &wanted {
            match count(&there, name) {
                1 => {}
                0 => self.error("message-header", format!("there is no {name}"), "every issue's mail needs it"),
                more => self.error("message-header", format!("{name} is there {more} times"), "it belongs there once"),
            }
        }
        for name in there.iter().filter(|name| count(&wanted, name) == 0) {
            self.error("message-header", format!("nobody asked for the field {name}"), "leave it out");
        }
        if self.0.iter().all(|finding| finding.rule != "message-header") && there != wanted {
            let message = format!("the fields are in another order: {}", there.join(", "));
            self.error("message-header", message, "keep the order: signatures and eyes rely on it");
        }
        match (signatures, expected.signed) {
            (0, true) => self.error("message-signature", "the message is not signed", "look at the DKIM key"),
            (1.., false) => self.error("message-signature", "there is a signature, but no key", "look at the settings"),
            _ => {}
        }
    }

    fn values(&mut self, fields: &[Field], expected: &Expected<'_>) {
        let value = |name: &str| fields.iter().find(|field| field.name == name).map(|field| field.value.as_str());
        if let Some(subject) = value("Subject").filter(|subject| *subject != expected.subject) {
            self.error(
                "message-subject",
                format!("the subject reads \"{subject}\", not \"{}\"", expected.subject),
                "another program decodes it otherwise than it was meant",
            );
        }
        let leave = value("List-Unsubscribe").unwrap_or_default();
        if !is_one_click(leave) {
            let hint = "one https address, in brackets; plain http on this machine only (RFC 8058)";
            self.error("message-unsubscribe", format!("List-Unsubscribe is `{leave}`"), hint);
        }
        let post = value("List-Unsubscribe-Post").unwrap_or_default();
        if post != "List-Unsubscribe=One-Click" {
            let hint = "it says List-Unsubscribe=One-Click (RFC 8058)";
            self.error("message-unsubscribe", format!("List-Unsubscribe-Post is `{post}`"), hint);
        }
        let id = value("Message-ID").unwrap_or_default();
        if !is_dot_atom_id(id) {
            let hint = "write it as dot-atom@domain in brackets (RFC 5322 §3.6.4)";
            self.error("message-id", format!("the Message-ID is `{id}`"), hint);
        }
    }

    /// Text, then HTML, as alternatives, in UTF-8.
    fn body(&mut self, body: Option<&MimePart>) {
        let Some(body) = body else {
            return self.error("message-mime", "there is no body to read", "look at the boundaries");
        };
        let kinds: Vec<&str> = body.parts.iter().map(|part| part.content_type.as_str()).collect();
        if body.content_type != "multipart/alternative" || kinds != ["text/plain", "text/html"] {
            let message = format!("the body is {} of {}", body.content_type, kinds.join(", "));
            self.error("message-mime", message, "text, then HTML, as alternatives");
        }
        for part in &body.parts {
            if !part.charset.as_deref().is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8")) {
                let message = format!("the {} part does not say that it is UTF-8", part.content_type);
                self.error("message-mime", message, "name the charset");
            }
            if !matches!(part.encoding.as_deref(), Some("quoted-printable" | "base64")) {
                let message = format!("the {} part travels as it is", part.content_type);
                self.error("message-mime", message, "encode it: quoted-printable or base64");
            }
            if part.bytes == 0 {
                self.error("message-mime", format!("the {} part is empty", part.content_type), "write both parts");
            }
        }
    }
}

/// One web address in brackets: https, or http to this machine.
fn is_one_click(value: &str) -> bool {
    let Some(url) = value.strip_prefix('<').and_then(|value| value.strip_suffix('>')) else { return false };
    let local = url.strip_prefix("http://").is_some_and(|rest| {
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    });
    (url.starts_with("https://") || local) && !url.contains(['<', '>', ',', ' '])
}

/// `<dot-atom@dot-atom>` in ASCII.
fn is_dot_atom_id(id: &str) -> bool {
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    let bare = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    let halves = bare.and_then(|id| id.split_once('@'));
    halves.is_some_and(|(left, right)| left.split('.').all(atom) && right.split('.').all(atom))
}
