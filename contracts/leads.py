"""Who holds a lead, since when, and what became of it there: one answer in every service, in whatever order facts came.

Pure: the lead and its steps in, tenures out. Passing on ends one division's tenure and begins the next one's; any other
step counts where it was made by the division that holds the lead then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class LeadState(StrEnum):
    """What a lead is in the eyes of a division; NOT_FOUND and LANDED are still to be passed on or closed."""

    OPEN = "open"
    LANDED = "landed"
    NOT_FOUND = "not_found"
    PASSED_ON = "passed_on"
    CLOSED = "closed"


class LeadStep(NamedTuple):
    """Something done about a lead, in the order in which steps count. to_division_code: of one passed on."""

    at: datetime
    id: str
    division_code: str
    did: LeadState
    to_division_code: str | None = None


class Tenure(NamedTuple):
    """A division's time with a lead. begun_by: the id of what gave it. answered_at: when it first did something."""

    begun_by: str
    division_code: str
    since_at: datetime
    answered_at: datetime | None = None
    until_at: datetime | None = None
    state: LeadState = LeadState.OPEN


_RANK = {did: rank for rank, did in enumerate((LeadState.NOT_FOUND, LeadState.LANDED, LeadState.CLOSED))}
"""Of one instant, what says more comes later, and a lead is passed on last of all."""


def tenures(begun_by: str, division_code: str, received_at: datetime, steps: Iterable[LeadStep]) -> list[Tenure]:
    """In their order; the last is that of who holds the lead now."""
    held = [Tenure(begun_by, division_code, received_at)]
    left = sorted(steps, key=lambda each: (each.at, _RANK.get(each.did, len(_RANK)), each.id))
    while left:
        step = _next(left, held[-1].division_code)
        left.remove(step)
        _take(held, step)
    return held


def _next(left: Sequence[LeadStep], holder: str) -> LeadStep:
    """The first; of one instant, one of the holder before those of others."""
    at_once = (each for each in left if each.at == left[0].at)
    return next((each for each in at_once if each.division_code == holder), left[0])


def _take(held: list[Tenure], step: LeadStep) -> None:
    now, passed = held[-1], step.did is LeadState.PASSED_ON
    if passed or step.division_code == now.division_code:
        held[-1] = now._replace(
            answered_at=now.answered_at or step.at, state=step.did, until_at=step.at if passed else None
        )
    if passed and step.to_division_code is not None:
        held.append(Tenure(step.id, step.to_division_code, step.at))


def may_act(held: Iterable[Tenure], division_code: str, at: datetime) -> bool:
    """Whether the lead was with that division then; whoever has it from the beginning may have acted before it came."""
    return any(
        each.division_code == division_code
        and (number == 0 or each.since_at <= at)
        and (each.until_at is None or at <= each.until_at)
        for number, each in enumerate(held)
    )
