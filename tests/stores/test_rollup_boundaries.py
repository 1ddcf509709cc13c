"""A functional area that takes another township: lines are drawn anew, figures summed anew, once."""

from __future__ import annotations

import asyncio

from contracts.divisions import Divisions
from contracts.indicators import BY_CODE
from services.chassis.database import Tx
from services.rollup.gathering import gather
from services.rollup.handlers import on_batch
from services.rollup.store import drift, places
from tests.stores.rollup_facts import PLACES, a_screening
from tests.stores.rollup_world import a_database, figures_of, read_batches, stored_figures, until_waiting

EVENTS = [a_screening(f"s{n}", person=f"p{n}", division=place) for n, place in enumerate(PLACES)]
AREA = {"code": "3304K1", "name": "another zone", "parent": "3304", "takes": PLACES[0][:9]}


def changed() -> Divisions:
    return Divisions.load().with_areas([AREA])


async def redrawn(tx: Tx, divisions: Divisions) -> list[str]:
    async with tx.transaction():
        return await places.redraw(tx, divisions)


async def test_figures_follow_a_boundary_that_changed(database: str) -> None:
    async with a_database(database) as tx:
        await read_batches(tx, [EVENTS])
        assert await redrawn(tx, changed()) == [PLACES[0][:12]]  # the line of a village is that of its grids
        figures = await stored_figures(tx)
        assert figures == figures_of(EVENTS, changed())
        assert figures != figures_of(EVENTS)
        assert await drift.compare(tx, list(BY_CODE)) == []
        assert await redrawn(tx, changed()) == []


async def test_an_unchanged_edition_touches_nothing(database: str) -> None:
    async with a_database(database) as tx:
        await read_batches(tx, [EVENTS])
        await tx.execute("update sums set statutory = statutory + 1 where division_code = '33'")
        assert await redrawn(tx, Divisions.load()) == []
        assert await drift.compare(tx, list(BY_CODE))  # what somebody altered is shown, not mended in silence


async def test_a_batch_under_way_is_waited_for(database: str) -> None:
    async with a_database(database) as tx, a_database(database) as starting, a_database(database) as watcher:
        await read_batches(tx, [EVENTS[1:]])
        async with tx.transaction():
            await on_batch(await gather(EVENTS[:1]), tx)
            waiting = asyncio.create_task(redrawn(starting, changed()))
            await until_waiting(watcher, starting.get_server_pid())
        assert await waiting == [PLACES[0][:12]]
        assert await stored_figures(tx) == figures_of(EVENTS, changed())
