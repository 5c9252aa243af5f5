//! `masthead links`: where a page appeared.

use serde_json::{Value, json};

use super::context::{ConfigArgs, OpenStore, block_on, told};
use super::{Exit, advise};
use crate::issue::Address;
use crate::store::FoundLink;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The page, under any of its addresses
    url: String,
    /// Look in one newsletter only
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.load()?;
    let newsletter = args.newsletter.as_deref().map(|slug| config.newsletter(Some(slug))).transpose().map_err(told)?;
    let address = address(&args.url).ok_or_else(|| {
        advise(&format!("`{}` is no web address", args.url), "write it like `https://example.org/post`")
    })?;
    block_on(async {
        let open = OpenStore::open(&config).await?;
        let newsletter_id = match newsletter {
            Some(newsletter) => Some(open.newsletter_id(newsletter).await?),
            None => None,
        };
        let found = open.store.find_links(&address, newsletter_id).await?;
        let (same, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|link| link.address == address.as_str());
        if args.json {
            outln!("{}", as_json(&address, &same, &others));
        } else {
            print(&address, &same, &others)?;
        }
        open.close().await?;
        Ok(Exit::Done)
    })
}

/// The address of a page, as it is copied from somewhere: with a scheme or, as [`Address`] shows itself, without.
fn address(text: &str) -> Option<Address> {
    let host = text.split('/').next().unwrap_or_default();
    let bare = host.contains('.') && !host.contains([':', '@']);
    Address::canonical(&if bare { format!("https://{text}") } else { text.to_owned() })
}

/// For scripts; fields are only ever added.
fn as_json(address: &Address, same: &[FoundLink], others: &[FoundLink]) -> Value {
    let all = |links: &[FoundLink]| links.iter().map(link).collect::<Vec<_>>();
    json!({
        "address": address,
        "appearances": all(same),
        "repository": address.repository().map(|repository| repository.to_string()),
        "same_repository": all(others),
    })
}

fn link(link: &FoundLink) -> Value {
    json!({
        "newsletter": link.newsletter,
        "number": link.number,
        "date": link.date.map(|date| date.to_string()),
        "title": link.title,
        "name": link.name,
        "role": link.role,
        "address": link.address,
        "url": link.url,
    })
}

fn print(address: &Address, same: &[FoundLink], others: &[FoundLink]) -> anyhow::Result<()> {
    if same.is_empty() {
        errln!("{address} has not appeared");
    }
    for link in same {
        outln!("{}", line(link));
    }
    if let Some(repository) = address.repository().filter(|_| !others.is_empty()) {
        outln!("note: other pages of {repository}:");
        for link in others {
            outln!("  {}: {}", line(link), link.url);
        }
    }
    Ok(())
}

/// `weekly #58, 2024-06-22, A title`
fn line(link: &FoundLink) -> String {
    let issue = link.number.map_or_else(|| link.name.clone(), |number| format!("#{number}"));
    let date = link.date.map(|date| date.to_string());
    let mention = (link.role == "mention").then(|| "mentioned".to_owned());
    let parts = [Some(format!("{} {issue}", link.newsletter)), date, link.title.clone(), mention];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
