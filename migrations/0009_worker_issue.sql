-- What a worker sends: for who comes after one that died.

-- The issue that a registration is for; null in older ones. No foreign key: a registration outlives its issue.
alter table worker add column issue_id bigint;

-- Whom a policy refused, by worker: the last of one that died may be a row that nobody has judged.
-- Hardly any row of the ledger is in it, so it costs the others nothing.
create index ledger_policy_idx on ledger (worker_id) where state = 'refused' and class = 'policy';
