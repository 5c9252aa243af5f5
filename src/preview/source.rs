//! The files behind a preview, read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::newsletter::Newsletter;
use crate::render::{self, sample_value};
use crate::{issue, templates};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(250);

/// An issue file, perhaps with a style sheet, perhaps for a newsletter that is configured.
#[derive(Debug, Clone)]
pub struct Source {
    /// The issue file.
    pub file: PathBuf,
    /// The editor's own style sheet, on top of the newsletter's.
    pub css: Option<PathBuf>,
    /// The newsletter; without one, what the issue suggests.
    pub newsletter: Option<Newsletter>,
}

/// What the page shows.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) version: u64,
    name: String,
    result: Result<Email, String>,
    content: Content,
}

#[derive(Debug)]
struct Email {
    from: String,
    subject: String,
    preheader: String,
    html: String,
    text: String,
}

/// The bytes of the files, or why they cannot be read.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    issue: Result<Vec<u8>, String>,
    css: Result<String, String>,
}

impl Source {
    /// Reads and renders the files; what goes wrong is shown, not fatal.
    pub(super) fn read(&self) -> Shown {
        self.show(self.content(), 1)
    }

    /// Reads the files again and again, and tells when what they say has changed.
    pub(super) async fn watch(self, sender: watch::Sender<Arc<Shown>>) {
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
        }
    }

    fn show(&self, content: Content, version: u64) -> Shown {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str()).to_string_lossy().into_owned();
        Shown { version, name, result: self.render(&content), content }
    }

    fn render(&self, content: &Content) -> Result<Email, String> {
        let (bytes, css) = (content.issue.as_ref()?, content.css.as_ref()?);
        let issue = issue::parse(bytes).map_err(|error| {
            let file = self.file.file_name().unwrap_or_default().to_string_lossy();
            format!("{file}:{}: {}\n{}", error.line, error.what, error.hint)
        })?;
        let newsletter = match &self.newsletter {
            Some(newsletter) => newsletter.clone(),
            None => render::sample_newsletter(&issue).map_err(|error| error.to_string())?,
        };
        let rendered = if css.is_empty() {
            render::render(&issue, &newsletter)
        } else {
            render::render_styled(&issue, &newsletter, css)
        };
        let rendered = rendered.map_err(|error| error.to_string())?;
        Ok(Email {
            from: newsletter.from.name.clone().unwrap_or_else(|| newsletter.from.address.to_string()),
            html: rendered.html_for(sample_value),
            text: rendered.text_for(sample_value),
            subject: rendered.subject,
            preheader: rendered.preheader,
        })
    }
}

impl Shown {
    /// The HTML part, empty where there is no email.
    pub(super) fn html(&self) -> &str {
        self.result.as_ref().map_or("", |email| email.html.as_str())
    }

    /// What the template needs.
    pub(super) fn as_page(&self) -> templates::Preview<'_> {
        match &self.result {
            Ok(email) => templates::Preview::Email {
                file: &self.name,
                from: &email.from,
                subject: &email.subject,
                preheader: &email.preheader,
                text: &email.text,
                html_bytes: email.html.len(),
            },
            Err(error) => templates::Preview::Failure { file: &self.name, error },
        }
    }
}
