//! `masthead serve`: the readers' web, the outbox of its mails, and a sender of issues.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::Exit;
use super::context::{ConfigArgs, OpenStore, block_on, interruption, relay, signer};
use super::worker::Sender;
use crate::config::Config;
use crate::store::Store;
use crate::web::{self, Site};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where to listen, like 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Leave the sending of issues to `masthead send` and `masthead worker`
    #[arg(long)]
    no_send: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    block_on(async {
        let interrupted = interruption()?;
        let open = OpenStore::open(&config).await?;
        let listen = args.listen.as_deref().unwrap_or(&config.web.listen);
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let site = Arc::new(site(&config, open.store.clone()).await?);
        errln!("serving on http://{}", listener.local_addr()?);
        let relay = match relay(&config) {
            Ok(relay) => Some(relay),
            Err(error) if config.smtp_url.is_none() => {
                errln!("warning: {error}; mails to readers wait in the outbox");
                None
            }
            Err(error) => return Err(error),
        };
        let outbox =
            relay.clone().map(|relay| tokio::spawn(web::outbox::run(site.clone(), relay, config.send.retry.clone())));
        let sender = match relay.filter(|_| !args.no_send) {
            Some(relay) => Some(Sender::new(&config, open.store.clone(), relay).await?),
            None => None,
        };
        let mut shutdown = interrupted.clone();
        let web = web::serve(listener, site, async move {
            shutdown.wait_for(|interrupted| *interrupted).await.ok();
        });
        let send = async {
            if let Some(sender) = &sender {
                sender.work(&config, interrupted).await;
            }
        };
        tokio::join!(web, send);
        if let Some(outbox) = outbox {
            outbox.abort();
            outbox.await.ok();
        }
        open.close().await?;
        Ok(Exit::Done)
    })
}

/// What the pages are made from, by the configuration.
pub(super) async fn site(config: &Config, store: Store) -> anyhow::Result<Site> {
    let mut newsletters = Vec::new();
    let mut signers = HashMap::new();
    let mut notices = HashMap::new();
    for newsletter in &config.newsletters {
        if let Some(signer) = signer(config, &newsletter.letterhead())? {
            signers.insert(newsletter.slug.clone(), signer);
        }
        notices.insert(newsletter.slug.clone(), config.notices(&newsletter.slug));
        newsletters.push((store.newsletter_id(&newsletter.slug).await?, newsletter.clone()));
    }
    Ok(Site {
        store,
        newsletters,
        signers,
        notices,
        trusted_proxies: config.web.trusted_proxies.clone(),
        signups_per_hour: config.web.signups_per_hour,
        queued: Notify::new(),
    })
}
