"""Rows that go in as they are packed come out as they were, whatever the letters and the instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.rollup.rules.plain import First
from services.rollup.store import figures, statements, subjects
from services.rollup.store.copying import COUNTED, HISTORY
from tests.stores.rollup_world import a_database

_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=64)
_instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
_firsts = st.builds(First, _texts, _texts, st.booleans(), _texts, _texts, st.dates(), _instants, _instants)
_changes = st.tuples(_texts, _texts, st.dates(), st.booleans(), _instants, _texts)


async def test_rows_come_out_as_they_went_in(database: str) -> None:
    rows: list[tuple[list[First], dict[Any, int]]] = []

    @settings(max_examples=60, deadline=None, database=None)
    @given(
        firsts=st.lists(_firsts, max_size=9, unique_by=(lambda one: one.statement, lambda one: one[:3])),
        deltas=st.dictionaries(_changes, st.integers(-(2**62), 2**62), max_size=9),
    )
    def drawn(firsts: list[First], deltas: dict[Any, int]) -> None:
        rows.append((firsts, deltas))

    drawn()
    async with a_database(database) as tx:
        for firsts, deltas in rows:
            await tx.execute("truncate counted, history")
            assert await subjects.insert(tx, firsts)
            await figures.add_history(tx, deltas)
            found = await tx.fetch(f"select {', '.join(COUNTED)} from counted")
            assert sorted(map(tuple, found)) == sorted((*one, True) for one in firsts)
            found = await tx.fetch(f"select {', '.join(HISTORY)} from history")
            assert {tuple(row)[:-1]: row["delta"] for row in found} == deltas


async def test_a_statement_or_a_subject_that_is_there_lets_none_in(database: str) -> None:
    at = datetime(2022, 3, 5, 1, tzinfo=UTC)
    known = First("p1/r1", "arrivals", False, "a 1", "33", at.date(), at, at)
    others = (
        known._replace(subject_id="p2/r1"),
        known._replace(statement="a 2"),
        known._replace(subject_id="p2/r1", statement="a 2", time=at + timedelta(hours=1)),
    )
    async with a_database(database) as tx:
        assert await subjects.insert(tx, [known])
        beside = known._replace(subject_id="p9", statement="a 9")
        assert [await subjects.insert(tx, [other, beside]) for other in others] == [False, False, True]
        assert await tx.fetchval("select count(*) from counted") == 3
        assert await subjects.find_met(tx, others) == ({"a 1", "a 2"}, {known[:3], others[0][:3]})
        assert await statements.find_held(tx, ["a 1", 'a"\n2']) == set()
