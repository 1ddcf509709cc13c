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


async def likely(
    tx: Tx, vault: Vault, groups: Sequence[Sequence[Subject]], known: Mapping[bytes, str], passed_over: set[int]
) -> Likely:
    """Of each name that is new. passed_over: records of which the log tells whom they mean."""
    asked = [
        (number, place)
        for number, group in enumerate(groups)
        if number not in passed_over
        for place, subject in enumerate(group)
        if subject.is_person and "name" in subject.given and not any(f.found_by in known for f in subject.finds)
    ]
    numbered = [(number, place) for number, place in asked if numbers_of(groups[number][place].given)]
    others = sorted({*asked}.difference(numbered))
    found: dict[Place, dict[str, Likeness]] = {}
    if others:
        found |= await _compared(tx, vault, _traits(groups, others, known), unnumbered=False)
    if numbered and await matches.is_anybody_unnumbered(tx):
        found |= await _compared(tx, vault, _traits(groups, numbered, known), unnumbered=True)
    if not found:
        return NOBODY
    decided = {place: best(each) for place, each in found.items()}
    return Likely(
        {place: same for place, (same, _) in decided.items() if same is not None},
        {place: unsure for place, (_, unsure) in decided.items() if unsure},
    )


def _traits(
    groups: Sequence[Sequence[Subject]], places: Sequence[Place], known: Mapping[bytes, str]
) -> dict[Place, Traits]:
    return {
        (number, place): traits_of(groups[number][place].given, _dwellings(groups[number], known))
        for number, place in places
    }


def _dwellings(group: Sequence[Subject], known: Mapping[bytes, str]) -> Iterable[str]:
    """Of a record that names the dwelling of its members."""
    dwelling = group[-1]
    return () if dwelling.is_person else {known[f.found_by] for f in dwelling.finds if f.found_by in known}


async def _compared(
    tx: Tx, vault: Vault, asked: Mapping[Place, Traits], *, unnumbered: bool
) -> dict[Place, dict[str, Likeness]]:
    wanted: dict[bytes, list[Place]] = defaultdict(list)
    phones, born, dwellings = list[bytes](), list[bytes](), list[str]()
    for place, traits in asked.items():
        its_phones = [f.found_by for phone in traits.phones for f in vault.finds(PHONE, phone)]
        its_born = [f.found_by for key in born_keys(traits.name, traits.birth_date) for f in vault.finds(BORN, key)]
        phones, born, dwellings = phones + its_phones, born + its_born, dwellings + sorted(traits.dwellings)
        for key in (*its_phones, *its_born, *(each.encode() for each in traits.dwellings)):
            wanted[key].append(place)
    candidates = await matches.find_candidates(tx, phones, born, dwellings, unnumbered=unnumbered)
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
