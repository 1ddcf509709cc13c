"""Rows that go in as they are packed come out as they were, whatever the letters and the instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.rollup.rules.plain import First, Shared
from services.rollup.store import figures, statements, subjects
from services.rollup.store.copying import COUNTED, HISTORY, as_copy, as_json, copied_counted, copied_history
from tests.stores.rollup_world import a_database

_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=64)
_instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
_shared = st.builds(Shared, _texts, st.booleans(), _texts, st.dates(), _instants, _instants)
_firsts = st.builds(First, _texts, _texts, _shared)
_changes = st.tuples(_texts, _texts, st.dates(), st.booleans(), _instants, _texts)


async def test_rows_come_out_as_they_went_in(database: str) -> None:
    rows: list[tuple[list[First], dict[Any, int]]] = []

    @settings(max_examples=60, deadline=None, database=None)
    @given(
        firsts=st.lists(_firsts, max_size=9, unique_by=(lambda one: one.statement, lambda one: one.key)),
        deltas=st.dictionaries(_changes, st.integers(-(2**62), 2**62), max_size=9),
    )
    def drawn(firsts: list[First], deltas: dict[Any, int]) -> None:
        rows.append((firsts, deltas))

    drawn()
    async with a_database(database) as tx:
        for firsts, deltas in rows:
            await tx.execute("truncate counted, history")
            assert await subjects.insert(tx, as_copy(copied_counted(firsts)))
            await figures.add_history(tx, as_copy(copied_history(deltas)))
            found = await tx.fetch(f"select {', '.join(COUNTED)} from counted")
            assert sorted(map(tuple, found)) == sorted(map(_row, firsts))
            found = await tx.fetch(f"select {', '.join(HISTORY)} from history")
            assert {tuple(row)[:-1]: row["delta"] for row in found} == deltas


def _row(first: First) -> tuple[object, ...]:
    its = first.shared
    place = its.indicator, its.drill, its.division, its.day
    return first.subject_id, first.statement, *place, its.at, its.time, True


async def test_a_statement_or_a_subject_that_is_there_lets_none_in(database: str) -> None:
    at = datetime(2022, 3, 5, 1, tzinfo=UTC)
    shared = Shared("arrivals", False, "33", at.date(), at, at)
    later = Shared("arrivals", False, "33", at.date(), at, at + timedelta(hours=1))
    known = First("p1/r1", "a 1", shared)
    others = (known._replace(subject_id="p2/r1"), known._replace(statement="a 2"), First("p2/r1", "a 2", later))
    async with a_database(database) as tx:
        assert await subjects.insert(tx, as_copy(copied_counted([known])))
        beside = First("p9", "a 9", shared)
        tried = [await subjects.insert(tx, as_copy(copied_counted([other, beside]))) for other in others]
        assert tried == [False, False, True]
        assert await tx.fetchval("select count(*) from counted") == 3
        assert await subjects.find_met(tx, others) == ({"a 1", "a 2"}, {known.key, others[0].key})
        assert await statements.find_held(tx, as_json(["a 1", 'a"\n2'])) == set()
