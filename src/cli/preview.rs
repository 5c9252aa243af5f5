//! `masthead preview`: the email in the browser, live.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Exit;
use super::check::memory;
use super::context::{ConfigArgs, Interrupts, OpenStore, load, relay};
use super::parse::read;
use crate::config::Config;
use crate::issue::Archive;
use crate::mailer::Relay;
use crate::newsletter::{Newsletter, Slug};
use crate::postgres::PrivatePostgres;
use crate::preview::{Desk, Preview, Source};
use crate::store::Store;

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
    let config = args.config.config.exists().then(|| args.config.load()).transpose()?;
    // A file with an error in it is shown with the error; its newsletter is the sample's then.
    let newsletter = match (read(&args.file), args.newsletter.as_deref()) {
        (Ok(issue), slug) => Some(args.config.newsletter_of(&issue, slug)?),
        (Err(_), _) => None,
    };
    let archive = archive(config.as_ref(), newsletter.as_ref());
    let signer = newsletter.as_ref().map(|newsletter| args.config.signer_of(newsletter)).transpose()?.flatten();
    let css = args.css.clone();
    let check = config.as_ref().map(|config| config.check.clone()).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut interrupts = Interrupts::catch()?;
        let preview =
            Preview::listen(args.listen).await.with_context(|| format!("cannot preview on {}", args.listen))?;
        let open = open_store(config.as_ref()).await;
        let desk = Desk { store: store(&open, newsletter.as_ref()).await, relay: proofs_through(config.as_ref()) };
        outln!("{}", preview.url());
        let (config_file, slug) = (args.config.config.clone(), newsletter.map(|newsletter| newsletter.slug));
        let newsletter = Box::new(move || configured(&config_file, slug.as_ref()));
        let source = Source { file: args.file.clone(), css, newsletter, signer, check, archive };
        let approved = |digest: &str| eprintln!("approved {digest}");
        let served = preview.serve(source, desk, approved, async move { interrupts.next().await }).await;
        if let Ok(open) = open {
            open.close().await?;
        }
        served?;
        Ok(Exit::Done)
    })
}

/// A newsletter as the file configures it now, its style sheet too; none where there is no such file.
fn configured(file: &Path, slug: Option<&Slug>) -> Result<Option<Newsletter>, String> {
    let Some(slug) = slug.filter(|_| file.exists()) else { return Ok(None) };
    let config = load(file).map_err(|error| format!("{error:#}"))?;
    config.newsletter(Some(slug.as_str())).map(|newsletter| Some(newsletter.clone())).map_err(|error| error.to_string())
}

const NO_CONFIGURATION: &str = "there is no masthead.toml here; `masthead init` writes one.";

/// Opens the store, if there is one; a preview makes none.
async fn open_store(config: Option<&Config>) -> Result<OpenStore, String> {
    let config = config.ok_or(NO_CONFIGURATION)?;
    if config.database_url.is_none() && !PrivatePostgres::is_made(&config.data) {
        return Err("there is no store yet; the first import or send makes it.".to_owned());
    }
    OpenStore::open(config).await.map_err(|error| format!("the store cannot be opened: {error:#}."))
}

async fn store(open: &Result<OpenStore, String>, newsletter: Option<&Newsletter>) -> Result<(Store, i32), String> {
    let open = open.as_ref().map_err(Clone::clone)?;
    let newsletter = newsletter.ok_or("the file could not be read at first; start the preview again.")?;
    let id = open.newsletter_id(newsletter).await.map_err(|error| format!("{error:#}"))?;
    Ok((open.store.clone(), id))
}

fn proofs_through(config: Option<&Config>) -> Result<Relay, String> {
    relay(config.ok_or(NO_CONFIGURATION)?).map_err(|error| format!("{error:#}"))
}

/// The issues that the store remembers of a newsletter.
fn archive(config: Option<&Config>, newsletter: Option<&Newsletter>) -> Archive {
    let (Some(config), Some(newsletter)) = (config, newsletter) else { return Archive::new() };
    let mut archives = BTreeMap::from([(Some(newsletter.slug.clone()), Archive::new())]);
    memory::recall(config, &mut archives);
    archives.into_values().next().unwrap_or_default()
}
