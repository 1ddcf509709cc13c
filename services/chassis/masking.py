"""Records and errors without identity: what an operator may see of a record that was set aside.

Records carry no names by design, but a bad one may be anything. Shown are the structure, and values that a known field
holds and that cannot name anybody: words of a closed list, instants, division codes, random ids, small numbers.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import Any

import asyncpg
from pydantic import TypeAdapter, ValidationError

from contracts.envelope import REGISTRY, Event, Fact
from contracts.topics import SERVICES

LONGEST_REASON = 2_000
LONGEST_VIEW = 20_000  # characters
MOST_ITEMS = 20  # of a list
SMALL = 1_000_000  # a number from here on may be a phone's or a person's

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")  # a field's name
_TYPE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,5}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][\d:.]{5,15}(?:Z|[+-]\d\d:?\d\d)?)?")
_DIVISION = re.compile(r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}|\d{15}")
_RANDOM = re.compile(r"(?:[a-z]{2,16}:)?([a-z0-9-]{16,64})")
_COUNTED = re.compile(r"[a-z]{1,16}[:-]\d{1,6}")
_CHANGES = re.compile(r"[a-z](?=[0-9])|[0-9](?=[a-z])")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NAMING = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff·]+|(?<!\w)\d{11,18}[xX]?(?!\w)")
_NAMES_INPUT = ("value_error", "assertion_error", "union_tag_invalid")  # pydantic's messages that quote what came


def is_random(text: str) -> bool:
    """Whether it looks drawn or hashed (letters and digits change places), or counted as in "tube-17"."""
    drawn = _RANDOM.fullmatch(text)
    return bool(_COUNTED.fullmatch(text) or (drawn and len(_CHANGES.findall(drawn.group(1))) >= 3))


def key_without_identity(key: str | None) -> str:
    """The key of a record: an id is shown."""
    if key is None:
        return "none"
    return key if is_random(key) else _hidden(key)


def record_without_identity(record: bytes | None) -> str:
    """The record as indented JSON, or what can be said of bytes that are none."""
    if record is None:
        return "none: a void record"
    try:
        text = json.dumps(_View(json.loads(record)).shown, indent=2)
    except (ValueError, RecursionError):
        return _no_json(record)
    return text if len(text) <= LONGEST_VIEW else f"{text[:LONGEST_VIEW]}\n… {len(text) - LONGEST_VIEW} characters more"


def reason_of(error: BaseException, record: bytes | None = None) -> str:
    """The error in words, with its kind, at most 2,000 characters, without what the record says of anybody."""
    if isinstance(error, ValidationError):
        words = _invalid(error)
    else:  # PostgreSQL's detail, which quotes rows, is left out
        words = str(error.args[0]) if isinstance(error, asyncpg.PostgresError) and error.args else str(error)
        for hidden in _hidden_in(record):
            words = re.sub(rf"(?<!\w){re.escape(hidden)}(?!\w)", "…", words)
        words = _NAMING.sub("…", _QUOTED.sub(_keep_words, words))
    return f"{type(error).__name__}: {words}"[:LONGEST_REASON].replace("\0", "")


def _keep_words(quoted: re.Match[str]) -> str:
    inner = quoted.group(1) if quoted.group(1) is not None else quoted.group(2)
    harmless = _WORD.fullmatch(inner) or _TYPE.fullmatch(inner) or is_random(inner)
    return quoted.group(0) if harmless else "'…'"


def _invalid(error: ValidationError) -> str:
    """What stands against each field, without its value."""
    lines = []
    for wrong in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) if isinstance(part, int) else _name(part, 0) for part in wrong["loc"])
        words = wrong["type"] if wrong["type"] in _NAMES_INPUT else wrong["msg"]
        if wrong["type"] == "extra_forbidden":
            words = "this version does not know the field: update this service, then resend"
        lines.append(f"{place}: {words}" if place else words)
    return "; ".join(lines)


def _hidden_in(record: bytes | None) -> list[str]:
    """The texts that are hidden in a record, longest first; two letters of Latin script are too common."""
    try:
        hidden = _View(json.loads(record or b"null")).hidden
    except (ValueError, RecursionError):
        return []
    return sorted({text for text in hidden if len(text) > (2 if text.isascii() else 1)}, key=len, reverse=True)


def _no_json(record: bytes) -> str:
    text = record[:40].decode("ascii", "replace")
    shape = "".join(
        "x" if c.isalpha() else "9" if c.isdigit() else c if c.isprintable() and c.isascii() else "." for c in text
    )
    digest = hashlib.sha256(record).hexdigest()
    what = f"{len(record):,} bytes that are no JSON (or nested too deep)"
    return f"{what}, sha256 {digest}, shaped {shape!r} at the beginning"


def _name(field: str, place: int) -> str:
    return field if _WORD.fullmatch(field) else f"(field {place}, {len(field)} characters)"


def _hidden(value: object) -> str:
    return f"(text, {len(value)} characters)" if isinstance(value, str) else "(number)"


@cache
def _schema(type_: object) -> dict[str, Any]:
    """JSON Schema of the event; of the envelope alone when the type is not known."""
    kind = REGISTRY.facts.get(type_, Fact) if isinstance(type_, str) else Fact
    schema = TypeAdapter(Event[kind]).json_schema()  # type: ignore[valid-type]
    schema["properties"]["type"] = {"pattern": _TYPE}
    schema["properties"]["source"] = {"enum": SERVICES}
    return schema


class _View:
    """One record: what is shown of it, and the texts that are not."""

    def __init__(self, content: Any) -> None:
        type_ = content.get("type") if isinstance(content, dict) else None
        schema = _schema(type_ if isinstance(type_, str) else None)
        self._defs: dict[str, Any] = schema.get("$defs", {})
        self.hidden: list[str] = []
        self.shown = self._of(content, [schema])

    def _of(self, value: Any, kinds: list[dict[str, Any]]) -> Any:
        kinds = [self._resolved(one) for kind in kinds for one in kind.get("anyOf", [kind])]
        if isinstance(value, dict):
            return {
                _name(field, i): self._of(
                    inner, [kind["properties"].get(field, {}) for kind in kinds if "properties" in kind]
                )
                for i, (field, inner) in enumerate(value.items(), 1)
            }
        if isinstance(value, list):
            shown = [self._of(one, [kind.get("items", {}) for kind in kinds]) for one in value]
            more = len(shown) - MOST_ITEMS
            return [*shown[:MOST_ITEMS], f"({more} more)"] if more > 0 else shown
        if value is None or isinstance(value, bool) or any(_harmless(value, kind) for kind in kinds):
            return value
        self.hidden.append(str(value))
        return _hidden(value)

    def _resolved(self, kind: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._defs.get(str(kind.get("$ref", "")).rpartition("/")[2], kind)
        return found


def _harmless(value: object, kind: dict[str, Any]) -> bool:
    """Whether a field of this kind may show the value. Free text, of any length but an id's or a code's, may not."""
    if isinstance(value, int | float):
        return kind.get("type") in ("integer", "number") and abs(value) < SMALL
    text = str(value)
    if "enum" in kind or "const" in kind:
        return text in kind.get("enum", [kind.get("const")])
    if "pattern" in kind and isinstance(kind["pattern"], re.Pattern):
        return bool(kind["pattern"].fullmatch(text))
    if "format" in kind:
        return bool(_INSTANT.fullmatch(text))
    if kind.get("maxLength") == 24:
        return bool(_DIVISION.fullmatch(text))
    return kind.get("maxLength") == 64 and is_random(text)
