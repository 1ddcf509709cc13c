"""The forms of an answer: each names the edition, how sure the value is, whether it binds, and its source."""

from __future__ import annotations

from typing import Literal

from contracts.events.contacts import Standing
from contracts.policy.editions import Certainty, Frozen, Phase

NO_EDITION = "none"


class Answer(Frozen):
    """edition: the one in force at the instant, NO_EDITION before 2020-01-15.

    source names the edition that states the value where that is another: one that this edition amends, or one from
    which a lookback is carried over. certainty None: this edition's value was not found.
    """

    edition: str
    certainty: Certainty | None
    standing: Standing
    source: str


class Deadline(Answer):
    """hours None: no deadline is known (standing BLANK), and source says why."""

    key: str
    hours: float | None


class Lookback(Answer):
    """Days before onset (before sampling, without symptoms) from which an exposure makes a contact.

    None: identify no contacts, as nothing is known (BLANK, ed. 1) or contacts were abolished (IN_FORCE, class B).
    """

    days_before: int | None


class Retention(Answer):
    """Days for which who somebody is may be kept after the last need. None: no edition states any (BLANK)."""

    days: int | None


class Plan(Answer):
    """Quarantine in phases, one directly after the other; the first counts its days from clock."""

    phases: tuple[Phase, ...]
    clock: Literal["last_exposure"]
    checks_per_day: int


class NoPlan(Answer):
    """No quarantine for this category: an edition ended it (abolished), or no plan is known. source says why."""

    abolished: bool
