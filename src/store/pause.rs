//! An issue that stands still: why, and when it may go on.

use std::time::Duration;

use time::OffsetDateTime;

use super::ledger::queue_refused;
use super::{IssueState, Store, StoreError};
use crate::delivery::PauseCause;

/// Why an issue stands still, or goes gently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The kind of reason.
    pub cause: PauseCause,
    /// The reason in words.
    pub reason: String,
    /// When a worker may see whether it can go on; `None` when only the operator can tell.
    pub probe_at: Option<OffsetDateTime>,
    /// How many pauses there were in a row, this one included: each but the first after a look that found no cure.
    pub in_a_row: u32,
}

/// Where an issue stands at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: IssueState,
    /// Why it stands still; of an issue that is sending, why it goes gently.
    pub pause: Option<Pause>,
    /// How long until a worker may see whether it can go on.
    pub probe_in: Option<Duration>,
}

impl Pause {
    /// Reads the columns of an issue.
    pub(super) fn read(
        cause: Option<String>,
        reason: Option<String>,
        probe_at: Option<OffsetDateTime>,
        probes: i32,
    ) -> Result<Option<Self>, StoreError> {
        let Some(word) = cause else { return Ok(None) };
        let cause = PauseCause::ALL.into_iter().find(|cause| cause.as_str() == word);
        let cause = cause.ok_or_else(|| StoreError::Unknown(format!("a pause for {word}")))?;
        Ok(Some(Self { cause, reason: reason.unwrap_or_default(), probe_at, in_a_row: probes.unsigned_abs() }))
    }
}

impl Store {
    /// Where an issue stands.
    pub async fn standing(&self, issue_id: i64) -> Result<Standing, StoreError> {
        let row = sqlx::query!(
            "select state, pause_cause, pause_reason, probe_at, probes,
                    extract(epoch from probe_at - clock_timestamp())::float8 as probe_in
             from issue where id = $1",
            issue_id
        )
        .fetch_one(&self.pool)
        .await?;
        let probe_in = row.probe_in.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
        let pause = Pause::read(row.pause_cause, row.pause_reason, row.probe_at, row.probes)?;
        Ok(Standing { state: IssueState::parse(&row.state)?, pause, probe_in })
    }

    /// Pauses a sending issue: no further intent is granted. The operator may also pause one that has paused by itself,
    /// so that it does not go on by itself. Returns whether it was one of these.
    ///
    /// With `probe_in`, a worker may see after that time whether it can go on; each time in a row the wait doubles,
    /// up to 32 times.
    pub async fn pause(
        &self,
        issue_id: i64,
        cause: PauseCause,
        reason: &str,
        probe_in: Option<Duration>,
    ) -> Result<bool, StoreError> {
        let newsletter_id = sqlx::query_scalar!(
            "update issue
             set state = 'paused', pause_cause = $2, pause_reason = $3, probes = probes + 1,
                 probe_at = now() + make_interval(secs => $4) * power(2, least(probes, 5))
             where id = $1
               and (state = 'sending' or $2 = 'operator' and state = 'paused' and pause_cause <> 'operator')
             returning newsletter_id",
            issue_id,
            cause.as_str(),
            reason,
            probe_in.map(|wait| wait.as_secs_f64())
        )
        .fetch_optional(&self.pool)
        .await?;
        if let Some(newsletter_id) = newsletter_id {
            self.await_intents(newsletter_id).await?;
        }
        Ok(newsletter_id.is_some())
    }

    /// Lets a paused issue go on, or one that goes gently at full speed. Returns whether it was one of these.
    pub async fn resume(&self, issue_id: i64) -> Result<bool, StoreError> {
        let resumed = sqlx::query!(
            "update issue set state = 'sending', pause_cause = null, pause_reason = null, probe_at = null, probes = 0
             where id = $1 and (state = 'paused' or state = 'sending' and pause_cause is not null)",
            issue_id
        )
        .execute(&self.pool)
        .await?;
        Ok(resumed.rows_affected() > 0)
    }

    /// Lets a paused issue whose time to see has come go on gently; with `eager` a pause for an absent relay need not
    /// have waited. Returns whether it goes: of several processes one sees.
    pub async fn probe(&self, issue_id: i64, eager: bool) -> Result<bool, StoreError> {
        let probed = sqlx::query!(
            "update issue set state = 'sending'
             where id = $1 and state = 'paused' and (probe_at <= now() or $2 and pause_cause = 'relay')",
            issue_id,
            eager
        )
        .execute(&self.pool)
        .await?;
        Ok(probed.rows_affected() > 0)
    }

    /// The relay has taken a message: an issue that went gently goes at full speed, unless it was throttled.
    /// Returns whether it does.
    pub async fn heal(&self, issue_id: i64) -> Result<bool, StoreError> {
        let healed = sqlx::query!(
            "update issue set pause_cause = null, pause_reason = null, probe_at = null, probes = 0
             where id = $1 and state = 'sending' and pause_cause <> 'throttled'",
            issue_id
        )
        .execute(&self.pool)
        .await?;
        Ok(healed.rows_affected() > 0)
    }

    /// Queues again whom a policy refused in a row that has no end: it paused the issue, or its worker stops in it.
    ///
    /// A transaction, in which nobody cancels the issue: steps and chunks.
    pub async fn put_back(&self, issue_id: i64, subscriber_ids: &[i64]) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let queued = queue_refused(&mut transaction, issue_id, subscriber_ids).await?;
        transaction.commit().await?;
        Ok(queued)
    }
}
