"""Statements as the role of callers, for the attack on row security: what each gives, and which tables leak."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg

from contracts.topics import SERVICES
from services.chassis.access import Caller
from services.chassis.errors import NotAllowed
from tests.servers import Background
from tests.stores.rows_world import ALL_ROLES, World, both

Worlds = tuple[World, dict[str, World], list[str]]
"""The full one, by caller the one that holds the caller's rows alone, and everybody's ids."""


@contextmanager
def without_policies(background: Background, world: World, *tables: str) -> Iterator[None]:
    """Row security off, for these tables ("service.table") or all."""
    found = [
        f"{service}.{row[0]}"
        for service in SERVICES
        for row in background.run(world.apps[service].pool.fetch(_BOUND, service))
    ]
    pool = world.apps["intake"].pool
    for table in tables or found:
        background.run(pool.execute(f"alter table {table} disable row level security"))
    try:
        yield
    finally:
        for table in tables or found:
            background.run(pool.execute(f"alter table {table} enable row level security"))


_BOUND = "select relname from pg_class where relnamespace = $1::regnamespace and relrowsecurity order by 1"


class _Undone(Exception):
    """Carries what a statement gave out of the transaction that is rolled back."""


async def outcome(world: World, service: str, who: Caller, statement: str) -> Any:
    """What one statement gives to the role of callers, in any order, or the name of the error; nothing is kept."""
    try:
        async with world.apps[service].transaction(who, "care") as turn:
            if statement.startswith("copied "):
                told = io.BytesIO()
                await turn.tx.copy_from_query(statement.removeprefix("copied "), output=told)
                raise _Undone(sorted(told.getvalue().splitlines()))
            raise _Undone(sorted(map(str, await turn.tx.fetch(statement))))
    except _Undone as undone:
        return undone.args[0]
    except (asyncpg.PostgresError, NotAllowed) as error:
        return type(error).__name__


_COLUMNS = """
select c.relname, string_agg(quote_ident(a.attname), ', ' order by attnum) filter (where seen) as seen,
       string_agg(quote_ident(a.attname), ', ' order by attnum) as all,
       coalesce(min(quote_ident(a.attname)) filter (where changed), min(quote_ident(a.attname))) as changed
  from pg_class c join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
       cross join lateral (select has_column_privilege(caller_role(), c.oid, attnum, 'select') as seen,
                                  has_column_privilege(caller_role(), c.oid, attnum, 'update') as changed) may
 where relnamespace = $1::regnamespace and relkind in ('r', 'v') group by 1 order by 1"""
_AN_ERROR_TELLS = "select {seen} from {t} where 1 / (case when row({seen})::text like '%{code}%' then 0 else 1 end) > 0"
STATEMENTS = (
    "select {seen} from {t}",
    "select {all} from {t}",
    "select count(*) from {t} tablesample system (100)",
    _AN_ERROR_TELLS.replace("{code}", "330402"),
    _AN_ERROR_TELLS.replace("{code}", "110101"),
    "select {seen} from {t} for update",
    "update {t} set {changed} = {changed} returning {changed}",
    "with gone as (delete from {t} returning *) select count(*) from gone",
    "insert into {t} select * from {t} returning 1",
    "merge into {t} one using {t} other on true when matched then delete",
    "truncate {t}",
    "lock table {t} in access exclusive mode",
    "copied select {seen} from {t}",
    "alter table {t} disable row level security",
    "create policy all_of_it on {t} using (true)",
)


async def tables_of(world: World) -> list[tuple[str, dict[str, str]]]:
    """(service, names for STATEMENTS) of every table; of one that is closed all columns are asked for."""
    return [
        (service, {"t": row["relname"], **row, "seen": row["seen"] or row["all"]})
        for service in SERVICES
        for row in await world.apps[service].pool.fetch(_COLUMNS, service)
    ]


async def sweep(made: Worlds, tables: Sequence[tuple[str, dict[str, str]]]) -> dict[str, set[str]]:
    """Every table read by every caller in every role at once: those that showed rows, and those that leak."""
    found: dict[str, set[str]] = {"shown": set(), "leaks": set()}
    for caller, copy in made[1].items():
        who = Caller("desk", ALL_ROLES, caller)
        for service, names in tables:
            statement = STATEMENTS[0].format(**names)
            told, expected = await both(
                outcome(made[0], service, who, statement), outcome(copy, service, who, statement)
            )
            found["shown"] |= {f"{service}.{names['t']}"} if told and isinstance(told, list) else set()
            found["leaks"] |= {f"{service}.{names['t']}"} if told != expected else set()
    return found


NO_WAY_OUT = (
    "set role {owner}",
    "do $$ begin execute 'set role {owner}'; end $$",
    "set role pg_read_all_data",
    "set role pg_execute_server_program",
    "alter role {role} bypassrls",
    "alter role {role} superuser",
    "grant {owner} to {role}",
    "select pg_read_file('PG_VERSION')",
    "select pg_ls_dir('.')",
    "copy (select 1) to program 'true'",
    "copy intake.grids from '/etc/passwd'",
    "create table intake.mine (a text)",
    "create function intake.mine() returns int language sql security definer as 'select 1'",
    "create or replace function intake.caller_has(role text) returns boolean language sql as 'select true'",
    "drop policy may_select on intake.records",
    "set row_security = off; select record_id from intake.records",
    "select sealed from intake.vault_pepper",
    "select secret_hash from intake.api_keys",
    "select record from intake.outbox",
)
CLAIMS = """
select set_config('gridward.caller', 'desk', false), set_config('gridward.purpose', 'care', false),
       set_config('gridward.roles', '{operator,worker,leader,identity-reader}', false),
       set_config('gridward.divisions', '{""}', false), set_config('gridward.within', '', false)"""


async def shown(db: asyncpg.Connection, tables: Sequence[tuple[str, dict[str, str]]]) -> set[str]:
    found = set()
    for service, names in tables:
        await db.execute(f"set search_path = {service}")
        with suppress(asyncpg.InsufficientPrivilegeError):
            if await db.fetch(STATEMENTS[0].format(**names)):
                found.add(f"{service}.{names['t']}")
    return found
