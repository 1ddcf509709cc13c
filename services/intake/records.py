"""The canonical records, as any sender writes them: one model a kind, JSON with times in ISO 8601 and their offset.

Common to all: feed, source_id (the sender's own id; without it the content is the id), revision (from 1, higher
corrects; a sender whose revisions may come in any order gives revised_at instead, or version, its own count: the door
numbers them, the latest stands), withdrawn,
division_code (where recorded; of a person: where the person lives), drill (an exercise), corrected_because (why).
Someone is named by `person` with an id_number, by `person_ref`, by the `person_id` that intake gave, or by several of
them. A record with withdrawn needs no more than feed, source_id, revision and kind (`Withdrawal`). Those of the roster
and of duty stand in `duties.py`, those of leads and needs in `leads.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticKnownError

from contracts.events.canvassing import Channel, Symptom
from contracts.events.cases import Classification, FoundHow, InfectionSource, Precision
from contracts.events.contacts import ContactWay
from contracts.events.quarantine import Mode
from contracts.events.testing import Result
from contracts.events.vaccinations import Vaccine
from contracts.policy import known_rules
from services.intake.common import Common
from services.intake.duties import DutyRecord
from services.intake.fields import Closed, Feed, Identifier, Instant, Plain, Reference, Version
from services.intake.leads import LeadRecord, NeedRecord
from services.intake.parts import Dwelling, HouseholdMember, MeasureOrdered, Other, Someone, TubeMember


def _known_rule(value: str) -> str:
    if value not in known_rules():
        raise PydanticKnownError("literal_error", {"expected": ", ".join(sorted(known_rules()))})
    return value


Rule = Annotated[Identifier, AfterValidator(_known_rule)]
"""The key of a deadline, of a quarantine plan, of the lookback or of retention."""
STAGE_DIVISION = "00"
"""Where the stage clock stands: everywhere."""


class HouseholdVisit(Common):
    """members: who was met; nobody where all who live there are away, which a presence each says."""

    kind: Literal["household-visit"]
    dwelling: Dwelling
    round_id: Identifier
    visited_at: Instant
    channel: Channel
    members: tuple[HouseholdMember, ...] = Field(max_length=200)


class Tube(Common):
    kind: Literal["tube"]
    tube_id: Identifier
    sampled_at: Instant
    members: tuple[TubeMember, ...] = Field(min_length=1, max_length=20)


class TubeResult(Common):
    kind: Literal["tube-result"]
    tube_id: Identifier
    resulted_at: Instant
    result: Result


class SingleTest(Common, Someone):
    kind: Literal["test"]
    sampled_at: Instant
    resulted_at: Instant
    result: Result
    ct_value: float | None = Field(default=None, ge=0, le=60)


class Vaccination(Common, Someone):
    kind: Literal["vaccination"]
    vaccine: Vaccine
    dose_number: int | None = Field(default=None, ge=1, le=10)
    given_at: Instant


class CaseFinding(Common, Someone):
    kind: Literal["case-finding"]
    classification: Classification
    found_at: Instant
    found_how: FoundHow
    onset_at: Instant | None = None
    institution: Identifier
    precision: Precision = Precision.MINUTE
    reported_at: Instant | None = None
    infection_source: InfectionSource | None = None


class CaseReport(Common, Someone):
    kind: Literal["case-report"]
    reported_at: Instant
    institution: Identifier


class CaseClassification(Common, Someone):
    kind: Literal["case-classification"]
    classification: Classification
    classified_at: Instant


class Exposure(Common, Someone):
    kind: Literal["exposure"]
    other: Other
    other_division_code: Identifier
    way: ContactWay
    first_at: Instant
    last_at: Instant


class PlaceExposure(Common, Someone):
    """The person was at a place that investigators name; who else was there is not known."""

    kind: Literal["place-exposure"]
    place_id: Identifier
    first_at: Instant
    last_at: Instant


class QuarantineOrder(Common, Someone):
    kind: Literal["quarantine-order"]
    order_id: Identifier
    office: Identifier
    decider: Identifier
    legal_basis: Plain = Field(min_length=2, max_length=200)
    document: Plain = Field(max_length=100)
    reason: Plain = Field(min_length=2, max_length=500)
    served_at: Instant
    measures: tuple[MeasureOrdered, ...] = Field(min_length=1, max_length=20)


class QuarantineEnd(Common, Someone):
    kind: Literal["quarantine-end"]
    order_id: Identifier
    decider: Identifier
    ended_at: Instant


class Placement(Common, Someone):
    kind: Literal["placement"]
    placement_id: Identifier
    mode: Mode
    site_id: Identifier
    started_at: Instant


class PlacementEnd(Common, Someone):
    kind: Literal["placement-end"]
    placement_id: Identifier
    ended_at: Instant


class Visit(Common, Someone):
    kind: Literal["visit"]
    visited_at: Instant
    temperature_celsius: float | None = Field(default=None, ge=30, le=45)
    symptoms: tuple[Symptom, ...] = Field(default=(), max_length=20)


class PersonDetails(Common, Someone):
    """What is known of a person was corrected: nothing happened, so nothing is said; the vault keeps it."""

    kind: Literal["person-details"]


class PolicyAdoption(Common):
    """hours: the jurisdiction's own, of a deadline for which no plan states any."""

    kind: Literal["policy-adoption"]
    rule: Rule
    adopted_from: Instant
    decided_by: Identifier
    document: Plain = Field(max_length=100)
    hours: float | None = Field(default=None, gt=0, le=1000)


class SamePerson(Common):
    """Two ids, numbers or references mean one person: a decision of somebody with a post. Withdrawn: they do not.

    kept: the id under which the person is known from then on. division_code: of that one. `Withdrawal` may say who
    decided that and why, as here.
    """

    kind: Literal["same-person"]
    kept: Someone
    other: Someone
    decided_by: Identifier
    decided_at: Instant
    reason: Plain = Field(min_length=2, max_length=500)


class StageTime(Common):
    """The stage clock of plays and tests; refused under a wall clock."""

    kind: Literal["stage-time"]
    division_code: Identifier = STAGE_DIVISION
    to_at: Instant
    running: bool = False


class Withdrawal(Closed):
    """It was not so: everything the record said is withdrawn. Its other fields may stay as they were."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    feed: Feed
    source_id: Reference
    revision: int = Field(ge=2, le=2_000_000_000)
    revised_at: Instant | None = None
    version: Version | None = None
    withdrawn: Literal[True]
    kind: str
    # Of a merge that is taken back. Outside the content: what makes a repetition is what was withdrawn.
    decided_by: Any = Field(default=None, exclude=True)
    reason: Any = Field(default=None, exclude=True)


class WithdrawalByTime(Withdrawal):
    """The same of a sender that tells when it revised; it may come before what it withdraws."""

    revision: int = 2
    revised_at: Instant


class WithdrawalByVersion(Withdrawal):
    """The same of a sender whose counted versions may come in any order."""

    revision: int = 2
    version: Version


Record = (
    HouseholdVisit
    | Tube
    | TubeResult
    | SingleTest
    | Vaccination
    | CaseFinding
    | CaseReport
    | CaseClassification
    | Exposure
    | PlaceExposure
    | QuarantineOrder
    | QuarantineEnd
    | Placement
    | PlacementEnd
    | Visit
    | PersonDetails
    | PolicyAdoption
    | SamePerson
    | StageTime
    | DutyRecord
    | LeadRecord
    | NeedRecord
)
KINDS: dict[str, type[Common]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(Record)
}


def record_schema() -> dict[str, Any]:
    """JSON Schema: a branch a kind, and withdrawals. What needs a calendar or a check digit the door alone tells."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A record for POST /records",
        **TypeAdapter(Record | Withdrawal | WithdrawalByTime | WithdrawalByVersion).json_schema(),
    }
