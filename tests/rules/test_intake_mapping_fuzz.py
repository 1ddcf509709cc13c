"""Any cells under the header of any shipped mapping, and shipped mappings damaged: a record, a reason, or words why."""

from __future__ import annotations

from collections import Counter
from datetime import date, time, timedelta
from importlib.resources import files
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.reading import read
from services.intake.sender import Sender
from services.intake.sheets.files import read_file
from services.intake.sheets.mapping import MappingError, SheetMapping, load_shipped, read_mapping, shipped
from services.intake.sheets.returned import rejected_file
from services.intake.sheets.rows import read_sheet
from services.intake.sheets.table import Cell, Form, Formula, Row, SheetRefused, Table, is_blank
from services.intake.sheets.template import template
from tests.rules.mutations import damaged
from tests.stores.sheets import TESTS, a_test_row, with_part, workbook

ANYBODY = Sender("anybody", ("",))
ODD = ("3.5", "2022/3/5", "44625", "3.30E+17", "31/02/2020", "阳性", "·", "𪚥", "1e400", "-0", "\u202e", "ＮＡ", "=1+1")
ANY_CELL = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.sampled_from(ODD),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(timedelta(-400_000), timedelta(400_000)),
    st.sampled_from([Formula(None), Formula("x"), Formula(36.5), Formula(date(2022, 3, 5)), Formula(time(9))]),
)


def header_of(mapping: SheetMapping) -> list[Row]:
    return read_file(template(mapping, "csv"))[0].rows[: mapping.header_rows]


def cells_of(mapping: SheetMapping) -> st.SearchStrategy[Cell]:
    """Anything, and what this mapping has words for."""
    words = {word for each in mapping.words.values() for word in each} | {*mapping.examples.values()}
    return st.sampled_from(sorted(words)) | ANY_CELL if words else ANY_CELL


@pytest.mark.parametrize("name", shipped())
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_each_row_of_any_sheet_becomes_records_or_says_what_is_wrong(name: str, data: st.DataObject) -> None:
    mapping = load_shipped(name)
    head = header_of(mapping)
    row = st.lists(cells_of(mapping), max_size=len(head[-1]) + 1)
    rows = data.draw(st.lists(row, max_size=8))
    corner = st.tuples(st.integers(0, 12), st.integers(0, 12))
    areas = data.draw(st.lists(st.tuples(corner, corner), max_size=3))
    merged = [(min(a, c), min(b, d), max(a, c), max(b, d)) for (a, b), (c, d) in areas]
    body = [[*each] for each in rows]
    table = Table(Form("xlsx"), [*([*each] for each in head), *body], merged)
    try:
        sheet = read_sheet([table], mapping)
    except SheetRefused as refused:
        assert refused.told("zh") and refused.told("en")
        return
    placed = Counter(at for unit in sheet.units for at in unit.rows)
    assert set(placed.values()) <= {1}
    assert sheet.rows <= len(rows)
    if not merged:
        # A header that stands again further down is no row of its own.
        assert sheet.rows == sum(any(not is_blank(cell) for cell in each) for each in rows)
    for unit in sheet.units:
        assert bool(unit.lines) != bool(unit.problems)
        assert set(unit.problems) <= set(unit.rows)
        for problem in (each for found in unit.problems.values() for each in found):
            assert problem.told("zh") and problem.told("en")
        for line in unit.lines:
            reading = read(line, ANYBODY)
            assert (reading.record is None) == bool(reading.problems)
    reasons = {at: "why" for unit in sheet.units for at in unit.problems}
    assert not reasons or read_file(rejected_file(sheet, reasons))


@pytest.mark.parametrize("area", ["A9:A1", "A1:A99", "B2:A1", "ZZ1:A1"])
def test_merged_areas_written_backwards_or_over_each_other_are_borne(area: str) -> None:
    mapping = load_shipped("single-tests")
    sheet = f'</sheetData><mergeCells><mergeCell ref="{area}"/><mergeCell ref="A1:B1"/></mergeCells>'.encode()
    rows = [TESTS, a_test_row(1), a_test_row(2)]
    body = with_part(workbook(rows), "xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", sheet))
    read = read_sheet(read_file(body), mapping)
    assert read.rows == 2
    assert read_sheet(read_file(rejected_file(read, {1: "why", 2: "why"})), mapping).rows == 2


@pytest.mark.parametrize("name", shipped())
def test_a_damaged_mapping_is_refused_in_words_or_still_reads_sheets(name: str) -> None:
    body = files("services.intake").joinpath("mappings", f"{name}.toml").read_bytes()
    sheet, chance = template(load_shipped(name), "csv"), Random(name)
    words = Counter[str]()
    for _ in range(300):
        try:
            mapping = read_mapping("m.toml", damaged(body, chance))
        except MappingError as error:
            assert str(error).startswith("m.toml is no ")
            words["refused"] += 1
            continue
        try:
            read_sheet(read_file(sheet), mapping)
            words["read"] += 1
        except SheetRefused as refused:
            assert refused.told("zh")
            words["other columns"] += 1
    assert words["refused"] > 100
