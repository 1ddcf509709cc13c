"""How much may be under way at once: by key and minute, and in this process; beyond it a sender waits (429)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.chassis.errors import GridwardError
from services.intake.sender import Sender

MOST_BODIES = 16
"""Requests of many records under way: each may hold 64 MB."""
MOST_SHEETS = 2
"""Spreadsheets taken to pieces at once: one may fill 300 MB."""
MOST_SINGLE = 5_000
"""Single records that wait for their group."""
MOST_BYTES = 256 * 1024 * 1024
"""Of bodies that must be held whole: one JSON document each."""


class ComeBackLater(GridwardError):
    """More than there is room for, now. seconds: to wait; nothing of the request was taken."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(f"{message}: send it again in {math.ceil(seconds)} s")
        self.seconds = math.ceil(seconds)


class Rate:
    """A bucket that holds a minute's worth of records and fills evenly. A request that overdraws it makes debts."""

    def __init__(self, a_minute: int, now: float) -> None:
        self.a_minute, self._left, self._at = a_minute, float(a_minute), now

    def seconds_to_wait(self, now: float) -> float:
        """Until there is room for one record; 0 when there is."""
        self._fill(now)
        return max(0.0, (1 - self._left) * 60 / self.a_minute)

    def take(self, records: int, now: float) -> None:
        self._fill(now)
        self._left -= records

    def _fill(self, now: float) -> None:
        self._left = min(self.a_minute, self._left + (now - self._at) * self.a_minute / 60)
        self._at = now


class Room:
    """One a process. now: a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rates: dict[str, Rate] = {}
        self._bodies = self._single = self._bytes = self._sheets = 0

    @contextmanager
    def body(self, sender: Sender) -> Iterator[None]:
        """For a request of many records. Raises ComeBackLater."""
        self._in_time(sender)
        if self._bodies >= MOST_BODIES:
            raise ComeBackLater(f"{MOST_BODIES} requests of many records are under way", 2)
        self._bodies += 1
        try:
            yield
        finally:
            self._bodies -= 1

    @contextmanager
    def sheet(self, sender: Sender) -> Iterator[None]:
        """For a spreadsheet. Raises ComeBackLater."""
        if self._sheets >= MOST_SHEETS:
            raise ComeBackLater(f"{MOST_SHEETS} spreadsheets are being read", 5)
        self._sheets += 1
        try:
            with self.body(sender):
                yield
        finally:
            self._sheets -= 1

    @contextmanager
    def single(self, sender: Sender) -> Iterator[None]:
        """For one record. Raises ComeBackLater."""
        self._in_time(sender)
        if self._single >= MOST_SINGLE:
            raise ComeBackLater(f"{MOST_SINGLE:,} records wait for their verdicts", 1)
        self._single += 1
        try:
            yield
        finally:
            self._single -= 1

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """For a body that is held whole: tell each piece's bytes. That raises ComeBackLater."""
        mine = 0

        def hold(size: int) -> None:
            nonlocal mine
            if self._bytes + size > MOST_BYTES:
                raise ComeBackLater("too many large requests are under way", 2)
            mine += size
            self._bytes += size

        try:
            yield hold
        finally:
            self._bytes -= mine

    def count(self, sender: Sender, records: int) -> None:
        """These were sent."""
        if sender.records_a_minute is not None:
            self._rate(sender, sender.records_a_minute).take(records, self._now())

    def _in_time(self, sender: Sender) -> None:
        if sender.records_a_minute is None:
            return
        wait = self._rate(sender, sender.records_a_minute).seconds_to_wait(self._now())
        if wait:
            raise ComeBackLater(f"more than {sender.records_a_minute:,} records a minute with this key", wait)

    def _rate(self, sender: Sender, a_minute: int) -> Rate:
        rate = self._rates.get(sender.name)
        if rate is None or rate.a_minute != a_minute:
            rate = self._rates[sender.name] = Rate(a_minute, self._now())
        return rate
