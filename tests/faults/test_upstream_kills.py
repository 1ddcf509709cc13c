"""kill -9 while records of another cluster are admitted: the offset stands or falls with what they said."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from deploy.local import Child, start_child
from tests.chassis.conftest import forget_all, others_ran
from tests.faults.chaos.windows import caught_behind, held
from tests.faults.test_admission_kills import connected
from tests.servers import address_of, any_kafka
from tests.stores.intake_world import KEY, intake
from tests.stores.upstream_world import (
    SOURCES,
    a_result,
    produce,
    produce_quickly,
    read_so_far,
    structured,
    topic,
    until,
    until_read,
)

RECORDS, KILLS = 6_000, 1


def start_intake(database: str, kafka: str, log: Path, upstream: str) -> Child:
    given = {"KAFKA": kafka, "UPSTREAM_KAFKA": upstream, "DATABASE": database, "TOKEN_KEY": KEY, "VAULT_KEY": KEY}
    given |= {"HTTP_PORT": "0", "SOURCES": SOURCES, "INSTANCE": "one"}
    environment = {**os.environ, **{f"GRIDWARD_{name}": value for name, value in given.items()}}
    return start_child([sys.executable, "-m", "services", "intake"], environment, log)


async def test_intake_killed_again_and_again_admits_each_record_once(database: str, kafka: str, tmp_path: Path) -> None:
    await forget_all(kafka)
    await others_ran(kafka)
    async with topic(kafka), intake(database, sources=SOURCES) as world:
        await produce_quickly(kafka, [structured(a_result(n), n) for n in range(RECORDS)])
        for life in range(KILLS):
            child = start_intake(database, kafka, tmp_path / f"intake-{life}.log", kafka)
            before = await read_so_far(world.pool)

            async def further(before: int = before) -> bool:
                return await read_so_far(world.pool) > before

            await until(further)
            os.kill(child.pid, signal.SIGKILL)
            await child.wait()
        assert await read_so_far(world.pool) < RECORDS
        child = start_intake(database, kafka, tmp_path / "intake-last.log", kafka)
        await until_read(world.pool, RECORDS)
        assert await child.stop() == 0
        ledger = (await world.ledger())["jiashan-hospital"]
        assert "Traceback" not in child.log_path.read_text()
    assert ledger == {"received": RECORDS, "accepted": RECORDS, "duplicate": 0, "rejected": 0, "pending": 0}


STATEMENTS = (("upstream_positions", "update upstream_positions"), ("outbox", "insert into outbox"))
"""Table and statement: the offset moved first, the events written last, both in the transaction that admits."""


@pytest.mark.parametrize(("table", "statement"), STATEMENTS, ids=[table for table, _ in STATEMENTS])
async def test_killed_within_the_transaction_that_keeps_the_offset_both_are_undone(
    database: str, kafka: str, tmp_path: Path, table: str, statement: str
) -> None:
    """The topics lie on a cluster of their own, as a city's platform has them."""
    await forget_all(kafka)
    await others_ran(kafka)
    sent = [structured(a_result(n), n) for n in range(40)]
    async with (
        any_kafka() as other,
        topic(address_of(other), 1),
        intake(database, sources=SOURCES) as world,
        connected(database) as db,
        connected(database) as watch,
    ):
        upstream = address_of(other)
        await produce(upstream, sent[:10], 1)
        child = start_intake(database, kafka, tmp_path / "killed.log", upstream)
        await until_read(world.pool, 10)
        async with held(db, f"intake.{table}", "share") as holder:
            await produce(upstream, sent[10:], 1)

            async def caught() -> bool:
                among = await caught_behind(watch, holder, "intake")
                return any(each.pid == child.pid and statement in each.query for each in among)

            await until(caught)
            os.kill(child.pid, signal.SIGKILL)
            await child.wait()
        assert await read_so_far(world.pool) == 10
        assert (await world.ledger())["jiashan-hospital"]["received"] == 10
        child = start_intake(database, kafka, tmp_path / "next.log", upstream)
        await until_read(world.pool, len(sent))

        async def published() -> bool:
            return bool(await watch.fetchval("select count(*) = 0 from intake.outbox"))

        await until(published)
        assert await child.stop() == 0
        ledger = (await world.ledger())["jiashan-hospital"]
        said = await db.fetchval("select sum(last) from intake.lanes")
    assert ledger == {"received": 40, "accepted": 40, "duplicate": 0, "rejected": 0, "pending": 0}
    assert said == len(sent)
