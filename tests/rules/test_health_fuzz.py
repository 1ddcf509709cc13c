"""100,000 damaged messages: each gives records, words why not, or words that nothing in it is of use."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.health.fhir.answers import Outcome, outcome_of, refusal_of, response_of
from services.intake.health.fhir.taking import read_fhir, readings_of
from services.intake.health.hl7.answers import REJECT, Error, acknowledge, code_of, errors_of
from services.intake.health.hl7.message import read_message
from services.intake.health.hl7.reading import source_of, translate
from services.intake.health.items import Answered, Item, Translated, Unused
from services.intake.problems import Refused
from services.intake.sender import Sender
from services.intake.verdicts import ACCEPTED, REJECTED, Verdict
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
    report,
)
from tests.rules.hl7_messages import SOURCES, an_adt, an_oru, header, message, obr, obx, pid, spm
from tests.rules.mutations import damaged, damaged_json

ANYBODY = Sender("tester", ("",))
HL7 = [
    an_oru(),
    an_oru("260373001^Detected^SCT", version="2.3"),
    an_oru(charset="GB 18030-2000").decode().encode("gb18030"),
    an_adt(),
    an_adt("A08", diagnosis=""),
    message(header(), pid(1), obr("L1"), obx(), spm(), pid(2), obr("L2"), obx("阳性", type="ST"), spm()),
    message(
        header(), pid(), obr(), obx("阳性", "94559-2^ORF1ab^LN"), obx("阴性", "94533-7^N^LN"), obx("30", "ORF1ab-Ct")
    ),
    message(header(), pid(), obr("T1"), obx(), obr("T1"), obx("阳性", "Z1"), obx("阴性", "Z2"), obr("T2", state="X")),
]
FHIR = [
    as_bytes(bundle(patient(), observation(), condition(), *others())),
    as_bytes(bundle(report("Observation/o1", "Observation/o2"), observation(1), observation(2), kind="transaction")),
    as_bytes(observation(valueCodeableConcept=DETECTED)),
    as_bytes(condition(status="refuted")),
    as_bytes(patient()),
    as_bytes(bundle(patient(1), *pool(1, 2))),
    as_bytes(bundle(immunization(), encounter(), encounter(reason=None, diagnosis=[{"condition": {"display": "x"}}]))),
]
FHIR += [
    as_bytes(bundle(report("#o1", contained=[observation()], status="corrected"), report("Observation/o9", id="r2"))),
    as_bytes(bundle(observation(9, hasMember=[{"reference": f"Observation/o{n}"} for n in (1, 2, 9)]), observation(2))),
    as_bytes(
        bundle() | {"entry": [{"resource": condition(), "fullUrl": "urn:uuid:1", "request": {"method": "DELETE"}}]}
    ),
    as_bytes(bundle(*({**observation(n), "id": None, "identifier": [{"value": "A1"}]} for n in (1, 1, 2)))),
]
OF_HL7, OF_FHIR = 90_000, 10_000


def judged(said: Translated) -> tuple[str, list[Answered | Unused]]:
    """What the door would find wrong with the fields; the word of the worst."""
    told: list[Answered | Unused] = []
    for each in said:
        if isinstance(each, Item):
            reading = each.reading(ANYBODY)
            assert (reading.record is None) == bool(reading.problems)
            word = REJECTED if reading.problems else ACCEPTED
            told.append(Answered(each, Verdict(reading.feed, reading.source_id, None, word, problems=reading.problems)))
        else:
            told.append(each)
    for one in told:
        for problem in one.verdict.problems if isinstance(one, Answered) else (one.why,):
            assert all(problem.told(language).values() or problem.field == "" for language in ("zh", "en"))
    words = {one.verdict.word for one in told if isinstance(one, Answered)}
    return (REJECTED if REJECTED in words else ACCEPTED if words else "unused"), told


def of_hl7(body: bytes) -> str:
    """The word, after the ACK was made of it."""
    try:
        read = read_message(body, "utf-8")
        word, told = judged(translate(read, source_of(read, SOURCES, None)))
    except Refused as refused:
        errors = [Error(problem.field, problem) for problem in refused.problems]
        assert b"\rMSA" in acknowledge(body, REJECT, errors, None, "zh")
        return "refused"
    assert b"\rMSA" in acknowledge(read, code_of(told), errors_of(told), None, "en")
    return word


def test_90_000_damaged_messages_of_hl7_each_get_an_answer() -> None:
    chance = Random(20220305)
    words = Counter(of_hl7(damaged(chance.choice(HL7), chance)) for _ in range(OF_HL7))
    assert words.keys() == {"refused", REJECTED, ACCEPTED, "unused"}
    assert min(words.values()) > OF_HL7 // 100


def of_fhir(body: bytes) -> str:
    """The word of the worst entry, after the outcomes were made of it."""
    source = SOURCES.of_feed("jiashan-hospital")
    assert source is not None
    try:
        kind, parts = read_fhir(body, source)
    except Refused as refused:
        assert all(problem.code != "adapter_failed" for problem in refused.problems)
        assert refusal_of(refused.problems, "zh").outcome["issue"]
        return "refused"
    words, outcomes = set[str](), list[Outcome]()
    for entry, said in parts:
        assert all(problem.code != "adapter_failed" for problem in entry.problems)
        readings = readings_of((entry, said), source, ANYBODY)
        assert all((reading.record is None) == bool(reading.problems) for reading in readings)
        word, told = judged([each for each in said if not (isinstance(each, Item) and each.only_if_known)])
        words.add(REJECTED if entry.problems else word)
        outcomes.append(refusal_of(entry.problems, "en") if entry.problems else outcome_of(told, "en"))
    assert response_of(kind, [entry for entry, _ in parts], outcomes)
    return next((word for word in (REJECTED, ACCEPTED) if word in words), "unused")


def test_10_000_damaged_messages_of_fhir_each_get_an_answer() -> None:
    chance = Random(20220305)
    whole = [json.loads(each) for each in FHIR]
    words = Counter(of_fhir(as_bytes(damaged_json(chance.choice(whole), chance))) for _ in range(OF_FHIR - 3_000))
    words += Counter(of_fhir(damaged(chance.choice(FHIR), chance)) for _ in range(3_000))
    assert words.keys() == {"refused", REJECTED, ACCEPTED, "unused"}
    assert min(words.values()) > OF_FHIR // 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_value_put_anywhere_into_a_bundle_is_borne(data: st.DataObject) -> None:
    content = json.loads(data.draw(st.sampled_from(FHIR)))
    part = content
    while True:
        key = data.draw(st.sampled_from(sorted(part)) if isinstance(part, dict) else st.integers(0, len(part) - 1))
        if not (isinstance(part[key], dict | list) and part[key] and data.draw(st.integers(0, 4))):
            break
        part = part[key]
    part[key] = data.draw(JSON)
    of_fhir(as_bytes(content))


SEPARATED = st.text(alphabet="|^~\\&\r\nAMSHOBX0129.阳", max_size=60)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(HL7), st.integers(0, 3_000), SEPARATED, st.integers(0, 30))
def test_any_text_put_anywhere_into_a_message_of_hl7_is_borne(body: bytes, place: int, text: str, gone: int) -> None:
    of_hl7(body[:place] + text.encode() + body[place + gone :])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_borne(body: bytes) -> None:
    assert of_hl7(body) == "refused"
    of_hl7(HL7[0].split(b"\r")[0] + b"\r" + body)
