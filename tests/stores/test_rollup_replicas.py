"""Two replicas on one subject: both wait, neither deadlocks, the subject counts once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import chain
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.events.cases import Classification
from contracts.events.quarantine import Care
from contracts.indicators import BY_CODE
from services.rollup.gathering import gather
from services.rollup.handlers import on_batch
from services.rollup.store import drift
from tests.stores.rollup_facts import HOUR, PLACES, T0, a_screening, an_episode
from tests.stores.rollup_world import a_database, figures_of, read_batches, stored_figures, until_waiting

FIRST = a_screening()
EARLY = a_screening("s2", at=T0 - HOUR, division=PLACES[1])
EARLIEST = a_screening("s3", at=T0 - 2 * HOUR, division=PLACES[2])
# What is known already, and the two that are read side by side.
CASES: dict[str, tuple[list[Event[Any]], list[Event[Any]]]] = {
    "two statements on a new subject": ([], [FIRST, EARLY]),
    "two statements on a known subject": ([FIRST], [EARLY, EARLIEST]),
    "the same statement twice": ([], [FIRST, FIRST]),
    "a correction beside its original": ([], [FIRST, a_screening(revision=2, division=PLACES[2])]),
    "a withdrawal beside its original": ([], [FIRST, a_screening(revision=2, withdrawn=True)]),
    "two corrections of a known statement": (
        [FIRST],
        [a_screening(revision=2, person="p2"), a_screening(revision=3, person="p3", division=PLACES[2])],
    ),
}


@pytest.mark.parametrize(("known", "pair"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["as said", "the other first"])
async def test_the_second_waits_for_the_first_and_takes_it_into_account(
    database: str, known: Sequence[Event[Any]], pair: Sequence[Event[Any]], order: tuple[int, int]
) -> None:
    async with a_database(database) as one, a_database(database) as other, a_database(database) as watcher:
        await read_batches(one, [known])
        async with one.transaction():
            await on_batch(await gather([pair[order[0]]]), one)
            waiting = asyncio.create_task(read_batches(other, [[pair[order[1]]]]))
            await until_waiting(watcher, other.get_server_pid())
        await waiting
        assert await stored_figures(one) == figures_of([*known, *pair])
        assert await drift.compare(one, list(BY_CODE)) == []


async def test_replicas_that_touch_the_same_rows_in_any_order_never_deadlock(database: str) -> None:
    chance = random.Random(5)
    events = [event for person in range(40) for event in one_person(f"p{person}")]
    shares = [chance.sample(events, len(events)) for _ in range(3)]
    async with a_database(database) as one, a_database(database) as other, a_database(database) as third:
        await asyncio.gather(
            *(
                read_batches(tx, [share[at : at + 25] for at in range(0, len(share), 25)])
                for tx, share in zip((one, other, third), shares, strict=True)
            )
        )
        assert await stored_figures(one) == figures_of(events)
        assert await drift.compare(one, list(BY_CODE)) == []


@pytest.mark.parametrize("apart", [False, True], ids=["on the same subjects", "on others in the same divisions"])
async def test_replicas_with_other_statements_never_deadlock(database: str, apart: bool) -> None:
    chance = random.Random(6)
    persons = [f"p{n}" for n in range(90)]
    known = [a_screening(f"a-{person}", person=person) for person in persons]
    shares = [
        [
            a_screening(
                f"{name}-{lap}-{person}",
                person=f"{person}{name * apart}",
                at=T0 - 9 * lap * HOUR,
                division=chance.choice(PLACES),
                celsius=38.5,
            )
            for lap in range(8)
            for person in chance.sample(persons, len(persons))
        ]
        for name in "bcde"
    ]
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(a_database(database)) for _ in shares]
        one = replicas[0]
        await read_batches(one, [known])
        await asyncio.gather(
            *(
                read_batches(tx, [share[at : at + 30] for at in range(0, len(share), 30)])
                for tx, share in zip(replicas, shares, strict=True)
            )
        )
        assert await stored_figures(one) == figures_of([*known, *chain(*shares)])
        assert await drift.compare(one, list(BY_CODE)) == []


def one_person(person: str) -> list[Event[Any]]:
    """Two statements on one subject, each corrected or withdrawn; an episode that goes on and moves."""
    return [
        a_screening(f"a-{person}", 1, person=person, division=PLACES[0]),
        a_screening(f"a-{person}", 2, person=person, division=PLACES[2], celsius=38.5),
        a_screening(f"b-{person}", 1, person=person, division=PLACES[1], at=T0 - HOUR),
        a_screening(f"b-{person}", 2, person=person, withdrawn=True),
        a_screening(f"c-{person}", 1, person="p0", round_id=person, division=PLACES[3]),
        an_episode(person, 1, classification=Classification.PRELIMINARY_POSITIVE),
        an_episode(person, 2, care=Care.AWAITING_TRANSFER),
        an_episode(person, 3, care=Care.ISOLATED, division=PLACES[5]),
    ]
