"""Rejected rows as a file: ready to be mended in a spreadsheet program and sent again, and not by themselves right."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from services.intake.sheets.files import read_file
from services.intake.sheets.judged import judged
from services.intake.sheets.mapping import load_shipped
from services.intake.sheets.returned import rejected_file
from services.intake.sheets.rows import SheetRead, read_sheet
from services.intake.sheets.template import template
from tests.rules.test_intake_filling import VISIT, visited
from tests.rules.test_intake_mapping import problems, read_rows
from tests.stores.intake_world import a_number
from tests.stores.sheets import TESTS, a_test_row, text_sheet

TESTED, REGISTER = load_shipped("single-tests"), load_shipped("household-register")


def returned(read: SheetRead) -> bytes:
    """The file of what is rejected before anything is sent."""
    told = [verdict for unit in read.units if unit.problems for verdict in judged(read, unit, [], "zh")]
    return rejected_file(read, {verdict.at: verdict.reason for verdict in told})


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_the_example_of_a_template_stays_an_example_when_it_is_sent_again(suffix: str) -> None:
    read = read_sheet(read_file(template(TESTED, suffix)), TESTED)
    for _ in range(3):
        assert [codes for row in problems(read).values() for _, codes in row] == ["example_row"]
        read = read_sheet(read_file(returned(read)), TESTED)


def test_a_text_in_utf_8_comes_back_with_the_mark_by_which_a_spreadsheet_program_knows_it() -> None:
    read = read_sheet(read_file(text_sheet([TESTS, a_test_row(1, 检测结果="不详")], "utf-8")), TESTED)
    assert returned(read).startswith("\ufeff样本编号".encode())


def test_what_is_typed_into_a_returned_workbook_stays_as_it_is_typed() -> None:
    """A number of 18 digits that is typed over its rounded one would be rounded again in a cell of any other kind."""
    read = read_rows([TESTS, a_test_row(1, 身份证号=float(a_number(1)[:17]) * 10, 姓名=None)], TESTED)
    with zipfile.ZipFile(io.BytesIO(returned(read))) as book:
        sheet, styles = book.read("xl/worksheets/sheet1.xml").decode(), book.read("xl/styles.xml").decode()
    (columns,) = re.findall(r"<cols>(.*)</cols>", sheet)
    assert 'min="1" max="9"' in columns
    (style,) = re.findall(r'style="(\d+)"', columns)
    (form,) = re.findall(r'numFmtId="(\d+)" formatCode="@"', styles)
    forms = re.findall(r'<xf numFmtId="(\d+)"', styles.partition("<cellXfs")[2])
    assert forms[int(style)] == form
    assert '<c r="C2"' not in sheet and f'<c r="D2" s="{style}">' in sheet


def test_what_differs_within_a_household_is_told_by_the_name_of_its_column() -> None:
    read = read_rows([VISIT, visited(1, "1号"), [*visited(2, "1号")[:3], "r2", *visited(2, "1号")[4:]]], REGISTER)
    assert read_file(returned(read))[0].rows[2][-1].startswith("轮次: 与同一户（管）的第 2 行不一致")


@pytest.mark.parametrize(("known", "code"), [(0, "digits_lost"), (5, None)])
def test_numbers_of_which_a_program_kept_15_digits_are_not_taken_though_the_check_digit_fits(
    known: int, code: str | None
) -> None:
    """Somebody's number may end so; where most of a column do, the digits are lost."""
    numbers = ["330499195001017000", "330499195001025000", *(a_number(n) for n in range(known))]
    rows = [a_test_row(n, 身份证号=number) for n, number in enumerate(numbers)]
    found = problems(read_sheet(read_file(text_sheet([TESTS, *rows])), TESTED))
    assert [row[0][1] for row in found.values()] == ([code] * 2 if code else [])
