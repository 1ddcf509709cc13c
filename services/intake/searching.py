"""POST /people/searches: people and dwellings by what somebody remembers of them; each who is shown is recorded.

What is found under a word is many (`vault_words`): it is opened here and compared, and only who is meant is shown, with
numbers down to their last four. Everything is an opening of its own (`opening.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from contracts.divisions import Divisions
from services.chassis.access import Caller
from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.intake.identity import DWELLING_REF, buckets_of
from services.intake.lookups import known_by
from services.intake.opening import Purposed, opened
from services.intake.rules.searching import Sought, meant_by, sought, words_of_dwelling, words_of_person
from services.intake.store import accesses, people
from services.intake.store import words as kept
from services.intake.vault import Vault

MOST_OPENED = 3000
"""Candidates of one search: some tenths of a second; who shares a word with more has to name a division."""
MOST_SHOWN = 50


class Search(Purposed):
    """query: a name, initials, four characters, a whole number or reference, or an address. division: to narrow it."""

    query: Annotated[str, Field(min_length=2, max_length=80, pattern=r"^[^\x00-\x1f]*$")]
    division: Annotated[str, Field(max_length=24)] = ""


async def search(tx: Tx, now: datetime, caller: Caller, asked: Search, vault: Vault) -> dict[str, Any]:
    """`people` and `dwellings` that are meant, at most MOST_SHOWN each; `more`: there are others, so say more."""
    scope = asked.division
    within = scope or (caller.division if caller.division.isdigit() else caller.division[:4])  # an area takes villages
    exact = await _exact(tx, vault, asked.query)
    wanted = sought(asked.query)
    buckets = [each for word in wanted.words for each in buckets_of(vault, word)]
    found = await kept.find(tx, buckets, within, MOST_OPENED + 1)
    persons = _meant(vault, wanted, scope, exact, await people.load_persons(tx, {*found, *exact}))
    dwellings = _meant(vault, wanted, scope, exact, await people.load_dwellings(tx, {*found, *exact}))
    more = len(found) > MOST_OPENED or len(persons) > MOST_SHOWN or len(dwellings) > MOST_SHOWN
    shown, homes = dict(_first(persons)), dict(_first(dwellings))
    living = await kept.residents_of(tx, homes)
    beside = {each for ids in living.values() for each in ids} - shown.keys()
    others = {each: opened(vault, each, row) for each, row in (await people.load_persons(tx, beside)).items()}
    await accesses.record(tx, now, asked.look(caller, "search"), [*shown, *homes, *others])
    merged = await load_merged(tx, shown)
    names = {each: content.get("name") for each, content in {**shown, **others}.items()}
    return {
        "people": [
            {**_short(content), "person_id": each, "kept_id": merged.kept(each)} for each, content in shown.items()
        ],
        "dwellings": [
            {
                **{name: content.get(name) for name in ("division_code", "ref", "address")},
                "division_name": _place(content["division_code"]),
                "dwelling_id": each,
                "residents": [{"person_id": one, "name": names[one]} for one in living.get(each, ()) if one in names],
            }
            for each, content in homes.items()
        ],
        "more": more,
    }


async def _exact(tx: Tx, vault: Vault, query: str) -> set[str]:
    """Who is found by the whole of a number, a reference (a case number is one) or a telephone."""
    text = query.strip()
    dwellings = await people.find_owners(tx, [find.found_by for find in vault.finds(DWELLING_REF, text)])
    return {*dwellings.values()} | await known_by(tx, vault, [text])


def _meant(
    vault: Vault,
    wanted: Sought,
    scope: str,
    exact: set[str],
    rows: Mapping[str, people.PersonRow] | Mapping[str, people.DwellingRow],
) -> dict[str, dict[str, Any]]:
    """Those of the candidates who are meant, in the clear."""
    meant = {}
    for each, row in rows.items():
        content = opened(vault, each, row)
        words = words_of_person(content) if isinstance(row, people.PersonRow) else words_of_dwelling(content)
        if row.division_code.startswith(scope) and (each in exact or meant_by(wanted, words, content)):
            meant[each] = content
    return meant


def _first(found: Mapping[str, dict[str, Any]]) -> Iterable[tuple[str, dict[str, Any]]]:
    order = sorted(found.items(), key=lambda pair: (pair[1]["division_code"], pair[1].get("name", ""), pair[0]))
    return order[:MOST_SHOWN]


def _short(content: Mapping[str, Any]) -> dict[str, Any]:
    """What tells one from another of the same name; the rest is opened by id."""
    short = {name: content.get(name) for name in ("name", "sex", "birth_date", "division_code")}
    ends = {f"{name}_ends": content[name][-4:] if content.get(name) else None for name in ("phone", "id_number")}
    return short | ends | {"division_name": _place(content["division_code"])}


def _place(code: str) -> str:
    """County, township and village by name, as far as the code says them."""
    divisions = Divisions.load()
    levels = dict.fromkeys(code[:length] for length in (6, 9, 12))
    return " ".join(divisions.name(each) for each in levels if divisions.knows(each))
