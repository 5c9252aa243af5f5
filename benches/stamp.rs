//! How long a reader's message takes to stamp, against lettre's full build; signed, against the bare signature and the
//! hash of what is behind the first slot.
//!
//! ```text
//! cargo bench --bench stamp
//! ```
#![allow(clippy::expect_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use lettre::message::{Message, MultiPart};
use masthead::issue::parse;
use masthead::message::dkim::{Signer, SigningKey};
use masthead::message::{Compiled, Reader};
use masthead::newsletter::DkimName;
use masthead::render::{Rendered, Slot, render, sample_newsletter};
use masthead::subscriber::EmailAddress;
use time::OffsetDateTime;

/// Rounds, each of which measures everything once; the fastest counts: what the machine does beside only ever adds.
const ROUNDS: usize = 500;

/// Messages of a round: few enough that a round fits between two interruptions.
const MESSAGES: usize = 8;

/// Stamped messages of a round, which take a hundredth of the time.
const STAMPED: usize = 200;

fn main() {
    for (language, words) in [("English", ENGLISH), ("Chinese", CHINESE)] {
        measure(language, &issue(words));
    }
}

const ENGLISH: [&str; 2] = [
    "Moss on a stone: what grows where",
    "A garden needs `shade`, water and *patience*. The author shows in twelve steps how to get all three.",
];

const CHINESE: [&str; 2] = [
    "石头上的苔藓：什么长在哪里",
    "花园需要`阴凉`、水和*耐心*。作者用十二个步骤说明怎样三样都有，以及不下雨时怎么办。",
];

/// An issue of 60 KB of HTML, that greets its reader.
fn issue([title, text]: [&str; 2]) -> String {
    let mut issue = "# Garden Weekly #12: Moss\n\nDear {{name|friend}},\n\n## Articles\n".to_owned();
    for number in 1..=122 {
        issue += &format!("\n{number}. [{title}](https://example.org/moss/{number})\n\n{text}\n");
    }
    issue
}

fn measure(language: &str, issue: &str) {
    let issue = parse(issue.as_bytes()).expect("a roundup is an issue");
    let newsletter = sample_newsletter(&issue).expect("the sample's own addresses are right");
    let rendered = render(&issue, &newsletter).expect("our own sheet can be inlined");
    let (number, date) = (issue.number, OffsetDateTime::UNIX_EPOCH);
    let key = SigningKey::generate().expect("aws-lc makes keys");
    let name = DkimName::parse("masthead", "example.org").expect("a name as any");
    let signer = Signer::new(key, name);
    let compile = |signer| Compiled::new(&newsletter, &rendered, number, date, signer).expect("it is a message");
    let (plain, signed) = (compile(None), compile(Some(&signer)));
    let readers: Vec<_> = (0..STAMPED).map(reader).collect();
    let stamp = |compiled: &Compiled, index: usize| {
        compiled.stamp(&readers[index], &format!("{index:032x}@example.org")).expect("each is a reader")
    };

    let message = stamp(&plain, 0).to_vec();
    let behind = &message[first_slot(&message, &stamp(&plain, 1).to_vec())..];
    let bare_key = RsaKeyPair::generate(KeySize::Rsa2048).expect("aws-lc makes keys");
    let bare = |_| {
        let mut signature = vec![0; bare_key.public_modulus_len()];
        let signed = bare_key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &[0; 1_500], &mut signature);
        signed.expect("a key signs");
        (signature, digest(&SHA256, black_box(behind)))
    };

    let mut least = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        let round = [
            mean(MESSAGES, |index| full_build(&rendered, &readers[index])),
            mean(STAMPED, |index| stamp(&plain, index)),
            mean(MESSAGES, |index| stamp(&signed, index)),
            mean(MESSAGES, bare),
        ];
        for (least, this) in least.iter_mut().zip(round) {
            *least = this.min(*least);
        }
    }
    let [full, plain, signed, bare] = least;
    let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    let (html, size) = (rendered.html.len(), message.len());
    println!("{language}, {html} bytes of HTML, a message of {size}, {} behind the first slot", behind.len());
    println!("  full build by lettre: {full:?}");
    println!("  stamped: {plain:?}, {:.0} times as fast", ratio(full, plain));
    println!("  bare signature and SHA-256 behind the first slot: {bare:?}");
    println!("  stamped and signed: {signed:?}, {:.3} times that", ratio(signed, bare));
}

/// Where the bodies of two readers' messages begin to differ.
fn first_slot(one: &[u8], other: &[u8]) -> usize {
    let body = |message: &[u8]| message.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("it has a body") + 4;
    let (begin, other) = (body(one), &other[body(other)..]);
    begin + one[begin..].iter().zip(other).take_while(|(one, other)| one == other).count()
}

fn reader(index: usize) -> Reader {
    const NAMES: [&str; 4] = ["Jo", "Annabel Example", "Zoë", "李小龙"];
    Reader {
        address: EmailAddress::parse(&format!("reader{index}@example.com")).expect("an address"),
        name: Some(NAMES[index % NAMES.len()].to_owned()),
        unsubscribe_url: format!("https://news.example.org/u/{index:040x}"),
    }
}

/// What a program does that builds every reader's message from the rendered parts.
fn full_build(rendered: &Rendered, reader: &Reader) -> Vec<u8> {
    let value = |slot| match slot {
        Slot::UnsubscribeUrl => reader.unsubscribe_url.as_str(),
        Slot::Name => reader.name.as_deref().unwrap_or_default(),
    };
    let parts = MultiPart::alternative_plain_html(rendered.text_for(value), rendered.html_for(value));
    let message = Message::builder()
        .from("Garden Weekly <editor@example.org>".parse().expect("an address"))
        .to(reader.address.to_string().parse().expect("an address"))
        .subject(rendered.subject.as_str())
        .multipart(parts);
    message.expect("it has what a message needs").formatted()
}

/// The mean time of a message.
fn mean<T>(messages: usize, mut act: impl FnMut(usize) -> T) -> Duration {
    let start = Instant::now();
    for index in 0..messages {
        black_box(act(index));
    }
    start.elapsed() / messages as u32
}
