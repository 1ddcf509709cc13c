-- The newest revision known of each statement; statement is "<type> <statement_id>". recorded_at never goes back.
-- subjects: what it counts for (`counting.packed`); an index on the rows below instead would cost more than their own.
-- A statement said once that counts for one subject has no row here: `counted.lone` stands for it.
create table if not exists statements (
    statement text collate "C" primary key, revision int not null, recorded_at timestamptz not null,
    subjects bytea not null);

-- One row for each subject an indicator ever met: the contribution that counts, the earliest by (at, statement).
-- statement null: nothing counts any more; the row stays, for a later change is not recorded before since_at.
-- lone: its statement has no row of its own; it is in its first revision, recorded at since_at, and counts here alone.
create table if not exists counted (
    subject_id text collate "C" not null, indicator text collate "C" not null, drill boolean not null,
    statement text collate "C", division_code text collate "C", day date, at timestamptz, since_at timestamptz not null,
    lone boolean not null default false, primary key (subject_id, indicator, drill));
alter table counted add column if not exists lone boolean not null default false;
create unique index if not exists counted_lone on counted (statement) where lone;
-- By township: an entry for each grid would cost a batch as much as all else of its rows.
drop index if exists counted_place;
create index if not exists counted_township on counted (left(division_code, 9));

-- Two ids of one person, while the statement stands: what was said under either counts under the one that is kept.
-- Once for what counts in earnest, and once, with marked ids, for exercises.
create table if not exists merges (
    statement_id text primary key, revision int not null, withdrawn boolean not null, person_id text not null,
    other_id text not null);
create index if not exists merges_of_person on merges (person_id);
create index if not exists merges_of_other on merges (other_id);
-- As it was while one row held for both.
insert into merges select '~' || statement_id, revision, withdrawn, '~' || person_id, '~' || other_id from merges
    where not statement_id ^@ '~' on conflict do nothing;

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

-- Present figures in both trees, from the township upwards; where both are 0 there is no row. In a village and below a
-- figure is the sum of its history: a row for each village that a batch meets would cost more than all above them.
create table if not exists sums (
    division_code text collate "C" not null, indicator text collate "C" not null, day date not null,
    drill boolean not null, statutory bigint not null, reporting bigint not null,
    primary key (division_code, indicator, day, drill)) with (fillfactor = 60);

-- Why figures changed: changes where they were recorded, by the UTC hour in which they were recorded. Appended by each
-- batch and summed on reading; the tick `fold` makes one row of those that differ in nothing but their number, and
-- after a week one of those of a day (Asia/Shanghai), at its first hour. Folded or not, such a day is answered at its end.
create table if not exists history (
    division_code text collate "C" not null, indicator text collate "C" not null, day date not null,
    drill boolean not null, hour_at timestamptz not null, reason text collate "C" not null, delta bigint not null);
-- As it was while each change was added to its row, and while villages had figures of their own beside their history.
do $$ begin
    if exists (select from pg_constraint where conrelid = 'history'::regclass and contype = 'p') then
        alter table history drop constraint history_pkey;
        alter table history reset (fillfactor);
        delete from sums where length(division_code) >= 12;
    end if;
end $$;
create index if not exists history_place on history (division_code, indicator, day);
-- The division up to which the history was looked through for what can be folded; '' or no row: it begins anew.
create table if not exists folds (
    one boolean primary key default true check (one), up_to text collate "C" not null);

-- Every figure at every level of both trees; a figure of 0 has no row.
create or replace view figures as
    select tree, division_code, indicator, day, drill, value from sums
    cross join lateral (values ('statutory', statutory), ('reporting', reporting)) of_tree (tree, value)
    where value <> 0
    union all
    select tree, code, indicator, day, drill, sum(delta)::bigint from history
    cross join lateral (values (division_code), (nullif(left(division_code, 15), division_code)),
                               (nullif(left(division_code, 12), division_code))) own (code)
    cross join (values ('statutory'), ('reporting')) both_trees (tree)
    where length(division_code) >= 12 and code is not null
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
call keep_closed('what batches are counted with', 'statements', 'merges');
call keep_closed('how far the history is folded', 'folds');
call keep_closed('of the owner, and so without row security: routes read sums and history', 'figures');
