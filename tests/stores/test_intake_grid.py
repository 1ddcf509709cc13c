"""The roster of a real intake: what comes in at the door, who is missing, who may see it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stores.duty_records import a_presence, a_register, a_round, an_assignment, an_attempt
from tests.stores.grid_world import AT, OTHER_GRID, WORKER, as_, at_noon, ids, listed
from tests.stores.intake_world import GRID, VILLAGE, a_household, a_person, a_test, intake


async def test_a_round_lists_every_household_until_it_is_reached_and_an_attempt_does_not_close_it(
    database: str,
) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        register = [
            a_register(GRID, n, [a_person(n)], dwelling={"ref": f"door-{n}", "address": f"路{n}号"}) for n in (1, 2)
        ]
        await world.send(*register, an_assignment(GRID, WORKER))
        worker = await as_(world)
        assert await listed(worker) == []
        await world.send(a_round(VILLAGE), an_attempt(GRID, 1))
        known = await ids(world)
        both = [("household", known["路1号"]), ("household", known["路2号"])]
        assert sorted(await listed(worker)) == sorted(both)
        await world.send(a_household(1, 1))
        assert await listed(worker) == both[1:]
        area = (await worker.get("/today")).json()["areas"]
    assert [(each["households"], each["reached"], each["missing"]) for each in area] == [(2, 1, 1)]


async def test_a_withdrawn_visit_is_owed_again_and_a_corrected_one_counts_for_whom_it_names_now(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(an_assignment(GRID, WORKER), a_round(GRID), a_household(1, 1, 2), a_household(2, 3))
        worker = await as_(world)
        assert await listed(worker) == []
        await world.send(a_household(1, 1, 2, revision=2, withdrawn=True))
        assert len(await listed(worker)) == 1
        moved = {"dwelling": {"ref": "door-3"}, "round_id": "round-1"}
        await world.send(a_household(1, 1, 2, revision=3), a_household(2, 3, revision=2, **moved))
        counts = await world.pool.fetch("select (select count(*) from calls), (select count(*) from residents)")
        assert len(await listed(worker)) == 1  # the dwelling that was not visited after all
    assert tuple(counts[0]) == (2, 3)


async def test_a_worker_names_people_and_dwellings_by_the_ids_of_the_roster(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(an_assignment(GRID, WORKER), a_round(GRID), a_register(GRID, 1, [a_person(1)]))
        worker = await as_(world)
        [home] = (await worker.get("/roster")).json()["households"]
        [member] = home["members"]
        visit = a_household(
            1, dwelling={"dwelling_id": home["dwelling_id"]}, members=[{"person_id": member["person_id"]}]
        )
        assert (await worker.post("/records", json=visit)).json()["verdict"] == "accepted"
        assert await listed(worker) == []
        strange = a_household(2, dwelling={"dwelling_id": "nowhere"}, members=[{"person_id": "nobody"}])
        wrong = (await worker.post("/records", json=strange)).json()
        nameless = (await worker.post("/records", json={**visit, "source_id": "x", "dwelling": {}})).json()
        kept = await world.pool.fetchval("select count(*) from vault_persons")
    assert [error["field"] for error in wrong["errors"]] == ["members[0]", "dwelling"]
    assert nameless["errors"][0]["field"] == "dwelling"
    assert kept == 1


async def test_nobody_sees_a_grid_that_is_not_theirs(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(an_assignment(GRID, WORKER), an_assignment(OTHER_GRID, "neighbour"), a_round(VILLAGE))
        await world.send(a_household(1, 1), a_household(2, 2, division_code=OTHER_GRID))
        worker, sender = await as_(world), await as_(world, WORKER, "sender")
        elsewhere = await as_(world, WORKER, "worker", "330402")
        leader = await as_(world, "village", "leader")
        for path in ("/today", "/roster"):
            assert (await worker.get(path, params={"division": OTHER_GRID})).status_code == 403
            assert (await sender.get(path)).status_code == 403
            assert (await leader.get(path, params={"division": VILLAGE})).status_code == 200
            assert (await leader.get(path, params={"division": "330402"})).status_code == 403
        assert (await elsewhere.get("/roster")).json()["households"] == []
        [home] = (await worker.get("/roster")).json()["households"]
        looked = await world.pool.fetch(
            "select distinct caller, person_id from vault_accesses where caller = $1", WORKER
        )
    assert [row["person_id"] for row in looked] == [home["members"][0]["person_id"]]


async def test_a_worker_enters_what_is_done_in_the_grid_and_nothing_else(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        worker = await as_(world, division=GRID)
        said = [a_presence(GRID, a_person(1)), a_test(1, 1), a_household(1, 1, division_code=OTHER_GRID)]
        answers = [(await worker.post("/records", json=each)).json() for each in said]
    assert [answer["verdict"] for answer in answers] == ["accepted", "rejected", "rejected"]
    assert [answer["errors"][0]["field"] for answer in answers[1:]] == ["kind", "division_code"]


async def test_a_record_of_duty_is_corrected_by_nobody_outside_the_division_of_its_first_word(database: str) -> None:
    assigned = an_assignment(GRID, WORKER)
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(assigned)
        stranger = await as_(world, "stranger", "sender", OTHER_GRID)
        stolen = {**assigned, "revision": 2, "post_id": "stranger", "division_code": OTHER_GRID}
        answer = (await stranger.post("/records", json=stolen)).json()
        assert answer["errors"][0]["field"] == "source_id"
        await world.send({**assigned, "revision": 2, "withdrawn": True})
        assert (await (await as_(world)).get("/today")).json()["areas"] == []


async def test_whoever_is_away_is_shown_with_since_when_where_and_when_back(database: str) -> None:
    away = a_presence(GRID, a_person(2), where="上海", back_at="2022-03-09T18:00:00+08:00")
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(
            an_assignment(GRID, WORKER), a_round(GRID), a_register(GRID, 1, [a_person(1), a_person(2)]), away
        )
        worker = await as_(world)
        [home] = (await worker.get("/roster")).json()["households"]
        told = {member["name"]: member["away"] for member in home["members"]}
        await world.send(a_household(1, 1))
        assert await listed(worker) == []
    assert told["王某1"] is None
    assert (told["王某2"]["where"], told["王某2"]["back_at"][:10]) == ("上海", "2022-03-09")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"until_at": "2022-03-04T00:00:00+08:00"}, "until_at"),
        (an_assignment(GRID, "w", dwelling={"ref": "d"}, site_id="s"), ""),
        ({"kind": "presence", "state": "away", "since_at": AT}, "person"),
    ],
)
async def test_what_makes_no_sense_is_told(database: str, wrong: dict[str, Any], field: str) -> None:
    base = {"feed": "roster", "source_id": "x", "division_code": GRID}
    record = {**(base if "kind" in wrong else a_round(GRID)), **wrong}
    async with intake(database) as world:
        [verdict] = await world.send(record)
    assert [error["field"] for error in verdict["errors"]] == [field]
