"""Events into the outbox, as the last act of the transaction that caused them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Event
from contracts.events.policies import TimeAdvanced
from contracts.topics import OF_FACT
from services.chassis import clock
from services.chassis.database import Tx
from services.chassis.errors import NotOurs, OversizedEvent

LARGEST_EVENT = 256 * 1024  # bytes of one record

# Ids follow the arrays' order, and order of id is the order in which one transaction says its events.
_WRITE = """
insert into outbox (topic, partition, event_id, key, record)
select x.topic, x.partition, x.event_id, x.key, x.record
  from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::bytea[]) with ordinality
       x(topic, partition, event_id, key, record, place)
 where not exists (select from said_before s where s.event_id = x.event_id)
 order by x.place"""

Row = tuple[str, int, str, str, bytes]


async def write(tx: Tx, service: str, events: Sequence[Event[Any]]) -> int:
    """Write the events in their order and return how many. Raises NotOurs, OversizedEvent; nothing is written then.

    A service that tells the time hears itself here: it does not consume its own topics.
    """
    if not events:
        return 0
    rows = [_row(service, event) for event in events]
    for event in events:
        if isinstance(event.data, TimeAdvanced):
            await clock.advance(tx, event.data)
    await tx.execute(_WRITE, *([row[column] for row in rows] for column in range(5)))
    return len(rows)


def _row(service: str, event: Event[Any]) -> Row:
    topic = OF_FACT.get(type(event.data))
    if topic is None or topic.producer != service:
        where = f"of topic {topic.key!r}, which {topic.producer} produces" if topic else "of no topic"
        raise NotOurs(f"{service} said {event.type!r} {where}: correct contracts/topics.py or the handler")
    record = event.to_wire()
    if len(record) > LARGEST_EVENT:
        raise OversizedEvent(
            f"the event {event.id} ({event.type}) has {len(record):,} bytes, {LARGEST_EVENT:,} are allowed: "
            "say it in several events, or keep what is large in a table and name it in the event"
        )
    return topic.key, topic.partition_of(event.subject), event.id, event.subject, record
