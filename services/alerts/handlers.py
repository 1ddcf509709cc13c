"""What alerts does with a batch of events: facts in, clocks judged, differences out.

The people of a batch are locked first, so that a fact and its counterpart arriving side by side meet in one of the two
transactions, and a timer never judges beside a batch that it cannot see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event, Fact
from contracts.events.cases import CaseFound, CaseReported
from contracts.events.contacts import ContactIdentified
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import CareScheduled, PersonVisited, PlacementStarted
from services.alerts import judging
from services.alerts.rules import DEADLINES
from services.alerts.store import facts, watches
from services.chassis.database import Tx

OPENS_OR_STOPS = (CaseFound, CaseReported, ContactIdentified, PlacementStarted)
STOPPED_AT = {CaseReported: "reported_at", PlacementStarted: "started_at"}


async def on_batch(events: Sequence[Event[Fact]], tx: Tx) -> list[Event[Fact]]:
    """Store the facts of a batch and judge the clocks and slots that they touch."""
    by_kind: dict[type[Fact], list[Event[Any]]] = defaultdict(list)
    for event in events:
        by_kind[type(event.data)].append(event)
    adopted = by_kind[PolicyAdopted]
    people = {e.subject for kind in (*OPENS_OR_STOPS, CareScheduled, PersonVisited) for e in by_kind[kind]}
    people |= set(await facts.find_people_under(tx, adopted)) if adopted else set()
    await facts.lock_people(tx, people)
    await _save(tx, by_kind)
    times = {event.subject: event.time for event in sorted(events, key=lambda e: e.time)}
    touched = people if adopted else {e.subject for kind in OPENS_OR_STOPS for e in by_kind[kind]}
    said = await judging.judge_clocks(tx, sorted(touched), times)
    return said + await judging.judge_again(tx, await _watched_anew(tx, by_kind), times)


async def _save(tx: Tx, by_kind: dict[type[Fact], list[Event[Any]]]) -> None:
    for each in DEADLINES:
        if by_kind[each.opened_by]:
            await facts.save_openings(tx, each.key, by_kind[each.opened_by])
        if by_kind[each.stopped_by]:
            await facts.save_stops(tx, each.key, STOPPED_AT[each.stopped_by], by_kind[each.stopped_by])
    if by_kind[CareScheduled]:
        await facts.save_watches(tx, by_kind[CareScheduled])
    if by_kind[PersonVisited]:
        await facts.save_checks(tx, by_kind[PersonVisited])
    if by_kind[PolicyAdopted]:
        await facts.save_adoptions(tx, by_kind[PolicyAdopted])


async def _watched_anew(tx: Tx, by_kind: dict[type[Fact], list[Event[Any]]]) -> list[str]:
    """People whose judged slots may have changed: a new schedule, a corrected check, or one received late."""
    visits = by_kind[PersonVisited]
    people = {e.subject for e in by_kind[CareScheduled]}
    people |= {e.subject for e in visits if e.data.revision > 1 or e.data.withdrawn}
    if visits:
        seen: list[datetime] = [e.data.visited_at for e in visits]
        people |= set(await watches.find_checked_late(tx, [e.subject for e in visits], seen))
    return sorted(people)
