"""House by house: households canvassed, persons screened at the door, arrivals from source areas (Notice 003 §2)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from contracts.envelope import Fact, Id, Instant, fact


class Channel(StrEnum):
    """How a household was reached: at the door, by telephone, by message, by an app (Notice 003 §2)."""

    VISIT = "visit"
    PHONE = "phone"
    MESSAGE = "message"
    APP = "app"


class Symptom(StrEnum):
    """Symptoms that send a person on to the health department (domain §3, symptom branch)."""

    FEVER = "fever"
    COUGH = "cough"
    FATIGUE = "fatigue"
    SORE_THROAT = "sore_throat"
    LOSS_OF_SMELL = "loss_of_smell"
    DIARRHOEA = "diarrhoea"


FEVER_LINE_CELSIUS = 37.3
"""The fever line in degrees Celsius (domain §3, certainty C)."""


@fact
class HouseholdCanvassed(Fact):
    """One household was reached in a round; an attempt is not a canvass."""

    type: ClassVar[str] = "household-canvassed"
    key_field: ClassVar[str] = "dwelling_id"

    dwelling_id: Id
    round_id: Id
    canvassed_at: Instant
    channel: Channel
    persons_met: int = Field(ge=0, le=200)


@fact
class CaseScreened(Fact):
    """One person was examined for the disease, whatever the outcome; it does not make a case."""

    type: ClassVar[str] = "case-screened"

    person_id: Id
    dwelling_id: Id
    round_id: Id
    screened_at: Instant
    temperature_celsius: float | None = Field(default=None, ge=30, le=45)
    symptoms: tuple[Symptom, ...] = ()

    @property
    def feverish(self) -> bool:
        """At or over the fever line, or fever named as a symptom."""
        hot = self.temperature_celsius is not None and self.temperature_celsius >= FEVER_LINE_CELSIUS
        return hot or Symptom.FEVER in self.symptoms


@fact
class ArrivalRegistered(Fact):
    """A person came from a source area elsewhere (Notice 000, 001, 003 §2)."""

    type: ClassVar[str] = "arrival-registered"

    person_id: Id
    source_area_code: Id
    left_area_at: Instant | None = None
    arrived_at: Instant
