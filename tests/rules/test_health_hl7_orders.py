"""Orders of HL7 v2 as laboratories make them: several of one number, of codes nobody knows, cancelled ones."""

from __future__ import annotations

from services.intake.health.items import Item, Unused
from tests.rules.hl7_messages import header, message, obr, obx, pid, said, spm
from tests.rules.test_health_hl7 import codes, only, taken
from tests.rules.test_health_hl7_tubes import records

ORF, N = "94559-2^ORF1ab^LN", "94533-7^N^LN"


def test_orders_of_one_person_and_number_make_one_test() -> None:
    genes = obr("T1", code=ORF), obx("阳性", ORF, type="ST"), obr("T1", code=N), obx("阴性", N, type="ST")
    [told] = records(message(header(), pid(1), *genes))
    assert (told["source_id"], told["result"]) == ("JSLAB/T1", "inconclusive")
    other = obr("T1", code="76078-5^Influenza A RNA^LN"), obx("阳性", "76078-5^Influenza A RNA^LN", type="ST")
    [told] = records(message(header(), pid(1), obr("T1", code=ORF), obx("阴性", ORF, type="ST"), *other))
    assert told["result"] == "negative"


def test_one_number_of_two_people_is_asked_about_so_that_neither_takes_the_other_s_place() -> None:
    genes = obr("T1", code=ORF), obx("阳性", ORF, type="ST"), pid(2), obr("T1", code=N), obx("阴性", N, type="ST")
    told = [each for each in said(message(header(), pid(1), *genes)) if isinstance(each, Item)]
    assert [each.record["result"] for each in told] == ["positive", "negative"]
    assert [codes(each) for each in told] == [[("source_id", "number_of_several")]] * 2
    assert [each.place_of("source_id") for each in told] == ["OBR^1^3", "OBR^2^3"]


def test_lines_of_unknown_codes_under_a_known_order_are_asked_about() -> None:
    lines = obx("阳性", "A1^甲^L", type="ST"), obx("阴性", "A2^乙^L", type="ST", n="2")
    item = only(message(header(), pid(), obr(), *lines))
    assert (codes(item), item.place_of("result")) == ([("result", "unknown_test")], "OBX^1^3")
    with_cycles = obx("31", "ORF1ab-Ct", type="NM"), *lines
    assert codes(only(message(header(), pid(), obr(), *with_cycles))) == [("result", "unknown_test")]
    known_beside = obx("阴性", ORF, type="ST"), *lines
    assert taken(message(header(), pid(), obr(), *known_beside))["result"] == "negative"
    [waiting] = said(message(header(), pid(), obr(state="I"), *(each.replace("||F|", "||I|") for each in lines)))
    assert isinstance(waiting, Unused) and waiting.why.code == "not_final"
    [other] = said(message(header(), pid(), obr(code="CBC^血常规^L"), *lines))
    assert isinstance(other, Unused) and other.why.code == "no_nucleic_acid"


def test_genes_are_known_by_their_chinese_names() -> None:
    lines = obx("阳性", "1^新型冠状病毒ORF1ab基因^L", type="ST"), obx("阳性", "2^新型冠状病毒Ｎ基因^L", type="ST")
    assert taken(message(header(), pid(), obr(code="PCR^分子诊断^L"), *lines))["result"] == "positive"


def known_and_gone(body: bytes) -> list[tuple[str, str]]:
    """What a message withdraws where it is known: kinds and ids."""
    items = [each for each in said(body) if isinstance(each, Item) and each.only_if_known]
    assert all(each.record["withdrawn"] for each in items)
    return [(each.record["kind"], each.record["source_id"]) for each in items]


def test_a_cancelled_order_takes_back_its_test_with_or_without_lines() -> None:
    bare = message(header(), pid(), obr("L1", state="X"))
    assert ("test", "JSLAB/L1") in known_and_gone(bare) and ("tube", "JSLAB/L1/people") in known_and_gone(bare)
    assert ([each.why.code for each in said(bare) if isinstance(each, Unused)], records(bare)) == (["taken_back"], [])
    [gone] = records(message(header(), pid(), obr("L1", state="X"), obx()))
    assert (gone["source_id"], gone["withdrawn"]) == ("JSLAB/L1", True)
    whole = message(header(), obr("L9", state="X"), spm("TUBE-9"))
    assert ("tube-result", "JSLAB/tube/TUBE-9") in known_and_gone(whole)


def test_a_cancelled_order_beside_one_of_its_number_that_has_a_result_takes_nothing_back() -> None:
    body = message(header(), pid(), obr("L1", code="76078-5^Influenza A RNA^LN", state="X"), obr("L1"), obx())
    assert ([each["result"] for each in records(body)], known_and_gone(body)) == (["negative"], [])
    waiting = message(header(), pid(), obr("L1", state="I"))
    assert known_and_gone(waiting) == []


def test_a_result_is_withdrawn_though_its_cycles_were_left_final() -> None:
    for state in "DWX":
        [gone] = records(message(header(), pid(), obr(), obx(state=state), obx("31", "ORF1ab-Ct", type="NM")))
        assert gone["withdrawn"] is True
    [gone] = records(message(header(), pid(), obr(), obx("31", "ORF1ab-Ct", type="NM", state="D")))
    assert gone["withdrawn"] is True
