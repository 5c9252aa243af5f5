//! `masthead send`: an issue to every subscriber.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ring::digest;
use time::OffsetDateTime;

use super::context::{
    ConfigArgs, OpenStore, attended_relay, block_on, block_on_sending, interruption, relay, sent_newsletter, signer,
    wants_all_cores, warn_of_style,
};
use super::ledger::{LedgerView, brief, clock};
use super::readers_web::{self, Instance};
use super::{Exit, advise, check, letterhead, moment, progress};
use crate::config::{Config, parse_duration};
use crate::delivery::PauseCause;
use crate::dispatch::{self, Berths, Ending, Herald, Progress};
use crate::issue::check::Settings;
use crate::issue::{Issue, IssueLink, Manuscript};
use crate::mailer::{Connection, Envelope, Mail, Relay, Verdict};
use crate::message::dkim::Signer;
use crate::message::{Compiled, Digest, Reader, proof_message};
use crate::newsletter::{Letterhead, Newsletter};
use crate::render::{self, Rendered};
use crate::store::{FrozenIssue, IssueState, NewIssue, Store, StoreError};
use crate::subscriber::EmailAddress;
use crate::token::Claim;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The issue file
    file: PathBuf,
    /// The newsletter, where there are several
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    /// Mail one copy to this address instead; no ledger is touched
    #[arg(long, value_name = "ADDRESS")]
    proof: Vec<String>,
    /// Write the messages into a Maildir instead; no ledger is touched
    #[arg(long, requires = "out")]
    dry_run: bool,
    /// The Maildir of --dry-run
    #[arg(long, value_name = "MAILDIR", requires = "dry_run")]
    out: Option<PathBuf>,
    /// Send only if this is what was approved; the preview and `masthead render` print the digest
    #[arg(long, value_name = "DIGEST")]
    approve: Option<Digest>,
    /// Messages per second at most, like 20/s; it stays with the issue. All that is sent through a relay shares its rate
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<f64>,
    /// How long to stay for retries that are due later, like 15m
    #[arg(long, value_parser = parse_duration)]
    wait: Option<Duration>,
    /// Send it then: `2026-11-23 08:00` on this machine's clock, or with an offset as `2026-11-23T08:00:00+01:00`
    ///
    /// Content and sender are frozen now, the audience is taken when it starts. Whoever runs then starts it: `serve`,
    /// `worker`, or this command once more.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, conflicts_with_all = ["proof", "dry_run"])]
    at: Option<OffsetDateTime>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print the ledger as JSON when done
    #[arg(long)]
    json: bool,
}

/// How long a send stays to tell the operator.
pub(super) const TELLING: Duration = Duration::from_secs(5);

/// Reads `20/s`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches("/s").parse::<f64>().ok();
    number
        .filter(|rate| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| format!("`{text}` is no rate; write it like `20/s`"))
}

/// An issue that is ready to be sent.
pub(super) struct Ready {
    pub(super) newsletter: Newsletter,
    pub(super) number: u32,
    pub(super) issue: Issue,
    /// What leaves, with its slots.
    pub(super) rendered: Rendered,
    /// Who it is from, and where its links lead.
    pub(super) letterhead: Letterhead,
    source_digest: Vec<u8>,
}

impl Ready {
    /// Renders an issue for a newsletter; `file` is what an error calls it.
    pub(super) fn new(file: &Path, issue: Issue, newsletter: Newsletter) -> anyhow::Result<Self> {
        let number = number_of(file, &issue)?;
        let rendered = render::render(&issue, &newsletter)?;
        // Of what was read, so that line ends and mended damage make no other content.
        let content = serde_json::to_vec(&Issue { repairs: Vec::new(), ..issue.clone() })?;
        let source_digest = digest::digest(&digest::SHA256, &content).as_ref().to_vec();
        let letterhead = newsletter.letterhead();
        Ok(Self { newsletter, number, issue, rendered, letterhead, source_digest })
    }

    /// `slug/number`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.newsletter.slug, self.number)
    }

    /// The same with what was frozen: that leaves, whatever this version would make of the file and masthead.toml.
    pub(super) fn frozen_as(self, known: &FrozenIssue) -> Self {
        let letterhead = known.letterhead.as_deref().cloned().unwrap_or(self.letterhead);
        Self { rendered: known.rendered.clone(), letterhead, ..self }
    }
}

/// The issue's number, which a send needs; `file` is what an error calls it.
pub(super) fn number_of(file: &Path, issue: &Issue) -> anyhow::Result<u32> {
    issue.number.filter(|number| *number <= i32::MAX as u32).ok_or_else(|| {
        advise(
            &format!("`{}` has no issue number", file.display()),
            "write the title as `# Name #104: Title`, or `number: 104` in front matter",
        )
    })
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    let manuscript = check::read(&args.file)?;
    let newsletter = sent_newsletter(&config, &manuscript.issue, args.newsletter.as_deref())?;
    warn_of_style(&newsletter.theme);
    let ready = Ready::new(&args.file, manuscript.issue.clone(), newsletter)?;
    if !args.proof.is_empty() {
        return block_on(proof(&config, &ready, &args.proof));
    }
    match &args.out {
        Some(out) => block_on(dry_run(args, &config, &manuscript, ready, out)),
        None => {
            let is_signed = config.dkim(&ready.newsletter.slug).is_some();
            block_on_sending(wants_all_cores(is_signed, config.send.window), send(args, &config, &manuscript, ready))
        }
    }
}

/// Mails one copy to each address, as the relay would get it for a reader.
async fn proof(config: &Config, ready: &Ready, addresses: &[String]) -> anyhow::Result<Exit> {
    let addresses: Vec<_> = addresses.iter().map(|address| EmailAddress::parse(address)).collect::<Result<_, _>>()?;
    let signer = signer(config, &ready.letterhead)?;
    let mut connection = Connection::open(&attended_relay(config)?).await?;
    let date = OffsetDateTime::now_utc();
    let mut exit = Exit::Done;
    for address in addresses {
        let number = Some(ready.number);
        let bytes = proof_message(&ready.letterhead, &ready.rendered, number, &address, date, signer.as_ref())?;
        let envelope = Envelope { from: ready.letterhead.from.address.clone(), to: address.clone() };
        match connection.send(&Mail::new(envelope, bytes)).await {
            Verdict::Accepted(_) => errln!("proof to {address}: accepted"),
            Verdict::Refused { reply, .. } => {
                errln!("proof to {address}: refused: {}", brief(&reply.to_string()));
                exit = Exit::Findings;
            }
            Verdict::NotSent(lost) | Verdict::InDoubt(lost) => {
                anyhow::bail!("proof to {address}: the connection broke: {lost}");
            }
        }
    }
    connection.quit().await;
    Ok(exit)
}

/// Writes what every reader would get into a Maildir, where a send would not refuse it.
async fn dry_run(
    args: &Args,
    config: &Config,
    manuscript: &Manuscript,
    ready: Ready,
    out: &Path,
) -> anyhow::Result<Exit> {
    let open = OpenStore::open(config).await?;
    let newsletter_id = open.newsletter_id(&ready.newsletter).await?;
    let known = open.store.issue(newsletter_id, ready.number).await?;
    let ready = match &known {
        Some(known) => {
            refuse_other_content(&ready, known)?;
            if let Some(oddity) = letterhead::oddity(known, &ready.newsletter) {
                errln!("warning: {} {oddity}", ready.name());
            }
            ready.frozen_as(known)
        }
        None => {
            refuse_errors(manuscript, &ready, &config.check)?;
            ready
        }
    };
    refuse_unapproved(args, config, &open.store, newsletter_id, &ready, known.as_ref()).await?;
    let signer = signer(config, &ready.letterhead)?;
    for folder in ["tmp", "new", "cur"] {
        std::fs::create_dir_all(out.join(folder)).with_context(|| format!("cannot make `{}`", out.display()))?;
    }
    let keyring = open.store.keyring();
    let (mut after, mut written) = (0, 0_u64);
    let date = ready.issue.date.map_or(OffsetDateTime::UNIX_EPOCH, |date| date.midnight().assume_utc());
    let compiled = Compiled::new(&ready.letterhead, &ready.rendered, Some(ready.number), date, signer.as_ref())?;
    loop {
        let page = open.store.prospects(newsletter_id, ready.number, after, 1_000).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for subscriber in &page {
            let claim = Claim::Unsubscribe { newsletter_id, subscriber_id: subscriber.id };
            let reader = Reader {
                address: EmailAddress::parse(&subscriber.email)?,
                name: subscriber.name.clone(),
                unsubscribe_url: ready.letterhead.unsubscribe_url(&keyring.sign(claim)),
            };
            let message_id = keyring.message_id(0, subscriber.id, ready.letterhead.from.address.domain());
            let bytes = compiled.stamp(&reader, &message_id)?.to_vec();
            let name = format!("{}.{}.masthead", ready.number, subscriber.id);
            let tmp = out.join("tmp").join(&name);
            std::fs::write(&tmp, bytes).with_context(|| format!("cannot write `{}`", tmp.display()))?;
            std::fs::rename(&tmp, out.join("new").join(&name))?;
            written += 1;
        }
    }
    errln!("wrote {written} messages into `{}`; nothing was sent", out.display());
    open.close().await?;
    Ok(Exit::Done)
}

async fn send(args: &Args, config: &Config, manuscript: &Manuscript, ready: Ready) -> anyhow::Result<Exit> {
    let relay = relay(config)?;
    let interrupted = interruption()?;
    let open = OpenStore::open(config).await?;
    let newsletter_id = open.newsletter_id(&ready.newsletter).await?;
    let known = open.store.issue(newsletter_id, ready.number).await?;
    let ready = match &known {
        Some(known) => {
            refuse_other_content(&ready, known)?;
            refuse_cancelled(&ready, known)?;
            ready.frozen_as(known)
        }
        None => {
            refuse_errors(manuscript, &ready, &config.check)?;
            ready
        }
    };
    let later = later(args.at, &ready, known.as_ref())?;
    refuse_unapproved(args, config, &open.store, newsletter_id, &ready, known.as_ref()).await?;
    let signer = signer(config, &ready.letterhead)?;
    check_instance(&open.store, &ready.letterhead).await?;
    let prospects = open.store.count_prospects(newsletter_id, ready.number).await?;
    let is_new = known.is_none() && later.is_none();
    // Another process may have taken them all into its audience in the meantime.
    if is_new && prospects == 0 && open.store.issue(newsletter_id, ready.number).await?.is_none() {
        return Err(advise(
            &format!("`{}` has nobody to send it to", ready.newsletter.slug),
            "`masthead subscribers import FILE` takes readers in; with --at, those of that time get it",
        ));
    }
    let rate = args.rate.or(known.as_ref().and_then(|known| known.rate)).or(config.send.rate);
    let pace = open.store.last_pace(newsletter_id).await?;
    let queued = match &known {
        Some(known) => open.store.summary(known.id).await?.open(),
        None => 0,
    };
    let how = expectation(prospects + queued, config.send.connections, rate, pace);
    let oddities = oddities(&open.store, newsletter_id, &ready, known.as_ref()).await?;
    announce(&ready, known.as_ref(), (prospects, queued), &how, &oddities);
    if !args.yes && !confirmed(prospects + queued, later)? {
        errln!("nothing was sent");
        open.close().await?;
        return Ok(Exit::Findings);
    }
    if let Some(at) = later {
        return schedule(args, config, open, newsletter_id, ready, at).await;
    }
    let issue = freeze(&open.store, newsletter_id, &ready, args.rate).await?;
    // Another process may have frozen the number in the meantime.
    let ready = ready.frozen_as(&issue);
    refuse_unapproved(args, config, &open.store, newsletter_id, &ready, known.as_ref()).await?;
    let snapshot = open.store.snapshot(issue.id).await?;
    // One that was scheduled is dated anew when it starts early.
    let issue = open.store.issue(newsletter_id, ready.number).await?.unwrap_or(issue);
    errln!("{} readers added, {} in the audience", snapshot.added, snapshot.audience);

    let progress = Arc::new(Progress::default());
    let before = open.store.summary(issue.id).await?;
    let bar = match io::stderr().is_terminal() {
        true => tokio::spawn(progress::draw(progress.clone(), before.open())),
        false => {
            tokio::spawn(progress::tell(open.store.clone(), ready.newsletter.clone(), newsletter_id, ready.number))
        }
    };
    let mut plan = plan(config, open.store.clone(), relay.clone(), &ready.newsletter, signer.clone(), issue).await?;
    plan.wait = args.wait.unwrap_or(plan.wait);
    plan.breaker.patience = plan.breaker.patience.min(plan.wait);
    plan.eager = true;
    let operator = herald(config, &ready.newsletter, &relay, signer);
    plan.operator = operator.clone();
    let ending = dispatch::run(plan, progress, interrupted).await;
    bar.abort();
    bar.await.ok();
    match &ending {
        Ok(Ending::Sent { .. }) => {}
        Ok(Ending::Waiting(due_in)) => errln!(
            "what is left is due in {} s, and --wait is over; run the same command again then",
            due_in.as_secs_f64().ceil()
        ),
        Ok(Ending::Stopped) => {
            errln!("stopped here; run the same command again to go on, unless `serve` or `worker` does")
        }
        // The ledger below says why.
        Ok(Ending::Paused(_) | Ending::Cancelled) => {}
        Ok(Ending::Halted(reason)) => {
            errln!("stopped: {reason}\nhint: nobody is lost; mend it and run the same command again")
        }
        Err(error) => errln!("stopped: {error}\nhint: nobody is lost; run the same command again to go on"),
    }
    let view = match LedgerView::read(&open.store, &ready.newsletter, newsletter_id, ready.number).await {
        Ok(view) => view,
        Err(error) => {
            errln!("error: {error}\nhint: when the database is back, `masthead status` says how it stands");
            return Ok(Exit::Open);
        }
    };
    err!("{}", view.text());
    if let Some(operator) = operator {
        report(&operator, &view, &ending).await;
    }
    if args.json {
        outln!("{}", view.json());
    }
    let exit = view.exit();
    open.close().await?;
    Ok(exit)
}

/// Mails the ledger to the operator, and waits a moment for what else there was to tell.
async fn report(operator: &Herald, view: &LedgerView, ending: &Result<Ending, StoreError>) {
    let patience = match ending {
        // Who stopped it knows.
        Ok(Ending::Stopped | Ending::Cancelled) => return,
        // Nor does the relay take this.
        Ok(Ending::Paused(pause)) if pause.cause == PauseCause::Relay => Duration::ZERO,
        // It was told then.
        Ok(Ending::Paused(_)) => TELLING,
        _ => {
            let text = view.text();
            operator.tell(text.lines().next().unwrap_or_default(), &text);
            TELLING
        }
    };
    if !operator.finish(patience).await {
        errln!("warning: the relay did not take the mail to the operator");
    }
}

/// When an issue is to start, if that is not now.
fn later(
    at: Option<OffsetDateTime>,
    ready: &Ready,
    known: Option<&FrozenIssue>,
) -> anyhow::Result<Option<OffsetDateTime>> {
    let Some(at) = at else { return Ok(None) };
    let name = ready.name();
    let now = OffsetDateTime::now_utc();
    let is_over = |at: OffsetDateTime| at <= now;
    let waits = known.is_none_or(|known| known.state == IssueState::Scheduled && !known.starts_at.is_some_and(is_over));
    match known.map(|known| known.state) {
        // A slip, which must not send it now.
        _ if is_over(at) && waits => {
            Err(advise(&format!("{} UTC is over", clock(at)), "leave out --at to send it now"))
        }
        // The same command again, when the time has come.
        _ if is_over(at) => Ok(None),
        None | Some(IssueState::Scheduled) => Ok(Some(at)),
        Some(state) => Err(advise(
            &format!("{name} is {} already", state.as_str()),
            match state {
                IssueState::Sent => "leave out --at to send it to those who have joined since",
                _ => "leave out --at to go on with it",
            },
        )),
    }
}

/// Freezes the issue and leaves it to whoever runs when its time comes.
async fn schedule(
    args: &Args,
    config: &Config,
    open: OpenStore,
    newsletter_id: i32,
    ready: Ready,
    at: OffsetDateTime,
) -> anyhow::Result<Exit> {
    let links = ready.issue.recommended();
    let issue = open.store.schedule_issue(&new_issue(newsletter_id, &ready, &links, args.rate), at).await?;
    // Another process may have frozen the number in the meantime.
    refuse_other_content(&ready, &issue)?;
    let ready = ready.frozen_as(&issue);
    refuse_unapproved(args, config, &open.store, newsletter_id, &ready, None).await?;
    let view = LedgerView::read(&open.store, &ready.newsletter, newsletter_id, ready.number).await?;
    err!("{}", view.text());
    errln!("  keep `masthead serve` or `masthead worker` running, or run the same command again then");
    if args.json {
        outln!("{}", view.json());
    }
    open.close().await?;
    Ok(Exit::Done)
}

/// Freezes an issue under its number; other content under it is refused.
pub(super) async fn freeze(
    store: &Store,
    newsletter_id: i32,
    ready: &Ready,
    rate: Option<f64>,
) -> anyhow::Result<FrozenIssue> {
    let links = ready.issue.recommended();
    let issue = store.freeze_issue(&new_issue(newsletter_id, ready, &links, rate)).await?;
    // Another process may have frozen the number in the meantime.
    refuse_other_content(ready, &issue)?;
    refuse_cancelled(ready, &issue)?;
    Ok(issue)
}

/// How an issue is sent, by the configuration; nobody is told.
pub(super) async fn plan(
    config: &Config,
    store: Store,
    relay: Relay,
    newsletter: &Newsletter,
    signer: Option<Signer>,
    issue: FrozenIssue,
) -> Result<dispatch::Send, StoreError> {
    let letterhead = store.letterhead(&issue, &newsletter.letterhead()).await?;
    Ok(dispatch::Send {
        store,
        relay,
        letterhead,
        signer,
        issue,
        berths: Berths::new(config.send.connections),
        messages: config.send.messages,
        rate: config.send.rate,
        retry: config.send.retry.clone(),
        breaker: config.send.breaker.clone(),
        wait: config.send.wait,
        eager: false,
        operator: None,
        host: host(),
    })
}

/// Who tells the operator, if one is configured.
pub(super) fn herald(
    config: &Config,
    newsletter: &Newsletter,
    relay: &Relay,
    signer: Option<Signer>,
) -> Option<Herald> {
    let operator = config.send.operator.clone()?;
    Some(Herald::start(operator, newsletter.clone(), relay.clone(), signer))
}

/// Makes sure that the links that will be mailed lead to a `serve` on this same store.
async fn check_instance(store: &Store, letterhead: &Letterhead) -> anyhow::Result<()> {
    let base_url = &letterhead.base_url;
    match readers_web::instance(store, base_url).await? {
        Instance::This => {}
        Instance::Other => {
            return Err(advise(
                &format!("{base_url} serves another database than this one: readers could not unsubscribe"),
                "correct base_url, or run `masthead serve` there with this database",
            ));
        }
        Instance::Unknown => {
            errln!("warning: {base_url} answers, but is no `masthead serve`: its links may lead nowhere");
        }
        Instance::Silent(why) => errln!(
            "warning: {base_url} does not answer ({why}): the links in the mail lead there; run `masthead serve`"
        ),
    }
    Ok(())
}

/// Refuses an issue whose number has other content already, or waits for its time with another letterhead.
pub(super) fn refuse_other_content(ready: &Ready, known: &FrozenIssue) -> anyhow::Result<()> {
    if known.source_digest == ready.source_digest {
        return letterhead::refuse_other(known, &ready.newsletter);
    }
    let state = was(known.state);
    Err(advise(
        &format!("{} {state} already with other content: {}", ready.name(), known.rendered.subject),
        "give the file a number of its own; what was sent stays as it was",
    ))
}

/// What an issue in a state is, in a sentence.
pub(super) fn was(state: IssueState) -> String {
    match state {
        IssueState::Sent | IssueState::Cancelled => format!("was {}", state.as_str()),
        _ => format!("is {}", state.as_str()),
    }
}

/// Refuses an issue that was cancelled, which is for good.
fn refuse_cancelled(ready: &Ready, known: &FrozenIssue) -> anyhow::Result<()> {
    if known.state != IssueState::Cancelled {
        return Ok(());
    }
    Err(advise(&format!("{} was cancelled", ready.name()), "give the file another number to send it after all"))
}

/// Refuses what nobody should get: what the check calls an error. Warnings never stop a send.
pub(super) fn refuse_errors(manuscript: &Manuscript, ready: &Ready, settings: &Settings) -> anyhow::Result<()> {
    let errors = check::errors(manuscript, &ready.newsletter, &ready.rendered.html, settings);
    let Some(first) = errors.first() else { return Ok(()) };
    err!("{}", check::shown(manuscript, &errors));
    let count = if errors.len() == 1 {
        "an error, which stops".to_owned()
    } else {
        format!("{} errors, which stop", errors.len())
    };
    Err(advise(
        &format!("`{}` has {count} a send", manuscript.name),
        &format!("mend it, or allow it in the line above: `<!-- masthead: allow {}: the reason -->`", first.rule),
    ))
}

/// Refuses what nobody has approved, where an approval is given or wanted.
///
/// What a `known` issue under way was wanted to have, it had when it began: nothing else goes on.
async fn refuse_unapproved(
    args: &Args,
    config: &Config,
    store: &Store,
    newsletter_id: i32,
    ready: &Ready,
    known: Option<&FrozenIssue>,
) -> anyhow::Result<()> {
    let leaves = Digest::of(&ready.letterhead, &ready.rendered, Some(ready.number))?;
    let name = ready.name();
    let approved = match args.approve {
        Some(given) => Some(given),
        None if !config.send.approval || known.is_some_and(|known| known.state != IssueState::Scheduled) => {
            return Ok(());
        }
        None => {
            let approval = store.approval(newsletter_id, ready.number).await?;
            approval.and_then(|approval| Digest::try_from(&approval.digest[..]).ok())
        }
    };
    let why = match approved {
        Some(approved) if approved == leaves => return Ok(()),
        Some(approved) => format!("{name} is not what was approved: that is {approved}, this is {leaves}"),
        None => format!("{name} is not approved, and `approval` under [send] wants it"),
    };
    Err(advise(&why, "look at it with `masthead preview` and approve it there, then send it"))
}

/// What an editor would want to know before the send.
async fn oddities(
    store: &Store,
    newsletter_id: i32,
    ready: &Ready,
    known: Option<&FrozenIssue>,
) -> anyhow::Result<Vec<String>> {
    let mut oddities = Vec::new();
    if let Some(oddity) = known.and_then(|known| letterhead::oddity(known, &ready.newsletter)) {
        oddities.push(format!("{} {oddity}", ready.name()));
    }
    if let Some(name) = ready.issue.other_newsletter(&ready.newsletter) {
        oddities.push(format!("the title names \"{name}\", the newsletter is \"{}\"", ready.newsletter.name));
    }
    if ready.issue.title.is_none() {
        oddities.push("the issue has no title".into());
    }
    let last = store.published_issues(newsletter_id).await?.into_iter().find(|issue| issue.number != ready.number);
    if let Some(last) = last {
        if last.number > ready.number {
            oddities.push(format!("#{} is older than the last issue, #{}", ready.number, last.number));
        }
        if let (Some(date), Some(last_date)) = (ready.issue.date, last.date)
            && date < last_date
        {
            oddities.push(format!("its date {date} is before that of #{}, {last_date}", last.number));
        }
    }
    for repair in &ready.issue.repairs {
        oddities.push(format!("{} mended in {} places, the first on line {}", repair.what, repair.count, repair.line));
    }
    Ok(oddities)
}

/// How a send will go, in words: over how many connections, how fast, how long.
fn expectation(readers: u64, connections: usize, rate: Option<f64>, pace: Option<f64>) -> String {
    let lasts = |per_second: f64| moment::span((readers as f64 / per_second).ceil() as i64);
    let connections = format!("{connections} connection{}", if connections == 1 { "" } else { "s" });
    match (rate, pace) {
        (Some(rate), Some(pace)) if pace < 0.9 * rate => {
            format!("{connections}, {rate}/s at most: about {} if the relay is as fast as last time", lasts(pace))
        }
        (Some(rate), _) => format!("{connections}, {rate}/s at most: about {}", lasts(rate)),
        (None, Some(pace)) => {
            format!("{connections}, as fast as the relay takes them: about {} as last time, {pace:.0}/s", lasts(pace))
        }
        (None, None) => format!("{connections}, as fast as the relay takes them"),
    }
}

/// Says what is to be done; `readers` are those who are new, and those of the audience who have not had it.
fn announce(ready: &Ready, known: Option<&FrozenIssue>, readers: (u64, u64), how: &str, oddities: &[String]) {
    let (new, open) = readers;
    errln!("newsletter  {} ({})", ready.newsletter.name, ready.newsletter.slug);
    errln!("subject     {}", ready.rendered.subject);
    match known {
        Some(known) => {
            let (audience, state) = (known.audience, known.state.as_str());
            errln!("readers     {new} new, {open} still to be sent; {audience} in the audience, {state}")
        }
        None => errln!("readers     {new}"),
    }
    errln!("plan        {how}");
    for oddity in oddities {
        errln!("warning: {oddity}");
    }
}

fn confirmed(readers: u64, later: Option<OffsetDateTime>) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(advise("nobody is there to confirm the send", "add --yes to send without asking"));
    }
    match later {
        Some(at) => err!("send to {readers} readers, or who they are then, at {} UTC? [y/N] ", clock(at)),
        None => err!("send to {readers} readers? [y/N] "),
    }
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn new_issue<'a>(newsletter_id: i32, ready: &'a Ready, links: &'a [IssueLink<'a>], rate: Option<f64>) -> NewIssue<'a> {
    NewIssue {
        newsletter_id,
        number: ready.number,
        source_digest: &ready.source_digest,
        title: ready.issue.title.as_deref().unwrap_or(&ready.rendered.subject),
        rendered: &ready.rendered,
        letterhead: &ready.letterhead,
        date: ready.issue.date,
        links,
        rate,
    }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_goes_by_the_rate_or_by_the_last_issue_where_that_was_slower() {
        assert_eq!(expectation(3_000, 8, Some(50.0), None), "8 connections, 50/s at most: about 1 min 0 s");
        assert_eq!(expectation(3_000, 8, Some(50.0), Some(49.0)), "8 connections, 50/s at most: about 1 min 0 s");
        let slower = expectation(3_000, 1, Some(50.0), Some(5.0));
        assert_eq!(slower, "1 connection, 50/s at most: about 10 min if the relay is as fast as last time");
        assert!(expectation(3_000, 8, None, Some(100.0)).ends_with("about 30 s as last time, 100/s"));
        assert_eq!(expectation(3_000, 8, None, None), "8 connections, as fast as the relay takes them");
    }
}
