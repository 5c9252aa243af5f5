//! A worker: one sending process, known to the others by its lease and its lock.
//!
//! A registration's id is the fence. Whoever finds a worker gone marks it so, which waits for the commit that
//! the worker may have under way; from then on nothing is written in its name but the results of what it had
//! already put on the wire. A process that finds itself given up registers anew.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::{IssueState, Store, StoreError};

/// First key of the advisory locks that living workers hold; the second is the worker's id.
const ALIVE: i32 = 0x6d617374;

/// How long after it took a message from one worker a relay is not said to take nothing, whatever the others meet.
const JUST_NOW: Duration = Duration::from_secs(10);

/// Why a worker can go on no longer.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Another process took this one for dead: the lease ran out, or the lock was lost.
    #[error("another process took this one for dead")]
    GivenUp,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for WorkerError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Who is sending an issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Senders {
    /// How many workers.
    pub count: u64,
    /// Why the relay takes nothing from any of them now, if that is so.
    pub trouble: Option<String>,
}

/// What an issue asks of its workers at one instant; the operator may change it at any time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Where the issue stands.
    pub state: IssueState,
    /// Messages per second at most, where a send said so.
    pub rate: Option<f64>,
}

/// A registration of this process. Dropping it lets the lock go.
pub struct Worker {
    /// The fence: every claim and entry carries it.
    pub id: i32,
    store: Store,
    session: PgConnection,
    locked: bool,
}

impl Store {
    /// Registers this process as a worker on an issue.
    ///
    /// A transaction: the row shows only when its lock is held, so nobody takes a newborn for dead.
    pub async fn register_worker(&self, issue_id: i64, host: &str, pid: u32) -> Result<Worker, StoreError> {
        let mut session = PgConnection::connect_with(&self.options).await?;
        let mut transaction = session.begin().await?;
        let id = sqlx::query_scalar!(
            "insert into worker (host, pid, issue_id, lease_until) values ($1, $2, $3, now() + interval '30 s')
             returning id",
            host,
            pid as i32,
            issue_id
        )
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query!("select pg_advisory_lock($1, $2)", ALIVE, id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Worker { id, store: self.clone(), session, locked: true })
    }

    /// Gives up every worker that is gone: its queued rows can be claimed again, what it had on the wire is in doubt,
    /// and a row of policy refusals that it had begun is queued again.
    /// Returns how many deliveries are in doubt now that were not before.
    ///
    /// One transaction per worker.
    pub async fn reap_workers(&self) -> Result<u64, StoreError> {
        let gone = sqlx::query_scalar!(
            "select w.id from worker w
             where w.gone_at is null
               and (w.lease_until < now()
                    or not exists (
                        select from pg_locks l
                        where l.locktype = 'advisory' and l.classid::bigint = $1 and l.objid::bigint = w.id
                          and l.database = (select oid from pg_database where datname = current_database())))",
            i64::from(ALIVE)
        )
        .fetch_all(&self.pool)
        .await?;
        let mut in_doubt = 0;
        for worker_id in gone {
            in_doubt += self.give_up(worker_id, true).await?;
        }
        Ok(in_doubt)
    }
}

impl Store {
    /// Who is sending an issue, as far as those who are gone have been [given up](Self::reap_workers).
    pub async fn senders(&self, issue_id: i64) -> Result<Senders, StoreError> {
        let row = sqlx::query!(
            r#"select count(*) as "count!",
                      case when not coalesce(bool_or(taken_at > now() - $2 * interval '1 s'), false)
                           then min(trouble) end as trouble
               from worker
               where issue_id = $1 and gone_at is null"#,
            issue_id,
            JUST_NOW.as_secs_f64()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Senders { count: row.count.unsigned_abs(), trouble: row.trouble })
    }

    /// Whether a relay has taken a message within so long from another worker than this, of any issue.
    pub async fn are_others_served(&self, worker_id: i32, span: Duration) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select exists (select from worker where id <> $1 and taken_at > now() - $2 * interval '1 s') as "is_so!""#,
            worker_id,
            span.as_secs_f64()
        )
        .fetch_one(&self.pool)
        .await?)
    }
}

impl Worker {
    /// Renews the lease, says why the relay takes nothing, or that it `has_taken` something since the last time, and
    /// takes the lock again after a lost session. Returns what the issue asks for now.
    pub async fn renew(&mut self, trouble: Option<&str>, has_taken: bool) -> Result<Terms, WorkerError> {
        if self.session.ping().await.is_err() {
            self.session = PgConnection::connect_with(&self.store.options).await?;
            self.locked = false;
        }
        if !self.locked {
            // The lost session may hold it for a moment yet; then the next renewal takes it.
            self.locked = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1, $2) as "locked!""#, ALIVE, self.id)
                .fetch_one(&mut self.session)
                .await?;
        }
        let issue = sqlx::query!(
            "update worker w
             set lease_until = now() + interval '30 s', trouble = $2,
                 taken_at = case when $3 then now() else taken_at end
             from issue i
             where w.id = $1 and w.gone_at is null and i.id = w.issue_id
             returning i.state, i.rate",
            self.id,
            trouble,
            has_taken
        )
        .fetch_optional(&mut self.session)
        .await?
        .ok_or(WorkerError::GivenUp)?;
        Ok(Terms { state: IssueState::parse(&issue.state)?, rate: issue.rate })
    }

    /// Signs off, and gives back what is still claimed. Doing it again after a lost answer changes nothing.
    pub async fn leave(&self) -> Result<(), StoreError> {
        self.store.give_up(self.id, false).await?;
        Ok(())
    }
}
