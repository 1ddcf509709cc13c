"""The end of a producing transaction: what is said is in the outbox exactly if the work is."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.envelope import Event, say
from contracts.events.policies import TimeAdvanced
from contracts.events.quarantine import SamplingDue
from services.chassis import clock, outbox
from services.chassis.errors import NotOurs, OversizedEvent
from tests.chassis.rig import INTAKE, NOON, TESTS, a_result, ids, pool_of, say_all


async def test_before_commit_of_the_producing_transaction_nothing_happened(database: str) -> None:
    async with pool_of(INTAKE, database) as pool:
        async with pool.acquire() as tx:
            transaction = tx.transaction()
            await transaction.start()
            await outbox.write(tx, "intake", [a_result(1)])
            tx.terminate()
        assert await pool.fetchval("select count(*) from outbox") == 0


async def test_events_lie_in_their_lanes_in_the_order_of_saying(database: str) -> None:
    events = [a_result(number, person=f"person-{number % 7}") for number in range(500)]
    async with pool_of(INTAKE, database) as pool:
        await say_all(pool, events)
        rows = await pool.fetch("select topic, partition, event_id, key, record from outbox order by id")
    assert [row["event_id"] for row in rows] == ids(events)
    assert {(row["topic"], row["partition"]) for row in rows} == {
        ("tests", TESTS.partition_of(event.subject)) for event in events
    }
    assert [bytes(row["record"]) for row in rows] == [event.to_wire() for event in events]


async def test_an_oversized_event_is_refused_at_writing_with_all_beside_it(database: str) -> None:
    large = a_result(2).model_copy(update={"source": "x" * outbox.LARGEST_EVENT})
    async with pool_of(INTAKE, database) as pool:
        with pytest.raises(OversizedEvent, match=f"event {large.id} .* say it in several events"):
            await say_all(pool, [a_result(1), large])
        assert await pool.fetchval("select count(*) from outbox") == 0


async def test_a_service_says_only_its_own_topics(database: str) -> None:
    due = SamplingDue(statement_id="due:1", person_id="person-1", tube_id="tube-1", since_at=NOON)
    event: Event[Any] = say(due, source="tracing", time=NOON, division="330421")
    async with pool_of(INTAKE, database) as pool:
        with pytest.raises(NotOurs, match="'dues', which tracing produces"):
            await say_all(pool, [event])


async def test_what_was_said_before_a_restore_is_not_said_again(database: str) -> None:
    async with pool_of(INTAKE, database) as pool:
        await pool.execute("insert into said_before values ($1)", a_result(1).id)
        await say_all(pool, [a_result(1), a_result(2)])
        assert await pool.fetchval("select array_agg(event_id) from outbox") == [a_result(2).id]


async def test_the_service_that_tells_the_time_hears_itself(database: str) -> None:
    told = say(TimeAdvanced(statement_id="stage", to_at=NOON), source="intake", time=NOON, division="33")
    async with pool_of(INTAKE, database) as pool:
        await say_all(pool, [told])
        assert await clock.now(pool, "stage") == NOON
