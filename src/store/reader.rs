//! Readers: subscribers, their subscriptions with the record of consent, and who is never mailed again.

use std::collections::HashSet;

use time::OffsetDateTime;

use super::ledger::INTENT;
use super::{Store, StoreError};
use crate::subscriber::{EmailAddress, SubscriptionState};

/// Why an address gets nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// The mailbox does not exist.
    Bounced,
    /// The reader called it spam.
    Complained,
    /// The reader was erased.
    Erased,
    /// Came as unsubscribed from elsewhere.
    Unsubscribed,
}

impl Suppression {
    /// The word in the store and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Erased => "erased",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

/// One reader to import.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// The address.
    pub address: EmailAddress,
    /// The name.
    pub name: Option<String>,
    /// Whether the reader has left where the row comes from: then nothing is sent until a new confirmation.
    pub unsubscribed: bool,
}

/// What an import did, a count per row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Active now, and were not before.
    pub added: u64,
    /// Active already, or twice in the file.
    pub known: u64,
    /// Unsubscribed, here or by the file; left so.
    pub unsubscribed: u64,
    /// Suppressed; left so.
    pub suppressed: u64,
}

/// A reader with one subscription, for lists.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// Its id.
    pub id: i64,
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// Where the subscription stands.
    pub state: String,
    /// Since when.
    pub changed_at: OffsetDateTime,
}

/// Everything about one reader.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// When the address came in.
    pub created_at: OffsetDateTime,
    /// Why it is suppressed, if it is.
    pub suppression: Option<String>,
    /// Subscriptions: slug, state, since when.
    pub subscriptions: Vec<(String, String, OffsetDateTime)>,
    /// The consent record: slug, act, source, network, when.
    pub consents: Vec<(String, String, String, Option<String>, OffsetDateTime)>,
}

/// A subscription that a link names.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The newsletter.
    pub slug: String,
    /// The address.
    pub email: String,
    /// Where it stands.
    pub state: String,
}

impl Store {
    /// Makes readers active subscribers, but for those who left or are suppressed: only their own new
    /// confirmation brings them back.
    ///
    /// One transaction for all `rows`: nothing is half done. `act` and `source` go into the consent record.
    pub async fn import(
        &self,
        newsletter_id: i32,
        rows: &[ImportRow],
        act: &str,
        source: &str,
    ) -> Result<ImportCounts, StoreError> {
        let mut counts = ImportCounts::default();
        let mut seen = HashSet::new();
        let mut transaction = self.pool.begin().await?;
        for batch in rows.chunks(5_000) {
            let mut fresh = Vec::with_capacity(batch.len());
            for row in batch {
                let hash = self.keyring.address_hash(&row.address);
                if seen.insert(hash) {
                    fresh.push((hash.to_vec(), row));
                } else {
                    counts.known += 1;
                }
            }
            let hashes: Vec<_> = fresh.iter().map(|(hash, _)| hash.clone()).collect();
            let emails: Vec<_> = fresh.iter().map(|(_, row)| row.address.as_str().to_owned()).collect();
            let names: Vec<_> = fresh.iter().map(|(_, row)| row.name.clone()).collect();
            let leaving: Vec<_> = fresh.iter().map(|(_, row)| row.unsubscribed).collect();
            let before = sqlx::query!(
                r#"select count(*) filter (where x.address_hash is null and s.state = 'active') as "active!",
                          count(*) filter (where x.address_hash is null and s.state = 'unsubscribed') as "unsubscribed!",
                          count(*) filter (where x.address_hash is null and s.state is distinct from 'active'
                                             and s.state is distinct from 'unsubscribed' and r.leaving) as "leaving!",
                          count(x.address_hash) as "suppressed!"
                   from unnest($1::bytea[], $3::bool[]) as r (address_hash, leaving)
                   left join suppression x on x.address_hash = r.address_hash
                   left join subscriber p on p.address_hash = r.address_hash
                   left join subscription s on s.subscriber_id = p.id and s.newsletter_id = $2"#,
                &hashes,
                newsletter_id,
                &leaving
            )
            .fetch_one(&mut *transaction)
            .await?;
            sqlx::query!(
                "insert into subscriber (address_hash, email, name)
                 select r.* from unnest($1::bytea[], $2::text[], $3::text[]) as r (address_hash, email, name)
                 where not exists (select from suppression x where x.address_hash = r.address_hash)
                 on conflict on constraint subscriber_address_hash_key
                 do update set name = excluded.name where subscriber.name is null and excluded.name is not null",
                &hashes,
                &emails,
                &names as &[Option<String>]
            )
            .execute(&mut *transaction)
            .await?;
            let added = sqlx::query!(
                "with added as (
                     insert into subscription (newsletter_id, subscriber_id, state)
                     select $2, p.id, case when r.leaving then 'unsubscribed' else 'active' end
                     from unnest($1::bytea[], $5::bool[]) as r (address_hash, leaving)
                     join subscriber p on p.address_hash = r.address_hash
                     where not exists (select from suppression x where x.address_hash = p.address_hash)
                     on conflict on constraint subscription_pkey
                     do update set state = excluded.state, changed_at = now()
                     where subscription.state = 'pending'
                        or subscription.state = 'active' and excluded.state = 'unsubscribed'
                     returning subscriber_id, state
                 ), noted as (
                     insert into consent (newsletter_id, subscriber_id, act, source)
                     select $2, subscriber_id, case when state = 'active' then $3 else 'unsubscribed' end, $4 from added
                 )
                 select 1 as one from added where state = 'active'",
                &hashes,
                newsletter_id,
                act,
                source,
                &leaving
            )
            .fetch_all(&mut *transaction)
            .await?;
            counts.added += added.len() as u64;
            counts.known += before.active as u64;
            counts.unsubscribed += (before.unsubscribed + before.leaving) as u64;
            counts.suppressed += before.suppressed as u64;
        }
        transaction.commit().await?;
        Ok(counts)
    }

    /// Up to `limit` subscribers of a newsletter with an id above `after`, in the order of their ids.
    pub async fn subscribers(
        &self,
        newsletter_id: i32,
        state: Option<SubscriptionState>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Subscriber>, StoreError> {
        Ok(sqlx::query_as!(
            Subscriber,
            "select p.id, p.email, p.name, s.state, s.changed_at
             from subscription s join subscriber p on p.id = s.subscriber_id
             where s.newsletter_id = $1 and ($2::text is null or s.state = $2) and p.id > $3
             order by p.id limit $4",
            newsletter_id,
            state.map(SubscriptionState::as_str),
            after,
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Up to `limit` readers with an id above `after` whom a send of the issue with this number would take in.
    pub async fn prospects(
        &self,
        newsletter_id: i32,
        number: u32,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Subscriber>, StoreError> {
        Ok(sqlx::query_as!(
            Subscriber,
            "select p.id, p.email, p.name, s.state, s.changed_at
             from subscription s join subscriber p on p.id = s.subscriber_id
             where s.newsletter_id = $1 and s.state = 'active' and p.id > $3
               and not exists (select from suppression x where x.address_hash = p.address_hash)
               and not exists (select from delivery d join issue i on i.id = d.issue_id
                               where i.newsletter_id = $1 and i.number = $2 and d.subscriber_id = p.id)
             order by p.id limit $4",
            newsletter_id,
            i32::try_from(number).unwrap_or(-1),
            after,
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// How many readers a send of the issue with this number would take in.
    pub async fn count_prospects(&self, newsletter_id: i32, number: u32) -> Result<u64, StoreError> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from subscription s join subscriber p on p.id = s.subscriber_id
               where s.newsletter_id = $1 and s.state = 'active'
                 and not exists (select from suppression x where x.address_hash = p.address_hash)
                 and not exists (select from delivery d join issue i on i.id = d.issue_id
                                 where i.newsletter_id = $1 and i.number = $2 and d.subscriber_id = p.id)"#,
            newsletter_id,
            i32::try_from(number).unwrap_or(-1)
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(count as u64)
    }

    /// Why an address is suppressed, if it is.
    pub async fn suppression(&self, address: &EmailAddress) -> Result<Option<String>, StoreError> {
        let hash = self.keyring.address_hash(address);
        Ok(sqlx::query_scalar!("select reason from suppression where address_hash = $1", hash.as_slice())
            .fetch_optional(&self.pool)
            .await?)
    }

    /// Everything about the reader with this address.
    pub async fn profile(&self, address: &EmailAddress) -> Result<Option<Profile>, StoreError> {
        let hash = self.keyring.address_hash(address);
        let Some(person) = sqlx::query!(
            r#"select p.id, p.email, p.name, p.created_at, x.reason as "reason?"
               from subscriber p left join suppression x on x.address_hash = p.address_hash
               where p.address_hash = $1"#,
            hash.as_slice()
        )
        .fetch_optional(&self.pool)
        .await?
        else {
            return Ok(None);
        };
        let subscriptions = sqlx::query!(
            "select n.slug, s.state, s.changed_at from subscription s join newsletter n on n.id = s.newsletter_id
             where s.subscriber_id = $1 order by n.slug",
            person.id
        )
        .fetch_all(&self.pool)
        .await?;
        let consents = sqlx::query!(
            "select n.slug, c.act, c.source, host(c.network) as network, c.at
             from consent c join newsletter n on n.id = c.newsletter_id
             where c.subscriber_id = $1 order by c.id",
            person.id
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Some(Profile {
            email: person.email,
            name: person.name,
            created_at: person.created_at,
            suppression: person.reason,
            subscriptions: subscriptions.into_iter().map(|row| (row.slug, row.state, row.changed_at)).collect(),
            consents: consents.into_iter().map(|row| (row.slug, row.act, row.source, row.network, row.at)).collect(),
        }))
    }

    /// The id of the reader with this address.
    pub async fn subscriber_id(&self, address: &EmailAddress) -> Result<Option<i64>, StoreError> {
        let hash = self.keyring.address_hash(address);
        Ok(sqlx::query_scalar!("select id from subscriber where address_hash = $1", hash.as_slice())
            .fetch_optional(&self.pool)
            .await?)
    }

    /// The subscription that an unsubscribe link names; `None` when the reader was erased.
    pub async fn subscription(
        &self,
        newsletter_id: i32,
        subscriber_id: i64,
    ) -> Result<Option<Subscription>, StoreError> {
        Ok(sqlx::query_as!(
            Subscription,
            "select n.slug, p.email, s.state
             from subscription s
             join newsletter n on n.id = s.newsletter_id
             join subscriber p on p.id = s.subscriber_id
             where s.newsletter_id = $1 and s.subscriber_id = $2",
            newsletter_id,
            subscriber_id
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Ends a subscription, and queues a goodbye if `goodbye` says so. Whether it was still on is returned; again is
    /// no error.
    ///
    /// When it returns, every message whose intent is not durable yet leaves this reader out.
    pub async fn unsubscribe(
        &self,
        newsletter_id: i32,
        subscriber_id: i64,
        act: &str,
        source: &str,
        network: Option<&str>,
        goodbye: bool,
    ) -> Result<bool, StoreError> {
        let ended = sqlx::query!(
            "with ended as (
                 update subscription set state = 'unsubscribed', changed_at = now()
                 where newsletter_id = $1 and subscriber_id = $2 and state <> 'unsubscribed'
                 returning newsletter_id, subscriber_id
             ), parting as (
                 insert into notice (newsletter_id, subscriber_id, kind)
                 select newsletter_id, subscriber_id, 'goodbye' from ended where $6
             )
             insert into consent (newsletter_id, subscriber_id, act, source, network)
             select newsletter_id, subscriber_id, $3, $4, $5::text::inet from ended",
            newsletter_id,
            subscriber_id,
            act,
            source,
            network,
            goodbye
        )
        .execute(&self.pool)
        .await?;
        self.await_intents(newsletter_id).await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Waits for the intents that may not have seen the last change; those to come see it.
    pub(super) async fn await_intents(&self, newsletter_id: i32) -> Result<(), StoreError> {
        sqlx::query!("select pg_advisory_xact_lock($1, $2)", INTENT, newsletter_id).execute(&self.pool).await?;
        Ok(())
    }

    /// Erases a reader: nothing is kept but the keyed hash that keeps the address suppressed.
    /// Whether there was one is returned.
    ///
    /// One transaction. The ledgers keep their counts; what relays answered goes, since it may quote the address.
    pub async fn erase(&self, address: &EmailAddress) -> Result<bool, StoreError> {
        let hash = self.keyring.address_hash(address);
        let mut transaction = self.pool.begin().await?;
        sqlx::query!(
            "insert into suppression (address_hash, reason) values ($1, 'erased')
             on conflict on constraint suppression_pkey do nothing",
            hash.as_slice()
        )
        .execute(&mut *transaction)
        .await?;
        let erased =
            sqlx::query!("delete from subscriber where address_hash = $1 returning id, email", hash.as_slice())
                .fetch_optional(&mut *transaction)
                .await?;
        if let Some(person) = &erased {
            sqlx::query!("update ledger set reply = null where subscriber_id = $1 and reply is not null", person.id)
                .execute(&mut *transaction)
                .await?;
            sqlx::query!(
                "update issue set pause_reason = replace(pause_reason, $1, 'an erased reader')
                 where strpos(pause_reason, $1) > 0",
                person.email
            )
            .execute(&mut *transaction)
            .await?;
        }
        let newsletter_ids =
            sqlx::query_scalar!("select id from newsletter order by id").fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        for newsletter_id in newsletter_ids {
            self.await_intents(newsletter_id).await?;
        }
        Ok(erased.is_some())
    }
}
