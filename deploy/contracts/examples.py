"""Golden examples: two records of each event as they lie in the log, kept for ever once they are committed.

`draft()` writes the first two of an event that has none; later ones are added by hand below them. Ids are synthetic.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from contracts.divisions import Divisions
from contracts.envelope import Event, Fact, parse, say
from contracts.policy.days import SHANGHAI
from contracts.topics import OF_FACT
from deploy.contracts.published import CONTRACTS, Json

FOLDER = CONTRACTS / "golden"
_START = datetime(2022, 3, 5, 8, 0, tzinfo=SHANGHAI)
_STEP = timedelta(minutes=35)
_GRID = f"{Divisions.load().children('330402007')[0]}001"

_WORDS: dict[str, Any] = {
    "round_id": "2022-03-05.1",
    "source_area_code": "330109",
    "institution": "institution-330402-01",
    "office": "office-330402-01",
    "decider": "post-330402-07",
    "decided_by": "post-330402-01",
    "post_id": "post-330402-07",
    "post_division_code": "330402",
    "jurisdiction_code": "330402",
    "other_division_code": "330411003001002",
    "to_division_code": "330411003001002",
    "division_code": _GRID,
    "deadline": "report.case.direct",
    "rule": "contact_lookback",
    "edition": "covid-ed8",
    "legal_basis": "传染病防治法(2013)第三十九条",
    "document": "隔离决定书〔2022〕第12号",
    "reason": "与一名确诊病例在同一车间工作,最后接触时间为3月3日",
    "temperature_celsius": 37.6,
    "ct_value": 27.4,
    "checks_per_day": 2,
    "persons_met": 3,
    "hours": 24,
    "reference": "嘉防指协查〔2022〕12号",
    "sent_by": "command-330411",
    **dict.fromkeys(("landed_by", "sought_by", "passed_by", "closed_by", "met_by"), "post-330402-07"),
}
_SHIFTS = {
    "onset_at": timedelta(days=-2),
    "left_area_at": timedelta(days=-1),
    "until_at": timedelta(days=14),
    "due_at": timedelta(minutes=85),
    "stopped_at": timedelta(minutes=85),
}
_TWO: dict[str, tuple[Json, Json]] = {
    "case-found": ({"classification": "confirmed"}, {"found_how": "line_list", "precision": "day"}),
    "case-classified": ({"classification": "suspected"}, {"classification": "confirmed"}),
    "deadline-judged": ({"verdict": "late"}, {"verdict": "unlimited", "standing": "blank"}),
    "episode-changed": (
        {"category": "close", "classification": "confirmed", "found_how": "under_control", "care": "isolated"},
        {"care": "none"},
    ),
    "time-advanced": ({"clock_id": "stage", "running": False}, {"clock_id": "stage", "running": True}),
}


def draft(fact: type[Fact]) -> list[Json]:
    """Two records: the first says all that may be said, the second is a correction that leaves out what may be."""
    return [json.loads(_Draft(fact, number).event().to_wire()) for number in (0, 1)]


def unreadable(records: list[Json]) -> list[str]:
    """Why a record cannot be parsed, or what of it is lost in parsing; a line each."""
    problems = []
    for number, record in enumerate(records, 1):
        try:
            back = json.loads(parse(json.dumps(record).encode()).to_wire())
        except ValueError as error:
            problems.append(f"record {number}: {error}")
        else:
            problems += [f"record {number}: {lost}" for lost in _lost(record, back, "")]
    return problems


def _lost(before: Any, after: Any, at: str) -> list[str]:
    """What was there and is not, or differs. What is new may be a default of a later field."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for key, value in before.items()
            if value is not None
            for line in _lost(value, after.get(key), f"{at}.{key}" if at else key)
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [line for old, new in zip(before, after, strict=True) for line in _lost(old, new, f"{at}[]")]
    return [] if before == after else [f"{at} was {before!r}, is read as {after!r}"]


class _Draft:
    """One example in the making: times go on by a step from field to field, and by a fortnight from item to item."""

    def __init__(self, fact: type[Fact], number: int) -> None:
        self._fact, self._number, self._item, self._at = fact, number, 0, _START
        self._schema: Json = fact.model_json_schema()

    def event(self) -> Event[Fact]:
        said = {"statement_id": _id(f"statement of {self._fact.type}"), "revision": 1 + self._number}
        chosen = _TWO.get(self._fact.type, ({}, {}))[self._number]
        data = self._fact.model_validate_json(json.dumps(self._object(self._schema) | said | chosen))
        return say(
            data,
            source=OF_FACT[self._fact].producer,
            time=_START + timedelta(hours=12),
            division=_GRID,
            cause=_id(f"cause of {self._fact.type}"),
            drill=bool(self._number),
        )

    def _object(self, schema: Json) -> Json:
        fields = {name: self._value(name, field) for name, field in schema["properties"].items()}
        return {name: value for name, value in fields.items() if value is not None or name in schema["required"]}

    def _value(self, name: str, schema: Json) -> Any:
        if "$ref" in schema:
            return self._value(name, self._schema["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        if "anyOf" in schema:
            solid = next(branch for branch in schema["anyOf"] if branch != {"type": "null"})
            return None if self._number else self._value(name, solid)
        if "enum" in schema:
            return schema["enum"][(self._number + self._item) % len(schema["enum"])]
        kinds = {"array": self._list, "object": lambda _, inner: self._object(inner), "string": self._text}
        return kinds.get(schema["type"], _number)(name, schema)

    def _list(self, name: str, schema: Json) -> list[Any]:
        began, outer, items = self._at, self._item, []
        for item in range(max(schema.get("minItems", 0), 2 - self._number)):
            self._item = item
            items.append(self._value(name, schema["items"]))
            self._at += timedelta(days=14)
        self._at, self._item = began, outer
        return items

    def _text(self, name: str, schema: Json) -> str:
        self._at += _STEP
        shifted = self._at + _SHIFTS.get(name, timedelta())
        if schema.get("format") == "date-time":
            return shifted.isoformat()
        if schema.get("format") == "date":
            return shifted.date().isoformat()
        return str(_WORDS.get(name, _id(f"{name} {self._item}" if self._item else name)))


def _number(name: str, schema: Json) -> float | bool:
    if schema["type"] == "boolean":
        return False
    known: Any = _WORDS.get(name, schema.get("minimum", 0))
    return int(known) if schema["type"] == "integer" else float(known)


def _id(name: str) -> str:
    """What a random id looks like, the same for the same name: the examples tell of one person."""
    return blake2b(name.encode(), digest_size=16).hexdigest()
