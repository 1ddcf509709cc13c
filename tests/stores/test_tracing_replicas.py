"""Two replicas of tracing on one database: batches and turns of the deriver all at once end where one alone does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest

from contracts.envelope import Event, Fact
from contracts.events.cases import Classification
from contracts.events.contacts import ContactWay
from tests.stores.tracing_facts import (
    HOUR,
    a_classification,
    a_finding,
    a_placement,
    a_test,
    a_tube,
    a_tube_result,
    an_exposure,
    an_order,
    at,
    heard,
)
from tests.stores.tracing_world import Tracing, tracing_on

PERSONS = [f"P{n:02}" for n in range(30)]
WAYS = [ContactWay.DINED, ContactWay.LIVED, ContactWay.SHARED_VENUE]


def an_outbreak(chance: Random) -> Iterator[Event[Fact]]:
    """Five cases who come and go, meetings moved and taken back, orders, placements, tests, tubes."""
    for case in PERSONS[:5]:
        yield heard(a_finding(case, onset=at(4)), at(5, 9))
        for n in (1, 2, 3):
            now = chance.choice(list(Classification))
            yield heard(a_classification(case, now, made=at(5, n), n=n), at(5, n))
    for n in range(120):
        one, other = chance.sample(PERSONS, 2)
        first = at(3) + chance.randrange(96) * HOUR
        for revision in range(1, chance.choice([2, 2, 3])):
            gone = revision == 2 and chance.random() < 0.5
            meeting = an_exposure(one, other, first=first + revision * HOUR, way=chance.choice(WAYS), n=n)
            yield heard(meeting.model_copy(update={"revision": revision, "withdrawn": gone}), at(6, revision))
    for n, person in enumerate(chance.sample(PERSONS, 12)):
        yield heard(an_order(person), at(6))
        yield heard(a_placement(person, at(6, 6)), at(6, 6))
        yield heard(a_test(person, at(6, 8)), at(6, 20))
        yield heard(a_test(person, at(7), n=2), at(7, 20))
        yield heard(a_tube(f"T{n}", chance.sample(PERSONS, 4)), at(5))
        yield heard(a_tube_result(f"T{n}"), at(5, 8))


async def write(tracing: Tracing, batches: Sequence[Sequence[Event[Fact]]]) -> None:
    async with tracing.connection() as tx:
        for batch in batches:
            await tracing.hear(tx, batch)


async def derive_until(tracing: Tracing, written: asyncio.Event) -> int:
    turns, more = 0, True
    async with tracing.connection() as tx:
        while more or not written.is_set():
            _, more = await tracing.turn(tx)
            turns += 1
    return turns


async def at_once(tracing: Tracing, events: Sequence[Event[Fact]]) -> dict[str, Any]:
    """Two writers with half of the batches each, two derivers beside them; what is published at rest."""
    batches = [events[n : n + 9] for n in range(0, len(events), 9)]
    written = asyncio.Event()
    derivers = [asyncio.create_task(derive_until(tracing, written)) for _ in range(2)]
    await asyncio.gather(write(tracing, batches[::2]), write(tracing, batches[1::2]))
    written.set()
    assert min(await asyncio.gather(*derivers)) > 1
    async with tracing.connection() as tx:
        await tracing.settle(tx)
        return await tracing.published(tx)


@pytest.mark.parametrize("seed", range(4))
async def test_two_writers_and_two_derivers_at_once_end_where_one_alone_does(
    database: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("services.tracing.deriver.TURN_ROWS", 4)
    chance = Random(seed)
    events = list(an_outbreak(chance))
    tracing = await tracing_on(database)
    async with tracing.connection() as tx:
        await tracing.hear(tx, events)
        await tracing.settle(tx, most=1000)
        expected = await tracing.published(tx)
        names = "exposures tests tubes tube_members tube_results findings classifications orders placements"
        await tx.execute(f"truncate stale, states, published, {', '.join(names.split())}")
    chance.shuffle(events)
    assert len(expected) > 50
    assert await at_once(tracing, events) == expected
