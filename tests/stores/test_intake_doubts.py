"""What cannot well be is asked of the worker, never refused; what the worker says to be so, the office sees."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from tests.stores.grid_world import NOON, WORKER, as_, at_noon
from tests.stores.intake_world import GRID, NDJSON, VILLAGE, World, a_household, a_person, intake

FAR = "330402001001001"


def at(minutes: float) -> str:
    return (NOON - timedelta(hours=2) + timedelta(minutes=minutes)).isoformat()


async def asked(world: World, *entries: dict[str, Any], division: str = VILLAGE) -> list[list[tuple[str, str]]]:
    """Of each entry of the worker: (field, why) of what is to be checked; each is accepted."""
    worker = await as_(world, division=division)
    answers = []
    for entry in entries:
        verdict = (await worker.post("/records", json=entry)).json()
        assert verdict["verdict"] in ("accepted", "duplicate"), verdict
        answers.append([(each["field"], each["why"]) for each in verdict.get("please_check", [])])
    return answers


def fields(told: list[tuple[str, str]]) -> list[str]:
    return [field for field, _ in told]


async def test_sixty_households_in_three_minutes_by_one_worker_are_asked_about(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        doors = [a_household(n, visited_at=at(n / 20)) for n in range(60)]
        lines = b"\n".join(json.dumps(each).encode() for each in doors)
        worker = await as_(world)
        answer = await worker.post("/records", content=lines, headers=NDJSON)
        assert answer.text.count("households in 3 minutes") == 60
        assert answer.text.count('"accepted"') == 60
        slow = [a_household(100 + n, visited_at=at(30 + n)) for n in range(8)]
        assert await asked(world, *slow) == [[]] * 8


async def test_two_visits_of_one_worker_far_apart_at_one_instant_are_asked_about(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.pool.execute("insert into grids values ($1, '远') on conflict do nothing", FAR)
        here, there = a_household(1, visited_at=at(0)), a_household(2, visited_at=at(1), division_code=FAR)
        later = a_household(3, visited_at=at(90), division_code=FAR)
        by_phone = a_household(4, visited_at=at(0), division_code=FAR, channel="phone")
        told = await asked(world, here, there, later, by_phone, division="")
    assert [fields(each) for each in told] == [[], ["visited_at"], [], []]


async def test_a_visit_before_the_birth_is_asked_about(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        born = {"birth_date": "2022-03-06", "name": "小某"}
        newborn = {"person": born, "person_ref": "newborn-1", "temperature_celsius": 36.6}
        told = await asked(world, a_household(1, visited_at=at(0), members=[newborn]))
    assert [fields(each) for each in told] == [["members[0].visited_at"]]


async def test_a_temperature_out_of_sense_is_asked_about(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        cold = {**a_person(1), "temperature_celsius": 31.0}
        told = await asked(world, a_household(1, visited_at=at(0), members=[cold, {**a_person(2)}]))
    assert [fields(each) for each in told] == [["members[0].temperature_celsius"]]


async def test_a_household_that_grows_by_many_at_once_is_asked_about(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        first, grown = a_household(1, 1, 2, visited_at=at(0)), a_household(2, 1, 2, 3, 4, 5, 6, visited_at=at(60))
        told = await asked(world, first, {**grown, "dwelling": first["dwelling"]})
    assert [fields(each) for each in told] == [[], ["members"]]


async def test_what_the_worker_says_to_be_so_is_asked_no_more_and_stands_in_the_offices_list(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        cold = a_household(1, visited_at=at(0), members=[{**a_person(1), "temperature_celsius": 34.0}])
        office = await as_(world, "head", "leader")

        async def listed() -> list[tuple[str, str]]:
            found = (await office.get("/doubts", params={"division": GRID})).raise_for_status().json()
            return [(each["entered_by"], each["field"]) for each in found]

        first, again = await asked(world, cold, cold)
        assert (fields(first), fields(again)) == (["members[0].temperature_celsius"],) * 2  # the answer may be lost
        assert await listed() == []
        [so] = await asked(world, {**cold, "revision": 2, "confirmed": True})
        assert (so, await listed()) == ([], [(WORKER, "members[0].temperature_celsius")])
        own = await (await as_(world)).get("/doubts", params={"division": GRID})
        elsewhere = await (await as_(world, "other", "leader", "330402")).get("/doubts", params={"division": GRID})
        await asked(world, {**cold, "revision": 3, "members": [a_person(1)], "corrected_because": "misread"})
        assert await listed() == []
    assert (own.status_code, elsewhere.status_code) == (403, 403)


async def test_the_history_of_a_record_says_who_changed_it_from_what_to_what_and_why(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        visit = a_household(1, visited_at=at(0))
        moved = {**visit, "revision": 2, "visited_at": at(5), "corrected_because": "wrong hour"}
        await asked(world, visit, moved)
        path = f"/records/{visit['feed']}/{visit['source_id']}/changes"
        [change] = (await (await as_(world)).get(path)).raise_for_status().json()
        hidden = await (await as_(world, "other", division="330402")).get(path)
    assert hidden.json() == []
    assert (change["changed_by"], change["why"], change["withdrawn"]) == (WORKER, "wrong hour", False)
    times = [datetime.fromisoformat(change[side]["facts"][0]["canvassed_at"]) for side in ("from", "to")]
    assert times[1] - times[0] == timedelta(minutes=5)
