//! What the store remembers, for who only looks: nothing is made, and nothing is written.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;

use super::super::context::{block_on, start_private};
use super::super::told_once;
use crate::config::Config;
use crate::issue::Archive;
use crate::newsletter::Slug;
use crate::postgres::PrivatePostgres;
use crate::store;

/// How long the store has for its answer; an editor waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fills the newsletters' archives from the store, if there is one. Without it the check goes on, with a warning.
pub(in crate::cli) fn recall(config: &Config, archives: &mut BTreeMap<Option<Slug>, Archive>) {
    if config.database_url.is_none() && !PrivatePostgres::is_made(&config.data) {
        return;
    }
    if let Err(error) = block_on(ask(config, archives)) {
        errln!("warning: not checked against the link memory: {}", told_once(&error));
    }
}

async fn ask(config: &Config, archives: &mut BTreeMap<Option<Slug>, Archive>) -> anyhow::Result<()> {
    if let Some(url) = &config.database_url {
        return read(url.reveal(), archives).await;
    }
    let postgres = start_private(config).await?;
    let answer = read(&postgres.url(), archives).await;
    tokio::task::spawn_blocking(move || postgres.leave()).await??;
    answer
}

async fn read(url: &str, archives: &mut BTreeMap<Option<Slug>, Archive>) -> anyhow::Result<()> {
    for (slug, archive) in archives.iter_mut() {
        let Some(slug) = slug else { continue };
        let read = tokio::time::timeout(PATIENCE, store::read_archive(url, slug));
        *archive = read.await.context("the database does not answer")??;
    }
    Ok(())
}
