"""Order does not matter (promise 5): the same facts, in any order, repeated and corrected, give one state."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event, Fact
from contracts.events.cases import Classification
from contracts.events.contacts import ContactWay
from contracts.events.quarantine import Measure, Mode
from contracts.events.testing import Result
from tests.stores.tracing_facts import (
    DAY,
    HOME,
    HOUR,
    a_classification,
    a_finding,
    a_leaving,
    a_placement,
    a_test,
    a_tube,
    a_tube_result,
    an_adoption,
    an_end,
    an_exposure,
    an_order,
    at,
    heard,
)
from tests.stores.tracing_world import Tracing, tracing_on

TABLES = (
    "exposures tests tubes tube_members tube_results findings classifications classification_revisions orders"
    " order_ends placements placement_ends adoptions stale states published"
)
ELSEWHERE = "330421102001002"
people, numbers = st.sampled_from("ABCD"), st.integers(1, 2)
instants = st.integers(0, 39).map(lambda n: at(3) + 6 * HOUR * n)


def met(n: int, one: str, other: str, first: datetime, hours: int, way: ContactWay = ContactWay.DINED) -> Fact:
    """One number for all pairs, so that a correction may name other persons."""
    meeting = an_exposure(one, other, first=first, last=first + hours * HOUR, way=way)
    return meeting.model_copy(update={"statement_id": f"met:{n}"})


def ordered(person: str, served: datetime, phases: int, tested: bool, n: int) -> Fact:
    dates = (served.date(),) if tested else ()
    first = Measure(mode=Mode.CENTRAL_QUARANTINE, from_at=served, until_at=served + 3 * DAY, test_dates=dates)
    last = Measure(mode=Mode.HOME_HEALTH_MONITORING, from_at=first.until_at, until_at=served + 5 * DAY)
    return an_order(person, served=served, measures=[first, last][:phases], n=n)


# A falls ill, has met B, who has met C, who has met D; B is ordered, placed and tested: all that follows has grounds.
STORY: tuple[Fact, ...] = (
    a_classification("A"),
    a_finding("A", onset=at(4)),
    met(1, "A", "B", at(4), 2),
    met(2, "C", "B", at(5), 2),
    met(3, "D", "C", at(6), 2),
    ordered("B", at(6), 1, True, 1),
    a_placement("B", at(6, 12)),
    a_test("B", at(6, 13)),
    a_test("B", at(7), n=2),
    a_tube("S", ["C", "D"]),
    a_tube_result("S"),
)
turns_of_it: st.SearchStrategy[Fact] = st.one_of(
    st.builds(met, st.integers(1, 4), people, people, instants, st.sampled_from([1, 96]), st.sampled_from(ContactWay)),
    st.builds(a_classification, people, st.sampled_from(Classification), made=instants, n=numbers),
    st.builds(a_finding, people, found=instants, onset=st.none() | instants),
    st.builds(a_test, people, instants, st.sampled_from(Result), n=numbers),
    st.builds(
        a_tube,
        st.sampled_from("ST"),
        st.lists(people, min_size=1, max_size=3, unique=True),
        sampled=instants,
        division=st.sampled_from([HOME, ELSEWHERE]),
    ),
    st.builds(a_tube_result, st.sampled_from("ST"), st.sampled_from(Result), resulted=instants, n=numbers),
    st.builds(ordered, people, instants, numbers, st.booleans(), numbers),
    st.builds(an_end, people, instants, n=numbers),
    st.builds(a_placement, people, instants, st.sampled_from(Mode), n=numbers),
    st.builds(a_leaving, people, instants, n=numbers),
    st.builds(
        an_adoption, st.sampled_from(["33", "330421101", "330421102"]), st.sampled_from(["contact_lookback", "contact"])
    ),
)


@st.composite
def statements(draw: st.DrawFn) -> list[Event[Fact]]:
    """The story, most of it, and turns of it: corrected, withdrawn, told at another place, in an exercise."""
    events = []
    for fact in STORY:
        if draw(st.integers(0, 9)) < 9:
            events.append(heard(fact, draw(instants)))
    for fact in draw(st.lists(turns_of_it, max_size=12)):
        revision, withdrawn = draw(st.sampled_from([(1, False), (2, False), (2, True), (3, False)]))
        said = fact.model_copy(update={"revision": revision, "withdrawn": withdrawn})
        division = draw(st.sampled_from([HOME, HOME, HOME, ELSEWHERE]))
        events.append(heard(said, draw(instants), division, drill=draw(st.integers(0, 9)) == 9))
    one_each = {(event.data.statement_id, event.data.revision): event for event in events}
    return list(one_each.values())


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Event[Fact]], list[tuple[list[Event[Fact]], int]]]:
    """Statements; and the same in another order, some twice, cut into batches with turns of the deriver between."""
    once = draw(statements())
    again = draw(st.lists(st.sampled_from(once), max_size=10))
    shuffled = draw(st.permutations(once + again))
    batches = []
    while shuffled:
        size = draw(st.integers(1, len(shuffled)))
        batches.append((shuffled[:size], draw(st.integers(0, 2))))
        shuffled = shuffled[size:]
    return once, batches


async def at_rest(tracing: Tracing, tx: asyncpg.Connection) -> tuple[dict[str, tuple[Any, ...]], list[Any]]:
    states = await tx.fetch("select person_id, category, classification, care, part, met from states order by 1")
    said = {row["person_id"] for row in await tx.fetch("select person_id from published where not withdrawn")}
    return await tracing.published(tx), [tuple(row) for row in states if row["person_id"] in said or row["part"]]


@pytest.mark.parametrize("turn_rows", [2, 500])
def test_any_order_repetition_and_correction_of_facts_gives_one_state(
    database: str, monkeypatch: pytest.MonkeyPatch, turn_rows: int
) -> None:
    monkeypatch.setattr("services.tracing.deriver.TURN_ROWS", turn_rows)

    async def delivered(tracing: Tracing, batches: Sequence[tuple[list[Event[Fact]], int]]) -> tuple[Any, ...]:
        async with tracing.connection() as tx:
            await tx.execute(f"truncate {', '.join(TABLES.split())}")
            for batch, turns in batches:
                await tracing.hear(tx, batch)
                for _ in range(turns):
                    await tracing.turn(tx)
            await tracing.settle(tx, most=1000)
            return await at_rest(tracing, tx)

    with asyncio.Runner() as runner:
        tracing = runner.run(tracing_on(database))

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(deliveries())
        def in_any_order(delivery: tuple[list[Event[Fact]], list[tuple[list[Event[Fact]], int]]]) -> None:
            once, batches = delivery
            expected = runner.run(delivered(tracing, [(once, 0)]))
            assert runner.run(delivered(tracing, batches)) == expected

        in_any_order()
