//! The ledger: who is in the audience, who has whom in hand, and what came of it.
//!
//! | from | what happens | to | by |
//! | --- | --- | --- | --- |
//! | | snapshot | queued | [`Store::snapshot`] |
//! | queued | a worker claims its chunk | claimed | [`Store::claim`] |
//! | claimed | the intent, if the reader still wants it | attempting | [`Session::commit`] |
//! | claimed | the reader left or was suppressed | skipped | [`Session::commit`] |
//! | claimed | the chunk is given back, or its owner is gone | queued | [`Store::release`], reaping |
//! | attempting | 2yz | accepted | [`Session::commit`] |
//! | attempting | 4yz, or lost before the dot, or never sent | queued, later | [`Session::commit`] |
//! | attempting | 4yz, too old | expired | [`Session::commit`] |
//! | attempting | 5yz | refused | [`Session::commit`] |
//! | attempting | 5yz that blames the sender, and may be right | queued, behind the others | [`Session::commit`] |
//! | attempting | lost after the dot | in doubt | [`Session::commit`] |
//! | attempting | its owner is gone | in doubt | reaping |
//! | in doubt | the same owner's late reply | as above | [`Session::commit`] |
//! | in doubt | the operator resolves it | accepted or queued | [`Store::resolve`] |
//! | in doubt | the operator resolves it to be sent again, but the issue is cancelled | skipped | [`Store::resolve`] |
//! | attempting, in doubt | 4yz, but the issue is cancelled | skipped | [`Session::commit`] |
//! | refused, expired | the operator tries again | queued | [`Store::retry`] |
//! | refused by a policy | the row that it was in paused the issue, or its worker ended in it | queued | [`Store::put_back`], reaping |
//! | queued, claimed | the operator cancels the issue | skipped | [`Store::cancel`] |
//!
//! Every step appends a row; a delivery's state is that of its last row, `queued` without one.
//! `tests/it/ledger.rs` plays random schedules of all of these against a model.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::{IssueState, Store, StoreError, WorkerError};
use crate::delivery::{DeliveryState, ReplyClass};

/// First key of the advisory lock that intents share and an unsubscribe waits for; the second is the newsletter.
pub(super) const INTENT: i32 = 0x6d617375;

/// What the ledger says of an attempt whose result nobody will write.
pub(super) const ORPHANED: &str = "the process that sent it is gone";

/// What a snapshot did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Readers who had no delivery yet.
    pub added: u64,
    /// All readers of the issue now.
    pub audience: u64,
}

/// A range of deliveries in one worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Its id.
    pub id: i64,
    issue_id: i64,
    round: i32,
    first_subscriber_id: i64,
    last_subscriber_id: i64,
    /// How many deliveries it has; of an older one nobody knows.
    pub size: Option<i32>,
    /// Whether nobody had it before, so that no delivery of it has a step.
    is_fresh: bool,
}

/// A delivery that is due.
#[derive(Debug, Clone)]
pub struct Due {
    /// Whose it is.
    pub subscriber_id: i64,
    /// The address; `None` when the reader was erased.
    pub email: Option<String>,
    /// The reader's name.
    pub name: Option<String>,
    /// The last step that the ledger has, 0 without one.
    pub step: i16,
    /// How many tries there were.
    pub attempts: i16,
    /// How many seconds ago the first one was, on the database's clock: a worker's own may be a day off.
    pub since_first: Option<f64>,
    /// Whether the relay blamed the sender at the last try.
    pub was_blamed: bool,
}

/// The wish to put a message on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent {
    /// The reader.
    pub subscriber_id: i64,
    /// The step that the intent takes.
    pub step: i16,
    /// Which try it is, from 1.
    pub attempt: i16,
}

/// What is left of an issue for workers to claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// A chunk is due after this wait.
    DueIn(Duration),
    /// Workers have all that is left.
    InHand,
    /// No delivery is open.
    Nothing,
    /// The issue is in a state that does not allow sending.
    Held,
}

/// What became of an [`Intent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// It is durable: send.
    Go,
    /// The reader left or was suppressed, and that is recorded.
    Skipped,
    /// The issue is paused or cancelled, or another worker took the step: leave it.
    NotNow,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The reader.
    pub subscriber_id: i64,
    /// The step that the attempt's intent took.
    pub step: i16,
    /// Which try it was.
    pub attempt: i16,
    /// Whether the attempt's intent was granted; else nobody knows if it is durable, and the entry counts only then.
    pub was_granted: bool,
    /// The state that it leads to.
    pub state: DeliveryState,
    /// For `queued`: how long to wait before the next try.
    pub next_in: Option<Duration>,
    /// For refusals: the class.
    pub class: Option<&'static str>,
    /// What the relay answered, or what went wrong.
    pub reply: Option<String>,
}

/// What a commit did.
#[derive(Debug, Default)]
pub struct Settled {
    /// The answer to every intent, in their order.
    pub granted: Vec<Granted>,
    /// Entries that found no attempt of theirs open: somebody resolved it in the meantime.
    pub lost: u64,
}

impl Store {
    /// Takes everybody who is to get the issue and has no delivery yet into its audience.
    ///
    /// A scheduled issue starts with it. One transaction, behind a lock on the issue: two sends at once take everybody
    /// in once.
    pub async fn snapshot(&self, issue_id: i64) -> Result<Snapshot, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let snapshot = take_audience(&mut transaction, issue_id).await?;
        transaction.commit().await?;
        Ok(snapshot)
    }

    /// Starts a scheduled issue whose time has come, with the audience of this moment.
    /// Returns whether it was this process that did.
    ///
    /// One transaction, behind a lock on the issue.
    pub async fn start(&self, issue_id: i64) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let due = sqlx::query!(
            "select from issue where id = $1 and state = 'scheduled' and starts_at <= now() for update",
            issue_id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if due.is_some() {
            take_audience(&mut transaction, issue_id).await?;
        }
        transaction.commit().await?;
        Ok(due.is_some())
    }

    /// Claims the chunk that has been due longest; `None` when none is due.
    ///
    /// Of an issue that goes gently, only a worker that does gets one, and only while no other has one.
    /// It holds the worker's row, and before the chunk's, as whoever gives the worker up does: one waits for the other,
    /// and either sees this chunk or leaves nothing to claim.
    pub async fn claim(&self, worker_id: i32, issue_id: i64, gently: bool) -> Result<Option<Chunk>, StoreError> {
        Ok(sqlx::query_as!(
            Chunk,
            r#"update chunk set worker_id = $1, claimed_at = now(), next_at = null, is_fresh = false
             from (select c.id, c.is_fresh
                   from (select id from worker where id = $1 and gone_at is null for share) w
                   join issue i on i.id = $2 and i.state = 'sending'
                    and (i.pause_cause is null
                         or $3 and not exists (select from chunk o where o.issue_id = i.id
                                               and o.worker_id is not null and o.worker_id <> w.id))
                   cross join lateral (
                       select id, is_fresh from chunk
                       -- `w` is named for the order of the locks
                       where issue_id = i.id and w.id = $1 and worker_id is null and next_at <= now()
                       order by next_at, id limit 1
                       for update skip locked
                   ) c) picked
             where chunk.id = picked.id
             returning chunk.id, issue_id, round, first_subscriber_id, last_subscriber_id, size,
                       picked.is_fresh as "is_fresh!""#,
            worker_id,
            issue_id,
            gently
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// The deliveries of a claimed chunk that are due, those first who were tried least: all of one that nobody had
    /// before, without a look at their steps.
    ///
    /// Each reader is looked up, however many there are: `limit 1` keeps the planner, who takes a range of unknown ends
    /// for a big one, from reading all readers for every chunk.
    pub async fn due(&self, chunk: &Chunk) -> Result<Vec<Due>, StoreError> {
        Ok(sqlx::query_as!(
            Due,
            r#"select d.subscriber_id, p.email as "email?", p.name, coalesce(last.step, 0::smallint) as "step!",
                      coalesce(last.attempt, 0::smallint) as "attempts!",
                      extract(epoch from now() - first.at)::float8 as since_first,
                      coalesce(last.class = $6, false) as "was_blamed!"
               from delivery d
               left join lateral (
                   select p.email, p.name from subscriber p where p.id = d.subscriber_id limit 1
               ) p on true
               left join lateral (
                   select l.step, l.attempt, l.state, l.next_at, l.class from ledger l
                   where not $5 and l.issue_id = $1 and l.subscriber_id = d.subscriber_id
                   order by l.step desc limit 1
               ) last on true
               left join lateral (
                   select l.at from ledger l
                   where not $5 and l.issue_id = $1 and l.subscriber_id = d.subscriber_id and l.step = 1 limit 1
               ) first on true
               where d.issue_id = $1 and d.round = $2 and d.subscriber_id between $3 and $4
                 and (last.state is null or last.state = 'queued' and last.next_at <= now())
               order by "attempts!", d.subscriber_id"#,
            chunk.issue_id,
            chunk.round,
            chunk.first_subscriber_id,
            chunk.last_subscriber_id,
            chunk.is_fresh,
            ReplyClass::Ours.as_str()
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// A session for [commits](Session::commit) alone.
    pub fn session(&self) -> Session {
        Session { options: self.options.clone(), connection: None }
    }

    /// Gives chunks back of which every delivery that was due has ended, and no other is queued.
    ///
    /// One that somebody queued in the meantime has made its chunk due.
    pub async fn finish(&self, worker_id: i32, chunk_ids: &[i64]) -> Result<(), StoreError> {
        sqlx::query!(
            "update chunk set worker_id = null, claimed_at = null where id = any($2) and worker_id = $1",
            worker_id,
            chunk_ids
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Gives chunks back; each is due again when the first of its queued deliveries is, or never.
    ///
    /// A transaction: an attempt without a result, which only a breakdown leaves behind, is in doubt first.
    pub async fn release(&self, worker_id: i32, chunk_ids: &[i64]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        doubt(&mut transaction, worker_id, Some(chunk_ids)).await?;
        sqlx::query!(
            "update chunk c
             set worker_id = null, claimed_at = null,
                 next_at = (
                     select min(case when last.state is null then now() else last.next_at end)
                     from delivery d
                     left join lateral (
                         select l.state, l.next_at from ledger l
                         where l.issue_id = d.issue_id and l.subscriber_id = d.subscriber_id
                         order by l.step desc limit 1
                     ) last on true
                     where d.issue_id = c.issue_id and d.round = c.round
                       and d.subscriber_id between c.first_subscriber_id and c.last_subscriber_id
                       and (last.state is null or last.state = 'queued'))
             where c.id = any($2) and c.worker_id = $1",
            worker_id,
            chunk_ids
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes a worker's chunks away: its queued deliveries are due at once, its attempts are in doubt.
    /// Of one that `died`, those whom a policy refused since it had a message accepted are queued again: its breaker
    /// has not judged that row. Returns how many are in doubt now that were not before.
    ///
    /// One transaction.
    pub(super) async fn give_up(&self, worker_id: i32, died: bool) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin().await?;
        // Waits for the commit under way, which holds the row `for share`; later ones find `gone_at`.
        let marked = sqlx::query!(
            "update worker set gone_at = now() where id = $1 and gone_at is null returning issue_id",
            worker_id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(worker) = marked else { return Ok(0) };
        // First, since it holds the issue, as the operator does before he makes chunks due.
        if let Some(issue_id) = worker.issue_id.filter(|_| died) {
            let row = open_row(&mut transaction, worker_id, issue_id).await?;
            queue_refused(&mut transaction, issue_id, &row).await?;
        }
        let in_doubt = doubt(&mut transaction, worker_id, None).await?;
        sqlx::query!(
            "update chunk set worker_id = null, claimed_at = null, next_at = now() where worker_id = $1",
            worker_id
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(in_doubt)
    }

    /// Whether the relay has accepted a message of the issue.
    pub async fn has_accepted(&self, issue_id: i64) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select exists (select from ledger where issue_id = $1 and state = 'accepted') as "it!""#,
            issue_id
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// What is left of an issue for workers to claim.
    pub async fn outlook(&self, issue_id: i64) -> Result<Outlook, StoreError> {
        let row = sqlx::query!(
            r#"select i.state,
                      extract(epoch from min(c.next_at) filter (where c.worker_id is null) - clock_timestamp())::float8
                          as due_in,
                      coalesce(bool_or(c.worker_id is not null), false) as "claimed!"
               from issue i
               left join chunk c on c.issue_id = i.id and (c.next_at is not null or c.worker_id is not null)
               where i.id = $1 group by i.state"#,
            issue_id
        )
        .fetch_one(&self.pool)
        .await?;
        let due_in = row.due_in.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
        Ok(match (due_in, row.claimed) {
            (None, false) => Outlook::Nothing,
            _ if !matches!(row.state.as_str(), "sending" | "sent") => Outlook::Held,
            (Some(due_in), _) => Outlook::DueIn(due_in),
            (None, true) => Outlook::InHand,
        })
    }
}

/// A connection that one writer keeps: whoever commits a thousand times a second has no time to look each time whether
/// it is there, as a pool does. After an error there is a new one.
pub struct Session {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl Session {
    /// Writes what came of attempts, then the next intents: one commit for many connections.
    ///
    /// One transaction in one round trip where nothing stands against any of them, else another one with more care;
    /// `migrations/0011_write_ledger.sql` has their statements. Doing it again after a lost commit changes nothing.
    ///
    /// # Errors
    ///
    /// [`WorkerError::GivenUp`] when intents are asked for in the name of a worker that was given up;
    /// the entries are written all the same.
    pub async fn commit(
        &mut self,
        worker_id: i32,
        newsletter_id: i32,
        issue_id: i64,
        entries: &[Entry],
        intents: &[Intent],
    ) -> Result<Settled, WorkerError> {
        let columns = Columns::new(entries);
        let subscriber_ids: Vec<_> = intents.iter().map(|intent| intent.subscriber_id).collect();
        let steps: Vec<_> = intents.iter().map(|intent| intent.step).collect();
        let attempts: Vec<_> = intents.iter().map(|intent| intent.attempt).collect();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_session(&self.options).await?,
        };
        if entries.iter().all(|entry| entry.was_granted) {
            let is_written = sqlx::query_scalar!(
                r#"select write_ledger_plainly($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) as "it!""#,
                worker_id,
                newsletter_id,
                issue_id,
                INTENT,
                &columns.subscriber_ids,
                &columns.steps,
                &columns.attempts,
                &columns.states,
                &columns.waits as &[Option<f64>],
                &columns.classes as &[Option<String>],
                &columns.replies as &[Option<String>],
                &subscriber_ids,
                &steps,
                &attempts
            )
            .fetch_one(&mut connection)
            .await;
            if unless_taken(is_written)? {
                self.connection = Some(connection);
                return Ok(Settled { granted: vec![Granted::Go; intents.len()], lost: 0 });
            }
        }
        let row = sqlx::query!(
            r#"select is_alive as "is_alive!", written as "written!", taken_readers, taken_states
               from write_ledger($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"#,
            worker_id,
            newsletter_id,
            issue_id,
            INTENT,
            &columns.subscriber_ids,
            &columns.attempts,
            &columns.states,
            &columns.waits as &[Option<f64>],
            &columns.classes as &[Option<String>],
            &columns.replies as &[Option<String>],
            &subscriber_ids,
            &steps,
            &attempts
        )
        .fetch_one(&mut connection)
        .await?;
        self.connection = Some(connection);
        if !row.is_alive {
            return Err(WorkerError::GivenUp);
        }
        let (readers, states) = (row.taken_readers.unwrap_or_default(), row.taken_states.unwrap_or_default());
        let taken: HashMap<_, _> = readers.into_iter().zip(states).collect();
        let answer = |intent: &Intent| match taken.get(&intent.subscriber_id).map(String::as_str) {
            Some("attempting") => Granted::Go,
            Some("skipped") => Granted::Skipped,
            _ => Granted::NotNow,
        };
        let granted = intents.iter().map(answer).collect();
        // What found no place may have been written by a commit whose answer was lost, or was resolved.
        let lost = entries.len() as u64 - row.written.unsigned_abs();
        Ok(Settled { granted, lost })
    }

    /// Ends the session in good order.
    pub async fn close(self) {
        if let Some(connection) = self.connection {
            connection.close().await.ok();
        }
    }
}

/// A connection whose statements are planned once: they are the same every time, and so are the best plans.
async fn open_session(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut connection = PgConnection::connect_with(options).await?;
    connection.execute("set plan_cache_mode = force_generic_plan").await?;
    Ok(connection)
}

/// Whether all was written; a step that is taken means that nothing was.
fn unless_taken(is_written: sqlx::Result<bool>) -> sqlx::Result<bool> {
    match is_written {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        other => other,
    }
}

pub(super) type Transaction<'a> = sqlx::Transaction<'a, sqlx::Postgres>;

/// Takes everybody into an issue's audience who is to get it and has no delivery yet, unless it was cancelled.
async fn take_audience(transaction: &mut Transaction<'_>, issue_id: i64) -> Result<Snapshot, StoreError> {
    let issue =
        sqlx::query!("select newsletter_id, rounds, state, audience from issue where id = $1 for update", issue_id)
            .fetch_one(&mut **transaction)
            .await?;
    if issue.state == IssueState::Cancelled.as_str() {
        return Ok(Snapshot { added: 0, audience: issue.audience as u64 });
    }
    let round = issue.rounds + 1;
    let added = sqlx::query!(
        "insert into delivery (issue_id, subscriber_id, round)
         select $1, s.subscriber_id, $2
         from subscription s
         join subscriber p on p.id = s.subscriber_id
         where s.newsletter_id = $3 and s.state = 'active'
           and not exists (select from suppression x where x.address_hash = p.address_hash)
           and not exists (select from delivery d where d.issue_id = $1 and d.subscriber_id = s.subscriber_id)",
        issue_id,
        round,
        issue.newsletter_id
    )
    .execute(&mut **transaction)
    .await?
    .rows_affected();
    // Small enough that several workers share the tail, large enough to be few.
    let chunk_size = (added / 64).clamp(16, 500) as i64;
    sqlx::query!(
        "insert into chunk (issue_id, round, first_subscriber_id, last_subscriber_id, next_at, size, is_fresh)
         select $1, $2, min(subscriber_id), max(subscriber_id), now(), count(*), true
         from (select subscriber_id, (row_number() over (order by subscriber_id) - 1) / $3 as part
               from delivery where issue_id = $1 and round = $2) numbered
         group by part",
        issue_id,
        round,
        chunk_size
    )
    .execute(&mut **transaction)
    .await?;
    // The planner knows nothing of these chunks yet, and would have a claim read and sort them all.
    transaction.execute("analyze chunk").await?;
    let audience = sqlx::query_scalar!(
        "update issue
         set audience = audience + $2, rounds = $3,
             state = case when state = 'scheduled' or state = 'sent' and $2 > 0 then 'sending' else state end,
             starts_at = case when state = 'scheduled' then least(starts_at, now()) else starts_at end
         where id = $1 returning audience",
        issue_id,
        added as i64,
        round
    )
    .fetch_one(&mut **transaction)
    .await?;
    Ok(Snapshot { added, audience: audience as u64 })
}

/// Appends that a worker's open attempts are in doubt, in all of its chunks or in some.
async fn doubt(
    transaction: &mut Transaction<'_>,
    worker_id: i32,
    chunk_ids: Option<&[i64]>,
) -> Result<u64, StoreError> {
    let in_doubt = sqlx::query!(
        "insert into ledger (issue_id, subscriber_id, step, attempt, worker_id, state, reply)
         select last.issue_id, last.subscriber_id, last.step + 1, last.attempt, last.worker_id, 'in_doubt', $3
         from chunk c
         join delivery d on d.issue_id = c.issue_id and d.round = c.round
          and d.subscriber_id between c.first_subscriber_id and c.last_subscriber_id
         join lateral (
             select l.* from ledger l
             where l.issue_id = d.issue_id and l.subscriber_id = d.subscriber_id
             order by l.step desc limit 1
         ) last on true
         where c.worker_id = $1 and ($2::bigint[] is null or c.id = any($2))
           and last.state = 'attempting' and last.worker_id = $1",
        worker_id,
        chunk_ids,
        ORPHANED
    )
    .execute(&mut **transaction)
    .await?;
    Ok(in_doubt.rows_affected())
}

/// Whom a policy refused since a worker had a message accepted.
async fn open_row(transaction: &mut Transaction<'_>, worker_id: i32, issue_id: i64) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select l.subscriber_id from ledger l
         where l.issue_id = $2 and l.worker_id = $1 and l.state = 'refused' and l.class = 'policy'
           and not exists (select from ledger later where later.issue_id = l.issue_id
                           and later.subscriber_id = l.subscriber_id and later.step > l.step)
           and l.at >= coalesce((select max(a.at) from ledger a
                                 where a.issue_id = $2 and a.worker_id = $1 and a.state = 'accepted'), '-infinity')",
        worker_id,
        issue_id
    )
    .fetch_all(&mut **transaction)
    .await?)
}

/// Queues those of some readers again whom a policy refused, unless the issue is sent or cancelled.
pub(super) async fn queue_refused(
    transaction: &mut Transaction<'_>,
    issue_id: i64,
    subscriber_ids: &[i64],
) -> Result<u64, StoreError> {
    if subscriber_ids.is_empty() {
        return Ok(0);
    }
    // Nobody cancels the issue in the meantime.
    let open = sqlx::query!("select from issue where id = $1 and state in ('sending', 'paused') for share", issue_id)
        .fetch_optional(&mut **transaction)
        .await?;
    if open.is_none() {
        return Ok(0);
    }
    let queued = sqlx::query_scalar!(
        "insert into ledger (issue_id, subscriber_id, step, attempt, state, next_at, class, reply)
         select last.issue_id, last.subscriber_id, last.step + 1, last.attempt, 'queued', now(), last.class,
                'put back: nobody was accepted after it'
         from unnest($2::bigint[]) as w (subscriber_id)
         join lateral (
             select l.* from ledger l
             where l.issue_id = $1 and l.subscriber_id = w.subscriber_id
             order by l.step desc limit 1
         ) last on last.state = 'refused' and last.class = 'policy'
         returning subscriber_id",
        issue_id,
        subscriber_ids
    )
    .fetch_all(&mut **transaction)
    .await?;
    sqlx::query!(
        "update chunk c set next_at = now()
         from delivery d
         where c.issue_id = $1 and d.issue_id = $1 and d.subscriber_id = any($2) and c.round = d.round
           and d.subscriber_id between c.first_subscriber_id and c.last_subscriber_id",
        issue_id,
        &queued
    )
    .execute(&mut **transaction)
    .await?;
    Ok(queued.len() as u64)
}

/// Entries as Postgres takes many rows: column by column.
struct Columns {
    subscriber_ids: Vec<i64>,
    steps: Vec<i16>,
    attempts: Vec<i16>,
    states: Vec<String>,
    waits: Vec<Option<f64>>,
    classes: Vec<Option<String>>,
    replies: Vec<Option<String>>,
}

impl Columns {
    fn new(entries: &[Entry]) -> Self {
        Self {
            subscriber_ids: entries.iter().map(|entry| entry.subscriber_id).collect(),
            steps: entries.iter().map(|entry| entry.step).collect(),
            attempts: entries.iter().map(|entry| entry.attempt).collect(),
            states: entries.iter().map(|entry| entry.state.as_str().to_owned()).collect(),
            waits: entries.iter().map(|entry| entry.next_in.map(|wait| wait.as_secs_f64())).collect(),
            classes: entries.iter().map(|entry| entry.class.map(str::to_owned)).collect(),
            replies: entries.iter().map(|entry| entry.reply.clone()).collect(),
        }
    }
}
