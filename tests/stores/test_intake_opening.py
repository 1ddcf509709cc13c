"""Opening the vault: by role, for a purpose, within one's division, and never unseen by whom it concerns."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from contracts.events.canvassing import CaseScreened
from services.intake.identity import PERSON_REFS
from services.intake.opening import HELD, MOST
from services.intake.parts import Dwelling, Person
from services.intake.rules.traits import ID_NUMBERS, KNOWN_BY
from tests.stores.intake_world import World, a_household, a_number, a_test, intake

READER = ("reader", "identity-reader")


async def opened(world: World, headers: dict[str, str], **asked: Any) -> httpx.Response:
    body = {"purpose": "care", "note": "a call at noon", **asked}
    return await world.client.post("/people/openings", json=body, headers=headers)


async def met(world: World) -> CaseScreened:
    """Person 1 in dwelling 1."""
    await world.send(a_household(1, 1))
    return next(event.data for event in await world.events() if isinstance(event.data, CaseScreened))


async def looked(world: World, headers: dict[str, str], owner: str) -> list[tuple[str, ...]]:
    rows = (await world.client.get(f"/people/{owner}/accesses", headers=headers)).raise_for_status().json()
    return [tuple(row[name] for name in ("caller", "act", "purpose", "note", "allowed")) for row in rows]


async def test_names_and_addresses_are_opened_for_a_purpose_and_the_look_is_recorded(database: str) -> None:
    async with intake(database) as world:
        one = await met(world)
        reader = world.signed_in(*READER, division="3304")
        ids = {"person_ids": [one.person_id, "nobody"], "dwelling_ids": [one.dwelling_id]}
        answer = (await opened(world, reader, **ids)).json()
        person, dwelling = answer["people"][one.person_id], answer["dwellings"][one.dwelling_id]
        assert (person["name"], person["phone"], person["id_number"]) == ("王某1", "13800000001", a_number(1))
        assert dwelling["address"] == "人民路 1 号" and answer["not_shown"] == ["nobody"]
        operator = world.signed_in("overseer", "operator", division="330421")
        for owner in (one.person_id, one.dwelling_id):
            assert await looked(world, operator, owner) == [("reader", "opening", "care", "a call at noon", True)]
        assert await world.pool.fetchval("select count(*) from vault_accesses") == 2


async def test_a_look_that_was_refused_is_recorded_and_says_nothing_to_who_tried(database: str) -> None:
    async with intake(database) as world:
        one = await met(world)
        elsewhere = world.signed_in("curious", "identity-reader", division="330482")
        answer = (await opened(world, elsewhere, person_ids=[one.person_id])).json()
        assert answer == {"people": {}, "dwellings": {}, "not_shown": [one.person_id]}
        refused = await opened(world, world.signed_in("clerk", "operator"), person_ids=[one.person_id])
        assert refused.status_code == 403 and "identity-reader" in refused.text and "王某" not in refused.text
        own = await world.client.get(f"/people/{one.person_id}/record", headers=world.signed_in("clerk", "resident"))
        assert own.status_code == 403
        rows = await looked(world, world.signed_in(one.person_id, "resident"), one.person_id)
    assert [(caller, act, allowed) for caller, act, _, _, allowed in rows] == [
        ("clerk", "own", False),
        ("clerk", "opening", False),
        ("curious", "opening", False),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"purpose": "curiosity"},
        {"note": f"about {a_number(1)}"},
        {"note": "call 13800000001"},
        {"person_ids": []},
        {"person_ids": ["x"] * (MOST + 1)},
    ],
)
async def test_an_opening_without_a_purpose_or_a_bound_is_refused(database: str, asked: dict[str, Any]) -> None:
    async with intake(database) as world:
        answer = await opened(world, world.signed_in(*READER), **{"person_ids": ["x"], **asked})
    assert answer.status_code == 422


async def test_a_resident_sees_what_is_held_and_why_and_nobody_else_s(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1, person_ref="case-1"), a_test(2, 2))
        mine, other = [event.data.person_id for event in await world.events()]
        resident = world.signed_in(mine, "resident", division="330421001001")
        record = (await world.client.get(f"/people/{mine}/record", headers=resident)).json()
        for path in (f"/people/{other}/record", f"/people/{other}/accesses"):
            assert (await world.client.get(path, headers=resident)).status_code == 403
        assert await looked(world, resident, mine) == [(mine, "own", "own record", "", True)]
        unknown = await world.client.get("/people/nobody/record", headers=world.signed_in("nobody", "resident"))
    held = {each["field"]: each for each in record["held"]}
    assert (held["name"]["value"], held["person_refs"]["value"]) == ("王某1", ["case-1"])
    assert all(each["rule"] and each["en"] and each["zh"] for each in held.values())
    assert unknown.status_code == 404


async def test_who_looked_is_shown_to_nobody_outside_the_division(database: str) -> None:
    async with intake(database) as world:
        one = await met(world)
        for caller in (("overseer", "operator"), ("clerk", "sender")):
            headers = world.signed_in(*caller, division="330482")
            assert (await world.client.get(f"/people/{one.person_id}/accesses", headers=headers)).status_code == 403


async def test_every_field_that_the_vault_may_hold_names_the_rule_that_needs_it(database: str) -> None:
    assert HELD["person"].keys() == {*Person.model_fields, PERSON_REFS, ID_NUMBERS, KNOWN_BY}
    assert HELD["dwelling"].keys() == {*Dwelling.model_fields} - {"dwelling_id"}
    async with intake(database) as world:
        assert (await world.client.get("/people/fields")).json() == HELD
