"""Outbox -> log. Plan, send, delete (`plan.py`), for ever; protocol.md (a). Two relays at once are harmless.

One direct connection holds an advisory lock that saves double work; it ends by itself when the process is paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.chassis import metrics
from services.chassis.database import DATABASE_ERRORS, Lane, application_name, connect, is_transient
from services.chassis.epoch import open_epoch
from services.chassis.errors import LogAhead
from services.chassis.health import Health, database_trouble, kafka_trouble
from services.chassis.plan import Answer, Plan, is_waiting, make_plans
from services.chassis.reader import log_reader
from services.chassis.sending import relay_producer, send
from services.chassis.tail import is_other_server, refuse_log_ahead, remember_server

log = structlog.get_logger()

POLL = 0.05  # seconds between two looks when nobody wakes us
AFTER_REFUSAL = 0.5
AFTER_LOSS = 1.0
AFTER_AHEAD = 2.0
LOOK_FOR_LOCK = 0.5

# One relay a service holds it; it goes with the connection. Tried, never waited for: a statement that waits keeps the
# outbox from being cleaned.
TRY_LOCK = "select pg_try_advisory_lock(hashtext('gridward relay'), hashtext($1))"


@asynccontextmanager
async def relay_connection(dsn: str, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose commits are on disk, and which a paused process loses. Raises what `connect` does."""
    db = await connect(
        dsn,
        server_settings={
            "search_path": service,
            "application_name": application_name(service, "relay"),
            "synchronous_commit": "on",
            "idle_session_timeout": "10s",
            "idle_in_transaction_session_timeout": "10s",
            # A queue has no statistics to trust: always take its head by the key, never sort all that waits.
            "enable_seqscan": "off",
            "enable_bitmapscan": "off",
            "enable_sort": "off",
        },
    )
    try:
        yield db
    finally:
        with suppress(*DATABASE_ERRORS):
            await db.close(timeout=2)


class Relay:
    """The relay of one service in one process. ahead: told each time that the database is found behind the log."""

    def __init__(
        self,
        service: str,
        dsn: str,
        kafka: str,
        wake: asyncio.Event,
        health: Health,
        ahead: Callable[[LogAhead], None],
    ) -> None:
        self._service, self._dsn, self._kafka = service, dsn, kafka
        self._wake, self._health, self._ahead = wake, health, ahead
        self._stop = asyncio.Event()
        self._sending: dict[Lane, asyncio.Task[Answer | None]] = {}
        self._refused: set[Lane] = set()

    def stop(self) -> None:
        """End after the requests under way are answered and deleted."""
        self._stop.set()
        self._wake.set()

    @property
    def _stopping(self) -> bool:
        return self._stop.is_set()

    async def run(self) -> None:
        """Relay until stopped; over losses of PostgreSQL and Kafka."""
        self._health.awaits("relay", "looks at the end of the log")
        while not self._stopping:
            try:
                async with relay_connection(self._dsn, self._service) as db, relay_producer(self._kafka) as producer:
                    if await self._hold_lock(db):
                        await self._begin(db, producer)
                        self._health.well("relay")
                        await self._cycles(db, producer)
            except LogAhead as error:
                self._health.unwell("relay", str(error))
                self._ahead(error)
                await self._pause(AFTER_AHEAD)
            except (KafkaError, *DATABASE_ERRORS) as error:
                if not isinstance(error, KafkaError) and not is_transient(error):
                    raise
                trouble = kafka_trouble(error) if isinstance(error, KafkaError) else database_trouble(error)
                self._health.unwell("relay", trouble)
                await self._pause(AFTER_LOSS)
            finally:
                await self._drop_requests()

    async def _hold_lock(self, db: asyncpg.Connection) -> bool:
        while not self._stopping:
            if await db.fetchval(TRY_LOCK, self._service):
                return True
            self._health.well("relay")  # another replica relays
            await self._pause(LOOK_FOR_LOCK)
        return False

    async def _begin(self, db: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        """A commit may be in doubt since the last connection: write plainly first, then compare with the log."""
        await db.execute("update relay set starts = starts + 1")
        async with log_reader(self._kafka) as reader:
            await refuse_log_ahead(db, reader, self._service)
            if await is_other_server(db):
                opened = await open_epoch(db, producer, reader)
                log.warning("another server than before: new epoch", service=self._service, opened=opened)
                await remember_server(db)

    async def _cycles(self, db: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        answers: dict[Lane, Answer] = {}
        while not self._stopping or self._sending or answers:
            self._wake.clear()
            if answers or (not self._stopping and await is_waiting(db, self._sending)):
                with metrics.RELAY_CYCLE.labels(self._service).time():
                    plans = await make_plans(db, answers, self._sending)
                answers = {}
                for plan in [] if self._stopping else plans:
                    self._sending[plan.lane] = asyncio.create_task(self._request(producer, plan))
            answers |= await self._answered()

    async def _answered(self) -> dict[Lane, Answer]:
        """Wait for an answer, a waking or the poll; give the lanes answered."""
        if not (self._stopping and self._sending):
            woken = asyncio.create_task(self._wake.wait())
            await asyncio.wait({woken, *self._sending.values()}, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
        else:
            await asyncio.wait(self._sending.values(), timeout=POLL)
        done = {lane: task.result() for lane, task in self._sending.items() if task.done()}
        for lane in done:
            del self._sending[lane]
        return {lane: answer for lane, answer in done.items() if answer is not None}

    async def _request(self, producer: AIOKafkaProducer, plan: Plan) -> Answer | None:
        """The answer; None when refused or unanswered: the plan stays, the same rows go again under their numbers."""
        try:
            answer = await send(producer, plan)
        except (KafkaError, TimeoutError) as error:
            metrics.RELAY_UNANSWERED.labels(self._service).inc()
            self._refused.add(plan.lane)
            self._health.unwell(_part(plan.lane), f"a batch was not taken ({error!r}) and goes again{_rows(plan)}")
            await asyncio.sleep(AFTER_REFUSAL)
            return None
        metrics.RELAY_SENT.labels(self._service).inc(plan.size)
        self._refused.discard(plan.lane)
        self._health.well(_part(plan.lane))
        return answer

    async def _drop_requests(self) -> None:
        """And what was said of their lanes: another replica may relay them now."""
        for task in self._sending.values():
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        self._sending.clear()
        for lane in self._refused:
            self._health.well(_part(lane))
        self._refused.clear()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


def _rows(plan: Plan) -> str:
    """Which rows, as `gridward relay void` takes them."""
    return f": rows {plan.ids[0]} to {plan.ids[-1]} of the outbox" if plan.ids else ""


def _part(lane: Lane) -> str:
    topic, partition = lane
    return f"relay {topic}/{partition}"
