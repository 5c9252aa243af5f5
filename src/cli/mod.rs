//! The command line: one file per command.

mod parse;
mod postgres;
mod preview;
mod render;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Publishes an email newsletter from a Markdown file.
#[derive(Debug, Parser)]
#[command(name = "masthead", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print an issue file as JSON
    Parse(parse::Args),
    /// Write issue.html, issue.txt and issue.eml: what a reader would get
    Render(render::Args),
    /// Show the email in the browser, live
    Preview(preview::Args),
    /// Run psql, pg_dump or any other command with the private Postgres
    Postgres(postgres::Args),
}

/// How a command ended; scripts rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done = 0,
    /// Findings, or something refused, expired or in doubt.
    Findings = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Deliveries are left open.
    Open = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Runs the program on the arguments of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Parse(args) => parse::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Preview(args) => preview::run(&args),
        // Its exit code is the other program's.
        Command::Postgres(args) => return postgres::run(&args).unwrap_or_else(|error| fail(&error)),
    };
    result.map_or_else(|error| fail(&error), ExitCode::from)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    Exit::Usage.into()
}
