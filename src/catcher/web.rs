//! The web view of caught mail.
//!
//! Mail is foreign matter here: its HTML is framed in a sandbox, and the policy of every answer
//! forbids scripts and anything from elsewhere, remote images included.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use mail_parser::{Message, MessageParser};
use time::OffsetDateTime;
use time::macros::format_description;

use super::{Catcher, Mail, Shared};
use crate::templates::catcher::{self as template, CaughtLine, CaughtMail};

/// How many mails the list shows.
const SHOWN: usize = 200;

/// What the catcher's own pages may load: their style sheet and the framed mail.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'";

/// What framed mail may load: nothing but its own styles and inlined pictures; links open in a new tab.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
                           sandbox allow-popups allow-popups-to-escape-sandbox";

/// The pages that show what `catcher` caught: a list, and each mail with its HTML, text, headers and raw bytes.
///
/// They expect to be at the root of their own loopback address, and answer only requests for that:
/// a foreign `Host` is a page elsewhere that reaches in by DNS.
pub fn web(catcher: &Catcher) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/style.css", get(style))
        .route("/mail/{number}", get(mail))
        .route("/mail/{number}/html", get(html))
        .route("/mail/{number}/raw", get(raw))
        .layer(middleware::from_fn(guard))
        .with_state(Arc::clone(&catcher.shared))
}

/// Refuses foreign hosts; sets the policy where a page has none of its own.
async fn guard(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_loopback(host) {
        return (StatusCode::FORBIDDEN, "this page answers on loopback only").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(PAGE_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a `Host` header names this machine's loopback.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css")], template::CSS)
}

async fn list(State(shared): State<Arc<Shared>>) -> Html<String> {
    let (newest, total) = {
        let mails = shared.mails();
        let newest: Vec<_> = mails.iter().cloned().enumerate().rev().take(SHOWN).collect();
        (newest, mails.len())
    };
    let lines: Vec<_> = newest
        .iter()
        .map(|(index, mail)| line(index + 1, mail, MessageParser::default().parse(&mail.raw).as_ref()))
        .collect();
    Html(template::list(&lines, total).into_string())
}

async fn mail(State(shared): State<Arc<Shared>>, Path(number): Path<usize>) -> Result<Html<String>, NoSuchMail> {
    let mail = find(&shared, number)?;
    let message = MessageParser::default().parse(&mail.raw);
    let headers = message.iter().flat_map(Message::headers_raw);
    let page = CaughtMail {
        line: line(number, &mail, message.as_ref()),
        from: mail.from.clone(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
        has_html: message.as_ref().is_some_and(|message| message.body_html(0).is_some()),
        text: message.as_ref().and_then(|message| message.body_text(0)).map(Into::into),
    };
    Ok(Html(template::mail(&page).into_string()))
}

async fn html(State(shared): State<Arc<Shared>>, Path(number): Path<usize>) -> Result<impl IntoResponse, NoSuchMail> {
    let mail = find(&shared, number)?;
    let message = MessageParser::default().parse(&mail.raw).ok_or(NoSuchMail)?;
    let html = message.body_html(0).ok_or(NoSuchMail)?;
    Ok(([(header::CONTENT_SECURITY_POLICY, MAIL_POLICY)], Html(opening_links_in_a_tab(&html))))
}

async fn raw(State(shared): State<Arc<Shared>>, Path(number): Path<usize>) -> Result<impl IntoResponse, NoSuchMail> {
    let mail = find(&shared, number)?;
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"mail-{number}.eml\"")),
    ];
    Ok((headers, mail.raw.clone()))
}

/// The parent's policy lets the frame go nowhere else, so links must leave it.
fn opening_links_in_a_tab(html: &str) -> String {
    let head = html.find("<head").and_then(|start| Some(start + html.get(start..)?.find('>')? + 1)).unwrap_or(0);
    let (before, after) = html.split_at(head);
    format!("{before}<base target=\"_blank\">{after}")
}

fn line(number: usize, mail: &Mail, message: Option<&Message<'_>>) -> CaughtLine {
    let when =
        OffsetDateTime::from(mail.at).format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC"));
    CaughtLine {
        number,
        to: mail.to.join(", "),
        subject: message.and_then(Message::subject).unwrap_or_default().to_owned(),
        when: when.unwrap_or_default(),
        accepted: mail.accepted,
    }
}

fn find(shared: &Shared, number: usize) -> Result<Arc<Mail>, NoSuchMail> {
    number.checked_sub(1).and_then(|index| shared.mails().get(index).cloned()).ok_or(NoSuchMail)
}

/// There is no mail of that number, or no such part in it.
struct NoSuchMail;

impl IntoResponse for NoSuchMail {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "no such mail").into_response()
    }
}
