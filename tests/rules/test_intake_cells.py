"""One cell to one value: widths, dots, rare characters, telephones; a number whose digits are lost is never taken."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.intake.problems import TEXTS
from services.intake.rules.when import Habits
from services.intake.sheets.cells import Wrong, value_of
from services.intake.sheets.kinds import Takes, fields_of
from services.intake.sheets.table import Formula
from tests.stores.intake_world import a_number

HABITS = Habits(year=2022)
NUMBER = a_number(7)


def value(shape: Any, cell: Any, words: dict[str, str] | None = None, *choices: str) -> object:
    return value_of(Takes(shape, choices), cell, "列", words, HABITS)


def wide(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) for each in text)


@pytest.mark.parametrize(
    ("shape", "cell", "expected"),
    [
        ("code", wide(NUMBER), NUMBER),
        ("code", f" {NUMBER[:17]}x " if NUMBER.endswith("X") else f" {NUMBER}\u200b ", NUMBER),
        ("code", 13800138000.0, "13800138000"),
        ("code", 17, "17"),
        ("code", '="0012"', "0012"),
        ("code", "'0012", "0012"),
        ("id", f"'{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}", NUMBER),
        ("id", f"{NUMBER[:6]}{NUMBER[8:17]}", NUMBER),
        ("phone", "+86 138 0013-8000", "13800138000"),
        ("phone", "0573-82221111转801", "057382221111转801"),
        ("phone", "008613800138000", "13800138000"),
        ("phone", 13800138000.0, "13800138000"),
        ("phone", "0573-8222 1111", "057382221111"),
        ("name", "买买提•依明", "买买提·依明"),
        ("name", "买买提 ‧ 依明", "买买提·依明"),
        ("name", "张 三", "张三"),
        ("name", "𠮷 田", "𠮷田"),
        ("name", "\U00030edd丽", "\U00030edd丽"),
        ("name", "Anna  Maria", "Anna Maria"),
        ("number", "３６．５", 36.5),
        ("number", "36.5℃", 36.5),
        ("number", 36.5, 36.5),
        ("whole", "2", 2),
        ("day", "2022/3/5", "2022-03-05"),
        ("instant", "2022/3/5 8:30", "2022-03-05T08:30:00+08:00"),
        ("instant", "2022-03-05T00:30:00Z", "2022-03-05T00:30:00+00:00"),
        ("instant", date(2022, 3, 5), "2022-03-05T00:00:00+08:00"),
        ("text", "一行\n两行", "一行 两行"),
        ("flag", "是", True),
        ("flag", "否", False),
    ],
)
def test_a_cell_becomes_what_it_means(shape: str, cell: Any, expected: object) -> None:
    assert value(shape, cell) == expected


@pytest.mark.parametrize(
    ("shape", "cell", "code"),
    [
        ("code", 3.3049919900101e17, "digits_lost"),
        ("code", 330499199001010010, "digits_lost"),
        ("code", "3.30E+17", "digits_lost"),
        ("code", "３.３０Ｅ＋１７", "digits_lost"),
        ("phone", "1.38E+10", "digits_lost"),
        ("code", Formula("x"), "cell_formula"),
        ("name", "=A1", "cell_formula"),
        ("name", "@SUM(A1)", "cell_formula"),
        ("text", '=HYPERLINK("http://x")', "cell_formula"),
        ("instant", Formula(date(2022, 3, 5)), "cell_formula"),
        ("code", date(2022, 3, 5), "cell_is_date"),
        ("name", date(2022, 3, 2), "cell_is_date"),
        ("name", "3月2日", "cell_is_date"),
        ("name", "2-Mar", "cell_is_date"),
        ("id", "3.30E+17", "digits_lost"),
        ("phone", "13800138000/13900139000", "phone_form"),
        ("phone", "13800138000\n13900139000", "phone_form"),
        ("phone", "13800138000 82221111", "phone_form"),
        ("phone", "82221111、82223333", "phone_form"),
        ("phone", "拒绝提供", "phone_form"),
        ("name", "王\x00某", "not_printed"),
        ("name", "王\ud800", "not_printed"),
        ("name", "王\x1b", "not_printed"),
        ("number", "warm", "not_number"),
        ("number", "1e400", "not_number"),
        ("number", "nan", "not_number"),
        ("number", float("inf"), "digits_lost"),
        ("whole", "2.5", "not_whole"),
        ("day", "2022/2/31", "no_such_day"),
    ],
)
def test_a_cell_that_cannot_be_used_is_told_by_its_column_without_its_value(shape: str, cell: Any, code: str) -> None:
    with pytest.raises(Wrong) as wrong:
        value(shape, cell)
    problem = wrong.value.problem
    assert (problem.field, problem.code) == ("列", code)
    for told in (problem.told("en"), problem.told("zh")):
        assert told["why"] and str(cell)[:20] not in told["why"]
    assert problem.code in TEXTS


def test_local_words_become_ours_whatever_their_width() -> None:
    words = {"阴性(-)": "negative", "阳性": "positive"}
    assert value("word", "阴性（－）", words, "negative", "positive") == "negative"
    assert value("word", "POSITIVE", words, "negative", "positive") == "positive"
    with pytest.raises(Wrong) as wrong:
        value("word", "不详", words, "negative", "positive")
    assert wrong.value.problem.told("zh")["would_be_right"] == "下列之一：阴性(-), 阳性"


def test_a_list_of_words_is_parted_and_none_is_none() -> None:
    words = {"无": "", "发热": "fever", "发烧": "fever", "咳嗽": "cough"}
    assert value("words", "发热、咳嗽，发烧", words, "fever", "cough") == ["fever", "cough"]
    assert value("words", "无", words, "fever", "cough") is None
    with pytest.raises(Wrong):
        value("words", "发热、头晕", words, "fever", "cough")


def test_the_fields_of_a_record_are_read_from_its_own_form() -> None:
    visit = fields_of("household-visit")
    assert visit["members.person.id_number"] == Takes("id", in_list=True)
    assert visit["members.person.name"].shape == "name" and visit["members.temperature_celsius"].shape == "number"
    assert visit["visited_at"].shape == "instant" and visit["channel"].choices == ("visit", "phone", "message", "app")
    assert visit["members.symptoms"].shape == "words" and visit["members.arrival.arrived_at"].shape == "instant"
    assert fields_of("exposure")["other.id_number"].shape == "id" and not fields_of("test")["result"].in_list
