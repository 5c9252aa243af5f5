//! lettre: its own pool as it comes (10 connections), on as many threads as there are cores.
//!
//! ```text
//! peer-lettre HOST PORT COUNT built|prepared HTMLFILE
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, mem};

use lettre::address::{Address, Envelope};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, MultiPart, SinglePart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;
type Mailer = AsyncSmtpTransport<Tokio1Executor>;

const SENDER: &str = "weekly@example.org";
const IN_FLIGHT: u64 = 10; // messages at a time: the pool keeps no more connections

// What stands in prepared bytes for a reader: a number, and a token as long as any.
const NUMBER_SLOT: &str = "number-slot";
const TOKEN_SLOT: &str = "tokenslot00000000000000000000000";

const SOFT_BREAK: &[u8] = b"=\r\n"; // of quoted-printable (RFC 2045, 6.7)

/// What each reader's message is made from.
enum Source {
    Built(String),
    Prepared(Vec<Piece>),
}

/// A piece of the message's bytes, or what a reader has there.
enum Piece {
    Same(Vec<u8>),
    Number,
    Token,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [host, port, count, how, html] = &arguments[..] else {
        return Err("wanted: HOST PORT COUNT built|prepared HTMLFILE".into());
    };
    let count = count.parse()?;
    let html = fs::read_to_string(html)?;
    let source = match how.as_str() {
        "built" => Source::Built(html),
        "prepared" => Source::Prepared(prepare(&html)?),
        _ => return Err("neither built nor prepared".into()),
    };
    let mailer = Mailer::builder_dangerous(host).port(port.parse()?).build();
    let start = Instant::now();
    send_all(&mailer, &Arc::new(source), count).await?;
    let seconds = start.elapsed().as_secs_f64();
    mailer.shutdown().await;
    println!(r#"{{"sent": {count}, "seconds": {seconds}}}"#);
    Ok(())
}

async fn send_all(mailer: &Mailer, source: &Arc<Source>, count: u64) -> Result<()> {
    let mut under_way = JoinSet::new();
    for first in 0..IN_FLIGHT {
        let (mailer, source) = (mailer.clone(), Arc::clone(source));
        under_way.spawn(async move {
            for number in (first..count).step_by(IN_FLIGHT as usize) {
                send(&mailer, &source, number).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(sent) = under_way.join_next().await {
        sent??;
    }
    Ok(())
}

async fn send(mailer: &Mailer, source: &Source, number: u64) -> Result<()> {
    match source {
        Source::Built(html) => {
            let token = token(number);
            let html = html.replace("{{unsubscribe_url}}", &link(&token));
            let parts = MultiPart::alternative_plain_html(text(&token), html);
            mailer.send(message(&number.to_string(), &token, parts)?).await?;
        }
        Source::Prepared(pieces) => {
            let reader: Address = address(&number.to_string()).parse()?;
            let envelope = Envelope::new(Some(SENDER.parse()?), vec![reader])?;
            mailer.send_raw(&envelope, &stamp(pieces, number)).await?;
        }
    }
    Ok(())
}

fn address(number: &str) -> String {
    format!("reader-{number}@example.com")
}

fn token(number: u64) -> String {
    format!("{number:032x}")
}

fn link(token: &str) -> String {
    format!("https://weekly.example.org/u/{token}")
}

fn text(token: &str) -> String {
    format!("This week's letter is best read as a page.\n\nUnsubscribe: {}\n", link(token))
}

fn message(number: &str, token: &str, parts: MultiPart) -> Result<Message> {
    let header = |name, value| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
    let message = Message::builder()
        .from(format!("Weekly <{SENDER}>").parse()?)
        .to(address(number).parse()?)
        .subject("What the tide brought")
        .message_id(Some(format!("<{token}@weekly.example.org>")))
        .raw_header(header("List-Unsubscribe", format!("<{}>", link(token))))
        .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()))
        .multipart(parts)?;
    Ok(message)
}

/// The bytes of a message, cut where a reader's number and token go.
fn prepare(html: &str) -> Result<Vec<Piece>> {
    let html = html.replace("{{unsubscribe_url}}", &link(TOKEN_SLOT));
    let html = Body::new_with_encoding(html, ContentTransferEncoding::QuotedPrintable)
        .map_err(|_| "the HTML cannot be quoted-printable")?;
    let parts = MultiPart::alternative()
        .singlepart(SinglePart::plain(text(TOKEN_SLOT)))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html));
    Ok(cut(&message(NUMBER_SLOT, TOKEN_SLOT, parts)?.formatted()))
}

fn cut(message: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut same = Vec::new();
    let mut rest = message;
    while let [byte, others @ ..] = rest {
        if let Some(after) = strip(NUMBER_SLOT, rest) {
            pieces.extend([Piece::Same(mem::take(&mut same)), Piece::Number]);
            rest = after;
        } else if let Some(after) = strip(TOKEN_SLOT, rest) {
            // A soft break that quoted-printable put into a token goes around it.
            let around = if rest.starts_with(TOKEN_SLOT.as_bytes()) { b"" } else { SOFT_BREAK };
            same.extend_from_slice(around);
            pieces.extend([Piece::Same(mem::replace(&mut same, around.to_vec())), Piece::Token]);
            rest = after;
        } else {
            same.push(*byte);
            rest = others;
        }
    }
    pieces.push(Piece::Same(same));
    pieces
}

/// What follows `slot`, which may have soft breaks in it.
fn strip<'a>(slot: &str, message: &'a [u8]) -> Option<&'a [u8]> {
    let (first, others) = slot.as_bytes().split_first()?;
    others.iter().try_fold(message.strip_prefix(&[*first])?, |rest, byte| {
        rest.strip_prefix(SOFT_BREAK).unwrap_or(rest).strip_prefix(&[*byte])
    })
}

fn stamp(pieces: &[Piece], number: u64) -> Vec<u8> {
    let (digits, token) = (number.to_string(), token(number));
    let slices: Vec<&[u8]> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Same(bytes) => bytes.as_slice(),
            Piece::Number => digits.as_bytes(),
            Piece::Token => token.as_bytes(),
        })
        .collect();
    slices.concat()
}
