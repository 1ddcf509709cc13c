"""Reading the log beside the consumer group: where it begins and ends, and what lies at a lane's tail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.chassis.database import Lane

_TIMEOUT_MS = 5_000


def tail_start(known: int, start: int, end: int) -> int:
    """Where to read a lane's tail from, if the end was known at `known`: the last record at least.

    A topic that was made again, or a log that lost its tail, ends below the offset known.
    """
    return max(start, min(known, end - 1))


class LogReader:
    """A client outside any group. Each call raises KafkaError (retriable) when the broker is away."""

    def __init__(self, client: AIOKafkaConsumer) -> None:
        self._client = client

    async def ends(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """The offset after the last record of each lane."""
        found = await self._client.end_offsets([TopicPartition(*lane) for lane in lanes])
        return {(at.topic, at.partition): offset for at, offset in found.items()}

    async def starts(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """The offset of the first record that is kept of each lane."""
        found = await self._client.beginning_offsets([TopicPartition(*lane) for lane in lanes])
        return {(at.topic, at.partition): offset for at, offset in found.items()}

    async def read(self, lane: Lane, start: int, end: int) -> AsyncIterator[ConsumerRecord]:
        """The records of one lane from offset `start` to before `end`, which must be in the log."""
        at = TopicPartition(*lane)
        self._client.assign([at])
        self._client.seek(at, start)
        while start < end:
            batch = (await self._client.getmany(at, timeout_ms=1_000)).get(at, [])
            for record in batch:
                if record.offset >= end:
                    return
                start = record.offset + 1
                yield record


@asynccontextmanager
async def log_reader(kafka: str) -> AsyncIterator[LogReader]:
    """Raises KafkaError when the broker is away."""
    client = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=_TIMEOUT_MS,
        fetch_max_wait_ms=50,
    )
    try:
        await client.start()
        yield LogReader(client)
    finally:
        await client.stop()
