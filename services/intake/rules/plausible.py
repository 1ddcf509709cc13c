"""What cannot be true of now: what was done at a time that is yet to come, and an age that nobody reaches. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, get_args

from contracts.policy.days import day_of
from services.intake import leads, records
from services.intake.problems import Problem
from services.intake.records import Record, Withdrawal
from services.intake.rules.mentions import Mention

FAST_CLOCK = timedelta(minutes=10)
"""So much may a sender's clock be ahead of ours."""
OLDEST_YEARS = 130

# Times of what was seen or done. What is ordered, adopted or planned may lie ahead.
_DONE: dict[type[Any], tuple[str, ...]] = {
    records.HouseholdVisit: ("visited_at",),
    records.Tube: ("sampled_at",),
    records.TubeResult: ("resulted_at",),
    records.SingleTest: ("sampled_at", "resulted_at"),
    records.Vaccination: ("given_at",),
    records.CaseFinding: ("found_at", "reported_at", "onset_at"),
    records.CaseReport: ("reported_at",),
    records.CaseClassification: ("classified_at",),
    records.Exposure: ("first_at", "last_at"),
    records.PlaceExposure: ("first_at", "last_at"),
    records.Placement: ("started_at",),
    records.PlacementEnd: ("ended_at",),
    records.Visit: ("visited_at",),
    leads.Lead: ("received_at",),
    leads.Need: ("asked_at",),
    **dict.fromkeys(get_args(leads.Step), ("done_at",)),
}


def implausible(record: Record | Withdrawal, mentions: Sequence[Mention], now: datetime) -> Iterator[Problem]:
    """now: by the wall's clock; a play tells its own times."""
    latest, today = now + FAST_CLOCK, day_of(now)
    for name, at in _times(record):
        if at > latest:
            yield Problem(name, "in_future")
    for mention in mentions:
        for name, born in _births(mention):
            if born > today:
                yield Problem(name, "born_in_future")
            elif today.year - born.year > OLDEST_YEARS:
                yield Problem(name, "absurd_age")


def _times(record: Record | Withdrawal) -> Iterator[tuple[str, datetime]]:
    for name in _DONE.get(type(record), ()):
        if (at := getattr(record, name)) is not None:
            yield name, at
    if isinstance(record, records.HouseholdVisit):
        for number, member in enumerate(record.members):
            if member.arrival is not None:
                yield f"members[{number}].arrival.arrived_at", member.arrival.arrived_at


def _births(mention: Mention) -> Iterator[tuple[str, date]]:
    if mention.person is None:
        return
    field = f"{mention.field}.person".removeprefix(".")
    if mention.person.birth_date is not None:
        yield f"{field}.birth_date", mention.person.birth_date
    if (number := mention.person.id_number) is not None:
        yield f"{field}.id_number", date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
