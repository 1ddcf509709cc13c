"""FHIR servers that count the versions of a resource and tell no times: in whatever order, the highest stands."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from contracts.events.testing import TestResulted
from tests.rules.fhir_messages import DETECTED, bundle, loinc, observation, patient, report
from tests.stores.intake_world import World, intake
from tests.stores.test_health_fhir import SOURCES, send, statuses


def counted(version: int, **more: Any) -> dict[str, Any]:
    """A version of one observation, as a rest-hook sends it."""
    return observation(meta={"versionId": str(version)}, **more)


async def hooked(world: World, *resources: dict[str, Any]) -> list[int]:
    paths = [f"/fhir/{each['resourceType']}/{each['id']}" for each in resources]
    return [(await send(world, each, path, "PUT"))[0] for each, path in zip(resources, paths, strict=True)]


async def stands(world: World) -> list[str]:
    """The results of the tests that stand."""
    last = dict[str, TestResulted]()
    for event in await world.events():
        last[event.data.statement_id] = event.data
    return [each.result.value for each in last.values() if not each.withdrawn]


async def test_a_version_that_comes_late_is_known_already_and_nobody_has_to_mend_it(database: str) -> None:
    versions = [counted(1), counted(3, status="corrected", valueCodeableConcept=DETECTED), counted(2), counted(1)]
    async with intake(database, sources=SOURCES) as world:
        answers = await hooked(world, *versions)
        facts = [event.data for event in await world.events()]
        waiting = (await world.client.get("/rejects")).text
        ledger = (await world.ledger())["jiashan-hospital"]
    assert answers == [201, 201, 200, 200]
    assert [(fact.revision, fact.result.value) for fact in facts] == [(1, "negative"), (2, "positive")]
    assert (waiting, ledger["duplicate"], ledger["rejected"]) == ("", 2, 0)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_what_was_entered_in_error_is_taken_back_in_whichever_order_its_versions_come(
    database: str, order: tuple[int, ...]
) -> None:
    versions = [counted(1), counted(2, valueCodeableConcept=DETECTED), counted(3, status="entered-in-error")]
    async with intake(database, sources=SOURCES) as world:
        answers = await hooked(world, *(versions[each] for each in order))
        assert (await stands(world), set(answers) <= {200, 201}) == ([], True)
        assert await hooked(world, counted(4, status="final")) == [201]
        assert await stands(world) == ["negative"]


async def test_a_report_follows_its_observations_though_its_own_version_stays(database: str) -> None:
    def told(version: int, result: dict[str, Any]) -> dict[str, Any]:
        genes = [counted(1, code=loinc("94559-2")), {**counted(version, code=loinc("94533-7")), "id": "o2"}]
        whole = report("Observation/o1", "Observation/o2", meta={"versionId": "1"})
        return bundle(patient(), whole, *({**each, "valueCodeableConcept": result} for each in genes))

    negative = observation()["valueCodeableConcept"]
    async with intake(database, sources=SOURCES) as world:
        answers = [await send(world, each) for each in (told(1, negative), told(2, DETECTED), told(2, DETECTED))]
        assert await stands(world) == ["positive"]
    assert [statuses(answer)[1] for _, answer in answers] == ["201", "201", "200"]


async def test_an_observation_that_a_report_tells_now_is_no_second_test_whatever_its_version(database: str) -> None:
    genes = [counted(2, code=loinc("94559-2")), {**counted(1, code=loinc("94533-7")), "id": "o2"}]
    whole = report("Observation/o1", "Observation/o2", meta={"versionId": "1"})
    async with intake(database, sources=SOURCES) as world:
        assert await hooked(world, genes[0]) == [201]
        await send(world, bundle(patient(), whole, *genes))
        assert await stands(world) == ["negative"]


async def test_what_its_server_deletes_is_taken_back_whichever_version_it_had(database: str) -> None:
    gone = {"request": {"method": "DELETE", "url": "Observation/o1"}}
    async with intake(database, sources=SOURCES) as world:
        await hooked(world, counted(6), counted(7, valueCodeableConcept=DETECTED))
        await send(world, {"resourceType": "Bundle", "type": "batch", "entry": [gone]})
        assert await stands(world) == []
        assert (await hooked(world, counted(7, valueCodeableConcept=DETECTED)), await stands(world)) == ([200], [])


async def test_a_server_may_begin_to_count_or_to_tell_the_time(database: str) -> None:
    positive = {"valueCodeableConcept": DETECTED}
    unversioned = {key: each for key, each in observation().items() if key != "meta"}
    timed = observation(meta={"versionId": "3", "lastUpdated": "2022-03-06T08:00:00+08:00"})
    async with intake(database, sources=SOURCES) as world:
        assert await hooked(world, unversioned, counted(2, **positive), timed, counted(1, **positive)) == [201] * 3 + [
            200
        ]
        assert await stands(world) == ["negative"]
