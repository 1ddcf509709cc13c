"""The quick reader of screenings says what the models say, of every record; what it does not know it leaves to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import parse
from services.rollup.rules import counting
from services.rollup.rules.counting import Said
from services.rollup.rules.plain import said_of
from services.rollup.rules.screenings import Screened, parse_quickly, read
from tests.stores.rollup_facts import a_screening

PLAIN: dict[str, Any] = json.loads(a_screening().to_wire())
FACT: dict[str, Any] = PLAIN["data"]

_text = st.text(max_size=3) | st.sampled_from(["a" * 64, "a" * 65, "fever", "\ud800", "0", "true", " s1 ", "1.0"])
_instants = st.sampled_from(
    [
        *("2022-03-05T09:00:00+08:00", "2022-03-04T16:00:00Z", "2022-03-05T09:00:00.123456789+08:00"),
        *("2022-03-05T24:00:00Z", "2022-03-05 09:00:00+0800", "2022-03-05T09:00:00", "2022-03-05", "1646442000"),
        *("0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", "2022-02-30T00:00:00Z", "2022-03-05T09:00:00z"),
    ]
)
_numbers = st.integers(-1, 2**70) | st.floats() | st.sampled_from([37, 37.3, 37.29999, 30, 45, 45.1, 1e400, 1.0])
_values = _text | _instants | _numbers | st.booleans() | st.none() | st.lists(_text, max_size=2)
_symptoms = st.lists(st.sampled_from(["fever", "cough", "diarrhoea", "sneezing"]), max_size=3)


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A screening of which some fields have other values, are missing or are unknown; also what is hardly JSON."""
    fact, event = dict(FACT), dict(PLAIN)
    fact |= draw(st.fixed_dictionaries({}, optional={"temperature_celsius": _numbers, "symptoms": _symptoms}))
    fact |= draw(st.fixed_dictionaries({}, optional={"screened_at": _instants, "withdrawn": st.booleans()}))
    event |= draw(st.fixed_dictionaries({}, optional={"time": _instants, "drill": st.booleans()}))
    for fields in (fact, event) if draw(st.booleans()) else ():
        fields |= draw(st.dictionaries(st.sampled_from([*fields, "type", "more"]), _values, max_size=2))
        for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=1)):
            del fields[name]
    text = json.dumps(event | {"data": fact}, separators=(",", draw(st.sampled_from([":", ": "]))))
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(text)))
        more = draw(st.sampled_from(["", "\n", "\0", '"', "}", ',"type":"case-screened"', "\ud800"]))
        text = text[:at] + more + text[at:]
    return text.encode("utf-8", "surrogatepass")


def read_quickly(record: bytes) -> Said | None:
    told = read(parse_quickly(record))
    return told and said_of(told)


def outcome(work: Callable[[bytes], Any], record: bytes) -> tuple[Any, str]:
    try:
        return work(record), ""
    except (ValueError, OverflowError) as error:
        return None, f"{type(error).__name__} {error}"


@settings(max_examples=800, deadline=None)
@given(record=records())
def test_the_quick_reader_says_what_the_models_say(record: bytes) -> None:
    assert outcome(read_quickly, record) == outcome(lambda one: counting.read(parse(one)), record)


@settings(max_examples=300, deadline=None)
@given(record=records())
def test_what_the_chassis_asks_of_an_event_is_the_same(record: bytes) -> None:
    def asked(work: Callable[[bytes], Any]) -> tuple[Any, str]:
        found, error = outcome(work, record)
        return found and (found.id, found.type, found.subject, found.division, found.drill), error

    assert asked(parse_quickly) == asked(parse)


def test_a_plain_screening_is_read_quickly() -> None:
    assert type(parse_quickly(a_screening().to_wire())) is Screened


HARD = {
    "two types": b'"type":"tube-sampled","type":"case-screened"',
    "two types, the other way": b'"type":"case-screened","type":"tube-sampled"',
    "a type in other letters": b'"\\u0074ype":"case-screened"',
    "a type twice": b'"type":"case-screened","type":"case-screened"',
    "a type in other letters and as it is": b'"\\u0074ype":"case-screened","type":"case-screened"',
}


@pytest.mark.parametrize("words", HARD.values(), ids=HARD)
def test_a_field_that_stands_twice_is_read_as_the_models_read_it(words: bytes) -> None:
    record = a_screening().to_wire().replace(b'"type":"case-screened"', words)
    assert outcome(read_quickly, record) == outcome(lambda one: counting.read(parse(one)), record)
