"""The log as it lies in Kafka, and the probe's rows: what was lost, doubled, or applied out of order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import asyncpg

from contracts.topics import TOPICS, Topic
from services.chassis.database import Lane, lanes_of
from services.chassis.fence import Number
from tests.faults.patience import patient_reader

Applied = tuple[str, Lane, int]  # event id, lane, number


@dataclass
class Log:
    """What the lanes hold. events: by lane and number the id; records: how many lie there, repeats included."""

    events: dict[tuple[Lane, int], str] = field(default_factory=dict)
    records: int = 0
    contradictions: int = 0

    def take(self, lane: Lane, number: int, event_id: str) -> None:
        self.records += 1
        if self.events.setdefault((lane, number), event_id) != event_id:
            self.contradictions += 1

    @property
    def ids(self) -> set[str]:
        return set(self.events.values())


async def read_log(kafka: str, topics: Iterable[Topic] = TOPICS) -> Log:
    """Every record of these topics. Raises KafkaError when the broker is away."""
    log = Log()
    async with patient_reader(kafka) as reader:
        lanes = lanes_of(topics)
        async for record in reader.read(await reader.tails(dict.fromkeys(lanes, 0))):
            number = Number.of(record.headers)
            if number is not None and record.value:
                log.take((record.topic, record.partition), number.number, str(json.loads(record.value)["id"]))
    return log


async def read_probe(db: asyncpg.Connection) -> list[Applied]:
    """The probe's rows in the order of their insertion."""
    rows = await db.fetch("select event_id, topic, partition, number from probe.applied order by id")
    return [(event_id, (topic, partition), number) for event_id, topic, partition, number in rows]


@dataclass(frozen=True)
class Count:
    """lost: events of the log that the probe has not; doubled: rows beyond one for each event; order: inversions."""

    log: int
    repeats: int
    applied: int
    lost: int
    doubled: int
    out_of_order: int


def count(log: Log, applied: Sequence[Applied]) -> Count:
    """Hold the probe's rows against the log."""
    ids = [event_id for event_id, _, _ in applied]
    last: dict[Lane, int] = {}
    inversions = 0
    for _, lane, number in applied:
        inversions += number <= last.get(lane, 0)
        last[lane] = max(number, last.get(lane, 0))
    return Count(
        log=len(log.ids),
        repeats=log.records - len(log.events),
        applied=len(applied),
        lost=len(log.ids - set(ids)),
        doubled=len(ids) - len(set(ids)),
        out_of_order=inversions,
    )
