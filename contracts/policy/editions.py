"""The national COVID-19 plans as data, and which of them was in force on a Shanghai day.

Every value carries its certainty: A, the plan's own text was read; B, a reprint, the press or a paper; C, general
knowledge, confident; none, not found: the key is there, its value is null, and the note says so.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from contracts.policy.days import day_of

Certainty = Literal["A", "B", "C"]


class Mode(StrEnum):
    """Where a phase is spent (domain §3); the plans before ed. 6 leave home or central to the place."""

    CENTRAL_QUARANTINE = "central_quarantine"
    HOME_QUARANTINE = "home_quarantine"
    HOME_HEALTH_MONITORING = "home_health_monitoring"
    HOME_OR_CENTRAL_QUARANTINE = "home_or_central_quarantine"


class Frozen(BaseModel):
    """Immutable, and no field that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Phase(Frozen):
    """One part of a plan: whole days; test_days count from 1, the first day of this phase. Empty: none stated."""

    mode: Mode
    days: int = Field(ge=1)
    test_days: tuple[int, ...] = ()


class Stated(Frozen):
    """What every value carries. certainty None: a blank, whose note says what was not found."""

    certainty: Certainty | None
    source: str | None
    note: str | None = None

    @property
    def known(self) -> bool:
        """Whether there is a value (an abolition is one)."""
        return self.certainty is not None

    @model_validator(mode="after")
    def _source_or_note(self) -> Self:
        if (self.source if self.known else self.note) is None:
            raise ValueError("a value needs its source, a blank the note that says what was not found")
        return self


class DeadlineRule(Stated):
    """Hours from clock_start to action. since and until (exclusive) narrow it within its edition."""

    key: str
    hours: float | None
    clock_start: str
    action: str | None = None
    actor: str | None = None
    since: date | None = None
    until: date | None = None

    @property
    def states(self) -> frozenset[str]:
        """The states of a case that start it, `case found (suspected|confirmed)`; empty: it names none."""
        _, _, named = self.clock_start.partition("(")
        return frozenset(named.rstrip(")").split("|")) if named else frozenset()

    def holds_on(self, day: date) -> bool:
        """Whether this rule of the edition holds on that Shanghai day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


class PlanRule(Stated):
    """Quarantine of one kind of contact. phases None: abolished, or a blank."""

    key: str
    phases: tuple[Phase, ...] | None
    abolished: bool = False
    clock: Literal["last_exposure"] | None = None
    checks_per_day: int | None = None
    release: str | None = None


class LookbackRule(Stated):
    """Days before onset (before sampling, without symptoms) from which an exposure counts; 0: only after onset."""

    key: Literal["contact_lookback"]
    days_before: int | None
    abolished: bool = False


class RetentionRule(Stated):
    """Days for which names, numbers, telephones and addresses are kept after the last need for them."""

    key: Literal["identity_retention"]
    days: int | None


class ClusterRule(Stated):
    """How many infections within how many days make a cluster."""

    window_days: int
    confirmed_min: int
    suspected: str | None = None
    counts: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


class Edition(Frozen):
    """One plan or amending notice, in force from effective_from until before effective_to (Shanghai days).

    amends: the edition whose other values this one leaves in force. sure_from: where date_certainty is C, the day from
    which it was certainly in force: before that nothing of it binds that nobody adopted.
    """

    id: str
    name_zh: str
    doc_no: str | None
    doc_no_certainty: Certainty | None
    effective_from: date
    effective_to: date | None
    date_certainty: Certainty
    sure_from: date | None = None
    date_source: str
    amends: str | None = None
    deadlines: tuple[DeadlineRule, ...]
    plans: tuple[PlanRule, ...]
    lookback: LookbackRule | None
    cluster: ClusterRule | None
    retention: RetentionRule | None = None


class NoEdition(ValueError):
    """The instant lies before the first edition (2020-01-15): no plan applied, judge it by none."""


@cache
def editions() -> tuple[Edition, ...]:
    """Every edition, oldest first, without gaps between them."""
    text = files("contracts.policy").joinpath("editions.json").read_bytes()
    return TypeAdapter(tuple[Edition, ...]).validate_json(text)


def edition_at(instant: datetime) -> Edition:
    """The edition in force on the Shanghai day of the instant. Raises NoEdition before 2020-01-15."""
    day = day_of(instant)
    for edition in reversed(editions()):
        if edition.effective_from <= day:
            return edition
    raise NoEdition(f"{day} is before {editions()[0].effective_from}, the first edition: judge it by no deadline")


def base_of(edition: Edition) -> Edition | None:
    """The edition that this one amends, if it is an amending notice."""
    return next((other for other in editions() if other.id == edition.amends), None)
