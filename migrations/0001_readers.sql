-- Readers: who signed up for what, how we know, and who must never be mailed again.

-- One row: what tells this store from every other. Mailed links must lead to a `serve` on it.
create table instance (
    id text not null,
    only_row boolean not null default true,
    constraint instance_pkey primary key (only_row),
    constraint instance_only_row_check check (only_row)
);

-- Keys of the MACs in mailed links. They live here because the store is all that several machines share.
-- A key is never deleted: an unsubscribe link works for ever. The newest one signs.
create table signing_key (
    id smallint generated always as identity,
    secret bytea not null,
    created_at timestamptz not null default now(),
    constraint signing_key_pkey primary key (id),
    constraint signing_key_secret_check check (length(secret) = 32)
);

-- What a newsletter looks like stands in masthead.toml; this row gives it an id.
create table newsletter (
    id integer generated always as identity,
    slug text not null,
    constraint newsletter_pkey primary key (id),
    constraint newsletter_slug_key unique (slug)
);

-- A person, that is, an address. `address_hash` is a keyed hash of the address in lower case:
-- the same hash stays in `suppression` when the address itself is erased.
create table subscriber (
    id bigint generated always as identity,
    email text not null,
    address_hash bytea not null,
    name text,
    created_at timestamptz not null default now(),
    constraint subscriber_pkey primary key (id),
    constraint subscriber_address_hash_key unique (address_hash)
);

-- A person's state on one newsletter.
create table subscription (
    newsletter_id integer not null,
    subscriber_id bigint not null,
    state text not null,
    changed_at timestamptz not null default now(),
    constraint subscription_pkey primary key (newsletter_id, subscriber_id),
    constraint subscription_newsletter_id_fkey foreign key (newsletter_id) references newsletter (id),
    constraint subscription_subscriber_id_fkey foreign key (subscriber_id) references subscriber (id) on delete cascade,
    constraint subscription_state_check check (state in ('pending', 'active', 'unsubscribed'))
);
create index subscription_subscriber_id_idx on subscription (subscriber_id);

-- The consent record, appended to and never changed: what the reader did, through which form, from where.
create table consent (
    id bigint generated always as identity,
    newsletter_id integer not null,
    subscriber_id bigint not null,
    act text not null,
    source text not null,
    network inet,
    at timestamptz not null default now(),
    constraint consent_pkey primary key (id),
    constraint consent_subscriber_id_fkey foreign key (subscriber_id) references subscriber (id) on delete cascade,
    constraint consent_act_check check (act in ('signed up', 'confirmed', 'imported', 'added', 'unsubscribed', 'removed'))
);
create index consent_subscriber_id_idx on consent (subscriber_id);

-- Addresses that no issue goes to, by keyed hash alone: after an erasure nothing else is kept.
create table suppression (
    address_hash bytea not null,
    reason text not null,
    created_at timestamptz not null default now(),
    constraint suppression_pkey primary key (address_hash),
    constraint suppression_reason_check check (reason in ('bounced', 'complained', 'erased', 'unsubscribed'))
);

-- Sign-ups, which are also the outbox of their confirmation mails.
-- `mail` is where that mail stands; 'none' when the address had one within a day.
create table signup (
    id bigint generated always as identity,
    newsletter_id integer not null,
    subscriber_id bigint not null,
    network inet not null,
    created_at timestamptz not null default now(),
    mail text not null,
    tries integer not null default 0,
    next_at timestamptz not null default now(),
    reply text,
    constraint signup_pkey primary key (id),
    constraint signup_subscriber_id_fkey foreign key (subscriber_id) references subscriber (id) on delete cascade,
    constraint signup_mail_check check (mail in ('none', 'queued', 'accepted', 'refused', 'expired', 'in_doubt'))
);
create index signup_due_idx on signup (next_at) where mail = 'queued';
create index signup_subscriber_id_idx on signup (subscriber_id, newsletter_id, created_at);
create index signup_network_idx on signup (network, created_at);
