//! `masthead bench stamp`: the CPU time of a reader's message, beside a full build, and beside the bare signature.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use lettre::message::{Message, MultiPart};
use time::OffsetDateTime;
use tokio::task::yield_now;

use super::machine::thread_cpu;
use super::report::{Column, Ratio, Table};
use super::sample::{self, CHINESE, ENGLISH, SIZE, Words};
use crate::message::dkim::{Signer, SigningKey};
use crate::message::{Compiled, Reader};
use crate::newsletter::DkimName;
use crate::render::{Rendered, Slot, render, sample_newsletter};
use crate::subscriber::EmailAddress;

/// Turns of a round; in each, everything is done for a few messages, so that all meet the same machine.
const TURNS: usize = 40;

/// Messages of a turn.
const MESSAGES: usize = 8;

/// Stamped messages of a turn, which take a hundredth of the time.
const STAMPED: usize = 200;

/// The arguments.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Bytes of HTML that the email has
    #[arg(long, value_name = "BYTES", default_value_t = SIZE)]
    pub(super) size: usize,
}

const COLUMNS: &[Column] = &[Column { key: "cpu_us", heading: "CPU µs", decimals: 1 }];

/// Measures an issue in quoted-printable, and one in base64.
pub(super) async fn run(args: &Args, rounds: u32) -> anyhow::Result<Vec<Table>> {
    Ok(vec![
        measure("English", &ENGLISH, args.size, rounds).await?,
        measure("Chinese", &CHINESE, args.size, rounds).await?,
    ])
}

async fn measure(language: &str, words: &Words, size: usize, rounds: u32) -> anyhow::Result<Table> {
    let issue = sample::issue(12, size, words)?;
    let newsletter = sample_newsletter(&issue)?;
    let rendered = render(&issue, &newsletter)?;
    let (number, date) = (issue.number, OffsetDateTime::UNIX_EPOCH);
    let signer = Signer::new(SigningKey::generate()?, DkimName::parse("masthead", "example.org")?);
    let letterhead = newsletter.letterhead();
    let plain = Compiled::new(&letterhead, &rendered, number, date, None)?;
    let signed = Compiled::new(&letterhead, &rendered, number, date, Some(&signer))?;
    let readers: Vec<_> = (0..STAMPED).map(reader).collect::<anyhow::Result<_>>()?;
    let message_ids: Vec<_> = (0..STAMPED).map(|index| format!("{index:032x}@example.org")).collect();
    let addressed: Vec<_> = readers.iter().zip(&message_ids).collect();

    let [one, other] = [0, 1].map(|index| {
        let (reader, message_id) = addressed.get(index).context("there are readers")?;
        anyhow::Ok(plain.stamp(reader, message_id)?.to_vec())
    });
    let (one, other) = (one?, other?);
    let behind = one.get(first_slot(&one, &other)..).unwrap_or_default();
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;

    let ratios =
        [Ratio::share("of_full_build", "of full build", "cpu_us", 0), Ratio::share("of_bare", "of bare", "cpu_us", 2)];
    let title = format!(
        "stamp: {language}, {} bytes of HTML, messages of {} bytes, {} behind the first slot",
        rendered.html.len(),
        one.len(),
        behind.len()
    );
    let mut table = Table::new("stamp", title, COLUMNS, &ratios);
    let rows = [
        "full build by lettre",
        "stamped",
        "bare RSA-2048 signature and SHA-256 behind the slot",
        "stamped and signed",
    ]
    .map(|name| table.row(name));
    for round in 1..=rounds {
        errln!("stamp, {language}, round {round} of {rounds}");
        let mut spent = [Duration::ZERO; 4];
        for _ in 0..TURNS {
            let turn = [
                cpu(&addressed, MESSAGES, |(reader, _)| full_build(&rendered, reader))?,
                cpu(&addressed, STAMPED, |(reader, message_id)| Ok(plain.stamp(reader, message_id)?))?,
                cpu(&addressed, MESSAGES, |_| bare(&key, behind))?,
                cpu(&addressed, MESSAGES, |(reader, message_id)| Ok(signed.stamp(reader, message_id)?))?,
            ];
            for (spent, turn) in spent.iter_mut().zip(turn) {
                *spent += turn;
            }
            yield_now().await;
        }
        for (row, spent) in rows.into_iter().zip(spent) {
            table.put(row, vec![Some(spent.as_secs_f64() * 1e6 / TURNS as f64)]);
        }
    }
    Ok(table)
}

/// The mean CPU time of a message.
fn cpu<'a, T>(
    readers: &[(&'a Reader, &'a String)],
    messages: usize,
    act: impl Fn((&'a Reader, &'a String)) -> anyhow::Result<T>,
) -> anyhow::Result<Duration> {
    let before = thread_cpu();
    for reader in readers.iter().take(messages) {
        black_box(act(*reader)?);
    }
    Ok((thread_cpu() - before) / messages as u32)
}

/// What no signature over a body of its own can do without.
fn bare(key: &RsaKeyPair, behind: &[u8]) -> anyhow::Result<Vec<u8>> {
    black_box(digest(&SHA256, black_box(behind)));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &[0; 1_500], &mut signature)?;
    Ok(signature)
}

/// Where the bodies of two readers' messages begin to differ, in the first message.
fn first_slot(one: &[u8], other: &[u8]) -> usize {
    let body = |message: &[u8]| message.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(0, |end| end + 4);
    let (begin, other_begin) = (body(one), body(other));
    let bodies = one.iter().skip(begin).zip(other.iter().skip(other_begin));
    begin + bodies.take_while(|(one, other)| one == other).count()
}

fn reader(index: usize) -> anyhow::Result<Reader> {
    let names = ["Jo", "Annabel Example", "Zoë", "李小龙"];
    Ok(Reader {
        address: EmailAddress::parse(&format!("reader{index}@example.com"))?,
        name: names.get(index % names.len()).map(|name| (*name).to_owned()),
        unsubscribe_url: format!("https://news.example.org/u/{index:040x}"),
    })
}

/// What a program does that builds every reader's message from the rendered parts.
fn full_build(rendered: &Rendered, reader: &Reader) -> anyhow::Result<Vec<u8>> {
    let value = |slot| match slot {
        Slot::UnsubscribeUrl => reader.unsubscribe_url.as_str(),
        Slot::Name => reader.name.as_deref().unwrap_or_default(),
    };
    let parts = MultiPart::alternative_plain_html(rendered.text_for(value), rendered.html_for(value));
    let message = Message::builder()
        .from("Garden Weekly <editor@example.org>".parse()?)
        .to(reader.address.to_string().parse()?)
        .subject(rendered.subject.as_str())
        .multipart(parts)?;
    Ok(message.formatted())
}
