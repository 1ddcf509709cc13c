"""Changes of subjects, summed into changes of the figures of both trees and of their history."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache

from contracts.divisions import REPORTING, STATUTORY, Divisions, Level
from contracts.policy.days import day_of
from services.rollup.rules.counting import Change, Reason
from services.rollup.rules.plain import First

Own = tuple[str, str, date, bool]  # division, indicator, reporting day, drill
Past = tuple[str, str, date, bool, datetime, str]  # as Own where recorded, the hour recorded, the reason
_NEW, _LATE = Reason.NEW.value, Reason.LATE.value


def past_of_firsts(firsts: Iterable[First]) -> dict[Past, int]:
    """Changes of the history by what counts on subjects never met before."""
    past: defaultdict[Past, int] = defaultdict(int)
    for shared, count in Counter(one.shared for one in firsts).items():
        reason = _LATE if day_of(shared.time) > shared.day else _NEW
        past[shared.division, shared.indicator, shared.day, shared.drill, _hour_of(shared.time), reason] += count
    return past


def past_of(changes: Iterable[Change]) -> dict[Past, int]:
    """Changes of the history by these, zeros left out."""
    past: defaultdict[Past, int] = defaultdict(int)
    for (_, indicator, drill), before, after, recorded_at, reason in changes:
        if before and after and before[2:] == after[2:]:
            continue
        for row, delta in ((before, -1), (after, 1)):
            if row:
                past[row.division, indicator, row.day, drill, _hour_of(recorded_at), reason.value] += delta
    return {key: delta for key, delta in past.items() if delta}


def summed(past: Mapping[Past, int], divisions: Divisions) -> dict[Own, tuple[int, int]]:
    """The same changes in both trees (statutory, reporting), from the township upwards; where both are 0 left out."""
    alike: defaultdict[tuple[str, date, bool], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (division, indicator, day, drill, _, _), delta in past.items():
        alike[indicator, day, drill][division[: Level.VILLAGE]] += delta
    return {(division, *rest): deltas for rest, base in alike.items() for division, deltas in _upwards(base, divisions)}


def _upwards(base: Mapping[str, int], divisions: Divisions) -> Iterable[tuple[str, tuple[int, int]]]:
    """Changes at each division of the lines above these, in both trees."""
    lines: defaultdict[tuple[tuple[str, ...], ...], int] = defaultdict(int)
    for division, delta in base.items():
        lines[_lines(division, divisions)] += delta
    statutory, reporting = defaultdict[str, int](int), defaultdict[str, int](int)
    for line, delta in lines.items():
        for codes, figures in zip(line, (statutory, reporting), strict=True):
            for code in codes:
                figures[code] += delta
    for code in statutory | reporting:
        deltas = statutory.get(code, 0), reporting.get(code, 0)
        if deltas != (0, 0):
            yield code, deltas


@lru_cache(maxsize=65_536)
def _lines(division: str, divisions: Divisions) -> tuple[tuple[str, ...], ...]:
    """Where a division counts in each tree, from the township upwards; villages of one township share it."""
    both = (divisions.ancestors(division, tree) for tree in (STATUTORY, REPORTING))
    return tuple(tuple(code for code in line if len(code) < Level.VILLAGE) for line in both)


@lru_cache(maxsize=65_536)
def _hour_of(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
