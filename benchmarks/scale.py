"""How much is measured: the short form ends within three minutes on two cores."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

GRIDS = 76_000
PARTS = ("relay", "reading", "ours", "one-by-one", "quix", "door", "latency", "flood", "today", "sheet")


@dataclass(frozen=True)
class Scale:
    """Numbers of records and of repetitions; seconds where the name says so.

    sheet_persons: in the vault before a spreadsheet is sent; 0: none is sent, filling the vault takes too long.
    repeat_until_seconds: ours, the longest part, is not begun again if it would end later than this after the start.
    """

    name: str
    screenings: int
    rounds: int
    one_by_one: int
    quix: int
    bulk_requests: int
    single_requests: int
    latency_seconds: float
    flood_seconds: float
    repeat_until_seconds: float
    sheet_persons: int
    latency_rates: tuple[int, ...] = (1_000, 5_000)


SHORT = Scale("short", 200_000, 3, 2_000, 20_000, 3, 2_000, 8.0, 8.0, 75.0, 0)
FULL = Scale("full", 1_000_000, 5, 10_000, 150_000, 10, 10_000, 60.0, 60.0, inf, 1_000_000)
