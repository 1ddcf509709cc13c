"""The two clocks of first time: report of a case (2 h), transfer of a close contact (12 h; ed. 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deploy.sample.posts import command_line, health_line
from deploy.sample.truth.book import Book
from deploy.sample.truth.contacts import Exposed

REPORT, TRANSFER = "report.case.direct", "transfer.contact.to_quarantine"
HOURS = {REPORT: timedelta(hours=2), TRANSFER: timedelta(hours=12)}
WINDOW = timedelta(seconds=60)
RUNG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """posts: the rungs of its line from the lowest. known_at: when its opening was received.

    stopped_at None: not yet.
    """

    deadline: str
    person: str
    posts: tuple[str, ...]
    started_at: datetime
    known_at: datetime
    stopped_at: datetime | None = None
    cancelled: bool = False

    @property
    def due_at(self) -> datetime:
        return self.started_at + HOURS[self.deadline]

    def verdict(self, now: datetime) -> str:
        """What the clock says at an instant."""
        if self.cancelled:
            return "cancelled"
        if self.stopped_at:
            return "kept" if self.stopped_at <= self.due_at else "late"
        return "missed" if now > self.due_at else "running"

    def rungs_told(self, now: datetime) -> range:
        """The rungs that must have been told by now, unless it has stopped."""
        if self.cancelled or self.stopped_at or now < self.known_at + WINDOW:
            return range(0)
        passed = [rung for rung in range(1, len(self.posts)) if now > self.due_at + (rung - 1) * RUNG]
        return range(1 + len(passed))


Clocks = dict[tuple[str, str], Clock]


def clocks_of(book: Book, exposed: Mapping[str, Exposed], before: Clocks) -> Clocks:
    """Every clock by deadline and person. before: those of the last step; an opening that is gone cancels its clock."""
    placed = _first(book, "placement", "started_at")
    reported = _first(book, "case-report", "reported_at") | _first(book, "case-finding", "reported_at")
    clocks: Clocks = {key: replace(clock, cancelled=True) for key, clock in before.items()}
    for clock in _open(book, exposed):
        stops = placed if clock.deadline == TRANSFER else reported
        clocks[clock.deadline, clock.person] = replace(clock, stopped_at=stops.get(clock.person))
    return clocks


def _open(book: Book, exposed: Mapping[str, Exposed]) -> Iterator[Clock]:
    for said in book.of("case-finding"):
        line = health_line(said.record["institution"])
        yield Clock(REPORT, said.who, line, said.at("found_at"), said.known_at)
    for person, its in exposed.items():
        if its.category == "close":
            yield Clock(TRANSFER, person, command_line(book.homes[person]), its.found_at, its.found_at)


def _first(book: Book, kind: str, name: str) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    for said in book.of(kind):
        if name in said.record:
            first[said.who] = min(first.get(said.who, said.at(name)), said.at(name))
    return first
