"""What a worker owes now, whichever service said so, in order of time left; and the record that closes each item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from contracts.leads import Tenure
from contracts.persons import Merged
from contracts.policy.days import DAY, day_of, end_of_day, slots_between, start_of_day
from services.intake.rules.households import Household
from services.intake.rules.lead_rows import LeadHeld, NeedHeld
from services.intake.rules.roster import SAMPLED, VISITED, Check, Round


class Owed(NamedTuple):
    """A fact of another service, as intake keeps it: care (slots and test dates), sampling, release, transfer, lead.

    about_id: the lead, of a lead's clock.
    """

    statement_id: str
    kind: str
    division_code: str
    drill: bool
    person_id: str
    since_at: datetime
    due_at: datetime | None
    placement_id: str | None = None
    mode: str | None = None
    checks_per_day: int | None = None
    test_dates: Sequence[date] = ()
    about_id: str | None = None


CARE, SAMPLING, RELEASE, TRANSFER, LEAD, NEED = "care", "sampling", "release", "transfer", "lead", "need"


class Item(NamedTuple):
    """One thing to do. due_at: None where no plan states a deadline, it then stands where it began.

    closed_by: the kind of record that closes it; None: not a worker's to close, shown so that the person can be told.
    """

    item_id: str
    kind: str
    division_code: str
    drill: bool
    since_at: datetime
    due_at: datetime | None
    closed_by: str | None
    dwelling_id: str | None = None
    person_id: str | None = None
    more: Mapping[str, Any] = {}


def in_order(items: Iterable[Item]) -> list[Item]:
    """Whoever has the least time left comes first; what has no deadline counts from when it began."""
    return sorted(items, key=lambda item: (item.due_at or item.since_at, item.kind, item.item_id))


def of_round(households: Iterable[Household], open_round: Round) -> Iterator[Item]:
    """A household that was not reached, or one of whose people was neither met nor is away."""
    for each in households:
        if each.missing:
            yield Item(
                f"household.{open_round.round_id}.{each.dwelling_id}",
                "household",
                each.division_code,
                open_round.drill,
                open_round.from_at,
                open_round.until_at,
                "household-visit",
                dwelling_id=each.dwelling_id,
                more={
                    "round_id": open_round.round_id,
                    "attempts": each.attempts,
                    "last_outcome": each.last_outcome,
                    "unmet": each.unmet if each.reached_at else (),
                },
            )


def of_care(owed: Iterable[Owed], checks: Sequence[Check], now: datetime, merged: Merged) -> Iterator[Item]:
    """The visit of the half day that runs, the test of the day, a sample of one's own, a transfer, an end in sight.

    What was done for a person under one of his or her ids is done.
    """
    done = defaultdict[tuple[str, str, bool], list[datetime]](list)
    for check in checks:
        done[merged.kept(check.person_id), check.what, check.drill].append(check.done_at)
    for each in owed:
        visited, sampled = (done[merged.kept(each.person_id), what, each.drill] for what in (VISITED, SAMPLED))
        if each.kind == CARE:
            yield from _visit_due(each, visited, now)
            yield from _test_due(each, sampled, now)
        elif each.kind == SAMPLING:
            if not any(at > each.since_at for at in sampled):
                yield _item(each, "sampling", each.due_at, "tube")
        elif each.kind == TRANSFER:
            yield _item(each, "transfer", each.due_at, None)
        elif each.kind == RELEASE and each.due_at is not None and each.due_at <= now + DAY:
            yield _item(each, "release", each.due_at, None)


def of_leads(found: Iterable[tuple[LeadHeld, Tenure, str | None]], owed: Iterable[Owed]) -> Iterator[Item]:
    """Leads that nobody has followed yet, with whoever holds them, and why they were passed on to him or her.

    owed: when by, as far as alerts has said it.
    """
    due = {(each.about_id, each.division_code): each.due_at for each in owed if each.kind == LEAD}
    for lead, now, because in found:
        more = {"lead_id": lead.record_id, "source": lead.source, "reference": lead.reference}
        if because is not None:
            more["passed_on_because"] = because
        yield Item(
            f"lead.{now.begun_by}",
            LEAD,
            now.division_code,
            lead.drill,
            now.since_at,
            due.get((lead.record_id, now.division_code)),
            "lead-landed",
            person_id=lead.person_id,
            more=more,
        )


def of_needs(needs: Iterable[NeedHeld]) -> Iterator[Item]:
    """What was asked for and not yet brought; no plan states by when."""
    for each in needs:
        more = {"need_id": each.record_id, "need": each.need}
        head = f"need.{each.record_id}", NEED, each.division_code, each.drill, each.asked_at
        yield Item(*head, None, "need-met", person_id=each.person_id, more=more)


def _visit_due(care: Owed, visited: Iterable[datetime], now: datetime) -> Iterator[Item]:
    """At most one: the slot in which now lies, unless a visit was made in it (ed. 8, twice a day)."""
    if not care.checks_per_day or care.due_at is None:
        return
    first, last = max(care.since_at, start_of_day(day_of(now))), min(care.due_at, end_of_day(day_of(now)))
    if last <= first:
        return
    for start, end in _slots(first, last, care.checks_per_day):
        if start <= now < end and not any(start <= at < end for at in visited):
            yield _item(care, "visit", end, "visit", f".{start:%Y%m%dT%H%M}", start)


_slots = lru_cache(maxsize=1_024)(slots_between)
"""Most have the same of a day."""


def _test_due(care: Owed, sampled: Iterable[datetime], now: datetime) -> Iterator[Item]:
    today = day_of(now)
    if today in care.test_dates and not any(day_of(at) == today for at in sampled):
        yield _item(care, "sampling", end_of_day(today), "tube", f".{today}", start_of_day(today))


def _item(
    owed: Owed, kind: str, due_at: datetime | None, closed_by: str | None, part: str = "", since: datetime | None = None
) -> Item:
    return Item(
        f"{kind}.{owed.statement_id}{part}", kind, owed.division_code, owed.drill, since or owed.since_at, due_at,
        closed_by, person_id=owed.person_id, more={"mode": owed.mode} if owed.mode else {},
    )  # fmt: skip
