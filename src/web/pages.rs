//! One handler per page.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::Markup;

use super::{BODY_LIMIT, Error, Site, client};
use crate::newsletter::Newsletter;
use crate::render::Slot;
use crate::store::{IssueState, SignupVerdict};
use crate::subscriber::EmailAddress;
use crate::templates::pages as templates;
use crate::token::Claim;

type Page = Result<Response, Error>;

fn page(status: StatusCode, markup: Markup) -> Page {
    Ok((status, Html(markup.into_string())).into_response())
}

/// The newsletters; with one alone, its page.
pub(super) async fn index(State(site): State<Arc<Site>>) -> Page {
    match site.newsletters.as_slice() {
        [(_, only)] => Ok(Redirect::to(&format!("/{}", only.slug)).into_response()),
        all => page(StatusCode::OK, templates::index(all.iter().map(|(_, newsletter)| newsletter))),
    }
}

/// Which store this is: `send` asks here whether its links lead to it.
pub(super) async fn instance(State(site): State<Arc<Site>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], site.store.instance().to_owned())
}

/// The look of the pages.
pub(super) async fn stylesheet() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, templates::CSS)
}

/// The sign-up form and the issues so far.
pub(super) async fn home(State(site): State<Arc<Site>>, Path(slug): Path<String>) -> Page {
    let (id, newsletter) = site.newsletter(&slug).ok_or(Error::NotFound)?;
    let issues = site.store.published_issues(*id).await?;
    let issues: Vec<_> = issues.into_iter().map(|issue| (issue.number, issue.title)).collect();
    page(StatusCode::OK, templates::home(newsletter, &issues))
}

/// Records a sign-up; the answer is the same whether the address is new, known or suppressed.
pub(super) async fn subscribe(
    State(site): State<Arc<Site>>,
    Path(slug): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Page {
    to_its_end(async move {
        let (id, newsletter) = site.newsletter(&slug).ok_or(Error::NotFound)?;
        let form = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
        let mut fields = url::form_urlencoded::parse(&form);
        let email = fields.find(|(name, _)| name == "email").map(|(_, email)| email).unwrap_or_default();
        let Ok(address) = EmailAddress::parse(&email) else {
            return page(StatusCode::UNPROCESSABLE_ENTITY, templates::try_again(newsletter, &email));
        };
        let client = client::address(peer.ip(), &headers, &site.trusted_proxies);
        let network = client::network(client);
        let verdict = site.store.sign_up(*id, &address, &client.to_string(), &network, site.signups_per_hour).await?;
        match verdict {
            SignupVerdict::Queued => site.queued.notify_one(),
            SignupVerdict::Quiet => {}
            SignupVerdict::TooMany => return page(StatusCode::TOO_MANY_REQUESTS, templates::too_many(newsletter)),
        }
        page(StatusCode::OK, templates::check_inbox(newsletter))
    })
    .await
}

/// Does what a reader asked for even when the connection is gone before the answer.
async fn to_its_end(act: impl Future<Output = Page> + Send + 'static) -> Page {
    tokio::spawn(act).await.unwrap_or(Err(Error::Broken))
}

/// Asks whether to confirm: a GET changes nothing.
pub(super) async fn ask_to_confirm(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Page {
    let (_, newsletter) = signup(&site, &token).await?;
    page(StatusCode::OK, templates::ask_to_confirm(newsletter))
}

/// Confirms a sign-up.
pub(super) async fn confirm(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Page {
    to_its_end(async move {
        let (signup_id, newsletter) = signup(&site, &token).await?;
        let client = client::address(peer.ip(), &headers, &site.trusted_proxies).to_string();
        let welcome = site.notices(newsletter).welcome;
        if site.store.confirm(signup_id, Some(&client), welcome).await?.ok_or(Error::NotFound)? {
            site.queued.notify_one();
        }
        page(StatusCode::OK, templates::confirmed(newsletter))
    })
    .await
}

/// The sign-up that a token names, if it can still be confirmed.
async fn signup<'a>(site: &'a Site, token: &str) -> Result<(i64, &'a Newsletter), Error> {
    let Some(Claim::Confirm { signup_id }) = site.store.keyring().verify(token) else {
        return Err(Error::NotFound);
    };
    let slug = site.store.open_signup(signup_id).await?.ok_or(Error::NotFound)?;
    let (_, newsletter) = site.newsletter(&slug).ok_or(Error::NotFound)?;
    Ok((signup_id, newsletter))
}

/// Asks whether to unsubscribe: a GET changes nothing.
pub(super) async fn ask_to_unsubscribe(State(site): State<Arc<Site>>, Path(token): Path<String>) -> Page {
    let (newsletter_id, subscriber_id) = reader(&site, &token)?;
    let subscription = site.store.subscription(newsletter_id, subscriber_id).await?;
    let newsletter = site.newsletter_with(newsletter_id);
    match subscription.filter(|subscription| subscription.state != "unsubscribed") {
        Some(subscription) => page(StatusCode::OK, templates::ask_to_unsubscribe(newsletter, &subscription.email)),
        None => page(StatusCode::OK, templates::unsubscribed(newsletter)),
    }
}

/// Unsubscribes, whatever the body says: form, multipart, one-click or nothing (RFC 8058 §3.2).
///
/// No goodbye follows a one-click: the mail provider posts it, its reader was told already, and has no page before
/// them that would say what the mail is about. One more mail is what they would mark as spam.
pub(super) async fn unsubscribe(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Page {
    to_its_end(async move {
        let (newsletter_id, subscriber_id) = reader(&site, &token)?;
        let client = client::address(peer.ip(), &headers, &site.trusted_proxies).to_string();
        // Read to its end, so that the connection stays in step; a body that breaks off changes nothing.
        let one_click = to_bytes(body, BODY_LIMIT).await.is_ok_and(|body| contains(&body, b"One-Click"));
        let source = if one_click { "one-click" } else { "unsubscribe page" };
        let newsletter = site.newsletter_with(newsletter_id);
        let goodbye = !one_click && newsletter.is_some_and(|newsletter| site.notices(newsletter).goodbye);
        let (act, client) = ("unsubscribed", Some(client.as_str()));
        if site.store.unsubscribe(newsletter_id, subscriber_id, act, source, client, goodbye).await? && goodbye {
            site.queued.notify_one();
        }
        page(StatusCode::OK, templates::unsubscribed(newsletter))
    })
    .await
}

fn contains(body: &[u8], word: &[u8]) -> bool {
    body.windows(word.len()).any(|window| window == word)
}

fn reader(site: &Site, token: &str) -> Result<(i32, i64), Error> {
    match site.store.keyring().verify(token) {
        Some(Claim::Unsubscribe { newsletter_id, subscriber_id }) => Ok((newsletter_id, subscriber_id)),
        _ => Err(Error::NotFound),
    }
}

/// An issue, read online: the email itself.
pub(super) async fn issue(State(site): State<Arc<Site>>, Path((slug, number)): Path<(String, String)>) -> Page {
    let (id, newsletter) = site.newsletter(&slug).ok_or(Error::NotFound)?;
    let number = number.parse().map_err(|_| Error::NotFound)?;
    let issue = site.store.issue(*id, number).await?.ok_or(Error::NotFound)?;
    if matches!(issue.state, IssueState::Scheduled | IssueState::Cancelled) {
        return Err(Error::NotFound);
    }
    // Nobody in particular reads this page, so its unsubscribe link leads to the newsletter's.
    let home = newsletter.home_url();
    let html = issue.rendered.html_for(|slot| match slot {
        Slot::UnsubscribeUrl => &home,
        Slot::Name => "",
    });
    let mut response = Html(html).into_response();
    // The email's style is inline; it has no script, and none would run.
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; img-src https: http:; base-uri 'none'; frame-ancestors 'none'",
        ),
    );
    Ok(response)
}

/// Everything else.
pub(super) async fn not_found() -> Error {
    Error::NotFound
}
