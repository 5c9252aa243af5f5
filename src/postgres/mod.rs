//! The private Postgres: a cluster of our own for one data folder, shared by all processes that use that folder.
//!
//! ```text
//! .masthead/postgres/          belongs to whoever runs the program
//!   lock                       held while somebody decides to start or stop
//!   users                      held shared by every process that uses the server
//!   location                   root only: where the cluster is
//!   cluster/                   or, for root, /var/lib/masthead/weekly-3f9c2a1b0c4d/
//!     data/  log  socket/      what Postgres calls a data directory; its log; its only door
//! ```
//!
//! Whoever comes first starts the server, and the last one to leave stops it. A process that is killed leaves its
//! locks to the kernel and the server to the next one, which adopts it.

mod cluster;
mod home;
mod programs;
mod server;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use self::cluster::Cluster;
use self::home::{Home, Lock};
use self::programs::Programs;
use self::server::Server;

/// The database, and the role that owns it.
pub const NAME: &str = "masthead";

/// The port that names the socket; nothing listens on TCP.
pub const PORT: u16 = 5432;

/// A share in the running server of one data folder. Dropping it, or [`leave`](Self::leave), gives it back.
///
/// Everything here blocks: on the file system, on other processes that start or stop, and on Postgres.
#[derive(Debug)]
pub struct PrivatePostgres {
    home: Home,
    server: Server,
    share: Option<Lock>,
}

impl PrivatePostgres {
    /// Whether `data_folder` has a cluster. Makes nothing.
    pub fn is_made(data_folder: &Path) -> bool {
        Home::has_cluster(data_folder)
    }

    /// Starts the server of `data_folder`, or joins the one that runs; makes folder and cluster the first time.
    ///
    /// The first time takes some seconds, a start half a second, joining a millisecond. Blocks.
    pub fn start(data_folder: &Path) -> Result<Self, PostgresError> {
        let home = Home::open(data_folder)?;
        let _deciding = home.decide()?;
        let share = home.share()?;
        let cluster = Cluster::locate(&home)?;
        let programs = Programs::find(&cluster)?;
        cluster.make_once(&programs)?;
        let server = Server::new(cluster, programs)?;
        server.ensure_ready()?;
        Ok(Self { home, server, share: Some(share) })
    }

    /// Starts the server again if somebody or something has ended it; one that is silent is left alone. Blocks.
    pub fn keep(&self) -> Result<(), PostgresError> {
        if self.server.is_running() {
            return Ok(());
        }
        let _deciding = self.home.decide()?;
        self.server.ensure_ready()
    }

    /// Where to connect, for sqlx and for libpq: `postgres:///masthead?host=%2F…%2Fsocket&port=5432&user=masthead`.
    pub fn url(&self) -> String {
        let host = percent_encode(&self.socket_folder().to_string_lossy());
        format!("postgres:///{NAME}?host={host}&port={PORT}&user={NAME}")
    }

    /// The folder of the socket, for `PGHOST`. Only the owner of the server can enter it.
    pub fn socket_folder(&self) -> &Path {
        self.server.socket_folder()
    }

    /// The folder of the installed programs: `pg_dump` and the like, of the server's own version.
    pub fn programs_folder(&self) -> &Path {
        self.server.programs_folder()
    }

    /// Gives the share back, and stops the server when it was the last. Blocks.
    pub fn leave(mut self) -> Result<(), PostgresError> {
        self.give_back()
    }

    /// Gives the share back and, when it was the last, removes the server with all its data. Blocks.
    ///
    /// For what was made for the moment, a demo or a test: as root, the data is not in the data folder.
    pub fn remove(mut self) -> Result<(), PostgresError> {
        self.give_back_and(|postgres| {
            // The pointer first: one that leads nowhere is an error.
            postgres.home.remove()?;
            postgres.server.remove()
        })
    }

    fn give_back(&mut self) -> Result<(), PostgresError> {
        self.give_back_and(|_| Ok(()))
    }

    /// Stops the server, and does what comes after, if nobody else uses it.
    fn give_back_and(&mut self, after: impl FnOnce(&Self) -> Result<(), PostgresError>) -> Result<(), PostgresError> {
        let Some(share) = self.share.take() else { return Ok(()) };
        let _deciding = self.home.decide()?;
        drop(share);
        match self.home.try_alone()? {
            Some(_alone) => self.server.stop().and_then(|()| after(self)),
            None => Ok(()),
        }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Err(error) = self.give_back() {
            tracing::warn!(%error, "the private Postgres may still run; the next start adopts it");
        }
    }
}

/// Why there is no private Postgres.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No server programs anywhere.
    #[error(
        "Postgres' server programs are not installed; install them (`apt install postgresql` on Debian and Ubuntu, \
         `dnf install postgresql-server` on Fedora, `apk add postgresql` on Alpine, `brew install postgresql` on \
         macOS), name their folder in MASTHEAD_POSTGRES_BIN, or set DATABASE_URL to a Postgres elsewhere"
    )]
    NotInstalled,
    /// `MASTHEAD_POSTGRES_BIN` is wrong.
    #[error(
        "MASTHEAD_POSTGRES_BIN is `{}`, but postgres, initdb and pg_ctl do not run from there; \
         name the folder of the server programs, or unset it", .0.display()
    )]
    WrongFolder(PathBuf),
    /// The cluster and the installed programs do not fit.
    #[error(
        "`{}` was made by Postgres {made_by}, but only {installed} is installed; either install Postgres {made_by} \
         beside it (`apt install postgresql-{made_by}`), or carry the data over: where Postgres {made_by} is, \
         `masthead postgres pg_dump -Fc -f masthead.dump`; then move that folder away, and with the new one \
         `masthead postgres pg_restore -d {NAME} masthead.dump`", .data.display()
    )]
    OtherVersion {
        /// The cluster's `data`.
        data: PathBuf,
        /// The cluster's major version.
        made_by: u32,
        /// The installed major versions, joined by commas.
        installed: String,
    },
    /// Another user started here before.
    #[error("`{}` belongs to user id {owner}; run masthead as that user, or with another data folder", .folder.display())]
    OtherUser {
        /// What belongs to the other user.
        folder: PathBuf,
        /// Who it belongs to.
        owner: u32,
    },
    /// As root, nobody is there to run the server.
    #[error(
        "Postgres refuses to run as root, and there is no user `masthead`, `postgres` or `nobody` to run it; \
         add one (`useradd --system masthead`), or run masthead as an ordinary user"
    )]
    NoUser,
    /// The pointer leads nowhere.
    #[error(
        "`{}` says that the database is in `{}`, which is not there; bring that folder back, or, to begin \
         with an empty database, remove the file", .location.display(), .cluster.display()
    )]
    Lost {
        /// The pointer.
        location: PathBuf,
        /// Where it leads.
        cluster: PathBuf,
    },
    /// The data folder was copied, but the cluster is elsewhere.
    #[error(
        "`{}` is a copy of `{}`, whose database it is; to have one of its own, remove the copy's `postgres` folder \
         and load a dump: `masthead postgres pg_dump -Fc -f weekly.dump` there, \
         `masthead postgres pg_restore -d masthead weekly.dump` here", .folder.display(), .original.display()
    )]
    Copied {
        /// The copy.
        folder: PathBuf,
        /// Where it was copied from.
        original: PathBuf,
    },
    /// The folder for the socket is not ours alone.
    #[error("`{}` is not a folder that only user id {owner} can enter; remove it", .folder.display())]
    UnsafeSocketFolder {
        /// The folder.
        folder: PathBuf,
        /// Who should own it.
        owner: u32,
    },
    /// A server program failed.
    #[error("{program} failed ({status}): {output}")]
    Program {
        /// `initdb`, `pg_ctl` or `postgres`.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        output: String,
    },
    /// The server does not answer.
    #[error("Postgres {problem}; the end of its log, `{}`:\n{tail}", .log.display())]
    NotReady {
        /// What it does instead.
        problem: String,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The file system said no.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Says what was being done to `path` when the file system refused.
fn refused(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> PostgresError {
    let doing = format!("{doing} `{}`", path.display());
    move |source| PostgresError::Io { doing, source }
}

fn percent_encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
