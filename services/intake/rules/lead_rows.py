"""What records of leads and needs leave in intake's own tables, and what a lead is by them now. Pure.

A row belongs to the record that told it, as those of the roster do. No row holds a name, a number or an address.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from contracts.leads import LeadState, LeadStep, Tenure, tenures
from services.intake import leads
from services.intake.common import Common
from services.intake.rules.statements import Ids


class LeadHeld(NamedTuple):
    """A lead as it came. division_code: the one that it came to."""

    record_id: str
    division_code: str
    drill: bool
    person_id: str
    source: str
    reference: str | None
    sent_by: str | None
    received_at: datetime


class LeadDone(NamedTuple):
    """A step of a lead, about the person whom the lead named when it was made."""

    record_id: str
    division_code: str
    drill: bool
    lead_id: str
    person_id: str
    did: str
    done_at: datetime
    done_by: str
    to_division_code: str | None
    outcome: str | None
    reason: str | None


class NeedHeld(NamedTuple):
    record_id: str
    division_code: str
    drill: bool
    person_id: str
    need: str
    asked_at: datetime


class NeedDone(NamedTuple):
    record_id: str
    division_code: str
    drill: bool
    need_id: str
    done_at: datetime
    done_by: str


Row = LeadHeld | LeadDone | NeedHeld | NeedDone
_DID: Mapping[type[leads.LeadStep], LeadState] = {
    leads.Landed: LeadState.LANDED,
    leads.NotFound: LeadState.NOT_FOUND,
    leads.PassedOn: LeadState.PASSED_ON,
    leads.ClosedLead: LeadState.CLOSED,
}


def held_of(lead: LeadHeld, done: Iterable[LeadDone]) -> list[Tenure]:
    """Which divisions hold or held it; steps about somebody whom the lead no longer names do not count."""
    steps = [
        LeadStep(each.done_at, each.record_id, each.division_code, LeadState(each.did), each.to_division_code)
        for each in done
        if each.person_id == lead.person_id
    ]
    return tenures(lead.record_id, lead.division_code, lead.received_at, steps)


def by_lead(done: Iterable[LeadDone]) -> Mapping[str, Sequence[LeadDone]]:
    """The steps of each."""
    found = defaultdict[str, list[LeadDone]](list)
    for each in done:
        found[each.lead_id].append(each)
    return found


def _lead(record: leads.Lead, ids: Ids, by: str) -> Iterator[Row]:
    told = record.source.value, record.reference, record.sent_by, record.received_at
    yield LeadHeld(ids.record_id, record.division_code, record.drill, ids.people[0], *told)


def _step(record: leads.LeadStep, ids: Ids, by: str) -> Iterator[Row]:
    passed = record.to_division_code if isinstance(record, leads.PassedOn) else None
    outcome = record.outcome.value if isinstance(record, leads.ClosedLead) else None
    reason = record.reason if isinstance(record, leads.PassedOn | leads.ClosedLead) else None
    head = ids.record_id, record.division_code, record.drill, ids.followed, ids.people[0]
    yield LeadDone(*head, _DID[type(record)].value, record.done_at, record.done_by, passed, outcome, reason)


def _need(record: leads.Need, ids: Ids, by: str) -> Iterator[Row]:
    head = ids.record_id, record.division_code, record.drill, ids.people[0]
    yield NeedHeld(*head, record.need.value, record.asked_at)


def _met(record: leads.NeedMet, ids: Ids, by: str) -> Iterator[Row]:
    head = ids.record_id, record.division_code, record.drill, ids.followed
    yield NeedDone(*head, record.done_at, record.done_by)


TELLERS: Mapping[type[Common], Callable[[Any, Ids, str], Iterator[Row]]] = {
    leads.Lead: _lead,
    **dict.fromkeys(_DID, _step),
    leads.Need: _need,
    leads.NeedMet: _met,
}
