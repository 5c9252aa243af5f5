//! Sign-ups and the outbox of their confirmation mails.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use time::OffsetDateTime;

use super::{Store, StoreError};
use crate::subscriber::EmailAddress;

/// Key of the advisory lock of the one process that works on the outbox.
const OUTBOX: i64 = 0x6d617374_6f757462;

/// What became of a sign-up. The reader is told the same in every case but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignupVerdict {
    /// A confirmation mail is queued.
    Queued,
    /// No mail: the address had one within a day, or bounced or complained.
    Quiet,
    /// Too many sign-ups from this network within an hour.
    TooMany,
}

/// A confirmation mail to send.
#[derive(Debug, Clone)]
pub struct ConfirmationMail {
    /// The sign-up.
    pub signup_id: i64,
    /// The newsletter.
    pub slug: String,
    /// The address.
    pub email: String,
    /// How many tries there were.
    pub tries: i32,
    /// When the sign-up was; the Date of the mail on every try.
    pub created_at: OffsetDateTime,
    /// How old the sign-up is.
    pub age: Duration,
}

/// The right to work on the outbox, which one process has at a time.
pub struct Outbox {
    session: PgConnection,
}

impl Store {
    /// Records a sign-up and queues its confirmation mail: at most one per address and day.
    ///
    /// `network` is the client's address for the consent record, `prefix` the network that the limit counts.
    /// One transaction; sign-ups of one address wait for each other at its row.
    pub async fn sign_up(
        &self,
        newsletter_id: i32,
        address: &EmailAddress,
        network: &str,
        prefix: &str,
        per_hour: u32,
    ) -> Result<SignupVerdict, StoreError> {
        let hash = self.keyring.address_hash(address);
        let mut transaction = self.pool.begin().await?;
        let recent = sqlx::query_scalar!(
            r#"select count(*) as "count!" from signup
               where network = $1::text::inet and created_at > now() - interval '1 hour'"#,
            prefix
        )
        .fetch_one(&mut *transaction)
        .await?;
        if recent >= i64::from(per_hour) {
            return Ok(SignupVerdict::TooMany);
        }
        let subscriber_id = sqlx::query_scalar!(
            "insert into subscriber (email, address_hash) values ($1, $2)
             on conflict on constraint subscriber_address_hash_key do update set email = subscriber.email
             returning id",
            address.as_str(),
            hash.as_slice()
        )
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into subscription (newsletter_id, subscriber_id, state) values ($1, $2, 'pending')
             on conflict on constraint subscription_pkey do nothing",
            newsletter_id,
            subscriber_id
        )
        .execute(&mut *transaction)
        .await?;
        let mailed = sqlx::query_scalar!(
            r#"insert into signup (newsletter_id, subscriber_id, network, mail)
               select $1, $2, $3::text::inet,
                      case when exists (select from signup s
                                        where s.subscriber_id = $2 and s.newsletter_id = $1 and s.mail <> 'none'
                                          and s.created_at > now() - interval '1 day')
                             or exists (select from suppression x
                                        where x.address_hash = $4 and x.reason in ('bounced', 'complained'))
                           then 'none' else 'queued' end
               returning mail = 'queued' as "mailed!""#,
            newsletter_id,
            subscriber_id,
            prefix,
            hash.as_slice()
        )
        .fetch_one(&mut *transaction)
        .await?;
        if mailed {
            sqlx::query!(
                "insert into consent (newsletter_id, subscriber_id, act, source, network)
                 values ($1, $2, 'signed up', 'sign-up page', $3::text::inet)",
                newsletter_id,
                subscriber_id,
                network
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(if mailed { SignupVerdict::Queued } else { SignupVerdict::Quiet })
    }

    /// The newsletter's slug of a sign-up that can still be confirmed: 30 days old at most, and the reader has
    /// not left since.
    pub async fn open_signup(&self, signup_id: i64) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar!(
            "select n.slug from signup u
             join newsletter n on n.id = u.newsletter_id
             join subscription s on s.newsletter_id = u.newsletter_id and s.subscriber_id = u.subscriber_id
             where u.id = $1 and u.created_at > now() - interval '30 days'
               and (s.state <> 'unsubscribed' or s.changed_at < u.created_at)",
            signup_id
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Confirms a sign-up that [can still be](Store::open_signup), and lifts a suppression: the reader's own new
    /// confirmation is what may do that. Returns whether it was so.
    ///
    /// One transaction.
    pub async fn confirm(&self, signup_id: i64, network: Option<&str>) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let confirmed = sqlx::query!(
            "update subscription s set state = 'active',
                    changed_at = case when s.state = 'active' then s.changed_at else now() end
             from signup u
             where u.id = $1 and s.newsletter_id = u.newsletter_id and s.subscriber_id = u.subscriber_id
               and u.created_at > now() - interval '30 days'
               and (s.state <> 'unsubscribed' or s.changed_at < u.created_at)
             returning s.newsletter_id, s.subscriber_id",
            signup_id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(confirmed) = confirmed else {
            return Ok(false);
        };
        sqlx::query!(
            "delete from suppression x using subscriber p
             where p.id = $1 and x.address_hash = p.address_hash and x.reason in ('erased', 'unsubscribed')",
            confirmed.subscriber_id
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into consent (newsletter_id, subscriber_id, act, source, network)
             values ($1, $2, 'confirmed', 'confirmation page', $3::text::inet)",
            confirmed.newsletter_id,
            confirmed.subscriber_id,
            network
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

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
    /// The confirmation mail that is due, the oldest first.
    pub async fn next(&mut self) -> Result<Option<ConfirmationMail>, StoreError> {
        let row = sqlx::query!(
            r#"select u.id, n.slug, p.email, u.tries, u.created_at,
                      extract(epoch from now() - u.created_at)::float8 as "age!"
               from signup u
               join newsletter n on n.id = u.newsletter_id
               join subscriber p on p.id = u.subscriber_id
               where u.mail = 'queued' and u.next_at <= now()
               order by u.next_at limit 1"#
        )
        .fetch_optional(&mut self.session)
        .await?;
        Ok(row.map(|row| ConfirmationMail {
            signup_id: row.id,
            slug: row.slug,
            email: row.email,
            tries: row.tries,
            created_at: row.created_at,
            age: Duration::try_from_secs_f64(row.age).unwrap_or_default(),
        }))
    }

    /// Records what came of a try: `mail` is `accepted`, `refused`, `expired`, `in_doubt` or, with a wait, `queued`.
    pub async fn record(
        &mut self,
        signup_id: i64,
        mail: &str,
        wait: Option<Duration>,
        reply: &str,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update signup set mail = $2, tries = tries + 1, reply = $4, next_at = now() + make_interval(secs => $3)
             where id = $1",
            signup_id,
            mail,
            wait.unwrap_or_default().as_secs_f64(),
            reply
        )
        .execute(&mut self.session)
        .await?;
        Ok(())
    }
}
