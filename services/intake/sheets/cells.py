"""One cell to one value of a record, or to the problem that says what stands there and what would be right."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta

from contracts.policy.days import SHANGHAI
from services.intake.problems import Problem
from services.intake.rules.documents import plain_id_number
from services.intake.rules.when import Habits, Unclear, read_time, read_when
from services.intake.sheets.kinds import Takes
from services.intake.sheets.table import Cell, Formula

_POWER = re.compile(r"[+-]?\d(\.\d+)?[Ee]\+?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,9})?|\.\d{1,9})", re.ASCII)
_UNIT = re.compile(r"\s*(℃|°C|度|岁)$")
_QUOTED = re.compile(r'="([^"=+@]*)"')
_PARTS = re.compile(r"[、，,;；/|\s]+")
_TURNED = re.compile(
    r"\d{1,2}月\d{1,2}日|\d{1,2}-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|"
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d\d",
    re.ASCII,
)
"""What a spreadsheet program writes into a text where 3-2 was typed as the number of a house."""
_BETWEEN_PHONES = re.compile(r"[、，,;；/|]")
_SHORTEST_PHONE, _LONGEST_PHONE = 7, 17
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・･●．", "·"))
_EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number; of a longer one the rest is lost."""


class Wrong(ValueError):
    """A cell cannot be used; the problem names its column."""

    def __init__(self, column: str, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.problem = Problem(column, code, params)


def text_of(cell: Cell, column: str) -> str:
    """What stands in a cell, without blanks at its ends and signs that nobody sees. Raises Wrong for a lost number."""
    if isinstance(cell, Formula):
        raise Wrong(column, "cell_formula")
    if isinstance(cell, str):
        return _cleaned(cell, column)
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        if abs(cell) >= _EXACT or cell != cell:
            raise Wrong(column, "digits_lost")
        return str(int(cell)) if float(cell).is_integer() else f"{cell:.15g}"
    if isinstance(cell, datetime | date | time | timedelta):
        return str(cell)
    return ""


def _cleaned(text: str, column: str) -> str:
    if quoted := _QUOTED.fullmatch(text.strip()):  # ="0012": how programs keep a number a text
        text = quoted[1]
    elif text.lstrip()[:1] in ("=", "@") or text.lstrip()[:2].upper() in ("+@", "-@"):
        raise Wrong(column, "cell_formula")
    text = text.translate(_INVISIBLE).strip()
    if text.isprintable():
        return text
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text if each not in "\n\r\t"):
        raise Wrong(column, "not_printed")
    return " ".join(text.split()) if any(each in text for each in "\n\r\t\u2028\u2029") else text


def value_of(takes: Takes, cell: Cell, column: str, words: dict[str, str] | None, habits: Habits) -> object:
    """The value, or None where the words say that there is none. Raises Wrong."""
    if isinstance(cell, Formula):
        raise Wrong(column, "cell_formula")
    if takes.shape in ("instant", "day"):
        return _when(takes, cell, column, habits)
    text = text_of(cell, column)
    if words is not None or takes.shape in ("word", "words", "flag"):
        return _word(takes, _plain(text), column, words or {})
    if takes.shape in ("number", "whole"):
        return _number(takes, _plain(text), column)
    if isinstance(cell, datetime | date | time | timedelta):  # house 3-2 has become the second of March
        raise Wrong(column, "cell_is_date")
    return _written(takes, text, column)


def _plain(text: str) -> str:
    """Full-width letters and digits as ordinary ones; without the mark that keeps a number a text."""
    return unicodedata.normalize("NFKC", text).strip().removeprefix("'")


def _written(takes: Takes, text: str, column: str) -> str:
    if takes.shape == "name":
        if _TURNED.fullmatch(text):
            raise Wrong(column, "cell_is_date")
        return _name(text)
    if takes.shape == "text":
        return unicodedata.normalize("NFC", text)
    plain = _plain(text)
    if _POWER.fullmatch(plain):
        raise Wrong(column, "digits_lost")
    if takes.shape == "phone":
        return _phone(plain, column)
    if takes.shape == "id":
        return plain_id_number(plain)
    return plain.upper() if re.fullmatch(r"\d{17}[\dxX]", plain, re.ASCII) else plain


def _phone(text: str, column: str) -> str:
    digits = re.sub(r"[\s()-]", "", text)
    several = sum(len(re.sub(r"\D", "", part)) >= _SHORTEST_PHONE for part in _BETWEEN_PHONES.split(digits)) > 1
    if several or not 0 < len(re.sub(r"\D", "", digits)) <= _LONGEST_PHONE:
        raise Wrong(column, "phone_form")
    return re.sub(r"^(\+|00)?86(?=1\d{10}$)", "", digits)


def _name(text: str) -> str:
    """One form of the dot in 买买提·依明; no blanks between Chinese characters, whatever plane they are on."""
    name = unicodedata.normalize("NFC", text).translate(_DOTS)
    name = re.sub(r"\s*·\s*", "·", name)
    parts = name.split()
    if len(parts) > 1 and all(ord(each[0]) > 0x2E7F and ord(each[-1]) > 0x2E7F for each in parts):
        return "".join(parts)
    return " ".join(parts)


def _word(takes: Takes, text: str, column: str, words: dict[str, str]) -> object:
    known = {**{each: each for each in takes.choices}, **{_plain(word): ours for word, ours in words.items()}}
    if takes.shape == "flag":
        known = {"true": "true", "false": "", "是": "true", "否": "", "1": "true", "0": "", **known}
    folded = {word.casefold(): ours for word, ours in known.items()}
    if takes.shape != "words":
        if (ours := folded.get(text.casefold())) is None:
            raise Wrong(column, "not_one_of", expected=", ".join(words or takes.choices))
        return bool(ours) if takes.shape == "flag" else ours
    found = list[str]()
    for part in filter(None, _PARTS.split(text)):
        if (ours := folded.get(part.casefold())) is None:
            raise Wrong(column, "not_one_of", expected=", ".join(words or takes.choices))
        if ours and ours not in found:
            found.append(ours)
    return found or None


def _number(takes: Takes, text: str, column: str) -> float | int:
    text = _UNIT.sub("", text).replace(",", "") if takes.shape == "number" else text
    if not _NUMBER.fullmatch(text):
        raise Wrong(column, "not_number" if takes.shape == "number" else "not_whole")
    number = float(text)
    if takes.shape == "number":
        return number
    if not number.is_integer():
        raise Wrong(column, "not_whole")
    return int(number)


def _when(takes: Takes, cell: Cell, column: str, habits: Habits) -> str:
    cell = _plain(text_of(cell, column)) if isinstance(cell, str) else cell
    try:
        when = read_when(cell, habits)
    except Unclear as unclear:
        raise Wrong(column, unclear.code) from None
    if takes.shape == "day":
        return when.day.isoformat()
    if when.instant is not None:
        return when.instant.isoformat()
    return datetime.combine(when.day, when.at or time.min, SHANGHAI).isoformat()


def at_time(instant: str, cell: Cell, column: str) -> str:
    """The instant at the time that a column of its own tells. Raises Wrong."""
    if isinstance(cell, Formula):
        raise Wrong(column, "cell_formula")
    try:
        at = read_time(text_of(cell, column) if isinstance(cell, str) else cell)
    except Unclear as unclear:
        raise Wrong(column, unclear.code) from None
    return datetime.combine(datetime.fromisoformat(instant).date(), at, SHANGHAI).isoformat()
