"""Rows put together to records: one a row, or the rows of a household or a tube as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from services.intake.problems import Problem
from services.intake.sheets.kinds import Takes, fields_of, list_of
from services.intake.sheets.mapping import SheetMapping
from services.intake.sheets.values import RowRead


@dataclass
class Unit:
    """Rows (of the table, from 0) that share a verdict: their records as lines, or what is wrong, by row.

    members: the row of each member of the record's list.
    """

    rows: list[int]
    members: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    problems: dict[int, list[Problem]] = field(default_factory=dict)


def units_of(mapping: SheetMapping, read: Sequence[RowRead]) -> list[Unit]:
    """Rows of equal `record_of` fields are one record, wherever they stand."""
    grouped = dict[tuple[object, ...], list[RowRead]]()
    for row in read:
        key = _key(mapping, row)
        grouped.setdefault((row.at,) if None in key or not key else key, []).append(row)
    units = [_unit(mapping, rows) for rows in grouped.values()]
    _keep_back(mapping, read, units)
    return units


def _key(mapping: SheetMapping, row: RowRead) -> tuple[str | None, ...]:
    """What makes rows one record; None where the row does not tell it."""
    return tuple(str(row.values[name]) if name in row.values else None for name in mapping.record_of)


def _keep_back(mapping: SheetMapping, read: Sequence[RowRead], units: Sequence[Unit]) -> None:
    """A row whose key cannot be read may belong to the record above or below. Sent without it that record would lack
    somebody, and the row, once mended, would take its place.
    """
    unit_of = {at: unit for unit in units for at in unit.rows}
    for rows in (read, read[::-1]):
        beside: RowRead | None = None
        for row in rows:
            key = _key(mapping, row)
            if None not in key:
                beside = row
            elif beside is not None and _is_unreadable(mapping, row) and _may_be(key, _key(mapping, beside)):
                unit = unit_of[beside.at]
                problem = Problem("", "row_beside", {"rows": str(row.at + 1)})
                unit.lines, unit.problems = [], {at: [problem] for at in unit.rows} | unit.problems


def _is_unreadable(mapping: SheetMapping, row: RowRead) -> bool:
    """Whether a cell of it is wrong; a template's example has no values at all."""
    return bool(row.problems) and row.values.keys() > mapping.constants.keys()


def _may_be(key: Sequence[str | None], other: Sequence[str | None]) -> bool:
    return all(mine in (None, own) for mine, own in zip(key, other, strict=True))


def _unit(mapping: SheetMapping, rows: Sequence[RowRead]) -> Unit:
    unit = Unit([row.at for row in rows], problems={row.at: list(row.problems) for row in rows if row.problems})
    listed, known = list_of(mapping.kind), fields_of(mapping.kind)
    record: dict[str, Any] = {"feed": mapping.feed, "kind": mapping.kind}
    flat = dict[str, Any]()
    for row in rows:
        own = {name: value for name, value in row.values.items() if name not in known or not known[name].in_list}
        for name, value in own.items():
            if flat.setdefault(name, value) != value:
                unit.problems.setdefault(row.at, []).append(Problem(name, "rows_differ", {"row": rows[0].at + 1}))
    for name, value in flat.items():
        _put(record, name, value)
    if listed is not None:
        members = {row.at: member for row in rows if (member := _member(row, listed, known))}
        record[listed], unit.members = list(members.values()), list(members)
    if unit.problems:
        _blame_the_others(unit)
    else:
        unit.lines.append(to_json(record))
    return unit


def _member(row: RowRead, listed: str, known: Mapping[str, Takes]) -> dict[str, Any]:
    member = dict[str, Any]()
    for name, value in row.values.items():
        if name in known and known[name].in_list:
            _put(member, name.removeprefix(f"{listed}."), value)
    return member


def _blame_the_others(unit: Unit) -> None:
    """A household is one record: a row that cannot be read keeps back those beside it."""
    wrong = ", ".join(str(at + 1) for at in sorted(unit.problems)[:5])
    for at in unit.rows:
        if at not in unit.problems:
            unit.problems[at] = [Problem("", "row_beside", {"rows": wrong})]


def _put(record: dict[str, Any], path: str, value: object) -> None:
    *outer, last = path.split(".")
    for name in outer:
        record = record.setdefault(name, {})
    record[last] = value
