"""Mappings: those that are shipped are right, a mistake in one is told with its line; headers; rows to records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.intake.reading import read
from services.intake.sender import Sender
from services.intake.sheets.files import read_file
from services.intake.sheets.mapping import MappingError, SheetMapping, load_mapping, load_shipped, read_mapping, shipped
from services.intake.sheets.returned import rejected_file
from services.intake.sheets.rows import SheetRead, read_sheet
from services.intake.sheets.table import Cell, SheetRefused
from services.intake.sheets.template import template
from tests.stores.intake_world import VILLAGE, a_number
from tests.stores.sheets import TESTS, a_test_row, text_sheet, workbook

ANYBODY = Sender("anybody", ("",))
VISITS = b"""feed = "f"
kind = "visit"
[columns]
temperature_celsius = ["t", "temp"]
person_ref = "ref"
"""


def read_rows(rows: list[Any], mapping: SheetMapping, **more: Any) -> SheetRead:
    return read_sheet(read_file(workbook(rows, **more)), mapping)


def records(read: SheetRead) -> list[dict[str, Any]]:
    return [json.loads(line) for unit in read.units for line in unit.lines]


def problems(read: SheetRead) -> dict[int, list[tuple[str, str]]]:
    """Row, as a spreadsheet counts -> (column, code)."""
    return {
        at + 1: [(each.field, each.code) for each in found]
        for unit in read.units
        for at, found in unit.problems.items()
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("feed = 3", "line 1, feed"),
        ("feed = ", "no TOML"),
        ('feed = "f"\nkind = "k"\n[columns]\n', "line 2, kind: no kind"),
        ("colour = 1", "line 1, colour"),
        (
            'feed = "f"\nkind = "test"\n[columns]\n[words.result]\n阴性 = "negative"\n',
            "at line 5, column 1); a key such as",
        ),
        ('feed = "F!"\nkind = "visit"\n[columns]\n', "line 1, feed: 1-64"),
        (
            'feed = "f"\nkind = "visit"\n[columns]\nwarmth = "t"\n',
            "line 4, columns.warmth: a visit has no such field; it has",
        ),
        (
            'feed = "f"\nkind = "test"\n[columns]\nresult = "r"\n[words.result]\n"阴" = "minus"\n',
            "line 5, words.result: 'minus'",
        ),
        (
            'feed = "f"\nkind = "visit"\nrecord_of = ["person_ref"]\n[columns]\n',
            "line 3, record_of: a visit has no list",
        ),
        (
            'feed = "f"\nkind = "case-finding"\n[columns]\n[patterns]\ninfection_source = [["(", "place"]]\n',
            "line 5, patterns",
        ),
    ],
)
def test_a_wrong_mapping_is_told_in_words_with_the_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(MappingError) as error:
        load_mapping(str(path))
    assert words in str(error.value)


def test_an_unknown_mapping_names_those_that_are_shipped() -> None:
    for name in ("tianjin", "../secret", "no.toml"):
        with pytest.raises(MappingError, match="tianjin-2020"):
            load_mapping(name)


@pytest.mark.parametrize("name", shipped())
def test_a_mapping_that_is_shipped_is_right_and_its_template_sent_as_it_is_is_refused_as_an_example(name: str) -> None:
    mapping = load_shipped(name)
    for suffix in ("xlsx", "csv"):
        read = read_sheet(read_file(template(mapping, suffix)), mapping)
        assert read.rows == 1
        assert [code for found in problems(read).values() for _, code in found] == ["example_row"]


@pytest.mark.parametrize("name", [name for name in shipped() if name != "tianjin-2020"])
@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_the_example_of_a_template_is_a_right_record_once_its_mark_is_removed(name: str, suffix: str) -> None:
    mapping = load_shipped(name)
    table = read_file(template(mapping, suffix))[0]
    table.rows[-1][-1] = None
    (line,) = [line for unit in read_sheet([table], mapping).units for line in unit.lines]
    assert read(line, ANYBODY).problems == ()


def test_columns_are_found_by_any_of_their_names_below_titles_whatever_their_width() -> None:
    mapping = read_mapping("m", VISITS)
    rows: list[list[Cell]] = [["体温登记", None], [None, None], ["Ｔ Ｅ Ｍ Ｐ：", " ref*"], ["36.5", 17]]
    assert records(read_rows(rows, mapping)) == [
        {"feed": "f", "kind": "visit", "temperature_celsius": 36.5, "person_ref": "17"}
    ]


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ([["t", "name"], ["36.5", "a"]], "columns_missing", "ref; there are t, name"),
        ([["x"], ["36.5"]], "no_columns", "t, ref"),
        ([["t", "ref", "t"], ["36.5", "a", "37"]], "column_twice", "the column t stands twice"),
    ],
)
def test_a_sheet_without_the_columns_is_refused_whole(rows: list[Any], code: str, words: str) -> None:
    with pytest.raises(SheetRefused) as refused:
        read_rows(rows, read_mapping("m", VISITS))
    assert refused.value.problem.code == code and words in str(refused.value)


def test_the_sheet_that_has_the_columns_is_read_and_the_others_are_named() -> None:
    read = read_rows(
        [["说明"]], read_mapping("m", VISITS), more_sheets={"二": [["t", "ref"], [36.5, "a"]], "三": [["x"]]}
    )
    assert (read.table.form.sheet, read.other_sheets, read.rows) == ("二", ["结果", "三"], 1)


HOUSEHOLD: list[list[Cell]] = [
    ["排摸登记表"],
    ["住户", None, None, None, None, "人员", None, None, None, None, "备注"],
    ["网格编码", "详细地址", "排摸时间", "排摸方式", "轮次", "姓名", "身份证号码", "联系电话", "体温", "症状", None],
    [VILLAGE, "人民路1号", "3.5 9:30", "上门", "r1", "张 三", a_number(1), "+86 13800000001", "３６．５", "无", "狗"],
    [None, None, None, None, None, "𠮷·依明", a_number(2), None, 37.6, "发热、咳嗽", None],
    [None, None, None, None, None, None, None, None, None, None, None],
    [VILLAGE, "人民路2号", "2022年3月5日下午3点", "电话", "r1", "李四", a_number(3), None, "36.2", None, None],
]


def test_two_header_rows_merged_and_inherited_cells_make_a_household_of_its_rows() -> None:
    merged = [(0, 0, 0, 10, "排摸登记表"), (3, 0, 4, 0, VILLAGE)]
    read = read_rows(HOUSEHOLD, load_shipped("household-register").given(year=2022), merged=merged)
    first, second = records(read)
    assert [member["person"]["name"] for member in first["members"]] == ["张三", "𠮷·依明"]
    assert first["dwelling"] == {"address": "人民路1号", "ref": f"{VILLAGE}/人民路1号"}
    assert (first["visited_at"], second["visited_at"]) == ("2022-03-05T09:30:00+08:00", "2022-03-05T15:00:00+08:00")
    assert first["members"][1] == {
        "person": {"name": "𠮷·依明", "id_number": a_number(2)},
        "temperature_celsius": 37.6,
        "symptoms": ["fever", "cough"],
    }
    assert first["members"][0]["person"]["phone"] == "13800000001" and second["channel"] == "phone"
    assert [unit.rows for unit in read.units] == [[3, 4], [6]] and read.unsent == {"备注": 1}
    assert all(read_line.problems == () for read_line in map(lambda line: read_one(line), lines(read)))


def lines(read: SheetRead) -> list[bytes]:
    return [line for unit in read.units for line in unit.lines]


def read_one(line: bytes) -> Any:
    return read(line, ANYBODY)


def test_a_wrong_row_keeps_back_its_household_alone_and_each_row_says_why() -> None:
    rows = [list(row) for row in HOUSEHOLD]
    rows[4][6] = 3.30499199001010e17
    read = read_rows(rows, load_shipped("household-register").given(year=2022))
    assert problems(read) == {4: [("", "row_beside")], 5: [("人员/身份证号码", "digits_lost")]}
    assert len(records(read)) == 1


def test_without_its_year_a_day_is_not_guessed() -> None:
    read = read_rows(HOUSEHOLD, load_shipped("household-register"))
    assert problems(read)[4] == [("住户/排摸时间", "year_missing")]


def test_the_division_may_be_told_beside_a_sheet_that_has_no_such_column() -> None:
    rows = [row[:1] + row[2:] for row in ([*TESTS], a_test_row(1))]
    read = read_rows(rows, load_shipped("single-tests").given(division=VILLAGE))
    assert records(read)[0]["division_code"] == VILLAGE


def test_a_time_of_its_own_column_joins_its_day() -> None:
    rows: list[list[Cell]] = [
        ["区划代码", "监测日期", "监测时间", "身份证号", "体温"],
        [VILLAGE, 44625, "上午7点半", a_number(1), 36.5],
    ]
    assert records(read_rows(rows, load_shipped("enterprise-health")))[0]["visited_at"] == "2022-03-05T07:30:00+08:00"


def test_the_rows_of_a_tube_are_one_record_wherever_they_stand() -> None:
    header: list[Cell] = ["试管编号", "采样时间", "区划代码", "居住地区划代码", "姓名", "身份证号"]
    people = [(1, "T1"), (2, "T2"), (3, "T1")]
    rows = [header, *([tube, "2022/3/5 9:00", VILLAGE, VILLAGE, "王某", a_number(n)] for n, tube in people)]
    first, second = records(read_rows(rows, load_shipped("pooled-tubes")))
    assert [member["person"]["id_number"] for member in first["members"]] == [a_number(1), a_number(3)]
    assert (second["tube_id"], second["source_id"]) == ("T2", "T2")
    rows[3][1] = "2022/3/5 10:00"
    assert problems(read_rows(rows, load_shipped("pooled-tubes"))) == {
        2: [("", "row_beside")],
        4: [("sampled_at", "rows_differ")],
    }


def test_a_header_that_is_printed_again_is_no_row() -> None:
    assert read_rows([TESTS, a_test_row(1), TESTS, a_test_row(2)], load_shipped("single-tests")).rows == 2


@pytest.mark.parametrize(
    ("kind", "encoding", "delimiter"), [("xlsx", "", ""), ("csv", "gb18030", ","), ("csv", "utf-16", "\t")]
)
def test_rejected_rows_go_back_in_the_form_they_came_in(kind: str, encoding: str, delimiter: str) -> None:
    rows = [["检验科日报", *[None] * 7], TESTS, a_test_row(1), a_test_row(2, 检测结果="不详")]
    body = workbook(rows) if kind == "xlsx" else text_sheet(rows, encoding, delimiter)
    mapping = load_shipped("single-tests")
    back = rejected_file(read_sheet(read_file(body), mapping), {3: "检测结果: 取值不在列表中"})
    again = read_sheet(read_file(back), mapping)
    assert again.table.form == read_sheet(read_file(body), mapping).table.form
    assert [str(cell) for cell in again.table.rows[2][:8]] == [str(cell or "") for cell in rows[3]]
    assert again.table.rows[1][8:] == ["rejected_because"] and again.table.rows[2][8] == "检测结果: 取值不在列表中"
    assert (again.rows, again.unsent) == (1, {})
    assert (
        rejected_file(again, {2: "again"}).count(b"")
        and read_file(rejected_file(again, {2: "again"}))[0].rows[2][8] == "again"
    )


def test_a_cell_that_looks_like_a_formula_goes_back_as_text() -> None:
    back = rejected_file(read_rows([TESTS, a_test_row(1, 姓名="=1+1")], load_shipped("single-tests")), {1: "=A1"})
    row = read_file(back)[0].rows[1]
    assert (row[2], row[8]) == ("=1+1", "=A1")


@pytest.mark.parametrize(
    ("column", "cases"),
    [
        ("关联病例编号", ("JX-1", "JX-2")),
        ("关联病例身份证号码", (a_number(1), a_number(2))),
        ("关联病例姓名", ("王某", "李某")),
    ],
)
def test_who_met_two_cases_at_one_table_has_an_exposure_to_each(column: str, cases: tuple[str, str]) -> None:
    mapping = load_shipped("close-contacts")
    (table,) = read_file(template(mapping, "csv"))
    head, names = [row[:-1] for row in table.rows[:2]], table.rows[1]
    rows = [[*table.rows[2][:-1]] for _ in range(3)]
    for row, case in zip(rows, (*cases, cases[0]), strict=True):
        row[names.index("关联病例编号")] = ""
        row[names.index(column)] = case
    one, other, again = (record["source_id"] for record in records(read_rows([*head, *rows], mapping)))
    assert one == again != other
