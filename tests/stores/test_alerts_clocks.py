"""Clocks opened, stopped and run out in any order, and by two transactions at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from contracts.envelope import Event
from contracts.events.contacts import Standing
from contracts.events.deadlines import DeadlineJudged, Verdict, VisitMissed
from contracts.events.policies import PolicyAdopted
from services.alerts import handlers, timers
from tests.stores.alerts_world import (
    HOUR,
    NOON,
    T0,
    Alerts,
    care,
    close,
    connected,
    drilled,
    found,
    left,
    placed,
    reported,
    said,
    visited,
)
from tests.waiting import until_one_waits


async def test_a_case_reported_in_time_keeps_its_clock_whatever_comes_first(alerts: Alerts) -> None:
    await alerts.hear(reported(T0 + HOUR))
    assert alerts.events == []
    await alerts.hear(found())
    assert alerts.verdicts() == {"report.case.direct": Verdict.KEPT}


async def test_a_missed_clock_turns_late_when_the_act_comes_after_all(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.at(T0 + 12 * HOUR)
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.RUNNING}
    await alerts.at(T0 + 13 * HOUR)
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.MISSED}
    await alerts.hear(placed(T0 + 14 * HOUR))
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.LATE}


async def test_an_act_done_in_time_but_heard_late_keeps_the_clock_after_all(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.at(T0 + 13 * HOUR)
    await alerts.hear(said(placed(T0 + 11 * HOUR).data, T0 + 14 * HOUR))
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.KEPT}


async def test_a_contact_that_is_none_after_all_cancels_the_clock_and_nobody_is_told(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.hear(close(revision=2, withdrawn=True))
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.CANCELLED}
    assert await alerts.at(T0 + 50 * HOUR) == []


async def test_an_adoption_makes_provisional_clocks_binding(alerts: Alerts) -> None:
    await alerts.hear(found(), reported(T0 + 3 * HOUR))
    assert [f.standing for f in alerts.standing(DeadlineJudged).values()] == [Standing.PROVISIONAL]
    adopted = PolicyAdopted(
        statement_id="a1", jurisdiction_code="3304", rule="report.case.direct", adopted_from=T0 - HOUR,
        decided_by="city command", document="2022-8",
    )  # fmt: skip
    await alerts.hear(said(adopted))
    assert [(f.verdict, f.standing) for f in alerts.standing(DeadlineJudged).values()] == [
        (Verdict.LATE, Standing.ADOPTED)
    ]


async def test_who_had_left_quarantine_before_the_contact_is_still_to_be_brought_there(alerts: Alerts) -> None:
    earlier = [placed(T0 - 60 * HOUR), left(T0 - 50 * HOUR)]
    await alerts.hear(*earlier, close())
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.RUNNING}
    again = placed(T0 + 2 * HOUR, statement_id="pl2", placement_id="pl2")
    await alerts.hear(again)
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.KEPT}
    assert [f.stopped_at for f in alerts.standing(DeadlineJudged).values()] == [T0 + 2 * HOUR]


async def test_an_end_heard_late_and_one_taken_back_judge_the_clock_anew(alerts: Alerts) -> None:
    await alerts.hear(placed(T0 - 60 * HOUR), close())
    verdicts = [alerts.verdicts()]
    for end in (
        left(T0 - 50 * HOUR),
        left(T0 + 50 * HOUR, revision=2),
        left(T0, revision=3),
        left(T0, revision=4, withdrawn=True),
    ):
        await alerts.hear(end)
        verdicts.append(alerts.verdicts())
    kept, running = ({"transfer.contact.to_quarantine": each} for each in (Verdict.KEPT, Verdict.RUNNING))
    assert verdicts == [kept, running, kept, running, kept]


async def test_a_correction_that_names_another_person_frees_the_first(alerts: Alerts) -> None:
    await alerts.hear(found(), close(), placed(T0 + HOUR), close(statement_id="contact:p2", person_id="p2"))
    await alerts.hear(found(revision=2, person_id="p2"), placed(T0 + HOUR, revision=2, person_id="p2"))
    clocks = {(f.person_id, f.deadline.split(".")[0]): f.verdict for f in alerts.standing(DeadlineJudged).values()}
    assert clocks == {
        ("p1", "report"): Verdict.CANCELLED, ("p1", "transfer"): Verdict.RUNNING,
        ("p2", "report"): Verdict.RUNNING, ("p2", "transfer"): Verdict.KEPT,
    }  # fmt: skip


async def test_an_end_filed_under_another_id_or_moved_to_another_placement_judges_whose_placement_it_is(
    alerts: Alerts,
) -> None:
    await alerts.hear(placed(T0 - 60 * HOUR), close())
    end = left(T0 - 50 * HOUR, person_id="p9")
    await alerts.hear(end)
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.RUNNING}
    await alerts.hear(left(T0 - 50 * HOUR, person_id="p9", revision=2, placement_id="another"))
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.KEPT}


async def test_an_adoption_changes_the_clocks_from_when_it_was_heard_and_one_moved_leaves_its_old_place(
    alerts: Alerts,
) -> None:
    await alerts.hear(found(), reported(T0 + 3 * HOUR))
    fields = {"statement_id": "a1", "rule": "report.case.direct", "adopted_from": T0 - HOUR}
    by = {"decided_by": "city command", "document": "2022-8"}
    said_of = []
    for revision, place in ((1, "3304"), (2, "3303")):
        adopted = PolicyAdopted(revision=revision, jurisdiction_code=place, **fields, **by)
        judged = await alerts.hear(said(adopted, T0 + revision * 24 * HOUR))
        said_of += [(e.time, e.data.standing) for e in judged]
    assert said_of == [(T0 + 24 * HOUR, Standing.ADOPTED), (T0 + 48 * HOUR, Standing.PROVISIONAL)]


async def test_what_is_done_in_an_exercise_stops_no_clock_in_earnest_and_the_other_way_round(alerts: Alerts) -> None:
    exercise = close(statement_id="contact:~p1")
    await alerts.hear(close(), drilled(exercise))
    await alerts.hear(drilled(placed(T0 + HOUR)))
    clocks = {e.data.clock_id: e for e in alerts.events}
    assert sorted((e.drill, e.data.verdict, e.data.person_id) for e in clocks.values()) == [
        (False, Verdict.RUNNING, "p1"), (True, Verdict.KEPT, "p1"),
    ]  # fmt: skip
    await alerts.hear(placed(T0 + HOUR, revision=2))  # it was in earnest
    clocks = {e.data.clock_id: e for e in alerts.events}
    assert sorted((e.drill, e.data.verdict) for e in clocks.values()) == [
        (False, Verdict.KEPT), (True, Verdict.RUNNING),
    ]  # fmt: skip
    adopted = PolicyAdopted(
        statement_id="a1", jurisdiction_code="3304", rule="transfer.contact.to_quarantine", adopted_from=T0,
        decided_by="city command", document="2022-8", hours=1,
    )  # fmt: skip
    assert await alerts.hear(drilled(said(adopted))) == []


async def test_visits_made_in_an_exercise_are_not_made_in_earnest(alerts: Alerts) -> None:
    await alerts.hear(care(), drilled(care(statement_id="care:~pl1")), drilled(visited(NOON + HOUR)))
    await alerts.at(NOON + 13 * HOUR)
    missed = [e for e in alerts.events if isinstance(e.data, VisitMissed)]
    assert [(e.drill, e.data.person_id, e.data.placement_id) for e in missed] == [(False, "p1", "pl1")]
    await alerts.at(NOON + 25 * HOUR)
    missed = [e for e in alerts.events if isinstance(e.data, VisitMissed)]
    assert sorted((e.drill, e.data.placement_id) for e in missed) == [(False, "pl1"), (False, "pl1"), (True, "pl1")]


async def test_any_order_and_repetition_of_facts_ends_in_the_same_verdicts(alerts: Alerts) -> None:
    facts = [
        found(), found(revision=2, found_at=T0 + HOUR), reported(T0 + 4 * HOUR), close(),
        close(revision=2, found_at=T0 + HOUR), placed(T0 + 15 * HOUR),
        care(), care(revision=2, until_at=NOON + 36 * HOUR),
        visited(NOON + HOUR), visited(NOON + 13 * HOUR, 2), visited(NOON + 26 * HOUR, 2, revision=2),
    ]  # fmt: skip
    ends = []
    for seed in range(6):
        await alerts.connection.execute(
            "truncate people, openings, stops, clocks, watches, checks, missed, messages, adoptions"
        )
        alerts.events.clear()
        await _heard_in_pieces(alerts, facts, random.Random(seed))
        await alerts.at(NOON + 80 * HOUR)
        ends.append((alerts.verdicts(), sorted(m.slot_end_at for m in alerts.standing(VisitMissed).values())))
    assert all(end == ends[0] for end in ends)
    assert ends[0][0] == {"report.case.direct": Verdict.LATE, "transfer.contact.to_quarantine": Verdict.LATE}


async def _heard_in_pieces(alerts: Alerts, facts: Sequence[Event[Any]], chance: random.Random) -> None:
    order = chance.sample([*facts, *facts], 2 * len(facts))
    while order:
        size = chance.randint(1, 5)
        await alerts.hear(*order[:size])
        await alerts.at(T0 + timedelta(hours=chance.randint(0, 10)))
        order = order[size:]


@asynccontextmanager
async def two(database: str) -> AsyncIterator[tuple[Any, Any]]:
    first, second = await connected(database), await connected(database)
    try:
        yield first, second
    finally:
        await first.close()
        await second.close()


async def test_an_opening_and_its_stop_side_by_side_meet_in_one_of_the_two(alerts: Alerts, database: str) -> None:
    async with two(database) as (first, second):
        transaction = first.transaction()
        await transaction.start()
        one = await handlers.on_batch([close()], first)

        async def other() -> list[Event[Any]]:
            async with second.transaction():
                return await handlers.on_batch([placed(T0 + HOUR)], second)

        waiting = asyncio.create_task(other())
        await until_one_waits(alerts.connection)
        await transaction.commit()
        alerts.events += one + await waiting
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.KEPT}


async def test_a_timer_passes_over_people_whom_an_open_batch_holds(alerts: Alerts, database: str) -> None:
    await alerts.hear(close())
    async with two(database) as (first, second):
        transaction = first.transaction()
        await transaction.start()
        said_ = await handlers.on_batch([placed(T0 + HOUR)], first)
        async with second.transaction():
            worked = await timers.run_out(second, T0 + 20 * HOUR)
            told = await timers.tell(second, T0 + 20 * HOUR)
        await transaction.commit()
    assert (list(worked.events), list(told.events)) == ([], [])
    alerts.events += said_
    assert await alerts.at(T0 + 20 * HOUR) == []
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.KEPT}
