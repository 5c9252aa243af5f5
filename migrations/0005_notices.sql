-- Notices: the welcome after a confirmation and the goodbye after an unsubscribe, queued in the transaction of the
-- act itself, so that no mail is lost and none goes out for an act that did not take.
-- 'skipped' is what the reader no longer wants when its turn comes.
create table notice (
    id bigint generated always as identity,
    newsletter_id integer not null,
    subscriber_id bigint not null,
    kind text not null,
    created_at timestamptz not null default now(),
    mail text not null default 'queued',
    tries integer not null default 0,
    next_at timestamptz not null default now(),
    reply text,
    constraint notice_pkey primary key (id),
    constraint notice_newsletter_id_fkey foreign key (newsletter_id) references newsletter (id),
    constraint notice_subscriber_id_fkey foreign key (subscriber_id) references subscriber (id) on delete cascade,
    constraint notice_kind_check check (kind in ('welcome', 'goodbye')),
    constraint notice_mail_check check (mail in ('queued', 'skipped', 'accepted', 'refused', 'expired', 'in_doubt'))
);
create index notice_due_idx on notice (next_at) where mail = 'queued';
create index notice_subscriber_id_idx on notice (subscriber_id, newsletter_id);
