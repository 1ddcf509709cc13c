"""What rollup serves: tables, rows, the past, drift and the board, each within the caller's division."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from contracts.divisions import Divisions
from contracts.indicators import INDICATORS
from contracts.policy.days import SHANGHAI
from services.chassis.clock import advance
from services.rollup.drift import look_for_drift
from services.rollup.folding import fold_history
from tests.stores.rollup_facts import HOUR, PLACES, T0, a_screening, an_episode
from tests.stores.rollup_served import a_time, answer, serving, sign_in
from tests.stores.rollup_world import a_database, read_batches

DAY = T0.date().isoformat()
LATER = T0 + 30 * HOUR
EVENTS = [
    a_screening("s1", person="p1", division=PLACES[0]),
    a_screening("s2", person="p2", division=PLACES[2], celsius=38.4),
    a_screening("s3", person="p3", division=PLACES[5]),
    a_screening("s3", 2, person="p3", division=PLACES[5], time=LATER, withdrawn=True),
    a_screening("s4", person="p4", division=PLACES[0], drill=True),
    a_screening("s5", person="p5", division=PLACES[0], time=LATER),
    an_episode("p1", at=T0 + HOUR, division=PLACES[1]),  # p1 lives elsewhere by now
]
ALTERED = "update sums set statutory = 9 where division_code = '330402' and not drill"
SCREENED = {"indicator": "persons-screened"}


@pytest.fixture
async def web(database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(database, EVENTS, LATER) as client:
        yield client


def figures(table: dict[str, Any]) -> dict[str, int]:
    return {line["division"]: line["figures"]["persons-screened"] for line in table["children"] if line["figures"]}


async def test_a_division_stands_with_its_children_in_each_tree(web: httpx.AsyncClient) -> None:
    statutory = await answer(web, "/figures", division="3304", day=DAY, children=True, **SCREENED)
    assert statutory["total"]["figures"] == {"persons-screened": 3}
    assert figures(statutory) == {"330402": 3}
    assert [line["division"] for line in statutory["children"]] == list(Divisions.load().children("3304"))
    assert statutory["path"] == [["33", "浙江省"], ["3304", "嘉兴市"]]
    reporting = await answer(web, "/figures", division="3304", tree="reporting", children=True, **SCREENED)
    assert figures(reporting) == {"330402": 2, "3304J1": 1}


async def test_drills_stand_apart(web: httpx.AsyncClient) -> None:
    table = await answer(web, "/figures", division="330402007001", children=True, **SCREENED)
    assert table["total"]["drills"] == {"persons-screened": 1}
    assert table["total"]["figures"] == {"persons-screened": 2}
    assert [line["division"] for line in table["children"]] == [*PLACES[:2]]


async def test_what_is_recorded_at_the_division_itself_is_its_own(web: httpx.AsyncClient) -> None:
    table = await answer(web, "/figures", division=PLACES[0], children=True, **SCREENED)
    assert (table["children"], table["own"]["figures"]) == ([], {"persons-screened": 2})


async def test_the_rows_are_as_many_as_the_figure_and_show_where_the_person_is_now(web: httpx.AsyncClient) -> None:
    found = await answer(web, "/rows", division="330402", **SCREENED)
    assert found["figure"] == len(found["rows"]) == 3
    assert [(row["division_code"], row["moved_to"]) for row in found["rows"]] == [
        (PLACES[0], PLACES[1]),
        (PLACES[2], None),
        (PLACES[0], None),
    ]
    assert set(found["rows"][0]) == {"division_code", "day", "at", "counted_since_at", "moved_to"}
    part = await answer(web, "/rows", division="330402", limit=2, **SCREENED)
    rest = await answer(web, "/rows", division="330402", limit=2, offset=part["next_offset"], **SCREENED)
    assert part["rows"] + rest["rows"] == found["rows"]
    assert rest["next_offset"] is None


async def test_a_change_since_yesterday_is_explained_by_reason(web: httpx.AsyncClient) -> None:
    span = {"from": (T0 + HOUR).isoformat(), "to": (LATER + HOUR).isoformat()}
    told = await answer(web, "/changes", division="3304", day=DAY, **SCREENED, **span)
    assert (told["total"], told["reasons"]) == (0, {"late": 1, "withdrawn": -1})
    assert {"day": DAY, "reason": "late", "delta": 1} in told["days"]
    before = await answer(web, "/figures/as-of", division="3304", at=span["from"], children=True, **SCREENED)
    assert figures(before) == {"330402": 2, "330411": 1}
    after = await answer(web, "/figures/as-of", division="3304", at=span["to"], children=True, **SCREENED)
    assert figures(after) == {"330402": 3}


async def test_the_past_of_a_village_names_the_grids_that_had_figures_then(
    web: httpx.AsyncClient, database: str
) -> None:
    village, gone = PLACES[0][:12], f"{PLACES[0][:12]}009"
    one = {"person": "p9", "division": gone}
    async with a_database(database) as tx:
        await read_batches(tx, [[a_screening("s9", **one)], [a_screening("s9", 2, **one, time=LATER, withdrawn=True)]])
    for at, expected in ((T0 + HOUR, {PLACES[0]: 1, gone: 1}), (LATER + HOUR, {PLACES[0]: 2})):
        table = await answer(
            web, "/figures/as-of", division=village, at=at.isoformat(), children=True, day=DAY, **SCREENED
        )
        assert (figures(table), table["own"]["figures"]) == (expected, {})


async def test_drift_is_compared_on_request_and_named_within_the_callers_division(
    web: httpx.AsyncClient, database: str
) -> None:
    assert await answer(web, "/drift") == {"drift": 0, "checked_at": None, "figures": []}
    assert (await answer(web, "/drift", now=True))["drift"] == 0
    async with a_database(database) as tx:
        await tx.execute(ALTERED)
        async with tx.transaction():
            await look_for_drift(tx, T0)
    for query in ({}, {"now": True}):
        told = await answer(web, "/drift", **query)
        assert {"division_code": "330402", **SCREENED, "day": DAY, "figure": 9}.items() <= told["figures"][-1].items()
    sign_in(web, "330411")
    assert (await answer(web, "/drift"))["figures"] == []


async def test_nobody_sees_beyond_the_own_division(web: httpx.AsyncClient) -> None:
    sign_in(web, "330411")
    span = {"from": T0.isoformat(), "to": LATER.isoformat(), "at": T0.isoformat()}
    for path in ("/figures", "/figures/as-of", "/rows", "/changes"):
        for division in ("3304", "330402"):
            response = await web.get(path, params={"division": division, **SCREENED, **span})
            assert (response.status_code, path) == (403, path)
        assert (await web.get(path, params={"division": "330411", **SCREENED, **span})).status_code == 200
    web.headers["authorization"] = "Bearer none"
    for path in ("/figures", "/rows", "/changes", "/figures/as-of", "/drift", "/indicators"):
        assert (await web.get(path, params={"division": "330411", **SCREENED, **span})).status_code == 401


async def test_an_area_sees_the_townships_that_it_takes(web: httpx.AsyncClient) -> None:
    sign_in(web, "3304J1")
    for tree in ("reporting", "statutory"):  # a township's figures are the same in both
        table = await answer(web, "/figures", division="330402012", tree=tree, **SCREENED)
        assert table["total"]["figures"] == {"persons-screened": 1}
        for beyond in ("330402", "330402007", "3304"):
            assert (await web.get("/figures", params={"division": beyond, "tree": tree})).status_code == 403


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"division": "330", "indicator": "arrivals"}, "330"),
        ({"division": "33", "indicator": "arivals"}, "GET /indicators"),
        ({"division": "33", "indicator": "arrivals", "from": "2022-03-05T00:00:00"}, "+08:00"),
    ],
)
async def test_a_wrong_question_is_answered_with_what_to_do(
    web: httpx.AsyncClient, query: dict[str, str], words: str
) -> None:
    span = {"from": T0.isoformat(), "to": LATER.isoformat()}
    response = await web.get("/changes", params={**span, **query})
    assert response.status_code == 422
    assert words in response.text


async def test_every_indicator_is_listed_with_its_reason(web: httpx.AsyncClient) -> None:
    listed = await answer(web, "/indicators")
    assert [one["code"] for one in listed] == [one.code for one in INDICATORS]
    assert all(one["why"] and one["source"] and one["name_zh"] for one in listed)


class Loads(HTMLParser):
    """What a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action")]


async def test_the_board_needs_no_token_and_loads_nothing_from_elsewhere(web: httpx.AsyncClient) -> None:
    del web.headers["authorization"]
    page = (await web.get("/")).text
    loads = Loads()
    loads.feed(page)
    assert loads.found == ["data:,"]
    assert "http" not in page


async def test_the_board_names_only_indicators_that_exist(web: httpx.AsyncClient) -> None:
    page = (await web.get("/")).text
    overview = page.split('["总览", "Overview", [')[1].split("]")[0]
    named = [word.strip().strip('"') for word in overview.split(",")]
    assert len(named) > 5
    assert set(named) <= {one.code for one in INDICATORS}


async def test_before_the_last_week_the_past_is_told_by_the_day_folded_or_not(
    web: httpx.AsyncClient, database: str
) -> None:
    instants, after_nine_days = [T0 + n * HOUR for n in range(-2, 60, 5)], LATER + timedelta(days=9)

    async def told(instants: list[datetime]) -> list[tuple[str, Any, Any]]:
        """At each: until when it is answered, the figures, and what changed since the first."""
        found = []
        for at in instants:
            past = await answer(web, "/figures/as-of", division="33", at=at.isoformat(), **SCREENED)
            span = {"from": instants[0].isoformat(), "to": at.isoformat()}
            changed = await answer(web, "/changes", division="33", **SCREENED, **span)
            assert changed["to"] == past["at"]
            found.append((past["at"], past["total"]["figures"], changed["reasons"]))
        return found

    more = [a_screening(f"s{n}", person=f"p{n}", time=LATER + n * HOUR) for n in range(6, 9)]
    ends = [datetime.combine((at + 8 * HOUR).date() + timedelta(days=1), time(), SHANGHAI) for at in instants]
    async with a_database(database) as tx:
        await read_batches(tx, [more])
        by_the_hour, at_ends = await told(instants), await told(ends)
        await advance(tx, a_time(after_nine_days, 2))
        assert await told(instants) == at_ends != by_the_hour
        before = await tx.fetchval("select count(*) from history")
        for _ in range(2):
            async with tx.transaction():
                await fold_history(tx, after_nine_days)
        assert await tx.fetchval("select count(*) from history") < before
        assert await told(instants) == at_ends


async def test_a_later_hour_changes_nothing_that_was(web: httpx.AsyncClient) -> None:
    table = await answer(web, "/figures/as-of", division="33", at=(T0 + timedelta(minutes=1)).isoformat(), **SCREENED)
    assert table["at"] == "2022-03-05T02:00:00Z"  # the history answers to the hour, and says so
    assert table["total"]["figures"] == {"persons-screened": 3}
