"""Tracing driven on a real database without Kafka between: batches in, turns of the deriver, what was said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from contracts.envelope import Event, Fact
from services.chassis.database import prepare
from services.tracing.deriver import derive_stale
from services.tracing.handlers import on_batch
from services.tracing.service import SERVICE
from tests.stores.tracing_facts import at


@dataclass(frozen=True)
class Tracing:
    """Tracing on one database: batches in, deriver turns, what is published."""

    dsn: str

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.dsn, server_settings={"search_path": SERVICE.name})
        try:
            yield connection
        finally:
            await connection.close()

    async def hear(self, tx: asyncpg.Connection, events: Iterable[Event[Fact]]) -> None:
        async with tx.transaction():
            assert await on_batch(list(events), tx) == []

    async def turn(self, tx: asyncpg.Connection) -> tuple[list[Event[Fact]], bool]:
        async with tx.transaction():
            worked = await derive_stale(tx, at(1))
        return list(worked.events), worked.more

    async def settle(self, tx: asyncpg.Connection, most: int = 50) -> list[Event[Fact]]:
        """Turns until nothing is stale; an error when it does not come to rest."""
        said: list[Event[Fact]] = []
        for _ in range(most):
            events, more = await self.turn(tx)
            said += events
            if not more:
                return said
        raise AssertionError(f"still stale after {most} turns: {await tx.fetch('select * from stale')}")

    async def published(self, tx: asyncpg.Connection) -> dict[str, tuple[Any, ...]]:
        """What stands: by statement, without its revision and instant, which tell of the way and not of the end."""
        rows = await tx.fetch("select statement_id, body, division_code, drill from published where not withdrawn")
        return {row["statement_id"]: tuple(row)[1:] for row in rows}


async def tracing_on(dsn: str) -> Tracing:
    """Tracing's schema in an empty database."""
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        await prepare(connection, SERVICE.name, SERVICE.schema)
    await connection.close()
    return Tracing(dsn)


@dataclass(frozen=True)
class World:
    """One connection to tracing, and what it says."""

    tracing: Tracing
    tx: asyncpg.Connection

    async def hear(self, *events: Event[Fact]) -> list[Event[Fact]]:
        """A batch, then turns until rest; what was said."""
        await self.tracing.hear(self.tx, events)
        return await self.tracing.settle(self.tx)


@asynccontextmanager
async def a_world(dsn: str) -> AsyncIterator[World]:
    """Tracing on an empty database."""
    tracing = await tracing_on(dsn)
    async with tracing.connection() as tx:
        yield World(tracing, tx)


def words(events: Sequence[Event[Any]]) -> list[tuple[str, int, bool]]:
    """What was said, in short: statement, revision, withdrawn."""
    return sorted((event.data.statement_id, event.data.revision, event.data.withdrawn) for event in events)


def fact_of(events: Sequence[Event[Any]], statement: str) -> Any:
    """The one fact of that statement."""
    (found,) = (event.data for event in events if event.data.statement_id == statement)
    return found
