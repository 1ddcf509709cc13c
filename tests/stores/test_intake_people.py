"""Who a person is: one random id whatever names him or her, by whichever replica; and nobody outside the vault."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from contracts.events.canvassing import CaseScreened
from contracts.events.testing import TestResulted
from services.intake.admission import admit
from services.intake.desk import Desk, open_desk
from services.intake.door import door_of
from services.intake.reading import read
from services.intake.sender import Sender
from services.intake.vault import Vault
from tests.stores.intake_world import KEY, World, a_household, a_number, a_test, intake, one_of_each
from tests.waiting import until_one_waits

ANYBODY = Sender("anybody", ("",))


async def ids(world: World) -> list[str]:
    """The person of each test, in the order of saying."""
    return [event.data.person_id for event in await world.events() if isinstance(event.data, TestResulted)]


async def test_two_records_of_one_new_person_in_a_batch_are_of_one_person(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 1), a_test(3, 2), a_household(1, 1, 2))
        first, second, third = await ids(world)
        met = [event.data.person_id for event in await world.events() if isinstance(event.data, CaseScreened)]
        assert await world.pool.fetchval("select count(*) from vault_persons") == 2
    assert first == second != third
    assert met == [first, third]
    assert len(first) == 16 and a_number(1) not in first


async def test_a_reference_and_a_number_told_together_once_mean_one_person(database: str) -> None:
    by_ref: dict[str, Any] = {"person_ref": "case-7", "person": None}
    async with intake(database) as world:
        await world.send(a_test(1, 1, **by_ref), a_test(2, 1, person_ref="case-7"), a_test(3, 1))
        assert len(set(await ids(world))) == 1
        other = a_test(6, 2, person_ref="case-7")
        verdicts = await world.send(a_test(5, 2), other)
    assert [verdict["verdict"] for verdict in verdicts] == ["accepted", "rejected"]
    assert "two different people" in verdicts[1]["errors"][0]["why"]


async def test_nobody_stands_twice_in_a_household_or_meets_himself(database: str) -> None:
    exposure = next(each for each in one_of_each(1, 1) if each["kind"] == "exposure")
    async with intake(database) as world:
        assert await world.words(a_household(1, 3, 3), exposure) == ["rejected", "rejected"]
        assert await world.pool.fetchval("select count(*) from vault_keys") == 0


async def test_what_is_told_later_is_added_to_what_the_vault_knows(database: str) -> None:
    bare = {"person": {"id_number": a_number(1), "name": "王某"}}
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 1, **bare, division_code="330421"))
        row = await world.pool.fetchrow("select person_id, division_code, sealed from vault_persons")
    kept = json.loads(Vault({1: KEY.encode()}).open(row["sealed"], row["person_id"]))
    assert (kept["name"], kept["phone"], row["division_code"]) == ("王某", "13800000001", "330421")


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[asyncpg.Connection]:
    """A connection inside a transaction of its own, rolled back if nobody commits."""
    async with world.pool.acquire() as tx:
        transaction = tx.transaction()
        await transaction.start()
        yield tx
        await transaction.rollback()


async def admitted(tx: asyncpg.Connection, desk: Desk, *records: dict[str, Any]) -> list[str]:
    """The ids of the people of the records, admitted in an open transaction."""
    readings = [read(json.dumps(record).encode(), ANYBODY) for record in records]
    verdicts = await admit(tx, await tx.fetchval("select now()"), readings, desk)
    assert [verdict.word for verdict in verdicts] == ["accepted"] * len(records)
    return [event.data.person_id for verdict in verdicts for event in verdict.events]


@pytest.mark.parametrize("first_ends", ["commit", "rollback"])
async def test_two_replicas_that_meet_a_new_person_at_once_make_one_person(database: str, first_ends: str) -> None:
    async with intake(database) as one, intake(database) as two, opened(two) as second:
        desk = await open_desk(second, two.app.settings)
        async with one.pool.acquire() as first:
            transaction = first.transaction()
            await transaction.start()
            [known] = await admitted(first, desk, a_test(1, 1, person_ref="ref-1"))
            # The second replica knows this person by the reference, and somebody new besides.
            by_ref: dict[str, Any] = {"person_ref": "ref-1", "person": None}
            other = asyncio.create_task(admitted(second, desk, a_test(3, 5), a_test(2, 1, **by_ref)))
            await until_one_waits(one.pool)
            await getattr(transaction, first_ends)()
        new, met = await other
    assert (met == known) == (first_ends == "commit")
    assert new != met


GUEST = {"name": "王小明", "birth_date": "1990-03-05", "phone": "13800000001"}
HOMOPHONE = {**GUEST, "name": "王晓明"}
NUMBERED = {**HOMOPHONE, "id_number": a_number(1)}


@pytest.mark.parametrize(("one_is", "other_is"), [(GUEST, HOMOPHONE), (GUEST, NUMBERED), (NUMBERED, GUEST)])
async def test_people_are_asked_about_two_whom_two_replicas_meet_at_once(
    database: str, one_is: dict[str, Any], other_is: dict[str, Any]
) -> None:
    somebody = {**GUEST, "name": "李四", "phone": "13900000002"}
    async with intake(database) as one, intake(database) as two:
        await one.send(a_test(9, 9, person=somebody))  # else nobody with a number need be compared
        await two.send(a_test(8, 8))  # opens its desk: nothing is waited for but the other person
        async with one.pool.acquire() as first, first.transaction():
            await admitted(first, await door_of(one.app).desk(), a_test(1, 1, person=one_is))
            other = asyncio.create_task(two.words(a_test(2, 1, person=other_is)))
            await until_one_waits(one.pool)
        assert await other == ["accepted"]
        asked = await one.pool.fetch("select person_id, other_id, evidence from reviews")
    assert [(row["person_id"] != row["other_id"], row["evidence"]) for row in asked] == [
        (True, ["name_homophone", "birth_equal", "phone_equal"])
    ]


async def test_two_with_numbers_are_met_at_once_and_neither_replica_waits(database: str) -> None:
    alike = {**NUMBERED, "id_number": a_number(2)}
    async with intake(database) as one, intake(database) as two:
        await one.send(a_test(9, 9, person=GUEST))
        await two.send(a_test(8, 8))
        async with one.pool.acquire() as first, first.transaction(), asyncio.timeout(20):
            await admitted(first, await door_of(one.app).desk(), a_test(1, 1, person=NUMBERED))
            assert await two.words(a_test(2, 1, person=alike, feed="other-lab")) == ["accepted"]


async def test_a_record_that_two_replicas_get_at_once_is_accepted_by_one_of_them(database: str) -> None:
    async with intake(database) as one, intake(database) as two:
        async with one.pool.acquire() as first, first.transaction():
            await admitted(first, await open_desk(first, one.app.settings), a_test(1, 1))
            other = asyncio.create_task(two.words(a_test(1, 1)))
            await until_one_waits(one.pool)
        assert await other == ["duplicate"]
        assert await one.pool.fetchval("select count(*) from records") == 1


async def test_many_batches_through_two_replicas_make_one_id_a_person_and_one_event_a_record(database: str) -> None:
    rng = random.Random(7)
    records = [a_household(n, *rng.sample(range(60), 3)) for n in range(120)]
    batches = [rng.sample(records, 40) for _ in range(16)]
    async with intake(database) as one, intake(database) as two:
        words = await asyncio.gather(*((one, two)[n % 2].words(*batch) for n, batch in enumerate(batches)))
        sent = {record["source_id"] for batch in batches for record in batch}
        met = {person for batch in batches for record in batch for person in _numbers(record)}
        assert sum(word == "accepted" for batch in words for word in batch) == len(sent)
        assert not any(word == "rejected" for batch in words for word in batch)
        assert await one.pool.fetchval("select count(distinct owner_id) from vault_keys") == len(met) + len(sent)
        assert await one.pool.fetchval("select count(*) from vault_persons") == len(met)
        assert await one.pool.fetchval("select count(*) from outbox") == 4 * len(sent)
        ledger = (await one.ledger())["grid-app"]
    assert (ledger["received"], ledger["accepted"], ledger["pending"]) == (16 * 40, len(sent), 0)


def _numbers(record: dict[str, Any]) -> list[str]:
    return [member["person"]["id_number"] for member in record["members"]]


async def test_a_lookup_gives_ids_and_is_kept_in_the_access_record_of_each_person_found(database: str) -> None:
    asked = {"purpose": "tracing a contact", "id_numbers": [a_number(1), a_number(9)], "phones": ["13800000001"]}
    async with intake(database) as world, intake(database, division="330482") as elsewhere:
        await world.send(a_test(1, 1, person_ref="ref-1"))
        [person_id] = await ids(world)
        found = (await world.client.post("/people/lookups", json={**asked, "person_refs": ["ref-1"]})).json()
        unseen = (await elsewhere.client.post("/people/lookups", json=asked)).json()
        unbounded = await world.client.post("/people/lookups", json={**asked, "person_refs": ["x"] * 1000})
        nameless = await world.client.post("/people/lookups", json={**asked, "purpose": ""})
        rows = await world.pool.fetch("select caller, purpose, person_id from vault_accesses")
    by_phone = {"13800000001": [person_id]}
    assert found == {"id_numbers": {a_number(1): person_id}, "person_refs": {"ref-1": person_id}, "phones": by_phone}
    assert unseen == {"id_numbers": {}, "person_refs": {}, "phones": {}}
    assert (unbounded.status_code, nameless.status_code) == (422, 422)
    assert [tuple(row) for row in rows] == [("tester", "tracing a contact", person_id)]
