"""Relay and fence cut at any point, in any order, on a real PostgreSQL: each event is applied once, and in order.

The log is in memory and takes every request that was ever sent, again and at any later time: no broker does worse
without losing what it acknowledged. Relays and consumers come and go in twos; no lock is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import outbox
from services.chassis.database import Lane
from services.chassis.plan import Answer, Plan, make_plans
from services.chassis.relay import relay_connection
from tests.chassis.rig import INTAKE, TRACING, MemoryLog, a_result, applied, ids, of_lane, pool_of, say_all, take

STEPS = st.one_of(
    st.tuples(st.just("say"), st.integers(1, 4)),
    st.tuples(st.just("say and stay open"), st.none()),
    st.tuples(st.just("commit what is open"), st.integers(0, 3)),
    st.tuples(st.just("plan"), st.integers(0, 1)),
    st.tuples(st.just("plan, cut before commit"), st.integers(0, 1)),
    st.tuples(st.just("request lands"), st.integers(0, 50)),
    st.tuples(st.just("request lands unanswered"), st.integers(0, 50)),
    st.tuples(st.just("an old request lands again"), st.integers(0, 50)),
    st.tuples(st.just("relay dies"), st.integers(0, 1)),
    st.tuples(st.just("consume"), st.tuples(st.integers(0, 12), st.integers(1, 12))),
    st.tuples(st.just("consume, cut before commit"), st.tuples(st.integers(0, 12), st.integers(1, 12))),
)


LANE_OF = {lane: [event.subject for event in of_lane(lane, 400)] for lane in (0, 1)}
PERSONS = (*LANE_OF[0][:2], LANE_OF[1][0])
ALONE = LANE_OF[0][2:]  # each says one event, so no other transaction is ordered by its key


class Cut(Exception):
    """The process ends here."""


class World:
    """Two relays, any number of consumers, one log, one database of each side."""

    def __init__(self, door: asyncpg.Pool, hearer: asyncpg.Pool, relays: list[asyncpg.Connection]) -> None:
        self.door, self.hearer, self.relays = door, hearer, relays
        self.log = MemoryLog()
        self.said: list[Any] = []
        self.plans: list[dict[Lane, Plan]] = [{}, {}]
        self.answers: list[dict[Lane, Answer]] = [{}, {}]
        self.sent: list[Plan] = []
        self.open: list[tuple[asyncpg.Connection, Any]] = []

    async def step(self, name: str, choice: Any) -> None:
        await getattr(self, name.replace(", ", "_").replace(" ", "_"))(choice)

    async def say(self, count: int) -> None:
        events = [a_result(len(self.said) + i, person=PERSONS[(len(self.said) + i) % 3]) for i in range(count)]
        self.said += events
        await say_all(self.door, events)

    async def say_and_stay_open(self, _: None) -> None:
        """A transaction whose rows have their ids and are not committed yet; of a person of its own."""
        if len(self.open) == 3:
            return
        event = a_result(len(self.said), person=ALONE[len(self.said)])
        self.said.append(event)
        tx = await self.door.acquire()
        transaction = tx.transaction()
        await transaction.start()
        self.open.append((tx, transaction))
        await outbox.write(tx, "intake", [event])

    async def commit_what_is_open(self, choice: int) -> None:
        if self.open:
            tx, transaction = self.open.pop(choice % len(self.open))
            await transaction.commit()
            await self.door.release(tx)

    async def plan(self, relay: int) -> None:
        plans = await make_plans(self.relays[relay], self.answers[relay], self.plans[relay])
        self.answers[relay] = {}
        self.plans[relay] |= {plan.lane: plan for plan in plans}

    async def plan_cut_before_commit(self, relay: int) -> None:
        """The transaction is rolled back; what was answered is forgotten with the process."""
        with pytest.raises(Cut):
            async with self.relays[relay].transaction():
                await make_plans(self.relays[relay], self.answers[relay], [])
                raise Cut
        await self.relay_dies(relay)

    async def request_lands(self, choice: int) -> None:
        await self._land(choice, answered=True)

    async def request_lands_unanswered(self, choice: int) -> None:
        await self._land(choice, answered=False)

    async def an_old_request_lands_again(self, choice: int) -> None:
        if self.sent:
            self.log.land(self.sent[choice % len(self.sent)])

    async def relay_dies(self, relay: int) -> None:
        self.plans[relay], self.answers[relay] = {}, {}

    async def consume(self, span: tuple[int, int]) -> None:
        """Any part of any lane: the position of a client may be anywhere."""
        for records in self.log.records.values():
            part = records[span[0] : span[0] + span[1]]
            if part:
                assert "missing" not in str((await take(self.hearer, part)).problems)

    async def consume_cut_before_commit(self, span: tuple[int, int]) -> None:
        async with self.hearer.acquire() as tx:
            transaction = tx.transaction()
            await transaction.start()
            await tx.execute("select from positions for update")
            await tx.execute("insert into applied (event_id) values ('lost with the process')")
            await transaction.rollback()

    async def rest(self) -> None:
        """No more faults: relays and consumers run until nothing waits."""
        while self.open:
            await self.commit_what_is_open(0)
        while await self.door.fetchval("select exists (select from outbox)") or self.plans[0]:
            await self.plan(0)
            for lane in list(self.plans[0]):
                self.answers[0][lane] = self.log.land(self.plans[0].pop(lane))
        await self.plan(0)
        for records in self.log.records.values():
            assert not (await take(self.hearer, records)).problems

    async def _land(self, choice: int, *, answered: bool) -> None:
        waiting = [(relay, lane) for relay in (0, 1) for lane in self.plans[relay]]
        if waiting:
            relay, lane = waiting[choice % len(waiting)]
            plan = self.plans[relay].pop(lane)
            self.sent.append(plan)
            answer = self.log.land(plan)
            if answered:
                self.answers[relay][lane] = answer


CLEAN_DOOR = "delete from outbox; update lanes set last = 0, ids = '{}', tail_offset = 0 where last > 0 or ids <> '{}'"
CLEAN_HEARER = """
truncate applied restart identity;
update positions set next_offset = 0, epoch = 0, source = '', last = 0 where epoch > 0"""
LANES = "select topic, partition, last from lanes where topic = 'tests' order by 1, 2"
POSITIONS = "select topic, partition, last from positions where topic = 'tests' order by 1, 2"


async def play(world: World, steps: list[tuple[str, Any]]) -> None:
    for name, choice in steps:
        await world.step(name, choice)
    await world.rest()
    done = await applied(world.hearer)
    assert sorted(done) == sorted(ids(world.said))
    for person in PERSONS:
        mine = [event.id for event in world.said if event.subject == person]
        assert [event for event in done if event in mine] == mine
    assert await world.door.fetch(LANES) == await world.hearer.fetch(POSITIONS)


@asynccontextmanager
async def connected(database: str) -> AsyncIterator[Callable[[list[tuple[str, Any]]], Coroutine[Any, Any, None]]]:
    """Plays one list of steps after the other, each on clean tables."""
    async with (
        pool_of(INTAKE, database) as door,
        pool_of(TRACING, database) as hearer,
        relay_connection(database, "intake") as first,
        relay_connection(database, "intake") as second,
    ):

        async def one(steps: list[tuple[str, Any]]) -> None:
            await door.execute(CLEAN_DOOR)
            await hearer.execute(CLEAN_HEARER)
            await play(World(door, hearer, [first, second]), steps)

        yield one


def test_relay_and_fence_cut_at_any_point_apply_each_event_once(database: str) -> None:
    with asyncio.Runner() as runner:
        manager = connected(database)
        one = runner.run(manager.__aenter__())

        @settings(max_examples=150, deadline=None, database=None)
        @given(steps=st.lists(STEPS, min_size=10, max_size=40))
        def every(steps: list[tuple[str, Any]]) -> None:
            runner.run(one(steps))

        every()
        runner.run(manager.__aexit__(None, None, None))
