"""Figures as a table for people: a division, the ones below it, and what is recorded at the division itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from contracts.divisions import DivisionError, Divisions, Level, Tree
from services.chassis.database import Tx
from services.rollup.store import reading


@dataclass(frozen=True)
class Line:
    """One division's figures by indicator; those of drills apart."""

    division: str
    name: str
    figures: dict[str, int]
    drills: dict[str, int]


@dataclass(frozen=True)
class Table:
    """own: recorded at the division itself (its figures less its children's). None, both, unless asked for."""

    at: datetime
    tree: Tree
    day: date | Literal["all"]
    path: list[tuple[str, str]]
    total: Line
    children: list[Line] | None
    own: Line | None


async def children_of(tx: Tx, division: str, tree: Tree, until: datetime | None = None) -> list[str]:
    """The divisions below: all that the edition knows, or, below a village, those with figures, now or by then."""
    divisions = Divisions.load()
    try:
        known = divisions.children(division, tree)
    except DivisionError:
        known = ()
    if known or len(division) < Level.VILLAGE:
        return list(known)
    below = await reading.load_codes_below(tx, division, until)
    return [code for code in below if divisions.parent(code, tree) == division]


def tabled(
    at: datetime,
    tree: Tree,
    day: date | Literal["all"],
    division: str,
    children: Sequence[str] | None,
    found: Iterable[Mapping[str, Any]],
) -> Table:
    """The table of what `found` says: (division_code, indicator, drill, value)."""
    values: dict[tuple[str, bool], dict[str, int]] = {}
    for row in found:
        values.setdefault((row["division_code"], row["drill"]), {})[row["indicator"]] = row["value"]
    total, *below = [_line(code, values) for code in (division, *(children or ()))]
    path = [(code, _name(code)) for code in reversed(Divisions.load().ancestors(division, tree))]
    if children is None:
        return Table(at, tree, day, path, total, None, None)
    return Table(at, tree, day, path, total, below, _own(total, below))


def _own(total: Line, below: Sequence[Line]) -> Line:
    figures = _less(total.figures, [line.figures for line in below])
    return Line(total.division, total.name, figures, _less(total.drills, [line.drills for line in below]))


def _line(code: str, values: Mapping[tuple[str, bool], dict[str, int]]) -> Line:
    return Line(code, _name(code), values.get((code, False), {}), values.get((code, True), {}))


def _less(total: Mapping[str, int], parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    rest = dict(total)
    for part in parts:
        for indicator, value in part.items():
            rest[indicator] = rest.get(indicator, 0) - value
    return {indicator: value for indicator, value in rest.items() if value}


def _name(code: str) -> str:
    try:
        return Divisions.load().name(code)
    except DivisionError:
        return code
