-- What the relay does for the other workers: one that has room for few connections is not away.

-- When a relay has taken a message from this worker, at its last renewal.
alter table worker add column taken_at timestamptz;
