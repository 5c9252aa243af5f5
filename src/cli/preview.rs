//! `masthead preview`: the email in the browser, live.

mod kept;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::check::memory;
use super::context::{
    self, ConfigArgs, Interrupts, OpenStore, attended_relay, newsletter_for, read_config, read_signer,
};
use super::parse::read;
use super::{Exit, told_once};
use crate::config::{Config, Dkim};
use crate::issue::{Archive, Issue};
use crate::message::dkim::Signer;
use crate::newsletter::Slug;
use crate::postgres::PrivatePostgres;
use crate::preview::{Desk, Opening, Preview, Project, Shelf, Source, Trouble};
use kept::Kept;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issue file
    file: PathBuf,
    /// Where to listen, on loopback only; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A style sheet of your own, inlined on top of the newsletter's
    #[arg(long, value_name = "FILE")]
    css: Option<PathBuf>,
    /// The newsletter, where there are several
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs the command until it is interrupted or terminated.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    for file in std::iter::once(&args.file).chain(&args.css) {
        std::fs::metadata(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    }
    // a file with an error in it is shown with the error, until it is mended
    if let Ok(issue) = read(&args.file) {
        let newsletter = args.config.newsletter_of(&issue, args.newsletter.as_deref())?;
        args.config.signer_of(&newsletter)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut interrupts = Interrupts::catch()?;
        let preview =
            Preview::listen(args.listen).await.with_context(|| format!("cannot preview on {}", args.listen))?;
        let cabinet = Arc::new(Cabinet { config: args.config.config.clone(), open: Default::default() });
        let config = args.config.config.clone();
        let relay = Box::new(move || {
            let config = configured(&config).map_err(|trouble| trouble.what)?;
            attended_relay(&config).map_err(told)
        });
        let desk = Desk { shelf: Box::new(cabinet.clone()), relay };
        let office = Office {
            config: args.config.config.clone(),
            newsletter: args.newsletter.clone(),
            configured: Mutex::default(),
            signers: Mutex::default(),
            archives: Mutex::default(),
        };
        let project = Box::new(move |issue: &Issue| office.project(issue));
        let source = Source { file: args.file.clone(), css: args.css.clone(), project };
        outln!("{}", preview.url());
        let approved = |digest: &str| errln!("approved {digest}");
        let served = preview.serve(source, desk, approved, async move { interrupts.next().await }).await;
        cabinet.close().await?;
        served?;
        Ok(Exit::Done)
    })
}

/// What is said of a failure on the page.
fn told(error: anyhow::Error) -> String {
    told_once(&error)
}

/// The configuration as it is now.
fn configured(file: &Path) -> Result<Config, Trouble> {
    if !file.exists() {
        let what = format!("there is no `{}`; `masthead init` writes one.", file.display());
        return Err(Trouble::at(file, None, what));
    }
    read_config(file).map_err(|error| {
        let (place, line) = (error.place.clone(), error.line);
        Trouble::at(Path::new(&place), line, told(context::told(error)))
    })
}

/// Knows what is configured at the moment; what is broken it reads at every look.
struct Office {
    config: PathBuf,
    /// The newsletter that was asked for.
    newsletter: Option<String>,
    /// The configuration, as it last could be read.
    configured: Mutex<Option<Kept<Arc<Config>>>>,
    /// What signs the mail, by its key's file and name.
    signers: Mutex<BTreeMap<(PathBuf, String), Kept<Signer>>>,
    /// What the store remembers, asked once for each newsletter.
    archives: Mutex<BTreeMap<Slug, Arc<Archive>>>,
}

impl Office {
    /// What is configured for an issue; an error in the configuration is one of the preview.
    fn project(&self, issue: &Issue) -> Result<Project, Trouble> {
        if !self.config.exists() {
            return Ok(Project::none(&format!("there is no `{}`.", self.config.display())));
        }
        let config = self.configured()?;
        let newsletter = newsletter_for(&config, issue, self.newsletter.as_deref())
            .map_err(|error| Trouble::at(&self.config, None, told(error)))?;
        let signer = config
            .dkim(&newsletter.slug)
            .map(|dkim| self.signer(dkim).map_err(|what| Trouble::at(&dkim.key_file, None, what)));
        let signer = signer.transpose()?;
        let archive = self.archive(&config, &newsletter.slug);
        Ok(Project { newsletter: Ok(newsletter), signer, check: config.check.clone(), archive })
    }

    fn configured(&self) -> Result<Arc<Config>, Trouble> {
        let mut last = self.configured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = last.as_ref().filter(|kept| kept.is_current()) {
            return Ok(kept.value.clone());
        }
        let files = |config: &Arc<Config>| std::iter::once(&self.config).chain(&config.style_sheets).cloned().collect();
        let kept = Kept::read(|| configured(&self.config).map(Arc::new), files)?;
        Ok(last.insert(kept).value.clone())
    }

    fn signer(&self, dkim: &Dkim) -> Result<Signer, String> {
        let mut known = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (dkim.key_file.clone(), dkim.name.to_string());
        if let Some(kept) = known.get(&key).filter(|kept| kept.is_current()) {
            return Ok(kept.value.clone());
        }
        let kept = Kept::read(|| read_signer(dkim).map_err(told), |_| vec![dkim.key_file.clone()])?;
        let signer = kept.value.clone();
        known.insert(key, kept);
        Ok(signer)
    }

    fn archive(&self, config: &Config, slug: &Slug) -> Arc<Archive> {
        let mut known = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(slug.clone()).or_insert_with(|| recalled(config, slug)).clone()
    }
}

/// The issues that the store remembers of a newsletter.
fn recalled(config: &Config, slug: &Slug) -> Arc<Archive> {
    let mut archives = BTreeMap::from([(Some(slug.clone()), Archive::new())]);
    memory::recall(config, &mut archives);
    archives.into_values().next().unwrap_or_default().into()
}

/// How long a store that could not be opened is left alone.
const REST: Duration = Duration::from_secs(10);

/// Opens the store when it is first needed.
struct Cabinet {
    config: PathBuf,
    open: tokio::sync::Mutex<Drawer>,
}

#[derive(Default)]
struct Drawer {
    store: Option<OpenStore>,
    /// When it could last not be opened, and why.
    stuck: Option<(Instant, String)>,
}

impl Shelf for Arc<Cabinet> {
    fn store(&self, make: bool) -> Opening<'_> {
        Box::pin(async move {
            let mut drawer = self.open.lock().await;
            if let Some(open) = &drawer.store {
                return Ok(Some(open.store.clone()));
            }
            if let Some((since, why)) = drawer.stuck.as_ref().filter(|_| !make)
                && since.elapsed() < REST
            {
                return Err(why.clone());
            }
            let config = configured(&self.config).map_err(|trouble| trouble.what)?;
            if !make && config.database_url.is_none() && !PrivatePostgres::is_made(&config.data) {
                return Ok(None);
            }
            match OpenStore::open(&config).await {
                Ok(open) => Ok(Some(drawer.store.insert(open).store.clone())),
                Err(error) => {
                    let why = format!("the store cannot be opened: {}.", told_once(&error));
                    drawer.stuck = Some((Instant::now(), why.clone()));
                    Err(why)
                }
            }
        })
    }
}

impl Cabinet {
    async fn close(&self) -> anyhow::Result<()> {
        match self.open.lock().await.store.take() {
            Some(open) => open.close().await,
            None => Ok(()),
        }
    }
}
