//! `masthead bench import`: readers from a CSV file, beside COPY of the same file into a table with nothing to it.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::form::Form;
use super::ground::{Ground, Helper, Relay};
use super::report::{Column, Ratio, Table};
use crate::newsletter::Slug;

/// The arguments.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Rows of the file, all of them new in each round
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) readers: u64,
}

const COLUMNS: &[Column] = &[
    Column { key: "rows_per_second", heading: "rows/s", decimals: 0 },
    Column { key: "s", heading: "s", decimals: 2 },
];

/// Measures both.
pub(super) async fn run(args: &Args, rounds: u32, ground: &Ground) -> anyhow::Result<Table> {
    let store = &ground.database()?.store;
    let newsletter = Slug::parse("imported")?;
    let newsletter_id = store.newsletter_id(&newsletter).await?;
    // Nothing is mailed.
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 25));
    let relay = Relay { address: nowhere, connections: 1, form: Form::BehindTheDot, signs: false };
    let config = ground.configure(&newsletter, &relay)?;
    let title = format!("import: {} rows of a CSV file", args.readers);
    let ratio = Ratio::share("of_copy", "of COPY", "rows_per_second", 0);
    let mut table = Table::new("import", title, COLUMNS, &[ratio]);
    let rows = ["COPY into a bare table", "masthead subscribers import"].map(|name| table.row(name));
    for round in 1..=rounds {
        errln!("import, round {round} of {rounds}");
        let text = csv(round, args.readers);
        let file = ground.folder.write("readers.csv", &text)?;
        let copy = Instant::now();
        let copied = store.copy_into_bare_table(text.as_bytes()).await?;
        let copy = copy.elapsed();
        ensure!(copied == args.readers, "COPY took {copied} rows of {}", args.readers);
        let import = import(&config, &file).await?;
        let active = store.count_active(newsletter_id).await?;
        ensure!(active == u64::from(round) * args.readers, "after round {round}, {active} readers are there");
        for (row, spent) in rows.into_iter().zip([copy, import]) {
            let seconds = spent.as_secs_f64();
            table.put(row, vec![Some(args.readers as f64 / seconds), Some(seconds)]);
        }
    }
    Ok(table)
}

/// Runs the command; its start counts.
async fn import(config: &Path, file: &Path) -> anyhow::Result<Duration> {
    let words = ["subscribers", "--config"].map(Path::new);
    let consent = ["--consent", "readers of the benchmark", "--yes"].map(Path::new);
    let started = Instant::now();
    let arguments = words.into_iter().chain([config, "import".as_ref(), file]).chain(consent);
    Helper::quiet(arguments)?.answer().await?;
    Ok(started.elapsed())
}

/// A file of readers that no other round has.
fn csv(round: u32, readers: u64) -> String {
    let mut text = "email,name\n".to_owned();
    for number in 0..readers {
        // Writing to a text does not fail.
        writeln!(text, "reader-{round}-{number}@example.com,Reader {number}").ok();
    }
    text
}
