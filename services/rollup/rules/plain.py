"""Statements that touch nothing else that is known or said: nearly all of a busy hour, counted without a fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from services.rollup.rules.counting import Key, Row, Said


class First(NamedTuple):
    """The first revision of a statement that counts for one subject; if nothing else meets it, a row of `counted`."""

    subject_id: str
    indicator: str
    drill: bool
    statement: str
    division: str
    day: date
    at: datetime
    time: datetime


Told = First | Said


def first_of(said: Said) -> Told:
    """The same as a First, where it is one."""
    if said.revision != 1 or len(said.rows) != 1:
        return said
    [(key, (at, statement, day, division))] = said.rows.items()
    return First(*key, statement, division, day, at, said.time)


def said_of(told: Told) -> Said:
    """The same in the form that is advanced and folded. Of a first revision nobody asks whether it was derived."""
    if type(told) is not First:
        return told  # type: ignore[return-value]
    subject, indicator, drill, statement, division, day, at, time = told
    return Said(statement, 1, False, False, time, {Key(subject, indicator, drill): Row(at, statement, day, division)})


def divided(
    told: Sequence[Told], known: Collection[str] = (), met: Collection[Key] = ()
) -> tuple[list[First], list[Said]]:
    """What is plain: new, and sharing neither statement nor subject with what is said or known; and all the rest.

    known: statements, and met: subjects, that were met before. The rest comes in the order read.
    """
    firsts: list[Any] = [one for one in told if type(one) is First]
    others: list[Any] = [one for one in told if type(one) is not First] if len(firsts) < len(told) else []
    names = {*known, *_repeated([one[3] for one in firsts]), *(one.statement for one in others)}
    keys: set[Any] = {*met, *_repeated([one[:3] for one in firsts])}.union(*(one.rows for one in others))
    if not names and not keys:
        return firsts, []
    plain = [one for one in firsts if one[3] not in names and one[:3] not in keys]
    if len(plain) == len(firsts):
        return plain, others
    return plain, [said_of(one) for one in told if type(one) is not First or one[3] in names or one[:3] in keys]


def _repeated(names: Sequence[Any]) -> Iterable[Any]:
    if len(set(names)) == len(names):
        return ()
    return (name for name, times in Counter(names).items() if times > 1)
