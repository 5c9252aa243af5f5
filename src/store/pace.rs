//! How fast a send goes.

use super::{Store, StoreError};

impl Store {
    /// How many deliveries of an issue are settled a second, by all workers, since it last stood still, of the last
    /// 30 seconds; `None` while it stands still, or nobody sends it now.
    ///
    /// It stands still when nothing is settled for five seconds, and for three times as long as is usual: an outage
    /// makes no rate slower, and a slow one is none.
    pub async fn pace(&self, issue_id: i64) -> Result<Option<f64>, StoreError> {
        let row = sqlx::query!(
            r#"with moment as (
                   select at, count(*) as settled, at - lag(at) over (order by at) as since
                   from ledger
                   where issue_id = $1 and at > now() - interval '30 s' and worker_id is not null
                     and state in ('accepted', 'refused', 'skipped', 'expired')
                     and exists (select from chunk c join worker w on w.id = c.worker_id and w.gone_at is null
                                 where c.issue_id = $1)
                   group by at
               ), usual as materialized (
                   select greatest(interval '5 s', 3 * percentile_cont(0.5) within group (order by since)) as longest
                   from moment
               ), stretch as materialized (
                   select coalesce(max(at) filter (where since > longest), min(at)) as first
                   from moment, usual having now() - max(at) <= min(longest)
               )
               select coalesce(sum(settled) filter (where at > first), 0)::bigint as "settled!",
                      extract(epoch from now() - min(first))::float8 as seconds
               from moment, stretch"#,
            issue_id
        )
        .fetch_one(&self.pool)
        .await?;
        let seconds = row.seconds.filter(|seconds| *seconds > 0.0 && row.settled > 0);
        Ok(seconds.map(|seconds| row.settled as f64 / seconds))
    }

    /// How many messages a second the relay took of a newsletter's newest sent issue while it was being sent;
    /// `None` without one, or when it took no time.
    ///
    /// Where nothing was taken for 30 seconds nobody was sending: the issue was paused, or waited for retries.
    pub async fn last_pace(&self, newsletter_id: i32) -> Result<Option<f64>, StoreError> {
        let row = sqlx::query!(
            r#"with second as (
                   select count(*) as taken, min(at) as first, max(at) as last
                   from ledger
                   where state = 'accepted' and worker_id is not null
                     and issue_id = (select id from issue where newsletter_id = $1 and state = 'sent'
                                     order by id desc limit 1)
                   group by date_trunc('second', at)
               ), stretch as (
                   select taken, last - first as within, first - lag(last) over (order by first) as since from second
               )
               select coalesce(sum(taken), 0)::bigint as "taken!",
                      extract(epoch from sum(within + case when since < interval '30 s' then since else '0' end))::float8
                          as seconds
               from stretch"#,
            newsletter_id
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row.seconds.filter(|seconds| *seconds > 0.0).map(|seconds| row.taken as f64 / seconds))
    }
}
