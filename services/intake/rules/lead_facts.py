"""What records of leads and needs say, as facts; a step speaks of the person whom the record that it follows names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contracts.envelope import Fact
from contracts.events.leads import LeadClosed, LeadLanded, LeadNotFound, LeadPassedOn, LeadReceived
from contracts.events.needs import NeedAsked, NeedMet
from services.intake import leads
from services.intake.common import Common
from services.intake.records import KINDS
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


def _need(record: leads.Need, ids: Ids) -> Iterator[Fact]:
    head = of_person(record, ids, "asked")
    yield NeedAsked(**head, need_id=ids.record_id, need=record.need, asked_at=record.asked_at)


_STEPS: Mapping[type[Common], tuple[type[Fact], str]] = {
    leads.Landed: (LeadLanded, "landed"),
    leads.NotFound: (LeadNotFound, "sought"),
    leads.PassedOn: (LeadPassedOn, "passed"),
    leads.ClosedLead: (LeadClosed, "closed"),
    leads.NeedMet: (NeedMet, "met"),
}
"""The fact of a step, and the word by which its statement, its instant (`…_at`) and its post (`…_by`) are called."""
_DID = dict(_STEPS.values())
_OWN = ("to_division_code", "outcome", "reason")


def _step(record: leads.Step, ids: Ids) -> Iterator[Fact]:
    fact, did = _STEPS[type(record)]
    done = {f"{did}_at": record.done_at, f"{did}_by": record.done_by}
    own = {name: getattr(record, name) for name in _OWN if name in fact.model_fields}
    yield fact(**of_person(record, ids, did), **{_followed(fact): ids.followed}, **done, **own)


def _followed(fact: type[Fact]) -> str:
    return "need_id" if fact is NeedMet else "lead_id"


SAYERS: Mapping[type[Common], Callable[[Any, Ids], Iterator[Fact]]] = {
    leads.Lead: _lead,
    leads.Need: _need,
    **dict.fromkeys(_STEPS, _step),
}
STEP_OF: Mapping[type[Fact], str] = {_STEPS[of][0]: kind for kind, of in KINDS.items() if of in _STEPS}
"""The fact of each step -> the kind of its record."""


def step_retold(fact: Fact) -> dict[str, Any]:
    """What the record of a step calls otherwise than its fact does."""
    did, of = _DID[type(fact)], type(fact)
    return {
        "asked" if of is NeedMet else "lead": {"id": getattr(fact, _followed(of))},
        "done_at": getattr(fact, f"{did}_at").isoformat(),
        "done_by": getattr(fact, f"{did}_by"),
    }
