-- Approvals: what an operator has seen and let go. `digest` stands for the whole message without what differs
-- per reader; the parts are kept to show what changed since.
create table approval (
    newsletter_id integer not null,
    number integer not null,
    digest bytea not null,
    subject text not null,
    preheader text not null,
    text text not null,
    approved_at timestamptz not null default now(),
    constraint approval_pkey primary key (newsletter_id, number, digest),
    constraint approval_newsletter_id_fkey foreign key (newsletter_id) references newsletter (id),
    constraint approval_digest_check check (octet_length(digest) = 32)
);
