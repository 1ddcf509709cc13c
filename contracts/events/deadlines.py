"""Clocks and what they say: judged, missed, told (Notice 003 §2: found, reported, handled at first time)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from contracts.envelope import DivisionCode, Fact, Id, Instant, fact
from contracts.events.contacts import Standing


class Line(StrEnum):
    """Four lines of reporting; one event may open clocks on several, none stops another."""

    HEALTH = "health"
    COMMAND = "command"
    PARTY = "party"
    UNIT = "unit"


class Verdict(StrEnum):
    """What a clock says. UNDECIDED: times known by the day only. UNLIMITED: no deadline known. CANCELLED: never due."""

    RUNNING = "running"
    KEPT = "kept"
    LATE = "late"
    MISSED = "missed"
    UNDECIDED = "undecided"
    UNLIMITED = "unlimited"
    CANCELLED = "cancelled"


@fact
class DeadlineJudged(Fact):
    """A clock's verdict with the edition that judged it. MISSED turns LATE when the act comes after all.

    A person has a clock of a deadline for each matter: a contact again after quarantine, ill again after an exclusion.
    stopped_at: of a missed one when the next matter began, from where on nobody owes the act for this one any more.
    about_id: of what the clock is, where a person may have several of one kind: the lead.
    """

    type: ClassVar[str] = "deadline-judged"

    person_id: Id
    clock_id: Id
    deadline: Id
    line: Line
    verdict: Verdict
    started_at: Instant
    due_at: Instant | None = None
    stopped_at: Instant | None = None
    edition: Id
    standing: Standing
    about_id: Id | None = None


@fact
class VisitMissed(Fact):
    """A slot went by without a health check; withdrawn if a check made in time is received later."""

    type: ClassVar[str] = "visit-missed"

    person_id: Id
    placement_id: Id
    slot_start_at: Instant
    slot_end_at: Instant


@fact
class MessageSent(Fact):
    """One digest to one post, naming every item by clock; no name, number or address is in it."""

    type: ClassVar[str] = "message-sent"
    key_field: ClassVar[str] = "post_id"

    post_id: Id
    line: Line
    post_division_code: DivisionCode
    items: int = Field(ge=1)
    sent_at: Instant
