-- An approval keeps all that its digest stands for, to show what changed since: a new sender or look is no change of the
-- text. Approvals from before have nothing to compare there.
alter table approval
    add column headers text not null default '',
    add column html text not null default '';
