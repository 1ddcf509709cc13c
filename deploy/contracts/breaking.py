"""What a change would break for the records that already lie in the log, and whom it asks to be updated first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.contracts.narrowing import narrowings, takes_all_of
from deploy.contracts.published import Json


@dataclass(frozen=True)
class Contract:
    """One state of the contracts. schemas and golden: by wire type; golden: the records of its file."""

    schemas: dict[str, Json]
    asyncapi: Json
    golden: dict[str, list[Json]]


@dataclass(frozen=True)
class Lane:
    """What the AsyncAPI document says of one topic. keys: wire type -> the field that orders it."""

    producer: str
    consumers: tuple[str, ...]
    partitions: int
    retention_ms: int
    keys: dict[str, str]


def breaks(old: Contract, new: Contract) -> list[str]:
    """One line a break, each naming the type, topic or field; empty when all old records can still be read."""
    return [*_schemas(old, new), *_topics(lanes(old.asyncapi), lanes(new.asyncapi)), *_golden(old, new)]


def update_first(old: Contract, new: Contract) -> list[str]:
    """Allowed changes whose records an old reader refuses, with the consumers to be updated before the producer."""
    lines = []
    for topic, lane in lanes(new.asyncapi).items():
        changed = [wire for wire in lane.keys if not _old_readers_take(wire, old, new)]
        if changed and topic in old.asyncapi["channels"]:
            lines.append(f"{', '.join(changed)}: update {', '.join(lane.consumers)} before {lane.producer}")
    return lines


def lanes(asyncapi: Json) -> dict[str, Lane]:
    """Topic -> what the document says of it."""
    return {topic: _lane(asyncapi, topic, channel) for topic, channel in asyncapi["channels"].items()}


def _lane(asyncapi: Json, topic: str, channel: Json) -> Lane:
    kafka, messages = channel["bindings"]["kafka"], asyncapi["components"]["messages"]
    uses = [use for use in asyncapi["operations"].values() if use["channel"]["$ref"] == f"#/channels/{topic}"]
    return Lane(
        producer="".join(use["x-service"] for use in uses if use["action"] == "send"),
        consumers=tuple(use["x-service"] for use in uses if use["action"] == "receive"),
        partitions=kafka["partitions"],
        retention_ms=kafka["topicConfiguration"]["retention.ms"],
        keys={wire: messages[wire]["x-key-field"] for wire in channel["messages"]},
    )


def _schemas(old: Contract, new: Contract) -> Iterator[str]:
    for wire, schema in old.schemas.items():
        if wire not in new.schemas:
            yield f"{wire}: the type was removed, and its records lie in the log: keep it, even if nobody says it now"
        else:
            yield from (f"{wire}: {line}" for line in narrowings(schema, new.schemas[wire]))


def _topics(old: dict[str, Lane], new: dict[str, Lane]) -> Iterator[str]:
    now_in = {wire: topic for topic, lane in new.items() for wire in lane.keys}
    for topic, was in old.items():
        for wire in was.keys:
            if now_in.get(wire, topic) != topic:
                yield f"{wire}: moved from topic {topic} to {now_in[wire]}: say a new event there instead"
        if topic not in new:
            yield f"topic {topic}: removed or renamed, and its records lie there: keep it"
        else:
            yield from (f"topic {topic}: {line}" for line in _lane_breaks(was, new[topic]))


def _lane_breaks(was: Lane, now: Lane) -> Iterator[str]:
    if now.producer != was.producer:
        yield f"the producer was {was.producer}, is {now.producer}: two would number one lane; make a new topic"
    if now.partitions != was.partitions:
        yield f"partitions were {was.partitions}, are {now.partitions}: a key would change its lane; make a new topic"
    if now.retention_ms != -1 and (was.retention_ms == -1 or now.retention_ms < was.retention_ms):
        yield f"retention was {was.retention_ms} ms, is {now.retention_ms}: services could not be rebuilt from it"
    for wire, key in was.keys.items():
        if now.keys.get(wire, key) != key:
            yield f"{wire} was ordered by {key}, is by {now.keys[wire]}: make a new event"


def _golden(old: Contract, new: Contract) -> Iterator[str]:
    for wire, records in old.golden.items():
        if lost := sum(record not in new.golden.get(wire, []) for record in records):
            yield f"golden/{wire}.json: {lost} records were changed or removed: put them back, and add new ones below"


def _old_readers_take(wire: str, old: Contract, new: Contract) -> bool:
    """False also where jsoncompat cannot say: then consumers first is the safe order."""
    if wire not in old.schemas:
        return False
    try:
        return takes_all_of(old.schemas[wire], new.schemas[wire])
    except ValueError:
        return False
