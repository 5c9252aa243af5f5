//! `masthead bench web`: the readers' pages over HTTP, beside a page of the same server that asks nobody.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::form::Form;
use super::ground::{Ground, Relay};
use super::raw::Numbers;
use super::report::{Column, Ratio, Table};
use crate::cli::context::told;
use crate::cli::serve::site;
use crate::config::Config;
use crate::newsletter::Slug;
use crate::token::Claim;
use crate::web;

/// What a mail provider posts for a reader (RFC 8058 §3.2).
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// Connections where nothing else is asked for.
pub(super) const CONNECTIONS: u16 = 16;

/// The arguments.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Readers who look at their pages and press the buttons
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) readers: u64,
    /// Connections that they come over
    #[arg(long, default_value_t = CONNECTIONS, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) connections: u16,
}

const COLUMNS: &[Column] = &[
    Column { key: "per_second", heading: "per second", decimals: 0 },
    Column { key: "us", heading: "µs each", decimals: 1 },
];

/// Serves in this process, and presses every reader's buttons.
pub(super) async fn run(args: &Args, rounds: u32, ground: &Ground) -> anyhow::Result<Table> {
    let store = &ground.database()?.store;
    let newsletter = Slug::parse("web")?;
    let newsletter_id = store.newsletter_id(&newsletter).await?;
    store.populate(newsletter_id, args.readers).await?;
    let served = Served::start(ground, &newsletter).await?;
    let readers = store.subscribers(newsletter_id, None, 0, i64::try_from(args.readers)?).await?;
    let keyring = store.keyring();
    let leave = |subscriber_id| format!("/u/{}", keyring.sign(Claim::Unsubscribe { newsletter_id, subscriber_id }));
    let leave: Arc<[_]> = readers.iter().map(|reader| leave(reader.id)).collect();
    let sheet: Arc<[_]> = readers.iter().map(|_| "/assets/pages.css".to_owned()).collect();

    let title = format!("web: {} readers, {} connections", args.readers, args.connections);
    let ratio = Ratio::share("of_style_sheet", "of style sheet", "per_second", 0);
    let mut table = Table::new("web", title, COLUMNS, &[ratio]);
    let names =
        ["GET the style sheet", "GET the page to leave", "POST to leave", "GET the page to confirm", "POST to confirm"];
    let rows = names.map(|name| table.row(name));
    for round in 1..=rounds {
        errln!("web, round {round} of {rounds}");
        let mut seconds = Vec::new();
        seconds.push(press(&served, "GET", &sheet, args.connections).await?);
        seconds.push(press(&served, "GET", &leave, args.connections).await?);
        seconds.push(press(&served, "POST", &leave, args.connections).await?);
        ensure!(store.count_active(newsletter_id).await? == 0, "somebody is still there");
        // Whoever left comes back with a sign-up of later.
        let signups = store.sign_all_up(newsletter_id).await?;
        let confirm = |signup_id| format!("/c/{}", keyring.sign(Claim::Confirm { signup_id }));
        let confirm: Arc<[_]> = signups.into_iter().map(confirm).collect();
        seconds.push(press(&served, "GET", &confirm, args.connections).await?);
        seconds.push(press(&served, "POST", &confirm, args.connections).await?);
        ensure!(store.count_active(newsletter_id).await? == args.readers, "somebody is missing");
        for (row, seconds) in rows.into_iter().zip(seconds) {
            let readers = args.readers as f64;
            table.put(row, vec![Some(readers / seconds), Some(seconds * 1e6 / readers)]);
        }
    }
    Ok(table)
}

/// `masthead serve` without a sender; it ends when this is dropped.
struct Served {
    address: SocketAddr,
    serving: AbortHandle,
}

impl Served {
    async fn start(ground: &Ground, newsletter: &Slug) -> anyhow::Result<Self> {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 25));
        let relay = Relay { address: nowhere, connections: 1, form: Form::BehindTheDot, signs: false };
        let config = Config::load(&ground.configure(newsletter, &relay)?, []).map_err(told)?;
        let site = Arc::new(site(&config, ground.database()?.store.clone()).await?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(web::serve(listener, site, std::future::pending())).abort_handle();
        Ok(Self { address, serving })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Asks for every path once; returns how many seconds that took.
async fn press(served: &Served, method: &'static str, paths: &Arc<[String]>, connections: u16) -> anyhow::Result<f64> {
    let numbers = Arc::new(Numbers::up_to(paths.len() as u64));
    let started = Instant::now();
    let mut pressing = JoinSet::new();
    for _ in 0..connections {
        let (address, paths, numbers) = (served.address, paths.clone(), numbers.clone());
        pressing.spawn(async move {
            let mut client = Client::open(address).await?;
            while let Some(path) = numbers.next().and_then(|number| paths.get(usize::try_from(number).ok()?)) {
                client.ask(method, path).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(pressed) = pressing.join_next().await {
        pressed??;
    }
    Ok(started.elapsed().as_secs_f64())
}

/// A connection that is kept, as a proxy keeps those to the server behind it.
struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Client {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, bytes: Vec::new() })
    }

    /// One request; the answer must be 200.
    async fn ask(&mut self, method: &str, path: &str) -> anyhow::Result<()> {
        let body = if method == "POST" { ONE_CLICK } else { "" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: weekly.example.org\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.bytes.clear();
        while answer_end(&self.bytes).is_none_or(|end| self.bytes.len() < end) {
            ensure!(self.stream.read_buf(&mut self.bytes).await? > 0, "the server has closed");
        }
        ensure!(self.bytes.starts_with(b"HTTP/1.1 200 "), "{method} was answered otherwise than with 200");
        Ok(())
    }
}

/// How long the answer is whose head is in `bytes`; `None` while the head is not all there.
fn answer_end(bytes: &[u8]) -> Option<usize> {
    let head = memmem::find(bytes, b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.trim();
    Some(head + length.parse::<usize>().ok()?)
}
