//! The preview: what will be mailed, in the operator's browser, again after every change of the file.
//!
//! It shows unpublished work, so it answers on loopback only, under a path that nobody can guess,
//! to the exact `Host` it was given, and to no page of another origin.
//! The email lies in a sandboxed frame: no script, no form; the page itself loads nothing from outside.

mod source;

pub use source::Source;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::templates;
use source::Shown;

/// What the page may load: its own style and script, and the frame.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                           frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the email may load: its inlined style, and pictures as in an inbox.
const EMAIL_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src https:; \
                            base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// A preview that is ready to be served.
#[derive(Debug)]
pub struct Preview {
    listener: TcpListener,
    address: SocketAddr,
    secret: String,
}

impl Preview {
    /// Listens on an address of this machine; refuses every other.
    pub async fn listen(address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let why = format!("the preview listens on loopback only, not on {address}; use 127.0.0.1");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).map_err(|_| io::Error::other("the system gives no random numbers"))?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, secret: random.iter().map(|byte| format!("{byte:02x}")).collect() })
    }

    /// Where the operator finds it: `http://127.0.0.1:4000/9d0c…/`.
    pub fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.secret)
    }

    /// Serves until `shutdown`, and watches the files meanwhile.
    pub async fn serve(self, source: Source, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let (sender, shown) = watch::channel(Arc::new(source.read()));
        let watching = tokio::spawn(source.watch(sender));
        let (stop, stopped) = watch::channel(());
        let app = router(&self.secret, self.address, Site { shown, stopped });
        let ended = axum::serve(self.listener, app).with_graceful_shutdown(async move {
            shutdown.await;
            // answers that wait for a change would hold the server up
            drop(stop);
        });
        let ended = ended.await;
        watching.abort();
        ended
    }
}

#[derive(Clone)]
struct Site {
    shown: watch::Receiver<Arc<Shown>>,
    stopped: watch::Receiver<()>,
}

fn router(secret: &str, address: SocketAddr, site: Site) -> Router {
    let pages = Router::new()
        .route("/", get(page))
        .route("/email.html", get(email))
        .route("/events", get(events))
        .route("/preview.css", get(async || ([(header::CONTENT_TYPE, "text/css")], templates::PREVIEW_STYLE)))
        .route("/preview.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], templates::PREVIEW_SCRIPT)))
        .with_state(site);
    let host = address.to_string();
    Router::new()
        .nest(&format!("/{secret}/"), pages)
        .layer(middleware::from_fn(move |request: Request, next: Next| guard(host.clone(), request, next)))
}

/// Lets in only requests that name this server as host and come from no other page.
async fn guard(host: String, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let only = |name, expected: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().is_some_and(|value| value == expected) && values.next().is_none()
    };
    // a name that resolves to loopback (DNS rebinding) is another host
    let own_host = only(header::HOST, &host);
    let own_origin = !headers.contains_key(header::ORIGIN) || only(header::ORIGIN, &format!("http://{host}"));
    let mut response = if own_host && own_origin && !headers.contains_key(header::UPGRADE) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(PAGE_POLICY));
    response
}

async fn page(State(site): State<Site>) -> Html<String> {
    let shown = site.shown.borrow().clone();
    Html(templates::preview(shown.as_page(), shown.version).into_string())
}

async fn email(State(site): State<Site>) -> Response {
    let shown = site.shown.borrow().clone();
    ([(header::CONTENT_SECURITY_POLICY, EMAIL_POLICY)], Html(shown.html().to_owned())).into_response()
}

/// The version that the page shows.
#[derive(serde::Deserialize)]
struct Known {
    shown: u64,
}

/// Answers with one server-sent event as soon as there is something newer than what the page shows.
async fn events(State(mut site): State<Site>, Query(known): Query<Known>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let known = last.unwrap_or(known.shown);
    let version = tokio::select! {
        newer = site.shown.wait_for(|shown| shown.version != known) => newer.map(|shown| shown.version).unwrap_or(known),
        _ = site.stopped.changed() => known,
    };
    let event = format!("retry: 250\nid: {version}\ndata: {version}\n\n");
    ([(header::CONTENT_TYPE, "text/event-stream")], event).into_response()
}
