"""Topics on the broker: a producer makes its own, consumers wait for theirs; nobody works with another count of lanes,
or with a topic that loses records.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import Topic
from services.chassis.errors import PartitionsDiffer, TopicNotKept
from services.chassis.kafka import how_to_reach

log = structlog.get_logger()

Lanes = list[dict[str, Any]]  # of a topic, with "replicas", as Kafka's metadata has them
_LOOK_AGAIN = 0.25  # seconds between two looks for a topic that another service makes


@asynccontextmanager
async def admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client of the broker's administration. Raises KafkaError when the broker is away."""
    client = AIOKafkaAdminClient(**how_to_reach(kafka), request_timeout_ms=10_000)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def make_topics(kafka: str, topics: Iterable[Topic], replication: int) -> None:
    """Make the topics that are missing. Raises PartitionsDiffer, TopicNotKept; one copy is warned of."""
    wanted = list(topics)
    if not wanted:
        return
    async with admin(kafka) as client:
        there = await _lanes(client, wanted)
        missing = [topic for topic in wanted if topic.key not in there]
        if missing:
            await _create(client, missing, replication)
    _warn_of_one_copy(await await_topics(kafka, wanted))  # another may have made them meanwhile, in another way


async def await_topics(kafka: str, topics: Iterable[Topic]) -> Mapping[str, Lanes]:
    """Wait until all are there; gives their lanes by topic. Raises PartitionsDiffer, TopicNotKept."""
    wanted, said = list(topics), ""
    async with admin(kafka) as client:
        while True:
            there = await _lanes(client, wanted)
            _compare(wanted, there)
            missing = [f"{topic.key} (made by {topic.producer})" for topic in wanted if topic.key not in there]
            if not missing:
                await _refuse_losing(client, wanted)
                return there
            if said != (said := ", ".join(missing)):
                log.info("waiting for topics", topics=said)
            await asyncio.sleep(_LOOK_AGAIN)


def _kept(topic: Topic) -> dict[str, str]:
    """For ever, and never compacted: a compacted log has holes by design, and a service is rebuilt from it."""
    return {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms), "retention.bytes": "-1"}


async def _create(client: AIOKafkaAdminClient, missing: list[Topic], replication: int) -> None:
    new = [NewTopic(topic.key, topic.partitions, 1) for topic in missing]
    for topic, made in zip(missing, new, strict=True):
        made.replication_factor = replication  # -1, the broker's own, is refused by the constructor only
        made.topic_configs = _kept(topic)
    answer = await client.create_topics(new)
    for name, code, *words in answer.topic_errors:
        kind = for_code(code)
        if code and kind is not TopicAlreadyExistsError:
            raise kind(f"topic {name} could not be made: {words[0] if words else ''}")
    log.info("made topics", topics=[topic.key for topic in missing])


async def _lanes(client: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, Lanes]:
    # Of all topics, never by name: many brokers make a topic that is asked for, with a count of their own.
    found = await client.describe_topics()
    names = {topic.key for topic in topics}
    return {topic["topic"]: topic["partitions"] for topic in found if topic["topic"] in names}


def _compare(topics: list[Topic], there: Mapping[str, Lanes]) -> None:
    for topic in topics:
        count = len(there[topic.key]) if topic.key in there else topic.partitions
        if count != topic.partitions:
            raise PartitionsDiffer(
                f"topic {topic.key} has {count} partitions on the broker, contracts/topics.py says {topic.partitions}: "
                "a count never changes, since the lane of a key would. Make a new topic, or correct GRIDWARD_KAFKA"
            )


async def _refuse_losing(client: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    known = {topic.key: topic for topic in topics}
    for answer in await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, key) for key in known]):
        for code, _, _, name, entries in answer.resources:
            if code:
                _bear(name, for_code(code))
            for setting, value, *_ in entries:
                if not _keeps(known[name], setting, value):
                    raise TopicNotKept(
                        f"topic {name} has {setting}={value} on the broker, and a service is rebuilt from all that was "
                        f"ever said in it: set {setting}={_kept(known[name])[setting]} there (kafka-configs --alter)"
                    )


def _bear(name: str, kind: type[KafkaError]) -> None:
    """Raises what passes by itself; the right to describe a topic's settings is worth having, not needed to work."""
    if kind.retriable:
        raise kind(f"the settings of the topic {name} are not told yet")
    log.warning(
        "not known whether a topic is kept for ever: give the right to describe it", topic=name, why=kind.__name__
    )


def _keeps(topic: Topic, setting: str, value: str) -> bool:
    """Whether nothing that the topic's declaration keeps is lost by this setting of the broker; -1: without a limit."""
    if setting == "cleanup.policy":
        return "compact" not in value
    wanted = _kept(topic).get(setting, value)
    return value in (wanted, "-1") or (wanted != "-1" and int(value) > int(wanted))


def _warn_of_one_copy(there: Mapping[str, Lanes]) -> None:
    alone = sorted(name for name, lanes in there.items() if any(len(lane["replicas"]) < 2 for lane in lanes))
    if alone:
        log.warning(
            "topics have one copy and are lost with its disk: with more than one machine set GRIDWARD_REPLICATION=3 "
            "before they are made, and give those that are there more by kafka-reassign-partitions",
            topics=alone,
        )
