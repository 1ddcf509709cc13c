"""What is held against each other: two dumps of tables, and the log read through the fence."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from contracts.topics import TOPICS
from services.chassis.database import WALL_COLUMNS, lanes_of
from services.chassis.fence import Number, Position, judge
from services.chassis.reader import Span
from tests.faults.patience import patient_reader

NOT_OF_THE_LOG = ("relay", "checks", "drifts", "folds", "hearings", "stage.anchored_at", "said_before", "half_done")
"""Beside wall time: who compared or read when, on which server, what an epoch left."""
_AS_ONE = {  # a row of these is a part of a change, as batches were cut; what they come to is compared
    # By the day wherever a turn of folding may have been: that is a week before now, which is hours after the last row.
    "history": """(select division_code, indicator, day, drill, reason, sum(delta) delta, case
                     when hour_at < (select max(hour_at) - interval '3 days' from history)
                     then date_trunc('day', hour_at, 'Asia/Shanghai') else hour_at end as hour_at
                   from history group by 1, 2, 3, 4, 5, 7 having sum(delta) <> 0)"""
}
_TABLES = "select tablename from pg_tables where schemaname = current_schema() order by 1"


async def dump_of(connection: Any, *without: str) -> dict[str, list[str]]:
    """Every table of the connection's schema in order, as text; without wall time and what is not of the log."""
    left_out = {*NOT_OF_THE_LOG, *WALL_COLUMNS, *without}
    dumped = {}
    for (table,) in await connection.fetch(_TABLES):
        if table not in left_out:
            gone = [column.split(".")[1] for column in left_out if column.startswith(f"{table}.")]
            sql = f"select (to_jsonb(t) - $1::text[])::text from {_AS_ONE.get(table, table)} t order by 1"
            dumped[table] = [row[0] for row in await connection.fetch(sql, gone)]
    return dumped


async def taken_from(kafka: str) -> Counter[str]:
    """How often each event of the log is taken by one who reads it all through the fence."""
    counts: Counter[str] = Counter()
    async with patient_reader(kafka) as reader:
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
