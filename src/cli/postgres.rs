//! `masthead postgres`: any program that speaks Postgres, with the private server.
//!
//! ```text
//! masthead postgres                                    psql
//! masthead postgres pg_dump -Fc -f weekly.dump         a backup
//! masthead postgres pg_restore -d masthead weekly.dump
//! ```

use std::env;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::postgres::{NAME, PORT, PrivatePostgres};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data folder of the private Postgres
    #[arg(long, value_name = "DIR", default_value = ".masthead")]
    data: PathBuf,
    /// What to run, with its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, default_value = "psql")]
    command: Vec<OsString>,
}

/// Runs the command; its exit code becomes ours.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (program, arguments) = args.command.split_first().context("no command to run")?;
    let signals = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
    let mut interrupt = signals.block_on(async { signal(SignalKind::interrupt()) })?;
    let mut terminate = signals.block_on(async { signal(SignalKind::terminate()) })?;
    let mut hang_up = signals.block_on(async { signal(SignalKind::hangup()) })?;

    let postgres = PrivatePostgres::start(&args.data)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = [postgres.programs_folder().to_owned()].into_iter().chain(env::split_paths(&path));
    let mut child = Command::new(program)
        .args(arguments)
        .env("PATH", env::join_paths(path)?)
        // These two would win over PGHOST.
        .env_remove("PGHOSTADDR")
        .env_remove("PGSERVICE")
        .env("PGHOST", postgres.socket_folder())
        .env("PGPORT", PORT.to_string())
        .env("PGUSER", NAME)
        .env("PGDATABASE", NAME)
        .env("DATABASE_URL", postgres.url())
        .spawn()
        .with_context(|| format!("cannot run `{}`", program.display()))?;

    let pid = pid(&child);
    signals.spawn(async move {
        loop {
            // A terminal sends Ctrl-C to the child itself; we only have to outlive it.
            let signal = tokio::select! {
                _ = interrupt.recv() => continue,
                _ = terminate.recv() => Signal::TERM,
                _ = hang_up.recv() => Signal::HUP,
            };
            if let Some(pid) = pid {
                let _ = kill_process(pid, signal);
            }
        }
    });
    let status = child.wait().context("cannot wait for the command")?;
    signals.shutdown_background();
    postgres.leave()?;
    Ok(exit_code(status))
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id().try_into().ok()?)
}

/// As a shell would say it: 128 and the signal for a program that one ended.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX).into()
}
