"""intake's side of the log, driven by hand: its database that can be put back, its relay's steps on a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event
from services.chassis.plan import make_plans
from services.chassis.reader import LogReader, Span, log_reader
from services.chassis.relay import relay_connection
from services.chassis.sending import relay_producer, send
from services.chassis.topics import make_topics
from tests.chassis.rig import INTAKE, TESTS, TRACING, applied, pool_of, say_all, take

LANE = ("tests", 0)
_TABLES = ("outbox", "lanes")


@dataclass
class Site:
    """intake's database, a relay's connection, producer and reader of the log."""

    database: str
    kafka: str
    pool: asyncpg.Pool
    db: asyncpg.Connection
    producer: AIOKafkaProducer
    reader: LogReader

    async def publish(self, events: list[Event[Any]]) -> None:
        """Say these events and relay them to the end."""
        await say_all(self.pool, events)
        answers: dict[Any, Any] = {}
        while plans := await make_plans(self.db, answers, []):
            answers = {plan.lane: await send(self.producer, plan) for plan in plans}

    async def back_up(self) -> None:
        await back_up(self.pool)

    async def restore(self) -> None:
        await restore(self.pool)

    async def read_by_a_consumer(self) -> list[str]:
        """What tracing applies of the lane."""
        end = (await self.reader.ends([LANE]))[LANE]
        records = [record async for record in self.reader.read({LANE: Span(0, end)})]
        async with pool_of(TRACING, self.database) as hearer:
            assert not (await take(hearer, records)).problems
            return await applied(hearer)


async def back_up(db: asyncpg.Pool | asyncpg.Connection) -> None:
    """What intake's relay goes by, as it is now."""
    for table in _TABLES:
        await db.execute(f"create table backup_{table} as table {table}")


async def restore(db: asyncpg.Pool | asyncpg.Connection) -> None:
    """As it was then."""
    for table in _TABLES:
        await db.execute(f"delete from {table}; insert into {table} select * from backup_{table}")


@asynccontextmanager
async def site(database: str, kafka: str) -> AsyncIterator[Site]:
    """With the lanes of one topic: a lane costs a marker."""
    await make_topics(kafka, [TESTS], -1)
    async with (
        pool_of(INTAKE, database) as pool,
        relay_connection(database, "intake") as db,
        relay_producer(kafka) as producer,
        log_reader(kafka) as reader,
    ):
        await pool.execute("delete from lanes where topic <> 'tests'")
        yield Site(database, kafka, pool, db, producer, reader)
