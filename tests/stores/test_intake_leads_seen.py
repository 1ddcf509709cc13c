"""Who is sought is nobody's business but of those with whom the lead is: not of strangers, nor of who passed it on."""

from __future__ import annotations

from typing import Any

from services.chassis.access import Caller
from tests.stores.duty_records import an_assignment
from tests.stores.grid_world import NOON, WORKER, as_, at_noon, listed
from tests.stores.intake_world import GRID, VILLAGE, World, a_person, intake
from tests.stores.test_intake_leads import a_lead, a_step, lead_ids

FAR = "330402012001001"
"""A grid of another county."""


async def with_two_grids(world: World) -> None:
    await at_noon(world)
    await world.pool.execute("insert into grids values ($1, '三网格')", FAR)
    await world.send(a_lead(1), an_assignment(GRID, WORKER), an_assignment(FAR, "worker-9"))


async def opens(world: World, division: str) -> bool:
    """Whether PostgreSQL shows a worker of there the person who is sought."""
    async with world.app.reading(Caller("somebody", frozenset({"worker"}), division), "care") as turn:
        return bool(await turn.tx.fetchval("select count(*) from vault_persons"))


async def test_whoever_passed_a_lead_on_opens_the_person_no_more_until_it_comes_back(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await with_two_grids(world)
        here, there = await as_(world, division=GRID), await as_(world, "worker-9", division=FAR)
        [lead] = await lead_ids(world)
        on = f"/leads/{lead}/passed-on"
        await world.pool.execute("update vault_persons set division_code = $1", "11")
        assert (await opens(world, GRID), await opens(world, FAR)) == (True, False)
        for minute, giver, to, seen in ((1, here, FAR, (False, True)), (2, there, GRID, (True, False))):
            step = {"to_division_code": to, "done_at": NOON.replace(minute=minute).isoformat()}
            await world.at(step["done_at"])
            assert (await giver.post(on, json=step)).json()["verdict"] == "accepted"
            assert (await opens(world, GRID), await opens(world, FAR)) == seen
        assert [kind for kind, _ in await listed(here)] == ["lead"]
        closed = {"outcome": "no_risk", "reason": "已回沪"}
        assert (await here.post(f"/leads/{lead}/closed", json=closed)).json()["verdict"] == "accepted"
        assert (await opens(world, GRID), await opens(world, FAR)) == (False, False)


async def test_a_stranger_learns_of_a_lead_or_a_need_no_more_than_that_there_is_none_of_theirs(database: str) -> None:
    async def told(record: dict[str, Any]) -> list[tuple[str, str]]:
        answer = (await stranger.post("/records", json=record)).json()
        return [(error["field"], error["why"]) for error in answer["errors"]]

    need = {"feed": "page", "source_id": "n", "kind": "need", "division_code": GRID, **a_person(3)}
    met = {"feed": "page", "source_id": "m", "kind": "need-met", "division_code": FAR, "asked": {"feed": "page"}}
    async with intake(database, clock="stage") as world:
        await with_two_grids(world)
        await world.send({**need, "need": "medicine", "asked_at": NOON.isoformat()})
        stranger = await as_(world, "worker-9", division=FAR)
        close = {"outcome": "no_risk", "reason": "王某1 已回沪"}
        nothing = await told(a_step("lead-closed", 7, FAR, **close))
        assert [field for field, _ in nothing] == ["lead"]
        assert await told(a_step("lead-closed", 1, FAR, **close)) == nothing
        done = {"done_at": NOON.isoformat(), "done_by": "worker-9"}
        unmet = [await told({**met, **done, "asked": {"feed": "page", "source_id": each}}) for each in ("n", "none")]
        assert unmet[0] == unmet[1] and [field for field, _ in unmet[0]] == ["asked"]
        office = await as_(world, "village", "sender", VILLAGE)
        late = (await office.post("/records", json=a_step("lead-landed", 1, VILLAGE))).json()
        assert GRID in late["errors"][0]["would_be_right"], "whose division it is told where it lies"
