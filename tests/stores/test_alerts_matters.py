"""Exposed again after quarantine, or ill again after an exclusion: a clock of its own, and the first one stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.events.cases import CaseClassified, Classification
from contracts.events.contacts import Category, ContactMatter
from contracts.events.deadlines import DeadlineJudged, MessageSent, Verdict
from contracts.events.quarantine import Mode
from tests.stores.alerts_world import HOUR, T0, Alerts, close, drilled, found, left, placed, reported, said

ENDED, AGAIN = T0 + 300 * HOUR, T0 + 500 * HOUR
KEPT, LATE, MISSED, RUNNING = Verdict.KEPT, Verdict.LATE, Verdict.MISSED, Verdict.RUNNING
FIRST = ContactMatter(category=Category.CLOSE, found_at=T0)


def exposed_again(
    at: datetime = AGAIN, category: Category = Category.CLOSE, since: datetime = ENDED, **more: Any
) -> Event[Any]:
    """The contact after a quarantine that ended, as tracing states it."""
    second = ContactMatter(category=category, found_at=at, follows_order_id="o1", since_at=since)
    return close(at, **{"revision": 2, "category": category, "matters": (FIRST, second), **more})


def placed_again(at: datetime = AGAIN + HOUR) -> Event[Any]:
    return placed(at, statement_id="pl2", placement_id="pl2")


def excluded(at: datetime, now: Classification = Classification.EXCLUDED, **more: Any) -> Event[Any]:
    fields = {"statement_id": "c1", "person_id": "p1", "classification": now, "classified_at": at}
    return said(CaseClassified(**{**fields, **more}), at)


def clocks(alerts: Alerts) -> list[tuple[datetime, Verdict]]:
    """Those that were due, as they began."""
    judged = alerts.standing(DeadlineJudged).values()
    return sorted((each.started_at, each.verdict) for each in judged if each.verdict is not Verdict.CANCELLED)


@pytest.mark.parametrize("hours", [2, 14])
async def test_who_is_exposed_again_after_quarantine_has_a_second_clock_and_the_first_verdict_stands(
    alerts: Alerts, hours: int
) -> None:
    first = (T0, KEPT if hours == 2 else LATE)
    await alerts.hear(close())
    await alerts.at(T0 + 13 * HOUR)
    await alerts.hear(placed(T0 + hours * HOUR))
    await alerts.hear(left(ENDED), exposed_again())
    assert clocks(alerts) == [first, (AGAIN, RUNNING)]
    await alerts.at(AGAIN + 13 * HOUR)
    assert clocks(alerts) == [first, (AGAIN, MISSED)]
    await alerts.hear(placed_again(AGAIN + 14 * HOUR))
    assert clocks(alerts) == [first, (AGAIN, LATE)]


async def test_what_is_corrected_of_the_later_matter_revises_its_clock_and_makes_no_third(alerts: Alerts) -> None:
    await alerts.hear(close(), placed(T0 + 2 * HOUR), left(ENDED), exposed_again())
    later = AGAIN + 5 * HOUR
    await alerts.hear(exposed_again(later, since=ENDED + HOUR, revision=3))
    assert clocks(alerts) == [(T0, KEPT), (later, RUNNING)]
    await alerts.hear(close(revision=4))
    assert clocks(alerts) == [(T0, KEPT)], "the end was taken back: it is one matter"
    await alerts.hear(exposed_again(revision=5))
    assert clocks(alerts) == [(T0, KEPT), (AGAIN, RUNNING)]
    assert len(alerts.standing(DeadlineJudged)) == 2


async def test_who_is_a_secondary_contact_the_second_time_keeps_the_verdict_of_the_first(alerts: Alerts) -> None:
    await alerts.hear(close(), placed(T0 + 2 * HOUR), left(ENDED), exposed_again(category=Category.SECONDARY))
    assert clocks(alerts) == [(T0, KEPT)]


async def test_a_transfer_that_was_missed_stays_missed_and_is_owed_for_the_later_matter_alone(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.at(T0 + 400 * HOUR)
    await alerts.hear(exposed_again())
    missed, running = sorted(alerts.standing(DeadlineJudged).values(), key=lambda clock: clock.started_at)
    assert (missed.verdict, missed.stopped_at) == (MISSED, AGAIN)
    assert (running.verdict, running.stopped_at) == (RUNNING, None)
    await alerts.hear(placed_again())
    assert clocks(alerts) == [(T0, MISSED), (AGAIN, KEPT)]


async def test_who_was_exposed_again_before_the_first_transfer_was_due_owed_none_for_the_first(alerts: Alerts) -> None:
    await alerts.hear(close(), exposed_again(T0 + 3 * HOUR, since=T0 + 2 * HOUR))
    assert clocks(alerts) == [(T0 + 3 * HOUR, RUNNING)]


@pytest.mark.parametrize(("mode", "second"), [(Mode.CENTRAL_QUARANTINE, RUNNING), (Mode.HOSPITAL, KEPT)])
async def test_a_placement_that_nobody_ended_is_over_with_its_quarantine_but_for_a_hospital(
    alerts: Alerts, mode: Mode, second: Verdict
) -> None:
    await alerts.hear(close(), placed(T0 + 2 * HOUR, mode=mode), exposed_again())
    assert clocks(alerts) == [(T0, KEPT), (AGAIN, second)]


async def test_the_second_clock_is_told_of_from_the_first_post_on(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.at(T0 + HOUR)
    await alerts.hear(placed(T0 + 2 * HOUR), left(ENDED))
    await alerts.hear(exposed_again())
    assert await alerts.at(AGAIN) == []
    told = [e.data.post_division_code for e in await alerts.at(AGAIN + HOUR) if isinstance(e.data, MessageSent)]
    assert len(told) == 1


async def test_an_exercise_and_earnest_have_their_own_matters(alerts: Alerts) -> None:
    await alerts.hear(close(), placed(T0 + HOUR), drilled(exposed_again(statement_id="contact:~p1")))
    judged = {(e.drill, e.data.started_at): e.data.verdict for e in alerts.events}
    assert judged == {(False, T0): KEPT, (True, T0): MISSED, (True, AGAIN): RUNNING}


async def _in_every_order(alerts: Alerts, facts: Sequence[Event[Any]]) -> list[list[tuple[datetime, Verdict]]]:
    ends = []
    for order in permutations(facts):
        await alerts.connection.execute(
            "truncate people, openings, stops, placement_ends, exclusions, clocks, messages"
        )
        alerts.events.clear()
        for event in (*order, order[0]):
            await alerts.hear(event)
        await alerts.at(AGAIN + 13 * HOUR)
        ends.append(clocks(alerts))
    return ends


async def test_the_order_in_which_the_facts_of_two_matters_come_does_not_matter(alerts: Alerts) -> None:
    facts = [close(), exposed_again(), placed(T0 + 14 * HOUR), left(ENDED), placed_again()]
    assert {tuple(end) for end in await _in_every_order(alerts, facts)} == {((T0, LATE), (AGAIN, KEPT))}


FOUND_AGAIN = found(AGAIN, statement_id="f2")


async def test_who_is_a_case_again_after_an_exclusion_has_a_second_clock_and_the_first_verdict_stands(
    alerts: Alerts,
) -> None:
    await alerts.hear(found(), reported(T0 + HOUR))
    await alerts.hear(excluded(T0 + 20 * HOUR), FOUND_AGAIN)
    assert clocks(alerts) == [(T0, KEPT), (AGAIN, RUNNING)]
    await alerts.hear(found(AGAIN + HOUR, statement_id="f3"), found(AGAIN - HOUR, statement_id="f2", revision=2))
    assert clocks(alerts) == [(T0, KEPT), (AGAIN - HOUR, RUNNING)], "a further state and a corrected hour: one illness"
    await alerts.hear(reported(AGAIN + 2 * HOUR, statement_id="r2"))
    assert clocks(alerts) == [(T0, KEPT), (AGAIN - HOUR, LATE)]


async def test_without_an_exclusion_between_them_findings_are_of_one_illness(alerts: Alerts) -> None:
    await alerts.hear(found(), reported(T0 + HOUR), FOUND_AGAIN, excluded(AGAIN + HOUR))
    assert clocks(alerts) == [(T0, KEPT)]


async def test_an_exclusion_that_is_none_after_all_makes_one_illness_of_two(alerts: Alerts) -> None:
    await alerts.hear(found(), reported(T0 + HOUR), excluded(T0 + 20 * HOUR), FOUND_AGAIN)
    await alerts.hear(excluded(T0 + 20 * HOUR, Classification.CONFIRMED, revision=2))
    assert clocks(alerts) == [(T0, KEPT)]
    await alerts.hear(excluded(T0 + 20 * HOUR, person_id="p2", revision=3))
    assert clocks(alerts) == [(T0, KEPT)]


async def test_a_second_word_of_one_exclusion_makes_no_clock(alerts: Alerts) -> None:
    await alerts.hear(found(), reported(T0 + HOUR), excluded(T0 + 20 * HOUR), FOUND_AGAIN)
    assert await alerts.hear(excluded(T0 + 30 * HOUR, statement_id="c2")) == []


async def test_a_report_that_came_after_the_exclusion_is_late_for_the_first_illness_and_none_of_the_second(
    alerts: Alerts,
) -> None:
    await alerts.hear(found(), excluded(T0 + 20 * HOUR), reported(T0 + 30 * HOUR))
    assert clocks(alerts) == [(T0, LATE)]
    await alerts.hear(FOUND_AGAIN)
    assert clocks(alerts) == [(T0, LATE), (AGAIN, RUNNING)]


async def test_the_order_in_which_the_facts_of_two_illnesses_come_does_not_matter(alerts: Alerts) -> None:
    second = reported(AGAIN + HOUR, statement_id="r2")
    facts = [found(), reported(T0 + 3 * HOUR), excluded(T0 + 20 * HOUR), FOUND_AGAIN, second]
    assert {tuple(end) for end in await _in_every_order(alerts, facts)} == {((T0, LATE), (AGAIN, KEPT))}
