//! `masthead bench parse`: reading an issue, beside comrak alone.

use std::hint::black_box;
use std::time::Duration;

use tokio::task::yield_now;

use super::machine::thread_cpu;
use super::report::{Column, Ratio, Table};
use super::sample::{self, ENGLISH};
use crate::issue::{format, parse};

/// Links of the issue.
const LINKS: usize = 40;

/// Turns of a round.
const TURNS: usize = 100;

const COLUMNS: &[Column] = &[
    Column { key: "cpu_us", heading: "CPU µs", decimals: 1 },
    Column { key: "mb_per_second", heading: "MB/s", decimals: 1 },
];

/// Measures parsing, and writing in canonical form.
pub(super) async fn run(rounds: u32) -> anyhow::Result<Table> {
    let text = sample::text(12, LINKS, &ENGLISH);
    let issue = parse(text.as_bytes())?;
    let title = format!("parse: an issue of {LINKS} links, {} bytes", text.len());
    let ratio = Ratio::share("of_comrak", "of comrak", "cpu_us", 0);
    let mut table = Table::new("parse", title, COLUMNS, &[ratio]);
    let rows = ["comrak alone", "parse", "format"].map(|name| table.row(name));
    for round in 1..=rounds {
        errln!("parse, round {round} of {rounds}");
        let mut spent = [Duration::ZERO; 3];
        for _ in 0..TURNS {
            let turn =
                [cpu(|| read_by_comrak(&text)), cpu(|| parse(black_box(text.as_bytes()))), cpu(|| format(&issue))];
            for (spent, turn) in spent.iter_mut().zip(turn) {
                *spent += turn;
            }
            yield_now().await;
        }
        for (row, spent) in rows.into_iter().zip(spent) {
            let seconds = spent.as_secs_f64() / TURNS as f64;
            table.put(row, vec![Some(seconds * 1e6), Some(text.len() as f64 / seconds / 1e6)]);
        }
    }
    Ok(table)
}

fn read_by_comrak(text: &str) {
    let arena = comrak::Arena::new();
    black_box(comrak::parse_document(&arena, black_box(text), &comrak::Options::default()));
}

fn cpu<T>(act: impl FnOnce() -> T) -> Duration {
    let before = thread_cpu();
    black_box(act());
    thread_cpu() - before
}
