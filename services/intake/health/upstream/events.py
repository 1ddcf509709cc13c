"""CloudEvents 1.0 in Kafka records: structured (one JSON) or binary (headers `ce_*`), v1.0.2 of the Kafka binding."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from services.intake.problems import Problem, Refused

_NAMES = ("id", "source", "type", "specversion")


class CloudEvent(NamedTuple):
    """media_type: of data, without parameters. schema: what data is, where the sender says it."""

    id: str
    source: str
    type: str
    media_type: str
    schema: str
    data: bytes


def read_event(value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> CloudEvent:
    """Raises Refused for what is none."""
    named = {name.lower(): content.decode("utf-8", "replace") for name, content in headers if content is not None}
    media_type = _plain(named.get("content-type", ""))
    if value is None:
        raise Refused(Problem("data", "missing"))
    if media_type.startswith("application/cloudevents+"):
        return _structured(value)
    if "ce_id" in named or "ce_specversion" in named:
        attributes = {name.removeprefix("ce_"): content for name, content in named.items() if name.startswith("ce_")}
        return _event(attributes, media_type, value)
    if b'"specversion"' in value[:2_000]:  # structured, by a producer that sends no headers
        return _structured(value)
    raise Refused(Problem("", "not_cloudevent"))


def _structured(value: bytes) -> CloudEvent:
    try:
        content = from_json(value, allow_inf_nan=False)
    except ValueError:
        raise Refused(Problem("", "not_json")) from None
    if not isinstance(content, dict):
        raise Refused(Problem("", "not_object"))
    return _event(content, _plain(content.get("datacontenttype") or ""), _data(content))


def _data(content: Mapping[str, Any]) -> bytes:
    if isinstance(content.get("data_base64"), str):
        try:
            return base64.b64decode(content["data_base64"], validate=True)
        except (binascii.Error, ValueError):
            raise Refused(Problem("data_base64", "wrong")) from None
    if content.get("data") is None:
        raise Refused(Problem("data", "missing"))
    data = content["data"]
    return data.encode() if isinstance(data, str) else to_json(data)


def _event(attributes: Mapping[str, Any], media_type: str, data: bytes) -> CloudEvent:
    for name in _NAMES:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            raise Refused(Problem(name, "missing"))
    if not attributes["specversion"].startswith("1."):
        raise Refused(Problem("specversion", "not_one_of", {"expected": "1.0"}))
    schema = attributes.get("dataschema")
    text = {name: attributes[name] for name in ("id", "source", "type")}
    return CloudEvent(**text, media_type=media_type, schema=schema if isinstance(schema, str) else "", data=data)


def _plain(media_type: object) -> str:
    return media_type.partition(";")[0].strip().lower() if isinstance(media_type, str) else ""
