"""How finely the past is told: by the hour for a week, by the day of Asia/Shanghai before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contracts.policy.days import SHANGHAI

DAYS_BY_THE_HOUR = 7
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def hours_kept_from(now: datetime) -> datetime:
    """The beginning of the first day whose hours still stand by themselves."""
    return _day_of(now) - DAYS_BY_THE_HOUR * _DAY


def answered_until(at: datetime, now: datetime) -> datetime:
    """The end of the hour, or of the day, that holds the instant before `at`: up to there the past is told exactly."""
    began, length = (_day_of(at), _DAY) if at < hours_kept_from(now) else (_hour_of(at), _HOUR)
    return (began if began == at else began + length).astimezone(UTC)


def _day_of(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
