"""Records made into events: before their batch has its turn in the database where that saves time, else in it.

Looks at one record at a time and at nothing kept, so it says the same whenever it is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord

from contracts.envelope import Event, Fact, parse
from contracts.events.policies import TimeAdvanced
from contracts.topics import OF_FACT
from services.chassis.database import Lane
from services.chassis.outbox import LARGEST_EVENT
from services.chassis.service import Service

AT_ONCE = 250  # records; between these the process answers requests, and sends what the database has room for

_TOPIC_OF = {fact.type: topic for fact, topic in OF_FACT.items()}

Unread: TypeAlias = ValueError | RecursionError
Read: TypeAlias = Any  # the event as the service's `parse` reads it, or Unread: why it cannot be read


@dataclass(frozen=True)
class Ahead:
    """What was done of a batch before its turn. by_lane: what was read, by offset; gathered: of all `events`."""

    by_lane: Mapping[Lane, Mapping[int, Read]] = field(default_factory=dict)
    events: Sequence[Any] = ()
    gathered: Any = None


class TooLarge(ValueError):
    """A record has more bytes than any that a relay sends."""


class WrongPlace(ValueError):
    """A record lies in a topic, under a key or in a lane where its event's order is not kept."""


def event_of(record: ConsumerRecord, parse: Callable[[bytes], Any] = parse) -> Event[Fact]:
    """The event of a record that has a value, as `parse` reads it. Raises ValueError (also TooLarge, WrongPlace)."""
    value, key = record.value, record.key
    if len(value) > LARGEST_EVENT:
        raise TooLarge(f"the record has {len(value):,} bytes, {LARGEST_EVENT:,} are allowed: say it in several")
    event: Event[Fact] = parse(value)
    topic = _TOPIC_OF[event.type]
    if topic.key != record.topic:
        raise WrongPlace(f"{event.type!r} belongs to the topic {topic.key!r}: the producer sent it to another one")
    if key != event.subject.encode():
        raise WrongPlace("wrong key: it is not the event's subject, so events of one subject would lose their order")
    if topic.partition_of_key(key) != record.partition:
        lane = f"{topic.key}/{topic.partition_of(event.subject)}"
        raise WrongPlace(f"wrong lane: the key belongs to {lane}, so events of one subject would lose their order")
    return event


def read(record: ConsumerRecord, parse: Callable[[bytes], Any]) -> Read:
    """As `event_of`; what it raises comes back instead."""
    try:
        return event_of(record, parse)
    except (ValueError, RecursionError) as error:
        return error


def read_all(records: Collection[ConsumerRecord], parse: Callable[[bytes], Any]) -> dict[int, Read]:
    """By offset, those of one lane; a record without a value is left out."""
    return {record.offset: read(record, parse) for record in records if record.value is not None}


async def read_ahead(lanes: Mapping[Lane, Sequence[ConsumerRecord]], service: Service) -> Ahead:
    """The same of a whole batch, gathered, with pauses in which all else goes on."""
    found: dict[Lane, dict[int, Read]] = {}
    for lane, records in lanes.items():
        own = found[lane] = {}
        for at in range(0, len(records), AT_ONCE):
            own |= read_all(records[at : at + AT_ONCE], service.parse)
            await asyncio.sleep(0)
    events = for_handlers(one for own in found.values() for one in own.values() if not isinstance(one, Exception))
    if service.gather is None or not events:
        return Ahead(found)
    try:
        return Ahead(found, events, await service.gather(events))
    except Exception:  # whichever event it is: told and set aside when it has its turn
        return Ahead(found)


def for_handlers(events: Iterable[Any]) -> list[Any]:
    """Those that are the service's own business: the stage clock is the chassis'."""
    return [event for event in events if type(event.data) is not TimeAdvanced]
