//! What there is to send, for whoever sends what there is.

use super::{Store, StoreError};

/// An issue that has something to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The issue.
    pub issue_id: i64,
    /// Whose it is.
    pub newsletter_id: i32,
    /// Its number.
    pub number: u32,
    /// Whether it has to be started first.
    pub is_scheduled: bool,
}

impl Store {
    /// The issues of these newsletters that have a chunk due, a pause whose time to see has come, a start whose time
    /// has come, or only their end to be noted; the oldest first.
    pub async fn waiting_issues(&self, newsletter_ids: &[i32]) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query!(
            r#"select i.id, i.newsletter_id, i.number, i.state = 'scheduled' as "is_scheduled!"
               from issue i
               where i.newsletter_id = any($1)
                 and (i.state = 'sending' and i.rounds > 0
                      and (exists (select from chunk c
                                   where c.issue_id = i.id and c.worker_id is null and c.next_at <= now())
                           or not exists (select from chunk c where c.issue_id = i.id
                                          and (c.worker_id is not null or c.next_at is not null)))
                      or i.state = 'paused' and i.probe_at <= now()
                      or i.state = 'scheduled' and i.starts_at <= now())
               order by i.id"#,
            newsletter_ids
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Waiting {
                issue_id: row.id,
                newsletter_id: row.newsletter_id,
                number: row.number as u32,
                is_scheduled: row.is_scheduled,
            })
            .collect())
    }
}
