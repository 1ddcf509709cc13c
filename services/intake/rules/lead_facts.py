"""What records of leads and needs say, as facts; a step speaks of the person whom the record that it follows names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from contracts.envelope import Fact
from contracts.events.leads import LeadClosed, LeadLanded, LeadNotFound, LeadPassedOn, LeadReceived
from contracts.events.needs import NeedAsked, NeedMet
from services.intake import leads
from services.intake.common import Common
from services.intake.rules.statements import Ids, of_person


def _lead(record: leads.Lead, ids: Ids) -> Iterator[Fact]:
    yield LeadReceived(
        **of_person(record, ids, "lead"),
        lead_id=ids.record_id,
        source=record.source,
        reference=record.reference,
        sent_by=record.sent_by,
        received_at=record.received_at,
    )


def _landed(record: leads.Landed, ids: Ids) -> Iterator[Fact]:
    head = of_person(record, ids, "landed")
    yield LeadLanded(**head, lead_id=ids.followed, landed_at=record.done_at, landed_by=record.done_by)


def _not_found(record: leads.NotFound, ids: Ids) -> Iterator[Fact]:
    head = of_person(record, ids, "sought")
    yield LeadNotFound(**head, lead_id=ids.followed, sought_at=record.done_at, sought_by=record.done_by)


def _passed_on(record: leads.PassedOn, ids: Ids) -> Iterator[Fact]:
    yield LeadPassedOn(
        **of_person(record, ids, "passed"),
        lead_id=ids.followed,
        to_division_code=record.to_division_code,
        passed_at=record.done_at,
        passed_by=record.done_by,
    )


def _closed(record: leads.ClosedLead, ids: Ids) -> Iterator[Fact]:
    yield LeadClosed(
        **of_person(record, ids, "closed"),
        lead_id=ids.followed,
        outcome=record.outcome,
        reason=record.reason,
        closed_at=record.done_at,
        closed_by=record.done_by,
    )


def _need(record: leads.Need, ids: Ids) -> Iterator[Fact]:
    head = of_person(record, ids, "asked")
    yield NeedAsked(**head, need_id=ids.record_id, need=record.need, asked_at=record.asked_at)


def _need_met(record: leads.NeedMet, ids: Ids) -> Iterator[Fact]:
    head = of_person(record, ids, "met")
    yield NeedMet(**head, need_id=ids.followed, met_at=record.done_at, met_by=record.done_by)


SAYERS: Mapping[type[Common], Callable[[Any, Ids], Iterator[Fact]]] = {
    leads.Lead: _lead,
    leads.Landed: _landed,
    leads.NotFound: _not_found,
    leads.PassedOn: _passed_on,
    leads.ClosedLead: _closed,
    leads.Need: _need,
    leads.NeedMet: _need_met,
}


STEP_OF: Mapping[type[Fact], str] = {
    LeadLanded: "lead-landed",
    LeadNotFound: "lead-not-found",
    LeadPassedOn: "lead-passed-on",
    LeadClosed: "lead-closed",
    NeedMet: "need-met",
}


def step_retold(fact: Fact) -> dict[str, Any]:
    """What the record of a step calls otherwise than its fact does."""
    match fact:
        case LeadLanded(lead_id=lead, landed_at=at, landed_by=by):
            return _told("lead", lead, at, by)
        case LeadNotFound(lead_id=lead, sought_at=at, sought_by=by):
            return _told("lead", lead, at, by)
        case LeadPassedOn(lead_id=lead, passed_at=at, passed_by=by):
            return _told("lead", lead, at, by)
        case LeadClosed(lead_id=lead, closed_at=at, closed_by=by):
            return _told("lead", lead, at, by)
        case NeedMet(need_id=need, met_at=at, met_by=by):
            return _told("asked", need, at, by)
    raise TypeError(f"{type(fact).__name__} is no step")


def _told(field: str, followed: str, at: datetime, by: str) -> dict[str, Any]:
    return {field: {"id": followed}, "done_at": at.isoformat(), "done_by": by}
