"""Rejected rows whose revisions may come in any order: one waits until it, or a later one, is known; then it goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rules.fhir_messages import as_bytes, observation
from tests.rules.hl7_messages import an_oru
from tests.stores.intake_world import World, a_person, a_test, intake
from tests.stores.test_health_fhir import FEED, FHIR, SOURCES

TWO_PHONES = "13800000001 / 13900000001（家属）/ 0573-84120001"


def at(hour: int, **more: Any) -> dict[str, Any]:
    return a_test(1, 1, revised_at=f"2022-03-05T{hour:02d}:00:00+08:00", **more)


def wrong(row: dict[str, Any]) -> dict[str, Any]:
    """The same with a telephone that is none."""
    return {**row, **a_person(1, phone=TWO_PHONES)}


def mended(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **a_person(1)}


async def waiting(world: World) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await world.client.get("/rejects")).text.splitlines()]


@pytest.mark.parametrize("together", [True, False])
async def test_a_rejected_row_waits_though_an_earlier_one_comes_after_it_and_mended_it_stands(
    database: str, together: bool
) -> None:
    late = [wrong(at(10, result="positive")), at(9)]
    async with intake(database) as world:
        words = await world.words(*late) if together else [(await world.words(each))[0] for each in late]
        assert words == ["rejected", "accepted"]
        [row] = await waiting(world)
        assert await world.words(mended(row)) == ["accepted"]
        assert (await world.events())[-1].data.result == "positive"
        assert await waiting(world) == []


async def test_a_row_refused_beside_what_is_known_waits_too(database: str) -> None:
    both = {**a_person(1), "person_ref": "clinic:2"}
    async with intake(database) as world:
        other = {**a_test(2, 2), "person_ref": "clinic:2"}
        assert await world.words(at(8), other, at(10, result="positive", **both), at(9, result="inconclusive")) == [
            "accepted", "accepted", "rejected", "accepted",
        ]  # fmt: skip
        [row] = await waiting(world)
        assert (row["result"], await world.words({**row, "person_ref": "clinic:1"})) == ("positive", ["accepted"])
        assert await waiting(world) == []


async def test_a_rejected_row_goes_when_a_later_one_is_known_or_it_says_what_is_known(database: str) -> None:
    async with intake(database) as world:
        assert await world.words(wrong(at(9)), at(10, result="positive")) == ["rejected", "accepted"]
        assert await waiting(world) == []
        assert await world.words(wrong(at(11, result="positive")), at(10, result="positive")) == [
            "rejected", "duplicate",
        ]  # fmt: skip
        [row] = await waiting(world)
        assert await world.words(mended(row)) == ["duplicate"]
        assert await waiting(world) == []


async def test_a_row_counted_by_version_waits_for_its_own_version(database: str) -> None:
    async with intake(database) as world:
        first, third = (a_test(1, 1, version=each, result=word) for each, word in ((1, "negative"), (3, "positive")))
        assert await world.words(wrong(third), first) == ["rejected", "accepted"]
        [row] = await waiting(world)
        assert await world.words(mended(row), a_test(1, 1, version=2, result="inconclusive")) == [
            "accepted", "duplicate",
        ]  # fmt: skip
        assert await waiting(world) == []


async def test_what_an_adapter_refused_waits_for_its_own_time(database: str) -> None:
    later = {"lastUpdated": "2022-03-06T08:00:00+08:00"}
    async with intake(database, sources=SOURCES) as world:
        await world.client.post("/hl7", content=an_oru("^说不清^L", id="M2", at="20220306080000+0800"))
        for each in (observation(meta=later, farbe=1), observation()):
            await world.client.post(f"/fhir{FEED}", content=as_bytes(each), headers=FHIR)
        assert (await world.client.post("/hl7", content=an_oru())).status_code == 200
        by_hl7, by_fhir = await waiting(world)
        del by_fhir["farbe"]
        answer = await world.client.post(f"/fhir{FEED}", content=as_bytes({**by_fhir, "status": "corrected"}))
        assert answer.status_code == 200, answer.text
        assert await world.words({**by_hl7, "result": "positive"}) == ["accepted"]
        assert await waiting(world) == []
