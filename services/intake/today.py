"""One list for a worker: the households of the open rounds and what tracing and alerts say is due, by time left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from contracts.leads import LeadState
from contracts.policy.days import SHANGHAI, day_of, start_of_day
from services.chassis.access import LEADER, WORKER, Caller
from services.chassis.database import Tx
from services.chassis.errors import NotAllowed
from services.chassis.merges import load_merged
from services.intake.listing import held_in, passed_on_because
from services.intake.rules import worklist
from services.intake.rules.assigned import Scope, scope_of
from services.intake.rules.households import Household
from services.intake.rules.roster import Round
from services.intake.rules.worklist import Item
from services.intake.store import leads, roster
from services.intake.store import worklist as kept
from services.intake.store.households import load_households

_VILLAGE = 12
_SHOWN = Item._fields[:-1]
"""What an item says of itself beside `more`, its last field."""


class Area(NamedTuple):
    """A division that the caller answers for, its round if one is open, and the households in it."""

    division: str
    round: Round | None
    households: list[Household]


async def scope_of_caller(tx: Tx, now: datetime, caller: Caller, division: str | None) -> Scope:
    """What the caller answers for; a leader may look at any division of his or her own. Raises NotAllowed.

    persons: under every id of theirs.
    """
    if division is not None and LEADER in caller.roles:
        caller.require_division(division)
        return Scope(frozenset({division}))
    if not caller.roles & {WORKER, LEADER}:
        raise NotAllowed(f"this needs the role {WORKER!r} or {LEADER!r}: ask for a token that has it")
    whole = scope_of(caller.name, *await roster.duties_of(tx, caller.name, now), now)
    everybody = (await load_merged(tx, whole.persons)).everybody(whole.persons)
    inside = (_within(each, caller.division) for each in whole.divisions)
    scope = replace(
        whole, divisions=frozenset(each for each in inside if each is not None), persons=frozenset(everybody)
    )
    if division is None:
        return scope
    if not scope.covers(division):
        raise NotAllowed(f"{caller.name} does not answer for {division!r}: assignments are made by the post above")
    return Scope(frozenset({division}))


def _within(code: str, bound: str) -> str | None:
    """The part of a division that lies inside another, if any."""
    longer, shorter = (code, bound) if len(code) >= len(bound) else (bound, code)
    return longer if longer.startswith(shorter) else None


async def load_areas(tx: Tx, now: datetime, scope: Scope, *, people_of_all: bool) -> list[Area]:
    """The households of a scope by its divisions. Raises NotAllowed where that is more than a person can walk.

    people_of_all: as `load_households` has it.
    """
    if any(len(each) < _VILLAGE for each in scope.divisions):
        raise NotAllowed("more than a village at once: add ?division= with a village or a grid")
    places = await roster.places_of_dwellings(tx, scope.dwellings) if scope.dwellings else {}
    linked = {each for each in places.values() if not scope.covers(each)}
    rounds = await roster.open_rounds(tx, [*scope.divisions, *linked], now)
    areas = [await _area(tx, now, each, rounds, people_of_all) for each in sorted(scope.divisions)]
    for each in sorted(linked):
        area = await _area(tx, now, each, rounds, people_of_all)
        areas.append(area._replace(households=[home for home in area.households if home.dwelling_id in places]))
    return areas


async def _area(tx: Tx, now: datetime, division: str, rounds: Sequence[Round], people_of_all: bool) -> Area:
    current = next((each for each in rounds if division.startswith(each.division_code)), None)
    return Area(division, current, await load_households(tx, division, current, now, people_of_all=people_of_all))


async def load_items(tx: Tx, now: datetime, scope: Scope, areas: Sequence[Area]) -> list[Item]:
    """What is owed now, in order of time left."""
    owed = await kept.load_owed(tx, scope)
    waiting = [each.since_at for each in owed if each.kind == worklist.SAMPLING]
    since = min([start_of_day(day_of(now)), *waiting])
    people = {each.person_id for each in owed}
    merged = await load_merged(tx, people)
    checks = await kept.load_checks(tx, merged.everybody(people), since)
    items = list(worklist.of_care(owed, checks, now, merged))
    held = await held_in(tx, scope.divisions, LeadState.OPEN)
    items += worklist.of_leads([(each.lead, each.tenure, passed_on_because(each)) for each in held], owed)
    items += worklist.of_needs(await leads.open_needs(tx, [*scope.divisions], scope.persons))
    for area in areas:
        if area.round is not None:
            items += worklist.of_round(area.households, area.round)
    return worklist.in_order(items)


async def today(tx: Tx, now: datetime, caller: Caller, division: str | None) -> dict[str, Any]:
    """The list as the page shows it, to be encoded as JSON; ids alone, no name is in it."""
    scope = await scope_of_caller(tx, now, caller, division)
    areas = await load_areas(tx, now, scope, people_of_all=False)
    items = await load_items(tx, now, scope, areas)
    return {
        "now": now.astimezone(SHANGHAI),
        "post_id": caller.name,
        "areas": [_progress(area) for area in areas],
        "items": [_shown(item) for item in items],
    }


def _progress(area: Area) -> dict[str, Any]:
    current = area.round
    return {
        "division_code": area.division,
        "round": current
        and {
            "round_id": current.round_id,
            "from_at": current.from_at.astimezone(SHANGHAI),
            "until_at": current.until_at.astimezone(SHANGHAI),
            "drill": current.drill,
        },
        "households": len(area.households),
        "reached": sum(each.reached_at is not None for each in area.households),
        "missing": sum(each.missing for each in area.households) if current else 0,
    }


def _shown(item: Item) -> dict[str, Any]:
    shown = {name: value for name, value in zip(_SHOWN, item, strict=False) if value is not None}
    shown["since_at"] = item.since_at.astimezone(SHANGHAI)
    if item.due_at is not None:
        shown["due_at"] = item.due_at.astimezone(SHANGHAI)
    return {**shown, **item.more}
