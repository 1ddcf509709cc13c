"""PostgreSQL: one schema a service, its tables made at start, a pool that sees that schema only."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from importlib.resources import files
from typing import Any, TypeAlias

import asyncpg

from contracts.topics import Topic, heard_by, said_by
from services.chassis import rows
from services.chassis.errors import OlderTables, WrongSettings
from services.chassis.settings import Settings

Tx: TypeAlias = asyncpg.Connection  # inside an open READ COMMITTED transaction, search_path = the service's schema
Lane: TypeAlias = tuple[str, int]  # topic, partition

IDLE_IN_TRANSACTION = "30s"  # a paused process must not hold a lane

# Columns of the chassis that hold wall time even on stage: left out when two runs are compared.
WALL_COLUMNS = ("dead_letters.failed_at", "dead_letters.closed_at", "dead_letter_log.at", "stage.anchored_at")

DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
TRANSIENT_CLASSES = ("08", "40", "53", "55", "57", "58")
READ_ONLY = "25006"  # a former primary
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,  # 28: no such login, a wrong password, pg_hba.conf
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)

_TABLES = files("services.chassis").joinpath("tables.sql").read_text()


def lanes_of(topics: Iterable[Topic]) -> list[Lane]:
    """Every lane of these topics, in order."""
    return sorted((topic.key, partition) for topic in topics for partition in range(topic.partitions))


def columns_of(lanes: Iterable[Lane]) -> tuple[list[str], list[int]]:
    """The lanes as two arrays for `unnest($1::text[], $2::int[])`."""
    rows = list(lanes)
    return [topic for topic, _ in rows], [partition for _, partition in rows]


async def connect(dsn: str, **how: Any) -> asyncpg.Connection:
    """A connection; how: as asyncpg takes it.

    Raises WrongSettings where waiting would not help: the DSN is none, the login or the database is not let in. OSError
    or another asyncpg.PostgresError when it cannot be had now.
    """
    try:
        return await asyncpg.connect(dsn, timeout=10, **how)
    except REFUSED as error:
        raise WrongSettings(f"PostgreSQL refuses ({error}): correct GRIDWARD_DATABASE") from None
    except TimeoutError:
        raise OSError("no answer within 10 s") from None  # else it is taken for Kafka's
    except OSError:  # of a certificate too, which is a ValueError besides
        raise
    except (ValueError, OverflowError):  # what they quote may be a part of the password
        raise WrongSettings(
            "GRIDWARD_DATABASE is no DSN: write postgresql://user:password@host:5432/database, with what is none of "
            "A-Z a-z 0-9 - . _ ~ in the password percent-encoded"
        ) from None


async def prepare(tx: Tx, service: str, schema: str) -> None:
    """Make the schema, the chassis' tables, the service's, and the rows of its lanes and positions. Idempotent.

    Raises WrongSettings where the login may not make the role of callers or the schema, OlderTables where tables that
    are there are not those of this version.
    """
    await rows.make_role(tx)
    await tx.execute("select pg_advisory_xact_lock(hashtext('gridward schema'), hashtext($1))", service)
    await _make_tables(tx, service, schema)
    source = await tx.fetchval("select source from lanes limit 1") or secrets.token_hex(4)
    await tx.execute(
        "insert into lanes (topic, partition, source) select t, p, $3 from unnest($1::text[], $2::int[]) x(t, p)"
        " on conflict do nothing",
        *columns_of(lanes_of(said_by(service))),
        source,
    )
    await tx.execute(
        "insert into positions (consumer, topic, partition) select $3, t, p from unnest($1::text[], $2::int[]) x(t, p)"
        " on conflict do nothing",
        *columns_of(lanes_of(heard_by(service))),
        service,
    )


async def _make_tables(tx: Tx, service: str, schema: str) -> None:
    login, database = await tx.fetchrow("select current_user, current_database()")
    try:
        await tx.execute(f'create schema if not exists "{service}"')
        await tx.execute(f'set local search_path = "{service}"')
        await tx.execute("set local client_min_messages = warning")
        await tx.execute(rows.SQL)
        await tx.execute(_TABLES)
        if schema:
            await tx.execute(schema)
    except asyncpg.InsufficientPrivilegeError as error:
        raise WrongSettings(
            f"the login {login!r} may not make the schema {service} and its tables ({error}): let somebody who may run "
            f'`grant create on database "{database}" to "{login}"`, or correct GRIDWARD_DATABASE'
        ) from None
    except asyncpg.UndefinedColumnError as error:
        raise OlderTables(
            f"the tables of {service} are of an older version and cannot be brought to this one ({error}): go on with "
            f'the version before, or start anew on another database, or after `drop schema "{service}" cascade`'
        ) from None


def application_name(service: str, part: str = "") -> str:
    """How pg_stat_activity names a connection of this process: gridward/tracing/4711, gridward/tracing/4711/relay."""
    return "/".join(filter(None, ("gridward", service, str(os.getpid()), part)))


async def open_pool(service: str, schema: str, settings: Settings) -> asyncpg.Pool:
    """A pool on the service's own schema, prepared. Raises what `connect` and `prepare` do."""
    connection = await connect(settings.database)
    try:
        async with connection.transaction():
            await prepare(connection, service, schema)
    finally:
        await connection.close()
    return await asyncpg.create_pool(
        settings.database,
        min_size=1,
        max_size=settings.database_connections,
        timeout=10,
        reset=_nothing_to_reset,
        server_settings={
            "search_path": service,
            "application_name": application_name(service),
            "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
        },
    )


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    """Every use is one transaction with local settings only, so a connection goes back as it came: no round trip."""


def is_transient(error: BaseException) -> bool:
    """Whether the failure is the database's or the network's, and so says nothing of the event that met it."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if _is_ours(link):
            return True
        link = link.__cause__ or link.__context__
    return False


def _is_ours(error: BaseException) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        return code == READ_ONLY or code[:2] in TRANSIENT_CLASSES
    if isinstance(error, asyncpg.InterfaceError):
        return "clos" in str(error)  # closed connections and pools; the other ones are mistakes in a handler's SQL
    if isinstance(error, asyncpg.InternalClientError):  # the server's last words came between two steps of a query
        return "cannot switch to state" in str(error)
    return isinstance(error, OSError) or not isinstance(error, Exception)
