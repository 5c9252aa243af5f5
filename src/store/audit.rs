//! What somebody sees who does not believe the ledger: its equation at an instant, and its rows with what led to them.

use time::OffsetDateTime;

use super::ledger::ORPHANED;
use super::{Store, StoreError};

/// The equation of a ledger at one instant: all four counts are the same, but for `strays`, which is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equation {
    /// What the issue says its audience is.
    pub audience: i64,
    /// Rows of the snapshots.
    pub deliveries: i64,
    /// Rows that are in one of the states that there are.
    pub in_a_state: i64,
    /// Readers with steps who are in no snapshot.
    pub strays: i64,
    /// Intents so far, tries again included.
    pub intents: i64,
}

impl Equation {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.audience == self.deliveries && self.deliveries == self.in_a_state && self.strays == 0
    }
}

/// A delivery as an auditor sees it.
#[derive(Debug, Clone)]
pub struct AuditedDelivery {
    /// Whose it is.
    pub subscriber_id: i64,
    /// The address; `None` when the reader was erased.
    pub email: Option<String>,
    /// The state of its last step, `queued` without one.
    pub state: String,
    /// The class of its last step: of a refusal, or why it was skipped.
    pub class: Option<String>,
    /// Who took its last step; `None` for the operator.
    pub worker_id: Option<i32>,
    /// Whether others took that step for a worker that is gone.
    pub is_orphan: bool,
    /// When its last intent was, on the database's clock.
    pub last_intent_at: Option<OffsetDateTime>,
}

/// A registration of a sending process.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    /// Its id.
    pub id: i32,
    /// The process.
    pub pid: i32,
    /// When it left or was given up.
    pub gone_at: Option<OffsetDateTime>,
}

impl Store {
    /// The equation of an issue's ledger, in one statement: at one instant.
    pub async fn equation(&self, issue_id: i64) -> Result<Equation, StoreError> {
        Ok(sqlx::query_as!(
            Equation,
            r#"with last as (
                   select distinct on (subscriber_id) subscriber_id, state
                   from ledger where issue_id = $1 order by subscriber_id, step desc
               )
               select i.audience as "audience!", count(d.subscriber_id) as "deliveries!",
                      count(d.subscriber_id) filter (where coalesce(last.state, 'queued') in
                          ('queued', 'attempting', 'accepted', 'refused', 'skipped', 'expired', 'in_doubt'))
                          as "in_a_state!",
                      (select count(*) from last l where not exists (
                          select from delivery d where d.issue_id = $1 and d.subscriber_id = l.subscriber_id))
                          as "strays!",
                      (select count(*) from ledger l where l.issue_id = $1 and l.state = 'attempting') as "intents!"
               from issue i
               left join delivery d on d.issue_id = $1
               left join last on last.subscriber_id = d.subscriber_id
               where i.id = $1 group by i.audience"#,
            issue_id
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Every delivery of an issue, by the reader's id.
    pub async fn audited_deliveries(&self, issue_id: i64) -> Result<Vec<AuditedDelivery>, StoreError> {
        Ok(sqlx::query_as!(
            AuditedDelivery,
            r#"select d.subscriber_id, p.email as "email?", coalesce(last.state, 'queued') as "state!",
                      last.class as "class?", last.worker_id as "worker_id?",
                      coalesce(last.reply = $2, false) as "is_orphan!", last_intent_at
               from delivery d
               left join subscriber p on p.id = d.subscriber_id
               left join lateral (
                   select l.state, l.class, l.worker_id, l.reply from ledger l
                   where l.issue_id = d.issue_id and l.subscriber_id = d.subscriber_id
                   order by l.step desc limit 1
               ) last on true
               cross join lateral (
                   select max(l.at) as last_intent_at from ledger l
                   where l.issue_id = d.issue_id and l.subscriber_id = d.subscriber_id and l.state = 'attempting'
               ) intent
               where d.issue_id = $1 order by d.subscriber_id"#,
            issue_id,
            ORPHANED
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The registrations after the one with this id.
    pub async fn registrations(&self, after: i32) -> Result<Vec<Registration>, StoreError> {
        Ok(sqlx::query_as!(Registration, "select id, pid, gone_at from worker where id > $1 order by id", after)
            .fetch_all(&self.pool)
            .await?)
    }
}
