"""One transaction of the consumer on a real PostgreSQL: its crash points, its repeats, its gaps, two at once."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from contracts.envelope import Event
from contracts.events.testing import TestResulted
from services.chassis.ahead import read_ahead
from services.chassis.database import prepare
from services.chassis.errors import OlderTables, PositionsMissing
from services.chassis.fence import Above, Gap, OtherSource, Position
from services.chassis.once import apply, by_lane, lock
from services.chassis.service import Service
from tests.chassis.rig import APPLIED, TRACING, a_record, applied, ids, of_lane, on_result, pool_of, records_of, take

EVENTS = of_lane(0, 6)
RECORDS = records_of(EVENTS)


async def position(pool: asyncpg.Pool, partition: int = 0) -> Position:
    async with pool.acquire() as tx, tx.transaction():
        return (await lock(tx, "tracing", [("tests", partition)]))["tests", partition]


async def test_consumer_killed_before_commit_reads_again(database: str) -> None:
    async def cut_off(event: Event[TestResulted], tx: asyncpg.Connection) -> list[Event[Any]]:
        await on_result(event, tx)
        if event.id == EVENTS[2].id:
            tx.terminate()
        return []

    async with pool_of(TRACING, database) as pool:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            dying = Service("tracing", APPLIED, {TestResulted: cut_off})
            await apply(pool, dying, RECORDS, log_starts={}, dead_letters_an_hour=9)
        assert await applied(pool) == []
        await take(pool, RECORDS)
        assert await applied(pool) == ids(EVENTS)


async def test_consumer_killed_after_commit_before_acknowledging_drops_the_repeats(database: str) -> None:
    async with pool_of(TRACING, database) as pool:
        await take(pool, RECORDS)
        again = await take(pool, RECORDS)
        assert again.repeats == 6
        assert await applied(pool) == ids(EVENTS)


async def test_a_late_repeat_of_the_log_is_dropped(database: str) -> None:
    late = [a_record(offset, number, EVENTS[number - 1].to_wire()) for offset, number in ((6, 2), (7, 3))]
    async with pool_of(TRACING, database) as pool:
        await take(pool, RECORDS[:4])
        done = await take(pool, [*RECORDS[4:], *late])
        assert (done.taken, done.repeats) == (2, 2)
        assert await applied(pool) == ids(EVENTS)


async def test_two_consumers_of_one_lane_apply_each_event_once(database: str) -> None:
    async with pool_of(TRACING, database) as pool, pool_of(TRACING, database) as other:
        done = await asyncio.gather(take(pool, RECORDS), take(other, RECORDS), take(pool, RECORDS[:3]))
        assert sum(one.taken for one in done) == 6
        assert await applied(pool) == ids(EVENTS)


async def test_two_consumers_with_lanes_in_another_order_do_not_deadlock(database: str) -> None:
    first, second = records_of(EVENTS), records_of(of_lane(1, 6), lane=("tests", 1))
    async with pool_of(TRACING, database) as pool:
        done = await asyncio.gather(*(take(pool, [*a, *b]) for a, b in [(first, second), (second, first)] * 4))
        assert sum(one.taken for one in done) == 12


async def test_a_batch_beginning_above_the_stored_offset_is_refused(database: str) -> None:
    async with pool_of(TRACING, database) as pool:
        await take(pool, RECORDS[:2])
        done = await take(pool, RECORDS[4:])
        assert done.problems == {("tests", 0): Above(2)}
        assert await applied(pool) == ids(EVENTS[:2])


async def test_a_refused_lane_does_not_hold_up_the_others(database: str) -> None:
    beside = of_lane(1, 3)
    async with pool_of(TRACING, database) as pool:
        done = await take(pool, [*RECORDS[3:], *records_of(beside, lane=("tests", 1))])
        assert list(done.problems) == [("tests", 0)]
        assert await applied(pool) == ids(beside)


async def test_before_a_gap_all_is_kept(database: str) -> None:
    async with pool_of(TRACING, database) as pool:
        done = await take(pool, [*RECORDS[:2], *RECORDS[4:]])
        assert isinstance(done.problems["tests", 0], Gap)
        assert await applied(pool) == ids(EVENTS[:2])
        assert (await position(pool)).next_offset == 2


async def test_a_void_record_moves_the_number_only(database: str) -> None:
    async with pool_of(TRACING, database) as pool:
        await take(pool, [a_record(0, 1, None), *records_of(EVENTS[1:], 2)])
        assert await applied(pool) == ids(EVENTS[1:])
        assert (await position(pool)).last == 6
        assert await pool.fetchval("select count(*) from dead_letters") == 0


async def test_epochs_and_sources_go_through_the_stored_position(database: str) -> None:
    later = records_of(EVENTS[3:], epoch=2, source="ffffffff")
    async with pool_of(TRACING, database) as pool:
        await take(pool, RECORDS[:3])
        alien = await take(pool, [a_record(3, 4, EVENTS[3].to_wire(), source="ffffffff")])
        assert isinstance(alien.problems["tests", 0], OtherSource)
        await take(pool, [record for record in later if record.offset >= 0])
        old = await take(pool, [a_record(3, 4, EVENTS[3].to_wire())])
        assert old.old_epochs == 1
        assert await applied(pool) == ids(EVENTS)
        assert (await position(pool)).source == "ffffffff"


async def test_a_lane_without_a_position_raises(database: str) -> None:
    async with pool_of(TRACING, database) as pool:
        await pool.execute("delete from positions where topic = 'tests' and partition = 0")
        with pytest.raises(PositionsMissing, match="1 lanes of tracing have no position"):
            await take(pool, RECORDS)


async def test_start_up_keeps_positions_and_sources(database: str) -> None:
    async with pool_of(TRACING, database) as pool:
        await take(pool, RECORDS)
        before = await position(pool)
        source = await pool.fetch("select distinct source from lanes")
        async with pool.acquire() as tx, tx.transaction():
            await prepare(tx, "tracing", APPLIED)
        assert await position(pool) == before
        assert await pool.fetch("select distinct source from lanes") == source
        assert len(source) == 1


async def test_tables_of_a_version_that_cannot_be_brought_over_are_refused_in_words(database: str) -> None:
    async with pool_of(TRACING, database) as pool, pool.acquire() as tx:
        with pytest.raises(OlderTables, match=r'tables of tracing are of an older version .*drop schema "tracing"'):
            async with tx.transaction():
                await prepare(tx, "tracing", f"{APPLIED}; create index if not exists new on applied (new_column)")


def test_a_batch_is_told_apart_by_lane() -> None:
    lanes = by_lane([*RECORDS, *records_of(of_lane(2, 2), lane=("tests", 2))])
    assert {lane: len(records) for lane, records in lanes.items()} == {("tests", 0): 6, ("tests", 2): 2}


@pytest.mark.parametrize("whole", [True, False], ids=["all of it", "of another lane only"])
async def test_what_was_read_ahead_is_taken_as_if_it_were_read_now(database: str, whole: bool) -> None:
    bad = [a_record(2, 3, b"{"), a_record(3, 4, None), a_record(4, 5, EVENTS[4].to_wire(), key=b"another")]
    lane = [*RECORDS[:2], *bad, *RECORDS[5:]]
    other = records_of(of_lane(2, 2), lane=("tests", 2))
    async with pool_of(TRACING, database) as pool:
        ahead = await read_ahead(by_lane([*lane, *other] if whole else other), TRACING)
        assert len(ahead.by_lane) == 1 + whole
        await take(pool, lane[:2])  # the batch before, whose records come again
        done = await take(pool, [*lane, *other], ahead=ahead)
        assert (done.repeats, done.taken, done.dead) == (2, 6, ["tests", "tests"])
        assert await applied(pool) == [*ids(EVENTS[:2]), EVENTS[5].id, *ids(of_lane(2, 2))]
        reasons = await pool.fetch("select reason from dead_letters order by id")
        assert ["JSON" in reasons[0][0], "wrong key" in reasons[1][0]] == [True, True]
