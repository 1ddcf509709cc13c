"""A database put back to an earlier instant: found out at the relay's start; then a new epoch, no loss, no doubling."""

from __future__ import annotations

from datetime import datetime

import asyncpg
import pytest

from contracts.topics import heard_by
from services.chassis import epoch, own_work
from services.chassis.database import Tx
from services.chassis.errors import LogAhead, LogBroken
from services.chassis.fence import Number
from services.chassis.operating import new_epoch
from services.chassis.plan import make_plans
from services.chassis.rebuilding import Redone, open_again
from services.chassis.running import running
from services.chassis.sending import send
from services.chassis.service import Service, Tick, Worked
from services.chassis.tail import is_other_server, refuse_log_ahead
from services.chassis.topics import make_topics
from services.rollup.replaying import REPLAYING
from services.rollup.service import SERVICE as ROLLUP
from tests.chassis.rig import (
    INTAKE,
    TRACING,
    ids,
    of_lane,
    pool_of,
    say_all,
    say_through,
    settings,
    until,
    until_applied,
    until_ready,
)
from tests.chassis.site import back_up, restore, site

EVENTS = of_lane(0, 9)
END_EVERY_OTHER = """
select pg_terminate_backend(pid) from pg_stat_activity
 where application_name like 'gridward/intake/%' and pid <> pg_backend_pid()"""


async def test_a_database_behind_the_log_publishes_nothing_and_says_what_to_do(database: str, fresh_kafka: str) -> None:
    async with site(database, fresh_kafka) as here:
        await here.publish(EVENTS[:3])
        await refuse_log_ahead(here.db, here.reader, "intake")
        await here.back_up()
        await here.publish(EVENTS[3:5])
        await here.restore()
        with pytest.raises(LogAhead, match=r"tests/0 holds 1\.\w+\.5, .* knows epoch 1 up to 3.*new-epoch intake"):
            await refuse_log_ahead(here.db, here.reader, "intake")


async def test_a_plan_sent_but_not_deleted_is_not_ahead(database: str, fresh_kafka: str) -> None:
    async with site(database, fresh_kafka) as here:
        await here.publish(EVENTS[:3])
        await say_all(here.pool, EVENTS[3:5])
        (plan,) = await make_plans(here.db, {}, [])
        await send(here.producer, plan)
        await refuse_log_ahead(here.db, here.reader, "intake")


async def test_an_empty_database_beside_a_full_log_is_refused(database: str, fresh_kafka: str) -> None:
    async with site(database, fresh_kafka) as here:
        await here.publish(EVENTS[:1])
        await here.pool.execute("update lanes set last = 0, tail_offset = 0, source = 'ffffffff'")
        with pytest.raises(LogAhead):
            await refuse_log_ahead(here.db, here.reader, "intake")


@pytest.mark.parametrize("waiting_at_backup", [0, 2])
async def test_after_a_restore_and_a_new_epoch_each_event_is_applied_once(
    database: str, fresh_kafka: str, waiting_at_backup: int
) -> None:
    """Backup after 3 (and 2 rows in the outbox), published up to 6, restored; what is said again is said once."""
    async with site(database, fresh_kafka) as here:
        await here.publish(EVENTS[:3])
        await say_all(here.pool, EVENTS[3 : 3 + waiting_at_backup])
        await here.back_up()
        await here.publish(EVENTS[3 + waiting_at_backup : 6])
        await here.restore()
        await say_all(here.pool, EVENTS[4:7])
        opened = await new_epoch(INTAKE, settings(database, fresh_kafka))
        assert (opened.epoch, opened.said_before) == (2, 3)
        await refuse_log_ahead(here.db, here.reader, "intake")
        await here.publish(EVENTS[3:6] + EVENTS[7:])
        assert await here.read_by_a_consumer() == ids(EVENTS)


async def test_restored_twice_the_epoch_rises_above_all_in_the_log(database: str, fresh_kafka: str) -> None:
    given = settings(database, fresh_kafka)
    async with site(database, fresh_kafka) as here:
        await here.publish(EVENTS[:2])
        await here.back_up()
        await here.publish(EVENTS[2:4])
        for epoch_number, last in ((2, 6), (3, 9)):
            await here.restore()
            await here.pool.execute("truncate said_before")
            assert (await new_epoch(INTAKE, given)).epoch == epoch_number
            await here.publish(EVENTS[2:last])
        assert await here.read_by_a_consumer() == ids(EVENTS)


async def test_opening_an_epoch_killed_on_the_way_begins_again_in_the_same_epoch(
    database: str, fresh_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(database, fresh_kafka) as here:
        await here.publish(EVENTS[:3])
        await here.back_up()
        await here.publish(EVENTS[3:5])
        await here.restore()
        with monkeypatch.context() as cut:
            cut.setattr(epoch, "_DONE", "select pg_terminate_backend(pg_backend_pid())")
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
                await new_epoch(INTAKE, settings(database, fresh_kafka))
        assert (await new_epoch(INTAKE, settings(database, fresh_kafka))).epoch == 2
        await here.publish(EVENTS[5:9])
        assert await here.read_by_a_consumer() == ids(EVENTS)


async def test_a_late_request_of_the_old_epoch_is_dropped_after_the_marker(database: str, fresh_kafka: str) -> None:
    async with site(database, fresh_kafka) as here:
        await here.publish(EVENTS[:3])
        await here.back_up()
        await say_all(here.pool, EVENTS[3:5])
        (late,) = await make_plans(here.db, {}, [])
        await here.restore()
        await new_epoch(INTAKE, settings(database, fresh_kafka))
        await send(here.producer, late)
        await here.publish(EVENTS[3:9])
        assert await here.read_by_a_consumer() == ids(EVENTS)


async def test_a_log_that_lost_records_is_not_read_back(database: str, fresh_kafka: str) -> None:
    async with site(database, fresh_kafka) as here:
        await here.publish(EVENTS[:2])
        await here.pool.execute("update lanes set last = 1, tail_offset = 0 where (topic, partition) = ('tests', 0)")
        plans = "update lanes set last = 0 where (topic, partition) = ('tests', 0)"
        await here.pool.execute(plans)
        row = Number(1, await here.pool.fetchval("select source from lanes limit 1"), 5)
        await here.producer.send_and_wait("tests", EVENTS[4].to_wire(), partition=0, headers=[("n", str(row).encode())])
        with pytest.raises(LogBroken, match="numbers 3-4 of tests/0"):
            await new_epoch(INTAKE, settings(database, fresh_kafka))


async def test_a_running_service_refuses_writes_until_the_new_epoch(database: str, fresh_kafka: str) -> None:
    given = settings(database, fresh_kafka)
    async with running(TRACING, given) as hearer:
        async with site(database, fresh_kafka) as here:
            await here.publish(EVENTS[:3])
            await here.back_up()
            await here.publish(EVENTS[3:5])
            await here.restore()
        async with running(INTAKE, given) as door:

            async def refuses() -> bool:
                return "gridward new-epoch intake" in door.health.reasons.get("log", "")

            await until(refuses, "the relay refuses")
            with pytest.raises(LogAhead, match="new-epoch intake"):
                async with own_work.transaction(door.app) as turn:
                    turn.say(EVENTS[3:5])
            await new_epoch(INTAKE, given)

            async def takes_again() -> bool:
                return not door.app.refusing

            await until(takes_again, "intake takes again")
            async with own_work.transaction(door.app) as turn:
                turn.say(EVENTS[5:9])
            await until_applied(hearer.app.pool, EVENTS)
            await until_ready(door, hearer)


async def test_a_database_that_loses_commits_under_running_replicas_is_refused_by_each_until_the_new_epoch(
    database: str, fresh_kafka: str
) -> None:
    """A failover to a standby that lacked the last commits: every connection ends, and each relay looks again."""
    given = settings(database, fresh_kafka)
    worked: list[bool] = []  # whether writes were refused when a tick ran

    async def work(tx: Tx, now: datetime) -> Worked:
        worked.append(bool(door.app.refusing and other.app.refusing))
        return Worked()

    busy = Service("intake", ticks=(Tick("work", 0.02, work),))
    async with running(TRACING, given) as hearer, running(busy, given) as door, running(busy, given) as other:
        await until_ready(hearer, door, other)
        await say_through(door, EVENTS[:3])
        await back_up(door.app.pool)
        await say_through(door, EVENTS[3:5])
        await until_applied(hearer.app.pool, EVENTS[:5])
        consumers = [door.consumer, other.consumer]
        async with door.app.pool.acquire() as tx, tx.transaction():
            await restore(tx)
            await tx.execute(END_EVERY_OTHER)

        async def refuse() -> bool:
            return all("new-epoch intake" in run.health.reasons.get("log", "") for run in (door, other))

        await until(refuse, "both refuse")
        for run in (door, other):
            with pytest.raises(LogAhead, match="new-epoch intake"):
                async with own_work.transaction(run.app) as turn:
                    turn.say(EVENTS[3:5])
        await new_epoch(INTAKE, given)
        await until_ready(door, other)
        assert worked.count(True) <= 2  # one each that had begun
        assert door.consumer is not consumers[0] and other.consumer is not consumers[1]
        await say_through(other, EVENTS[3:9])
        await until_applied(hearer.app.pool, EVENTS)


async def test_another_server_than_before_is_noticed_once(database: str, fresh_kafka: str) -> None:
    async with site(database, fresh_kafka) as here:
        assert not await is_other_server(here.db)
        assert not await is_other_server(here.db)
        await here.pool.execute("update relay set server = '1.00000009'")
        assert await is_other_server(here.db)
    given = settings(database, fresh_kafka)
    async with running(INTAKE, given) as door:
        await until_ready(door)
        epochs = "select distinct epoch from lanes"

        async def opened() -> bool:
            return bool(await door.app.pool.fetchval(epochs) == 2)

        await until(opened, "epoch 2 is open")


async def test_a_service_that_says_nothing_opens_an_epoch_by_the_command_and_on_another_server(
    database: str, fresh_kafka: str
) -> None:
    """rollup has no lane: there is nothing to mark and nothing to read back."""
    given = settings(database, fresh_kafka)
    await make_topics(fresh_kafka, heard_by("rollup"), -1)
    async with pool_of(ROLLUP, database):
        pass
    opened, redone = await open_again(ROLLUP, REPLAYING, given, lambda *_: None)
    assert ((opened.epoch, opened.said_before), redone) == ((1, 0), Redone(0, 0))
    async with pool_of(ROLLUP, database) as pool:
        await pool.execute("update relay set server = '1.00000009'")
    async with running(ROLLUP, given) as run:
        await until_ready(run)
        assert await run.app.pool.fetchval("select server <> '1.00000009' and opening_epoch is null from relay")
