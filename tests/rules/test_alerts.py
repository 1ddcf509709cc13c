"""What a clock says, and who is told when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.events.contacts import Standing
from contracts.events.deadlines import Verdict
from contracts.policy import Adoption
from services.alerts.rules import (
    Opening,
    Stop,
    judge,
    missed_before,
    missed_slots,
    next_telling,
    rungs_of_missed,
    rungs_owed,
)

FOUND = datetime(2022, 3, 5, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
REPORT, TRANSFER = "report.case.direct", "transfer.contact.to_quarantine"
JIASHAN = "330421"


def opening(at: datetime = FOUND, division: str = JIASHAN, by_the_day: bool = False) -> Opening:
    return Opening(at, at, division, by_the_day)


@pytest.mark.parametrize(
    ("after", "verdict"),
    [(HOUR, Verdict.KEPT), (12 * HOUR, Verdict.KEPT), (12 * HOUR + timedelta(seconds=1), Verdict.LATE)],
)
def test_a_transfer_is_kept_within_twelve_hours_and_late_after(after: timedelta, verdict: Verdict) -> None:
    judged = judge(TRANSFER, opening(), Stop(FOUND + after), None, [])
    assert (judged.verdict, judged.standing, judged.edition) == (verdict, Standing.IN_FORCE, "covid-ed8")


def test_an_open_clock_is_missed_only_after_its_due_instant() -> None:
    due = FOUND + 12 * HOUR
    assert judge(TRANSFER, opening(), None, due, []).verdict is Verdict.RUNNING
    assert judge(TRANSFER, opening(), None, due + timedelta(microseconds=1), []).verdict is Verdict.MISSED
    assert judge(TRANSFER, opening(), None, None, []).next_at == due


@pytest.mark.parametrize(
    ("hours", "by_the_day", "verdict"),
    [
        (12, False, Verdict.CANCELLED),
        (13, False, Verdict.MISSED),
        (13, True, Verdict.UNDECIDED),
        (37, True, Verdict.MISSED),
    ],
)
def test_what_nobody_did_before_the_next_matter_was_missed_only_if_it_was_due_by_then(
    hours: int, by_the_day: bool, verdict: Verdict
) -> None:
    over = replace(opening(by_the_day=by_the_day), over_at=FOUND + hours * HOUR)
    assert judge(TRANSFER, over, None, None, []).verdict is verdict


def test_a_provisional_deadline_binds_once_the_city_adopts_it() -> None:
    adopted = Adoption(
        division_code="3304", key=REPORT, adopted_from=FOUND - HOUR, decided_by="city command", document="2022-8"
    )
    late = Stop(FOUND + 3 * HOUR)
    assert judge(REPORT, opening(), late, None, []).standing is Standing.PROVISIONAL
    assert judge(REPORT, opening(), late, None, [adopted]).standing is Standing.ADOPTED
    assert judge(REPORT, opening(division="330681"), late, None, [adopted]).standing is Standing.PROVISIONAL


def test_the_first_edition_states_no_deadline_and_so_none_is_judged() -> None:
    day = datetime(2020, 1, 21, tzinfo=UTC)
    judged = judge(REPORT, opening(day, "12"), Stop(day + 30 * HOUR), None, [])
    assert (judged.verdict, judged.due_at, judged.edition) == (Verdict.UNLIMITED, None, "covid-ed1")


@pytest.mark.parametrize(
    ("days_later", "verdict"), [(0, Verdict.UNDECIDED), (1, Verdict.UNDECIDED), (2, Verdict.LATE), (-2, Verdict.KEPT)]
)
def test_times_known_by_the_day_are_judged_only_where_certain(days_later: int, verdict: Verdict) -> None:
    day = datetime(2020, 1, 28, tzinfo=UTC)
    stop = Stop(day + timedelta(days=days_later), by_the_day=True)
    assert judge(REPORT, opening(day, "12", by_the_day=True), stop, None, []).verdict is verdict


def test_each_rung_is_told_once_and_one_more_each_hour_after_the_deadline() -> None:
    due, first = FOUND + 2 * HOUR, FOUND + timedelta(seconds=60)
    assert list(rungs_owed(-1, due, first, first)) == []
    assert list(rungs_owed(-1, due, first, first + timedelta(seconds=1))) == [0]
    assert list(rungs_owed(0, due, first, due)) == []
    assert list(rungs_owed(0, due, first, due + timedelta(seconds=1))) == [1]
    assert list(rungs_owed(1, due, first, due + HOUR)) == []
    assert list(rungs_owed(-1, due, first, due + timedelta(hours=2, seconds=1))) == [0, 1, 2, 3]
    assert next_telling(0, due) == due
    assert next_telling(1, due) == due + HOUR
    assert next_telling(0, None) is None


def test_a_slot_without_a_check_inside_it_is_missed() -> None:
    slots = [(FOUND + i * 12 * HOUR, FOUND + (i + 1) * 12 * HOUR) for i in range(3)]
    visits = [FOUND + HOUR, FOUND + 24 * HOUR]
    assert missed_slots(slots, visits, slots[2][1]) == [slots[1]]
    assert missed_slots(slots, visits, slots[0][1]) == []
    assert missed_slots(slots, [], slots[1][1]) == slots[:2]


def test_misses_in_a_row_climb_the_line() -> None:
    starts_by_end = {FOUND + i * 12 * HOUR: FOUND + (i - 1) * 12 * HOUR for i in (1, 2, 4)}
    assert missed_before(FOUND, starts_by_end) == 0
    assert missed_before(FOUND + 12 * HOUR, starts_by_end) == 1
    assert missed_before(FOUND + 24 * HOUR, starts_by_end) == 2
    assert missed_before(FOUND + 36 * HOUR, starts_by_end) == 0
    assert rungs_of_missed(0) == (0,)
    assert rungs_of_missed(2) == (0, 2)
