"""Exposures as investigators name them, and the contacts that tracing derives from them (domain §3, §7)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from contracts.envelope import DivisionCode, Fact, Id, Instant, fact


class ContactWay(StrEnum):
    """How two persons met (contact form of 2022, domain §7). SHARED_VENUE alone makes a casual contact.

    OTHER is the form's own last choice: they met, in a way that the list does not name.
    """

    DINED = "dined"
    LIVED = "lived"
    SAME_HOUSE = "same_house"
    SAME_BED = "same_bed"
    WORKED_OR_STUDIED = "worked_or_studied"
    SAME_VEHICLE = "same_vehicle"
    TREATED = "treated"
    NURSED = "nursed"
    SAME_WARD = "same_ward"
    ENTERTAINED = "entertained"
    SHARED_VENUE = "shared_venue"
    OTHER = "other"


class Category(StrEnum):
    """Close contact, secondary contact (a close contact's contact), casual contact (informed, not quarantined)."""

    CLOSE = "close"
    SECONDARY = "secondary"
    CASUAL = "casual"


class Standing(StrEnum):
    """How firmly a policy value holds: certainty A and B in force, C provisional until adopted, else blank."""

    IN_FORCE = "in_force"
    ADOPTED = "adopted"
    PROVISIONAL = "provisional"
    BLANK = "blank"


@fact
class ExposureNamed(Fact):
    """Two persons met. It has no direction: who exposed whom is derived from who is a case, and when."""

    type: ClassVar[str] = "exposure-named"

    person_id: Id
    other_id: Id
    other_division_code: DivisionCode
    way: ContactWay
    first_at: Instant
    last_at: Instant


@fact
class PlaceExposureNamed(Fact):
    """A person was at a place where others may have been exposed. place_id: the sender's own id of it, no address."""

    type: ClassVar[str] = "place-exposure-named"

    person_id: Id
    place_id: Id
    first_at: Instant
    last_at: Instant


class ContactMatter(BaseModel):
    """One time as a contact: what counts between two ends of quarantine.

    follows_order_id: the order with which the quarantine began that it follows, and since_at: when that had ended; both
    are left out of the first. found_at: the transfer clock of a close one starts there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    category: Category
    found_at: Instant
    follows_order_id: Id | None = None
    since_at: Instant | None = None


@fact
class ContactIdentified(Fact):
    """Derived: this person is a contact. Withdrawn when the facts no longer make it so.

    linked_id: the case (close, casual) or the close contact (secondary) of the latest exposure. found_at: when the last
    fact that it rests on was received; the transfer clock starts there. exposure_ids: statements it rests on.

    matters: once a quarantine had ended before an exposure, every matter as they came; the last is the one stated here.
    """

    type: ClassVar[str] = "contact-identified"

    person_id: Id
    category: Category
    linked_id: Id
    last_exposure_at: Instant
    found_at: Instant
    exposure_ids: tuple[Id, ...]
    edition: Id
    standing: Standing
    matters: tuple[ContactMatter, ...] = ()
