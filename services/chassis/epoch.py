"""A new epoch: what a database says again after it was put back to an earlier instant, without loss or doubling.

A marker (a void record, number 1 of the new epoch) closes the old numbers in each lane. What consumers took before the
first marker is read back through their own fence; those events are not said again, the others are numbered from 2.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer, ConsumerRecord
from asyncpg import Connection, Record

from services.chassis.database import Lane
from services.chassis.errors import LogBroken
from services.chassis.fence import Number, Position, judge
from services.chassis.plan import Plan
from services.chassis.reader import LogReader
from services.chassis.sending import send

_LANES = """
select topic, partition, epoch, source, last, tail_offset, last = 0 and tail_offset = 0 and ids = '{}' as is_new
  from lanes order by topic, partition"""
_INTENT = "select opening_epoch, opening_source from relay"
_INTEND = "update relay set opening_epoch = $1, opening_source = $2"
_SAID = "insert into said_before select * from unnest($1::text[], $2::text[], $3::bytea[]) on conflict do nothing"
_DROP = "delete from outbox where event_id = any($1)"
_OPEN = """
update lanes l set epoch = $1, source = $2, last = 1, ids = '{}', tail_offset = x.tail
  from unnest($3::text[], $4::int[], $5::bigint[]) x(topic, partition, tail)
 where (l.topic, l.partition) = (x.topic, x.partition)"""
_DONE = "update relay set opening_epoch = null, opening_source = null"


@dataclass(frozen=True)
class Opened:
    """epoch: the new one. said_before: events that the log has beyond the database; dropped: outbox rows among them."""

    epoch: int
    said_before: int
    dropped: int


async def open_epoch(db: Connection, producer: AIOKafkaProducer, reader: LogReader) -> Opened:
    """Open a new epoch on every lane. The caller holds the relay's lock. A crash on the way: call it again.

    Raises KafkaError or TimeoutError when Kafka does not answer, LogBroken when the log itself lost records.
    """
    lanes: dict[Lane, Record] = {(row["topic"], row["partition"]): row for row in await db.fetch(_LANES)}
    epoch, source = await _intend(db, reader, lanes)
    markers = [Plan(lane, epoch, source, 0, 1, [("marker", None)]) for lane in lanes]
    await asyncio.gather(*(send(producer, marker) for marker in markers))
    spans = await reader.tails({lane: row["tail_offset"] for lane, row in lanes.items()})
    readings = {lane: _Reading(row, (epoch, source), spans[lane].start) for lane, row in lanes.items()}
    async for record in reader.read(spans):
        readings[record.topic, record.partition].take(record)
    return await _open(db, (epoch, source), list(readings.values()))


async def _intend(db: Connection, reader: LogReader, lanes: Mapping[Lane, Record]) -> tuple[int, str]:
    """The epoch to open: the one begun before a crash, else one above all in the lanes and in the log. Stored first."""
    begun, source = await db.fetchrow(_INTENT)
    highest, used = max((row["epoch"] for row in lanes.values()), default=0), False
    spans = await reader.tails({lane: row["tail_offset"] for lane, row in lanes.items()})
    async for record in reader.read(spans):
        number = Number.of(record.headers)
        if number is not None:
            highest = max(highest, number.epoch)
            used = used or (number.epoch == begun and (number.number > 1 or number.source != source))
    if begun is None or used or begun < highest:
        begun, source = highest + 1, secrets.token_hex(4)
        await db.execute(_INTEND, begun, source)
    return begun, source


class _Reading:
    """One lane read back as its consumers read it, up to the first marker; what came later they drop."""

    def __init__(self, row: Record, opening: tuple[int, str], start: int) -> None:
        self.lane: Lane = (row["topic"], row["partition"])
        self.taken: list[tuple[str, str | None, bytes]] = []  # id, cause and record of the events that consumers took
        self.tail: int | None = None  # the offset after the first marker
        self._opening = opening
        # A database that never said anything here may stand in place of a lost one: it reads as new consumers do.
        known = () if row["is_new"] else (row["epoch"], row["source"], row["last"])
        self._position = Position(*self.lane, start, *known)

    def take(self, record: ConsumerRecord) -> None:
        """Raises LogBroken at a gap, or at a number of another database."""
        number = Number.of(record.headers)
        if self.tail is not None:
            return
        if number is not None and (number.epoch, number.source) == self._opening:
            self.tail = record.offset + 1
            return
        judged = judge(self._position, [record])
        if judged.problem is not None:
            raise LogBroken(f"the log cannot be read back: {judged.problem}")
        self._position = judged.position
        self.taken += [_said(one.value) for one in judged.taken if one.value]


def _said(record: bytes) -> tuple[str, str | None, bytes]:
    event = json.loads(record)
    return str(event["id"]), event.get("causation"), record


async def _open(db: Connection, opening: tuple[int, str], readings: Sequence[_Reading]) -> Opened:
    """The lock lets writers under way end first; those after it see `said_before`. Raises LogBroken."""
    unmarked = [reading.lane for reading in readings if reading.tail is None]
    if unmarked:
        raise LogBroken(f"the marker of epoch {opening[0]} is missing in {unmarked} although Kafka took it")
    taken = [event for reading in readings for event in reading.taken]
    ids = [event_id for event_id, _, _ in taken]
    tails = [(*reading.lane, reading.tail) for reading in readings]
    async with db.transaction(isolation="read_committed"):
        await db.execute("lock table outbox in exclusive mode")
        await db.execute(_SAID, *([event[column] for event in taken] for column in range(3)))
        dropped = int((await db.execute(_DROP, ids)).split()[-1])
        if tails:  # rollup says nothing, and so has no lane
            await db.execute(_OPEN, *opening, *map(list, zip(*tails, strict=True)))
        await db.execute(_DONE)
    return Opened(opening[0], len(taken), dropped)
