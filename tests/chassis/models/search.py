"""Breadth-first search of every state that a model can reach, by the shortest way to each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

State = TypeVar("State", bound=Hashable)


class Failure(StrEnum):
    DOUBLED = "an event was applied twice"
    DISORDER = "events of one key were applied in another order than they were said"
    LOST = "an event is never applied"
    STOPPED = "a number is missing: the lane stops for ever"


class Step(NamedTuple, Generic[State]):
    """progress: it happens sooner or later if nothing else does; otherwise it is a fault or luck."""

    what: str
    to: State
    progress: bool = True


class Found(NamedTuple):
    """failure: None when none was found; rests: states at rest that were reached; way: the steps to the failure."""

    failure: Failure | None
    states: int
    rests: int
    way: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.failure or 'holds'} ({self.states:,} states, {self.rests:,} at rest)"]
        return "\n".join(lines + [f"  {number} {what}" for number, what in enumerate(self.way, 1)])


def search(
    start: State,
    steps: Callable[[State], Iterable[Step[State]]],
    broken: Callable[[State], Failure | None],
    unfinished: Callable[[State], Failure | None],
) -> Found:
    """broken: asked of every state; unfinished: asked of states at rest, where no progress is left."""
    came_by: dict[State, tuple[State, str] | None] = {start: None}
    queue, rests = deque([start]), 0
    while queue:
        state = queue.popleft()
        at_rest = True
        for step in steps(state):
            at_rest = at_rest and not step.progress
            if step.to not in came_by:
                came_by[step.to] = (state, step.what)
                queue.append(step.to)
        rests += at_rest
        failure = broken(state) or (unfinished(state) if at_rest else None)
        if failure is not None:
            return Found(failure, len(came_by), rests, _way(came_by, state))
    return Found(None, len(came_by), rests, ())


def _way(came_by: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    way: list[str] = []
    while (before := came_by[state]) is not None:
        state, what = before
        way.append(what)
    return tuple(reversed(way))
