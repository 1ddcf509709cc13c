"""The clocks of first time: report of a case (2 h), transfer of a close contact (12 h; ed. 8), leads (as adopted)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deploy.sample.posts import command_line, health_line
from deploy.sample.truth.book import Book
from deploy.sample.truth.contacts import Exposed
from deploy.sample.truth.leads import leads_held

REPORT, TRANSFER = "report.case.direct", "transfer.contact.to_quarantine"
HOURS = {REPORT: timedelta(hours=2), TRANSFER: timedelta(hours=12)}
WINDOW = timedelta(seconds=60)
RUNG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """posts: the rungs of its line from the lowest. known_at: when its opening was received.

    hours None: nobody stated any. stopped_at None: not yet. of_lead: it is that of a division that holds a lead.
    """

    deadline: str
    person: str
    division: str
    posts: tuple[str, ...]
    started_at: datetime
    known_at: datetime
    hours: timedelta | None
    stopped_at: datetime | None = None
    cancelled: bool = False
    of_lead: bool = False

    @property
    def due_at(self) -> datetime | None:
        return None if self.hours is None else self.started_at + self.hours

    def verdict(self, now: datetime) -> str:
        """What the clock says at an instant."""
        if self.cancelled:
            return "cancelled"
        if self.due_at is None:
            return "unlimited"
        if self.stopped_at:
            return "kept" if self.stopped_at <= self.due_at else "late"
        return "missed" if now > self.due_at else "running"

    def rungs_told(self, now: datetime) -> range:
        """The rungs that must have been told by now, unless it has stopped."""
        if self.cancelled or self.stopped_at or now < self.known_at + WINDOW:
            return range(0)
        if self.due_at is None:
            return range(1)
        passed = [rung for rung in range(1, len(self.posts)) if now > self.due_at + (rung - 1) * RUNG]
        return range(1 + len(passed))


ClockKey = tuple[str, str, str]
Clocks = dict[ClockKey, Clock]
"""By deadline, person, and, of a lead, the record that gave it to the division."""


def clocks_of(book: Book, exposed: Mapping[str, Exposed], before: Clocks) -> Clocks:
    """Every clock. before: those of the last step; an opening that is gone cancels its clock."""
    placed = _first(book, "placement", "started_at")
    reported = _first(book, "case-report", "reported_at") | _first(book, "case-finding", "reported_at")
    clocks: Clocks = {key: replace(clock, cancelled=True) for key, clock in before.items()}
    for clock in _open(book, exposed):
        stops = placed if clock.deadline == TRANSFER else reported
        clocks[clock.deadline, clock.person, ""] = replace(clock, stopped_at=stops.get(clock.person))
    return clocks | _of_leads(book)


def _open(book: Book, exposed: Mapping[str, Exposed]) -> Iterator[Clock]:
    for said in book.of("case-finding"):
        line = health_line(said.record["institution"])
        yield Clock(
            REPORT, said.who, book.homes[said.who], line, said.at("found_at"), said.known_at, HOURS[REPORT]
        )  # fmt: skip
    for person, its in exposed.items():
        if its.category == "close":
            home = book.homes[person]
            yield Clock(TRANSFER, person, home, command_line(home), its.found_at, its.found_at, HOURS[TRANSFER])


def _of_leads(book: Book) -> Clocks:
    """One for each division that holds or held a lead, from when it came to it; without an end if none is adopted."""
    adopted = {
        said.record["rule"]: timedelta(hours=said.record["hours"])
        for said in book.of("policy-adoption")
        if "hours" in said.record
    }
    clocks: Clocks = {}
    for held in leads_held(book):
        deadline, line = f"land.lead.{held.source}", command_line(held.division)
        clocks[deadline, held.person, "/".join(held.begun_by)] = Clock(
            deadline, held.person, held.division, line, held.since_at, held.known_at, adopted.get(deadline),
            held.answered_at, of_lead=True,
        )  # fmt: skip
    return clocks


def _first(book: Book, kind: str, name: str) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    for said in book.of(kind):
        if name in said.record:
            first[said.who] = min(first.get(said.who, said.at(name)), said.at(name))
    return first
