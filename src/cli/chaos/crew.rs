//! The crew: the senders of one issue, each a process of its own that is started again whenever it ends too early.

use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use super::dice::Dice;
use super::ground::Ground;
use super::mode::Mode;

/// How long before a sender is started again that ended with work left.
const PAUSE: Duration = Duration::from_millis(200);

/// All senders of an issue.
pub(super) struct Crew {
    file: String,
    mode: Mode,
    places: Vec<Place>,
    /// Killed processes: pid and when.
    pub(super) killed: Vec<(u32, SystemTime)>,
    /// How many senders were started.
    pub(super) started: u64,
}

/// A place for a sender.
#[derive(Default)]
struct Place {
    child: Option<Child>,
    /// Reaches Postgres through the cable.
    on_cable: bool,
    stopped_until: Option<Instant>,
    start_at: Option<Instant>,
    done: bool,
}

impl Crew {
    /// Places for `size` senders; with `on_cable` the last one gets its Postgres through the cable.
    pub(super) fn new(file: String, mode: Mode, size: usize, on_cable: bool) -> Self {
        let mut places: Vec<_> = (0..size).map(|_| Place::default()).collect();
        if let Some(last) = places.last_mut() {
            last.on_cable = on_cable;
        }
        Self { file, mode, places, killed: Vec::new(), started: 0 }
    }

    /// Meets those who have ended, lets those go on whose time has come, and starts who is missing, unless `hold`.
    pub(super) fn tend(&mut self, ground: &Ground, hold: bool) -> anyhow::Result<()> {
        let now = Instant::now();
        for place in &mut self.places {
            if place.stopped_until.is_some_and(|until| until <= now) {
                place.stopped_until = None;
                place.signal(Signal::CONT);
            }
            if let Some(status) = place.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                place.child = None;
                // 0 and 1: no delivery is open. Else it was too early: paused, or Postgres was away.
                place.done = matches!(status.code(), Some(0 | 1));
                place.start_at = Some(now + PAUSE);
            }
            let due = place.start_at.is_none_or(|at| at <= now);
            if place.child.is_none() && !place.done && due && !hold {
                let mut command = ground.program(&["send", &self.file, "--yes"])?;
                command.envs(self.mode.environment());
                if place.on_cable {
                    command.env("DATABASE_URL", ground.cable.url());
                }
                place.child = Some(command.spawn().context("cannot start a sender")?);
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
        match ended {
            Some(status) => place.done = matches!(status.code(), Some(0 | 1)),
            None => self.killed.push((child.id(), SystemTime::now())),
        }
        Ok(ended.is_none())
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
