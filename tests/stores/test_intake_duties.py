"""Who answers for what, and what each of them is shown: in its time, many to many, stood in for, led, linked."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.events.quarantine import Mode
from tests.stores.duty_records import a_hand_over, a_register, a_round, an_assignment
from tests.stores.grid_world import AT, NOON, OTHER_GRID, as_, at_noon, care, hear, ids, listed
from tests.stores.intake_world import GRID, VILLAGE, World, a_household, a_person, intake

FROM, UNTIL = "2022-03-05T11:00:00+08:00", "2022-03-05T13:00:00+08:00"
BEFORE, AFTER = "2022-03-05T10:59:59+08:00", "2022-03-05T13:00:00+08:00"


async def shown(world: World, post: str, role: str = "worker", **asked: str) -> list[tuple[str, str]]:
    return await listed(await as_(world, post, role), **asked)


async def furnish(world: World) -> dict[str, str]:
    """Two homes in one grid, one in the next; in quarantine at home, at a site, at home; a round is open."""
    await at_noon(world)
    stay = {"kind": "placement", "feed": "site", "source_id": "s", "division_code": GRID, **a_person(2)}
    stay |= {"placement_id": "stay-x", "mode": "central_quarantine", "site_id": "hotel", "started_at": AT}
    homes = [
        a_register(grid, n, [a_person(n)], dwelling={"ref": f"door-{n}", "address": f"路{n}号"})
        for n, grid in ((1, GRID), (2, GRID), (3, OTHER_GRID))
    ]
    assert set(await world.words(*homes, a_round(VILLAGE), stay)) == {"accepted"}
    known = await ids(world)
    central = care(known["王某2"], mode=Mode.CENTRAL_QUARANTINE, placement_id="stay-x")
    await hear(world, care(known["王某1"]), central)
    await hear(world, care(known["王某3"]), division=OTHER_GRID)
    return known


@pytest.mark.parametrize(
    ("what", "kinds"),
    [
        ({}, {"household", "visit"}),
        ({"dwelling": {"ref": "door-1"}, "duty": "linked_households"}, {"household"}),
        ({"site_id": "hotel"}, {"visit"}),
        (a_person(1), {"visit"}),
    ],
    ids=["grid", "household", "site", "key person"],
)
async def test_an_assignment_is_on_the_list_in_its_time_and_neither_before_nor_after(
    database: str, what: dict[str, Any], kinds: set[str]
) -> None:
    async with intake(database, clock="stage") as world:
        await furnish(world)
        assigned = an_assignment(GRID, "w", **{"valid_from_at": FROM, "valid_until_at": UNTIL, **what})
        assert await world.words(assigned) == ["accepted"]
        seen = {}
        for at in (BEFORE, FROM, NOON.isoformat(), AFTER):
            await world.at(at)
            seen[at] = {kind for kind, _ in await shown(world, "w")}
    assert seen == {BEFORE: set(), FROM: kinds, NOON.isoformat(): kinds, AFTER: set()}


async def test_two_answer_for_one_grid_and_one_for_two(database: str) -> None:
    async with intake(database, clock="stage") as world:
        known = await furnish(world)
        await world.send(*(an_assignment(*each) for each in ((GRID, "one"), (GRID, "two"), (OTHER_GRID, "two"))))
        doors = {
            post: {whom for kind, whom in await shown(world, post) if kind == "household"} for post in ("one", "two")
        }
    assert doors["one"] == {known["路1号"], known["路2号"]}
    assert doors["two"] == doors["one"] | {known["路3号"]}


async def test_a_stand_in_has_the_list_for_the_time_of_standing_in_and_whoever_is_stood_in_for_has_none(
    database: str,
) -> None:
    async with intake(database, clock="stage") as world:
        await furnish(world)
        assigned = [an_assignment(GRID, "holder"), an_assignment(GRID, "holder", site_id="hotel")]
        handed = [a_hand_over(VILLAGE, "holder", "stand-in", FROM), a_hand_over(VILLAGE, "stand-in", "holder", UNTIL)]
        assert set(await world.words(*assigned, *handed)) == {"accepted"}
        seen = {}
        for at in (BEFORE, FROM, AFTER):
            await world.at(at)
            seen[at] = [len(await shown(world, post)) for post in ("holder", "stand-in")]
    assert seen == {BEFORE: [4, 0], FROM: [0, 4], AFTER: [4, 0]}


async def test_the_leader_of_a_micro_grid_has_its_households_and_a_leader_any_division_of_his_own(
    database: str,
) -> None:
    """A micro-grid is a few doors of a grid, each assigned."""
    async with intake(database, clock="stage") as world:
        known = await furnish(world)
        micro = [
            an_assignment(GRID, "micro", dwelling={"ref": f"door-{n}"}, duty="micro_grid_leader")
            | {"source_id": f"m{n}"}
            for n in (1, 2)
        ]
        led = an_assignment(VILLAGE, "head", duty="leader")
        verdicts = await world.send(*micro, led)
        assert {each["verdict"] for each in verdicts} == {"accepted"}, verdicts
        assert {whom for _, whom in await shown(world, "micro")} == {known["路1号"], known["路2号"]}
        whole = await shown(world, "head", "leader")
        one = await shown(world, "head", "leader", division=OTHER_GRID)
        assert {whom for kind, whom in whole if kind == "household"} == {known[f"路{n}号"] for n in (1, 2, 3)}
        assert {whom for kind, whom in one if kind == "household"} == {known["路3号"]}
        leader = await as_(world, "head", "leader")
        assert (await leader.get("/today", params={"division": "330402"})).status_code == 403
        # A door is closed for everybody who was shown it.
        await world.send(a_household(1, 1))
        assert {whom for _, whom in await shown(world, "micro")} == {known["路2号"]}
