-- What a send does for every message, with less work.
--
-- Nearly every call of `write_ledger` finds all as it hopes: the worker lives, the issue is being sent, no reader left,
-- no step is taken. Such a call is a few plain inserts; whoever asks has the careful way for the others.

-- Writes the results of attempts, then the next intents, if nothing stands against any of them; else it returns false
-- and has written nothing. Where a step is taken, the primary key forbids it: a unique violation, and nothing written.
--
-- It holds the worker's row, so nobody gives the worker up in its middle, and shares the newsletter's intent lock
-- before it looks at consent, so an unsubscribe is not answered before an intent that did not see it is durable.
create function write_ledger_plainly(
    the_worker integer, the_newsletter integer, the_issue bigint, intent_lock integer,
    result_readers bigint[], result_steps smallint[], result_attempts smallint[], result_states text[],
    result_waits float8[], result_classes text[], result_replies text[],
    intent_readers bigint[], intent_steps smallint[], intent_attempts smallint[]
) returns boolean language plpgsql as $$
begin
    perform from worker w where w.id = the_worker and w.gone_at is null for share;
    if not found then
        return false;
    end if;
    perform pg_advisory_xact_lock_shared(intent_lock, the_newsletter);
    if (select i.state from issue i where i.id = the_issue) <> 'sending' or exists (
        select from unnest(intent_readers) as w (reader)
        where (select s.state from subscription s
               where s.newsletter_id = the_newsletter and s.subscriber_id = w.reader) is distinct from 'active'
           or (select true from suppression x
               where x.address_hash = (select p.address_hash from subscriber p where p.id = w.reader))
    ) then
        return false;
    end if;

    insert into ledger (issue_id, subscriber_id, step, attempt, worker_id, state, next_at, class, reply)
    select the_issue, r.reader, r.step + 1, r.attempt, the_worker, r.state, now() + make_interval(secs => r.wait),
           r.class, r.reply
    from unnest(result_readers, result_steps, result_attempts, result_states, result_waits, result_classes,
                result_replies) as r (reader, step, attempt, state, wait, class, reply);
    insert into ledger (issue_id, subscriber_id, step, attempt, worker_id, state)
    select the_issue, w.reader, w.step, w.attempt, the_worker, 'attempting'
    from unnest(intent_readers, intent_steps, intent_attempts) as w (reader, step, attempt);
    return true;
end
$$;

-- The same, whatever stands against it. One call is one commit.
--
-- A result goes behind the last step of its delivery, if that is this worker's attempt or the doubt about it.
-- `taken_readers` and `taken_states` say which of the intents have a row of this worker's, and in which state.
drop function write_ledger;
create function write_ledger(
    the_worker integer, the_newsletter integer, the_issue bigint, intent_lock integer,
    result_readers bigint[], result_attempts smallint[], result_states text[],
    result_waits float8[], result_classes text[], result_replies text[],
    intent_readers bigint[], intent_steps smallint[], intent_attempts smallint[],
    out is_alive boolean, out written bigint, out taken_readers bigint[], out taken_states text[]
) language plpgsql as $$
declare
    more bigint;
begin
    written := 0;
    perform from worker w where w.id = the_worker and w.gone_at is null for share;
    is_alive := found;
    perform pg_advisory_xact_lock_shared(intent_lock, the_newsletter);

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

    insert into ledger (issue_id, subscriber_id, step, attempt, worker_id, state, class)
    select the_issue, n.reader, n.step, n.attempt, the_worker,
           case when n.obstacle is null then 'attempting' else 'skipped' end, n.obstacle
    from (
        select w.*, case
            when exists (select from suppression x
                         where x.address_hash = (select p.address_hash from subscriber p where p.id = w.reader))
                then 'suppressed'
            else case coalesce((select s.state from subscription s
                                where s.newsletter_id = the_newsletter and s.subscriber_id = w.reader), 'erased')
                when 'active' then null
                when 'erased' then 'erased'
                else 'unsubscribed'
            end
        end as obstacle
        from unnest(intent_readers, intent_steps, intent_attempts) as w (reader, step, attempt)
        offset 0 -- else the obstacle is looked for once for each place where it is used
    ) n
    where (select i.state from issue i where i.id = the_issue) = 'sending'
    on conflict on constraint ledger_pkey do nothing;
    -- Those of a commit whose answer was lost are there already.
    select array_agg(l.subscriber_id), array_agg(l.state) into taken_readers, taken_states
    from unnest(intent_readers, intent_steps) as w (reader, step)
    join ledger l on l.issue_id = the_issue and l.subscriber_id = w.reader and l.step = w.step
                 and l.worker_id = the_worker;
end
$$;
