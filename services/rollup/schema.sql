-- The newest revision known of each statement; statement is "<type> <statement_id>". recorded_at never goes back.
-- subjects: what it counts for (`counting.packed`); an index on the rows below instead would cost more than their own.
create table if not exists statements (
    statement text collate "C" primary key, revision int not null, recorded_at timestamptz not null,
    subjects bytea not null);

-- One row for each subject an indicator ever met: the contribution that counts, the earliest by (at, statement).
-- statement null: nothing counts any more; the row stays, for it is what two batches on one subject lock.
create table if not exists counted (
    subject_id text collate "C" not null, indicator text collate "C" not null, drill boolean not null,
    statement text collate "C", division_code text collate "C", day date, at timestamptz, since_at timestamptz not null,
    primary key (subject_id, indicator, drill));
create index if not exists counted_place on counted (division_code);

-- Further contributions on subjects that count already; one of them counts once the counted one is taken back.
create table if not exists spares (
    subject_id text collate "C" not null, indicator text collate "C" not null, drill boolean not null,
    statement text collate "C" not null, division_code text collate "C" not null, day date not null,
    at timestamptz not null, primary key (subject_id, indicator, drill, statement));

-- The line above each division down to the village where something was recorded, in each tree, nearest first.
-- What lies below a village counts at itself, at its grid (15 characters) and along the village's line.
create table if not exists places (
    division_code text collate "C" primary key, statutory text[] collate "C" not null,
    reporting text[] collate "C" not null);

-- Present figures in both trees, from the village upwards; where both are 0 there is no row. Below a village a figure
-- is the sum of its history: as many rows again as there are grids would cost more than all above them.
create table if not exists sums (
    division_code text collate "C" not null, indicator text collate "C" not null, day date not null,
    drill boolean not null, statutory bigint not null, reporting bigint not null,
    primary key (division_code, indicator, day, drill)) with (fillfactor = 60);

-- Why figures changed: sums of changes where they were recorded, by the UTC hour in which they were recorded.
create table if not exists history (
    division_code text collate "C" not null, indicator text collate "C" not null, day date not null,
    drill boolean not null, hour_at timestamptz not null, reason text collate "C" not null, delta bigint not null,
    primary key (division_code, indicator, day, drill, hour_at, reason)) with (fillfactor = 80);

-- Every figure at every level of both trees; a figure of 0 has no row.
create or replace view figures as
    select tree, division_code, indicator, day, drill, value from sums
    cross join lateral (values ('statutory', statutory), ('reporting', reporting)) of_tree (tree, value)
    where value <> 0
    union all
    select tree, code, indicator, day, drill, sum(delta)::bigint from history
    cross join lateral (values (division_code), (nullif(left(division_code, 15), division_code))) own (code)
    cross join (values ('statutory'), ('reporting')) both_trees (tree)
    where length(division_code) > 12 and code is not null
    group by 1, 2, 3, 4, 5 having sum(delta) <> 0;

-- What the last comparison of each indicator found: figures that differ from the rows they are made of.
create table if not exists drifts (
    tree text not null, division_code text not null, indicator text not null, day date not null, drill boolean not null,
    figure bigint not null, recomputed bigint not null,
    primary key (tree, division_code, indicator, day, drill));
-- rests: turns still to be passed over for a check of many rows.
create table if not exists checks (
    indicator text primary key, checked_at timestamptz not null, turn bigint not null, rows bigint not null,
    rests bigint not null);

-- Any role sees the figures of its division and the rows behind them.
call let_do('select', 'sums', kept_below('division_code'));
call let_do('select', 'history', kept_below('division_code'));
call let_do('select', 'counted', kept_below('division_code'));
call let_do('select', 'spares', kept_below('division_code'));
call let_do('select', 'places', kept_below('division_code'));
call let_do('select', 'drifts', kept_below('division_code'));
call let_do('select', 'checks', 'true', '(indicator, checked_at)');
call keep_closed('what batches are counted with', 'statements');
call keep_closed('of the owner, and so without row security: routes read sums and history', 'figures');
