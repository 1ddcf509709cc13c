"""Rollup on a real PostgreSQL, and an oracle: the figures of a set of events, worked out without the service."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from contracts.divisions import Divisions, Tree
from contracts.envelope import Event
from contracts.events.people import PersonsMerged
from contracts.indicators import contributions
from contracts.persons import Merged
from services.chassis.database import Tx, prepare
from services.rollup.gathering import gather
from services.rollup.handlers import on_batch
from services.rollup.service import SERVICE

Figures = dict[tuple[str, str, str, date, bool], int]


def figures_of(events: Iterable[Event[Any]], divisions: Divisions | None = None) -> Figures:
    """The oracle: newest revisions, each person once at the earliest, summed up both trees."""
    events = list(events)
    newest: dict[tuple[str, str], Event[Any]] = {}
    for event in events:
        name = (event.type, event.data.statement_id)
        if name not in newest or newest[name].data.revision < event.data.revision:
            newest[name] = event
    merges = [one for one in newest.values() if isinstance(one.data, PersonsMerged) and not one.data.withdrawn]
    joined = {
        drill: Merged((one.data.person_id, one.data.other_id) for one in merges if drill or not one.drill)
        for drill in (False, True)
    }
    subjects: defaultdict[tuple[str, str, bool], list[tuple[datetime, str, date, str]]] = defaultdict(list)
    for event in newest.values():
        for indicator, subject, day, at, division in contributions(event):
            person, slash, rest = subject.partition("/")
            subjects[indicator, joined[event.drill].kept(person) + slash + rest, event.drill].append(
                (at, event.data.statement_id, day, division)
            )
    found: Counter[tuple[str, str, str, date, bool]] = Counter()
    for (indicator, _, drill), rows in subjects.items():
        _, _, day, division = min(rows)
        for tree in Tree:
            for above in (divisions or Divisions.load()).ancestors(division, tree):
                found[tree.value, above, indicator, day, drill] += 1
    return dict(found)


@asynccontextmanager
async def a_database(dsn: str) -> AsyncIterator[Tx]:
    """A connection on rollup's tables, made where they are missing."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await prepare(connection, SERVICE.name, SERVICE.schema)
        await connection.execute(f"set search_path = {SERVICE.name}")
        yield connection
    finally:
        await connection.close()


async def read_batches(tx: Tx, batches: Iterable[Sequence[Event[Any]]]) -> None:
    """Each batch in a transaction (or savepoint) of its own."""
    for batch in batches:
        async with tx.transaction():
            assert await on_batch(await gather(batch), tx) == []


_WAITS = "select exists (select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock')"


async def until_waiting(watcher: Tx, pid: int) -> None:
    async with asyncio.timeout(10):
        while not await watcher.fetchval(_WAITS, pid):
            pass


async def stored_figures(tx: Tx) -> Figures:
    return {tuple(row)[:5]: row["value"] for row in await tx.fetch("select * from figures")}
