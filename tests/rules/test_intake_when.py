"""Days and times as people write them; what could be two days is told, not guessed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.problems import TEXTS
from services.intake.rules.when import Habits, Unclear, When, read_time, read_when

DAY = date(2022, 3, 5)
MIDNIGHT = datetime.combine(DAY, time.min)  # of no zone, as a cell is
IN_2022 = Habits(year=2022)


@pytest.mark.parametrize(
    "written",
    ["2022/3/5", "2022-03-05", "2022.3.5", "２０２２／３／５", "2022年3月5日", "20220305", "3.5", "3/5", "3月5日",
     "3月5号", 44625, 44625.0, "44625", 20220305, 3.5, DAY, MIDNIGHT],
)  # fmt: skip
def test_one_day_in_all_its_forms(written: object) -> None:
    assert read_when(written, IN_2022) == When(DAY)


@pytest.mark.parametrize(
    ("written", "at"),
    [("2022/3/5 8:30", time(8, 30)), ("2022-03-05T08:30:15", time(8, 30, 15)), ("2022年3月5日下午3点", time(15)),
     ("2022年3月5日 上午8时30分", time(8, 30)), ("3.5 晚上8点半", time(20, 30)), ("3月5日中午12:05", time(12, 5)),
     ("3/5 11:00 PM", time(23)), ("3/5 12:10am", time(0, 10)), (44625.5, time(12)), ("44625.75", time(18)),
     ("3月5日中午11点", time(11)), ("2022/3/5 08：30", time(8, 30)), ("3月5日凌晨12点30分", time(0, 30)),
     ("3月5日中午12点半", time(12, 30)), ("3月5日凌晨2点", time(2)), ("3月5日晚上11点半", time(23, 30))],
)  # fmt: skip
def test_the_time_beside_the_day(written: object, at: time) -> None:
    assert read_when(written, IN_2022) == When(DAY, at)


def test_a_workbook_of_a_mac_counts_from_1904() -> None:
    assert read_when(44625 - 1462, Habits(epoch=1904)) == read_when(44625, Habits(epoch=1900)) == When(DAY)


def test_day_and_month_are_told_apart_by_the_mapping_alone() -> None:
    assert read_when("05/03/2022", Habits(order="dmy")).day == DAY
    assert read_when("03/05/2022", Habits(order="mdy")).day == DAY


def test_an_offset_is_kept() -> None:
    instant = read_when("2022-03-05T01:00:00Z", IN_2022).instant
    assert instant == datetime.fromisoformat("2022-03-05T09:00:00+08:00")


@pytest.mark.parametrize(
    ("written", "habits", "code"),
    [("2022-02-31", IN_2022, "no_such_day"), ("2.30", IN_2022, "no_such_day"), ("2022/13/1", IN_2022, "no_such_day"),
     ("3.5", Habits(), "year_missing"), (3.5, Habits(), "year_missing"), ("05/03/2022", IN_2022, "when_ambiguous"),
     (3.1, IN_2022, "when_ambiguous"), (3.0, IN_2022, "when_form"), (2022, IN_2022, "when_form"),
     (1e400, IN_2022, "when_form"), (float("nan"), IN_2022, "when_form"), (-5, IN_2022, "when_form"),
     (True, IN_2022, "when_form"), (None, IN_2022, "when_form"), ("昨天", IN_2022, "when_form"),
     ("2022/3/5 25:00", IN_2022, "no_such_day"), ("2022/3/5 早", IN_2022, "time_form"),
     ("2022-03-05T25:00:00Z", IN_2022, "no_such_day"), ("2022/3/5 晚上12:30", IN_2022, "time_ambiguous"),
     ("3月5日晚上1点", IN_2022, "time_ambiguous"), ("2022/3/5 上午15:00", IN_2022, "time_ambiguous")],
)  # fmt: skip
def test_what_is_unclear_is_told(written: Any, habits: Habits, code: str) -> None:
    with pytest.raises(Unclear) as unclear:
        read_when(written, habits)
    assert unclear.value.code == code
    assert code in TEXTS


@pytest.mark.parametrize(
    "written", ["8:30", "上午8点半", time(8, 30), MIDNIGHT.replace(hour=8, minute=30), timedelta(hours=8.5), 8.5 / 24]
)
def test_a_time_in_a_column_of_its_own(written: object) -> None:
    assert read_time(written) == time(8, 30)


@given(st.dates(date(1927, 6, 1), date(2199, 12, 31)))
def test_the_spreadsheets_own_number_means_the_day_it_shows(day: date) -> None:
    assert read_when((day - date(1899, 12, 30)).days, Habits()).day == day


@given(st.text() | st.floats() | st.integers() | st.none() | st.datetimes() | st.timedeltas())
def test_whatever_stands_there_is_read_or_told(written: object) -> None:
    for read in (lambda: read_when(written, IN_2022), lambda: read_time(written)):
        try:
            read()
        except Unclear as unclear:
            assert unclear.code in TEXTS


@pytest.mark.parametrize("text", ["3.1", "12.3", "３．１"])
def test_a_text_of_a_file_that_loses_zeros_may_be_the_tenth_and_is_not_guessed(text: str) -> None:
    with pytest.raises(Unclear, match="when_ambiguous"):
        read_when(text, IN_2022._replace(keeps_zeros=False))
    assert read_when(text, IN_2022).day.day in (1, 3)
    for clear in ("3.5", "3.10", "3.01", "3月1日", "2022.3.1"):
        assert read_when(clear, IN_2022._replace(keeps_zeros=False)).day.year == 2022
