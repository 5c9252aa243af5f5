//! The private Postgres, as the user who runs the tests and, when that is root, as an ordinary user too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use masthead::postgres::PrivatePostgres;
use rustix::process::{Pid, Signal, getsid, kill_process};
use sqlx::{Connection, PgConnection, Row};
use tempfile::TempDir;

#[test]
fn the_first_start_makes_a_durable_cluster_without_a_network() {
    for desk in Desk::all() {
        let settings = [
            ("current_user", "masthead"),
            ("current_database()", "masthead"),
            ("current_setting('is_superuser')", "off"),
            ("current_setting('server_encoding')", "UTF8"),
            ("current_setting('TimeZone')", "UTC"),
            ("current_setting('fsync')", "on"),
            ("current_setting('data_checksums')", "on"),
            ("current_setting('listen_addresses')", ""),
        ];
        for (setting, value) in settings {
            assert_eq!(desk.query(&format!("select {setting}")), value, "{setting}");
        }
    }
}

#[test]
fn two_at_once_start_from_nothing() {
    for desk in Desk::all() {
        let running: Vec<_> = (0..4)
            .map(|_| desk.program(&["psql", "-Atc", "select 1"]).stdout(Stdio::piped()).spawn().unwrap())
            .collect();
        for child in running {
            let output = child.wait_with_output().unwrap();
            assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"1\n".as_slice()));
        }
        assert_eq!(desk.server(), None);
    }
}

#[test]
fn the_last_to_leave_stops_the_server() {
    for desk in Desk::all() {
        let mut first = desk.session();
        let server = desk.server().unwrap();
        let mut second = desk.session();
        assert_eq!(desk.server(), Some(server));
        assert_eq!(first.ask("select 1"), "1");
        first.leave();
        assert_eq!(second.ask("select 2"), "2");
        assert_eq!(desk.server(), Some(server));
        second.leave();
        assert_eq!(desk.server(), None);
    }
}

#[test]
fn the_next_program_adopts_the_server_of_a_killed_one() {
    for desk in Desk::all() {
        let mut session = desk.session();
        session.ask("create table kept (); select 1");
        let server = desk.server().unwrap();
        session.kill();
        assert_eq!(desk.server(), Some(server));
        let mut next = desk.session();
        assert_eq!(desk.server(), Some(server));
        assert_eq!(next.ask("select count(*) from kept"), "0");
        next.leave();
        assert_eq!(desk.server(), None);
    }
}

#[test]
fn a_killed_server_recovers_what_was_committed() {
    for desk in Desk::all() {
        let mut session = desk.session();
        session.ask("create table kept as select 104 as number; select 1");
        kill_process(desk.server().unwrap(), Signal::KILL).unwrap();
        assert_eq!(desk.query("select number from kept"), "104");
    }
}

#[test]
fn who_uses_a_killed_server_starts_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(folder.path()).unwrap();
    let pid_file = fs::canonicalize(postgres.socket_folder().join("../data/postmaster.pid")).unwrap();
    let pid = |text: String| text.lines().next().unwrap().parse().ok().and_then(Pid::from_raw).unwrap();
    let killed = pid(fs::read_to_string(&pid_file).unwrap());
    kill_process(killed, Signal::KILL).unwrap();
    wait_until("the server is gone", || {
        postgres.keep().is_ok() && pid(fs::read_to_string(&pid_file).unwrap()) != killed
    });
    postgres.remove().unwrap();
}

#[test]
fn a_server_that_does_not_answer_is_told_soon_and_left_alone() {
    let desk = Desk::own();
    let mut session = desk.session();
    let server = desk.server().unwrap();
    kill_process(server, Signal::STOP).unwrap();
    let since = Instant::now();
    let refusal = desk.refusal(&["true"]);
    let took = since.elapsed();
    kill_process(server, Signal::CONT).unwrap();
    assert!(refusal.contains(&format!("(process {}) has not answered for 1", server.as_raw_nonzero())), "{refusal}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(session.ask("select 1"), "1");
    assert_eq!(desk.server(), Some(server));
    session.leave();
}

#[test]
fn a_program_killed_while_it_makes_the_cluster_leaves_nothing_broken() {
    for desk in Desk::all() {
        let mut child = desk.program(&["true"]).spawn().unwrap();
        wait_until("a cluster is being made", || {
            desk.cluster().is_some_and(|cluster| {
                fs::read_dir(cluster).unwrap().flatten().any(|entry| entry.path().join("PG_VERSION").exists())
            })
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(desk.query("select 1"), "1");
    }
}

#[test]
fn stale_files_that_name_a_living_process_are_no_obstacle() {
    for desk in Desk::all() {
        desk.query("select 1");
        // After a reboot, another process of the same user may have the old server's number.
        let cluster = desk.cluster().unwrap();
        let owner = fs::metadata(cluster.join("data")).unwrap();
        let mut other = Command::new("cat");
        if rustix::process::geteuid().is_root() {
            other.uid(owner.uid()).gid(owner.gid());
        }
        let mut other = other.stdin(Stdio::piped()).spawn().unwrap();
        let socket = cluster.join("socket/.s.PGSQL.5432");
        for stale in [cluster.join("data/postmaster.pid"), socket.with_added_extension("lock"), socket] {
            fs::write(&stale, format!("{}\n{}\n", other.id(), cluster.join("data").display())).unwrap();
        }
        assert_eq!(desk.query("select 1"), "1");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

#[test]
fn a_long_and_quoted_path_gets_a_short_socket() {
    for mut desk in Desk::all() {
        desk.data = desk.data.join(r#"it's a "$(false)" weekly, 第1期"#).join("x".repeat(150)).join(".masthead");
        assert_eq!(desk.query("select 1"), "1");
        let session = desk.session();
        let folder = desk.socket_folder();
        assert!(folder.join(".s.PGSQL.5432").as_os_str().len() <= 107);
        session.leave();
        fs::remove_dir_all(folder).unwrap_or_default();
    }
}

#[test]
fn nobody_else_reaches_the_socket() {
    for desk in Desk::all() {
        let session = desk.session();
        let folder = desk.socket_folder();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o700);
        if rustix::process::geteuid().is_root() {
            let mut stranger = Command::new("psql");
            stranger.args(["-h"]).arg(&folder).args(["-U", "masthead", "-c", "select 1"]).current_dir("/");
            let output = stranger.uid(4242).gid(4242).output().unwrap();
            assert_ne!(output.status.code(), Some(0));
            assert!(text(&output.stderr).contains("Permission denied"), "{}", text(&output.stderr));
        }
        session.leave();
    }
}

#[test]
fn no_key_of_the_terminal_reaches_the_server() {
    for desk in Desk::all() {
        let session = desk.session();
        let server = desk.server().unwrap();
        assert_eq!(getsid(Some(server)).unwrap(), server);
        session.leave();
    }
}

#[test]
fn a_cluster_of_another_version_is_left_alone_and_says_how_to_go_on() {
    for desk in Desk::all() {
        desk.query("select 1");
        let version = desk.cluster().unwrap().join("data/PG_VERSION");
        fs::write(&version, "9\n").unwrap();
        let message = desk.refusal(&["true"]);
        assert!(message.contains("was made by Postgres 9"), "{message}");
        assert!(message.contains("apt install postgresql-9"), "{message}");
        assert!(message.contains("pg_dump"), "{message}");
        assert_eq!(desk.server(), None);
    }
}

#[test]
fn a_pointer_that_leads_nowhere_names_both_ends() {
    for desk in Desk::all().into_iter().filter(|desk| desk.user.is_none() && rustix::process::geteuid().is_root()) {
        desk.query("select 1");
        let cluster = desk.cluster().unwrap();
        let away = cluster.with_added_extension("away");
        fs::rename(&cluster, &away).unwrap();
        let message = desk.refusal(&["true"]);
        assert!(message.contains(&*cluster.to_string_lossy()), "{message}");
        assert!(message.contains("postgres/location"), "{message}");
        fs::rename(&away, &cluster).unwrap();
        assert_eq!(desk.query("select 1"), "1");
    }
}

#[test]
fn a_copied_data_folder_does_not_get_the_originals_cluster() {
    for desk in Desk::all().into_iter().filter(|desk| desk.user.is_none() && rustix::process::geteuid().is_root()) {
        let mut session = desk.session();
        let copy = tempfile::tempdir().unwrap();
        let data = desk.cluster().unwrap();
        let original = fs::read_to_string(data.join("made-for")).unwrap();
        let home = copy.path().join("postgres");
        fs::create_dir(&home).unwrap();
        fs::copy(PathBuf::from(original.trim_end()).join("location"), home.join("location")).unwrap();
        let error = PrivatePostgres::start(copy.path()).unwrap_err().to_string();
        assert!(error.contains("is a copy of") && error.contains("pg_dump"), "{error}");
        assert_eq!(session.ask("select 1"), "1");
        session.leave();
    }
}

#[test]
fn another_users_cluster_is_not_touched() {
    for mut desk in Desk::all().into_iter().filter(|desk| desk.user.is_some()) {
        desk.query("select 1");
        desk.user = None;
        let message = desk.refusal(&["true"]);
        assert!(message.contains("belongs to user id 65534"), "{message}");
    }
}

#[test]
fn an_unfit_folder_of_programs_is_named() {
    for desk in Desk::all() {
        let output = desk.program(&["true"]).env("MASTHEAD_POSTGRES_BIN", "/nowhere").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("MASTHEAD_POSTGRES_BIN is `/nowhere`"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_command_ends_with_its_own_exit_code() {
    for desk in Desk::all() {
        assert_eq!(desk.program(&["sh", "-c", "exit 7"]).status().unwrap().code(), Some(7));
        assert_eq!(desk.program(&["sh", "-c", "kill -9 $$"]).status().unwrap().code(), Some(137));
        assert_eq!(desk.server(), None);
    }
}

#[test]
fn a_terminated_program_takes_its_command_and_the_server_along() {
    for desk in Desk::all() {
        let mut session = desk.session();
        kill_process(Pid::from_child(&session.child), Signal::TERM).unwrap();
        assert_eq!(session.child.wait().unwrap().code(), Some(128 + 15));
        assert_eq!(desk.server(), None);
    }
}

#[test]
fn a_preview_that_is_interrupted_or_terminated_takes_the_server_along() {
    let desk = Desk::own();
    desk.query("select 1");
    let folder = desk.data.parent().unwrap();
    let masthead = |words: &[&str]| {
        let mut program = Command::new(&desk.program);
        program.env_clear().env("PATH", "/usr/bin:/bin").current_dir(folder).args(words).stdout(Stdio::piped());
        program
    };
    let init = ["init", "--yes", "--slug", "garden", "--name", "Garden Letters", "--from", "ann@example.org"];
    let rest = ["--postal-address", "1 Orchard Road", "--base-url", "https://garden.example"];
    assert!(masthead(&[&init[..], &rest].concat()).status().unwrap().success());
    fs::write(folder.join("7.md"), "# Garden Letters #7: Roots\n\nHello.\n").unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let mut preview = masthead(&["preview", "7.md"]).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(preview.stdout.take().unwrap()).read_line(&mut url).unwrap();
        wait_until("the preview has opened its store", || desk.server().is_some());
        kill_process(Pid::from_child(&preview), signal).unwrap();
        assert_eq!(preview.wait().unwrap().code(), Some(0));
        assert_eq!(desk.server(), None);
    }
}

#[test]
fn a_dump_loads_into_a_new_cluster() {
    for desk in Desk::all() {
        desk.query("create table kept as select 104 as number");
        let dump = desk.data.join("weekly.dump");
        let dump = dump.to_str().unwrap();
        assert_eq!(desk.program(&["pg_dump", "-Fc", "-f", dump]).status().unwrap().code(), Some(0));
        desk.query("drop table kept");
        assert_eq!(desk.program(&["pg_restore", "-d", "masthead", dump]).status().unwrap().code(), Some(0));
        assert_eq!(desk.query("select number from kept"), "104");
    }
}

#[tokio::test]
async fn sqlx_connects_with_the_url() {
    let folder = TempDir::new().unwrap();
    let postgres = PrivatePostgres::start(folder.path()).unwrap();
    let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
    let row = sqlx::query("select current_user::text").fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<String, _>(0), "masthead");
    connection.close().await.unwrap();
    postgres.remove().unwrap();
}

#[test]
fn a_removed_cluster_leaves_nothing_and_the_next_begins_afresh() {
    let desk = Desk::own();
    desk.query("create table gone ()");
    let cluster = desk.cluster().unwrap();
    PrivatePostgres::start(&desk.data).unwrap().remove().unwrap();
    assert!(!cluster.exists());
    assert_eq!(desk.query("select count(*) from pg_tables where tablename = 'gone'"), "0");
}

/// Somebody with a data folder of their own.
struct Desk {
    data: PathBuf,
    program: PathBuf,
    /// Who it is, if not the user of the tests.
    user: Option<u32>,
    folder: TempDir,
}

impl Desk {
    /// The user of the tests and, when that is root, an ordinary user.
    fn all() -> Vec<Self> {
        let ordinary = rustix::process::geteuid().is_root().then(|| {
            let mut desk = Self::own();
            let folder = desk.folder.path();
            // The build's folder may be root's alone.
            let program = folder.join("masthead");
            fs::copy(&desk.program, &program).unwrap();
            fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
            fs::set_permissions(folder, Permissions::from_mode(0o711)).unwrap();
            let home = folder.join("home");
            fs::create_dir(&home).unwrap();
            chown(&home, Some(65534), Some(65534)).unwrap();
            (desk.program, desk.user, desk.data) = (program, Some(65534), home.join(".masthead"));
            desk
        });
        [Self::own()].into_iter().chain(ordinary).collect()
    }

    /// The user of the tests, in a folder that is theirs alone.
    fn own() -> Self {
        let folder = TempDir::new().unwrap();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_masthead"));
        Self { data: folder.path().join("weekly").join(".masthead"), program, user: None, folder }
    }

    /// `masthead postgres COMMAND` without anything in the environment; the server programs are not in its path.
    fn program(&self, command: &[&str]) -> Command {
        let mut program = Command::new(&self.program);
        program.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
        program.arg("postgres").arg("--data").arg(&self.data).args(command);
        if let Some(user) = self.user {
            program.uid(user).gid(user);
        }
        program
    }

    /// The answer to one statement, from a server that may be started for it.
    fn query(&self, sql: &str) -> String {
        let output = self.program(&["psql", "-qAtc", sql]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim_end().to_owned()
    }

    /// What the program says when it refuses to start.
    fn refusal(&self, command: &[&str]) -> String {
        let Output { status, stderr, .. } = self.program(command).output().unwrap();
        assert_eq!(status.code(), Some(2), "{}", text(&stderr));
        text(&stderr)
    }

    /// A program that stays, with psql in it.
    fn session(&self) -> Session {
        let mut program = self.program(&["psql", "-qAtv", "ON_ERROR_STOP=1"]);
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut session = Session { child, questions, answers };
        assert_eq!(session.ask("select 'ready'"), "ready");
        session
    }

    fn cluster(&self) -> Option<PathBuf> {
        let home = self.data.join("postgres");
        match fs::read_to_string(home.join("location")) {
            Ok(path) => Some(PathBuf::from(path.trim_end())),
            Err(_) => Some(home.join("cluster")).filter(|cluster| cluster.exists()),
        }
    }

    /// The main process of the running server.
    fn server(&self) -> Option<Pid> {
        Pid::from_raw(self.pid_file()?.lines().next()?.trim().parse().ok()?)
    }

    /// The only door of the running server.
    fn socket_folder(&self) -> PathBuf {
        PathBuf::from(self.pid_file().unwrap().lines().nth(4).unwrap())
    }

    fn pid_file(&self) -> Option<String> {
        fs::read_to_string(self.cluster()?.join("data/postmaster.pid")).ok()
    }
}

impl Drop for Desk {
    /// Ends the server, if a test left one, and removes what is outside of the folder.
    fn drop(&mut self) {
        if thread::panicking() {
            return; // what is there may help to see why
        }
        let Some(cluster) = self.cluster() else { return };
        if let Some(server) = self.server() {
            let _ = kill_process(server, Signal::QUIT);
        }
        if cluster.starts_with("/var/lib/masthead") {
            let _ = fs::remove_dir_all(cluster);
        }
    }
}

/// A running `masthead postgres psql`.
struct Session {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Session {
    fn ask(&mut self, sql: &str) -> String {
        writeln!(self.questions, "{sql};").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// As with Ctrl-D.
    fn leave(mut self) {
        drop(self.questions);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    /// As with kill -9; psql itself ends when its input does.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
