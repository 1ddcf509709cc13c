"""What was done to whom, when, with what evidence, and how long it took to be well again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Entry:
    """One mishap. kind: what it was; window: of a kill that counts; recovery: seconds from the restart until ready."""

    at: float
    kind: str
    whom: str
    detail: str
    window: str | None = None
    recovery: float | None = None


@dataclass
class Chronicle:
    """All mishaps of a run. tell: called with each line as it happens; failed: what could not be done, and why."""

    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    entries: list[Entry] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    def note(
        self, kind: str, whom: str, detail: str, *, window: str | None = None, recovery: float | None = None
    ) -> None:
        entry = Entry(self.now(), kind, whom, detail, window, recovery)
        self.entries.append(entry)
        healed = "" if recovery is None else f"; ready after {recovery:.1f} s"
        self.tell(f"{entry.at:6.1f} s  {kind}: {whom}: {detail}{healed}")

    def fail(self, what: str, why: object) -> None:
        self.failed.append(f"{what}: {why}")
        self.tell(f"{self.now():6.1f} s  NOT DONE {what}: {why}")

    @property
    def kills(self) -> Counter[str]:
        """Kills that count, by window."""
        return Counter(entry.window for entry in self.entries if entry.window is not None)

    @property
    def kinds(self) -> Counter[str]:
        return Counter(entry.kind for entry in self.entries)

    def recovery(self) -> tuple[float, float]:
        """Median and worst, in seconds; 0 when nothing was restarted."""
        times = [entry.recovery for entry in self.entries if entry.recovery is not None]
        return (median(times), max(times)) if times else (0.0, 0.0)
