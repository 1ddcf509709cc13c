-- Tables of intake. What identifies anybody lies sealed in the tables vault_*, and nowhere else.

-- Each record accepted, at its latest revision; no row says who sent it about whom: the id is a keyed hash.
create table if not exists records (
    record_id    text        not null primary key,
    feed         text        not null,
    revision     int         not null,
    content_hash bytea       not null,             -- of the latest revision, keyed
    earlier      bytea[]     not null default '{}', -- of the revisions before it
    received_at  timestamptz not null,
    said         bytea       not null              -- packed: what it says now, so that it can be taken back
);

-- Grids loaded by POST /grids; all other divisions come with contracts/data.
create table if not exists grids (
    code text primary key,
    name text not null
);

-- received = accepted + duplicate + rejected + pending. slot: so that two replicas need not wait for each other.
create table if not exists ledger (
    feed      text        not null,
    hour_at   timestamptz not null,
    slot      smallint    not null,
    received  bigint      not null,
    accepted  bigint      not null,
    duplicate bigint      not null,
    rejected  bigint      not null,
    pending   bigint      not null generated always as (received - accepted - duplicate - rejected) stored,
    check (received >= accepted + duplicate + rejected),
    primary key (hour_at, feed, slot)
) with (fillfactor = 50);

-- Keyed hashes of numbers, references and dwellings -> the random id they mean. One row a hash, so one id a person.
create table if not exists vault_keys (
    found_by    bytea    not null primary key,
    owner_id    text     not null,
    key_version smallint not null
);

create table if not exists vault_persons (
    person_id         text  not null primary key,
    division_code     text  not null,               -- where the person lives, as last recorded
    phone_found_by    bytea,                         -- several people may share a telephone
    phone_key_version smallint,
    sealed            bytea not null
);
create index if not exists vault_persons_phone on vault_persons (phone_found_by) where phone_found_by is not null;

create table if not exists vault_dwellings (
    dwelling_id   text  not null primary key,
    division_code text  not null,
    sealed        bytea not null
);

-- Rejected rows until they are mended; what they hold may identify somebody, so it is sealed.
create table if not exists vault_rejects (
    reject_id   bigint generated always as identity unique,
    body_hash   bytea       not null primary key,   -- keyed; the same row sent again is one row here
    feed        text        not null,
    record_id   text,                                -- null: the row names no source_id
    rejected_at timestamptz not null,
    sealed      bytea       not null,
    problems    jsonb       not null
);
create index if not exists vault_rejects_record on vault_rejects (record_id) where record_id is not null;
create index if not exists vault_rejects_feed on vault_rejects (feed, reject_id);

-- Who looked up whom, when and what for.
create table if not exists vault_accesses (
    access_id   bigint generated always as identity primary key,
    accessed_at timestamptz not null,
    caller      text        not null,
    purpose     text        not null,
    person_id   text        not null
);
create index if not exists vault_accesses_person on vault_accesses (person_id);

-- The database's own random key, sealed; ids and hashes of records rest on it, so it is never made again.
create table if not exists vault_pepper (
    one    bool  primary key default true check (one),
    sealed bytea not null
);
