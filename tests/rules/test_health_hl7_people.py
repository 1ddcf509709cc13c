"""Whom a message of HL7 v2 speaks of, and where they live."""

from __future__ import annotations

import pytest

from tests.rules.hl7_messages import VILLAGE, a_number, an_adt, header, message, obr, obx, pid
from tests.rules.test_health_hl7 import codes, only, taken


def test_identification_numbers_are_known_by_type_authority_or_field() -> None:
    number = a_number(1)
    for ids in (f"{number}^^^^NI", f"{number}^^^身份证", f"MR1~{number}^^^&2.16.156.10011.1.3&ISO"):
        assert taken(message(header(), pid(ids=ids), obr(), obx()))["person"]["id_number"] == number
    in_19 = pid(ids="MR1") + "|" * 6 + number
    assert taken(message(header(), in_19, obr(), obx()))["person"]["id_number"] == number
    wrong = only(message(header(), pid(ids=f"{number[:17]}{'0' if number[17] != '0' else '1'}^^^^NI"), obr(), obx()))
    assert codes(wrong) == [("person.id_number", "id_number_check")]
    assert wrong.place_of("person.id_number") == "PID^1^3"
    nobody = only(message(header(), pid(ids=""), obr(), obx()))
    assert codes(nobody) == [("person", "nobody_named")]


@pytest.mark.parametrize(
    ("ids", "reference"),
    [
        ("V1^^^H^VN~MR1^^^H^MR", "MR1"),
        ("A1^^^H^AN~P1^^^H^PI~X1^^^H", "P1"),
        ("X1^^^H~P1^^^H^PI~MR1^^^H^MR", "MR1"),
        ("MR1^^^H^MR~P1^^^H^PI~X1^^^H", "MR1"),
        ("X1~X2", "X1"),
        (f"V1^^^H^VN~{a_number(1)}", None),
    ],
)
def test_a_person_is_known_by_the_record_number_in_any_order_and_never_by_a_visit(
    ids: str, reference: str | None
) -> None:
    record = taken(message(header(), pid(ids=f"{ids}~{a_number(1)}^^^^NI"), obr(), obx()))
    assert record.get("person_ref") == (reference and f"jiashan-lab:{reference}")


def test_a_number_without_a_type_is_the_citizen_s_if_its_check_character_is_right() -> None:
    number = a_number(2)
    plain = taken(message(header(), pid(ids=f"{number.lower()}^^^JSLAB~MR1"), obr(), obx()))
    assert (plain["person"]["id_number"].upper(), plain["person_ref"]) == (number, "jiashan-lab:MR1")
    typed = only(message(header(), pid(ids=f"{number}^^^JSLAB^MR"), obr(), obx()))
    assert "id_number" not in typed.record["person"]
    wrong = f"{number[:17]}{'0' if number[17] != '0' else '1'}"
    assert "id_number" not in only(message(header(), pid(ids=wrong), obr(), obx())).record["person"]


def test_the_division_is_the_address_code_s_else_a_known_place_s_else_the_source_s() -> None:
    def division(address: str, body: bytes = b"") -> str:
        return str(taken(an_adt(address=address))["division_code"])

    assert division(f"路 1 号^^^^^^^^{VILLAGE}") == VILLAGE
    assert division("路 1 号^^^^^^^^999999999999") == "330421"
    assert division("路 1 号^^^^^^^^^魏塘街道") == "330421001"
