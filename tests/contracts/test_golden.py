"""Golden examples: records as they lie in the log. Each is read for ever, and nothing of it is lost."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from contracts.envelope import REGISTRY, parse
from contracts.topics import OF_FACT
from deploy.contracts.examples import FOLDER, unreadable
from deploy.contracts.published import CONTRACTS

GOLDEN: dict[str, list[dict[str, Any]]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
}
RECORDS = [
    pytest.param(wire, record, id=f"{wire}-{number}")
    for wire, records in GOLDEN.items()
    for number, record in enumerate(records, 1)
]
each_record = pytest.mark.parametrize(("wire", "record"), RECORDS)


def test_every_event_has_examples_and_every_example_an_event() -> None:
    assert GOLDEN.keys() == REGISTRY.facts.keys()
    assert all(GOLDEN.values())


@each_record
def test_a_golden_record_is_still_read_and_said_again_unchanged(wire: str, record: dict[str, Any]) -> None:
    event = parse(json.dumps(record).encode())
    assert event.type == event.data.type == wire
    assert event.source == OF_FACT[type(event.data)].producer
    assert unreadable([record]) == []
    assert parse(event.to_wire()) == event


@each_record
def test_a_golden_record_fits_the_published_schema(wire: str, record: dict[str, Any]) -> None:
    """In both dialects: the files name 2020-12, tools of AsyncAPI read them as draft 7."""
    schema = json.loads((CONTRACTS / "schemas" / f"{wire}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert [
        str(wrong)
        for validator in (Draft202012Validator, Draft7Validator)
        for wrong in validator(schema).iter_errors(record)
    ] == []
    assert list(Draft202012Validator(schema).iter_errors(record | {"type": "another"}))
    assert list(Draft202012Validator(schema).iter_errors(record | {"phone": "another"}))


def test_a_golden_record_that_would_be_read_otherwise_is_named() -> None:
    record = deepcopy(GOLDEN["test-resulted"][0])
    record["data"]["sampled_at"] = "2022-03-05T09:00:00.000+08:00"
    assert unreadable([record]) == [
        "record 1: data.sampled_at was '2022-03-05T09:00:00.000+08:00', is read as '2022-03-05T09:00:00+08:00'"
    ]
    del record["data"]["sampled_at"]
    (problem,) = unreadable([record])
    assert "data.sampled_at\n  Field required" in problem
