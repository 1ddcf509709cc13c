"""A time that is yet to come and an age that nobody reaches are told at their field; what is planned may lie ahead."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.intake.problems import TEXTS
from services.intake.reading import read
from services.intake.records import KINDS
from services.intake.rules.numbers import check_character
from services.intake.rules.plausible import implausible
from services.intake.sender import Sender
from tests.stores.intake_world import a_household, a_test, one_of_each

NOW = datetime.fromisoformat("2022-03-05T20:00:00+08:00")


def told(record: dict[str, Any], now: datetime = NOW) -> set[tuple[str, str]]:
    reading = read(json.dumps(record).encode(), Sender("anybody", ("",)))
    assert reading.record is not None, reading.problems
    return {(each.field, each.code) for each in implausible(reading.record, reading.mentions, now)}


def born(year: int) -> dict[str, Any]:
    first17 = f"330499{year}0305001"
    return {"id_number": first17 + check_character(first17)}


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (a_test(1, 1, resulted_at="2022-03-05T20:11:00+08:00"), ("resulted_at", "in_future")),
        (
            a_test(1, 1, sampled_at="2199-01-01T00:00:00Z", resulted_at="2199-01-01T00:00:00Z"),
            ("sampled_at", "in_future"),
        ),
        (a_household(1, visited_at="2022-03-06T09:00:00+08:00"), ("visited_at", "in_future")),
        (a_household(1, members=[{"person": born(1891)}]), ("members[0].person.id_number", "absurd_age")),
        (a_test(1, 1, person=born(2023)), ("person.id_number", "born_in_future")),
        (a_test(1, 1, person={**born(1950), "birth_date": "2022-03-06"}), ("person.birth_date", "born_in_future")),
    ],
)
def test_what_cannot_be_is_told_at_its_field(record: dict[str, Any], problem: tuple[str, str]) -> None:
    assert problem in told(record)
    assert problem[1] in TEXTS


def test_a_clock_that_is_a_little_fast_and_the_oldest_people_are_no_fault() -> None:
    assert told(a_test(1, 1, resulted_at="2022-03-05T20:09:59+08:00")) == set()
    assert told(a_household(1, members=[{"person": born(1892)}, {"person": born(2022)}])) == set()


def test_every_kind_that_tells_what_was_done_is_looked_at_and_no_other() -> None:
    """A day before all that these records tell, each of what was done lies in the future."""
    before = datetime.fromisoformat("2022-03-04T00:00:00+08:00")
    ahead = {record["kind"] for record in one_of_each() if any(code == "in_future" for _, code in told(record, before))}
    may_lie_ahead = {"quarantine-order", "quarantine-end", "policy-adoption", "person-details", "stage-time"}
    told_of = {record["kind"] for record in one_of_each()}
    assert told_of <= KINDS.keys() and ahead >= {"test", "tube", "household-visit", "case-finding", "visit", "exposure"}
    assert not ahead & may_lie_ahead
    assert all(told(record, NOW + timedelta(days=1)) == set() for record in one_of_each())
