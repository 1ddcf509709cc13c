"""What cannot well be, though each record is right by itself: told to the worker first, never a rejection. Pure.

The measures are house settings, no plan states them: they ask, and a person answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from contracts.events.canvassing import Channel
from contracts.policy.days import day_of
from services.intake import duties, records
from services.intake.problems import Problem
from services.intake.records import Record

WINDOW, MOST_DOORS = timedelta(minutes=3), 6
"""Thirty seconds a household is quick work; more in the window were not all spoken to."""
WAYS = ((6, timedelta(minutes=30)), (9, timedelta(minutes=15)), (12, timedelta(minutes=2)))
"""Codes that differ within so many digits (county, township, village) lie at least so far apart on the road."""
LOWEST, HIGHEST = 35.0, 42.0
"""Degrees Celsius between which a body lies that is visited at home."""
JUMP = 4
"""So many people more, or fewer, than were known in a dwelling."""
_SPOKEN = frozenset({Channel.VISIT.value, Channel.PHONE.value})


class Step(NamedTuple):
    """Where a worker was, or whom he or she called. dwelling_id: None for a sample; channel: as of a call."""

    record_id: str
    at: datetime
    division_code: str
    channel: str
    dwelling_id: str | None


class Around(NamedTuple):
    """What stands around a record. own: its step, None where it has none; others: those of the post near it.

    born: by field of the record who was born when; known: who lived in the dwelling before, empty where nobody did.
    """

    own: Step | None
    others: Sequence[Step]
    born: Mapping[str, date]
    known: Collection[str]
    named: Collection[str]


def doubts(record: Record, around: Around) -> list[Problem]:
    """What is to be checked of one record, with the fields of the record."""
    return [
        *_too_many_doors(record, around),
        *_two_places(record, around),
        *_before_birth(record, around),
        *_odd_temperatures(record),
        *_members_jump(record, around),
    ]


def done_at(record: Record) -> tuple[str, datetime] | None:
    """The field that says when a worker did it, and its instant."""
    for name in ("visited_at", "attempted_at", "sampled_at"):
        at = getattr(record, name, None)
        if at is not None:
            return name, at
    return None


def _too_many_doors(record: Record, around: Around) -> Iterator[Problem]:
    """60 households in three minutes: every window of that length in which this one lies."""
    own = around.own
    if own is None or own.dwelling_id is None or own.channel not in _SPOKEN:
        return
    steps = [own, *(each for each in around.others if each.dwelling_id and each.channel in _SPOKEN)]
    starts = [each.at for each in steps if own.at - WINDOW < each.at <= own.at]
    doors = max(len({each.dwelling_id for each in steps if start <= each.at < start + WINDOW}) for start in starts)
    if doors > MOST_DOORS:
        minutes = int(WINDOW.total_seconds() // 60)
        yield Problem(_field(record), "too_many_doors", {"doors": doors, "minutes": minutes})


def _two_places(record: Record, around: Around) -> Iterator[Problem]:
    """One post in two places between which there was no time to go; a telephone call is made from anywhere."""
    own = around.own
    if own is None or own.channel != Channel.VISIT.value:
        return
    apart = [
        abs(each.at - own.at)
        for each in around.others
        if each.channel == Channel.VISIT.value and abs(each.at - own.at) < _way(each.division_code, own.division_code)
    ]
    if apart:
        yield Problem(_field(record), "two_places", {"minutes": int(min(apart).total_seconds() // 60)})


def _way(one: str, other: str) -> timedelta:
    return next((way for digits, way in WAYS if one[:digits] != other[:digits]), timedelta(0))


def _before_birth(record: Record, around: Around) -> Iterator[Problem]:
    done = done_at(record)
    for field, born in around.born.items():
        if done is not None and day_of(done[1]) < born:
            yield Problem(f"{field}.{done[0]}".removeprefix("."), "before_birth")


def _odd_temperatures(record: Record) -> Iterator[Problem]:
    measured = {"": record.temperature_celsius} if isinstance(record, records.Visit) else {}
    if isinstance(record, records.HouseholdVisit):
        measured = {f"members[{n}].": each.temperature_celsius for n, each in enumerate(record.members)}
    for field, celsius in measured.items():
        if celsius is not None and not LOWEST <= celsius <= HIGHEST:
            yield Problem(f"{field}temperature_celsius", "odd_temperature", {"low": LOWEST, "high": HIGHEST})


def _members_jump(record: Record, around: Around) -> Iterator[Problem]:
    """A visit can only add people, a register says who lives there in all."""
    before, named = set(around.known), set(around.named)
    if not before or not isinstance(record, records.HouseholdVisit | duties.HouseholdRegister):
        return
    now = len(named if isinstance(record, duties.HouseholdRegister) else before | named)
    if abs(now - len(before)) >= JUMP:
        yield Problem("members", "members_jump", {"known": len(before), "now": now})


def _field(record: Record) -> str:
    done = done_at(record)
    return done[0] if done else ""
