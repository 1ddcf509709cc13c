"""Topics of another cluster, what is put on them, and a reader of intake beside a world."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from services.chassis.topics import admin
from services.intake.door import door_of
from services.intake.health.sources import load_sources
from services.intake.health.upstream.consumer import upstream_reader
from tests.rules.fhir_messages import as_bytes
from tests.stores.intake_world import World, a_test, settings_of

SOURCES = str(Path(__file__).parents[1] / "sources")
TOPIC = "upstream-jiashan"
Sent = tuple[bytes | None, list[tuple[str, bytes]]]


def structured(data: object, n: int = 1, **more: Any) -> Sent:
    event = {"specversion": "1.0", "id": f"e{n}", "source": "/county", "type": "lab.result", "data": data, **more}
    return as_bytes(event), [("content-type", b"application/cloudevents+json; charset=UTF-8")]


def binary(data: bytes, n: int = 1, media_type: str = "application/json") -> Sent:
    named = {"ce_specversion": "1.0", "ce_id": f"e{n}", "ce_source": "/county", "ce_type": "lab.result"}
    return data, [*((name, value.encode()) for name, value in named.items()), ("content-type", media_type.encode())]


def a_result(n: int) -> dict[str, Any]:
    """A canonical record without feed and id: the source and the event tell them."""
    return {key: each for key, each in a_test(n, n).items() if key not in ("feed", "source_id")}


@asynccontextmanager
async def topic(kafka: str, partitions: int = 2) -> AsyncIterator[None]:
    await make(kafka, partitions)
    yield
    await drop(kafka)


async def make(kafka: str, partitions: int = 2) -> None:
    async with admin(kafka) as client:
        await client.create_topics([NewTopic(TOPIC, partitions, 1)])


async def drop(kafka: str) -> None:
    async with admin(kafka) as client:
        await client.delete_topics([TOPIC])
        while TOPIC in await client.list_topics():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.05)


async def produce(kafka: str, sent: Sequence[Sent], partitions: int = 2) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for n, (value, headers) in enumerate(sent):
            await producer.send_and_wait(TOPIC, value, b"k", partition=n % partitions, headers=headers)


@asynccontextmanager
async def reading(world: World, kafka: str) -> AsyncIterator[None]:
    settings = settings_of("unused", sources=SOURCES, upstream_kafka=kafka)
    async with upstream_reader(door_of(world.app), load_sources(SOURCES), settings):
        yield


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in PostgreSQL
            await asyncio.sleep(0.01)


async def read_so_far(pool: asyncpg.Pool) -> int:
    """Records of the present logs that are admitted."""
    return int(await pool.fetchval("select coalesce(sum(next_offset), 0) from upstream_positions"))


async def until_read(pool: asyncpg.Pool, records: int) -> None:
    async def read() -> bool:
        return await read_so_far(pool) == records

    await until(read)


async def produce_quickly(kafka: str, sent: Sequence[Sent]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, linger_ms=20) as producer:
        answers = [
            await producer.send(TOPIC, value, b"k", partition=n % 2, headers=headers)
            for n, (value, headers) in enumerate(sent)
        ]
        await asyncio.gather(*answers)
