//! `masthead render`: what a reader would get, as files.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use time::OffsetDateTime;

use super::Exit;
use super::context::{ConfigArgs, warn_of_style};
use super::parse::read;
use crate::issue::Issue;
use crate::message::dkim::Signer;
use crate::message::{Compiled, Digest, Reader};
use crate::newsletter::Newsletter;
use crate::render::{self, SAMPLE_UNSUBSCRIBE_URL, sample_date, sample_value};
use crate::subscriber::EmailAddress;
use crate::theme::Sheet;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issue file; where it has no date, issue.eml is dated with its last change
    file: PathBuf,
    /// The folder for issue.html, issue.txt and issue.eml; made if missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The newsletter, where there are several
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    /// A style sheet of your own, inlined on top of the newsletter's
    #[arg(long, value_name = "FILE")]
    css: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let issue = read(&args.file)?;
    let mut newsletter = args.config.newsletter_of(&issue, args.newsletter.as_deref())?;
    if let Some(css) = &args.css {
        newsletter.theme.sheet = newsletter.theme.sheet.under(&sheet(css)?);
    }
    warn_of_style(&newsletter.theme);
    let signer = args.config.signer_of(&newsletter)?;
    let sample = sample(&issue, &newsletter, sample_date(&issue, last_change(&args.file)?), signer.as_ref())?;

    let out = args.out.display();
    std::fs::create_dir_all(&args.out).with_context(|| format!("the folder `{out}` cannot be made"))?;
    for (name, content) in [("issue.html", &sample.html), ("issue.txt", &sample.text), ("issue.eml", &sample.message)] {
        let path = args.out.join(name);
        write(&path, content).with_context(|| format!("`{}` cannot be written", path.display()))?;
        outln!("{}", path.display());
    }
    errln!("digest {}", sample.digest);
    Ok(Exit::Done)
}

/// Writes a file; one that says the same is left alone, so that whoever watches it is told of changes only.
fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    match std::fs::read(path) {
        Ok(written) if written == content => Ok(()),
        _ => std::fs::write(path, content),
    }
}

/// Reads a style sheet.
fn sheet(path: &Path) -> anyhow::Result<Sheet> {
    let css = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let sheet = Sheet::parse(&css).with_context(|| format!("`{}` is broken", path.display()))?;
    Ok(sheet.named(&path.to_string_lossy()))
}

/// What a sample reader would get.
struct Sample {
    html: Vec<u8>,
    text: Vec<u8>,
    message: Vec<u8>,
    digest: Digest,
}

/// When a file was changed last.
fn last_change(file: &Path) -> anyhow::Result<OffsetDateTime> {
    let changed = std::fs::metadata(file).and_then(|file| file.modified());
    Ok(changed.with_context(|| format!("cannot see when `{}` was changed", file.display()))?.into())
}

/// Renders an issue for a sample reader.
fn sample(
    issue: &Issue,
    newsletter: &Newsletter,
    date: OffsetDateTime,
    signer: Option<&Signer>,
) -> anyhow::Result<Sample> {
    let rendered = render::render(issue, newsletter)?;
    let reader = Reader {
        address: EmailAddress::parse("reader@example.com")?,
        name: None,
        unsubscribe_url: SAMPLE_UNSUBSCRIBE_URL.to_owned(),
    };
    let message_id = format!("{}.sample@{}", rendered.seal, newsletter.from.address.domain());
    let compiled = Compiled::new(&newsletter.letterhead(), &rendered, issue.number, date, signer)?;
    Ok(Sample {
        html: rendered.html_for(sample_value).into_bytes(),
        text: rendered.text_for(sample_value).into_bytes(),
        digest: compiled.digest(),
        message: compiled.stamp(&reader, &message_id)?.to_vec(),
    })
}
