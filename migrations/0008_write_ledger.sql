-- What a send does for every message, with as little work as it can be done.

-- How many deliveries a chunk has, so that a worker knows when it has had all of them; null in older chunks.
-- A chunk that was never claimed is fresh: no delivery of it has a step.
alter table chunk
    add column size integer,
    add column is_fresh boolean not null default false;

-- Writes what a worker has to say: the results of attempts, then the next intents. One call is one commit.
--
-- It holds the worker's row, so nobody gives the worker up in its middle, and shares the newsletter's intent lock
-- before it looks at consent, so an unsubscribe is not answered before an intent that did not see it is durable.
-- A function, since its statements are many and a call is one round trip.
--
-- Where not all intents are granted, `taken_readers` and `taken_states` say which of them have a row of this worker's, and
-- in which state.
--
-- With `are_sure` the intent of every result is known to be durable: a result goes behind its step unless that place is
-- taken, by the doubt that a reaper has put there or by the result itself. Whatever finds no place goes behind the last
-- step, if that is this worker's attempt or the doubt about it.
--
-- A place is hardly ever taken, so the inserts are plain ones, and look for another way when the primary key forbids
-- them: `on conflict` for every row costs nearly half more.
create function write_ledger(
    the_worker integer, the_newsletter integer, the_issue bigint, intent_lock integer, are_sure boolean,
    result_readers bigint[], result_steps smallint[], result_attempts smallint[], result_states text[],
    result_waits float8[], result_classes text[], result_replies text[],
    intent_readers bigint[], intent_steps smallint[], intent_attempts smallint[],
    out is_alive boolean, out written bigint, out are_all_granted boolean, out taken_readers bigint[],
    out taken_states text[]
) language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    more bigint;
    free_readers bigint[];
    free_steps smallint[];
    free_attempts smallint[];
begin
    written := 0;
    perform from worker w where w.id = the_worker and w.gone_at is null for share;
    is_alive := found;
    perform pg_advisory_xact_lock_shared(intent_lock, the_newsletter);

    if are_sure and cardinality(result_readers) > 0 then
        begin
            insert into ledger (issue_id, subscriber_id, step, attempt, worker_id, state, next_at, class, reply)
            select the_issue, r.reader, r.step + 1, r.attempt, the_worker,
                   case when over.it then 'skipped' else r.state end,
                   case when not over.it then now() + make_interval(secs => r.wait) end,
                   case when over.it then 'cancelled' else r.class end, r.reply
            from unnest(result_readers, result_steps, result_attempts, result_states, result_waits, result_classes,
                        result_replies) as r (reader, step, attempt, state, wait, class, reply)
            cross join lateral (
                select r.state = 'queued' and (select i.state from issue i where i.id = the_issue) = 'cancelled' as it
            ) over;
            get diagnostics written = row_count;
        exception when unique_violation then
            -- None is written then; each finds its place below.
        end;
    end if;
    -- Twice: the next step may be taken by the doubt that a reaper puts there while the first one looks.
    for look in 1..2 loop
        exit when written = cardinality(result_readers);
        insert into ledger (issue_id, subscriber_id, step, attempt, worker_id, state, next_at, class, reply)
        select the_issue, r.reader, last.step + 1, r.attempt, the_worker,
               case when over.it then 'skipped' else r.state end,
               case when not over.it then now() + make_interval(secs => r.wait) end,
               case when over.it then 'cancelled' else r.class end, r.reply
        from unnest(result_readers, result_attempts, result_states, result_waits, result_classes, result_replies)
                 as r (reader, attempt, state, wait, class, reply)
        cross join lateral (
            select l.step, l.attempt, l.state, l.worker_id from ledger l
            where l.issue_id = the_issue and l.subscriber_id = r.reader order by l.step desc limit 1
        ) last
        cross join lateral (
            select r.state = 'queued' and (select i.state from issue i where i.id = the_issue) = 'cancelled' as it
        ) over
        where last.worker_id = the_worker and last.attempt = r.attempt
          and last.state in ('attempting', 'in_doubt') and last.state <> r.state
        on conflict on constraint ledger_pkey do nothing;
        get diagnostics more = row_count;
        written := written + more;
    end loop;

    if not is_alive then
        -- Its chunks are no longer the worker's: those are due again to whose readers it gives another try.
        update chunk c set next_at = now()
        from unnest(result_readers, result_states) as r (reader, state)
        join delivery d on d.issue_id = the_issue and d.subscriber_id = r.reader
        where r.state = 'queued' and c.issue_id = the_issue and c.round = d.round
          and d.subscriber_id between c.first_subscriber_id and c.last_subscriber_id;
        return;
    end if;
    if cardinality(intent_readers) = 0 then
        return;
    end if;
    free_readers := intent_readers;
    free_steps := intent_steps;
    free_attempts := intent_attempts;
    loop
        begin
            with taken as (
                insert into ledger (issue_id, subscriber_id, step, attempt, worker_id, state, class)
                select the_issue, n.reader, n.step, n.attempt, the_worker,
                       case when n.obstacle is null then 'attempting' else 'skipped' end, n.obstacle
                from (
                    select w.*, case
                        when exists (select from suppression x where x.address_hash
                                     = (select p.address_hash from subscriber p where p.id = w.reader))
                            then 'suppressed'
                        else case coalesce((select s.state from subscription s
                                            where s.newsletter_id = the_newsletter and s.subscriber_id = w.reader),
                                           'erased')
                            when 'active' then null
                            when 'erased' then 'erased'
                            else 'unsubscribed'
                        end
                    end as obstacle
                    from unnest(free_readers, free_steps, free_attempts) as w (reader, step, attempt)
                    offset 0 -- else the obstacle is looked for once for each place where it is used
                ) n
                where (select i.state from issue i where i.id = the_issue) = 'sending'
                returning state
            )
            select count(*) = cardinality(intent_readers) into are_all_granted from taken t where t.state = 'attempting';
            exit;
        exception when unique_violation then
            -- By a commit whose answer was lost, or another worker: the others go ahead.
            select coalesce(array_agg(w.reader), '{}'), coalesce(array_agg(w.step), '{}'),
                   coalesce(array_agg(w.attempt), '{}')
            into free_readers, free_steps, free_attempts
            from unnest(free_readers, free_steps, free_attempts) as w (reader, step, attempt)
            where not exists (select from ledger l where l.issue_id = the_issue and l.subscriber_id = w.reader
                                                     and l.step = w.step);
        end;
    end loop;
    if not are_all_granted then
        -- Those of a commit whose answer was lost are there already.
        select array_agg(t.reader), array_agg(t.state) into taken_readers, taken_states
        from (
            select w.reader, (select l.state from ledger l
                              where l.issue_id = the_issue and l.subscriber_id = w.reader and l.step = w.step
                                and l.worker_id = the_worker) as state
            from unnest(intent_readers, intent_steps) as w (reader, step)
            offset 0
        ) t
        where t.state is not null;
    end if;
end
$$;
