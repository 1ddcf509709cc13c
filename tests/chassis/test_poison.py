"""What is poison, what is not, and what becomes of it: one dead letter, its number moved, all others applied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import log2
from typing import Any

import asyncpg
import pytest
from aiokafka import ConsumerRecord
from structlog.testing import capture_logs

from contracts.envelope import Event
from contracts.events.testing import TestResulted
from contracts.topics import heard_by
from services.chassis import deadletter
from services.chassis.consumer import Consumer
from services.chassis.database import is_transient, lanes_of
from services.chassis.errors import OversizedEvent
from services.chassis.health import Health
from services.chassis.masking import LONGEST_REASON, reason_of
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
        lanes = dict.fromkeys(lanes_of(heard_by("tracing")), 0)
        await consumer.care.begin(lanes, lanes)
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


async def test_a_record_that_cannot_be_read_is_a_dead_letter_without_a_cut(database: str, kafka: str) -> None:
    batches = []

    async def on_batch(events: Any, tx: asyncpg.Connection) -> list[Event[Any]]:
        batches.append(len(events))
        return []

    records = [*records_of(EVENTS[:4]), a_record(4, 5, b"{}"), *records_of(EVENTS[5:], 6)]
    service = Service("tracing", APPLIED, on_batch=on_batch)
    async with consuming(database, kafka, service) as (consumer, pool, _):
        assert await consumer.take(records)
        assert batches == [8]
        (letter,) = await deadletter.waiting(pool)
        assert (letter.number, letter.record) == ("1.a1b2c3d4.5", b"{}")


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
        (asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"), True),
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
        assert "2 dead letters of the last hour are open, the limit is 2" in health.reasons["consumer"]
        assert await applied(pool) == without(1, 3, 5)[:3]
        assert not await consumer.take(records_of(of_lane(1, 2), lane=("tests", 1))), "a batch without fault waits too"
        assert "the limit is 2" in health.reasons["consumer"]
        await pool.execute("update dead_letters set closed_at = now()")
        assert await consumer.take(with_poison(1, 3, 5))
        assert await applied(pool) == without(1, 3, 5)
        assert health.reasons == {}


async def test_what_cannot_be_read_fills_the_limit_before_it_stops(database: str, kafka: str) -> None:
    """Else there were nothing that an operator could close, and the consumer stood for ever."""
    bad = [a_record(offset, offset + 1, b"{}") for offset in range(2, 7)]
    async with consuming(database, kafka, dead_letters_an_hour=3) as (consumer, pool, health):
        assert not await consumer.take([*records_of(EVENTS[:2]), *bad])
        assert [letter.record_offset for letter in await deadletter.waiting(pool)] == [2, 3, 4]
        assert await applied(pool) == ids(EVENTS[:2])
        assert "3 dead letters of the last hour are open, the limit is 3" in health.reasons["consumer"]


async def test_poison_in_a_batch_of_50000_costs_two_readings_and_a_few_transactions(database: str, kafka: str) -> None:
    handled: list[int] = []

    async def on_batch(events: Any, tx: asyncpg.Connection) -> list[Event[Any]]:
        handled.append(len(events))
        if any(event.data.ct_value == 13 for event in events):
            raise Broken("thirteen")
        return []

    size, place, one = 50_000, 31_337, EVENTS[0]
    good, bad, key = one.to_wire(), thirteen(one).to_wire(), one.subject.encode()
    records = [a_record(n, n + 1, good if n != place else bad, key=key) for n in range(size)]
    async with consuming(database, kafka, Service("tracing", APPLIED, on_batch=on_batch)) as (consumer, pool, _):
        assert await consumer.take(records)
        assert [letter.record_offset for letter in await deadletter.waiting(pool)] == [place]
        assert await pool.fetchval("select last from positions where (topic, partition) = ('tests', 0)") == size
    assert len(handled) <= 2 * log2(size) + 2, "each half once, then doubled to the end"
    assert sum(handled) <= 3 * size


async def test_the_log_of_a_poison_says_where_and_not_of_whom(database: str, kafka: str) -> None:
    async def quoting(event: Event[TestResulted], tx: asyncpg.Connection) -> list[Event[Any]]:
        raise Broken(f"no such place: {event.division}, {event.data.statement_id!r}")

    named = EVENTS[0].model_copy(update={"division": "Zhang Wei"})
    async with consuming(database, kafka, Service("tracing", APPLIED, {TestResulted: quoting})) as (consumer, pool, _):
        with capture_logs() as lines:
            assert await consumer.take(records_of([named]))
        (letter,) = await deadletter.waiting(pool)
    assert "in quoting" in str(lines)
    assert "Zhang" not in str(lines) + letter.reason


def test_a_reason_fits_and_holds_no_zero_byte() -> None:
    reason = reason_of(ValueError("\0" + "x" * 9_000))
    assert len(reason) <= LONGEST_REASON
    assert "\0" not in reason
