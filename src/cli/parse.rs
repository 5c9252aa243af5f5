//! `masthead parse`.

use std::path::PathBuf;

use super::Exit;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issue file
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    anyhow::bail!("not written yet: {}", args.file.display())
}
