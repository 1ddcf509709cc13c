-- Who may see and change which row: promise 9 of the design. A person's request runs as a role that owns nothing
-- (`rows.py`), and these say what it may. Each table has its `let_do`, or its reason in `keep_closed`; a test looks.
create or replace function caller_role() returns text language sql stable as
$$ select current_user::text || '_caller' $$;

-- What the request set, for its transaction alone. Not set: null, and so no row.
create or replace function caller_name() returns text language sql stable as
$$ select nullif(current_setting('gridward.caller', true), '') $$;
create or replace function caller_purpose() returns text language sql stable as
$$ select nullif(current_setting('gridward.purpose', true), '') $$;
create or replace function caller_has(role text) returns boolean language sql stable as
$$ select coalesce(role = any (nullif(current_setting('gridward.roles', true), '')::text[]), false) $$;
-- With what the codes that the caller may see begin, a space set after each: '' is everywhere; of a functional area also
-- what it takes; a micro-grid's own code ends with the space, for "…001-10" is no part of "…001-1".
create or replace function caller_divisions() returns text[] language sql stable as
$$ select nullif(current_setting('gridward.divisions', true), '')::text[] $$;
create or replace function caller_within() returns text language sql stable as
$$ select current_setting('gridward.within', true) $$;

-- Texts of conditions. A subquery is worked out once a statement, and the range finds the rows by an index in "C".
create or replace function below(division text) returns text language sql immutable as
$$ select format('(%1$s >= (select caller_within()) and %1$s < (select caller_within() || ''~'')'
    ' and (%1$s || '' '') ^@ any ((select caller_divisions())::text[]))', division || ' collate "C"') $$;
-- The same without an index, for tables whose readers bring a range of their own. A comparison with what only the
-- request knows is guessed to let one row in 200 through, and a join of many is planned as one of few; a case: half.
create or replace function kept_below(division text) returns text language sql immutable as
$$ select format('(case when (%s || '' '') ^@ any ((select caller_divisions())::text[]) then true else false end)', division) $$;
create or replace function above(division text) returns text language sql immutable as
$$ select format('exists (select from unnest((select caller_divisions())) own where own ^@ '
    '(case when length(%1$s) > 15 then %1$s || '' '' else %1$s end))', division) $$;
create or replace function with_role(role text) returns text language sql immutable as
$$ select format('(select caller_has(%L))', role) $$;
create or replace function from_everywhere() returns text language sql immutable as
$$ select '(select '''' = any (caller_divisions()))' $$;

-- act: select, insert, update or delete; who: the condition; columns: '(a, b)' where not all of them.
create or replace procedure let_do(act text, what regclass, who text, columns text default '') language plpgsql as $$
declare
    named text := 'may_' || act;
    told text := who || columns;
    known text := (select obj_description(oid, 'pg_policy') from pg_policy where polrelid = what and polname = named);
    granted boolean := case act when 'delete' then has_table_privilege(caller_role(), what, act)
                                else has_any_column_privilege(caller_role(), what, act) end;
begin
    if known is distinct from told then  -- else nothing is locked: other replicas may be at work
        execute format('alter table %s enable row level security', what);
        execute format('drop policy if exists %I on %s', named, what);
        execute format('create policy %I on %s for %s %s', named, what, act, case act
            when 'insert' then format('with check (%s)', who)
            when 'update' then format('using (%s) with check (%1$s)', who)
            else format('using (%s)', who) end);
        execute format('comment on policy %I on %s is %L', named, what, told);
        execute format('revoke %s on %s from %I', act, what, caller_role());
    end if;
    if not granted or known is distinct from told then
        execute format('grant %s %s on %s to %I', act, columns, what, caller_role());
    end if;
end $$;

-- No request reads or writes these tables, and why.
create or replace procedure keep_closed(why text, variadic tables regclass[]) language plpgsql as $$
declare
    what regclass;
    kind text;
begin
    for what, kind in select oid, case relkind when 'v' then 'view' else 'table' end from pg_class
        where oid = any (tables::oid[]) loop
        if obj_description(what, 'pg_class') is distinct from 'closed: ' || why then
            execute format('revoke all on %s from %I', what, caller_role());
            execute format('comment on %s %s is %L', kind, what, 'closed: ' || why);
        end if;
    end loop;
end $$;

do $$ begin
    if not has_schema_privilege(caller_role(), current_schema, 'usage') then
        execute format('grant usage on schema %I to %I', current_schema, caller_role());
    end if;
end $$;
