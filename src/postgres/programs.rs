//! The installed server programs: where they are, and running them as the cluster's user.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::cluster::{Cluster, User};
use super::{PostgresError, refused};

/// The installed server programs of one version.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) folder: PathBuf,
    user: Option<User>,
}

impl Programs {
    /// Finds those that fit the cluster; for a new one, those in the path, or else the newest.
    pub(super) fn find(cluster: &Cluster) -> Result<Self, PostgresError> {
        let made_by = cluster.made_by()?;
        let named = env::var_os("MASTHEAD_POSTGRES_BIN").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let folders = match &named {
            Some(folder) => vec![folder.clone()],
            None => installed_folders(),
        };
        let programs = folders.into_iter().map(|folder| Self { folder, user: cluster.user });
        let versions: Vec<_> = programs.filter_map(|programs| Some((programs.major()?, programs))).collect();
        if versions.is_empty() {
            return Err(named.map_or(PostgresError::NotInstalled, PostgresError::WrongFolder));
        }
        let installed = versions.iter().map(|(major, _)| *major).collect::<BTreeSet<_>>();
        match made_by {
            None => versions.into_iter().next().map(|(_, programs)| programs).ok_or(PostgresError::NotInstalled),
            Some(made_by) => {
                let fitting = versions.into_iter().find(|(major, _)| *major == made_by);
                fitting.map(|(_, programs)| programs).ok_or_else(|| PostgresError::OtherVersion {
                    data: cluster.data(),
                    made_by,
                    installed: installed.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
                })
            }
        }
    }

    /// Makes an empty cluster in the empty folder `data`, with a superuser `postgres`.
    ///
    /// Only the socket's folder keeps others out (`trust`). Texts sort by code point, the same on every machine.
    pub(super) fn initdb(&self, data: &Path) -> Result<(), PostgresError> {
        let mut command = self.command("initdb");
        command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums"]);
        command.arg("--pgdata").arg(data);
        run("initdb", &mut command, "")
    }

    /// Runs SQL, a statement per line, in a cluster whose server does not run.
    pub(super) fn single_user(&self, data: &Path, sql: &str) -> Result<(), PostgresError> {
        let mut command = self.command("postgres");
        command.args(["--single", "-c", "exit_on_error=on", "-D"]).arg(data).arg("postgres");
        run("postgres", &mut command, sql)
    }

    /// Runs pg_ctl in the cluster's folder, so that its arguments need no quoting: a shell reads them again.
    pub(super) fn pg_ctl(&self, cluster: &Cluster, arguments: &[&str]) -> Result<(), PostgresError> {
        let mut command = self.command("pg_ctl");
        command.args(arguments).args(["--pgdata", "data", "--wait"]).current_dir(&cluster.folder);
        run("pg_ctl", &mut command, "")
    }

    /// The major version, if all that we need runs from this folder.
    fn major(&self) -> Option<u32> {
        if !["initdb", "pg_ctl"].iter().all(|program| self.folder.join(program).is_file()) {
            return None;
        }
        // As the user who will run it: root's PATH may lead to where others cannot go.
        let output = self.command("postgres").arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let version = text.strip_prefix("postgres (PostgreSQL) ")?;
        version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    /// A program with nothing of our environment, which may hold secrets, or `PG…` variables for another server.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir("/");
        if let Some(user) = self.user {
            // Drops the groups, too.
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}

/// Runs a program to its end with `input`; what it says goes into the error.
fn run(program: &'static str, command: &mut Command, input: &str) -> Result<(), PostgresError> {
    let path = PathBuf::from(command.get_program());
    let output = feed(command, input).map_err(refused("run", &path))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let output_text = String::from_utf8_lossy(&said).trim().to_owned();
    Err(PostgresError::Program { program, status: output.status, output: output_text })
}

fn feed(command: &mut Command, input: &str) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read to the end says itself why.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

/// The folders that may have server programs: those in the path, then the usual places, newest first.
fn installed_folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Through links: what lies beside the link may be incomplete.
    let in_path = env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .filter_map(|folder| Some(folder.join("postgres").canonicalize().ok()?.parent()?.to_owned()));
    let mut folders: Vec<_> = in_path.collect();
    let mut elsewhere = vec![];
    for (parent, prefix, rest) in [
        ("/usr/lib/postgresql", "", "bin"),         // Debian, Ubuntu
        ("/usr", "pgsql-", "bin"),                  // the project's own rpm packages
        ("/opt/homebrew/opt", "postgresql", "bin"), // Homebrew
        ("/usr/local/opt", "postgresql", "bin"),    // Homebrew on Intel
        ("/usr/local", "pgsql", "bin"),             // built from source
    ] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if let Some(version) = entry.file_name().to_str().and_then(|name| name.strip_prefix(prefix)) {
                let digits: String = version.chars().filter(char::is_ascii_digit).collect();
                elsewhere.push((digits.parse().unwrap_or(0_u64), entry.path().join(rest)));
            }
        }
    }
    elsewhere.sort();
    folders.extend(elsewhere.into_iter().rev().map(|(_, folder)| folder));
    folders
}
