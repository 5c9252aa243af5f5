//! `masthead init`: writes a commented masthead.toml.

use std::fs::OpenOptions;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::path::Path;

use anyhow::Context as _;

use super::context::told;
use super::{Exit, advise};
use crate::config::{self, Config};
use crate::newsletter::Slug;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ask nothing: what is not given is an error or has its default
    #[arg(long)]
    yes: bool,
    /// The newsletter's name
    #[arg(long)]
    name: Option<String>,
    /// Who its mail is from, like `Ann Example <ann@example.org>`
    #[arg(long)]
    from: Option<String>,
    /// Where its pages will be, like https://news.example.org
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The street address for the footer of every issue
    #[arg(long)]
    postal_address: Option<String>,
    /// Its language, like en or zh; the fixed words are English where there is no translation
    #[arg(long, default_value = "en")]
    language: String,
    /// Its short name in web addresses and commands; made from the name without it
    #[arg(long)]
    slug: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let path = Path::new(config::FILE);
    if path.exists() {
        return Err(advise("`masthead.toml` is here already", "edit it, or move it away to begin anew"));
    }
    let name = answer(args.yes, args.name.as_deref(), "--name", "Name of the newsletter")?;
    let from = answer(args.yes, args.from.as_deref(), "--from", "From, like Ann Example <ann@example.org>")?;
    let base_url = answer(args.yes, args.base_url.as_deref(), "--base-url", "Web address of its pages")?;
    let postal_address =
        answer(args.yes, args.postal_address.as_deref(), "--postal-address", "Postal address for the footer")?;
    let slug = match &args.slug {
        Some(slug) => Slug::parse(slug)?,
        None => Slug::suggest(&name),
    };
    let text = configuration(&slug, &name, &from, &base_url, &postal_address, &args.language);
    Config::parse(path, &text, []).map_err(told)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => advise("`masthead.toml` is here already", "edit it, or move it away"),
        _ => error.into(),
    })?;
    file.write_all(text.as_bytes()).context("cannot write `masthead.toml`")?;
    errln!("wrote `masthead.toml` for newsletter \"{slug}\"");
    errln!("next: set SMTP_URL, import subscribers or run `masthead serve`, then `masthead send FILE`");
    Ok(Exit::Done)
}

/// A commented masthead.toml with one newsletter.
pub(super) fn configuration(
    slug: &Slug,
    name: &str,
    from: &str,
    base_url: &str,
    postal_address: &str,
    language: &str,
) -> String {
    format!(
        include_str!("masthead.toml.in"),
        slug = slug,
        name = quoted(name),
        from = quoted(from),
        base_url = quoted(base_url),
        postal_address = quoted(postal_address),
        language = quoted(language),
    )
}

/// A TOML basic string; JSON's escapes are a subset of TOML's, but for DEL, which the configuration refuses.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn answer(yes: bool, given: Option<&str>, flag: &str, question: &str) -> anyhow::Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if yes || !io::stdin().is_terminal() {
        return Err(advise(&format!("{flag} is missing"), &format!("add {flag} \"…\"")));
    }
    err!("{question}: ");
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
