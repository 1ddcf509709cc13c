"""The cells of a row as values by field, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from services.intake.problems import Problem
from services.intake.rules.when import Habits
from services.intake.sheets.cells import Wrong, at_time, text_of, value_of
from services.intake.sheets.headers import Header
from services.intake.sheets.kinds import Takes, fields_of
from services.intake.sheets.links import Unread
from services.intake.sheets.mapping import SheetMapping
from services.intake.sheets.table import Cell, Row, is_blank

EXAMPLE = "示例 example"
"""How the last cell of a template's example begins, and the reason for which it comes back: it stays an example."""
_LONGEST_REFERENCE = 128
_ROUNDED = re.compile(r"\d{15}000", re.ASCII)


class RowRead(NamedTuple):
    """A row's values by field, before rows are put together."""

    at: int
    values: dict[str, Any]
    problems: list[Problem]


class Reader:
    """Cells to values; the same text in the same column is read once."""

    def __init__(self, mapping: SheetMapping, header: Header, habits: Habits, rows: Iterable[Row]) -> None:
        self._mapping, self._header, self._habits = mapping, header, habits
        known = fields_of(mapping.kind)
        self._columns = [(name, at, known[name], mapping.words.get(name)) for name, at in header.places.items()]
        self._columns += [(name, at, known.get(name, Takes("code")), None) for name, at in header.own.items()]
        self._rounded = {at for name, at, takes, _ in self._columns if takes.shape == "id" and _is_rounded(rows, at)}
        self._empty = mapping.empty_words
        self._seen: dict[tuple[int, str], object] = {}
        self.unread: list[Unread] = []

    def read(self, at: int, row: Row) -> RowRead:
        """A row's values, and what is wrong with its cells."""
        values, problems = dict[str, Any](self._mapping.constants), list[Problem]()
        if self._is_example(row):
            return RowRead(at, values, [Problem(EXAMPLE, "example_row")])
        for name, column, takes, words in self._columns:
            cell = row[column] if column < len(row) else None
            try:
                value = self._value(at, name, column, takes, words, cell)
            except Wrong as wrong:
                problems.append(wrong.problem)
            else:
                if value is not None:
                    values[name] = value
        self._add_times(row, values, problems)
        self._compose(values)
        return RowRead(at, values, problems)

    def _value(self, at: int, name: str, column: int, takes: Takes, words: dict[str, str] | None, cell: Cell) -> object:
        if is_blank(cell):
            return None
        shown = self._header.names[column]
        if name in self._mapping.patterns:
            text = text_of(cell, shown)
            return text if text in takes.choices else self._found(at, name, text, shown)
        if column in self._rounded and isinstance(cell, str) and _ROUNDED.fullmatch(cell.strip()):
            raise Wrong(shown, "digits_lost")
        if not isinstance(cell, str):
            return value_of(takes, cell, shown, words, self._habits)
        key = (column, cell)
        if key not in self._seen:
            is_empty = cell.strip().casefold() in self._empty and not (words and cell.strip() in words)
            self._seen[key] = None if is_empty else value_of(takes, cell, shown, words, self._habits)
        return self._seen[key]

    def _found(self, at: int, name: str, text: str, shown: str) -> str | None:
        if text.casefold() in self._empty:
            return None
        found = next((ours for each, ours in self._mapping.patterns[name] if re.search(each, text, re.I)), None)
        if found is None:
            self.unread.append(Unread(at, shown, text))
        return found

    def _is_example(self, row: Row) -> bool:
        reason = self._header.reason
        cell = row[reason] if reason is not None and reason < len(row) else None
        return isinstance(cell, str) and cell.strip().startswith(EXAMPLE)

    def _add_times(self, row: Row, values: dict[str, Any], problems: list[Problem]) -> None:
        for name, column in self._header.times.items():
            cell = row[column] if column < len(row) else None
            if name in values and not is_blank(cell) and str(cell).strip() not in self._empty:
                try:
                    values[name] = at_time(values[name], cell, self._header.names[column])
                except Wrong as wrong:
                    problems.append(wrong.problem)

    def _compose(self, values: dict[str, Any]) -> None:
        for name, parts in self._mapping.composed.items():
            found = [next((values[field] for field in part.split("|") if field in values), None) for part in parts]
            if name not in values and None not in found:
                values[name] = "/".join(map(str, found))[-_LONGEST_REFERENCE:]


def _is_rounded(rows: Iterable[Row], column: int) -> bool:
    """Whether a spreadsheet program has kept a column's numbers to 15 digits before they became texts: several then
    end in 000, where one in ten thousand does, and every eleventh passes its check digit.
    """
    texts = {cell.strip() for row in rows if column < len(row) and isinstance(cell := row[column], str)}
    numbers = [text for text in texts if len(text) == 18]
    rounded = sum(_ROUNDED.fullmatch(text) is not None for text in numbers)
    return rounded > 1 and rounded * 2 > len(numbers)
