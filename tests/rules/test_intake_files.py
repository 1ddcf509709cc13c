"""Bytes to a table, or to the words that refuse the whole file; safely, whatever the bytes are."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.sheets import workbook as workbooks
from services.intake.sheets.files import read_file
from services.intake.sheets.mapping import load_shipped
from services.intake.sheets.rows import read_sheet
from services.intake.sheets.table import Formula, SheetRefused
from tests.stores.sheets import TESTS, a_test_row, text_sheet, with_part, workbook

ROWS = [["姓名", "体温"], ["王某", "36.5"]]
SHEET = "xl/worksheets/sheet1.xml"


def refused(body: bytes) -> str:
    with pytest.raises(SheetRefused) as error:
        read_file(body)
    assert error.value.told("zh") != error.value.told("en")
    return error.value.problem.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_text_is_read_in_every_encoding_and_by_every_mark(encoding: str, delimiter: str) -> None:
    tables = read_file(text_sheet(ROWS, encoding, delimiter))
    assert ROWS in [table.rows for table in tables]


def test_rare_characters_come_through_gb18030_and_a_workbook() -> None:
    rows = [["姓名"], ["𠮷田·\U00030edd"]]
    assert read_file(text_sheet(rows, "gb18030"))[0].rows == rows
    assert read_file(workbook(rows))[0].rows == rows


def test_a_workbook_is_read_with_its_kinds_of_cells_and_its_merged_ones() -> None:
    rows: list[Any] = [
        ["a", "b", "c"],
        [datetime.combine(date(2022, 3, 5), time(8, 30)), 44625, True],
        [date(2022, 3, 5), 3.5, "x"],
    ]
    table = read_file(workbook(rows, merged=[(3, 0, 5, 1, "合并")]))[0]
    assert table.rows[:3] == rows and table.rows[3][0] == "合并"
    assert table.merged == [(3, 0, 5, 1)] and table.form.sheet == "结果"


def test_days_of_a_workbook_of_a_mac_are_the_same_days() -> None:
    table = read_file(workbook([[date(2022, 3, 5)]], from_1904=True))[0]
    assert (table.rows, table.form.epoch) == ([[date(2022, 3, 5)]], 1904)


def test_formulas_and_errors_are_seen_as_what_they_are() -> None:
    body = workbook([["a", "b"], [1, 2]], formulas={"A3": ("=A2+1", 2), "B3": ("=1/0", "#DIV/0!")})
    assert read_file(body)[0].rows[2] == [Formula(2.0), Formula("")]
    spread = with_part(body, SHEET, lambda xml: xml.replace(b"<f>A2+1</f>", b'<f t="array" ref="A1:A3">A2+1</f>'))
    assert [row[0] for row in read_file(spread)[0].rows] == [Formula("a"), Formula(1.0), Formula(2.0)]
    pasted = with_part(
        body, SHEET, lambda xml: xml.replace(b'<c r="A2">', b'<c r="A2" t="e">').replace(b"<v>1</v>", b"<v>#N/A</v>")
    )
    assert read_file(pasted)[0].rows[1][0] == Formula("")


def test_hidden_sheets_are_not_read() -> None:
    body = with_part(
        workbook(ROWS, more_sheets={"字典": [["x"]]}),
        "xl/workbook.xml",
        lambda xml: xml.replace('name="字典"'.encode(), 'name="字典" state="hidden"'.encode()),
    )
    assert [table.form.sheet for table in read_file(body)] == ["结果"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "file_empty"),
        (b"\r\n \x00", "file_empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "file_old"),
        (b"PK\x03\x04 and no more", "file_broken"),
        ("姓名,体温\n".encode() + b"\xff\xff\xff\n", "file_encoding"),
        (b'a,b\n"' + b"x" * 40_000, "file_quotes"),
        (b"a\n" * 100_001, "file_too_many"),
        (b"a," * 500, "file_too_many"),
    ],
)
def test_what_cannot_be_a_sheet_is_refused_in_words(body: bytes, code: str) -> None:
    assert refused(body) == code


def test_a_file_that_is_too_large_is_refused_before_it_is_looked_at() -> None:
    assert refused(b"PK\x03\x04" + bytes(33 * 1024 * 1024)) == "file_large"


def test_a_zip_that_is_no_workbook_is_told_so() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    assert refused(out.getvalue()) == "file_no_workbook"


def bomb(size: int) -> bytes:
    """A sheet of blanks that packs a thousand to one."""
    return with_part(workbook(ROWS), SHEET, lambda _: b"<worksheet>" + b" " * size + b"</worksheet>")


def test_a_zip_bomb_is_refused_by_what_it_says_and_by_what_it_is_before_memory_grows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 8 * 1024 * 1024)
    honest = bomb(64 * 1024 * 1024)
    declared = struct.pack("<I", 64 * 1024 * 1024 + 23)
    lying = honest.replace(declared, struct.pack("<I", 100))
    assert lying != honest and len(honest) < 100_000
    tracemalloc.start()
    codes = [refused(honest), refused(lying)]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A zip that lies is cut off where it says that it ends: what is then no XML is broken.
    assert codes[0] == "file_unpacked" and codes[1] in ("file_unpacked", "file_broken")
    assert most < 32 * 1024 * 1024


def test_a_zip_of_very_many_parts_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n in range(600):
            archive.writestr(f"xl/worksheets/sheet{n}.xml", b"<a/>")
    assert refused(out.getvalue()) == "file_unpacked"


def test_entities_are_refused_wherever_they_are_declared() -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><sst><si><t>&b;</t></si></sst>'
    outside = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet>&x;</worksheet>'
    assert refused(with_part(workbook(ROWS), "xl/sharedStrings.xml", lambda _: laughs)) == "file_entities"
    assert refused(with_part(workbook(ROWS), SHEET, lambda _: outside)) == "file_entities"
    wide = outside.decode().replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16")
    assert refused(with_part(workbook(ROWS), SHEET, lambda _: wide)) == "file_entities"


def test_a_cell_far_outside_makes_no_room_for_all_between() -> None:
    far = with_part(workbook(ROWS), SHEET, lambda xml: xml.replace(b'r="B2"', b'r="XFD1048576"'))
    assert refused(far) == "file_too_many"


def test_one_text_shown_in_very_many_cells_is_counted_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_TEXT", 20_000)
    assert refused(workbook([["长" * 300] * 10] * 20)) == "file_unpacked"
    assert len(read_file(workbook([["短"] * 10] * 20 + [["长" * 300]]))[0].rows) == 21


def test_macros_are_left_out_and_the_cells_are_read() -> None:
    macros = with_part(workbook(ROWS), "xl/vbaProject.bin", lambda _: b"\xd0\xcf\x11\xe0 a macro")
    assert read_file(macros)[0].rows == ROWS


def test_merged_cells_and_a_sheet_without_a_part_do_no_harm() -> None:
    odd = with_part(
        workbook(ROWS),
        SHEET,
        lambda xml: xml.replace(b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1"/></mergeCells>'),
    )
    assert read_file(odd)[0].rows == ROWS
    gone = with_part(
        workbook(ROWS), "xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b"sheet1.xml", b"sheet9.xml")
    )
    assert refused(gone) == "file_broken"


BOOK = workbook(
    [*ROWS, [44625, True], [date(2022, 3, 5), "𠮷"]], formulas={"A6": ("=A1", "x")}, merged=[(6, 0, 7, 1, "y")]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(BOOK) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_workbook_is_read_or_refused(damage: list[tuple[int, int]]) -> None:
    body = bytearray(BOOK)
    for at, byte in damage:
        body[at] = byte
    _read_or_refused(bytes(body))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=3)), min_size=1, max_size=3),
    st.sampled_from(["xl/workbook.xml", SHEET, "xl/sharedStrings.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"]),
)
def test_a_workbook_with_damaged_xml_is_read_or_refused(damage: list[tuple[int, bytes]], part: str) -> None:
    def hurt(xml: bytes) -> bytes:
        for at, piece in damage:
            at %= len(xml)
            xml = xml[:at] + piece + xml[at + len(piece) :]
        return xml

    _read_or_refused(with_part(BOOK, part, hurt))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_whatever_bytes_come_they_are_read_or_refused(body: bytes) -> None:
    _read_or_refused(body)


def _read_or_refused(body: bytes) -> None:
    try:
        assert all(table.rows is not None for table in read_file(body))
    except SheetRefused as refused:
        assert refused.told("zh") and refused.told("en")


@pytest.mark.parametrize("last", ["", 'C,""\n', 'C,"c\n', 'C,"c" d\n'])
@pytest.mark.parametrize("mark", [",", ";"])
def test_an_open_quotation_mark_swallows_no_rows(mark: str, last: str) -> None:
    """They would become one cell, up to the next mark or the end; in a column of remarks nobody would see it."""
    text = f'姓名,备注；备注\nA,"a\nB,b\n{last}'.replace(",", mark)
    assert refused(text.encode()) == "file_quotes"
    (table,) = read_file('姓名,备注\nA,"say ""a""\nand b"\n'.encode())
    assert table.rows[1:] == [["A", 'say "a"\nand b']]


def test_the_line_of_an_open_quotation_mark_is_told_though_another_mark_parts_the_text() -> None:
    rows = [[*TESTS], a_test_row(1, 备注="a;b"), a_test_row(2, 备注='"an open mark'), *map(a_test_row, range(3, 9))]
    with pytest.raises(SheetRefused) as error:
        read_sheet(read_file(text_sheet(rows)), load_shipped("single-tests"))
    assert (error.value.problem.code, error.value.problem.params) == ("file_quotes", {"line": 3})


@pytest.mark.parametrize("page", ["<html><table><tr><td>姓名", '<?xml version="1.0"?><Workbook/>', "\ufeff <table>"])
def test_a_page_that_is_named_as_a_workbook_is_told_so(page: str) -> None:
    assert refused(page.encode()) == "file_old"


@pytest.mark.parametrize("place", ["A1048576", "XFD3"])
def test_frames_around_nothing_far_below_or_to_the_right_do_no_harm(place: str) -> None:
    row = place.lstrip("ADFX")
    far = f'<row r="{row}"><c r="{place}" s="1"/></row></sheetData>'.encode()
    framed = with_part(workbook(ROWS), SHEET, lambda part: part.replace(b"</sheetData>", far))
    assert read_file(framed)[0].rows[:2] == ROWS
    filled = with_part(
        framed, SHEET, lambda part: part.replace(b' s="1"/></row></sheetData>', b"><v>1</v></c></row></sheetData>")
    )
    assert refused(filled) == "file_too_many"


def test_formulas_that_lie_over_each_other_very_often_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred of them over 160,000 cells took twelve seconds."""
    over = b'<row r="3">' + b'<c><f t="array" ref="A1:F3">1</f><v>1</v></c>' * 6 + b"</row></sheetData>"
    body = with_part(workbook(ROWS), SHEET, lambda part: part.replace(b"</sheetData>", over))
    assert isinstance(read_file(body)[0].rows[0][0], Formula)
    monkeypatch.setattr(workbooks, "MOST_CELLS", 20)
    assert refused(body) == "file_too_many"
