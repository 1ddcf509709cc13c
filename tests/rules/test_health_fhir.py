"""FHIR R4 to canonical records: what real resources look like, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.health.fhir.taking import Part, read_fhir
from services.intake.health.items import Item, Unused
from services.intake.problems import Refused
from services.intake.sender import Sender
from tests.rules.fhir_messages import (
    COVID,
    DETECTED,
    META,
    NOT_DETECTED,
    as_bytes,
    bundle,
    condition,
    encounter,
    immunization,
    loinc,
    observation,
    others,
    patient,
    report,
)
from tests.rules.hl7_messages import SOURCES, VILLAGE, a_number, an_adt
from tests.rules.hl7_messages import said as said_of_hl7

ANYBODY = Sender("tester", ("",))
SOURCE = SOURCES.of_feed("jiashan-hospital")


def parts(content: object) -> list[Part]:
    assert SOURCE is not None
    return read_fhir(as_bytes(content), SOURCE)[1]


def records(content: object) -> list[dict[str, Any]]:
    """The records of a message where nothing was said before, in which the door finds nothing wrong."""
    return _records(content, only_if_known=False)


def taken_back(content: object) -> list[str]:
    """What is withdrawn where it is known."""
    return [each["source_id"] for each in _records(content, only_if_known=True) if each["withdrawn"]]


def _records(content: object, *, only_if_known: bool) -> list[dict[str, Any]]:
    items = [each for _, said in parts(content) for each in said if isinstance(each, Item)]
    for each in items:
        assert not each.reading(ANYBODY).problems, each.reading(ANYBODY).problems
    told = [each.record for each in items if each.only_if_known is only_if_known]
    return [each for each in told if each["kind"] != "person-details"]


def unused(content: object) -> list[str]:
    return [each.why.code for _, said in parts(content) for each in said if isinstance(each, Unused)]


def test_an_observation_with_its_patient_becomes_a_test() -> None:
    assert records(bundle(patient(), observation(valueCodeableConcept=DETECTED))) == [
        {
            "feed": "jiashan-hospital",
            "source_id": "Observation/o1",
            "kind": "test",
            "division_code": VILLAGE,
            "revised_at": "2022-03-05T18:30:00+08:00",
            "person": {
                "id_number": a_number(1),
                "name": "王某1",
                "phone": "13812340001",
                "sex": "F",
                "birth_date": "1955-05-05",
                "address": "人民路 1 号",
            },
            "person_ref": "jiashan-hospital:Patient/p1",
            "sampled_at": "2022-03-05T09:00:00+08:00",
            "resulted_at": "2022-03-05T18:00:00+08:00",
            "result": "positive",
        }
    ]


def test_a_patient_is_found_by_url_within_the_resource_by_id_alone_or_by_number() -> None:
    by_url = bundle(patient(), observation(subject={"reference": "urn:uuid:1"}))
    by_url["entry"][0]["fullUrl"] = "urn:uuid:1"
    contained = observation(subject={"reference": "#p1"}, contained=[patient()])
    absolute = observation(subject={"reference": "http://his.example.org/fhir/Patient/p1"})
    number = observation(subject={"identifier": {"system": "urn:oid:2.16.156.10011.1.3", "value": a_number(1)}})
    for content in (by_url, contained, absolute):
        assert records(content)[0]["person_ref"] == "jiashan-hospital:Patient/p1"
    assert records(number)[0]["person"] == {"id_number": a_number(1)}
    [(_, [nobody])] = parts(observation(subject={"display": "某人"}))
    assert isinstance(nobody, Item)
    assert [problem.code for problem in nobody.reading(ANYBODY).problems] == ["nobody_named"]


def test_status_and_version_make_corrections_and_withdrawals() -> None:
    later = {"versionId": "2", "lastUpdated": "2022-03-06T08:00:00+08:00"}
    [corrected] = records(observation(status="corrected", meta=later, valueCodeableConcept=DETECTED))
    assert (corrected["source_id"], corrected["revised_at"]) == ("Observation/o1", "2022-03-06T08:00:00+08:00")
    for status in ("entered-in-error", "cancelled"):
        [gone] = records(observation(status=status, meta=later))
        assert (gone["withdrawn"], gone["source_id"]) == (True, "Observation/o1")
    for number in ("7", "007"):
        [counted] = records(observation(meta={"versionId": number}))
        assert (counted["version"], "revised_at" in counted) == (7, False)
    for no_number in ({"meta": {"versionId": "a1-7"}}, {"meta": {"versionId": "0"}}, {"meta": None}):
        assert records({**observation(), **no_number})[0]["revised_at"].startswith("2022-03-05T18:00:00")
    assert unused(observation(status="registered")) == ["not_final"]
    assert records(observation(meta={**META, "tag": [{"code": "HTEST"}]}))[0]["drill"] is True


def test_genes_of_one_report_make_one_test() -> None:
    orf = observation(1, code=loinc("94559-2"), valueCodeableConcept=DETECTED)
    n = observation(2, code=loinc("94533-7"), valueCodeableConcept=NOT_DETECTED, subject={"reference": "Patient/p1"})
    both = bundle(patient(), report("Observation/o1", "Observation/o2"), orf, n)
    [record] = records(both)
    assert (record["source_id"], record["result"]) == ("DiagnosticReport/r1", "inconclusive")
    single = bundle(patient(), report("Observation/o1"), observation())
    assert [each["source_id"] for each in records(single)] == ["Observation/o1"]
    in_parts = observation(component=[{"code": loinc("94745-7"), "valueQuantity": {"value": 28.5}}])
    assert records(in_parts)[0]["ct_value"] == 28.5
    beyond = {"code": loinc("94745-7"), "valueQuantity": {"value": 40, "comparator": ">"}}
    assert "ct_value" not in records(observation(component=[beyond]))[0]
    concluded = report(conclusionCode=[DETECTED])
    assert records(concluded)[0]["result"] == "positive"


def test_local_words_and_interpretations_are_understood_and_unknown_words_are_told() -> None:
    bare = {key: each for key, each in observation().items() if key != "valueCodeableConcept"}
    assert records({**bare, "valueString": "可疑"})[0]["result"] == "inconclusive"
    assert records({**bare, "interpretation": [{"coding": [{"code": "NEG"}]}]})[0]["result"] == "negative"
    [(_, [item])] = parts({**bare, "valueString": "说不清"})
    assert isinstance(item, Item)
    assert [problem.code for problem in item.reading(ANYBODY).problems] == ["unknown_result"]
    assert item.place_of("result") == "Observation.value"


@pytest.mark.parametrize(
    ("status", "kind", "classification"),
    [
        ("confirmed", "case-finding", "confirmed"),
        ("provisional", "case-finding", "suspected"),
        ("refuted", "case-classification", "excluded"),
    ],
)
def test_a_condition_is_as_sure_as_its_verification(status: str, kind: str, classification: str) -> None:
    [record] = records(bundle(patient(), condition(status=status)))
    assert (record["kind"], record["classification"]) == (kind, classification)
    assert record["source_id"] == f"Condition/c1/{classification}"


def test_a_condition_has_its_onset_and_is_withdrawn_when_entered_in_error() -> None:
    [record] = records(condition())
    assert (record["onset_at"], record["found_at"]) == ("2022-03-03T00:00:00+08:00", "2022-03-05T10:00:00+08:00")
    wrong = condition(status="entered-in-error")
    assert record["source_id"] in taken_back(wrong)
    assert (records(wrong), unused(wrong)) == ([], ["taken_back"])
    measles = condition(code={"coding": [{"system": "http://snomed.info/sct", "code": "14189004"}]})
    assert unused(measles) == ["other_disease"]


def test_an_immunization_becomes_a_vaccination_with_its_vaccine_dose_and_day() -> None:
    [record] = records(bundle(patient(), immunization()))
    assert (record["kind"], record["source_id"], record["division_code"]) == ("vaccination", "Immunization/i1", VILLAGE)
    assert (record["vaccine"], record["dose_number"], record["given_at"]) == (
        "inactivated",
        2,
        "2021-06-01T00:00:00+08:00",
    )
    for code, vaccine in (("506", "viral_vector"), ("507", "protein_subunit"), ("208", "mrna"), ("213", "not_said")):
        assert records(immunization(cvx=code))[0]["vaccine"] == vaccine
    words = immunization(vaccineCode={"text": "重组新型冠状病毒疫苗（CHO细胞）"})
    assert records(words)[0]["vaccine"] == "protein_subunit"


def test_an_immunization_that_was_not_given_is_withdrawn() -> None:
    later = {"versionId": "2", "lastUpdated": "2022-03-06T08:00:00+08:00"}
    for status in ("entered-in-error", "not-done"):
        [gone] = records(immunization(status=status, meta=later))
        assert (gone["withdrawn"], gone["source_id"], gone["kind"]) == (True, "Immunization/i1", "vaccination")
    assert unused(immunization(cvx="03", status="not-done")) == ["other_vaccine"]


def test_a_dose_without_a_number_is_recorded_and_told_and_one_without_a_day_is_asked_for() -> None:
    booster = immunization(protocolApplied=[{"doseNumberString": "加强针"}])
    assert ("dose_number" in records(booster)[0], unused(booster)) == (False, ["dose_not_numbered"])
    assert unused(immunization(protocolApplied=[{"doseNumberPositiveInt": 11}])) == ["dose_not_numbered"]
    assert records(immunization(protocolApplied=[{"doseNumberString": "3"}]))[0]["dose_number"] == 3
    assert unused({key: each for key, each in immunization().items() if key != "protocolApplied"}) == []
    once = {key: each for key, each in immunization().items() if key != "occurrenceDateTime"}
    for when, code in (
        ({"occurrenceString": "去年"}, "health_time_form"),
        ({"occurrenceDateTime": "2021"}, "health_time_coarse"),
    ):
        [(_, [item])] = parts({**once, **when})
        assert isinstance(item, Item)
        assert [(each.field, each.code) for each in item.reading(ANYBODY).problems] == [("given_at", code)]


def test_a_visit_told_by_hl7_and_by_fhir_is_one_thing() -> None:
    [by_fhir] = records(bundle(patient(), encounter()))
    by_hl7 = next(each.record for each in said_of_hl7(an_adt(type="A")) if isinstance(each, Item))
    same = ("feed", "source_id", "kind", "classification", "found_how", "institution", "division_code")
    assert [by_fhir[name] for name in same] == [by_hl7[name] for name in same]
    assert by_hl7["source_id"] in taken_back(encounter(status="entered-in-error"))
    unnumbered = {key: each for key, each in encounter().items() if key != "identifier"}
    assert records(unnumbered)[0]["source_id"] == "JSRMYY/encounter/e1/covid-19/suspected"


def test_a_visit_tells_what_it_is_for_and_leaves_diagnoses_to_their_conditions() -> None:
    referring = encounter(reason=None, diagnosis=[{"condition": {"reference": "Condition/c1"}}])
    both = bundle(patient(), referring, condition())
    assert ([each["source_id"] for each in records(both)], unused(both)) == (
        ["Condition/c1/confirmed"],
        ["told_by_conditions"],
    )
    assert unused(encounter(status="planned")) == ["visit_not_begun"]
    assert unused(encounter(reason={"text": "骨折"})) == ["no_notifiable_diagnosis"]
    excluded = encounter(reason={"text": "新冠肺炎（排除）", **COVID})
    assert records(excluded)[0]["kind"] == "case-classification"


def test_what_is_read_and_not_used_is_told() -> None:
    assert unused(bundle(*others())) == ["other_vaccine", "no_notifiable_diagnosis"]
    assert unused(observation(code=loinc("8310-5"))) == ["no_nucleic_acid"]
    assert unused({"resourceType": "Organization", "id": "x"}) == ["resource_not_used"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ([], "not_fhir"),
        ({"resourceType": 7}, "not_fhir"),
        ({"resourceType": "Bundle", "type": "searchset"}, "bundle_type"),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "no_such_entry"),
        ({"resourceType": "Bundle", "type": "batch", "entry": [{}] * 5001}, "too_many"),
    ],
)
def test_what_is_no_bundle_or_resource_is_refused(content: object, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parts(content)
    assert refused.value.problems[0].code == code


@pytest.mark.parametrize(
    ("more", "place", "code"),
    [
        ({"status": None}, "Observation.status", "missing"),
        ({"issued": "gestern"}, "Observation.issued", "wrong"),
        ({"effectiveDateTime": "2022-02-31"}, "Observation.effectiveDateTime", "health_time_form"),
        ({"farbe": 1}, "Observation.farbe", "unknown_field"),
        ({"status": 7}, "Observation.status", "not_text"),
    ],
)
def test_a_resource_that_is_not_r4_says_which_element(more: dict[str, Any], place: str, code: str) -> None:
    [(entry, said)] = parts({key: each for key, each in {**observation(), **more}.items() if each is not None})
    assert said == []
    assert (entry.problems[0].field, entry.problems[0].code) == (place, code)


def test_one_wrong_entry_does_not_hold_up_the_others() -> None:
    mixed = bundle(patient(), observation(1, status=7), observation(2), kind="collection")
    mixed["entry"].append({"no": "resource"})
    found = parts(mixed)
    assert [bool(entry.problems) for entry, _ in found] == [False, True, False, True]
    assert found[1][0].problems[0].field == "Bundle.entry[1].resource.status"
    assert [record["source_id"] for record in records(mixed)] == ["Observation/o2"]
