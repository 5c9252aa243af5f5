//! Issues as they were frozen at their first send.

use std::fmt;
use std::ops::Deref;

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::archive::remember_sent;
use super::{Pause, Store, StoreError};
use crate::issue::IssueLink;
use crate::newsletter::{BaseUrl, Letterhead, Mailbox, Slug};
use crate::render::Rendered;

/// Where an issue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueState {
    /// Waits for its time.
    Scheduled,
    /// Deliveries are being worked on.
    Sending,
    /// Stopped for now.
    Paused,
    /// No delivery is open.
    Sent,
    /// Stopped for good.
    Cancelled,
}

impl IssueState {
    /// The word in the store and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Sending => "sending",
            Self::Paused => "paused",
            Self::Sent => "sent",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Scheduled, Self::Sending, Self::Paused, Self::Sent, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| StoreError::Unknown(format!("an issue that is {text}")))
    }
}

/// What is frozen at the first send.
#[derive(Debug, Clone)]
pub struct NewIssue<'a> {
    /// Whose issue it is.
    pub newsletter_id: i32,
    /// Its number.
    pub number: u32,
    /// SHA-256 of the file's text: other content under this number is refused.
    pub source_digest: &'a [u8],
    /// The title, for lists.
    pub title: &'a str,
    /// What leaves, with its slots.
    pub rendered: &'a Rendered,
    /// Who it is from, and where its links lead.
    pub letterhead: &'a Letterhead,
    /// The date in the file.
    pub date: Option<Date>,
    /// The pages that it links to, for the link memory.
    pub links: &'a [IssueLink<'a>],
    /// Messages per second at most; without one, as it was said before.
    pub rate: Option<f64>,
}

/// An issue in the store.
#[derive(Debug, Clone)]
pub struct FrozenIssue {
    /// Its id.
    pub id: i64,
    /// Whose issue it is.
    pub newsletter_id: i32,
    /// Its number.
    pub number: u32,
    /// Where it stands.
    pub state: IssueState,
    /// SHA-256 of the text of the file that it was made from.
    pub source_digest: Vec<u8>,
    /// The title.
    pub title: String,
    /// What leaves, with its slots.
    pub rendered: Rendered,
    /// Who it is from, and where its links lead; none where an earlier version froze it and nobody sent it since.
    pub letterhead: Option<FrozenLetterhead>,
    /// The date in the file.
    pub date: Option<Date>,
    /// When it was frozen, or is to start; the Date of every one of its mails.
    pub created_at: OffsetDateTime,
    /// When it is to start, or started, if it was scheduled.
    pub starts_at: Option<OffsetDateTime>,
    /// Messages per second at most, where a send said so.
    pub rate: Option<f64>,
    /// How many readers the snapshots took in.
    pub audience: i64,
    /// Why it stands still; when it is sending, why it goes gently.
    pub pause: Option<Pause>,
}

/// The letterhead that an issue was frozen with; only the store has it, and mails are made with no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenLetterhead(Letterhead);

impl Deref for FrozenLetterhead {
    type Target = Letterhead;

    fn deref(&self) -> &Letterhead {
        &self.0
    }
}

/// Whether an issue is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There is more to do, or it is not sending.
    Open,
    /// It is, and was before.
    Sent,
    /// It is from now on; one process sees that.
    SentNow,
}

/// An issue in a list of issues.
#[derive(Debug, Clone)]
pub struct PublishedIssue {
    /// Its number.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// When it was first sent.
    pub created_at: OffsetDateTime,
    /// The date in its file.
    pub date: Option<Date>,
}

impl Store {
    /// Freezes an issue, or finds the one that has its number already; the caller compares the digests.
    ///
    /// A transaction: the issue's partitions come with its row, and its links are remembered. One that an earlier
    /// version has frozen gets the letterhead.
    pub async fn freeze_issue(&self, new: &NewIssue<'_>) -> Result<FrozenIssue, StoreError> {
        self.freeze(new, None).await
    }

    /// Freezes an issue that is to start at a time, or sets the time of the one that has its number and waits.
    pub async fn schedule_issue(&self, new: &NewIssue<'_>, at: OffsetDateTime) -> Result<FrozenIssue, StoreError> {
        let frozen = self.freeze(new, Some(at)).await?;
        let moved = sqlx::query!(
            "update issue set starts_at = $2 where id = $1 and state = 'scheduled' and starts_at <> $2",
            frozen.id,
            at
        )
        .execute(&self.pool)
        .await?;
        Ok(if moved.rows_affected() > 0 {
            FrozenIssue { starts_at: Some(at), created_at: at, ..frozen }
        } else {
            frozen
        })
    }

    async fn freeze(&self, new: &NewIssue<'_>, at: Option<OffsetDateTime>) -> Result<FrozenIssue, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let id = sqlx::query_scalar!(
            "insert into issue (newsletter_id, number, state, source_digest, title, subject, preheader, html, text,
                                seal, issue_date, starts_at, rate, newsletter_name, from_mailbox, reply_to, base_url)
             values ($1, $2, case when $11::timestamptz is null then 'sending' else 'scheduled' end,
                     $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             on conflict on constraint issue_number_key do nothing
             returning id",
            new.newsletter_id,
            new.number as i32,
            new.source_digest,
            new.title,
            new.rendered.subject,
            new.rendered.preheader,
            new.rendered.html,
            new.rendered.text,
            new.rendered.seal,
            new.date,
            at,
            new.rate,
            new.letterhead.name,
            new.letterhead.from.to_string(),
            new.letterhead.reply_to.as_ref().map(Mailbox::to_string),
            new.letterhead.base_url.as_str()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(id) = id {
            sqlx::query!("select create_ledger($1)", id).execute(&mut *transaction).await?;
            remember_sent(&mut transaction, id, new.links).await?;
        } else {
            if new.rate.is_some() {
                sqlx::query!(
                    "update issue set rate = $3 where newsletter_id = $1 and number = $2",
                    new.newsletter_id,
                    new.number as i32,
                    new.rate
                )
                .execute(&mut *transaction)
                .await?;
            }
            freeze_letterhead(&mut transaction, new.newsletter_id, new.number, new.letterhead).await?;
        }
        transaction.commit().await?;
        self.issue(new.newsletter_id, new.number)
            .await?
            .ok_or_else(|| StoreError::Unknown(format!("no issue {} right after it was frozen", new.number)))
    }

    /// The letterhead of an issue; one that an earlier version has frozen gets `own`, unless another process is faster.
    pub async fn letterhead(&self, issue: &FrozenIssue, own: &Letterhead) -> Result<FrozenLetterhead, StoreError> {
        if let Some(letterhead) = &issue.letterhead {
            return Ok(letterhead.clone());
        }
        let (newsletter_id, number) = (issue.newsletter_id, issue.number);
        freeze_letterhead(&mut *self.pool.acquire().await?, newsletter_id, number, own).await?;
        let frozen = self.issue(newsletter_id, number).await?.and_then(|issue| issue.letterhead);
        frozen.ok_or_else(|| StoreError::Unknown(format!("no letterhead of issue {number}")))
    }

    /// The issue with this number.
    pub async fn issue(&self, newsletter_id: i32, number: u32) -> Result<Option<FrozenIssue>, StoreError> {
        let row = sqlx::query!(
            "select i.*, n.slug from issue i join newsletter n on n.id = i.newsletter_id
             where i.newsletter_id = $1 and i.number = $2",
            newsletter_id,
            i32::try_from(number).unwrap_or(-1)
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            let letterhead = match (row.newsletter_name, row.from_mailbox, row.base_url) {
                (Some(name), Some(from), Some(base_url)) => Some(FrozenLetterhead(Letterhead {
                    slug: read(Slug::parse(&row.slug))?,
                    name,
                    from: read(Mailbox::parse(&from))?,
                    reply_to: row.reply_to.as_deref().map(|reply_to| read(Mailbox::parse(reply_to))).transpose()?,
                    base_url: read(BaseUrl::parse(&base_url))?,
                })),
                _ => None,
            };
            Ok(FrozenIssue {
                id: row.id,
                newsletter_id: row.newsletter_id,
                number: row.number as u32,
                state: IssueState::parse(&row.state)?,
                source_digest: row.source_digest,
                title: row.title,
                rendered: Rendered {
                    subject: row.subject,
                    preheader: row.preheader,
                    html: row.html,
                    text: row.text,
                    seal: row.seal,
                },
                letterhead,
                date: row.issue_date,
                created_at: row.starts_at.unwrap_or(row.created_at),
                starts_at: row.starts_at,
                rate: row.rate,
                audience: row.audience,
                pause: Pause::read(row.pause_cause, row.pause_reason, row.probe_at, row.probes)?,
            })
        })
        .transpose()
    }

    /// The issue that went out before the one with this number.
    pub async fn issue_before(&self, newsletter_id: i32, number: u32) -> Result<Option<FrozenIssue>, StoreError> {
        let before = sqlx::query_scalar!(
            "select max(number) from issue
             where newsletter_id = $1 and number < $2 and state in ('sending', 'paused', 'sent')",
            newsletter_id,
            i32::try_from(number).unwrap_or(i32::MAX)
        )
        .fetch_one(&self.pool)
        .await?;
        match before {
            Some(before) => self.issue(newsletter_id, before as u32).await,
            None => Ok(None),
        }
    }

    /// The issues of a newsletter that went out or are going out, the newest first.
    pub async fn published_issues(&self, newsletter_id: i32) -> Result<Vec<PublishedIssue>, StoreError> {
        let rows = sqlx::query!(
            r#"select number, title, coalesce(starts_at, created_at) as "created_at!", issue_date from issue
               where newsletter_id = $1 and state in ('sending', 'paused', 'sent')
               order by 3 desc, id desc"#,
            newsletter_id
        )
        .fetch_all(&self.pool)
        .await?;
        let published = |number, title, created_at, date| PublishedIssue { number, title, created_at, date };
        Ok(rows
            .into_iter()
            .map(|row| published(row.number as u32, row.title, row.created_at, row.issue_date))
            .collect())
    }

    /// The issue that was first sent last, of all newsletters: slug and number.
    pub async fn newest_issue(&self) -> Result<Option<(String, u32)>, StoreError> {
        let row = sqlx::query!(
            "select n.slug, i.number from issue i join newsletter n on n.id = i.newsletter_id
             order by i.created_at desc, i.id desc limit 1"
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| (row.slug, row.number as u32)))
    }

    /// Marks an issue *sent* when no delivery is open, or *sending* when one is again.
    pub async fn settle_issue(&self, issue_id: i64) -> Result<Outcome, StoreError> {
        let row = sqlx::query!(
            r#"update issue i
             set state = case when open.any then 'sending' else 'sent' end,
                 finished_at = case when open.any then null else coalesce(i.finished_at, now()) end,
                 pause_cause = case when open.any then i.pause_cause end,
                 pause_reason = case when open.any then i.pause_reason end,
                 probe_at = case when open.any then i.probe_at end
             from (select exists (select from chunk where issue_id = $1 and (worker_id is not null or next_at is not null))
                          as any) open,
                  (select state from issue where id = $1 for update) before
             where i.id = $1 and i.state in ('sending', 'sent')
             returning i.state = 'sent' as "sent!", before.state = 'sent' as "was_sent!""#,
            issue_id
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(match row {
            Some(row) if row.sent && row.was_sent => Outcome::Sent,
            Some(row) if row.sent => Outcome::SentNow,
            _ => Outcome::Open,
        })
    }
}

/// Freezes the letterhead of an issue that has none.
async fn freeze_letterhead(
    connection: &mut PgConnection,
    newsletter_id: i32,
    number: u32,
    letterhead: &Letterhead,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update issue set newsletter_name = $3, from_mailbox = $4, reply_to = $5, base_url = $6
         where newsletter_id = $1 and number = $2 and from_mailbox is null",
        newsletter_id,
        number as i32,
        letterhead.name,
        letterhead.from.to_string(),
        letterhead.reply_to.as_ref().map(Mailbox::to_string),
        letterhead.base_url.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What was read of a letterhead.
fn read<T>(parsed: Result<T, impl fmt::Display>) -> Result<T, StoreError> {
    parsed.map_err(|error| StoreError::Unknown(error.to_string()))
}
