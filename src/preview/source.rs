//! The files behind a preview, read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::email::Email;
use crate::issue::check::Settings;
use crate::issue::{Archive, Manuscript};
use crate::message::dkim::Signer;
use crate::newsletter::Newsletter;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(250);

/// An issue file, perhaps with a style sheet, perhaps for a newsletter that is configured.
pub struct Source {
    /// The issue file.
    pub file: PathBuf,
    /// The editor's own style sheet, on top of the newsletter's.
    pub css: Option<PathBuf>,
    /// The newsletter as it is configured at the moment; without one, what the issue suggests.
    pub newsletter: Box<dyn Fn() -> Result<Option<Newsletter>, String> + Send + Sync>,
    /// What signs the messages.
    pub signer: Option<Signer>,
    /// What `check` marks.
    pub check: Settings,
    /// The issues before.
    pub archive: Archive,
}

/// What the page shows.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) version: u64,
    /// The file's name.
    pub(super) name: String,
    /// The email, or why there is none.
    pub(super) result: Result<Email, String>,
    content: Content,
}

/// What the files say, or why they cannot be read.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    issue: Result<Vec<u8>, String>,
    css: Result<String, String>,
    newsletter: Result<Option<Newsletter>, String>,
}

impl Source {
    /// An issue file alone.
    pub fn of(file: PathBuf) -> Self {
        let newsletter = Box::new(|| Ok(None));
        Self { file, css: None, newsletter, signer: None, check: Settings::default(), archive: Archive::new() }
    }

    /// Reads and renders the files; what goes wrong is shown, not fatal.
    pub(super) fn read(&self) -> Shown {
        self.show(self.content(), 1)
    }

    /// Reads the files again and again, and tells when what they say has changed.
    pub(super) async fn watch(self: Arc<Self>, sender: watch::Sender<Arc<Shown>>) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            let source = self.clone();
            let last = sender.borrow().clone();
            // the content itself is compared: editors write a file twice within a clock's tick
            let look = move || {
                let content = source.content();
                (content != last.content).then(|| source.show(content, last.version + 1))
            };
            if let Ok(Some(shown)) = tokio::task::spawn_blocking(look).await
                && sender.send(Arc::new(shown)).is_err()
            {
                return;
            }
        }
    }

    fn content(&self) -> Content {
        let failed = |path: &Path, error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
        let css = self.css.as_deref().map(|path| std::fs::read_to_string(path).map_err(|error| failed(path, error)));
        Content {
            issue: std::fs::read(&self.file).map_err(|error| failed(&self.file, error)),
            css: css.unwrap_or_else(|| Ok(String::new())),
            newsletter: (self.newsletter)(),
        }
    }

    fn show(&self, content: Content, version: u64) -> Shown {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str()).to_string_lossy().into_owned();
        let result = self.email(&name, &content);
        Shown { version, name, result, content }
    }

    fn email(&self, name: &str, content: &Content) -> Result<Email, String> {
        let (bytes, css, newsletter) = (content.issue.as_ref()?, content.css.as_ref()?, content.newsletter.as_ref()?);
        let manuscript = Manuscript::read(name, bytes)
            .map_err(|error| format!("{name}:{}: {}\n{}", error.line, error.what, error.hint))?;
        Email::new(Arc::new(manuscript), newsletter.as_ref(), css, self)
    }
}
