"""A plan laid over the calendar: from when until when each phase runs, and the dates on which its tests fall."""

from __future__ import annotations

from datetime import date, datetime

from contracts.policy.answers import Plan
from contracts.policy.days import DAY, day_of, end_of_day
from contracts.policy.editions import Frozen, Mode


class Span(Frozen):
    """One phase on the calendar: from_at inclusive, until_at (a Shanghai midnight) exclusive."""

    mode: Mode
    from_at: datetime
    until_at: datetime
    test_days: tuple[int, ...]


def phase_spans(plan: Plan, last_exposure_at: datetime) -> tuple[Span, ...]:
    """The phases in order. The day of the last exposure is day 0: 14 days end with the 14th day after it."""
    spans: list[Span] = []
    from_at, last_day = last_exposure_at, day_of(last_exposure_at)
    for phase in plan.phases:
        last_day += DAY * phase.days
        until_at = end_of_day(last_day)
        spans.append(Span(mode=phase.mode, from_at=from_at, until_at=until_at, test_days=phase.test_days))
        from_at = until_at
    return tuple(spans)


def test_dates(span: Span, placed_at: datetime) -> tuple[date, ...]:
    """The Shanghai days of the tests. Day 1 is the day on which the phase began for this person.

    Found late, a person stays only the remaining days (ed. 8), so tests beyond the span's end fall away.
    """
    first = day_of(max(span.from_at, placed_at))
    days = (first + DAY * (n - 1) for n in span.test_days)
    return tuple(day for day in days if end_of_day(day) <= span.until_at)
