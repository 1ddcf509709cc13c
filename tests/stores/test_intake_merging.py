"""People say that two ids are one person, and that they are not: said as events, kept with who, when and why."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.events.people import PersonsMerged
from contracts.events.testing import TestResulted
from tests.stores.intake_world import AT, GRID, VILLAGE, World, a_number, a_person, a_test, intake

DESK = "/people/merges"


def a_merge(n: int, kept: dict[str, Any], other: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As a feed sends it."""
    said = {"kept": kept, "other": other, "decided_by": "post-1", "decided_at": AT, "reason": "one card, two lists"}
    head = {"feed": "command", "source_id": f"merge-{n}", "kind": "same-person", "division_code": GRID}
    return {**head, **said, **more}


def named(n: int) -> dict[str, Any]:
    return {"person": {"id_number": a_number(n)}}


async def merged(world: World) -> list[tuple[str, str, int, bool]]:
    facts = [event.data for event in await world.events() if isinstance(event.data, PersonsMerged)]
    return [(fact.person_id, fact.other_id, fact.revision, fact.withdrawn) for fact in facts]


async def of_tests(world: World) -> list[str]:
    return [event.data.person_id for event in await world.events() if isinstance(event.data, TestResulted)]


async def looked_up(world: World, *people: int) -> list[str | None]:
    asked = {"purpose": "which id is kept", "id_numbers": [a_number(n) for n in people]}
    found = (await world.client.post("/people/lookups", json=asked)).raise_for_status().json()["id_numbers"]
    return [found.get(a_number(n)) for n in people]


async def test_a_feed_says_that_two_are_one_and_takes_it_back(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 2))
        one, other = await of_tests(world)
        assert await world.words(a_merge(1, named(1), named(2)), a_merge(1, named(1), named(2))) == [
            "accepted",
            "duplicate",
        ]
        assert await looked_up(world, 1, 2) == [one, one]
        parting = {"feed": "command", "source_id": "merge-1", "revision": 2, "withdrawn": True, "kind": "same-person"}
        assert await world.words(parting, {**parting, "reason": "two cards"}) == ["accepted", "duplicate"]
        assert await looked_up(world, 1, 2) == [one, other]
        assert await merged(world) == [(one, other, 1, False), (one, other, 2, True)]


async def test_a_merge_that_is_played_joins_nobody_in_the_vault(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 2))
        one, other = await of_tests(world)
        assert await world.words(a_merge(1, named(1), named(2), drill=True)) == ["accepted"]
        assert (await looked_up(world, 1, 2), len(await merged(world))) == ([one, other], 1)
        assert await world.words(a_merge(1, named(1), named(2), revision=2)) == ["accepted"]
        assert await looked_up(world, 1, 2) == [one, one]
        assert await world.words(a_merge(1, named(1), named(2), revision=3, drill=True)) == ["accepted"]
        assert await looked_up(world, 1, 2) == [one, other]


async def test_new_records_keep_the_id_by_which_a_person_is_named_so_that_a_merge_can_be_taken_back(
    database: str,
) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1, person_ref="ref-1"), a_test(2, 2))
        one, other = await of_tests(world)
        await world.send(a_merge(1, named(1), named(2)))
        both: dict[str, Any] = {**a_person(2), "person_ref": "ref-1"}
        assert await world.words(a_test(3, 2), a_test(4, 1), a_test(5, 2, **both)) == ["accepted"] * 3
        assert (await of_tests(world))[2:] == [other, one, other]


async def test_a_merge_of_people_not_heard_of_yet_gives_each_an_id_that_their_records_take(database: str) -> None:
    async with intake(database) as world:
        assert await world.words(a_merge(1, named(1), {"person_ref": "x"})) == ["accepted"]
        [(one, other, _, _)] = await merged(world)
        by_ref: dict[str, Any] = {"person_ref": "x", "person": None}
        await world.send(a_test(1, 1), a_test(2, 1, **by_ref))
        assert await of_tests(world) == [one, other]


async def test_a_merge_says_nothing_of_where_anybody_lives(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 2, division_code=VILLAGE))
        await world.send(a_merge(1, named(1), named(2)))
        divisions = await world.pool.fetch("select division_code from vault_persons order by 1")
    assert [row[0] for row in divisions] == [VILLAGE, GRID]


@pytest.mark.parametrize(
    ("kept", "other", "code"),
    [
        (named(1), named(1), "same_person_twice"),
        (named(1), {}, "nobody_named"),
        (named(1), {"person_id": "nobody"}, "unknown_person"),
    ],
)
async def test_a_merge_that_cannot_be_is_refused(
    database: str, kept: dict[str, Any], other: dict[str, Any], code: str
) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1))
        [verdict] = await world.send(a_merge(1, kept, other))
        assert verdict["verdict"] == "rejected"
        assert await merged(world) == []
        assert await world.words(a_merge(2, named(1), named(2), reason=f"like {a_number(1)}")) == ["rejected"]


async def test_nobody_merges_whom_he_has_no_say_over(database: str) -> None:
    async with intake(database) as world, intake(database, division=GRID) as worker:
        await world.send(a_test(1, 1), a_test(2, 2, division_code="330482"))
        one, other = await of_tests(world)
        assert await worker.words(a_merge(1, named(1), named(2))) == ["rejected"]
        asked = {"person_id": one, "other_id": other, "reason": "the same card"}
        assert (await worker.client.post(DESK, json=asked)).status_code == 404
        assert await merged(world) == []


async def test_a_merge_by_hand_is_undone_parted_and_made_again_and_all_of_it_is_kept(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 2))
        one, other = await of_tests(world)
        asked = {"person_id": one, "other_id": other, "reason": "the same face, the same card"}
        made = (await world.client.post(DESK, json=asked)).raise_for_status().json()
        assert (await world.client.post(f"{DESK}/{made['merge_id']}/undo")).json()["merged"] is False
        assert (await world.client.post(f"{DESK}/{made['merge_id']}/undo")).status_code == 409
        again = (await world.client.post(DESK, json=asked)).json()["merge_id"]
        parting = {"reason": "the brother came himself"}
        assert (await world.client.post(f"{DESK}/{again}/part", json=parting)).status_code == 200
        kept = (await world.client.get(DESK, params={"person_id": other})).json()
        sealed = await world.pool.fetch("select sealed from vault_decisions")
        assert (await world.ledger())["people-desk"]["accepted"] == 4
    assert [(each["from"], each["to"], each["decided_by"], each["reason"]) for each in kept] == [
        ("two people", "one person", "tester", asked["reason"]),
        ("one person", "two people", "tester", "undone"),
        ("two people", "one person", "tester", asked["reason"]),
        ("one person", "two people", "tester", parting["reason"]),
    ]
    assert not any(b"brother" in row[0] for row in sealed)


async def test_an_operator_needs_no_other_role_to_merge_and_part(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 2))
        one, other = await of_tests(world)
        asked, signed_in = {"reason": "the same card"}, world.signed_in("operator-1", "operator", division="3304")
        made = await world.client.post(DESK, json={"person_id": one, "other_id": other, **asked}, headers=signed_in)
        parted = f"{DESK}/{made.raise_for_status().json()['merge_id']}/part"
        assert (await world.client.post(parted, json=asked, headers=signed_in)).status_code == 200
        assert [withdrawn for *_, withdrawn in await merged(world)] == [False, True]


async def test_after_ten_minutes_a_merge_is_parted_with_a_reason_only(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 2))
        one, other = await of_tests(world)
        asked = {"person_id": one, "other_id": other, "reason": "the same card"}
        merge_id = (await world.client.post(DESK, json=asked)).json()["merge_id"]
        await world.pool.execute("update vault_decisions set decided_at = decided_at - interval '11 minutes'")
        late = await world.client.post(f"{DESK}/{merge_id}/undo")
        assert (late.status_code, "part the two with a reason" in late.text) == (409, True)
        assert (await world.client.post(f"{DESK}/{merge_id}/part", json={"reason": "two cards"})).status_code == 200
