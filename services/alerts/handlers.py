"""What alerts does with a batch of events: facts in, clocks judged, differences out.

The people of a batch are locked first, so that a fact and its counterpart arriving side by side meet in one of the two
transactions, and a timer never judges beside a batch that it cannot see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event, Fact
from contracts.events.cases import CaseClassified, CaseFound, CaseReported
from contracts.events.contacts import ContactIdentified
from contracts.events.people import PersonsMerged
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import CareScheduled, PersonVisited, PlacementEnded, PlacementStarted
from contracts.exercise import both_worlds
from contracts.persons import Merged
from services.alerts import judging
from services.alerts.rules import DEADLINES
from services.alerts.store import around, facts, leads, watches
from services.alerts.store.merges import lock_everybody
from services.chassis.database import Tx
from services.chassis.merges import load_merged, save_merges

OPENS_OR_STOPS = (
    CaseFound,
    CaseReported,
    CaseClassified,
    ContactIdentified,
    PlacementStarted,
    PlacementEnded,
    *leads.FACTS,
)
_SAVED: dict[type[Fact], Callable[[Tx, Sequence[Event[Any]]], Awaitable[None]]] = {
    CaseClassified: facts.save_exclusions,
    PlacementEnded: facts.save_placement_ends,
    CareScheduled: facts.save_watches,
    PersonVisited: facts.save_checks,
    PersonsMerged: save_merges,
    PolicyAdopted: facts.save_adoptions,
}
STOPPED_AT = {CaseReported: "reported_at", PlacementStarted: "started_at"}


async def on_batch(events: Sequence[Event[Fact]], tx: Tx) -> list[Event[Fact]]:
    """Store the facts of a batch and judge the clocks and slots that they touch."""
    events = [each for event in events for each in both_worlds(event)]
    by_kind: dict[type[Fact], list[Event[Any]]] = defaultdict(list)
    for event in events:
        by_kind[type(event.data)].append(event)
    adopted = by_kind[PolicyAdopted]
    before = await around.find_named_before(tx, events)
    people = _named(by_kind, (*OPENS_OR_STOPS, CareScheduled, PersonVisited), before)
    under = set(await around.find_people_under(tx, adopted)) if adopted else set()
    people |= under
    joined = {who for e in by_kind[PersonsMerged] for who in (e.data.person_id, e.data.other_id)}
    merged_before = await lock_everybody(tx, people | joined)
    await _save(tx, by_kind)
    merged = await load_merged(tx, merged_before.everybody(people | joined))
    joined = merged_before.everybody(joined)
    times = _times(events, before, under, merged)
    touched = people if adopted else _named(by_kind, OPENS_OR_STOPS, before)
    said = await judging.judge_clocks(tx, sorted(merged.everybody(touched | joined)), times, merged)
    watched = await _watched_anew(tx, by_kind, before, merged)
    return said + await judging.judge_again(tx, sorted(merged.everybody(watched | joined)), times, merged)


NamedBefore = Mapping[str, set[str]]
"""Whom a revised statement named before, by its id."""


def _named(
    by_kind: Mapping[type[Fact], Sequence[Event[Any]]], kinds: Iterable[type[Fact]], before: NamedBefore
) -> set[str]:
    return {who for kind in kinds for event in by_kind[kind] for who in _whom(event, before)}


def _whom(event: Event[Any], before: NamedBefore) -> set[str]:
    return {event.subject, *before.get(event.data.statement_id, ())}


def _times(events: Sequence[Event[Any]], before: NamedBefore, under: set[str], merged: Merged) -> dict[str, datetime]:
    """When the newest fact on each person was received, by every id of the person. under: an adoption is on them."""
    times: dict[str, datetime] = {}
    for event in events:
        adopted = isinstance(event.data, PolicyAdopted)
        named = under if adopted else {*_whom(event, before), getattr(event.data, "other_id", event.subject)}
        for who in merged.everybody(named):
            times[who] = max(times.get(who, event.time), event.time)
    return times


async def _save(tx: Tx, by_kind: dict[type[Fact], list[Event[Any]]]) -> None:
    for each in DEADLINES:
        if by_kind[each.opened_by]:
            await facts.save_openings(tx, each.key, by_kind[each.opened_by])
        if by_kind[each.stopped_by]:
            await facts.save_stops(tx, each.key, STOPPED_AT[each.stopped_by], by_kind[each.stopped_by])
    if of_leads := [event for kind in leads.FACTS for event in by_kind[kind]]:
        await leads.save(tx, of_leads)
    for kind, save in _SAVED.items():
        if by_kind[kind]:
            await save(tx, by_kind[kind])


async def _watched_anew(
    tx: Tx, by_kind: Mapping[type[Fact], Sequence[Event[Any]]], before: NamedBefore, merged: Merged
) -> set[str]:
    """People whose judged slots may have changed: a new schedule, a corrected check, or one received late."""
    visits = by_kind[PersonVisited]
    people = _named(by_kind, [CareScheduled], before)
    people |= {who for e in visits if e.data.revision > 1 or e.data.withdrawn for who in _whom(e, before)}
    if visits:
        seen = [(who, e.data.visited_at) for e in visits for who in merged.all_of(e.subject)]
        people |= set(await watches.find_checked_late(tx, seen))
    return people
