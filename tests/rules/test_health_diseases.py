"""The other notifiable diseases: known by code and name, told by name and class, none taken for COVID-19."""

from __future__ import annotations

from collections import Counter

import pytest

from services.intake.health.codes import Coded, CodeLists, other_diseases, shipped
from services.intake.health.items import Item, Unused
from services.intake.health.saying import COVID
from tests.rules.fhir_messages import bundle, condition, encounter
from tests.rules.hl7_messages import an_adt, said
from tests.rules.test_health_fhir import parts

LISTS = CodeLists.of({}, {}, {}, {})
CODED = [row for row in shipped("diagnoses.csv") if not row["classification"]]
SYSTEMS = {
    "icd-10": ("http://hl7.org/fhir/sid/icd-10", "I10"),
    "snomed": ("http://snomed.info/sct", "SCT"),
    "word": ("", ""),
}


def test_the_law_has_40_diseases_in_its_classes_and_each_is_known_by_code_and_name() -> None:
    classes = Counter(disease.law_class for disease in other_diseases().values())
    assert classes == {"A": 2, "B": 27 - 1, "C": 11}
    assert COVID not in other_diseases()
    assert {row["disease"] for row in CODED if row["system"] == "icd-10"} == other_diseases().keys()
    for key, disease in other_diseases().items():
        found = LISTS.diagnosis([Coded("", "", disease.name_zh)])
        assert found is not None and (found.disease, found.classification) == (key, "")


@pytest.mark.parametrize("row", CODED, ids=lambda row: f"{row['system']} {row['code']}")
def test_a_diagnosis_of_another_disease_is_told_by_name_and_makes_no_record(row: dict[str, str]) -> None:
    disease, code = other_diseases()[row["disease"]], row["code"]
    system, method = SYSTEMS[row["system"]]
    concept = {"coding": [{"system": system, "code": code}]} if system else {"text": code}
    in_hl7 = f"{code}^疑似新冠肺炎^{method}" if system else f"^{code}"
    told = [*said(an_adt(diagnosis=in_hl7))]
    for content in (bundle(condition(code=concept)), bundle(encounter(reason=concept))):
        told += [each for _, words in parts(content) for each in words]
    told = [each for each in told if not (isinstance(each, Item) and each.only_if_known)]
    assert len(told) == 3
    for each in told:
        assert isinstance(each, Unused)
        assert disease.name_zh in each.why.told("zh")["why"] and disease.name_en in each.why.told("en")["why"]
        assert f"class {disease.law_class}" in each.why.told("en")["why"]
        assert "直报" in each.why.told("zh")["would_be_right"]


def test_the_longer_codes_of_the_chinese_edition_are_known_by_their_beginning() -> None:
    for code, disease in (("A98.500x001", "haemorrhagic-fever-with-renal-syndrome"), ("B05.900", "measles")):
        found = LISTS.diagnosis([Coded("ICD10", code, "")])
        assert found is not None and found.disease == disease
    for code in ("B30.900", "A75.300", "A75"):  # another conjunctivitis, scrub typhus, any typhus
        assert LISTS.diagnosis([Coded("ICD10", code, "")]) is None


def test_beside_another_disease_covid_is_still_found() -> None:
    both = an_adt().replace(b"DG1|1||U07.1", b"DG1|2||J10.1^^I10||20220305|F\rDG1|1||U07.1")
    found, other = said(both)
    assert isinstance(found, Item) and found.record["classification"] == "confirmed"
    assert isinstance(other, Unused) and other.why.params["en"] == "influenza"


def sure(*coded: Coded) -> str | None:
    """As what COVID-19 is told; None: as nothing or another disease."""
    found = LISTS.diagnosis(coded)
    return found.classification or None if found else None


@pytest.mark.parametrize(
    "system",
    [
        "GB/T14396",
        "GB/T 14396-2016",
        "ICD10-2.0",
        "ICD-10-CM",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "icd-10-cn",
        "国临版",
    ],
)
def test_editions_of_icd_10_are_known_by_name_and_by_the_form_of_their_codes(system: str) -> None:
    for code in ("U07.1", "U07.100x003", "u07.100"):
        assert sure(Coded(system, code, "")) == "confirmed"
    assert sure(Coded(system, "U07.1", "疑似新冠肺炎")) == "suspected"
    assert sure(Coded(system, "U07.0", "")) is None


def test_a_code_of_an_unknown_system_that_is_not_formed_so_means_nothing() -> None:
    for code in ("U07", "A20", "A00", "U07.1.2", "XU07.1", "840539006"):
        assert LISTS.diagnosis([Coded("院内码", code, "")]) is None
    assert LISTS.diagnosis([Coded("SCT", "U07.1", "")]) is None


@pytest.mark.parametrize("name", ["新型冠状病毒肺炎", "新型冠状病毒感染", "新冠肺炎"])
@pytest.mark.parametrize("kind", ["轻型", "（普通型）", ",重型", " 危重型", "（中型病例）", "-轻型患者", "【重型】"])
def test_a_name_may_be_followed_by_how_severe_it_is(name: str, kind: str) -> None:
    assert sure(Coded("", "", f"{name}{kind}")) == "confirmed"


@pytest.mark.parametrize(
    "name",
    [
        "疑似新型冠状病毒肺炎轻型",
        "排除新型冠状病毒肺炎（重型）",
        "新型冠状病毒肺炎史（轻型）",
        "新型冠状病毒肺炎轻型病史",
        "新型冠状病毒肺炎恢复期",
        "新型冠状病毒肺炎密切接触者",
        "新型冠状病毒疫苗接种",
        "轻型",
        "肺炎（重型）",
    ],
)
def test_no_other_words_beside_a_name_make_a_case(name: str) -> None:
    assert sure(Coded("", "", name)) is None
