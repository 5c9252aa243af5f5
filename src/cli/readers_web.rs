//! What answers where the mailed links lead.

use std::time::Duration;

use crate::newsletter::BaseUrl;
use crate::store::Store;

/// How long the base URL has to answer.
const DEADLINE: Duration = Duration::from_secs(3);

/// Whose pages are at a base URL.
pub(super) enum Instance {
    /// Those of a `serve` on this store.
    This,
    /// Those of a `serve` on another store.
    Other,
    /// Something that is no `serve`.
    Unknown,
    /// Nobody's, with the reason.
    Silent(String),
}

/// Asks a base URL which store it serves.
pub(super) async fn instance(store: &Store, base_url: &BaseUrl) -> anyhow::Result<Instance> {
    Ok(match get(format!("{base_url}/instance")).await? {
        Ok(instance) if instance == store.instance() => Instance::This,
        Ok(instance) if instance.len() == 32 && instance.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Instance::Other
        }
        Ok(_) | Err(ureq::Error::StatusCode(_) | ureq::Error::BodyExceedsLimit(_)) => Instance::Unknown,
        Err(error) => Instance::Silent(error.to_string()),
    })
}

/// The page at an address, 64 KB at most.
pub(super) async fn get(url: String) -> anyhow::Result<Result<String, ureq::Error>> {
    let answer = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(DEADLINE)).build().into();
        agent.get(&url).call()?.body_mut().with_config().limit(64 * 1024).read_to_string()
    });
    Ok(answer.await?)
}
