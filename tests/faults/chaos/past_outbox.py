"""The weakness of services without an outbox: commit, then publish."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from contracts.topics import OF_FACT
from services.chassis import turns
from services.chassis.service import App


def publish_after_commit() -> None:
    """From now on every transaction of a route in this process works so."""
    setattr(turns, "transaction", _transaction)  # noqa: B010 - a weakness, put in from outside


@asynccontextmanager
async def _transaction(app: App, begin: turns.Begin) -> AsyncIterator[turns.Turn]:
    async with app.pool.acquire() as tx, tx.transaction():
        turn = turns.Turn(tx, await begin(tx, "0"))
        yield turn
    producer = await _producer(app.settings.kafka)
    for event in turn.said:
        topic = OF_FACT[type(event.data)]
        lane = topic.partition_of(event.subject)
        await producer.send_and_wait(topic.key, event.to_wire(), event.subject.encode(), partition=lane)


_started: list[AIOKafkaProducer] = []


async def _producer(kafka: str) -> AIOKafkaProducer:
    """The one of this process; it ends with the process, which only ends by a kill."""
    if not _started:
        producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
        await producer.start()
        _started.append(producer)
    return _started[0]
