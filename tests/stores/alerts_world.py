"""Alerts on a real PostgreSQL: what is said to it, and its batches and timers, a transaction each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from contracts.envelope import Event, Fact, say
from contracts.events.cases import CaseFound, CaseReported, Classification, FoundHow
from contracts.events.contacts import Category, ContactIdentified, Standing
from contracts.events.deadlines import DeadlineJudged, Verdict
from contracts.events.quarantine import CareScheduled, Mode, PersonVisited, PlacementEnded, PlacementStarted
from services.alerts import handlers, timers
from services.alerts.service import SERVICE
from services.alerts.store import posts
from services.alerts.store.posts import Post
from services.chassis.database import prepare

GRID = "330421001001001"
T0 = datetime(2022, 3, 5, 0, tzinfo=UTC)
NOON = datetime(2022, 3, 5, 4, tzinfo=UTC)
"""Of that day in Shanghai."""
HOUR = timedelta(hours=1)
LADDER = [(GRID, "grid leader"), (GRID[:12], "village"), (GRID[:9], "township"), (GRID[:6], "county"), ("3304", "city")]


def said(fact: Fact, at: datetime = T0) -> Event[Any]:
    return say(fact, source="intake", time=at, division=GRID, cause="test")


def drilled(event: Event[Any]) -> Event[Any]:
    """The same, said in an exercise."""
    return event.model_copy(update={"drill": True})


def found(at: datetime = T0, **more: Any) -> Event[Any]:
    fields = {"statement_id": "f1", "person_id": "p1", "classification": Classification.CONFIRMED, "found_at": at}
    return said(CaseFound(**{**fields, "found_how": FoundHow.MASS_TESTING, "institution": "hospital-1", **more}), at)


def reported(at: datetime, **more: Any) -> Event[Any]:
    fields = {"statement_id": "r1", "person_id": "p1", "reported_at": at, "institution": "hospital-1"}
    return said(CaseReported(**{**fields, **more}), at)


def close(at: datetime = T0, **more: Any) -> Event[Any]:
    fields = {
        "statement_id": "contact:p1",
        "person_id": "p1",
        "category": Category.CLOSE,
        "linked_id": "c1",
        "found_at": at,
    }
    known = {"last_exposure_at": at, "exposure_ids": ("e1",), "edition": "covid-ed8", "standing": Standing.IN_FORCE}
    return said(ContactIdentified(**{**fields, **known, **more}), at)


def placed(at: datetime, **more: Any) -> Event[Any]:
    fields = {"statement_id": "pl1", "person_id": "p1", "placement_id": "pl1", "site_id": "s1", "started_at": at}
    return said(PlacementStarted(**{**fields, "mode": Mode.CENTRAL_QUARANTINE, **more}), at)


def left(at: datetime, **more: Any) -> Event[Any]:
    fields = {"statement_id": "end:pl1", "person_id": "p1", "placement_id": "pl1", "ended_at": at}
    return said(PlacementEnded(**{**fields, **more}), at)


def care(**more: Any) -> Event[Any]:
    fields = {"statement_id": "care:pl1", "person_id": "p1", "placement_id": "pl1", "mode": Mode.CENTRAL_QUARANTINE}
    span = {"from_at": T0, "until_at": T0 + timedelta(days=3), "checks_per_day": 2, "test_dates": (date(2022, 3, 6),)}
    return said(CareScheduled(**{**fields, **span, "edition": "covid-ed8", "standing": Standing.IN_FORCE, **more}))


def visited(at: datetime, number: int = 1, **more: Any) -> Event[Any]:
    return said(PersonVisited(**{"statement_id": f"v{number}", "person_id": "p1", "visited_at": at, **more}), at)


class Alerts:
    """The service's batches and timers on one connection, a transaction each."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[Event[Any]] = []

    async def hear(self, *events: Event[Any]) -> list[Event[Any]]:
        async with self.connection.transaction():
            out = await handlers.on_batch(events, self.connection)
        self.events += out
        return out

    async def at(self, now: datetime) -> list[Event[Any]]:
        out: list[Event[Any]] = []
        more = True
        while more:
            async with self.connection.transaction():
                worked = await timers.work(self.connection, now)
            out, more = out + list(worked.events), worked.more
        self.events += out
        return out

    def standing(self, kind: type[Fact]) -> dict[str, Any]:
        """The highest revision of each statement of a kind; withdrawn ones are left out."""
        newest: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event.data, kind):
                assert newest.get(event.data.statement_id) is None or (
                    event.data.revision > newest[event.data.statement_id].revision
                ), "a revision was said twice"
                newest[event.data.statement_id] = event.data
        return {key: fact for key, fact in newest.items() if not fact.withdrawn}

    def verdicts(self) -> dict[str, Verdict]:
        return {fact.deadline: fact.verdict for fact in self.standing(DeadlineJudged).values()}


async def connected(dsn: str) -> Any:
    return await asyncpg.connect(dsn, server_settings={"search_path": "alerts"})


@asynccontextmanager
async def alerts_on(database: str) -> AsyncIterator[Alerts]:
    connection = await connected(database)
    async with connection.transaction():
        await prepare(connection, "alerts", SERVICE.schema)
        await posts.save_posts(connection, every_post())
    yield Alerts(connection)
    await connection.close()


def every_post() -> list[Post]:
    command = [Post(f"command-{code}", "command", code, None, title) for code, title in LADDER]
    health = [Post(f"health-{code}", "health", code, None, title) for code, title in LADDER[3:]]
    return [*command, *health, Post("hospital-1", "health", GRID[:6], "hospital-1", "infection control")]
