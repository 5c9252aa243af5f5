//! `masthead archive`: issues of before, for the link memory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::context::{ConfigArgs, OpenStore, block_on, told};
use super::{Exit, advise};
use crate::issue::{self, Issue};

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
    let (files, unread) = read_issues(path)?;
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
        errln!("{}: {} new, {} changed, {} as before", newsletter.slug, counts.added, counts.changed, counts.unchanged);
        if counts.sent > 0 {
            errln!("{} left out: issues with their numbers were sent, and are remembered as sent", counts.sent);
        }
        open.close().await?;
        Ok(if unread > 0 { Exit::Findings } else { Exit::Done })
    })
}

/// Reads the issues below a folder, or the one in a file; each is called by its path below the folder. With them, how
/// many files could not be read; standard error names those.
///
/// A file without a number whose items link to nothing is no issue. One with a number counts without links: the next
/// number is no gap.
fn read_issues(path: &Path) -> anyhow::Result<(Vec<(String, Issue)>, usize)> {
    let (folder, files) = match path.is_dir() {
        true => (path, issue_files(path)?),
        false => (path.parent().unwrap_or(path), vec![path.to_owned()]),
    };
    let mut issues = Vec::new();
    let mut unread = 0;
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        match issue::parse_file(&name, &bytes) {
            Ok(issue) if issue.number.is_some() || !issue.recommended().is_empty() => {
                issues.push((name, issue));
            }
            Ok(_) => {}
            Err(error) => {
                errln!("{}:{}: {}; left out", file.display(), error.line, error.what);
                unread += 1;
            }
        }
    }
    Ok((issues, unread))
}

/// The Markdown files below a folder, sorted, but for hidden ones and READMEs.
pub(super) fn issue_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().to_lowercase());
            let markdown = name.ends_with(".md") || name.ends_with(".markdown");
            if name.starts_with('.') {
                continue;
            }
            // A link to a folder may lead in a circle; one to a file is a file.
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if markdown && !name.starts_with("readme.") && path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
