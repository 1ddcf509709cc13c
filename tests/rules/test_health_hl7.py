"""HL7 v2 to canonical records: what real messages look like, and everything that is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.health.hl7.message import messages_in, read_message
from services.intake.health.items import Item, Unused
from services.intake.problems import Refused
from services.intake.reading import read
from services.intake.sender import Sender
from tests.rules.hl7_messages import (
    VILLAGE,
    a_number,
    an_adt,
    an_oru,
    header,
    message,
    obr,
    obx,
    pid,
    said,
)

ANYBODY = Sender("tester", ("",))


def only(body: bytes) -> Item:
    """The one record of a message, as the door would take it where nothing was said before."""
    [item] = [each for each in said(body) if not (isinstance(each, Item) and each.only_if_known)]
    assert isinstance(item, Item)
    return item


def taken(body: bytes) -> dict[str, Any]:
    """The same, and the door finds nothing wrong with its fields."""
    item = only(body)
    reading = item.reading(ANYBODY)
    assert not reading.problems, reading.problems
    return item.record


def codes(item: Item) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in item.reading(ANYBODY).problems]


def refusal(body: bytes) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        said(body)
    [problem] = refused.value.problems
    return problem.field, problem.code


def test_a_result_becomes_a_test_and_the_person_goes_into_the_person_part() -> None:
    assert taken(an_oru("260373001^Detected^SCT")) == {
        "feed": "jiashan-lab",
        "source_id": "JSLAB/L0001",
        "kind": "test",
        "division_code": VILLAGE,
        "revised_at": "2022-03-05T18:30:00+08:00",
        "person": {
            "id_number": a_number(1),
            "name": "王某1",
            "phone": "13812340001",
            "sex": "F",
            "birth_date": "1955-05-05",
            "address": "浙江省嘉善县人民路 1 号",
        },
        "person_ref": "jiashan-lab:MR0001",
        "sampled_at": "2022-03-05T09:00:00+08:00",
        "resulted_at": "2022-03-05T18:00:00+08:00",
        "result": "positive",
    }


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        ("260373001^Detected^SCT", "CWE", "positive"),
        ("LA6577-6^Negative^LN", "CE", "negative"),
        ("419984006", "CE", "inconclusive"),
        ("L1^阴性（-）^99LIS", "CWE", "negative"),
        ("阳性", "ST", "positive"),
        ("未检出", "TX", "negative"),
        ("可疑", "ST", "inconclusive"),
        ("Not  Detected", "ST", "negative"),
        ("未见异常扩增", "ST", "negative"),
        ("阳\\X20\\性", "ST", None),
        ("大致正常", "ST", None),
        ("", "ST", None),
    ],
)
def test_codes_and_words_for_results_are_data_and_an_unknown_word_is_told(
    value: str, kind: str, result: str | None
) -> None:
    item = only(message(header(), pid(), obr(), obx(value, type=kind)))
    if result:
        assert item.record["result"] == result
    else:
        assert ("result", "unknown_result" if value else "missing") in codes(item)
        assert item.place_of("result") == "OBX^1^5"


def test_flags_count_where_the_value_says_nothing_and_a_local_code_by_the_source_s_file() -> None:
    assert taken(message(header(), pid(), obr(), obx("", type="ST", flag="POS")))["result"] == "positive"
    local = message(header(), pid(), obr(code="XGHS^核酸^L"), obx("阳性", type="ST", code="Z9^结论^L"))
    assert taken(local)["result"] == "positive"


def test_two_genes_make_one_test_and_disagreeing_ones_ask_for_another_sample() -> None:
    orf, n, ct = "94559-2^ORF1ab^LN", "94533-7^N^LN", "ORF1ab-Ct^Ct^L"

    def result(one: str, other: str) -> dict[str, Any]:
        lines = obx(one, orf, type="ST"), obx(other, n, type="ST", n="2"), obx("31.5", ct, type="NM", n="3")
        return taken(message(header(), pid(), obr(), *lines))

    assert [result(*pair)["result"] for pair in (("阴性", "阴性"), ("阳性", "阳性"), ("阳性", "阴性"))] == [
        "negative",
        "positive",
        "inconclusive",
    ]
    assert result("阳性", "阳性")["ct_value"] == 31.5


@pytest.mark.parametrize(
    ("kind", "value", "cycles"),
    [("NM", "31.5", 31.5), ("SN", "^40", 40), ("SN", "=^40", 40), ("SN", ">^40", None), ("NM", ">40", None)],
)
def test_more_than_so_many_cycles_is_no_number_of_cycles(kind: str, value: str, cycles: float | None) -> None:
    body = message(header(), pid(), obr(), obx(), obx(value, "94745-7^Ct^LN", type=kind, n="2"))
    assert taken(body).get("ct_value") == cycles


def test_a_correction_keeps_its_id_and_comes_later_and_a_deletion_withdraws() -> None:
    first, second = only(an_oru()), only(an_oru("260373001^Detected^SCT", id="M2", at="20220306080000"))
    assert first.record["source_id"] == second.record["source_id"]
    assert first.record["revised_at"] < second.record["revised_at"] == "2022-03-06T08:00:00+08:00"
    for state in "DWX":
        gone = taken(message(header(), pid(), obr(), obx(state=state)))
        assert (gone["withdrawn"], gone["source_id"]) == (True, "JSLAB/L0001")
    [waiting] = said(message(header(), pid(), obr(state="I"), obx("", state="I")))
    assert isinstance(waiting, Unused)
    assert waiting.why.code == "not_final"


def test_each_person_and_each_order_of_a_message_gets_its_own_record() -> None:
    body = message(header(), pid(1), obr("L1"), obx(), obr("L2"), obx(), pid(2), obr("L3"), obx())
    records = [item.record for item in said(body) if isinstance(item, Item)]
    assert [record["source_id"] for record in records] == ["JSLAB/L1", "JSLAB/L2", "JSLAB/L3"]
    assert [record["person_ref"] for record in records] == [f"jiashan-lab:MR000{n}" for n in (1, 1, 2)]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\n\r\n"])
def test_segments_may_end_in_any_way(end: str) -> None:
    lines = header(), pid(), obr(), obx()
    assert taken(message(*lines, end=end)) == taken(message(*lines))


def test_a_newline_in_a_text_does_not_end_its_segment() -> None:
    body = message(header(), pid(), obr(), "OBX|1|TX|XGHS||阳性\n|||||F")
    assert taken(body)["result"] == "positive"


def test_escapes_are_read_in_the_message_s_own_delimiters_and_character_set() -> None:
    assert (
        taken(message(header(), pid(name="O\\T\\R\\S\\X\\F\\Y\\E\\Z\\R\\^A"), obr(), obx()))["person"]["name"]
        == "A O&R^X|Y\\Z~"
    )
    for charset, codec in (("GB 18030-2000", "gb18030"), ("UNICODE UTF-8", "utf-8"), ("", "utf-8")):
        escape = "".join(f"{byte:02X}" for byte in "镕".encode(codec))
        name = taken(
            message(header(charset=charset), pid(name=f"朱^\\X{escape}\\某"), obr(), obx()).decode().encode(codec)
        )
        assert name["person"]["name"] == "朱镕某"
    other = an_oru().decode().replace("\\", "$").replace("|", "#").replace("^", "!").encode()
    assert taken(other) == taken(an_oru())
    assert (
        only(message(header(), pid(name="王\\X0A\\某^"), obr(), obx())).reading(ANYBODY).problems[0].code
        == "not_printed"
    )


def test_bytes_that_are_not_of_the_named_character_set_are_refused_with_what_to_write() -> None:
    assert refusal(an_oru().decode().encode("gb18030")) == ("MSH^1^18", "not_in_charset")
    assert refusal(an_oru(charset="ASCII")) == ("MSH^1^18", "not_in_charset")
    assert refusal(an_oru(charset="ISO IR87")) == ("MSH^1^18", "unknown_charset")
    assert taken(an_oru(charset="GB 18030-2000").decode().encode("gb18030"))["person"]["name"] == "王某1"


def test_bytes_of_one_character_may_be_escaped_apart_and_wrong_ones_are_refused_as_raw_ones_are() -> None:
    for charset, codec in (("GB 18030-2000", "gb18030"), ("UNICODE UTF-8", "utf-8")):
        apart = "".join(f"\\X{byte:02X}\\" for byte in "镕".encode(codec))
        body = message(header(charset=charset), pid(name=f"朱{apart}^某\\F\\{apart}"), obr(), obx())
        assert taken(body.decode().encode(codec))["person"]["name"] == "朱镕某|镕"
    for wrong in ("\\XFF\\", "\\XE9\\\\X95\\", "\\XE9\\a\\X9595\\"):
        for segments in ((pid(name=f"王{wrong}^某"), obr(), obx()), (pid(), obr(), obx(), f"NTE|1||{wrong}")):
            assert refusal(message(header(), *segments)) == ("MSH^1^18", "not_in_charset")
    assert taken(message(header(), pid(name="王\\E\\XFF^某"), obr(), obx()))["person"]["name"] == "王\\XFF某"


@pytest.mark.parametrize(
    ("sampled", "expected"),
    [
        ("202203050915", "2022-03-05T09:15:00+08:00"),
        ("20220305091500.123+0000", "2022-03-05T09:15:00.123000+00:00"),
        ("20220305", "2022-03-05T00:00:00+08:00"),
        ("2022-03-05 09:15:00", "2022-03-05T09:15:00+08:00"),
        ("202203", None),
        ("20220231", None),
        ("yesterday", None),
    ],
)
def test_times_have_the_zone_of_the_source_where_they_have_none_and_are_as_exact_as_they_are(
    sampled: str, expected: str | None
) -> None:
    item = only(message(header(), pid(), obr(sampled=sampled), obx()))
    if expected:
        assert item.record["sampled_at"] == expected
        assert not item.reading(ANYBODY).problems
    else:
        assert codes(item)[0][0] == "sampled_at"
        assert item.place_of("sampled_at") == "OBR^1^7"


def test_a_result_known_by_the_day_takes_the_time_of_the_analysis_or_of_the_message() -> None:
    assert (
        taken(message(header(), pid(), obr(resulted="20220305"), obx()))["resulted_at"] == "2022-03-05T17:00:00+08:00"
    )
    body = message(header(), pid(), obr(resulted=""), obx(at=""))
    assert taken(body)["resulted_at"] == "2022-03-05T18:30:00+08:00"


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"version": "2.2"}, "MSH^1^12", "hl7_version"),
        ({"version": "2.6"}, "MSH^1^12", "hl7_version"),
        ({"kind": "ORM^O01"}, "MSH^1^9", "hl7_type"),
        ({"kind": "ADT^A03"}, "MSH^1^9", "hl7_type"),
        ({"app": "WHO"}, "MSH^1^3", "unknown_hl7_sender"),
        ({"id": ""}, "MSH^1^10", "missing"),
        ({"processing": "Q"}, "MSH^1^11", "not_one_of"),
    ],
)
def test_a_message_that_is_not_taken_says_which_field_is_why(fields: dict[str, str], field: str, code: str) -> None:
    assert refusal(message(header(**fields), pid(), obr(), obx())) == (field, code)


def test_all_versions_are_taken_and_training_messages_are_exercises() -> None:
    for version in ("2.3", "2.3.1", "2.4", "2.5", "2.5.1"):
        assert "drill" not in taken(an_oru(version=version))
    assert taken(an_oru(processing="T"))["drill"] is True


@pytest.mark.parametrize(
    "body", [b"", b"MSH", b"MSH|^~\\", b"MSH|||||", b"\x00\x01", b"PID|1||7", b"MSH|^^^^|A|B", b"\xff\xfe"]
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    assert refusal(body)[1] == "not_hl7"


def test_a_message_without_anything_of_use_says_so() -> None:
    flu = message(header(), pid(), obr(code="76078-5^Influenza A RNA^LN"), obx(code="76078-5^Influenza A RNA^LN"))
    cases = {
        flu: "no_nucleic_acid",
        message(header(), pid()): "no_results",
        an_adt(diagnosis=""): "no_notifiable_diagnosis",
    }
    for body, code in cases.items():
        [unused] = said(body)
        assert isinstance(unused, Unused)
        assert unused.why.code == code
    [measles] = said(an_adt(diagnosis="B05.9^麻疹^I10"))
    assert isinstance(measles, Unused)
    assert (measles.why.code, measles.why.params["zh"], measles.why.params["class"]) == ("other_disease", "麻疹", "B")


def test_a_batch_is_cut_into_its_messages() -> None:
    one, two = an_oru(order="L1"), an_oru(order="L2")
    assert messages_in(one) == [one.strip()]
    batch = b"FHS|^~\\&|LIS\rBHS|^~\\&|LIS\r" + one + two + b"BTS|2\rFTS|1\r"
    assert messages_in(batch) == [one.strip(), two.strip()]
    assert messages_in(b"rubbish\r" + one) == [b"rubbish\r", one.strip()]
    assert [said(each) for each in messages_in(b"\xef\xbb\xbf" + one)] == [said(one)]


def test_a_rejected_record_can_be_mended_as_it_is() -> None:
    item = only(message(header(), pid(), obr(), obx("大致正常", type="ST")))
    mended = {**item.record, "result": "negative"}
    import json

    assert not read(json.dumps(mended).encode(), ANYBODY).problems


def test_null_values_and_extra_segments_are_borne() -> None:
    body = message(header(), pid(phone='""', sex='""'), "ZPI|1|x", "NTE|1||note", obr(), obx(), "ZZZ")
    assert "phone" not in taken(body)["person"]
    assert len(read_message(body, "utf-8").segments) == 7
