"""Many values on their way to PostgreSQL: rows in the binary form of COPY (its manual, "Binary Format"), and names.

asyncpg encodes each value by itself, which costs four times as much; here what many rows share is encoded once. Bytes
are put together as text of one letter each (Latin-1), which is quicker, and become bytes at the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter

from msgspec import json

from services.rollup.rules.plain import First, Shared
from services.rollup.rules.summing import Past

COUNTED = ("subject_id", "statement", "indicator", "drill", "division_code", "day", "at", "since_at", "lone")
HISTORY = ("division_code", "indicator", "day", "drill", "hour_at", "reason", "delta")

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SECOND_US = 1_000_000


def copied_counted(firsts: Sequence[First]) -> str:
    """The rows, in the order of their subjects, which keeps the pages of the longest index at hand."""
    ordered = sorted(firsts, key=itemgetter(0))
    if "".join([who + what for who, what, _ in ordered]).isascii():
        rows = [
            f"{_COUNTED}{_LENGTHS[len(who)]}{who}{_LENGTHS[len(what)]}{what}{_shared(of)}" for who, what, of in ordered
        ]
    else:
        rows = [f"{_COUNTED}{_text(who)}{_text(what)}{_shared(of)}" for who, what, of in ordered]
    return "".join(rows)


def copied_history(deltas: Mapping[Past, int]) -> str:
    """The changes, in the order of their divisions."""
    return "".join(
        [
            f"{_HISTORY}{_text(division)}{_change(indicator, day, drill, hour_at, reason)}{_number(delta)}"
            for (division, indicator, day, drill, hour_at, reason), delta in sorted(deltas.items())
        ]
    )


def as_copy(*rows: str) -> memoryview:
    """Rows as they are sent; bytes would be taken for the name of a file."""
    return memoryview("".join((_HEAD, *rows, _END)).encode("latin-1"))


def as_json(names: Iterable[str]) -> str:
    """Names for `json_array_elements_text`."""
    return json.encode(names).decode()


def _packed(form: str, *values: object) -> str:
    return struct.pack(form, *values).decode("latin-1")


_HEAD = "PGCOPY\n\xff\r\n\0" + "\0" * 8
_COUNTED, _HISTORY = (_packed(">h", len(columns)) for columns in (COUNTED, HISTORY))
_END = _packed(">h", -1)
_LENGTHS = [_packed(">i", length) for length in range(1_024)]
_LONE = _packed(">i?", 1, True)


@lru_cache(maxsize=65_536)
def _shared(shared: Shared) -> str:
    place = _text(shared.indicator) + _packed(">i?", 1, shared.drill) + _text(shared.division) + _day(shared.day)
    return place + _instant(shared.at) + _instant(shared.time) + _LONE


@lru_cache(maxsize=1_024)
def _change(indicator: str, day: date, drill: bool, hour_at: datetime, reason: str) -> str:
    return _text(indicator) + _day(day) + _packed(">i?", 1, drill) + _instant(hour_at) + _text(reason)


def _text(text: str) -> str:
    coded = text if text.isascii() else text.encode().decode("latin-1")
    return _LENGTHS[len(coded)] + coded


@lru_cache(maxsize=1_024)
def _number(number: int) -> str:
    return _packed(">iq", 8, number)


@lru_cache(maxsize=1_024)
def _day(day: date) -> str:
    return _packed(">ii", 4, (day - _EPOCH.date()).days)


@lru_cache(maxsize=8_192)
def _instant(at: datetime) -> str:
    past = at - _EPOCH
    return _packed(">iq", 8, (past.days * 86_400 + past.seconds) * _SECOND_US + past.microseconds)
