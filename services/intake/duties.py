"""Records of the roster and of duty: who lives where, who is away, which round is open, who answers for what.

They say no event: intake keeps them (`rules.roster`) and lists what follows from them for the workers (`today`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from contracts.events.canvassing import Channel
from services.intake.common import Common
from services.intake.fields import Identifier, Instant, Plain
from services.intake.parts import Dwelling, Someone


class HouseholdRegister(Common):
    """The register of one dwelling, whole: who lives there from then on (Notice 003 §2). lived_in: false if nobody."""

    kind: Literal["household-register"]
    dwelling: Dwelling
    registered_at: Instant
    lived_in: bool = True
    members: tuple[Someone, ...] = Field(default=(), max_length=200)


class Presence(Common, Someone):
    """Here, or away: since when, where (a division's code or a word), and when expected back."""

    kind: Literal["presence"]
    state: Literal["here", "away"]
    since_at: Instant
    where: Plain | None = Field(default=None, max_length=100)
    back_at: Instant | None = None


class CanvassingRound(Common):
    """A round is opened for a division and all below it, by a post, from an instant until another."""

    kind: Literal["canvassing-round"]
    round_id: Identifier
    opened_by: Identifier
    from_at: Instant
    until_at: Instant


class Outcome(StrEnum):
    """Why nobody was reached."""

    NOBODY_HOME = "nobody_home"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class CanvassAttempt(Common):
    """A household was sought and not reached. An attempt is not a visit: it covers nobody."""

    kind: Literal["canvass-attempt"]
    dwelling: Dwelling
    round_id: Identifier
    attempted_at: Instant
    channel: Channel
    outcome: Outcome


class Duty(StrEnum):
    """How a post answers for what it is assigned (Notice 003 §2; 1+3+N, 包干联户, 五包一)."""

    LEADER = "leader"
    WORKER = "worker"
    MICRO_GRID_LEADER = "micro_grid_leader"
    LINKED_HOUSEHOLDS = "linked_households"
    STAND_IN = "stand_in"
    CADRE = "cadre"
    DOCTOR = "doctor"
    POLICE = "police"
    VOLUNTEER = "volunteer"


class Assignment(Common, Someone):
    """A post answers for one dwelling, one person, one site or, where none is named, for the division itself."""

    kind: Literal["assignment"]
    post_id: Identifier
    duty: Duty
    dwelling: Dwelling | None = None
    site_id: Identifier | None = None
    valid_from_at: Instant
    valid_until_at: Instant | None = None


class HandOver(Common):
    """At one instant everything that one post answers for in the division, and below it, becomes another post's."""

    kind: Literal["hand-over"]
    from_post_id: Identifier
    to_post_id: Identifier
    handed_at: Instant


DutyRecord = HouseholdRegister | Presence | CanvassingRound | CanvassAttempt | Assignment | HandOver
