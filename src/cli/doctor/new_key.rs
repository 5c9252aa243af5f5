//! `masthead doctor --new-key`: a DKIM key, and the record that publishes it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use crate::cli::{Exit, advise};
use crate::config::Config;
use crate::message::dkim::{KeyRecord, SigningKey};
use crate::newsletter::{DkimName, Newsletter};

/// Makes a key in `out`, or where the configuration has it.
pub(super) fn run(
    config: &Config,
    newsletter: &Newsletter,
    out: Option<&Path>,
    selector: Option<&str>,
    json: bool,
) -> anyhow::Result<Exit> {
    let configured = config.dkim(&newsletter.slug);
    let dkim = configured.cloned().map_or_else(|| config.default_dkim(newsletter), Ok)?;
    let name = match selector {
        Some(selector) => DkimName::parse(selector, dkim.name.domain())?,
        None => dkim.name.clone(),
    };
    let file = out.unwrap_or(&dkim.key_file);
    let key = SigningKey::generate()?;
    write(file, &key.to_pem()?)?;
    let record = KeyRecord::new(&name, &key);
    if json {
        outln!(
            "{}",
            json!({
                "key_file": file,
                "selector": name.selector(),
                "domain": name.domain(),
                "name": record.name,
                "value": record.value,
                "zone": record.to_string(),
            })
        );
    } else {
        outln!("name   {}\ntype   TXT\nvalue  {}\n\n{record}", record.name, record.value);
    }
    errln!("wrote `{}`; keep it as you keep passwords", file.display());
    errln!("next: publish the record (the last line is for a zone file), and look with `masthead doctor`");
    if configured.is_none_or(|configured| configured.name != name || configured.key_file != file) {
        let section = section(config, newsletter, &name, file);
        errln!("from then on this in `{}` has all mail signed:\n\n{section}", config.path.display());
    }
    Ok(Exit::Done)
}

/// Writes a new file that nobody else may read.
fn write(file: &Path, pem: &str) -> anyhow::Result<()> {
    let mut there = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(|error| {
        match error.kind() {
            ErrorKind::AlreadyExists => advise(
                &format!("`{}` is there already; a key is never overwritten", file.display()),
                "name another file and selector with --out and --selector, and keep the old record until its mail has arrived",
            ),
            _ => anyhow::Error::from(error).context(format!("`{}` cannot be written", file.display())),
        }
    })?;
    there.write_all(pem.as_bytes()).and_then(|()| there.sync_all()).with_context(|| format!("`{}`", file.display()))
}

/// How a configuration names a file: a relative path begins at its folder there, and where we are here.
fn in_folder_of(config: &Path, file: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file = absolute(file);
    let below = absolute(config).parent().and_then(|folder| file.strip_prefix(folder).ok()).map(Path::to_owned);
    // what `..` leads to is known to the file system only
    let is_plain = |path: &PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
    below.filter(is_plain).unwrap_or(file)
}

/// What names the key in masthead.toml.
fn section(config: &Config, newsletter: &Newsletter, name: &DkimName, file: &Path) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let file = in_folder_of(&config.path, file);
    let header = match config.newsletters.as_slice() {
        [_] => "[dkim]".to_owned(),
        _ => format!("[newsletter.{}.dkim]", newsletter.slug),
    };
    let domain = match name.domain() {
        domain if domain == newsletter.from.address.domain() => String::new(),
        domain => format!("domain = {}\n", quoted(domain)),
    };
    format!("{header}\nselector = {}\n{domain}key_file = {}", quoted(name.selector()), quoted(&file.to_string_lossy()))
}
