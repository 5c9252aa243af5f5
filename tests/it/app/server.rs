//! What all tests share: one private Postgres that leaves nothing behind, and ports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, OnceLock};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

use super::program::PROGRAM;

/// A port that nobody else gets; it refuses connections until somebody listens on it.
pub(super) struct Port {
    pub(super) address: SocketAddr,
    _reservation: TcpSocket,
}

impl Port {
    pub(super) fn reserve(runtime: &Runtime) -> Self {
        let _context = runtime.enter();
        let reservation = TcpSocket::new_v4().unwrap();
        reservation.set_reuseaddr(true).unwrap();
        reservation.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self { address: reservation.local_addr().unwrap(), _reservation: reservation }
    }
}

/// A share in the connections that one Postgres has.
pub(super) struct Seat;

static SEATS: (Mutex<usize>, Condvar) = (Mutex::new(4), Condvar::new());

impl Seat {
    pub(super) fn take() -> Self {
        let free = SEATS.0.lock().unwrap();
        *SEATS.1.wait_while(free, |free| *free == 0).unwrap() -= 1;
        Self
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *SEATS.0.lock().unwrap() += 1;
        SEATS.1.notify_one();
    }
}

/// A database of its own, empty; returns its URL.
pub(super) async fn create_database() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(1);
    let name = format!("app_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    run(&format!("create database {name}")).await;
    // A crash of the server is not what these tests are about.
    run(&format!("alter database {name} set synchronous_commit = off")).await;
    Server::get().url.replacen("/masthead?", &format!("/{name}?"), 1)
}

/// Runs a statement that is about a database, from another one.
pub(super) async fn run(sql: &str) {
    let mut session = PgConnection::connect(&Server::get().url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut session).await.unwrap();
    session.close().await.unwrap();
}

/// The one private Postgres of this test binary, and the folder of all that it writes.
///
/// Nothing runs at the end of a test binary, so a process guards both: it stops the server and removes the folder
/// as soon as the binary is gone, however that ended, and its end of the pipe with it.
pub(super) struct Server {
    url: String,
    pub(super) folder: PathBuf,
    _guard: Mutex<Child>,
}

impl Server {
    pub(super) fn get() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            let folder = TempDir::new().unwrap().keep();
            let script = r#"
                "$0" postgres --data "$1/postgres" sh -c 'echo "$DATABASE_URL"; cat'
                rm -rf "$(cat "$1/postgres/postgres/location" 2>/dev/null)" "$1""#;
            let mut guard = Command::new("sh")
                .args(["-c", script, PROGRAM])
                .arg(&folder)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .process_group(0) // out of reach of Ctrl-C
                .spawn()
                .unwrap();
            let mut url = String::new();
            BufReader::new(guard.stdout.take().unwrap()).read_line(&mut url).unwrap();
            assert!(!url.is_empty(), "Postgres does not start in {}", folder.display());
            Self { url: url.trim_end().to_owned(), folder, _guard: guard.into() }
        })
    }
}
