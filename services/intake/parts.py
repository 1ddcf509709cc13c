"""What records are made of: somebody, a dwelling, a member of a household or a tube, a measure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.events.canvassing import Symptom
from contracts.events.quarantine import Mode
from services.intake.fields import Closed, Day, Identifier, IdNumber, Instant, Reference, Text


class Person(Closed):
    """Who someone is; all of it goes into the vault and nowhere else."""

    id_number: IdNumber | None = None
    name: Text | None = Field(default=None, max_length=100)
    phone: Text | None = Field(default=None, max_length=32)
    sex: Literal["F", "M"] | None = None
    birth_date: Day | None = None
    address: Text | None = Field(default=None, max_length=300)


class Someone(Closed):
    """A person by number, by the sender's reference, which means the same person in every feed, or by intake's id."""

    person: Person | None = None
    person_ref: Reference | None = None
    person_id: Identifier | None = None


class Other(Someone, Person):
    """The other of an exposure: in the form of Someone, or the fields of a person at once."""

    @property
    def flat(self) -> Person | None:
        """The person that stands here without the word `person`."""
        fields = {name: getattr(self, name) for name in Person.model_fields}
        return Person.model_construct(**fields) if any(fields.values()) else None


class Dwelling(Closed):
    """A dwelling by a reference that means the same one in every feed, or by intake's id; the address goes into the
    vault.
    """

    ref: Reference | None = None
    dwelling_id: Identifier | None = None
    address: Text | None = Field(default=None, max_length=300)


class Arrival(Closed):
    source_area_code: Identifier
    left_area_at: Instant | None = None
    arrived_at: Instant


class HouseholdMember(Someone):
    temperature_celsius: float | None = Field(default=None, ge=30, le=45)
    symptoms: tuple[Symptom, ...] = Field(default=(), max_length=20)
    arrival: Arrival | None = None


class TubeMember(Someone):
    division_code: Identifier


class MeasureOrdered(Closed):
    mode: Mode
    from_at: Instant
    until_at: Instant
    test_dates: tuple[Day, ...] = Field(default=(), max_length=100)
