"""From Kafka to `once.py`: batches as they gather, cuts to find poison, seeks, stops, acknowledgement.

Neither FastStream's `nack` nor the rebalance listener carries correctness, and no exception escapes the handler: a
missed seek shows up as a batch that begins too high, a stale batch as repeats.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from asyncpg import Pool

from services.chassis import deadletter, metrics
from services.chassis.ahead import Ahead, read_ahead
from services.chassis.care import Care
from services.chassis.database import Lane, is_transient
from services.chassis.errors import TooManyDeadLetters
from services.chassis.fence import Above, Gap, OtherSource, Problem
from services.chassis.health import Health
from services.chassis.masking import reason_of
from services.chassis.once import NOTHING_READ, Applied, apply, by_lane
from services.chassis.reader import LogReader
from services.chassis.service import Service
from services.chassis.settings import Settings

log = structlog.get_logger()

LONGEST_BACK_OFF = 5.0
_WHY = dict(zip((Above, Gap, OtherSource), metrics.REFUSED_WHY, strict=True))


class Consumer:
    """What becomes of the batches of one service in one process. `client` is set by who subscribes."""

    client: Callable[[], AIOKafkaConsumer]

    def __init__(
        self,
        service: Service,
        settings: Settings,
        pool: Pool,
        reader: LogReader,
        health: Health,
        committed: Callable[[], None],
    ) -> None:
        self._service, self._pool, self._reader, self._health = service, pool, reader, health
        self._an_hour = settings.dead_letters_an_hour
        self._committed = committed
        self.care = Care(pool, reader, service.name)
        self._full = ""  # why the limit was met: nothing is read until there is room
        self._log_starts: dict[Lane, int] = {}
        self._gaps: dict[Lane, Gap] = {}
        self._stopped: set[Lane] = set()
        self.is_at_work = False
        self._failures = 0
        self._ending = asyncio.Event()

    @property
    def given(self) -> frozenset[Lane]:
        """Lanes that the group gave to this process last; none where others have them all."""
        return frozenset((at.topic, at.partition) for at in self.client().assignment())

    @property
    def stopped(self) -> frozenset[Lane]:
        """Lanes in which nothing is taken until a person has looked."""
        return frozenset(self._stopped)

    def end(self) -> None:
        """Wait for nothing any more: the process ends."""
        self._ending.set()

    @property
    def is_ending(self) -> bool:
        return self._ending.is_set()

    async def read_ahead(self, records: Sequence[ConsumerRecord]) -> Ahead:
        """What can be done of a batch while the one before it is being applied: nothing that it could change."""
        lanes = by_lane(records)
        return await read_ahead(lanes, self._service) if self.care.trusts(lanes) else NOTHING_READ

    async def take(self, records: Sequence[ConsumerRecord], ahead: Ahead = NOTHING_READ) -> bool:
        """Apply a batch as far as it goes; True: acknowledge. Raises nothing but cancellation."""
        name = self._service.name
        metrics.BATCH_RECORDS.labels(name).observe(len(records))
        self.is_at_work = True
        try:
            with metrics.BATCH_DURATION.labels(name).time():
                await self._await_room()
                await self._cut(records, ahead)
        except Exception as error:
            await self.care.lives()
            await self._back_off(records, error)
            return False
        finally:
            self.is_at_work = False
        self._failures = 0
        self._health.well("consumer")
        return True

    async def _await_room(self) -> None:
        """Raises TooManyDeadLetters again, whatever the batch, until an operator has closed some."""
        if self._full and not await deadletter.has_room(self._pool, self._an_hour):
            raise TooManyDeadLetters(self._full)
        self._full = ""

    async def _cut(self, records: Sequence[ConsumerRecord], ahead: Ahead) -> None:
        """Prefixes of the batch, each its own transaction: halved to what fails, doubled once nothing is known to.

        bad: so many of the next records failed together, so the one that does is among them.
        """
        await self.care.own(by_lane(records))
        rest = _without(records, self._stopped)
        size, bad = len(rest), 0
        while rest:
            cut = await self.care.limit(rest[:size])
            try:
                applied = await self._apply(cut, ahead, self.care.verdict(cut))
            except Exception as error:
                if self._is_no_poison(error, alone=len(cut) == 1):
                    raise
                if len(cut) > 1:
                    size, bad = len(cut) // 2, len(cut)
                    continue
                applied, bad = await self._set_aside(cut, error), 1
            self._count(applied)
            for lane, problem in applied.problems.items():
                await self._meet(lane, problem)
            if not applied.problems:
                self.care.passed(cut)
            rest = _without(rest[len(cut) :], applied.problems)
            bad = max(0, bad - len(cut))
            size = max(1, bad // 2) if bad else size * 2

    def _is_no_poison(self, error: Exception, *, alone: bool) -> bool:
        """Whether the batch is given up. The limit of dead letters is met by the first record beyond it, not before."""
        if isinstance(error, TooManyDeadLetters):
            self._full = str(error) if alone else ""
            return alone
        return is_transient(error)

    async def _set_aside(self, cut: Sequence[ConsumerRecord], error: Exception) -> Applied:
        try:
            applied = await self._apply(cut, NOTHING_READ, error)
        except TooManyDeadLetters as full:
            self._full = str(full)
            raise
        frames = "".join(traceback.format_tb(error.__traceback__))  # the error's own words may quote the record
        reason = reason_of(error, cut[0].value)
        place = f"{cut[0].topic}/{cut[0].partition}"
        log.error("set aside", service=self._service.name, lane=place, offset=cut[0].offset, reason=reason, at=frames)
        return applied

    async def _apply(
        self, cut: Sequence[ConsumerRecord], ahead: Ahead, condemned: BaseException | None = None
    ) -> Applied:
        applied = await apply(
            self._pool,
            self._service,
            cut,
            log_starts=self._log_starts,
            dead_letters_an_hour=self._an_hour,
            ahead=ahead,
            condemned=condemned,
        )
        if applied.taken:
            self._committed()
        return applied

    def _count(self, applied: Applied) -> None:
        name = self._service.name
        metrics.REPEATS_DROPPED.labels(name).inc(applied.repeats)
        metrics.OLD_EPOCHS_DROPPED.labels(name).inc(applied.old_epochs)
        for topic in applied.dead:
            metrics.DEAD_LETTERS.labels(name, topic).inc()

    async def _meet(self, lane: Lane, problem: Problem) -> None:
        """Seek, and stop the lane at a source that is not the one known or at the same gap again."""
        metrics.BATCHES_REFUSED.labels(self._service.name, _WHY[type(problem)]).inc()
        log.warning("lane not taken as it came", service=self._service.name, lane=lane, problem=problem)
        if isinstance(problem, Above):
            self._log_starts |= await self._reader.starts([lane])
        elif isinstance(problem, Gap) and self._gaps.get(lane) != problem:
            self._gaps[lane] = problem
        else:
            self._stopped.add(lane)
            self._health.unwell(f"lane {lane[0]}/{lane[1]}", problem.text)
        self._seek(lane, max(problem.seek_to, self._log_starts.get(lane, 0)))

    def _seek(self, lane: Lane, offset: int) -> None:
        at, client = TopicPartition(*lane), self.client()
        if at in client.assignment():  # else taken away meanwhile: its new owner reads from where the database says
            client.seek(at, offset)
            if lane in self._stopped:
                client.pause(at)

    async def _back_off(self, records: Sequence[ConsumerRecord], error: Exception) -> None:
        self._failures += 1
        metrics.BATCH_FAILURES.labels(self._service.name).inc()
        known = isinstance(error, TooManyDeadLetters | KafkaError) or is_transient(error)
        self._health.unwell("consumer", str(error) if known else repr(error))
        if not known:
            log.error("batch failed", service=self._service.name, exc_info=error)
        for lane, own in by_lane(records).items():
            self._seek(lane, own[0].offset)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), min(LONGEST_BACK_OFF, 0.05 * 2 ** min(self._failures, 10)))

    def assigned(self, lanes: set[Lane]) -> None:
        """Lanes after a rebalance: what was taken away is no longer this process' to stop."""
        for lane in self._stopped - lanes:
            self._health.well(f"lane {lane[0]}/{lane[1]}")
        self._stopped &= lanes
        self._gaps = {lane: gap for lane, gap in self._gaps.items() if lane in lanes}
        self.client().pause(*(TopicPartition(*lane) for lane in self._stopped))


def _without(records: Sequence[ConsumerRecord], lanes: Collection[Lane]) -> Sequence[ConsumerRecord]:
    return [record for record in records if (record.topic, record.partition) not in lanes] if lanes else records
