-- The chunk that has been due longest is the first of its issue: whoever claims one reads one, however many there are.
drop index chunk_issue_id_idx;
create index chunk_issue_id_idx on chunk (issue_id, next_at, id);
