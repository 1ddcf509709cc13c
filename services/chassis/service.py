"""A service: one object that says what it hears, does by itself and serves. And what its routes get: App."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asyncpg import Pool
from fastapi import APIRouter

from contracts.envelope import Event, Fact, parse
from services.chassis import turns
from services.chassis.access import Caller, signed_in
from services.chassis.database import Tx
from services.chassis.health import Health
from services.chassis.issuer import Issuer
from services.chassis.settings import Settings
from services.chassis.turns import Turn as Turn  # noqa: PLC0414 - the services take it from here

Handler = Callable[[Event[Any], Tx], Awaitable[list[Event[Any]]]]
BatchHandler = Callable[[Any, Tx], Awaitable[list[Event[Any]]]]


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
    gives has an event's `type`, `subject` and `data`, and reaches on_batch as it is. gather: makes of a batch's events
    what on_batch is given instead, where it can before their turn: it looks at nothing that is kept. pending: work not
    done yet (stale rows, due timers), for quiescence. beside: what else listens while it serves; it ends itself.
    """

    name: str
    schema: str = ""
    handlers: Mapping[type[Fact], Handler] = field(default_factory=dict)
    parse: Callable[[bytes], Any] = parse
    gather: Callable[[Sequence[Any]], Awaitable[Any]] | None = None
    on_batch: BatchHandler | None = None
    ticks: tuple[Tick, ...] = ()
    pending: Callable[[Tx, datetime], Awaitable[int]] | None = None
    routes: Callable[[App], APIRouter] | None = None
    on_start: Callable[[App], Awaitable[None]] | None = None
    beside: Callable[[App, Health], AbstractAsyncContextManager[None]] | None = None


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

    def transaction(self, caller: Caller, purpose: str = "") -> AbstractAsyncContextManager[Turn]:
        """A READ COMMITTED transaction in which the caller's rows alone can be seen or changed; its events go out.

        purpose: opens the vault to the roles that may. Raises NotAllowed for a row that is not the caller's to write,
        LogAhead while the database is behind the log.
        """
        return turns.transaction(self, turns.by_caller(self, caller, purpose))

    def reading(self, caller: Caller, purpose: str = "") -> AbstractAsyncContextManager[Turn]:
        """A read-only transaction on one snapshot of the caller's rows, 30 s a statement; nothing is said in it."""
        return turns.reading(self, turns.by_caller(self, caller, purpose))
