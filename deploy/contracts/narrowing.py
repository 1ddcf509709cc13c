"""What a record that an old schema takes may be refused for by a new one, named field by field.

`jsoncompat` decides it for closed schemas, but answers only yes or no, and is silent about `pattern`, `format` and
`default`. The rules here name what they find and cover those three. Either one's word is enough to call it a break.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import jsoncompat

from deploy.contracts.published import Json

_FLOORS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_CEILINGS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems")
_ABSENT = object()


def narrowings(old: Json, new: Json) -> list[str]:
    """Lines `field: what became narrower`; none when every record of `old` can be read by `new`."""
    named = list(_compared(_Node(old, old), _Node(new, new), ""))
    if named:
        return named
    try:
        return [] if takes_all_of(new, old) else ["refuses records that were taken, by the word of jsoncompat"]
    except ValueError as error:
        return [f"cannot be compared ({error}): write the model with simpler types"]


def takes_all_of(reader: Json, writer: Json) -> bool:
    """Whether `reader` takes every record that `writer` takes, by jsoncompat. Raises ValueError: it cannot say."""
    return bool(jsoncompat.check_compat(json.dumps(writer), json.dumps(reader), jsoncompat.Role.DESERIALIZER))


class _Node(NamedTuple):
    """A schema within its document."""

    document: Json
    schema: Json

    def at(self, schema: Json) -> _Node:
        """A schema below this one, its reference followed."""
        while "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            schema = {**self.document["$defs"][name], **{key: schema[key] for key in schema if key != "$ref"}}
        return _Node(self.document, schema)

    def kinds(self) -> tuple[list[_Node], bool]:
        """What the value may be, null apart; and whether it may be null."""
        branches = [self.at(branch) for branch in self.schema.get("anyOf", [self.schema])]
        solid = [branch for branch in branches if branch.schema.get("type") != "null"]
        return solid, len(solid) < len(branches)


def _compared(old: _Node, new: _Node, at: str) -> Iterator[str]:
    """Every narrowing at and below a field; unions of several kinds are left to jsoncompat."""
    (olds, old_null), (news, new_null) = old.kinds(), new.kinds()
    if old_null and not new_null:
        yield f"{at}: null is no longer taken"
    if len(olds) == len(news) == 1:
        yield from _values(olds[0].schema, news[0].schema, at)
        yield from _fields(olds[0], news[0], at)
        if "items" in olds[0].schema and "items" in news[0].schema:
            yield from _compared(old.at(olds[0].schema["items"]), new.at(news[0].schema["items"]), f"{at}[]")


def _fields(old: _Node, new: _Node, at: str) -> Iterator[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    was_required, is_required = set(old.schema.get("required", ())), set(new.schema.get("required", ()))
    for name in sorted(before.keys() - after.keys()):
        yield f"{_path(at, name)}: the field was removed"
    for name in sorted(is_required - was_required):
        yield f"{_path(at, name)}: newly required, and old records may leave it out"
    for name in sorted(before.keys() & after.keys()):
        old_field, new_field = old.at(before[name]), new.at(after[name])
        if "default" in old_field.schema and name not in is_required:
            yield from _default(old_field.schema, new_field.schema, _path(at, name))
        yield from _compared(old_field, new_field, _path(at, name))


def _default(old: Json, new: Json, at: str) -> Iterator[str]:
    now = new.get("default", _ABSENT)
    if now != old["default"]:
        said = "none" if now is _ABSENT else json.dumps(now)
        yield f"{at}: the default was {json.dumps(old['default'])}, is {said}: old records would be read otherwise"


def _values(old: Json, new: Json, at: str) -> Iterator[str]:
    yield from (f"{at}: {line}" for line in (*_kinds(old, new), *_bounds(old, new)))
    if old.get("type") == "object" and _closed(new) and not _closed(old):
        yield f"{at or 'record'}: was open, is closed"


def _closed(schema: Json) -> bool:
    return schema.get("additionalProperties") is False


def _kinds(old: Json, new: Json) -> Iterator[str]:
    was, now = old.get("type"), new.get("type")
    if now not in (None, was) and (was, now) != ("integer", "number"):
        yield f"the type was {was or 'any'}, is {now}"
    allowed, before = _allowed(new), _allowed(old)
    if allowed is not None and before is None:
        yield f"was free, is one of {', '.join(map(str, allowed))}"
    gone = [value for value in before or () if allowed is not None and value not in allowed]
    if gone:
        yield f"no longer takes {', '.join(map(str, gone))}"


def _allowed(schema: Json) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _bounds(old: Json, new: Json) -> Iterator[str]:
    for word in sorted(new.keys() & {*_FLOORS, *_CEILINGS, *_EXACT}):
        was, now = old.get(word), new[word]
        higher = word in _FLOORS and (was is None or now > was)
        lower = word in _CEILINGS and (was is None or now < was)
        if higher or lower or (word in _EXACT and now != was):
            yield f"{word} was {was if was is not None else 'free'}, is {now}"


def _path(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
