"""A plan on the calendar: Shanghai days, phases, dates of tests, slots of checks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from contracts import policy
from contracts.policy import Category, Mode, Plan


def at(text: str) -> datetime:
    """A Shanghai time: "2022-03-01 10:00", or a day for its noon."""
    return datetime.fromisoformat(f"{text if ' ' in text else text + ' 12:00'}+08:00")


def ed_8() -> Plan:
    plan = policy.quarantine_plan(Category.CLOSE, at("2022-03-05"), "3304")
    assert isinstance(plan, Plan)
    return plan


def test_a_day_is_a_shanghai_day_in_any_zone() -> None:
    assert policy.day_of(datetime(2022, 3, 1, 15, 59, 59, tzinfo=UTC)) == date(2022, 3, 1)
    assert policy.day_of(datetime(2022, 3, 1, 16, tzinfo=UTC)) == date(2022, 3, 2)
    assert policy.day_of(datetime(2022, 3, 1, 23, tzinfo=timezone(timedelta(hours=9)))) == date(2022, 3, 1)
    assert policy.end_of_day(date(2022, 2, 28)) == datetime(2022, 2, 28, 16, tzinfo=UTC)
    with pytest.raises(ValueError, match="has no zone"):
        policy.day_of(datetime(2022, 3, 1))  # noqa: DTZ001


def test_editions_follow_each_other_without_gap_or_overlap() -> None:
    known = policy.editions()
    assert [edition.effective_to for edition in known] == [*(e.effective_from for e in known[1:]), None]
    assert known[0].effective_from == date(2020, 1, 15)


@pytest.mark.parametrize("before, after", [(i, i + 1) for i in range(11)])
def test_an_edition_ends_at_the_midnight_on_which_the_next_begins(before: int, after: int) -> None:
    known = policy.editions()
    midnight = policy.start_of_day(known[after].effective_from)
    assert policy.edition_at(midnight) == known[after]
    assert policy.edition_at(midnight.astimezone(UTC)) == known[after]
    assert policy.edition_at(midnight - timedelta(microseconds=1)) == known[before]


def test_phases_end_at_midnight_and_follow_directly() -> None:
    exposed = datetime(2022, 3, 1, 16, 30, tzinfo=UTC)  # 00:30 on 2 March in Shanghai
    central, home = policy.phase_spans(ed_8(), exposed)
    assert (central.from_at, central.until_at) == (exposed, at("2022-03-17 00:00"))
    assert (home.from_at, home.until_at) == (at("2022-03-17 00:00"), at("2022-03-24 00:00"))
    assert (central.mode, home.mode) == (Mode.CENTRAL_QUARANTINE, Mode.HOME_HEALTH_MONITORING)


def test_test_day_1_is_the_day_on_which_the_phase_began_for_the_person() -> None:
    central, home = policy.phase_spans(ed_8(), at("2022-03-01"))
    placed = at("2022-03-03 23:59")
    assert policy.test_dates(central, placed) == (date(2022, 3, 3), date(2022, 3, 6), date(2022, 3, 9))
    assert policy.test_dates(home, placed) == (date(2022, 3, 17), date(2022, 3, 22))


def test_a_test_on_the_last_day_is_kept_and_one_beyond_is_not() -> None:
    central, _ = policy.phase_spans(ed_8(), at("2022-03-01"))
    assert policy.test_dates(central, at("2022-03-02"))[-1] == date(2022, 3, 15)
    assert policy.test_dates(central, at("2022-03-12")) == (date(2022, 3, 12), date(2022, 3, 15))
    assert policy.test_dates(central, at("2022-03-16")) == ()


def test_slots_are_whole_half_days_inside_the_span() -> None:
    slots = policy.slots_between(at("2022-03-01 09:00"), at("2022-03-03 00:00"))
    assert slots == [
        (at("2022-03-01 12:00"), at("2022-03-02 00:00")),
        (at("2022-03-02 00:00"), at("2022-03-02 12:00")),
        (at("2022-03-02 12:00"), at("2022-03-03 00:00")),
    ]


def test_slot_borders_count_as_inside_and_an_instant_short_does_not() -> None:
    start, end = at("2022-03-01 00:00"), at("2022-03-02 00:00")
    tick = timedelta(microseconds=1)
    assert len(policy.slots_between(start.astimezone(UTC), end.astimezone(UTC))) == 2
    assert len(policy.slots_between(start + tick, end)) == 1
    assert len(policy.slots_between(start, end - tick)) == 1
    assert policy.slots_between(end, start) == []


@pytest.mark.parametrize("per_day, count", [(0, 0), (1, 2), (3, 6), (7, 14)])
def test_other_numbers_of_slots_fill_the_day_exactly(per_day: int, count: int) -> None:
    slots = policy.slots_between(at("2022-03-01 00:00"), at("2022-03-03 00:00"), per_day)
    assert len(slots) == count
    assert all(end == start for (_, end), (start, _) in pairwise(slots))


def test_a_negative_number_of_slots_is_an_error() -> None:
    with pytest.raises(ValueError, match="per_day"):
        policy.slots_between(at("2022-03-01"), at("2022-03-02"), -1)
