"""Admissions by HL7 v2: diagnoses found, made surer, ruled out, deleted or no longer there."""

from __future__ import annotations

import pytest

from services.intake.health.items import Item
from services.intake.problems import Refused
from tests.rules.hl7_messages import a_number, an_adt, said
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


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"other": "ALT-1"}, {"other": "ALT-2"}),
        ({"account": "ACC-1"}, {"account": "ACC-2"}),
        ({"admitted": "202203051000"}, {"admitted": "20220309081500"}),
        ({"ids": a_number(1) + "^^^^NI", "admitted": "20220305"}, {"ids": a_number(1) + "^^^^NI"}),
    ],
    ids=["PV1-50", "PID-18", "PV1-44", "no record number"],
)
def test_two_visits_without_a_number_are_two_and_an_a08_finds_its_own(
    first: dict[str, str], second: dict[str, str]
) -> None:
    one, other = (taken(an_adt(visit="", **each))["source_id"] for each in (first, second))
    assert one != other and a_number(1) not in one
    for diagnosis in ("J18.9^肺炎^I10", "U07.1^新型冠状病毒肺炎^I10"):
        action = "D" if diagnosis.startswith("U07") else ""
        gone = withdrawn(an_adt("A08", diagnosis, visit="", action=action, sent="20220310090000", **first))
        assert one in gone and other not in gone
    assert taken(an_adt("A08", visit="", sent="20220310090000", **second))["source_id"] == other


def test_a_visit_is_named_by_the_instant_of_its_beginning_and_by_the_record_number_before_others() -> None:
    known = taken(an_adt("A04", visit="", admitted="202203051000"))["source_id"]
    assert known == "JSRMYY/patient/jiashan-hospital:MR0001/20220305T0200Z/covid-19/confirmed"
    for same in ("20220305100030", "20220305100000+0800", "20220305020000+0000"):
        assert taken(an_adt("A08", visit="", admitted=same, ids="MR0001^^^^MR"))["source_id"] == known


@pytest.mark.parametrize("admitted", ["", "00010101000000", "入院"])
@pytest.mark.parametrize("more", [{"trigger": "A01"}, {"trigger": "A04"}, {"trigger": "A08", "action": "D"}])
def test_a_diagnosis_of_a_visit_that_nothing_names_is_refused_with_the_field(
    admitted: str, more: dict[str, str]
) -> None:
    with pytest.raises(Refused) as refused:
        said(an_adt(visit="", admitted=admitted, **more))
    assert [(each.field, each.code) for each in refused.value.problems] == [("PV1^1^19", "visit_not_named")]


def test_a_visit_that_nothing_names_is_no_matter_where_no_diagnosis_is_told() -> None:
    other = an_adt("A08", diagnosis="J18.9^肺炎^I10", visit="", admitted="")
    assert [each.record["kind"] for each in said(other) if isinstance(each, Item)] == ["person-details"]
