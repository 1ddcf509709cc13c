"""A record told again by what it said: the inverse of `facts`. Who is meant is told by the random ids alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.envelope import Fact
from contracts.events.canvassing import ArrivalRegistered, CaseScreened, HouseholdCanvassed
from contracts.events.cases import CaseClassified, CaseFound, CaseReported
from contracts.events.contacts import ExposureNamed, PlaceExposureNamed
from contracts.events.leads import LeadReceived
from contracts.events.needs import NeedAsked
from contracts.events.people import PersonsMerged
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import (
    PersonVisited,
    PlacementEnded,
    PlacementStarted,
    QuarantineEnded,
    QuarantineOrdered,
)
from contracts.events.testing import TestResulted, TubeResulted, TubeSampled
from contracts.events.vaccinations import PersonVaccinated
from services.intake.records import KINDS
from services.intake.rules.lead_facts import STEP_OF, step_retold
from services.intake.rules.statements import Saying

KIND_OF: Mapping[type[Fact], str] = {
    HouseholdCanvassed: "household-visit",
    TubeSampled: "tube",
    TubeResulted: "tube-result",
    TestResulted: "test",
    PersonVaccinated: "vaccination",
    CaseFound: "case-finding",
    CaseReported: "case-report",
    CaseClassified: "case-classification",
    ExposureNamed: "exposure",
    PlaceExposureNamed: "place-exposure",
    QuarantineOrdered: "quarantine-order",
    QuarantineEnded: "quarantine-end",
    PlacementStarted: "placement",
    PlacementEnded: "placement-end",
    PersonVisited: "visit",
    PolicyAdopted: "policy-adoption",
    LeadReceived: "lead",
    NeedAsked: "need",
    **STEP_OF,
}
"""The first fact that a record says -> its kind."""
_KIND_OF_ANY: Mapping[type[Fact], str] = {**KIND_OF, PersonsMerged: "same-person"}
"""With that of records which are not retold."""
_OF_THE_STATEMENT = {"statement_id", "revision", "withdrawn"}


def kind_said(sayings: Sequence[Saying]) -> str | None:
    """The kind of the record that said these; None where nothing is said."""
    return _KIND_OF_ANY.get(type(sayings[0].fact)) if sayings else None


def retold(sayings: Sequence[Saying]) -> dict[str, Any] | None:
    """The record's fields without those of its sender; None where nothing is said, or of a kind that is not retold."""
    kind = KIND_OF.get(type(sayings[0].fact)) if sayings else None
    if kind is None:
        return None
    facts = [saying.fact for saying in sayings]
    record: dict[str, Any] = {"kind": kind, "division_code": sayings[0].division}
    if type(facts[0]) in STEP_OF:
        return record | _fields(kind, facts[0]) | step_retold(facts[0])
    match facts[0]:
        case HouseholdCanvassed() as canvassed:
            return record | _household(canvassed, facts[1:])
        case ExposureNamed() as exposure:
            return record | _fields(kind, exposure) | {"other": {"person_id": exposure.other_id}}
    for fact in facts:
        record = _fields(kind, fact) | record
    return record


def _fields(kind: str, fact: Fact) -> dict[str, Any]:
    """What the record calls as the fact does."""
    content = fact.model_dump(mode="json", exclude_none=True, exclude=_OF_THE_STATEMENT)
    return {name: value for name, value in content.items() if name in KINDS[kind].model_fields}


def _household(canvassed: HouseholdCanvassed, others: Sequence[Fact]) -> dict[str, Any]:
    members = dict[str, dict[str, Any]]()
    for fact in others:
        content = fact.model_dump(mode="json", exclude_none=True)
        match fact:
            case CaseScreened():
                found = {name: content[name] for name in ("temperature_celsius", "symptoms") if content.get(name)}
                members[fact.person_id] = {"person_id": fact.person_id, **found}
            case ArrivalRegistered():
                names = ("source_area_code", "left_area_at", "arrived_at")
                members[fact.person_id]["arrival"] = {name: content[name] for name in names if name in content}
    return {
        "dwelling": {"dwelling_id": canvassed.dwelling_id},
        "round_id": canvassed.round_id,
        "visited_at": canvassed.canvassed_at.isoformat(),
        "channel": canvassed.channel.value,
        "members": list(members.values()),
    }
