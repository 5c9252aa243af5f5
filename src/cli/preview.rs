//! `masthead preview`: the email in the browser, live.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;

use super::Exit;
use super::context::ConfigArgs;
use super::parse::read;
use crate::preview::{Preview, Source};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issue file
    file: PathBuf,
    /// Where to listen, on loopback only; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A style sheet of your own, inlined on top of the newsletter's
    #[arg(long, value_name = "FILE")]
    css: Option<PathBuf>,
    /// The newsletter, where there are several
    #[arg(long, value_name = "SLUG")]
    newsletter: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs the command until it is interrupted.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    for file in std::iter::once(&args.file).chain(&args.css) {
        std::fs::metadata(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    }
    // A file with an error in it is shown with the error; its newsletter is the sample's then.
    let newsletter = match (read(&args.file), args.newsletter.as_deref()) {
        (Ok(issue), slug) => Some(args.config.newsletter_of(&issue, slug)?),
        (Err(_), _) => None,
    };
    let source = Source { file: args.file.clone(), css: args.css.clone(), newsletter };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let preview =
            Preview::listen(args.listen).await.with_context(|| format!("cannot preview on {}", args.listen))?;
        outln!("{}", preview.url());
        let interrupted = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        preview.serve(source, interrupted).await?;
        Ok(Exit::Done)
    })
}
