"""Vaccinations against COVID-19, dose by dose (Notice 003 §4)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from contracts.envelope import Fact, Id, Instant, fact


class Vaccine(StrEnum):
    """How a vaccine is made: by it a course has one dose, two or three."""

    INACTIVATED = "inactivated"
    VIRAL_VECTOR = "viral_vector"
    PROTEIN_SUBUNIT = "protein_subunit"
    MRNA = "mrna"
    NOT_SAID = "not_said"


@fact
class PersonVaccinated(Fact):
    """A dose was given. dose_number: 1 is the first; none where the sender does not say which it was."""

    type: ClassVar[str] = "person-vaccinated"

    person_id: Id
    vaccine: Vaccine
    dose_number: int | None = Field(default=None, ge=1, le=10)
    given_at: Instant
