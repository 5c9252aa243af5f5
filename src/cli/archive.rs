//! `masthead archive`: issues of before, for the link memory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::context::{ConfigArgs, OpenStore, block_on, told};
use super::{Exit, advise};
use crate::issue::{self, Archive, Issue};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The newsletter, where there are several
    #[arg(long, global = true, value_name = "SLUG")]
    newsletter: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Remember the links of every issue file (.md, .markdown) in a folder; a file that changed replaces its links
    Import {
        /// The folder, or one file
        #[arg(value_name = "DIR|FILE")]
        path: PathBuf,
    },
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    let newsletter = config.newsletter(args.newsletter.as_deref()).map_err(told)?;
    let Command::Import { path } = &args.command;
    let mut files = Vec::new();
    let skipped = read_issues(path, &[], |name, issue| files.push((name, issue)))?;
    if files.is_empty() {
        return Err(advise(
            &format!("`{}` has no issue in it", path.display()),
            "issues are .md or .markdown files with a number or linked items; `masthead parse FILE` shows what is read",
        ));
    }
    block_on(async {
        let open = OpenStore::open(&config).await?;
        let newsletter_id = open.newsletter_id(newsletter).await?;
        let counts = open.store.import_archive(newsletter_id, &files).await?;
        eprintln!(
            "{}: {} new, {} changed, {} as before",
            newsletter.slug, counts.added, counts.changed, counts.unchanged
        );
        if counts.sent > 0 {
            eprintln!("{} left out: issues with their numbers were sent, and are remembered as sent", counts.sent);
        }
        open.close().await?;
        Ok(if skipped > 0 { Exit::Findings } else { Exit::Done })
    })
}

#[allow(dead_code, reason = "for `check --archive`")]
/// The link memory that the issue files below a folder make, but for the files of `except`.
pub(super) fn read_folder(folder: &Path, except: &[PathBuf]) -> anyhow::Result<Archive> {
    let mut archive = Archive::new();
    read_issues(folder, except, |name, issue| archive.add(&issue, &name))?;
    Ok(archive)
}

/// Hands the issues below a folder, or the one in a file, to `take`, in the order of their names, which are their
/// paths below the folder. Returns how many files could not be read; standard error names them.
///
/// A README is no issue, and neither is a file without a number whose items link to nothing. One with a number
/// counts without links: the next number is no gap.
fn read_issues(path: &Path, except: &[PathBuf], mut take: impl FnMut(String, Issue)) -> anyhow::Result<usize> {
    let except: Vec<_> = except.iter().filter_map(|file| file.canonicalize().ok()).collect();
    let mut files = Vec::new();
    let folder = if path.is_dir() {
        find_files(path, &mut files)?;
        path
    } else {
        files.push(path.to_owned());
        path.parent().unwrap_or(path)
    };
    files.sort();
    let mut skipped = 0;
    for file in files {
        if file.canonicalize().is_ok_and(|file| except.contains(&file)) {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        match issue::parse(&bytes) {
            Ok(issue) if issue.number.is_some() || !issue.recommended().is_empty() => {
                let name = file.strip_prefix(folder).unwrap_or(&file);
                take(name.to_string_lossy().into_owned(), issue);
            }
            Ok(_) => {}
            Err(error) => {
                eprintln!("{}:{}: {}; left out", file.display(), error.line, error.what);
                skipped += 1;
            }
        }
    }
    Ok(skipped)
}

/// Finds the Markdown files below a folder, but for hidden ones and READMEs.
fn find_files(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let markdown = name.ends_with(".md") || name.ends_with(".markdown");
        if name.starts_with('.') {
            continue;
        }
        // A link to a folder may lead in a circle; one to a file is a file.
        if entry.file_type()?.is_dir() {
            find_files(&entry.path(), files)?;
        } else if markdown && !name.starts_with("readme.") && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
