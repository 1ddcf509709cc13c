"""FHIR through the door: batches, transactions, rest-hooks; an OperationOutcome that is one, after the commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome

from contracts.events.cases import CaseClassified, CaseFound
from contracts.events.testing import TestResulted, TubeResulted, TubeSampled
from contracts.events.vaccinations import PersonVaccinated
from tests.rules.fhir_messages import (
    DETECTED,
    as_bytes,
    bundle,
    condition,
    encounter,
    immunization,
    observation,
    others,
    patient,
    pool,
)
from tests.rules.hl7_messages import an_adt
from tests.stores.intake_world import World, intake

SOURCES = str(Path(__file__).parents[1] / "sources")
FHIR = {"content-type": "application/fhir+json"}
FEED = "?feed=jiashan-hospital"


async def send(
    world: World, content: object, path: str = "/fhir", method: str = "POST", **headers: str
) -> tuple[int, Any]:
    """The status, and the answer, which FHIR's own models read."""
    answer = await world.client.request(method, path + FEED, content=as_bytes(content), headers={**FHIR, **headers})
    assert answer.headers["content-type"] == "application/fhir+json"
    content = answer.json()
    (Bundle if content["resourceType"] == "Bundle" else OperationOutcome).model_validate(content)
    return answer.status_code, content


def statuses(answer: Any) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer["entry"]]


async def test_a_batch_is_answered_entry_by_entry_and_sent_again_is_known(database: str) -> None:
    batch = bundle(patient(), observation(), condition(), observation(2, status=7), *others())
    async with intake(database, sources=SOURCES) as world:
        first, second = [await send(world, batch) for _ in range(2)]
        facts = [event.data for event in await world.events()]
        ledger = (await world.ledger())["jiashan-hospital"]
    assert (first[0], statuses(first[1])) == (200, ["200", "201", "201", "422", "200", "200"])
    assert statuses(second[1]) == ["201", "200", "200", "422", "200", "200"]
    assert {type(fact) for fact in facts} >= {TestResulted, CaseFound}
    issue = first[1]["entry"][3]["response"]["outcome"]["issue"][0]
    assert (issue["severity"], issue["expression"]) == ("error", ["Bundle.entry[3].resource.status"])
    # The patient's own data came before anything was known of the person the first time, and after it the second.
    assert ledger == {"received": 7, "accepted": 3, "duplicate": 2, "rejected": 2, "pending": 0}


async def test_a_transaction_is_taken_whole_or_not_at_all_and_can_be_mended(database: str) -> None:
    unmended = bundle(observation(1), observation(2, valueCodeableConcept={"text": "说不清"}), kind="transaction")
    async with intake(database, sources=SOURCES) as world:
        status, answer = await send(world, unmended)
        assert (status, statuses(answer), await world.events()) == (422, ["422", "422"], [])
        assert len((await world.client.get("/rejects")).text.splitlines()) == 2
        status, answer = await send(world, bundle(observation(1), observation(2), kind="transaction"))
        assert (status, statuses(answer), len(await world.events())) == (200, ["201", "201"], 2)
        assert (await world.client.get("/rejects")).text == ""
        ledger = (await world.ledger())["jiashan-hospital"]
    assert ledger == {"received": 4, "accepted": 2, "duplicate": 0, "rejected": 2, "pending": 0}


async def test_of_a_transaction_that_fails_nothing_is_taken_though_one_of_its_entries_is_there_twice(
    database: str,
) -> None:
    unclear = observation(2, valueCodeableConcept={"text": "说不清"})
    twice = bundle(observation(1), observation(1), unclear, kind="transaction")
    async with intake(database, sources=SOURCES) as world:
        status, answer = await send(world, twice)
        assert (status, set(statuses(answer)), await world.events()) == (422, {"422"}, [])


async def test_a_rest_hook_creates_corrects_and_withdraws_a_resource(database: str) -> None:
    later = {"versionId": "2", "lastUpdated": "2022-03-06T08:00:00+08:00"}
    last = {"versionId": "3", "lastUpdated": "2022-03-07T08:00:00+08:00"}
    async with intake(database, sources=SOURCES) as world:
        answers = [
            (await send(world, resource, "/fhir/Observation/o1", "PUT"))[0]
            for resource in (
                observation(),
                observation(),
                observation(status="corrected", meta=later, valueCodeableConcept=DETECTED),
                observation(status="entered-in-error", meta=last),
                observation(),
                patient(),
                observation(status="unheard-of"),
            )
        ]
        posted = await send(world, observation(3), "/fhir/Observation")
        facts = [event.data for event in await world.events()]
    assert answers == [201, 200, 201, 201, 200, 400, 200]
    assert posted[0] == 201
    said = [(fact.revision, fact.result.value, fact.withdrawn) for fact in facts]
    assert said == [(1, "negative", False), (2, "positive", False), (3, "positive", True), (1, "negative", False)]


async def test_what_is_corrected_to_something_of_no_use_here_is_withdrawn_and_the_rest_never_known(
    database: str,
) -> None:
    later = {"versionId": "2", "lastUpdated": "2022-03-06T08:00:00+08:00"}
    glucose = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
    measles = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B05.9"}]}
    useful = bundle(patient(), observation(), condition(), immunization())
    useless = bundle(
        observation(code=glucose, meta=later), condition(code=measles, meta=later), immunization(cvx="03", meta=later)
    )
    async with intake(database, sources=SOURCES) as world:
        before = await send(world, useless)
        kept = await world.pool.fetchval("select count(*) from records")
        answers = [await send(world, each) for each in (useful, useless, useless, useful)]
        facts = [event.data for event in await world.events()]
    assert (statuses(before[1]), kept) == (["200"] * 3, 0)
    assert [statuses(answer)[-3:] for _, answer in answers] == [["201"] * 3, ["201"] * 3, ["200"] * 3, ["200"] * 3]
    assert "麻疹" not in str(answers[0]) and "麻疹" in str(answers[1])
    said = [(type(fact), fact.revision, fact.withdrawn) for fact in facts]
    kinds = (TestResulted, CaseFound, CaseClassified, PersonVaccinated)
    assert said == [(kind, *how) for how in ((1, False), (2, True)) for kind in kinds]


async def test_only_what_names_itself_is_withdrawn_in_whatever_state_it_was_and_not_by_an_older_version(
    database: str,
) -> None:
    measles = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B05.9"}]}
    glucose = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
    later = {"lastUpdated": "2022-03-06T08:00:00+08:00"}
    alike = condition(), condition(code=measles), immunization(), immunization(cvx="03")
    nameless = bundle(patient(), *({**each, "id": None, "meta": None} for each in alike))
    refuted = condition(2, "refuted")
    first, second = ({"versionId": str(version)} for version in (1, 2))
    async with intake(database, sources=SOURCES) as world:
        twice = [statuses((await send(world, nameless))[1])[1:] for _ in range(2)]
        assert twice == [["201", "200"] * 2, ["200"] * 4]
        told = [refuted, {**refuted, "code": measles, "meta": later}]
        told += [observation(code=glucose, meta=first), observation(meta=second), observation(code=glucose, meta=first)]
        answers = [statuses((await send(world, bundle(each)))[1])[0] for each in told]
        facts = [event.data for event in await world.events()]
        rejected = (await world.ledger())["jiashan-hospital"]["rejected"]
    assert (answers, rejected) == (["201", "201", "200", "201", "200"], 0)
    assert [type(fact) for fact in facts if fact.withdrawn] == [CaseClassified]


async def test_another_notifiable_disease_is_answered_and_nothing_of_the_person_is_kept(database: str) -> None:
    measles = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B05.9"}]}
    async with intake(database, sources=SOURCES) as world:
        by_hl7 = await world.client.post("/hl7", content=an_adt(diagnosis="B05.9^麻疹^I10"))
        status, by_fhir = await send(world, bundle(patient(), condition(code=measles)), **{"accept-language": "zh"})
        kept = await world.pool.fetchval("select (select count(*) from records) + (select count(*) from vault_persons)")
        assert await world.events() == []
    assert (by_hl7.status_code, status, statuses(by_fhir), kept) == (200, 200, ["200", "200"], 0)
    for answer in (by_hl7.content.decode(), str(by_fhir)):
        assert "麻疹为乙类法定传染病" in answer and "直报" in answer


async def test_a_pool_is_said_as_a_tube_and_its_result(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        first, second = [await send(world, bundle(patient(1), patient(2), *pool(1, 2))) for _ in range(2)]
        facts = [event.data for event in await world.events()]
    assert (statuses(first[1])[-1], statuses(second[1])[-1]) == ("201", "200")
    assert [type(fact) for fact in facts] == [TubeSampled, TubeResulted]
    assert isinstance(facts[0], TubeSampled) and len({each.person_id for each in facts[0].members}) == 2


async def test_a_dose_is_counted_once_corrected_and_withdrawn(database: str) -> None:
    later = {"versionId": "2", "lastUpdated": "2022-03-06T08:00:00+08:00"}
    last = {"versionId": "3", "lastUpdated": "2022-03-07T08:00:00+08:00"}
    async with intake(database, sources=SOURCES) as world:
        answers = [
            await send(world, bundle(patient(), each))
            for each in (
                immunization(),
                immunization(),
                immunization(cvx="507", meta=later),
                immunization(status="entered-in-error", meta=last),
                immunization(),
            )
        ]
        facts = [event.data for event in await world.events()]
        other = await send(world, immunization(cvx="03"))
    assert [statuses(answer)[1] for _, answer in answers] == ["201", "200", "201", "201", "200"]
    assert all(isinstance(fact, PersonVaccinated) and fact.dose_number == 2 for fact in facts)
    said = [(fact.revision, fact.vaccine.value, fact.withdrawn) for fact in facts]
    assert said == [(1, "inactivated", False), (2, "protein_subunit", False), (3, "protein_subunit", True)]
    assert (other[0], "新冠疫苗" in str(other[1])) == (200, True)


async def test_a_visit_told_by_hl7_and_by_fhir_is_said_once(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        assert (await world.client.post("/hl7", content=an_adt(type="A"))).status_code == 200
        assert (await send(world, bundle(patient(), encounter())))[0] == 200
        found = [event.data for event in await world.events() if isinstance(event.data, CaseFound)]
    assert [fact.revision for fact in found] == [1, 2]
    assert len({fact.statement_id for fact in found}) == 1


async def test_a_collection_and_a_message_get_one_outcome(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        for kind in ("collection", "message", "document"):
            status, answer = await send(world, bundle(observation(), observation(2, status=7), kind=kind))
            assert (status, answer["resourceType"]) == (422, "OperationOutcome")
            assert [issue["severity"] for issue in answer["issue"]] == ["information", "error"]
        assert (await send(world, bundle(observation(), kind="collection")))[0] == 200
        assert (await send(world, bundle(kind="collection")))[0] == 200


async def test_what_cannot_be_read_is_answered_and_kept(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        for content in ([], {"resourceType": "Bundle", "type": "history"}, {}):
            status, answer = await send(world, content)
            assert (status, answer["issue"][0]["severity"]) == (400, "error")
        raw = await world.client.post(
            f"/fhir{FEED}", content=b'{"resourceType": "Observation", "id": NaN', headers=FHIR
        )
        xml = await world.client.post(f"/fhir{FEED}", content=b"<x/>", headers={"content-type": "application/fhir+xml"})
        nobody = await world.client.post("/fhir", content=as_bytes(observation()), headers=FHIR)
        deep = await world.client.post(f"/fhir{FEED}", content=b'{"a":' * 5_000 + b"1" + b"}" * 5_000, headers=FHIR)
        assert [each.status_code for each in (raw, xml, nobody, deep)] == [400, 415, 400, 400]
        assert "feed" in nobody.text
        chinese = await send(world, observation(2, farbe=1), **{"accept-language": "zh"})
        rows = [json.loads(line) for line in (await world.client.get("/rejects")).text.splitlines()]
        assert "没有这个字段" in chinese[1]["issue"][0]["details"]["text"]
        mended = next(row for row in rows if row.get("resourceType") == "Observation")
        del mended["farbe"]
        assert (await send(world, mended))[0] == 201
        assert len((await world.client.get("/rejects")).text.splitlines()) == len(rows) - 1
        ledger = await world.ledger()
    assert all(each["pending"] == 0 for each in ledger.values())


async def test_a_key_names_the_source_and_the_statement_says_what_is_taken(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        asked = {"feed": "any-clinic", "divisions": ["330421"], "kinds": ["test"]}
        key = {"x-api-key": (await world.client.post("/keys", json=asked)).json()["key"]}
        accepted = await world.client.post("/fhir", content=as_bytes(observation()), headers={**FHIR, **key})
        forbidden = await world.client.post("/fhir", content=as_bytes(condition()), headers={**FHIR, **key})
        statement = (await world.client.get("/fhir/metadata")).json()
    assert (accepted.status_code, forbidden.status_code) == (201, 422)
    assert forbidden.json()["issue"][0]["code"] == "forbidden"
    CapabilityStatement.model_validate(statement)
    assert statement["fhirVersion"] == "4.0.1"
