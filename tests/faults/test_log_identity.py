"""Another log than the one that was read: numbers, not offsets and not the cluster's id, say what was applied.

The embedded stack's one fate is tested beside its servers (`chassis/test_servers.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from contracts.envelope import Event
from contracts.events.testing import TestResulted
from deploy.local.apache import apache_kafka
from services.chassis.running import Running, running
from services.chassis.topics import admin
from tests.chassis.conftest import forget_all, others_ran
from tests.chassis.rig import INTAKE, TRACING, of_lane, say_through, settings, until, until_applied, until_ready
from tests.servers import Background, address_of, any_kafka, chosen_broker

EVENTS = of_lane(0, 9)


@pytest.fixture
def fresh_kafka(background: Background, kafka: str) -> str:
    """Bootstrap servers of a broker without the topics of earlier tests."""
    background.run(forget_all(kafka))
    return kafka


@asynccontextmanager
async def door(database: str, kafka: str) -> AsyncIterator[Running]:
    await others_ran(kafka)
    async with running(INTAKE, settings(database, kafka)) as run:
        await until_ready(run)
        yield run


async def hear(database: str, kafka: str, events: Sequence[Event[TestResulted]]) -> None:
    """tracing runs until it has applied these, each once."""
    async with running(TRACING, settings(database, kafka)) as hearer:
        await until_applied(hearer.app.pool, events)


async def refused(database: str, kafka: str) -> str:
    """Why tracing does not go on."""
    async with running(TRACING, settings(database, kafka)) as hearer:

        async def stops() -> bool:
            return "lane tests/0" in hearer.health.reasons

        await until(stops, "the lane stops")
        return hearer.health.reasons["lane tests/0"]


async def told_before_the_loss(database: str, kafka: str, heard: int) -> None:
    """intake says six events; tracing hears so many of them."""
    async with door(database, kafka) as run:
        await say_through(run, EVENTS[:heard])
        await hear(database, kafka, EVENTS[:heard])
        await say_through(run, EVENTS[heard:6])


async def told_after_it(database: str, kafka: str) -> None:
    async with door(database, kafka) as run:
        await say_through(run, EVENTS[6:9])


async def make_again(kafka: str) -> str:
    """The topic deleted; intake makes it again when it starts. Gives the id of the cluster."""
    async with admin(kafka) as client:
        await client.delete_topics(["tests"])
        return str((await client.describe_cluster())["cluster_id"])


async def test_a_topic_made_again_goes_on_by_numbers_when_all_was_read(database: str, fresh_kafka: str) -> None:
    await told_before_the_loss(database, fresh_kafka, heard=6)
    before = await make_again(fresh_kafka)
    await told_after_it(database, fresh_kafka)
    await hear(database, fresh_kafka, EVENTS)
    async with admin(fresh_kafka) as client:
        assert (await client.describe_cluster())["cluster_id"] == before


async def test_a_topic_made_again_with_records_unread_is_refused_and_they_are_named(
    database: str, fresh_kafka: str
) -> None:
    await told_before_the_loss(database, fresh_kafka, heard=4)
    await make_again(fresh_kafka)
    await told_after_it(database, fresh_kafka)
    reason = await refused(database, fresh_kafka)
    assert "numbers 5-6 of tests/0 (epoch 1) missing before offset 0" in reason


async def test_a_rebuilt_cluster_goes_on_by_numbers_when_all_was_read(database: str, fresh_kafka: str) -> None:
    await told_before_the_loss(database, fresh_kafka, heard=6)
    async with any_kafka() as other:
        kafka = address_of(other)
        await others_ran(kafka)
        async with AsyncExitStack() as stack:
            run = await stack.enter_async_context(running(INTAKE, settings(database, kafka)))
            hearer = await stack.enter_async_context(running(TRACING, settings(database, kafka)))
            await until_ready(run, hearer)
            await say_through(run, EVENTS[6:9])
            await until_applied(hearer.app.pool, EVENTS)


async def test_a_rebuilt_cluster_with_records_unread_is_refused_and_they_are_named(
    database: str, fresh_kafka: str
) -> None:
    await told_before_the_loss(database, fresh_kafka, heard=5)
    async with any_kafka() as other:
        kafka = address_of(other)
        await told_after_it(database, kafka)
        assert "number 6 of tests/0 (epoch 1) missing before offset 0" in await refused(database, kafka)


@pytest.mark.skipif(chosen_broker() != "apache", reason="a volume is put back: needs Apache Kafka as a process")
@pytest.mark.parametrize("heard", [6, 4])
async def test_a_lost_tail_goes_on_by_numbers_or_is_named(database: str, heard: int) -> None:
    """The broker's volume is put back to where it held three of six records, of which tracing had read `heard`."""
    async with apache_kafka() as server:
        data, old = server._directory / "data", server._directory / "old"
        async with door(database, server.kafka) as run:
            await say_through(run, EVENTS[:3])
            await hear(database, server.kafka, EVENTS[:3])  # the group's own topic is of the backup as well
        await server.stop()
        shutil.copytree(data, old)
        await server.start()
        async with door(database, server.kafka) as run:
            await say_through(run, EVENTS[3:heard])
            await hear(database, server.kafka, EVENTS[:heard])
            await say_through(run, EVENTS[heard:6])
        await server.stop()
        shutil.rmtree(data)
        old.rename(data)
        await server.start()
        async with door(database, server.kafka) as run:
            await say_through(run, EVENTS[6:8])  # the log then ends below the offset that was read
        if heard == 6:
            await hear(database, server.kafka, EVENTS[:8])
        else:  # the stored offset lies behind number 7
            assert "numbers 5-7 of tests/0 (epoch 1) missing before offset 4" in await refused(database, server.kafka)
