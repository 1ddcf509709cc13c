"""What a jurisdiction decides about policy itself, and the stage clock of plays and tests."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from contracts.envelope import DivisionCode, Fact, Id, Instant, fact


@fact
class PolicyAdopted(Fact):
    """A jurisdiction adopts a provisional value (certainty C): from then on it binds there and below.

    hours: its own, for a deadline of which no plan states any.
    """

    type: ClassVar[str] = "policy-adopted"
    key_field: ClassVar[str] = "jurisdiction_code"

    jurisdiction_code: DivisionCode
    rule: Id
    adopted_from: Instant
    decided_by: Id
    document: str = Field(min_length=1, max_length=100)
    hours: float | None = Field(default=None, gt=0, le=1000)


@fact
class TimeAdvanced(Fact):
    """The stage clock now reads to_at; running: it goes on from there at wall speed. Never sent under a wall clock."""

    type: ClassVar[str] = "time-advanced"
    key_field: ClassVar[str] = "clock_id"

    clock_id: Id = "stage"
    to_at: Instant
    running: bool = False
