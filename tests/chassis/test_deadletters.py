"""`gridward deadletters` as an operator uses it, on a real database and beside a real consumer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from aiokafka import ConsumerRecord

from contracts.topics import heard_by
from services.chassis.once import apply
from services.chassis.plan import Plan
from services.chassis.running import running
from services.chassis.sending import relay_producer, send
from services.chassis.topics import make_topics
from services.tracing.service import SERVICE
from tests.chassis.conftest import Gridward
from tests.chassis.rig import (
    SOURCE,
    TRACING,
    Broken,
    a_record,
    applied,
    ids,
    of_lane,
    pool_of,
    records_of,
    settings,
    until,
    until_ready,
)
from tests.chassis.test_consumer import readiness, until_unready
from tests.chassis.test_poison import thirteen

EVENTS = of_lane(0, 6)
NAMED = b'{"type": "person-moved", "person": {"name": "Zhang Wei", "phone": "13812345678"}}'
WHO = ("--by", "duty-desk", "--reason", "handler mended")


async def set_aside(pool: asyncpg.Pool, records: Sequence[ConsumerRecord], error: Exception | None = None) -> None:
    for record in records:
        await apply(pool, SERVICE, [record], log_starts={}, dead_letters_an_hour=100, condemned=error)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """tracing's database, with a sound event (1) and one of an unknown type (2) set aside."""
    async with pool_of(SERVICE, database) as one:
        await set_aside(one, records_of(EVENTS[:1]), Broken("thirteen"))
        await set_aside(one, [a_record(1, 2, NAMED)])
        yield one


async def log_of(pool: asyncpg.Pool) -> list[tuple[Any, ...]]:
    rows = await pool.fetch("select dead_letter, done_by, act, reason from dead_letter_log order by id")
    return [tuple(row) for row in rows]


async def open_ids(pool: asyncpg.Pool) -> list[int]:
    return [row[0] for row in await pool.fetch("select id from dead_letters where closed_at is null order by id")]


async def test_list_says_which_since_when_where_and_why(pool: asyncpg.Pool, gridward: Gridward) -> None:
    said = await gridward("list", "tracing")
    head, first, second = said.out.splitlines()
    assert (said.code, head) == (0, "tracing: 2 open")
    assert first.split("  ")[1:] == ["1", first.split("  ")[2], "tests/0", "1.a1b2c3d4.1", "Broken: thirteen"]
    assert first.split("  ")[2].startswith("since 20")
    assert "UnknownEvent: the type 'person-moved' is not known to this version" in second
    assert (await gridward("list", "tracing", "--topic", "cases")).out == "tracing: no dead letter is open\n"


async def test_list_of_all_says_which_service_never_ran_here(pool: asyncpg.Pool, gridward: Gridward) -> None:
    said = await gridward("list")
    assert said.code == 0
    assert "tracing: 2 open" in said.out
    assert "rollup: rollup has no dead letters here: start it once, or correct GRIDWARD_DATABASE" in said.out


async def test_show_tells_everything_but_identity(pool: asyncpg.Pool, gridward: Gridward) -> None:
    said = await gridward("show", "tracing", "2")
    assert said.code == 0
    for words in (
        "dead letter  2 of the consumer tracing: open",
        "where        tests/0 offset 1",
        "number       1.a1b2c3d4.2",
        "why          UnknownEvent: the type 'person-moved' is not known",
        '"name": "(text, 9 characters)"',
    ):
        assert words in said.out
    assert "Zhang" not in said.out and "138" not in said.out


async def test_show_gives_a_sound_event_with_its_key_type_and_id(pool: asyncpg.Pool, gridward: Gridward) -> None:
    said = await gridward("show", "tracing", "1")
    assert f"key          {EVENTS[0].subject}" in said.out
    assert f'"id": "{EVENTS[0].id}"' in said.out and '"type": "test-resulted"' in said.out


async def test_resend_handles_it_inside_the_service_closes_it_and_keeps_who_and_why(
    pool: asyncpg.Pool, gridward: Gridward
) -> None:
    before = await pool.fetch("select * from positions order by 1, 2, 3")
    said = await gridward("resend", "tracing", "1", *WHO)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("dead letter 1 was handled and closed; it said ")
    assert await pool.fetchval("select count(*) from stale where key = $1", EVENTS[0].subject) == 1
    assert await pool.fetch("select * from positions order by 1, 2, 3") == before
    assert await log_of(pool) == [(1, "duty-desk", "resent", "handler mended")]
    assert await open_ids(pool) == [2]
    assert "done         resent by duty-desk, 20" in (await gridward("show", "tracing", "1")).out


async def test_resend_of_one_that_is_closed_says_so(pool: asyncpg.Pool, gridward: Gridward) -> None:
    await gridward("resend", "tracing", "1", *WHO)
    for command in ("resend", "drop"):
        said = await gridward(command, "tracing", "1", *WHO)
        assert said.code == 2
        assert "gridward: dead letter 1 was resent by duty-desk at 20" in said.err
    assert len(await log_of(pool)) == 1


async def test_two_operators_who_resend_at_once_run_it_once(pool: asyncpg.Pool, database: str) -> None:
    from services.chassis import settling
    from services.chassis.errors import DeadLetterClosed

    async def one() -> int:
        async with settling.desk("tracing", settings(database)) as db:
            return await settling.resend(db, SERVICE, 1, "duty-desk", "at once")

    done = await asyncio.gather(*(one() for _ in range(4)), return_exceptions=True)
    assert [type(each) for each in done if not isinstance(each, int)] == [DeadLetterClosed] * 3
    assert len(await log_of(pool)) == 1


async def test_one_that_fails_again_stays_open_and_the_attempt_is_kept(pool: asyncpg.Pool, gridward: Gridward) -> None:
    said = await gridward("resend", "tracing", "2", *WHO)
    assert said.code == 2
    assert "dead letter 2 failed again and stays open: UnknownEvent: the type 'person-moved'" in said.err
    assert "Traceback" not in said.err
    assert await open_ids(pool) == [1, 2]
    assert await log_of(pool) == [(2, "duty-desk", "resend failed", "handler mended")]


async def test_drop_closes_without_handling_and_the_row_stays(pool: asyncpg.Pool, gridward: Gridward) -> None:
    said = await gridward("drop", "tracing", "1", "2", "--by", "duty-desk", "--reason", "a test of the sender")
    assert (said.code, len(said.out.splitlines())) == (0, 2)
    assert await pool.fetchval("select count(*) from stale") == 0
    assert await pool.fetchval("select count(*) from dead_letters where closed_by = 'dropped by duty-desk'") == 2
    assert [row[2] for row in await log_of(pool)] == ["dropped", "dropped"]


async def test_all_settles_each_by_itself_and_says_what_failed(pool: asyncpg.Pool, gridward: Gridward) -> None:
    said = await gridward("resend", "tracing", "--all", "--topic", "tests", *WHO)
    assert said.code == 2
    assert "tracing: 2 open" in said.out and "dead letter 1 was handled" in said.out
    assert "dead letter 2 failed again" in said.err
    assert await open_ids(pool) == [2]


async def test_what_was_done_cannot_be_changed_afterwards(pool: asyncpg.Pool, gridward: Gridward) -> None:
    await gridward("drop", "tracing", "1", *WHO)
    for statement in ("update dead_letter_log set done_by = 'nobody'", "delete from dead_letter_log"):
        with pytest.raises(asyncpg.RaiseError, match="dead_letter_log is appended to only"):
            await pool.execute(statement)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("list", "trading"), "one of intake, tracing, alerts, rollup"),
        (("show", "tracing", "99"), "there is no dead letter 99: see `gridward deadletters list`"),
        (("resend", "tracing", *WHO), "name the dead letters by their ids, or give --all"),
        (("resend", "tracing", "1", "--all", *WHO), "name the dead letters by their ids, or give --all"),
        (("resend", "tracing", "1"), "Missing option '--by'"),
        (("drop", "tracing", "1", "--by", " ", "--reason", "x"), "give a name and a few words"),
        (("drop", "tracing", "1", "--topic", "tests", *WHO), "--topic goes with --all"),
        (("show", "tracing", "99999999999999999999"), "equal to 9223372036854775807"),
        (("resend", "tracing", "1", "99999999999999999999", *WHO), "equal to 9223372036854775807"),
        (("drop", "tracing", "99999999999999999999", *WHO), "equal to 9223372036854775807"),
        (("list", "--topic", "test"), "no topic 'test' is heard"),
        (
            ("list", "tracing", "--topic", "visits"),
            "one of cases, exposures, orders, people, placements, policies, tests",
        ),
        (("drop", "tracing", "--all", "--topic", "test", *WHO), "no topic 'test' is heard"),
        (("drop", "rollup", "1", *WHO), "rollup has no dead letters here: start it once"),
    ],
)
async def test_a_mistake_is_answered_by_what_would_be_right(
    pool: asyncpg.Pool, gridward: Gridward, words: Sequence[str], remedy: str
) -> None:
    said = await gridward(*words)
    assert said.code == 2
    assert remedy in " ".join(said.err.replace("│", " ").split())
    assert "Traceback" not in said.err
    assert await open_ids(pool) == [1, 2]


async def test_a_database_that_does_not_answer_is_said_in_words(
    gridward: Gridward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDWARD_DATABASE", "postgresql://nobody@127.0.0.1:1/gridward")
    said = await gridward("list")
    assert said.code == 2
    assert "start it, or correct GRIDWARD_DATABASE" in said.err


async def test_a_consumer_stopped_by_the_limit_goes_on_by_itself_once_an_operator_has_dropped(
    database: str, fresh_kafka: str, gridward: Gridward
) -> None:
    events = [thirteen(event) if place in (1, 3) else event for place, event in enumerate(EVENTS)]
    rows: list[tuple[str, bytes | None]] = [(event.subject, event.to_wire()) for event in events]
    await make_topics(fresh_kafka, heard_by("tracing"), -1)
    limited = settings(database, fresh_kafka, dead_letters_an_hour=1)
    async with running(TRACING, limited) as run, relay_producer(fresh_kafka) as producer:
        await until_ready(run)
        await send(producer, Plan(("tests", 0), 1, SOURCE, 0, len(rows), rows))
        await until_unready(run, "1 dead letters of the last hour are open, the limit is 1: nothing is read")
        assert "gridward deadletters list" in (await readiness(run))[1]
        assert await applied(run.app.pool) == ids([EVENTS[0], EVENTS[2]])
        assert (await gridward("drop", "tracing", "--all", *WHO)).code == 0

        async def all_applied() -> bool:
            return await applied(run.app.pool) == ids([EVENTS[0], EVENTS[2], EVENTS[4], EVENTS[5]])

        await until(all_applied, "it goes on")
        await until_ready(run)
        assert (await gridward("list", "tracing")).out.startswith("tracing: 1 open")
