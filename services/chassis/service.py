"""A service: one object that says what it hears, does by itself and serves. And what its routes get: App and Turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asyncpg import Pool
from fastapi import APIRouter

from contracts.envelope import Event, Fact, parse
from services.chassis import clock, outbox
from services.chassis.access import signed_in
from services.chassis.database import Tx
from services.chassis.errors import LogAhead
from services.chassis.health import Health
from services.chassis.issuer import Issuer
from services.chassis.settings import Settings

READING_TIMEOUT = "30s"  # a long reader keeps the outbox from being cleaned

Handler = Callable[[Event[Any], Tx], Awaitable[list[Event[Any]]]]
BatchHandler = Callable[[Sequence[Any], Tx], Awaitable[list[Event[Any]]]]


@dataclass(frozen=True)
class Worked:
    """What a tick did: the events it says, and whether there is more to do at once."""

    events: Sequence[Event[Any]] = ()
    more: bool = False


@dataclass(frozen=True)
class Tick:
    """What a service does by itself, each run in a transaction. Runs in every replica: claim rows, or lock them.

    when_caught_up: only while nothing that this service hears waits in Kafka, so that a backlog is read first.
    after_facts: also at once when a batch was applied, not only every so many seconds.
    """

    name: str
    every_seconds: float
    run: Callable[[Tx, datetime], Awaitable[Worked]]
    when_caught_up: bool = False
    after_facts: bool = False


@dataclass(frozen=True)
class Service:
    """name: also the schema and the consumer's name; topics come from `heard_by` and `said_by`.

    schema: SQL that makes the tables where they are missing. handlers: by fact, or on_batch for the whole batch; events
    without a handler are passed over. parse: a quicker reader of records that raises as `envelope.parse` does; what it
    gives has an event's `type`, `subject` and `data`, and reaches on_batch as it is. pending: work not done yet (stale
    rows, due timers), for quiescence. beside: what else listens or reads while the service serves; it ends itself.
    """

    name: str
    schema: str = ""
    handlers: Mapping[type[Fact], Handler] = field(default_factory=dict)
    parse: Callable[[bytes], Any] = parse
    on_batch: BatchHandler | None = None
    ticks: tuple[Tick, ...] = ()
    pending: Callable[[Tx, datetime], Awaitable[int]] | None = None
    routes: Callable[[App], APIRouter] | None = None
    on_start: Callable[[App], Awaitable[None]] | None = None
    beside: Callable[[App, Health], AbstractAsyncContextManager[None]] | None = None


class Turn:
    """One transaction of a route. say: events that go out if it commits."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self.tx = tx
        self.now = now
        self.said: list[Event[Any]] = []

    def say(self, events: Sequence[Event[Any]]) -> None:
        self.said += events


class App:
    """A running service as its routes see it. caller: FastAPI dependency that gives the `Caller`."""

    def __init__(self, service: Service, settings: Settings, pool: Pool) -> None:
        self.name = service.name
        self.service = service
        self.settings = settings
        self.pool = pool
        self.caller = signed_in(settings.token_key, Issuer.of(settings))
        self.wake_relay = asyncio.Event()
        self.ticks = list(service.ticks)  # on_start adds those that need what this process alone has
        self.wake_ticks = {tick.name: asyncio.Event() for tick in service.ticks if tick.after_facts}
        self.refusing = ""  # why nothing may be written now
        self.reasons: dict[str, str] = {}  # why the service is not ready, by its own parts

    def applied(self) -> None:
        """A batch was applied: what it said waits for the relay, what follows from it for the ticks."""
        for waiting in (self.wake_relay, *self.wake_ticks.values()):
            waiting.set()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Turn]:
        """A READ COMMITTED transaction; what was said is written last, committed, and the relay woken.

        Raises LogAhead while the database is behind the log: what it would say could have been said before.
        """
        if self.refusing:
            raise LogAhead(self.refusing)
        async with self.pool.acquire() as tx:
            async with tx.transaction(isolation="read_committed"):
                turn = Turn(tx, await clock.now(tx, self.settings.clock))
                yield turn
                written = await outbox.write(tx, self.name, turn.said)
            if written:
                self.wake_relay.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Turn]:
        """A read-only transaction on one snapshot, 30 s a statement; what is said in it is an error."""
        async with self.pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
            await tx.execute(f"set local statement_timeout = '{READING_TIMEOUT}'")
            turn = Turn(tx, await clock.now(tx, self.settings.clock))
            yield turn
            if turn.said:
                raise RuntimeError("events were said in a reading: use transaction()")
