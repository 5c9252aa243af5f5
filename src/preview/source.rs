//! The files behind a preview, read again when they change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::email::Email;
use crate::issue::check::Settings;
use crate::issue::{Archive, Issue, Manuscript};
use crate::message::dkim::Signer;
use crate::newsletter::Newsletter;
use crate::templates::preview::Trouble;
use crate::theme::Sheet;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(250);

/// An issue file, perhaps with a style sheet, perhaps in a project.
pub struct Source {
    /// The issue file.
    pub file: PathBuf,
    /// The editor's own style sheet, on top of the newsletter's.
    pub css: Option<PathBuf>,
    /// What is configured for an issue at the moment.
    pub project: Box<Configured>,
}

/// Tells what is configured for an issue, or what is wrong with the configuration.
pub type Configured = dyn Fn(&Issue) -> Result<Project, Trouble> + Send + Sync;

impl Trouble {
    /// In a line of a file.
    pub fn at(file: &Path, line: impl Into<Option<usize>>, what: impl Into<String>) -> Self {
        let place = match line.into() {
            Some(line) => format!("{}, line {line}", name(file)),
            None => name(file),
        };
        Self { place, what: what.into() }
    }
}

/// A file's name without its folders.
fn name(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// What is configured for an issue.
#[derive(Clone)]
pub struct Project {
    /// The newsletter; or why there is none, so that the issue is shown for one that it suggests itself.
    pub newsletter: Result<Newsletter, String>,
    /// What signs the messages.
    pub signer: Option<Signer>,
    /// What `check` marks.
    pub check: Settings,
    /// The issues before.
    pub archive: Arc<Archive>,
}

impl Project {
    /// No project at all.
    pub fn none(why: &str) -> Self {
        let (check, archive) = (Settings::default(), Arc::default());
        Self { newsletter: Err(why.to_owned()), signer: None, check, archive }
    }
}

impl PartialEq for Project {
    fn eq(&self, other: &Self) -> bool {
        let key = |project: &Self| project.signer.as_ref().map(|signer| signer.record());
        self.newsletter == other.newsletter
            && self.check == other.check
            && self.archive == other.archive
            && key(self) == key(other)
    }
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project").field("newsletter", &self.newsletter).finish_non_exhaustive()
    }
}

/// What the page shows.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) version: u64,
    /// The file's name.
    pub(super) name: String,
    /// The email, as it was when it last could be made.
    pub(super) email: Option<Arc<Email>>,
    /// Why it cannot be made at the moment.
    pub(super) trouble: Option<Trouble>,
    content: Content,
}

impl Shown {
    /// The email, if it is what the files say now.
    pub(super) fn current(&self) -> Result<&Arc<Email>, String> {
        match (&self.trouble, &self.email) {
            (Some(trouble), _) => Err(trouble.what.clone()),
            (None, Some(email)) => Ok(email),
            (None, None) => Err(format!("{} was not read yet", self.name)),
        }
    }
}

/// What the files say, or why they cannot be read.
#[derive(Debug)]
struct Content {
    bytes: Result<Vec<u8>, Trouble>,
    /// When the issue file was changed last.
    changed: SystemTime,
    css: Option<Result<Sheet, Trouble>>,
    manuscript: Result<Arc<Manuscript>, Trouble>,
    project: Result<Project, Trouble>,
}

impl Content {
    fn is(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.css == other.css && self.project == other.project
    }
}

impl Source {
    /// An issue file alone.
    pub fn of(file: PathBuf) -> Self {
        Self { file, css: None, project: Box::new(|_| Ok(Project::none("there is no project here."))) }
    }

    /// Reads and renders the files; what goes wrong is shown, not fatal.
    pub(super) fn read(&self) -> Shown {
        self.show(self.content(None), None)
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
                let content = source.content(Some(&last.content));
                (!content.is(&last.content)).then(|| source.show(content, Some(&last)))
            };
            if let Ok(Some(shown)) = tokio::task::spawn_blocking(look).await
                && sender.send(Arc::new(shown)).is_err()
            {
                return;
            }
        }
    }

    /// What the files say; what has not changed since the last look is not parsed again.
    fn content(&self, last: Option<&Content>) -> Content {
        let failed = |path: &Path, error: std::io::Error| {
            Trouble::at(path, None, format!("`{}` cannot be read: {error}", path.display()))
        };
        let css = self.css.as_deref().map(|path| {
            let css = std::fs::read_to_string(path).map_err(|error| failed(path, error))?;
            sheet(path, &css)
        });
        let bytes = std::fs::read(&self.file).map_err(|error| failed(&self.file, error));
        let changed = std::fs::metadata(&self.file).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let manuscript = match last.filter(|last| last.bytes == bytes) {
            Some(last) => last.manuscript.clone(),
            None => bytes.as_ref().map_err(Clone::clone).and_then(|bytes| self.manuscript(bytes)),
        };
        let project = manuscript.as_ref().map_err(Clone::clone).and_then(|read| (self.project)(&read.issue));
        Content { bytes, changed, css, manuscript, project }
    }

    fn manuscript(&self, bytes: &[u8]) -> Result<Arc<Manuscript>, Trouble> {
        let read = Manuscript::read(&name(&self.file), bytes);
        read.map(Arc::new)
            .map_err(|error| Trouble::at(&self.file, error.line, format!("{}\n{}", error.what, error.hint)))
    }

    fn show(&self, content: Content, last: Option<&Shown>) -> Shown {
        let (email, trouble) = match self.email(&content) {
            Ok(email) => (Some(Arc::new(email)), None),
            // an editor sees the email on while mending the file
            Err(trouble) => (last.and_then(|last| last.email.clone()), Some(trouble)),
        };
        Shown { version: last.map_or(1, |last| last.version + 1), name: name(&self.file), email, trouble, content }
    }

    fn email(&self, content: &Content) -> Result<Email, Trouble> {
        let css = content.css.as_ref().map(|css| css.as_ref().map_err(Clone::clone)).transpose()?;
        let project = content.project.as_ref().map_err(Clone::clone)?;
        Email::new(content.manuscript.clone()?, content.changed.into(), project, css)
            .map_err(|what| Trouble::at(&self.file, None, what))
    }
}

/// Reads a style sheet.
fn sheet(path: &Path, css: &str) -> Result<Sheet, Trouble> {
    match Sheet::parse(css) {
        Ok(sheet) => Ok(sheet.named(&path.to_string_lossy())),
        Err(error) => Err(Trouble::at(path, usize::try_from(error.line).ok(), error.what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_as_before_is_no_change() {
        assert_eq!(Project::none("there is none."), Project::none("there is none."));
        assert_ne!(Project::none("there is none."), Project::none("it is gone."));
    }
}
