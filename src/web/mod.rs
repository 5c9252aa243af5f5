//! The readers' web: sign up, confirm, unsubscribe, read online. It needs no JavaScript and sets no cookie.
//!
//! | path | GET | POST |
//! | --- | --- | --- |
//! | `/SLUG` | sign-up form, issues | |
//! | `/SLUG/subscribe` | sign-up form | records the sign-up, queues a confirmation mail |
//! | `/c/TOKEN` | asks | confirms, queues a welcome |
//! | `/u/TOKEN` | asks | unsubscribes; also RFC 8058 one-click; may queue a goodbye |
//! | `/SLUG/104` | the issue | |
//! | `/instance` | which store this is | |
//!
//! A GET changes nothing: mail scanners follow every link.

mod client;
mod error;
pub mod outbox;
mod pages;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tracing::warn;

use crate::message::dkim::Signer;
use crate::newsletter::{Newsletter, Notices, Slug};
use crate::store::Store;

pub use error::Error;

/// Largest body that is read; forms are tiny.
const BODY_LIMIT: usize = 64 * 1024;

/// How long a shutdown waits for requests under way.
const GRACE: Duration = Duration::from_secs(10);

/// The wait after an error of accept, such as too many open files.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// What the pages are made from.
pub struct Site {
    /// The store.
    pub store: Store,
    /// The newsletters with their ids in the store.
    pub newsletters: Vec<(i32, Newsletter)>,
    /// Who signs the mail of those that sign.
    pub signers: HashMap<Slug, Signer>,
    /// What each mails besides its issues.
    pub notices: HashMap<Slug, Notices>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How many sign-ups one client network may make in an hour.
    pub signups_per_hour: u32,
    /// Told when a mail is queued.
    pub queued: Notify,
}

impl Site {
    fn newsletter(&self, slug: &str) -> Option<&(i32, Newsletter)> {
        self.newsletters.iter().find(|(_, newsletter)| newsletter.slug.as_str() == slug)
    }

    fn newsletter_with(&self, newsletter_id: i32) -> Option<&Newsletter> {
        self.newsletters.iter().find(|(id, _)| *id == newsletter_id).map(|(_, newsletter)| newsletter)
    }

    fn notices(&self, newsletter: &Newsletter) -> Notices {
        self.notices.get(&newsletter.slug).copied().unwrap_or_default()
    }
}

/// Answers on `listener` until `shutdown` resolves; requests under way are finished.
///
/// hyper itself rather than `axum::serve`: by default it drops a request whose client hangs up, and mail programs
/// that post a one-click unsubscribe may not wait for the answer.
pub async fn serve(listener: TcpListener, site: Arc<Site>, shutdown: impl Future<Output = ()>) {
    let router = router(site);
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let app = router.clone().layer(Extension(ConnectInfo(peer)));
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .half_close(true)
                    .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
                // A connection that breaks is the client's affair.
                tokio::spawn(graceful.watch(connection));
            }
            Err(error) => {
                warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
    tokio::time::timeout(GRACE, graceful.shutdown()).await.ok();
}

/// All routes.
pub fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(pages::index))
        .route("/instance", get(pages::instance))
        .route("/assets/pages.css", get(pages::stylesheet))
        .route("/c/{token}", get(pages::ask_to_confirm).post(pages::confirm))
        .route("/u/{token}", get(pages::ask_to_unsubscribe).post(pages::unsubscribe))
        .route("/{slug}", get(pages::home))
        .route("/{slug}/subscribe", get(pages::home).post(pages::subscribe))
        .route("/{slug}/{number}", get(pages::issue))
        .fallback(pages::not_found)
        .layer(middleware::from_fn(guard))
        .with_state(site)
}

/// Headers of every page: nothing is loaded from elsewhere, no address leaks by referrer, nothing is kept.
async fn guard(request: axum::extract::Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self' https:; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
