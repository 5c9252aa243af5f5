//! What the operator does to a ledger: cancel, try again, resolve, audit; for pausing see [`super::pause`].

use super::{Store, StoreError};
use crate::subscriber::EmailAddress;

/// What the operator knows of deliveries in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The relay took them.
    Accepted,
    /// It did not, or a second mail is the lesser evil: send again.
    Resend,
}

impl Store {
    /// Cancels an issue that is not sent: what is queued or claimed is skipped, what is on the wire finishes.
    /// Returns how many are skipped, `None` when it was sent or cancelled already.
    ///
    /// Two transactions: no intent is granted after the first, and the second sees those before it.
    pub async fn cancel(&self, issue_id: i64) -> Result<Option<u64>, StoreError> {
        let newsletter_id = sqlx::query_scalar!(
            "update issue set state = 'cancelled', pause_cause = null, pause_reason = null, probe_at = null
             where id = $1 and state in ('sending', 'paused', 'scheduled') returning newsletter_id",
            issue_id
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(newsletter_id) = newsletter_id else { return Ok(None) };
        self.await_intents(newsletter_id).await?;
        let mut transaction = self.pool.begin().await?;
        let skipped = sqlx::query!(
            "insert into ledger (issue_id, subscriber_id, step, attempt, state, class)
             select d.issue_id, d.subscriber_id, coalesce(last.step, 0) + 1, coalesce(last.attempt, 0), 'skipped',
                    'cancelled'
             from delivery d
             left join lateral (
                 select l.step, l.attempt, l.state from ledger l
                 where l.issue_id = d.issue_id and l.subscriber_id = d.subscriber_id
                 order by l.step desc limit 1
             ) last on true
             where d.issue_id = $1 and (last.state is null or last.state = 'queued')",
            issue_id
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!("update chunk set next_at = null where issue_id = $1 and worker_id is null", issue_id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(skipped.rows_affected()))
    }

    /// Queues refused and expired deliveries again, or resolves those in doubt; with `address` just that reader's.
    /// Returns how many there were. Of a cancelled issue nothing is queued: what was in doubt is skipped.
    ///
    /// One transaction, in which nobody cancels the issue.
    async fn requeue(
        &self,
        issue_id: i64,
        from: &[&str],
        to: &str,
        why: &str,
        address: Option<&EmailAddress>,
    ) -> Result<u64, StoreError> {
        let from: Vec<_> = from.iter().map(|state| (*state).to_owned()).collect();
        let hash = address.map(|address| self.keyring.address_hash(address).to_vec());
        let mut transaction = self.pool.begin().await?;
        // Not `for share`: two of these at once would wait for each other where the issue is sent and goes on.
        sqlx::query!("select from issue where id = $1 for no key update", issue_id)
            .fetch_optional(&mut *transaction)
            .await?;
        let moved = sqlx::query_scalar!(
            "insert into ledger (issue_id, subscriber_id, step, attempt, state, next_at, class, reply)
             select d.issue_id, d.subscriber_id, last.step + 1, last.attempt,
                    case when over.it then 'skipped' else $3 end,
                    case when $3 = 'queued' and not over.it then now() end, case when over.it then 'cancelled' end, $4
             from delivery d
             join issue i on i.id = d.issue_id
             cross join lateral (select $3 = 'queued' and i.state = 'cancelled' as it) over
             join lateral (
                 select l.step, l.attempt, l.state from ledger l
                 where l.issue_id = d.issue_id and l.subscriber_id = d.subscriber_id
                 order by l.step desc limit 1
             ) last on last.state = any($2)
             left join subscriber p on p.id = d.subscriber_id
             where d.issue_id = $1 and ($5::bytea is null or p.address_hash = $5)
               and (not over.it or last.state = 'in_doubt')
             returning subscriber_id",
            issue_id,
            &from,
            to,
            why,
            hash
        )
        .fetch_all(&mut *transaction)
        .await?;
        if to == "queued" {
            // A chunk that a worker has is due again when it comes back.
            sqlx::query!(
                "update chunk c set next_at = now()
                 from delivery d
                 where c.issue_id = $1 and d.issue_id = $1 and d.subscriber_id = any($2) and c.round = d.round
                   and not exists (select from issue i where i.id = $1 and i.state = 'cancelled')
                   and d.subscriber_id between c.first_subscriber_id and c.last_subscriber_id",
                issue_id,
                &moved
            )
            .execute(&mut *transaction)
            .await?;
            sqlx::query!(
                "update issue set state = 'sending', finished_at = null
                 where id = $1 and state = 'sent' and cardinality($2::bigint[]) > 0",
                issue_id,
                &moved
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(moved.len() as u64)
    }

    /// Queues what was refused or has expired again. Returns how many there were.
    pub async fn retry(&self, issue_id: i64, address: Option<&EmailAddress>) -> Result<u64, StoreError> {
        self.requeue(issue_id, &["refused", "expired"], "queued", "tried again by the operator", address).await
    }

    /// Resolves what is in doubt, as the operator says. Returns how many there were.
    pub async fn resolve(
        &self,
        issue_id: i64,
        resolution: Resolution,
        address: Option<&EmailAddress>,
    ) -> Result<u64, StoreError> {
        let to = match resolution {
            Resolution::Accepted => "accepted",
            Resolution::Resend => "queued",
        };
        self.requeue(issue_id, &["in_doubt"], to, "resolved by the operator", address).await
    }

    /// Looks at every row of an issue's ledger; returns what is wrong, nothing when all is well.
    pub async fn audit(&self, issue_id: i64) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"with step as (
                   select l.*, lag(l.state) over w as before, lag(l.attempt) over w as attempt_before,
                          row_number() over w as nth, lead(l.step) over w is null as is_last
                   from ledger l where l.issue_id = $1
                   window w as (partition by l.subscriber_id order by l.step)
               ), home as (
                   select d.subscriber_id, count(c.id) as chunks,
                          bool_or(c.worker_id is not null or c.next_at is not null) as is_open
                   from delivery d
                   left join chunk c on c.issue_id = d.issue_id and c.round = d.round
                    and d.subscriber_id between c.first_subscriber_id and c.last_subscriber_id
                   where d.issue_id = $1 group by d.subscriber_id
               ), wrong as (
                   select 1 as kind, format('the audience is %s, the snapshot has %s rows', i.audience, d.n) as what
                   from issue i, (select count(*) as n from delivery where issue_id = $1) d
                   where i.id = $1 and i.audience <> d.n
                   union all
                   select 2, format('reader %s has steps but is not in the audience', s.subscriber_id)
                   from step s
                   where s.nth = 1 and not exists (select from delivery d
                                                   where d.issue_id = $1 and d.subscriber_id = s.subscriber_id)
                   union all
                   select 3, format('reader %s has a gap before step %s', s.subscriber_id, s.step)
                   from step s where s.step <> s.nth
                   union all
                   select 4, format('reader %s went from %s to %s', s.subscriber_id, coalesce(s.before, 'queued'), s.state)
                   from step s
                   where (coalesce(s.before, 'queued'), s.state) not in (
                       ('queued', 'attempting'), ('queued', 'skipped'),
                       ('attempting', 'accepted'), ('attempting', 'refused'), ('attempting', 'queued'),
                       ('attempting', 'expired'), ('attempting', 'in_doubt'), ('attempting', 'skipped'),
                       ('in_doubt', 'accepted'), ('in_doubt', 'refused'), ('in_doubt', 'queued'),
                       ('in_doubt', 'expired'), ('in_doubt', 'skipped'),
                       ('refused', 'queued'), ('expired', 'queued'))
                   union all
                   select 5, format('reader %s is in %s chunks', h.subscriber_id, h.chunks) from home h where h.chunks <> 1
                   union all
                   select 6, format('reader %s is queued, but no chunk is due', h.subscriber_id)
                   from home h
                   left join step s on s.subscriber_id = h.subscriber_id and s.is_last
                   where coalesce(s.state, 'queued') = 'queued' and not coalesce(h.is_open, false)
                     and exists (select from issue i where i.id = $1 and i.state in ('sending', 'paused', 'sent'))
                   union all
                   select 7, format('reader %s is being attempted by worker %s, who is gone', s.subscriber_id, s.worker_id)
                   from step s join worker w on w.id = s.worker_id
                   where s.is_last and s.state = 'attempting' and w.gone_at is not null
                   union all
                   select 8, format('reader %s was %s by the relay without a class', s.subscriber_id, s.state)
                   from step s
                   where s.class is null and (s.state in ('refused', 'expired')
                                              or s.state = 'queued' and s.worker_id is not null)
                   union all
                   select 9, format('readers %s to %s are held by worker %s, who is gone',
                                    c.first_subscriber_id, c.last_subscriber_id, w.id)
                   from chunk c join worker w on w.id = c.worker_id
                   where c.issue_id = $1 and w.gone_at is not null
               )
               select what as "what!" from wrong order by kind, what limit 100"#,
            issue_id
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
