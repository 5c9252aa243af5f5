//! A rehearsal: a ledger beside the ledger, in a schema of its own that is thrown away.
//!
//! Its tables are made like the real ones, and the search path of its connections names its schema first: so the
//! very same statements snapshot, claim, intend and settle there, and read the real readers. Nobody else looks into
//! the schema. One that was left behind by a crash does no harm, and goes with the next rehearsal.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection};

use super::{Store, StoreError};

/// Key of the advisory lock that the one rehearsal of a database holds.
const REHEARSAL: i64 = 0x6d61_7374_7265;

/// A store whose issues and ledger are not the real ones. Dropping it leaves the schema to the next rehearsal.
pub struct Rehearsal {
    /// Reads the real readers; freezes issues and keeps ledgers for this rehearsal alone.
    pub store: Store,
    session: PgConnection,
}

impl Store {
    /// Begins a rehearsal; `None` when another one is under way.
    pub async fn rehearse(&self) -> Result<Option<Rehearsal>, StoreError> {
        let mut session = PgConnection::connect_with(&self.options).await?;
        let alone = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "alone!""#, REHEARSAL)
            .fetch_one(&mut session)
            .await?;
        if !alone {
            session.close().await?;
            return Ok(None);
        }
        // Ids of workers are keys of locks that all of the database shares: these are out of the real ones' way.
        sqlx::raw_sql(
            "drop schema if exists rehearsal cascade;
             create schema rehearsal;
             create table rehearsal.issue (like issue including all);
             create table rehearsal.worker (like worker including all);
             alter table rehearsal.worker alter column id restart with 2000000000;
             create table rehearsal.delivery (like delivery including all) partition by list (issue_id);
             create table rehearsal.ledger (like ledger including all) partition by list (issue_id);
             create table rehearsal.chunk (like chunk including all);
             create table rehearsal.relay_rate (like relay_rate including all);
             create table rehearsal.archived_issue (like archived_issue including all);
             create table rehearsal.archived_link (like archived_link including all);
             -- `like` gives constraints names of its own, but statements call them by name
             do $$
             declare made record;
             begin
                 for made in
                     select copy.conrelid::regclass as relation, copy.conname as name, original.conname as wanted
                     from pg_constraint copy
                     join pg_class c on c.oid = copy.conrelid and c.relnamespace = 'rehearsal'::regnamespace
                     join pg_constraint original on original.conrelid = to_regclass(c.relname::text)
                      and pg_get_constraintdef(original.oid) = pg_get_constraintdef(copy.oid)
                     where copy.contype in ('p', 'u') and copy.conname <> original.conname
                 loop
                     execute format('alter table %s rename constraint %I to %I', made.relation, made.name, made.wanted);
                 end loop;
             end
             $$;",
        )
        .execute(&mut session)
        .await?;
        let path = sqlx::query_scalar!(r#"select 'rehearsal, ' || current_setting('search_path') as "path!""#)
            .fetch_one(&mut session)
            .await?;
        let options = self.options.clone().options([("search_path", path)]);
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options.clone())
            .await?;
        let store = Self { pool, options, keyring: self.keyring.clone(), instance: self.instance.clone() };
        Ok(Some(Rehearsal { store, session }))
    }
}

impl Rehearsal {
    /// Ends it: nothing of it stays.
    pub async fn end(mut self) -> Result<(), StoreError> {
        self.store.close().await;
        sqlx::raw_sql("drop schema rehearsal cascade").execute(&mut self.session).await?;
        self.session.close().await?;
        Ok(())
    }
}
