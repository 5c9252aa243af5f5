//! What lies in the data folder whoever runs the program: two locks, and perhaps a pointer.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{PostgresError, refused};

/// The folder `postgres` in a data folder: ours, and closed to everyone else.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) folder: PathBuf,
    /// What to call the data folder where its name is seen: `weekly` for `/srv/weekly/.masthead`.
    pub(super) title: String,
}

impl Home {
    /// Makes it when it is missing, the data folder too.
    pub(super) fn open(data_folder: &Path) -> Result<Self, PostgresError> {
        fs::create_dir_all(data_folder).map_err(refused("make", data_folder))?;
        let data_folder = data_folder.canonicalize().map_err(refused("find", data_folder))?;
        let folder = data_folder.join("postgres");
        make_private(&folder)?;
        let owner = fs::symlink_metadata(&folder).map_err(refused("look at", &folder))?.uid();
        if owner != rustix::process::geteuid().as_raw() {
            return Err(PostgresError::OtherUser { folder, owner });
        }
        Ok(Self { title: title(&data_folder), folder })
    }

    /// Whether a cluster was made in a data folder, by root or by an ordinary user.
    pub(super) fn has_cluster(data_folder: &Path) -> bool {
        let folder = data_folder.join("postgres");
        folder.join("location").exists() || folder.join("cluster/data").exists()
    }

    /// The file that says where root's cluster is.
    pub(super) fn location(&self) -> PathBuf {
        self.folder.join("location")
    }

    /// Waits until nobody else starts or stops the server.
    pub(super) fn decide(&self) -> Result<Lock, PostgresError> {
        self.lock("lock", File::lock)
    }

    /// Counts us among the users. Does not wait: only who decides ever holds this alone.
    pub(super) fn share(&self) -> Result<Lock, PostgresError> {
        self.lock("users", File::lock_shared)
    }

    /// The lock of all users, if there are none.
    pub(super) fn try_alone(&self) -> Result<Option<Lock>, PostgresError> {
        let mut others = false;
        let lock = self.lock("users", |file| match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                others = true;
                Ok(())
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        })?;
        Ok((!others).then_some(lock))
    }

    /// Forgets the cluster. The locks stay: somebody may be waiting for them.
    pub(super) fn remove(&self) -> Result<(), PostgresError> {
        let location = self.location();
        match fs::remove_file(&location) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused("remove", &location)(error)),
            _ => Ok(()),
        }
    }

    fn lock(&self, name: &str, take: impl FnOnce(&File) -> io::Result<()>) -> Result<Lock, PostgresError> {
        let path = self.folder.join(name);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(refused("open", &path))?;
        take(&file).map_err(refused("lock", &path))?;
        Ok(Lock(file))
    }
}

/// A lock on a file, given back when dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread just forked may still hold a copy.
        let _ = self.0.unlock();
    }
}

/// Makes a folder that only we can enter, unless it is there.
pub(super) fn make_private(folder: &Path) -> Result<(), PostgresError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(refused("make", folder)(error)),
        _ => Ok(()),
    }
}

/// The last part of the path that says something, in letters that are safe in a file name.
fn title(data_folder: &Path) -> String {
    let names = data_folder.iter().rev().filter_map(|name| name.to_str());
    let readable = names.map(|name| {
        let letters = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-');
        letters.take(24).collect::<String>().to_ascii_lowercase()
    });
    readable.into_iter().find(|name| !name.is_empty() && name != "masthead").unwrap_or_else(|| "data".to_owned())
}
