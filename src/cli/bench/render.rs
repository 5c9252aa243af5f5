//! `masthead bench render`: rendering beside css-inline alone, and `masthead render` beside a program that only starts.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use css_inline::CSSInliner;
use tokio::task::yield_now;

use super::ground::{Ground, Helper};
use super::machine::thread_cpu;
use super::report::{Column, Ratio, Table};
use super::sample::{self, ENGLISH};
use crate::issue::parse;
use crate::render::{render, sample_newsletter, sample_value};
use crate::templates::Style;

/// Links of the issue.
const LINKS: usize = 40;

/// Turns of a round.
const TURNS: u32 = 40;

/// Starts of the program in a round.
const STARTS: u32 = 10;

const RENDERING: &[Column] = &[Column { key: "cpu_us", heading: "CPU µs", decimals: 1 }];

const STARTING: &[Column] = &[Column { key: "ms", heading: "ms", decimals: 2 }];

/// Measures both.
pub(super) async fn run(rounds: u32, ground: &Ground) -> anyhow::Result<Vec<Table>> {
    Ok(vec![rendering(rounds).await?, starting(rounds, ground).await?])
}

async fn rendering(rounds: u32) -> anyhow::Result<Table> {
    let issue = parse(sample::text(12, LINKS, &ENGLISH).as_bytes())?;
    let newsletter = sample_newsletter(&issue)?;
    let rendered = render(&issue, &newsletter)?;
    // What was inlined is inlined again: the same elements, the same rules.
    let sheet = Style::new(&newsletter.theme, "en", false).inlined;
    let bare = without_styles(&rendered.html);
    let title = format!("render: an issue of {LINKS} links, {} bytes of HTML", rendered.html.len());
    let ratio = Ratio::share("of_css_inline", "of css-inline", "cpu_us", 0);
    let mut table = Table::new("render", title, RENDERING, &[ratio]);
    let rows = ["css-inline alone", "render", "filling the slots for one reader"].map(|name| table.row(name));
    for round in 1..=rounds {
        errln!("render, round {round} of {rounds}");
        let mut spent = [Duration::ZERO; 3];
        for _ in 0..TURNS {
            let turn = [
                cpu(|| Ok(inline(&sheet, black_box(&bare))?))?,
                cpu(|| Ok(render(black_box(&issue), &newsletter)?))?,
                cpu(|| Ok(rendered.html_for(sample_value)))?,
            ];
            for (spent, turn) in spent.iter_mut().zip(turn) {
                *spent += turn;
            }
            yield_now().await;
        }
        for (row, spent) in rows.into_iter().zip(spent) {
            table.put(row, vec![Some(spent.as_secs_f64() * 1e6 / f64::from(TURNS))]);
        }
    }
    Ok(table)
}

fn cpu<T>(act: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Duration> {
    let before = thread_cpu();
    black_box(act()?);
    Ok(thread_cpu() - before)
}

/// What a program does that has the HTML already.
fn inline(sheet: &str, html: &str) -> Result<String, css_inline::InlineError> {
    let options = CSSInliner::options().load_remote_stylesheets(false).minify_css(true);
    options.extra_css(Some(sheet.into())).build().inline(html)
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

/// From the start of the program to its exit.
async fn starting(rounds: u32, ground: &Ground) -> anyhow::Result<Table> {
    let file = ground.folder.write("issue.md", sample::text(12, LINKS, &ENGLISH))?;
    let out = ground.folder.path().join("out");
    let ratio = Ratio::share("of_version", "of --version", "ms", 0);
    let mut table = Table::new("render", "render: from start to exit".to_owned(), STARTING, &[ratio]);
    let (version, rendered) = (table.row("masthead --version"), table.row("masthead render"));
    for _ in 0..rounds {
        let (mut starts, mut renders) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..STARTS {
            starts += time(&[Path::new("--version")]).await?;
            // A configuration in the folder where this runs is none of this measurement's.
            let none = ground.folder.path().join("none.toml");
            let words = ["render".as_ref(), file.as_path(), "--out".as_ref(), &out, "--config".as_ref(), &none];
            renders += time(&words).await?;
        }
        for (row, spent) in [(version, starts), (rendered, renders)] {
            table.put(row, vec![Some(spent.as_secs_f64() * 1e3 / f64::from(STARTS))]);
        }
    }
    Ok(table)
}

async fn time(arguments: &[&Path]) -> anyhow::Result<Duration> {
    let started = Instant::now();
    Helper::quiet(arguments)?.answer().await?;
    Ok(started.elapsed())
}
