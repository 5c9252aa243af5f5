//! `masthead render`: what a reader would get, as files.

use std::path::PathBuf;

use anyhow::Context as _;
use time::{Date, OffsetDateTime};

use super::Exit;
use super::context::ConfigArgs;
use super::parse::read;
use crate::issue::Issue;
use crate::message::dkim::Signer;
use crate::message::{Reader, issue_message};
use crate::newsletter::Newsletter;
use crate::render::{self, SAMPLE_UNSUBSCRIBE_URL};
use crate::subscriber::EmailAddress;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issue file
    file: PathBuf,
    /// The folder for issue.html, issue.txt and issue.eml; made if missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The newsletter, where there are several
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let issue = read(&args.file)?;
    let newsletter = args.config.newsletter_of(&issue, args.newsletter.as_deref())?;
    let signer = args.config.signer_of(&newsletter)?;
    let sample = sample(&issue, &newsletter, signer.as_ref())?;

    let out = args.out.display();
    std::fs::create_dir_all(&args.out).with_context(|| format!("the folder `{out}` cannot be made"))?;
    for (name, content) in [("issue.html", &sample.html), ("issue.txt", &sample.text), ("issue.eml", &sample.message)] {
        let path = args.out.join(name);
        std::fs::write(&path, content).with_context(|| format!("`{}` cannot be written", path.display()))?;
        outln!("{}", path.display());
    }
    Ok(Exit::Done)
}

/// What a sample reader would get.
struct Sample {
    html: Vec<u8>,
    text: Vec<u8>,
    message: Vec<u8>,
}

/// Renders an issue for a sample reader; the issue's day is the date, so that the same file gives the same bytes.
fn sample(issue: &Issue, newsletter: &Newsletter, signer: Option<&Signer>) -> anyhow::Result<Sample> {
    let rendered = render::render(issue, newsletter)?;
    let reader = Reader {
        address: EmailAddress::parse("reader@example.com")?,
        name: None,
        unsubscribe_url: SAMPLE_UNSUBSCRIBE_URL.to_owned(),
    };
    let day = issue.date.unwrap_or(Date::from_ordinal_date(1970, 1)?);
    let date = OffsetDateTime::new_utc(day, time::Time::MIDNIGHT);
    let message_id = format!("{}.sample@{}", rendered.seal, newsletter.from.address.domain());
    let value = |_| SAMPLE_UNSUBSCRIBE_URL;
    Ok(Sample {
        html: rendered.html_for(value).into_bytes(),
        text: rendered.text_for(value).into_bytes(),
        message: issue_message(newsletter, &rendered, issue.number, &reader, &message_id, date, signer)?,
    })
}
