//! A cable between a sender and Postgres that can be cut: nothing passes, and nobody is told.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::postgres::{NAME, PORT};

/// A socket that leads to that of Postgres.
pub(super) struct Cable {
    folder: PathBuf,
    line: watch::Sender<Line>,
    laying: JoinHandle<()>,
}

/// Whether bytes pass, and how often all connections were torn.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    cut: bool,
    torn: u32,
}

impl Cable {
    /// Lays a cable from a socket in `folder` to the one in `socket_folder`.
    pub(super) fn lay(folder: PathBuf, socket_folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder).context("cannot make the cable's folder")?;
        let name = format!(".s.PGSQL.{PORT}");
        let listener = UnixListener::bind(folder.join(&name)).context("cannot lay a cable to Postgres")?;
        let line = watch::Sender::new(Line::default());
        let (far, seen) = (socket_folder.join(&name), line.subscribe());
        let laying = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(near, far.clone(), seen.clone()));
            }
        });
        Ok(Self { folder, line, laying })
    }

    /// Where Postgres is at the near end.
    pub(super) fn url(&self) -> String {
        let host = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres:///{NAME}?host={host}&port={PORT}&user={NAME}")
    }

    /// From now on nothing passes.
    pub(super) fn cut(&self) {
        self.line.send_modify(|line| line.cut = true);
    }

    /// What was held up passes; with `tear` the old connections are gone instead.
    pub(super) fn mend(&self, tear: bool) {
        self.line.send_modify(|line| {
            line.cut = false;
            line.torn += u32::from(tear);
        });
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.laying.abort();
    }
}

async fn connect(near: UnixStream, far: PathBuf, line: watch::Receiver<Line>) {
    if passable(&mut line.clone()).await.is_err() {
        return;
    }
    let Ok(far) = UnixStream::connect(far).await else { return };
    let torn = line.borrow().torn;
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let mut tearing = line.clone();
    tokio::select! {
        // An end of either direction is the end of both: Postgres and its clients never close by halves.
        _ = carry(near_read, far_write, line.clone()) => {}
        _ = carry(far_read, near_write, line) => {}
        _ = tearing.wait_for(|line| line.torn != torn) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) -> io::Result<()> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut bytes).await?;
        passable(&mut line).await?;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&bytes[..length]).await?;
    }
}

/// Waits until bytes pass.
async fn passable(line: &mut watch::Receiver<Line>) -> io::Result<()> {
    line.wait_for(|line| !line.cut).await.map(drop).map_err(io::Error::other)
}
