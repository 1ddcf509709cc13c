"""Empty cells that mean the one above: never those of another person or place, nor of a header printed again."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.sheets.files import read_file
from services.intake.sheets.mapping import load_shipped
from services.intake.sheets.rows import read_sheet
from services.intake.sheets.table import Cell, Form, Table
from tests.rules.test_intake_mapping import HOUSEHOLD, lines, problems, read_one, read_rows, records
from tests.stores.intake_world import GRID, VILLAGE, a_number
from tests.stores.sheets import text_sheet, workbook

CASE = ["关联病例编号", "关联病例姓名", "关联病例身份证号码", "关联病例区划代码"]
CONTACT = ["姓名", "身份证号码", "现住址区划代码", "接触方式", "首次接触时间", "末次接触时间"]


def contacts(*cases: tuple[Cell, Cell, Cell, Cell]) -> Any:
    """A contact each of these cases, as they stand in the sheet: number, name, ID number, division."""
    met = ["同餐", "2022/3/4 11:30", "2022/3/4 12:30"]
    rows = [[f"王某{n}", a_number(n), VILLAGE, *met, *case] for n, case in enumerate(cases, 10)]
    return read_rows([[*CONTACT, *CASE], *rows], load_shipped("close-contacts"))


def test_a_case_without_a_number_has_not_that_of_the_case_above() -> None:
    read = contacts(
        ("JX-1", "张三", a_number(1), VILLAGE),
        ("JX-2", "李四", None, GRID),
        (None, None, None, None),
    )
    one, two, again = (record["other"] for record in records(read))
    assert one == {"person_ref": "JX-1", "name": "张三", "id_number": a_number(1)}
    assert two == again == {"person_ref": "JX-2", "name": "李四"}
    assert [record["other_division_code"] for record in records(read)] == [VILLAGE, GRID, GRID]


def test_a_case_is_inherited_whole_where_the_row_says_nothing_else_of_it() -> None:
    read = contacts(("JX-1", "张三", a_number(1), VILLAGE), (None, None, None, VILLAGE), ("JX-1", None, None, None))
    assert [record["other"]["id_number"] for record in records(read)] == [a_number(1)] * 3


def test_where_another_case_lives_is_asked_for_and_not_taken_from_the_case_above() -> None:
    read = contacts(("JX-1", "张三", a_number(1), VILLAGE), ("JX-2", "李四", a_number(2), None))
    assert "other_division_code" not in records(read)[1]
    assert [bool(read_one(line).problems) for line in lines(read)] == [False, True]


@pytest.mark.parametrize(
    ("division", "address", "dwellings"),
    [
        (GRID, None, ["人民路1号", None, "人民路2号"]),
        (VILLAGE, None, ["人民路1号", "人民路2号"]),
        (None, "人民路9号", ["人民路1号", "人民路9号", "人民路2号"]),
    ],
)
def test_an_address_lies_in_the_division_above_and_is_none_of_another_division(
    division: Cell, address: Cell, dwellings: list[str | None]
) -> None:
    rows = [list(row) for row in HOUSEHOLD]
    rows[4][:2] = [division, address]
    read = read_rows(rows, load_shipped("household-register").given(year=2022))
    assert [record.get("dwelling", {}).get("address") for record in records(read)] == dwellings
    assert [bool(read_one(line).problems) for line in lines(read)] == [each is None for each in dwellings]


def test_a_row_that_is_longer_than_the_one_above_begins_another_case() -> None:
    met: list[Cell] = [VILLAGE, "同餐", "2022/3/4 11:30", "2022/3/4 12:30"]
    rows: list[list[Cell]] = [
        [*CONTACT, *CASE[3:], *CASE[:2]],
        ["王某1", a_number(11), *met, VILLAGE, "JX-1"],
        ["王某2", a_number(12), *met, VILLAGE, "", "李四"],
    ]
    read = read_sheet([Table(Form("csv"), rows)], load_shipped("close-contacts"))
    assert [record["other"] for record in records(read)] == [{"person_ref": "JX-1"}, {"name": "李四"}]


def test_both_rows_of_a_header_that_is_printed_again_are_no_rows_and_nothing_of_them_is_inherited() -> None:
    title, upper, lower, *rows = HOUSEHOLD
    again = [(1, 0, 1, 4, "住户"), (5, 0, 5, 4, "住户"), (5, 5, 5, 9, "人员")]
    for merged in ([], again):
        printed = [title, upper, lower, *rows[:2], upper, lower, *rows[1:]]
        read = read_rows(printed, load_shipped("household-register").given(year=2022), merged=merged)
        assert (problems(read), [unit.rows for unit in read.units]) == ({}, [[3, 4, 7], [9]])
        assert [record["dwelling"]["address"] for record in records(read)] == ["人民路1号", "人民路2号"]


VISIT = ["网格编码", "详细地址", "排摸时间", "轮次", "姓名", "身份证号", "体温"]


def visited(n: int, address: str) -> list[Cell]:
    """Somebody of a household, as a row of the register."""
    return [GRID, address, "2022/3/5 9:30", "r1", f"王某{n}", a_number(n), 36.5]


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_numbers_written_down_in_advance_and_a_total_are_no_rows(suffix: str) -> None:
    """And belong to no household above: all that they would say is inherited."""
    rows: list[list[Cell]] = [["序号", *VISIT], [1, *visited(1, "1号")], *([n, *[None] * 7] for n in (2, 3)), ["合计"]]
    body = workbook(rows) if suffix == "xlsx" else text_sheet(rows)
    read = read_sheet(read_file(body), load_shipped("household-register"))
    assert (read.rows, read.unsent) == (1, {"序号": 4})


def test_a_text_that_leaves_out_the_blanks_at_the_end_of_a_row_inherits_as_a_workbook_does() -> None:
    met: list[Cell] = [VILLAGE, "同餐", "2022/3/4 11:30", "2022/3/4 12:30"]
    named = ["王某", a_number(10), *met, "JX-1", "张三", a_number(1), VILLAGE]
    body = text_sheet([[*CONTACT, *CASE], named, ["李某", a_number(11), *met]])
    one, other = records(read_sheet(read_file(body), load_shipped("close-contacts")))
    assert one["other"] == other["other"]


@pytest.mark.parametrize(("row", "held"), [(2, {1, 2, 3}), (4, {4}), (1, {1, 2, 3})])
def test_a_household_waits_for_a_row_of_which_nobody_can_tell_the_household(row: int, held: set[int]) -> None:
    """Sent alone once mended, such a row would take the place of the whole household."""
    sheet = [VISIT, *(visited(n, "1号" if n < 4 else "2号") for n in range(1, 5))]
    sheet[row][2] = "2022/13/5"
    read = read_rows(sheet, load_shipped("household-register"))
    assert {at - 1 for at in problems(read)} == held
    assert problems(read)[row + 1] == [("排摸时间", "no_such_day")]
    assert all(problems(read)[other + 1] == [("", "row_beside")] for other in held - {row})
    assert sum(len(record["members"]) for record in records(read)) == 4 - len(held)
