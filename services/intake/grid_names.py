"""The names of a worker's own grid, opened for the page that shows them; each look stands in the person's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from contracts.divisions import Divisions
from contracts.persons import Merged
from contracts.policy.days import SHANGHAI
from services.chassis.access import Caller
from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.intake.opening import Purpose
from services.intake.passing import passed_to
from services.intake.rules.households import Household
from services.intake.rules.names import initials, plain_name
from services.intake.store import accesses, people
from services.intake.store.accesses import Look
from services.intake.today import load_areas, load_items, scope_of_caller
from services.intake.vault import Vault

_SHOWN = ("name", "phone")


async def names_of_grid(tx: Tx, now: datetime, caller: Caller, division: str | None, vault: Vault) -> dict[str, Any]:
    """The households that the caller answers for with addresses, their people with names and telephones, no numbers.

    others: people of the caller's list who live in none of these households. passed_to: where leads may go on to.
    """
    scope = await scope_of_caller(tx, now, caller, division)
    areas = await load_areas(tx, now, scope, people_of_all=True)
    homes = [home for area in areas for home in area.households]
    at_home = {each for home in homes for each in home.people}
    listed = {item.person_id for item in await load_items(tx, now, scope, areas) if item.person_id}
    elsewhere = (listed | scope.persons) - at_home
    merged = await load_merged(tx, at_home | elsewhere)
    names = await _people(tx, vault, at_home | elsewhere)
    others = _once(elsewhere - merged.everybody(at_home), names, merged)
    await accesses.record(tx, now, Look(caller.name, "opening", Purpose.CANVASSING, "own grid"), list(names))
    addresses = await _addresses(tx, vault, [home.dwelling_id for home in homes])
    return {
        "now": now.astimezone(SHANGHAI),
        "households": [_shown(home, addresses, names) for home in homes],
        "passed_to": await passed_to(tx, scope.divisions, Divisions.load()),
        "others": [{"person_id": each, **names.get(each, {})} for each in others],
    }


def _once(person_ids: Iterable[str], names: Mapping[str, Any], merged: Merged) -> list[str]:
    """Of several ids of one person one: by which a name may be seen, and the one that is kept before others."""
    shown: dict[str, str] = {}
    for each in sorted(person_ids, key=lambda each: (each not in names, each != merged.kept(each), each)):
        shown.setdefault(merged.kept(each), each)
    return sorted(shown.values())


def _shown(home: Household, addresses: dict[str, str], names: dict[str, dict[str, str]]) -> dict[str, Any]:
    return {
        "dwelling_id": home.dwelling_id,
        "division_code": home.division_code,
        "address": addresses.get(home.dwelling_id, ""),
        "members": [_member(home, each, names) for each in home.people],
        "reached_at": home.reached_at and home.reached_at.astimezone(SHANGHAI),
        "attempts": home.attempts,
        "last_outcome": home.last_outcome,
        "missing": home.missing,
    }


def _member(home: Household, person_id: str, names: dict[str, dict[str, str]]) -> dict[str, Any]:
    away = home.away.get(person_id)
    told = away and {
        "since_at": away.since_at.astimezone(SHANGHAI),
        "where": away.where_words,
        "back_at": away.back_at and away.back_at.astimezone(SHANGHAI),
    }
    return {"person_id": person_id, **names.get(person_id, {}), "met": person_id in home.met, "away": told}


async def _people(tx: Tx, vault: Vault, person_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    rows = await people.load_persons(tx, person_ids)
    return {each: _named(from_json(vault.open(row.sealed, each))) for each, row in rows.items()}


def _named(said: Mapping[str, Any]) -> dict[str, str]:
    """initials: of each reading of the name, so that the page finds it by them without a signal."""
    shown = {name: said[name] for name in _SHOWN if name in said}
    read = " ".join(initials(plain_name(shown.get("name", ""))))
    return shown | ({"initials": read} if read else {})


async def _addresses(tx: Tx, vault: Vault, dwelling_ids: Sequence[str]) -> dict[str, str]:
    rows = await people.load_dwellings(tx, dwelling_ids)
    opened = {each: from_json(vault.open(row.sealed, each)) for each, row in rows.items()}
    return {each: said.get("address", said["ref"]) for each, said in opened.items()}
