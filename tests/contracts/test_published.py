"""What is generated is fresh: schemas, AsyncAPI, tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from contracts.envelope import REGISTRY
from contracts.topics import SERVICES, TOPICS
from deploy.contracts.__main__ import stale
from deploy.contracts.published import ASYNCAPI, CONTRACTS
from deploy.contracts.tables import homeless, settings_table, topics_table, with_tables
from services.chassis.settings import Settings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CONTRACTS / ASYNCAPI).read_text(encoding="utf-8"))
    return loaded


def target(document: dict[str, Any], reference: str) -> Any:
    value: Any = document
    for step in reference.removeprefix("#/").split("/"):
        value = value[step]
    return value


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    if not isinstance(value, dict):
        return []
    return [value["$ref"]] if "$ref" in value else [found for item in value.values() for found in references(item)]


def test_every_generated_file_is_as_the_code_says() -> None:
    assert stale() == []


def test_there_is_one_schema_for_each_wire_type() -> None:
    assert {path.stem for path in (CONTRACTS / "schemas").iterdir()} == REGISTRY.facts.keys()


@pytest.mark.parametrize("wire", sorted(REGISTRY.facts))
def test_a_schema_is_closed_and_names_its_own_type(wire: str) -> None:
    schema = json.loads((CONTRACTS / "schemas" / f"{wire}.json").read_text(encoding="utf-8"))
    assert schema["properties"]["type"]["const"] == wire
    objects = [schema, *(part for part in schema["$defs"].values() if part["type"] == "object")]
    assert all(part["additionalProperties"] is False for part in objects)


def test_every_reference_of_the_asyncapi_document_leads_somewhere(document: dict[str, Any]) -> None:
    found = references(document)
    assert len(found) > 100
    for reference in found:
        assert target(document, reference) if reference.startswith("#") else (CONTRACTS / reference).is_file()


def test_the_asyncapi_document_says_who_sends_and_who_receives(document: dict[str, Any]) -> None:
    uses = {(use["x-service"], use["action"], use["channel"]["$ref"]) for use in document["operations"].values()}
    wanted = {(topic.producer, "send", f"#/channels/{topic.key}") for topic in TOPICS}
    wanted |= {(service, "receive", f"#/channels/{topic.key}") for topic in TOPICS for service in topic.consumers}
    assert uses == wanted
    assert {service for service, _, _ in uses} == set(SERVICES)


def test_topics_are_published_as_kept_for_ever(document: dict[str, Any]) -> None:
    for channel in document["channels"].values():
        kept = channel["bindings"]["kafka"]["topicConfiguration"]
        assert kept == {"cleanup.policy": ["delete"], "retention.ms": -1}


def test_the_table_of_topics_has_a_row_for_each() -> None:
    lines = topics_table().splitlines()
    assert lines[0] == "| topic | events | from | to | partitions | why |"
    assert len(lines) == 2 + len(TOPICS)
    assert lines[7].startswith(
        "| `cases` | `CaseFound`, `CaseReported`, `CaseClassified` | intake | tracing, alerts, rollup | 3 |"
    )


def test_the_table_of_settings_names_the_variables_and_shows_no_key() -> None:
    lines = settings_table().splitlines()
    assert len(lines) == 2 + len(Settings.model_fields)
    assert "| `GRIDWARD_CLOCK` | `wall` |" in settings_table()
    assert any(line.startswith("| `GRIDWARD_TOKEN_KEY` | must be set |") for line in lines)


def test_a_table_is_made_anew_between_its_markers_only() -> None:
    text = "before\n<!-- topics:begin -->\nold\n<!-- topics:end -->\nafter\n"
    assert with_tables(text) == f"before\n<!-- topics:begin -->\n{topics_table()}<!-- topics:end -->\nafter\n"
    assert with_tables(with_tables(text)) == with_tables(text)
    assert with_tables("no markers\n") == "no markers\n"


def test_a_table_without_markers_is_missed() -> None:
    (line,) = homeless("<!-- topics:begin -->")
    assert line.startswith("the table settings stands in no document: write the lines <!-- settings:begin -->")
