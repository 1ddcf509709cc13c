"""What begins a clock of its own: a contact after a quarantine that ended, an illness after an exclusion. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

from contracts.events.contacts import Category, ContactIdentified
from contracts.events.quarantine import Mode
from contracts.exercise import MARK, is_apart
from services.alerts.rules import Opening, Stop

LONGEST_ID = 64


class Key(NamedTuple):
    """One clock. begun_by: of a person's later ones of one deadline what they follow; of a lead's the statement."""

    deadline: str
    person_id: str
    begun_by: str = ""

    @property
    def clock_id(self) -> str:
        if not self.begun_by:
            return f"{self.deadline}:{self.person_id}"
        mark = MARK if is_apart(self.person_id) else ""
        room = LONGEST_ID - len(f"clock:{self.deadline}:{MARK}")
        hashed = blake2b(f"{self.person_id} {self.begun_by}".encode(), digest_size=min(16, room // 2)).hexdigest()
        return f"{self.deadline}:{mark}{hashed}"


class Matter(NamedTuple):
    """A close contact's time between two ends of quarantine; begun_by: the order whose quarantine it follows."""

    begun_by: str
    started_at: datetime
    since_at: datetime | None
    over_at: datetime | None


class Exclusion(NamedTuple):
    excluded_at: datetime
    statement_id: str


class Act(NamedTuple):
    """What may stop a clock: a report, at an instant, or a placement, until it ended. mode: of a placement alone."""

    stop: Stop
    mode: str | None
    ended_at: datetime | None


def close_matters(contact: ContactIdentified) -> list[Matter]:
    """Those of a contact of whom several are stated that start a clock; each is over when the next was found."""
    nexts = [*(each.found_at for each in contact.matters[1:]), None]
    return [
        Matter(each.follows_order_id or "", each.found_at, each.since_at, over_at)
        for each, over_at in zip(contact.matters, nexts, strict=True)
        if each.category is Category.CLOSE
    ]


def illnesses(findings: Iterable[Opening], exclusions: Iterable[Exclusion]) -> Iterator[tuple[str, Opening]]:
    """The first finding of each illness, beside the exclusion that it follows; over when the next was found.

    What was found by an exclusion is of the illness before it, as in tracing.
    """
    ends = sorted(exclusions)
    ordered = sorted(findings, key=lambda finding: finding.started_at)
    grouped = groupby(ordered, key=lambda finding: bisect_left(ends, (finding.started_at,)))
    first = [(number, next(its)) for number, its in grouped]
    nexts = [*(opening.started_at for _, opening in first[1:]), None]
    before = 0
    for (number, opening), over_at in zip(first, nexts, strict=False):
        if number == 0:
            yield "", replace(opening, over_at=over_at)
        else:
            # Of several exclusions in a row the first names the illness: one more heard of later changes nothing.
            yield ends[before].statement_id, replace(opening, since_at=ends[number - 1].excluded_at, over_at=over_at)
        before = number


def stops_of(openings: Sequence[Opening], acts: Sequence[Act]) -> list[Stop | None]:
    """The earliest act that stops each clock of one person and deadline; both in order. A report stops one clock."""
    found: list[Act | None] = [None]
    for opening in openings:
        its = (act for act in acts if _stops(act, opening) and (act.mode is not None or act is not found[-1]))
        found.append(next(its, None))
    return [act.stop if act else None for act in found[1:]]


def _stops(act: Act, opening: Opening) -> bool:
    """Not what was over when the clock began, nor what began when its matter was over.

    A placement that nobody ended, outside a hospital, was over with the quarantine before.
    """
    if opening.over_at is not None and act.stop.stopped_at >= opening.over_at:
        return False
    if act.ended_at is not None:
        return act.ended_at > opening.started_at
    return opening.since_at is None or act.mode == Mode.HOSPITAL or act.stop.stopped_at > opening.since_at
