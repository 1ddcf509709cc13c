"""Records that come in one batch are taken as if they had come one by one."""

from __future__ import annotations

from tests.stores.intake_world import GRID, a_household, a_number, a_person, a_test, intake
from tests.stores.test_intake_recognition import REVIEWS, WANG, a_test_of, document, people_of


async def test_people_who_come_first_in_one_batch_are_compared_as_if_they_had_come_one_by_one(database: str) -> None:
    passport = {**WANG, **document("passport", "E12345678", country="CHN")}
    alike = {**WANG, "name": "王晓明", "phone": "13900000009"}
    twins = [{**a_person(n), "person": {**WANG, "name": name}} for n, name in ((1, "王小亮"), (2, "王小月"))]
    async with intake(database) as world:
        batch = [a_test_of(n, person) for n, person in enumerate((passport, WANG, alike))]
        home = a_household(1, 1, members=[{**each, "temperature_celsius": 36.5} for each in twins])
        assert await world.words(*batch, home) == ["accepted"] * 4
        one, again, other = await people_of(world)
        assert one == again != other
        asked = (await world.client.get(REVIEWS)).json()
        assert {one, other} in [{each["person_id"], each["other_id"]} for each in asked]
        together = {row[0] for row in await world.pool.fetch("select person_id from residents")}
        assert len(together) == 2 and together not in [{each["person_id"], each["other_id"]} for each in asked]


async def test_a_merge_and_a_record_that_names_both_are_taken_in_one_batch(database: str) -> None:
    merge = {"feed": "desk", "source_id": "m", "kind": "same-person", "division_code": GRID, "decided_by": "post"}
    who = {"kept": {"person": {"id_number": a_number(1)}}, "other": {"person_ref": "r"}, "reason": "one card"}
    both = a_test(1, 1, person_ref="r")
    async with intake(database) as world:
        decided = {**merge, **who, "decided_at": "2022-03-05T09:00:00+08:00"}
        assert await world.words(decided, both) == ["accepted", "accepted"]
