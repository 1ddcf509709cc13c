"""One person has one clock of a deadline, whichever of the person's ids a fact names; and two again when taken back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.events.deadlines import DeadlineJudged, MessageSent, Verdict, VisitMissed
from contracts.events.people import PersonsMerged
from services.alerts import handlers
from tests.stores.alerts_world import (
    HOUR,
    NOON,
    T0,
    Alerts,
    care,
    connected,
    found,
    reported,
    said,
    visited,
)

LATER = T0 + 3 * HOUR


def merged(at: datetime = LATER, **more: Any) -> Event[Any]:
    """p2 turns out to be p1."""
    fields = {"statement_id": "m1", "person_id": "p1", "other_id": "p2", "decided_at": at, "decided_by": "post-1"}
    return said(PersonsMerged(**{**fields, **more}), at)


FOUND_TWICE = [found(), found(T0 + HOUR, statement_id="f2", person_id="p2")]
REPORTED = reported(T0 + HOUR, statement_id="r2", person_id="p2")
TWICE = [*FOUND_TWICE, REPORTED]


def clocks(alerts: Alerts) -> dict[str, Verdict]:
    judged = alerts.standing(DeadlineJudged).values()
    return {clock.person_id: clock.verdict for clock in judged if clock.verdict is not Verdict.CANCELLED}


async def test_a_person_found_under_two_ids_has_one_clock_and_a_report_under_either_stops_it(alerts: Alerts) -> None:
    await alerts.hear(*TWICE)
    await alerts.at(LATER)
    assert clocks(alerts) == {"p1": Verdict.MISSED, "p2": Verdict.KEPT}
    await alerts.hear(merged())
    assert clocks(alerts) == {"p1": Verdict.KEPT}


async def test_a_merge_taken_back_gives_each_its_own_clock_as_before(alerts: Alerts) -> None:
    await alerts.hear(*TWICE)
    await alerts.hear(merged())
    await alerts.hear(merged(revision=2, withdrawn=True))
    await alerts.at(LATER)
    assert clocks(alerts) == {"p1": Verdict.MISSED, "p2": Verdict.KEPT}


async def test_the_order_of_facts_and_merges_does_not_matter(alerts: Alerts) -> None:
    ends = []
    for events in permutations([*TWICE, merged()]):
        await alerts.connection.execute("truncate people, openings, stops, clocks, merges, messages")
        alerts.events = []
        for event in events:
            await alerts.hear(event)
        await alerts.at(LATER)
        ends.append(clocks(alerts))
    assert ends == [{"p1": Verdict.KEPT}] * 24


async def test_what_was_told_of_the_other_id_is_not_told_again(alerts: Alerts) -> None:
    await alerts.hear(FOUND_TWICE[1])
    await alerts.at(T0 + timedelta(hours=3, minutes=5))
    told = len(alerts.standing(MessageSent))
    assert told == 2, "the institution, and above it because time ran out"
    await alerts.hear(merged(T0 + timedelta(hours=3, minutes=10)))
    await alerts.at(T0 + timedelta(hours=3, minutes=15))
    assert clocks(alerts) == {"p1": Verdict.MISSED}
    assert len(alerts.standing(MessageSent)) == told


@pytest.mark.parametrize("merge_first", [True, False])
async def test_a_check_under_the_other_id_is_a_check(alerts: Alerts, merge_first: bool) -> None:
    check = visited(NOON + 13 * HOUR, statement_id="v2", person_id="p2")
    await alerts.hear(care(), visited(NOON + HOUR))
    for event in [merged(), check] if merge_first else [check, merged()]:
        await alerts.hear(event)
    await alerts.at(NOON + 25 * HOUR)
    missed = {m.slot_start_at for m in alerts.standing(VisitMissed).values()}
    assert NOON + 12 * HOUR not in missed
    await alerts.hear(merged(revision=2, withdrawn=True))
    assert {m.slot_start_at for m in alerts.standing(VisitMissed).values()} == {*missed, NOON + 12 * HOUR}


async def test_a_placement_goes_over_to_the_kept_id_and_back_and_a_missed_slot_is_told_once(alerts: Alerts) -> None:
    other, now = {"statement_id": "care:pl1:p2", "person_id": "p2"}, NOON + 25 * HOUR
    await alerts.hear(care(**other), visited(NOON + HOUR, person_id="p2"))
    await alerts.at(now)
    told, slots = len(alerts.standing(MessageSent)), len(alerts.standing(VisitMissed))
    assert slots
    await alerts.hear(merged(), care(**other, revision=2, withdrawn=True), care(statement_id="care:pl1:p1"))
    await alerts.at(now)
    assert [m.person_id for m in alerts.standing(VisitMissed).values()] == ["p1"] * slots
    gone = care(statement_id="care:pl1:p1", revision=2, withdrawn=True)
    await alerts.hear(merged(revision=2, withdrawn=True), care(**other, revision=3), gone)
    await alerts.at(now)
    assert [m.person_id for m in alerts.standing(VisitMissed).values()] == ["p2"] * slots
    assert len(alerts.standing(MessageSent)) == told


@pytest.mark.parametrize("first_ends", ["merge", "report"])
async def test_a_merge_and_a_report_held_open_side_by_side_do_not_miss_each_other(
    database: str, alerts: Alerts, first_ends: str
) -> None:
    await alerts.hear(FOUND_TWICE[0])
    other = Alerts(await connected(database))
    first, second = (merged(), REPORTED) if first_ends == "merge" else (REPORTED, merged())
    holding = alerts.connection.transaction()
    await holding.start()
    alerts.events += await handlers.on_batch([first], alerts.connection)
    waiting = asyncio.create_task(other.hear(second))
    assert not (await asyncio.wait({waiting}, timeout=0.3))[0], "it waits for the other one's rows"
    await holding.commit()
    await waiting
    await other.connection.close()
    alerts.events += other.events
    assert clocks(alerts) == {"p1": Verdict.KEPT}
