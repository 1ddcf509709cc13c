-- The newest revision known of each statement; statement is "<type> <statement_id>". recorded_at never goes back.
create table if not exists statements (
    statement text collate "C" primary key, revision int not null, recorded_at timestamptz not null);

-- One row for each subject an indicator ever met: the contribution that counts, the earliest by (at, statement).
-- statement null: nothing counts any more; the row stays, for it is what two batches on one subject lock.
create table if not exists counted (
    subject_id text collate "C" not null, indicator text collate "C" not null, drill boolean not null,
    statement text collate "C", division_code text collate "C", day date, at timestamptz, since_at timestamptz not null,
    primary key (subject_id, indicator, drill));
create index if not exists counted_statement on counted (statement);
create index if not exists counted_place on counted (division_code, indicator, day);

-- Further contributions on subjects that count already; one of them counts once the counted one is taken back.
create table if not exists spares (
    subject_id text collate "C" not null, indicator text collate "C" not null, drill boolean not null,
    statement text collate "C" not null, division_code text collate "C" not null, day date not null,
    at timestamptz not null, primary key (subject_id, indicator, drill, statement));
create index if not exists spares_statement on spares (statement);

-- The line above each division that was ever recorded, in each tree; up: 0 is where it counts first.
create table if not exists places (
    division_code text collate "C" not null, tree text collate "C" not null, ancestor_code text collate "C" not null,
    up int not null, primary key (division_code, tree, ancestor_code));
create index if not exists places_ancestor on places (ancestor_code, tree);

-- Present figures at every level; a figure of 0 has no row.
create table if not exists figures (
    tree text collate "C" not null, division_code text collate "C" not null, indicator text collate "C" not null,
    day date not null, drill boolean not null, value bigint not null,
    primary key (tree, division_code, indicator, day, drill)) with (fillfactor = 60);

-- Why figures changed: sums of changes where they were recorded, by the UTC hour in which they were recorded.
create table if not exists history (
    division_code text collate "C" not null, indicator text collate "C" not null, day date not null,
    drill boolean not null, hour_at timestamptz not null, reason text collate "C" not null, delta bigint not null,
    primary key (division_code, indicator, day, drill, hour_at, reason)) with (fillfactor = 80);

-- What the last comparison of each indicator found: figures that differ from the rows they are made of.
create table if not exists drifts (
    tree text not null, division_code text not null, indicator text not null, day date not null, drill boolean not null,
    figure bigint not null, recomputed bigint not null,
    primary key (tree, division_code, indicator, day, drill));
create table if not exists checks (
    indicator text primary key, checked_at timestamptz not null, turn bigint not null, rows bigint not null);
