"""How firmly a value holds at a place: in force by its certainty, or because a jurisdiction adopted it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from contracts.divisions import Divisions
from contracts.envelope import DivisionCode, Id, Instant
from contracts.events.contacts import Standing
from contracts.policy.editions import Certainty, Frozen


class Adoption(Frozen):
    """A jurisdiction adopts the provisional values of a key, whatever edition states them, there and below.

    key: a deadline's key, "contact", "secondary_contact" or "contact_lookback".
    hours: its own, of a deadline of which no plan states any.
    """

    division_code: DivisionCode
    key: Id
    adopted_from: Instant
    decided_by: Id
    document: str
    hours: float | None = None


def adoption_of(key: str, instant: datetime, division_code: str, adoptions: Sequence[Adoption]) -> Adoption | None:
    """The nearest adoption of key, by the division or one above it, in force at the instant."""
    binding = [
        adoption
        for adoption in adoptions
        if adoption.key == key
        and adoption.adopted_from <= instant
        and division_code.startswith(bound_by(adoption.division_code))
    ]
    return max(binding, key=lambda adoption: (len(adoption.division_code), adoption.adopted_from), default=None)


@cache
def bound_by(jurisdiction_code: str) -> tuple[str, ...]:
    """Prefixes of the codes where a jurisdiction's adoption binds: its own, and of a functional area what it takes."""
    return (jurisdiction_code, *Divisions.load().taken_by(jurisdiction_code))


def standing_of(certainty: Certainty | None, adoption: Adoption | None) -> Standing:
    """A and B are in force; C is provisional until adopted; nothing known is blank."""
    if certainty is None:
        return Standing.BLANK
    if certainty in ("A", "B"):
        return Standing.IN_FORCE
    return Standing.ADOPTED if adoption else Standing.PROVISIONAL


def cited(source: str, adoption: Adoption | None, standing: Standing) -> str:
    """The source, with the document that adopted it where that is why it binds."""
    if standing is not Standing.ADOPTED or adoption is None:
        return source
    return f"{source}; adopted for {adoption.division_code} by {adoption.decided_by}, {adoption.document}"
