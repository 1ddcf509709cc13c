"""Reading the log beside the consumer group: where it begins and ends, and what lies at a lane's tail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.chassis.database import Lane
from services.chassis.kafka import how_to_reach

_TIMEOUT_MS = 3_000


class Span(NamedTuple):
    """Offsets of one lane, from `start` to before `end`."""

    start: int
    end: int


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

    async def read(self, spans: Mapping[Lane, Span]) -> AsyncIterator[ConsumerRecord]:
        """The records of these spans, each lane's in order, the lanes as they come (one by one, each costs a fetch)."""
        left = {TopicPartition(*lane): span for lane, span in spans.items() if span.start < span.end}
        self._client.assign(list(left))
        for at, span in left.items():
            self._client.seek(at, span.start)
        while left:
            for at, records in (await self._client.getmany(*left, timeout_ms=1_000)).items():
                for record in records:
                    if record.offset < left[at].end:
                        yield record
                if records and records[-1].offset >= left[at].end - 1:
                    del left[at]

    def begin(self, offsets: Mapping[Lane, int]) -> None:
        """Stand at these offsets, for `more`."""
        self._client.assign([TopicPartition(*lane) for lane in offsets])
        for lane, offset in offsets.items():
            self._client.seek(TopicPartition(*lane), offset)

    async def more(self, wanted: Iterable[Lane]) -> dict[Lane, list[ConsumerRecord]]:
        """What comes next; lanes that are not wanted now are asked for no more."""
        lanes = {TopicPartition(*lane) for lane in wanted}
        self._client.pause(*(self._client.assignment() - lanes))
        self._client.resume(*lanes)
        found = await self._client.getmany(timeout_ms=1_000)
        return {(at.topic, at.partition): records for at, records in found.items() if records}

    async def tails(self, known: Mapping[Lane, int]) -> dict[Lane, Span]:
        """From where each lane's end was known to be, to its end; the last record at least, where there is one.

        A topic that was made again, or a log that lost its tail, ends below the offset known.
        """
        ends, starts = await self.ends(known), await self.starts(known)
        return {lane: Span(max(starts[lane], min(known[lane], ends[lane] - 1)), ends[lane]) for lane in known}


@asynccontextmanager
async def log_reader(kafka: str, timeout_ms: int = _TIMEOUT_MS) -> AsyncIterator[LogReader]:
    """Raises KafkaError when the broker is away, or does not answer in this time."""
    client = AIOKafkaConsumer(
        **how_to_reach(kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=timeout_ms,
        fetch_max_wait_ms=50,
    )
    try:
        await client.start()
        await asyncio.sleep(0)  # aiokafka: a client stopped before its tasks have begun raises CancelledError
        yield LogReader(client)
    finally:
        await client.stop()
