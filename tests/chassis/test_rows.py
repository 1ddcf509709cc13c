"""Row security as the chassis gives it: what a caller's transaction shows and takes, and whose role it runs as."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from services.chassis import own_work
from services.chassis.access import Caller
from services.chassis.database import open_pool, prepare
from services.chassis.errors import NotAllowed, NotSignedIn, WrongSettings
from services.chassis.service import App, Service
from tests.chassis.rig import a_result, settings
from tests.servers import Background, in_database

SCHEMA = """
create table if not exists notes (division_code text, note text);
call let_do('select', 'notes', below('division_code'));
call let_do('insert', 'notes', with_role('operator') || ' and ' || below('division_code'));
create table if not exists secrets (note text);
call keep_closed('nobody asks', 'secrets');
"""
SERVICE = Service("intake", SCHEMA)
PLACES = ("33", "3304", "330402012", "330402012001", "330411001", "3304J1", "31", "")
OPERATOR = frozenset({"operator"})


def caller(division: str, roles: frozenset[str] = OPERATOR) -> Caller:
    return Caller("desk", roles, division)


@pytest.fixture
async def app(database: str) -> AsyncIterator[App]:
    given = settings(database, database_connections=2)
    pool = await open_pool(SERVICE.name, SCHEMA, given)
    await pool.executemany("insert into notes values ($1, 'x')", [(place,) for place in PLACES])
    async with pool:
        yield App(SERVICE, given, pool)


async def seen(app: App, who: Caller) -> list[str]:
    async with app.reading(who) as turn:
        return [row[0] for row in await turn.tx.fetch("select division_code from notes order by 1")]


@pytest.mark.parametrize(
    ("division", "shown"),
    [
        ("", sorted(PLACES)),
        ("33", ["33", "3304", "330402012", "330402012001", "330411001", "3304J1"]),
        ("330402", ["330402012", "330402012001"]),
        ("3304J1", ["330402012", "330402012001", "3304J1"]),  # the area takes the township 330402012
        ("330402012001", ["330402012001"]),
        ("31", ["31"]),
        ("11", []),
    ],
)
async def test_a_caller_sees_the_rows_of_the_own_division(app: App, division: str, shown: list[str]) -> None:
    assert await seen(app, caller(division)) == shown


async def test_no_setting_outlives_its_transaction(app: App) -> None:
    await seen(app, caller(""))
    for _ in range(2):  # of the pool's two connections, whichever comes
        async with app.pool.acquire() as tx:
            assert await tx.fetchval("select current_user = session_user")
            assert await tx.fetchval("select caller_divisions() is null and not caller_has('operator')")
            async with tx.transaction():
                await tx.execute("select set_config('role', caller_role(), true)")
                assert await tx.fetchval("select count(*) from notes") == 0


async def test_a_row_that_is_not_the_callers_to_write_is_refused_and_what_was_said_goes_out_by_the_owner(
    app: App,
) -> None:
    insert = "insert into notes values ($1, 'new')"
    for who, place in ((caller("3304"), "3305"), (caller("3304", frozenset()), "3304"), (caller("3304J1"), "330402")):
        with pytest.raises(NotAllowed, match="outside your division"):
            async with app.transaction(who) as turn:
                await turn.tx.execute(insert, place)
    async with app.transaction(caller("3304")) as turn:
        await turn.tx.execute(insert, "330421")
        turn.say([a_result(1)])
    assert await app.pool.fetchval("select count(*) from notes where note = 'new'") == 1
    assert await app.pool.fetchval("select count(*) from outbox") == 1


@pytest.mark.parametrize(
    "query",
    [
        "select * from secrets",
        "select * from outbox",
        "select * from relay",
        "delete from notes",
        "update notes set note = ''",
    ],
)
async def test_what_no_policy_gives_is_refused(app: App, query: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        async with app.transaction(caller("")) as turn:
            await turn.tx.execute(query)


async def test_a_later_schema_replaces_a_policy_and_the_same_one_locks_nothing(app: App, database: str) -> None:
    async with app.reading(caller("33")) as turn:  # a reader's lock would hold up whoever alters the table
        await turn.tx.fetch("select * from notes")
        await (await open_pool(SERVICE.name, SCHEMA, settings(database))).close()
    narrower = SCHEMA.replace("below('division_code'));", "'false');", 1)
    await (await open_pool(SERVICE.name, narrower, settings(database))).close()
    assert await seen(app, caller("")) == []


@pytest.mark.parametrize(
    "division", ["3", "330", "33%", "33' or true", "33\0", "3304j1", "33" * 20, "３３", "None", "['33']", " 33", "33\n"]
)
def test_a_division_that_is_none_is_no_callers(division: str) -> None:
    with pytest.raises(NotSignedIn, match="is no division that a token can be for"):
        caller(division)


def test_a_name_or_role_with_a_nul_is_no_callers() -> None:
    for name, role in (("de\0sk", "operator"), ("desk", "oper\0ator")):
        with pytest.raises(NotSignedIn, match="NUL"):
            Caller(name, frozenset({role}), "33")


def as_login(dsn: str, login: str, password: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{login}:{password}@{parts.netloc.rpartition('@')[2]}"))


@asynccontextmanager
async def a_login(dsn: str, rights: str) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """An ordinary login with these rights, and a connection of who may do everything."""
    login = f"login_{uuid.uuid4().hex[:12]}"
    dba = await asyncpg.connect(dsn)
    try:
        await dba.execute(f"create role {login} login password 'p' {rights}")
        yield login, dba
    finally:
        await dba.execute(f"drop owned by {login} cascade")
        await dba.execute(f"drop role if exists {login}_caller; drop role {login}")
        await dba.close()


@pytest.fixture
def databases(background: Background, postgres: str) -> Iterator[list[str]]:
    """Four empty databases of one server."""
    names = [f"test_{uuid.uuid4().hex}" for _ in range(4)]

    async def all_of(statement: str) -> None:
        connection = await asyncpg.connect(postgres)
        for name in names:
            await connection.execute(statement.format(name))
        await connection.close()

    background.run(all_of("create database {}"))
    yield [in_database(postgres, name) for name in names]
    background.run(all_of("drop database {} with (force)"))


async def prepared(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await prepare(connection, SERVICE.name, SCHEMA)
    finally:
        await connection.close()


async def test_services_of_several_databases_make_the_role_at_once(postgres: str, databases: list[str]) -> None:
    async with a_login(postgres, "createrole") as (login, dba):
        for dsn in databases:
            await dba.execute(f"grant create on database {urlsplit(dsn).path[1:]} to {login}")
        await asyncio.gather(*(prepared(as_login(dsn, login, "p")) for dsn in databases for _ in range(2)))
        assert await dba.fetchval("select pg_has_role($1, $2, 'SET')", login, f"{login}_caller")
        for dsn in databases:
            one = await asyncpg.connect(dsn)
            await one.execute(f"drop owned by {login}, {login}_caller cascade")
            await one.close()


async def test_a_login_that_may_not_make_the_role_is_told_what_the_dba_has_to_run(database: str) -> None:
    async with a_login(database, "") as (login, dba):
        own = as_login(database, login, "p")
        await dba.execute(f"grant create on database {urlsplit(database).path[1:]} to {login}")
        with pytest.raises(WrongSettings) as told:
            await prepared(own)
        await dba.execute(str(told.value).rpartition("may run ")[2].strip("`"))
        pool = await open_pool(SERVICE.name, SCHEMA, settings(own))
        async with pool:
            await pool.executemany("insert into notes values ($1, 'x')", [("33",), ("31",)])
            app = App(SERVICE, settings(own), pool)
            assert await seen(app, caller("33")) == ["33"]
            async with own_work.reading(app) as turn:
                assert await turn.tx.fetchval("select count(*) from notes") == 2
        await dba.execute(f"alter role {login}_caller bypassrls")
        with pytest.raises(WrongSettings, match="may see everything"):
            await prepared(own)
        await dba.execute(f"drop owned by {login}_caller cascade")


async def test_a_login_too_long_for_its_role_is_refused(database: str) -> None:
    dba = await asyncpg.connect(database)
    long = f"l{uuid.uuid4().hex}{uuid.uuid4().hex}"[:60]
    await dba.execute(f"create role {long} login superuser password 'p'")
    with pytest.raises(WrongSettings, match="too long"):
        await prepared(as_login(database, long, "p"))
    await dba.execute(f"drop role {long}")
    await dba.close()
