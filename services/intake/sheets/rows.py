"""A file by a mapping: its rows found, filled, read and put together; and what of it no record holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import to_json

from services.intake.rules.when import Habits
from services.intake.sheets.headers import Header, find_header, repeats_header
from services.intake.sheets.links import Unread, linked
from services.intake.sheets.mapping import SheetMapping
from services.intake.sheets.table import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    Row,
    SheetRefused,
    Table,
    is_blank,
    shown,
)
from services.intake.sheets.units import Unit, units_of
from services.intake.sheets.values import Reader, RowRead


@dataclass(frozen=True)
class SheetRead:
    """A file with its mapping. unread: words no pattern or link was found in. unsent: column -> rows with something."""

    table: Table
    header: Header
    units: list[Unit]
    unread: list[Unread]
    unsent: Counter[str]
    other_sheets: list[str]

    @property
    def rows(self) -> int:
        """Rows that get a verdict."""
        return sum(len(unit.rows) for unit in self.units)


def read_sheet(tables: Sequence[Table], mapping: SheetMapping) -> SheetRead:
    """Raises SheetRefused when no sheet has the columns."""
    table, header = find_header(tables, mapping)
    columns = _columns_read(header, mapping)
    rows, beside = _filled(table, header, mapping, columns)
    habits = Habits(mapping.year, mapping.day_order, table.form.epoch, keeps_zeros=table.form.kind == "xlsx")
    reader = Reader(mapping, header, habits, [row for _, row in rows])
    read = [reader.read(at, row) for at, row in rows]
    units, unread = units_of(mapping, read), list[Unread]()
    if mapping.links is not None:
        unread += _add_links(mapping, header, dict(rows), read, units, habits)
    unread += reader.unread
    others = [each.form.sheet for each in tables if each is not table and each.form.kind == "xlsx"]
    return SheetRead(
        table, header, units, unread, _unsent([*(row for _, row in rows), *beside], header, mapping, columns), others
    )


def _columns_read(header: Header, mapping: SheetMapping) -> set[int]:
    if mapping.links is None:
        return header.used
    named = [mapping.links.column, *([name] for name in (*mapping.links.first_at, *mapping.links.last_at))]
    return header.used | {at for names in named if (at := header.column_named(names)) is not None}


def _filled(
    table: Table, header: Header, mapping: SheetMapping, columns: set[int]
) -> tuple[list[tuple[int, Row]], list[Row]]:
    """The rows that say something in the columns that are read, merged and inherited cells filled; and those beside.

    Beside are a total, a remark below the table, numbers written down in advance for rows that were never filled in.
    """
    below = range(header.end, len(table.rows))
    told = {at for at in below if not repeats_header(table.rows[at], header)}
    beside = {at for at in told if all(is_blank(cell) for place, cell in enumerate(table.rows[at]) if place in columns)}
    others = [list(table.rows[at]) for at in sorted(beside)]
    _fill_merged(table, header)
    together = [[header.places[field] for field in each if field in header.places] for each in mapping.fill_down]
    above, rows = Row(), list[tuple[int, Row]]()
    for at in sorted(told - beside):
        row = table.rows[at]
        row += [None] * (len(header.names) - len(row))  # a text leaves out the blanks at a row's end
        for places in together:
            _inherit(row, above, places)
        above = row
        rows.append((at, row))
    return rows, others


def _inherit(row: Row, above: Row, columns: Sequence[int]) -> None:
    """The blank cells of what belongs together take what stands above, unless the row begins another one."""
    said = [(at, row[at], above[at] if at < len(above) else None) for at in columns]
    if all(is_blank(here) or here == before for _, here, before in said):
        for at, here, before in said:
            row[at] = before if is_blank(here) else here


def _fill_merged(table: Table, header: Header) -> None:
    """Raises SheetRefused when merged cells lie over each other so often that filling them would not end."""
    filled = 0
    for top, left, bottom, right in table.merged:
        if top < header.end or top >= len(table.rows) or left >= len(table.rows[top]):
            continue
        value = table.rows[top][left]
        for row in table.rows[top : bottom + 1]:
            width = len(row[left : right + 1])
            row[left : right + 1] = [value] * width
            filled += width
        if filled > MOST_CELLS:
            raise SheetRefused("file_too_many", rows=MOST_ROWS, columns=MOST_COLUMNS)


def _add_links(
    mapping: SheetMapping,
    header: Header,
    rows: Mapping[int, Row],
    read: Sequence[RowRead],
    units: Sequence[Unit],
    habits: Habits,
) -> Iterator[Unread]:
    """The records of what a row's words name beside itself; gives the words that name nothing known."""
    known = {str(row.values["person_ref"]) for row in read if "person_ref" in row.values}
    by_row = {at: unit for unit in units for at in unit.rows}
    for row in read:
        if row.at in by_row and not by_row[row.at].problems:
            records, unread = linked(mapping, header, row.at, rows[row.at], row.values, known, habits)
            by_row[row.at].lines += map(to_json, records)
            yield from unread


def _unsent(rows: Iterable[Row], header: Header, mapping: SheetMapping, columns: set[int]) -> Counter[str]:
    """Columns that are not read -> rows in which they hold something."""
    counted = Counter[str]()
    empty = mapping.empty_words
    for row in rows:
        for at, cell in enumerate(row):
            if at not in columns and not is_blank(cell) and str(shown(cell)).strip().casefold() not in empty:
                counted[header.names[at] if at < len(header.names) and header.names[at] else f"{at + 1}"] += 1
    return counted
