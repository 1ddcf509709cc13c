"""Who counts screenings by division, and how fast: ours, FastStream one by one, Quix Streams; and reading alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from benchmarks.lab import PROJECT, Lab
from benchmarks.measure import BenchError, Look, rate_until
from benchmarks.scale import Scale
from benchmarks.topic import TOPIC, Log
from benchmarks.town import INDICATOR, PROVINCE
from deploy.local import Child

_HEARD = "select coalesce(sum(last), 0)::bigint from rollup.positions where topic = 'screenings'"
_COUNTED = "select value from figures where division_code = '33'"
_BY_GRID = """
select division_code, value from rollup.figures
where tree = 'statutory' and indicator = $1 and length(division_code) = 15"""
QUIX_PYTHON = os.environ.get("GRIDWARD_BENCH_QUIX", str(PROJECT / ".venv" / "peers" / "bin" / "python"))


async def read_alone(lab: Lab, log: Log) -> float:
    """Records a second of one process that does nothing with them."""
    return await lab.told_by("reading_alone", TOPIC=TOPIC.key, PARTITIONS=TOPIC.partitions, RECORDS=log.records)


async def count_ours(lab: Lab, log: Log, database: str, tell: Callable[[int], None]) -> float:
    """Records a second of `gridward rollup` from its first commit to its last. Raises BenchError if a figure is off."""
    async with lab.service("rollup", database) as (url, child), _value(database, _HEARD) as look:
        rate = await _or_its_end(rate_until(look, log.records, tell), child)
        await _must_be_exact(lab, url, database, log)
    return rate


async def _must_be_exact(lab: Lab, url: str, database: str, log: Log) -> None:
    """The province, each of the grids, and no figure that differs from its rows: a fast wrong one must not win."""
    async with lab.client() as client:
        asked = {"division": PROVINCE, "indicator": INDICATOR}
        table = (await client.get(f"{url}/figures", params=asked)).raise_for_status().json()
        drift = (await client.get(f"{url}/drift", params={"now": True})).raise_for_status().json()["drift"]
    connection = await asyncpg.connect(database)
    try:
        by_grid = dict(await connection.fetch(_BY_GRID, INDICATOR))
    finally:
        await connection.close()
    counted = table["total"]["figures"].get(INDICATOR, 0)
    if (counted, drift, by_grid) != (log.records, 0, log.by_grid):
        wrong = sum(by_grid.get(code, 0) != count for code, count in log.by_grid.items())
        raise BenchError(f"rollup counted {counted:,} of {log.records:,}; drift {drift}, grids that are wrong: {wrong}")


async def count_one_by_one(lab: Lab, scale: Scale, name: str) -> float:
    """Messages a second of FastStream, one message and one upsert at a time."""
    async with lab.own_database(name) as database:
        own = {"TOPIC": TOPIC.key, "GROUP": name, "DATABASE": database}
        async with lab.peer("one_by_one", **own) as child, _value(database, _COUNTED) as look:
            return await _or_its_end(rate_until(look, scale.one_by_one), child)


async def _or_its_end(work: Coroutine[Any, Any, float], child: Child) -> float:
    measuring, ending = asyncio.create_task(work), asyncio.create_task(child.wait())
    try:
        await asyncio.wait({measuring, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not measuring.done():
            raise BenchError(f"{child.name} ended by itself:\n{child.log_tail()}")
        return measuring.result()
    finally:
        measuring.cancel()
        ending.cancel()


async def count_quix(lab: Lab, scale: Scale, name: str) -> float:
    """Messages a second of Quix Streams."""
    return await lab.told_by("quix", QUIX_PYTHON, TOPIC=TOPIC.key, GROUP=name, RECORDS=scale.quix)


@asynccontextmanager
async def _value(database: str, query: str) -> AsyncIterator[Look]:
    """Looks at one number; 0 until the table is there."""
    connection = await asyncpg.connect(database)

    async def look() -> int:
        try:
            return int(await connection.fetchval(query) or 0)
        except asyncpg.UndefinedTableError:
            return 0

    try:
        yield look
    finally:
        await connection.close()
