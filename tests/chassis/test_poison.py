"""What is poison, what is not, and what becomes of it: one dead letter, its number moved, all others applied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from aiokafka import ConsumerRecord

from contracts.envelope import Event
from contracts.events.testing import TestResulted
from services.chassis import deadletter, once
from services.chassis.consumer import Consumer
from services.chassis.database import is_transient
from services.chassis.errors import NoSuchDeadLetter, OversizedEvent
from services.chassis.health import Health
from services.chassis.reader import log_reader
from services.chassis.service import Service
from tests.chassis.rig import (
    APPLIED,
    TRACING,
    Broken,
    a_record,
    applied,
    ids,
    of_lane,
    on_result,
    on_result_mended,
    pool_of,
    records_of,
    settings,
)

EVENTS = of_lane(0, 9)


def with_poison(*places: int) -> list[ConsumerRecord]:
    """Nine records, of which those at these places (from 0) cannot be borne."""
    events = [event if i not in places else thirteen(event) for i, event in enumerate(EVENTS)]
    return records_of(events)


def thirteen(event: Event[TestResulted]) -> Event[TestResulted]:
    return event.model_copy(update={"data": event.data.model_copy(update={"ct_value": 13})})


def without(*places: int) -> list[str]:
    return [event.id for i, event in enumerate(EVENTS) if i not in places]


@asynccontextmanager
async def consuming(
    database: str, kafka: str, service: Service = TRACING, **others: Any
) -> AsyncIterator[tuple[Consumer, asyncpg.Pool, Health]]:
    """A consumer that is handed its batches."""
    async with pool_of(service, database) as pool, log_reader(kafka) as reader:
        health = Health("tracing")
        consumer = Consumer(service, settings(database, kafka, **others), pool, reader, health, lambda: None)
        consumer.client = lambda: reader._client  # its lanes were taken away meanwhile: seeking is refused
        yield consumer, pool, health


@pytest.mark.parametrize("places", [(4,), (0,), (8,), (2, 3, 7), tuple(range(9))])
async def test_poison_in_a_batch_becomes_one_dead_letter_each_and_moves_the_number(
    database: str, kafka: str, places: tuple[int, ...]
) -> None:
    async with consuming(database, kafka) as (consumer, pool, health):
        assert await consumer.take(with_poison(*places))
        assert await applied(pool) == without(*places)
        letters = await deadletter.waiting(pool)
        assert [letter.record_offset for letter in letters] == list(places)
        assert {letter.reason for letter in letters} == {"Broken: thirteen"}
        assert await pool.fetchval("select last from positions where (topic, partition) = ('tests', 0)") == 9
        assert health.reasons == {}


async def test_a_dead_letter_read_again_is_a_repeat(database: str, kafka: str) -> None:
    async with consuming(database, kafka) as (consumer, pool, _):
        await consumer.take(with_poison(4))
        await consumer.take(with_poison(4))
        assert await pool.fetchval("select count(*) from dead_letters") == 1


@pytest.mark.parametrize(
    "value", [b"\x00\xff not json", b"{}", b'{"type": "test-resulted"}', b'{"type":"from-the-future"}']
)
async def test_a_record_that_cannot_be_read_is_a_dead_letter_without_a_cut(
    database: str, kafka: str, value: bytes
) -> None:
    batches = []

    async def on_batch(events: Any, tx: asyncpg.Connection) -> list[Event[Any]]:
        batches.append(len(events))
        return []

    records = [*records_of(EVENTS[:4]), a_record(4, 5, value), *records_of(EVENTS[5:], 6)]
    service = Service("tracing", APPLIED, on_batch=on_batch)
    async with consuming(database, kafka, service) as (consumer, pool, _):
        assert await consumer.take(records)
        assert batches == [8]
        (letter,) = await deadletter.waiting(pool)
        assert (letter.number, letter.record) == ("1.a1b2c3d4.5", value)


async def test_a_record_without_a_number_is_a_dead_letter_and_moves_no_number(database: str, kafka: str) -> None:
    records = [*records_of(EVENTS[:2]), a_record(2, None, b"{}"), a_record(3, 3, EVENTS[2].to_wire())]
    async with consuming(database, kafka) as (consumer, pool, _):
        assert await consumer.take(records)
        assert await consumer.take(records)
        (letter,) = await deadletter.waiting(pool)
        assert "no number" in letter.reason
        assert await applied(pool) == ids(EVENTS[:3])


async def test_an_event_too_large_to_be_said_is_the_fault_of_what_caused_it(database: str, kafka: str) -> None:
    async def on_batch(events: Any, tx: asyncpg.Connection) -> list[Event[Any]]:
        if any(event.id == EVENTS[1].id for event in events):
            raise OversizedEvent("too large")
        return []

    async with consuming(database, kafka, Service("tracing", APPLIED, on_batch=on_batch)) as (consumer, pool, _):
        assert await consumer.take(records_of(EVENTS))
        (letter,) = await deadletter.waiting(pool)
        assert letter.record_offset == 1


async def test_database_away_is_no_poison(database: str, kafka: str) -> None:
    cuts: list[str] = []

    async def once_cut_off(event: Event[TestResulted], tx: asyncpg.Connection) -> list[Event[Any]]:
        if not cuts:
            cuts.append(event.id)
            async with pool_of(TRACING, database) as other:
                await other.execute("select pg_terminate_backend($1)", tx.get_server_pid())
        try:
            return await on_result(event, tx)
        except asyncpg.PostgresError as error:
            raise Broken("a handler that hides what it met") from error

    service = Service("tracing", APPLIED, {TestResulted: once_cut_off})
    async with consuming(database, kafka, service) as (consumer, pool, health):
        assert not await consumer.take(records_of(EVENTS[:1]))
        assert "consumer" in health.reasons
        assert await consumer.take(records_of(EVENTS[:1]))
        assert await applied(pool) == ids(EVENTS[:1])
        assert await pool.fetchval("select count(*) from dead_letters") == 0
        assert health.reasons == {}


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (asyncpg.ConnectionDoesNotExistError("08003"), True),
        (asyncpg.ReadOnlySQLTransactionError("25006"), True),
        (asyncpg.SerializationError("40001"), True),
        (asyncpg.DeadlockDetectedError("40P01"), True),
        (asyncpg.TooManyConnectionsError("53300"), True),
        (asyncpg.LockNotAvailableError("55P03"), True),
        (asyncpg.QueryCanceledError("57014"), True),
        (asyncpg.AdminShutdownError("57P01"), True),
        (asyncpg.PostgresIOError("58030"), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.InFailedSQLTransactionError("25P02"), False),
        (asyncpg.UniqueViolationError("23505"), False),
        (asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"), False),
        (asyncpg.DataError("invalid input for query argument $1"), False),
        (ValueError("no"), False),
    ],
)
def test_poison_is_what_the_servers_have_no_part_in(error: BaseException, transient: bool) -> None:
    assert is_transient(error) is transient


async def test_too_many_dead_letters_stop_the_consumer_aloud(database: str, kafka: str) -> None:
    async with consuming(database, kafka, dead_letters_an_hour=2) as (consumer, pool, health):
        assert not await consumer.take(with_poison(1, 3, 5))
        assert "2 dead letters of the last hour are open" in health.reasons["consumer"]
        assert await applied(pool) == without(1, 3, 5)[:3]
        await pool.execute("update dead_letters set closed_at = now()")
        assert await consumer.take(with_poison(1, 3, 5))
        assert await applied(pool) == without(1, 3, 5)
        assert health.reasons == {}


async def test_resending_a_dead_letter_runs_inside_the_service_and_closes_it(database: str, kafka: str) -> None:
    service = Service("tracing", APPLIED, {TestResulted: on_result_mended})
    async with consuming(database, kafka) as (consumer, pool, _):
        await consumer.take(with_poison(4))
        before = await pool.fetch("select * from positions order by 1, 2, 3")
        (letter,) = await deadletter.waiting(pool)
        await once.resend(pool, service, letter.id, "duty-desk")
        assert await applied(pool) == [*without(4), EVENTS[4].id]
        assert await pool.fetch("select * from positions order by 1, 2, 3") == before
        assert await pool.fetchval("select closed_by from dead_letters") == "resent by duty-desk"
        with pytest.raises(NoSuchDeadLetter):
            await once.resend(pool, service, letter.id, "duty-desk")


async def test_a_dead_letter_that_fails_again_stays_open(database: str, kafka: str) -> None:
    async with consuming(database, kafka) as (consumer, pool, _):
        await consumer.take(with_poison(4))
        (letter,) = await deadletter.waiting(pool)
        with pytest.raises(Broken):
            await once.resend(pool, TRACING, letter.id, "duty-desk")
        assert len(await deadletter.waiting(pool)) == 1


def test_a_reason_fits_and_holds_no_zero_byte() -> None:
    reason = deadletter.reason_of(ValueError("\0" + "x" * 9_000))
    assert len(reason) <= deadletter.LONGEST_REASON
    assert "\0" not in reason
