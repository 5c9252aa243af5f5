//! An issue's message with gaps: built and encoded once, stamped for each reader.
//!
//! What a reader's values move behind them, by a different length, is encoded once for each place on a line that it
//! can begin at, when that first happens; so a stamped message is the very one that a build from nothing gives.

use std::array;
use std::iter;
use std::mem;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use time::OffsetDateTime;

use super::dkim::{BodyHash, Signer};
use super::encoding::{Encoder, STATES};
use super::{Digest, Head, MessageError, Reader, alternatives, boundary, crlf, header};
use crate::newsletter::{Letterhead, Mailbox};
use crate::render::{Gap, Piece, Rendered};

/// An issue's message, but for what is a reader's own: `To`, Message-ID, `List-Unsubscribe`, the slots, the signature.
///
/// ```text
/// From: …            ┐ header lines are copied
/// To: ◻              ┘
/// …
/// --=_…
/// Good morning       ┐ the parts are shared
/// ◻                  ┘ but for the gaps, and at most a few characters beside them
/// ```
pub struct Compiled {
    head: SharedHead,
    parts: [Part; 2],
    /// The last boundary.
    end: String,
    signing: Option<Signing>,
}

/// The header lines that all readers get, each with its CRLF; cut where a reader's own stand.
struct SharedHead {
    /// Before `To`.
    from: String,
    subject: String,
    /// Before Message-ID.
    date: String,
    /// Before `List-Unsubscribe`.
    list_id: String,
    rest: String,
}

/// One of the alternatives.
struct Part {
    /// Line end, boundary and header lines, with the empty line behind them.
    before: String,
    /// At the beginning of the part.
    encoder: Encoder,
    segments: Vec<Segment>,
}

enum Segment {
    Text(Box<Text>),
    Gap(Gap),
}

/// What all readers get between two gaps.
struct Text {
    bytes: Vec<u8>,
    /// By the state that the encoder meets it in.
    encoded: [OnceLock<Encoded>; STATES],
}

struct Encoded {
    bytes: Arc<[u8]>,
    /// The encoder behind it.
    encoder: Encoder,
}

/// What signs, with the hash over the body before the first gap.
struct Signing {
    signer: Signer,
    date: OffsetDateTime,
    hash: BodyHash,
    hashed: usize,
}

/// What stands for an encoded part until the MIME around it is cut there.
const BODY: &str = "\0";

impl Compiled {
    /// Builds all that readers share. An issue without a number is a letter in `Feedback-ID`.
    pub fn new(
        letterhead: &Letterhead,
        rendered: &Rendered,
        number: Option<u32>,
        date: OffsetDateTime,
        signer: Option<&Signer>,
    ) -> Result<Self, MessageError> {
        let encoders = [&rendered.text, &rendered.html].map(|part| Encoder::for_text(part));
        let [text, html] = encoders.map(|encoder| (encoder.name(), BODY.to_owned()));
        let mime = alternatives(&boundary(&rendered.seal), text, html);
        let mime = String::from_utf8_lossy(&mime);
        // a head ends where its last line does; the empty line is the first of the body's
        let (head, body) = mime.split_at(mime.find("\r\n\r\n").map_or(0, |at| at + 2));
        let mut around = body.split(BODY);
        let mut before = || around.next().unwrap_or_default().to_owned();
        let head = SharedHead::new(letterhead, &rendered.subject, number, date, head)?;
        let parts = [
            Part::new(before(), encoders[0], &rendered.text_pieces()),
            Part::new(before(), encoders[1], &rendered.html_pieces()),
        ];
        let signing = signer.map(|signer| Signing::new(signer.clone(), date, &parts[0]));
        Ok(Self { head, parts, end: before(), signing })
    }

    /// One reader's message; `message_id` is `dot-atom@domain`, without brackets, unique per delivery.
    pub fn stamp(&self, reader: &Reader, message_id: &str) -> Result<Stamped, MessageError> {
        let mut stamped = Stamped { own: self.head.stamp(reader, message_id)?, ..Stamped::default() };
        let head_length = stamped.own.len();
        for part in &self.parts {
            part.stamp(reader, &mut stamped);
        }
        stamped.own.push_str(&self.end);
        if let Some(signing) = &self.signing {
            let signature = signing.sign(&stamped, head_length)?;
            stamped.put_first(&signature);
        }
        Ok(stamped)
    }

    /// What an approval of this issue stands for.
    pub fn digest(&self) -> Digest {
        let SharedHead { from, subject, date: _, list_id, rest } = &self.head;
        let mut pieces: Vec<&[u8]> = [from, subject, list_id, rest].map(|lines| lines.as_bytes()).into();
        for Part { before, segments, .. } in &self.parts {
            pieces.push(before.as_bytes());
            for segment in segments {
                match segment {
                    Segment::Text(text) => pieces.push(&text.bytes),
                    Segment::Gap(gap) => pieces.extend([gap.slot.word().as_bytes(), gap.stand_in.as_bytes()]),
                }
            }
        }
        Digest::over(pieces.into_iter())
    }
}

impl SharedHead {
    fn new(
        letterhead: &Letterhead,
        subject: &str,
        number: Option<u32>,
        date: OffsetDateTime,
        mime: &str,
    ) -> Result<Self, MessageError> {
        let number = number.map_or("letter".to_owned(), |number| number.to_string());
        let line = |name: &str, value: String| {
            let mut head = Head::default();
            head.line(name, value);
            head.0
        };
        let mut from = Head::default();
        from.line("From", header::mailbox("From name", "From".len(), &letterhead.from)?);
        if let Some(reply_to) = &letterhead.reply_to {
            from.line("Reply-To", header::mailbox("Reply-To name", "Reply-To".len(), reply_to)?);
        }
        let list_id = header::named("newsletter's name", "List-Id".len(), &letterhead.name, &letterhead.list_id())?;
        let mut rest = Head::default();
        rest.line("List-Archive", header::url("archive address", &letterhead.home_url())?);
        rest.line("Feedback-ID", format!("{number}:{}:issue:masthead", letterhead.slug));
        rest.line("MIME-Version", "1.0".to_owned());
        Ok(Self {
            from: from.0,
            subject: line("Subject", header::unstructured("subject", "Subject".len(), subject)?),
            date: line("Date", header::date(date)?),
            list_id: line("List-Id", list_id),
            rest: rest.0 + mime,
        })
    }

    /// The whole head for one reader.
    fn stamp(&self, reader: &Reader, message_id: &str) -> Result<String, MessageError> {
        let to = Mailbox { name: reader.name.clone(), address: reader.address.clone() };
        let mut head = Head(String::with_capacity(2_048));
        head.0.push_str(&self.from);
        head.line("To", header::mailbox("To name", "To".len(), &to)?);
        head.0.push_str(&self.subject);
        head.0.push_str(&self.date);
        head.line("Message-ID", header::message_id(message_id)?);
        head.0.push_str(&self.list_id);
        head.way_out(&reader.unsubscribe_url)?;
        head.0.push_str(&self.rest);
        Ok(head.0)
    }
}

impl Part {
    fn new(before: String, encoder: Encoder, pieces: &[Piece<'_>]) -> Self {
        let mut segments = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    let text = crlf(text).into_bytes();
                    let reach = if segments.is_empty() { 0 } else { encoder.reach(&text) };
                    let (shifted, still) = text.split_at(reach);
                    segments.extend([shifted, still].into_iter().filter(|text| !text.is_empty()).map(Segment::text));
                }
                Piece::Gap(gap) => segments.push(Segment::Gap(gap.clone())),
            }
        }
        Self { before, encoder, segments }
    }

    fn stamp(&self, reader: &Reader, stamped: &mut Stamped) {
        stamped.own.push_str(&self.before);
        let mut encoder = self.encoder;
        for segment in &self.segments {
            encoder = match segment {
                Segment::Text(text) => text.stamp(encoder, stamped),
                Segment::Gap(gap) => {
                    encoder.write(gap.fill(reader.value(gap.slot)).as_bytes(), &mut stamped.own);
                    encoder
                }
            };
        }
        encoder.finish(&mut stamped.own);
    }

    /// What all readers get before the first gap.
    fn stamp_lead(&self, stamped: &mut Stamped) {
        stamped.own.push_str(&self.before);
        let mut encoder = self.encoder;
        for segment in &self.segments {
            let Segment::Text(text) = segment else { break };
            encoder = text.stamp(encoder, stamped);
        }
    }
}

impl Segment {
    fn text(bytes: &[u8]) -> Self {
        let encoded = array::from_fn(|_| OnceLock::new());
        Self::Text(Box::new(Text { bytes: bytes.to_vec(), encoded }))
    }
}

impl Text {
    /// Adds the text behind what is there already.
    fn stamp(&self, mut encoder: Encoder, stamped: &mut Stamped) -> Encoder {
        let meeting = encoder.meet(&self.bytes, &mut stamped.own);
        let rest = &self.bytes[meeting.taken..];
        if rest.is_empty() {
            return encoder;
        }
        let encoded = self.encoded[meeting.state].get_or_init(|| {
            let mut encoded = String::new();
            encoder.write(rest, &mut encoded);
            Encoded { bytes: encoded.into_bytes().into(), encoder }
        });
        stamped.share(&encoded.bytes);
        encoded.encoder
    }
}

impl Signing {
    fn new(signer: Signer, date: OffsetDateTime, first: &Part) -> Self {
        let mut lead = Stamped::default();
        first.stamp_lead(&mut lead);
        // a body begins behind the empty line
        Self { signer, date, hash: hashed(BodyHash::new(), &lead, "\r\n".len()), hashed: lead.size() }
    }

    /// The signature of a message that has none yet; the empty line begins at `head_length`.
    fn sign(&self, stamped: &Stamped, head_length: usize) -> Result<String, MessageError> {
        let hash = hashed(self.hash.clone(), stamped, head_length + self.hashed);
        Ok(self.signer.seal(&stamped.own.as_bytes()[..head_length], hash, self.date)?)
    }
}

/// Adds what begins at `start` to a hash.
fn hashed(mut hash: BodyHash, stamped: &Stamped, start: usize) -> BodyHash {
    let mut before = start;
    for piece in stamped.pieces() {
        let piece = stamped.bytes_of(&piece);
        let skipped = before.min(piece.len());
        before -= skipped;
        hash.update(&piece[skipped..]);
    }
    hash
}

/// A piece of a [`Stamped`] message.
#[derive(Debug, Clone)]
pub enum StampedPiece<'a> {
    /// This reader's alone: where it lies in [`Stamped::own`].
    Own(Range<usize>),
    /// Of all readers' messages.
    Shared(&'a Arc<[u8]>),
}

/// One reader's message, in pieces: most of its bytes are those of all the others.
#[derive(Debug, Clone, Default)]
pub struct Stamped {
    own: String,
    /// What is shared, with the length of `own` before it.
    shared: Vec<(usize, Arc<[u8]>)>,
}

impl Stamped {
    fn share(&mut self, bytes: &Arc<[u8]>) {
        self.shared.push((self.own.len(), bytes.clone()));
    }

    /// Puts a line in front of all others.
    fn put_first(&mut self, line: &str) {
        self.own.insert_str(0, line);
        self.shared.iter_mut().for_each(|(before, _)| *before += line.len());
    }

    /// What is this reader's alone.
    pub fn own(&self) -> &[u8] {
        self.own.as_bytes()
    }

    /// The message, piece by piece; none is empty.
    pub fn pieces(&self) -> impl Iterator<Item = StampedPiece<'_>> {
        let shared = self.shared.iter().map(|(before, bytes)| (*before, Some(StampedPiece::Shared(bytes))));
        let mut from = 0;
        let pieces = shared.chain(iter::once((self.own.len(), None))).flat_map(move |(end, shared)| {
            let own = mem::replace(&mut from, end)..end;
            [(!own.is_empty()).then_some(StampedPiece::Own(own)), shared]
        });
        pieces.flatten()
    }

    fn bytes_of<'a>(&'a self, piece: &StampedPiece<'a>) -> &'a [u8] {
        match piece {
            StampedPiece::Own(range) => &self.own.as_bytes()[range.clone()],
            StampedPiece::Shared(bytes) => bytes,
        }
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.own.len() + self.shared.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
    }

    /// Whether every byte is ASCII; only an address can have others.
    pub fn is_ascii(&self) -> bool {
        // what is shared is encoded
        self.own.is_ascii()
    }

    /// The message in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.size());
        self.pieces().for_each(|piece| message.extend_from_slice(self.bytes_of(&piece)));
        message
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::LazyLock;

    use lettre::message::Body;
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::super::dkim::SigningKey;
    use super::super::encoding::Encoder;
    use super::super::{Part as Encoded, signed};
    use super::*;
    use crate::newsletter::{BaseUrl, DkimName, Slug};
    use crate::render::Slot;
    use crate::subscriber::EmailAddress;

    const SEAL: &str = "91f0c2aa54d0be17";

    const DATE: OffsetDateTime = datetime!(2025-05-31 08:30 UTC);

    static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
        Signer::new(SigningKey::generate().unwrap(), DkimName::parse("masthead", "example.org").unwrap())
    });

    fn letterhead() -> Letterhead {
        Letterhead {
            slug: Slug::parse("garden").unwrap(),
            name: "Garden Letters".into(),
            from: Mailbox::parse("Garden Letters <editor@example.org>").unwrap(),
            reply_to: Some(Mailbox::parse("\"Müller, Hans\" <hans@example.org>").unwrap()),
            base_url: BaseUrl::parse("https://news.example.org").unwrap(),
        }
    }

    /// The message written from the first line to the last for this reader alone; `encode` does a part.
    fn full_build(
        letterhead: &Letterhead,
        rendered: &Rendered,
        reader: &Reader,
        message_id: &str,
        encode: impl Fn(Encoder, &str) -> String,
    ) -> Vec<u8> {
        let to = Mailbox { name: reader.name.clone(), address: reader.address.clone() };
        let list_id = header::named("", "List-Id".len(), &letterhead.name, &letterhead.list_id()).unwrap();
        let mut head = Head::default();
        head.line("From", header::mailbox("", "From".len(), &letterhead.from).unwrap());
        head.line("Reply-To", header::mailbox("", "Reply-To".len(), letterhead.reply_to.as_ref().unwrap()).unwrap());
        head.line("To", header::mailbox("", "To".len(), &to).unwrap());
        head.line("Subject", header::unstructured("", "Subject".len(), &rendered.subject).unwrap());
        head.line("Date", header::date(DATE).unwrap());
        head.line("Message-ID", header::message_id(message_id).unwrap());
        head.line("List-Id", list_id);
        head.way_out(&reader.unsubscribe_url).unwrap();
        head.line("List-Archive", header::url("", &letterhead.home_url()).unwrap());
        head.line("Feedback-ID", "7:garden:issue:masthead".into());
        head.line("MIME-Version", "1.0".into());
        let value = |slot| reader.value(slot);
        let part = |shared: &str, filled: String| -> Encoded {
            let encoder = Encoder::for_text(shared);
            (encoder.name(), encode(encoder, &crlf(&filled)))
        };
        let text = part(&rendered.text, rendered.text_for(value));
        let html = part(&rendered.html, rendered.html_for(value));
        let mut message = head.0.into_bytes();
        message.extend(alternatives(&boundary(SEAL), text, html));
        message
    }

    fn by_lettre(encoder: Encoder, text: &str) -> String {
        String::from_utf8(Body::new_with_encoding(text.to_owned(), encoder.name()).unwrap().into_vec()).unwrap()
    }

    /// A part in one of several languages, with gaps anywhere.
    fn part() -> impl Strategy<Value = String> {
        let name = format!("{}friend}}}}", Slot::Name.marker(SEAL));
        let unnamed = format!("{}}}}}", Slot::Name.marker(SEAL));
        let way_out = Slot::UnsubscribeUrl.marker(SEAL);
        let latin = ["Dear ", "\n", ", \n\n", "\"", "&quot;", " ", ".", "a = b", "Seed heads stay until March. ", "é"];
        let chinese = ["把种子头留到三月，雀鸟靠它们过冬。", "潮", "流", "\n", "，", "a"];
        let hebrew = ["שלום ", "\n", "גן", ". ", "\u{200f}"];
        [latin.as_slice(), &chinese, &hebrew]
            .map(|words| {
                let words = words.iter().map(|word| (*word).to_owned()).chain([name.clone(), unnamed.clone()]);
                let words: Vec<String> = words.chain([way_out.clone()]).collect();
                prop::collection::vec(prop::sample::select(words), 0..70).prop_map(|words| words.concat())
            })
            .into_iter()
            .map(Strategy::boxed)
            .reduce(|one, other| prop_oneof![one, other].boxed())
            .unwrap()
    }

    fn rendered() -> impl Strategy<Value = Rendered> {
        (part(), part(), "[ -~éü潮🦄]{0,120}").prop_map(|(text, html, subject)| Rendered {
            subject,
            preheader: String::new(),
            html,
            text,
            seal: SEAL.into(),
        })
    }

    fn reader() -> impl Strategy<Value = Reader> {
        let names = [
            "Jo",
            "",
            "Zoë & Co",
            "李小龙",
            "שרה",
            "👩‍🌾🌱",
            "\"a\\\"b\"",
            "O'Neil, J. (editor)",
            "...",
            "=?utf-8?q?a?=",
            "<script>",
            "Ada Lovelace von und zu der langen Namensreihe",
        ];
        let names = names.map(str::to_owned).into_iter().chain(["x".repeat(500), "潮".repeat(90)]).collect::<Vec<_>>();
        let name = prop_oneof![prop::sample::select(names), "\\PC{0,40}"]
            .prop_filter("a name that a head can hold", |name| header::unstructured("", 2, name).is_ok());
        (prop::option::of(name), "[a-z.=]{1,200}", "[a-z]{1,40}@[a-z]{1,20}\\.example").prop_map(
            |(name, token, address)| Reader {
                address: EmailAddress::parse(&address).unwrap(),
                name,
                unsubscribe_url: format!("https://news.example.org/u/{token}"),
            },
        )
    }

    proptest! {
        #[test]
        fn a_stamped_message_is_what_a_full_build_gives(
            rendered in rendered(),
            readers in prop::collection::vec(reader(), 1..4),
        ) {
            let letterhead = letterhead();
            let compiled = Compiled::new(&letterhead, &rendered, Some(7), DATE, None).unwrap();
            for (index, reader) in readers.iter().enumerate() {
                let message_id = format!("{index}.3f9c@example.org");
                let stamped = compiled.stamp(reader, &message_id).unwrap();
                let build = |encode: fn(Encoder, &str) -> String| {
                    full_build(&letterhead, &rendered, reader, &message_id, encode)
                };
                let full = build(|encoder, text| encoder.encode(text));
                prop_assert_eq!(stamped.to_vec().escape_ascii().to_string(), full.escape_ascii().to_string());
                let lettre = build(by_lettre);
                if memchr::memmem::find(&lettre, b"\r\n.").is_none() {
                    prop_assert_eq!(stamped.to_vec().escape_ascii().to_string(), lettre.escape_ascii().to_string());
                }
            }
        }

        #[test]
        fn a_stamped_message_fits_the_wire(rendered in rendered(), reader in reader()) {
            let compiled = Compiled::new(&letterhead(), &rendered, Some(7), DATE, None).unwrap();
            let stamped = compiled.stamp(&reader, "7.3f9c@example.org").unwrap();
            let message = stamped.to_vec();
            prop_assert_eq!(stamped.size(), message.len());
            prop_assert_eq!(stamped.pieces().map(|piece| stamped.bytes_of(&piece).len()).sum::<usize>(), message.len());
            prop_assert_eq!(stamped.is_ascii(), message.is_ascii());
            prop_assert!(message.is_ascii() && message.ends_with(b"\r\n"));
            let text = std::str::from_utf8(&message).unwrap();
            prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            prop_assert!(body.split("\r\n").all(|line| line.len() <= 76), "{}", body);
            prop_assert!(head.split("\r\n").all(|line| line.len() <= 998), "{}", head);
            prop_assert!(!text.split("\r\n").any(|line| line.starts_with('.')), "{}", text);
        }
    }

    proptest! {
        // a signature takes long without optimisation
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_stamped_signature_is_that_of_the_whole_message(rendered in rendered(), reader in reader()) {
            let stamp = |signer| {
                let compiled = Compiled::new(&letterhead(), &rendered, Some(7), DATE, signer).unwrap();
                compiled.stamp(&reader, "7.3f9c@example.org").unwrap().to_vec()
            };
            let whole = signed(stamp(None), DATE, Some(&SIGNER)).unwrap();
            prop_assert_eq!(stamp(Some(&SIGNER)).escape_ascii().to_string(), whole.escape_ascii().to_string());
        }
    }

    fn small() -> Rendered {
        let name = Slot::Name.marker(SEAL);
        Rendered {
            subject: "Roots".into(),
            preheader: String::new(),
            html: format!("<p>Dear {name}friend}}}},</p><a href=\"{}\">", Slot::UnsubscribeUrl.marker(SEAL)),
            text: format!("Dear {name}friend}}}},\n"),
            seal: SEAL.into(),
        }
    }

    #[test]
    fn readers_share_all_but_their_own() {
        let compiled = Compiled::new(&letterhead(), &small(), None, DATE, None).unwrap();
        let stamp = |name: &str, token: &str| {
            let reader = Reader {
                address: EmailAddress::parse("jo@example.com").unwrap(),
                name: Some(name.into()),
                unsubscribe_url: format!("https://news.example.org/u/{token}"),
            };
            compiled.stamp(&reader, "7.3f9c@example.org").unwrap()
        };
        let addresses =
            |stamped: &Stamped| -> Vec<*const u8> { stamped.shared.iter().map(|(_, bytes)| bytes.as_ptr()).collect() };
        let (jo, bo, ann) = (stamp("Jo", "1"), stamp("Bo", "2"), stamp("Ann", "2"));
        assert_eq!(addresses(&jo), addresses(&bo));
        assert_ne!(addresses(&jo), addresses(&ann), "a name of another length moves what is behind it");
        assert_eq!(addresses(&ann), addresses(&stamp("Bob", "3")));
    }

    #[test]
    fn a_digest_is_that_of_all_that_readers_share_on_any_day() {
        let digest = |letterhead: &Letterhead, rendered: &Rendered, number| {
            Compiled::new(letterhead, rendered, number, DATE, Some(&SIGNER)).unwrap().digest()
        };
        let (letterhead, rendered) = (letterhead(), small());
        let approved = Digest::of(&letterhead, &rendered, Some(7)).unwrap();
        assert_eq!(digest(&letterhead, &rendered, Some(7)), approved);
        assert_ne!(digest(&letterhead, &rendered, Some(8)), approved);
        type Change = fn(&mut Letterhead, &mut Rendered);
        let changes: [Change; 9] = [
            |letterhead, _| letterhead.name.push('x'),
            |letterhead, _| letterhead.from.name = None,
            |letterhead, _| letterhead.reply_to = None,
            |letterhead, _| letterhead.base_url = BaseUrl::parse("https://other.example.org").unwrap(),
            |_, rendered| rendered.subject.push('x'),
            |_, rendered| rendered.text = rendered.text.replace("Dear", "My"),
            |_, rendered| rendered.text = rendered.text.replace("friend", "you"),
            |_, rendered| rendered.html.push('x'),
            |_, rendered| {
                rendered.html = rendered.html.replace(&Slot::UnsubscribeUrl.marker(SEAL), "https://slot.invalid/");
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            let (mut letterhead, mut rendered) = (letterhead.clone(), rendered.clone());
            change(&mut letterhead, &mut rendered);
            assert_ne!(digest(&letterhead, &rendered, Some(7)), approved, "change {index}");
        }
    }
}
