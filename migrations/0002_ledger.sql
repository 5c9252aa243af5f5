-- The ledger: one issue to each subscriber of a snapshot, in exactly one state at every instant.
--
-- Rows are appended and never updated, which costs a quarter of updating a state column and keeps the history:
--   delivery  who is in the audience; written once by the snapshot
--   ledger    what happened to a delivery, step by step; its state is that of its last step
--   chunk     a range of deliveries that a worker claims as one; the only rows that change
-- A delivery without a step is queued. A queued one is claimed while a worker has its chunk.
-- Two workers cannot both take a step: the primary key has room for one.

create table issue (
    id bigint generated always as identity,
    newsletter_id integer not null,
    number integer not null,
    state text not null,
    -- frozen at the first send: other content under the same number is refused
    source_digest bytea not null,
    title text not null,
    subject text not null,
    preheader text not null,
    html text not null,
    text text not null,
    seal text not null,
    issue_date date,
    audience bigint not null default 0,
    rounds integer not null default 0,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint issue_pkey primary key (id),
    constraint issue_newsletter_id_fkey foreign key (newsletter_id) references newsletter (id),
    constraint issue_number_key unique (newsletter_id, number),
    constraint issue_state_check check (state in ('scheduled', 'sending', 'paused', 'sent', 'cancelled'))
);

-- A registration of one sending process. A process that was given up registers anew, so the id fences:
-- nothing is written in the name of a worker with `gone_at`.
create table worker (
    id integer generated always as identity,
    host text not null,
    pid integer not null,
    started_at timestamptz not null default now(),
    lease_until timestamptz not null,
    gone_at timestamptz,
    constraint worker_pkey primary key (id)
);

-- No foreign key to subscriber: an erased reader's deliveries still count.
create table delivery (
    issue_id bigint not null,
    subscriber_id bigint not null,
    round integer not null,
    constraint delivery_pkey primary key (issue_id, subscriber_id)
) partition by list (issue_id);

create table ledger (
    issue_id bigint not null,
    subscriber_id bigint not null,
    step smallint not null,
    attempt smallint not null,
    worker_id integer,
    at timestamptz not null default now(),
    next_at timestamptz,
    state text not null,
    class text,
    reply text,
    constraint ledger_pkey primary key (issue_id, subscriber_id, step),
    constraint ledger_state_check check (
        state in ('queued', 'attempting', 'accepted', 'refused', 'skipped', 'expired', 'in_doubt')
    ),
    constraint ledger_next_at_check check ((state = 'queued') = (next_at is not null))
) partition by list (issue_id);

-- `next_at` says when the chunk has work again; null when none is left.
create table chunk (
    id bigint generated always as identity,
    issue_id bigint not null,
    round integer not null,
    first_subscriber_id bigint not null,
    last_subscriber_id bigint not null,
    worker_id integer,
    claimed_at timestamptz,
    next_at timestamptz,
    constraint chunk_pkey primary key (id),
    constraint chunk_issue_id_fkey foreign key (issue_id) references issue (id) on delete cascade,
    constraint chunk_worker_id_fkey foreign key (worker_id) references worker (id)
);
create index chunk_issue_id_idx on chunk (issue_id, next_at);

-- Gives an issue its own partitions, so that an old ledger goes in one statement: `select drop_ledger(id)`.
create function create_ledger(id bigint) returns void language plpgsql as $$
begin
    execute format('create table delivery_%s partition of delivery for values in (%s)', id, id);
    execute format('create table ledger_%s partition of ledger for values in (%s)', id, id);
end
$$;

create function drop_ledger(id bigint) returns void language plpgsql as $$
begin
    execute format('drop table delivery_%s, ledger_%s', id, id);
end
$$;
