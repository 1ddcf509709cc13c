"""What health systems take back, through the door: one of a tube, a cancelled order, a state that was wrong."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from contracts.events.cases import CaseClassified, CaseFound
from contracts.events.testing import TestResulted, TubeResulted, TubeSampled
from tests.rules.fhir_messages import DETECTED, as_bytes, bundle, loinc, observation, patient, report
from tests.rules.hl7_messages import an_adt, an_oru, header, message, obr, obx, pid, spm
from tests.stores.intake_world import intake
from tests.stores.test_health_hl7 import SOURCES, ack_of


async def test_a_tube_told_patient_by_patient_keeps_each_of_them_and_loses_one_that_was_wrong(database: str) -> None:
    def told(n: int, state: str = "F", **head: str) -> bytes:
        return message(header(**head), pid(n), obr(f"L{n}"), obx("10828004^Positive^SCT", state=state), spm("TUBE-9"))

    later = {"id": "M9", "at": "20220305190000+0800"}
    bodies = [
        told(1),
        told(2, id="M2"),
        told(2, "D", **later),
        message(header(**later), pid(9), obr("L9"), obx(state="X")),
    ]
    async with intake(database, sources=SOURCES) as world:
        acks = [ack_of((await world.client.post("/hl7", content=body)).content) for body in bodies]
        facts = [event.data for event in await world.events()]
    filled = [fact for fact in facts if isinstance(fact, TubeSampled)]
    assert acks == ["AA"] * 4
    assert len({fact.members[0].person_id for fact in filled}) == 2
    assert [(fact.revision, fact.withdrawn) for fact in filled] == [(1, False), (1, False), (2, True)]
    assert [(type(fact), fact.withdrawn) for fact in facts if fact not in filled] == [(TubeResulted, False)]


async def test_an_order_that_is_cancelled_takes_its_test_back_and_one_never_heard_of_leaves_nothing(
    database: str,
) -> None:
    def cancelled(order: str) -> bytes:
        return message(header(id="M2", at="20220306080000+0800"), pid(), obr(order, state="X"))

    bodies = [an_oru(), cancelled("L0001"), cancelled("L0001"), cancelled("L7")]
    async with intake(database, sources=SOURCES) as world:
        answers = [await world.client.post("/hl7", content=body) for body in bodies]
        facts = [event.data for event in await world.events()]
        kept = await world.pool.fetchval("select count(*) from records")
    assert [(each.status_code, ack_of(each.content)) for each in answers] == [(200, "AA")] * 4
    assert [(type(fact), fact.withdrawn) for fact in facts] == [(TestResulted, False), (TestResulted, True)]
    assert kept == 1


async def test_a_diagnosis_that_a_visit_does_not_hold_any_more_is_taken_back(database: str) -> None:
    pneumonia = an_adt("A08", diagnosis="J18.9^肺炎^I10", sent="20220306090000")
    async with intake(database, sources=SOURCES) as world:
        acks = [ack_of((await world.client.post("/hl7", content=body)).content) for body in (an_adt(), pneumonia)]
        facts = [event.data for event in await world.events()]
    assert acks == ["AA"] * 2
    assert [(type(fact), fact.withdrawn) for fact in facts] == [
        (CaseFound, False),
        (CaseClassified, False),
        (CaseFound, True),
        (CaseClassified, True),
    ]


async def test_a_sample_is_one_test_however_its_report_grows_and_is_corrected(database: str) -> None:
    def told(version: int, status: str, *genes: dict[str, Any]) -> dict[str, Any]:
        meta = {"versionId": str(version), "lastUpdated": f"2022-03-0{5 + version}T08:00:00+08:00"}
        return bundle(
            patient(), report(*(f"Observation/{each['id']}" for each in genes), status=status, meta=meta), *genes
        )

    orf, n = (
        observation(1, code=loinc("94559-2")),
        observation(2, code=loinc("94533-7"), subject=observation()["subject"]),
    )
    bodies = [
        told(1, "preliminary", orf),
        told(2, "final", orf, {**n, "valueCodeableConcept": DETECTED}),
        told(2, "final", orf, {**n, "valueCodeableConcept": DETECTED}),
        told(3, "corrected", orf, {**n, "status": "entered-in-error"}),
        told(4, "entered-in-error", orf, n),
    ]
    async with intake(database, sources=SOURCES) as world:
        for body in bodies:
            answer = await world.client.post("/fhir?feed=jiashan-hospital", content=as_bytes(body))
            assert answer.status_code == 200, answer.text
        facts = [event.data for event in await world.events()]
    first = facts[0].statement_id
    assert [(fact.statement_id == first, fact.result.value, fact.withdrawn) for fact in facts] == [
        (True, "negative", False),
        (False, "inconclusive", False),
        (True, "negative", True),
        (False, "negative", False),
        (False, "negative", True),
    ]


@pytest.mark.parametrize("comes_along", [True, False])
async def test_what_a_server_deletes_is_taken_back_and_what_it_never_told_leaves_nothing(
    database: str, comes_along: bool
) -> None:
    def deleted(n: int) -> dict[str, Any]:
        resource = {"resource": observation(n)} if comes_along else {}
        entry = {**resource, "request": {"method": "DELETE", "url": f"Observation/o{n}"}}
        return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    async with intake(database, sources=SOURCES) as world:
        for body in (bundle(patient(), observation()), deleted(1), deleted(1), deleted(2)):
            answer = await world.client.post("/fhir?feed=jiashan-hospital", content=as_bytes(body))
            assert answer.status_code == 200, answer.text
            Bundle.model_validate(answer.json())
        facts = [event.data for event in await world.events()]
        kept = await world.pool.fetchval("select count(*) from records")
    assert ([fact.withdrawn for fact in facts], kept) == ([False, True], 1)


async def test_the_final_version_of_a_partial_report_revises_its_test_once(database: str) -> None:
    def told(day: int, status: str, second: dict[str, Any]) -> dict[str, Any]:
        at = f"2022-03-0{day}T08:00:00+08:00"
        whole = report("Observation/o1", "Observation/o2", status=status, meta={"lastUpdated": at}, issued=at)
        return bundle(patient(), whole, observation(1, code=loinc("94559-2"), valueCodeableConcept=DETECTED), second)

    out = observation(2, code=loinc("94533-7"), subject={"reference": "Patient/p1"}, valueCodeableConcept=DETECTED)
    asked = {key: each for key, each in out.items() if key != "valueCodeableConcept"} | {"status": "registered"}
    partial, final = told(6, "partial", asked), told(7, "final", out)
    async with intake(database, sources=SOURCES) as world:
        for body in (partial, partial, final, final, partial):
            answer = await world.client.post("/fhir?feed=jiashan-hospital", content=as_bytes(body))
            assert answer.status_code == 200, answer.text
        facts = [event.data for event in await world.events()]
        waiting = (await world.client.get("/rejects")).text
    assert [(fact.revision, fact.resulted_at.day, fact.withdrawn) for fact in facts] == [(1, 6, False), (2, 7, False)]
    assert (len({fact.statement_id for fact in facts}), waiting) == (1, "")


async def test_two_visits_without_a_number_stand_beside_each_other_and_each_is_corrected(database: str) -> None:
    unnumbered = {"visit": "", "type": "W"}
    first, second = {"admitted": "20220305100000"}, {"admitted": "20220320090000", "sent": "20220320093000"}
    bodies = [
        an_adt("A04", **unnumbered, **first),
        an_adt("A04", at="202203200910", **unnumbered, **second),
        an_adt("A08", diagnosis="J18.9^肺炎^I10", **unnumbered, **first, sent="20220321090000"),
        an_adt("A01", visit="", admitted=""),
    ]
    async with intake(database, sources=SOURCES) as world:
        answers = [await world.client.post("/hl7", content=body) for body in bodies]
        found = [event.data for event in await world.events() if isinstance(event.data, CaseFound)]
        waiting = (await world.client.get("/rejects")).text
    assert [ack_of(each.content) for each in answers] == ["AA", "AA", "AA", "AR"]
    assert [fact.withdrawn for fact in found] == [False, False, True]
    assert found[0].statement_id == found[2].statement_id != found[1].statement_id
    error = answers[3].content.decode()
    assert "PV1^1^19|101^Required field missing" in error and "PV1-44" in error
    assert "PV1-44" in waiting
