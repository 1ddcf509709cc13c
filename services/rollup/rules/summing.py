"""Changes of subjects, summed into changes of the figures of both trees and of their history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from contracts.divisions import Divisions, Tree
from services.rollup.rules.counting import Change

Own = tuple[str, str, date, bool]  # division where recorded, indicator, reporting day, drill
Figure = tuple[str, str, str, date, bool]  # tree, then as Own, at any level
Past = tuple[str, str, date, bool, datetime, str]  # as Own, the hour recorded, the reason


def own_deltas(changes: Iterable[Change]) -> tuple[dict[Own, int], dict[Past, int]]:
    """Changes of the figures where they were recorded, and of the history; zeros left out."""
    own: defaultdict[Own, int] = defaultdict(int)
    past: defaultdict[Past, int] = defaultdict(int)
    hours: dict[datetime, datetime] = {}
    for (_, indicator, drill), before, after, recorded_at, reason in changes:
        if before and after and before[2:] == after[2:]:
            continue
        hour = hours.get(recorded_at)
        if hour is None:
            hour = hours[recorded_at] = recorded_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        for row, delta in ((before, -1), (after, 1)):
            if row:
                place = (row.division, indicator, row.day, drill)
                own[place] += delta
                past[(*place, hour, reason.value)] += delta
    return _without_zeros(own), _without_zeros(past)


def summed(own: Mapping[Own, int], divisions: Divisions) -> dict[Figure, int]:
    """The same changes at the division itself and every one above it, in both trees; zeros left out.

    Summed upwards in waves, children before parents: a batch touches many grids and few of what lies above them.
    """
    figures: defaultdict[Figure, int] = defaultdict(int)
    for tree in Tree:
        lines = {division: divisions.ancestors(division, tree) for division in {key[0] for key in own}}
        above: dict[str, str | None] = {line[-1]: None for line in lines.values()}
        above |= {code: up for line in lines.values() for code, up in pairwise(line)}
        wave = _summed_by(own, {division: line[0] for division, line in lines.items()})
        while wave:
            for (division, indicator, day, drill), delta in wave.items():
                figures[tree.value, division, indicator, day, drill] += delta
            wave = _summed_by(wave, above)
    return _without_zeros(figures)


def _summed_by(deltas: Mapping[Own, int], place: Mapping[str, str | None]) -> dict[Own, int]:
    """The changes put where `place` says; None: nowhere."""
    found: defaultdict[Own, int] = defaultdict(int)
    for (division, indicator, day, drill), delta in deltas.items():
        there = place[division]
        if there is not None:
            found[there, indicator, day, drill] += delta
    return found


def line_of(division: str, divisions: Divisions) -> Iterable[tuple[str, str, int]]:
    """(tree, code, steps up) of each division where what is recorded at `division` counts; 0 is where it counts first.

    Raises MalformedCodeError.
    """
    for tree in Tree:
        for up, code in enumerate(divisions.ancestors(division, tree)):
            yield tree.value, code, up


def _without_zeros(deltas: dict[Any, int]) -> dict[Any, int]:
    return {key: delta for key, delta in deltas.items() if delta} if 0 in deltas.values() else deltas
