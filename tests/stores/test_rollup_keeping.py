"""What is kept is made shorter, or brought from the shape it had before, and says the same."""

from __future__ import annotations

import pytest

from services.chassis.database import Tx, prepare
from services.rollup import folding
from services.rollup.rules.counting import Key
from services.rollup.service import SERVICE
from services.rollup.store import drift, statements
from tests.faults.compared import dump_of, equal
from tests.stores.rollup_facts import HOUR, T0, a_merge, a_screening
from tests.stores.rollup_world import a_database, figures_of, read_batches, stored_figures

EVENTS = [a_screening(f"s{n}", person=f"p{n}", at=T0 - n % 3 * HOUR) for n in range(12)]
LATER = [a_screening("s1", 2, person="p1", withdrawn=True), a_screening("s40", person="p2", at=T0 - 9 * HOUR)]

# The tables as they were: each statement in a row of its own, changes added to rows, villages with figures.
BEFORE = """
    drop index counted_lone;
    alter table counted drop column lone;
    insert into sums select division_code, indicator, day, drill, sum(value) filter (where tree = 'statutory'),
        sum(value) filter (where tree = 'reporting') from figures where length(division_code) = 12 group by 1, 2, 3, 4;
    create table older as select division_code, indicator, day, drill, hour_at, reason, sum(delta)::bigint as delta
        from history group by 1, 2, 3, 4, 5, 6 having sum(delta) <> 0;
    drop view figures;
    drop table history, folds;
    alter table older rename to history;
    alter table history add primary key (division_code, indicator, day, drill, hour_at, reason)"""


async def rows(tx: Tx) -> int:
    return int(await tx.fetchval("select count(*) from history"))


async def test_folding_leaves_every_figure_and_its_history(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "ROWS_A_TURN", 5)
    async with a_database(database) as tx:
        await read_batches(tx, [[event] for event in [*EVENTS, *LATER]])
        before, many = await dump_of(tx), await rows(tx)
        for _ in range(4):
            async with tx.transaction():
                await folding.fold_history(tx, T0)
        assert await rows(tx) == len(before["history"]) < many
        assert equal(before, await dump_of(tx)) == []
        assert await stored_figures(tx) == figures_of([*EVENTS, *LATER])


async def test_what_a_batch_appends_while_it_is_folded_stays(database: str) -> None:
    async with a_database(database) as tx, a_database(database) as other:
        await read_batches(tx, [[event] for event in EVENTS])
        async with tx.transaction():
            await folding.fold_history(tx, T0)
            async with other.transaction():
                await folding.fold_history(other, T0)  # finds another at it
            await read_batches(other, [LATER])
        assert await stored_figures(tx) == figures_of([*EVENTS, *LATER])


async def test_merges_that_were_kept_once_go_on_in_exercises(database: str) -> None:
    events = [a_merge(), *(a_screening(f"s{n}", person=f"p{n}", drill=True) for n in (1, 2))]
    async with a_database(database) as tx:
        await read_batches(tx, [events[:2]])
        await tx.execute("delete from merges where statement_id ^@ '~'")
    async with a_database(database) as tx:
        await read_batches(tx, [events[2:]])
        assert await stored_figures(tx) == figures_of(events)


async def test_tables_of_the_shape_before_are_brought_to_this_one(database: str) -> None:
    async with a_database(database) as tx:
        await read_batches(tx, [EVENTS[:6], EVENTS[6:], LATER[:1]])
        before = await stored_figures(tx)
        lone = await tx.fetch("select subject_id, indicator, drill from counted where lone")
        await statements.stand_alone(tx, [Key(*row) for row in lone])
        await tx.execute(BEFORE)
        for _ in range(2):
            async with tx.transaction():
                await prepare(tx, SERVICE.name, SERVICE.schema)
        await tx.execute(f"set search_path = {SERVICE.name}")
        assert await stored_figures(tx) == before
        assert await drift.compare(tx, ["persons-screened", "feverish"]) == []
        again = [*EVENTS, *LATER[1:], a_screening("s3", 2, person="p3", celsius=38.5)]
        await read_batches(tx, [again, again])
        assert await stored_figures(tx) == figures_of([*EVENTS, *LATER, again[-1]])
        assert await drift.compare(tx, ["persons-screened", "feverish"]) == []
