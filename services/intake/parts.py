"""What records are made of: somebody, a dwelling, a member of a household or a tube, a measure."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from contracts.events.canvassing import Symptom
from contracts.events.quarantine import Mode
from services.intake.fields import Closed, Day, Identifier, IdNumber, Instant, Reference, Text, problem
from services.intake.rules.documents import DocumentKind, plain_document


class Document(Closed):
    """A document other than the identification number. country: of a passport, three letters (ISO 3166-1)."""

    kind: DocumentKind
    number: Text = Field(max_length=40)
    country: str | None = Field(default=None, pattern="^[A-Z]{3}$")

    @model_validator(mode="after")
    def _has_its_form(self) -> Self:
        if plain_document(self.kind, self.number) is None:
            raise problem(f"{self.kind.value}_form")
        if self.kind is DocumentKind.PASSPORT and self.country is None:
            raise problem("passport_country")
        return self

    @property
    def value(self) -> str:
        """By which the person is found; the same digits of two kinds, or of two countries, are two people."""
        plain = plain_document(self.kind, self.number)
        return f"{self.country}:{plain}" if self.kind is DocumentKind.PASSPORT else str(plain)


class Guardian(Closed):
    """Mother or guardian of a newborn without a document, who is found by it, the birth date and the order of birth."""

    id_number: IdNumber | None = None
    person_ref: Reference | None = None
    birth_order: int = Field(default=1, ge=1, le=9)


class Person(Closed):
    """Who someone is; all of it goes into the vault and nowhere else."""

    id_number: IdNumber | None = None
    name: Text | None = Field(default=None, max_length=100)
    phone: Text | None = Field(default=None, max_length=32)
    sex: Literal["F", "M"] | None = None
    birth_date: Day | None = None
    address: Text | None = Field(default=None, max_length=300)
    documents: tuple[Document, ...] | None = Field(default=None, max_length=8)
    guardian: Guardian | None = None


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
