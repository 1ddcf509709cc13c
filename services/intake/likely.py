"""Whom the vault knows that a record may mean, where neither a document nor a reference says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic_core import from_json

from services.chassis.database import Tx
from services.intake.identity import BORN, PHONE, Subject
from services.intake.rules.matching import Likeness, Traits, likeness
from services.intake.rules.resolve import Place
from services.intake.rules.traits import born_keys, numbers_of, traits_of
from services.intake.store import matches, people
from services.intake.vault import Vault


class Likely(NamedTuple):
    """Of each name that is new: alike, who of those known may be the same; beside, which names before it."""

    alike: Mapping[Place, Mapping[str, Likeness]]
    beside: Mapping[Place, Mapping[Place, Likeness]]


NOBODY = Likely({}, {})
_LATEST = 50
"""One telephone is a family's; of hundreds of a batch who share one, each is compared with so many before."""


async def likely(
    tx: Tx, vault: Vault, groups: Sequence[Sequence[Subject]], known: Mapping[bytes, str], passed_over: set[int]
) -> Likely:
    """Compared with those of the vault, and with those that come before in the batch; another replica that has just met
    the same stranger is waited for.

    passed_over: records of which the log tells whom they mean.
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
    await matches.take_turns(tx, _hashes(keys, others), _hashes(keys, numbered))
    found: dict[Place, dict[str, Likeness]] = {}
    if others:
        found |= await _compared(tx, vault, {each: traits[each] for each in others}, keys, unnumbered=False)
    if unnumbered:
        found |= await _compared(tx, vault, {each: traits[each] for each in numbered}, keys, unnumbered=True)
    return Likely(found, _beside(traits, keys, numbered))


def _beside(
    traits: Mapping[Place, Traits], keys: Mapping[Place, Keys], numbered: set[Place]
) -> dict[Place, dict[Place, Likeness]]:
    """Two numbers are two people, and so are two of one record."""
    found = dict[Place, dict[Place, Likeness]]()
    before = defaultdict[bytes, list[Place]](list)
    for place in traits:
        near = sorted({each for key in keys[place].every for each in before[key][-_LATEST:]})[-_LATEST:]
        compared = [each for each in near if each[0] != place[0] and not {place, each} <= numbered]
        found[place] = {each: likeness(traits[each], traits[place]) for each in compared}
        for key in keys[place].every:
            before[key].append(place)
    return found


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


def _hashes(keys: Mapping[Place, Keys], places: Iterable[Place]) -> set[bytes]:
    return {each for place in places for each in keys[place].every}


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
