"""What an operator sees of a bad record, and of the error it met, names nobody."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.envelope import parse
from services.chassis.masking import is_random, key_without_identity, reason_of, record_without_identity
from tests.chassis.rig import a_result

NAMES = (
    "张伟",
    "Zhang Wei",
    "110101199001011234",
    "11010119900101123X",
    "13812345678",
    "zhangwei1988",
    "秀洲区 3 号楼",
)
DRAWN = "9f2c41d07be8a35566b0c1d2e3f4a5b6"


def an_event(**fields: Any) -> dict[str, Any]:
    """A test's result as on the wire, with other fields of its fact."""
    event: dict[str, Any] = json.loads(a_result(1, person=DRAWN).to_wire())
    event["data"] |= fields
    return event


def seen(content: object) -> str:
    return record_without_identity(json.dumps(content).encode())


def test_a_sound_event_is_shown_as_it_is_but_for_free_text() -> None:
    event = an_event()
    assert json.loads(seen(event)) == event


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", ["person_id", "statement_id", "result", "sampled_at", "ct_value", "note"])
def test_a_name_in_any_field_is_not_shown(name: str, field: str) -> None:
    text = seen(an_event(**{field: name}))
    assert name not in text and json.dumps(name)[1:-1] not in text
    assert f'"{field}": "(text, {len(name)} characters)"' in text


@pytest.mark.parametrize("field", ["ct_value", "revision", "note"])
def test_a_phone_number_typed_as_a_number_is_not_shown(field: str) -> None:
    assert "13812345678" not in seen(an_event(**{field: 13812345678}))


def test_free_text_of_a_known_field_is_not_shown() -> None:
    order = {"type": "quarantine-ordered", "data": {"reason": "lives with Zhang Wei", "order_id": "order-7"}}
    assert json.loads(seen(order))["data"] == {"reason": "(text, 20 characters)", "order_id": "order-7"}


def test_a_field_that_is_named_after_a_person_is_not_shown() -> None:
    assert json.loads(seen({"张伟": {"x": True}})) == {"(field 1, 2 characters)": {"x": True}}


def test_an_unknown_type_shows_its_envelope_and_the_structure_of_the_rest() -> None:
    shown = json.loads(seen(an_event(person={"name": "张伟", "phones": [13812345678]}) | {"type": "person-moved"}))
    assert (shown["type"], shown["time"], shown["id"]) == ("person-moved", "2022-03-05T12:00:00Z", an_event()["id"])
    assert shown["data"]["person"] == {"name": "(text, 2 characters)", "phones": ["(number)"]}


def test_a_long_list_is_cut_and_says_so() -> None:
    assert json.loads(seen({"data": [1] * 25}))["data"] == ["(number)"] * 20 + ["(5 more)"]


def test_bytes_that_are_no_json_are_measured_and_shaped() -> None:
    text = record_without_identity(b"Zhang Wei, 13812345678\x00\xff")
    assert text.startswith("24 bytes that are no JSON (or nested too deep), sha256 ")
    assert text.endswith("shaped 'xxxxx xxx, 99999999999..' at the beginning")


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_a_record_nested_deep_is_shown_or_measured(depth: int) -> None:
    assert record_without_identity(b"[" * depth + b"]" * depth)


def test_a_void_record_says_so() -> None:
    assert record_without_identity(None) == "none: a void record"


def test_an_invalid_event_gives_a_reason_without_what_came() -> None:
    bad = json.dumps(an_event(result="Zhang Wei", 张伟=1, sampled_at="13812345678x", ct_value="110101199001011234"))
    with pytest.raises(ValidationError) as caught:
        parse(bad.encode())
    reason = reason_of(caught.value, bad.encode())
    assert "data.result: Input should be 'negative', 'positive' or 'inconclusive'" in reason
    assert not any(name in reason for name in ("Zhang", "张伟", "138", "1101"))


@pytest.mark.parametrize("words", ["no {}", "no '{}' here", 'not "{}"', "cut: {}", "{!r} is wrong"])
@pytest.mark.parametrize("name", NAMES)
def test_a_handlers_error_that_quotes_the_record_does_not_name_anybody(words: str, name: str) -> None:
    record = json.dumps(an_event(note=name)).encode()
    reason = reason_of(KeyError(words.format(name)), record)
    assert reason.startswith("KeyError: ")
    assert name not in reason


def test_what_postgresql_quotes_of_a_row_is_left_out() -> None:
    error = asyncpg.UniqueViolationError('duplicate key value violates unique constraint "people_pkey"')
    error.detail = "Key (name)=(Zhang Wei) already exists."
    assert reason_of(error) == ('UniqueViolationError: duplicate key value violates unique constraint "people_pkey"')


def test_a_key_is_shown_when_it_is_an_id() -> None:
    shown = [key_without_identity(key) for key in (DRAWN, "person-17", "Zhang Wei", None)]
    assert shown == [DRAWN, "person-17", "(text, 9 characters)", "none"]


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"[1-6][0-9]{16}[0-9xX]|1[3-9][0-9]{9}|[a-z]{2,8}[0-9]{6,18}", fullmatch=True))
def test_numbers_of_persons_and_phones_never_pass_for_ids(number: str) -> None:
    assert not is_random(number)


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_can_be_shown(content: object) -> None:
    assert seen(content)


@settings(max_examples=50, deadline=None)
@given(st.binary())
def test_any_bytes_can_be_shown(record: bytes) -> None:
    assert record_without_identity(record)
