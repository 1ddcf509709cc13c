"""What the chassis tests share: events to say, a service that writes down what it applied, a log in memory.

The service under test hears `tests` (three lanes) as `tracing`; `intake` says them. Its table has no unique key, so an
event applied twice stands there twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiokafka import ConsumerRecord

from contracts.envelope import Event, Fact, say
from contracts.events.testing import Result, TestResulted
from contracts.topics import BY_KEY
from services.chassis import outbox, own_work
from services.chassis.database import Lane, open_pool
from services.chassis.fence import Number
from services.chassis.once import Applied, apply
from services.chassis.plan import Answer, Plan
from services.chassis.running import Running, running
from services.chassis.service import Service
from services.chassis.settings import Settings

KEY = "k" * 32
NOON = datetime(2022, 3, 5, 12, tzinfo=UTC)
TESTS = BY_KEY["tests"]
APPLIED = "create table if not exists applied (id bigint generated always as identity, event_id text, subject text)"
SOURCE = "a1b2c3d4"


class Broken(Exception):
    """What the handler under test raises on an event that it cannot bear."""


def settings(database: str, kafka: str = "127.0.0.1:1", **others: Any) -> Settings:
    """Settings of a process under test: any port, the stage clock, small pools."""
    given = {"kafka": kafka, "database": database, "token_key": KEY, "http_port": 0, "clock": "stage"}
    return Settings(**{**given, **others})


def a_result(number: int, person: str = "", **others: Any) -> Event[TestResulted]:
    """The result of a sample, of one person of its own if none is given."""
    fact = TestResulted(
        statement_id=f"test:{number}",
        person_id=person or f"person-{number}",
        sampled_at=NOON,
        resulted_at=NOON,
        result=Result.NEGATIVE,
        **others,
    )
    return say(fact, source="intake", time=NOON, division="330421")


def of_lane(partition: int, count: int) -> list[Event[TestResulted]]:
    """Events of as many persons, all in one lane of `tests`."""
    events = (a_result(number) for number in range(10_000))
    chosen = (event for event in events if TESTS.partition_of(event.subject) == partition)
    return [next(chosen) for _ in range(count)]


async def on_result(event: Event[TestResulted], tx: asyncpg.Connection) -> list[Event[Any]]:
    """Writes it down; a ct_value of 13 cannot be borne."""
    if event.data.ct_value == 13:
        raise Broken("thirteen")
    await tx.execute("insert into applied (event_id, subject) values ($1, $2)", event.id, event.subject)
    return []


async def on_result_mended(event: Event[TestResulted], tx: asyncpg.Connection) -> list[Event[Any]]:
    """The handler after it was mended."""
    await tx.execute("insert into applied (event_id) values ($1)", event.id)
    return []


TRACING = Service("tracing", APPLIED, {TestResulted: on_result})
INTAKE = Service("intake")


@asynccontextmanager
async def pool_of(service: Service, database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(service.name, service.schema, settings(database))
    try:
        yield pool
    finally:
        await pool.close()


async def say_all(pool: asyncpg.Pool, events: Sequence[Event[Any]]) -> None:
    """One committed transaction of intake that says these events."""
    async with pool.acquire() as tx, tx.transaction():
        await outbox.write(tx, "intake", events)


async def say_through(door: Running, events: Sequence[Event[Any]]) -> None:
    """Said by a running intake, and published to the end."""
    async with own_work.transaction(door.app) as turn:
        turn.say(events)

    async def published() -> bool:
        return bool(await door.app.pool.fetchval("select not exists (select from outbox)"))

    await until(published, "published")


async def applied(pool: asyncpg.Pool) -> list[str]:
    """Ids of the events applied, in order."""
    return [row[0] for row in await pool.fetch("select event_id from applied order by id")]


def ids(events: Iterable[Event[Fact]]) -> list[str]:
    return [event.id for event in events]


def a_record(
    offset: int,
    number: int | None,
    value: bytes | None,
    *,
    epoch: int = 1,
    source: str = SOURCE,
    lane: Lane = ("tests", 0),
    key: bytes | None = None,
) -> ConsumerRecord:
    """A record as Kafka gives it; number None: without the header."""
    headers = () if number is None else (("n", str(Number(epoch, source, number)).encode()),)
    return ConsumerRecord(*lane, offset, 0, 0, key or key_of(value), value, None, 3, len(value or b""), headers)


def key_of(value: bytes | None) -> bytes:
    """The key under which the relay sends an event; of anything else "key"."""
    try:
        return str(json.loads(value or b"")["subject"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return b"key"


def records_of(events: Sequence[Event[Any]], first: int = 1, **others: Any) -> list[ConsumerRecord]:
    """The events as the records number `first` and on, at the offsets one below."""
    return [a_record(number - 1, number, event.to_wire(), **others) for number, event in enumerate(events, first)]


async def take(pool: asyncpg.Pool, records: Sequence[ConsumerRecord], **others: Any) -> Applied:
    """One transaction of the consumer."""
    return await apply(pool, TRACING, records, **{"log_starts": {}, "dead_letters_an_hour": 100, **others})


def a_plan(first: int, last: int, *, epoch: int = 1, source: str = SOURCE, lane: int = 0) -> Plan:
    """The events number `first` to `last` of a lane, as the relay would send them."""
    rows: list[tuple[str, bytes | None]] = [
        (event.subject, event.to_wire()) for event in of_lane(lane, last)[first - 1 : last]
    ]
    return Plan(("tests", lane), epoch, source, first - 1, len(rows), rows)


class MemoryLog:
    """A log that takes whatever is sent, in the order of landing: what a broker promises without idempotence."""

    def __init__(self) -> None:
        self.records: dict[Lane, list[ConsumerRecord]] = {}

    def land(self, plan: Plan) -> Answer:
        """Append a request and answer it."""
        records = self.records.setdefault(plan.lane, [])
        for number, (_, value) in enumerate(plan.rows, plan.last + 1):
            records.append(a_record(len(records), number, value, epoch=plan.epoch, source=plan.source, lane=plan.lane))
        return Answer(plan.lane, plan.last, len(records))


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 30.0) -> None:
    """Wait until it holds; looks again every 20 ms."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - what is waited for lies in another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:.0f} s: {what}") from None


async def until_ready(*runs: Running) -> None:
    async def ready() -> bool:
        return not any(run.health.reasons for run in runs)

    await until(ready, "ready")


async def until_applied(pool: asyncpg.Pool, events: Sequence[Event[Any]]) -> None:
    """Wait until as many events are applied, then compare: each once, each person's in order."""

    async def enough() -> bool:
        return bool(await pool.fetchval("select count(*) from applied") >= len(events))

    await until(enough, f"{len(events)} events applied")
    assert sorted(await applied(pool)) == sorted(ids(events))


@asynccontextmanager
async def both(database: str, kafka: str, tracing: Service = TRACING) -> AsyncIterator[tuple[Running, Running]]:
    """intake and tracing, ready. What else tracing hears is there."""
    given = settings(database, kafka)
    async with running(INTAKE, given) as door, running(tracing, given) as hearer:
        await until_ready(door, hearer)
        yield door, hearer
