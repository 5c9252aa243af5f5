//! What there is to tell of a ledger; nothing here changes it.

use std::collections::HashMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::{Store, StoreError};
use crate::delivery::{DeliveryState, Reply, ReplyClass};
use crate::subscriber::EmailAddress;

/// How long a try may be due before somebody must have it in hand: workers look once a second.
const PICK_UP: Duration = Duration::from_secs(5);

/// How many of those are named at whom a relay blamed the sender.
const BLAMED: i64 = 10;

/// A ledger in numbers.
#[derive(Debug, Clone, Default)]
pub struct LedgerSummary {
    /// All readers of the issue.
    pub audience: u64,
    /// How many are in each state.
    pub states: HashMap<&'static str, u64>,
    /// The addresses in doubt; of an erased reader the id.
    pub in_doubt: Vec<String>,
    /// At whom the relay blamed the sender: the first few addresses.
    pub blamed: Vec<String>,
    /// Why deliveries were refused, have expired or are put off; the most frequent first.
    pub reasons: Vec<Reason>,
    /// How many are queued for a later try.
    pub put_off: u64,
    /// When the next try is due.
    pub next_at: Option<OffsetDateTime>,
    /// When the last of the tries that are known is due.
    pub last_at: Option<OffsetDateTime>,
}

/// What a relay said of some deliveries that it did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Where it left them: refused, expired, or queued for another try.
    pub state: DeliveryState,
    /// The class of the replies.
    pub class: String,
    /// One of the replies.
    pub reply: String,
    /// How many.
    pub count: u64,
}

impl LedgerSummary {
    /// How many deliveries are in a state.
    pub fn count(&self, state: DeliveryState) -> u64 {
        self.states.get(state.as_str()).copied().unwrap_or(0)
    }

    /// How many deliveries have work left.
    pub fn open(&self) -> u64 {
        DeliveryState::ALL.into_iter().filter(|state| state.is_open()).map(|state| self.count(state)).sum()
    }
}

impl Store {
    /// The ledger in numbers: one statement, so that its sum is the audience at one instant.
    pub async fn summary(&self, issue_id: i64) -> Result<LedgerSummary, StoreError> {
        let rows = sqlx::query!(
            r#"with last as (
                   select distinct on (subscriber_id) subscriber_id, state, next_at, worker_id, class, reply
                   from ledger where issue_id = $1 order by subscriber_id, step desc
               ), now_in as (
                   select case
                              when coalesce(last.state, 'queued') <> 'queued' then last.state
                              when c.id is not null and coalesce(last.next_at <= c.claimed_at, true) then 'claimed'
                              else 'queued'
                          end as state,
                          last.worker_id, last.class, last.reply, last.next_at
                   from delivery d
                   left join last on last.subscriber_id = d.subscriber_id
                   left join chunk c on c.issue_id = d.issue_id and c.worker_id is not null and c.round = d.round
                    and d.subscriber_id between c.first_subscriber_id and c.last_subscriber_id
                   where d.issue_id = $1
               ), judged as (
                   select state, next_at, reply,
                          case when state in ('refused', 'expired') or state = 'queued' and worker_id is not null
                               then class end as class
                   from now_in
               )
               select state as "state!", class, min(reply) as reply, count(*) as "count!",
                      count(*) filter (where state = 'queued' and next_at > now() - $2 * interval '1 s') as "put_off!",
                      min(next_at) filter (where state = 'queued') as next_at,
                      max(next_at) filter (where state = 'queued') as last_at
               from judged group by 1, 2"#,
            issue_id,
            PICK_UP.as_secs_f64()
        )
        .fetch_all(&self.pool)
        .await?;
        let mut summary = LedgerSummary::default();
        for row in rows {
            let state = read_state(&row.state)?;
            let count = row.count as u64;
            summary.audience += count;
            *summary.states.entry(state.as_str()).or_default() += count;
            summary.next_at = [summary.next_at, row.next_at].into_iter().flatten().min();
            summary.last_at = [summary.last_at, row.last_at].into_iter().flatten().max();
            summary.put_off += row.put_off as u64;
            if let Some(class) = row.class {
                summary.reasons.push(Reason { state, class, reply: row.reply.unwrap_or_default(), count });
            }
        }
        summary.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        summary.in_doubt = self.in_doubt(issue_id).await?;
        if summary.reasons.iter().any(|reason| reason.class == ReplyClass::Ours.as_str()) {
            summary.blamed = self.blamed(issue_id).await?;
        }
        Ok(summary)
    }

    /// Where one reader's delivery stands, `queued` if a worker has it in hand; `None` outside of the audience.
    pub async fn delivery_state(
        &self,
        issue_id: i64,
        address: &EmailAddress,
    ) -> Result<Option<DeliveryState>, StoreError> {
        let hash = self.keyring.address_hash(address);
        let state = sqlx::query_scalar!(
            r#"select coalesce((select l.state from ledger l
                                where l.issue_id = d.issue_id and l.subscriber_id = d.subscriber_id
                                order by l.step desc limit 1), 'queued') as "state!"
               from delivery d
               join subscriber p on p.id = d.subscriber_id
               where d.issue_id = $1 and p.address_hash = $2"#,
            issue_id,
            hash.as_slice()
        )
        .fetch_optional(&self.pool)
        .await?;
        state.map(|state| read_state(&state)).transpose()
    }

    /// Who is in doubt; of an erased reader the id is what is left.
    async fn in_doubt(&self, issue_id: i64) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select coalesce(p.email, format('reader %s, erased', l.subscriber_id)) as "who!"
               from ledger l
               left join subscriber p on p.id = l.subscriber_id
               where l.issue_id = $1 and l.state = 'in_doubt'
                 and not exists (select from ledger later where later.issue_id = l.issue_id
                                 and later.subscriber_id = l.subscriber_id and later.step > l.step)
               order by p.email, l.subscriber_id"#,
            issue_id
        )
        .fetch_all(&self.pool)
        .await?)
    }

    async fn blamed(&self, issue_id: i64) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar!(
            "select p.email
             from ledger l
             join subscriber p on p.id = l.subscriber_id
             where l.issue_id = $1 and l.class = $2 and l.state in ('queued', 'refused', 'expired')
               and left(l.reply, 3) <> all ($4)
               and not exists (select from ledger later where later.issue_id = l.issue_id
                               and later.subscriber_id = l.subscriber_id and later.step > l.step)
             order by p.email limit $3",
            issue_id,
            ReplyClass::Ours.as_str(),
            BLAMED,
            &Reply::WANT_CREDENTIALS.map(|code| code.to_string())
        )
        .fetch_all(&self.pool)
        .await?)
    }
}

fn read_state(word: &str) -> Result<DeliveryState, StoreError> {
    let state = DeliveryState::ALL.into_iter().find(|state| state.as_str() == word);
    state.ok_or_else(|| StoreError::Unknown(format!("a delivery that is {word}")))
}
