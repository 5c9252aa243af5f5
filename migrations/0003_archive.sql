-- The link memory: which page was in which issue, so that an editor hears of a repetition before it leaves.
--
-- Issues come into it with their first send, and from files of before (`masthead archive import`).
-- Pages are compared by `address`, the one form that all links to a page share. It is made by the program;
-- `url` is the link as written, so that a later version can make it anew.

create table archived_issue (
    id bigint generated always as identity,
    newsletter_id integer not null,
    -- null for what came from a file
    issue_id bigint,
    -- the file below the folder that was imported, or slug/number
    name text not null,
    language text,
    number integer,
    title text,
    issue_date date,
    -- of everything that is kept: the same again is left alone
    digest bytea not null,
    constraint archived_issue_pkey primary key (id),
    constraint archived_issue_newsletter_id_fkey foreign key (newsletter_id) references newsletter (id),
    constraint archived_issue_issue_id_fkey foreign key (issue_id) references issue (id) on delete cascade,
    constraint archived_issue_issue_id_key unique (issue_id),
    constraint archived_issue_name_key unique (newsletter_id, name)
);

create table archived_link (
    archived_issue_id bigint not null,
    -- its place in the issue, from 1
    position integer not null,
    role text not null,
    address text not null,
    -- of a page on a forge: host, owner and name
    repository text,
    url text not null,
    constraint archived_link_pkey primary key (archived_issue_id, position),
    constraint archived_link_archived_issue_id_fkey foreign key (archived_issue_id)
        references archived_issue (id) on delete cascade,
    constraint archived_link_role_check check (role in ('item', 'mention'))
);
-- Hash indexes: addresses are only ever compared whole, and may be longer than a b-tree takes.
create index archived_link_address_idx on archived_link using hash (address);
create index archived_link_repository_idx on archived_link using hash (repository);
