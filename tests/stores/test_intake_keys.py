"""API keys: one feed each, for divisions and kinds, kept as a hash, revoked at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stores.duty_records import a_round
from tests.stores.intake_world import GRID, World, a_household, a_number, a_person, intake

ASKED = {"feed": "lab-1", "divisions": ["330421"], "kinds": ["test", "tube"], "note": "Jiashan laboratory"}


def a_test(n: int, **more: Any) -> dict[str, Any]:
    return {
        "feed": "lab-1", "source_id": f"test-{n}", "kind": "test", "division_code": GRID,
        "person": {"id_number": a_number(n)}, "sampled_at": "2022-03-05T08:00:00+08:00",
        "resulted_at": "2022-03-05T14:00:00+08:00", "result": "negative", **more,
    }  # fmt: skip


async def made(world: World, **more: Any) -> dict[str, str]:
    answer = await world.client.post("/keys", json={**ASKED, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def sent(world: World, key: str, record: dict[str, Any]) -> Any:
    headers = {"x-api-key": key, "authorization": ""}
    return await world.client.post("/records", json=record, headers=headers)


async def test_a_key_sends_what_it_is_for_and_nothing_else(database: str) -> None:
    async with intake(database) as world:
        key = (await made(world))["key"]
        assert (await sent(world, key, a_test(1))).json()["verdict"] == "accepted"
        for wrong, field in (
            (a_test(2, feed="lab-2"), "feed"),
            (a_household(1) | {"feed": "lab-1"}, "kind"),
            (a_test(3, division_code="330402"), "division_code"),
        ):
            answer = await sent(world, key, wrong)
            assert answer.status_code == 422
            assert [error["field"] for error in answer.json()["errors"]] == [field]


A_VISIT = {"kind": "visit", "division_code": GRID, **a_person(1), "visited_at": "2022-03-05T10:00:00+08:00"}


@pytest.mark.parametrize("claimed", ["tube", "test"])
@pytest.mark.parametrize("other", [A_VISIT, a_round(GRID)], ids=["says something", "says nothing"])
async def test_a_key_takes_back_or_corrects_nothing_of_a_kind_that_it_is_not_for(
    database: str, claimed: str, other: dict[str, Any]
) -> None:
    async with intake(database) as world:
        key = (await made(world))["key"]
        assert await world.words({**other, "feed": "lab-1", "source_id": "v"}) == ["accepted"]
        said = await world.events()
        gone = {"feed": "lab-1", "source_id": "v", "revision": 2, "withdrawn": True, "kind": claimed}
        for wrong in (gone, a_test(1, source_id="v", revision=2)):
            answer = await sent(world, key, wrong)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "kind")
        assert await world.events() == said


async def test_the_key_is_told_once_and_kept_as_a_hash(database: str) -> None:
    async with intake(database) as world:
        key = await made(world)
        shown = (await world.client.get("/keys")).json()
        assert [(row["key_id"], row["note"], row["made_by"]) for row in shown] == [
            (key["key_id"], "Jiashan laboratory", "tester")
        ]
        secret = key["key"][16:]
        dump = await world.app.pool.fetchval("select string_agg(k::text, ' ') from api_keys k")
        assert secret not in dump and secret not in str(shown)


async def test_a_revoked_key_is_refused_from_the_next_request_on(database: str) -> None:
    async with intake(database) as world:
        key = await made(world)
        assert (await sent(world, key["key"], a_test(1))).status_code == 200
        assert (await world.client.delete(f"/keys/{key['key_id']}")).status_code == 204
        assert (await sent(world, key["key"], a_test(2))).status_code == 401
        shown = (await world.client.get("/keys")).json()
        assert shown[0]["revoked_by"] == "tester"


@pytest.mark.parametrize("key", ["", "gw_", "gw_abcdefghijkm_" + "x" * 43, "gw_abcdefghijkm"])
async def test_a_key_that_is_none_is_refused_whatever_its_form(database: str, key: str) -> None:
    async with intake(database) as world:
        await made(world)
        answer = await sent(world, key, a_test(1))
        assert answer.status_code == 401


async def test_a_stolen_key_id_with_another_secret_is_refused(database: str) -> None:
    async with intake(database) as world:
        one, other = await made(world), await made(world)
        mixed = one["key"][:16] + other["key"][16:]
        assert (await sent(world, mixed, a_test(1))).status_code == 401


async def test_nobody_makes_or_revokes_a_key_beyond_their_own_division(database: str) -> None:
    async with intake(database) as everywhere:
        key = await made(everywhere, divisions=["330402"])
    async with intake(database, division="330421") as jiashan:
        assert (await jiashan.client.post("/keys", json=ASKED | {"divisions": ["330402"]})).status_code == 403
        assert (await jiashan.client.delete(f"/keys/{key['key_id']}")).status_code == 403
        assert (await jiashan.client.get("/keys")).json() == []
        assert (await sent(jiashan, key["key"], a_test(1, division_code="330402"))).status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"kinds": ["church"]}, {"divisions": ["999999"]}, {"feed": "No Feed"}, {"kinds": []}]
)
async def test_a_key_for_what_is_not_there_is_refused_in_words(database: str, wrong: dict[str, Any]) -> None:
    async with intake(database) as world:
        answer = await world.client.post("/keys", json=ASKED | wrong)
        assert answer.status_code == 422 and next(iter(wrong)) in answer.text


async def test_a_key_in_haste_is_told_when_to_come_back_and_nothing_is_lost(database: str) -> None:
    async with intake(database) as world:
        key = (await made(world, records_a_minute=2))["key"]
        answers = [await sent(world, key, a_test(n)) for n in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) >= 1
        assert (await world.ledger())["lab-1"]["received"] == 2
