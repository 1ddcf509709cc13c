"""The topic that all read: numbered screenings, written by the product's own relay, which is timed doing it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from benchmarks.lab import Lab, ready
from benchmarks.measure import BenchError, rate_until
from benchmarks.scale import GRIDS, Scale
from benchmarks.town import grids, screenings
from contracts.events.canvassing import CaseScreened
from contracts.topics import OF_FACT

TOPIC = OF_FACT[CaseScreened]
_COLUMNS = ("topic", "partition", "event_id", "key", "record")
_SENT = "select coalesce(sum(last), 0)::bigint from intake.lanes where topic = 'screenings'"
_LEFT = "select count(*) from intake.outbox"
Row = tuple[str, int, str, str, bytes]


@dataclass(frozen=True)
class Log:
    """What lies in the topic. by_grid: screenings of each grid; bytes: of all values. rates: of the relay, rows/s."""

    records: int
    by_grid: Counter[str]
    bytes: int
    rates: list[float] = field(default_factory=list)


async def write_log(lab: Lab, scale: Scale, tell: Callable[[str], None]) -> Log:
    """Rows into intake's outbox, in parts; each part is committed at once and timed until all of it is deleted.

    The relay is that of a real intake process, and it has nothing else to do.
    """
    tell(f"making {scale.screenings:,} screenings")
    rows, by_grid = await asyncio.to_thread(_made, scale.screenings)
    log = Log(len(rows), by_grid, sum(len(row[-1]) for row in rows))
    async with lab.service("intake", lab.database) as (url, _):
        await ready(f"{url}/readyz")
        connection = await asyncpg.connect(lab.database)
        try:
            step = -(-len(rows) // scale.rounds)
            for at in range(0, len(rows), step):
                log.rates.append(await _relayed(connection, rows[at : at + step], at))
                tell(f"relay: {log.rates[-1]:,.0f} rows/s")
            if left := await connection.fetchval(_LEFT):
                raise BenchError(f"the relay left {left} rows in the outbox")
        finally:
            await connection.close()
    return log


async def _relayed(connection: asyncpg.Connection, rows: Sequence[Row], before: int) -> float:
    async def look() -> int:
        return int(await connection.fetchval(_SENT)) - before

    await connection.copy_records_to_table("outbox", schema_name="intake", columns=_COLUMNS, records=rows)
    return await rate_until(look, len(rows))


def _made(wanted: int) -> tuple[list[Row], Counter[str]]:
    rows, by_grid = list[Row](), Counter[str]()
    for event in screenings(wanted, grids(GRIDS)):
        lane = TOPIC.partition_of(event.subject)
        rows.append((TOPIC.key, lane, event.id, event.subject, event.to_wire()))
        by_grid[event.division] += 1
    return rows, by_grid
