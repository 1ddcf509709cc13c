"""Whole processes on real servers: start, order of an event's way, losses of the servers, a clean end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.envelope import Event, say
from contracts.events.policies import TimeAdvanced
from contracts.events.quarantine import SamplingDue
from contracts.events.testing import TestResulted
from contracts.topics import BY_KEY, said_by
from deploy.local.postgres import Postgres
from services.chassis import own_work
from services.chassis.errors import PartitionsDiffer
from services.chassis.running import running
from services.chassis.service import Service
from services.chassis.topics import admin, await_topics, make_topics
from tests.chassis.rig import (
    APPLIED,
    INTAKE,
    NOON,
    a_result,
    applied,
    both,
    of_lane,
    on_result,
    say_all,
    settings,
    until,
    until_applied,
    until_ready,
)
from tests.servers import KafkaServer

EVENTS = [a_result(number, person=f"person-{number % 5}") for number in range(60)]

END_THE_RELAY = """
select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)
 where locktype = 'advisory' and granted and application_name like '%/relay'"""


async def books_of(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        return dict((await client.get(f"{url}/books")).raise_for_status().json())


async def test_events_reach_the_next_service_once_and_the_books_balance(database: str, fresh_kafka: str) -> None:
    async def due(event: Event[TestResulted], tx: asyncpg.Connection) -> list[Event[Any]]:
        await on_result(event, tx)
        fact = SamplingDue(statement_id=event.id, person_id=event.subject, tube_id="tube", since_at=NOON)
        return [say(fact, source="tracing", time=event.time, division=event.division, cause=event)]

    async with both(database, fresh_kafka, Service("tracing", APPLIED, {TestResulted: due})) as (door, hearer):
        async with own_work.transaction(door.app) as turn:
            turn.say(EVENTS)
        await until_applied(hearer.app.pool, EVENTS)

        async def quiet() -> bool:
            first, second = await books_of(hearer.url), [await books_of(run.url) for run in (door, hearer)]
            heard = {lane: last for lane, last in second[0]["lanes"].items() if lane in first["positions"]}
            return first["positions"] == heard and all(book["waiting"] + book["pending"] == 0 for book in second)

        await until(quiet, "the books balance")
        said = await books_of(hearer.url)
        assert sum(last for lane, last in said["lanes"].items() if lane.startswith("dues/")) == len(EVENTS)
        for person in range(5):
            mine = [event.id for event in EVENTS if event.subject == f"person-{person}"]
            assert [event for event in await applied(hearer.app.pool) if event in mine] == mine


async def test_the_stage_clock_is_told_through_the_log_and_survives_a_lower_revision(
    database: str, fresh_kafka: str
) -> None:
    def told(revision: int, hour: int) -> Event[TimeAdvanced]:
        fact = TimeAdvanced(statement_id="stage", revision=revision, to_at=NOON.replace(hour=hour))
        return say(fact, source="intake", time=NOON, division="33")

    async with both(database, fresh_kafka) as (door, hearer):
        for revision, hour in ((2, 14), (1, 9), (3, 15)):
            async with own_work.transaction(door.app) as turn:
                turn.say([told(revision, hour)])

        async def there() -> bool:
            async with own_work.reading(hearer.app) as turn:
                return turn.now == NOON.replace(hour=15)

        await until(there, "15 o'clock in tracing")
        async with own_work.reading(door.app) as turn:
            assert turn.now == NOON.replace(hour=15)


async def test_kafka_away_events_gather_and_go_out_when_it_is_back(
    database: str, fresh_kafka: str, kafka_server: KafkaServer, background: Any
) -> None:
    async with both(database, fresh_kafka) as (door, hearer):
        await say_all(door.app.pool, EVENTS[:20])
        await until_applied(hearer.app.pool, EVENTS[:20])
        await asyncio.to_thread(background.run, kafka_server.kill())
        async with own_work.transaction(door.app) as turn:
            turn.say(EVENTS[20:40])

        async def unready() -> bool:
            return any("kafka" in part or "relay" in part for part in door.health.reasons)

        await until(unready, "/readyz says that Kafka is away")
        await asyncio.to_thread(background.run, kafka_server.start())
        async with own_work.transaction(door.app) as turn:
            turn.say(EVENTS[40:])
        await until_applied(hearer.app.pool, EVENTS)
        await until_ready(door, hearer)


async def test_postgresql_killed_and_back_loses_and_doubles_nothing(
    postgres_server: Postgres, fresh_kafka: str, background: Any
) -> None:
    async with both(postgres_server.dsn, fresh_kafka) as (door, hearer):
        await say_all(door.app.pool, EVENTS)
        await asyncio.to_thread(background.run, postgres_server.kill())

        async def unready() -> bool:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{hearer.url}/readyz")).status_code == 503

        await until(unready, "/readyz says that PostgreSQL is away")
        await asyncio.to_thread(background.run, postgres_server.start())
        await until_applied(hearer.app.pool, EVENTS)
        await until_ready(door, hearer)
        assert await hearer.app.pool.fetchval("select count(*) from dead_letters") == 0


async def test_two_replicas_that_say_at_once_lose_and_double_nothing(database: str, fresh_kafka: str) -> None:
    async with both(database, fresh_kafka) as (door, hearer), running(INTAKE, settings(database, fresh_kafka)) as other:

        async def say_some(run: Any, mine: list[Event[Any]]) -> None:
            for event in mine:
                async with own_work.transaction(run.app) as turn:
                    turn.say([event])

        await asyncio.gather(say_some(door, EVENTS[::2]), say_some(other, EVENTS[1::2]))
        await until_applied(hearer.app.pool, EVENTS)


async def test_a_lane_that_another_replica_now_relays_keeps_nobody_from_being_ready(
    database: str, fresh_kafka: str
) -> None:
    async with (
        running(INTAKE, settings(database, fresh_kafka)) as one,
        running(INTAKE, settings(database, fresh_kafka)) as other,
    ):
        await until_ready(one, other)
        await _largest_record(fresh_kafka, 100)
        await say_all(one.app.pool, EVENTS[:1])

        async def refused() -> bool:
            reasons = {**one.health.reasons, **other.health.reasons}
            row = await one.app.pool.fetchval("select id from outbox")
            said = [words for part, words in reasons.items() if part.startswith("relay tests/")]
            return f"rows {row} to {row} of the outbox" in "".join(said)  # as `gridward relay void` takes it

        await until(refused, "a batch refused")
        await one.app.pool.execute(END_THE_RELAY)
        await _largest_record(fresh_kafka, 1_000_000)
        await until_ready(one, other)

        async def sent() -> bool:
            return await one.app.pool.fetchval("select count(*) from outbox") == 0

        await until(sent, "the batch is sent")


async def _largest_record(kafka: str, size: int) -> None:
    wanted = ConfigResource(ConfigResourceType.TOPIC, "tests", {"max.message.bytes": str(size)})
    async with admin(kafka) as client:
        await client.alter_configs([wanted])


async def test_another_partition_count_on_the_broker_is_refused(database: str, fresh_kafka: str) -> None:
    await make_topics(fresh_kafka, [replace(BY_KEY["tests"], partitions=5)], -1)
    with pytest.raises(PartitionsDiffer, match=r"topic tests has 5 partitions on the broker, .* says 3"):
        async with running(INTAKE, settings(database, fresh_kafka)) as run, asyncio.timeout(30):
            await run.failed


async def test_topics_are_kept_for_ever_and_not_compacted(fresh_kafka: str) -> None:
    await make_topics(fresh_kafka, said_by("alerts"), -1)
    await make_topics(fresh_kafka, said_by("alerts"), -1)
    await await_topics(fresh_kafka, said_by("alerts"))
    async with admin(fresh_kafka) as client:
        (answer,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "messages")])
    values = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert (values["cleanup.policy"], values["retention.ms"]) == ("delete", "-1")


async def test_http_is_served_and_events_are_taken_while_kafka_has_never_been_there(database: str) -> None:
    async with running(INTAKE, settings(database, "127.0.0.1:1")) as run:
        async with own_work.transaction(run.app) as turn:
            turn.say(of_lane(0, 3))
        book = await books_of(run.url)
        assert book["waiting"] == 3
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{run.url}/readyz")
        assert answer.status_code == 503
        assert "start it, or correct GRIDWARD_KAFKA" in answer.text
