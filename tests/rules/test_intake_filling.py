"""Empty cells that mean the one above: never those of another person or place, nor of a header printed again."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.sheets.mapping import load_shipped
from services.intake.sheets.rows import read_sheet
from services.intake.sheets.table import Cell, Form, Table
from tests.rules.test_intake_mapping import HOUSEHOLD, lines, problems, read_one, read_rows, records
from tests.stores.intake_world import GRID, VILLAGE, a_number

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
