"""What tracing serves: a person and why, all states, proposals, the policy; each within the caller's division."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.chassis.access import make_token
from services.chassis.database import open_pool
from services.chassis.health import Health
from services.chassis.service import App
from services.chassis.settings import Settings
from services.chassis.web import make_web
from services.tracing.service import SERVICE
from tests.stores.test_tracing_merged import a_merge
from tests.stores.tracing_facts import HOME, a_classification, a_finding, an_adoption, an_exposure, at, heard
from tests.stores.tracing_world import Tracing

KEY = SecretStr("k" * 32)
ELSEWHERE = "330424001001001"
EVENTS = [
    heard(a_classification("A"), at(5, 9)),
    heard(a_finding("A"), at(5, 9)),
    heard(an_exposure("B", "A"), at(5, 10)),
    heard(an_exposure("C", "A", n=2), at(5, 10), ELSEWHERE),
    heard(an_adoption(HOME[:6]), at(6), HOME[:6]),
    heard(an_adoption(HOME[:6], "land.lead.list", hours=2.0), at(6), HOME[:6]),
]


@pytest.fixture
async def web(database: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(database=database, token_key=KEY, clock="stage")
    pool = await open_pool(SERVICE.name, SERVICE.schema, settings)
    async with pool:
        async with pool.acquire() as tx:
            tracing = Tracing(database)
            await tx.execute("update stage set now_at = $1", at(7))
            await tracing.hear(tx, EVENTS)
            await tracing.settle(tx)
        transport = httpx.ASGITransport(make_web(App(SERVICE, settings, pool), Health(SERVICE.name)))
        async with httpx.AsyncClient(transport=transport, base_url="http://tracing") as client:
            sign_in(client, "33")
            yield client


def sign_in(web: httpx.AsyncClient, division: str, role: str = "operator") -> None:
    web.headers["authorization"] = f"Bearer {make_token(KEY, 'duty', frozenset({role}), division)}"


async def answer(web: httpx.AsyncClient, path: str, **query: Any) -> Any:
    response = await web.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_person_is_shown_with_what_is_stated_and_the_facts_under_it(web: httpx.AsyncClient) -> None:
    shown = await answer(web, "/persons/B")
    assert shown["division_code"] == HOME
    assert {one["type"] for one in shown["statements"]} == {
        "contact-identified",
        "quarantine-proposed",
        "episode-changed",
    }
    assert shown["facts"].keys() == {"exposures"}
    assert shown["facts"]["exposures"][0]["other_id"] == "A"
    assert (await answer(web, "/persons/A"))["facts"].keys() == {"exposures", "findings", "classifications"}


async def test_an_id_that_turned_out_to_be_anothers_leads_to_the_one_that_was_kept(
    web: httpx.AsyncClient, database: str
) -> None:
    pool = await open_pool(SERVICE.name, SERVICE.schema, Settings(database=database, token_key=KEY, clock="stage"))

    async def heard_then_shown(*events: Any) -> tuple[Any, set[str]]:
        async with pool.acquire() as tx:
            tracing = Tracing(database)
            await tracing.hear(tx, events)
            await tracing.settle(tx)
        told = await answer(web, "/persons/E")
        return (told["person_id"], told["ids"], len(told["statements"])), {
            each["person_id"] for each in told["facts"]["exposures"]
        }

    async with pool:
        alone = await heard_then_shown(heard(an_exposure("E", "A", n=3), at(5, 10)))
        assert alone == (("E", ["E"], 3), {"E"})
        assert await heard_then_shown(a_merge("B", "E")) == (("B", ["B", "E"], 3), {"B", "E"})
        assert await heard_then_shown(a_merge("B", "E", revision=2, withdrawn=True)) == alone


async def test_every_state_is_a_line_in_order_and_within_the_division(web: httpx.AsyncClient) -> None:
    lines = (await web.get("/states")).text.splitlines()
    assert [tuple(json.loads(line).values()) for line in lines] == [
        ("A", None, "confirmed", "none", HOME),
        ("B", "close", None, "awaiting_order", HOME),
        ("C", "close", None, "awaiting_order", ELSEWHERE),
    ]
    assert [*json.loads(lines[0])] == ["person_id", "category", "classification", "care", "division_code"]
    assert (await web.get("/states", params={"drill": True})).text == ""
    sign_in(web, ELSEWHERE[:6])
    assert [json.loads(line)["person_id"] for line in (await web.get("/states")).text.splitlines()] == ["C"]


async def test_open_proposals_are_listed_for_a_division(web: httpx.AsyncClient) -> None:
    assert [one["person_id"] for one in await answer(web, "/proposals")] == ["B", "C"]
    (one,) = await answer(web, "/proposals", division=ELSEWHERE[:9])
    assert (one["person_id"], one["category"], len(one["measures"])) == ("C", "close", 2)


async def test_nobody_sees_beyond_the_own_division(web: httpx.AsyncClient) -> None:
    sign_in(web, ELSEWHERE[:6])
    assert (await web.get("/persons/B")).status_code == 404
    assert (await web.get("/proposals", params={"division": HOME})).status_code == 403
    assert [one["person_id"] for one in await answer(web, "/proposals")] == ["C"]


@pytest.mark.parametrize("path", ["/persons/B", "/states", "/proposals"])
async def test_who_has_no_operators_role_sees_no_states(web: httpx.AsyncClient, path: str) -> None:
    sign_in(web, "33", role="resident")
    assert (await web.get(path)).status_code == 403
    del web.headers["authorization"]
    assert (await web.get(path)).status_code == 401


async def test_the_policy_in_force_names_edition_standing_and_source(web: httpx.AsyncClient) -> None:
    there, here = [await answer(web, f"/policy/{division}") for division in (ELSEWHERE, HOME)]
    assert there["lookback"]["days_before"] == 2
    assert there["plans"]["close"]["edition"] == "covid-ed8"
    assert {one["key"] for one in there["deadlines"]} >= {"report.case.direct", "transfer.contact.to_quarantine"}
    assert all(one["source"] for one in there["deadlines"])
    assert (there["lookback"]["standing"], here["lookback"]["standing"]) == ("provisional", "adopted")
    leads = [next(one for one in policy["deadlines"] if one["key"] == "land.lead.list") for policy in (there, here)]
    assert [(one["hours"], one["standing"]) for one in leads] == [(None, "blank"), (2.0, "adopted")]
