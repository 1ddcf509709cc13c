"""Dead letters that an operator had resent, for a rebuild: heard at their own instants, read as `resend` read them.

In their places in the log they may be unreadable (a wrong key, lane or topic), or have no number that the fence takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence

from aiokafka import ConsumerRecord
from asyncpg import Connection, Record

from contracts.envelope import parse
from services.chassis.fence import Position
from services.chassis.merging import Item

_RESENT = """
select topic, partition, record_offset, number, key, record from (
    select distinct on (topic, partition, record_offset) * from dead_letters where record is not null
     order by topic, partition, record_offset, id desc) last_words
 where starts_with(closed_by, 'resent ')"""
"""Of a record that was set aside more than once the last word counts."""


async def load_resent(db: Connection) -> list[Item]:
    """By instant. What this version cannot read is left to its place in the log, which sets it aside anew."""
    items = []
    for row in await db.fetch(_RESENT):
        try:
            event = parse(row["record"])
        except (ValueError, RecursionError):
            continue
        items.append(Item(event.time, Position(row["topic"], row["partition"]), _record(row), event, resent=True))
    return sorted(items, key=lambda item: item.at)


async def with_resent(items: AsyncIterator[Item], resent: Sequence[Item]) -> AsyncIterator[Item]:
    """Both by instant, those resent first: what was said after them may have followed from them."""
    waiting = deque(resent)
    async for item in items:
        while waiting and waiting[0].at <= item.at:
            yield waiting.popleft()
        yield item
    for item in waiting:
        yield item


def _record(row: Record) -> ConsumerRecord:
    """As it lay in the log, for one that fails again."""
    headers = (("n", row["number"].encode()),) if row["number"] else ()
    key, value = (row["key"] or "").encode(), row["record"]
    lane = row["topic"], row["partition"]
    return ConsumerRecord(*lane, row["record_offset"], 0, 0, key, value, None, len(key), len(value), headers)
