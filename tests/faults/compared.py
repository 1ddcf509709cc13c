"""What is held against each other: two dumps of tables, and the log read through the fence."""

from __future__ import annotations

import json
from collections import Counter

from contracts.topics import TOPICS
from services.chassis.database import lanes_of
from services.chassis.fence import Number, Position, judge
from services.chassis.reader import Span, log_reader


async def taken_from(kafka: str) -> Counter[str]:
    """How often each event of the log is taken by one who reads it all through the fence."""
    counts: Counter[str] = Counter()
    async with log_reader(kafka) as reader:
        lanes = lanes_of(TOPICS)
        positions = {lane: Position(*lane) for lane in lanes}
        ends = await reader.ends(lanes)
        async for record in reader.read({lane: Span(0, ends[lane]) for lane in lanes}):
            judged = judge(positions[record.topic, record.partition], [record])
            assert judged.problem is None, judged.problem
            positions[record.topic, record.partition] = judged.position
            counts.update(json.loads(one.value)["id"] for one in judged.taken if one.value)
            assert all(Number.of(one.headers) for one in judged.taken)
    return counts


def equal(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """What differs between two dumps, table by table, a few rows of each."""
    wrong = [f"table {name} is only in one" for name in before.keys() ^ after.keys()]
    for name in sorted(before.keys() & after.keys()):
        lost, more = Counter(before[name]) - Counter(after[name]), Counter(after[name]) - Counter(before[name])
        wrong += [f"{name} -{row}" for row in list(lost)[:4]] + [f"{name} +{row}" for row in list(more)[:4]]
    return wrong
