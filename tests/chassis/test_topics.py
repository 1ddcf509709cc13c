"""Topics that another has made: one that loses records is refused, one that hangs on a single disk is told of."""

from __future__ import annotations

import pytest
from aiokafka.admin import NewTopic
from structlog.testing import capture_logs

from contracts.topics import BY_KEY
from services.chassis.errors import TopicNotKept
from services.chassis.topics import admin, await_topics, make_topics

TESTS = BY_KEY["tests"]
KEPT = {"cleanup.policy": "delete", "retention.ms": "-1"}


async def made_by_another(kafka: str, given: dict[str, str]) -> None:
    async with admin(kafka) as client:
        await client.create_topics([NewTopic(TESTS.key, TESTS.partitions, 1, topic_configs=given)])


@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        ("cleanup.policy", "compact", "delete"),
        ("cleanup.policy", "compact,delete", "delete"),
        ("retention.ms", "604800000", "-1"),
        ("retention.bytes", "1000000", "-1"),
    ],
)
async def test_a_topic_that_loses_records_is_refused_by_who_says_it_and_by_who_hears_it(
    fresh_kafka: str, setting: str, value: str, wanted: str
) -> None:
    await made_by_another(fresh_kafka, {**KEPT, setting: value})
    words = f"topic tests has {setting}={value} on the broker, .*: set {setting}={wanted} there"
    with pytest.raises(TopicNotKept, match=words):
        await make_topics(fresh_kafka, [TESTS], -1)
    with pytest.raises(TopicNotKept, match=words):
        await await_topics(fresh_kafka, [TESTS])


async def test_a_topic_that_is_kept_is_taken_and_its_single_copy_told_of(fresh_kafka: str) -> None:
    await made_by_another(fresh_kafka, KEPT)
    with capture_logs() as lines:
        await make_topics(fresh_kafka, [TESTS], -1)
    (line,) = [line for line in lines if "one copy" in line["event"]]
    assert line["topics"] == ["tests"] and "GRIDWARD_REPLICATION=3" in line["event"]
