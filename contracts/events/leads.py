"""Leads: somebody to be found, told from above, by a letter or by a tip; what became of it (Notice 000 §1)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from contracts.envelope import DivisionCode, Fact, Id, Instant, fact


class LeadSource(StrEnum):
    """A list pushed from above, a co-investigation letter of another place, a tip of whoever saw something."""

    LIST = "list"
    LETTER = "letter"
    TIP = "tip"


class LeadOutcome(StrEnum):
    """What a lead was closed with."""

    UNDER_CONTROL = "under_control"
    NO_RISK = "no_risk"
    NOT_TO_BE_FOUND = "not_to_be_found"
    MISTAKEN = "mistaken"


@fact
class LeadReceived(Fact):
    """Somebody is to be found in the division of the event. lead_id: the record's. reference: the letter's or list's.

    sent_by: the office that sent it.
    """

    type: ClassVar[str] = "lead-received"

    person_id: Id
    lead_id: Id
    source: LeadSource
    reference: Id | None = None
    sent_by: Id | None = None
    received_at: Instant


@fact
class LeadLanded(Fact):
    """The person was found and is who was meant."""

    type: ClassVar[str] = "lead-landed"

    person_id: Id
    lead_id: Id
    landed_at: Instant
    landed_by: Id


@fact
class LeadNotFound(Fact):
    """The person was sought and is not there; the lead stays with the division until it is passed on or closed."""

    type: ClassVar[str] = "lead-not-found"

    person_id: Id
    lead_id: Id
    sought_at: Instant
    sought_by: Id


@fact
class LeadPassedOn(Fact):
    """Sent down, or to where the person is said to be: from then on it is the other division's, with its own clock.

    reason: in words that name nobody.
    """

    type: ClassVar[str] = "lead-passed-on"

    person_id: Id
    lead_id: Id
    to_division_code: DivisionCode
    reason: str | None = Field(default=None, min_length=2, max_length=200)
    passed_at: Instant
    passed_by: Id


@fact
class LeadClosed(Fact):
    """Nothing more is to be done. reason: in words that name nobody."""

    type: ClassVar[str] = "lead-closed"

    person_id: Id
    lead_id: Id
    outcome: LeadOutcome
    reason: str = Field(min_length=2, max_length=200)
    closed_at: Instant
    closed_by: Id
