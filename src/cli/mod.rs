//! The command line: one file per command.

/// Writes to standard output; where nobody reads on, an error that [`fail`] is silent about.
macro_rules! out {
    ($($words:tt)*) => { std::io::Write::write_fmt(&mut $crate::cli::Output, format_args!($($words)*))? };
}

/// The same with a line end.
macro_rules! outln {
    ($($words:tt)*) => {{
        out!($($words)*);
        out!("\n");
    }};
}

/// Prints on standard error. Where that is closed, or on a full disk, nobody reads it, and no command ends for that.
macro_rules! err {
    ($($words:tt)*) => { std::io::Write::write_fmt(&mut std::io::stderr(), format_args!($($words)*)).unwrap_or_default() };
}

/// The same with a line end.
macro_rules! errln {
    ($($words:tt)*) => {{
        err!($($words)*);
        err!("\n");
    }};
}

mod archive;
mod bench;
mod chaos;
mod check;
mod context;
mod demo;
mod doctor;
mod fmt;
mod init;
mod ledger;
mod letterhead;
mod links;
mod moment;
mod operate;
mod parse;
mod postgres;
mod preview;
mod progress;
mod readers_web;
mod rehearse;
mod render;
mod send;
mod serve;
mod status;
mod subscriber_file;
mod subscribers;
mod worker;

use std::io::{self, IsTerminal as _, Write};
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
    /// Write a commented masthead.toml
    Init(init::Args),
    /// Print an issue file as JSON
    Parse(parse::Args),
    /// Print an issue file in its canonical form, or write it back
    Fmt(fmt::Args),
    /// Mark what a copy editor would mark, before an issue leaves
    Check(check::Args),
    /// Write issue.html, issue.txt and issue.eml: what a reader would get
    Render(render::Args),
    /// Show the email in the browser, live
    Preview(preview::Args),
    /// Send an issue to every subscriber, or a proof to yourself
    Send(send::Args),
    /// Play the whole send to the real audience into a mail catcher, and throw the ledger away
    ///
    /// No relay is contacted, and nothing stays in the database; a rehearsal that is killed leaves a schema
    /// `rehearsal` that nobody reads, and that goes with the next one.
    Rehearse(rehearse::Args),
    /// Show the ledger of an issue: how many are in each state, who is in doubt
    Status(status::Args),
    /// Stop a send for now; messages on the wire finish
    Pause(operate::Args),
    /// Let a paused issue go on
    Resume(operate::Args),
    /// Stop a send for good: who has no mail yet is skipped
    Cancel(operate::Args),
    /// Queue what was refused or has expired again
    Retry(operate::RetryArgs),
    /// Say what became of the deliveries in doubt
    Resolve(operate::ResolveArgs),
    /// Check the ledger of an issue, row by row
    Audit(operate::AuditArgs),
    /// Add, list, show, import, export, remove and erase readers
    Subscribers(subscribers::Args),
    /// Remember the links of issues of before
    Archive(archive::Args),
    /// Say in which issues a page appeared
    Links(links::Args),
    /// Serve the readers' web: sign-up, confirm, unsubscribe, read online; send as `worker` does
    Serve(serve::Args),
    /// Send what there is to send: scheduled issues, retries that are due, a share of every send under way
    ///
    /// Several on several machines share the work through Postgres. SIGTERM lets messages on the wire finish.
    Worker(worker::Args),
    /// Look whether everything is there that a send needs, or make a DKIM key
    ///
    /// Ends with 0 where there is nothing to do, with 1 after warnings, with 2 after errors.
    Doctor(doctor::Args),
    /// Play the whole weekly on this machine: Postgres, readers, sends, a mail catcher
    Demo(demo::Args),
    /// Measure how fast everything is, beside what it could be at most
    ///
    /// Postgres, readers and a sink are made in a temporary folder; nothing is left behind.
    Bench(bench::Args),
    /// Put the promises of the ledger under fire, and count what breaks
    #[command(hide = true)]
    Chaos(chaos::Args),
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
    start_logging();
    let result = match cli.command {
        Command::Init(args) => init::run(&args),
        Command::Parse(args) => parse::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Preview(args) => preview::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Pause(args) => operate::pause(&args),
        Command::Resume(args) => operate::resume(&args),
        Command::Cancel(args) => operate::cancel(&args),
        Command::Retry(args) => operate::retry(&args),
        Command::Resolve(args) => operate::resolve(&args),
        Command::Audit(args) => operate::audit(&args),
        Command::Subscribers(args) => subscribers::run(&args),
        Command::Archive(args) => archive::run(&args),
        Command::Links(args) => links::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Worker(args) => worker::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Bench(args) => bench::run(args),
        Command::Chaos(args) => chaos::run(&args),
        // Its exit code is the other program's.
        Command::Postgres(args) => return postgres::run(&args).unwrap_or_else(|error| fail(&error)),
    };
    result.map_or_else(|error| fail(&error), ExitCode::from)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    if is_unread(error) {
        return Exit::Done.into();
    }
    errln!("error: {}", told_once(error));
    Exit::Usage.into()
}

/// Standard output. That nobody reads on is told from a connection that broke.
struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes).map_err(unread)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().map_err(unread)
    }
}

/// Whoever read our output has seen enough.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output")]
struct Unread;

fn unread(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(error.kind(), Unread),
        kind => io::Error::new(kind, format!("standard output cannot be written: {error}")),
    }
}

fn is_unread(error: &anyhow::Error) -> bool {
    let io_error = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io_error.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<Unread>())
}

/// An error with its causes, but for those whose words stand there already.
fn told_once(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told += &format!(": {cause}");
        }
    }
    told
}

/// Logs go to standard error: warnings, or what `MASTHEAD_LOG` asks for, like `info` or `masthead=debug`.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MASTHEAD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        // They would be printed where no event could be.
        .log_internal_errors(false)
        .init();
}

/// An error that says what to do.
fn advise(what: &str, hint: &str) -> anyhow::Error {
    anyhow::anyhow!("{what}\nhint: {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_breaks_is_no_output_that_nobody_reads() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(!is_unread(&crate::store::StoreError::from(sqlx::Error::from(broken())).into()));
        assert!(!is_unread(&broken().into()));
        assert!(is_unread(&anyhow::Error::from(unread(broken())).context("the list")));
        assert!(!is_unread(&unread(io::ErrorKind::StorageFull.into()).into()));
    }
}
