"""After a process that died: small batches, each noted before it runs, so that a record that kills is found alone.

Whoever is given a lane leaves a mark and takes it away at a clean end. A mark of another process says that it died
there: what it may have had in hand is read in batches of 16, 64, 256 … Did a process die in one of these, its records
run one by one; the record that three processes died of, alone each time, is a dead letter. Else nothing is written.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import structlog
from aiokafka import ConsumerRecord
from asyncpg import Pool, Record

from services.chassis.database import Lane, columns_of
from services.chassis.reader import LogReader

log = structlog.get_logger()

FIRST = 16  # records of the first batch after a death
GROWTH = 4
DEATHS = 3  # of a record that ran alone each time; a kill from outside does not hit the same one three times
IN_HAND = 60_000  # records that the process that died may have read and not applied: two batches

_OFFSETS = "select topic, partition, next_offset from positions where consumer = $1"
_MARK = """
insert into hearings (consumer, topic, partition, run)
select $1, t, p, $2 from unnest($3::text[], $4::int[]) x(t, p) order by t, p
on conflict (consumer, topic, partition) do update set run = excluded.run
returning topic, partition, old.run as before, old.first, old.last, old.tried_by, old.deaths"""
_COUNT = """
update hearings h set tried_by = null, deaths = x.deaths
  from unnest($2::text[], $3::int[], $4::int[]) x(topic, partition, deaths)
 where h.consumer = $1 and (h.topic, h.partition) = (x.topic, x.partition)"""
_TRY = """
update hearings set first = $5, last = $6, tried_by = $2, deaths = $7
 where (consumer, run, topic, partition) = ($1, $2, $3, $4)"""
_ALIVE = "update hearings set tried_by = null where (consumer, tried_by) = ($1, $2)"
_LEAVE = """
update hearings h set tried_by = null, run = (select $2 from unnest($3::text[], $4::int[]) x(t, p)
                                               where (x.t, x.p) = (h.topic, h.partition))
 where (consumer, run) = ($1, $2)"""
_PATIENCE = 5.0  # seconds; a rebalance waits for this


class KillsProcess(Exception):
    """Why a record is a dead letter that never came back from its handler."""

    def __init__(self) -> None:
        super().__init__(f"{DEATHS} processes died while this record ran alone: memory, a crash in a library, os._exit")


@dataclass
class _Careful:
    """How a lane is read. until: the offset at which care ends; alone_until: records below it run one by one."""

    until: int
    alone_until: int
    at: int  # the offset at which the lane stood, and how many died of the record there
    deaths: int
    size: int = FIRST


class Care:
    """What one process knows of the lanes that it was given."""

    def __init__(self, pool: Pool, reader: LogReader, consumer: str) -> None:
        self._pool, self._reader, self._consumer, self._run = pool, reader, consumer, secrets.token_hex(8)
        self._careful: dict[Lane, _Careful] = {}
        self._marked: set[Lane] = set()
        self._trying = False
        self._beginning = asyncio.Lock()

    async def own(self, lanes: Collection[Lane]) -> None:
        """Before a batch: records may come before the listener has said that the lanes are ours. Raises KafkaError."""
        if new := set(lanes) - self._marked:
            rows = await self._pool.fetch(_OFFSETS, self._consumer)
            offsets = {(topic, partition): offset for topic, partition, offset in rows if (topic, partition) in new}
            await self.begin(offsets, await self._reader.ends(new))

    async def begin(self, offsets: Mapping[Lane, int], ends: Mapping[Lane, int]) -> None:
        """Mark lanes as this process' own. offsets: where each stands; ends: of its log.

        One after the other: who comes second finds its own mark, and must know by then what the first one found.
        """
        async with self._beginning:
            await self._begin(offsets, ends)

    async def _begin(self, offsets: Mapping[Lane, int], ends: Mapping[Lane, int]) -> None:
        async with self._pool.acquire() as tx, tx.transaction():
            rows = await tx.fetch(_MARK, self._consumer, self._run, *columns_of(sorted(offsets)))
            found: dict[Lane, _Careful] = {}
            for row in rows:
                lane = (row["topic"], row["partition"])
                if row["before"] not in (None, self._run) and ends[lane] > offsets[lane]:
                    found[lane] = _after_a_death(row, offsets[lane], ends[lane])
                elif row["before"] != self._run:
                    self._careful.pop(lane, None)
            await tx.execute(_COUNT, self._consumer, *columns_of(found), [one.deaths for one in found.values()])
        self._careful |= found
        self._marked |= set(offsets)
        if found:
            log.warning("a process died here", service=self._consumer, lanes=[f"{t}/{p}" for t, p in found])

    def trusts(self, lanes: Collection[Lane]) -> bool:
        """Whether these are ours, and nobody died in any of ours: a record may be looked at before it is noted."""
        return not self._careful and self._marked.issuperset(lanes)

    async def limit(self, records: Sequence[ConsumerRecord]) -> Sequence[ConsumerRecord]:
        """As many of these as may run together: all, but after a death. Notes them first, committed, then."""
        if not self._careful:
            return records
        lane = _lane_of(records[0])
        careful = self._careful.get(lane)
        if careful is None:
            return list(takewhile(lambda record: _lane_of(record) not in self._careful, records))
        own = list(takewhile(lambda record: _lane_of(record) == lane, records))
        if own[0].offset < careful.at:  # applied before: read again by a client that has not sought yet
            return list(takewhile(lambda record: record.offset < careful.at, own))
        cut = own[: 1 if own[0].offset < careful.alone_until else careful.size]
        first, last = cut[0].offset, cut[-1].offset
        deaths = careful.deaths if first == last == careful.at else 0
        await self._pool.execute(_TRY, self._consumer, self._run, *lane, first, last, deaths)
        self._trying = True
        return cut

    def verdict(self, cut: Sequence[ConsumerRecord]) -> KillsProcess | None:
        """Why the one record of this cut is set aside without running again."""
        careful = self._careful.get(_lane_of(cut[0]))
        if careful and careful.deaths >= DEATHS and len(cut) == 1 and cut[0].offset == careful.at:
            error = KillsProcess()
            log.error("set aside", service=self._consumer, lane=_lane_of(cut[0]), offset=careful.at, reason=str(error))
            return error
        return None

    def passed(self, cut: Sequence[ConsumerRecord]) -> None:
        """These were applied: grow, or read as usual again."""
        self._trying = False
        lane, done = _lane_of(cut[-1]), cut[-1].offset + 1
        careful = self._careful.get(lane)
        if careful and done >= careful.until:
            del self._careful[lane]
        elif careful and done > max(careful.at, careful.alone_until) and len(cut) == careful.size:
            careful.size *= GROWTH

    async def lives(self) -> None:
        """This process met an error and lives: what it tried has not killed it."""
        if self._trying:
            await self._say(_ALIVE)

    async def leave(self) -> None:
        """A clean end, or the lanes are taken away: nobody died here. What is still suspected stays so."""
        self._marked = set()
        await self._say(_LEAVE, *columns_of(self._careful))

    async def _say(self, statement: str, *lanes: Sequence[object]) -> None:
        """What cannot be said makes the next one careful without need; the batch's own error is the one that counts."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._pool.execute(statement, self._consumer, self._run, *lanes)
            self._trying = False
        except Exception as error:
            log.warning("not noted", service=self._consumer, error=repr(error))


def _after_a_death(row: Record, at: int, end: int) -> _Careful:
    """Suspects are what was noted and not applied. A death is counted once, by who finds it, for a record alone."""
    until, suspects = min(end, at + IN_HAND), row["first"] is not None and row["first"] <= at <= row["last"]
    if not suspects:
        return _Careful(until, at, at, 0)
    alone = row["first"] == row["last"]
    deaths = row["deaths"] + 1 if alone and row["tried_by"] else 0 if not alone else row["deaths"]
    return _Careful(max(until, row["last"] + 1), row["last"] + 1, at, deaths)


def _lane_of(record: ConsumerRecord) -> Lane:
    return record.topic, record.partition
