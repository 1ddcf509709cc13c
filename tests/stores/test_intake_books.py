"""The books of the door: every record counted once, whatever became of it; rejected rows kept until they are mended."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.chassis import own_work
from services.intake.ledger import SHOW_LEDGER
from services.intake.reading import UNREADABLE
from services.intake.store import books
from tests.stores.intake_world import World, a_household, a_test, intake


def counts(received: int, accepted: int, duplicate: int, rejected: int) -> dict[str, int]:
    return {"received": received, "accepted": accepted, "duplicate": duplicate, "rejected": rejected, "pending": 0}


async def test_every_record_is_counted_once_under_its_feed(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_household(1, 1), a_test(1, 1), a_test(1, 1), a_test(2, 1, result="?"))
        await world.send(b"{", b'{"feed": "?"}')
        await world.client.post("/records", json=a_test(3, 1))
        await world.client.post("/records", json=[a_test(3, 1), 7])
        ledger = await world.ledger()
    assert ledger == {
        "grid-app": counts(1, 1, 0, 0),
        "lab": counts(5, 2, 2, 1),
        UNREADABLE: counts(3, 0, 0, 3),
    }


async def test_a_batch_that_is_rolled_back_is_in_no_book(database: str) -> None:
    async with intake(database) as world:
        await world.pool.execute("drop table outbox")
        answer = await world.client.post("/records", json=a_test(1, 1))
        assert answer.status_code == 500
        for table in ("ledger", "records", "vault_keys", "vault_persons", "vault_rejects"):
            assert await world.pool.fetchval(f"select count(*) from {table}") == 0, table


async def test_a_sender_that_breaks_off_leaves_whole_batches_behind(database: str) -> None:
    class Broken(Exception):
        pass

    async def body() -> Any:
        for n in range(1500):
            yield json.dumps(a_test(n, n)).encode() + b"\n"
        raise Broken

    async with intake(database) as world:
        with pytest.raises(Broken):
            await world.client.post("/records", content=body(), headers={"content-type": "application/x-ndjson"})
        ledger = (await world.ledger())["lab"]
        assert ledger == counts(1000, 1000, 0, 0)
        assert await world.pool.fetchval("select count(*) from records") == 1000
        assert await world.words(a_test(999, 999), a_test(1000, 1000)) == ["duplicate", "accepted"]


async def test_single_requests_that_come_together_are_all_answered_and_counted(database: str) -> None:
    async with intake(database) as world:
        bodies = [a_test(n % 40, n % 40, result="?" if n % 40 == 7 else "negative") for n in range(120)]
        answers = await asyncio.gather(*(world.client.post("/records", json=body) for body in bodies))
        ledger = (await world.ledger())["lab"]
        transactions = await world.pool.fetchval("select count(distinct xmin::text) from records")
    assert sorted({answer.status_code for answer in answers}) == [200, 422]
    assert ledger == counts(120, 39, 78, 3)
    assert transactions < 39


SENT = st.tuples(st.integers(1, 4), st.integers(1, 3), st.sampled_from(["negative", "positive", "?"]), st.booleans())


# Not shrunk: each step would open a database again.
@settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=st.lists(st.lists(SENT, min_size=1, max_size=6), min_size=1, max_size=4))
def test_whatever_is_sent_the_books_balance_and_what_is_known_is_what_was_said_last(
    database: str, batches: list[list[tuple[int, int, str, bool]]]
) -> None:
    asyncio.run(_balance(database, batches))


async def _balance(database: str, batches: list[list[tuple[int, int, str, bool]]]) -> None:
    async with intake(database) as world:
        await world.pool.execute(
            "truncate records, checks, corrections, outbox, ledger,"
            " vault_rejects, vault_keys, vault_persons, vault_words"
        )
        words: list[str] = []
        for batch in batches:
            words += await world.words(*(_record(*each) for each in batch))
        ledger = (await world.ledger())["lab"]
        expected = (words.count(word) for word in ("accepted", "duplicate", "rejected"))
        assert ledger == counts(len(words), *expected)
        stated = {event.data.statement_id: event.data for event in await world.events()}
        rows = await world.pool.fetch("select record_id, revision from records")
        revisions = {row["record_id"]: row["revision"] for row in rows}
        assert {name.partition(".")[0] for name in stated} == revisions.keys()
        # What stands carries its record's revision: nothing outdated does. What was withdrawn may be withdrawn again.
        for name, fact in stated.items():
            newest = revisions[name.partition(".")[0]]
            assert fact.revision == newest or (fact.withdrawn and fact.revision < newest)
        assert sum(not fact.withdrawn for fact in stated.values()) <= len(rows)


def _record(n: int, revision: int, result: str, withdrawn: bool) -> dict[str, Any]:
    more = {"withdrawn": True} if withdrawn else {}
    return a_test(n, n + revision % 2, revision=revision, result=result, **more)


async def test_a_rejected_row_comes_back_as_it_was_with_the_reason_and_goes_when_it_is_mended(database: str) -> None:
    wrong = a_test(1, 1, result="?")
    async with intake(database) as world:
        await world.send(wrong, wrong, b"no json", a_test(2, 2))
        lines = (await world.client.get("/rejects", headers={"accept-language": "zh"})).text.splitlines()
        row, unreadable = (json.loads(line) for line in lines)
        assert row.pop("rejected_because").startswith("result: 取值不在列表中")
        assert row == wrong
        assert unreadable["unreadable"] == "no json"
        mended = {**json.loads(lines[0]), "result": "negative"}
        assert await world.words(mended) == ["accepted"]
        assert (await world.client.get("/rejects?feed=lab")).text == ""


async def test_what_came_too_early_stays_among_the_rejected_when_an_earlier_revision_is_accepted(database: str) -> None:
    gone = {"feed": "lab", "source_id": "test-1", "kind": "test", "revision": 2, "withdrawn": True}
    async with intake(database) as world:
        assert await world.words(gone, a_test(1, 1)) == ["rejected", "accepted"]
        [line] = (await world.client.get("/rejects")).text.splitlines()
        assert json.loads(line)["withdrawn"] is True
        assert await world.words(gone) == ["accepted"]
        assert (await world.client.get("/rejects")).text == ""
        unreadable = a_test(2, 2, revision=3, result="?")
        assert await world.words(a_test(2, 2), unreadable, a_test(2, 2, revision=2, result="positive")) == [
            "accepted", "rejected", "accepted",
        ]  # fmt: skip
        assert "test-2" in (await world.client.get("/rejects")).text


async def test_a_row_that_contradicts_an_accepted_one_stays_until_its_revision_is_raised(database: str) -> None:
    async with intake(database) as world:
        assert await world.words(a_test(1, 1), a_test(1, 1, result="positive")) == ["accepted", "rejected"]
        assert await world.words(a_test(1, 1)) == ["duplicate"]
        assert "test-1" in (await world.client.get("/rejects")).text
        assert await world.words(a_test(1, 1, result="positive", revision=2)) == ["accepted"]
        assert (await world.client.get("/rejects")).text == ""


async def test_rejected_rows_are_read_page_by_page_and_by_those_who_see_everything(database: str) -> None:
    async with intake(database) as world, intake(database, division="3304") as city:
        await world.send(*(a_test(n, 1, result="?") for n in range(5)))
        seen, after = list[str](), "0"
        while after:
            page = await world.client.get(f"/rejects?limit=2&after={after}")
            seen += [json.loads(line)["source_id"] for line in page.text.splitlines()]
            after = page.headers.get("next-after", "")
        assert seen == [f"test-{n}" for n in range(5)]
        assert (await city.client.get("/rejects")).status_code == 403


async def test_the_ledger_is_kept_by_the_hour_in_shanghai(database: str) -> None:
    at = datetime(2022, 3, 4, 16, 59, tzinfo=UTC)
    async with intake(database) as world:
        async with world.pool.acquire() as tx:
            for minutes in (0, 1, 2):
                await books.count(tx, {"lab": books.Counts(1, 1)}, at + timedelta(minutes=minutes))
        rows = (await world.client.get("/ledger")).json()
        day = (await world.client.get("/ledger", params={"since": "2022-03-05T01:00:00+08:00"})).json()
        naive = await world.client.get("/ledger", params={"since": "2022-03-05T01:00:00"})
    hours = [(row["hour_at"], row["received"]) for row in rows]
    assert hours == [("2022-03-05T00:00:00+08:00", 1), ("2022-03-05T01:00:00+08:00", 2)]
    assert (day, naive.status_code) == (rows[1:], 422)


async def test_the_ledger_cannot_hold_more_verdicts_than_records(database: str) -> None:
    async with intake(database) as world:
        with pytest.raises(asyncpg.CheckViolationError):
            await books.count(world.pool, {"lab": books.Counts(1, 1, 1)}, datetime(2022, 3, 5, tzinfo=UTC))


async def test_a_record_without_a_verdict_shows_as_pending_in_the_gauge(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(1, 1))
        await _show(world)
        assert REGISTRY.get_sample_value("gridward_ledger_records", {"feed": "lab", "verdict": "duplicate"}) == 1
        assert REGISTRY.get_sample_value("gridward_ledger_pending_records", {"feed": "lab"}) == 0
        async with own_work.transaction(world.app) as turn:
            await books.count(turn.tx, {"lab": books.Counts(1)}, turn.now)
        await _show(world)
        assert REGISTRY.get_sample_value("gridward_ledger_pending_records", {"feed": "lab"}) == 1


async def _show(world: World) -> None:
    async with own_work.reading(world.app) as turn:
        await SHOW_LEDGER.run(turn.tx, turn.now)
