"""Rejected rows as a file of the same form: the sheet's own headers and cells, and the reason in a last column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import OverlappingRange

from services.intake.reading import ADDED_TO_REJECTS
from services.intake.sheets.rows import SheetRead
from services.intake.sheets.table import Cell, Form, Row, shown

_LONGEST_TEXT = 32_767
FORMATS: dict[type, str] = {
    datetime: "yyyy/m/d h:mm:ss",
    date: "yyyy/m/d",
    time: "h:mm:ss",
    timedelta: "[h]:mm:ss",
    str: "@",
}


def rejected_file(read: SheetRead, reasons: Mapping[int, str]) -> bytes:
    """reasons: row of the table, from 0 -> why. It can be mended and sent as it is."""
    header, table = read.header, read.table
    width = max(len(header.names), *(len(table.rows[at]) for at in reasons), 0)
    column = header.reason if header.reason is not None else width
    rows = list[Row]()
    for at in range(header.end):
        rows.append(_with(table.rows[at], column, ADDED_TO_REJECTS if at == header.end - 1 else None))
    for at in sorted(reasons):
        rows.append(_with(table.rows[at], column, reasons[at]))
    merged = [each for each in table.merged if each[2] < header.end]
    return written(table.form, rows, merged)


def _with(row: Sequence[Cell], column: int, text: str | None) -> Row:
    cells = [*row, *[None] * (column + 1 - len(row))]
    cells[column] = text if text is not None else cells[column]
    return cells


def written(form: Form, rows: Iterable[Row], merged: Iterable[tuple[int, int, int, int]] = ()) -> bytes:
    """A file of this form."""
    if form.kind == "xlsx":
        return _workbook(form, list(rows), merged)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=form.delimiter).writerows([[_text(cell) for cell in row] for row in rows])
    # Without its mark a spreadsheet program takes UTF-8 for the system's own encoding, and saves the names as noise.
    encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
    return text.getvalue().encode(encoding, errors="replace")


def _text(cell: Cell) -> str:
    value = shown(cell)
    return "" if value is None else str(value)


def _workbook(form: Form, rows: Sequence[Row], merged: Iterable[tuple[int, int, int, int]]) -> bytes:
    body = io.BytesIO()
    options = {"in_memory": True, "date_1904": form.epoch == 1904, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(body, options) as book:
        sheet = book.add_worksheet(form.sheet[:31])
        formats = {kind: book.add_format({"num_format": each}) for kind, each in FORMATS.items()}
        # What is typed into an empty cell, or over a number whose digits are lost, then stays as it is typed.
        sheet.set_column(0, max(map(len, rows), default=1) - 1, None, formats[str])
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                write_cell(sheet, at, column, cell, formats)
        for top, left, bottom, right in merged:
            if (bottom, right) != (top, left) and left < len(rows[top]):
                with suppress(OverlappingRange):  # the one that stands first is kept
                    sheet.merge_range(top, left, bottom, right, _text(rows[top][left])[:_LONGEST_TEXT])
    return body.getvalue()


def write_cell(sheet: Any, at: int, column: int, cell: Cell, formats: Mapping[type, Any]) -> None:
    """As what it is: a text is never made a number, a formula or a link."""
    value = shown(cell)
    if isinstance(value, bool):
        sheet.write_boolean(at, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(at, column, value)
    elif isinstance(value, datetime | date | time | timedelta):
        try:
            sheet.write_datetime(at, column, value, formats[type(value)])
        except (ValueError, TypeError):  # before 1900: a workbook has no such day
            sheet.write_string(at, column, str(value))
    elif value:
        sheet.write_string(at, column, str(value)[:_LONGEST_TEXT], formats[str])
