"""What alerts does with a batch of events: facts in, clocks judged, differences out.

The people of a batch are locked first, so that a fact and its counterpart arriving side by side meet in one of the two
transactions, and a timer never judges beside a batch that it cannot see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event, Fact
from contracts.events.cases import CaseFound, CaseReported
from contracts.events.contacts import ContactIdentified
from contracts.events.people import PersonsMerged
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import CareScheduled, PersonVisited, PlacementEnded, PlacementStarted
from contracts.exercise import apart, named_id, set_apart_id
from contracts.persons import Merged
from services.alerts import judging
from services.alerts.rules import DEADLINES
from services.alerts.store import facts, leads, watches
from services.alerts.store.merges import lock_everybody
from services.chassis.database import Tx
from services.chassis.merges import load_merged, save_merges

OPENS_OR_STOPS = (CaseFound, CaseReported, ContactIdentified, PlacementStarted, PlacementEnded, *leads.FACTS)
_SAVED: dict[type[Fact], Callable[[Tx, Sequence[Event[Any]]], Awaitable[None]]] = {
    PlacementEnded: facts.save_placement_ends,
    CareScheduled: facts.save_watches,
    PersonVisited: facts.save_checks,
    PersonsMerged: save_merges,
    PolicyAdopted: facts.save_adoptions,
}
STOPPED_AT = {CaseReported: "reported_at", PlacementStarted: "started_at"}


async def on_batch(events: Sequence[Event[Fact]], tx: Tx) -> list[Event[Fact]]:
    """Store the facts of a batch and judge the clocks and slots that they touch."""
    events = [apart(event) for event in events]
    by_kind: dict[type[Fact], list[Event[Any]]] = defaultdict(list)
    for event in events:
        by_kind[type(event.data)].append(event)
    adopted = by_kind[PolicyAdopted]
    people = {who for kind in (*OPENS_OR_STOPS, CareScheduled, PersonVisited) for e in by_kind[kind] for who in _of(e)}
    under = set(await facts.find_people_under(tx, adopted)) if adopted else set()
    people |= under
    joined = {who for e in by_kind[PersonsMerged] for who in (e.data.person_id, e.data.other_id)}
    before = await lock_everybody(tx, people | joined)
    await _save(tx, by_kind)
    merged = await load_merged(tx, before.everybody(people | joined))
    joined = before.everybody(joined)
    times = _times(events, under, merged)
    touched = people if adopted else {who for kind in OPENS_OR_STOPS for e in by_kind[kind] for who in _of(e)}
    said = await judging.judge_clocks(tx, sorted(merged.everybody(touched | joined)), times, merged)
    watched = await _watched_anew(tx, by_kind, merged)
    return said + await judging.judge_again(tx, sorted(merged.everybody(watched | joined)), times, merged)


def _of(event: Event[Any]) -> set[str]:
    """Whom a fact bears on; a revised one may have been said in an exercise before, or in earnest."""
    other = named_id(event.subject) if event.drill else set_apart_id(event.subject)
    return {event.subject, other} if event.data.revision > 1 else {event.subject}


def _times(events: Sequence[Event[Any]], under: set[str], merged: Merged) -> dict[str, datetime]:
    """When the newest fact on each person was received, by every id of the person. under: an adoption is on them."""
    times: dict[str, datetime] = {}
    for event in events:
        adopted = isinstance(event.data, PolicyAdopted)
        named = under if adopted else {*_of(event), getattr(event.data, "other_id", event.subject)}
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


async def _watched_anew(tx: Tx, by_kind: dict[type[Fact], list[Event[Any]]], merged: Merged) -> set[str]:
    """People whose judged slots may have changed: a new schedule, a corrected check, or one received late."""
    visits = by_kind[PersonVisited]
    people = {e.subject for e in by_kind[CareScheduled]}
    people |= {who for e in visits if e.data.revision > 1 or e.data.withdrawn for who in _of(e)}
    if visits:
        seen = [(who, e.data.visited_at) for e in visits for who in merged.all_of(e.subject)]
        people |= set(await watches.find_checked_late(tx, seen))
    return people
