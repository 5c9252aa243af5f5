//! The proving ground: a folder with a newsletter, a private Postgres, a relay with a record, the readers' web.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpSocket;
use tokio::task::{JoinHandle, spawn_blocking};

use super::Args;
use super::cases::Cases;
use super::dice::Dice;
use super::proxy::Cable;
use super::sink::Sink;
use crate::cli::bench::{children, postmaster};
use crate::cli::context::{start_private, told};
use crate::config::{self, Config};
use crate::newsletter::Newsletter;
use crate::postgres::{PORT, PostgresError, PrivatePostgres};
use crate::store::{ImportRow, Store};
use crate::subscriber::EmailAddress;

/// How much a process of Postgres may write into one file while the disk is full.
const FULL: &str = "--fsize=8192";

/// Everything that a send needs, and nothing of the user's own.
pub(super) struct Ground {
    pub(super) folder: PathBuf,
    pub(super) newsletter: Newsletter,
    pub(super) newsletter_id: i32,
    pub(super) store: Store,
    pub(super) sink: Sink,
    pub(super) cable: Cable,
    postgres: Arc<PrivatePostgres>,
    web: Child,
    _web_port: TcpSocket,
}

impl Ground {
    /// Makes everything in `folder`.
    pub(super) async fn make(folder: &Path, args: &Args, cases: Cases) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let sink = Sink::start(&folder.join("taken.log"), args.seed, args.readers, cases).await?;
        let (web_port, web_address) = reserve_port()?;
        let path = folder.join(config::FILE);
        let text = format!(
            "[smtp]\nurl = \"smtp://{}\"\nconnections = {}\n\n\
             [send]\nretry = [\"300ms\", \"1s\"]\nwait = \"2m\"\n\
             patience = \"2s\"\nprobe = \"1s\"\nbreaker = 5\n\n\
             [web]\nlisten = \"{web_address}\"\nbase_url = \"http://{web_address}\"\n\n\
             [newsletter.chaos]\nname = \"Chaos\"\nfrom = \"editor@newsletter.example.org\"\n\
             postal_address = \"1 Harbour Street, 12345 Example City\"\n",
            sink.address(),
            args.connections
        );
        fs::write(&path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
        let config = Config::parse(&path, &text, []).map_err(told)?;
        let newsletter = config.newsletter(None).map_err(told)?.clone();
        let postgres = Arc::new(start_private(&config).await?);
        hasten_recovery(&postgres).await?;
        let store = Store::open(&postgres.url()).await?;
        let newsletter_id = store.newsletter_id(&newsletter.slug).await?;
        let cable = Cable::lay(folder.join("cable"), postgres.socket_folder())?;
        let web = program(folder, &["serve", "--no-send"])?.spawn().context("cannot start `masthead serve`")?;
        let folder = folder.to_owned();
        let ground = Self { folder, newsletter, newsletter_id, store, sink, cable, postgres, web, _web_port: web_port };
        ground.await_web().await?;
        Ok(ground)
    }

    /// Waits until the readers' web answers.
    async fn await_web(&self) -> anyhow::Result<()> {
        let url = format!("{}/instance", self.newsletter.base_url);
        for _ in 0..200 {
            let url = url.clone();
            if spawn_blocking(move || ureq::get(&url).call().is_ok()).await? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("`masthead serve` does not answer at {url}")
    }

    /// The program with `arguments`, on this ground, with nothing else of this environment.
    pub(super) fn program(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        program(&self.folder, arguments)
    }

    /// Runs the program to its end.
    pub(super) async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        run(&self.folder, arguments).await
    }

    /// Makes active readers.
    pub(super) async fn import(&self, addresses: &[String]) -> anyhow::Result<()> {
        let row = |address: &String| {
            Ok(ImportRow { address: EmailAddress::parse(address)?, name: None, unsubscribed: false })
        };
        let rows: Vec<_> = addresses.iter().map(row).collect::<anyhow::Result<_>>()?;
        let counts = self.store.import(self.newsletter_id, &rows, "imported", "readers of the harness").await?;
        ensure!(counts.added == rows.len() as u64, "only {} of {} readers came in", counts.added, rows.len());
        Ok(())
    }

    /// Writes the file of an issue; returns its name.
    pub(super) fn write_issue(&self, number: u32) -> anyhow::Result<String> {
        let name = format!("{number}.md");
        let text = format!("# Chaos #{number}: Round {number}\n\nA few words for everybody.\n");
        fs::write(self.folder.join(&name), text).with_context(|| format!("cannot write `{name}`"))?;
        Ok(name)
    }

    /// Writes down what was done and when, beside what the processes said.
    pub(super) fn note(&self, what: &str) -> anyhow::Result<()> {
        let mut notes = fs::File::options().create(true).append(true).open(self.folder.join("faults.log"))?;
        Ok(writeln!(notes, "{} {what}", OffsetDateTime::now_utc().format(&Rfc3339)?)?)
    }

    /// Ends the server as a crash does: the postmaster, one of its processes, or all of them at once.
    /// Says whether there was anything to kill.
    pub(super) fn kill_postgres(&self, dice: &mut Dice) -> bool {
        let Some(postmaster) = self.postmaster() else { return false };
        let (pid, signal) = match dice.below(4) {
            0 => (postmaster, Signal::QUIT),
            1 => {
                let children = children(postmaster);
                let picked = children.get(dice.below(children.len() as u64) as usize).copied();
                (picked.unwrap_or(postmaster), Signal::KILL)
            }
            _ => (postmaster, Signal::KILL),
        };
        kill_process(pid, signal).is_ok()
    }

    /// Sees to it that Postgres runs.
    pub(super) fn keep_postgres(&self) -> JoinHandle<Result<(), PostgresError>> {
        let postgres = self.postgres.clone();
        spawn_blocking(move || postgres.keep())
    }

    /// No process of Postgres can make a file longer: to it the disk is full (EFBIG for ENOSPC).
    pub(super) fn fill_disk(&self) {
        let Some(postmaster) = self.postmaster() else { return };
        for pid in std::iter::once(postmaster).chain(children(postmaster)) {
            let mut limit = Command::new("prlimit");
            limit.arg(FULL).args(["--pid", &pid.as_raw_nonzero().to_string()]);
            // One that has just ended writes no more either.
            limit.stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
        }
    }

    /// Room again, once a server without the limit takes the place of the one that has it.
    pub(super) fn free_disk(&self) {
        if let Some(postmaster) = self.postmaster() {
            // Gone already is as good.
            kill_process(postmaster, Signal::QUIT).ok();
        }
    }

    fn postmaster(&self) -> Option<Pid> {
        postmaster(self.postgres.socket_folder())
    }

    /// Ends everything and, with `throw_away`, leaves nothing.
    pub(super) async fn end(mut self, throw_away: bool) -> anyhow::Result<()> {
        self.web.kill().ok();
        self.web.wait().ok();
        self.store.close().await;
        drop(self.cable);
        if !throw_away {
            return Ok(());
        }
        let postgres = Arc::into_inner(self.postgres).context("somebody still looks after Postgres")?;
        spawn_blocking(move || postgres.remove()).await??;
        fs::remove_dir_all(&self.folder).with_context(|| format!("cannot remove `{}`", self.folder.display()))
    }
}

/// Before it recovers from a kill, Postgres would open and sync each of its files by itself, which takes seconds;
/// one call syncs the file system as well.
async fn hasten_recovery(postgres: &PrivatePostgres) -> anyhow::Result<()> {
    let mut psql = Command::new(postgres.programs_folder().join("psql"));
    psql.args(["--no-psqlrc", "--quiet", "--username=postgres", "--dbname=postgres", "--host"]);
    psql.arg(postgres.socket_folder()).arg(format!("--port={PORT}"));
    psql.args(["--command", "alter system set recovery_init_sync_method = 'syncfs'"]).stdin(Stdio::null());
    match spawn_blocking(move || psql.output()).await? {
        Ok(output) if output.status.success() => {}
        Ok(output) => errln!("Postgres will recover slowly: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => errln!("Postgres will recover slowly: psql: {error}"),
    }
    Ok(())
}

/// Runs the program in a folder to its end.
pub(super) async fn run(folder: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = program(folder, arguments)?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(spawn_blocking(move || command.output()).await??)
}

/// The program in a folder; what it says goes into a file there.
fn program(folder: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let kept = ["PATH", "MASTHEAD_POSTGRES_BIN"].map(|name| (name, std::env::var_os(name)));
    command.args(arguments).current_dir(folder).env_clear();
    command.envs(kept.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let said = fs::File::options().create(true).append(true).open(folder.join("said.log"))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
    Ok(command)
}

/// A port that nobody else gets, before somebody listens on it.
fn reserve_port() -> anyhow::Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}
