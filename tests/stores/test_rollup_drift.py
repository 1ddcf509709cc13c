"""An altered figure is seen and named; batches that run meanwhile never look like drift."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from prometheus_client import REGISTRY

from contracts.indicators import BY_CODE
from services.chassis.database import Tx
from services.rollup.drift import look_for_drift
from services.rollup.store import drift
from tests.stores.rollup_facts import HOUR, PLACES, T0, a_screening
from tests.stores.rollup_world import a_database, read_batches


def shown() -> float | None:
    return REGISTRY.get_sample_value("gridward_drift_figures")


async def check(tx: Tx) -> list[drift.Drift]:
    async with tx.transaction():
        worked = await look_for_drift(tx, T0)
    assert (worked.events, worked.more) == ((), False)
    return await drift.load_drifts(tx)


ALTERATIONS = {
    "a figure is raised": "update sums set statutory = statutory + 5 where division_code = '330402'",
    "a figure is removed": "delete from sums where division_code = '330402'",
    "a row is removed": "update counted set statement = null, division_code = null, day = null, at = null",
}


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS)
async def test_an_altered_row_is_named_and_the_gauge_rises(database: str, alteration: str) -> None:
    async with a_database(database) as tx:
        await read_batches(tx, [[a_screening()]])
        assert await check(tx) == []
        assert shown() == 0
        await tx.execute(alteration)
        found = await check(tx)
        (county,) = [one for one in found if one.division_code == "330402" and one.tree == "statutory"]
        assert (county.indicator, county.day, county.drill) == ("persons-screened", T0.date(), False)
        assert county.figure != county.recomputed
        assert shown() == len(found)


async def test_a_figure_of_nothing_is_drift_and_a_mended_one_is_none(database: str) -> None:
    async with a_database(database) as tx:
        await tx.execute("insert into sums values ('33', 'arrivals', $1, false, 0, 3)", T0.date())
        assert await check(tx) == [drift.Drift("reporting", "33", "arrivals", T0.date(), False, 3, 0)]
        await tx.execute("delete from sums")
        assert await check(tx) == []
        assert shown() == 0


async def test_every_indicator_is_checked_in_its_turn(database: str) -> None:
    async with a_database(database) as tx:
        assert await drift.oldest_check(tx, list(BY_CODE)) is None
        await check(tx)
        assert await drift.oldest_check(tx, list(BY_CODE)) == T0
        async with tx.transaction():
            await look_for_drift(tx, T0 + HOUR)
        assert await drift.oldest_check(tx, list(BY_CODE)) == T0 + HOUR


async def test_a_check_of_many_rows_is_paid_for_with_turns(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.rollup.drift.ROWS_A_TURN", 2)
    async with a_database(database) as tx:
        await read_batches(tx, [[a_screening(f"s{n}", person=f"p{n}") for n in range(5)]])
        await check(tx)  # five rows: two turns of rest
        await tx.execute("update sums set statutory = 9 where division_code = '33'")
        assert [await check(tx), await check(tx)] == [[], []]
        told = [one for _ in BY_CODE for one in await check(tx)]
        assert {one.division_code for one in told} == {"33"}


async def test_a_replica_that_finds_another_checking_takes_its_result(database: str) -> None:
    async with a_database(database) as one, a_database(database) as other:
        await one.execute("insert into drifts values ('statutory', '33', 'arrivals', $1, false, 1, 2)", T0.date())
        async with one.transaction():
            assert await drift.alone(one)
            assert len(await check(other)) == 1
            assert shown() == 1


async def test_batches_that_run_meanwhile_are_no_drift(database: str) -> None:
    async with a_database(database) as writer, a_database(database) as checker:
        batches = [
            [
                a_screening(f"s{n}-{k}", person=f"p{n}-{k % 90}", at=T0 + timedelta(minutes=k), division=PLACES[k % 6])
                for k in range(100)
            ]
            for n in range(30)
        ]
        writing = asyncio.create_task(read_batches(writer, batches))
        checks = 0
        while not writing.done():
            assert await drift.compare(checker, list(BY_CODE)) == []
            checks += 1
        await writing
        assert checks > 1
        assert await checker.fetchval("select sum(value) from figures where division_code = '33'") == 2 * 30 * 90


async def test_a_check_writes_nothing_but_its_own_tables(database: str) -> None:
    async with a_database(database) as tx:
        await read_batches(tx, [[a_screening()]])
        before = await everything(tx)
        await check(tx)
        assert await everything(tx) == before


async def everything(tx: Tx) -> list[list[asyncpg.Record]]:
    return [await tx.fetch(f"select * from {table}") for table in ("statements", "counted", "sums", "history")]
