"""How a contact is kept: the order, where the person stays, for how long (ed. 8: 14 days and 7 at home, or 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from deploy.sample.cast import Contact, Role
from deploy.sample.people import Person
from deploy.sample.steps import (
    DAY,
    HOUR,
    MINUTE,
    STEPS,
    before_step,
    between,
    day_start,
    half_days,
    midnight_after,
    step_at,
    steps_within,
)

CENTRAL, HOME, MONITORING = "central_quarantine", "home_quarantine", "home_health_monitoring"
CENTRAL_TESTS, MONITORING_TESTS, SECONDARY_TESTS = (1, 4, 7, 14), (2, 7), (1, 4, 7)
_CLOSE_DAYS, _MONITORING_DAYS, _SECONDARY_DAYS = 14, 7, 7
_TRANSFER, _RUNGS = 12 * HOUR, 4 * HOUR
_CHILD, _OLD = 14, 80


class Measure(NamedTuple):
    """One phase of an order. test_days: the midnights that begin them."""

    mode: str
    from_at: datetime
    until_at: datetime
    test_days: tuple[datetime, ...]


@dataclass(slots=True, eq=False)
class Stay:
    """One placement: mode, from when until when (a midnight unless cut short), and the days of the tests.

    ended_at None: nobody has said that it ended. received and ended: steps.
    """

    mode: str
    start: datetime
    until: datetime
    tests: tuple[datetime, ...]
    received: int
    ended_at: datetime | None = None
    ended: int = 0

    def owed(self) -> list[tuple[datetime, datetime]]:
        """The half days in which a check is owed."""
        return half_days(self.start, min(self.until, self.ended_at or self.until))


@dataclass(slots=True, eq=False)
class Order:
    """What a post-holder decided. ended_at None: not ended. received and ended: steps."""

    served_at: datetime
    received: int
    measures: list[Measure]
    ended_at: datetime | None = None
    ended: int = 0


@dataclass(slots=True, eq=False)
class Care:
    """Everything that is done with one contact. fate: "", "late", "never_transferred", "never_ordered", "still_in"."""

    contact: Contact
    fate: str = ""
    orders: list[Order] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)


def test_days(begin: datetime, days: tuple[int, ...], until: datetime) -> tuple[datetime, ...]:
    """The midnights that begin the days of the tests: day 1 is the day of `begin`, none goes beyond `until`."""
    dates = (day_start(begin) + DAY * (day - 1) for day in days)
    return tuple(day for day in dates if day + DAY <= until)


def plan_care(contact: Contact, fate: str, rng: Random) -> Care:
    """Orders and stays of a contact."""
    care = Care(contact, fate)
    if fate == "never_ordered":
        return care
    close = contact.role in (Role.CLOSE, Role.INFECTED, Role.FALSE_CLOSE)
    placed = _placed_at_step(contact, fate, rng)
    start = before_step(rng, placed)
    first = CENTRAL if rng.random() < 0.5 else _mildest(contact.person)
    ordered = contact.found + 1
    plan = _close_plan if close else _secondary_plan
    care.orders.append(Order(before_step(rng, ordered), ordered, plan(contact.last_at, start, first)))
    if contact.turned is not None:
        turned = contact.turned + 1
        care.orders.append(Order(before_step(rng, turned), turned, _close_plan(contact.last_at, start, first)))
    if fate != "never_transferred":
        _stay(care, placed, start)
    return care


def cut_short(care: Care, at: datetime, step: int, tests_before: datetime) -> None:
    """The person leaves before the time: for a hospital, or because there was no reason to stay."""
    care.stays = care.stays[:1]
    care.stays[0].tests = tuple(day for day in care.stays[0].tests if day < day_start(tests_before))
    for ending in (care.stays[0], care.orders[-1]):
        ending.ended_at, ending.ended = at, step


def _mildest(person: Person) -> str:
    """Children to 14 and the very old may stay at home (ed. 8)."""
    return HOME if person.age <= _CHILD or person.age >= _OLD else CENTRAL


def _placed_at_step(contact: Contact, fate: str, rng: Random) -> int:
    """A step within 12 hours, never the one at which the grid leader is told; or, late, when all have been told."""
    found = STEPS[contact.found]
    if fate == "late":
        return step_at(found + _TRANSFER + _RUNGS + MINUTE) + 1
    steps = steps_within(contact.found + 2, found + _TRANSFER - 45 * MINUTE)
    if contact.turned is not None:
        later = steps_within(contact.turned + 2, STEPS[contact.turned] + _TRANSFER - 45 * MINUTE)
        waits = contact.wave % 2 and STEPS[contact.turned] - found < 16 * HOUR
        steps = later if waits else [step for step in steps if step <= contact.turned]
    if contact.role is Role.FALSE_CLOSE:
        steps = steps[:1]
    if contact.role is Role.INFECTED:
        steps = [step for step in steps if STEPS[step] <= day_start(found) + 20 * HOUR]
    return rng.choice(steps)


def _close_plan(last_at: datetime, start: datetime, first: str) -> list[Measure]:
    until = midnight_after(last_at, _CLOSE_DAYS)
    end = until + DAY * _MONITORING_DAYS
    return [
        Measure(first, start, until, test_days(start, CENTRAL_TESTS, until)),
        Measure(MONITORING, until, end, test_days(until, MONITORING_TESTS, end)),
    ]


def _secondary_plan(last_at: datetime, start: datetime, first: str) -> list[Measure]:
    until = midnight_after(last_at, _SECONDARY_DAYS)
    return [Measure(first, start, until, test_days(start, SECONDARY_TESTS, until))]


def _stay(care: Care, placed: int, start: datetime) -> None:
    """A placement for each measure of the last order, one ending as the next begins; then the order ends."""
    order, received = care.orders[-1], placed
    for mode, begin, until, days in order.measures:
        care.stays.append(Stay(mode, max(begin, start), until, days, received, until, step_at(until)))
        received = step_at(until)
    last = care.stays[-1]
    if care.fate == "still_in":
        last.ended_at = None
    else:
        order.ended_at, order.ended = last.ended_at, last.ended


def sampled_on(day: datetime, stay: Stay, rng: Random) -> datetime:
    """When the sample of that day is taken: in the morning, or just after arriving."""
    morning = day + timedelta(hours=8, minutes=rng.randint(0, 150))
    if morning > stay.start:
        return morning
    return between(rng, stay.start, min(stay.start + 40 * MINUTE, day + DAY - MINUTE))
