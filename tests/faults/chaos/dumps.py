"""Ordered dumps of what the services know, from their own tables, people under their own numbers: equal over runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import asyncpg

WALL_COLUMNS: tuple[str, ...] = ()
"""Columns of these dumps that hold wall time. There is none: on stage every instant is told."""

OF_THE_WAY = ("revision", "event_id", "statement_id", "met", "told_once")
"""How it came about, not what is: revisions count what was said on the way, ids of records are keyed by the run."""

DUMPS: Mapping[str, str] = {
    "persons": """
        select person_id, division_code, category, classification, care, part from tracing.states
         where division_code <> '' or category is not null or classification is not null or care <> 'none'
            or part is not null""",
    "placements": """
        select p.person_id, p.mode, p.site_id, p.started_at, p.division_code, p.withdrawn, p.drill,
               e.ended_at, e.withdrawn as end_withdrawn
          from tracing.placements p left join tracing.placement_ends e using (person_id, placement_id)""",
    "clocks": """
        select person_id, deadline, line, division_code, unit, drill, verdict, started_at, due_at, stopped_at, edition,
               standing, next_at, tell_at, told from alerts.clocks""",
    "missed visits": """
        select person_id, division_code, slot_start_at, slot_end_at, withdrawn, drill, told from alerts.missed""",
    "messages": "select post_id, sent_at, line, jsonb_array_length(items) as items from alerts.messages",
    "figures": "select tree, division_code, indicator, day, drill, value from rollup.figures",
}

_ID = re.compile(r'"[A-Za-z0-9_-]{8,64}"')
_NUMBERS = re.compile(rb'"id_number": ?"([^"]+)"')
_REFERENCES = re.compile(rb'"person_ref": ?"([^"]+)"')

Names = tuple[set[str], set[str]]


def names_in(sample: Path) -> Names:
    """Identity numbers and person references that the records of a sample name."""
    numbers, references = set[str](), set[str]()
    for feed in (sample / "feeds").iterdir():
        text = feed.read_bytes()
        numbers.update(each.decode() for each in _NUMBERS.findall(text))
        references.update(each.decode() for each in _REFERENCES.findall(text))
    return numbers, references


async def with_others(db: asyncpg.Connection, named: Mapping[str, str]) -> dict[str, str]:
    """named, and ids that no record names any more because they were said to be somebody else's: after that person."""
    merged = await db.fetch("select person_id, other_id from tracing.merges where not withdrawn")
    also = {other: f"the other of {named[kept]}" for kept, other in merged if other not in named and kept in named}
    return {**named, **also}


async def dump_all(db: asyncpg.Connection, named: Mapping[str, str]) -> dict[str, list[str]]:
    """Every dump: its rows as JSON text, sorted, ids of people replaced. named: random id -> name of the person."""
    return {what: await _dump(db, sql, named) for what, sql in DUMPS.items()}


async def _dump(db: asyncpg.Connection, sql: str, named: Mapping[str, str]) -> list[str]:
    rows = await db.fetch(f"select row_to_json(d)::text from ({sql}) d")
    return sorted(_ID.sub(lambda found: _named(found[0], named), row[0]) for row in rows)


def _named(quoted: str, named: Mapping[str, str]) -> str:
    return json.dumps(named.get(quoted[1:-1], quoted[1:-1]))


def differences(undisturbed: Mapping[str, list[str]], found: Mapping[str, list[str]]) -> list[str]:
    """Rows that only one of the two has, in words."""
    told: list[str] = []
    for what in undisturbed:
        one, other = set(undisturbed[what]), set(found[what])
        told += [f"{what}: only undisturbed {row}" for row in sorted(one - other)]
        told += [f"{what}: only under chaos {row}" for row in sorted(other - one)]
        if len(undisturbed[what]) != len(found[what]):
            told.append(f"{what}: {len(found[what])} rows instead of {len(undisturbed[what])}")
    return told


def by_id(looked_up: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Random ids -> names, from the answers of POST /people/lookups; a number is preferred to a reference."""
    named: dict[str, str] = {}
    for answer in looked_up:
        named |= {person: name for name, person in answer["person_refs"].items() if person not in named}
        named |= {person: name for name, person in answer["id_numbers"].items()}
    return named
