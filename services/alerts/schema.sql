-- One row a person: locked before anything about the person is read, by batches and timers alike.
create table if not exists people (person_id text primary key);

-- Facts that start and stop clocks, as they came; the highest revision of a statement holds.
create table if not exists openings (
    statement_id text not null, deadline text not null, revision int not null, withdrawn boolean not null,
    person_id text not null, division_code text not null, unit text, started_at timestamptz not null,
    by_the_day boolean not null, recorded_at timestamptz not null, drill boolean not null,
    primary key (statement_id, deadline));
alter table openings add column if not exists matters jsonb;  -- of a contact of whom several are stated: each that starts a clock
create index if not exists openings_person on openings (person_id);

-- What classifications say: what excludes a case parts one illness from the next. One that is none is kept as withdrawn.
create table if not exists exclusions (
    statement_id text primary key, revision int not null, withdrawn boolean not null, person_id text not null,
    excluded_at timestamptz not null);
create index if not exists exclusions_person on exclusions (person_id);

create table if not exists stops (
    statement_id text not null, deadline text not null, revision int not null, withdrawn boolean not null,
    person_id text not null, stopped_at timestamptz not null, by_the_day boolean not null, recorded_at timestamptz not null,
    primary key (statement_id, deadline));
alter table stops add column if not exists placement_id text;
alter table stops add column if not exists mode text;  -- of a placement
create index if not exists stops_person on stops (person_id);
create index if not exists stops_placement on stops (placement_id) where placement_id is not null;

create table if not exists placement_ends (
    statement_id text primary key, revision int not null, withdrawn boolean not null, placement_id text not null,
    ended_at timestamptz not null);
create index if not exists placement_ends_of on placement_ends (placement_id);

-- What was said of leads: that one was received, and each step.
create table if not exists lead_facts (
    statement_id text primary key, revision int not null, withdrawn boolean not null, person_id text not null,
    lead_id text not null, division_code text not null, did text not null, at timestamptz not null,
    to_division_code text, source text, recorded_at timestamptz not null, drill boolean not null);
create index if not exists lead_facts_person on lead_facts (person_id);
create index if not exists lead_facts_lead on lead_facts (lead_id);

-- Two ids of one person, while the statement stands.
create table if not exists merges (
    statement_id text primary key, revision int not null, withdrawn boolean not null, person_id text not null,
    other_id text not null);
create index if not exists merges_of_person on merges (person_id);
create index if not exists merges_of_other on merges (other_id);

create table if not exists adoptions (
    statement_id text primary key, revision int not null, withdrawn boolean not null, division_code text not null,
    rule text not null, adopted_from timestamptz not null, decided_by text not null, document text not null);
alter table adoptions add column if not exists hours double precision;

-- One clock for each deadline, person and matter, of leads one for each division that holds or held it. next_at: when a timer has something to say; tell_at, told: the next rung's turn.
create table if not exists clocks (
    clock_id text primary key, revision int not null, deadline text not null, person_id text not null, line text not null,
    division_code text not null, unit text, drill boolean not null, verdict text not null, started_at timestamptz not null,
    due_at timestamptz, stopped_at timestamptz, edition text not null, standing text not null,
    next_at timestamptz, tell_at timestamptz, told int not null default -1);
alter table clocks add column if not exists about_id text;  -- the lead, of a lead's clock
create index if not exists clocks_person on clocks (person_id);
create index if not exists clocks_next on clocks (next_at) where next_at is not null;
create index if not exists clocks_tell on clocks (tell_at) where verdict in ('running', 'missed', 'unlimited');

-- Visit slots owed for a placement, by whom it is said to be: a placement may turn out to be of another person.
-- next_at: the end of the first slot not yet judged; judged_until: what was judged.
create table if not exists watches (
    placement_id text not null, revision int not null, withdrawn boolean not null, person_id text not null,
    division_code text not null, from_at timestamptz not null, until_at timestamptz not null, checks_per_day int not null,
    drill boolean not null, judged_until timestamptz not null, next_at timestamptz,
    primary key (placement_id, person_id));
create index if not exists watches_person on watches (person_id);
create index if not exists watches_next on watches (next_at) where next_at is not null;

create table if not exists checks (
    statement_id text primary key, revision int not null, withdrawn boolean not null, person_id text not null,
    visited_at timestamptz not null);
create index if not exists checks_person on checks (person_id, visited_at);

create table if not exists missed (
    placement_id text not null, slot_end_at timestamptz not null, slot_start_at timestamptz not null,
    person_id text not null, division_code text not null, revision int not null, withdrawn boolean not null,
    drill boolean not null, told boolean not null default false, primary key (placement_id, person_id, slot_end_at));
alter table missed add column if not exists nobody boolean not null default false;  -- owed when no post was there to be told
create index if not exists missed_untold on missed (placement_id) where not told and not withdrawn;
create index if not exists missed_nobody on missed (division_code) where nobody;

-- Lines as tables of posts; holder and channel are encrypted. Messages are what each post was told.
create table if not exists posts (
    post_id text primary key, line text not null, division_code text not null, unit text, title text not null,
    holder bytea, channel bytea);
alter table posts add column if not exists met boolean not null default true;  -- by the teller, since it was given
create index if not exists posts_new on posts (post_id) where not met;
create index if not exists posts_line on posts (line, division_code);

create table if not exists messages (
    post_id text not null references posts, sent_at timestamptz not null, line text not null, items jsonb not null,
    primary key (post_id, sent_at));

-- Any role sees clocks, posts (holder and channel sealed) and messages of its division.
call let_do('select', 'clocks', below('division_code'),
    '(clock_id, deadline, line, division_code, verdict, started_at, due_at, stopped_at, edition, standing)');
call let_do('select', 'posts', below('division_code'));
call let_do('insert', 'posts', with_role('operator') || ' and ' || below('division_code'));
call let_do('update', 'posts', with_role('operator') || ' and ' || below('division_code'));
call let_do('select', 'messages', 'exists (select from posts where posts.post_id = messages.post_id)');
call keep_closed('what clocks are judged from', 'people', 'openings', 'stops', 'placement_ends', 'adoptions', 'watches', 'checks', 'missed',
    'merges', 'lead_facts', 'exclusions');
