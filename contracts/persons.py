"""Which ids mean one person, by the merges that stand; one answer in every service, in whatever order they came.

Pure: pairs in, groups out. A merge says only that two ids are one person, so taking one back splits a group exactly
where nothing else holds it together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Pair = tuple[str, str]
"""person_id, other_id of a merge that stands."""


class Merged:
    """Groups of ids. An id that no merge names stands for itself."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        held = sorted(set(pairs))
        self._groups = _groups(held)
        others = {other for _, other in held}
        self._kept = {each: _chosen(group, others) for each, group in self._groups.items()}

    def kept(self, person_id: str) -> str:
        """The id under which the person is known.

        Of a group it is the one that no merge names as the other; of several such (or none, in a ring) the smallest.
        """
        return self._kept.get(person_id, person_id)

    def all_of(self, person_id: str) -> Sequence[str]:
        """Every id of the person, sorted."""
        return self._groups.get(person_id, (person_id,))

    def everybody(self, person_ids: Iterable[str]) -> set[str]:
        """Every id of these persons."""
        return {each for person_id in person_ids for each in self.all_of(person_id)}


def _groups(pairs: Sequence[Pair]) -> Mapping[str, tuple[str, ...]]:
    groups: dict[str, set[str]] = {}
    for one, other in pairs:
        joined = groups.get(one, {one}) | groups.get(other, {other})
        groups |= dict.fromkeys(joined, joined)
    done = {id(group): tuple(sorted(group)) for group in groups.values()}
    return {each: done[id(group)] for each, group in groups.items()}


def _chosen(group: Sequence[str], others: set[str]) -> str:
    return next((each for each in group if each not in others), group[0])
