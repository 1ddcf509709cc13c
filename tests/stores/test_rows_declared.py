"""Each table of each service says who may see its rows: by a policy beside it, or by why no request reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module

import asyncpg
import pytest

from contracts.topics import SERVICES
from services.chassis.database import prepare

_TABLES = """
select c.oid::regclass::text as name, c.relkind = 'r' and c.relrowsecurity as bound, c.relforcerowsecurity as forced,
       exists (select from pg_policy where polrelid = c.oid) as shown,
       coalesce(obj_description(c.oid, 'pg_class') like 'closed: _%', false) as closed,
       has_any_column_privilege(caller_role(), c.oid, 'select, insert, update') or
       has_table_privilege(caller_role(), c.oid, 'delete, truncate, trigger') as granted
  from pg_class c where relnamespace = $1::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') order by 1"""
_BY_THE_OWNER = """
select oid::regprocedure::text from pg_proc where pronamespace = $1::regnamespace and prosecdef"""
WHAT_TO_ADD = """
{wrong}
Say beside the table, in services/{service}/schema.sql, who may see its rows:
    call let_do('select', 'the_table', below('division_code'));            -- any role, in its division
    call let_do('select', 'the_table', with_role('operator') || ' and ' || below('division_code'), '(columns, shown)');
and the same with 'insert', 'update' or 'delete' where a route of a person needs it; or that no request reads it:
    call keep_closed('why', 'the_table');"""


@pytest.fixture(params=SERVICES)
async def tables(request: pytest.FixtureRequest, database: str) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    service = import_module(f"services.{request.param}.service").SERVICE
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        await prepare(connection, service.name, service.schema)
    await connection.execute(f"set search_path = {service.name}")
    yield service.name, connection
    await connection.close()


async def undeclared(service: str, db: asyncpg.Connection) -> list[str]:
    """The tables and views of which nothing, or too much, is said."""
    rows = await db.fetch(_TABLES, service)
    return [
        f"{service}.{row['name']}: {'both shown and closed' if row['closed'] else 'nothing is said of it'}"
        for row in rows
        if not ((row["closed"] and not row["granted"]) or (row["bound"] and row["shown"] and row["granted"]))
        or (row["closed"] and row["shown"])
    ]


async def test_each_table_says_who_may_see_its_rows(tables: tuple[str, asyncpg.Connection]) -> None:
    service, db = tables
    wrong = await undeclared(service, db)
    assert not wrong, WHAT_TO_ADD.format(wrong="\n".join(wrong), service=service)
    assert not await db.fetch(_BY_THE_OWNER, service), "a `security definer` function shows what its owner sees"


@pytest.mark.parametrize(
    "fault",
    [
        "create table fresh (division_code text)",
        "create view fresh as select 1 as one",
        "create table fresh (a text); call let_do('select', 'fresh', 'true'); call keep_closed('why', 'fresh')",
        "create table fresh (a text); grant select on fresh to {role}; alter table fresh enable row level security",
        "create table fresh (); call let_do('select', 'fresh', 'true'); alter table fresh disable row level security",
        "create table fresh (a text); call keep_closed('why', 'fresh'); grant select (a) on fresh to {role}",
        "create table fresh (a text); grant select on fresh to {role}",
    ],
)
async def test_a_table_of_which_nothing_is_said_is_found(database: str, fault: str) -> None:
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        await prepare(connection, "alerts", "")
        role = await connection.fetchval("select caller_role()")
        await connection.execute(fault.format(role=role))
        assert [one.partition(":")[0] for one in await undeclared("alerts", connection)] == ["alerts.fresh"]
    await connection.close()
