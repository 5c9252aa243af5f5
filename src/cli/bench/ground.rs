//! What is made for a measurement and leaves with it: a folder, a private Postgres, processes, a sink.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rustix::process::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

use super::form::Form;
use super::machine::postmaster;
use crate::catcher::{Catcher, Keep, Options};
use crate::cli::Exit;
use crate::config::FILE;
use crate::message::dkim::SigningKey;
use crate::newsletter::Slug;
use crate::postgres::PrivatePostgres;
use crate::store::Store;

/// A folder that goes when this is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("masthead-bench-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file; returns where it is.
    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Where a measurement takes place.
pub(super) struct Ground {
    pub(super) folder: Folder,
    pub(super) database: Option<Database>,
}

/// A Postgres with nothing in it but what is measured.
pub(super) struct Database {
    pub(super) store: Store,
    server: PrivatePostgres,
}

impl Database {
    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Its main process, where that can be told.
    pub(super) fn postmaster(&self) -> Option<Pid> {
        postmaster(self.server.socket_folder())
    }
}

impl Ground {
    /// Makes a folder and, where it is needed, a Postgres in it.
    pub(super) async fn make(needs_database: bool) -> anyhow::Result<Self> {
        let folder = Folder::make()?;
        let mut database = None;
        if needs_database {
            let data = folder.path().join(".masthead");
            let server = spawn_blocking(move || PrivatePostgres::start(&data)).await??;
            match Store::open(&server.url()).await {
                Ok(store) => database = Some(Database { store, server }),
                Err(error) => {
                    spawn_blocking(move || server.remove()).await??;
                    return Err(error.into());
                }
            }
        }
        Ok(Self { folder, database })
    }

    /// The Postgres.
    pub(super) fn database(&self) -> anyhow::Result<&Database> {
        self.database.as_ref().context("this measurement was given no Postgres")
    }

    /// Writes the configuration of a newsletter, the database and a relay; returns where it is.
    ///
    /// No connection is opened anew in the middle, as the raw client opens none.
    pub(super) fn configure(&self, newsletter: &Slug, relay: &Relay) -> anyhow::Result<PathBuf> {
        let mut text = format!(
            "[smtp]\nurl = \"smtp://{}\"\nconnections = {}\nmessages = 1000000\n{}\n\
             [web]\nbase_url = \"https://weekly.example.org\"\n\n\
             [newsletter.{}]\nname = \"Garden Weekly\"\nfrom = \"editor@newsletter.example.org\"\n\
             postal_address = \"1 Harbour Street, 12345 Example City\"\nwelcome = false\n\n",
            relay.address,
            relay.connections,
            relay.form.settings(),
            newsletter.as_str()
        );
        if let Some(database) = &self.database {
            text += &format!("[database]\nurl = \"{}\"\n\n", database.url());
        }
        if relay.signs {
            let key = self.folder.path().join("dkim.pem");
            if !key.exists() {
                write_key(&key)?;
            }
            text += "[dkim]\n";
        }
        self.folder.write(FILE, text)
    }

    /// Ends everything and leaves nothing.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        if let Some(Database { store, server }) = self.database {
            store.close().await;
            spawn_blocking(move || server.remove()).await??;
        }
        Ok(())
    }
}

fn write_key(path: &Path) -> anyhow::Result<()> {
    let mut file = fs::File::options().create_new(true).write(true).mode(0o600).open(path)?;
    Ok(file.write_all(SigningKey::generate()?.to_pem()?.as_bytes())?)
}

/// How mail goes out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    pub(super) connections: usize,
    pub(super) form: Form,
    /// Whether there is a DKIM key.
    pub(super) signs: bool,
}

/// A process that runs this program; it is killed when this is dropped.
pub(super) struct Helper(Child);

impl Helper {
    /// Starts the program; what it says goes to standard error.
    pub(super) fn start(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Self> {
        Self::spawn(program(arguments)?)
    }

    /// Starts the program; what it says is lost.
    pub(super) fn quiet(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Self> {
        let mut program = program(arguments)?;
        program.stderr(Stdio::null());
        Self::spawn(program)
    }

    /// Starts any program.
    pub(super) fn spawn(mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Self(command.spawn()?))
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// How it has ended, if it has.
    pub(super) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    fn pipes(&mut self) -> anyhow::Result<(ChildStdin, ChildStdout)> {
        self.0.stdin.take().zip(self.0.stdout.take()).context("the process has no pipes")
    }

    /// Hands over a task and waits for what comes of it, both JSON.
    pub(super) async fn ask<Outcome: DeserializeOwned>(self, task: &impl Serialize) -> anyhow::Result<Outcome> {
        Ok(serde_json::from_str(&self.hear(&serde_json::to_vec(task)?).await?)?)
    }

    /// Waits for what it has printed at its end.
    pub(super) async fn answer(self) -> anyhow::Result<String> {
        self.hear(b"").await
    }

    async fn hear(mut self, question: &[u8]) -> anyhow::Result<String> {
        let (mut stdin, mut stdout) = self.pipes()?;
        stdin.write_all(question)?;
        drop(stdin);
        let answer = spawn_blocking(move || {
            let mut answer = String::new();
            stdout.read_to_string(&mut answer).map(|_| answer)
        });
        let answer = answer.await??;
        let status = self.0.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(answer)
    }
}

/// This program, with nothing of this environment but where Postgres is.
fn program(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let kept = ["PATH", "MASTHEAD_POSTGRES_BIN", "MASTHEAD_LOG"].map(|name| (name, std::env::var_os(name)));
    command.args(arguments).env_clear();
    command.envs(kept.into_iter().filter_map(|(name, value)| Some((name, value?))));
    Ok(command)
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The mail catcher in a process of its own, with one thread; it keeps nothing.
pub(super) struct Sink {
    helper: Helper,
    pub(super) address: SocketAddr,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Sink {
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut helper = Helper::start(["bench", "sink"])?;
        let (asks, stdout) = helper.pipes()?;
        let mut answers = BufReader::new(stdout);
        let address = answer(&mut answers)?.parse()?;
        Ok(Self { helper, address, asks, answers })
    }

    pub(super) fn pid(&self) -> Pid {
        self.helper.pid()
    }

    /// How many mails it has taken so far.
    pub(super) fn accepted(&mut self) -> anyhow::Result<u64> {
        self.asks.write_all(b"\n")?;
        Ok(answer(&mut self.answers)?.parse()?)
    }
}

fn answer(answers: &mut BufReader<ChildStdout>) -> anyhow::Result<String> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// What a [`Sink`] runs: prints its address, and for every line on standard input how many mails it has taken.
pub(super) fn run_sink() -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = Options { keep: Keep::Nothing, ..Options::default() };
        let catcher = Arc::new(Catcher::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await?);
        outln!("{}", catcher.address());
        let asking = spawn_blocking(move || {
            for line in std::io::stdin().lines() {
                line?;
                outln!("{}", catcher.accepted());
            }
            Ok(Exit::Done)
        });
        asking.await?
    })
}
