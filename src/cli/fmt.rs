//! `masthead fmt`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::{Exit, parse};
use crate::issue;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issue file
    file: PathBuf,

    /// Replace the file instead of printing
    #[arg(long)]
    write: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    // the day in the file's name stays there
    let issue = parse::read_by(&args.file, |_, bytes| issue::parse(bytes))?;
    let text = issue::format(&issue);
    // an issue that would read otherwise is left as it is
    ensure!(
        issue::parse(text.as_bytes()).is_ok_and(|read| read.content() == issue.content()),
        "{}: in its canonical form, this would read otherwise\nhint: leave the file as it is; every other command takes it so",
        args.file.display(),
    );
    if !args.write {
        out!("{text}");
    } else if fs::read(&args.file)? != text.as_bytes() {
        replace(&args.file, &text).with_context(|| format!("cannot write `{}`", args.file.display()))?;
    }
    Ok(Exit::Done)
}

/// Replaces a file in one step: whoever reads it meanwhile gets all of the old text, or all of the new.
fn replace(file: &Path, text: &str) -> anyhow::Result<()> {
    // a link stays one, to the new text
    let file = fs::canonicalize(file)?;
    let name = file.file_name().context("it has no name")?.to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut new = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        new.write_all(text.as_bytes())?;
        new.set_permissions(fs::metadata(&file)?.permissions())?;
        new.sync_all()?;
        fs::rename(&beside, &file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    Ok(written?)
}
