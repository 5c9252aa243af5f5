//! Where the cluster lies, whose it is, and how it is made.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Gid, Uid};

use super::home::{Home, make_private};
use super::programs::Programs;
use super::{NAME, PostgresError, refused};

/// Where root's clusters are: an unprivileged user cannot reach into root's own folders.
const ROOTS_CLUSTERS: &str = "/var/lib/masthead";

/// Who may run root's servers, in this order. A user of our own keeps others out; `nobody` is shared with others.
const SERVER_USERS: [&str; 3] = [NAME, "postgres", "nobody"];

/// The folder with `data`, `log` and, where the path is short, `socket`.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) folder: PathBuf,
    /// Who runs the server, if not we ourselves.
    pub(super) user: Option<User>,
}

/// An unprivileged user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Cluster {
    /// Finds the place of the cluster, or chooses one and makes its folder.
    pub(super) fn locate(home: &Home) -> Result<Self, PostgresError> {
        if rustix::process::geteuid().is_root() {
            return Self::locate_as_root(home);
        }
        let folder = home.folder.join("cluster");
        make_private(&folder)?;
        Ok(Self { folder, user: None })
    }

    /// The folder is made before the pointer, so a pointer that leads nowhere means that a folder was lost.
    fn locate_as_root(home: &Home) -> Result<Self, PostgresError> {
        let location = home.location();
        let folder = match fs::read_to_string(&location) {
            Ok(path) => {
                let cluster = PathBuf::from(path.trim_end_matches('\n'));
                if !cluster.is_dir() {
                    return Err(PostgresError::Lost { location, cluster });
                }
                claim(&cluster, home)?;
                cluster
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = make_roots_folder(home)?;
                let draft = home.folder.join("location.draft");
                write_durably(&draft, &folder)?;
                fs::rename(&draft, &location).map_err(refused("write", &location))?;
                folder
            }
            Err(error) => return Err(refused("read", &location)(error)),
        };
        let user = match fs::symlink_metadata(folder.join("data")) {
            Ok(data) if data.uid() != 0 => User { uid: data.uid(), gid: data.gid() },
            _ => server_user()?,
        };
        Ok(Self { folder, user: Some(user) })
    }

    /// What Postgres calls the data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The server's log.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The user id that the server has.
    pub(super) fn owner(&self) -> u32 {
        self.user.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid)
    }

    /// The major version that the cluster was made by, if it is made.
    pub(super) fn made_by(&self) -> Result<Option<u32>, PostgresError> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(version) => {
                let invalid = || io::Error::new(io::ErrorKind::InvalidData, "it holds no version");
                version.trim().parse().map(Some).map_err(|_| refused("read", &path)(invalid()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.data().exists() => Ok(None),
            Err(error) => Err(refused("read", &path)(error)),
        }
    }

    /// Makes role, database and all, unless they are there.
    ///
    /// They are made beside their place and moved into it at the end, so that a half-made cluster is never used.
    pub(super) fn make_once(&self, programs: &Programs) -> Result<(), PostgresError> {
        if self.data().exists() {
            return Ok(());
        }
        self.remove_drafts()?;
        // A name of its own: the initdb of a process that was killed may still be at work in another.
        let draft = self.folder.join(format!("draft-{}", fingerprint(&self.folder)));
        make_private(&draft)?;
        self.hand_over(&draft)?;
        programs.initdb(&draft)?;
        // The role can make databases, as restoring a dump under another name does, but is no superuser.
        programs.single_user(
            &draft,
            &format!("create role {NAME} login createdb;\ncreate database {NAME} owner {NAME};\n"),
        )?;
        fs::rename(&draft, self.data()).map_err(refused("move into place", &draft))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(refused("sync", &self.folder))
    }

    /// Makes sure that the server can write its log.
    pub(super) fn open_log(&self) -> Result<(), PostgresError> {
        let log = self.log();
        let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&log);
        opened.map_err(refused("open", &log))?;
        self.hand_over(&log)
    }

    /// Gives what we just made to the server's user. Only for paths in folders that nobody else can write to.
    pub(super) fn hand_over(&self, path: &Path) -> Result<(), PostgresError> {
        let Some(user) = self.user else { return Ok(()) };
        let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
        rustix::fs::chown(path, Some(uid), Some(gid)).map_err(|error| refused("hand over", path)(error.into()))
    }

    fn remove_drafts(&self) -> Result<(), PostgresError> {
        let entries = fs::read_dir(&self.folder).map_err(refused("read", &self.folder))?;
        for entry in entries.flatten() {
            if entry.file_name().as_bytes().starts_with(b"draft-") {
                // Whatever is left of one is in nobody's way.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }
}

/// Makes `/var/lib/masthead/weekly-3f9c2a1b0c4d`: root's own, but the server's user can pass through it.
///
/// The name is new each time: a data folder that was removed and made again begins afresh.
fn make_roots_folder(home: &Home) -> Result<PathBuf, PostgresError> {
    let parent = Path::new(ROOTS_CLUSTERS);
    let folder = parent.join(format!("{}-{}", home.title, fingerprint(&home.folder)));
    for folder in [parent, &folder] {
        match DirBuilder::new().mode(0o755).create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder == parent => {}
            Err(error) => return Err(refused("make", folder)(error)),
            // Whatever the umask was.
            Ok(()) => {
                fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(refused("open up", folder))?;
            }
        }
    }
    write_durably(&folder.join("made-for"), &home.folder)?;
    Ok(folder)
}

/// Makes sure that a cluster is that of this data folder, which may have been moved; a copy may not have it too,
/// since the copy's users would stop it under the original's.
fn claim(cluster: &Path, home: &Home) -> Result<(), PostgresError> {
    let mark = cluster.join("made-for");
    let written = fs::read(&mark).map_err(refused("read", &mark))?;
    let made_for = PathBuf::from(OsStr::from_bytes(written.trim_ascii_end()));
    if made_for == home.folder {
        return Ok(());
    }
    let theirs = fs::read(made_for.join("location")).unwrap_or_default();
    if Path::new(OsStr::from_bytes(theirs.trim_ascii_end())) == cluster {
        return Err(PostgresError::Copied { folder: home.folder.clone(), original: made_for });
    }
    write_durably(&mark, &home.folder)
}

fn write_durably(file: &Path, path: &Path) -> Result<(), PostgresError> {
    let write = || {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(file)?;
        file.write_all(path.as_os_str().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().map_err(refused("write", file))
}

/// Twelve hex digits from a path and the present instant.
fn fingerprint(path: &Path) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(path.as_os_str().as_bytes());
    context.update(&now.as_nanos().to_be_bytes());
    short_hex(context.finish().as_ref())
}

/// The first twelve hex digits.
pub(super) fn short_hex(digest: &[u8]) -> String {
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn server_user() -> Result<User, PostgresError> {
    let path = Path::new("/etc/passwd");
    let passwd = fs::read_to_string(path).map_err(refused("read", path))?;
    let user = SERVER_USERS.iter().find_map(|name| find_user(&passwd, name));
    user.ok_or(PostgresError::NoUser)
}

/// Reads `name:x:uid:gid:…`.
fn find_user(passwd: &str, name: &str) -> Option<User> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut users = fields.filter_map(|fields| match fields.as_slice() {
        [found, _, uid, gid, ..] if *found == name => Some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()? }),
        _ => None,
    });
    users.find(|user| user.uid != 0)
}
