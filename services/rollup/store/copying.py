"""Many values on their way to PostgreSQL: rows in the binary form of COPY (its manual, "Binary Format"), and names.

asyncpg encodes each value by itself, which costs four times as much; here what many rows share is encoded once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter

from msgspec import json

from services.rollup.rules.plain import First
from services.rollup.rules.summing import Past

COUNTED = ("subject_id", "indicator", "drill", "statement", "division_code", "day", "at", "since_at", "lone")

HISTORY = ("division_code", "indicator", "day", "drill", "hour_at", "reason", "delta")

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COUNTED, _HISTORY = (struct.pack(">h", len(columns)) for columns in (COUNTED, HISTORY))
_END = struct.pack(">h", -1)
_LENGTHS = [struct.pack(">i", length) for length in range(1_024)]
_LONE = struct.pack(">i?", 1, True)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SECOND_US = 1_000_000


def copied_counted(firsts: Sequence[First]) -> memoryview:
    """The rows, in the order of their subjects, which keeps the pages of the longest index at hand."""
    parts = [_HEAD]
    for subject, indicator, drill, statement, *rest in sorted(firsts, key=itemgetter(0)):
        who, what = subject.encode(), statement.encode()
        head, tail = _kind(indicator, drill), _rest(*rest)
        parts += (_COUNTED, _LENGTHS[len(who)], who, head, _LENGTHS[len(what)], what, tail)
    return _joined(parts)


def copied_history(deltas: Mapping[Past, int]) -> memoryview:
    """The changes, in the order of their divisions."""
    parts = [_HEAD]
    for (division, *rest), delta in sorted(deltas.items()):
        parts += (_HISTORY, _text(division), _change(*rest), struct.pack(">iq", 8, delta))
    return _joined(parts)


def as_json(names: Iterable[str]) -> str:
    """Names for `json_array_elements_text`."""
    return json.encode(names).decode()


def _joined(parts: list[bytes]) -> memoryview:
    parts.append(_END)
    return memoryview(b"".join(parts))  # bytes would be taken for the name of a file


@lru_cache(maxsize=1_024)
def _kind(indicator: str, drill: bool) -> bytes:
    return _text(indicator) + struct.pack(">i?", 1, drill)


@lru_cache(maxsize=65_536)
def _rest(division: str, day: date, at: datetime, since_at: datetime) -> bytes:
    return _text(division) + _day(day) + _instant(at) + _instant(since_at) + _LONE


@lru_cache(maxsize=1_024)
def _change(indicator: str, day: date, drill: bool, hour_at: datetime, reason: str) -> bytes:
    return _text(indicator) + _day(day) + struct.pack(">i?", 1, drill) + _instant(hour_at) + _text(reason)


def _text(text: str) -> bytes:
    return _LENGTHS[len(coded := text.encode())] + coded


def _day(day: date) -> bytes:
    return struct.pack(">ii", 4, (day - _EPOCH.date()).days)


def _instant(at: datetime) -> bytes:
    past = at - _EPOCH
    return struct.pack(">iq", 8, (past.days * 86_400 + past.seconds) * _SECOND_US + past.microseconds)
