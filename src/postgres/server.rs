//! The running server: its socket, whether it answers, starting and stopping.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::cluster::{Cluster, short_hex};
use super::home::make_private;
use super::programs::Programs;
use super::{NAME, PORT, PostgresError, refused};

/// How long a start may take, recovery from a crash included.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a server may let everybody wait: a busy one says that it is.
const SILENCE: Duration = Duration::from_secs(10);

/// The longest path of a socket: `sun_path` has 108 bytes, one of them for the end (104 on macOS).
const LONGEST_SOCKET: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The server of a cluster, running or not.
#[derive(Debug)]
pub(super) struct Server {
    cluster: Cluster,
    programs: Programs,
    socket_folder: PathBuf,
}

/// What a server says to a new connection.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It works.
    Ready,
    /// It starts up, recovers, or shuts down.
    Busy,
    /// Something listens and says nothing.
    Silent,
    /// Nothing listens.
    None,
}

impl Server {
    /// Readies the folder of the socket.
    pub(super) fn new(cluster: Cluster, programs: Programs) -> Result<Self, PostgresError> {
        let socket_folder = socket_folder(&cluster)?;
        Ok(Self { cluster, programs, socket_folder })
    }

    pub(super) fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    pub(super) fn programs_folder(&self) -> &Path {
        &self.programs.folder
    }

    /// Whether another start could mend nothing: it works, or is there and silent.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.ask(), Answer::Ready | Answer::Silent)
    }

    /// Starts the server unless it runs, and waits until it answers.
    pub(super) fn ensure_ready(&self) -> Result<(), PostgresError> {
        let deadline = Instant::now() + PATIENCE;
        let mut started = None;
        let mut heard = Instant::now();
        loop {
            match self.ask() {
                Answer::Ready => return Ok(()),
                Answer::Silent => {}
                Answer::Busy | Answer::None => heard = Instant::now(),
            }
            match (self.postmaster(), &started) {
                (Some(pid), _) if heard.elapsed() >= SILENCE => {
                    let silent = heard.elapsed().as_secs();
                    let problem = format!("(process {}) has not answered for {silent} s", pid.as_raw_nonzero());
                    return Err(self.not_ready(problem));
                }
                // One that another process started or stops, perhaps a process that was killed.
                (Some(pid), _) if Instant::now() > deadline => {
                    return Err(self.not_ready(format!("(process {}) does not answer", pid.as_raw_nonzero())));
                }
                (Some(_), _) => thread::sleep(Duration::from_millis(20)),
                (None, None) if self.has_orphans() && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(20));
                }
                (None, None) => started = Some(self.start()),
                (None, Some(Ok(()))) => return Err(self.not_ready("stopped again".to_owned())),
                (None, Some(Err(error))) => return Err(self.not_ready(format!("did not start: {error}"))),
            }
        }
    }

    /// Stops the server, if it runs: connections are closed, nothing that was committed is lost.
    pub(super) fn stop(&self) -> Result<(), PostgresError> {
        if self.postmaster().is_none() {
            self.remove_short_folder();
            return Ok(());
        }
        let stopped = self.programs.pg_ctl(&self.cluster, &["stop", "--mode=fast", &patience()]);
        // It may have gone by itself in between.
        if self.postmaster().is_some() {
            return stopped;
        }
        self.remove_short_folder();
        Ok(())
    }

    /// Leaves nothing in /tmp when the socket's folder is there; it is made again with the next start.
    fn remove_short_folder(&self) {
        if !self.socket_folder.starts_with(&self.cluster.folder) {
            let _ = fs::remove_dir(&self.socket_folder);
        }
    }

    /// Removes the cluster with all its data. The server must be stopped.
    pub(super) fn remove(&self) -> Result<(), PostgresError> {
        for folder in [&self.socket_folder, &self.cluster.folder] {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused("remove", folder)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// pg_ctl makes the server a daemon with a session of its own: no Ctrl-C of a terminal reaches it.
    fn start(&self) -> Result<(), PostgresError> {
        self.remove_traces()?;
        self.cluster.open_log()?;
        let options = format!(
            "-c listen_addresses= -c port={PORT} -c unix_socket_permissions=0700 -c unix_socket_directories={}",
            self.socket_folder.display()
        );
        self.programs.pg_ctl(&self.cluster, &["start", "--log=log", "--options", &options, &patience()])
    }

    /// Whether backends of a server that was killed are still attached to its shared memory: they may write yet,
    /// and a second server on the same files would destroy them.
    fn has_orphans(&self) -> bool {
        let ids = fs::read_to_string(self.pid_file()).ok();
        let id = ids.as_deref().and_then(|file| file.lines().nth(6)?.split_whitespace().nth(1));
        let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        segments.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|fields| {
            // key shmid perms size cpid lpid nattch …
            fields.get(1).copied() == id && id.is_some() && fields.get(6).is_some_and(|attached| *attached != "0")
        })
    }

    /// Removes what a server that was killed left behind.
    ///
    /// Postgres would do it, except when after a reboot its old process id is another process of the same user.
    /// Where its orphans cannot be seen, the file stays: Postgres looks for them itself with its help.
    fn remove_traces(&self) -> Result<(), PostgresError> {
        if self.has_orphans() || !Path::new("/proc/sysvipc/shm").exists() {
            return Ok(());
        }
        let socket = socket(&self.socket_folder);
        let lock = socket.with_added_extension("lock");
        for trace in [self.pid_file(), socket, lock] {
            match fs::remove_file(&trace) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused("remove", &trace)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The server's main process, if it lives.
    fn postmaster(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
        is_postmaster(pid).then_some(pid)
    }

    fn pid_file(&self) -> PathBuf {
        self.cluster.data().join("postmaster.pid")
    }

    fn ask(&self) -> Answer {
        let Ok(stream) = UnixStream::connect(socket(&self.socket_folder)) else { return Answer::None };
        greet(stream).unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Answer::Silent,
            _ => Answer::Busy,
        })
    }

    fn not_ready(&self, problem: String) -> PostgresError {
        let log = self.cluster.log();
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let tail = lines.iter().skip(lines.len().saturating_sub(12)).map(|line| format!("  {line}\n")).collect();
        PostgresError::NotReady { problem, log, tail }
    }
}

/// Sends the startup message and reads the start of the reply (the frontend/backend protocol, 3.0).
fn greet(mut stream: UnixStream) -> io::Result<Answer> {
    stream.set_read_timeout(Some(ANSWER))?;
    let parameters = format!("user\0{NAME}\0database\0{NAME}\0\0");
    let length = u32::try_from(8 + parameters.len()).unwrap_or_default();
    stream.write_all(&[&length.to_be_bytes(), &[0, 3, 0, 0], parameters.as_bytes()].concat())?;
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let mut fields = vec![];
    if kind != b'E' {
        // A proper goodbye, which keeps the server's log clean.
        stream.write_all(b"X\0\0\0\x04")?;
        stream.read_to_end(&mut fields)?;
        return Ok(Answer::Ready);
    }
    stream.take(u32::from_be_bytes(length).saturating_sub(4).into()).read_to_end(&mut fields)?;
    // SQLSTATE cannot_connect_now; any other error comes from a server that works.
    let busy = fields.split(|byte| *byte == 0).any(|field| field == b"C57P03");
    Ok(if busy { Answer::Busy } else { Answer::Ready })
}

/// Whether this is a living postmaster: not a zombie, nor another process that got the number.
fn is_postmaster(pid: Pid) -> bool {
    match fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) {
        Ok(line) => {
            let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
            program == b"postgres" || program.ends_with(b"/postgres")
        }
        // Where there is no /proc, whoever has the number counts.
        Err(_) => !Path::new("/proc/self").exists() && rustix::process::test_kill_process(pid).is_ok(),
    }
}

/// The folder of the socket, made and closed to others: in the cluster's, or in /tmp when that path is too long.
fn socket_folder(cluster: &Cluster) -> Result<PathBuf, PostgresError> {
    let inside = cluster.folder.join("socket");
    let folder = if fits(&inside) { inside } else { short_folder(cluster) };
    if !folder.exists() {
        make_private(&folder)?;
        cluster.hand_over(&folder)?;
    }
    let owner = cluster.owner();
    let found = fs::symlink_metadata(&folder).map_err(refused("look at", &folder))?;
    if !found.is_dir() || found.uid() != owner || found.mode() & 0o077 != 0 {
        return Err(PostgresError::UnsafeSocketFolder { folder, owner });
    }
    Ok(folder)
}

/// Neither TMPDIR nor XDG_RUNTIME_DIR: all processes of a cluster must agree, also those that cron started.
fn short_folder(cluster: &Cluster) -> PathBuf {
    let path = cluster.folder.as_os_str().as_encoded_bytes();
    let digest = ring::digest::digest(&ring::digest::SHA256, path);
    Path::new("/tmp").join(format!("{NAME}-{}", short_hex(digest.as_ref())))
}

/// Short enough, and without what Postgres' list of folders or pg_ctl's shell would read as their own.
fn fits(folder: &Path) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    socket(folder).as_os_str().len() <= LONGEST_SOCKET && folder.as_os_str().as_encoded_bytes().iter().all(plain)
}

fn socket(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}

fn patience() -> String {
    format!("--timeout={}", PATIENCE.as_secs())
}
