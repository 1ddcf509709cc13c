"""Bytes to tables: what a file is, is seen in it, not in its name. What cannot be read safely is refused whole."""

from __future__ import annotations

import codecs
import csv
import io

from services.intake.sheets.table import (
    LARGEST_FILE,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    Form,
    Row,
    SheetRefused,
    Table,
)
from services.intake.sheets.workbook import read_workbook

_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = (",", "\t", ";", "，")
_LONGEST_CELL = 32_767
"""Characters; a spreadsheet program has no longer ones. A longer one is an unclosed quotation mark."""


def read_file(body: bytes) -> list[Table]:
    """The sheets of a workbook; or a text's one table, once for each mark that might part its columns."""
    if len(body) > LARGEST_FILE:
        raise SheetRefused("file_large", limit=LARGEST_FILE)
    if not body.strip(b"\0 \t\r\n"):
        raise SheetRefused("file_empty")
    if body.startswith(_ZIP):
        return read_workbook(body)
    if body.startswith(_OLD_OFFICE):
        raise SheetRefused("file_old")
    text, encoding = _text_of(body)
    if text.lstrip()[:1] == "<":  # a page of a web site under the name of a workbook
        raise SheetRefused("file_old")
    head = text[:20_000]
    delimiters = [each for each in _DELIMITERS if each in head] or [","]
    tables = [_table(text, Form("csv", encoding, delimiter)) for delimiter in delimiters]
    if (broken := tables[0].broken) is not None and all(table.broken for table in tables):
        raise broken
    return tables


def _text_of(body: bytes) -> tuple[str, str]:
    """Text and encoding: what a mark at the beginning says, else UTF-8, else what is written in China."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _decoded(body, encoding), encoding
    if body[1::2].count(0) > len(body) // 4:
        return _decoded(body, "utf-16-le"), "utf-16-le"
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _decoded(body, "gb18030"), "gb18030"


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise SheetRefused("file_encoding", line=line) from None


def _table(text: str, form: Form) -> Table:
    """Quotation marks must be right: an open one makes one cell of all rows up to the next, and those would be lost."""
    rows, cells, line = list[Row](), 0, 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True)
    try:
        for row in reader:
            cells += len(row)
            if len(rows) >= MOST_ROWS or len(row) > MOST_COLUMNS or cells > MOST_CELLS:
                return Table(form, rows, broken=SheetRefused("file_too_many", rows=MOST_ROWS, columns=MOST_COLUMNS))
            if any(len(cell) > _LONGEST_CELL for cell in row):
                return Table(form, rows, broken=SheetRefused("file_quotes", line=line))
            rows.append(list(row))
            line = reader.line_num + 1
    except csv.Error:
        return Table(form, rows, broken=SheetRefused("file_quotes", line=line))
    return Table(form, rows)
