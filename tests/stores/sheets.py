"""Spreadsheets as users have them, to be sent: workbooks and texts, in the forms of the mappings that are shipped."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xlsxwriter

from services.intake.sheets.returned import FORMATS, write_cell
from services.intake.sheets.table import Cell
from tests.stores.intake_world import VILLAGE, a_number

TESTS = ["样本编号", "居住地区划代码", "姓名", "身份证号", "采样时间", "检测时间", "检测结果", "备注"]


def a_test_row(n: int, **more: Cell) -> list[Cell]:
    """The n-th row of a laboratory's sheet; more: by column."""
    row: dict[str, Cell] = {
        "样本编号": f"SL-{n}",
        "居住地区划代码": VILLAGE,
        "姓名": f"王某{n}",
        "身份证号": a_number(n),
        "采样时间": "2022/3/5 9:30",
        "检测时间": "2022/3/5 18:00",
        "检测结果": "阴性",
        "备注": "",
    }
    return list((row | more).values())


def workbook(
    rows: Iterable[Sequence[Cell]],
    *,
    sheet: str = "结果",
    formulas: Mapping[str, tuple[str, Any]] | None = None,
    merged: Iterable[tuple[int, int, int, int, str]] = (),
    more_sheets: Mapping[str, Iterable[Sequence[Cell]]] | None = None,
    from_1904: bool = False,
) -> bytes:
    """formulas: cell -> (formula, value it shows)."""
    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"in_memory": True, "date_1904": from_1904}) as book:
        shown = {kind.__name__: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
        formats = {kind: shown[kind.__name__] for kind in FORMATS}
        for name, content in {sheet: rows, **(more_sheets or {})}.items():
            page = book.add_worksheet(name)
            for at, row in enumerate(content):
                for column, cell in enumerate(row):
                    write_cell(page, at, column, cell, formats)
            if name == sheet:
                for top, left, bottom, right, text in merged:
                    page.merge_range(top, left, bottom, right, text)
                for place, (formula, value) in (formulas or {}).items():
                    page.write_formula(place, formula, None, value)
    return body.getvalue()


def text_sheet(rows: Iterable[Sequence[Cell]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    lines = [delimiter.join("" if cell is None else str(cell) for cell in row) for row in rows]
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def with_part(body: bytes, name: str, change: Any) -> bytes:
    """The same zip in which a part is another: `change` of its bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, change(content) if entry.filename == name else content)
        if name not in old.namelist():
            new.writestr(name, change(b""))
    return out.getvalue()
