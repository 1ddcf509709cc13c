"""Topics on the broker: a producer makes its own, consumers wait for theirs, nobody works with another count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from contracts.topics import Topic
from services.chassis.errors import PartitionsDiffer

log = structlog.get_logger()

_LOOK_AGAIN = 0.25  # seconds between two looks for a topic that another service makes


@asynccontextmanager
async def admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client of the broker's administration. Raises KafkaError when the broker is away."""
    client = AIOKafkaAdminClient(bootstrap_servers=kafka, request_timeout_ms=10_000)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def make_topics(kafka: str, topics: Iterable[Topic], replication: int) -> None:
    """Make the topics that are missing. Raises PartitionsDiffer when one has another count of lanes."""
    wanted = list(topics)
    if not wanted:
        return
    async with admin(kafka) as client:
        there = await _counts(client, wanted)
        missing = [topic for topic in wanted if topic.key not in there]
        if missing:
            await _create(client, missing, replication)
    await await_topics(kafka, wanted)  # another may have made them meanwhile, in another way


async def await_topics(kafka: str, topics: Iterable[Topic]) -> None:
    """Wait until all are there. Raises PartitionsDiffer."""
    wanted, said = list(topics), ""
    async with admin(kafka) as client:
        while True:
            there = await _counts(client, wanted)
            _compare(wanted, there)
            missing = [f"{topic.key} (made by {topic.producer})" for topic in wanted if topic.key not in there]
            if not missing:
                return
            if said != (said := ", ".join(missing)):
                log.info("waiting for topics", topics=said)
            await asyncio.sleep(_LOOK_AGAIN)


async def _create(client: AIOKafkaAdminClient, missing: list[Topic], replication: int) -> None:
    # Kept for ever and never compacted: a compacted log has holes by design, and a service is rebuilt from it.
    new = [NewTopic(topic.key, topic.partitions, 1) for topic in missing]
    for topic, made in zip(missing, new, strict=True):
        made.replication_factor = replication  # -1, the broker's own, is refused by the constructor only
        made.topic_configs = {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms)}
    answer = await client.create_topics(new)
    for name, code, *words in answer.topic_errors:
        kind = for_code(code)
        if code and kind is not TopicAlreadyExistsError:
            raise kind(f"topic {name} could not be made: {words[0] if words else ''}")
    log.info("made topics", topics=[topic.key for topic in missing])


async def _counts(client: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, int]:
    # Of all topics, never by name: many brokers make a topic that is asked for, with a count of their own.
    found = await client.describe_topics()
    names = {topic.key for topic in topics}
    return {topic["topic"]: len(topic["partitions"]) for topic in found if topic["topic"] in names}


def _compare(topics: list[Topic], there: dict[str, int]) -> None:
    for topic in topics:
        count = there.get(topic.key, topic.partitions)
        if count != topic.partitions:
            raise PartitionsDiffer(
                f"topic {topic.key} has {count} partitions on the broker, contracts/topics.py says {topic.partitions}: "
                "a count never changes, since the lane of a key would. Make a new topic, or correct GRIDWARD_KAFKA"
            )
