//! `masthead doctor`: whether everything is there that a send needs.
//!
//! It ends with the worst that it found: 0 with nothing to do, 1 with warnings, 2 with errors.

mod dns;
mod new_key;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tokio::task::spawn_blocking;

use self::dns::{DnsError, Resolver};
use super::context::{ConfigArgs, OpenStore, attended_relay, block_on, dkim_oddities, read_signer, told};
use super::readers_web::{self, Instance};
use super::{Exit, told_once};
use crate::config::Config;
use crate::mailer::{Capabilities, Connection, Relay, Security};
use crate::message::dkim::KeyRecord;
use crate::newsletter::Newsletter;
use crate::store::Store;
use crate::token::Claim;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only this newsletter
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    /// Make a DKIM key instead, and print the DNS record that publishes it
    #[arg(long)]
    new_key: bool,
    /// The file of the new key; the configured one without it
    #[arg(long, value_name = "FILE", requires = "new_key")]
    out: Option<PathBuf>,
    /// The selector of the new key; the configured one without it
    #[arg(long, value_name = "NAME", requires = "new_key")]
    selector: Option<String>,
    /// Ask this DNS server instead of the system's
    #[arg(long, value_name = "ADDRESS:PORT")]
    resolver: Option<SocketAddr>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    if args.new_key {
        let newsletter = config.newsletter(args.newsletter.as_deref()).map_err(told)?;
        return new_key::run(&config, newsletter, args.out.as_deref(), args.selector.as_deref(), args.json);
    }
    let newsletters = match args.newsletter.as_deref() {
        Some(slug) => vec![config.newsletter(Some(slug)).map_err(told)?.clone()],
        None => config.newsletters.clone(),
    };
    let resolver = args.resolver.map(Resolver::at).or_else(Resolver::of_system).map(Arc::new);
    let mut doctor = Doctor { resolver, findings: Vec::new() };
    block_on(doctor.examine(&config, &newsletters))?;
    if args.json {
        outln!("{}", json!({ "checks": doctor.findings.iter().map(Finding::json).collect::<Vec<_>>() }));
    } else {
        for finding in &doctor.findings {
            out!("{}", finding.text());
        }
    }
    Ok(match doctor.findings.iter().map(|finding| finding.state).max() {
        Some(State::Error) => Exit::Usage,
        Some(State::Warning) => Exit::Findings,
        _ => Exit::Done,
    })
}

/// How something is; the worst comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Ok,
    /// To know; nothing that must be done.
    Note,
    Warning,
    Error,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A thing that was looked at.
struct Finding {
    state: State,
    /// `relay`, or `weekly dkim`.
    about: String,
    what: String,
    remedy: Option<String>,
}

impl Finding {
    fn json(&self) -> serde_json::Value {
        json!({ "state": self.state.as_str(), "about": self.about, "what": self.what, "remedy": self.remedy })
    }

    fn text(&self) -> String {
        let remedy = self.remedy.as_ref().map(|remedy| format!("         hint: {remedy}\n")).unwrap_or_default();
        format!("{:<8} {}: {}\n{remedy}", self.state.as_str(), self.about, self.what)
    }
}

/// Looks at one thing after another; nothing it finds keeps it from looking at the next.
struct Doctor {
    resolver: Option<Arc<Resolver>>,
    findings: Vec<Finding>,
}

impl Doctor {
    fn ok(&mut self, about: &str, what: impl Into<String>) {
        self.findings.push(Finding { state: State::Ok, about: about.into(), what: what.into(), remedy: None });
    }

    fn found(&mut self, state: State, about: &str, what: impl Into<String>, remedy: impl Into<String>) {
        let remedy = Some(remedy.into());
        self.findings.push(Finding { state, about: about.into(), what: what.into(), remedy });
    }

    /// An error that may say itself what to do.
    fn failed(&mut self, about: &str, error: &anyhow::Error, remedy: &str) {
        let text = told_once(error);
        let (what, remedy) = text.split_once("\nhint: ").unwrap_or((&text, remedy));
        self.found(State::Error, about, what, remedy);
    }

    async fn examine(&mut self, config: &Config, newsletters: &[Newsletter]) -> anyhow::Result<()> {
        match newsletters {
            [] => self.found(
                State::Error,
                "configuration",
                format!("`{}` has no newsletter", config.path.display()),
                "add a `[newsletter.weekly]` section",
            ),
            _ => self.ok("configuration", format!("`{}` can be used", config.path.display())),
        }
        self.relay(config).await;
        match OpenStore::open(config).await {
            Ok(open) => {
                let whose = if config.database_url.is_some() { "the configured" } else { "the private" };
                self.ok("postgres", format!("{whose} one answers, with all tables"));
                for newsletter in newsletters {
                    self.newsletter(config, newsletter).await?;
                    self.web(&open.store, newsletter).await?;
                }
                open.close().await?;
            }
            Err(error) => {
                self.failed("postgres", &error, "check that it runs, and DATABASE_URL");
                for newsletter in newsletters {
                    self.newsletter(config, newsletter).await?;
                }
            }
        }
        Ok(())
    }

    /// The relay lets us in, and what it offers.
    async fn relay(&mut self, config: &Config) {
        let relay = match attended_relay(config) {
            Ok(relay) => relay,
            Err(error) => return self.failed("relay", &error, "correct SMTP_URL"),
        };
        match Connection::open(&relay).await {
            Ok(connection) => {
                self.ok("relay", describe(&relay, connection.capabilities()));
                if !connection.capabilities().utf8 {
                    let what = "it has no SMTPUTF8: readers whose address has letters beyond ASCII are refused";
                    self.found(State::Note, "relay", what, "use a relay with SMTPUTF8 if you have such readers");
                }
                connection.quit().await;
            }
            Err(error) => self.failed("relay", &anyhow::anyhow!("{relay}: {error}"), "check SMTP_URL and the network"),
        }
    }

    /// What mailbox providers ask DNS about a newsletter's mail.
    async fn newsletter(&mut self, config: &Config, newsletter: &Newsletter) -> anyhow::Result<()> {
        self.dkim(config, newsletter).await?;
        let domain = newsletter.from.address.domain();
        let spf = format!(
            "publish a TXT record for {domain} like `v=spf1 include:RELAY -all`; the relay's manual has its name"
        );
        let about = format!("{} spf", newsletter.slug);
        match self.txt(domain).await? {
            Err(error) => self.found(State::Note, &about, format!("not looked up: {error}"), spf),
            Ok(texts) => match &texts.iter().filter(|text| is_of_kind(text, "v=spf1")).collect::<Vec<_>>()[..] {
                [] => self.found(State::Warning, &about, format!("{domain} does not say who may send for it"), spf),
                [one] => self.ok(&about, format!("{domain}: {one}")),
                _ => {
                    let what = format!("{domain} has several SPF records, which counts as none");
                    self.found(State::Warning, &about, what, "make one of them (RFC 7208 §3.2)");
                }
            },
        }
        let dmarc =
            format!("publish a TXT record for _dmarc.{domain} like `v=DMARC1; p=none; rua=mailto:YOU@{domain}`");
        let about = format!("{} dmarc", newsletter.slug);
        match self.dmarc(domain).await? {
            Err(error) => self.found(State::Note, &about, format!("not looked up: {error}"), dmarc),
            Ok(None) => self.found(State::Warning, &about, format!("{domain} has no DMARC policy"), dmarc),
            Ok(Some(policy)) => self.ok(&about, policy),
        }
        Ok(())
    }

    /// The key can be used, and is published.
    async fn dkim(&mut self, config: &Config, newsletter: &Newsletter) -> anyhow::Result<()> {
        let about = &format!("{} dkim", newsletter.slug);
        let Some(dkim) = config.dkim(&newsletter.slug) else {
            let what = "no key is configured: the relay must sign, since Gmail, Yahoo and Microsoft want it";
            self.found(State::Note, about, what, "`masthead doctor --new-key` makes a key");
            return Ok(());
        };
        for (what, remedy) in dkim_oddities(dkim, &newsletter.from.address) {
            self.found(State::Warning, about, what, remedy);
        }
        let record = match read_signer(dkim) {
            Ok(signer) => signer.record(),
            Err(error) => {
                self.failed(about, &error, "`masthead doctor --new-key` makes a key");
                return Ok(());
            }
        };
        let publish = format!("publish {record}");
        match self.txt(&record.name).await? {
            Err(error) => self.found(
                State::Note,
                about,
                format!("the key can be used; {} was not looked up: {error}", record.name),
                publish,
            ),
            Ok(texts) => match published(&record, &texts) {
                Published::This => self.ok(about, format!("{} is published", record.name)),
                Published::Other => {
                    self.found(
                        State::Error,
                        about,
                        format!("{} has another key than `{}`", record.name, dkim.key_file.display()),
                        publish,
                    );
                }
                Published::Nothing => {
                    self.found(
                        State::Error,
                        about,
                        format!("{} is not published: signatures do not count", record.name),
                        publish,
                    );
                }
            },
        }
        Ok(())
    }

    /// The mailed links lead to a `serve` on this store.
    async fn web(&mut self, store: &Store, newsletter: &Newsletter) -> anyhow::Result<()> {
        let about = format!("{} web", newsletter.slug);
        let base_url = &newsletter.base_url;
        if !base_url.is_https() {
            let what = format!("{base_url} is for this machine only; mail clients want https in List-Unsubscribe");
            self.found(State::Warning, &about, what, "set base_url under [web] to the public https address");
        }
        let serve = "run `masthead serve` there with this database, behind a TLS proxy";
        match readers_web::instance(store, base_url).await? {
            Instance::This => self.ok(&about, format!("{base_url} serves this database")),
            Instance::Other => {
                self.found(State::Error, &about, format!("{base_url} serves another database than this one"), serve);
            }
            Instance::Unknown => {
                self.found(State::Error, &about, format!("{base_url} answers, but is no `masthead serve`"), serve);
            }
            Instance::Silent(why) => {
                self.found(State::Error, &about, format!("{base_url} does not answer: {why}"), serve);
            }
        }
        // Of a reader whom nobody has: ids begin at 1.
        let newsletter_id = store.newsletter_id(&newsletter.slug).await?;
        let token = store.keyring().sign(Claim::Unsubscribe { newsletter_id, subscriber_id: 0 });
        let about = format!("{} unsubscribe", newsletter.slug);
        match readers_web::get(newsletter.unsubscribe_url(&token)).await? {
            Ok(_) => self.ok(&about, format!("{} answers", newsletter.unsubscribe_url("…"))),
            Err(error) => {
                let what = format!("{} does not answer as it should: {error}", newsletter.unsubscribe_url("…"));
                self.found(
                    State::Error,
                    &about,
                    what,
                    "every mailed link to leave leads there; let the proxy pass /u/ on",
                );
            }
        }
        Ok(())
    }

    /// The policy for a domain, its own or that of the domain it lies in.
    async fn dmarc(&self, domain: &str) -> anyhow::Result<Result<Option<String>, DnsError>> {
        let mut rest = Some(domain).filter(|domain| domain.contains('.'));
        while let Some(domain) = rest {
            let name = format!("_dmarc.{domain}");
            match self.txt(&name).await? {
                Err(error) => return Ok(Err(error)),
                Ok(texts) => {
                    if let Some(policy) = texts.iter().find(|text| is_of_kind(text, "v=DMARC1")) {
                        return Ok(Ok(Some(format!("{name}: {policy}"))));
                    }
                }
            }
            rest = domain.split_once('.').map(|(_, outer)| outer).filter(|outer| outer.contains('.'));
        }
        Ok(Ok(None))
    }

    /// The TXT records of a name.
    async fn txt(&self, name: &str) -> anyhow::Result<Result<Vec<String>, DnsError>> {
        let Some(resolver) = self.resolver.clone() else { return Ok(Err(DnsError::NoResolver)) };
        let name = name.to_owned();
        Ok(spawn_blocking(move || resolver.txt(&name)).await?)
    }
}

/// What DNS says of a key.
enum Published {
    This,
    Other,
    Nothing,
}

fn published(record: &KeyRecord, texts: &[String]) -> Published {
    if texts.iter().any(|text| record.is_published_by(text)) {
        Published::This
    } else if texts.is_empty() {
        Published::Nothing
    } else {
        Published::Other
    }
}

/// Whether a TXT record begins with this version tag.
fn is_of_kind(text: &str, version: &str) -> bool {
    let rest =
        text.get(..version.len()).filter(|start| start.eq_ignore_ascii_case(version)).map(|_| &text[version.len()..]);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ';']))
}

fn describe(relay: &Relay, capabilities: &Capabilities) -> String {
    let security = match relay.security() {
        Security::Implicit => "TLS",
        Security::StartTls => "STARTTLS",
        Security::Plain => "without TLS, on this machine",
    };
    let mut offers = Vec::new();
    match capabilities.size {
        Some(0) => offers.push("SIZE".to_owned()),
        Some(bytes) => offers.push(format!("SIZE {bytes}")),
        None => {}
    }
    for (offered, name) in [
        (capabilities.pipelining, "PIPELINING"),
        (capabilities.chunking, "CHUNKING"),
        (capabilities.eight_bit, "8BITMIME"),
        (capabilities.utf8, "SMTPUTF8"),
    ] {
        if offered {
            offers.push(name.to_owned());
        }
    }
    let entry = if relay.has_credentials() { "took user and password" } else { "wants no password" };
    let offers = if offers.is_empty() { "nothing".to_owned() } else { offers.join(", ") };
    format!("{relay}, {security}, {entry}; offers {offers}")
}
