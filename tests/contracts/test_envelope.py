"""The envelope: the same id whenever the same is said again, a chain of causes, and plain words for a bad record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.envelope import REGISTRY, Event, Fact, Registry, UnknownEvent, event_id, parse, say
from contracts.events.testing import Result, TubeResulted
from contracts.policy.days import SHANGHAI
from deploy.contracts.examples import draft

NOON = datetime(2022, 3, 5, 12, tzinfo=SHANGHAI)
EVERY_TYPE = sorted(REGISTRY.facts)


def a_result(**changed: Any) -> TubeResulted:
    fields = {"statement_id": "s1", "tube_id": "tube-7", "resulted_at": NOON, "result": Result.POSITIVE}
    return TubeResulted.model_validate(fields | changed)


def an_event(fact: Fact | None = None, **changed: Any) -> Event[Fact]:
    return say(fact or a_result(), **({"source": "intake", "time": NOON, "division": "330402"} | changed))


def record(**changed: Any) -> bytes:
    return json.dumps(json.loads(an_event().to_wire()) | changed).encode()


def test_the_same_content_said_again_has_the_same_id() -> None:
    first = an_event()
    again = an_event(time=NOON + timedelta(hours=3), cause="another record", correlation="another chain")
    assert first.id == again.id
    assert len(first.id) == 32


@pytest.mark.parametrize(
    "other",
    [{"revision": 2}, {"withdrawn": True}, {"result": Result.NEGATIVE}, {"tube_id": "tube-8"}, {"statement_id": "s2"}],
)
def test_another_revision_or_content_has_another_id(other: dict[str, Any]) -> None:
    assert an_event(a_result(**other)).id != an_event().id


@given(st.lists(st.text(min_size=1, max_size=4), min_size=3, max_size=3), st.integers(1, 3))
def test_the_parts_of_an_id_do_not_run_into_each_other(parts: list[str], moved: int) -> None:
    whole = event_id(*parts, b"")
    head, tail = parts[0] + parts[1][:moved], parts[1][moved:]
    assert event_id(head, tail, parts[2], b"") != whole


def test_the_subject_is_the_key_that_orders_the_fact() -> None:
    assert an_event().subject == "tube-7"


def test_an_event_without_a_cause_begins_its_chain() -> None:
    event = an_event()
    assert (event.correlation, event.causation) == (event.id, None)


def test_a_chain_keeps_its_first_event_and_names_the_last() -> None:
    first = an_event()
    second = an_event(a_result(statement_id="s2"), cause=first)
    third = an_event(a_result(statement_id="s3"), cause=second)
    assert (third.correlation, third.causation) == (first.id, second.id)


def test_a_drill_passes_on_from_its_cause() -> None:
    drill = an_event(drill=True)
    assert an_event(a_result(statement_id="s2"), cause=drill).drill
    assert not an_event(a_result(statement_id="s2"), cause=an_event()).drill


@pytest.mark.parametrize("wire", EVERY_TYPE)
def test_every_event_survives_the_wire_also_without_what_may_be_absent(wire: str) -> None:
    for said in draft(REGISTRY.facts[wire]):
        event = parse(json.dumps(said).encode())
        assert type(event.data) is REGISTRY.facts[wire]
        assert parse(event.to_wire()) == event


def test_what_was_said_is_what_is_heard() -> None:
    said = an_event(cause="r1", drill=True)
    assert parse(said.to_wire()).model_dump() == said.model_dump()


@pytest.mark.parametrize(
    "junk", [b"", b"tube-resulted", b"[]", b"\xff\xfe", b"\x00" * 40, b'{"type": 3}', b'{"Type": "x"}']
)
def test_what_is_no_event_is_refused_in_plain_words(junk: bytes) -> None:
    with pytest.raises(ValueError, match="not an event: a JSON object with a text field `type` was expected"):
        parse(junk)


def test_broken_json_around_a_type_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid JSON"):
        parse(record()[:-5])


@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise_anything_but_a_value_error(noise: bytes) -> None:
    for bytes_ in (noise, b'{"type":"tube-resulted",' + noise, record()[:60] + noise):
        with pytest.raises(ValueError):
            parse(bytes_)


def test_an_unknown_type_says_to_update() -> None:
    with pytest.raises(
        UnknownEvent, match="'tube-lost' is not known to this version: update this service, then resend"
    ):
        parse(record(type="tube-lost"))


def test_a_type_that_is_not_that_of_the_fact_is_refused() -> None:
    doubled = (
        record()
        .replace(b"{", b'{"type": "tube-resulted", ', 1)
        .replace(b'"type": "tube-resulted", "so', b'"type": "x", "so')
    )
    with pytest.raises(ValueError, match="the envelope says 'x' where the fact is 'tube-resulted'"):
        parse(doubled)
    with pytest.raises(ValidationError, match="canvassed_at"):
        parse(record(type="household-canvassed"))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"specversion": "2.0"}, "specversion"),
        ({"time": "2022-03-05T12:00:00"}, "time"),
        ({"subject": ""}, "subject"),
        ({"phone": "138"}, "phone"),
        ({"data": {"tube_id": "tube-7", "result": "maybe"}}, "data.result"),
        ({"data": json.loads(an_event().to_wire())["data"] | {"name": "x"}}, "data.name"),
        ({"data": json.loads(an_event().to_wire())["data"] | {"revision": 0}}, "data.revision"),
    ],
)
def test_a_wrong_field_is_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse(record(**changed))
    assert field in {".".join(map(str, wrong["loc"])) for wrong in refused.value.errors()}


def test_two_facts_of_one_name_are_refused() -> None:
    class TubeLost(Fact):
        type: ClassVar[str] = "tube-lost"

    registry = Registry()
    registry.register(TubeLost)
    with pytest.raises(TypeError, match="two facts are called 'tube-lost': rename one"):
        registry.register(TubeLost)
