"""Quarantine of the exposed, isolation of the ill: proposed by rules, ordered, placed, visited and ended by people."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope import Fact, Id, Instant, fact
from contracts.events.canvassing import Symptom
from contracts.events.cases import Classification, FoundHow
from contracts.events.contacts import Category, Standing


class Mode(StrEnum):
    """Where and how strictly (five control tiers, domain §3); HOSPITAL is isolation of the ill."""

    CENTRAL_QUARANTINE = "central_quarantine"
    HOME_QUARANTINE = "home_quarantine"
    HOME_HEALTH_MONITORING = "home_health_monitoring"
    HOSPITAL = "hospital"


class Measure(BaseModel):
    """One phase: a mode from an instant until an instant, and the dates on which a test is due."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    mode: Mode
    from_at: Instant
    until_at: Instant
    test_dates: tuple[date, ...] = ()


@fact
class QuarantineProposed(Fact):
    """Derived: the policy would have this person quarantined. A proposal binds nobody; a post-holder decides.

    found_at: when the contact was found; not in what was said before.
    """

    type: ClassVar[str] = "quarantine-proposed"

    person_id: Id
    category: Category
    measures: tuple[Measure, ...] = Field(min_length=1)
    edition: Id
    standing: Standing
    found_at: Instant | None = None


@fact
class QuarantineOrdered(Fact):
    """A person with the post decided: office, decider, law, document, reason in plain words, when it was served."""

    type: ClassVar[str] = "quarantine-ordered"

    person_id: Id
    order_id: Id
    office: Id
    decider: Id
    legal_basis: str = Field(min_length=2, max_length=200)
    document: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=2, max_length=500)
    served_at: Instant
    measures: tuple[Measure, ...] = Field(min_length=1)


@fact
class QuarantineEnded(Fact):
    """A person with the post ended the order. An end reached is an end: no derivation opens it again."""

    type: ClassVar[str] = "quarantine-ended"

    person_id: Id
    order_id: Id
    decider: Id
    ended_at: Instant


@fact
class PlacementStarted(Fact):
    """A person arrived where the measure is carried out; the transfer clock stops at started_at."""

    type: ClassVar[str] = "placement-started"

    person_id: Id
    placement_id: Id
    mode: Mode
    site_id: Id
    started_at: Instant


@fact
class PlacementEnded(Fact):
    """A person left a placement: a fact of what was done, never taken back by a changed derivation."""

    type: ClassVar[str] = "placement-ended"

    person_id: Id
    placement_id: Id
    ended_at: Instant


@fact
class PersonVisited(Fact):
    """One health check of a person under a measure, twice a day by slot (domain §3)."""

    type: ClassVar[str] = "person-visited"

    person_id: Id
    visited_at: Instant
    temperature_celsius: float | None = Field(default=None, ge=30, le=45)
    symptoms: tuple[Symptom, ...] = ()


@fact
class CareScheduled(Fact):
    """Derived: what is due for a placement: checks a day from from_at until until_at, tests on test_dates."""

    type: ClassVar[str] = "care-scheduled"

    person_id: Id
    placement_id: Id
    mode: Mode
    from_at: Instant
    until_at: Instant
    checks_per_day: int = Field(ge=0, le=12)
    test_dates: tuple[date, ...]
    edition: Id
    standing: Standing


@fact
class SamplingDue(Fact):
    """Derived: a member of a positive tube owes a sample of his or her own; withdrawn once it has a result."""

    type: ClassVar[str] = "sampling-due"

    person_id: Id
    tube_id: Id
    since_at: Instant


@fact
class ReleaseDue(Fact):
    """Derived: every condition is met, and the measure ends at due_at; a person with the post says so."""

    type: ClassVar[str] = "release-due"

    person_id: Id
    order_id: Id
    due_at: Instant
    edition: Id


class Care(StrEnum):
    """Where a person stands between the first finding and the end."""

    NONE = "none"
    AWAITING_ORDER = "awaiting_order"
    AWAITING_TRANSFER = "awaiting_transfer"
    CENTRAL_QUARANTINE = "central_quarantine"
    HOME_QUARANTINE = "home_quarantine"
    HOME_HEALTH_MONITORING = "home_health_monitoring"
    ISOLATED = "isolated"
    RELEASED = "released"


@fact
class EpisodeChanged(Fact):
    """Derived: the whole state of one person, as the figures count it; the highest revision holds."""

    type: ClassVar[str] = "episode-changed"

    person_id: Id
    category: Category | None = None
    classification: Classification | None = None
    found_how: FoundHow | None = None
    classified_at: Instant | None = None
    care: Care
    care_since_at: Instant | None = None
