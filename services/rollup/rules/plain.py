"""Statements that touch nothing else that is known or said: nearly all of a busy hour, counted without a fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from services.rollup.rules.counting import Key, Row, Said


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What statements of one household have in common: one object, so that it is looked at and written once.

    Two with the same values are two things that add up; at: when it happened; time: when it was received.
    """

    indicator: str
    drill: bool
    division: str
    day: date
    at: datetime
    time: datetime


class First(NamedTuple):
    """The first revision of a statement that counts for one subject; if nothing else meets it, a row of `counted`."""

    subject_id: str
    statement: str
    shared: Shared

    @property
    def key(self) -> Key:
        """The subject of the indicator."""
        return Key(self.subject_id, self.shared.indicator, self.shared.drill)


Told = First | Said


def first_of(said: Said) -> Told:
    """The same as a First, where it is one."""
    if said.revision != 1 or len(said.rows) != 1:
        return said
    [(key, row)] = said.rows.items()
    shared = Shared(key.indicator, key.drill, row.division, row.day, row.at, said.time)
    return First(key.subject_id, row.statement, shared)


def said_of(told: Told) -> Said:
    """The same in the form that is advanced and folded. Of a first revision nobody asks whether it was derived."""
    if not isinstance(told, First):
        return told
    shared = told.shared
    row = Row(shared.at, told.statement, shared.day, shared.division)
    return Said(told.statement, 1, False, False, shared.time, {told.key: row})


def divided(
    told: Sequence[Told], known: Collection[str] = (), met: Collection[Key] = ()
) -> tuple[list[First], list[Said]]:
    """What is plain: new, and sharing neither statement nor subject with what is said or known; and all the rest.

    known: statements, and met: subjects, that were met before. The rest comes in the order read.
    """
    firsts: list[Any] = [one for one in told if type(one) is First]
    others: list[Any] = [one for one in told if type(one) is not First] if len(firsts) < len(told) else []
    names = {*known, *_repeated(map(_STATEMENT, firsts)), *(one.statement for one in others)}
    keys: set[Any] = {*met}.union(*(one.rows for one in others))
    if _are_repeated(map(_SUBJECT, firsts)):
        keys |= set(_repeated(one.key for one in firsts))
    if not names and not keys:
        return firsts, []
    plain = [one for one in firsts if one.statement not in names and one.key not in keys]
    if len(plain) == len(firsts):
        return plain, others
    apart = {id(one) for one in plain}
    return plain, [said_of(one) for one in told if id(one) not in apart]


_SUBJECT, _STATEMENT = itemgetter(0), itemgetter(1)


def _are_repeated(names: Iterable[Any]) -> bool:
    found = list(names)
    return len(set(found)) < len(found)


def _repeated(names: Iterable[Any]) -> Iterable[Any]:
    found = list(names)
    return (name for name, times in Counter(found).items() if times > 1) if _are_repeated(found) else ()
