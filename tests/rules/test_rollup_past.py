"""How finely rollup tells the past: by the hour for a week, by the day before, never less than was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.policy.days import SHANGHAI
from services.rollup.rules.past import answered_until, hours_kept_from

NOW = datetime(2022, 3, 28, 1, 30, tzinfo=UTC)  # 9.30 in Shanghai
FIRST = datetime(2022, 3, 21, tzinfo=SHANGHAI)
INSTANTS = st.timedeltas(timedelta(days=-18), timedelta(days=1)).map(lambda away: NOW + away)


def test_the_hours_of_today_and_of_seven_days_before_stand() -> None:
    assert hours_kept_from(NOW) == FIRST
    assert answered_until(FIRST + timedelta(minutes=1), NOW) == FIRST + timedelta(hours=1)
    assert answered_until(FIRST - timedelta(minutes=1), NOW) == FIRST
    assert answered_until(FIRST - timedelta(hours=23, minutes=59), NOW) == FIRST


@given(at=INSTANTS, later=st.timedeltas(timedelta(), timedelta(days=20)))
def test_the_answer_holds_the_instant_and_is_itself_an_instant_that_is_answered(at: datetime, later: timedelta) -> None:
    until = answered_until(at, NOW)
    assert at <= until < at + timedelta(hours=1 if at >= FIRST else 24)
    assert answered_until(until, NOW) == until
    assert answered_until(at, NOW + later) >= until


@given(one=INSTANTS, other=INSTANTS)
def test_of_two_instants_the_later_one_is_answered_no_earlier(one: datetime, other: datetime) -> None:
    first, last = sorted((one, other))
    assert answered_until(first, NOW) <= answered_until(last, NOW)
