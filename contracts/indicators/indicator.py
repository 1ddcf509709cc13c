"""The form of one indicator, and of what one event contributes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from contracts.envelope import Event, Fact

Subjects = Callable[[Event[Any]], Iterable[tuple[str, str]]]


def always(_: Any) -> bool:
    """Every statement of the fact counts, unless it is withdrawn."""
    return True


@dataclass(frozen=True)
class Indicator:
    """One figure: which fact, on which condition, of whom, on which day.

    subjects: (subject id, division code) of each subject that a statement names; a subject counts once. When the
    figure is about persons the subject id begins with the person's id and "/", or is it. at: when it happened; its
    Shanghai day is the reporting day. part_of: the figure of which this one is a share, by no means to be added to it.
    moves: whether its subject is a person or a dwelling, of which something may be known in another division later.
    """

    code: str
    name_en: str
    name_zh: str
    fact: type[Fact]
    subjects: Subjects
    at: Callable[[Event[Any]], datetime]
    why: str
    source: str
    counts: Callable[[Any], bool] = always
    part_of: str | None = None
    moves: bool = True


class Contribution(NamedTuple):
    """One subject counted by one indicator, if no earlier statement on the same subject counts already.

    day: the Asia/Shanghai day of `at`. division: where it counts (the recorded one; a tube's members have their own).
    """

    indicator: str
    subject_id: str
    day: date
    at: datetime
    division: str


def person(event: Event[Any]) -> Iterable[tuple[str, str]]:
    """The person, once for ever."""
    return ((event.data.person_id, event.division),)


def statement(event: Event[Any]) -> Iterable[tuple[str, str]]:
    """The statement itself, under the person it is about."""
    return ((f"{event.data.person_id}/{event.data.statement_id}", event.division),)


def person_in_round(event: Event[Any]) -> Iterable[tuple[str, str]]:
    """The person, once in each round of canvassing."""
    return ((f"{event.data.person_id}/{event.data.round_id}", event.division),)
