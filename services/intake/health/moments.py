"""Times as HL7 v2 and FHIR write them, with or without a zone, as exactly as they are known."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import IntEnum
from typing import NamedTuple

# HL7 v2.5.1 §2.A.22: YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]; many systems write blanks, `-`, `/` and `:` into it.
_HL7 = re.compile(
    r"(\d{4})(?:[-/]?(\d\d)(?:[-/]?(\d\d)"
    r"(?:[ T]?(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,9}))?)?)?)?)?)?"
    r"([+-]\d\d:?\d\d|Z)?",
    re.ASCII,
)


class Exact(IntEnum):
    """How exactly a time is known; an hour without minutes is no more than a day to a clock of two hours."""

    YEAR = 1
    MONTH = 2
    DAY = 3
    MINUTE = 5


class Moment(NamedTuple):
    """at: its beginning, with its zone."""

    at: datetime
    exact: Exact

    @property
    def text(self) -> str:
        """As canonical records write it."""
        return self.at.isoformat()

    @property
    def day(self) -> str:
        return f"{self.at:%Y-%m-%d}"


def read_moment(text: object, zone: tzinfo) -> Moment | None:
    """A time of HL7 or FHIR; zone: where none is written. None: this is none, or the calendar does not have it."""
    found = _HL7.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    micros = int((found[7] or "0")[:6].ljust(6, "0"))
    try:
        at = datetime(
            year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0, micros, _zone(found[8], zone)
        )
    except ValueError:
        return None
    known = sum(part is not None for part in (year, month, day))
    return Moment(at, Exact.DAY if minute is None else Exact.MINUTE) if known == 3 else Moment(at, Exact(known))


def _zone(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
