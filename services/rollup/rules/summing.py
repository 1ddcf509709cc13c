"""Changes of subjects, summed into changes of the figures of both trees and of their history."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from contracts.divisions import REPORTING, STATUTORY, Divisions, Level
from contracts.policy.days import day_of
from services.rollup.rules.counting import Change, Reason
from services.rollup.rules.plain import First

Own = tuple[str, str, date, bool]  # division where recorded, indicator, reporting day, drill
Past = tuple[str, str, date, bool, datetime, str]  # as Own, the hour recorded, the reason
_NEW, _LATE = Reason.NEW.value, Reason.LATE.value


def past_deltas(firsts: Iterable[First], changes: Iterable[Change]) -> dict[Past, int]:
    """Changes of the history, zeros left out. firsts: what counts on subjects never met before."""
    past: defaultdict[Past, int] = defaultdict(int)
    # Households are recorded at once: counted before their hours are looked at.
    alike = Counter([(division, kind, day, drill, time) for _, kind, drill, _, division, day, _, time in firsts])
    for (division, indicator, day, drill, time), delta in alike.items():
        past[division, indicator, day, drill, _hour_of(time), _LATE if day_of(time) > day else _NEW] += delta
    for (_, indicator, drill), before, after, recorded_at, reason in changes:
        if before and after and before[2:] == after[2:]:
            continue
        for row, delta in ((before, -1), (after, 1)):
            if row:
                past[row.division, indicator, row.day, drill, _hour_of(recorded_at), reason.value] += delta
    return _without_zeros(past)


def own_deltas(past: Mapping[Past, int]) -> dict[Own, int]:
    """The same changes of the figures where they were recorded; zeros left out."""
    own: defaultdict[Own, int] = defaultdict(int)
    for (division, indicator, day, drill, _, _), delta in past.items():
        own[division, indicator, day, drill] += delta
    return _without_zeros(own)


def summed(own: Mapping[Own, int], divisions: Divisions) -> dict[Own, tuple[int, int]]:
    """The same changes in both trees (statutory, reporting), from the township upwards; where both are 0 left out."""
    alike: defaultdict[tuple[str, date, bool], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (division, *rest), delta in own.items():
        alike[tuple(rest)][division[: Level.VILLAGE]] += delta  # type: ignore[index]
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


def _without_zeros(deltas: dict[Any, int]) -> dict[Any, int]:
    return {key: delta for key, delta in deltas.items() if delta} if 0 in deltas.values() else deltas
