-- Messages per second at most, as `send --rate` says: whoever sends the issue keeps to it, not that process alone.
-- Null where nobody said, and the configuration counts.
alter table issue add column rate double precision;
