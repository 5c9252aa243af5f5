//! Approvals: what an operator has seen and let go.

use time::OffsetDateTime;

use super::{Store, StoreError};

/// An issue as somebody approved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// What stands for the whole message.
    pub digest: Vec<u8>,
    /// The subject.
    pub subject: String,
    /// The line behind it.
    pub preheader: String,
    /// The other fields that all readers get, `Name: value` by line; empty in approvals of earlier versions.
    pub headers: String,
    /// The text part, the slots' names in it.
    pub text: String,
    /// The HTML part, the slots' names in it; empty in approvals of earlier versions.
    pub html: String,
    /// When it was approved.
    pub approved_at: OffsetDateTime,
}

impl Store {
    /// Records an approval; the same again is renewed.
    pub async fn approve(&self, newsletter_id: i32, number: u32, approval: &Approval) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into approval (newsletter_id, number, digest, subject, preheader, headers, text, html, approved_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict on constraint approval_pkey
             do update set headers = excluded.headers, html = excluded.html, approved_at = excluded.approved_at",
            newsletter_id,
            number as i32,
            approval.digest,
            approval.subject,
            approval.preheader,
            approval.headers,
            approval.text,
            approval.html,
            approval.approved_at
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The latest approval of an issue.
    pub async fn approval(&self, newsletter_id: i32, number: u32) -> Result<Option<Approval>, StoreError> {
        Ok(sqlx::query_as!(
            Approval,
            "select digest, subject, preheader, headers, text, html, approved_at from approval
             where newsletter_id = $1 and number = $2 order by approved_at desc limit 1",
            newsletter_id,
            number as i32
        )
        .fetch_optional(&self.pool)
        .await?)
    }
}
