//! How long reading and checking take: nanoseconds per byte of hostile text by size, and a roundup against comrak alone.
//!
//! ```text
//! cargo bench --bench reading
//! ```
#![allow(clippy::cast_precision_loss, clippy::expect_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use masthead::issue::check::{Email, Finding, Settings, Surroundings, check};
use masthead::issue::{Archive, Manuscript, format as canonical, parse};
use masthead::render;

/// What stands before, what is repeated (`{}` is how often before), and what stands behind.
const HOSTILE: [(&str, &str, &str); 54] = [
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
    ("", "[^{}]\n\n[^{}]: a\n\n", ""),
    ("## S\n\n", "- [a](https://github.com/a/b/blob/{})\n", ""),
    ("## S\n\n", "1. [a](https://a.b)\n\nText.\n\n", ""),
    ("", "[a](http://a.b/{}?utm_source=c) ", ""),
    ("", "[a]: https://a.b/{}\n", ""),
    ("", "\\'", ""),
    ("", "{} articles ", ""),
    ("", "a\u{200b}b ", ""),
    ("", "# a\n", ""),
    ("", "\ta\n", ""),
    ("", "```\na\n```\n\n", ""),
];

const SIZES: [usize; 3] = [100_000, 1_000_000, 10_000_000];

/// A form that takes longer than this at one size is not tried at the next.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    println!("{:32}       {:>10} {:>10} {:>10}  ns per byte", "form", "0.1 MB", "1 MB", "10 MB");
    for form in HOSTILE {
        let (before, piece, behind) = form;
        let name = format!("{before}{piece}…{behind}").escape_debug().to_string();
        print_row(&format!("{name:32} parse"), form, |text| drop(black_box(parse(text.as_bytes()))));
        print_row(&format!("{:32} check", ""), form, |text| drop(black_box(whole_check(text))));
    }
    let roundup = roundup();
    let comrak = time(200, || {
        let arena = comrak::Arena::new();
        black_box(comrak::parse_document(&arena, &roundup, &comrak::Options::default()));
    });
    let read = time(200, || drop(black_box(parse(roundup.as_bytes()))));
    let issue = parse(roundup.as_bytes()).expect("a roundup is an issue");
    let written = time(50, || drop(black_box(canonical(&issue))));
    let checked = time(50, || drop(black_box(whole_check(&roundup))));
    println!("\na roundup of {} bytes: comrak {comrak:?}", roundup.len());
    for (what, taken) in [("parse", read), ("format", written), ("check with email", checked)] {
        let ratio = |to: Duration| taken.as_secs_f64() / to.as_secs_f64();
        println!("{what} {taken:?}: {:.2} times comrak, {:.2} times parse", ratio(comrak), ratio(read));
    }
}

/// Prints nanoseconds per byte of a form at each size, as far as patience reaches.
fn print_row(name: &str, (before, piece, behind): (&str, &str, &str), run: impl Fn(&str)) {
    print!("{name}");
    for size in SIZES {
        let count = size / piece.len();
        let pieces = (0..count).map(|index| piece.replace("{}", &index.to_string()));
        let text = [before, &pieces.collect::<String>(), behind].concat();
        let taken = time(1, || run(&text));
        print!(" {:>10.1}", taken.as_nanos() as f64 / text.len() as f64);
        if taken > PATIENCE {
            break;
        }
    }
    println!();
}

/// All that `masthead check` does with a file, and the text part of its email.
fn whole_check(text: &str) -> Vec<Finding> {
    let manuscript = Manuscript::read("draft.md", text.as_bytes()).expect("an issue");
    let newsletter = render::sample_newsletter(&manuscript.issue).expect("a newsletter");
    let email = render::render(&manuscript.issue, &newsletter).expect("an email");
    let mut archive = Archive::new();
    archive.add(&manuscript.issue, &manuscript.name);
    let around =
        Surroundings { archive: Some(&archive), email: Some(Email { html: &email.html }), ..Surroundings::default() };
    check(&manuscript, &around, &Settings::default())
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
