"""The probe: a consumer of every topic that appends (event id, lane, number) in its transaction, without a unique key.

It is the product's own consumer, fence and all, under another name: `python -m tests.faults.chaos.probe`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from contracts import topics

NAME = "probe"
topics.TOPICS = tuple(replace(topic, consumers=(*topic.consumers, NAME)) for topic in topics.TOPICS)

from services.chassis import once  # noqa: E402 - after the topics know the probe
from services.chassis.fence import Number  # noqa: E402
from services.chassis.running import main  # noqa: E402
from services.chassis.service import Service  # noqa: E402
from services.chassis.settings import Settings  # noqa: E402

SCHEMA = """
create table if not exists applied (
    id bigint generated always as identity, event_id text not null, topic text not null, partition int not null,
    number bigint not null)"""
_APPEND = """
insert into applied (event_id, topic, partition, number)
select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[])"""

Row = tuple[str, str, int, int]
_taken: ContextVar[list[Row]] = ContextVar("taken")
_read = once._read


def read_and_note(judged: Sequence[Any], *how: Any) -> Any:
    """The product's reading; what the fence took is noted with its lane and number, which handlers do not see."""
    events, failed = _read(judged, *how)
    records = [record for lane in judged for record in lane.taken if record.value]
    rows: list[Row] = []
    for event, record in zip(events, records, strict=True):
        number = Number.of(record.headers)
        rows.append((event.id, record.topic, record.partition, number.number if number else 0))
    _taken.set(rows)
    return events, failed


async def append(service: Service, events: Sequence[Any], tx: Any, ahead: Any) -> list[Any]:
    """Every event, the stage clock's as well, in the transaction that moves the positions."""
    del service, events, ahead
    rows = _taken.get()
    if rows:
        await tx.execute(_APPEND, *map(list, zip(*rows, strict=True)))
    return []


PROBE = Service(NAME, SCHEMA)


def serve() -> int:
    """Run the probe until it is asked to end."""
    setattr(once, "_read", read_and_note)  # noqa: B010 - the product's own reading, with a note taken
    once._work = append
    return main([(PROBE, Settings.from_environment())])


if __name__ == "__main__":
    sys.exit(serve())
