"""What a field of a record takes, read from the record's own schema: a mapping cannot name what is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from services.intake.records import KINDS

Shape = Literal["instant", "day", "number", "whole", "flag", "word", "words", "name", "code", "id", "phone", "text"]
_NAMES = frozenset({"name", "address"})
_NUMBERS: Mapping[str, Shape] = {"phone": "phone", "id_number": "id"}
_CODES = ("person_ref", "source_id", "ref", "division_code", "source_area_code")


@dataclass(frozen=True)
class Takes:
    """shape: how a cell becomes a value. choices: of a word. in_list: the field stands in each member of a list."""

    shape: Shape
    choices: tuple[str, ...] = ()
    in_list: bool = False


@cache
def fields_of(kind: str) -> Mapping[str, Takes]:
    """Every field that a column may fill, by its path: `person.id_number`, `members.temperature_celsius`."""
    schema = KINDS[kind].model_json_schema()
    found = dict[str, Takes]()
    _walk(schema, schema.get("$defs", {}), "", False, found)
    return {path: takes for path, takes in found.items() if path not in ("feed", "kind", "withdrawn")}


def ids_of(kind: str) -> list[str]:
    """The fields that name somebody by intake's own id."""
    return [path for path in fields_of(kind) if path.rpartition(".")[2] == "person_id"]


def list_of(kind: str) -> str | None:
    """The field that is a list of parts, one a row: the members of a household or a tube."""
    return next((path.partition(".")[0] for path, takes in fields_of(kind).items() if takes.in_list), None)


def _walk(part: Mapping[str, Any], parts: Mapping[str, Any], path: str, in_list: bool, found: dict[str, Takes]) -> None:
    for name, field in part.get("properties", {}).items():
        inner = f"{path}.{name}".removeprefix(".")
        field, listed = _plain(field, parts), in_list
        if field.get("type") == "array":
            item = _plain(field["items"], parts)
            if "properties" not in item:
                found[inner] = Takes("words", tuple(item.get("enum", ())), in_list)
                continue
            if path:  # a list within a part, as a person's documents: no column and no row is one of its members
                continue
            field, listed = item, True
        if "properties" in field:
            _walk(field, parts, inner, listed, found)
        else:
            found[inner] = Takes(_shape(name, field), tuple(field.get("enum", ())), listed)


def _plain(field: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the detour over a reference, and without `or null`."""
    for choice in field.get("anyOf", ()):
        if choice.get("type") != "null":
            field = choice
            break
    if "$ref" in field:
        return _plain(parts[field["$ref"].rpartition("/")[2]], parts)
    return field


def _shape(name: str, field: Mapping[str, Any]) -> Shape:
    by_type: dict[str, Shape] = {"number": "number", "integer": "whole", "boolean": "flag"}
    by_format: dict[str, Shape] = {"date-time": "instant", "date": "day"}
    if "enum" in field:
        return "word"
    if (shape := by_format.get(field.get("format", "")) or by_type.get(field.get("type", ""))) is not None:
        return shape
    if name in _NAMES:
        return "name"
    if name in _NUMBERS:
        return _NUMBERS[name]
    return "code" if name in _CODES or name.endswith("_id") else "text"
