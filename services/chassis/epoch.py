"""A new epoch: what a database says again after it was put back to an earlier instant, without loss or doubling.

A marker (a void record, number 1 of the new epoch) closes the old numbers in each lane. What consumers took before the
first marker is read back through their own fence; those events are not said again, the others are numbered from 2.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from asyncpg import Connection, Record

from services.chassis.database import Lane
from services.chassis.errors import LogBroken
from services.chassis.fence import Number, Position, judge
from services.chassis.plan import Plan
from services.chassis.reader import LogReader, tail_start
from services.chassis.sending import send

_LANES = "select topic, partition, epoch, source, last, tail_offset from lanes order by topic, partition"
_INTENT = "select opening_epoch, opening_source from relay"
_INTEND = "update relay set opening_epoch = $1, opening_source = $2"
_SAID = "insert into said_before select unnest($1::text[]) on conflict do nothing"
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
    taken: list[str] = []
    tails: list[tuple[str, int, int]] = []
    ends, starts = await reader.ends(lanes), await reader.starts(lanes)
    for lane, row in lanes.items():
        start = tail_start(row["tail_offset"], starts[lane], ends[lane])
        own, tail = await _read_back(reader, row, (epoch, source), start, ends[lane])
        taken += own
        tails.append((*lane, tail))
    return await _open(db, (epoch, source), taken, tails)


async def _intend(db: Connection, reader: LogReader, lanes: Mapping[Lane, Record]) -> tuple[int, str]:
    """The epoch to open: the one begun before a crash, else one above all in the lanes and in the log. Stored first."""
    begun, source = await db.fetchrow(_INTENT)
    highest, used = max((row["epoch"] for row in lanes.values()), default=0), False
    ends, starts = await reader.ends(lanes), await reader.starts(lanes)
    for lane, row in lanes.items():
        async for record in reader.read(lane, tail_start(row["tail_offset"], starts[lane], ends[lane]), ends[lane]):
            number = Number.of(record.headers)
            if number is not None:
                highest = max(highest, number.epoch)
                used = used or (number.epoch == begun and (number.number > 1 or number.source != source))
    if begun is None or used or begun < highest:
        begun, source = highest + 1, secrets.token_hex(4)
        await db.execute(_INTEND, begun, source)
    return begun, source


async def _read_back(
    reader: LogReader, row: Record, opening: tuple[int, str], start: int, end: int
) -> tuple[list[str], int]:
    """Ids of the events that consumers took of a lane before the first marker, and the offset after that marker."""
    position = Position(row["topic"], row["partition"], start, row["epoch"], row["source"], row["last"])
    taken: list[str] = []
    async for record in reader.read(position.lane, start, end):
        number = Number.of(record.headers)
        if number is not None and (number.epoch, number.source) == opening:
            return taken, record.offset + 1
        judged = judge(position, [record])
        if judged.problem is not None:
            raise LogBroken(f"the log cannot be read back: {judged.problem}")
        position = judged.position
        taken += [str(json.loads(one.value)["id"]) for one in judged.taken if one.value]
    raise LogBroken(f"{row['topic']}/{row['partition']} has no marker of epoch {opening[0]} although Kafka answered")


async def _open(
    db: Connection, opening: tuple[int, str], taken: list[str], tails: list[tuple[str, int, int]]
) -> Opened:
    """The lock lets writers under way end first; those after it see `said_before`."""
    async with db.transaction(isolation="read_committed"):
        await db.execute("lock table outbox in exclusive mode")
        await db.execute(_SAID, taken)
        dropped = int((await db.execute(_DROP, taken)).split()[-1])
        await db.execute(_OPEN, *opening, *map(list, zip(*tails, strict=True)))
        await db.execute(_DONE)
    return Opened(opening[0], len(taken), dropped)
