//! The harness: the program, its Postgres and the readers' web as they are; the relay is the scripted mail catcher.
//!
//! An [`App`] checks the ledger's promises when it is dropped, whatever the test was about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser;
mod program;
mod promises;
mod relay;
mod server;
mod web;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use masthead::catcher::{Act, Mail, Moment, Script};
use masthead::newsletter::Slug;
use masthead::store::{ImportRow, Store};
use masthead::subscriber::EmailAddress;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) use browser::{Browser, Scheme};
use program::PROGRAM;
pub(crate) use program::{Ledger, Run, Running};
use relay::Relay;
pub(crate) use relay::{Gate, decoded, link};
use server::{Port, Seat, Server, create_database};
pub(crate) use web::Answer;

/// How long something may take that must happen; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A publisher's desk: a folder with masthead.toml, a database of its own, a relay that plays a script.
pub(crate) struct App {
    pub(crate) folder: TempDir,
    pub(crate) database_url: String,
    /// What the program gets in its environment.
    settings: Mutex<HashMap<String, String>>,
    relay_port: Port,
    web_port: Port,
    script: Arc<RwLock<Script>>,
    relay: Mutex<Option<Relay>>,
    /// What relays before this one have taken.
    caught: Mutex<Vec<Arc<Mail>>>,
    store: OnceLock<Store>,
    session: tokio::sync::Mutex<PgConnection>,
    runtime: Runtime,
    _seat: Seat,
}

impl App {
    /// A newsletter `garden` without readers, and a relay that takes everything.
    pub(crate) fn start() -> Self {
        let seat = Seat::take();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (database_url, session) = runtime.block_on(async {
            let url = create_database().await;
            let session = PgConnection::connect(&url).await.unwrap();
            (url, session)
        });
        let app = Self {
            folder: TempDir::new_in(&Server::get().folder).unwrap(),
            database_url,
            session: session.into(),
            settings: Mutex::default(),
            relay_port: Port::reserve(&runtime),
            web_port: Port::reserve(&runtime),
            script: Arc::new(RwLock::new(Arc::new(|_: &Moment<'_>| Act::CarryOn))),
            relay: Mutex::default(),
            caught: Mutex::default(),
            store: OnceLock::new(),
            runtime,
            _seat: seat,
        };
        app.set("DATABASE_URL", &app.database_url);
        app.set("SMTP_URL", &format!("smtp://{}", app.relay_port.address));
        app.set("MASTHEAD_SMTP__CONNECTIONS", "2");
        app.set("MASTHEAD_SEND__WAIT", "20s");
        app.relay_up();
        let init = ["init", "--yes", "--slug", "garden", "--name", "Garden Letters", "--from", "ann@example.org"];
        let base_url = app.base_url();
        let rest = ["--postal-address", "1 Orchard Road\n12345 Example City", "--base-url", &base_url];
        app.masthead(&[&init[..], &rest].concat()).exits(0);
        app
    }

    /// Sets a variable in the environment of the program.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.settings.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// Takes a variable out of the environment of the program.
    pub(crate) fn unset(&self, name: &str) {
        self.settings.lock().unwrap().remove(name);
    }

    /// The program with `arguments`, in the folder, with nothing in its environment but what was set.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_clear().envs(&*self.settings.lock().unwrap());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn masthead(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Starts the program, to be met later.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Starts the program as a terminal does; these tests themselves may run where hang-ups are ignored.
    pub(crate) fn spawn_on_terminal(&self, arguments: &[&str]) -> Running {
        let program = self.command(arguments);
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP").arg(program.get_program()).args(program.get_args());
        command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(program.get_current_dir().unwrap());
        Running::start(command)
    }

    /// Sends an issue to its end.
    pub(crate) fn send(&self, file: &str) -> Run {
        self.masthead(&["send", file, "--yes", "--json"])
    }

    /// Writes issue `number` into the folder; returns the name of the file.
    pub(crate) fn issue(&self, number: u32) -> String {
        self.issue_with(number, "Leave the seed heads standing: finches live on them until March.")
    }

    /// Writes issue `number` with an intro of its own.
    pub(crate) fn issue_with(&self, number: u32, intro: &str) -> String {
        let name = format!("{number}.md");
        let text = format!(
            "# Garden Letters #{number}: Roots and shoots\n\n{intro}\n\n## Reading\n\n\
             1. [How a hedge is laid](https://hedges.example/laying)\n\nWith pictures of every cut.\n"
        );
        self.write(&name, &text);
        name
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Writes more behind a file of the folder.
    pub(crate) fn append(&self, name: &str, text: &str) {
        let before = fs::read_to_string(self.folder.path().join(name)).unwrap();
        self.write(name, &format!("{before}\n{text}"));
    }

    /// `count` active readers, `reader-0@example.com` and so on; the order of their ids.
    pub(crate) fn subscribe_many(&self, count: usize) -> Vec<String> {
        let addresses: Vec<_> = (0..count).map(|number| format!("reader-{number}@example.com")).collect();
        self.subscribe(&addresses);
        addresses
    }

    /// Makes active readers.
    pub(crate) fn subscribe(&self, addresses: &[impl AsRef<str>]) {
        let address = |text: &str| EmailAddress::parse(text).unwrap();
        let row = |text| ImportRow { address: address(text), name: None, unsubscribed: false };
        let rows: Vec<_> = addresses.iter().map(|text| row(text.as_ref())).collect();
        self.block_on(self.store().import(self.newsletter_id(), &rows, "imported", "the old list")).unwrap();
    }

    /// The ledger of an issue, as `masthead status` has it.
    pub(crate) fn ledger(&self, number: u32) -> Ledger {
        Ledger(self.masthead(&["status", &number.to_string(), "--json"]).json())
    }

    /// The ledger without looking for workers that are gone.
    pub(crate) fn count(&self, state: &str) -> u64 {
        let sql = format!(
            "select count(*)::text from ledger l where state = '{state}' and not exists (
                select from ledger m where m.issue_id = l.issue_id and m.subscriber_id = l.subscriber_id and m.step > l.step)"
        );
        self.query(&sql).parse().unwrap()
    }

    // The store.

    pub(crate) fn store(&self) -> &Store {
        self.store.get_or_init(|| self.block_on(Store::open(&self.database_url)).unwrap())
    }

    pub(crate) fn newsletter_id(&self) -> i32 {
        self.block_on(self.store().newsletter_id(&Slug::parse("garden").unwrap())).unwrap()
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The answer to a statement, a line per row, the columns joined by `|`; every column is text.
    pub(crate) fn query(&self, sql: &str) -> String {
        self.block_on(async {
            let mut session = self.session.lock().await;
            let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *session).await.unwrap();
            let cell = |row: &sqlx::postgres::PgRow, at| row.get::<Option<String>, _>(at).unwrap_or_default();
            let line = |row| (0..sqlx::Row::len(row)).map(|at| cell(row, at)).collect::<Vec<_>>().join("|");
            rows.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }

    /// Every row of every table.
    pub(crate) fn dump(&self) -> String {
        let tables = self.query("select table_name::text from information_schema.tables where table_schema = 'public'");
        let rows = |table: &str| format!("select '{table}: ' || t::text as line from \"{table}\" t");
        let all: Vec<_> = tables.lines().map(rows).collect();
        self.query(&format!("{} order by line", all.join(" union all ")))
    }

    /// A database of its own, empty.
    pub(crate) fn another_database(&self) -> String {
        self.block_on(create_database())
    }

    /// The database hangs up on everybody, and takes nobody in.
    pub(crate) fn database_down(&self) {
        let pid = self.query("select pg_backend_pid()::text");
        let name = self.query("select current_database()::text");
        self.block_on(async {
            server::run(&format!("alter database {name} allow_connections false")).await;
            let others = format!("datname = '{name}' and pid <> {pid}");
            server::run(&format!("select pg_terminate_backend(pid) from pg_stat_activity where {others}")).await;
        });
    }

    pub(crate) fn database_up(&self) {
        let name = self.query("select current_database()::text");
        self.block_on(server::run(&format!("alter database {name} allow_connections true")));
    }

    /// What `masthead subscribers show` knows of a reader.
    pub(crate) fn profile(&self, address: &str) -> Value {
        self.masthead(&["subscribers", "show", address, "--json"]).json()
    }

    /// Where a reader's subscription stands; nothing for somebody unknown.
    pub(crate) fn state_of(&self, address: &str) -> String {
        self.query(&format!(
            "select state from subscription s join subscriber p on p.id = s.subscriber_id where p.email = '{address}'"
        ))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.check();
        }
        if let Some(store) = self.store.get() {
            self.block_on(store.close());
        }
    }
}

/// Waits for what nothing announces.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The path of a file below the manifest.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
