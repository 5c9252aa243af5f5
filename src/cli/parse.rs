//! `masthead parse`.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Exit;
use crate::issue::{self, Issue};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issue file
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    outln!("{}", serde_json::to_string_pretty(&read(&args.file)?)?);
    Ok(Exit::Done)
}

/// Reads an issue file, for every command that takes one.
pub(super) fn read(file: &Path) -> anyhow::Result<Issue> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    issue::parse(&bytes)
        .map_err(|error| anyhow::anyhow!("{}:{}: {}\nhint: {}", file.display(), error.line, error.what, error.hint))
}
