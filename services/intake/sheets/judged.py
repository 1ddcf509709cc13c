"""The verdicts of records as verdicts of rows: each reason at the row and the column that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from services.intake.problems import Language, Problem
from services.intake.sheets.rows import SheetRead
from services.intake.sheets.units import Unit
from services.intake.verdicts import ACCEPTED, DUPLICATE, REJECTED

_MEMBER = re.compile(r"^\w+\[(\d+)\]\.?")


class RowVerdict(NamedTuple):
    """at: the row of the table, from 0. errors: as in a record's verdict, the field by its column's name."""

    at: int
    word: str
    errors: tuple[Mapping[str, str], ...] = ()

    @property
    def reason(self) -> str:
        """As it stands in the column of reasons."""
        told = (f"{each['field']}: {each['why']} -> {each['would_be_right']}" for each in self.errors)
        return "; ".join(each.removeprefix(": ") for each in told)


def judged(read: SheetRead, unit: Unit, answers: Sequence[Mapping[str, Any]], language: Language) -> list[RowVerdict]:
    """answers: the verdicts of the unit's lines as they are told. A row is rejected if any record of it is."""
    if unit.problems:
        named = {at: [each._replace(field=_column(read, each.field)) for each in unit.problems[at]] for at in unit.rows}
        return [RowVerdict(at, REJECTED, _told(named[at], language)) for at in unit.rows]
    errors = [error for answer in answers for error in answer.get("errors", ())]
    if not any(answer["verdict"] == REJECTED for answer in answers):
        word = ACCEPTED if any(answer["verdict"] == ACCEPTED for answer in answers) else DUPLICATE
        return [RowVerdict(at, word) for at in unit.rows]
    by_row = dict[int, list[Mapping[str, str]]]()
    for error in errors:
        member = _MEMBER.match(error["field"])
        at = unit.members[int(member[1])] if member and int(member[1]) < len(unit.members) else None
        for row in unit.rows if at is None else [at]:
            by_row.setdefault(row, []).append({**error, "field": _column(read, error["field"])})
    beside = Problem("", "row_beside", {"rows": ", ".join(str(at + 1) for at in sorted(by_row)[:5])})
    return [RowVerdict(at, REJECTED, tuple(by_row.get(at) or _told([beside], language))) for at in unit.rows]


def _told(problems: Iterable[Problem], language: Language) -> tuple[dict[str, str], ...]:
    return tuple(problem.told(language) for problem in problems)


def _column(read: SheetRead, field: str) -> str:
    """The name of the column that fills a field, if one does."""
    path = re.sub(r"\[\d+\]", "", field)
    at = read.header.places.get(path)
    if at is None and path.rpartition(".")[2] in ("person", "members"):
        at = read.header.places.get(f"{path}.id_number")
    return field if at is None else read.header.names[at]
