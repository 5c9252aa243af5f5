//! What was read from files, until they change.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file that was changed so shortly before it was read may change again without a sign: clocks of file systems are
/// coarse, FAT's has two seconds.
const COARSE: Duration = Duration::from_secs(2);

/// A value with the files that it was read from.
pub(super) struct Kept<T> {
    pub(super) value: T,
    /// When the reading began.
    began: SystemTime,
    files: Vec<(PathBuf, Option<Stamp>)>,
}

/// What tells of a change of a file without reading it.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    /// When anything of it was changed, its name too; seconds and nanoseconds.
    changed: (i64, i64),
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        let file = std::fs::metadata(file).ok()?;
        let changed = (file.ctime(), file.ctime_nsec());
        Some(Self { modified: file.modified().ok()?, changed, length: file.len(), inode: file.ino() })
    }
}

impl<T> Kept<T> {
    /// Reads a value; `files` tells what it was read from.
    pub(super) fn read<E>(
        read: impl FnOnce() -> Result<T, E>,
        files: impl FnOnce(&T) -> Vec<PathBuf>,
    ) -> Result<Self, E> {
        let began = SystemTime::now();
        let value = read()?;
        let files = files(&value).into_iter().map(|file| (Stamp::of(&file), file));
        Ok(Self { began, files: files.map(|(stamp, file)| (file, stamp)).collect(), value })
    }

    /// Whether the files are certainly as they were read.
    pub(super) fn is_current(&self) -> bool {
        let is_old = |stamp: &Stamp| stamp.modified + COARSE < self.began;
        self.files.iter().all(|(file, stamp)| stamp.as_ref().is_some_and(is_old) && Stamp::of(file) == *stamp)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn keep(file: &Path) -> Kept<String> {
        Kept::read(|| std::fs::read_to_string(file), |_| vec![file.to_owned()]).unwrap()
    }

    fn date_back(file: &Path, by: u64) {
        let time = SystemTime::now() - Duration::from_secs(by);
        std::fs::File::options().append(true).open(file).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn a_value_is_kept_until_a_file_of_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
        std::fs::write(&file, "one").unwrap();
        date_back(&file, 60);
        let kept = keep(&file);
        assert!(kept.is_current() && kept.value == "one");
        std::fs::write(&file, "two").unwrap();
        assert!(!kept.is_current(), "of the same length");
        date_back(&file, 60);
        let kept = keep(&file);
        assert!(kept.is_current());
        std::fs::write(&other, "two").unwrap();
        date_back(&other, 60);
        std::fs::rename(&other, &file).unwrap();
        assert!(!kept.is_current(), "another file took its name");
        let kept = keep(&file);
        std::fs::remove_file(&file).unwrap();
        assert!(!kept.is_current());
    }

    #[test]
    fn a_file_that_has_just_been_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "one").unwrap();
        assert!(!keep(&file).is_current());
    }
}
