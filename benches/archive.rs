//! The link memory beside parsing: making an archive, and looking up all links of one issue.
//!
//! `cargo bench --bench archive`
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use masthead::issue::{Archive, Issue, parse};

/// How many links an issue has.
const LINKS: usize = 50;

fn main() {
    let text = issue_text(161);
    let issue = parse(text.as_bytes()).unwrap();
    let parsing = fastest(200, || parse(black_box(text.as_bytes())).unwrap());
    println!("parsing an issue of {} KB with {LINKS} links: {parsing:?}", text.len() / 1000);
    let canonical = fastest(200, || issue.recommended().len());
    report("its links in canonical form", canonical, parsing);
    for count in [160, 2_000] {
        let issues: Vec<_> = (1..=count).map(|number| parse(issue_text(number).as_bytes()).unwrap()).collect();
        let making = fastest(5, || archive(&issues));
        report(&format!("making an archive of {count} issues, parsed already"), making, parsing);
        let archive = archive(&issues);
        let issue = parse(issue_text(count + 1).as_bytes()).unwrap();
        assert_eq!(repeated(&archive, &issue), LINKS / 5);
        let looking_up = fastest(200, || repeated(&archive, &issue));
        report(&format!("looking up an issue's links among {count} issues"), looking_up, parsing);
    }
}

fn report(what: &str, time: Duration, parsing: Duration) {
    println!("{what}: {time:?}, {:.3} of parsing an issue", time.as_secs_f64() / parsing.as_secs_f64());
}

/// The shortest of some runs: what the machine does beside only ever adds.
fn fastest<T>(runs: usize, mut act: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let start = Instant::now();
        black_box(act());
        start.elapsed()
    };
    (0..runs).map(time).min().unwrap_or_default()
}

fn archive(issues: &[Issue]) -> Archive {
    let mut archive = Archive::new();
    for issue in issues {
        archive.add(issue, &format!("{}.md", issue.number.unwrap_or_default()));
    }
    archive
}

/// How many of an issue's links an earlier issue had, or its repository.
fn repeated(archive: &Archive, issue: &Issue) -> usize {
    let (links, beside) = (issue.recommended(), archive.beside(issue, "draft.md"));
    let known = links.iter().filter(|link| {
        beside.earlier(&link.address).next().is_some() || beside.earlier_of_repository(&link.address).next().is_some()
    });
    known.count()
}

/// An issue as long as they are; of odd ones, every fifth link was in the issue before.
fn issue_text(number: usize) -> String {
    let mut text = format!("# Harbour Weekly #{number}: Ropes\n\nWelcome aboard.\n");
    for item in 0..LINKS {
        if item % 10 == 0 {
            write!(text, "\n## Section {}\n", item / 10).unwrap();
        }
        let from = if item % 5 == 0 { number / 2 } else { number };
        let link = match item % 2 {
            0 => format!("https://github.com/harbour-{from}/rope-{item}"),
            _ => format!("https://www.blog-{item}.example.org/2024/06/{from}/how-to-moor/?utm_source=weekly#top"),
        };
        let words = "A plea for ropes that hold what they are tied to, and for knots that open again. ".repeat(5);
        write!(text, "\n{}. [How to moor, part {item}]({link})\n\n{words}\n", item + 1).unwrap();
    }
    text
}
