-- What all who send share besides the ledger: when an issue starts, why it stands still, how fast a relay may be used.

-- When a scheduled issue starts; the Date of its mails, as `created_at` is of the others.
alter table issue add column starts_at timestamptz;
alter table issue add
    constraint issue_starts_at_check check (state <> 'scheduled' or starts_at is not null);

-- Why an issue stands still, so that every worker and the operator know, and when it may go on by itself.
--
-- While it is paused, `pause_cause` says why. An issue that is sending and has a cause goes *gently*, one worker
-- over one connection: it sees whether the relay is well again, or was throttled.
-- `probe_at` is when a worker may see; null when only `masthead resume` lets it go on. Each pause after a probe
-- doubles the wait, which `probes` counts.
alter table issue
    add column pause_cause text,
    add column pause_reason text,
    add column probe_at timestamptz,
    add column probes integer not null default 0;
alter table issue add
    constraint issue_pause_cause_check check (pause_cause in ('operator', 'relay', 'policy', 'ours', 'throttled'));
update issue set pause_cause = 'operator', pause_reason = 'the operator wanted it' where state = 'paused';

-- The rate of a relay: the moment from which on tokens are left. Each process takes a span of time from it.
create table relay_rate (
    relay text not null,
    next_at timestamptz not null,
    constraint relay_rate_pkey primary key (relay)
);
