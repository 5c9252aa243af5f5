//! How long rendering takes: an issue of 40 links, against css-inline alone on the same HTML; and `masthead render`
//! from start to exit, against `masthead --version`.
//!
//! ```text
//! cargo bench --bench render
//! ```
#![allow(clippy::expect_used)]

use std::fs;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use css_inline::CSSInliner;
use masthead::issue::parse;
use masthead::render::{render, sample_newsletter, sample_value};
use masthead::templates::Style;

const RUNS: usize = 300;

fn main() {
    let issue = parse(roundup().as_bytes()).expect("a roundup is an issue");
    let newsletter = sample_newsletter(&issue).expect("the sample's own addresses are right");
    let rendered = render(&issue, &newsletter).expect("our own sheet can be inlined");
    // what was inlined is inlined again: the same elements, the same rules
    let sheet = Style::new(&newsletter.theme, "en", false).inlined;
    let bare = without_styles(&rendered.html);
    let inlining = fastest(|| inline(&sheet, black_box(&bare)));
    let rendering = fastest(|| render(black_box(&issue), &newsletter).expect("as before"));
    let filling = fastest(|| rendered.html_for(sample_value));
    println!("an issue of 40 links, {} bytes of HTML", rendered.html.len());
    println!("css-inline alone: {inlining:?}");
    println!("render: {rendering:?}, {:.2} times", rendering.as_secs_f64() / inlining.as_secs_f64());
    println!("filling the slots for one reader: {filling:?}");
    from_start_to_exit(rendering);
}

/// Prints what the program takes, beside what it takes to start twice and render once.
fn from_start_to_exit(rendering: Duration) {
    let folder = tempfile::tempdir().expect("there is room");
    let file = folder.path().join("issue.md");
    fs::write(&file, roundup()).expect("as before");
    let run = |words: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_masthead"));
        program.args(words).current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(program.status().expect("the program is built").success());
    };
    let version = fastest(|| run(&["--version"]));
    let process = fastest(|| run(&["render", "issue.md", "--out", "out"]));
    let allowed = 2 * version + rendering;
    println!("masthead --version: {version:?}");
    println!(
        "masthead render: {process:?}, {:.2} times two starts and a render",
        process.as_secs_f64() / allowed.as_secs_f64()
    );
}

/// What a program does that has the HTML already.
fn inline(sheet: &str, html: &str) -> String {
    let options = CSSInliner::options().load_remote_stylesheets(false).minify_css(true);
    let inliner = options.extra_css(Some(sheet.into())).build();
    inliner.inline(html).expect("HTML of our own")
}

/// The HTML before inlining.
fn without_styles(html: &str) -> String {
    let mut parts = html.split(" style=\"");
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        bare.push_str(part.split_once('"').map_or("", |(_, rest)| rest));
    }
    bare
}

/// The shortest of some runs: what the machine does beside only ever adds.
fn fastest<T>(mut act: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let start = Instant::now();
        black_box(act());
        start.elapsed()
    };
    (0..RUNS).map(time).min().unwrap_or_default()
}

/// An issue of 40 links, as an editor writes it.
fn roundup() -> String {
    let mut text = "# Garden Weekly #12: Why Moss?\n\nGood morning.\n".to_owned();
    for section in ["🦄 Articles", "🐿️ Projects"] {
        text += &format!("\n## {section}\n");
        for number in 1..=20 {
            text += &format!(
                "\n{number}. [Moss on stone {number}: what grows where](https://example.org/moss/{number})\n\n\
                 A garden needs `shade`, water and *patience*. The author shows in twelve steps how to get all three, \
                 and what to do when it does not rain. (1.2K stars)\n",
            );
        }
    }
    text
}
