"""Whom the vault knows that a record may mean, where neither a document nor a reference says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic_core import from_json

from services.chassis.database import Tx
from services.intake.identity import BORN, PHONE, Subject
from services.intake.rules.matching import Likeness, Traits, best, likeness
from services.intake.rules.traits import born_keys, numbers_of, traits_of
from services.intake.store import matches, people
from services.intake.vault import Vault

Place = tuple[int, int]
"""The number of the record, and the place of the name in it."""


class Likely(NamedTuple):
    """same: who is taken for whom; unsure: about whom people are asked."""

    same: Mapping[Place, str]
    unsure: Mapping[Place, Mapping[str, Likeness]]


NOBODY = Likely({}, {})
_LATEST = 50
"""One telephone is a family's; of hundreds of a batch who share one, each is compared with so many before."""


async def likely(
    tx: Tx,
    vault: Vault,
    groups: Sequence[Sequence[Subject]],
    known: Mapping[bytes, str],
    fresh: Sequence[Sequence[str]],
    passed_over: set[int],
) -> Likely:
    """Of each name that is new, beside those of the vault and those that came before it in the batch.

    fresh: the ids of those who turn out to be nobody known, in places alike. passed_over: records of which the log
    tells whom they mean.
    """
    asked = [
        (number, place)
        for number, group in enumerate(groups)
        if number not in passed_over
        for place, subject in enumerate(group)
        if subject.is_person and "name" in subject.given and not any(f.found_by in known for f in subject.finds)
    ]
    numbered = {(number, place) for number, place in asked if numbers_of(groups[number][place].given)}
    others = [place for place in asked if place not in numbered]
    unnumbered = bool(numbered) and await matches.is_anybody_unnumbered(tx)
    if not others and not unnumbered:
        return NOBODY
    traits = _traits(groups, asked, known)
    keys = {place: _keys(vault, traits[place]) for place in asked}
    found: dict[Place, dict[str, Likeness]] = {}
    if others:
        found |= await _compared(tx, vault, {each: traits[each] for each in others}, keys, unnumbered=False)
    if unnumbered:
        found |= await _compared(tx, vault, {each: traits[each] for each in numbered}, keys, unnumbered=True)
    return _decided(_InBatch(traits, keys, numbered), found, fresh)


class _InBatch(NamedTuple):
    traits: Mapping[Place, Traits]
    keys: Mapping[Place, Keys]
    numbered: set[Place]


def _decided(batch: _InBatch, found: Mapping[Place, Mapping[str, Likeness]], fresh: Sequence[Sequence[str]]) -> Likely:
    """In the order of the records: who came before is known by the id that he or she was given."""
    same, unsure = dict[Place, str](), dict[Place, Mapping[str, Likeness]]()
    before = defaultdict[bytes, list[Place]](list)
    for place, traits in batch.traits.items():
        candidates = dict(found.get(place, {}))
        beside = {each for key in batch.keys[place].every for each in before[key][-_LATEST:]}
        for other in sorted(beside)[-_LATEST:]:
            # Two numbers are two people, and so are two of one record.
            if other[0] != place[0] and not {place, other} <= batch.numbered:
                who = same.get(other, fresh[other[0]][other[1]])
                candidates.setdefault(who, likeness(batch.traits[other], traits))
        taken, asked = best(candidates)
        if taken is not None:
            same[place] = taken
        if asked:
            unsure[place] = asked
        for key in batch.keys[place].every:
            before[key].append(place)
    return Likely(same, unsure)


class Keys(NamedTuple):
    """By which others are found who may be the same; every hash under every key in use."""

    phones: Sequence[bytes]
    born: Sequence[bytes]
    dwellings: Sequence[str]

    @property
    def every(self) -> Iterable[bytes]:
        return (*self.phones, *self.born, *(each.encode() for each in self.dwellings))


def _keys(vault: Vault, traits: Traits) -> Keys:
    phones = [f.found_by for phone in traits.phones for f in vault.finds(PHONE, phone)]
    born = [f.found_by for key in born_keys(traits.name, traits.birth_date) for f in vault.finds(BORN, key)]
    return Keys(phones, born, sorted(traits.dwellings))


def _traits(
    groups: Sequence[Sequence[Subject]], places: Sequence[Place], known: Mapping[bytes, str]
) -> dict[Place, Traits]:
    return {
        (number, place): traits_of(groups[number][place].given, _dwellings(groups[number], known))
        for number, place in places
    }


def _dwellings(group: Sequence[Subject], known: Mapping[bytes, str]) -> Iterable[str]:
    """Of a record that names the dwelling of its members; one that is new by its hashes."""
    dwelling = group[-1]
    return () if dwelling.is_person else {known.get(f.found_by, f.found_by.hex()) for f in dwelling.finds}


async def _compared(
    tx: Tx, vault: Vault, asked: Mapping[Place, Traits], keys: Mapping[Place, Keys], *, unnumbered: bool
) -> dict[Place, dict[str, Likeness]]:
    wanted: dict[bytes, list[Place]] = defaultdict(list)
    for place in asked:
        for key in keys[place].every:
            wanted[key].append(place)
    candidates = await matches.find_candidates(
        tx,
        [each for place in asked for each in keys[place].phones],
        [each for place in asked for each in keys[place].born],
        [each for place in asked for each in keys[place].dwellings],
        unnumbered=unnumbered,
    )
    lives: dict[str, set[str]] = defaultdict(set)
    pairs: dict[Place, set[str]] = defaultdict(set)
    for by, key, person_id in candidates:
        if by == "dwelling":
            lives[person_id].add(key.decode())
        for place in wanted[key]:
            pairs[place].add(person_id)
    rows = await people.load_persons(tx, {each for ids in pairs.values() for each in ids})
    known = {each: traits_of(from_json(vault.open(row.sealed, each)), lives[each]) for each, row in rows.items()}
    return {
        place: {each: likeness(asked[place], known[each]) for each in ids if each in known}
        for place, ids in pairs.items()
    }
