"""Nucleic acid tests: tubes that pool 1-20 persons, their results, and single results (Notice 003 §2)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope import DivisionCode, Fact, Id, Instant, fact


class Result(StrEnum):
    """A laboratory's word. Inconclusive asks for another sample and proves nothing."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    INCONCLUSIVE = "inconclusive"


class Member(BaseModel):
    """A person in a tube, with the division the person lives in."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    person_id: Id
    division_code: DivisionCode


@fact
class TubeSampled(Fact):
    """A tube was filled; a positive tube means that each member is sampled again, alone."""

    type: ClassVar[str] = "tube-sampled"
    key_field: ClassVar[str] = "tube_id"

    tube_id: Id
    sampled_at: Instant
    members: tuple[Member, ...] = Field(min_length=1, max_length=20)


@fact
class TubeResulted(Fact):
    """The laboratory's result for a tube."""

    type: ClassVar[str] = "tube-resulted"
    key_field: ClassVar[str] = "tube_id"

    tube_id: Id
    resulted_at: Instant
    result: Result


@fact
class TestResulted(Fact):
    """The result of one person's own sample. ct_value: cycles; lower means more virus."""

    __test__: ClassVar[bool] = False
    type: ClassVar[str] = "test-resulted"

    person_id: Id
    sampled_at: Instant
    resulted_at: Instant
    result: Result
    ct_value: float | None = Field(default=None, ge=0, le=60)
