-- What a worker sends and how that goes: for who asks why nothing moves, and for who comes after one that died.

-- The issue that a registration is for; null in older ones. No foreign key: a registration outlives its issue.
-- `trouble` is why the relay takes nothing from this worker now, in words; null while all is well.
alter table worker
    add column issue_id bigint,
    add column trouble text;

-- Whom a policy refused, by worker: the last of one that died may be a row that nobody has judged.
-- Hardly any row of the ledger is in it, so it costs the others nothing.
create index ledger_policy_idx on ledger (worker_id) where state = 'refused' and class = 'policy';
