"""Who sees which rows and how much of the past: in a grid too, in earnest and in exercises, of people and tubes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.rollup.rules.counting import Reason
from tests.stores.rollup_facts import HOUR, PLACES, T0, a_merge, a_screening, a_tube
from tests.stores.rollup_served import answer, serving, sign_in
from tests.stores.rollup_world import a_database, read_batches, stored_figures

GRID, OTHER = PLACES[0], PLACES[1]
MICRO = f"{GRID}01"
LATER = T0 + 30 * HOUR
EVENTS = [
    a_screening("s1", person="p1", division=GRID),
    a_screening("s2", person="p2", division=MICRO),
    a_screening("s3", person="p1", round_id="r2", division=OTHER, at=T0 + HOUR, drill=True),  # p1 is played to move
    a_tube("2022/1", 1, [("p3", GRID)], at=T0, division=GRID),
    a_tube("2022/2", 1, [("p4", OTHER)], at=T0 + HOUR, division=OTHER),
]
SPAN = {"from": (T0 - HOUR).isoformat(), "to": LATER.isoformat()}
SCREENED = {"indicator": "persons-screened"}


@pytest.fixture
async def web(database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(database, EVENTS, LATER) as client:
        yield client


@pytest.mark.parametrize("tree", ["statutory", "reporting"])
@pytest.mark.parametrize("division", [GRID, MICRO])
async def test_whoever_belongs_to_a_grid_sees_rows_and_past_of_its_figures_as_everybody_does(
    web: httpx.AsyncClient, division: str, tree: str
) -> None:
    async def told() -> list[Any]:
        where = {"division": division, "tree": tree, **SCREENED}
        past = await answer(web, "/figures/as-of", **where, at=LATER.isoformat(), children=True)
        return [past, await answer(web, "/rows", **where), await answer(web, "/changes", **where, **SPAN)]

    everybodys = await told()
    assert everybodys[1]["figure"] == len(everybodys[1]["rows"]) == everybodys[2]["total"] > 0
    sign_in(web, division)
    assert await told() == everybodys


async def test_a_figure_that_drifts_has_no_page_after_its_last_row(web: httpx.AsyncClient, database: str) -> None:
    async with a_database(database) as tx:
        await tx.execute("update sums set statutory = 9 where division_code = '33'")
    told = await answer(web, "/rows", division="33", offset=2, **SCREENED)
    assert told == {"figure": 9, "rows": [], "next_offset": None}


async def test_nobody_moves_in_earnest_because_of_an_exercise(web: httpx.AsyncClient) -> None:
    found = await answer(web, "/rows", division=GRID, **SCREENED)
    assert [(row["division_code"], row["moved_to"]) for row in found["rows"]] == [(GRID, None), (MICRO, None)]


async def test_a_tube_does_not_move_where_another_one_is_whose_number_begins_alike(web: httpx.AsyncClient) -> None:
    [row] = (await answer(web, "/rows", division=GRID, indicator="tubes-sampled"))["rows"]
    assert row["moved_to"] is None


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("/figures/as-of", {"at": "9999-12-31T23:59:59Z"}, "1900 to 2199"),
        ("/figures/as-of", {"at": "0001-01-01T00:00:00+08:00"}, "1900 to 2199"),
        ("/changes", {**SCREENED, "from": SPAN["from"], "to": "9999-12-31T23:59:59Z"}, "1900 to 2199"),
        ("/changes", {**SCREENED, "from": SPAN["to"], "to": SPAN["from"]}, "exchange"),
    ],
)
async def test_an_instant_far_off_and_a_span_that_ends_before_it_begins_are_answered_in_words(
    web: httpx.AsyncClient, path: str, query: dict[str, str], words: str
) -> None:
    response = await web.get(path, params={"division": "33", **query})
    assert (response.status_code, words in response.text) == (422, True)


async def test_the_board_has_a_word_for_every_reason(web: httpx.AsyncClient) -> None:
    worded = (await web.get("/")).text.split("const REASONS = {")[1].split("}")[0]
    assert {pair.split(":")[0].strip() for pair in worded.split(",")} == {one.value for one in Reason}


async def test_a_merge_that_is_played_joins_nobody_in_earnest_and_one_in_earnest_joins_in_both(database: str) -> None:
    people = [a_screening(f"{drill}-{n}", person=f"p{n}", drill=drill) for n in (1, 2) for drill in (False, True)]
    async with a_database(database) as tx:
        for merge, earnest, played in (
            (a_merge(drill=True), 2, 1),
            (a_merge(revision=2, withdrawn=True, drill=True), 2, 2),
            (a_merge(revision=3), 1, 1),
            (a_merge(revision=4, drill=True), 2, 1),  # meant for the exercise after all
        ):
            await read_batches(tx, [people, [merge]])
            found = await stored_figures(tx)
            day = T0.date()
            key = ("statutory", "33", "persons-screened", day)
            assert (found[*key, False], found[*key, True]) == (earnest, played)
