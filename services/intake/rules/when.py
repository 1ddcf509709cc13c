"""A day or an instant as people write it in a spreadsheet: 2022/3/5, 3.5, 2022年3月5日下午3点, 44625, 20220305."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

Order = Literal["ymd", "dmy", "mdy"]
Epoch = Literal[1900, 1904]

_DAY_ZERO = {1900: date(1899, 12, 30), 1904: date(1904, 1, 1)}
_SERIALS = range(10_000, 150_000)
"""Day numbers of a spreadsheet that are taken for days: 1927 to 2310. 2022 alone is a year, not a day of 1905."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_YMD = re.compile(r"(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})[日号]?", re.ASCII)
_COMPACT = re.compile(r"(?P<y>(?:19|20|21)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)", re.ASCII)
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4})", re.ASCII)
_MD = re.compile(r"(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})[日号]?(?![-/.\d])", re.ASCII)
_MAY_LACK_ZERO = re.compile(r"\d{1,2}\.[123]", re.ASCII)
_SERIAL = re.compile(r"\d{5}(\.\d+)?", re.ASCII)
_HALVES = {"上午": 0, "凌晨": 0, "早上": 0, "am": 0, "中午": 12, "下午": 12, "傍晚": 12, "晚上": 12, "pm": 12}
_HALF = "|".join(_HALVES)
_TIME = re.compile(
    rf"(?P<before>{_HALF})?\s*(?P<h>\d{{1,2}})\s*[:时点]\s*(?:(?P<half>半)|(?P<m>\d{{1,2}})\s*"
    rf"(?:[:分]\s*(?:(?P<s>\d{{1,2}})(?:\.\d+)?秒?)?)?)?\s*(?P<after>am|pm)?",
    re.ASCII | re.IGNORECASE,
)


class Unclear(ValueError):
    """It cannot be told what day or time is meant; `code` names the words of it in texts.toml."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Habits(NamedTuple):
    """How a sheet writes days. year: of `3.5`, if it is known. order: of 05/03/2022, which alone is not clear.

    keeps_zeros: whether a text is what was typed; a CSV that a spreadsheet program saved has 3.1 for 3.10.
    """

    year: int | None = None
    order: Order = "ymd"
    epoch: Epoch = 1900
    keeps_zeros: bool = True


class When(NamedTuple):
    """A day, and the time of that day where one is written; `instant` where an offset stands beside it."""

    day: date
    at: time | None = None
    instant: datetime | None = None


def read_when(value: object, habits: Habits) -> When:
    """A cell as it came: a date, a number of a spreadsheet, or a text. Raises Unclear."""
    if isinstance(value, datetime):
        return When(value.date(), value.time() if value.time() != time.min else None)
    if isinstance(value, date):
        return When(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(float(value), habits)
    if isinstance(value, str):
        return _of_text(unicodedata.normalize("NFKC", value).strip(), habits)
    raise Unclear("when_form")


def read_time(value: object) -> time:
    """The time of a day in a column of its own. Raises Unclear."""
    if isinstance(value, time):
        return value
    if isinstance(value, datetime):
        return value.time()
    if isinstance(value, timedelta) and timedelta(0) <= value < timedelta(days=1):
        return _after_midnight(value)
    if isinstance(value, float) and 0 <= value < 1:
        return _after_midnight(_part_of_day(value))
    if isinstance(value, str):
        return _time_of(unicodedata.normalize("NFKC", value).strip())
    raise Unclear("time_form")


def _of_number(number: float, habits: Habits) -> When:
    if 1 <= number < 13:
        return _of_month_and_day(number, habits)
    if number.is_integer() and len(digits := str(int(number))) == 8 and _COMPACT.fullmatch(digits):
        return _of_text(digits, habits)
    if not (int(number) in _SERIALS if abs(number) < 1e9 else False):
        raise Unclear("when_form")
    days = int(number)
    moment = datetime.combine(_DAY_ZERO[habits.epoch] + timedelta(days), time.min) + _part_of_day(number - days)
    return When(moment.date(), moment.time() if number != days else None)


def _after_midnight(passed: timedelta) -> time:
    return (datetime.combine(_DAY_ZERO[1904], time.min) + passed).time()


def _part_of_day(share: float) -> timedelta:
    return timedelta(seconds=min(round(share * 86_400), 86_399))


def _of_month_and_day(number: float, habits: Habits) -> When:
    """3.5 typed into a cell that takes numbers. 3.1 may have been 3.10 there: the cell has lost the 0."""
    month, _, day = f"{number:.6g}".partition(".")
    if not day or len(day) > 2:
        raise Unclear("when_form")
    return _of_text(f"{month}.{day}", habits._replace(keeps_zeros=False))


def _of_text(text: str, habits: Habits) -> When:
    if _INSTANT.fullmatch(text):
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise Unclear("no_such_day") from None
        return When(instant.date(), instant.time(), instant)
    if _SERIAL.fullmatch(text):
        return _of_number(float(text), habits)
    day, rest = _day_at_the_start(text, habits)
    rest = rest.strip().removeprefix("T").strip()
    return When(day, _time_of(rest) if rest else None)


def _day_at_the_start(text: str, habits: Habits) -> tuple[date, str]:
    if found := _YMD.match(text) or _COMPACT.match(text):
        return _day(int(found["y"]), int(found["m"]), int(found["d"])), text[found.end() :]
    if found := _YEAR_LAST.match(text):
        if habits.order == "ymd":
            raise Unclear("when_ambiguous")
        day, month = (found["a"], found["b"]) if habits.order == "dmy" else (found["b"], found["a"])
        return _day(int(found["y"]), int(month), int(day)), text[found.end() :]
    if found := _MD.match(text):
        if habits.year is None:
            raise Unclear("year_missing")
        if not habits.keeps_zeros and _MAY_LACK_ZERO.fullmatch(found.group()):
            raise Unclear("when_ambiguous")
        return _day(habits.year, int(found["m"]), int(found["d"])), text[found.end() :]
    raise Unclear("when_form")


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Unclear("no_such_day") from None


def _time_of(text: str) -> time:
    found = _TIME.fullmatch(text)
    if found is None:
        raise Unclear("time_form")
    half = (found["before"] or found["after"] or "").lower()
    hour, minute, second = int(found["h"]), 30 if found["half"] else int(found["m"] or 0), int(found["s"] or 0)
    if half in ("am", "凌晨") and hour == 12:
        hour = 0
    if (half == "晚上" and (hour == 12 or hour < 5)) or (half in ("上午", "早上", "凌晨", "am") and hour > 12):
        raise Unclear("time_ambiguous")  # whose night, or which half
    if _HALVES.get(half) and hour < 12 and not (half == "中午" and hour > 9):
        hour += 12
    try:
        return time(hour, minute, second)
    except ValueError:
        raise Unclear("no_such_day") from None
