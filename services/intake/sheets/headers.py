"""Where the columns of a mapping stand in a table, below titles, in one or two header rows, by any of their names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from services.intake.reading import ADDED_TO_REJECTS, EXPORTED_AS
from services.intake.sheets.kinds import ids_of
from services.intake.sheets.mapping import SheetMapping
from services.intake.sheets.table import Cell, Row, SheetRefused, Table, shown

LOOKED_AT = 30
"""Rows at the beginning in which headers are looked for."""
OWN = ("source_id", "revision", EXPORTED_AS)
"""Columns that may stand in any sheet, for corrections and for what was exported."""


@dataclass(frozen=True)
class Header:
    """first, end: rows of the header, end not among them; printed: those rows as they stand, each cell `normal`.

    places: field -> column. names: of every column, as shown.
    """

    first: int
    end: int
    printed: list[list[str]]
    places: dict[str, int]
    times: dict[str, int]
    own: dict[str, int]
    names: list[str]
    reason: int | None

    def column_named(self, names: Iterable[str]) -> int | None:
        """The column with one of these names."""
        wanted = set(map(normal, names))
        return next((at for at, name in enumerate(self.names) if normal(name) in wanted), None)

    @property
    def used(self) -> set[int]:
        """Columns that are read."""
        places = {*self.places.values(), *self.times.values(), *self.own.values()}
        return places | ({self.reason} if self.reason is not None else set())


def normal(text: str) -> str:
    """A header's text as it is compared: widths, blanks, case, stars and colons do not count."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold().strip("*:")


def find_header(tables: Sequence[Table], mapping: SheetMapping) -> tuple[Table, Header]:
    """The first sheet that has the columns. Raises SheetRefused with those that are missing where most were found."""
    best: tuple[int, list[str], list[str]] = (-1, list(mapping.columns), [])
    for table in tables:
        for height in range(mapping.header_rows, 0, -1):
            for first in range(min(LOOKED_AT, len(table.rows))):
                names = _names(table, first, height)
                places, missing = _places(mapping, names)
                if not missing:
                    if table.broken is not None:
                        raise table.broken
                    printed = [[normal(_text(cell)) for cell in row] for row in table.rows[first : first + height]]
                    return table, _header(mapping, first, printed, places, names)
                if len(places) > best[0] and places:
                    best = len(places), missing, [each[-1] for each in names if each]
    found, missing, has = best
    wanted = ", ".join(mapping.columns[field][0] for field in missing)
    if found < 0:
        raise SheetRefused("no_columns", missing=wanted)
    raise SheetRefused("columns_missing", missing=wanted, has=", ".join(has)[:500])


def _header(
    mapping: SheetMapping, first: int, printed: list[list[str]], places: dict[str, int], names: list[list[str]]
) -> Header:
    at = {normal(each): column for column, known in reversed(list(enumerate(names))) for each in known}
    times = {field: at[normal(name)] for field, known in mapping.times.items() for name in known if normal(name) in at}
    known_again = (*OWN, *ids_of(mapping.kind))
    own = {name: at[normal(name)] for name in known_again if at.get(normal(name)) not in (None, places.get(name))}
    titles = [known[0] if known else "" for known in names]
    end, reason = first + len(printed), at.get(normal(ADDED_TO_REJECTS))
    return Header(first, end, printed, places, times, own, titles, reason)


def _places(mapping: SheetMapping, names: Sequence[Sequence[str]]) -> tuple[dict[str, int], list[str]]:
    """field -> column, and fields whose column is not there. Raises SheetRefused for one that stands twice."""
    at = dict[str, list[int]]()
    for column, known in enumerate(names):
        for name in {normal(each) for each in known}:
            at.setdefault(name, []).append(column)
    places, missing = dict[str, int](), list[str]()
    for field, aliases in mapping.columns.items():
        found = next((at[normal(alias)] for alias in aliases if normal(alias) in at), [])
        if found:
            places[field] = found[0]
        elif field not in mapping.optional:
            missing.append(field)
    if not missing:
        for field, aliases in mapping.columns.items():
            twice = [alias for alias in aliases if len(at.get(normal(alias), ())) > 1]
            if twice and field in places:
                raise SheetRefused("column_twice", name=twice[0])
    return places, missing


def _names(table: Table, first: int, height: int) -> list[list[str]]:
    """The names of each column: `upper/lower` and `lower` under two rows of headers."""
    upper = [_text(cell) for cell in table.rows[first]]
    if height == 1:
        return [[name] if name else [] for name in upper]
    lower = [_text(cell) for cell in table.rows[first + 1]] if first + 1 < len(table.rows) else []
    width = max(len(upper), len(lower))
    upper += [""] * (width - len(upper))
    lower += [""] * (width - len(lower))
    _spread(upper, lower, table, first)
    return [_both(above, below) for above, below in zip(upper, lower, strict=True)]


def _spread(upper: list[str], lower: list[str], table: Table, first: int) -> None:
    """A header over several columns stands in its first cell alone, merged or not."""
    for top, left, _, right in table.merged:
        if top == first:
            for column in range(left + 1, min(right + 1, len(upper))):
                upper[column] = upper[left]
    for column in range(1, len(upper)):
        if not upper[column] and lower[column]:
            upper[column] = upper[column - 1]


def _both(above: str, below: str) -> list[str]:
    if above and below and above != below:
        return [f"{above}/{below}", below]
    return [above or below] if above or below else []


def _text(cell: Cell) -> str:
    value = shown(cell)
    return " ".join(str(value).split()) if value is not None else ""


def repeats_header(row: Row, header: Header) -> bool:
    """Whether a row, before merged cells are filled, is one of the header's once more, as on top of a second page."""
    return any(
        all(normal(_text(cell)) == text for cell, text in zip_longest(row, printed, fillvalue=""))
        for printed in header.printed
    )
