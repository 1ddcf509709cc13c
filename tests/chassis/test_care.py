"""What kills a process is found alone and set aside; kills from outside condemn nobody; who is healthy pays nothing."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import ConsumerRecord

from contracts.envelope import Event, Fact
from contracts.topics import heard_by
from deploy.local import start_child
from services.chassis import deadletter
from services.chassis.care import Care, KillsProcess
from services.chassis.consumer import Consumer
from services.chassis.health import Health
from services.chassis.once import NOTHING_READ
from services.chassis.plan import Plan
from services.chassis.reader import LogReader, log_reader
from services.chassis.sending import relay_producer, send
from services.chassis.service import Service
from services.chassis.topics import make_topics
from tests.chassis.rig import (
    APPLIED,
    KEY,
    SOURCE,
    applied,
    ids,
    of_lane,
    on_result,
    pool_of,
    records_of,
    settings,
    until,
)
from tests.chassis.test_poison import thirteen

LANE = ("tests", 0)
EVENTS = of_lane(0, 300)
RECORDS = records_of(EVENTS)


class Killed(BaseException):
    """The process is gone: nothing of it runs on, its transaction is rolled back."""


class Machine:
    """Where processes of one service run, one after the other, on one database. sizes: of the batches handled."""

    def __init__(self, database: str, pool: asyncpg.Pool, reader: LogReader) -> None:
        self.pool = pool
        self.sizes: list[int] = []
        self.error: BaseException = Killed()
        self.deadly: set[str] = set()
        self.lives_for = 10**9  # events until the process is killed from outside
        self._database, self._reader = database, reader

    async def started(self, records: Sequence[ConsumerRecord]) -> Consumer:
        """A new process that was given the lane."""
        service = Service("tracing", APPLIED, on_batch=self._on_batch)
        given, health = settings(self._database), Health("tracing")
        consumer = Consumer(service, given, self.pool, self._reader, health, lambda: None)
        consumer.client = lambda: self._reader._client  # it has no lane to seek in
        await consumer.care.begin({LANE: await self.offset()}, {LANE: len(records)})
        return consumer

    async def run(self, records: Sequence[ConsumerRecord], *, from_start: bool = False) -> bool:
        """A process from its start to its death (False) or, with all read, to its clean end (True)."""
        consumer = await self.started(records)
        try:
            await consumer.take(records[0 if from_start else await self.offset() :])
        except Killed:
            return False
        await consumer.care.leave()
        return True

    async def offset(self) -> int:
        return int(
            await self.pool.fetchval("select next_offset from positions where (topic, partition) = ('tests', 0)")
        )

    async def dead(self) -> list[tuple[int, str]]:
        return [(letter.record_offset, letter.reason) for letter in await deadletter.waiting(self.pool)]

    async def _on_batch(self, events: Sequence[Event[Fact]], tx: asyncpg.Connection) -> list[Event[Any]]:
        self.sizes.append(len(events))
        for event in events:
            self.lives_for -= 1
            if event.id in self.deadly or self.lives_for == 0:
                raise self.error
            await on_result(event, tx)  # type: ignore[arg-type]
        return []


@pytest.fixture
async def machine(database: str, kafka: str) -> AsyncIterator[Machine]:
    async with a_machine(database, kafka) as one:
        yield one


@asynccontextmanager
async def a_machine(database: str, kafka: str) -> AsyncIterator[Machine]:
    async with pool_of(Service("tracing", APPLIED), database) as pool, log_reader(kafka) as reader:
        yield Machine(database, pool, reader)


@pytest.mark.parametrize("place", [0, 10, 200, 299])
async def test_a_record_that_three_processes_died_of_alone_is_a_dead_letter(machine: Machine, place: int) -> None:
    machine.deadly = {EVENTS[place].id}
    deaths = 0
    while not await machine.run(RECORDS):
        deaths += 1
    assert deaths == 5, "one unnoted, one in a noted batch, three alone"
    assert await machine.dead() == [(place, f"KillsProcess: {KillsProcess()}")]
    assert await applied(machine.pool) == ids([*EVENTS[:place], *EVENTS[place + 1 :]])


async def test_a_client_that_has_not_sought_yet_neither_hides_a_death_nor_counts_one(machine: Machine) -> None:
    """Kafka's client may give what was applied before, until the listener has said where to read on."""
    machine.deadly = {EVENTS[200].id}
    deaths = 0
    while not await machine.run(RECORDS, from_start=True):
        deaths += 1
    assert (deaths, [place for place, _ in await machine.dead()]) == (5, [200])


async def test_two_records_that_kill_are_both_found(machine: Machine) -> None:
    machine.deadly = {EVENTS[100].id, EVENTS[101].id}
    while not await machine.run(RECORDS):
        pass
    assert [place for place, _ in await machine.dead()] == [100, 101]
    assert sorted(await applied(machine.pool)) == sorted(ids([*EVENTS[:100], *EVENTS[102:]]))


@pytest.mark.parametrize("seed", range(3))
async def test_kills_from_outside_at_unrelated_records_condemn_none(machine: Machine, seed: int) -> None:
    chance, deaths = random.Random(seed), 0
    while True:
        machine.lives_for = chance.randint(1, 40)
        if await machine.run(RECORDS):
            break
        deaths += 1
    assert deaths >= 3
    assert await machine.dead() == []
    assert await applied(machine.pool) == ids(EVENTS)


async def test_after_a_death_care_takes_what_was_in_hand_and_ends(machine: Machine) -> None:
    machine.lives_for = 5
    assert not await machine.run(RECORDS[:200])
    machine.lives_for, machine.sizes = 10**9, []
    consumer = await machine.started(RECORDS[:200])
    assert await consumer.take(RECORDS[:200])
    assert await consumer.take(RECORDS[200:])
    assert machine.sizes == [16, 64, 120, 100]
    assert await applied(machine.pool) == ids(EVENTS)


async def test_a_healthy_process_writes_nothing_for_its_batches(machine: Machine) -> None:
    consumer = await machine.started(RECORDS)
    before = await machine.pool.fetch("select xmin::text, * from hearings")
    assert await consumer.take(RECORDS)
    assert machine.sizes == [300]
    assert await machine.pool.fetch("select xmin::text, * from hearings") == before


async def test_lanes_that_change_hands_are_no_death(machine: Machine) -> None:
    first = await machine.started(RECORDS)
    await first.care.leave()
    second = await machine.started(RECORDS)
    assert await second.take(RECORDS)
    assert machine.sizes == [300]


async def test_an_error_that_the_process_survives_is_no_death(machine: Machine) -> None:
    machine.deadly, machine.error = {EVENTS[0].id}, Killed()
    for _ in range(2):
        assert not await machine.run(RECORDS)
    machine.error = ConnectionResetError()
    for _ in range(4):  # the database goes, and the process is killed while it waits
        assert not await (await machine.started(RECORDS)).take(RECORDS)
    assert machine.sizes[2:] == [1] * 4
    machine.deadly = set()
    assert await machine.run(RECORDS)
    assert await machine.dead() == []


async def test_processes_that_die_before_they_read_count_one_death_once(machine: Machine) -> None:
    machine.deadly = {EVENTS[0].id}
    for _ in range(3):
        assert not await machine.run(RECORDS)
    for _ in range(5):
        await machine.started(RECORDS)
    assert await machine.pool.fetchval("select max(deaths) from hearings") == 1
    machine.deadly = set()
    assert await machine.run(RECORDS)
    assert await machine.dead() == []


async def test_a_batch_that_comes_while_the_lanes_are_being_marked_is_read_with_care_too(
    database: str, fresh_kafka: str
) -> None:
    await make_topics(fresh_kafka, heard_by("tracing"), -1)
    marked, seen = asyncio.Event(), asyncio.Event()

    async def hold(connection: asyncpg.Connection) -> None:
        """The first connection that is given back, after its commit, waits."""
        if not marked.is_set():
            marked.set()
            await seen.wait()

    there = {"search_path": "tracing"}
    async with a_machine(database, fresh_kafka) as machine:
        machine.deadly = {EVENTS[5].id}
        assert not await machine.run(RECORDS)
        async with asyncpg.create_pool(database, min_size=2, server_settings=there, reset=hold) as pool:
            care = Care(pool, machine._reader, "tracing")
            given = asyncio.create_task(care.begin({LANE: await machine.offset()}, {LANE: len(RECORDS)}))
            await marked.wait()
            batch = asyncio.create_task(care.own({LANE}))
            await asyncio.wait({batch}, timeout=1)
            read_at_once = batch.done() and care.trusts({LANE})
            seen.set()
            await asyncio.gather(given, batch)
            assert not read_at_once and not care.trusts({LANE})


async def test_a_process_killed_by_a_record_again_and_again_ends_up_reading_on(
    database: str, fresh_kafka: str, tmp_path: Path
) -> None:
    """A real process on a real log, started again by whoever watches it."""
    events = [thirteen(event) if place == 30 else event for place, event in enumerate(EVENTS[:40])]
    given = {"KAFKA": fresh_kafka, "DATABASE": database, "TOKEN_KEY": KEY, "HTTP_PORT": "0", "INSTANCE": "one"}
    environment = {**os.environ, **{f"GRIDWARD_{name}": value for name, value in given.items()}}
    await make_topics(fresh_kafka, heard_by("tracing"), -1)
    async with relay_producer(fresh_kafka) as producer:
        rows: list[tuple[str, bytes | None]] = [(event.subject, event.to_wire()) for event in events]
        await send(producer, Plan(LANE, 1, SOURCE, 0, len(rows), rows))
    async with pool_of(Service("tracing", APPLIED), database) as pool:
        deaths = 0
        while True:
            child = start_child(
                [sys.executable, "-m", "tests.chassis.killing"], environment, tmp_path / f"{deaths}.log"
            )

            async def settled(one: Any = child) -> bool:
                return one.returncode is not None or await pool.fetchval("select count(*) from applied") == 39

            await until(settled, "it dies, or all is applied", 60)
            if child.returncode is None:
                break
            assert child.returncode == -signal.SIGKILL, child.log_tail()
            deaths += 1
        assert deaths == 5
        (letter,) = await deadletter.waiting(pool)
        assert (letter.record_offset, letter.reason) == (30, f"KillsProcess: {KillsProcess()}")
        assert await applied(pool) == ids([*events[:30], *events[31:]])
        assert await child.stop() == 0
        assert await pool.fetchval("select count(*) from hearings where run is not null") == 0, "a clean end"


async def test_nothing_is_read_ahead_where_a_process_died(machine: Machine) -> None:
    machine.lives_for = 40
    first = await machine.started(RECORDS)
    assert (await first.read_ahead(RECORDS)).by_lane.keys() == {LANE}
    assert not await machine.run(RECORDS)
    assert await (await machine.started(RECORDS)).read_ahead(RECORDS) == NOTHING_READ
