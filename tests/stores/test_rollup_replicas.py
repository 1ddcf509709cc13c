"""Two replicas on one subject: both wait, neither deadlocks, the subject counts once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.events.cases import Classification
from contracts.events.quarantine import Care
from contracts.indicators import BY_CODE
from services.chassis.database import Tx
from services.rollup.handlers import on_batch
from services.rollup.store import drift
from tests.stores.rollup_world import (
    HOUR,
    PLACES,
    T0,
    a_database,
    a_screening,
    an_episode,
    figures_of,
    read_batches,
    stored_figures,
)

_WAITS = "select exists (select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock')"


async def until_waiting(watcher: Tx, pid: int) -> None:
    async with asyncio.timeout(10):
        while not await watcher.fetchval(_WAITS, pid):
            pass


EARLY = a_screening("late-read", at=T0 - HOUR, division=PLACES[1])
PAIRS = {
    "another statement on the same new subject": (a_screening(), EARLY),
    "the same statement twice": (a_screening(), a_screening()),
    "a correction beside its original": (a_screening(), a_screening(revision=2, division=PLACES[2])),
    "a withdrawal beside its original": (a_screening(), a_screening(revision=2, withdrawn=True)),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["as said", "the other first"])
async def test_the_second_waits_for_the_first_and_takes_it_into_account(
    database: str, pair: Sequence[Event[Any]], order: tuple[int, int]
) -> None:
    async with a_database(database) as one, a_database(database) as other, a_database(database) as watcher:
        async with one.transaction():
            await on_batch([pair[order[0]]], one)
            waiting = asyncio.create_task(read_batches(other, [[pair[order[1]]]]))
            await until_waiting(watcher, other.get_server_pid())
        await waiting
        assert await stored_figures(one) == figures_of(pair)
        assert await drift.compare(one, list(BY_CODE)) == []


async def test_replicas_that_touch_the_same_rows_in_any_order_never_deadlock(database: str) -> None:
    chance = random.Random(5)
    events = [event for person in range(40) for event in one_person(f"p{person}")]
    shares = [chance.sample(events, len(events)) for _ in range(3)]
    async with a_database(database) as one, a_database(database) as other, a_database(database) as third:
        await asyncio.gather(*(
            read_batches(tx, [share[at : at + 25] for at in range(0, len(share), 25)])
            for tx, share in zip((one, other, third), shares, strict=True)
        ))
        assert await stored_figures(one) == figures_of(events)
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
