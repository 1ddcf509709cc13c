"""Ticks: one transaction each, their events last, again while there is more, and after the backlog where asked."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from contracts.envelope import Event
from contracts.topics import heard_by
from services.chassis.database import Tx
from services.chassis.reader import log_reader
from services.chassis.running import running
from services.chassis.sending import relay_producer, send
from services.chassis.service import App, Service, Tick, Worked
from services.chassis.ticking import is_caught_up, keep_ticking, run_once
from services.chassis.topics import make_topics
from tests.chassis.rig import (
    APPLIED,
    TRACING,
    Broken,
    a_plan,
    a_result,
    of_lane,
    pool_of,
    settings,
    until,
    until_applied,
    until_ready,
)


async def test_a_tick_says_its_events_with_its_work(database: str) -> None:
    async def work(tx: Tx, now: datetime) -> Worked:
        await tx.execute("insert into done values ($1)", now)
        return Worked([a_result(1)], more=True)

    service = Service("intake", "create table if not exists done (at timestamptz)")
    async with pool_of(service, database) as pool:
        app = App(service, settings(database), pool)
        assert await run_once(app, Tick("work", 1, work))
        assert app.wake_relay.is_set()
        assert await pool.fetchval("select count(*) from outbox") == 1
        assert await pool.fetchval("select at = now_at from done, stage")


async def test_a_tick_that_fails_leaves_nothing_and_is_tried_again(database: str, kafka: str) -> None:
    tries = []
    ending = asyncio.Event()

    async def work(tx: Tx, now: datetime) -> Worked:
        tries.append(1)
        if len(tries) == 3:
            ending.set()
            return Worked()
        await tx.execute("insert into applied (event_id) values ('half')")
        raise Broken("half done")

    async with pool_of(TRACING, database) as pool, log_reader(kafka) as reader:
        app = App(TRACING, settings(database), pool)
        await keep_ticking(app, Tick("work", 0.001, work), reader, ending)
        assert await pool.fetchval("select count(*) from applied") == 0


async def test_a_tick_runs_again_at_once_while_there_is_more(database: str, kafka: str) -> None:
    left = [3, 2, 1, 0]
    ending = asyncio.Event()

    async def work(tx: Tx, now: datetime) -> Worked:
        if not left.pop(0):
            ending.set()
        return Worked(more=bool(left))

    async with pool_of(TRACING, database) as pool, log_reader(kafka) as reader:
        app = App(TRACING, settings(database), pool)
        async with asyncio.timeout(10):
            await keep_ticking(app, Tick("work", 3_600, work), reader, ending)
        assert left == []


async def test_a_tick_after_the_backlog_waits_until_every_lane_is_read(database: str, fresh_kafka: str) -> None:
    events = of_lane(0, 300) + of_lane(1, 300)
    seen: list[int] = []

    async def slow(event: Event[Any], tx: asyncpg.Connection) -> list[Event[Any]]:
        await tx.execute("insert into applied (event_id) values ($1)", event.id)
        return []

    async def count(tx: Tx, now: datetime) -> Worked:
        seen.append(await tx.fetchval("select count(*) from applied"))
        return Worked()

    given = settings(database, fresh_kafka)
    await make_topics(fresh_kafka, heard_by("tracing"), -1)
    async with relay_producer(fresh_kafka) as producer:
        for lane in (0, 1):
            await send(producer, a_plan(1, 300, lane=lane))
    service = Service("tracing", APPLIED, {type(events[0].data): slow}, ticks=(Tick("count", 0.01, count, True),))
    async with running(service, given) as hearer:
        await until_ready(hearer)
        await until_applied(hearer.app.pool, events)
        await until(_has(seen), "a tick")
    assert set(seen) == {len(events)}


def _has(seen: list[int]) -> Any:
    async def some() -> bool:
        return bool(seen)

    return some


async def test_behind_in_one_lane_is_behind(database: str, fresh_kafka: str) -> None:
    await make_topics(fresh_kafka, heard_by("tracing"), -1)
    async with pool_of(TRACING, database) as pool, log_reader(fresh_kafka) as reader:
        app = App(TRACING, settings(database, fresh_kafka), pool)
        assert await is_caught_up(app, reader)
        async with relay_producer(fresh_kafka) as producer:
            await send(producer, a_plan(1, 1, lane=2))
        assert not await is_caught_up(app, reader)
        await pool.execute("update positions set next_offset = 1 where (topic, partition) = ('tests', 2)")
        assert await is_caught_up(app, reader)


async def test_a_service_that_hears_nothing_is_always_caught_up(database: str, kafka: str) -> None:
    deaf = Service("deaf")
    async with pool_of(deaf, database) as pool, log_reader(kafka) as reader:
        assert await is_caught_up(App(deaf, settings(database), pool), reader)


async def test_a_tick_that_waits_for_kafka_does_not_run_without_it(database: str, kafka: str) -> None:
    async with pool_of(TRACING, database) as pool, log_reader(kafka) as reader:
        with pytest.raises(Exception, match=r"ConnectionError|Timeout|offsets"):
            await reader._client._client.close()
            await is_caught_up(App(TRACING, settings(database), pool), reader)
