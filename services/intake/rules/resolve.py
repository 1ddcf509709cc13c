"""Who is who: from the keyed hashes by which people and dwellings are named to their random ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from contracts.persons import Merged
from services.intake.problems import Problem
from services.intake.rules.matching import Likeness, best

Hash = bytes
NOBODY_MERGED = Merged()
FreshIds = Callable[[int, int], str]
"""The id of whom nobody knows, by the number of the record and the place in it."""
Place = tuple[int, int]
"""The number of the record, and the place of the name in it."""


class Named(NamedTuple):
    """Someone or something in a record: where, and by which names, each as its keyed hashes, one a key in use.

    Where no hash means anybody: alike, whoever is known and may be the same; beside, the places before it of those who
    may.
    """

    field: str
    names: Sequence[Sequence[Hash]]
    alike: Mapping[str, Likeness] = {}
    beside: Mapping[Place, Likeness] = {}

    @property
    def hashes(self) -> Iterator[Hash]:
        return (each for name in self.names for each in name)


class Resolution(NamedTuple):
    """ids: per record those of its names in order, or the problem. fresh: hashes not yet known -> whom they mean.

    unsure: of whoever is new, who may be the same.
    """

    ids: list[list[str] | Problem]
    fresh: dict[Hash, str]
    unsure: dict[Place, Mapping[str, Likeness]]


def resolve(
    groups: Sequence[Sequence[Named]], known: Mapping[Hash, str], fresh_ids: FreshIds, merged: Merged = NOBODY_MERGED
) -> Resolution:
    """Each group is one record. A new person in two records is one person; a record with a problem adds nobody.

    Whoever is named by two ids that are merged has the first of them: merged or not, facts stay with the id named.
    """
    resolution = Resolution([], {}, {})
    given: dict[Place, str] = {}
    for number, group in enumerate(groups):
        record = _Record([resolution.fresh, known], partial(fresh_ids, number), merged, given)
        found = record.resolved(group)
        if not isinstance(found, Problem):
            resolution.fresh.update(record.added)
            resolution.unsure.update({(number, place): asked for place, asked in record.unsure.items()})
            given |= {(number, place): owner for place, owner in enumerate(found)}
        resolution.ids.append(found)
    return resolution


class _Record:
    """One record on its way. known: whom hashes mean, first those of this run; given: of the records before it.

    added: whom the hashes mean that nobody knew.
    """

    def __init__(
        self,
        known: Sequence[Mapping[Hash, str]],
        fresh_id: Callable[[int], str],
        merged: Merged,
        given: Mapping[Place, str],
    ) -> None:
        self.added: dict[Hash, str] = {}
        self._layers, self._fresh_id, self._merged, self._given = (self.added, *known), fresh_id, merged, given
        self.unsure: dict[int, Mapping[str, Likeness]] = {}

    def resolved(self, group: Sequence[Named]) -> list[str] | Problem:
        """The ids of its names; whom nobody knew is added."""
        ids: list[str] = []
        named_too = {owner for each in group for h in each.hashes if (owner := self._known(h)) is not None}
        for place, named in enumerate(group):
            meant = {each: owner for each in named.hashes if (owner := self._known(each)) is not None}
            if len(set(map(self._merged.kept, meant.values()))) > 1:
                return Problem(named.field, "two_people")
            owner = next(iter(meant.values())) if meant else self._new(place, named, {*named_too, *ids})
            if owner in ids:
                return Problem(named.field, "same_person_twice")
            self._add(named, meant, owner)
            ids.append(owner)
        return ids

    def _new(self, place: int, named: Named, others: Collection[str]) -> str:
        """Whoever is taken for the same, unless the record names that one besides; else somebody new."""
        beside = {self._given[each]: found for each, found in named.beside.items() if each in self._given}
        taken, asked = best({**beside, **named.alike})
        if taken is not None and taken not in others:
            return taken
        self.unsure[place] = asked
        return self._fresh_id(place)

    def _add(self, named: Named, meant: Mapping[Hash, str], owner: str) -> None:
        for name in named.names:  # under a new key a name means whom it meant under the one before
            whose = next((meant[each] for each in name if each in meant), owner)
            self.added.update((each, whose) for each in name if each not in meant)

    def _known(self, hashed: Hash) -> str | None:
        return next((layer[hashed] for layer in self._layers if hashed in layer), None)
