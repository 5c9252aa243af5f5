//! Sign-ups and their confirmations.

use super::{Store, StoreError};
use crate::subscriber::EmailAddress;

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
    /// confirmation is what may do that. Who was not active before is to be welcomed, if `welcome` says so.
    /// `None` when it cannot be confirmed any more, else whether a welcome is queued.
    ///
    /// One transaction.
    pub async fn confirm(
        &self,
        signup_id: i64,
        network: Option<&str>,
        welcome: bool,
    ) -> Result<Option<bool>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let signup = sqlx::query!(
            "select s.newsletter_id, s.subscriber_id
             from signup u
             join subscription s on s.newsletter_id = u.newsletter_id and s.subscriber_id = u.subscriber_id
             where u.id = $1 and u.created_at > now() - interval '30 days'
               and (s.state <> 'unsubscribed' or s.changed_at < u.created_at)
             for update of s",
            signup_id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(signup) = signup else {
            return Ok(None);
        };
        let joined = sqlx::query!(
            "update subscription set state = 'active', changed_at = now()
             where newsletter_id = $1 and subscriber_id = $2 and state <> 'active'",
            signup.newsletter_id,
            signup.subscriber_id
        )
        .execute(&mut *transaction)
        .await?;
        let is_welcome = welcome && joined.rows_affected() > 0;
        if is_welcome {
            sqlx::query!(
                "insert into notice (newsletter_id, subscriber_id, kind) values ($1, $2, 'welcome')",
                signup.newsletter_id,
                signup.subscriber_id
            )
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query!(
            "delete from suppression x using subscriber p
             where p.id = $1 and x.address_hash = p.address_hash and x.reason in ('erased', 'unsubscribed')",
            signup.subscriber_id
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into consent (newsletter_id, subscriber_id, act, source, network)
             values ($1, $2, 'confirmed', 'confirmation page', $3::text::inet)",
            signup.newsletter_id,
            signup.subscriber_id,
            network
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Some(is_welcome))
    }
}
