"""`rebuild` and `new-epoch` beside a service that is started meanwhile, and what is left when they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from contracts.topics import heard_by
from services.chassis import deadletter, rebuilding, settling
from services.chassis.errors import HalfDone, LogBroken, NeverRan, RelayAtWork
from services.chassis.plan import Plan
from services.chassis.rebuilding import Redone, open_again, rebuild
from services.chassis.running import running
from services.chassis.sending import send
from services.chassis.settings import Settings
from services.chassis.topics import make_topics
from services.rollup.replaying import REPLAYING
from services.rollup.service import SERVICE
from tests.chassis.rig import SOURCE, TRACING, applied, ids, of_lane, pool_of, settings, until_applied, until_ready
from tests.chassis.test_consumer import listening
from tests.chassis.test_poison import thirteen

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


async def test_a_rebuild_hears_again_what_an_operator_had_resent_and_nothing_that_was_dropped(
    database: str, fresh_kafka: str
) -> None:
    """A wrong key, a wrong lane and a missing number: none of them can be taken from its place in the log."""
    events = [*of_lane(0, 5), *of_lane(1, 1)]
    wrong_key, dropped, unnumbered, wrong_lane = events[1], thirteen(events[2]), events[3], events[5]
    rows: list[tuple[str, bytes | None]] = [
        (event.subject, event.to_wire()) for event in (events[0], dropped, wrong_lane)
    ]
    async with listening(database, fresh_kafka) as (run, producer):
        await send(producer, Plan(("tests", 0), 1, SOURCE, 0, 4, [*rows, ("nobody", wrong_key.to_wire())]))
        await producer.send_and_wait("tests", unnumbered.to_wire(), key=unnumbered.subject.encode(), partition=0)
        await send(producer, Plan(("tests", 0), 1, SOURCE, 4, 1, [(events[4].subject, events[4].to_wire())]))
        await until_applied(run.app.pool, [events[0], events[4]])
        async with settling.desk("tracing", run.app.settings) as db:
            for letter in await deadletter.waiting(db):
                if "thirteen" in letter.reason:
                    await settling.drop(db, letter.id, "duty-desk", "noise")
                else:
                    await settling.resend(db, TRACING, letter.id, "duty-desk", "a second client's hash")
        before = [event for event in events if event is not events[2]]
        assert sorted(await applied(run.app.pool)) == sorted(ids(before))
    await rebuild(TRACING, REPLAYING, run.app.settings, lambda *_: None)
    async with pool_of(TRACING, database) as pool:
        assert sorted(await applied(pool)) == sorted(ids(before))
        assert await deadletter.waiting(pool) == []
