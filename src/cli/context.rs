//! What most commands need: the configuration, and the store with the Postgres under it.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::advise;
use crate::config::{self, Config, ConfigError, Dkim};
use crate::issue::Issue;
use crate::mailer::Relay;
use crate::message::dkim::{Signer, SigningKey};
use crate::newsletter::{Letterhead, Newsletter};
use crate::postgres::PrivatePostgres;
use crate::render;
use crate::store::{Store, StoreError};
use crate::subscriber::EmailAddress;
use crate::theme::Theme;

/// How long each word of the relay may take before the first message where somebody waits for it.
const RELAY_PATIENCE: Duration = Duration::from_secs(10);

/// How often the private Postgres is looked at.
const WATCH: Duration = Duration::from_secs(1);

/// Where `masthead.toml` is read from.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArgs {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = config::FILE)]
    pub(super) config: PathBuf,
}

impl ConfigArgs {
    /// Reads the configuration.
    pub(super) fn load(&self) -> anyhow::Result<Config> {
        load(&self.config)
    }

    /// Who signs a newsletter's mail; without a configuration, nobody.
    pub(super) fn signer_of(&self, newsletter: &Newsletter) -> anyhow::Result<Option<Signer>> {
        if self.config.exists() { signer(&self.load()?, &newsletter.letterhead()) } else { Ok(None) }
    }

    /// The newsletter that an issue is looked at for: the one asked for, the one that it names, the only one;
    /// without a configuration, one as the issue itself suggests it.
    pub(super) fn newsletter_of(&self, issue: &Issue, slug: Option<&str>) -> anyhow::Result<Newsletter> {
        if slug.is_none() && !self.config.exists() {
            return Ok(render::sample_newsletter(issue)?);
        }
        newsletter_for(&self.load()?, issue, slug)
    }
}

/// The newsletter that an issue is for: the one asked for, the one that it names, the only one.
pub(super) fn newsletter_for(config: &Config, issue: &Issue, slug: Option<&str>) -> anyhow::Result<Newsletter> {
    let named = config.newsletters.iter().find(|newsletter| Some(&newsletter.name) == issue.newsletter.as_ref());
    match with_slug(config, issue).or(named).filter(|_| slug.is_none()) {
        Some(named) => Ok(named.clone()),
        None => config.newsletter(slug).cloned().map_err(told),
    }
}

/// The newsletter that an issue is sent for: the one asked for, the one whose slug it says, the only one; a name in a
/// title is not enough.
pub(super) fn sent_newsletter(config: &Config, issue: &Issue, slug: Option<&str>) -> anyhow::Result<Newsletter> {
    match with_slug(config, issue).filter(|_| slug.is_none()) {
        Some(said) => Ok(said.clone()),
        None => config.newsletter(slug).cloned().map_err(told),
    }
}

fn with_slug<'c>(config: &'c Config, issue: &Issue) -> Option<&'c Newsletter> {
    config.newsletters.iter().find(|newsletter| issue.has_slug_of(newsletter))
}

/// Says what a theme's style sheet has that no mail will show.
pub(super) fn warn_of_style(theme: &Theme) {
    for warning in render::style_warnings(theme) {
        errln!("warning: {warning}");
    }
}

/// Reads the configuration at `path`, with this process's environment over it.
pub(super) fn load(path: &Path) -> anyhow::Result<Config> {
    read_config(path).map_err(told)
}

/// The same, with what is wrong as it is.
pub(super) fn read_config(path: &Path) -> Result<Config, ConfigError> {
    // Names and values that are not Unicode are none of ours.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(path, environment)
}

/// A configuration error with its remedy.
pub(super) fn told(error: ConfigError) -> anyhow::Error {
    match &error.hint {
        Some(hint) => advise(&error.to_string(), hint),
        None => error.into(),
    }
}

/// An open store, with the private Postgres kept running under it where none is configured.
pub(super) struct OpenStore {
    pub(super) store: Store,
    private: Option<Private>,
}

/// The private Postgres, with the task that starts it again when something stops it.
struct Private {
    postgres: Arc<PrivatePostgres>,
    keeper: JoinHandle<()>,
}

impl Private {
    fn new(postgres: PrivatePostgres) -> Self {
        let postgres = Arc::new(postgres);
        let kept = postgres.clone();
        let keeper = tokio::spawn(async move {
            loop {
                tokio::time::sleep(WATCH).await;
                let kept = kept.clone();
                if let Ok(Err(error)) = tokio::task::spawn_blocking(move || kept.keep()).await {
                    tracing::warn!(%error, "the private Postgres is gone and cannot be started");
                }
            }
        });
        Self { postgres, keeper }
    }

    /// Ends the watch, and hands the server back.
    async fn end(self) -> PrivatePostgres {
        self.keeper.abort();
        self.keeper.await.ok();
        let mut postgres = self.postgres;
        loop {
            // A look at the server that was under way has it for a moment yet.
            match Arc::try_unwrap(postgres) {
                Ok(postgres) => return postgres,
                Err(shared) => postgres = shared,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl OpenStore {
    /// Connects to the configured Postgres, or starts or joins the private one.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            let store = Store::open(url.reveal()).await.map_err(|error| {
                let remedy = "see that Postgres runs where DATABASE_URL, or `url` under [database], says";
                match error {
                    StoreError::Database(_) | StoreError::Silent(_) => advise(&error.to_string(), remedy),
                    error => error.into(),
                }
            })?;
            return Ok(Self { store, private: None });
        }
        let postgres = start_private(config).await?;
        let store = Store::open(&postgres.url()).await?;
        Ok(Self { store, private: Some(Private::new(postgres)) })
    }

    /// Closes the store, and stops the private Postgres when this is its last user.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.store.close().await;
        if let Some(private) = self.private {
            let postgres = private.end().await;
            tokio::task::spawn_blocking(move || postgres.leave()).await??;
        }
        Ok(())
    }

    /// Closes the store, and with `throw_away` deletes the private Postgres when this is its last user.
    pub(super) async fn end(self, throw_away: bool) -> anyhow::Result<()> {
        if !throw_away {
            return self.close().await;
        }
        self.store.close().await;
        if let Some(private) = self.private {
            let postgres = private.end().await;
            tokio::task::spawn_blocking(move || postgres.remove()).await??;
        }
        Ok(())
    }

    /// The id of a newsletter in the store.
    pub(super) async fn newsletter_id(&self, newsletter: &Newsletter) -> anyhow::Result<i32> {
        Ok(self.store.newsletter_id(&newsletter.slug).await?)
    }
}

/// Starts or joins the private Postgres.
pub(super) async fn start_private(config: &Config) -> anyhow::Result<PrivatePostgres> {
    let data = config.data.clone();
    Ok(tokio::task::spawn_blocking(move || PrivatePostgres::start(&data)).await??)
}

/// The configured relay.
pub(super) fn relay(config: &Config) -> anyhow::Result<Relay> {
    let url = config.smtp_url.as_ref().ok_or_else(|| {
        advise(
            "there is no relay to send through",
            "set SMTP_URL, or `url` under [smtp], like `smtps://user:password@smtp.example.org`",
        )
    })?;
    let relay = Relay::parse(url.reveal())?;
    Ok(relay.with_window(config.send.window).with_pipelining(config.send.pipelining))
}

/// The same for somebody who waits in front of it.
pub(super) fn attended_relay(config: &Config) -> anyhow::Result<Relay> {
    Ok(relay(config)?.within(RELAY_PATIENCE))
}

/// Who signs mail with a letterhead, by the configuration; what is odd about it is said.
pub(super) fn signer(config: &Config, letterhead: &Letterhead) -> anyhow::Result<Option<Signer>> {
    let Some(dkim) = config.dkim(&letterhead.slug) else { return Ok(None) };
    for (what, remedy) in dkim_oddities(dkim, &letterhead.from.address) {
        errln!("warning: {what}; {remedy}");
    }
    read_signer(dkim).map(Some)
}

/// The signer with the configured key.
pub(super) fn read_signer(dkim: &Dkim) -> anyhow::Result<Signer> {
    let file = dkim.key_file.display();
    if dkim.key_file.is_dir() {
        let remedy = "name the file in it that holds the key; `masthead doctor --new-key` makes one";
        return Err(advise(&format!("the DKIM key `{file}` is a directory"), remedy));
    }
    let pem = std::fs::read_to_string(&dkim.key_file).map_err(|error| {
        advise(&format!("the DKIM key `{file}` cannot be read: {error}"), "`masthead doctor --new-key` makes one")
    })?;
    let key = SigningKey::from_pem(&pem).with_context(|| format!("the DKIM key `{file}`"))?;
    Ok(Signer::new(key, dkim.name.clone()))
}

/// What is odd about a key before anything is signed with it, and what to do about it.
pub(super) fn dkim_oddities(dkim: &Dkim, from: &EmailAddress) -> Vec<(String, String)> {
    let mut oddities = Vec::new();
    let file = dkim.key_file.display();
    let key = std::fs::metadata(&dkim.key_file).ok().filter(std::fs::Metadata::is_file);
    let mode = key.map_or(0, |file| file.permissions().mode());
    if mode & 0o077 != 0 {
        oddities.push((format!("other users may read the DKIM key `{file}`"), format!("run `chmod 600 {file}`")));
    }
    oddities.extend(misaligned(dkim, from));
    oddities
}

/// What is odd about a key of another domain than mail is from, and what to do about it.
pub(super) fn misaligned(dkim: &Dkim, from: &EmailAddress) -> Option<(String, String)> {
    if dkim.name.is_aligned_with(from) {
        return None;
    }
    let (signs, from) = (dkim.name.domain(), from.domain());
    let what = format!("DKIM signs for {signs}, mail is from {from}: DMARC does not count that");
    Some((what, format!("let `domain` under [dkim] be {from}")))
}

/// Ctrl-C, SIGTERM and a terminal that is closed, which end the process no longer.
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// None under nohup, which wants the process to go on without a terminal.
    hangup: Option<Signal>,
}

impl Interrupts {
    pub(super) fn catch() -> anyhow::Result<Self> {
        let hangup = (!ignores_hangup()).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hangup })
    }

    /// Waits for the next.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            Some(_) = async { self.hangup.as_mut()?.recv().await } => {}
        }
    }
}

/// Whether this process was started to outlive its terminal, as Linux tells; elsewhere a closed terminal ends it.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    // The lowest bit is SIGHUP, signal 1.
    mask.is_none_or(|mask| mask & 1 == 1)
}

/// A signal that turns true at the first [interrupt](Interrupts); at the second the process ends at once.
pub(super) fn interruption() -> anyhow::Result<watch::Receiver<bool>> {
    let mut interrupts = Interrupts::catch()?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            interrupts.next().await;
            if *sender.borrow() {
                std::process::exit(130);
            }
            sender.send_replace(true);
            // The terminal may be gone.
            writeln!(io::stderr(), "stopping: messages under way are finished (again to stop at once)").ok();
        }
    });
    Ok(receiver)
}

/// Runs a command that needs the network or the store.
pub(super) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    Builder::new_multi_thread().enable_all().build()?.block_on(future)
}

/// How many messages in flight over a connection are worth all cores.
const WIDE: usize = 8;

/// Whether a send is worth all cores. One thread keeps most wires busy, and several would wake each other for every
/// message; but signatures take a hundred times as long as all else, and of a wide window much is there at once.
pub(super) fn wants_all_cores(is_signed: bool, window: usize) -> bool {
    is_signed || window >= WIDE
}

/// Runs what sends.
pub(super) fn block_on_sending<T>(
    on_all_cores: bool,
    future: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    if on_all_cores { block_on(future) } else { Builder::new_current_thread().enable_all().build()?.block_on(future) }
}
