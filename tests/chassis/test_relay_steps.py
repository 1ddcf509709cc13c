"""The relay's steps one at a time, on a real PostgreSQL and a log that takes whatever is sent: its crash points."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from contracts.envelope import Event
from services.chassis import outbox, plan
from services.chassis.errors import PlanBroken
from services.chassis.plan import Answer, is_waiting, make_plans
from services.chassis.relay import TRY_LOCK, relay_connection
from tests.chassis.rig import (
    INTAKE,
    TRACING,
    MemoryLog,
    a_result,
    applied,
    ids,
    of_lane,
    pool_of,
    say_all,
    take,
)
from tests.waiting import until_one_waits

EVENTS = of_lane(0, 5)
LANE = ("tests", 0)


@asynccontextmanager
async def said(database: str) -> AsyncIterator[tuple[asyncpg.Pool, asyncpg.Connection]]:
    """Five events wait in one lane; a relay is connected."""
    async with pool_of(INTAKE, database) as pool:
        await say_all(pool, EVENTS)
        async with relay_connection(database, "intake") as db:
            yield pool, db


async def fenced(database: str, log: MemoryLog) -> list[str]:
    """What a consumer of this log applies."""
    async with pool_of(TRACING, database) as pool:
        await take(pool, log.records[LANE])
        return await applied(pool)


async def numbers(log: MemoryLog) -> list[bytes]:
    return [record.headers[0][1].rpartition(b".")[2] for record in log.records[LANE]]


async def test_killed_after_the_commit_of_the_work_before_the_plan_the_rows_wait(database: str) -> None:
    async with said(database) as (pool, first):
        first.terminate()
        async with relay_connection(database, "intake") as db:
            (only,) = await make_plans(db, {}, [])
        assert [row[1] for row in only.rows] == [event.to_wire() for event in EVENTS]
        assert await pool.fetchval("select count(*) from outbox") == 5


async def test_killed_before_the_commit_of_the_plan_nothing_is_planned(database: str) -> None:
    async with said(database) as (pool, db):
        transaction = db.transaction()
        await transaction.start()
        await db.execute(plan._CHOOSE, plan.MOST_ROWS, plan.MOST_BYTES)
        db.terminate()
        assert await pool.fetchval("select ids from lanes where (topic, partition) = ('tests', 0)") == []


async def test_killed_after_the_commit_of_the_plan_the_same_rows_go_under_the_same_numbers(database: str) -> None:
    async with said(database) as (pool, first):
        (before,) = await make_plans(first, {}, [])
        first.terminate()
        await say_all(pool, of_lane(0, 7)[5:])
        async with relay_connection(database, "intake") as db:
            (after,) = await make_plans(db, {}, [])
        assert after == before


async def test_killed_in_the_middle_of_sending_the_lanes_not_sent_go_again(database: str) -> None:
    log = MemoryLog()
    beside = of_lane(1, 3)
    async with said(database) as (pool, first):
        await say_all(pool, beside)
        plans = await make_plans(first, {}, [])
        log.land(plans[0])
        first.terminate()
        async with relay_connection(database, "intake") as db:
            for again in await make_plans(db, {}, []):
                log.land(again)
        async with pool_of(TRACING, database) as tracing:
            for records in log.records.values():
                await take(tracing, records)
            assert await applied(tracing) == ids(EVENTS) + ids(beside)


async def test_killed_after_the_answer_before_the_delete_the_repeats_are_dropped(database: str) -> None:
    log = MemoryLog()
    async with said(database) as (_, first):
        (sent,) = await make_plans(first, {}, [])
        log.land(sent)
        first.terminate()
        async with relay_connection(database, "intake") as db:
            (again,) = await make_plans(db, {}, [])
            answer = log.land(again)
            assert await make_plans(db, {LANE: answer}, []) == []
    assert await numbers(log) == [b"1", b"2", b"3", b"4", b"5"] * 2
    assert await fenced(database, log) == ids(EVENTS)


async def test_what_is_answered_is_deleted_exactly_and_the_next_rows_follow_on(database: str) -> None:
    log = MemoryLog()
    later = of_lane(0, 8)[5:]
    async with said(database) as (pool, db):
        (sent,) = await make_plans(db, {}, [])
        await say_all(pool, later)
        (rest,) = await make_plans(db, {LANE: log.land(sent)}, [])
        assert rest.last == 5
        assert await make_plans(db, {LANE: log.land(rest)}, []) == []
        assert not await is_waiting(db, [])
        row = await pool.fetchrow("select last, ids, tail_offset from lanes where (topic, partition) = ('tests', 0)")
        assert tuple(row) == (8, [], 8)
    assert await fenced(database, log) == ids(EVENTS) + ids(later)


async def test_a_row_that_committed_late_waits_for_the_next_plan(database: str) -> None:
    """Its id lies below those of the plan, and it is not deleted with them."""
    log = MemoryLog()
    async with pool_of(INTAKE, database) as pool, pool.acquire() as slow, relay_connection(database, "intake") as db:
        transaction = slow.transaction()
        await transaction.start()
        await outbox.write(slow, "intake", EVENTS[:1])
        await say_all(pool, EVENTS[1:])
        (early,) = await make_plans(db, {}, [])
        await transaction.commit()
        (late,) = await make_plans(db, {LANE: log.land(early)}, [])
        log.land(late)
    assert await fenced(database, log) == ids(EVENTS[1:] + EVENTS[:1])


async def test_two_relays_at_once_apply_each_event_once(database: str) -> None:
    """Without any lock: each sends the plan that it read, one answers late, and deletes nothing of the other's."""
    log = MemoryLog()
    later = of_lane(0, 8)[5:]
    async with said(database) as (pool, first), relay_connection(database, "intake") as second:
        (slow,) = await make_plans(first, {}, [])
        (quick,) = await make_plans(second, {}, [])
        assert slow == quick
        await say_all(pool, later)
        (rest,) = await make_plans(second, {LANE: log.land(quick)}, [])
        stale = log.land(slow)
        (same,) = await make_plans(first, {LANE: stale}, [])
        assert same == rest
        await make_plans(first, {LANE: log.land(same)}, [])
        await make_plans(second, {LANE: log.land(rest)}, [])
        assert await pool.fetchval("select count(*) from outbox") == 0
    assert await fenced(database, log) == ids(EVENTS) + ids(later)


async def test_a_relay_that_waited_for_the_lock_does_not_see_rows_already_gone(database: str) -> None:
    log = MemoryLog()
    async with said(database) as (_, first), relay_connection(database, "intake") as second:
        (sent,) = await make_plans(first, {}, [])
        transaction = first.transaction()
        await transaction.start()
        await first.fetch(plan._LOCK)
        waiting = asyncio.create_task(make_plans(second, {}, []))
        await until_one_waits(first)
        answer = log.land(sent)
        await first.execute(plan._ANSWERED, ["tests"], [0], [answer.last], [answer.tail])
        await transaction.commit()
        assert await waiting == []


async def test_a_busy_lane_is_not_read_and_does_not_hold_up_the_others(database: str) -> None:
    async with said(database) as (pool, db):
        await make_plans(db, {}, [])
        assert not await is_waiting(db, [LANE])
        await say_all(pool, of_lane(1, 2))
        assert [one.lane for one in await make_plans(db, {}, [LANE])] == [("tests", 1)]


async def test_a_plan_is_cut_by_rows_and_by_bytes(database: str) -> None:
    wide = [event.model_copy(update={"source": "x" * 200_000}) for event in of_lane(1, 9)]
    many = of_lane(2, 501)
    async with said(database) as (pool, db):
        await say_all(pool, wide)
        await say_all(pool, many)
        sizes = {one.lane[1]: len(one.rows) for one in await make_plans(db, {}, [])}
    assert sizes == {0: 5, 1: plan.MOST_BYTES // 200_500, 2: 500}


async def test_the_largest_event_fits_into_a_plan(database: str) -> None:
    empty = len(a_result(1).model_copy(update={"source": ""}).to_wire())
    largest = a_result(1).model_copy(update={"source": "x" * (outbox.LARGEST_EVENT - empty)})
    async with pool_of(INTAKE, database) as pool, relay_connection(database, "intake") as db:
        await say_all(pool, [largest])
        (only,) = await make_plans(db, {}, [])
        assert len(only.rows[0][1] or b"") == outbox.LARGEST_EVENT


@pytest.mark.parametrize("gone", [EVENTS[2:3], EVENTS], ids=["one", "all"])
async def test_a_plan_whose_rows_are_gone_stops_the_relay(database: str, gone: Sequence[Event[Any]]) -> None:
    async with said(database) as (pool, db):
        await make_plans(db, {}, [])
        await pool.execute("delete from outbox where event_id = any($1)", [event.id for event in gone])
        with pytest.raises(PlanBroken, match=f"plans 5 rows, the outbox has {5 - len(gone)}"):
            await make_plans(db, {}, [])


async def test_an_answer_to_an_older_plan_deletes_nothing(database: str) -> None:
    async with said(database) as (pool, db):
        await make_plans(db, {}, [])
        await make_plans(db, {LANE: Answer(LANE, 3, 3)}, [])
        assert await pool.fetchval("select count(*) from outbox") == 5


async def test_the_lock_saves_double_work_and_goes_with_its_connection(database: str) -> None:
    async with said(database) as (_, first), relay_connection(database, "intake") as second:
        assert await first.fetchval(TRY_LOCK, "intake")
        assert not await second.fetchval(TRY_LOCK, "intake")
        await first.close()
        assert await second.fetchval(TRY_LOCK, "intake")


async def test_the_relay_writes_through_and_lets_a_paused_process_go(database: str) -> None:
    async with said(database) as (_, db):
        shown = [await db.fetchval(f"show {name}") for name in ("synchronous_commit", "idle_session_timeout")]
    assert shown == ["on", "10s"]
