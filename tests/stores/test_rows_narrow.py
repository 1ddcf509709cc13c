"""The narrowest of callers: a micro-grid beside another whose code begins with its own, and a resident."""

from __future__ import annotations

import pytest

from services.chassis.access import Caller
from tests.stores.duty_records import an_assignment
from tests.stores.grid_world import at_noon
from tests.stores.intake_world import GRID, NDJSON, a_test, intake

ONE, TEN = f"{GRID}-1", f"{GRID}-10"
TAKEN = "330402012001"
"""A village that the development zone 3304J1 takes."""


@pytest.mark.parametrize(("own", "sibling"), [(ONE, TEN), (TEN, ONE)])
async def test_a_micro_grid_sees_and_records_nothing_of_one_whose_code_begins_alike(
    database: str, own: str, sibling: str
) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        assert (
            await world.words(a_test(1, 1, division_code=own), a_test(2, 2, division_code=sibling)) == ["accepted"] * 2
        )
        await world.send(*(an_assignment(each, f"post {each}") for each in (own, sibling, GRID)))
        async with world.app.reading(Caller("x", frozenset({"identity-reader"}), own), "care") as turn:
            for table in ("vault_persons", "records"):
                rows = await turn.tx.fetch(f"select division_code from {table} where division_code <> $1", GRID)
                assert {row[0] for row in rows} == {own}, table
            posts = await turn.tx.fetch("select post_id from assignments")
        assert {row[0] for row in posts} == {f"post {own}", f"post {GRID}"}
        sender = world.signed_in("x", "sender", division=own)
        verdicts = await world.send(a_test(3, 3, division_code=own), a_test(4, 4, division_code=sibling), **sender)
        assert [each["verdict"] for each in verdicts] == ["accepted", "rejected"]
        assert not Caller("x", frozenset(), own).may_see(sibling)


async def test_a_resident_sees_the_own_record_alone_whatever_the_division_of_the_token(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(a_test(1, 1), an_assignment(GRID, "worker-1"))
        [person] = [row[0] for row in await world.pool.fetch("select person_id from vault_persons")]
        resident = world.signed_in(person, "resident", division="330421")
        answer = await world.client.get("/assignments", params={"division": GRID}, headers=resident)
        assert answer.status_code == 403, answer.text
        async with world.app.reading(Caller(person, frozenset({"resident"}), ""), "own record") as turn:
            for table in ("assignments", "grids", "ledger"):
                assert await turn.tx.fetchval(f"select count(*) from {table}") == 0, table
        own = await world.client.get(f"/people/{person}/record", headers=resident)
        assert own.status_code == 200 and own.json()["person_id"] == person


async def test_a_key_for_a_functional_area_sends_for_what_the_area_takes(database: str) -> None:
    async with intake(database) as world:
        asked = {"feed": "lab", "divisions": ["3304J1"], "kinds": ["test"]}
        key = (await world.client.post("/keys", json=asked)).json()["key"]
        headers = {**NDJSON, "x-api-key": key, "authorization": ""}
        verdicts = await world.send(a_test(1, 1, division_code=TAKEN), a_test(2, 2, division_code=GRID), **headers)
        assert [each["verdict"] for each in verdicts] == ["accepted", "rejected"]


async def test_the_purpose_of_a_look_up_names_nobody(database: str) -> None:
    async with intake(database) as world:
        for purpose in ("call 13800000001 back", "two\nlines"):
            answer = await world.client.post("/people/lookups", json={"purpose": purpose, "person_refs": ["r"]})
            assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "purpose"]
