//! The preview: what will be mailed, in the operator's browser, again after every change of the file.
//!
//! It shows unpublished work, so it answers on loopback only, under a path that nobody can guess,
//! to the exact `Host` it was given, and to no page of another origin.
//! The email lies in a sandboxed frame: no script, no form; nothing is loaded from outside unless asked for.

mod changes;
mod desk;
mod email;
mod source;

pub use crate::templates::preview::Trouble;
pub use desk::{Desk, Opening, Shelf};
pub use source::{Configured, Project, Source};

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Form, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::templates::preview as templates;
use desk::Known;
use email::{Email, READERS, View};
use source::Shown;

/// What the page may load: its own style and script, and the frames.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                           frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the email may load: its inlined style. The page reads it (same origin), but nothing in it runs.
const EMAIL_POLICY: &str = "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; \
                            base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The same with images as in an inbox, once the operator asks for them.
const EMAIL_POLICY_WITH_IMAGES: &str = "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; \
                                        img-src https:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

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

    /// Serves until `shutdown`, and watches the files meanwhile; `approved` hears of every approval.
    pub async fn serve(
        self,
        source: Source,
        desk: Desk,
        approved: impl Fn(&str) + Send + Sync + 'static,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let source = Arc::new(source);
        let first = source.clone();
        let first = tokio::task::spawn_blocking(move || first.read()).await.map_err(io::Error::other)?;
        let (sender, shown) = watch::channel(Arc::new(first));
        let watching = tokio::spawn(source.watch(sender));
        let room = Room { desk, approved: Box::new(approved), note: Mutex::default() };
        let app = router(&self.secret, self.address, Site { shown, room: Arc::new(room) });
        let ended = axum::serve(self.listener, app).with_graceful_shutdown(shutdown).await;
        watching.abort();
        ended
    }
}

#[derive(Clone)]
struct Site {
    shown: watch::Receiver<Arc<Shown>>,
    room: Arc<Room>,
}

/// Where the operator works.
struct Room {
    desk: Desk,
    approved: Box<dyn Fn(&str) + Send + Sync>,
    /// What the last form did, with the version of the email that it was about.
    note: Mutex<Option<(u64, templates::Note)>>,
}

fn router(secret: &str, address: SocketAddr, site: Site) -> Router {
    let asset =
        |kind: &'static str, content: &'static str| get(async move || ([(header::CONTENT_TYPE, kind)], content));
    let pages = Router::new()
        .route("/", get(page))
        .route("/email.html", get(frame))
        .route("/issue.eml", get(message))
        .route("/version", get(version))
        .route("/approve", post(approve))
        .route("/proof", post(proof))
        .route("/page.css", asset("text/css", templates::STYLE))
        .route("/page.js", asset("text/javascript", templates::SCRIPT))
        .with_state(site);
    let host = address.to_string();
    let whole = format!("/{secret}/");
    Router::new()
        .route(&format!("/{secret}"), get(async move || Redirect::permanent(&whole)))
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
    // browsers name the origin of every form
    let changes = request.method() != Method::GET && request.method() != Method::HEAD;
    let named = headers.contains_key(header::ORIGIN) || changes;
    let own_origin = !named || only(header::ORIGIN, &format!("http://{host}"));
    let mut response = if own_host && own_origin && !headers.contains_key(header::UPGRADE) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        // forms without a script name their origin only with a referrer
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(PAGE_POLICY));
    response
}

/// How the operator looks at the email.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Look {
    reader: usize,
    images: Option<String>,
    view: Option<View>,
}

impl Look {
    /// The sample reader; a number that is none means the first.
    fn reader(&self) -> usize {
        if self.reader < READERS.len() { self.reader } else { 0 }
    }
}

async fn page(State(site): State<Site>, Query(look): Query<Look>) -> Html<String> {
    let shown = site.shown.borrow().clone();
    let content = match (&shown.email, &shown.trouble) {
        (Some(email), _) => {
            let content = site.room.look_at(email, &shown, look.reader()).await;
            content.map_err(|what| Trouble { place: shown.name.clone(), what })
        }
        (None, Some(trouble)) => Err(trouble.clone()),
        (None, None) => Err(Trouble { place: shown.name.clone(), what: "it was not read yet".to_owned() }),
    };
    let page = templates::Preview {
        file: &shown.name,
        version: shown.version,
        reader: look.reader(),
        readers: &READERS.map(|(who, _)| who),
        images: look.images.is_some(),
        trouble: shown.trouble.as_ref(),
        unconfigured: shown.email.as_ref().and_then(|email| email.unconfigured.as_deref()),
        shown: content,
    };
    Html(templates::preview(&page).into_string())
}

impl Room {
    /// All that the page says of an email.
    async fn look_at<'a>(
        &self,
        email: &'a Email,
        shown: &Shown,
        reader: usize,
    ) -> Result<templates::Email<'a>, String> {
        // the email itself can be seen without the store
        let (known, store_note) = match self.desk.known(email).await {
            Ok(known) => (known, None),
            Err(text) => (Known::default(), Some(templates::Note { fine: false, text })),
        };
        let note = self.note.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let note = note.filter(|(about, _)| *about == shown.version).map(|(_, note)| note);
        let approval = match &shown.trouble {
            Some(_) => templates::Approval::Nowhere("the files must be mended first.".to_owned()),
            None => email.approval(&known),
        };
        let desk = templates::Desk {
            digest: email.digest.to_string(),
            approval,
            proof: (self.desk.relay)().map(|_| ()),
            note: note.or(store_note),
        };
        email.page(reader, &known, desk)
    }

    fn tell(&self, version: u64, outcome: Result<String, String>) {
        let fine = outcome.is_ok();
        let (Ok(text) | Err(text)) = outcome;
        let note = templates::Note { fine, text };
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, note));
    }
}

async fn frame(State(site): State<Site>, Query(look): Query<Look>) -> Response {
    let shown = site.shown.borrow().clone();
    let images = look.images.is_some();
    let html = shown.email.as_ref().map(|email| email.frame(look.view.unwrap_or(View::Light), look.reader(), images));
    let policy = if images { EMAIL_POLICY_WITH_IMAGES } else { EMAIL_POLICY };
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html.unwrap_or_default())).into_response()
}

/// The exact message, to keep or to open in a mail program.
async fn message(State(site): State<Site>, Query(look): Query<Look>) -> Response {
    let shown = site.shown.borrow().clone();
    let message = shown.current().and_then(|email| email.message(look.reader()));
    let headers =
        [(header::CONTENT_TYPE, "message/rfc822"), (header::CONTENT_DISPOSITION, "attachment; filename=\"issue.eml\"")];
    match message {
        Ok(bytes) => (headers, bytes).into_response(),
        Err(error) => (StatusCode::CONFLICT, error).into_response(),
    }
}

#[derive(serde::Deserialize)]
struct Approved {
    digest: String,
}

/// Records that what the operator has seen may leave; what has changed meanwhile is refused.
async fn approve(State(site): State<Site>, Form(form): Form<Approved>) -> Redirect {
    let shown = site.shown.borrow().clone();
    let outcome = match shown.current() {
        Ok(email) if email.digest.to_string() == form.digest => site.room.desk.approve(email).await,
        _ => Err("The file has changed meanwhile: look again.".to_owned()),
    };
    if outcome.is_ok() {
        (site.room.approved)(&form.digest);
    }
    site.room.tell(shown.version, outcome);
    Redirect::to("./")
}

#[derive(serde::Deserialize)]
struct Proof {
    address: String,
}

/// Mails a proof.
async fn proof(State(site): State<Site>, Form(form): Form<Proof>) -> Redirect {
    let shown = site.shown.borrow().clone();
    let outcome = match shown.current() {
        Ok(email) => site.room.desk.proof(email, &form.address).await,
        Err(trouble) => Err(trouble),
    };
    site.room.tell(shown.version, outcome);
    Redirect::to("./")
}

/// Counts the changes of the files. Pages ask again and again: a browser has few connections for all of its tabs.
async fn version(State(site): State<Site>) -> String {
    site.shown.borrow().version.to_string()
}
