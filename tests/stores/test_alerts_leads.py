"""Clocks of leads on a real PostgreSQL: by where a lead came from, one for each division that holds it."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import pytest

from contracts.envelope import Event, say
from contracts.events.deadlines import DeadlineJudged, MessageSent, Verdict
from contracts.events.leads import LeadLanded, LeadPassedOn, LeadReceived, LeadSource
from contracts.events.policies import PolicyAdopted
from tests.stores.alerts_world import GRID, HOUR, T0, Alerts, said

NEXT = f"{GRID[:12]}002"
WHO = {"person_id": "p1", "lead_id": "l1"}


def received(at: datetime = T0, **more: Any) -> Event[Any]:
    fields = {"statement_id": "l1.lead.p1", **WHO, "source": LeadSource.LETTER, "received_at": at}
    return said(LeadReceived(**{**fields, **more}), at)


def passed(at: datetime) -> Event[Any]:
    fact = LeadPassedOn(statement_id="s1", **WHO, to_division_code=NEXT, passed_at=at, passed_by="w")
    return said(fact, at)


def landed(at: datetime, **more: Any) -> Event[Any]:
    fact = LeadLanded(**{"statement_id": "s2", **WHO, "landed_at": at, "landed_by": "w", **more})
    return say(fact, source="intake", time=at, division=NEXT, cause="test")


def adopted(hours: float, source: LeadSource = LeadSource.LETTER) -> Event[Any]:
    fact = PolicyAdopted(
        statement_id="a1", jurisdiction_code="3304", rule=f"land.lead.{source}", adopted_from=T0 - HOUR,
        decided_by="city command", document="2022-8", hours=hours,
    )  # fmt: skip
    return said(fact)


def clocks(alerts: Alerts) -> list[tuple[Verdict, datetime, datetime | None, str | None]]:
    its = alerts.standing(DeadlineJudged).values()
    return sorted((each.verdict, each.started_at, each.due_at, each.about_id) for each in its)


async def test_a_lead_passed_on_stops_one_clock_and_starts_the_next_in_whatever_order_it_is_heard(
    alerts: Alerts,
) -> None:
    events = [adopted(2), received(), passed(T0 + HOUR), landed(T0 + 4 * HOUR)]
    ends = []
    for order in itertools.permutations(events):
        await alerts.connection.execute("truncate people, lead_facts, clocks, adoptions, messages")
        alerts.events.clear()
        for event in order:
            await alerts.hear(event)
        ends.append(clocks(alerts))
    assert ends[0] == [
        (Verdict.KEPT, T0, T0 + 2 * HOUR, "l1"),
        (Verdict.LATE, T0 + HOUR, T0 + 3 * HOUR, "l1"),
    ]
    assert all(end == ends[0] for end in ends)
    places = {event.data.started_at: event.division for event in alerts.events}
    assert places == {T0: GRID, T0 + HOUR: NEXT}


async def test_without_hours_a_lead_is_told_once_and_never_called_late(alerts: Alerts) -> None:
    await alerts.hear(received())
    said_by_time = await alerts.at(T0 + 50 * HOUR)
    assert [event.data.items for event in said_by_time if isinstance(event.data, MessageSent)] == [1]
    assert [verdict for verdict, *_ in clocks(alerts)] == [Verdict.UNLIMITED]


async def test_a_lead_that_was_answered_before_anybody_was_told_is_not_told(alerts: Alerts) -> None:
    await alerts.hear(received(), said(landed(T0).data, T0))
    assert await alerts.at(T0 + 50 * HOUR) == []


async def test_a_lead_missed_is_told_up_the_line_until_it_lands_and_its_withdrawal_cancels_all(alerts: Alerts) -> None:
    await alerts.hear(adopted(2), received())
    told = [event for event in await alerts.at(T0 + 4 * HOUR) if isinstance(event.data, MessageSent)]
    assert {event.data.post_id for event in told} >= {f"command-{GRID}", f"command-{GRID[:12]}"}
    assert [verdict for verdict, *_ in clocks(alerts)] == [Verdict.MISSED]
    await alerts.hear(passed(T0 + 5 * HOUR), received(revision=2, withdrawn=True))
    assert {verdict for verdict, *_ in clocks(alerts)} == {Verdict.CANCELLED}


@pytest.mark.parametrize("source", LeadSource)
async def test_hours_adopted_for_one_source_of_leads_bind_that_source_alone(alerts: Alerts, source: LeadSource) -> None:
    leads = {each: received(statement_id=f"{each}.lead.p1", lead_id=f"l-{each}", source=each) for each in LeadSource}
    await alerts.hear(adopted(2, source), *leads.values())
    told = await alerts.at(T0 + 4 * HOUR)
    late = {about for verdict, _, _, about in clocks(alerts) if verdict is Verdict.MISSED}
    unlimited = {about for verdict, _, _, about in clocks(alerts) if verdict is Verdict.UNLIMITED}
    assert late == {f"l-{source}"} and unlimited == {f"l-{each}" for each in LeadSource if each is not source}
    lines = {event.data.line for event in told if isinstance(event.data, MessageSent)}
    assert lines
