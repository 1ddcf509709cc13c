"""Observations told together: by a report, by a panel, under one number; what became of them when it changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.fhir_messages import (
    DETECTED,
    bundle,
    condition,
    encounter,
    immunization,
    loinc,
    observation,
    patient,
    report,
)
from tests.rules.test_health_fhir import parts, records, taken_back, unused

LATER = {"versionId": "2", "lastUpdated": "2022-03-06T08:00:00+08:00"}
GENES = {1: "94559-2", 2: "94533-7"}


def gene(n: int, **more: Any) -> dict[str, Any]:
    """A positive gene of the first person."""
    told = {"code": loinc(GENES[n]), "subject": {"reference": "Patient/p1"}, "valueCodeableConcept": DETECTED}
    return observation(n, **{**told, **more})


def numbered(n: int, url: str, **more: Any) -> dict[str, Any]:
    """An entry whose resource has no id but the number of the sample."""
    resource = {key: each for key, each in gene(n, **more).items() if key != "id"}
    return {"fullUrl": url, "resource": {**resource, "identifier": [{"value": "ACC-1"}]}}


def a_bundle(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [*entries]}


def test_genes_of_one_number_make_one_test() -> None:
    content = a_bundle(numbered(1, "urn:uuid:1"), numbered(2, "urn:uuid:2", valueCodeableConcept={"text": "阴性"}))
    [told] = records(content)
    assert (told["source_id"], told["result"]) == ("Observation/ACC-1", "inconclusive")
    assert (unused(content), taken_back(content)) == (["told_by_report"], [])


def test_two_people_s_samples_of_one_number_are_known_by_their_entries() -> None:
    content = a_bundle(numbered(1, "urn:uuid:1"), numbered(1, "urn:uuid:2", subject={"reference": "Patient/p2"}))
    assert [each["source_id"] for each in records(content)] == ["Observation/urn:uuid:1", "Observation/urn:uuid:2"]
    [alone] = records(a_bundle(numbered(1, "urn:uuid:1")))
    assert alone["source_id"] == "Observation/ACC-1"


@pytest.mark.parametrize("genes", [(1,), (1, 2)])
def test_a_report_tells_the_observations_that_stand_within_it(genes: tuple[int, ...]) -> None:
    inside = [gene(n, id=f"a{n}", subject={"reference": "#p1"}, issued=None) for n in genes]
    inside = [{key: each for key, each in one.items() if each is not None} for one in inside]
    content = report(*(f"#a{n}" for n in genes), contained=[patient(), *inside], subject={"reference": "#p1"})
    [told] = records(content)
    assert (told["source_id"], told["result"]) == ("DiagnosticReport/r1", "positive")
    assert told["person"]["name"] == "王某1"


@pytest.mark.parametrize("kind", ["Unheard", 7, None, ["Observation"]])
def test_what_is_within_a_report_and_is_no_resource_is_wrong_with_that_report_alone(kind: object) -> None:
    wrong = report("#a", contained=[{"resourceType": kind, "id": "a"}])
    content = bundle(wrong, observation())
    assert [bool(entry.problems) for entry, _ in parts(content)] == [True, False]
    assert [each["source_id"] for each in records(content)] == ["Observation/o1"]


def test_a_corrected_report_is_judged_by_the_observations_that_stand() -> None:
    wrong = gene(1, status="entered-in-error", meta=LATER)
    corrected = report("Observation/o1", "Observation/o2", status="corrected", meta=LATER)
    content = bundle(patient(), corrected, wrong, gene(2, valueCodeableConcept={"text": "阴性"}))
    [told] = records(content)
    assert (told["source_id"], told["result"]) == ("DiagnosticReport/r1", "negative")
    assert taken_back(content) == ["Observation/o1", "Observation/o2"]
    [gone] = records(bundle(corrected, wrong, gene(2, status="cancelled")))
    assert (gone["source_id"], gone["withdrawn"]) == ("DiagnosticReport/r1", True)


def test_a_report_entered_in_error_withdraws_its_only_observation_as_late_as_it_was_withdrawn() -> None:
    [gone] = records(bundle(report("Observation/o1", status="entered-in-error", meta=LATER), observation()))
    assert (gone["source_id"], gone["withdrawn"]) == ("Observation/o1", True)
    assert gone["revised_at"] == LATER["lastUpdated"]
    replaced = report("Observation/o1", id="r2"), report("Observation/o1", status="entered-in-error")
    [told] = records(bundle(*replaced, observation()))
    assert "withdrawn" not in told


def test_a_report_entered_in_error_that_comes_without_its_observations_takes_its_test_back() -> None:
    wrong = report("Observation/o1", "Observation/o2", status="entered-in-error")
    assert (taken_back(wrong), unused(wrong)) == (["DiagnosticReport/r1"], ["taken_back"])
    assert taken_back(report("Observation/o1", "Observation/o2")) == []


@pytest.mark.parametrize(
    ("resource", "gone"),
    [
        (observation(), "Observation/o1"),
        (report(conclusionCode=[DETECTED]), "DiagnosticReport/r1"),
        (condition(), "Condition/c1/confirmed"),
        (immunization(), "Immunization/i1"),
        (encounter(), "JSRMYY/V0001/covid-19/suspected"),
    ],
    ids=lambda each: each["resourceType"] if isinstance(each, dict) else "",
)
def test_what_its_server_deletes_is_taken_back_and_not_recorded(resource: dict[str, Any], gone: str) -> None:
    deleted = a_bundle({"resource": resource, "request": {"method": "DELETE", "url": "x"}})
    assert (records(deleted), unused(deleted)) == ([], ["taken_back"])
    assert gone in taken_back(deleted)


def test_a_patient_whom_a_server_deletes_is_still_whom_results_are_of() -> None:
    deleted = {"resource": patient(), "request": {"method": "DELETE", "url": "Patient/p1"}}
    [told] = records(a_bundle(deleted, {"resource": observation()}))
    assert told["person"]["name"] == "王某1"
    assert unused(a_bundle(deleted)) == ["resource_not_used"]


def test_an_observation_that_a_report_tells_now_is_no_test_of_its_own_any_more() -> None:
    both = report("Observation/o1", "Observation/o2", meta=LATER), gene(1), gene(2)
    assert taken_back(bundle(*both)) == ["Observation/o1", "Observation/o2"]
    unfinished = report("Observation/o1", "Observation/o2", status="registered"), gene(1), gene(2)
    assert taken_back(bundle(*unfinished)) == []


def a_panel(*members: str, **more: Any) -> dict[str, Any]:
    told = observation(9, code=loinc("94531-1"), hasMember=[{"reference": each} for each in members], **more)
    return {key: each for key, each in told.items() if key != "valueCodeableConcept"} | {
        "subject": {"reference": "Patient/p1"}
    }


def test_a_panel_tells_its_members_together() -> None:
    panel = a_panel("Observation/o1", "Observation/o2")
    content = bundle(patient(), panel, gene(1), gene(2, valueCodeableConcept={"text": "阴性"}))
    [told] = records(content)
    assert (told["source_id"], told["result"], told["person"]["name"]) == ("Observation/o9", "inconclusive", "王某1")
    assert taken_back(content) == ["Observation/o1", "Observation/o2"]
    [single] = records(bundle(a_panel("Observation/o1"), gene(1)))
    assert single["source_id"] == "Observation/o1"
    assert unused(a_panel("Observation/o1")) == ["told_by_observations"]
    [gone] = records(a_panel("Observation/o1", status="entered-in-error"))
    assert (gone["source_id"], gone["withdrawn"]) == ("Observation/o9", True)


def test_a_report_of_a_panel_tells_the_panel_s_members() -> None:
    panel = a_panel("Observation/o1", "Observation/o2", "Observation/o9")
    [told] = records(bundle(report("Observation/o9", "Observation/o1"), panel, gene(1), gene(2)))
    assert (told["source_id"], told["result"]) == ("DiagnosticReport/r1", "positive")
