//! The rate of a relay, which all processes share.

use std::time::Duration;

use super::{Store, StoreError};

impl Store {
    /// Takes the tokens of the next `span` of time from a relay's bucket; returns how long until they begin.
    ///
    /// Time that passed without anybody asking is lost, but for `grace`: a process that asks a little late loses
    /// nothing. By the database's clock alone.
    pub async fn take_tokens(&self, relay: &str, span: Duration, grace: Duration) -> Result<Duration, StoreError> {
        let starts_in = sqlx::query_scalar!(
            r#"insert into relay_rate as r (relay, next_at)
               values ($1, clock_timestamp() + make_interval(secs => $2))
               on conflict on constraint relay_rate_pkey do update
               set next_at = greatest(r.next_at, clock_timestamp() - make_interval(secs => $3))
                             + make_interval(secs => $2)
               returning extract(epoch from r.next_at - clock_timestamp())::float8 - $2 as "starts_in!""#,
            relay,
            span.as_secs_f64(),
            grace.as_secs_f64()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Duration::try_from_secs_f64(starts_in).unwrap_or_default())
    }
}
