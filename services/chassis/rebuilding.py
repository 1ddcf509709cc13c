"""A service brought to what the log says: rebuilt from its beginning, or caught up after its database was put back.

A mark in the schema keeps the service from starting until the work has ended; broken off, the same command is given
again. Under it both first look whether the log carries them; if not, they take the mark away and have touched no table
but the outbox, which a rebuild publishes first.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaProducer
from asyncpg import Connection, Pool

from services.chassis import database
from services.chassis.database import Lane
from services.chassis.epoch import Opened
from services.chassis.errors import HalfDone, NeverRan, RelayAtWork
from services.chassis.fence import Position
from services.chassis.merging import Cursor, verify
from services.chassis.operating import instead_of_relay, new_epoch
from services.chassis.plan import Answer, make_plans
from services.chassis.reader import LogReader, log_reader
from services.chassis.replay import Replay, Replaying
from services.chassis.sending import relay_producer, send
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.tail import refuse_log_ahead

LOOKS, LOOK_AGAIN = 15, 0.2
REBUILD, NEW_EPOCH = "rebuild", "new-epoch"
Progress = Callable[[int, int, datetime], None]  # records done, of how many, at which instant

_POSITIONS = """
select topic, partition, next_offset, epoch, source, last from positions where consumer = $1 order by 1, 2"""
_LANES = "select topic, partition, epoch, last from lanes order by 1, 2"
_AT_WORK = """
select exists (select from pg_stat_activity where datname = current_database()
                  and application_name like $1 and application_name not like '%/relay')"""
_RAN = "select to_regclass('positions') is not null"
_MARK = "insert into half_done (command) values ($1) on conflict do nothing"
_UNMARK = "delete from half_done"
_OWN = """
select coalesce(string_agg(format('%I', tablename), ', '), '') from pg_tables
 where schemaname = current_schema() and not tablename = any($1)"""
_CHASSIS = frozenset(re.findall(r"create table if not exists (\w+)", database._TABLES))


@dataclass(frozen=True)
class Redone:
    """records: heard again or read back; said: events that the log lacked and that go out now."""

    records: int
    said: int


async def refuse_half_done(db: Connection | Pool, service: str, but: str | None = None) -> None:
    """Raises HalfDone when a rebuild or a new epoch of this service was begun and has not ended. but: may be."""
    command = await db.fetchval("select command from half_done")
    if command not in (None, but):
        raise HalfDone(f"`gridward {command} {service}` was begun and has not ended: run it again before {service}")


async def rebuild(service: Service, how: Replaying, settings: Settings, progress: Progress) -> Redone:
    """Empty the service's own tables and fill them from the log, up to where it has read; nothing is said twice.

    Raises NeverRan, RelayAtWork, LogAhead, LogBroken, HalfDone when a new epoch was broken off: its replay has still
    to be done, or all that was said since the backup is withdrawn (before anything was touched); KafkaError,
    PostgresError.
    """
    async with _alone(service, settings) as (lock, db), log_reader(settings.kafka) as reader:
        async with _marked(db, service.name, REBUILD):
            await refuse_log_ahead(lock, reader, service.name)
            async with relay_producer(settings.kafka) as producer:
                await _publish(lock, producer)
            heard = [
                Cursor(Position(row["topic"], row["partition"]), (row["epoch"], row["last"]))
                for row in await db.fetch(_POSITIONS, service.name)
            ]
            own = await _own_lanes(db)
            total = await verify(reader, [*heard, *own])
        async with db.transaction():
            if how.begin is not None:
                await how.begin(db)
            await _empty(db, how)
        replay = Replay(db, service, how, settings.dead_letters_an_hour, progress=lambda n, at: progress(n, total, at))
        return await _redo(replay, reader, heard, own, total)


async def open_again(service: Service, how: Replaying, settings: Settings, progress: Progress) -> tuple[Opened, Redone]:
    """A new epoch for a service that derives: what it heard before is heard again in silence, at the same instants.

    Raises NeverRan, RelayAtWork, LogBroken, HalfDone when a rebuild was broken off; KafkaError, PostgresError.
    """
    async with _alone(service, settings) as (_, db), log_reader(settings.kafka) as reader:
        async with _marked(db, service.name, NEW_EPOCH):
            await verify(reader, await _positions(db, service.name))
        if how.begin is not None:
            async with db.transaction():
                await how.begin(db)
    opened = await new_epoch(service, settings)
    async with _alone(service, settings) as (_, db), log_reader(settings.kafka) as reader:
        await db.execute("delete from outbox")  # what it holds is derived: said again, or said otherwise
        known = frozenset(row[0] for row in await db.fetch("select event_id from said_before"))
        heard, own = await _positions(db, service.name), await _own_lanes(db)
        total = await verify(reader, [*heard, *own])
        replay = Replay(
            db,
            service,
            how,
            settings.dead_letters_an_hour,
            moving=True,
            known=known,
            progress=lambda n, at: progress(n, total, at),
        )
        return opened, await _redo(replay, reader, heard, own, total)


@asynccontextmanager
async def _alone(service: Service, settings: Settings) -> AsyncIterator[tuple[Connection, Connection]]:
    """The relay's lock and a connection to work on, while the service does not run.

    Raises NeverRan, RelayAtWork, WrongSettings.
    """
    db = await database.connect(
        settings.database,
        server_settings={"search_path": service.name, "application_name": f"gridward rebuild {service.name}"},
    )
    try:
        if not await db.fetchval(_RAN):
            raise NeverRan(
                f"{service.name} has no tables here: correct GRIDWARD_DATABASE, or start {service.name} once"
            )
        async with db.transaction():
            await database.prepare(db, service.name, service.schema)
        await _refuse_at_work(db, service.name)
        async with instead_of_relay(service, settings) as lock:
            await lock.execute("set idle_session_timeout = 0")
            yield lock, db
    finally:
        await db.close()


@asynccontextmanager
async def _marked(db: Connection, service: str, command: str) -> AsyncIterator[None]:
    """Marked before anybody is looked for: who starts later sees the mark, who started before is seen.

    The block touches nothing yet: when it raises, a mark that an earlier try did not leave is taken away.
    Raises HalfDone, RelayAtWork.
    """
    await refuse_half_done(db, service, but=command)
    is_new = await db.execute(_MARK, command) == "INSERT 0 1"
    try:
        await _refuse_at_work(db, service)
        yield
    except BaseException:
        if is_new:
            await db.execute(_UNMARK)
        raise


async def _refuse_at_work(db: Connection, service: str) -> None:
    """Connections of a process that has just ended may show for a moment. Raises RelayAtWork."""
    for _ in range(LOOKS):
        if not await db.fetchval(_AT_WORK, f"gridward/{service}/%"):
            return
        await asyncio.sleep(LOOK_AGAIN)
    raise RelayAtWork(f"{service} is running on this database: stop every replica of it first")


async def _redo(replay: Replay, reader: LogReader, heard: list[Cursor], own: list[Cursor], total: int) -> Redone:
    """The last transaction gives the revisions back, says what is otherwise, and takes the mark away."""
    await replay.run(reader, heard, own)
    async with replay.db.transaction(isolation="read_committed"):
        said = await replay.settle()
        await replay.db.execute(_UNMARK)
    return Redone(total, said)


async def _positions(db: Connection, service: str) -> list[Cursor]:
    return [Cursor(Position(*row)) for row in await db.fetch(_POSITIONS, service)]


async def _own_lanes(db: Connection) -> list[Cursor]:
    return [Cursor(Position(topic, lane), (epoch, last)) for topic, lane, epoch, last in await db.fetch(_LANES)]


async def _publish(lock: Connection, producer: AIOKafkaProducer) -> None:
    """Empty the outbox as the relay does."""
    answers: dict[Lane, Answer] = {}
    while plans := await make_plans(lock, answers, []):
        answers = {plan.lane: await send(producer, plan) for plan in plans}


async def _empty(db: Connection, how: Replaying) -> None:
    tables = await db.fetchval(_OWN, [*_CHASSIS, *how.kept])
    if tables:
        await db.execute(f"truncate {tables} restart identity")
