"""`gridward forget` and people who are, or were for a while, one person under several ids."""

from __future__ import annotations

from typing import Any

from tests.stores.intake_world import GRID, a_number, a_person, a_test, intake
from tests.stores.test_intake_forgetting import LATER, THEN, forget


def a_merge(n: int, one: int, two: int, **more: Any) -> dict[str, Any]:
    who = {"kept": {"person": {"id_number": a_number(one)}}, "other": {"person": {"id_number": a_number(two)}}}
    head = {"feed": "desk", "source_id": f"merge-{n}", "kind": "same-person", "division_code": GRID}
    decided = {"decided_by": "post", "decided_at": THEN, "reason": "one card, two lists"}
    return {**head, **decided, **who, **more}


async def test_who_is_one_person_with_somebody_who_is_kept_is_kept_over_however_many_merges(database: str) -> None:
    stay = {"placement_id": "stay-2", "mode": "hospital", "site_id": "s-1", "started_at": THEN}
    placed = {"feed": "all", "source_id": "p-1", "division_code": GRID, "kind": "placement", **a_person(5), **stay}
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(*(a_test(n, n) for n in (1, 2, 3, 4, 6)), placed)
        await world.send(a_merge(1, 1, 2), a_merge(2, 1, 3), a_merge(3, 4, 5))
        await world.at(LATER)
        await world.send(a_test(9, 3))
        assert await forget(world) == 1  # the sixth alone: the second is the third, the fourth lies in hospital
        assert await world.pool.fetchval("select count(*) from vault_persons") == 5


async def test_what_names_somebody_who_stays_is_not_erased_with_whom_it_was_once_told_of(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        other = a_test(2, 2, person=None, person_ref="ref-2")
        await world.send(a_test(1, 1), other)
        merge = a_merge(1, 1, 2, other={"person_ref": "ref-2"})
        await world.send(merge, a_test(3, 1, person_ref="ref-2"))
        parted = {"feed": "desk", "source_id": "merge-1", "kind": "same-person", "revision": 2, "withdrawn": True}
        assert await world.words(parted) == ["accepted"]
        await world.at(LATER)
        await world.send({**other, "source_id": "later"})
        assert await forget(world) == 1
        await world.send({**other, "source_id": "latest"})
        assert await world.pool.fetchval("select count(*) from vault_persons") == 1
