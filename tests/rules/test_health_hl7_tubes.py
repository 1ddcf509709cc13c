"""Pooled tubes by HL7 v2: one message for all or one a patient, whole tubes and single members withdrawn."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.health.items import Item
from tests.rules.hl7_messages import header, message, obr, obx, pid, said, spm
from tests.rules.test_health_hl7 import ANYBODY, taken

POSITIVE = "10828004^Positive^SCT"


def records(body: bytes, *, known: bool = False) -> list[dict[str, Any]]:
    """What the door gets, and finds nothing wrong with. known: with what is withdrawn only of what is known."""
    items = [each for each in said(body) if isinstance(each, Item) and (known or not each.only_if_known)]
    for each in items:
        assert not each.reading(ANYBODY).problems, each.reading(ANYBODY).problems
    return [each.record for each in items]


def a_member(n: int, state: str = "F", order: str = "", person: str = "") -> list[str]:
    """The segments of one person of a pooled tube."""
    return [person or pid(n), obr(order or f"L{n}"), obx(POSITIVE, state=state), spm("TUBE-9")]


def a_message(*members: list[str]) -> bytes:
    return message(header(), *(segment for member in members for segment in member))


def test_a_pooled_tube_becomes_its_people_and_its_result() -> None:
    *tubes, result = records(a_message(*(a_member(n) for n in (1, 2, 3))))
    assert [(each["kind"], each["tube_id"], len(each["members"])) for each in tubes] == [("tube", "TUBE-9", 1)] * 3
    assert (result["kind"], result["tube_id"], result["result"]) == ("tube-result", "TUBE-9", "positive")
    alone = taken(message(header(), obr("L9"), obx(POSITIVE), spm("TUBE-9")))
    assert alone["kind"] == "tube-result"
    gone = taken(message(header(), obr("L9"), obx(state="D"), spm("TUBE-9")))
    assert (gone["source_id"], gone["kind"], gone["withdrawn"]) == (alone["source_id"], "tube-result", True)


@pytest.mark.parametrize("order", ["", "TUBE-9"], ids=["an order each", "the tube's number as the order of all"])
def test_a_tube_told_by_a_message_for_each_patient_keeps_them_all(order: str) -> None:
    told = [records(a_message(a_member(n, order=order))) for n in (1, 2, 3)]
    together = records(a_message(*(a_member(n, order=order) for n in (1, 2, 3))))
    people = [tube["source_id"] for tube, _ in told]
    assert len(set(people)) == 3
    assert [each["source_id"] for each in together] == [*people, "JSLAB/tube/TUBE-9"]
    assert {result["source_id"] for _, result in told} == {"JSLAB/tube/TUBE-9"}


def test_one_member_s_withdrawal_takes_that_member_out_and_leaves_the_tube_s_result() -> None:
    for state in "DWX":
        [gone] = records(a_message(a_member(2, state)))
        assert (gone["withdrawn"], gone["kind"], gone["source_id"]) == (True, "tube", "JSLAB/L2/people")
        among_others = records(a_message(a_member(1), a_member(2, state)))
        assert [(each["kind"], each.get("withdrawn", False)) for each in among_others] == [
            ("tube", False),
            ("tube", True),
            ("tube-result", False),
        ]
    whole = records(a_message(a_member(1, "D"), a_member(2, "D")))
    assert [(each["kind"], each["withdrawn"]) for each in whole] == [("tube", True)] * 2 + [("tube-result", True)]


@pytest.mark.parametrize("order", ["L1", "TUBE-9"])
def test_a_withdrawal_without_its_specimen_still_finds_the_member(order: str) -> None:
    tube, _ = records(a_message(a_member(1, order=order)))
    bare = message(header(), pid(1), obr(order), obx(state="D"))
    assert tube["source_id"] in {each["source_id"] for each in records(bare, known=True) if each["withdrawn"]}
    assert [each["kind"] for each in records(bare)] == ["test"]
