"""An empty sheet for a mapping: its header, lists to choose from where words are few, an example that is refused."""

from __future__ import annotations

import io
from typing import Any

import xlsxwriter

from services.intake.reading import ADDED_TO_REJECTS
from services.intake.sheets.kinds import fields_of
from services.intake.sheets.mapping import SheetMapping
from services.intake.sheets.returned import written
from services.intake.sheets.table import Form, Row
from services.intake.sheets.values import EXAMPLE

_ROWS = 5000
"""Rows below the header that are prepared."""
_LONGEST_LIST = 255
_REMARK = f"{EXAMPLE}：发送前删去本行 delete this row before sending"


def template(mapping: SheetMapping, suffix: str) -> bytes:
    """suffix: xlsx or csv."""
    rows = [*_header(mapping), _example(mapping)]
    return written(Form("csv"), rows) if suffix == "csv" else _workbook(mapping, rows)


def _columns(mapping: SheetMapping) -> list[tuple[str, str]]:
    """(field, name of its column); a column that fills several fields stands once."""
    names = dict[str, str]()
    for field, aliases in mapping.columns.items():
        names.setdefault(aliases[0], field)
        if field in mapping.times:
            names.setdefault(mapping.times[field][0], f"{field}#time")
    return [(field, name) for name, field in names.items()]


def _header(mapping: SheetMapping) -> list[Row]:
    names = [name for _, name in _columns(mapping)]
    if mapping.header_rows == 1:
        return [[*names, ADDED_TO_REJECTS]]
    parts = [name.partition("/") for name in names]
    upper: Row = [above if slash else "" for above, slash, _ in parts]
    lower: Row = [below if slash else above for above, slash, below in parts]
    return [[*upper, ""], [*lower, ADDED_TO_REJECTS]]


def _example(mapping: SheetMapping) -> Row:
    return [*(mapping.examples.get(field, "") for field, _ in _columns(mapping)), _REMARK]


def _workbook(mapping: SheetMapping, rows: list[Row]) -> bytes:
    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"in_memory": True}) as book:
        sheet = book.add_worksheet((mapping.title[0] or mapping.feed)[:31])
        bold = book.add_format({"bold": True, "bg_color": "#e8eef7", "border": 1, "align": "center"})
        text = book.add_format({"num_format": "@"})
        for column, (field, _) in enumerate(_columns(mapping)):
            # A text column keeps an identification number whole; so do days: 3.10 stays 3.10.
            sheet.set_column(column, column, 20, text)
            _offer_list(sheet, mapping, field, column, len(rows) - 1)
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write_string(at, column, str(cell or ""), text if at == len(rows) - 1 else bold)
        for first, last, name in _spans(rows[0]) if mapping.header_rows == 2 else ():
            sheet.merge_range(0, first, 0, last, name, bold)
        sheet.freeze_panes(mapping.header_rows, 0)
    return body.getvalue()


def _offer_list(sheet: Any, mapping: SheetMapping, field: str, column: int, first: int) -> None:
    takes = fields_of(mapping.kind).get(field)
    if takes is None or takes.shape not in ("word", "flag"):
        return
    words = list(mapping.words.get(field, takes.choices))
    if words and len(",".join(words)) <= _LONGEST_LIST:
        rule = {"validate": "list", "source": words, "error_title": "请从列表中选择 choose from the list"}
        sheet.data_validation(first, column, first + _ROWS, column, rule)


def _spans(upper: Row) -> list[tuple[int, int, str]]:
    """(first column, last column, name) of headers over several columns."""
    spans = list[tuple[int, int, str]]()
    for column, name in enumerate(upper):
        if name and spans and spans[-1][1:] == (column - 1, name):
            spans[-1] = (spans[-1][0], column, str(name))
        elif name:
            spans.append((column, column, str(name)))
    return [each for each in spans if each[0] < each[1]]
