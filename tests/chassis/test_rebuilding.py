"""`rebuild` and `new-epoch` beside a service that is started meanwhile, and what is left when they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from contracts.topics import heard_by
from services.chassis import rebuilding
from services.chassis.errors import HalfDone, LogBroken, NeverRan, RelayAtWork
from services.chassis.rebuilding import Redone, open_again, rebuild
from services.chassis.running import running
from services.chassis.settings import Settings
from services.chassis.topics import make_topics
from services.rollup.replaying import REPLAYING
from services.rollup.service import SERVICE
from tests.chassis.rig import pool_of, settings, until_ready

MARKS = "select command from half_done"


@pytest.fixture
async def given(database: str, fresh_kafka: str) -> AsyncIterator[Settings]:
    """Of a rollup that has run once, on a log that holds nothing yet."""
    await make_topics(fresh_kafka, heard_by("rollup"), -1)
    async with pool_of(SERVICE, database):
        pass
    yield settings(database, fresh_kafka)


async def _rebuilt(given: Settings) -> Redone:
    return await rebuild(SERVICE, REPLAYING, given, lambda *_: None)


async def _opened(given: Settings) -> Redone:
    return (await open_again(SERVICE, REPLAYING, given, lambda *_: None))[1]


@pytest.mark.parametrize(("command", "work"), [("rebuild", _rebuilt), ("new-epoch", _opened)])
async def test_a_service_started_while_the_log_is_verified_does_not_begin(
    given: Settings, monkeypatch: pytest.MonkeyPatch, command: str, work: Any
) -> None:
    verify = rebuilding.verify

    async def beside_a_start(*others: Any) -> int:
        with pytest.raises(HalfDone, match=f"gridward {command} rollup"):
            async with running(SERVICE, given):
                pass
        return await verify(*others)

    monkeypatch.setattr(rebuilding, "verify", beside_a_start)
    assert await work(given) == Redone(0, 0)
    async with running(SERVICE, given) as run:
        await until_ready(run)


@pytest.mark.parametrize("work", [_rebuilt, _opened])
async def test_a_service_started_just_before_the_mark_is_seen_and_the_mark_goes(
    given: Settings, monkeypatch: pytest.MonkeyPatch, work: Any
) -> None:
    refuse_half_done = rebuilding.refuse_half_done
    async with AsyncExitStack() as stack:

        async def after_a_start(*others: Any, **more: Any) -> None:
            await stack.enter_async_context(running(SERVICE, given))
            await refuse_half_done(*others, **more)

        monkeypatch.setattr(rebuilding, "refuse_half_done", after_a_start)
        with pytest.raises(RelayAtWork, match="stop every replica"):
            await work(given)
    async with running(SERVICE, given) as run:
        await until_ready(run)


@pytest.mark.parametrize("work", [_rebuilt, _opened])
async def test_a_database_in_which_the_service_never_ran_is_refused_and_left_as_it_is(
    database: str, fresh_kafka: str, work: Any
) -> None:
    with pytest.raises(NeverRan, match="rollup has no tables here: correct GRIDWARD_DATABASE"):
        await work(settings(database, fresh_kafka))
    db = await asyncpg.connect(database)
    assert not await db.fetchval("select to_regnamespace('rollup') is not null")
    await db.close()


async def test_a_refusal_leaves_no_mark_but_the_one_that_an_earlier_try_left(given: Settings) -> None:
    async with pool_of(SERVICE, given.database) as pool:
        await pool.execute("update positions set epoch = 1, last = 5 where (topic, partition) = ('tests', 0)")
    for marks in ([], ["rebuild"]):
        with pytest.raises(LogBroken, match=r"tests/0 ends at 0\.0, the database knows 1\.5"):
            await _rebuilt(given)
        async with pool_of(SERVICE, given.database) as pool:
            assert [row[0] for row in await pool.fetch(MARKS)] == marks
            await pool.execute("insert into half_done (command) values ('rebuild') on conflict do nothing")
