"""JSON Schemas (one a wire type) and the AsyncAPI document, made from `contracts.envelope` and `contracts.topics`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from contracts.envelope import REGISTRY, Event, Fact
from contracts.topics import TOPICS, Topic

Json: TypeAlias = dict[str, Any]
ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
ASYNCAPI = "asyncapi.yaml"
GENERATED = "# Generated from contracts/topics.py by `python -m deploy.contracts write`: edit that.\n"


def summary(fact: type[Fact]) -> str:
    """The first paragraph of a fact's docstring, on one line."""
    return " ".join((fact.__doc__ or "").split("\n\n")[0].split())


def schema_of(fact: type[Fact]) -> Json:
    """JSON Schema (2020-12) of a whole record with this fact in it, as readers take it; closed: no other field."""
    schema: Json = _untitled(Event[fact].model_json_schema())  # type: ignore[valid-type]
    schema["properties"]["type"] = {"const": fact.type, "type": "string"}
    return {
        **schema,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": fact.type,
        "description": summary(fact),
    }


def schemas() -> dict[str, Json]:
    """Wire type -> schema, of every registered fact."""
    return {wire: schema_of(fact) for wire, fact in sorted(REGISTRY.facts.items())}


def asyncapi() -> Json:
    """AsyncAPI 3.0: a channel a topic, a message a wire type, and what each service sends and receives."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gridward",
            "version": _version(),
            "description": "What the services say to each other over Kafka. Topics are kept and never compacted; "
            "partition counts never change.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {topic.key: _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(*use) for topic in TOPICS for use in _uses(topic)),
        "components": {"messages": {wire: _message(fact) for wire, fact in sorted(REGISTRY.facts.items())}},
    }


def files() -> dict[str, str]:
    """Path below `contracts/` -> text, of every file that is generated."""
    texts = {f"schemas/{wire}.json": pretty(schema) for wire, schema in schemas().items()}
    texts[ASYNCAPI] = GENERATED + yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=110)
    return texts


def pretty(value: Any) -> str:
    """JSON for people and for `git diff`."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _uses(topic: Topic) -> list[tuple[str, str, Topic]]:
    return [(topic.producer, "send", topic), *((service, "receive", topic) for service in topic.consumers)]


def _operation(service: str, action: str, topic: Topic) -> tuple[str, Json]:
    channel = {"$ref": f"#/channels/{topic.key}"}
    messages = [{"$ref": f"#/channels/{topic.key}/messages/{fact.type}"} for fact in topic.events]
    return f"{service}-{action}s-{topic.key}", {
        "action": action,
        "channel": channel,
        "x-service": service,
        "messages": messages,
    }


def _channel(topic: Topic) -> Json:
    configuration = {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms}
    return {
        "address": topic.key,
        "description": topic.why,
        "messages": {fact.type: {"$ref": f"#/components/messages/{fact.type}"} for fact in topic.events},
        "bindings": {
            "kafka": {
                "topic": topic.key,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(fact: type[Fact]) -> Json:
    number = {
        "type": "string",
        "description": "epoch.source.number: a partition's numbers are 1, 2, 3 and so on, without a hole",
    }
    key = {"type": "string", "description": f"the subject, which is data.{fact.key_field}"}
    return {
        "name": fact.type,
        "title": fact.__name__,
        "summary": summary(fact),
        "headers": {"type": "object", "required": ["n"], "properties": {"n": number}},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": {"$ref": f"./schemas/{fact.type}.json"},
        },
        "correlationId": {"location": "$message.payload#/correlation"},
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
        "x-key-field": fact.key_field,
    }


def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _untitled(value: Any) -> Any:
    """Without the titles that pydantic makes of field names; a field that is itself called `title` stays."""
    if isinstance(value, list):
        return [_untitled(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _untitled(item) for key, item in value.items() if key != "title" or not isinstance(item, str)}
