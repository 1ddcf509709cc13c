"""Whom and what a record names by the random ids that intake gave: a worker those of the own division alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from services.chassis.database import Tx
from services.intake.identity import OWN_ID, Subject
from services.intake.problems import Problem
from services.intake.sender import Sender
from services.intake.store import people, reach

Named = tuple[Sender, Sequence[Subject]]


async def unknown_by_id(tx: Tx, named: Sequence[Named]) -> list[tuple[Problem, ...]]:
    """For each record what it names by an id that was never given, or that its worker has no business with.

    Both in the same words: by guessing nobody learns whether an id is somebody's, and by naming nobody becomes one's
    own. By number, document or name a worker names anybody: a move of home is told so.
    """
    places = await _places(tx, [each for _, group in named for each in group])
    theirs = await _theirs(tx, named, places)

    def known(sender: Sender, own: str) -> bool:
        at = places.get(own)
        return at is not None and (not sender.post_id or sender.may_record(at) or own in theirs[sender.divisions])

    return [
        tuple(_unknown(each) for each in group if not all(known(sender, own) for own in _own_ids(each)))
        for sender, group in named
    ]


async def _places(tx: Tx, subjects: Sequence[Subject]) -> dict[str, str]:
    """The division in which each of those lies that there are."""
    persons = [own for each in subjects if each.is_person for own in _own_ids(each)]
    dwellings = [own for each in subjects if not each.is_person for own in _own_ids(each)]
    found: dict[str, people.PersonRow | people.DwellingRow] = {}
    if persons:
        found |= await people.load_persons(tx, persons)
    if dwellings:
        found |= await people.load_dwellings(tx, dwellings)
    return {each: row.division_code for each, row in found.items()}


async def _theirs(tx: Tx, named: Sequence[Named], places: dict[str, str]) -> dict[tuple[str, ...], set[str]]:
    """By the divisions of workers: who of those that they name lives elsewhere and is theirs all the same."""
    elsewhere = defaultdict[tuple[str, ...], set[str]](set)
    for sender, group in named:
        if sender.post_id:
            own = {own for each in group if each.is_person for own in _own_ids(each) if own in places}
            elsewhere[sender.divisions] |= {each for each in own if not sender.may_record(places[each])}
    return {each: await reach.known_there(tx, each, ids) if ids else ids for each, ids in elsewhere.items()}


def _own_ids(subject: Subject) -> list[str]:
    return [find.found_by.decode() for find in subject.finds if find.key_version == OWN_ID]


def _unknown(subject: Subject) -> Problem:
    return Problem(subject.field, "unknown_person" if subject.is_person else "unknown_dwelling")
