"""The citizen identification number of GB 11643-1999: 17 digits that hold a birth date, and a check character."""

from __future__ import annotations

import re
from datetime import date
from operator import mul

_NUMBER = re.compile(r"[1-9]\d{16}[\dX]")
_INSIDE = re.compile(r"(?<!\d)[1-9]\d{16}[\dXx](?!\d)")
_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def check_character(digits: str) -> str:
    """The 18th character for 17 digits (ISO 7064, MOD 11-2)."""
    return _CHECKS[sum(map(mul, map(int, digits), _WEIGHTS)) % 11]


def wrong_with_number(number: str) -> str | None:
    """The code of what is wrong with an identification number in capitals, or None; never the number itself."""
    if not (number.isascii() and _NUMBER.fullmatch(number)):
        return "id_number_form"
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "id_number_birth"
    return None if check_character(number[:17]) == number[17] else "id_number_check"


def names_a_resident(text: str) -> bool:
    """Whether a text that others will read holds an identification number or a mobile number."""
    return has_number(text) or _PHONE.search(text) is not None


def has_number(text: str) -> bool:
    """Whether a valid identification number stands anywhere in the text."""
    return len(text) >= 18 and any(wrong_with_number(found.upper()) is None for found in _INSIDE.findall(text))
