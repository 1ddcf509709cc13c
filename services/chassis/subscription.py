"""FastStream's part: one subscription to all that a service hears, in batches, acknowledged by hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from asyncpg import Pool
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage

from contracts.topics import heard_by
from services.chassis.ahead import Ahead
from services.chassis.consumer import Consumer
from services.chassis.database import DATABASE_ERRORS, Lane
from services.chassis.kafka import address_of, security_of
from services.chassis.reader import LogReader
from services.chassis.settings import Settings

log = structlog.get_logger()

MOST_RECORDS = 30_000  # of a batch: a batch is whatever has gathered
BUSY = 1_000  # records of a batch from which on the next one is fetched and read while this one is applied
LARGEST_FETCH = 4 * 1024 * 1024  # bytes of a lane: a batch that a few lanes fill is not cut short by them
GATHER_MS = 10  # an empty poll takes this time twice
FETCH_WAIT_MS = 60  # while a lane's records are being worked on, the next fetch does not ask for that lane
HEARTBEAT_MS = 1_000  # a replica learns with a heartbeat that lanes change hands
REBALANCE_MS = 30_000  # a batch that takes longer loses its lanes, and is still applied once
SEEK_TRIES, SEEK_PAUSE = 10, 0.5  # seconds; after these a batch that begins too high is refused and sought back
ACKNOWLEDGING = 5.0  # seconds; while Kafka is away aiokafka would try for ever

_OFFSETS = "select topic, partition, next_offset from positions where consumer = $1"


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Seeks to the stored offsets: a saving, and what lets a restored database read on without waiting for news."""

    def __init__(self, consumer: Consumer, service: str, pool: Pool, reader: LogReader) -> None:
        self._consumer, self._service, self._pool, self._reader = consumer, service, pool, reader

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nobody died. A batch under way commits or is dropped by the fence."""
        await self._consumer.care.leave()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        lanes: set[Lane] = {(at.topic, at.partition) for at in assigned}
        self._consumer.assigned(lanes)
        for _ in range(SEEK_TRIES if lanes else 0):
            try:
                await self._seek(lanes)
                break
            except (KafkaError, *DATABASE_ERRORS) as error:
                log.info("the stored offsets are not known yet", service=self._service, error=repr(error))
                await asyncio.sleep(SEEK_PAUSE)

    async def _seek(self, lanes: set[Lane]) -> None:
        ends = await self._reader.ends(lanes)
        rows = await self._pool.fetch(_OFFSETS, self._service)
        offsets = {(topic, partition): offset for topic, partition, offset in rows if (topic, partition) in lanes}
        await self._consumer.care.begin(offsets, ends)
        for lane, offset in offsets.items():
            if offset <= ends[lane]:
                self._consumer.client().seek(TopicPartition(*lane), offset)


@asynccontextmanager
async def subscribed(
    consumer: Consumer, service: str, settings: Settings, pool: Pool, reader: LogReader
) -> AsyncIterator[None]:
    """Read and apply until the block ends; a batch under way is finished. Raises KafkaError when Kafka is away."""
    kafka = address_of(settings.kafka)
    broker = KafkaBroker(
        kafka.servers,
        security=security_of(kafka),
        consumer_only=True,
        apply_types=False,
        logger=_quiet_logger(),
        graceful_timeout=15.0,
    )

    async def raw(records: tuple[ConsumerRecord, ...]) -> KafkaAckableMessage:
        """A parser that looks at nothing and so cannot raise: a header may be null or no text at all."""
        return KafkaAckableMessage(body=b"", raw_message=records, consumer=consumer.client())

    instance = settings.instance and f"gridward-{service}-{settings.instance}"
    subscriber = broker.subscriber(
        *(topic.key for topic in heard_by(service)),
        batch=True,
        max_records=MOST_RECORDS,
        batch_timeout_ms=GATHER_MS,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=LARGEST_FETCH,
        rebalance_timeout_ms=REBALANCE_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        group_id=f"gridward-{service}",
        group_instance_id=instance,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        listener=_Rebalances(consumer, service, pool, reader),
        parser=raw,
        decoder=_whole,
        no_reply=True,
    )

    consumer.client = lambda: subscriber.consumer

    turn = _Turn()

    @subscriber
    async def on_batch(message: Any) -> None:
        records = message.raw_message
        ahead = await consumer.read_ahead(records)
        await turn.end()
        turn.begin(_applied(consumer, message, ahead, service))
        if len(records) < BUSY or consumer.is_ending:  # let more gather meanwhile
            await turn.end()

    try:
        await broker.start()
        _join_again_after_errors(consumer.client())
        yield
    finally:
        consumer.end()
        await turn.end()
        await broker.stop()
        await consumer.care.leave()


def _join_again_after_errors(client: AIOKafkaConsumer) -> None:
    """aiokafka: a heartbeat whose answer it does not know (a broker that was killed still loads its groups) is the last
    one, the group lets the member go, and every poll raises the same error for ever. Joining again mends that."""
    poll = client.getmany

    async def getmany(*lanes: TopicPartition, **how: Any) -> Any:
        try:
            return await poll(*lanes, **how)
        except KafkaError:
            client._coordinator.request_rejoin()  # nothing public says it
            raise

    client.getmany = getmany


async def _whole(message: KafkaAckableMessage) -> KafkaAckableMessage:
    """A decoder that leaves all as it is: FastStream's own costs four times the rest of the way."""
    return message


class _Turn:
    """The one batch that is being applied. While it is, whoever is behind fetches and reads the next one."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(work)

    async def end(self) -> None:
        """Returns when it is applied, or given up."""
        if self._task is not None:
            await self._task


async def _applied(consumer: Consumer, message: KafkaAckableMessage, ahead: Ahead, service: str) -> None:
    if await consumer.take(message.raw_message, ahead):
        await _acknowledge(message, service)


async def _acknowledge(message: KafkaAckableMessage, service: str) -> None:
    """Only a hint for the next start: the positions are kept already."""
    try:
        async with asyncio.timeout(ACKNOWLEDGING):
            await message.ack()
    except (KafkaError, TimeoutError) as error:
        log.info("not acknowledged", service=service, error=repr(error))


def _quiet_logger() -> logging.Logger:
    """FastStream's warnings but the one that it makes no topics: ours are made in `topics.py`."""
    logger = logging.getLogger("gridward.faststream")
    logger.setLevel(max(logging.WARNING, logging.getLogger().level))
    if not logger.filters:
        logger.addFilter(lambda line: "Topic creation is skipped" not in line.getMessage())
    return logger
