//! A Maildir: a file per mail, complete and on the disk once it is in `new`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use super::Mail;

/// A folder with `tmp`, `new` and `cur`.
pub(super) struct Maildir {
    folder: PathBuf,
    written: AtomicUsize,
}

impl Maildir {
    /// Makes the folder and what belongs in it, unless it is there.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        for name in ["tmp", "new", "cur"] {
            fs::create_dir_all(folder.join(name))?;
        }
        Ok(Self { folder: folder.to_owned(), written: AtomicUsize::new(0) })
    }

    /// Writes a mail, with its envelope in `Return-Path` and `Delivered-To`, and gives it back.
    ///
    /// When this returns, the file is in `new` and survives a crash.
    pub(super) async fn write(&self, mail: Mail) -> io::Result<Mail> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let at = mail.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{}.M{}P{}Q{number}.masthead", at.as_secs(), at.subsec_micros(), std::process::id());
        let folder = self.folder.clone();
        let write = move || {
            let (tmp, new) = (folder.join("tmp").join(&name), folder.join("new").join(&name));
            let mut file = File::create_new(&tmp)?;
            let mut envelope = format!("Return-Path: <{}>\r\n", mail.from);
            for recipient in &mail.to {
                envelope += &format!("Delivered-To: {recipient}\r\n");
            }
            file.write_all(envelope.as_bytes())?;
            file.write_all(&mail.raw)?;
            file.sync_all()?;
            fs::rename(&tmp, &new)?;
            File::open(folder.join("new"))?.sync_all()?;
            Ok(mail)
        };
        tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
    }
}
