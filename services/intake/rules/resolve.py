"""Who is who: from the keyed hashes by which people and dwellings are named to their random ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from contracts.persons import Merged
from services.intake.problems import Problem

Hash = bytes
NOBODY_MERGED = Merged()
FreshIds = Callable[[int, int], str]
"""The id of whom nobody knows, by the number of the record and the place in it."""


class Named(NamedTuple):
    """Someone or something in a record: where, and by which names, each as its keyed hashes, one a key in use.

    likely: who is taken for it where no hash means anybody, unless the record names that one too.
    """

    field: str
    names: Sequence[Sequence[Hash]]
    likely: str | None = None

    @property
    def hashes(self) -> Iterator[Hash]:
        return (each for name in self.names for each in name)


class Resolution(NamedTuple):
    """ids: per record those of its names in order, or the problem. fresh: hashes not yet known -> whom they mean."""

    ids: list[list[str] | Problem]
    fresh: dict[Hash, str]


def resolve(
    groups: Sequence[Sequence[Named]], known: Mapping[Hash, str], fresh_ids: FreshIds, merged: Merged = NOBODY_MERGED
) -> Resolution:
    """Each group is one record. A new person in two records is one person; a record with a problem adds nobody.

    Whoever is named by two ids that are merged has the first of them: merged or not, facts stay with the id named.
    """
    fresh: dict[Hash, str] = {}
    ids: list[list[str] | Problem] = []
    for number, group in enumerate(groups):
        added: dict[Hash, str] = {}
        found = _ids_of(group, added, (added, fresh, known), partial(fresh_ids, number), merged)
        if not isinstance(found, Problem):
            fresh |= added
        ids.append(found)
    return Resolution(ids, fresh)


def _ids_of(
    group: Sequence[Named],
    added: dict[Hash, str],
    layers: Sequence[Mapping[Hash, str]],
    fresh_id: Callable[[int], str],
    merged: Merged,
) -> list[str] | Problem:
    """The ids of one record's names; whom nobody knew is added."""
    ids: list[str] = []
    named_too = {owner for each in group for h in each.hashes if (owner := _known(h, layers)) is not None}
    for place, named in enumerate(group):
        meant = {each: owner for each in named.hashes if (owner := _known(each, layers)) is not None}
        if len(set(map(merged.kept, meant.values()))) > 1:
            return Problem(named.field, "two_people")
        likely = named.likely if named.likely not in named_too and named.likely not in ids else None
        owner = next(iter(meant.values())) if meant else likely or fresh_id(place)
        if owner in ids:
            return Problem(named.field, "same_person_twice")
        for name in named.names:  # under a new key a name means whom it meant under the one before
            whose = next((meant[each] for each in name if each in meant), owner)
            added.update((each, whose) for each in name if each not in meant)
        ids.append(owner)
    return ids


def _known(hashed: Hash, layers: Sequence[Mapping[Hash, str]]) -> str | None:
    return next((layer[hashed] for layer in layers if hashed in layer), None)
