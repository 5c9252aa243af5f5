//! How long reading takes: nanoseconds per byte of hostile text by size, and a roundup against comrak alone.
//!
//! ```text
//! cargo bench --bench reading
//! ```
#![allow(clippy::cast_precision_loss, clippy::expect_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use masthead::issue::{format as canonical, parse};

/// What stands before, what is repeated, and what stands behind.
const HOSTILE: [(&str, &str, &str); 43] = [
    ("", "[", ""),
    ("", "![", ""),
    ("", "[a](", ""),
    ("", "]", ""),
    ("", "> ", ""),
    ("", "- ", ""),
    ("", "1. ", ""),
    ("", "*", ""),
    ("", "*a ", ""),
    ("", "*a_ ", ""),
    ("", "**a**", ""),
    ("", "`", ""),
    ("", "`a``", ""),
    ("", "<a ", ""),
    ("", "<!--", ""),
    ("", "<", ""),
    ("", "&a;", ""),
    ("", "\\", ""),
    ("", "[a]: x\n", ""),
    ("", "[b]\n", "\n\n[b]: x\n"),
    ("", "| a | b ", "\n"),
    ("", "| a | b |\n| - | - |\n", ""),
    ("", "![a](b) ", ""),
    ("", "![a](b)\n\n", ""),
    ("", "1、[a](b)\n", ""),
    ("", "1、[a](b)\n\nx\n\n", ""),
    ("## S\n\n", "- [a](b)\n", ""),
    ("## S\n\n1、[a](b)\n\n", "(star ", ""),
    ("", "## a\n\n- [a](b)\n\n", ""),
    ("", "1、🦄\n", ""),
    ("## S\n\n1、[a](b)\n\n", "![a](b)\n[x](y)\n", ""),
    ("## S\n\n1、[a](b)\n\n", "![a][a]\n[a]\n", "\n\n[a]: x\n"),
    ("", "**a**\n\n- [x](y)\n\n", ""),
    ("", "- a\n  - [b](c)\n", ""),
    ("## S\n\n", "- a [b](c)\n", ""),
    ("", "[a](b)\nx\n\n", ""),
    ("", "<!-- text -->\n\n", ""),
    ("", "(a) ", ""),
    ("", "Â\u{81} ", ""),
    ("", "https://a.b ", ""),
    ("", "a ", ""),
    ("", "„ÄÅé", ""),
    ("", "ÃƒÂ©", ""),
];

const SIZES: [usize; 3] = [100_000, 1_000_000, 10_000_000];

/// A form that takes longer than this at one size is not tried at the next.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    println!("{:32} {:>10} {:>10} {:>10}  ns per byte", "form", "0.1 MB", "1 MB", "10 MB");
    for (before, piece, behind) in HOSTILE {
        print!("{:32}", format!("{before}{piece}…{behind}").escape_debug().to_string());
        for size in SIZES {
            let text = [before, &piece.repeat(size / piece.len()), behind].concat();
            let taken = time(1, || drop(black_box(parse(text.as_bytes()))));
            print!(" {:>10.1}", taken.as_nanos() as f64 / text.len() as f64);
            if taken > PATIENCE {
                break;
            }
        }
        println!();
    }
    let roundup = roundup();
    let comrak = time(200, || {
        let arena = comrak::Arena::new();
        black_box(comrak::parse_document(&arena, &roundup, &comrak::Options::default()));
    });
    let read = time(200, || drop(black_box(parse(roundup.as_bytes()))));
    let issue = parse(roundup.as_bytes()).expect("a roundup is an issue");
    let written = time(50, || drop(black_box(canonical(&issue))));
    let ratio = |taken: Duration| taken.as_secs_f64() / comrak.as_secs_f64();
    println!("\na roundup of {} bytes: comrak {comrak:?}", roundup.len());
    println!("parse {read:?}, {:.2} times comrak; format {written:?}, {:.2} times", ratio(read), ratio(written));
}

/// The mean time of one run.
fn time(runs: u32, run: impl Fn()) -> Duration {
    let started = Instant::now();
    (0..runs).for_each(|_| run());
    started.elapsed() / runs
}

/// An issue of 26 items, as an editor writes it.
fn roundup() -> String {
    let mut text = "# Garden Weekly #12: Why Moss?\n\nThis week we share 12 articles and 14 projects.\n".to_owned();
    for (section, count) in [("🦄 Articles", 12), ("🐿️ Projects", 14)] {
        text += &format!("\n## [{section}](https://example.org/garden)\n");
        for number in 1..=count {
            text += &format!(
                "\n{number}、[Moss on stone {number}: what grows where](https://example.org/moss/{number})\n\n\
                 A garden needs `shade`, water and *patience*. The author shows in twelve steps how to get all three, \
                 and what to do when it does not rain. See also [the first part](https://example.org/first). (1.2K stars)\n\n\
                 ![](https://example.org/moss-{number}.png)\n",
            );
        }
    }
    text
}
