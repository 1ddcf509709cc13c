"""The gate fires on what breaks old records, names it, and stays quiet on the rest."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from contracts.envelope import REGISTRY, Fact, Id, Instant
from contracts.events.cases import CaseReported
from contracts.topics import BY_KEY, TOPICS, Topic
from deploy.contracts import published
from deploy.contracts.breaking import Contract, breaks, update_first
from deploy.contracts.history import current
from deploy.contracts.narrowing import narrowings
from deploy.contracts.published import schema_of


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


Part = create_model("Part", __base__=Closed, part_id=(Id, ...), size=(int, 1))
SmallerPart = create_model("Part", __base__=Closed, part_id=(Id, ...))
FewerColours = StrEnum("Colour", {"RED": "red"})
MoreColours = StrEnum("Colour", {"RED": "red", "GREEN": "green", "BLUE": "blue"})

FIELDS: dict[str, Any] = {
    "person_id": (Id, ...),
    "seen_at": (Instant, ...),
    "colour": (Colour, ...),
    "persons": (Annotated[int, Field(ge=0, le=20)], ...),
    "heat": (Annotated[float, Field(ge=30)] | None, None),
    "code": (Annotated[str, Field(pattern="^[0-9]+$")], "0"),
    "parts": (tuple[Part, ...], ()),
}


def a_schema(**changed: Any) -> dict[str, Any]:
    """Schema of a made-up event: FIELDS, some of them changed or added, None: taken away."""
    fields = {name: kind for name, kind in (FIELDS | changed).items() if kind is not None}
    base = type("ThingSeen", (Fact,), {"type": "thing-seen", "__annotations__": {"type": ClassVar[str]}})
    return schema_of(create_model("ThingSeen", __base__=base, **fields))


BREAKS = [
    ({"colour": None}, "data.colour: the field was removed"),
    ({"place_id": (Id, ...)}, "data.place_id: newly required, and old records may leave it out"),
    ({"heat": (Annotated[float, Field(ge=30)], ...)}, "data.heat: newly required, and old records may leave it out"),
    ({"heat": (Annotated[float, Field(ge=30)], 30)}, "data.heat: null is no longer taken"),
    ({"colour": (FewerColours, ...)}, "data.colour: no longer takes green"),
    ({"persons": (str, ...)}, "data.persons: the type was integer, is string"),
    ({"persons": (Annotated[int, Field(ge=0, le=10)], ...)}, "data.persons: maximum was 20, is 10"),
    ({"persons": (Annotated[int, Field(ge=1, le=20)], ...)}, "data.persons: minimum was 0, is 1"),
    (
        {"person_id": (Annotated[str, Field(min_length=1, max_length=36)], ...)},
        "data.person_id: maxLength was 64, is 36",
    ),
    ({"person_id": (Colour, ...)}, "data.person_id: was free, is one of red, green"),
    ({"code": (Annotated[str, Field(pattern="^[0-9]{6}$")], "0")}, "data.code: pattern was ^[0-9]+$, is ^[0-9]{6}$"),
    ({"code": (Annotated[str, Field(pattern="^[0-9]+$")], "1")}, 'data.code: the default was "0", is "1"'),
    ({"parts": (tuple[SmallerPart, ...], ())}, "data.parts[].size: the field was removed"),
    ({"parts": (Annotated[tuple[Part, ...], Field(min_length=1)], ...)}, "data.parts: newly required"),
    ({"parts": (Annotated[tuple[Part, ...], Field(max_length=9)], ())}, "data.parts: maxItems was free, is 9"),
]
ALLOWED = [
    {"remark_id": (Id | None, None)},
    {"colour": (MoreColours, ...)},
    {"colour": (str, ...)},
    {"colour": (Colour | None, None)},
    {"persons": (Annotated[int, Field(ge=0, le=90)], ...)},
    {"persons": (Annotated[float, Field(ge=0, le=20)], ...)},
    {"code": (str, "0")},
    {"seen_at": (Instant | None, ...)},
]


@pytest.mark.parametrize(("change", "line"), BREAKS, ids=[line for _, line in BREAKS])
def test_a_change_that_refuses_old_records_is_named(change: dict[str, Any], line: str) -> None:
    found = narrowings(a_schema(), a_schema(**change))
    assert any(named.startswith(line) for named in found), found


@pytest.mark.parametrize("change", ALLOWED, ids=str)
def test_a_change_that_takes_all_old_records_is_quiet(change: dict[str, Any]) -> None:
    assert narrowings(a_schema(), a_schema(**change)) == []


def test_a_break_that_our_rules_do_not_see_is_seen_by_jsoncompat() -> None:
    found = narrowings(a_schema(heat=(int | str, ...)), a_schema(heat=(int | bool, ...)))
    assert found == ["refuses records that were taken, by the word of jsoncompat"]


@pytest.mark.parametrize("word", ["pattern", "format"])
def test_what_jsoncompat_is_silent_about_is_seen_by_our_rules(word: str) -> None:
    old, new = ({"type": "object", "properties": {"a": {"type": "string", word: how}}} for how in ("date", "date-time"))
    assert narrowings(old, new) == [f"a: {word} was date, is date-time"]


@pytest.fixture
def now() -> Contract:
    return current()


def with_topics(monkeypatch: pytest.MonkeyPatch, **changed: Topic) -> Contract:
    """The contract had these topics been declared; a name with _ stands for one with -."""
    with monkeypatch.context() as patch:
        patch.setattr(published, "TOPICS", tuple(changed.get(topic.key, topic) for topic in TOPICS))
        return current()


CASES, ORDERS = BY_KEY["cases"], BY_KEY["orders"]
MOVES = [
    ({"cases": replace(CASES, key="found-cases")}, "topic cases: removed or renamed"),
    ({"cases": replace(CASES, producer="tracing")}, "topic cases: the producer was intake, is tracing"),
    ({"cases": replace(CASES, partitions=6)}, "topic cases: partitions were 3, are 6"),
    ({"cases": replace(CASES, retention_ms=86_400_000)}, "topic cases: retention was -1 ms, is 86400000"),
    (
        {
            "cases": replace(CASES, events=tuple(fact for fact in CASES.events if fact is not CaseReported)),
            "orders": replace(ORDERS, events=(*ORDERS.events, CaseReported)),
        },
        "case-reported: moved from topic cases to orders",
    ),
]


@pytest.mark.parametrize(("topics", "line"), MOVES, ids=[line for _, line in MOVES])
def test_a_topic_that_is_cut_or_said_otherwise_is_named(
    topics: dict[str, Topic], line: str, now: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = breaks(now, with_topics(monkeypatch, **topics))
    assert any(named.startswith(line) for named in found), found


def test_an_event_ordered_by_another_key_is_named(now: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CaseReported, "key_field", "institution")
    (line,) = breaks(now, current())
    assert line.startswith("topic cases: case-reported was ordered by person_id, is by institution")


def test_a_removed_type_is_named(now: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(REGISTRY.facts, "case-reported")
    rest = tuple(fact for fact in CASES.events if fact is not CaseReported)
    (line,) = breaks(now, with_topics(monkeypatch, cases=replace(CASES, events=rest)))
    assert line.startswith("case-reported: the type was removed, and its records lie in the log")


def test_a_golden_record_that_was_edited_or_removed_is_named(now: Contract) -> None:
    first, *rest = now.golden["case-found"]
    assert breaks(now, replace(now, golden=now.golden | {"case-found": [first | {"drill": True}, *rest]})) == [
        "golden/case-found.json: 1 records were changed or removed: put them back, and add new ones below"
    ]
    added = replace(now, golden=now.golden | {"case-found": [first, *rest, first | {"drill": True}]})
    assert breaks(now, added) == []


def test_more_consumers_and_a_new_topic_are_quiet(now: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    without = with_topics(monkeypatch, orders=replace(ORDERS, consumers=("tracing", "rollup")))
    assert breaks(now, without) == []
    assert update_first(now, without) == []


def test_a_new_event_or_field_is_allowed_and_says_who_is_updated_first(now: Contract) -> None:
    older = dict(now.schemas)
    del older["case-reported"]
    before = replace(now, schemas=older)
    assert breaks(before, now) == []
    assert update_first(before, now) == ["case-reported: update tracing, alerts, rollup before intake"]


def test_nothing_changed_is_nothing_said(now: Contract) -> None:
    assert breaks(now, current()) == []
    assert update_first(now, current()) == []
