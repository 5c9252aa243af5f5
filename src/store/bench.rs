//! What `masthead bench` needs of a database that is its own.

use super::{Store, StoreError};

impl Store {
    /// Makes readers 0 to `count`, `reader-0@example.com` and on, every other one with a name, active ones of a
    /// newsletter; those who are there already stay.
    ///
    /// One transaction. Their hashes are not keyed, so nobody finds them by their addresses, and there is no record
    /// of a consent.
    pub async fn populate(&self, newsletter_id: i32, count: u64) -> Result<(), StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut transaction = self.pool.begin().await?;
        sqlx::query!(
            "insert into subscriber (email, address_hash, name)
             select 'reader-' || n || '@example.com', sha256(int8send(n)), case when n % 2 = 1 then 'Reader ' || n end
             from generate_series(0, $1::bigint - 1) n
             on conflict on constraint subscriber_address_hash_key do nothing",
            count
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into subscription (newsletter_id, subscriber_id, state)
             select $1, p.id, 'active'
             from generate_series(0, $2::bigint - 1) n join subscriber p on p.address_hash = sha256(int8send(n))
             on conflict on constraint subscription_pkey do nothing",
            newsletter_id,
            count
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        // As autovacuum has it a minute later.
        sqlx::raw_sql("vacuum analyze subscriber, subscription").execute(&self.pool).await?;
        Ok(())
    }

    /// Signs every subscriber of a newsletter up, as if each had filled in the form just now and had the mail;
    /// returns the sign-ups' ids.
    pub async fn sign_all_up(&self, newsletter_id: i32) -> Result<Vec<i64>, StoreError> {
        let signups = sqlx::query_scalar!(
            "insert into signup (newsletter_id, subscriber_id, network, mail)
             select $1, subscriber_id, '127.0.0.1', 'accepted' from subscription where newsletter_id = $1
             returning id",
            newsletter_id
        );
        Ok(signups.fetch_all(&self.pool).await?)
    }

    /// How many subscribers a newsletter has.
    pub async fn count_active(&self, newsletter_id: i32) -> Result<u64, StoreError> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from subscription where newsletter_id = $1 and state = 'active'"#,
            newsletter_id
        );
        Ok(count.fetch_one(&self.pool).await?.unsigned_abs())
    }

    /// Makes a table of texts anew and fills it with COPY: a CSV file of addresses and names with a header.
    /// Returns how many rows that are.
    pub async fn copy_into_bare_table(&self, csv: &[u8]) -> Result<u64, StoreError> {
        let mut connection = self.pool.acquire().await?;
        sqlx::raw_sql("drop table if exists bare; create table bare (email text, name text)")
            .execute(&mut *connection)
            .await?;
        let mut copy = connection.copy_in_raw("copy bare from stdin (format csv, header)").await?;
        copy.send(csv).await?;
        Ok(copy.finish().await?)
    }

    /// How many bytes of WAL the server has written in its life.
    pub async fn wal_written(&self) -> Result<u64, StoreError> {
        let written =
            sqlx::query_scalar!(r#"select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as "written!""#)
                .fetch_one(&self.pool)
                .await?;
        Ok(written.unsigned_abs())
    }

    /// The server's version, as it says it.
    pub async fn server_version(&self) -> Result<String, StoreError> {
        let version = sqlx::query_scalar!(r#"select current_setting('server_version') as "version!""#);
        Ok(version.fetch_one(&self.pool).await?)
    }
}
