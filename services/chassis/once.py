"""One transaction of the consumer: lock the positions, judge, work, keep; then, and only then, is anything true.

Nothing about positions is remembered between transactions. What an exception rolls back is read again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord
from asyncpg import Connection, Pool

from contracts.envelope import Event, Fact, parse
from contracts.events.policies import TimeAdvanced
from services.chassis import clock, deadletter, outbox
from services.chassis.ahead import Ahead, for_handlers, read_all
from services.chassis.database import Lane, Tx, columns_of
from services.chassis.deadletter import Failed
from services.chassis.errors import NotOurs, OversizedEvent, PositionsMissing
from services.chassis.fence import Judged, Position, Problem, judge
from services.chassis.masking import reason_of
from services.chassis.service import Service

_LOCK = """
select p.topic, p.partition, p.next_offset, p.epoch, p.source, p.last
  from positions p join unnest($1::text[], $2::int[]) x(t, p) on (p.topic, p.partition) = (x.t, x.p)
 where p.consumer = $3 order by p.topic, p.partition for update of p"""
_MOVE = """
update positions p set next_offset = x.next_offset, epoch = x.epoch, source = x.source, last = x.last
  from unnest($2::text[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::bigint[])
       x(topic, partition, next_offset, epoch, source, last)
 where p.consumer = $1 and (p.topic, p.partition) = (x.topic, x.partition)"""

FAULTS_OF_A_RECORD = (NotOurs, OversizedEvent)  # errors of the chassis that what a handler says may cause
NOTHING_READ = Ahead()
NO_NUMBER = "no number: the header `n` is missing or cannot be read, so the record is not of this log's relay"


@dataclass
class Applied:
    """What one transaction did. problems: by lane, what stands against going on there."""

    problems: dict[Lane, Problem] = field(default_factory=dict)
    taken: int = 0
    said: int = 0
    repeats: int = 0
    old_epochs: int = 0
    dead: list[str] = field(default_factory=list)  # the topic of each dead letter


def by_lane(records: Sequence[ConsumerRecord]) -> dict[Lane, Sequence[ConsumerRecord]]:
    """The records of a batch (grouped by lane, ascending) by lane."""
    lanes: dict[Lane, Sequence[ConsumerRecord]] = {}
    at = 0
    while at < len(records):
        lane = _lane_of(records[at])
        end = bisect_left(range(len(records)), True, at, key=lambda i: _lane_of(records[i]) != lane)
        lanes[lane], at = records[at:end], end
    return lanes


def _lane_of(record: ConsumerRecord) -> Lane:
    return record.topic, record.partition


async def lock(tx: Tx, consumer: str, lanes: Sequence[Lane]) -> dict[Lane, Position]:
    """The stored positions of these lanes, locked until the end. Raises PositionsMissing."""
    rows = await tx.fetch(_LOCK, *columns_of(lanes), consumer)
    if len(rows) != len(lanes):
        missing = len(lanes) - len(rows)
        raise PositionsMissing(f"{missing} lanes of {consumer} have no position: restart it, start-up makes them")
    return {(row["topic"], row["partition"]): Position(*row) for row in rows}


async def apply(
    pool: Pool,
    service: Service,
    records: Sequence[ConsumerRecord],
    *,
    log_starts: Mapping[Lane, int],
    dead_letters_an_hour: int,
    ahead: Ahead = NOTHING_READ,
    condemned: BaseException | None = None,
) -> Applied:
    """Apply a batch, or a prefix of one, in one transaction.

    log_starts: where lanes are known to begin. ahead: records read before; those of lanes that are not in it are read
    here. condemned: why the one record of this prefix is set aside.
    """
    lanes = by_lane(records)
    applied = Applied()
    async with pool.acquire() as tx, tx.transaction(isolation="read_committed"):
        stored = await lock(tx, service.name, sorted(lanes))
        judged = [judge(stored[lane], own, log_starts.get(lane, 0)) for lane, own in lanes.items()]
        events, failed = _read(judged, condemned, ahead, service.parse)
        said = await _work(service, events, tx, ahead)
        await deadletter.keep(tx, failed, dead_letters_an_hour)
        applied.said = await outbox.write(tx, service.name, said)
        await _move(tx, service.name, [each.position for each in judged if each.position != stored[each.position.lane]])
    applied.problems = {each.position.lane: each.problem for each in judged if each.problem}
    applied.taken = sum(len(each.taken) for each in judged)
    applied.repeats = sum(each.repeats for each in judged)
    applied.old_epochs = sum(each.old_epochs for each in judged)
    applied.dead = [one.record.topic for one in failed]
    return applied


def _read(
    judged: Sequence[Judged[ConsumerRecord]],
    condemned: BaseException | None,
    ahead: Ahead,
    parse: Callable[[bytes], Any],
) -> tuple[list[Event[Fact]], list[Failed]]:
    """The events taken, in order; what cannot be read is a dead letter at once, a void record is neither."""
    events: list[Event[Fact]] = []
    failed: list[Failed] = []
    for lane in judged:
        failed += [Failed(record, NO_NUMBER) for record in lane.foreign]
        taken = [record for record in lane.taken if record.value is not None]
        if condemned is not None:
            failed += [Failed(record, reason_of(condemned, record.value)) for record in taken]
            continue
        known = ahead.by_lane.get(lane.position.lane) or read_all(taken, parse)
        found = [known[record.offset] for record in taken]
        events += [one for one in found if not isinstance(one, Exception)]
        failed += [
            Failed(record, reason_of(one, record.value))
            for record, one in zip(taken, found, strict=True)
            if isinstance(one, Exception)
        ]
    return events, failed


async def _work(
    service: Service, events: Sequence[Event[Fact]], tx: Tx, ahead: Ahead = NOTHING_READ
) -> list[Event[Any]]:
    """What the service says to these events. The stage clock is the chassis' own business."""
    for event in events:
        if type(event.data) is TimeAdvanced:  # isinstance goes by way of Python for a model, for each event
            await clock.advance(tx, event.data)
    return await handled(service, events, tx, ahead)


async def handled(
    service: Service, events: Sequence[Event[Any]], tx: Tx, ahead: Ahead = NOTHING_READ
) -> list[Event[Any]]:
    """What the service's handlers say to these events; those of the stage clock are not theirs."""
    told = for_handlers(events)
    if service.on_batch is not None:
        return await service.on_batch(await _gathered(service, told, ahead), tx) if told else []
    said: list[Event[Any]] = []
    for event in told:
        handler = service.handlers.get(type(event.data))
        if handler is not None:
            said += await handler(event, tx)
    return said


async def _gathered(service: Service, told: Sequence[Event[Any]], ahead: Ahead) -> Any:
    """Made before if it was made of these very events, which they are unless some were refused, cut off or repeated."""
    if service.gather is None:
        return told
    return ahead.gathered if ahead.gathered is not None and told == ahead.events else await service.gather(told)


async def _move(tx: Tx, consumer: str, positions: Sequence[Position]) -> None:
    if not positions:
        return
    columns = zip(*((p.topic, p.partition, p.next_offset, p.epoch, p.source, p.last) for p in positions), strict=True)
    await tx.execute(_MOVE, consumer, *map(list, columns))


async def resend(db: Connection, service: Service, dead_letter: int, by: str, why: str) -> int:
    """Run the handlers on a stored dead letter, in a transaction that also closes it; how many events it said.

    Locks its lane first, as a batch does. Raises NoSuchDeadLetter, DeadLetterClosed, PositionsMissing, and what the
    parser or the handler raises: the dead letter then stays open.
    """
    async with db.transaction(isolation="read_committed"):
        letter = await deadletter.still_open(db, dead_letter)
        await lock(db, service.name, [(letter.topic, letter.partition)])
        letter = await deadletter.still_open(db, dead_letter)  # another one may have closed it while this one waited
        said = await outbox.write(db, service.name, await _work(service, [parse(letter.record or b"")], db))
        await deadletter.close(db, letter, by, "resent", why, f"handled; it said {said} events")
        return said
