"""One list for a worker, whichever service owes it; and who answers for what."""

from __future__ import annotations

from datetime import date, timedelta

from contracts.events.deadlines import Verdict
from contracts.events.quarantine import Mode, ReleaseDue, SamplingDue
from tests.stores.duty_records import a_hand_over, a_register, a_round, an_assignment
from tests.stores.grid_world import AT, NOON, OTHER_GRID, WORKER, as_, at_noon, care, hear, ids, listed, transfer
from tests.stores.intake_world import GRID, VILLAGE, a_household, a_person, a_test, intake


async def test_what_tracing_and_alerts_say_is_due_stands_in_one_list_until_it_is_done_or_taken_back(
    database: str,
) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        people = [a_household(n, n) for n in (1, 2, 3, 4)]
        await world.send(an_assignment(GRID, WORKER), *people)
        known, worker = await ids(world), await as_(world)
        p1, p2, p3, p4 = (known[f"王某{n}"] for n in (1, 2, 3, 4))
        sampling = SamplingDue(statement_id="s", person_id=p2, tube_id="t", since_at=NOON - timedelta(hours=1))
        release = ReleaseDue(
            statement_id="r", person_id=p4, order_id="o", due_at=NOON + timedelta(hours=20), edition="e"
        )
        await hear(world, care(p1), care(p4, mode=Mode.CENTRAL_QUARANTINE), sampling, release)
        await hear(world, transfer(p3, 1, Verdict.RUNNING))
        assert await listed(worker) == [("sampling", p2), ("transfer", p3), ("visit", p1), ("release", p4)]
        now = {"kind": "visit", "feed": "page", "division_code": GRID, "visited_at": NOON.isoformat()}
        await world.send({**now, "source_id": "v", "person_id": p1}, a_test(1, 2, sampled_at=NOON.isoformat()))
        await hear(world, transfer(p3, 2, Verdict.KEPT), care(p1, 1))
        await hear(world, transfer(p3, 1, Verdict.RUNNING))  # an older word, late
        assert await listed(worker) == [("release", p4)]
        await world.send({**now, "source_id": "v", "revision": 2, "withdrawn": True})
        await hear(world, care(p4, 2, mode=Mode.CENTRAL_QUARANTINE, withdrawn=True), release.model_copy(
            update={"revision": 2, "withdrawn": True}
        ))  # fmt: skip
        assert await listed(worker) == [("visit", p1)]


async def test_who_is_at_a_site_is_on_the_list_of_its_staff_and_a_key_person_on_that_of_the_named_contact(
    database: str,
) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        stay = {"kind": "placement", "feed": "site", "source_id": "s", "division_code": GRID, **a_person(1)}
        stay |= {"placement_id": "stay-x", "mode": "central_quarantine", "site_id": "hotel", "started_at": AT}
        assigned = [an_assignment(GRID, "staff", site_id="hotel"), an_assignment(GRID, "friend", **a_person(2))]
        await world.send(a_household(1, 1), a_household(2, 2), stay, *assigned)
        known = await ids(world)
        central = care(known["王某1"], mode=Mode.CENTRAL_QUARANTINE, placement_id="stay-x")
        await hear(world, central, care(known["王某2"]))
        staff, friend = await as_(world, "staff"), await as_(world, "friend")
        assert await listed(staff) == [("visit", known["王某1"])]
        assert await listed(friend) == [("visit", known["王某2"])]
        [other] = (await friend.get("/roster")).json()["others"]
    assert (other["name"], "id_number" in other) == ("王某2", False)


async def test_one_person_under_two_ids_is_one_on_the_list_and_two_again_once_they_are_parted(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(
            an_assignment(GRID, WORKER), an_assignment(GRID, "friend", **a_person(2)),
            a_household(1, 1), a_household(2, 2, division_code=OTHER_GRID), a_household(3, 3),
        )  # fmt: skip
        known, worker, friend = await ids(world), await as_(world), await as_(world, "friend", division=GRID)
        one, other = known["王某1"], known["王某2"]
        await hear(world, care(one))
        assert (await listed(worker), await listed(friend)) == ([("visit", one)], [])
        merge = {"kind": "same-person", "feed": "desk", "source_id": "m", "division_code": VILLAGE}
        merge |= {"kept": {"person_id": other}, "other": {"person_id": one}, "reason": "one card, two lists"}
        assert await world.words({**merge, "decided_by": "post-1", "decided_at": AT}) == ["accepted"]
        assert (await listed(worker), await listed(friend)) == ([("visit", one)], [("visit", one)])
        [shown] = (await friend.get("/roster")).json()["others"]
        assert (shown["person_id"], shown["name"]) == (one, "王某1")
        visit = {"kind": "visit", "feed": "page", "source_id": "v", "division_code": GRID, "person_id": other}
        await world.send({**visit, "visited_at": NOON.isoformat()})
        assert (await listed(worker), await listed(friend)) == ([], [])
        await world.send({**merge, "revision": 2, "withdrawn": True})
        assert (await listed(worker), await listed(friend)) == ([("visit", one)], [])


async def test_a_hand_over_moves_what_is_open_at_its_instant(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(an_assignment(GRID, WORKER), a_round(GRID), a_register(GRID, 1, [a_person(1)]))
        one, two = await as_(world), await as_(world, "worker-2")
        assert [len(await listed(each)) for each in (one, two)] == [1, 0]
        await world.send(a_hand_over(VILLAGE, WORKER, "worker-2", AT))
        assert [len(await listed(each)) for each in (one, two)] == [0, 1]
        answers = [
            (await one.get("/assignments", params={"division": GRID, "at": at})).json()[0]["post_id"]
            for at in ("2022-03-05T08:59:59+08:00", AT)
        ]
    assert answers == [WORKER, "worker-2"]


async def test_a_linked_household_is_on_the_list_of_whoever_is_linked_to_it_and_its_neighbours_are_not(
    database: str,
) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        linked = an_assignment(GRID, "member", dwelling={"ref": "door-1"}, duty="linked_households")
        await world.send(a_round(GRID), a_register(GRID, 1, [a_person(1)]), a_register(GRID, 2, [a_person(2)]), linked)
        assert len(await listed(await as_(world, "member"))) == 1


async def test_a_test_day_of_home_quarantine_is_owed_once_a_day(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(an_assignment(GRID, WORKER), a_household(1, 1))
        person = (await ids(world))["王某1"]
        await hear(world, care(person, test_dates=(date(2022, 3, 5),), checks_per_day=0))
        worker = await as_(world)
        assert await listed(worker) == [("sampling", person)]
        tube = {"kind": "tube", "feed": "page", "source_id": "t", "division_code": GRID, "tube_id": "t-1"}
        member = {"person_id": person, "division_code": GRID}
        answer = await worker.post("/records", json={**tube, "sampled_at": NOON.isoformat(), "members": [member]})
        assert answer.json()["verdict"] == "accepted"
        assert await listed(worker) == []
