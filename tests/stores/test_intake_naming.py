"""By an id of intake's a worker names whom he or she has to do with; it brings nobody else and tells of nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.events.quarantine import SamplingDue
from services.intake.problems import Problem
from tests.stores.duty_records import a_register, a_round, an_assignment
from tests.stores.grid_world import AT, NOON, OTHER_GRID, WORKER, as_, at_noon, hear, ids
from tests.stores.intake_world import GRID, VILLAGE, World, a_household, a_person, intake


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    """Homes 1 and 2, one in the worker's grid, one in the next."""
    async with intake(database, clock="stage") as its:
        await at_noon(its)
        homes = [
            a_register(grid, n, [a_person(n)], dwelling={"ref": f"door-{n}", "address": f"路{n}号"})
            for n, grid in ((1, GRID), (2, OTHER_GRID))
        ]
        assert set(await its.words(*homes, a_round(VILLAGE), an_assignment(GRID, WORKER))) == {"accepted"}
        yield its


async def told(worker: httpx.AsyncClient, record: dict[str, Any]) -> list[tuple[str, str]]:
    """(field, why) of each error; none: accepted."""
    answer = (await worker.post("/records", json=record)).json()
    return [(each["field"], each["why"]) for each in answer.get("errors", ())]


def a_visit(n: int, home: str, *whom: str, **more: Any) -> dict[str, Any]:
    members = [{"person_id": each} for each in whom]
    return a_household(n, dwelling={"dwelling_id": home}, members=members, feed="worker-page", **more)


async def test_an_id_of_another_division_brings_nobody_home_and_is_told_like_one_that_nobody_has(world: World) -> None:
    known, worker = await ids(world), await as_(world, division=GRID)
    neighbour = await as_(world, "neighbour", "leader", OTHER_GRID)
    own, other, home, elsewhere = (known[each] for each in ("王某1", "王某2", "路1号", "路2号"))
    why = Problem("", "unknown_person").told("en")["why"]
    for stranger in (other, "nobody"):
        assert await told(worker, a_visit(1, home, own, stranger)) == [("members[1]", why)]
        presence = {"kind": "presence", "state": "away", "since_at": AT, "person_id": stranger}
        assert await told(worker, {"feed": "f", "source_id": "p", "division_code": GRID, **presence}) == [
            ("person", why)
        ]
    gone = Problem("", "unknown_dwelling").told("en")["why"]
    assert await told(worker, a_visit(1, elsewhere, own)) == [("dwelling", gone)]
    [there] = (await neighbour.get("/roster", params={"division": OTHER_GRID})).json()["households"]
    assert [member["name"] for member in there["members"]] == ["王某2"]
    assert await told(worker, a_visit(1, home, own)) == []
    assert await world.words(a_visit(2, home, other)) == ["accepted"], "an office names anybody"


async def test_by_number_a_worker_names_whoever_has_moved_in(world: World) -> None:
    worker, home = await as_(world, division=GRID), (await ids(world))["路1号"]
    moved = {**a_visit(1, home), "members": [a_person(2)]}
    assert await told(worker, moved) == []
    [own] = (await worker.get("/roster")).json()["households"]
    assert {member["name"] for member in own["members"]} == {"王某1", "王某2"}


async def test_whom_a_worker_has_to_do_with_is_named_by_id_wherever_he_or_she_is_recorded(world: World) -> None:
    worker, known = await as_(world, division=GRID), await ids(world)
    own, other, home = (known[each] for each in ("王某1", "王某2", "路1号"))
    lead = {"feed": "letters", "source_id": "l", "kind": "lead", "division_code": GRID, "source": "letter"}
    third, fourth = (a_register(OTHER_GRID, n, [a_person(n)]) for n in (3, 4))
    assert await world.words(third, fourth, {**lead, **a_person(3), "received_at": AT}) == ["accepted"] * 3
    await hear(world, SamplingDue(statement_id="s", person_id=other, tube_id="t", since_at=NOON - timedelta(hours=1)))
    known = await ids(world)
    third_id, fourth_id = known["王某3"], known["王某4"]
    visit = a_visit(1, home, own, other, third_id)
    assert await told(worker, visit) == []
    assert await world.words(a_register(OTHER_GRID, 9, [a_person(1)])) == ["accepted"]  # moved away, met here before
    assert await told(worker, a_visit(2, home, own)) == []
    assert len(await told(worker, a_visit(3, home, fourth_id))) == 1
    await world.pool.execute("insert into merges values ('m', 1, false, $1, $2)", other, fourth_id)
    assert await told(worker, a_visit(3, home, fourth_id)) == []
