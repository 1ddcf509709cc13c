"""Surroundings of one person P with sensible defaults: ed. 8 (March 2022), and A, a case who fell ill on the 5th."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from contracts.events.cases import Classification, FoundHow
from contracts.events.contacts import ContactWay
from contracts.events.quarantine import Measure, Mode
from contracts.events.testing import Result
from contracts.policy import SHANGHAI
from services.tracing.rules.derivation import Derived, derive
from services.tracing.rules.surroundings import (
    CasePart,
    Classified,
    ClosePart,
    Exposure,
    Finding,
    Neighbour,
    Order,
    Placement,
    Surroundings,
    Test,
)

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
HERE = "330421101001001"


def at(day: float, hour: float = 0) -> datetime:
    """An instant of March 2022 (ed. 8), in Shanghai."""
    return datetime(2022, 3, 1, tzinfo=SHANGHAI) + DAY * (day - 1) + HOUR * hour


ILL, MADE, KNOWN, HEARD = at(5), at(6), at(6, 8), at(6, 10)
SERVED, PLACED = at(7), at(7, 6)


def a_case(reference: datetime = ILL, isolated: datetime | None = None, known: datetime = KNOWN) -> Neighbour:
    return Neighbour(case=CasePart(reference, isolated, known))


def a_close_contact(
    first: datetime = ILL, until: datetime | None = None, found: datetime = HEARD, *, tested: bool = False, **more: Any
) -> Neighbour:
    return Neighbour(close=(ClosePart(first, until, found, tested),), **more)


def met(
    other: str = "A",
    first: datetime = ILL,
    hours: float = 1,
    way: ContactWay = ContactWay.DINED,
    heard: datetime = HEARD,
    statement: str = "",
) -> Exposure:
    return Exposure(statement or f"met:{other}", other, way, first, first + HOUR * hours, heard)


def classified(
    now: Classification = Classification.CONFIRMED,
    made: datetime = MADE,
    heard: datetime = KNOWN,
    statement: str = "c1",
) -> Classified:
    return Classified(statement, now, made, heard, heard)


def found(found: datetime, onset: datetime | None = None, how: FoundHow = FoundHow.CANVASSING, n: int = 1) -> Finding:
    return Finding(f"f{n}", found, how, onset)


def test(sampled: datetime, result: Result = Result.NEGATIVE) -> Test:
    return Test(f"t:{sampled.isoformat()}", sampled, sampled, result)


def measure(mode: Mode, from_at: datetime, days: float, *test_days: datetime) -> Measure:
    return Measure(
        mode=mode, from_at=from_at, until_at=from_at + DAY * days, test_dates=tuple(day.date() for day in test_days)
    )


def order(*measures: Measure, served: datetime = SERVED, ended: datetime | None = None, n: int = 1) -> Order:
    usual = measure(Mode.CENTRAL_QUARANTINE, served, 14)
    return Order(f"o{n}", served, measures or (usual,), ended)


def placed(
    mode: Mode = Mode.CENTRAL_QUARANTINE, started: datetime = PLACED, ended: datetime | None = None, n: int = 1
) -> Placement:
    return Placement(f"p{n}", mode, started, ended)


def derived(**around: Any) -> Derived:
    """What follows for P, living HERE."""
    neighbours = around.pop("neighbours", {"A": a_case()})
    return derive(Surroundings("P", around.pop("division_code", HERE), neighbours=neighbours, **around))
