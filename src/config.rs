//! Configuration: defaults < `masthead.toml` < environment < flags.
//!
//! A key `name` of section `[section]` is also read from `MASTHEAD_SECTION__NAME`, a list with commas, and a secret from
//! the file named by the same variable with `_FILE` behind it; a DKIM key is always in a file. `DATABASE_URL` and
//! `SMTP_URL` count by those names too.

mod environment;
mod file;
mod theme;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use serde::Deserialize;

use crate::delivery::{BreakerLimits, RetrySchedule};
use crate::issue::{Address, check};
use crate::newsletter::{BaseUrl, DkimName, DkimNameError, Mailbox, Newsletter, Notices, Slug};
use crate::subscriber::EmailAddress;
use environment::{Environment, overlay, read_secret};
use file::{CheckSection, DkimSection, File, Level, List, NewsletterSection, Number};
use theme::BrokenSheet;

pub use file::parse_duration;

/// The name of the configuration file where none is given.
pub const FILE: &str = "masthead.toml";

/// The DKIM selector where none is given.
const DKIM_SELECTOR: &str = "masthead";

/// The file of the DKIM key where none is given, beside the configuration.
const DKIM_KEY_FILE: &str = "dkim.pem";

/// Everything that can be set, checked.
#[derive(Debug)]
pub struct Config {
    /// Where it was read from.
    pub path: PathBuf,
    /// The folder of the private Postgres.
    pub data: PathBuf,
    /// A Postgres to use instead of the private one.
    pub database_url: Option<Secret>,
    /// The relay's address.
    pub smtp_url: Option<Secret>,
    /// How a send goes.
    pub send: Send,
    /// The readers' web.
    pub web: Web,
    /// What `masthead check` marks.
    pub check: check::Settings,
    /// The newsletters, by slug.
    pub newsletters: Vec<Newsletter>,
    /// The files of the newsletters' style sheets.
    pub style_sheets: Vec<PathBuf>,
    /// What signs the mail of each newsletter that has a `[dkim]`.
    dkim: BTreeMap<Slug, Dkim>,
    /// What each newsletter mails besides its issues; not part of [`Newsletter`], since no issue changes with it.
    notices: BTreeMap<Slug, Notices>,
}

/// `[dkim]`: a key that signs a newsletter's mail.
#[derive(Debug, Clone)]
pub struct Dkim {
    /// Where the key is published.
    pub name: DkimName,
    /// The private key, PEM.
    pub key_file: PathBuf,
}

/// `[send]`: how a send goes.
#[derive(Debug)]
pub struct Send {
    /// How many connections to the relay are open at most.
    pub connections: usize,
    /// How many messages are in flight over each, where the relay offers CHUNKING.
    pub window: usize,
    /// Whether commands go ahead of replies, where the relay offers PIPELINING.
    pub pipelining: bool,
    /// How many messages go over a connection before it is opened anew.
    pub messages: usize,
    /// Messages per second to the relay, all processes together; unlimited where absent.
    pub rate: Option<f64>,
    /// When a temporary refusal is tried again.
    pub retry: RetrySchedule,
    /// When a send pauses by itself.
    pub breaker: BreakerLimits,
    /// How long a send waits for retries that are due later.
    pub wait: Duration,
    /// Who gets a mail when a send ends or pauses.
    pub operator: Option<EmailAddress>,
    /// Whether only what somebody has approved may leave.
    pub approval: bool,
}

/// `[web]`: the readers' web.
#[derive(Debug)]
pub struct Web {
    /// Where it listens.
    pub listen: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// How many sign-ups one client network may make in an hour.
    pub signups_per_hour: u32,
}

/// A text that never prints.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why there is no configuration to work with.
#[derive(Debug, thiserror::Error)]
#[error("`{place}`: {what}")]
pub struct ConfigError {
    /// The file, the configuration or a style sheet that it names, or the variable of the environment.
    pub place: String,
    /// The line of the file, from 1, where it is in one.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Config {
    /// Reads `path` and the environment variables given.
    pub fn load(path: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => ConfigError {
                place: path.display().to_string(),
                line: None,
                what: "there is no such file".into(),
                hint: Some("`masthead init` writes one".into()),
            },
            _ => {
                let what = format!("cannot be read: {e}");
                ConfigError { place: path.display().to_string(), line: None, what, hint: None }
            }
        })?;
        Self::parse(path, &text, environment)
    }

    /// Reads `text`, the content of `path`, and the environment variables given.
    pub fn parse(
        path: &Path,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let environment = environment.into_iter().collect();
        Self::read(path, text, &environment).map_err(|error| {
            let outcome = |environment: &Environment| Self::read(path, text, environment).err().map(|error| error.what);
            match environment::decisive(&environment, outcome) {
                Some(variable) => ConfigError { place: variable, line: None, ..error },
                None => error,
            }
        })
    }

    fn read(path: &Path, text: &str, environment: &Environment) -> Result<Self, ConfigError> {
        let error = |what: String| ConfigError { place: path.display().to_string(), line: None, what, hint: None };
        // By itself first: its errors have lines.
        let _: File = toml::from_str(text).map_err(|e: toml::de::Error| {
            let before = e.span().and_then(|span| text.get(..span.start));
            let line = before.map(|before| before.matches('\n').count() + 1);
            ConfigError { line, ..error(e.to_string().trim_end().to_owned()) }
        })?;
        let mut table: toml::Table = toml::from_str(text).map_err(|e| error(e.to_string()))?;
        for (name, value) in environment {
            overlay(&mut table, name, value).map_err(error)?;
        }
        let file = toml::Value::Table(table).try_into();
        let file: File = file.map_err(|e: toml::de::Error| error(e.to_string().trim_end().to_owned()))?;
        let mut config = checked(path, file)?;
        for (setting, name) in [(&mut config.database_url, "DATABASE_URL"), (&mut config.smtp_url, "SMTP_URL")] {
            if let Some(url) = environment.get(name).filter(|url| !url.is_empty()) {
                *setting = Some(Secret(url.clone()));
            } else if let Some(file) = environment.get(&format!("{name}_FILE")) {
                *setting = Some(Secret(read_secret(file).map_err(error)?));
            }
        }
        Ok(config)
    }

    /// What signs a newsletter's mail, if anything does.
    pub fn dkim(&self, slug: &Slug) -> Option<&Dkim> {
        self.dkim.get(slug)
    }

    /// What a newsletter mails to its readers besides its issues.
    pub fn notices(&self, slug: &Slug) -> Notices {
        self.notices.get(slug).copied().unwrap_or_default()
    }

    /// What would sign a newsletter's mail if `[dkim]` were there and empty.
    pub fn default_dkim(&self, newsletter: &Newsletter) -> Result<Dkim, DkimNameError> {
        dkim(&[], newsletter, self.path.parent().unwrap_or(Path::new("")))
    }

    /// The newsletter with this slug, or the only one.
    pub fn newsletter(&self, slug: Option<&str>) -> Result<&Newsletter, ConfigError> {
        let place = self.path.display().to_string();
        let error =
            |what: String, hint: String| ConfigError { place: place.clone(), line: None, what, hint: Some(hint) };
        let slugs: Vec<_> = self.newsletters.iter().map(|newsletter| newsletter.slug.as_str()).collect();
        match (slug, self.newsletters.as_slice()) {
            (Some(slug), all) => all.iter().find(|newsletter| newsletter.slug.as_str() == slug).ok_or_else(|| {
                error(format!("there is no newsletter \"{slug}\""), format!("there is: {}", slugs.join(", ")))
            }),
            (None, [only]) => Ok(only),
            (None, []) => {
                Err(error("there is no newsletter in it".into(), "add a `[newsletter.weekly]` section".into()))
            }
            (None, _) => Err(error(
                "there are several newsletters".into(),
                format!("name one with --newsletter: {}", slugs.join(", ")),
            )),
        }
    }
}

fn checked(path: &Path, file: File) -> Result<Config, ConfigError> {
    let place = path.display().to_string();
    let error = |what: String, hint: Option<String>| ConfigError { place: place.clone(), line: None, what, hint };
    let folder = path.parent().unwrap_or(Path::new(""));
    let retry = RetrySchedule::default();
    let waits = match &file.send.retry {
        Some(List(list)) => list
            .iter()
            .map(|text| parse_duration(text))
            .collect::<Result<_, _>>()
            .map_err(|e| error(format!("[send] retry: {e}"), None))?,
        None => retry.waits,
    };
    let give_up_after = file.send.give_up_after.map_or(retry.give_up_after, |span| span.0);
    let breaker = BreakerLimits::default();
    let operator = file.send.operator.as_deref().map(EmailAddress::parse).transpose();
    let trusted_proxies = file.web.trusted_proxies.map_or(Vec::new(), |list| list.0);
    let number = |name: &str, number: Option<Number>, default: usize, most: usize| match number {
        None => Ok(default),
        Some(Number(number)) if (1.0..=most as f64).contains(&number) => Ok(number as usize),
        Some(Number(number)) => Err(error(format!("[smtp] {name}: {number} is not between 1 and {most}"), None)),
    };
    let connections = number("connections", file.smtp.connections, 8, 500)?;
    let window = number("window", file.smtp.window, 1, 64)?;
    let messages = number("messages", file.smtp.messages, 1000, 1_000_000)?;
    let mut newsletters = Vec::new();
    let mut signing = BTreeMap::new();
    let mut notices = BTreeMap::new();
    for (slug, section) in &file.newsletter {
        let mut newsletter = newsletter(slug, section, file.web.base_url.as_deref())
            .map_err(|(what, hint)| error(format!("newsletter \"{slug}\" {what}"), hint))?;
        newsletter.theme.sheet = section.theme.sheet(folder).map_err(|BrokenSheet { file, line, what }| {
            let place = file.display().to_string();
            ConfigError { place, line, ..error(format!("the css of newsletter \"{slug}\" {what}"), None) }
        })?;
        let sections: Vec<_> = section.dkim.iter().chain(&file.dkim).collect();
        if !sections.is_empty() {
            let dkim = dkim(&sections, &newsletter, folder).map_err(|e| error(format!("[dkim] {e}"), None))?;
            signing.insert(newsletter.slug.clone(), dkim);
        }
        let Notices { welcome, goodbye } = Notices::default();
        let wanted = Notices {
            welcome: section.welcome.as_ref().map_or(welcome, |switch| switch.0),
            goodbye: section.goodbye.as_ref().map_or(goodbye, |switch| switch.0),
        };
        notices.insert(newsletter.slug.clone(), wanted);
        newsletters.push(newsletter);
    }
    Ok(Config {
        path: path.to_owned(),
        data: folder.join(file.data.unwrap_or_else(|| ".masthead".into())),
        database_url: file.database.url,
        smtp_url: file.smtp.url,
        send: Send {
            connections,
            window,
            pipelining: file.smtp.pipelining.is_none_or(|switch| switch.0),
            messages,
            rate: file.send.rate.map(|number| number.0).filter(|rate| *rate > 0.0),
            retry: RetrySchedule { waits, give_up_after },
            breaker: BreakerLimits {
                refusals: file.send.breaker.map_or(breaker.refusals, |number| number.0 as usize),
                patience: file.send.patience.map_or(breaker.patience, |span| span.0),
                probe: file.send.probe.map_or(breaker.probe, |span| span.0),
                throttled: file.send.throttled.map_or(breaker.throttled, |span| span.0),
            },
            wait: file.send.wait.map_or(Duration::from_secs(15 * 60), |span| span.0),
            operator: operator.map_err(|e| error(format!("[send] operator: {e}"), None))?,
            approval: file.send.approval.is_some_and(|switch| switch.0),
        },
        web: Web {
            listen: file.web.listen.unwrap_or_else(|| "127.0.0.1:8080".into()),
            trusted_proxies: trusted_proxies
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_, _>>()
                .map_err(|e| error(format!("[web] trusted_proxies: {e}"), Some("list IP addresses".into())))?,
            signups_per_hour: file.web.signups_per_hour.map_or(30, |number| number.0 as u32),
        },
        check: checking(file.check).map_err(|(what, hint)| error(what, Some(hint)))?,
        newsletters,
        style_sheets: file.newsletter.values().filter_map(|section| section.theme.css(folder)).collect(),
        dkim: signing,
        notices,
    })
}

/// What signs a newsletter's mail by these sections; what the first leaves open the next one says.
fn dkim(sections: &[&DkimSection], newsletter: &Newsletter, folder: &Path) -> Result<Dkim, DkimNameError> {
    let selector = sections.iter().find_map(|section| section.selector.as_deref());
    let domain = sections.iter().find_map(|section| section.domain.as_deref());
    let key_file = sections.iter().find_map(|section| section.key_file.as_deref());
    Ok(Dkim {
        name: DkimName::parse(
            selector.unwrap_or(DKIM_SELECTOR),
            domain.unwrap_or_else(|| newsletter.from.address.domain()),
        )?,
        key_file: folder.join(key_file.unwrap_or(Path::new(DKIM_KEY_FILE))),
    })
}

fn checking(section: CheckSection) -> Result<check::Settings, (String, String)> {
    let mut settings = check::Settings::default();
    for (id, level) in section.rules {
        if !check::rules().any(|rule| rule.id == id) {
            return Err((
                format!("[check.rules] there is no rule `{id}`"),
                "`masthead check --rules` lists them".into(),
            ));
        }
        let severity = match level {
            Level::Off => None,
            Level::Note => Some(check::Severity::Note),
            Level::Warning => Some(check::Severity::Warning),
            Level::Error => Some(check::Severity::Error),
        };
        settings.rules.insert(id, severity);
    }
    for link in section.allow_links.map_or(Vec::new(), |list| list.0) {
        if Address::canonical(&link).is_none() {
            return Err((
                format!("[check] allow_links: `{link}` is no web address"),
                "write it from `https://` on".into(),
            ));
        }
        settings.allow_links.push(link);
    }
    Ok(settings)
}

fn newsletter(slug: &str, section: &NewsletterSection, web_base_url: Option<&str>) -> Result<Newsletter, theme::Wrong> {
    let plain = |e: &dyn fmt::Display| (format!("is not right: {e}"), None);
    let text = |what: &str, text: &str| match text.trim() {
        "" => Err((format!("has an empty {what}"), None)),
        text if text.chars().any(|c| c.is_control() && c != '\n') => {
            Err((format!("has a control character in its {what}"), None))
        }
        text => Ok(text.to_owned()),
    };
    let base_url = section.base_url.as_deref().or(web_base_url).ok_or((
        "has no web address".to_owned(),
        Some("add `base_url = \"https://…\"` under [web]; unsubscribe links lead there".to_owned()),
    ))?;
    let postal_address = section.postal_address.as_deref().filter(|address| !address.trim().is_empty()).ok_or((
        "has no postal address".to_owned(),
        Some("add `postal_address = \"…\"`; CAN-SPAM and Gmail's rules want it in every issue".to_owned()),
    ))?;
    let name = text("name", &section.name)?;
    if name.contains('\n') {
        return Err(("has a line break in its name".into(), None));
    }
    let mut from = Mailbox::parse(&section.from).map_err(|e| plain(&e))?;
    from.name.get_or_insert_with(|| name.clone());
    Ok(Newsletter {
        slug: Slug::parse(slug).map_err(|e| plain(&e))?,
        name,
        from,
        reply_to: section.reply_to.as_deref().map(Mailbox::parse).transpose().map_err(|e| plain(&e))?,
        postal_address: text("postal address", postal_address)?,
        language: section.language.clone().unwrap_or_else(|| "en".into()),
        base_url: BaseUrl::parse(base_url).map_err(|e| plain(&e))?,
        theme: theme::theme(&section.theme)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const WEEKLY: &str = "[newsletter.weekly]\nname = \"Weekly\"\nfrom = \"ann@example.org\"\n\
        postal_address = \"1 Main St\"\nbase_url = \"https://example.org\"\n";

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, text).unwrap();
        Config::load(&path, environment.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let text = format!("[smtp]\nurl = \"smtp://127.0.0.1\"\n[send]\nretry = [\"5m\"]\n{WEEKLY}");
        let config = load(
            &text,
            &[
                ("SMTP_URL", "smtps://u:p@relay.example.org"),
                ("MASTHEAD_SEND__RETRY", "1s,2s"),
                ("MASTHEAD_SMTP__CONNECTIONS", "3"),
                ("MASTHEAD_NEWSLETTER__WEEKLY__NAME", "2024"),
                ("MASTHEAD_POSTGRES_BIN", "/nowhere"),
            ],
        )
        .unwrap();
        assert_eq!(config.smtp_url.unwrap().reveal(), "smtps://u:p@relay.example.org");
        assert_eq!(config.send.retry.waits, [Duration::from_secs(1), Duration::from_secs(2)]);
        assert_eq!(config.send.connections, 3);
        assert_eq!(config.newsletters[0].name, "2024");
    }

    #[test]
    fn a_wrong_value_in_the_environment_is_blamed_on_its_variable() {
        let variables = [
            ("MASTHEAD_SEND__RATE", "fast"),
            ("MASTHEAD_SEND__RETRY", "1s,soon"),
            ("MASTHEAD_SEND__RATEE", "1"),
            ("MASTHEAD_SMTP__CONNECTIONS", "900"),
            ("MASTHEAD_NEWSLETTER__OTHER__NAME", "without an address"),
            ("MASTHEAD_DATA__X", "3"),
            ("DATABASE_URL_FILE", "/nowhere/at/all"),
        ];
        for (name, value) in variables {
            let error = load(WEEKLY, &[("MASTHEAD_SEND__WAIT", "5m"), (name, value)]).unwrap_err();
            assert_eq!(error.place, name, "{error}");
            let text = WEEKLY.replace("from = ", "form = ");
            assert!(load(&text, &[(name, value)]).unwrap_err().place.ends_with(FILE), "the file is wrong by itself");
        }
        let both = load(WEEKLY, &[variables[0], variables[3]]).unwrap_err();
        assert_eq!(both.place, "MASTHEAD_SEND__RATE", "{both}");
    }

    #[test]
    fn a_newsletter_without_a_postal_address_is_refused_with_the_remedy() {
        let error = load(&WEEKLY.replace("postal_address = \"1 Main St\"\n", ""), &[]).unwrap_err();
        assert!(error.to_string().ends_with("newsletter \"weekly\" has no postal address"), "{error}");
        assert!(error.hint.unwrap().starts_with("add `postal_address"));
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_line() {
        let line = load(&format!("[web]\nlisten_on = \"x\"\n{WEEKLY}"), &[]).unwrap_err().line;
        assert_eq!(line, Some(2));
        let error = load(&format!("[web]\nlisten_on = \"x\"\n{WEEKLY}"), &[]).unwrap_err().to_string();
        assert!(error.contains("listen_on") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        assert!(load(&WEEKLY.replace("https://example.org", "http://127.0.0.1:8080"), &[]).is_ok());
        assert!(load(&WEEKLY.replace("https", "http"), &[]).is_err());
    }

    #[test]
    fn a_dkim_section_counts_for_all_newsletters_and_one_of_their_own_before_it() {
        let slug = |text| Slug::parse(text).unwrap();
        assert!(load(WEEKLY, &[]).unwrap().dkim(&slug("weekly")).is_none());
        let daily = WEEKLY.replace("weekly", "daily").replace("ann@example.org", "bo@daily.example");
        let text =
            format!("[dkim]\nselector = \"k1\"\n{WEEKLY}{daily}[newsletter.daily.dkim]\nkey_file = \"/keys/daily\"\n");
        let config = load(&text, &[]).unwrap();
        let dkim = |name| config.dkim(&slug(name)).unwrap();
        assert_eq!(dkim("weekly").name.to_string(), "k1._domainkey.example.org");
        assert_eq!(dkim("weekly").key_file, config.path.with_file_name("dkim.pem"));
        assert_eq!(dkim("daily").name.to_string(), "k1._domainkey.daily.example");
        assert_eq!(dkim("daily").key_file, Path::new("/keys/daily"));

        let set = [("MASTHEAD_DKIM__KEY_FILE", "keys/a.pem"), ("MASTHEAD_DKIM__DOMAIN", "example.net")];
        let config = load(WEEKLY, &set).unwrap();
        assert_eq!(config.dkim(&slug("weekly")).unwrap().name.to_string(), "masthead._domainkey.example.net");
        assert_eq!(config.dkim(&slug("weekly")).unwrap().key_file, config.path.with_file_name("keys/a.pem"));
        assert!(load(&format!("[dkim]\nselector = \"a b\"\n{WEEKLY}"), &[]).is_err());
    }

    #[test]
    fn secrets_do_not_print() {
        let config = load(WEEKLY, &[("SMTP_URL", "smtps://u:hush@relay.example.org")]).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn durations_are_written_as_people_do() {
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(parse_duration("15").is_err());
        assert!(parse_duration("soon").is_err());
    }
}
