"""Who is who in a batch: by keys, else by likeness, else somebody new; right beside another replica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.intake.identity import OWN_ID, Subject, by_name
from services.intake.likely import Likely, likely
from services.intake.problems import Problem
from services.intake.rules.resolve import Named, Place, Resolution, resolve
from services.intake.store import people
from services.intake.vault import Find, Vault


async def resolve_subjects(
    tx: Tx, vault: Vault, groups: Sequence[Sequence[Subject]], fresh: Sequence[Sequence[str]], passed_over: set[int]
) -> Resolution:
    """The ids of each record's subjects, those of `fresh` (alike) for whoever is new; and about whom people are asked.

    Right beside another replica. passed_over: as `likely` has it.
    """
    finds = {find.found_by: find for group in groups for subject in group for find in subject.finds}
    themselves = {each: each.decode() for each, find in finds.items() if find.key_version == OWN_ID}
    known = await people.find_owners(tx, finds) | themselves
    while True:
        found = await likely(tx, vault, groups, known, passed_over)
        named = [
            [_named(each, (number, place), found) for place, each in enumerate(group)]
            for number, group in enumerate(groups)
        ]
        resolution = resolve(named, known, lambda number, place: fresh[number][place])
        if any(isinstance(ids, Problem) and ids.code == "two_people" for ids in resolution.ids):
            merged = await load_merged(tx, known.values())
            resolution = resolve(named, known, lambda number, place: fresh[number][place], merged)
        if not resolution.fresh or await _keep(tx, resolution, finds):
            return resolution
        known = await people.find_owners(tx, finds) | themselves


def _named(subject: Subject, place: Place, found: Likely) -> Named:
    return Named(subject.field, _names(subject), found.alike.get(place, {}), found.beside.get(place, {}))


def _names(subject: Subject) -> list[list[bytes]]:
    return [[find.found_by for find in name] for name in by_name(subject.finds)]


async def _keep(tx: Tx, resolution: Resolution, finds: Mapping[bytes, Find]) -> bool:
    """Whether the new keys were kept; if one was taken meanwhile, none is, and the ones that won can now be read."""
    savepoint = tx.transaction()
    await savepoint.start()
    kept = await people.insert_keys(tx, {finds[found_by]: owner for found_by, owner in resolution.fresh.items()})
    await (savepoint.commit() if kept else savepoint.rollback())
    return kept
