"""One person by whatever document, or by none; whom people are asked about; and who is never taken for another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contracts.events.people import PersonsMerged
from contracts.events.testing import TestResulted
from tests.stores.intake_world import GRID, World, a_household, a_number, a_test, intake

BORN, PHONE = "1990-03-05", "13800000001"
WANG = {"name": "王小明", "birth_date": BORN, "sex": "M", "phone": PHONE}
NEWBORN = {"guardian": {"person_ref": "m-1"}, "birth_date": "2022-03-01"}
REVIEWS = "/people/reviews"


def a_test_of(n: int, person: dict[str, Any], **more: Any) -> dict[str, Any]:
    return a_test(n, 1, person=person, **more)


def document(kind: str, number: str, **more: Any) -> dict[str, Any]:
    return {"documents": [{"kind": kind, "number": number, **more}]}


async def people_of(world: World) -> list[str]:
    """The person of each test, in the order of saying."""
    return [event.data.person_id for event in await world.events() if isinstance(event.data, TestResulted)]


async def who(world: World, *persons: dict[str, Any], refs: tuple[str | None, ...] = ()) -> list[int]:
    """Each sent alone, in order; people by the place at which they first came."""
    for n, person in enumerate(persons):
        ref = {"person_ref": refs[n]} if refs and refs[n] else {}
        [verdict] = await world.send(a_test_of(n, person, **ref))
        assert verdict["verdict"] == "accepted", verdict
    ids = await people_of(world)
    return [ids.index(each) for each in ids]


@pytest.mark.parametrize(
    ("one", "again"),
    [
        (document("passport", "E12345678", country="CHN"), document("passport", "ｅ 1234 5678", country="CHN")),
        (document("home_return_permit", "H1234567801"), document("home_return_permit", "H1234567802")),
        (document("taiwan_permit", "12345678"), document("taiwan_permit", "1234567802(B)")),
        (document("residence_card", "USA110000123456"), document("residence_card", "usa 110000 123456")),
        ({"id_number": a_number(1)}, {"id_number": a_number(1)[:6] + a_number(1)[8:17]}),
        (
            {"guardian": {"person_ref": "m-1"}, "birth_date": BORN},
            {"guardian": {"person_ref": "m-1"}, "birth_date": BORN},
        ),
    ],
)
async def test_a_person_is_found_again_by_a_document_however_it_is_written(
    database: str, one: dict[str, Any], again: dict[str, Any]
) -> None:
    async with intake(database) as world:
        assert await who(world, one, again) == [0, 0]


async def test_the_same_digits_in_documents_of_two_kinds_or_countries_are_two_people(database: str) -> None:
    async with intake(database) as world:
        kinds = [document("taiwan_permit", "12345678")]
        kinds += [document("passport", "12345678", country=country) for country in ("GBR", "FRA")]
        assert await who(world, *kinds) == [0, 1, 2]


async def test_several_documents_told_together_once_lead_to_one_person(database: str) -> None:
    passport, permit = document("passport", "G1234567", country="CHN"), document("home_return_permit", "H12345678")
    both = {"id_number": a_number(1), "documents": [*passport["documents"], *permit["documents"]]}
    async with intake(database) as world:
        assert await who(world, both, passport, permit, {"id_number": a_number(1)}) == [0, 0, 0, 0]


async def test_newborn_twins_of_one_mother_are_two_and_each_is_found_again(database: str) -> None:
    first = {"guardian": {"id_number": a_number(1)}, "birth_date": "2022-03-01", "name": "王芳之女"}
    second = {**first, "guardian": {"id_number": a_number(1), "birth_order": 2}}
    async with intake(database) as world:
        assert await who(world, first, second, first, second) == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (document("passport", "E12345678"), "passport needs its country"),
        (document("home_return_permit", "X1"), "home return permit"),
        ({"name": "王小明", "birth_date": BORN}, "nobody is named"),
        ({"name": "王小明", "phone": PHONE}, "nobody is named"),
        ({"guardian": {"person_ref": "m-1"}}, "nobody is named"),
    ],
)
async def test_who_cannot_be_found_again_is_refused_with_what_would_be_right(
    database: str, wrong: dict[str, Any], field: str
) -> None:
    async with intake(database) as world:
        [verdict] = await world.send(a_test_of(1, wrong))
    assert verdict["verdict"] == "rejected" and field in verdict["errors"][0]["why"]


async def test_who_has_no_document_is_one_person_in_all_records_that_write_him_alike(database: str) -> None:
    async with intake(database) as one, intake(database) as two:
        await one.send(a_test_of(1, WANG), a_test_of(2, {**WANG, "name": "王 小明", "phone": "+86 138-0000-0001"}))
        await asyncio.gather(*(each.send(a_test_of(n, WANG)) for n, each in enumerate((one, two) * 4, 3)))
        assert len(set(await people_of(one))) == 1


@pytest.mark.parametrize("number_first", [True, False])
async def test_with_and_without_the_number_it_is_one_person_where_all_else_is_the_same(
    database: str, number_first: bool
) -> None:
    numbered = {**WANG, "id_number": a_number(1)}
    async with intake(database) as world:
        assert await who(world, *([numbered, WANG] if number_first else [WANG, numbered])) == [0, 0]
        assert (await world.client.get(REVIEWS)).json() == []


async def test_a_household_of_people_alike_stays_a_household(database: str) -> None:
    """One telephone; twins; father and son of one name: each is somebody, at the second visit the same ones."""
    family = [
        WANG,
        {**WANG, "name": "王大宝"},
        {**WANG, "birth_date": "1962-11-20"},
        {**WANG, "name": "李芳", "sex": "F"},
    ]
    members = [{"person": each} for each in family]
    async with intake(database) as world:
        first = a_household(1, members=members)
        again = a_household(2, members=members[::-1], dwelling=first["dwelling"], round_id="round-2")
        assert await world.words(first, again) == ["accepted", "accepted"]
        assert await world.pool.fetchval("select count(*) from vault_persons") == 4


async def asked_about(world: World) -> dict[str, Any]:
    """One review: a homophone, known by a reference, beside somebody with a number."""
    await who(world, {**WANG, "id_number": a_number(1)}, {**WANG, "name": "王晓明"}, refs=(None, "case-7"))
    [review] = (await world.client.get(REVIEWS)).raise_for_status().json()
    assert isinstance(review, dict)
    return review


async def merges(world: World) -> list[bool]:
    return [not event.data.withdrawn for event in await world.events() if isinstance(event.data, PersonsMerged)]


async def test_who_is_nearly_the_same_is_a_new_person_and_people_are_asked(database: str) -> None:
    async with intake(database) as world, intake(database, division="330482") as elsewhere:
        review = await asked_about(world)
        one, other = await people_of(world)
        assert (review["person_id"], review["other_id"], review["score"]) == (one, other, 80)
        assert review["evidence"] == ["name_homophone", "birth_equal", "phone_equal"]
        assert not any(secret in str(review) for secret in ("王", BORN, PHONE, a_number(1)))
        assert (await elsewhere.client.get(REVIEWS)).json() == []
        path = f"{REVIEWS}/{review['review_id']}"
        asked = {"decision": "same", "reason": "the same card"}
        assert (await elsewhere.client.post(path, json=asked)).status_code == 404
        assert (await elsewhere.client.get(REVIEWS, headers=world.signed_in("x", "sender"))).status_code == 403


async def test_a_review_is_decided_undone_corrected_and_all_of_it_is_kept(database: str) -> None:
    async with intake(database) as world:
        review = await asked_about(world)
        path = f"{REVIEWS}/{review['review_id']}"

        async def decide(decision: str, reason: str) -> int:
            return (await world.client.post(path, json={"decision": decision, "reason": reason})).status_code

        assert await decide("different", "they stood side by side") == 200
        assert (await world.client.get(REVIEWS)).json() == [] and await merges(world) == []
        assert (await world.client.post(f"{path}/undo")).json()["decided"] is None
        assert len((await world.client.get(REVIEWS)).json()) == 1
        assert await decide("same", "one card") == 200 and await merges(world) == [True]
        assert await decide("same", "one card") == 200 and await merges(world) == [True]
        assert await decide("different", "two cards after all") == 200
        assert await decide("same", "the second card was a copy") == 200
        assert await merges(world) == [True, False, True]
        assert (await world.client.post(f"{path}/undo")).status_code == 200
        assert await merges(world) == [True, False, True, False]
        asked = {"person_id": review["other_id"]}
        kept = (await world.client.get("/people/merges", params=asked)).json()
    assert [(each["to"], each["reason"]) for each in kept] == [
        ("two people", "they stood side by side"),
        ("undecided", "undone"),
        ("one person", "one card"),
        ("two people", "two cards after all"),
        ("one person", "the second card was a copy"),
        ("two people", "undone"),
    ]


async def test_a_pair_is_asked_about_once(database: str) -> None:
    async with intake(database) as world:
        review = await asked_about(world)
        again = a_test_of(9, {**WANG, "name": "王晓明"}, person_ref="case-7")
        assert await world.words(again) == ["accepted"]
        assert [each["review_id"] for each in (await world.client.get(REVIEWS)).json()] == [review["review_id"]]


async def test_a_late_retry_is_a_duplicate_after_many_revisions_and_a_turned_key(database: str) -> None:
    old, new = "o" * 32, "n" * 32
    revisions = [a_test(1, 1, revision=n, ct_value=20.0 + n, result="positive") for n in range(1, 12)]
    nameless = {key: value for key, value in a_test(2, 1).items() if key != "source_id"}
    async with intake(database, vault_key=old) as world:
        assert await world.words(*revisions, nameless) == ["accepted"] * 12
    async with intake(database, vault_key=f"2:{new} 1:{old}") as world:
        assert await world.words(revisions[0], revisions[5], revisions[-1], nameless) == ["duplicate"] * 4


async def test_a_second_true_report_is_none(database: str) -> None:
    first = {key: value for key, value in a_test(1, 1).items() if key != "source_id"}
    another_hour = {**first, "sampled_at": "2022-03-05T10:00:00+08:00"}
    async with intake(database) as world:
        assert await world.words(a_test(2, 1), a_test(3, 1)) == ["accepted"] * 2
        assert await world.words(first, first, another_hour) == ["accepted", "duplicate", "accepted"]


async def test_someone_with_several_residences_is_one_person_and_the_last_one_told_counts(database: str) -> None:
    village = GRID[:12]
    async with intake(database) as world:
        await world.send(
            a_household(1, 1), a_household(2, 1, division_code=village, visited_at="2022-03-06T09:00:00+08:00")
        )
        [division] = await world.pool.fetch("select division_code from vault_persons")
        lived = await world.pool.fetch("select person_id, dwelling_id, since_at from residents order by since_at")
    assert division[0] == village
    assert len({row["person_id"] for row in lived}) == 1 and len({row["dwelling_id"] for row in lived}) == 2
