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
    found,
    placed,
    reported,
    said,
    visited,
)


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
        await _until_waiting(alerts.connection)
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


async def _until_waiting(connection: Any) -> None:
    while not await connection.fetchval("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
