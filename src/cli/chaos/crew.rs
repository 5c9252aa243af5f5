//! The crew: the senders of one issue, each a process of its own that is started again whenever it ends too early.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use super::dice::Dice;
use super::ground::Ground;
use super::mode::Mode;

/// How long before a sender is started again that ended with work left.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a worker that is asked to end may take when its issue is over.
const DRAIN: Duration = Duration::from_secs(60);

/// How long a process may take until it heeds SIGTERM.
const BIRTH: Duration = Duration::from_secs(5);

/// Which processes send an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Hands {
    /// `masthead send`.
    Sends,
    /// `masthead worker`, with the issue scheduled by `send --at`.
    Workers,
    /// One `send`, the others `worker`.
    Both,
}

impl Hands {
    pub(super) const ALL: [Self; 3] = [Self::Sends, Self::Workers, Self::Both];

    /// Those of issue number `at`, from 0: in nine issues everybody has sent in every mode.
    pub(super) fn of_issue(at: u64) -> Self {
        match (at + at / 3) % 3 {
            0 => Self::Sends,
            1 => Self::Workers,
            _ => Self::Both,
        }
    }

    /// Whether the sender at this place is a worker.
    fn is_worker(self, place: usize) -> bool {
        match self {
            Self::Sends => false,
            Self::Workers => true,
            Self::Both => place > 0,
        }
    }
}

impl fmt::Display for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sends => "by `send`",
            Self::Workers => "by `worker`, scheduled with `send --at`",
            Self::Both => "by `send` and `worker`",
        })
    }
}

/// All senders of an issue.
pub(super) struct Crew {
    file: String,
    mode: Mode,
    places: Vec<Place>,
    /// Killed processes: pid and when.
    pub(super) killed: Vec<(u32, SystemTime)>,
    /// How many senders were started.
    pub(super) started: u64,
    /// What was wrong with how they ended.
    pub(super) wrong: Vec<String>,
}

/// A place for a sender.
#[derive(Default)]
struct Place {
    child: Option<Child>,
    /// Whether it is a `worker`: one that ends when it is asked to.
    is_worker: bool,
    started_at: Option<Instant>,
    /// When it was asked to end, since the issue is over.
    asked_at: Option<Instant>,
    /// Reaches Postgres through the cable.
    on_cable: bool,
    stopped_until: Option<Instant>,
    start_at: Option<Instant>,
    done: bool,
}

impl Crew {
    /// Places for `size` senders; with `on_cable` the last one gets its Postgres through the cable.
    pub(super) fn new(file: String, mode: Mode, hands: Hands, size: usize, on_cable: bool) -> Self {
        let place = |at| Place { is_worker: hands.is_worker(at), ..Place::default() };
        let mut places: Vec<_> = (0..size).map(place).collect();
        if let Some(last) = places.last_mut() {
            last.on_cable = on_cable;
        }
        Self { file, mode, places, killed: Vec::new(), started: 0, wrong: Vec::new() }
    }

    /// Meets those who have ended, lets those go on whose time has come, and starts who is missing, unless `hold`.
    /// When the issue is `over`, workers are asked to end.
    pub(super) fn tend(&mut self, ground: &Ground, hold: bool, over: bool) -> anyhow::Result<()> {
        let now = Instant::now();
        for place in &mut self.places {
            if place.stopped_until.is_some_and(|until| until <= now) {
                place.stopped_until = None;
                place.signal(Signal::CONT);
            }
            if let Some(status) = place.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                place.child = None;
                self.wrong.extend(place.ended(status));
                place.start_at = Some(now + PAUSE);
            }
            if place.is_worker && over {
                self.wrong.extend(place.ask_to_end(now));
                continue;
            }
            let due = place.start_at.is_none_or(|at| at <= now);
            if place.child.is_none() && !place.done && due && !hold {
                let mut command = match place.is_worker {
                    true => ground.program(&["worker"])?,
                    false => ground.program(&["send", &self.file, "--yes"])?,
                };
                command.envs(self.mode.environment());
                if place.on_cable {
                    command.env("DATABASE_URL", ground.cable.url());
                }
                place.child = Some(command.spawn().context("cannot start a sender")?);
                place.started_at = Some(now);
                self.started += 1;
            }
        }
        Ok(())
    }

    /// Whether every sender has ended with nothing left to do.
    pub(super) fn is_done(&self) -> bool {
        self.places.iter().all(|place| place.done && place.child.is_none())
    }

    /// Whether no sender runs.
    pub(super) fn is_empty(&self) -> bool {
        self.places.iter().all(|place| place.child.is_none())
    }

    /// Kills a sender with -9; says whether there was one.
    pub(super) fn kill(&mut self, dice: &mut Dice) -> anyhow::Result<bool> {
        let Some(place) = self.pick(dice) else { return Ok(false) };
        let Some(mut child) = place.child.take() else { return Ok(false) };
        place.start_at = None;
        // It may have ended by itself this very moment: then nothing was killed.
        let ended = child.try_wait()?;
        child.kill()?;
        child.wait()?;
        if let Some(status) = ended {
            let wrong = place.ended(status);
            self.wrong.extend(wrong);
            return Ok(false);
        }
        self.killed.push((child.id(), SystemTime::now()));
        Ok(true)
    }

    /// Stops a sender for a while with SIGSTOP; says whether there was one.
    pub(super) fn stop(&mut self, dice: &mut Dice, length: Duration) -> bool {
        let Some(place) = self.pick(dice) else { return false };
        place.stopped_until = Some(Instant::now() + length);
        place.signal(Signal::STOP);
        true
    }

    /// Asks a sender to end in good order, with SIGTERM; says whether there was one.
    pub(super) fn terminate(&mut self, dice: &mut Dice) -> bool {
        let picked = self.pick(dice);
        picked.inspect(|place| place.signal(Signal::TERM)).is_some()
    }

    /// Whether a sender is stopped.
    pub(super) fn has_stopped(&self) -> bool {
        self.places.iter().any(|place| place.stopped_until.is_some())
    }

    fn pick(&mut self, dice: &mut Dice) -> Option<&mut Place> {
        let mut running: Vec<_> =
            self.places.iter_mut().filter(|place| place.child.is_some() && place.stopped_until.is_none()).collect();
        let at = dice.below(running.len() as u64) as usize;
        if running.is_empty() { None } else { Some(running.swap_remove(at)) }
    }
}

impl Place {
    /// The process has ended. Returns what is wrong with how.
    fn ended(&mut self, status: ExitStatus) -> Option<String> {
        let asked = self.asked_at.is_some();
        // Of a send 0 and 1: no delivery is open. Else it was too early: paused, or Postgres was away.
        self.done = if self.is_worker { asked } else { matches!(status.code(), Some(0 | 1)) };
        let is_born = self.started_at.is_some_and(|at| at.elapsed() > BIRTH);
        let well = status.success() || !is_born && status.signal() == Some(Signal::TERM.as_raw());
        (asked && !well).then(|| format!("case 36: a worker that was asked to end did so with {status}"))
    }

    /// Asks a worker to end, once it can hear that. Returns what is wrong.
    fn ask_to_end(&mut self, now: Instant) -> Option<String> {
        if self.child.is_none() {
            self.done = true;
            return None;
        }
        match self.asked_at {
            None if self.stopped_until.is_none() => {
                self.asked_at = Some(now);
                self.signal(Signal::TERM);
                None
            }
            Some(at) if now > at + DRAIN => {
                self.signal(Signal::KILL);
                Some(format!("case 36: a worker did not end within {} s when it was asked to", DRAIN.as_secs()))
            }
            _ => None,
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.as_ref().map(Pid::from_child) {
            // Ours, and not waited for yet: the number is still its own.
            kill_process(pid, signal).ok();
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for child in self.places.iter_mut().filter_map(|place| place.child.as_mut()) {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
