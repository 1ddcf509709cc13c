"""Reads the topics that sources name, each record admitted once: its offset is kept with what it said."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from prometheus_client import Gauge

from services.chassis.database import Lane, Tx
from services.chassis.errors import GridwardError, WrongSettings
from services.chassis.kafka import how_to_reach
from services.chassis.reader import LogReader, log_reader
from services.chassis.settings import Settings
from services.chassis.subscription import REBALANCE_MS
from services.intake.door import BATCH, AdmissionFailed, Door
from services.intake.health.items import Item
from services.intake.health.sources import Source, Sources
from services.intake.health.taking import MESSAGES, of_use, refusal
from services.intake.health.upstream.reading import Content, Raw, read_record
from services.intake.health.upstream.where import begin_at, cluster_of, mark_of
from services.intake.problems import Problem
from services.intake.reading import Reading
from services.intake.store import upstream
from services.intake.store.upstream import Standing

log = structlog.get_logger()

READING = Gauge(
    "gridward_upstream_reading",
    "1 while the other cluster's topics are read: 0 means that it, or the database, does not answer.",
)
LOOK_AGAIN = 10.0
"""Seconds between two looks whether the logs are still those that were read."""
LONGEST_BACK_OFF = 5.0


class Elsewhere(GridwardError):
    """The offset kept is not the one from which this process read on: another replica has gone on meanwhile."""


class Piece(NamedTuple):
    """Records that are admitted together, and what the door gets of them."""

    records: Sequence[ConsumerRecord]
    readings: Sequence[Reading]


class Upstream(ConsumerRebalanceListener):  # type: ignore[misc]
    """One a process. Replicas share the lanes as a group; correctness rests on the rows alone."""

    def __init__(self, door: Door, sources: Sources, kafka: str, instance: str | None) -> None:
        self._door, self._kafka = door, kafka
        self._instance = instance and f"gridward-upstream-{instance}"
        self._sources = {topic: source for source in sources.all for topic in source.topics}
        self._expected: dict[Lane, int] = {}
        self._ending = asyncio.Event()
        self._cluster = ""

    def end(self) -> None:
        """Finish what is under way."""
        self._ending.set()

    async def run(self) -> None:
        """Until ended; whatever fails is read again."""
        failures = 0
        while not self._ending.is_set():
            try:
                async with log_reader(self._kafka) as reader, self._client() as client:
                    self._cluster = await cluster_of(self._kafka)
                    self._expected.clear()
                    READING.set(1)
                    failures = 0
                    await self._read(client, reader)
            except Exception as error:  # the feed goes on, whatever it was
                READING.set(0)
                failures += 1
                place = traceback.extract_tb(error.__traceback__)[-1]
                log.warning("upstream waits", error=type(error).__name__, file=place.filename, line=place.lineno)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), min(LONGEST_BACK_OFF, 0.1 * 2 ** min(failures, 10)))
        READING.set(0)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AIOKafkaConsumer]:
        client = AIOKafkaConsumer(
            **how_to_reach(self._kafka),
            group_id="gridward-upstream",
            group_instance_id=self._instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            rebalance_timeout_ms=REBALANCE_MS,
            metadata_max_age_ms=10_000,  # so soon a topic that is made later, or anew, is seen
        )
        client.subscribe(list(self._sources), listener=self)
        try:
            await client.start()
            yield client
        finally:
            await client.stop()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """What is under way commits, or is undone by the row."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Each lane is sought to where its row says, before anything of it is taken."""
        self._expected.clear()

    async def _read(self, client: AIOKafkaConsumer, reader: LogReader) -> None:
        loop = asyncio.get_running_loop()
        looked_at = loop.time()
        while not self._ending.is_set():
            if loop.time() - looked_at > LOOK_AGAIN:
                self._expected.clear()
                looked_at = loop.time()
            for at in client.assignment():
                if (at.topic, at.partition) not in self._expected:
                    await self._begin(client, reader, at)
            found = await client.getmany(timeout_ms=200, max_records=BATCH)
            for at, records in found.items():
                if records and self._continues(at, records):
                    await self._take((at.topic, at.partition), records)

    async def _begin(self, client: AIOKafkaConsumer, reader: LogReader, at: TopicPartition) -> None:
        lane = (at.topic, at.partition)
        offset = await begin_at(self._door, reader, lane, self._cluster)
        if at in client.assignment():
            client.seek(at, offset)
            self._expected[lane] = offset

    def _continues(self, at: TopicPartition, records: Sequence[ConsumerRecord]) -> bool:
        """A batch from before the place sought is another log's, or of a time before: looked at again, not taken."""
        lane = (at.topic, at.partition)
        if lane in self._expected and records[0].offset >= self._expected[lane]:
            return True
        self._expected.pop(lane, None)
        return False

    async def _take(self, lane: Lane, records: Sequence[ConsumerRecord]) -> None:
        source = self._sources[lane[0]]
        try:
            async for piece in self._pieces(records, source):
                await self._admit(lane, piece, source)
        except Elsewhere:
            self._expected.pop(lane, None)

    async def _pieces(self, records: Sequence[ConsumerRecord], source: Source) -> AsyncIterator[Piece]:
        """Of at most BATCH readings, or one record; what looks back is read when all before it was admitted."""
        gathered, readings = list[ConsumerRecord](), list[Reading]()
        for record in records:
            content = read_record(Raw(record.value, record.headers), source)
            if readings and (content.looks_back or len(readings) >= BATCH):
                yield Piece(gathered, readings)
                gathered, readings = [], []
            gathered.append(record)
            readings += await self._readings(content, source)
        yield Piece(gathered, readings)

    async def _readings(self, content: Content, source: Source) -> list[Reading]:
        readings = list(content.ready)
        for said in await of_use(self._door, content.said):
            readings += [each.reading(source.sender) for each in said if isinstance(each, Item)]
        return readings

    async def _admit(self, lane: Lane, piece: Piece, source: Source) -> None:
        """Together; a piece in which a fault of ours lies, record by record, and that record as a rejected row."""
        try:
            await self._admit_together(lane, piece, source)
        except AdmissionFailed:
            if len(piece.records) == 1:
                body = piece.records[0].value or b""
                kept = refusal(body, source, source.sender, (Problem("", "adapter_failed"),))
                await self._admit_together(lane, Piece(piece.records, [kept]), source)
                return
            for record in piece.records:
                content = read_record(Raw(record.value, record.headers), source)
                await self._admit(lane, Piece([record], await self._readings(content, source)), source)

    async def _admit_together(self, lane: Lane, piece: Piece, source: Source) -> None:
        last = piece.records[-1]
        standing = Standing(last.offset + 1, mark_of(last), self._cluster)

        async def beside(tx: Tx) -> None:
            if not await upstream.move(tx, lane, self._expected[lane], standing):
                raise Elsewhere("another replica reads this lane")

        verdicts = await self._door.admit_readings(piece.readings, beside)
        self._expected[lane] = standing.next_offset
        for verdict in verdicts:
            MESSAGES.labels(source.feed, "kafka", verdict.word).inc()


@asynccontextmanager
async def upstream_reader(door: Door, sources: Sources, settings: Settings) -> AsyncIterator[None]:
    """Reads until the block ends. Nothing is read without GRIDWARD_UPSTREAM_KAFKA. Raises WrongSettings."""
    if settings.upstream_kafka is None:
        yield
        return
    if not any(source.topics for source in sources.all):
        raise WrongSettings("GRIDWARD_UPSTREAM_KAFKA is set and no file of GRIDWARD_SOURCES names topics: add them")
    upstream_topics = Upstream(door, sources, settings.upstream_kafka, settings.instance)
    task = asyncio.create_task(upstream_topics.run())
    try:
        yield
    finally:
        upstream_topics.end()
        await asyncio.wait({task}, timeout=20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
