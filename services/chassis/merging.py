"""Many lanes of the log as one stream, each through the consumers' own fence, by when intake received what caused it.

Between lanes Kafka keeps no order. Merged by `Event.time`, what was heard before a timer ran comes before it again.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiokafka import ConsumerRecord

from contracts.envelope import Event
from contracts.events.policies import TimeAdvanced
from services.chassis.ahead import event_of
from services.chassis.database import Lane
from services.chassis.errors import LogBroken
from services.chassis.fence import Number, Position, judge
from services.chassis.masking import reason_of
from services.chassis.reader import LogReader, Span

MOST_AHEAD = 1_000  # records of a lane that wait for the others
_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Item(NamedTuple):
    """A record that consumers take. position: as it stands after it. event: None for a void or unreadable one (why).

    resent: it was a dead letter and comes from there, not from the log.
    """

    at: datetime
    position: Position
    record: ConsumerRecord
    event: Event[Any] | None
    unreadable: str = ""
    resent: bool = False


@dataclass
class Cursor:
    """One lane on its way. until: the number after which nothing is taken; None: to the end of the log."""

    position: Position
    until: tuple[int, int] | None = None
    at: datetime = _BEGINNING
    ahead: deque[Item] = field(default_factory=deque)
    open: bool = True

    def advance(self, record: ConsumerRecord) -> bool:
        """Whether consumers take this record. Raises LogBroken at a gap."""
        number = Number.of(record.headers)
        if number is not None and self.until is not None and (number.epoch, number.number) > self.until:
            self.open = False
            return False
        judged = judge(self.position, [record])
        if judged.problem is not None:
            text = getattr(judged.problem, "text", f"{record.topic}/{record.partition} begins at {record.offset}")
            raise LogBroken(f"the log does not carry this: {text}")
        self.position = judged.position
        self.open = self.until != (self.position.epoch, self.position.last)
        return bool(judged.taken)

    def take(self, record: ConsumerRecord) -> None:
        """Put it ahead if consumers take it. Raises LogBroken."""
        if self.advance(record):
            self.ahead.append(self._item(record))

    def _item(self, record: ConsumerRecord) -> Item:
        try:
            event = None if record.value is None else event_of(record)
        except (ValueError, RecursionError) as error:
            return Item(self.at, self.position, record, None, reason_of(error, record.value))
        if event is not None:
            self.at = max(self.at, event.data.to_at if isinstance(event.data, TimeAdvanced) else event.time)
        return Item(self.at, self.position, record, event)


async def verify(reader: LogReader, cursors: Sequence[Cursor]) -> int:
    """How many records the merge will give. Raises LogBroken when one is missing on the way, or the log ends before.

    Looks at the numbers alone: cheap beside the work, and nothing was touched yet when it refuses.
    """
    trial = {each.position.lane: Cursor(each.position, each.until) for each in cursors}
    count = 0
    async for record in reader.read(await spans_of(reader, cursors)):
        cursor = trial[record.topic, record.partition]
        count += cursor.open and cursor.advance(record)
    for cursor in trial.values():
        _refuse_short(cursor)
    return count


def _refuse_short(cursor: Cursor) -> None:
    """Raises LogBroken when the lane ended before the number that it should reach."""
    epoch, last = cursor.position.epoch, cursor.position.last
    if cursor.until is not None and cursor.until[1] and (epoch, last) != cursor.until:
        topic, partition = cursor.position.lane
        raise LogBroken(
            f"the log does not carry this: {topic}/{partition} ends at {epoch}.{last}, the database knows "
            f"{cursor.until[0]}.{cursor.until[1]}. It lost records, or was made again: put the log back first"
        )


async def spans_of(reader: LogReader, cursors: Sequence[Cursor]) -> dict[Lane, Span]:
    """From each cursor to the present end of its lane; a log that ends below the offset is read from its start."""
    lanes = [cursor.position.lane for cursor in cursors if cursor.until is None or cursor.until[1]]
    if not lanes:
        return {}
    ends, starts = await reader.ends(lanes), await reader.starts(lanes)
    wanted = {cursor.position.lane: cursor.position.next_offset for cursor in cursors}
    return {
        lane: Span(starts[lane] if wanted[lane] > ends[lane] else max(starts[lane], wanted[lane]), ends[lane])
        for lane in lanes
    }


async def merged(reader: LogReader, cursors: Sequence[Cursor]) -> AsyncIterator[Item]:
    """What consumers take of all these lanes, by instant. Raises LogBroken."""
    by_lane = {cursor.position.lane: cursor for cursor in cursors}
    spans = await spans_of(reader, cursors)
    for lane, cursor in by_lane.items():
        cursor.open = lane in spans and spans[lane].start < spans[lane].end
    reader.begin({lane: span.start for lane, span in spans.items() if by_lane[lane].open})
    heads: list[tuple[datetime, Lane]] = []
    asked: set[Lane] = {lane for lane, cursor in by_lane.items() if cursor.open}
    while True:
        await _fill(reader, {lane: by_lane[lane] for lane in asked}, by_lane, spans)
        for lane in asked:
            if by_lane[lane].ahead:
                heapq.heappush(heads, (by_lane[lane].ahead[0].at, lane))
        if not heads:
            return
        _, lane = heapq.heappop(heads)
        yield by_lane[lane].ahead.popleft()
        asked = {lane}


async def _fill(
    reader: LogReader, asked: Mapping[Lane, Cursor], by_lane: Mapping[Lane, Cursor], spans: Mapping[Lane, Span]
) -> None:
    """Until each lane that was asked for has something ahead, or has ended."""
    while any(cursor.open and not cursor.ahead for cursor in asked.values()):
        wanted = [lane for lane, cursor in by_lane.items() if cursor.open and len(cursor.ahead) < MOST_AHEAD]
        for lane, records in (await reader.more(wanted)).items():
            cursor = by_lane[lane]
            for record in records:
                if cursor.open and record.offset < spans[lane].end:
                    cursor.take(record)
            cursor.open = cursor.open and records[-1].offset < spans[lane].end - 1
