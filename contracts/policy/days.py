"""Days are Shanghai days, and half-day slots lie in them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

# One offset without summer time since 1991, so no table of zones has to be installed.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
DAY = timedelta(days=1)


def day_of(instant: datetime) -> date:
    """The Shanghai day of an instant. Raises ValueError for a time without a zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no zone: write it with its offset, for example +08:00")
    return instant.astimezone(SHANGHAI).date()


def start_of_day(day: date) -> datetime:
    """The midnight that begins a Shanghai day."""
    return datetime.combine(day, time(), SHANGHAI)


def end_of_day(day: date) -> datetime:
    """The midnight that ends a Shanghai day: the first instant that is no longer in it."""
    return start_of_day(day + DAY)


def slots_between(from_at: datetime, until_at: datetime, per_day: int = 2) -> list[tuple[datetime, datetime]]:
    """The slots (24 / per_day hours each, from Shanghai midnight) that lie wholly inside [from_at, until_at].

    A slot begun before from_at is left out: nobody owes a check for a half day that he did not have whole.
    """
    if per_day < 0:
        raise ValueError(f"per_day is {per_day}: give 0 or more slots a day")
    first, last = day_of(from_at), day_of(until_at)
    midnights = (start_of_day(first + DAY * n) for n in range((last - first).days + 1))
    slots = ((at + DAY * k / per_day, at + DAY * (k + 1) / per_day) for at in midnights for k in range(per_day))
    return [(start, end) for start, end in slots if from_at <= start and end <= until_at]
