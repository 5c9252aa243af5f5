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
