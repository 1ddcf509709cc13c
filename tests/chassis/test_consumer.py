"""The consumer on a real log: it seeks back, stops aloud, and goes on in the other lanes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client import REGISTRY

from contracts.topics import heard_by
from services.chassis.running import Running, running
from services.chassis.sending import relay_producer, send
from services.chassis.topics import make_topics
from tests.chassis.rig import (
    TRACING,
    a_plan,
    a_result,
    applied,
    ids,
    of_lane,
    settings,
    until,
    until_applied,
    until_ready,
)

EVENTS = of_lane(0, 8)


@asynccontextmanager
async def listening(database: str, kafka: str) -> AsyncIterator[tuple[Running, AIOKafkaProducer]]:
    """tracing on a log that the test writes itself."""
    await make_topics(kafka, heard_by("tracing"), -1)
    async with running(TRACING, settings(database, kafka)) as run, relay_producer(kafka) as producer:
        await until_ready(run)
        yield run, producer


def client_of(run: Running) -> AIOKafkaConsumer:
    assert run.consumer is not None
    return run.consumer.client()


def refused(why: str) -> float:
    """Lanes of batches that were not taken so far."""
    return REGISTRY.get_sample_value("gridward_batches_refused_total", {"service": "tracing", "why": why}) or 0


async def readiness(run: Running) -> tuple[int, str]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{run.url}/readyz")
    return answer.status_code, answer.text


async def until_unready(run: Running, words: str) -> None:
    async def said() -> bool:
        status, text = await readiness(run)
        return status == 503 and words in text

    await until(said, f"/readyz 503 with {words!r}")


async def test_a_position_that_jumped_ahead_is_brought_back(database: str, fresh_kafka: str) -> None:
    async with listening(database, fresh_kafka) as (run, producer):
        await send(producer, a_plan(1, 4))
        await until_applied(run.app.pool, EVENTS[:4])
        client = client_of(run)
        client.pause(TopicPartition("tests", 0))
        await send(producer, a_plan(5, 8))
        client.seek(TopicPartition("tests", 0), 6)
        client.resume(TopicPartition("tests", 0))
        await until_applied(run.app.pool, EVENTS)
        assert await applied(run.app.pool) == ids(EVENTS)


async def test_the_same_gap_twice_stops_the_lane_aloud_and_no_other(database: str, fresh_kafka: str) -> None:
    async with listening(database, fresh_kafka) as (run, producer):
        await send(producer, a_plan(1, 4))
        await send(producer, a_plan(7, 8))
        await until_unready(run, "numbers 5-6 of tests/0 (epoch 1) missing")
        await send(producer, a_plan(1, 3, lane=1))
        await until_applied(run.app.pool, EVENTS[:4] + of_lane(1, 3))
        await send(producer, a_plan(5, 6))
        assert (await readiness(run))[0] == 503
    async with running(TRACING, settings(database, fresh_kafka)) as again:
        await until_unready(again, "numbers 5-6 of tests/0")


async def test_the_same_epoch_of_another_source_stops_the_lane_aloud(database: str, fresh_kafka: str) -> None:
    async with listening(database, fresh_kafka) as (run, producer):
        await send(producer, a_plan(1, 4))
        before = refused("source")
        await send(producer, a_plan(5, 6, source="ffffffff"))
        await until_unready(run, "tests/0 is numbered by two databases in epoch 1")
        assert refused("source") > before
        assert await applied(run.app.pool) == ids(EVENTS[:4])


async def test_a_header_that_is_null_or_no_text_loses_nothing(database: str, fresh_kafka: str) -> None:
    async with listening(database, fresh_kafka) as (run, producer):
        await send(producer, a_plan(1, 2))
        for value in (None, b"\xff\xfe"):
            headers = [("n", value), ("x", value)]
            await producer.send_and_wait("tests", a_result(1).to_wire(), partition=0, headers=headers)
        await send(producer, a_plan(3, 8))
        await until_applied(run.app.pool, EVENTS)
        assert await run.app.pool.fetchval("select count(*) from dead_letters") == 2
        assert (await readiness(run))[0] == 200


async def test_a_position_put_back_is_read_up_again_at_the_next_start(database: str, fresh_kafka: str) -> None:
    """A consumer's database restored to an earlier instant, while Kafka says that all was read."""
    async with listening(database, fresh_kafka) as (run, producer):
        await send(producer, a_plan(1, 8))
        await until_applied(run.app.pool, EVENTS)
        await run.app.pool.execute("delete from applied where id > 3")
        await run.app.pool.execute("update positions set next_offset = 3, last = 3 where last = 8")
    async with running(TRACING, settings(database, fresh_kafka)) as again:
        await until_applied(again.app.pool, EVENTS)


async def test_two_replicas_share_the_lanes_and_one_takes_over(database: str, fresh_kafka: str) -> None:
    async with listening(database, fresh_kafka) as (run, producer):
        async with running(TRACING, settings(database, fresh_kafka)) as other:
            await until_ready(other)

            async def shared() -> bool:
                return all(client_of(replica).assignment() for replica in (run, other))

            await until(shared, "both replicas have lanes")
            for lane in range(3):
                await send(producer, a_plan(1, 4, lane=lane))
            await until_applied(run.app.pool, [event for lane in range(3) for event in of_lane(lane, 4)])
        for lane in range(3):
            await send(producer, a_plan(5, 8, lane=lane))
        await until_applied(run.app.pool, [event for lane in range(3) for event in of_lane(lane, 8)])
