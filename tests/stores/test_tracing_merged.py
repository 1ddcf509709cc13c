"""Two ids that mean one person: derived as if it had been one from the start, and as if never once it is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event, Fact
from contracts.events.people import PersonsMerged
from contracts.events.testing import TubeSampled
from contracts.persons import Merged
from services.tracing import deriver
from services.tracing.handlers import on_batch
from services.tracing.store.states import State, lock_states
from tests.stores.test_tracing_order import TABLES, at_rest, instants, statements
from tests.stores.tracing_facts import (
    HOME,
    a_classification,
    a_finding,
    a_placement,
    an_exposure,
    an_order,
    at,
    heard,
)
from tests.stores.tracing_world import Tracing, a_world, fact_of, tracing_on, words

Pairs = Iterable[tuple[str, str]]
DECIDED_AT = at(7)


def a_merge(person: str, other: str, n: int = 1, received: datetime = DECIDED_AT, **more: Any) -> Event[Fact]:
    """Other turns out to be person; n: of the statement."""
    fact = PersonsMerged(
        statement_id=f"merge:{n}", person_id=person, other_id=other, decided_at=DECIDED_AT, decided_by="post-1", **more
    )
    return heard(fact, received, HOME)


def as_one(event: Event[Fact], merged: Merged) -> Event[Fact]:
    """The event as it would be had each of these people had one id from the start."""
    names = ("person_id", "other_id")
    said: dict[str, Any] = {n: merged.kept(getattr(event.data, n)) for n in names if hasattr(event.data, n)}
    if isinstance(event.data, TubeSampled):
        members = event.data.members
        said["members"] = tuple(m.model_copy(update={"person_id": merged.kept(m.person_id)}) for m in members)
    return event.model_copy(update={"data": event.data.model_copy(update=said)})


CASE = [heard(a_classification("A"), at(5, 9)), heard(a_finding("A"), at(5, 9))]
MET_TWICE = [
    *CASE,
    heard(an_exposure("B", "A"), at(5, 10)),
    heard(an_exposure("C", "b", first=at(5, 12)), at(5, 13)),
    heard(an_order("b"), at(6)),
    heard(a_placement("b", at(6, 3)), at(6, 3)),
]
"""B met the case; C met b, who was ordered into quarantine: in truth B and b are one."""


async def test_a_merged_person_is_derived_over_the_facts_of_both_under_the_id_that_is_kept(database: str) -> None:
    async with a_world(database) as world:
        await world.hear(*MET_TWICE)
        said = await world.hear(a_merge("B", "b"))
    assert {(event.data.statement_id, event.data.withdrawn) for event in said} >= {
        ("episode:b", True),
        ("care:p-b-1:b", True),
        ("episode:B", False),
        ("care:p-b-1:B", False),
        ("contact:C", False),
    }
    assert fact_of(said, "episode:B").care == "central_quarantine"
    assert (fact_of(said, "contact:C").linked_id, fact_of(said, "contact:C").category) == ("B", "secondary")


async def test_a_merge_taken_back_leaves_everybody_exactly_as_before(database: str) -> None:
    async with a_world(database) as world:
        await world.hear(*MET_TWICE)
        before = await at_rest(world.tracing, world.tx)
        await world.hear(a_merge("B", "b"))
        assert await at_rest(world.tracing, world.tx) != before
        await world.hear(a_merge("B", "b", revision=2, withdrawn=True))
        assert await at_rest(world.tracing, world.tx) == before


async def test_what_is_said_under_the_other_id_later_is_the_kept_persons(database: str) -> None:
    async with a_world(database) as world:
        await world.hear(*CASE, a_merge("B", "b"))
        said = await world.hear(heard(an_exposure("b", "A"), at(8)))
    assert words(said) == [("contact:B", 1, False), ("episode:B", 1, False), ("proposal:B", 1, False)]


async def test_nobody_is_his_own_contact(database: str) -> None:
    async with a_world(database) as world:
        await world.hear(*CASE, heard(an_exposure("a", "A"), at(5, 10)))
        said = await world.hear(a_merge("A", "a"))
    assert words(said) == [("contact:a", 2, True), ("episode:a", 2, True), ("proposal:a", 2, True)]


async def test_a_merge_beside_a_fact_under_the_other_id_is_not_missed(database: str) -> None:
    """Both open at once, whichever ends first, with or without a turn of the deriver between."""
    for number, first_ends in enumerate(["merge", "fact"]):
        tracing = await tracing_on(database)
        case, kept, other = f"A{number}", f"B{number}", f"b{number}"
        async with tracing.connection() as one, tracing.connection() as two, tracing.connection() as tx:
            await tracing.hear(tx, [heard(a_classification(case), at(5, 9))])
            merging, meeting = one.transaction(), two.transaction()
            await merging.start()
            await meeting.start()
            await on_batch([a_merge(kept, other, number)], one)
            await on_batch([heard(an_exposure(other, case, n=number), at(5, 10))], two)
            for ending in (merging, meeting) if first_ends == "merge" else (meeting, merging):
                await ending.commit()
                await tracing.settle(tx)
            standing = await tracing.published(tx)
        assert f"contact:{kept}" in standing and f"contact:{other}" not in standing


async def test_a_deriver_that_waited_reads_the_merges_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two replicas: one has chosen B alone; before it has the row, the other one derives B and b as one."""
    tracing = await tracing_on(database)
    async with tracing.connection() as slow, tracing.connection() as tx:
        await tracing.hear(tx, [*CASE, heard(an_exposure("b", "A"), at(5, 10))])
        await tracing.settle(tx)
        await tracing.hear(tx, [heard(a_placement("B", at(6)), at(6))])

        async def overtaken(connection: asyncpg.Connection, person_ids: Sequence[str]) -> dict[str, State]:
            if connection is slow:
                await tracing.hear(tx, [a_merge("B", "b")])
                await tracing.settle(tx)
                assert "contact:B" in await tracing.published(tx)
            return await lock_states(connection, person_ids)

        monkeypatch.setattr(deriver, "lock_states", overtaken)
        await tracing.turn(slow)
        assert "contact:B" in await tracing.published(tx)


people = st.sampled_from("ABCDE")


@st.composite
def merges(draw: st.DrawFn) -> list[Event[Fact]]:
    """Statements of sameness, chains and rings among them, some corrected, some taken back."""
    said = {}
    for _ in range(draw(st.integers(1, 5))):
        n, one, other = draw(st.integers(1, 4)), draw(people), draw(people)
        revision, withdrawn = draw(st.sampled_from([(1, False), (1, False), (2, False), (2, True), (3, False)]))
        said[n, revision] = a_merge(one, other, n, draw(instants), revision=revision, withdrawn=withdrawn)
    return list(said.values())


def standing(said: Iterable[Event[Fact]]) -> Pairs:
    newest: dict[str, Any] = {}
    for event in sorted(said, key=lambda event: event.data.revision):
        newest[event.data.statement_id] = event.data
    return [(fact.person_id, fact.other_id) for fact in newest.values() if not fact.withdrawn]


@pytest.mark.parametrize("turn_rows", [2, 500])
def test_merges_in_any_order_give_the_world_in_which_it_was_one_person_from_the_start(
    database: str, monkeypatch: pytest.MonkeyPatch, turn_rows: int
) -> None:
    monkeypatch.setattr("services.tracing.deriver.TURN_ROWS", turn_rows)

    async def delivered(tracing: Tracing, batches: Sequence[tuple[Sequence[Event[Fact]], int]]) -> tuple[Any, ...]:
        async with tracing.connection() as tx:
            await tx.execute(f"truncate {', '.join(TABLES.split())}, merges")
            for batch, turns in batches:
                await tracing.hear(tx, batch)
                for _ in range(turns):
                    await tracing.turn(tx)
            await tracing.settle(tx, most=1000)
            return await at_rest(tracing, tx)

    with asyncio.Runner() as runner:
        tracing = runner.run(tracing_on(database))

        @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.data())
        def as_from_the_start(data: st.DataObject) -> None:
            facts, said = data.draw(statements()), data.draw(merges())
            mixed = data.draw(st.permutations([*facts, *said, *data.draw(st.lists(st.sampled_from(said), max_size=3))]))
            cut = data.draw(st.integers(0, len(mixed)))
            turns = data.draw(st.integers(0, 3))
            expected = [as_one(event, Merged(standing(said))) for event in facts]
            assert runner.run(delivered(tracing, [(mixed[:cut], turns), (mixed[cut:], 0)])) == runner.run(
                delivered(tracing, [(expected, 0)])
            )

        as_from_the_start()
