-- Facts as they were stated: one table a kind, one row a statement, the highest revision in it. `facts` is their common
-- part and holds no row itself. received_at: when any revision was first received; event_time: of the revision kept.
create table if not exists facts (
    statement_id  text primary key,
    revision      integer     not null,
    withdrawn     boolean     not null,
    drill         boolean     not null,
    division_code text        not null,
    received_at   timestamptz not null,
    event_time    timestamptz not null,
    event_id      text        not null
);

create table if not exists exposures (
    like facts including all,
    person_id           text        not null,
    other_id            text        not null,
    other_division_code text        not null,
    way                 text        not null,
    first_at            timestamptz not null,
    last_at             timestamptz not null
);
create index if not exists exposures_of_person on exposures (person_id);
create index if not exists exposures_of_other on exposures (other_id);

create table if not exists tests (
    like facts including all,
    person_id   text        not null,
    sampled_at  timestamptz not null,
    resulted_at timestamptz not null,
    result      text        not null
);
create index if not exists tests_of_person on tests (person_id);

create table if not exists tubes (
    like facts including all,
    tube_id    text        not null,
    sampled_at timestamptz not null
);

-- The members of the revision kept; the tube's statement says whether it still stands.
create table if not exists tube_members (
    statement_id  text not null,
    tube_id       text not null,
    person_id     text not null,
    division_code text not null,
    primary key (statement_id, person_id)
);
create index if not exists tube_members_of_person on tube_members (person_id);
create index if not exists tube_members_of_tube on tube_members (tube_id);

create table if not exists tube_results (
    like facts including all,
    tube_id     text        not null,
    resulted_at timestamptz not null,
    result      text        not null
);
create index if not exists tube_results_of_tube on tube_results (tube_id);

create table if not exists findings (
    like facts including all,
    person_id      text        not null,
    classification text        not null,
    found_at       timestamptz not null,
    found_how      text        not null,
    onset_at       timestamptz
);
create index if not exists findings_of_person on findings (person_id);

create table if not exists classifications (
    like facts including all,
    person_id      text        not null,
    classification text        not null,
    classified_at  timestamptz not null
);
create index if not exists classifications_of_person on classifications (person_id);

-- Each revision of a classification, with when it was first received: since when a case has been known follows from it.
create table if not exists classification_revisions (
    statement_id   text        not null,
    revision       integer     not null,
    withdrawn      boolean     not null,
    person_id      text        not null,
    classification text        not null,
    received_at    timestamptz not null,
    primary key (statement_id, revision)
);
-- What was kept before there was this: the revision that stood, as if it had been the first.
insert into classification_revisions
select statement_id, revision, withdrawn, person_id, classification, received_at from classifications
on conflict do nothing;

create table if not exists orders (
    like facts including all,
    person_id   text        not null,
    order_id    text        not null,
    office      text        not null,
    decider     text        not null,
    legal_basis text        not null,
    document    text        not null,
    reason      text        not null,
    served_at   timestamptz not null,
    measures    jsonb       not null
);
create index if not exists orders_of_person on orders (person_id);

create table if not exists order_ends (
    like facts including all,
    person_id text        not null,
    order_id  text        not null,
    decider   text        not null,
    ended_at  timestamptz not null
);
create index if not exists order_ends_of_person on order_ends (person_id);

create table if not exists placements (
    like facts including all,
    person_id    text        not null,
    placement_id text        not null,
    mode         text        not null,
    site_id      text        not null,
    started_at   timestamptz not null
);
create index if not exists placements_of_person on placements (person_id);

create table if not exists placement_ends (
    like facts including all,
    person_id    text        not null,
    placement_id text        not null,
    ended_at     timestamptz not null
);
create index if not exists placement_ends_of_person on placement_ends (person_id);

create table if not exists adoptions (
    like facts including all,
    jurisdiction_code text        not null,
    rule              text        not null,
    adopted_from      timestamptz not null,
    decided_by        text        not null,
    document          text        not null
);
alter table adoptions add column if not exists hours double precision;  -- of a deadline of which no plan states any

-- Ids that mean one person while the statement stands.
create table if not exists merges (
    like facts including all,
    person_id text not null,
    other_id  text not null
);
create index if not exists merges_of_person on merges (person_id);
create index if not exists merges_of_other on merges (other_id);

-- Work of the deriver: appended by whoever commits a fact, never changed; a row goes in the transaction that derives.
-- kind: see store/stale.py; event_time, event_id, correlation: of the event that named it.
create table if not exists stale (
    id          bigint generated always as identity primary key,
    kind        text        not null check (kind in ('person', 'tube', 'result', 'division', 'merge')),
    key         text        not null,
    event_time  timestamptz not null,
    event_id    text        not null,
    correlation text        not null
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

-- What was derived of a person, and all that another person's derivation may read of him: `part` (rules.Neighbour as
-- JSON; null: neither case nor close contact). met: whom he had met when the row was written; told: part was once not null.
create table if not exists states (
    person_id      text primary key,
    division_code  text    not null default '',
    category       text,
    classification text,
    care           text    not null default 'none',
    part           jsonb,
    met            text[]  not null default '{}',
    told           boolean not null default false,
    event_time     timestamptz
);
create index if not exists states_of_division on states (division_code text_pattern_ops);

-- Who could not be derived from facts that no rule expects, and why; a row goes when the facts were corrected.
create table if not exists stuck (
    person_id text primary key,
    reason    text not null
);

-- What was last said: body is the fact without its revision, as JSON text, so that equal text is an equal fact.
create table if not exists published (
    statement_id  text primary key,
    person_id     text        not null,
    type          text        not null,
    revision      integer     not null,
    withdrawn     boolean     not null,
    body          text        not null,
    division_code text        not null,
    drill         boolean     not null,
    event_time    timestamptz not null
);
create index if not exists published_of_person on published (person_id);
create index if not exists published_open on published (type, division_code text_pattern_ops) where not withdrawn;

-- Role operator: a state names other persons by their ids. What is said of a person belongs where it was recorded, and
-- where the person now lives: whoever answers for a state sees the facts under it.
create or replace function of_seen(whom text) returns text language sql immutable as
$$ select format('exists (select from states where states.person_id = %s)', whom) $$;
call let_do('select', 'states', with_role('operator') || ' and ' || below('division_code'));
do $$
declare
    fact regclass;
begin
    foreach fact in array '{tests, tube_members, findings, classifications, orders, order_ends, placements,
                            placement_ends, published}'::regclass[] loop
        call let_do('select', fact, format('%s and (%s or %s)', with_role('operator'), below('division_code'),
            of_seen(fact || '.person_id')));
    end loop;
end $$;
call let_do('select', 'exposures', format('%s and (%s or %s or %s or %s)', with_role('operator'), below('division_code'),
    below('other_division_code'), of_seen('exposures.person_id'), of_seen('exposures.other_id')));
call let_do('select', 'merges', format('%s and (%s or %s or %s)', with_role('operator'), below('division_code'),
    of_seen('merges.person_id'), of_seen('merges.other_id')));
call let_do('select', 'tubes', format('%s and (%s or %s)', with_role('operator'), below('division_code'),
    'exists (select from tube_members m where m.statement_id = tubes.statement_id)'));
call let_do('select', 'tube_results', format('%s and (%s or %s)', with_role('operator'), below('division_code'),
    'exists (select from tube_members m where m.tube_id = tube_results.tube_id)'));
-- Any role: an adoption holds in its jurisdiction, and so for whoever looks after a part of it.
call let_do('select', 'adoptions', format('%s or %s', below('jurisdiction_code'), above('jurisdiction_code')));
call keep_closed('the deriver''s own work', 'facts', 'stale', 'stuck', 'classification_revisions');
