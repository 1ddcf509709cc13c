"""What a clock says, from the facts that started and stopped it, the edition, and the time. Pure.

First time is a named deadline of the policy in force (Notice 003 §2); the hours come from `contracts.policy` alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from contracts.events.cases import CaseFound, CaseReported
from contracts.events.contacts import Category, ContactIdentified, Standing
from contracts.events.deadlines import Line, Verdict
from contracts.events.leads import LeadSource
from contracts.events.quarantine import PlacementStarted
from contracts.leads import LeadState, LeadStep, tenures
from contracts.policy import Adoption, deadline, starts

ONE_DAY = timedelta(days=1)
DIGEST_WINDOW = timedelta(seconds=60)
"""How long a new clock waits before its first telling, so that one digest names all that came together."""
ESCALATION_STEP = timedelta(minutes=60)
"""From one rung of a line to the next once a deadline has passed: a house setting, no plan states one."""


@dataclass(frozen=True)
class Deadline:
    """A named deadline: its key in the policy, its line, the fact that opens it and the fact that stops it."""

    key: str
    line: Line
    opened_by: type[CaseFound] | type[ContactIdentified]
    stopped_by: type[CaseReported] | type[PlacementStarted]


REPORT = "report.case.direct"
DEADLINES = (
    Deadline(REPORT, Line.HEALTH, CaseFound, CaseReported),
    Deadline("transfer.contact.to_quarantine", Line.COMMAND, ContactIdentified, PlacementStarted),
)
_LAND_LEAD = {each: f"land.lead.{each.value}" for each in LeadSource}
LINES = {each.key: each.line for each in DEADLINES} | dict.fromkeys(_LAND_LEAD.values(), Line.COMMAND)


def opens(fact: CaseFound | ContactIdentified) -> bool:
    """Whether the fact starts a clock: a case in a state that the edition names, a close contact (ed. 8, 12 h)."""
    if isinstance(fact, ContactIdentified):
        return not fact.withdrawn and Category.CLOSE in (fact.category, *(each.category for each in fact.matters))
    return not fact.withdrawn and starts(REPORT, fact.found_at, fact.classification.value)


@dataclass(frozen=True)
class Opening:
    """What started a clock. recorded_at: when it was first received; by_the_day: the hour is not known.

    about_id: the lead, of a lead's clock. since_at: what ended before counts no more, of a matter that follows another;
    over_at: when the next matter began.
    """

    started_at: datetime
    recorded_at: datetime
    division_code: str
    by_the_day: bool = False
    unit: str | None = None
    drill: bool = False
    about_id: str | None = None
    since_at: datetime | None = None
    over_at: datetime | None = None


@dataclass(frozen=True)
class Stop:
    """What stopped a clock."""

    stopped_at: datetime
    by_the_day: bool = False


@dataclass(frozen=True)
class Judgement:
    """A clock's verdict and what it rests on; next_at: when time alone can change it."""

    verdict: Verdict
    due_at: datetime | None
    stopped_at: datetime | None
    edition: str
    standing: Standing
    next_at: datetime | None = None


def judge(
    key: str, opening: Opening, stop: Stop | None, now: datetime | None, adoptions: Sequence[Adoption]
) -> Judgement:
    """The verdict by the edition of the day on which the clock started. now: None where time is not yet looked at."""
    rule = deadline(key, opening.started_at, opening.division_code, adoptions)
    stopped_at = stop.stopped_at if stop else opening.over_at
    if rule.hours is None:
        return Judgement(Verdict.UNLIMITED, None, stopped_at, rule.edition, rule.standing)
    due_at = opening.started_at + timedelta(hours=rule.hours)
    last_at = due_at + (ONE_DAY if opening.by_the_day else timedelta(0))
    if stop is None and opening.over_at is not None:
        verdict = _compared(opening, Stop(opening.over_at), due_at, last_at)
        return Judgement(_NEVER_DONE.get(verdict, verdict), due_at, stopped_at, rule.edition, rule.standing)
    if stop is None:
        missed = now is not None and now > last_at
        verdict = Verdict.MISSED if missed else Verdict.RUNNING
        return Judgement(verdict, due_at, None, rule.edition, rule.standing, None if missed else last_at)
    return Judgement(_compared(opening, stop, due_at, last_at), due_at, stopped_at, rule.edition, rule.standing)


_NEVER_DONE = {Verdict.KEPT: Verdict.CANCELLED, Verdict.LATE: Verdict.MISSED}
"""What is said of a matter that was over in time, or too late, and nobody had done what was due."""


def _compared(opening: Opening, stop: Stop, due_at: datetime, last_at: datetime) -> Verdict:
    """Kept or late only where it is certain: a time known by the day alone stands for the whole day."""
    latest_stop = stop.stopped_at + (ONE_DAY if stop.by_the_day else timedelta(0))
    if latest_stop <= due_at:
        return Verdict.KEPT
    return Verdict.LATE if stop.stopped_at > last_at else Verdict.UNDECIDED


class LeadFact(NamedTuple):
    """What was said of a lead. did: open where it was received; source: of that alone."""

    statement_id: str
    division_code: str
    did: str
    at: datetime
    to_division_code: str | None
    source: str | None
    recorded_at: datetime
    drill: bool


class LeadClock(NamedTuple):
    deadline: str
    begun_by: str
    opening: Opening
    stop: Stop | None


def lead_clocks(lead_id: str, facts: Sequence[LeadFact]) -> Iterator[LeadClock]:
    """A clock for each division that holds or held a lead; none where the lead itself was not received.

    It runs from when the lead came to that division until this one found the person, or told not to, or passed it on.
    """
    by_id = {fact.statement_id: fact for fact in facts}
    received = next((fact for fact in facts if fact.source is not None), None)
    if received is None or received.source is None:
        return
    steps = [
        LeadStep(fact.at, fact.statement_id, fact.division_code, LeadState(fact.did), fact.to_division_code)
        for fact in facts
        if fact.source is None
    ]
    for each in tenures(received.statement_id, received.division_code, received.at, steps):
        recorded_at = by_id[each.begun_by].recorded_at
        opening = Opening(each.since_at, recorded_at, each.division_code, drill=received.drill, about_id=lead_id)
        stop = Stop(each.answered_at) if each.answered_at else None
        yield LeadClock(_LAND_LEAD[LeadSource(received.source)], each.begun_by, opening, stop)


def first_telling(opening: Opening) -> datetime:
    """After which instant the responsible post is told of a new clock."""
    return opening.recorded_at + DIGEST_WINDOW


def rungs_owed(told: int, due_at: datetime | None, first_at: datetime, now: datetime) -> range:
    """The rungs of the line to be told at now: 0 at first, 1 once overdue, one more after each further step."""
    if now <= first_at:
        return range(0)
    overdue = now - due_at if due_at is not None and now > due_at else timedelta(0)
    return range(told + 1, ceil(overdue / ESCALATION_STEP) + 1)


def next_telling(top: int, due_at: datetime | None) -> datetime | None:
    """After which instant the rung above `top` has its turn; None where no deadline is known."""
    return None if due_at is None else due_at + top * ESCALATION_STEP


def missed_slots(
    slots: Sequence[tuple[datetime, datetime]], visited: Sequence[datetime], until: datetime
) -> list[tuple[datetime, datetime]]:
    """The slots that ended by `until` without a check inside them. visited: sorted instants."""
    return [(start, end) for start, end in slots if end <= until and not _any_between(visited, start, end)]


def _any_between(ordered: Sequence[datetime], start: datetime, end: datetime) -> bool:
    at = bisect_left(ordered, start)
    return at < len(ordered) and ordered[at] < end


def missed_before(slot_start: datetime, starts_by_end: Mapping[datetime, datetime]) -> int:
    """How many slots directly before this one were missed as well. starts_by_end: the placement's missed slots."""
    count, at = 0, slot_start
    while at in starts_by_end:
        count, at = count + 1, starts_by_end[at]
    return count


def rungs_of_missed(before: int) -> tuple[int, ...]:
    """Each missed visit is told to the responsible post; each further one in a row to one post higher as well."""
    return (0, before) if before else (0,)
