//! `masthead demo`: the whole weekly on this machine, from the file to the inbox and back.
//!
//! Nothing is pretended: the private Postgres, the readers' web over HTTP, and every mail over SMTP into the mail
//! catcher. Each step checks that it really happened.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use mail_parser::MessageParser;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::context::{OpenStore, block_on, interruption, told};
use super::ledger::LedgerView;
use super::send::{Ready, freeze, number_of, plan};
use super::{Exit, advise, init, parse, serve};
use crate::catcher::{self, Catcher, Mail, Options};
use crate::config::{self, Config};
use crate::dispatch::{self, Progress};
use crate::issue::{self, Issue};
use crate::mailer::Relay;
use crate::newsletter::{Newsletter, Slug};
use crate::store::ImportRow;
use crate::subscriber::EmailAddress;
use crate::web;

/// The issue that is published when no file is given.
const SAMPLE: &[u8] = include_bytes!("../../deploy/sample-issue.md");

/// How many sample readers there are.
const READERS: usize = 200;

/// The reader who signs up through the page.
const NEWCOMER: &str = "newcomer@example.com";

/// The reader who leaves through the link in the mail.
const LEAVER: &str = "reader-007@example.com";

/// How long a mail may take from one end of the demo to the other.
const PATIENCE: Duration = Duration::from_secs(60);

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Leave when done instead of waiting for Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Keep masthead.toml, .masthead/ and the Maildir mail/ in this folder; a temporary one without it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The issue file; a sample without it
    file: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let sample = Path::new("the sample issue");
    let (name, issue) = match &args.file {
        Some(file) => (file.as_path(), parse::read(file)?),
        None => (sample, issue::parse(SAMPLE)?),
    };
    number_of(name, &issue)?;
    let folder = Folder::new(args.dir.as_deref())?;
    block_on(async {
        let mut interrupted = interruption()?;
        let mut demo = tokio::select! {
            demo = Demo::start(&folder.path, &issue) => demo?,
            _ = interrupted.wait_for(|interrupted| *interrupted) => return Ok(Exit::Findings),
        };
        let shown = async {
            let number = tokio::select! {
                played = demo.play(name, &issue) => played?,
                _ = interrupted.wait_for(|interrupted| *interrupted) => anyhow::bail!("interrupted"),
            };
            demo.show_addresses(&folder, number)?;
            if !args.exit {
                outln!("\nCtrl-C ends the demo.");
                interrupted.wait_for(|interrupted| *interrupted).await.ok();
            }
            Ok(())
        }
        .await;
        demo.end(folder.temporary).await?;
        shown.map(|()| Exit::Done)
    })
}

/// Where the demo keeps its files.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn new(dir: Option<&Path>) -> anyhow::Result<Self> {
        let (path, temporary) = match dir {
            Some(dir) => (dir.to_owned(), false),
            None => (std::env::temp_dir().join(format!("masthead-demo-{}", std::process::id())), true),
        };
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        let path = path.canonicalize().with_context(|| format!("cannot use `{}`", path.display()))?;
        if path.join(config::FILE).exists() {
            return Err(advise(
                &format!("`{}` has a masthead.toml already", path.display()),
                "name a new or empty folder with --dir",
            ));
        }
        Ok(Self { path, temporary })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            std::fs::remove_dir_all(&self.path).ok();
        }
    }
}

/// Everything that runs while the demo does.
struct Demo {
    config: Config,
    newsletter: Newsletter,
    newsletter_id: i32,
    open: OpenStore,
    catcher: Catcher,
    relay: Relay,
    inbox: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Demo {
    /// Starts Postgres, the catcher and the readers' web.
    async fn start(folder: &Path, issue: &Issue) -> anyhow::Result<Self> {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let readers_web = TcpListener::bind(loopback).await?;
        let base_url = format!("http://{}", readers_web.local_addr()?);
        let name = issue.newsletter.as_deref().unwrap_or("Sample Weekly");
        let slug = Slug::suggest(name);
        let from = "editor@newsletter.example.org";
        let address = "1 Harbour Street, 12345 Example City";
        let text = init::configuration(&slug, name, from, &base_url, address, &issue.language);
        let path = folder.join(config::FILE);
        std::fs::write(&path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
        // Nothing of the user's own environment: no real relay, no real database.
        let config = Config::parse(&path, &text, []).map_err(told)?;
        let newsletter = config.newsletter(None).map_err(told)?.clone();

        step("Postgres", "starting a private one; the first time it makes its cluster")?;
        let open = OpenStore::open(&config).await?;
        let newsletter_id = open.newsletter_id(&newsletter).await?;
        let maildir = Some(folder.join("mail"));
        let catcher = Catcher::start(loopback, Options { maildir, ..Options::default() }).await?;
        let relay = Relay::parse(&format!("smtp://{}", catcher.address()))?;
        let inbox_web = TcpListener::bind(loopback).await?;
        let inbox = inbox_web.local_addr()?;
        let caught = catcher::web(&catcher);
        let site = Arc::new(serve::site(&config, open.store.clone()).await?);
        let outbox = web::outbox::run(site.clone(), relay.clone(), config.send.retry.clone());
        let tasks = vec![
            tokio::spawn(outbox),
            tokio::spawn(web::serve(readers_web, site, std::future::pending())),
            tokio::spawn(async move {
                axum::serve(inbox_web, caught).await.ok();
            }),
        ];
        Ok(Self { config, newsletter, newsletter_id, open, catcher, relay, inbox, tasks })
    }

    /// Plays the weekly through; returns the number of the issue.
    async fn play(&mut self, file: &Path, issue: &Issue) -> anyhow::Result<u32> {
        let rows = sample_readers()?;
        let counts =
            self.open.store.import(self.newsletter_id, &rows, "imported", "sample readers of the demo").await?;
        ensure!(counts.added == READERS as u64, "only {} of {READERS} sample readers came in", counts.added);
        step("Readers", &format!("{READERS} imported"))?;
        self.sign_up().await?;

        let first = Ready::new(file, issue.clone(), self.newsletter.clone())?;
        let items: usize = issue.sections.iter().map(|section| section.items.len()).sum();
        step(
            "Issue",
            &format!(
                "{}: {} sections, {items} items, {} KB of HTML",
                first.rendered.subject,
                issue.sections.len(),
                first.rendered.html.len() / 1000
            ),
        )?;
        for repair in &issue.repairs {
            step("", &format!("{} mended in {} places, the first on line {}", repair.what, repair.count, repair.line))?;
        }
        let ledger = self.send(&first).await?;
        ensure!(ledger.summary.audience == READERS as u64 + 1, "the audience is {}", ledger.summary.audience);
        self.unsubscribe(first.number).await?;

        let next = Issue { number: Some(first.number + 1), ..issue.clone() };
        let second = Ready::new(file, next, self.newsletter.clone())?;
        let ledger = self.send(&second).await?;
        ensure!(ledger.summary.audience == READERS as u64, "the audience is {}", ledger.summary.audience);
        self.verify(second.number)?;
        Ok(first.number)
    }

    /// One reader signs up on the page, opens the mail, and presses the button.
    async fn sign_up(&self) -> anyhow::Result<()> {
        let before = self.catcher.accepted();
        post(format!("{}/subscribe", self.newsletter.home_url()), &format!("email={}", NEWCOMER.replace('@', "%40")))
            .await?;
        self.mails(before + 1).await?;
        let mail = self.mail_to(NEWCOMER, None)?;
        let text = MessageParser::default()
            .parse(&mail.raw)
            .and_then(|message| message.body_text(0).map(|text| text.into_owned()))
            .context("the confirmation mail has no text part")?;
        let prefix = self.newsletter.confirm_url("");
        let link = text
            .split_whitespace()
            .find(|word| word.starts_with(&prefix))
            .context("the confirmation mail has no link in its text part")?
            .to_owned();
        get(link.clone()).await?;
        ensure!(self.state_of(NEWCOMER).await? == "pending", "a GET confirmed the sign-up");
        post(link, "").await?;
        ensure!(self.state_of(NEWCOMER).await? == "active", "the confirmation did not take");
        self.mails(before + 2).await?;
        step("Sign-up", &format!("{NEWCOMER} signed up on the page, confirmed through the mail, and was welcomed"))
    }

    /// Sends an issue to everybody, through SMTP.
    async fn send(&self, ready: &Ready) -> anyhow::Result<LedgerView> {
        let store = &self.open.store;
        let issue = freeze(store, self.newsletter_id, ready, None).await?;
        store.snapshot(issue.id).await?;
        let plan = plan(&self.config, store.clone(), self.relay.clone(), &self.newsletter, None, issue).await?;
        let (_never, interrupt) = tokio::sync::watch::channel(false);
        dispatch::run(plan, Arc::new(Progress::default()), interrupt).await?;
        let ledger = LedgerView::read(store, &self.newsletter, self.newsletter_id, ready.number).await?;
        out!("\n");
        out!("{}", ledger.text());
        out!("\n");
        ensure!(ledger.exit() == Exit::Done, "not everybody was mailed");
        Ok(ledger)
    }

    /// One reader leaves through the link in the caught mail.
    async fn unsubscribe(&self, number: u32) -> anyhow::Result<()> {
        let mail = self.mail_to(LEAVER, Some(number))?;
        let message = MessageParser::default().parse(&mail.raw).context("a caught mail cannot be read")?;
        let header = message.header_raw("List-Unsubscribe").context("a mail has no List-Unsubscribe")?;
        let link = header.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
        get(link.clone()).await?;
        ensure!(self.state_of(LEAVER).await? == "active", "a GET unsubscribed the reader");
        post(link, "List-Unsubscribe=One-Click").await?;
        ensure!(self.state_of(LEAVER).await? == "unsubscribed", "the one-click POST did not unsubscribe the reader");
        step("Leaving", &format!("{LEAVER} left through List-Unsubscribe, by one-click POST"))
    }

    /// Counts the caught mails: confirmation and welcome, one a reader and issue, none twice, the leaver's only once.
    fn verify(&self, last: u32) -> anyhow::Result<()> {
        let mails = self.catcher.mails();
        let mut message_ids = HashSet::new();
        for mail in &mails {
            let message = MessageParser::default().parse(&mail.raw).context("a caught mail cannot be read")?;
            let message_id = message.message_id().context("a mail has no Message-ID")?.to_owned();
            ensure!(message_ids.insert(message_id), "two mails share a Message-ID");
        }
        let expected = 2 + (READERS + 1) + READERS;
        ensure!(mails.len() == expected, "{} mails were caught, {expected} were due", mails.len());
        ensure!(self.mail_to(LEAVER, Some(last)).is_err(), "the reader who left was mailed");
        step("Checked", &format!("{expected} mails caught, one each, none to the reader who left"))
    }

    /// The mail to an address, the one of an issue or the confirmation.
    fn mail_to(&self, address: &str, number: Option<u32>) -> anyhow::Result<Arc<Mail>> {
        let feedback_id = number.map(|number| format!("\r\nFeedback-ID: {number}:"));
        let wanted = |mail: &Mail| {
            let head = String::from_utf8_lossy(&mail.raw[..mail.raw.len().min(4_000)]).into_owned();
            mail.to.iter().any(|to| to == address)
                && feedback_id.as_ref().map_or(head.contains("\r\nAuto-Submitted:"), |id| head.contains(id))
        };
        self.catcher.mails().into_iter().find(|mail| wanted(mail)).with_context(|| format!("no mail came to {address}"))
    }

    async fn mails(&self, count: usize) -> anyhow::Result<()> {
        timeout(PATIENCE, self.catcher.wait_for(count)).await.context("a mail did not arrive in time")
    }

    async fn state_of(&self, address: &str) -> anyhow::Result<String> {
        let profile = self.open.store.profile(&EmailAddress::parse(address)?).await?;
        let state = profile.and_then(|profile| profile.subscriptions.into_iter().next().map(|(_, state, _)| state));
        state.with_context(|| format!("{address} is not known"))
    }

    fn show_addresses(&self, folder: &Folder, number: u32) -> anyhow::Result<()> {
        out!("\n");
        step("Look at", &format!("the caught mails    http://{}/", self.inbox))?;
        step("", &format!("the sign-up page    {}", self.newsletter.home_url()))?;
        step("", &format!("the issue, online   {}", self.newsletter.issue_url(number)))?;
        if !folder.temporary {
            step("", &format!("the Maildir         {}", folder.path.join("mail").display()))?;
            step("", &format!("the configuration   {}", folder.path.join(config::FILE).display()))?;
        }
        Ok(())
    }

    /// Stops everything, Postgres last; what lay in a temporary folder is gone then.
    async fn end(self, temporary: bool) -> anyhow::Result<()> {
        for task in &self.tasks {
            task.abort();
        }
        self.catcher.shutdown().await;
        self.open.end(temporary).await
    }
}

fn step(what: &str, how: &str) -> anyhow::Result<()> {
    outln!("{what:<10} {how}");
    Ok(())
}

/// Readers of every kind of name.
fn sample_readers() -> anyhow::Result<Vec<ImportRow>> {
    const NAMES: [&str; 8] =
        ["Ann Example", "Müller, Hans", "李小龙", "Ólafur Þór", "نور الهدى", "O'Brien \"Bo\"", "Мария", "Jo"];
    (1..=READERS)
        .map(|n| {
            Ok(ImportRow {
                address: EmailAddress::parse(&format!("reader-{n:03}@example.com"))?,
                name: (n % 3 > 0).then(|| NAMES[n % NAMES.len()].to_owned()),
                unsubscribed: false,
            })
        })
        .collect()
}

/// Follows a link as a browser or a scanner does.
async fn get(url: String) -> anyhow::Result<()> {
    spawn_blocking(move || {
        let status = ureq::get(&url).call().with_context(|| format!("GET {url}"))?.status();
        if status != 200 { bail!("GET {url}: {status}") } else { Ok(()) }
    })
    .await?
}

/// Sends a form as a browser does.
async fn post(url: String, form: &str) -> anyhow::Result<()> {
    let form = form.to_owned();
    spawn_blocking(move || {
        let request = ureq::post(&url).header("Content-Type", "application/x-www-form-urlencoded");
        let status = request.send(form).with_context(|| format!("POST {url}"))?.status();
        if status != 200 { bail!("POST {url}: {status}") } else { Ok(()) }
    })
    .await?
}
