"""Admissions by HL7 v2: diagnoses found, made surer, ruled out, deleted or no longer there."""

from __future__ import annotations

from services.intake.health.items import Item
from tests.rules.hl7_messages import an_adt, said
from tests.rules.test_health_hl7 import taken


def test_an_admission_with_the_diagnosis_becomes_a_finding_and_only_a_final_one_is_confirmed() -> None:
    record = taken(an_adt())
    assert record["kind"] == "case-finding"
    assert record["source_id"] == "JSRMYY/V0001/covid-19/confirmed"
    assert (record["classification"], record["found_how"]) == ("confirmed", "fever_clinic")
    assert (record["found_at"], "precision" in record) == ("2022-03-05T10:10:00+08:00", False)
    assert taken(an_adt(type="W"))["classification"] == "suspected"
    assert taken(an_adt(diagnosis="U07.100x003^新型冠状病毒肺炎疑似病例^ICD10"))["classification"] == "suspected"
    assert taken(an_adt(diagnosis="XGYS^^L"))["classification"] == "suspected"
    assert taken(an_adt(diagnosis="^新冠肺炎无症状感染者"))["classification"] == "asymptomatic"
    by_day = taken(an_adt(at="20220305"))
    assert (by_day["found_at"], by_day["precision"]) == ("2022-03-05T00:00:00+08:00", "day")
    out = taken(an_adt("A08", diagnosis="U07.1^排除新冠肺炎^I10", at="20220305"))
    assert (out["kind"], out["classification"], out["classified_at"]) == (
        "case-classification",
        "excluded",
        "2022-03-05T10:00:00+08:00",
    )


def test_a_deleted_diagnosis_withdraws_whatever_was_found_and_an_a08_corrects_the_person() -> None:
    gone = [item.record for item in said(an_adt("A08", action="D")) if isinstance(item, Item)]
    assert taken(an_adt())["source_id"] in {record["source_id"] for record in gone if record.get("withdrawn")}
    renamed = taken(an_adt("A08", name="汪^某1", sent="20220306090000"))
    assert renamed["source_id"] == taken(an_adt())["source_id"]
    assert renamed["person"]["name"] == "汪某1"
    details = taken(an_adt("A08", diagnosis="", name="汪^某1"))
    assert (details["kind"], details["person"]["name"]) == ("person-details", "汪某1")


def withdrawn(body: bytes) -> set[str]:
    """What a message withdraws where it is known."""
    return {each.record["source_id"] for each in said(body) if isinstance(each, Item) and each.only_if_known}


def test_an_a08_that_does_not_hold_the_diagnosis_any_more_takes_it_back() -> None:
    found = taken(an_adt())["source_id"]
    for diagnosis in ("J18.9^肺炎^I10", "B05.9^麻疹^I10"):
        assert found in withdrawn(an_adt("A08", diagnosis=diagnosis))
        assert withdrawn(an_adt("A01", diagnosis=diagnosis)) == set()
        assert withdrawn(an_adt("A08", diagnosis=diagnosis, action="A")) == set()
    for nothing in ("", "^"):
        assert withdrawn(an_adt("A08", diagnosis=nothing)) == set()
    assert withdrawn(an_adt("A08")) == set()


def test_a_diagnosis_put_in_another_s_place_stands() -> None:
    both = an_adt("A08", action="A").replace(b"\rDG1|1", b"\rDG1|2||U07.2^^I10||20220304|W" + b"|" * 15 + b"D\rDG1|1")
    gone = withdrawn(both)
    [stands] = [each.record for each in said(both) if isinstance(each, Item) and not each.only_if_known]
    assert stands["classification"] == "confirmed"
    assert "JSRMYY/V0001/covid-19/suspected" in gone and "JSRMYY/V0001/covid-19/confirmed" not in gone
