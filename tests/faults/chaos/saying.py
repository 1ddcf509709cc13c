"""What the miniature says: results of tests, each written down as said in the transaction that says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

from fastapi import APIRouter

from contracts.envelope import Event, say
from contracts.events.testing import Result, TestResulted
from contracts.topics import BY_KEY
from services.chassis import own_work
from services.chassis.database import Lane
from services.chassis.service import App

NOON = datetime(2022, 3, 5, 12, tzinfo=UTC)
TESTS = BY_KEY["tests"]
LANE: Lane = ("tests", 0)
NOTE = "insert into intake.said select unnest($1::text[])"


def results(statement: str = "test") -> Iterator[Event[TestResulted]]:
    """Results of tests without end, all in one lane; `statement`, up to 64 characters, makes them longer."""
    for number in count():
        person = f"person-{number}"
        if TESTS.partition_of(person) == LANE[1]:
            fact = TestResulted(
                statement_id=f"{statement}:{number}",
                person_id=person,
                sampled_at=NOON,
                resulted_at=NOON,
                result=Result.NEGATIVE,
            )
            yield say(fact, source="intake", time=NOON, division="330421")


def ids(events: Sequence[Event[Any]]) -> list[str]:
    return [event.id for event in events]


def routes(app: App) -> APIRouter:
    """POST /say?first=I&events=N, by the product's own way from a route to the outbox."""
    router = APIRouter()

    @router.post("/say")
    async def say_some(first: int, events: int) -> int:
        some = list(islice(results("route"), first, first + events))
        async with own_work.transaction(app) as turn:
            await turn.tx.execute(NOTE, ids(some))
            turn.say(some)
        return len(some)

    return router
