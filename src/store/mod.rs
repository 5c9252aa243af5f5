//! The store: all SQL, all of it checked against the migrations when it compiles.
//!
//! One function, one statement, unless its docs say that it is a transaction. Nothing here talks SMTP,
//! and nothing outside knows of sqlx.

mod approval;
mod archive;
mod audit;
mod bench;
mod issue;
mod ledger;
mod operate;
mod outbox;
mod pace;
mod pause;
mod rate;
mod reader;
mod rehearsal;
mod signup;
mod summary;
mod work;
mod worker;

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

pub use approval::Approval;
pub use archive::{ArchiveCounts, FoundLink, read_archive};
pub use audit::{AuditedDelivery, Equation, Registration};
pub use issue::{FrozenIssue, FrozenLetterhead, IssueState, NewIssue, Outcome, PublishedIssue};
pub use ledger::{Chunk, Due, Entry, Granted, Intent, Outlook, Session, Settled, Snapshot};
pub use operate::Resolution;
pub use outbox::{Occasion, Outbox, QueuedMail};
pub use pause::{Pause, Standing};
pub use reader::{ImportCounts, ImportRow, Profile, Subscriber, Subscription, Suppression};
pub use rehearsal::Rehearsal;
pub use signup::SignupVerdict;
pub use summary::{LedgerSummary, Reason};
pub use work::Waiting;
pub use worker::{Senders, Terms, Worker, WorkerError};

use crate::newsletter::Slug;
use crate::token::{Keyring, hex};

/// How long Postgres may take to answer when it is met first.
const ANSWER: Duration = Duration::from_secs(10);

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres does not answer, or not as it should.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Something listens where Postgres should, and says nothing.
    #[error("the database has not answered for {} s", .0.as_secs())]
    Silent(Duration),
    /// The tables cannot be brought up to date.
    #[error("the database's tables cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The address of the database makes no sense.
    #[error("the database's address is not right: {0}")]
    Address(String),
    /// No random numbers from the operating system.
    #[error("the operating system gives no random numbers")]
    Random,
    /// A row holds what this version does not know.
    #[error("the database holds what this version does not know: {0}")]
    Unknown(String),
}

/// The store of one Masthead: readers, issues, ledgers.
///
/// Cheap to clone; the clones share a small pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
    keyring: std::sync::Arc<Keyring>,
    instance: std::sync::Arc<str>,
}

impl Store {
    /// Connects to the Postgres at `url` and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = connect_options(url)?;
        // The pool would try a refused connection again and again, and then name no reason.
        let first = timeout(ANSWER, PgConnection::connect_with(&options)).await;
        first.map_err(|_| StoreError::Silent(ANSWER))??.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options.clone())
            .await?;
        // sqlx takes an advisory lock: two processes at once migrate one after the other.
        sqlx::migrate!().run(&pool).await?;
        let instance = instance(&pool).await?;
        let keyring = keyring(&pool).await?;
        Ok(Self { pool, options, keyring: keyring.into(), instance: instance.into() })
    }

    /// The id of this store, the same for every process that uses it.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The keys of tokens and address hashes.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The id of the newsletter with this slug, made when it is new.
    pub async fn newsletter_id(&self, slug: &Slug) -> Result<i32, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query!("insert into newsletter (slug) values ($1) on conflict do nothing", slug.as_str())
            .execute(&mut *transaction)
            .await?;
        let id = sqlx::query_scalar!("select id from newsletter where slug = $1", slug.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// The id of a newsletter; none where the store has not heard of it.
    pub async fn find_newsletter(&self, slug: &Slug) -> Result<Option<i32>, StoreError> {
        let found = sqlx::query_scalar!("select id from newsletter where slug = $1", slug.as_str());
        Ok(found.fetch_optional(&self.pool).await?)
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn connect_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options: PgConnectOptions = url.parse().map_err(|e: sqlx::Error| StoreError::Address(e.to_string()))?;
    Ok(options.application_name("masthead"))
}

async fn instance(pool: &PgPool) -> Result<String, StoreError> {
    let fresh = hex(&random::<16>()?);
    sqlx::query!("insert into instance (id) values ($1) on conflict do nothing", fresh).execute(pool).await?;
    Ok(sqlx::query_scalar!("select id from instance").fetch_one(pool).await?)
}

/// Reads the MAC keys, and makes the first one when there is none.
async fn keyring(pool: &PgPool) -> Result<Keyring, StoreError> {
    let mut transaction = pool.begin().await?;
    // The lock lets one process make the first key.
    sqlx::query!("lock table signing_key in share row exclusive mode").execute(&mut *transaction).await?;
    let first = random::<32>()?;
    sqlx::query!(
        "insert into signing_key (secret) select $1 where not exists (select from signing_key)",
        first.as_slice()
    )
    .execute(&mut *transaction)
    .await?;
    let keys = sqlx::query!("select id, secret from signing_key order by id").fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    let secrets: Option<Vec<_>> = keys.into_iter().map(|key| Some((u8::try_from(key.id).ok()?, key.secret))).collect();
    secrets
        .and_then(|secrets| Keyring::new(&secrets))
        .ok_or_else(|| StoreError::Unknown("a signing key with an id over 255".into()))
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(bytes)
}
