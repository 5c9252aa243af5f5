//! The machine under a measurement, and what its processes have used of it.

use std::fs;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::process::Pid;
use rustix::system::uname;
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::Serialize;

use crate::postgres::PORT;

/// What a figure is worth nothing without.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    cpu: String,
    cores: usize,
    memory_bytes: u64,
    kernel: String,
    /// How the program was built.
    build: &'static str,
    version: &'static str,
    /// The server's version, where one took part.
    pub(super) postgres: Option<String>,
}

impl Machine {
    /// Looks at this machine.
    pub(super) fn look() -> Self {
        let (cpuinfo, meminfo) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
        let kernel = uname();
        let kilobytes = field(&meminfo, "MemTotal").and_then(|value| value.strip_suffix(" kB")?.parse::<u64>().ok());
        Self {
            cpu: field(&cpuinfo, "model name").unwrap_or(std::env::consts::ARCH).to_owned(),
            cores: available_parallelism().map_or(1, usize::from),
            memory_bytes: 1024 * kilobytes.unwrap_or_default(),
            kernel: format!("{} {}", kernel.sysname().to_string_lossy(), kernel.release().to_string_lossy()),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            version: env!("CARGO_PKG_VERSION"),
            postgres: None,
        }
    }

    /// All of it in one line.
    pub(super) fn line(&self) -> String {
        let postgres = self.postgres.as_ref().map_or(String::new(), |version| format!(", Postgres {version}"));
        format!(
            "{}, {} cores, {:.1} GB, {}{postgres}, masthead {} ({} build)",
            self.cpu,
            self.cores,
            self.memory_bytes as f64 / 1e9,
            self.kernel,
            self.version,
            self.build
        )
    }

    /// Whether the optimiser has seen the program.
    pub(super) fn is_optimised(&self) -> bool {
        self.build == "release"
    }
}

/// The CPU time of this process, all threads.
pub(super) fn own_cpu() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// The CPU time of this thread.
pub(super) fn thread_cpu() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

fn duration(spent: Timespec) -> Duration {
    Duration::new(spent.tv_sec.try_into().unwrap_or_default(), spent.tv_nsec.try_into().unwrap_or_default())
}

/// The most memory that this process had resident at a time, in bytes, where the system tells.
pub(super) fn own_peak_memory() -> Option<u64> {
    let kilobytes: u64 = field(&read("/proc/self/status"), "VmHWM")?.strip_suffix(" kB")?.parse().ok()?;
    Some(1024 * kilobytes)
}

/// The CPU time of a process of one thread, where the system tells.
pub(super) fn cpu_of(pid: Pid) -> Option<Duration> {
    let spent = read(&format!("/proc/{}/schedstat", pid.as_raw_nonzero()));
    Some(Duration::from_nanos(spent.split_ascii_whitespace().next()?.parse().ok()?))
}

/// The CPU time of a server that has a process for each client: its own, that of those that live, and of those that
/// have ended.
pub(super) fn cpu_of_server(pid: Pid) -> Option<Duration> {
    let stat = read(&format!("/proc/{}/stat", pid.as_raw_nonzero()));
    // Behind the name, which may hold anything: cutime and cstime are fields 16 and 17 (proc(5)).
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at - 3).and_then(|ticks| ticks.parse::<u64>().ok());
    let ended = Duration::from_secs_f64((ticks(16)? + ticks(17)?) as f64 / clock_ticks_per_second() as f64);
    Some(ended + cpu_of(pid)? + children(pid).into_iter().filter_map(cpu_of).sum::<Duration>())
}

/// The main process of the Postgres with this folder for its socket.
pub(in crate::cli) fn postmaster(socket_folder: &Path) -> Option<Pid> {
    let lock = socket_folder.join(format!(".s.PGSQL.{PORT}.lock"));
    Pid::from_raw(fs::read_to_string(lock).ok()?.lines().next()?.trim().parse().ok()?)
}

/// The processes that a process has started, where the system tells.
pub(in crate::cli) fn children(pid: Pid) -> Vec<Pid> {
    let pid = pid.as_raw_nonzero();
    let list = read(&format!("/proc/{pid}/task/{pid}/children"));
    list.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// A file of /proc; empty where there is none.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The value behind `name:`, the first of several.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(this, _)| this.trim() == name).map(|(_, value)| value.trim())
}
