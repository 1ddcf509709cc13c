"""Cases: found, reported at first time, classified, reclassified (Notices 001-003; domain §1, §2, §7)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from contracts.envelope import Fact, Id, Instant, fact


class Classification(StrEnum):
    """What a person's infection is held to be. A preliminary positive is its own state before it is confirmed."""

    PRELIMINARY_POSITIVE = "preliminary_positive"
    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    ASYMPTOMATIC = "asymptomatic"
    EXCLUDED = "excluded"


class FoundHow(StrEnum):
    """The way a case came to light; under control means found while already in quarantine."""

    CANVASSING = "canvassing"
    MASS_TESTING = "mass_testing"
    FEVER_CLINIC = "fever_clinic"
    UNDER_CONTROL = "under_control"
    LINE_LIST = "line_list"


class InfectionSource(StrEnum):
    """Where a case was probably infected, as far as the sender's words say; links to other persons are exposures."""

    SOURCE_AREA = "source_area"
    KNOWN_CASE = "known_case"
    PLACE = "place"
    TRAVEL = "travel"
    UNKNOWN = "unknown"


class Precision(StrEnum):
    """How exactly a time is known. A two-hour clock cannot be judged on days: it says so instead of guessing."""

    MINUTE = "minute"
    DAY = "day"


@fact
class CaseFound(Fact):
    """An institution found a case: the report clock starts at found_at (`report.case.direct`, ed. 2 to 9)."""

    type: ClassVar[str] = "case-found"

    person_id: Id
    classification: Classification
    found_at: Instant
    found_how: FoundHow
    onset_at: Instant | None = None
    institution: Id
    precision: Precision = Precision.MINUTE
    infection_source: InfectionSource | None = None


@fact
class CaseReported(Fact):
    """The case was reported directly through the network: the report clock stops at reported_at."""

    type: ClassVar[str] = "case-reported"

    person_id: Id
    reported_at: Instant
    institution: Id
    precision: Precision = Precision.MINUTE


@fact
class CaseClassified(Fact):
    """The classification was made or changed; the latest classified_at counts, and none is counted twice."""

    type: ClassVar[str] = "case-classified"

    person_id: Id
    classification: Classification
    classified_at: Instant
