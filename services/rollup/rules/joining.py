"""What counts where once two ids turned out to mean one person, or not to after all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from contracts.exercise import named_id, set_apart_id
from contracts.persons import Merged
from services.rollup.rules.counting import Held, Key, Known, Reason, Row, Step
from services.rollup.rules.plain import First, Told, said_of


def person_of(key: Key) -> str:
    """Whom a subject is about, when its figure is about persons; under the id of its world."""
    person = key.subject_id.partition("/")[0]
    return set_apart_id(person) if key.drill else person


def named_by(told: Iterable[Told]) -> set[str]:
    """The persons (and dwellings and tubes, whose ids are nobody's) of these statements."""
    return {person_of(key) for one in told for key in _keys(one)}


def apart(told: Iterable[Told], counted_at: Callable[[Key], Key]) -> tuple[list[Told], set[Key]]:
    """The same, what counts at another subject than it names as no First; and those other subjects."""
    again, others = list[Told](), set[Key]()
    for one in told:
        elsewhere = {at for key in _keys(one) if (at := counted_at(key)) != key}
        others |= elsewhere
        again.append(said_of(one) if elsewhere else one)
    return again, others


def _keys(told: Told) -> Iterable[Key]:
    return [told.key] if isinstance(told, First) else told.rows


def counting_at(merged: Merged) -> Callable[[Key], Key]:
    """For a subject as a statement names it, the one under which it counts."""

    def counted_at(key: Key) -> Key:
        _, slash, rest = key.subject_id.partition("/")
        return key._replace(subject_id=named_id(merged.kept(person_of(key)), drill=key.drill) + slash + rest)

    return counted_at


def regrouped(
    held: Mapping[Key, Held], known: Mapping[str, Known], before: Merged, after: Merged, at: datetime
) -> list[Step]:
    """The steps from what counts by the merges `before` to what counts by those `after`.

    held: every subject of everybody whom the change bears on; known: every statement that has a row there.
    """
    was, is_now = dict[tuple[Key, str], Row](), dict[tuple[Key, str], Row]()
    then, now = counting_at(before), counting_at(after)
    for key, one in held.items():
        for row in (one.counted, *one.spares):
            if row is None:
                continue
            was[key, row.statement] = row
            for named, division in known[row.statement].keys.items():
                if then(named) == key:
                    place = now(named), row.statement
                    own = row._replace(division=division or row.division)
                    is_now[place] = min(own, is_now.get(place, own))
    gone = [Step(key, statement, None, at, Reason.MERGED) for key, statement in sorted(was.keys() - is_now.keys())]
    return gone + [
        Step(key, statement, row, at, Reason.MERGED)
        for (key, statement), row in sorted(is_now.items())
        if was.get((key, statement)) != row
    ]
