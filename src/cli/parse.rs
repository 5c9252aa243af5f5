//! `masthead parse`.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Exit, advise};
use crate::issue::{self, Issue, ParseError};

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

/// Reads an issue file, for the commands that take one.
pub(super) fn read(file: &Path) -> anyhow::Result<Issue> {
    read_by(file, issue::parse_file)
}

/// Reads a file as `read` does, which is told what it is called.
pub(super) fn read_by<T>(file: &Path, read: impl Fn(&str, &[u8]) -> Result<T, ParseError>) -> anyhow::Result<T> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{name}`"))?;
    read(&name, &bytes).map_err(|ParseError { line, what, hint }| advise(&format!("{name}:{line}: {what}"), &hint))
}
