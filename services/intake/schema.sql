-- Tables of intake. What identifies anybody lies sealed in the tables vault_*, and nowhere else.

-- Each record accepted, at its latest revision; no row says who sent it about whom: it is found by a keyed hash. Once a
-- person whom it named is forgotten (services/intake/forgetting.py), nothing is left but that it was there.
create table if not exists records (
    found_by     bytea       not null primary key, -- keyed hash of feed and source_id
    record_id    text,                             -- null: forgotten
    feed         text        not null,
    revision     int         not null,
    content_hash bytea,                            -- of the latest revision, keyed
    earlier      bytea[]     not null default '{}', -- of the revisions before it
    received_at  timestamptz,
    said         bytea,                            -- packed: what it says now, so that it can be taken back
    named_besides text[]      not null default '{}' -- persons and dwellings that no statement standing names
);
-- When its sender made the latest revision, of senders that tell this instead of counting revisions.
alter table records add column if not exists revised_at timestamptz;
alter table records add column if not exists version bigint;  -- which one that was, of senders whose count comes in any order
-- Where it was recorded, as it is now; '' for what is older than this column: shown to callers of everywhere alone.
alter table records add column if not exists division_code text collate "C" not null default '';
create index if not exists records_received on records using brin (received_at);

-- Keys of senders; the key itself is told once and never kept.
create table if not exists api_keys (
    key_id           text        not null primary key,
    secret_hash      bytea       not null,
    feed             text        not null,
    divisions        text[]      not null,
    kinds            text[]      not null,
    records_a_minute int         not null,
    note             text        not null,
    made_by          text        not null,
    made_at          timestamptz not null,
    revoked_by       text,
    revoked_at       timestamptz
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
    sealed            bytea not null,
    born_found_by     bytea,                         -- birth date and surname together, under the newest key
    numbered          bool  not null default true,   -- whether an identification number is known
    last_at           timestamptz                    -- of a record about the person that was erased for another's sake
);
create index if not exists vault_persons_born on vault_persons (born_found_by) where born_found_by is not null;
create index if not exists vault_persons_unnumbered on vault_persons (person_id) where not numbered;
create index if not exists vault_persons_phone on vault_persons (phone_found_by) where phone_found_by is not null;

create table if not exists vault_dwellings (
    dwelling_id   text  not null primary key,
    division_code text  not null,
    sealed        bytea not null
);

-- Rejected rows until they are mended; what they hold may identify somebody, so it is sealed.
-- Where people and dwellings are searched (rules/searching.py): twelve bits of a keyed hash and the kind of word.
create table if not exists vault_words (
    bucket   int  not null,
    county   text collate "C" not null,             -- as in division_code, which stands in the clear
    owner_id text not null,
    primary key (bucket, county, owner_id)
);
create index if not exists vault_words_owner on vault_words (owner_id);

create table if not exists vault_rejects (
    reject_id   bigint generated by default as identity unique,
    body_hash   bytea       not null primary key,   -- keyed; the same row sent again is one row here
    feed        text        not null,
    of_record   bytea,                               -- as records.found_by; null: the row names no source_id
    rejected_at timestamptz not null,
    sealed      bytea       not null                -- what is wrong, in one line, then the row
);
-- Of the record, where it tells one; or in which of the other ways it tells that it is the later one.
alter table vault_rejects add column if not exists revision int not null default 0;
alter table vault_rejects add column if not exists revised_at timestamptz;
alter table vault_rejects add column if not exists version bigint;
create index if not exists vault_rejects_record on vault_rejects (of_record) where of_record is not null;
create index if not exists vault_rejects_feed on vault_rejects (feed, reject_id);

-- Who looked at whom, or tried to, when and what for.
create table if not exists vault_accesses (
    access_id   bigint generated always as identity primary key,
    accessed_at timestamptz not null,
    caller      text        not null,
    act         text        not null default 'lookup' check (act in ('lookup', 'opening', 'search', 'own')),
    purpose     text        not null,
    note        text        not null default '',
    person_id   text        not null,              -- or the dwelling's id
    allowed     bool        not null default true
);
create index if not exists vault_accesses_person on vault_accesses (person_id);

-- Random salts of weeks, sealed: a record's id is drawn with that of its week, which is destroyed when the week is long
-- past. From then on a row of `records` alone ties a record to what the log says under its id.
create table if not exists vault_salts (
    week   date  primary key,
    sealed bytea not null
);

-- What was erased, by whose order and why: numbers, nobody's names.
create table if not exists forgettings (
    forgetting_id bigint generated always as identity primary key,
    forgotten_at  timestamptz not null,
    done_by       text        not null,
    reason        text        not null,
    days          int         not null,
    days_from     text        not null,
    division_code text        not null,
    persons       bigint      not null
);
create or replace trigger forgettings_append_only before update or delete on forgettings
    for each statement execute function append_only();

-- The database's own random key, sealed; ids and hashes of records rest on it, so it is never made again.
create table if not exists vault_pepper (
    one    bool  primary key default true check (one),
    sealed bytea not null
);

create index if not exists vault_dwellings_division on vault_dwellings (division_code collate "C");

-- Two ids of one person, while the statement stands: nothing that was said under either is changed by it.
create table if not exists merges (
    statement_id text not null primary key,
    revision     int  not null,
    withdrawn    bool not null,
    person_id    text not null,
    other_id     text not null
);
create index if not exists merges_of_person on merges (person_id);
create index if not exists merges_of_other on merges (other_id);

-- Who decided that two ids are one person, or two again, when and why; never changed.
create table if not exists vault_decisions (
    statement_id  text        not null,
    revision      int         not null,
    record_id     text        not null,
    person_id     text        not null,
    other_id      text        not null,
    division_code text collate "C" not null,
    withdrawn     bool        not null,
    decided_at    timestamptz not null,
    decided_by    text        not null,
    sealed        bytea       not null,              -- the reason
    primary key (statement_id, revision)
);
create index if not exists vault_decisions_person on vault_decisions (person_id);
create index if not exists vault_decisions_other on vault_decisions (other_id);
create index if not exists vault_decisions_record on vault_decisions (record_id);

-- Two who may be one person, for people to look at. decided: null while nobody has; by whom, see vault_decisions.
create table if not exists reviews (
    review_id           text        not null primary key,
    person_id           text        not null,
    other_id            text        not null,
    division_code       text collate "C" not null,
    other_division_code text collate "C" not null,
    score               int         not null,
    evidence            text[]      not null,
    found_at            timestamptz not null,
    decided             text        check (decided in ('same', 'different'))
);
create index if not exists reviews_open on reviews (division_code, review_id) where decided is null;

-- The roster and who answers for what, as records told it; a record's rows go with the record. See rules/roster.py.
create table if not exists calls (
    record_id     text        not null primary key,
    division_code text collate "C" not null,
    drill         bool        not null,
    dwelling_id   text        not null,
    round_id      text        not null,
    called_at     timestamptz not null,
    channel       text        not null,
    outcome       text        not null,              -- reached, or why nobody was
    entered_by    text        not null               -- the post that told it; empty: a feed did
);
create index if not exists calls_division on calls (division_code, round_id);
create index if not exists calls_entered on calls (entered_by, called_at) where entered_by <> '';

create table if not exists residents (
    record_id           text        not null,
    division_code       text collate "C" not null,
    drill               bool        not null,
    person_id           text        not null,
    dwelling_id         text        not null,
    since_at            timestamptz not null,        -- met there then, or registered from then on
    round_id            text        not null,        -- empty: registered
    temperature_celsius real,
    primary key (record_id, person_id)
);
create index if not exists residents_division on residents (division_code);
create index if not exists residents_dwelling on residents (dwelling_id);

create table if not exists registers (
    record_id     text        not null primary key,
    division_code text collate "C" not null,
    drill         bool        not null,
    dwelling_id   text        not null,
    registered_at timestamptz not null,
    lived_in      bool        not null
);
create index if not exists registers_division on registers (division_code);
create index if not exists registers_dwelling on registers (dwelling_id);

create table if not exists presences (
    record_id     text        not null primary key,
    division_code text collate "C" not null,
    drill         bool        not null,
    person_id     text        not null,
    state         text        not null,
    since_at      timestamptz not null,
    where_words   text,
    back_at       timestamptz
);
create index if not exists presences_division on presences (division_code);

create table if not exists rounds (
    record_id     text        not null primary key,
    division_code text collate "C" not null,
    drill         bool        not null,
    round_id      text        not null,
    opened_by     text        not null,
    from_at       timestamptz not null,
    until_at      timestamptz not null
);
create index if not exists rounds_until on rounds (until_at);

-- Posts are those of alerts (POST /posts), named by the same ids; a worker's token bears the post's id.
create table if not exists assignments (
    record_id      text        not null primary key,
    division_code  text collate "C" not null,
    drill          bool        not null,
    post_id        text        not null,
    duty           text        not null,
    dwelling_id    text,
    person_id      text,
    site_id        text,
    valid_from_at  timestamptz not null,
    valid_until_at timestamptz
);
create index if not exists assignments_post on assignments (post_id);
create index if not exists assignments_division on assignments (division_code);
create index if not exists assignments_person on assignments (person_id) where person_id is not null;

create table if not exists hand_overs (
    record_id     text        not null primary key,
    division_code text collate "C" not null,
    drill         bool        not null,
    from_post_id  text        not null,
    to_post_id    text        not null,
    handed_at     timestamptz not null
);
create index if not exists hand_overs_from on hand_overs (from_post_id);
create index if not exists hand_overs_to on hand_overs (to_post_id);

-- Visits and own samples: what closes items of a worker's list.
create table if not exists checks (
    record_id           text        not null primary key,
    division_code       text collate "C" not null,
    drill               bool        not null,
    person_id           text        not null,
    what                text        not null,
    done_at             timestamptz not null,
    entered_by          text        not null,
    temperature_celsius real
);
create index if not exists checks_person on checks (person_id, done_at);
create index if not exists checks_entered on checks (entered_by, done_at) where entered_by <> '';

create table if not exists stays (
    record_id     text        not null primary key,
    division_code text collate "C" not null,
    drill         bool        not null,
    placement_id  text        not null,
    person_id     text        not null,
    site_id       text        not null
);
create index if not exists stays_placement on stays (placement_id);
create index if not exists stays_site on stays (site_id);
create index if not exists stays_person on stays (person_id);

-- Each correction and withdrawal: who, when, from what, to what, why. before, after: packed as in records.
create table if not exists corrections (
    record_id     text        not null,
    division_code text collate "C" not null,       -- where it was recorded before
    revision      int         not null,
    changed_at    timestamptz not null,
    changed_by    text        not null,
    why           text,
    withdrawn     bool        not null,
    before        bytea       not null,
    after         bytea       not null,
    primary key (record_id, revision)
);

-- What a worker was asked to check in an entry of the own. confirmed_at: it is so, and the office sees it.
create table if not exists doubts (
    record_id     text        not null,
    place         int         not null,
    division_code text collate "C" not null,
    drill         bool        not null,
    entered_by    text        not null,
    about_id      text        not null,              -- of the dwelling, or of the person
    field         text        not null,
    code          text        not null,
    params        text        not null,
    found_at      timestamptz not null,
    confirmed_at  timestamptz,
    primary key (record_id, place)
);
create index if not exists doubts_division on doubts (division_code) where confirmed_at is not null;

-- Who is to be found, and what was done about it; what people in quarantine asked for, and got. See rules/lead_rows.py.
create table if not exists leads (
    record_id     text        not null primary key,
    division_code text collate "C" not null,          -- that it came to
    drill         bool        not null,
    person_id     text        not null,
    source        text        not null,
    reference     text,
    sent_by       text,
    received_at   timestamptz not null
);
create index if not exists leads_division on leads (division_code);
create index if not exists leads_person on leads (person_id);

create table if not exists lead_steps (
    record_id        text        not null primary key,
    division_code    text collate "C" not null,
    drill            bool        not null,
    lead_id          text        not null,
    person_id        text        not null,
    did              text        not null,
    done_at          timestamptz not null,
    done_by          text        not null,
    to_division_code text collate "C",
    outcome          text
);
alter table lead_steps add column if not exists reason text;  -- in words that name nobody
create index if not exists lead_steps_lead on lead_steps (lead_id);
create index if not exists lead_steps_to on lead_steps (to_division_code) where to_division_code is not null;

create table if not exists needs (
    record_id     text        not null primary key,
    division_code text collate "C" not null,
    drill         bool        not null,
    person_id     text        not null,
    need          text        not null,
    asked_at      timestamptz not null
);
create index if not exists needs_division on needs (division_code);
create index if not exists needs_person on needs (person_id);

create table if not exists needs_met (
    record_id     text        not null primary key,
    division_code text collate "C" not null,
    drill         bool        not null,
    need_id       text        not null,
    done_at       timestamptz not null,
    done_by       text        not null
);
create index if not exists needs_met_need on needs_met (need_id);

-- What tracing and alerts say is due, at its highest revision: the other part of a worker's list.
create table if not exists owed (
    statement_id   text        not null primary key,
    revision       int         not null,
    open           bool        not null,
    kind           text        not null,
    division_code  text collate "C" not null,
    drill          bool        not null,
    person_id      text        not null,
    since_at       timestamptz not null,
    due_at         timestamptz,
    placement_id   text,
    mode           text,
    checks_per_day int,
    test_dates     date[]      not null default '{}'
);
alter table owed add column if not exists about_id text;  -- the lead, of a lead's clock
create index if not exists owed_division on owed (division_code) where open;
create index if not exists owed_of_person on owed (person_id);
drop index if exists owed_person;

-- Where reading of another cluster's topics stands. seen: a hash of the last record read, by which its log is known.
create table if not exists upstream_positions (
    topic       text   not null,
    partition   int    not null,
    next_offset bigint not null,
    seen        bytea,
    cluster     text   not null,
    primary key (topic, partition)
);
call keep_closed('where reading stands, for the reader alone', 'upstream_positions');

-- Keys of senders: role operator, those all of whose divisions are the caller's; the hash is for the door alone.
create or replace function all_below(divisions text) returns text language sql immutable as
$$ select format('not exists (select from unnest(%s) one where not %s)', divisions, below('one')) $$;
call let_do('select', 'api_keys', with_role('operator') || ' and ' || all_below('divisions'),
    '(key_id, feed, divisions, kinds, records_a_minute, note, made_by, made_at, revoked_by, revoked_at)');
call let_do('insert', 'api_keys', with_role('operator') || ' and ' || all_below('divisions'));
call let_do('update', 'api_keys', with_role('operator') || ' and ' || all_below('divisions'), '(revoked_by, revoked_at)');

call let_do('select', 'grids', below('code'));
call let_do('insert', 'grids', with_role('operator') || ' and ' || below('code'));
call let_do('update', 'grids', with_role('operator') || ' and ' || below('code'), '(name)');

-- A row of the ledger counts records of everywhere; a rejected one may name no division, or a wrong one.
call let_do('select', 'ledger', from_everywhere());
call let_do('select', 'vault_rejects', with_role('operator') || ' and ' || from_everywhere());

-- Who answers for what: any role; rounds and duties of the divisions above hold here too. The rest of the roster, and
-- what is owed, belongs to workers and leaders: of the division, of whom they are assigned, of their sites.
create or replace function of_here(division text) returns text language sql immutable as
$$ select format('(%s or %s)', below(division), above(division)) $$;
create or replace function of_workers() returns text language sql immutable as
$$ select format('(%s or %s)', with_role('worker'), with_role('leader')) $$;
call let_do('select', 'assignments', of_here('division_code'));
call let_do('select', 'hand_overs', of_here('division_code'));
call let_do('select', 'rounds', of_here('division_code'));
call let_do('select', 'calls', of_workers() || ' and ' || below('division_code'));
call let_do('select', 'residents', format('(%s or %s) and %s', of_workers(), with_role('identity-reader'),
    below('division_code')));
call let_do('select', 'registers', of_workers() || ' and ' || below('division_code'));
call let_do('select', 'presences', of_workers() || ' and ' || below('division_code'));
call let_do('select', 'checks', of_workers() || ' and ' || below('division_code'));
call let_do('select', 'doubts', with_role('leader') || ' and ' || below('division_code'));
call let_do('select', 'corrections', format('(%s or %s)', of_workers(), with_role('sender')) || ' and '
    || below('division_code'));
call let_do('select', 'stays', of_workers() || ' and ' || below('division_code'));
-- Whose id is assigned, or is known to be another id of somebody assigned; worked out once a statement.
create or replace function of_one_assigned(person text) returns text language sql immutable as
$$ select format('%s in (with recursive kin (id) as ('
    'select one.person_id from assignments one where one.person_id is not null union select beside.id from kin '
    'cross join lateral (select other_id as id from merges where person_id = kin.id and not withdrawn union all '
    'select person_id from merges where other_id = kin.id and not withdrawn) beside) select id from kin)', person) $$;
call let_do('select', 'owed', format('%s and (%s or %s or %s)', of_workers(), below('division_code'),
    of_one_assigned('owed.person_id'),
    'exists (select from stays one where one.placement_id = owed.placement_id)'));

-- A lead is seen where it came to and where it was passed on to; there all that was done in one's own division, and how
-- it came. A need as what is owed: in the division, and by whom its person is assigned to.
call let_do('select', 'lead_steps', format('(%s or %s) and (%s or %s)', of_workers(), with_role('operator'),
    below('division_code'), below('to_division_code')));
call let_do('select', 'leads', format('(%s or %s) and (%s or %s)', of_workers(), with_role('operator'),
    below('division_code'), 'exists (select from lead_steps one where one.lead_id = leads.record_id and '
    || below('one.to_division_code') || ')'));
call let_do('select', 'needs', format('%s and (%s or %s)', of_workers(), below('division_code'),
    of_one_assigned('needs.person_id')));
call let_do('select', 'needs_met', format('%s and (%s or %s)', of_workers(), below('division_code'),
    'exists (select from needs one where one.record_id = needs_met.need_id)'));

-- The vault opens for a purpose alone: to an operator or who may read identity, in the division; to a worker for the
-- own list; to the person concerned. Whoever looks writes it in the access record under the own name; so does the door
-- when it was refused.
create or replace function with_purpose(who text) returns text language sql immutable as
$$ select format('(select caller_purpose() is not null) and (%s)', who) $$;
create or replace function of_vault(division text) returns text language sql immutable as
$$ select format('(%s or %s or %s) and %s', with_role('operator'), with_role('identity-reader'), of_workers(),
    below(division)) $$;
create or replace function of_oneself() returns text language sql immutable as
$$ select with_role('resident') || ' and person_id = (select caller_name())' $$;
-- A lead that is with the caller's division: nobody of there closed it, or passed it on and did not get it back.
create or replace function of_a_lead() returns text language sql stable as
$$ select format('exists (select from leads one where one.person_id = vault_persons.person_id and not exists ('
    'select from lead_steps step where step.lead_id = one.record_id and (step.did = ''closed'' or step.did = ''passed_on'' '
    'and not %s and not exists (select from lead_steps back where back.lead_id = one.record_id and back.did = ''passed_on'' '
    'and back.done_at >= step.done_at and %s))))', below('step.to_division_code'), below('back.to_division_code')) $$;
call let_do('select', 'vault_persons', with_purpose(format('%s or %s or %s and (%s or %s or %s)',
    of_vault('division_code'), of_oneself(), of_workers(),
    'exists (select from owed one where one.open and one.person_id = vault_persons.person_id)',
    'exists (select from residents one where one.person_id = vault_persons.person_id)', of_a_lead())));
call let_do('select', 'vault_dwellings', with_purpose(format('%s or %s and %s', of_vault('division_code'), of_workers(),
    'exists (select from assignments one where one.dwelling_id = vault_dwellings.dwelling_id)')));
-- Pairs of random ids, which say nothing of anybody: what is owed is owed to the same person under either.
call let_do('select', 'merges', 'true');
call let_do('select', 'reviews', with_role('operator') || ' and ' || below('division_code') || ' and '
    || below('other_division_code'));
call let_do('select', 'vault_decisions', with_role('operator') || ' and ' || below('division_code'));
create or replace function of_the_vault() returns text language sql immutable as
$$ select 'exists (select from vault_persons where person_id = owner_id) or '
    'exists (select from vault_dwellings where dwelling_id = owner_id)' $$;
call let_do('select', 'vault_words', of_the_vault());
call let_do('select', 'vault_keys', of_the_vault(), '(found_by, owner_id)');
call let_do('select', 'vault_accesses', with_purpose(format('%s or %s and (%s or %s)', of_oneself(), with_role('operator'),
    'exists (select from vault_persons one where one.person_id = vault_accesses.person_id)',
    'exists (select from vault_dwellings one where one.dwelling_id = vault_accesses.person_id)')));
call let_do('insert', 'vault_accesses', 'caller = (select caller_name()) and purpose = (select caller_purpose())');
-- Told again by an export, with who is meant out of the vault.
call let_do('select', 'records', with_purpose(with_role('identity-reader') || ' and ' || below('division_code')),
    '(found_by, record_id, feed, revision, division_code, received_at, said)');
call keep_closed('the door''s own work', 'vault_pepper', 'vault_salts', 'forgettings');
