"""Each way in which a record can be bad makes one dead letter with its reason; a server that was away makes none.

Odd headers: `test_a_header_that_is_null_or_no_text_loses_nothing` and `test_a_record_without_a_number_…`. A handler's
bug: `test_poison_in_a_batch_…`. PostgreSQL killed or cut off: `test_postgresql_killed_…`, `test_database_away_…`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from aiokafka import ConsumerRecord

from contracts.envelope import Event
from contracts.events.testing import TestResulted
from services.chassis import deadletter
from services.chassis.outbox import LARGEST_EVENT
from services.chassis.service import Service
from tests.chassis.rig import APPLIED, a_record, applied, ids, of_lane, on_result, pool_of, records_of
from tests.chassis.test_poison import consuming
from tests.waiting import until_one_waits

EVENTS = of_lane(0, 5)
FINE = EVENTS[2]


async def reason_for(database: str, kafka: str, bad: ConsumerRecord) -> str:
    """Why `bad`, the third of five records, is a dead letter; the other four are applied."""
    records = records_of(EVENTS)
    records[2] = bad
    async with consuming(database, kafka) as (consumer, pool, health):
        assert await consumer.take(records)
        assert health.reasons == {}
        assert await applied(pool) == ids([*EVENTS[:2], *EVENTS[3:]])
        assert await pool.fetchval("select last from positions where (topic, partition) = ('tests', 0)") == 5
        (letter,) = await deadletter.waiting(pool)
        assert (letter.record_offset, letter.number, letter.record) == (2, "1.a1b2c3d4.3", bad.value)
        return letter.reason


def changed(**fields: Any) -> bytes:
    """The third event with other fields of its envelope."""
    return json.dumps(json.loads(FINE.to_wire()) | fields).encode()


def changed_fact(**fields: Any) -> bytes:
    return changed(data=json.loads(FINE.to_wire())["data"] | fields)


@pytest.mark.parametrize("value", [b"\x00\xff not json", b"", b"[]", b'{"type": "test-resulted"'])
async def test_a_record_that_is_not_json_is_a_dead_letter(database: str, kafka: str, value: bytes) -> None:
    reason = await reason_for(database, kafka, a_record(2, 3, value))
    assert "a JSON object with a text field `type` was expected" in reason or "Invalid JSON" in reason


async def test_json_nested_too_deep_is_a_dead_letter(database: str, kafka: str) -> None:
    deep = b'{"type":"test-resulted","data":' + b"[" * 100_000
    assert "Invalid JSON" in await reason_for(database, kafka, a_record(2, 3, deep))


async def test_a_record_of_an_unknown_type_is_a_dead_letter(database: str, kafka: str) -> None:
    reason = await reason_for(database, kafka, a_record(2, 3, changed(type="from-the-future")))
    assert reason == (
        "UnknownEvent: the type 'from-the-future' is not known to this version: update this service, then resend"
    )


async def test_a_record_of_a_newer_version_is_a_dead_letter_that_names_the_field(database: str, kafka: str) -> None:
    newer = changed_fact(ct_gene="Zhang Wei")
    reason = await reason_for(database, kafka, a_record(2, 3, newer))
    assert "data.ct_gene: this version does not know the field: update this service, then resend" in reason
    assert "Zhang" not in reason


async def test_a_record_of_a_newer_envelope_is_a_dead_letter(database: str, kafka: str) -> None:
    assert "specversion: " in await reason_for(database, kafka, a_record(2, 3, changed(specversion="2.0")))


async def test_a_record_without_a_field_that_must_be_there_is_a_dead_letter(database: str, kafka: str) -> None:
    reason = await reason_for(database, kafka, a_record(2, 3, changed(data={"statement_id": "test:1"})))
    assert "data.person_id: Field required" in reason


async def test_a_record_too_large_is_a_dead_letter(database: str, kafka: str) -> None:
    large = changed_fact(note="x" * LARGEST_EVENT)
    reason = await reason_for(database, kafka, a_record(2, 3, large))
    assert f"TooLarge: the record has {len(large):,} bytes, 262,144 are allowed" in reason


@pytest.mark.parametrize("key", [b"person-999", b"\xff\xfe"])
async def test_a_record_under_a_key_that_is_not_its_subject_is_a_dead_letter(
    database: str, kafka: str, key: bytes
) -> None:
    assert "wrong key" in await reason_for(database, kafka, a_record(2, 3, FINE.to_wire(), key=key))


async def test_a_record_in_a_lane_that_is_not_its_keys_is_a_dead_letter(database: str, kafka: str) -> None:
    (elsewhere,) = of_lane(1, 1)
    reason = await reason_for(database, kafka, a_record(2, 3, elsewhere.to_wire()))
    assert "wrong lane: the key belongs to tests/1" in reason


async def test_a_record_in_a_topic_that_is_not_its_types_is_a_dead_letter(database: str, kafka: str) -> None:
    async with consuming(database, kafka) as (consumer, pool, _):
        assert await consumer.take([a_record(0, 1, FINE.to_wire(), lane=("cases", 0))])
        (letter,) = await deadletter.waiting(pool)
        assert "'test-resulted' belongs to the topic 'tests'" in letter.reason


async def a_lock_that_waits_for_each_other(tx: asyncpg.Connection, other: asyncpg.Connection) -> None:
    """A deadlock made by two real transactions; PostgreSQL ends the first, which has the shorter patience."""
    await tx.execute("set local deadlock_timeout = '1ms'")
    await tx.execute("select pg_advisory_xact_lock(1)")
    await other.execute("select pg_advisory_xact_lock(2)")
    waits = asyncio.create_task(other.execute("select pg_advisory_xact_lock(1)"))
    await until_one_waits(tx)
    try:
        await tx.execute("select pg_advisory_xact_lock(2)")
    finally:
        tx.terminate()
        await waits


async def none_is_made(database: str, kafka: str, failing: Any) -> None:
    """The first batch meets `failing`, the second does not: all is applied, nothing set aside."""
    met: list[str] = []

    async def meets(event: Event[TestResulted], tx: asyncpg.Connection) -> list[Event[Any]]:
        if not met:
            met.append(event.id)
            await failing(tx)
        return await on_result(event, tx)

    service = Service("tracing", APPLIED, {TestResulted: meets})
    async with consuming(database, kafka, service) as (consumer, pool, health):
        assert not await consumer.take(records_of(EVENTS[:1]))
        assert "consumer" in health.reasons
        assert await consumer.take(records_of(EVENTS[:1]))
        assert await applied(pool) == ids(EVENTS[:1])
        assert await pool.fetchval("select count(*) from dead_letters") == 0
        assert health.reasons == {}


async def test_a_deadlock_makes_no_dead_letter(database: str, kafka: str) -> None:
    async with pool_of(Service("tracing", APPLIED), database) as pool, pool.acquire() as other, other.transaction():

        async def deadlocks(tx: asyncpg.Connection) -> None:
            await a_lock_that_waits_for_each_other(tx, other)

        await none_is_made(database, kafka, deadlocks)


async def test_a_serialization_failure_makes_no_dead_letter(database: str, kafka: str) -> None:
    async def conflicts(tx: asyncpg.Connection) -> None:
        await tx.execute("do $$ begin raise exception sqlstate '40001'; end $$")

    await none_is_made(database, kafka, conflicts)


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError()])
async def test_a_network_that_was_away_makes_no_dead_letter(database: str, kafka: str, error: Exception) -> None:
    async def away(tx: asyncpg.Connection) -> None:
        raise error

    await none_is_made(database, kafka, away)
