"""The laws of figures on a real PostgreSQL: whatever the order, the repeats and the cuts, against an oracle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.divisions import Divisions, Tree
from contracts.envelope import Event
from contracts.events.people import PersonsMerged
from contracts.indicators import BY_CODE, INDICATORS
from services.chassis.database import Tx
from services.rollup.store import drift, reading
from tests.stores.rollup_facts import HOUR, T0, said
from tests.stores.rollup_world import a_database, figures_of, read_batches, stored_figures

Work = Callable[[Tx], Awaitable[None]]
Batches = list[list[Event[Any]]]
a_law = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Undo(Exception):
    """Rolls an example back."""


@pytest.fixture
def tried(database: str) -> Iterator[Callable[[Work], None]]:
    """Runs one example in a transaction that is rolled back; the tables are made once."""
    runner = asyncio.Runner()
    world = a_database(database)
    tx = runner.run(world.__aenter__())

    async def example(work: Work) -> None:
        try:
            async with tx.transaction():
                await work(tx)
                raise Undo
        except Undo:
            pass

    yield lambda work: runner.run(example(work))
    runner.run(world.__aexit__(None, None, None))
    runner.close()


@st.composite
def arranged(draw: st.DrawFn) -> tuple[Batches, list[Event[Any]]]:
    """Events in any order, some of them twice, cut anywhere."""
    events = draw(said())
    repeated = events + draw(st.lists(st.sampled_from(events), max_size=8) if events else st.just([]))
    return draw(cut(draw(st.permutations(repeated)))), events


def cut(events: Sequence[Event[Any]]) -> st.SearchStrategy[Batches]:
    places = st.lists(st.integers(0, len(events)), min_size=2, max_size=8)
    return places.map(lambda at: [list(events[a:b]) for a, b in pairwise([0, *sorted(at), len(events)])])


@a_law
@given(case=arranged())
def test_figures_are_those_of_the_events_whatever_order_repeats_and_cuts(
    case: tuple[Batches, list[Event[Any]]], tried: Callable[[Work], None]
) -> None:
    async def work(tx: Tx) -> None:
        await read_batches(tx, case[0])
        assert await stored_figures(tx) == figures_of(case[1])
        assert await tx.fetch(COUNTED_AND_SPARE) == []
        assert await drift.compare(tx, list(BY_CODE)) == []

    tried(work)


@a_law
@given(case=arranged())
def test_a_figure_has_as_many_rows_as_it_says(
    case: tuple[Batches, list[Event[Any]]], tried: Callable[[Work], None]
) -> None:
    async def work(tx: Tx) -> None:
        await read_batches(tx, case[0])
        for (tree, code, indicator, day, drill), value in (await stored_figures(tx)).items():
            rows = await reading.load_rows(tx, tree, code, BY_CODE[indicator], drill, day, 1_000, 0)
            assert len(rows) == value
            assert all(code in Divisions.load().ancestors(row["division_code"], Tree(tree)) for row in rows)
            assert all(row["day"] == day for row in rows)

    tried(work)


@a_law
@given(case=arranged())
def test_a_parent_is_its_children_and_what_is_recorded_at_itself(
    case: tuple[Batches, list[Event[Any]]], tried: Callable[[Work], None]
) -> None:
    async def work(tx: Tx) -> None:
        await read_batches(tx, case[0])
        own = {tuple(row)[:5]: row["value"] for row in await tx.fetch(OWN)}
        figures = await stored_figures(tx)
        divisions = Divisions.load()
        for (tree, code, *rest), value in figures.items():
            children = sum(
                below
                for (other, child, *more), below in figures.items()
                if other == tree
                and more == rest
                and divisions.parent(child, Tree(tree)) == code
                and divisions.ancestors(child, Tree(tree))[0] == child
            )
            assert value == children + own.get((tree, code, *rest), 0)

    tried(work)


COUNTED_AND_SPARE = "select from counted join spares using (subject_id, indicator, drill, statement)"
HISTORY = """
    select division_code, indicator, day, drill, hour_at, reason, sum(delta) from history
    group by 1, 2, 3, 4, 5, 6 having sum(delta) <> 0 order by 1, 2, 3, 4, 5, 6"""
OWN = """
    with own as (
        select case when length(division_code) > 12 then array[division_code, division_code]
               else array[statutory[1], reporting[1]] end as codes, indicator, day, drill
        from counted join (select division_code as place, statutory, reporting from places) p
          on place = left(division_code, 12))
    select tree, code, indicator, day, drill, count(*) as value from own
    cross join lateral (values ('statutory', codes[1]), ('reporting', codes[2])) both_trees (tree, code)
    group by 1, 2, 3, 4, 5"""


@a_law
@given(case=arranged())
def test_a_share_is_never_more_than_its_whole(
    case: tuple[Batches, list[Event[Any]]], tried: Callable[[Work], None]
) -> None:
    # Two ids of one person may count in a share each, until tracing has said anew what the one person is.
    merged = any(isinstance(event.data, PersonsMerged) for event in case[1])

    async def work(tx: Tx) -> None:
        await read_batches(tx, case[0])
        figures = await stored_figures(tx)
        for tree, code, indicator, day, drill in figures:
            shares = [one.code for one in INDICATORS if one.part_of == indicator and one.code != "tests-positive"]
            if shares:
                parts = sum(figures.get((tree, code, share, day, drill), 0) for share in shares)
                whole = figures[tree, code, indicator, day, drill]
                assert parts == whole or (merged and parts > whole)

    tried(work)


@a_law
@given(case=arranged(), at=st.integers(0, 70), later=st.integers(0, 70))
def test_the_past_sums_up_to_the_present_and_changes_to_the_difference(
    case: tuple[Batches, list[Event[Any]]], at: int, later: int, tried: Callable[[Work], None]
) -> None:
    async def work(tx: Tx) -> None:
        await read_batches(tx, case[0])
        figures = await stored_figures(tx)
        last = T0 + 80 * HOUR
        first, second = sorted((T0 + at * HOUR, T0 + later * HOUR))
        for tree, code in {key[:2] for key in figures} | {("statutory", "33")}:
            present = await as_of(tx, tree, code, last)
            assert present == totals(figures, tree, code)
            before, after = await as_of(tx, tree, code, first), await as_of(tx, tree, code, second)
            for indicator, drill in before.keys() | after.keys():
                changes = await reading.load_changes(tx, tree, code, indicator, drill, first, second, None)
                difference = after.get((indicator, drill), 0) - before.get((indicator, drill), 0)
                assert sum(row["delta"] for row in changes) == difference

    tried(work)


@a_law
@given(data=st.data(), events=said())
def test_as_of_a_past_hour_is_what_had_been_recorded_by_then(
    data: st.DataObject, events: list[Event[Any]], tried: Callable[[Work], None]
) -> None:
    ordered = sorted(events, key=lambda event: event.time)
    batches = data.draw(cut(ordered))
    hours = data.draw(st.integers(0, 61))

    async def work(tx: Tx) -> None:
        await read_batches(tx, batches)
        then = T0 + hours * HOUR
        expected = figures_of(event for event in ordered if event.time < then)
        for tree, code in {key[:2] for key in expected}:
            assert await as_of(tx, tree, code, then) == totals(expected, tree, code)

    tried(work)


@a_law
@given(data=st.data(), events=said())
def test_the_history_is_the_same_however_events_in_order_are_cut_and_repeated(
    data: st.DataObject, events: list[Event[Any]], tried: Callable[[Work], None]
) -> None:
    batches, others = data.draw(cut(events)), data.draw(cut(events))
    told: list[list[asyncpg.Record]] = []

    async def work(tx: Tx, each: Batches) -> None:
        await read_batches(tx, each)
        told.append(await tx.fetch(HISTORY))

    again = [batch for batch in others for _ in range(2)]
    tried(lambda tx: work(tx, batches))
    tried(lambda tx: work(tx, again))
    assert told[0] == told[1]


async def as_of(tx: Tx, tree: str, code: str, at: Any) -> dict[tuple[str, bool], int]:
    rows = await reading.load_figures_as_of(tx, tree, [code], None, None, at)
    return {(row["indicator"], row["drill"]): row["value"] for row in rows}


def totals(figures: dict[Any, int], tree: str, code: str) -> dict[tuple[str, bool], int]:
    found: dict[tuple[str, bool], int] = {}
    for (other, division, indicator, _, drill), value in figures.items():
        if (other, division) == (tree, code):
            found[indicator, drill] = found.get((indicator, drill), 0) + value
    return found
