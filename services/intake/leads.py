"""Records of leads and of needs: what came, and the steps that follow it, each naming the record that it follows.

A step names nobody: who is meant, the record that it follows has told.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.events.leads import LeadOutcome, LeadSource
from contracts.events.needs import NeedKind
from services.intake.common import Common
from services.intake.fields import Closed, Feed, Identifier, Instant, Plain, Reference
from services.intake.parts import Someone


class Lead(Common, Someone):
    """Somebody is to be found in the division: by a list from above (the usual), a letter, a tip.

    reference: the letter's or the list's own number. sent_by: the office that sent it.
    """

    kind: Literal["lead"]
    source: LeadSource = LeadSource.LIST
    reference: Plain | None = Field(default=None, max_length=64)
    sent_by: Identifier | None = None
    received_at: Instant


class Followed(Closed):
    """The record that a step follows: by the id that lists show, or by the feed and source_id of its sender."""

    id: Identifier | None = None
    feed: Feed | None = None
    source_id: Reference | None = None


class LeadStep(Common):
    """done_by: the post that did it. division_code: the division that holds the lead."""

    lead: Followed
    done_at: Instant
    done_by: Identifier


class Landed(LeadStep):
    """The person was found and is who was meant."""

    kind: Literal["lead-landed"]


class NotFound(LeadStep):
    """The person was sought and is not there."""

    kind: Literal["lead-not-found"]


class PassedOn(LeadStep):
    """Sent down to a division below, or on to where the person is said to be; a reason names nobody."""

    kind: Literal["lead-passed-on"]
    to_division_code: Identifier
    reason: Plain | None = Field(default=None, min_length=2, max_length=200)


class ClosedLead(LeadStep):
    """Nothing more is to be done; the reason names nobody."""

    kind: Literal["lead-closed"]
    outcome: LeadOutcome
    reason: Plain = Field(min_length=2, max_length=200)


class Need(Common, Someone):
    """What somebody in quarantine asked for, at a visit or otherwise."""

    kind: Literal["need"]
    need: NeedKind
    asked_at: Instant


class NeedMet(Common):
    kind: Literal["need-met"]
    asked: Followed
    done_at: Instant
    done_by: Identifier


LeadRecord = Lead | Landed | NotFound | PassedOn | ClosedLead
NeedRecord = Need | NeedMet
Step = Landed | NotFound | PassedOn | ClosedLead | NeedMet
LEAD_STEPS = ("lead-landed", "lead-not-found", "lead-passed-on", "lead-closed")
STEPS = frozenset({*LEAD_STEPS, "need-met"})


def followed_by(record: object) -> Followed | None:
    """The record that this one follows, if it is a step."""
    if isinstance(record, LeadStep):
        return record.lead
    return record.asked if isinstance(record, NeedMet) else None
