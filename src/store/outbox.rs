//! The outbox: the mails that follow what readers do, from being queued to the relay's answer.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use time::OffsetDateTime;

use super::{Store, StoreError};

/// Key of the advisory lock of the one process that works on the outbox.
const OUTBOX: i64 = 0x6d617374_6f757462;

/// A mail of the outbox, and why it is due.
#[derive(Debug, Clone)]
pub struct QueuedMail {
    /// What it is for.
    pub occasion: Occasion,
    /// The newsletter.
    pub slug: String,
    /// The newsletter's id.
    pub newsletter_id: i32,
    /// The reader's id.
    pub subscriber_id: i64,
    /// The address.
    pub email: String,
    /// How many tries there were.
    pub tries: i32,
    /// When the reader did what it follows; the Date of the mail on every try.
    pub created_at: OffsetDateTime,
    /// How long ago that was.
    pub age: Duration,
    /// Whether the reader still wants it: has not done the opposite since, and is not suppressed.
    pub is_wanted: bool,
    /// The newest issue that was out when it was queued: a mail is the same on every try.
    pub newest_issue: Option<u32>,
}

/// What a mail of the outbox is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// To confirm the sign-up with this id.
    SignUp(i64),
    /// To welcome a reader who confirmed; the notice's id.
    Welcome(i64),
    /// To say goodbye to a reader who left; the notice's id.
    Goodbye(i64),
}

impl Occasion {
    fn parse(kind: &str, id: i64) -> Result<Self, StoreError> {
        match kind {
            "confirmation" => Ok(Self::SignUp(id)),
            "welcome" => Ok(Self::Welcome(id)),
            "goodbye" => Ok(Self::Goodbye(id)),
            _ => Err(StoreError::Unknown(format!("a notice that is a {kind}"))),
        }
    }
}

/// The right to work on the outbox, which one process has at a time.
pub struct Outbox {
    session: PgConnection,
}

impl Store {
    /// Takes the outbox, if no other process has it. A mail that its owner was at when it died is still queued.
    pub async fn take_outbox(&self) -> Result<Option<Outbox>, StoreError> {
        let mut session = PgConnection::connect_with(&self.options).await?;
        let taken = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "taken!""#, OUTBOX)
            .fetch_one(&mut session)
            .await?;
        Ok(taken.then_some(Outbox { session }))
    }
}

impl Outbox {
    /// The mail that is due, the oldest first.
    ///
    /// A notice is wanted while the reader's last act is the one that it follows.
    pub async fn next(&mut self) -> Result<Option<QueuedMail>, StoreError> {
        let row = sqlx::query!(
            r#"select m.kind as "kind!", m.id as "id!", m.newsletter_id as "newsletter_id!",
                      m.subscriber_id as "subscriber_id!", m.tries as "tries!", m.created_at as "created_at!",
                      extract(epoch from now() - m.created_at)::float8 as "age!", n.slug, p.email,
                      m.kind = 'confirmation'
                      or s.state = case m.kind when 'welcome' then 'active' else 'unsubscribed' end
                         and not exists (select from suppression x where x.address_hash = p.address_hash)
                         and not exists (select from notice later
                                         where later.subscriber_id = m.subscriber_id
                                           and later.newsletter_id = m.newsletter_id and later.id > m.id)
                          as "is_wanted!",
                      (select i.number from issue i
                       where i.newsletter_id = m.newsletter_id and coalesce(i.starts_at, i.created_at) <= m.created_at
                         and i.state in ('sending', 'paused', 'sent')
                       order by coalesce(i.starts_at, i.created_at) desc, i.id desc limit 1) as newest_issue
               from (select 'confirmation' as kind, id, newsletter_id, subscriber_id, tries, created_at, next_at
                     from signup where mail = 'queued' and next_at <= now()
                     union all
                     select kind, id, newsletter_id, subscriber_id, tries, created_at, next_at
                     from notice where mail = 'queued' and next_at <= now()
                     order by next_at limit 1) m
               join newsletter n on n.id = m.newsletter_id
               join subscriber p on p.id = m.subscriber_id
               join subscription s on s.newsletter_id = m.newsletter_id and s.subscriber_id = m.subscriber_id"#
        )
        .fetch_optional(&mut self.session)
        .await?;
        row.map(|row| {
            Ok(QueuedMail {
                occasion: Occasion::parse(&row.kind, row.id)?,
                slug: row.slug,
                newsletter_id: row.newsletter_id,
                subscriber_id: row.subscriber_id,
                email: row.email,
                tries: row.tries,
                created_at: row.created_at,
                age: Duration::try_from_secs_f64(row.age).unwrap_or_default(),
                is_wanted: row.is_wanted,
                newest_issue: row.newest_issue.map(|number| number as u32),
            })
        })
        .transpose()
    }

    /// Records what came of a try: `mail` is `accepted`, `refused`, `expired`, `in_doubt`, `skipped` (no sign-up is)
    /// or, with a wait, `queued`.
    pub async fn record(
        &mut self,
        occasion: Occasion,
        mail: &str,
        wait: Option<Duration>,
        reply: &str,
    ) -> Result<(), StoreError> {
        let wait = wait.unwrap_or_default().as_secs_f64();
        match occasion {
            Occasion::SignUp(id) => sqlx::query!(
                "update signup set mail = $2, tries = tries + 1, reply = $4, next_at = now() + make_interval(secs => $3)
                 where id = $1",
                id,
                mail,
                wait,
                reply
            )
            .execute(&mut self.session),
            Occasion::Welcome(id) | Occasion::Goodbye(id) => sqlx::query!(
                "update notice set mail = $2, tries = tries + 1, reply = $4, next_at = now() + make_interval(secs => $3)
                 where id = $1",
                id,
                mail,
                wait,
                reply
            )
            .execute(&mut self.session),
        }
        .await?;
        Ok(())
    }
}
