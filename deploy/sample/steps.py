"""The instants of the play. At each the stage clock is set, then what the senders have by then is sent."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, timedelta, timezone
from random import Random

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Hourly where things happen; then a step just after midnight for what ends, one each for morning and evening visits.
_HOURS = {
    5: "05:30 06:30 08:00 09:00 10:00 11:00 12:05 13:00 14:00 15:00 16:00 17:00 18:00 20:00 22:00",
    6: "00:05 02:00 05:00 06:00 08:00 09:00 10:00 11:00 12:05 14:00 16:00 17:00 18:00 20:00 22:00",
    7: "00:05 09:00 11:00 14:00 17:00 20:00",
    8: "00:05 09:00 17:00 20:00",
    9: "00:05 09:00 17:00 20:00",
    28: "00:05 09:00",
}
_USUAL = "00:05 09:00 17:00"


def march(day: int, clock: str) -> datetime:
    """An instant of March 2022, Shanghai time; day 0 is the last of February."""
    hours, minutes = clock.split(":")
    return datetime(2022, 3, 1, int(hours), int(minutes), tzinfo=SHANGHAI) + DAY * (day - 1)


STEPS: tuple[datetime, ...] = tuple(
    march(day, clock) for day in range(5, 29) for clock in _HOURS.get(day, _USUAL).split()
)


def step_at(instant: datetime) -> int:
    """The first step at or after an instant: when a sender who waits for nothing sends what happened then."""
    index = bisect_left(STEPS, instant)
    if index == len(STEPS):
        raise ValueError(f"{instant} lies after the last step {STEPS[-1]}: let it happen earlier")
    return index


def steps_within(first: int, until: datetime) -> list[int]:
    """The steps from `first` on that are not after `until`."""
    return [index for index in range(first, len(STEPS)) if STEPS[index] <= until]


def between(rng: Random, first: datetime, last: datetime) -> datetime:
    """Some whole minute, both ends possible."""
    return first + MINUTE * rng.randint(0, max(0, int((last - first) / MINUTE)))


def before_step(rng: Random, step: int) -> datetime:
    """Some minute after the step before, at most two hours and a half before this one."""
    return between(rng, max(STEPS[step - 1] + MINUTE, STEPS[step] - 2.5 * HOUR), STEPS[step] - MINUTE)


def midnight_after(instant: datetime, days: int) -> datetime:
    """The midnight that ends the Shanghai day `days` after the day of an instant."""
    return day_start(instant) + DAY * (days + 1)


def day_start(instant: datetime) -> datetime:
    """The midnight that begins the Shanghai day of an instant."""
    return instant.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)


def day_of(instant: datetime) -> date:
    """The Shanghai day of an instant."""
    return instant.astimezone(SHANGHAI).date()


def half_days(start: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """The half days 00-12 and 12-24 that lie wholly inside [start, until]."""
    slots, begin = [], day_start(start)
    while begin + 12 * HOUR <= until:
        if begin >= start:
            slots.append((begin, begin + 12 * HOUR))
        begin += 12 * HOUR
    return slots
