"""Facts that arrive side by side in open transactions do not miss each other (promise 5); and what would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import asyncpg
import pytest

from contracts.events.cases import Classification
from services.tracing import deriver
from services.tracing.handlers import on_batch
from services.tracing.store.stale import Cause, count_stale, take_stale
from services.tracing.store.states import State
from tests.stores.tracing_facts import a_classification, an_adoption, an_exposure, at, heard
from tests.stores.tracing_world import Tracing, tracing_on

CASE = heard(a_classification("A"), at(5, 9))
MEETING = heard(an_exposure("B", "A"), at(5, 9))


async def categories(tracing: Tracing, tx: asyncpg.Connection) -> Mapping[str, str | None]:
    return {row["person_id"]: row["category"] for row in await tx.fetch("select person_id, category from states")}


@pytest.mark.parametrize("first", ["case", "meeting"])
@pytest.mark.parametrize("turn_between", [True, False])
async def test_a_case_and_an_exposure_held_open_side_by_side_make_a_contact(
    database: str, first: str, turn_between: bool
) -> None:
    tracing = await tracing_on(database)
    async with tracing.connection() as one, tracing.connection() as other, tracing.connection() as tx:
        with_case, with_meeting = one.transaction(), other.transaction()
        await with_case.start()
        await with_meeting.start()
        await on_batch([CASE], one)
        await on_batch([MEETING], other)
        ends = [with_case, with_meeting] if first == "case" else [with_meeting, with_case]
        await ends[0].commit()
        if turn_between:
            await tracing.settle(tx)
        await ends[1].commit()
        await tracing.settle(tx)
        assert (await categories(tracing, tx))["B"] == "close"


@pytest.mark.parametrize("first", ["case", "meeting"])
async def test_deriving_inside_the_transactions_of_the_facts_would_miss_the_contact(database: str, first: str) -> None:
    """The control of the test above: the same facts, derived where they are stored."""
    tracing = await tracing_on(database)
    cause = Cause(at(5, 9), "event", "event")
    async with tracing.connection() as one, tracing.connection() as other, tracing.connection() as tx:
        with_case, with_meeting = one.transaction(), other.transaction()
        await with_case.start()
        await with_meeting.start()
        await on_batch([CASE], one)
        await on_batch([MEETING], other)
        # Each derives whom its own facts name, and then whom that derivation names.
        for connection, persons in ((one, {"A": cause}), (other, {"B": cause})):
            await take_stale(connection, 100)
            await deriver.derive_persons(connection, persons)
            assert await count_stale(connection) == 0
        for transaction in (with_case, with_meeting) if first == "case" else (with_meeting, with_case):
            await transaction.commit()
        await tracing.settle(tx)
        assert (await categories(tracing, tx)) == {"A": None, "B": None}


async def test_the_deriver_leaves_the_row_of_a_fact_that_commits_after_it_has_looked(database: str) -> None:
    tracing = await tracing_on(database)
    async with tracing.connection() as writer, tracing.connection() as tx:
        await tracing.hear(tx, [MEETING])
        open_fact = writer.transaction()
        await open_fact.start()
        await on_batch([CASE], writer)
        turn = tx.transaction()
        await turn.start()
        await deriver.derive_stale(tx, at(6))
        await open_fact.commit()
        await turn.commit()
        assert [row["key"] for row in await tx.fetch("select key from stale")] == ["A"]
        await tracing.settle(tx)
        assert (await categories(tracing, tx))["B"] == "close"


async def told_only_of_changes(database: str) -> Mapping[str, str | None]:
    """B becomes close while a deriver's transaction is open; beside it B's meeting with C arrives and C is derived."""
    tracing = await tracing_on(database)
    async with tracing.connection() as slow, tracing.connection() as tx:
        await tracing.hear(tx, [MEETING])
        await tracing.settle(tx)
        await tracing.hear(tx, [CASE])
        await tracing.turn(tx)
        waiting = await tx.fetch("select key from stale")
        assert [row["key"] for row in waiting] == ["B"], "A is a case, and B waits to be told"
        opened = slow.transaction()
        await opened.start()
        await deriver.derive_stale(slow, at(6))
        await tracing.hear(tx, [heard(an_exposure("C", "B", first=at(5, 12)), at(5, 13))])
        async with tx.transaction():
            # Another replica derives C first; B is locked by the slow one.
            await tx.execute("delete from stale where key = 'C'")
            await deriver.derive_persons(tx, {"C": Cause(at(5, 13), "event", "event")})
        await opened.commit()
        await tracing.settle(tx)
        return await categories(tracing, tx)


async def test_who_is_met_while_a_derivation_is_open_hears_of_it(database: str) -> None:
    assert (await told_only_of_changes(database))["C"] == "secondary"


async def test_telling_only_of_changes_would_leave_out_who_was_met_meanwhile(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""

    def of_changes(old: State, new: State) -> frozenset[str]:
        return new.met if new.part != old.part else frozenset()

    monkeypatch.setattr(deriver, "to_tell", of_changes)
    assert (await told_only_of_changes(database))["C"] is None


async def test_two_derivers_do_not_derive_one_person_side_by_side(database: str) -> None:
    tracing = await tracing_on(database)
    async with tracing.connection() as one, tracing.connection() as tx:
        await tracing.hear(tx, [CASE])
        opened = one.transaction()
        await opened.start()
        assert len((await deriver.derive_stale(one, at(6))).events) == 1
        await tracing.hear(tx, [heard(a_classification("A", Classification.EXCLUDED, made=at(6), n=2), at(6))])
        second = asyncio.create_task(tracing.turn(tx))
        waits = "select wait_event_type from pg_stat_activity where pid = $1"
        async with tracing.connection() as watching:
            async with asyncio.timeout(10):
                while await watching.fetchval(waits, tx.get_server_pid()) != "Lock":
                    pass
        await opened.commit()
        events, _ = await second
    assert [(event.data.statement_id, event.data.revision) for event in events] == [("episode:A", 2)]


async def test_an_adoption_reaches_whoever_is_first_heard_of_beside_it(database: str) -> None:
    tracing = await tracing_on(database)
    async with tracing.connection() as one, tracing.connection() as tx:
        adopting = one.transaction()
        await adopting.start()
        await on_batch([heard(an_adoption("33"), at(5, 9), "33")], one)
        await tracing.hear(tx, [CASE, MEETING])
        await tracing.settle(tx)
        await adopting.commit()
        said = await tracing.settle(tx)
    assert [(event.subject, str(event.data.standing)) for event in said] == [("B", "adopted")]  # type: ignore[attr-defined]
