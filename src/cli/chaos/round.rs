//! One issue under fire, from its first sender to the verdict.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail, ensure};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::crew::{Crew, Hands};
use super::dice::Dice;
use super::ground::{self, Ground};
use super::mode::Mode;
use super::plan::Fault;
use super::readers::Leaving;
use super::sink::Weather;
use super::tally::Tally;
use super::verdict::{Books, Doubts, Facts, audit};
use crate::delivery::PauseCause;
use crate::postgres::PostgresError;
use crate::store::{Equation, IssueState, Registration, Resolution, Standing, Store, StoreError};
use crate::subscriber::EmailAddress;
use crate::token::Claim;

/// How often the round looks around.
const TICK: Duration = Duration::from_millis(10);

/// How often the equation is read.
const SAMPLE: Duration = Duration::from_millis(500);

/// The lease of a worker (`store/worker.rs`) is 30 s: a process that is stopped for so long has lost it.
const STOP: Duration = Duration::from_secs(34);

/// Three leases.
const CUT: Duration = Duration::from_secs(92);

/// How long a send may take to pause when the relay takes nothing: the others of its troubles included.
const LONGEST_STORM: Duration = Duration::from_secs(120);

/// How many of the kills that are planned come while the relay takes nothing, and how often.
const KILLS_IN_STORM: u32 = 3;
const KILL_EVERY: Duration = Duration::from_millis(1_100);

/// How long before its start an issue is scheduled.
const AHEAD: Duration = Duration::from_secs(2);

/// How long the disk is full.
const FULL: Duration = Duration::from_secs(3);

/// How long a round may go without any change: more than any wait that the program has a reason for.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a round is played with.
pub(super) struct Setup {
    pub(super) number: u32,
    pub(super) mode: Mode,
    pub(super) hands: Hands,
    pub(super) workers: usize,
    pub(super) connections: u64,
    /// Who is a reader from beginning to end.
    pub(super) readers: u64,
    pub(super) on_cable: bool,
    pub(super) plan: VecDeque<(u64, Fault)>,
    /// Addresses of the readers who leave, in the order of their leaving.
    pub(super) leavers: Vec<String>,
    /// Whether the operator tries the refused again at the end.
    pub(super) retry: bool,
}

impl Setup {
    /// What kind of round it is, in words.
    pub(super) fn title(&self) -> String {
        format!("{}, {}, {} faults", self.mode, self.hands, self.plan.len())
    }
}

/// A round under way.
pub(super) struct Round<'a> {
    ground: &'a Ground,
    dice: &'a mut Dice,
    tally: &'a mut Tally,
    setup: Setup,
    crew: Crew,
    leaving: Leaving,
    links: VecDeque<(String, String)>,
    cut_until: Option<Instant>,
    full_until: Option<Instant>,
    postgres: Option<JoinHandle<Result<(), PostgresError>>>,
    operator: Option<JoinHandle<anyhow::Result<Option<String>>>>,
    storm: Option<Storm>,
    sampling: Option<JoinHandle<Result<(Standing, Equation), StoreError>>>,
    standing: Option<Standing>,
    starts_at: Option<OffsetDateTime>,
    sampled_at: Instant,
    changed: (u64, i64, Instant),
    cancelled: bool,
    wrong: Vec<String>,
}

impl<'a> Round<'a> {
    /// Prepares an issue.
    pub(super) async fn new(
        ground: &'a Ground,
        dice: &'a mut Dice,
        tally: &'a mut Tally,
        setup: Setup,
    ) -> anyhow::Result<Self> {
        let file = ground.write_issue(setup.number)?;
        ground.import(&setup.leavers).await?;
        let mut links = VecDeque::new();
        for address in &setup.leavers {
            let id = ground.store.subscriber_id(&EmailAddress::parse(address)?).await?.context("a reader is gone")?;
            let claim = Claim::Unsubscribe { newsletter_id: ground.newsletter_id, subscriber_id: id };
            let link = ground.newsletter.unsubscribe_url(&ground.store.keyring().sign(claim));
            links.push_back((address.clone(), link));
        }
        let crew = Crew::new(file, setup.mode, setup.hands, setup.workers, setup.on_cable);
        ground.sink.expect(setup.mode);
        let now = Instant::now();
        Ok(Self {
            ground,
            dice,
            tally,
            setup,
            crew,
            leaving: Leaving::start(),
            links,
            cut_until: None,
            full_until: None,
            postgres: None,
            operator: None,
            storm: None,
            sampling: None,
            standing: None,
            starts_at: None,
            sampled_at: now,
            changed: (0, 0, now),
            cancelled: false,
            wrong: Vec::new(),
        })
    }

    /// Sends the issue through all that is planned, judges, and resolves what is in doubt.
    /// Returns the faults for which there was no time, and what is wrong.
    pub(super) async fn play(mut self) -> anyhow::Result<(Vec<Fault>, Vec<String>)> {
        if self.setup.hands == Hands::Workers {
            self.schedule().await?;
        }
        let began = Instant::now();
        while !self.step().await? {
            sleep(TICK).await;
        }
        let left_over =
            self.setup.plan.drain(..).map(|(_, fault)| fault).filter(|fault| *fault != Fault::Leave).collect();
        for (address, link) in self.links.drain(..) {
            self.leaving.leave(address, link);
        }
        let leaving = std::mem::replace(&mut self.leaving, Leaving::start());
        let left = tokio::task::spawn_blocking(move || leaving.finish()).await?;
        self.tally.sending += began.elapsed();
        self.judge(&left).await?;
        Ok((left_over, self.wrong))
    }

    /// Leaves the issue to the workers, to be started in a moment.
    async fn schedule(&mut self) -> anyhow::Result<()> {
        let file = format!("{}.md", self.setup.number);
        for _ in 0..20 {
            let at = OffsetDateTime::now_utc() + AHEAD;
            let out = self.ground.run(&["send", &file, "--yes", "--at", &at.format(&Rfc3339)?]).await?;
            if out.status.success() {
                self.starts_at = Some(at);
                return Ok(());
            }
        }
        anyhow::bail!("{file} could not be scheduled")
    }

    /// Looks around once; says whether the round is over.
    async fn step(&mut self) -> anyhow::Result<bool> {
        let operating = self.meet_operator().await?;
        self.meet_postgres().await?;
        self.mend();
        self.sample().await?;
        // While the issue is paused, senders would only come and go.
        let state = self.standing.as_ref().map(|standing| standing.state);
        let is_over = matches!(state, Some(IssueState::Sent | IssueState::Cancelled));
        self.weather(is_over)?;
        self.resume_what_waits();
        // A worker without its Postgres cannot end in good order.
        let calm = !operating && self.postgres.is_none() && self.full_until.is_none() && self.cut_until.is_none();
        self.crew.tend(self.ground, operating || self.cancelled, is_over && calm)?;
        self.wrong.append(&mut self.crew.wrong);
        let over = self.crew.is_done() || self.cancelled && self.crew.is_empty();
        if over {
            let busy = operating || self.postgres.is_some() || self.sampling.is_some() || self.full_until.is_some();
            return Ok(!busy);
        }
        let judged = self.ground.sink.judged();
        while let Some((_, fault)) = self.setup.plan.pop_front_if(|(at, _)| *at <= judged) {
            if !self.commit(fault)? {
                self.setup.plan.push_front((judged, fault));
                break;
            }
        }
        if judged != self.changed.0 {
            self.changed = (judged, self.changed.1, Instant::now());
        }
        ensure!(
            self.changed.2.elapsed() < PATIENCE,
            "issue {} is stuck: nothing has changed for {} s",
            self.setup.number,
            PATIENCE.as_secs()
        );
        Ok(false)
    }

    /// Does what is planned; says whether it could be done now.
    fn commit(&mut self, fault: Fault) -> anyhow::Result<bool> {
        let done = match fault {
            Fault::Kill | Fault::EarlyKill => self.crew.kill(self.dice)?,
            Fault::KillPostgres => self.postgres.is_none() && self.ground.kill_postgres(self.dice),
            Fault::Away | Fault::Wary if self.storm.is_none() => {
                let (weather, cause) = match fault {
                    Fault::Away => (Weather::Away, PauseCause::Relay),
                    _ => (Weather::Wary, PauseCause::Policy),
                };
                self.ground.sink.turn(weather);
                self.storm = Some(Storm { cause, since: Instant::now(), until: None, kills: 0 });
                true
            }
            Fault::Stop => !self.crew.has_stopped() && self.crew.stop(self.dice, STOP),
            Fault::Terminate => self.crew.terminate(self.dice),
            Fault::Cut if self.cut_until.is_none() => {
                self.ground.cable.cut();
                self.cut_until = Some(Instant::now() + CUT);
                true
            }
            Fault::FullDisk if self.full_until.is_none() => {
                self.full_until = Some(Instant::now() + FULL);
                true
            }
            Fault::Pause | Fault::Cancel if self.operator.is_none() => {
                self.operate(fault);
                true
            }
            Fault::Leave => {
                if let Some((address, link)) = self.links.pop_front() {
                    self.leaving.leave(address, link);
                }
                true
            }
            Fault::Away | Fault::Wary | Fault::Cut | Fault::FullDisk | Fault::Pause | Fault::Cancel => false,
        };
        if done {
            self.tally.count(fault);
            self.ground.note(&format!("issue {}: {fault:?}", self.setup.number))?;
            if fault == Fault::KillPostgres {
                self.look_after_postgres();
            }
        }
        Ok(done)
    }

    fn look_after_postgres(&mut self) {
        self.postgres = Some(self.ground.keep_postgres());
    }

    async fn meet_postgres(&mut self) -> anyhow::Result<()> {
        if let Some(keeping) = self.postgres.take_if(|keeping| keeping.is_finished()) {
            keeping.await?.context("Postgres does not come back")?;
        }
        Ok(())
    }

    /// Ends what lasts for a while only.
    fn mend(&mut self) {
        let now = Instant::now();
        if self.cut_until.take_if(|until| *until <= now).is_some() {
            self.ground.cable.mend(self.dice.below(2) == 0);
        }
        if self.full_until.is_some() {
            // Again and again: whoever finds Postgres gone starts one without the limit.
            self.ground.fill_disk();
        }
        if self.full_until.take_if(|until| *until <= now).is_some() {
            self.ground.free_disk();
            self.look_after_postgres();
        }
    }

    /// Lets a storm last until the send has paused for it and tried again, and kills a few senders in it.
    fn weather(&mut self, is_over: bool) -> anyhow::Result<()> {
        let Some(storm) = &mut self.storm else { return Ok(()) };
        let now = Instant::now();
        let pause = self.standing.as_ref().filter(|standing| standing.state == IssueState::Paused);
        let cause = pause.and_then(|standing| standing.pause.as_ref()).map(|pause| pause.cause);
        if storm.until.is_none() && cause == Some(storm.cause) {
            storm.until = Some(now + Duration::from_millis(500 + self.dice.below(2_000)));
            self.tally.paused += 1;
        }
        if storm.until.is_some_and(|until| until <= now) || is_over || self.cancelled {
            self.ground.sink.turn(Weather::Fair);
            self.storm = None;
            return Ok(());
        }
        ensure!(
            storm.until.is_some() || now < storm.since + LONGEST_STORM,
            "case 21: issue {} does not pause, though the relay has taken nothing for {} s",
            self.setup.number,
            LONGEST_STORM.as_secs()
        );
        if storm.kills < KILLS_IN_STORM && now >= storm.since + KILL_EVERY * (storm.kills + 1) {
            storm.kills += 1;
            let kill = self.setup.plan.iter().position(|(_, fault)| *fault == Fault::Kill);
            if let Some(kill) = kill.and_then(|at| self.setup.plan.remove(at))
                && !self.commit(Fault::Kill)?
            {
                self.setup.plan.push_front(kill);
            }
        }
        Ok(())
    }

    /// A final refusal in a row of refusals by policy leaves it to the operator to go on.
    fn resume_what_waits(&mut self) {
        let waits = self.standing.as_ref().is_some_and(|standing| {
            let cause = standing.pause.as_ref().map(|pause| pause.cause);
            standing.state == IssueState::Paused && cause == Some(PauseCause::Policy) && standing.probe_in.is_none()
        });
        if waits && self.storm.is_none() && self.operator.is_none() {
            self.operate(Fault::Wary);
        }
    }

    /// I5 while it runs.
    async fn sample(&mut self) -> anyhow::Result<()> {
        if let Some(sampling) = self.sampling.take_if(|sampling| sampling.is_finished()) {
            // Postgres may be away; the next sample comes soon.
            if let Ok((standing, equation)) = sampling.await? {
                self.tally.samples += 1;
                self.standing = Some(standing);
                if equation.intents != self.changed.1 {
                    self.changed = (self.changed.0, equation.intents, Instant::now());
                }
                if !equation.holds() {
                    self.wrong.push(format!("I5: at {}: {equation:?}", OffsetDateTime::now_utc()));
                }
            }
        }
        if self.sampling.is_none() && self.sampled_at.elapsed() > SAMPLE {
            self.sampled_at = Instant::now();
            let (store, newsletter_id, number) =
                (self.ground.store.clone(), self.ground.newsletter_id, self.setup.number);
            self.sampling = Some(tokio::spawn(async move {
                let issue = store.issue(newsletter_id, number).await?;
                let issue = issue.ok_or_else(|| StoreError::Unknown("no such issue yet".into()))?;
                Ok((store.standing(issue.id).await?, store.equation(issue.id).await?))
            }));
        }
        Ok(())
    }

    /// Pauses and resumes, cancels, or resumes alone, from processes of their own.
    fn operate(&mut self, fault: Fault) {
        let operator = Operator {
            folder: self.ground.folder.clone(),
            store: self.ground.store.clone(),
            newsletter_id: self.ground.newsletter_id,
            number: self.setup.number,
        };
        self.cancelled |= fault == Fault::Cancel;
        self.operator = Some(tokio::spawn(async move {
            match fault {
                Fault::Cancel => operator.cancel().await,
                Fault::Wary => operator.change("resume", IssueState::Paused).await.map(|_| None),
                _ => operator.pause_and_resume().await,
            }
        }));
    }

    /// Whether the operator is at work.
    async fn meet_operator(&mut self) -> anyhow::Result<bool> {
        if let Some(operating) = self.operator.take_if(|operating| operating.is_finished()) {
            self.wrong.extend(operating.await??);
        }
        Ok(self.operator.is_some())
    }

    /// Compares the ledger with the relay's record, resolves what is in doubt, sends on, and compares again.
    async fn judge(&mut self, left: &HashMap<String, OffsetDateTime>) -> anyhow::Result<()> {
        let ground = self.ground;
        let issue = ground.store.issue(ground.newsletter_id, self.setup.number).await?.context("the issue is gone")?;
        let registrations = ground.store.registrations(self.tally.last_worker_id).await?;
        let facts = Facts {
            issue_id: issue.id,
            connections: self.setup.connections,
            window: self.setup.mode.window() as u64,
            registrations: &registrations,
            killed: self.crew.killed.iter().map(|(pid, _)| *pid as i32).collect(),
            left,
            leavers: self.setup.leavers.iter().map(String::as_str).collect(),
            cancelled: self.cancelled,
            starts_at: self.starts_at,
        };
        let mut dealings = ground.sink.next_issue();
        ground.sink.heal();
        let books = Books::open(ground, issue.id, &dealings).await?;
        self.wrong.extend(books.violations(&facts, &dealings, false));
        let (doubts, wrong) = books.doubts(&facts, &dealings);
        self.wrong.extend(wrong);
        self.wrong.extend(audit(ground, &facts).await?);
        self.tally.refused += books.count("refused");
        self.tally.takeovers.extend(takeovers(&registrations, &self.crew.killed));

        resolve(ground, issue.id, &doubts).await?;
        // Who was refused by an answer that nobody recorded is tried again, and taken.
        for address in &doubts.missing {
            dealings.refused.remove(address);
        }
        let retried = if self.setup.retry { std::mem::take(&mut dealings.refused).len() } else { 0 };
        if retried > 0 {
            let out = ground.run(&["retry", &self.setup.number.to_string()]).await?;
            ensure!(out.status.success(), "retry: {}", String::from_utf8_lossy(&out.stderr));
        }
        if !doubts.missing.is_empty() && !self.cancelled || retried > 0 {
            let file = format!("{}.md", self.setup.number);
            let out = ground.run(&["send", &file, "--yes"]).await?;
            let code = out.status.code();
            ensure!(matches!(code, Some(0 | 1)), "the last send: {}", String::from_utf8_lossy(&out.stderr));
        }
        let last = ground.sink.next_issue();
        dealings.taken.extend(last.taken);
        let books = Books::open(ground, issue.id, &dealings).await?;
        // What a cancelled issue has in doubt is resolved as queued, and stays so: nobody sends it.
        if !self.cancelled {
            self.wrong.extend(books.violations(&facts, &dealings, true));
        }
        self.wrong.extend(audit(ground, &facts).await?);
        self.tally.audit_ran(ground.run(&["audit", &self.setup.number.to_string()]).await?, &mut self.wrong);

        self.tally.last_worker_id = registrations.last().map_or(self.tally.last_worker_id, |worker| worker.id);
        let audience = u64::try_from(issue.audience).unwrap_or_default();
        if audience < self.setup.readers {
            self.wrong.push(format!("I1: of {} readers only {audience} were in the audience", self.setup.readers));
        }
        self.tally.audience += audience;
        self.tally.taken += dealings.taken.len() as u64;
        self.tally.put_off += dealings.put_off;
        self.tally.skipped += books.count("skipped");
        self.tally.accepted += books.count("accepted");
        self.tally.retried += retried as u64;
        self.tally.doubtful += dealings.doubtful.len() as u64;
        self.tally.arrived += doubts.arrived.len() as u64;
        self.tally.missing += doubts.missing.len() as u64;
        self.tally.played(self.setup.mode, self.setup.hands, doubts.most);
        self.tally.senders += self.crew.started;
        self.tally.left += left.len() as u64;
        self.tally.see(&dealings.taken, &mut self.wrong);
        Ok(())
    }
}

/// A time in which the relay takes nothing.
struct Storm {
    /// What the send should pause for.
    cause: PauseCause,
    since: Instant,
    /// When it is over, once the send has paused.
    until: Option<Instant>,
    /// How many senders were killed in it.
    kills: u32,
}

/// Says of each delivery in doubt what the relay's record knows: the fewer one by one, the rest at once.
async fn resolve(ground: &Ground, issue_id: i64, doubts: &Doubts) -> anyhow::Result<()> {
    let all: HashSet<_> = doubts.arrived.iter().chain(&doubts.missing).collect();
    ensure!(all.len() == doubts.arrived.len() + doubts.missing.len(), "somebody is in doubt twice");
    let (arrived, missing) = ((&doubts.arrived, Resolution::Accepted), (&doubts.missing, Resolution::Resend));
    let (few, many) = if arrived.0.len() < missing.0.len() { (arrived, missing) } else { (missing, arrived) };
    for address in few.0 {
        let resolved = ground.store.resolve(issue_id, few.1, Some(&EmailAddress::parse(address)?)).await?;
        ensure!(resolved == 1, "resolving one delivery resolved {resolved}");
    }
    let resolved = ground.store.resolve(issue_id, many.1, None).await?;
    ensure!(resolved == many.0.len() as u64, "{resolved} were left to resolve, not {}", many.0.len());
    Ok(())
}

/// How long it took until others had found each killed sender gone.
fn takeovers(registrations: &[Registration], killed: &[(u32, SystemTime)]) -> Vec<Duration> {
    let gone = |pid: u32| {
        let of = registrations.iter().rev().find(|worker| worker.pid == pid as i32);
        of.and_then(|worker| worker.gone_at).map(SystemTime::from)
    };
    killed.iter().filter_map(|(pid, at)| gone(*pid)?.duration_since(*at).ok()).collect()
}

/// Somebody at another terminal.
struct Operator {
    folder: PathBuf,
    store: Store,
    newsletter_id: i32,
    number: u32,
}

impl Operator {
    /// Pauses, sees that no intent comes any more, and resumes. Returns what is wrong.
    async fn pause_and_resume(&self) -> anyhow::Result<Option<String>> {
        let wrong = match self.change("pause", IssueState::Sending).await? {
            true => {
                self.intents_while_still().await?.map(|n| format!("case 36: {n} intents after `pause` was answered"))
            }
            false => None,
        };
        self.change("resume", IssueState::Paused).await?;
        Ok(wrong)
    }

    /// Cancels, and sees that no intent comes any more.
    async fn cancel(&self) -> anyhow::Result<Option<String>> {
        while !self.change("cancel", IssueState::Sending).await? {
            match self.store.issue(self.newsletter_id, self.number).await.ok().flatten().map(|issue| issue.state) {
                // Postgres went away before it could say so.
                Some(IssueState::Cancelled) => return Ok(None),
                Some(IssueState::Sent) => bail!("the issue could not be cancelled: it was over"),
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
        Ok(self.intents_while_still().await?.map(|n| format!("case 36: {n} intents after `cancel` was answered")))
    }

    /// Runs a command as long as the issue is in the state that it changes; says whether it did.
    async fn change(&self, command: &str, from: IssueState) -> anyhow::Result<bool> {
        loop {
            if ground::run(&self.folder, &[command, &self.number.to_string()]).await?.status.success() {
                return Ok(true);
            }
            // Postgres may be away.
            if let Ok(issue) = self.store.issue(self.newsletter_id, self.number).await
                && issue.is_none_or(|issue| issue.state != from)
            {
                return Ok(false);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many intents came within a moment, if any did.
    async fn intents_while_still(&self) -> anyhow::Result<Option<i64>> {
        let before = self.intents().await?;
        sleep(Duration::from_millis(400)).await;
        let more = self.intents().await? - before;
        Ok((more != 0).then_some(more))
    }

    async fn intents(&self) -> anyhow::Result<i64> {
        for _ in 0..600 {
            if let Ok(Some(issue)) = self.store.issue(self.newsletter_id, self.number).await
                && let Ok(equation) = self.store.equation(issue.id).await
            {
                return Ok(equation.intents);
            }
            sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the intents cannot be counted")
    }
}
