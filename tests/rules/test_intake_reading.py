"""Lines to records or to words that say what to mend; never an exception, never the value that was wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.problems import TEXTS, language_of
from services.intake.reading import LARGEST_LINE, UNREADABLE, Reading, read
from services.intake.records import KINDS, Withdrawal
from services.intake.sender import Sender
from tests.stores.intake_world import JSON, a_household, a_number, a_test, damaged, one_of_each

ANYBODY = Sender("anybody", ("",))

Change = Callable[[dict[str, Any]], Any]


def reading(record: Any) -> Reading:
    line = record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode()
    return read(line, ANYBODY)


def codes(record: Any) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in reading(record).problems}


def test_a_record_of_every_kind_is_read() -> None:
    stage = {"feed": "stage", "kind": "stage-time", "to_at": "2022-03-05T09:00:00+08:00"}
    records = [*one_of_each(), stage]
    assert all(reading(record).record is not None for record in records)
    assert {record["kind"] for record in records} == set(KINDS)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"visited_at": "2022-02-31T09:00:00+08:00"}, ("visited_at", "no_such_day")),
        ({"visited_at": "2022-03-05T09:00:00"}, ("visited_at", "instant_zone")),
        ({"visited_at": "05/03/2022"}, ("visited_at", "instant_form")),
        ({"visited_at": 1646438400}, ("visited_at", "instant_form")),
        ({"visited_at": "0000-03-05T09:00:00+08:00"}, ("visited_at", "no_such_day")),
        ({"visited_at": "1203-03-05T09:00:00+08:00"}, ("visited_at", "year_far_off")),
        ({"visited_at": "2022-03-05T24:61:00+08:00"}, ("visited_at", "no_such_day")),
        ({"channel": "drone"}, ("channel", "not_one_of")),
        ({"kind": "household-vist"}, ("kind", "unknown_kind")),
        ({"kind": 7}, ("kind", "unknown_kind")),
        ({"feed": "Grid App"}, ("feed", "feed_form")),
        ({"revision": 0}, ("revision", "too_low")),
        ({"revision": "2"}, ("revision", "not_whole")),
        ({"revision": 10**30}, ("revision", "too_high")),
        ({"drill": 1}, ("drill", "not_bool")),
        ({"round_id": "a\u0000b"}, ("round_id", "not_printed")),
        ({"round_id": "a\u2028b"}, ("round_id", "not_printed")),
        ({"\u0085": 1}, ("?", "unknown_field")),
        ({"round_id": " "}, ("round_id", "too_short")),
        ({"round_id": "x" * 65}, ("round_id", "too_long")),
        ({"round_id": a_number(3)}, ("round_id", "number_in_text")),
        ({"members": {}}, ("members", "not_list")),
        ({"members": [7]}, ("members[0]", "not_object")),
        ({"members": [{"temperature_celsius": 36.5}]}, ("members[0]", "nobody_named")),
        ({"members": [{"person": {"name": "王某"}}]}, ("members[0]", "nobody_named")),
        (
            {"members": [{"person_ref": "a", "temperature_celsius": "36.5"}]},
            ("members[0].temperature_celsius", "not_number"),
        ),
        (
            {"members": [{"person_ref": "a", "temperature_celsius": 365}]},
            ("members[0].temperature_celsius", "too_high"),
        ),
        (
            {"members": [{"person": {"id_number": a_number(1)[:-1] + "Q"}}]},
            ("members[0].person.id_number", "id_number_form"),
        ),
        ({"colour": "red"}, ("colour", "unknown_field")),
    ],
)
def test_each_fault_is_told_at_its_field(change: dict[str, Any], problem: tuple[str, str]) -> None:
    assert problem in codes(a_household(1) | change)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"x", "not_json"),
        (b"", "not_json"),
        (b"[]", "not_object"),
        (b'{"feed": "lab", "kind": "test", "source_id": "\xff"}', "not_json"),
        (b'{"kind": "test", "feed": "\\ud800"}', "not_json"),
        (b'{"feed": "lab", "ct_value": NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"feed": "' + b"x" * LARGEST_LINE + b'"}', "line_too_long"),
    ],
)
def test_what_is_no_record_is_told_so_and_counted_as_unreadable(line: bytes, code: str) -> None:
    assert codes(line) == {("", code)}
    assert reading(line).feed == UNREADABLE


def test_a_rejected_record_still_names_its_feed_and_source_id() -> None:
    rejected = reading(a_test(4, 1, result="perhaps"))
    assert (rejected.record, rejected.feed, rejected.source_id) == (None, "lab", "test-4")


def test_an_end_before_its_beginning_is_refused() -> None:
    assert codes(a_test(1, 1, resulted_at="2022-03-05T08:00:00+08:00")) == {("resulted_at", "not_after")}
    assert codes(a_test(1, 1, sampled_at="2022-03-05T20:00:00+09:00", resulted_at="2022-03-05T19:00:00+08:00")) == set()


def test_an_order_may_not_name_the_person_in_its_reason() -> None:
    order = next(record for record in one_of_each() if record["kind"] == "quarantine-order")
    assert codes(order | {"reason": f"{order['person']['name']}与病例同车"}) == {("reason", "name_in_text")}
    assert codes(order | {"reason": "见13800138000"}) == {("reason", "number_in_text")}


def test_no_text_that_others_read_names_the_person_though_it_may_be_left_out() -> None:
    lead = next(record for record in one_of_each() if record["kind"] == "lead")
    name = lead["person"]["name"]
    for field in ("reference", "corrected_because"):
        assert codes(lead | {field: f"{name}已回沪"}) == {(field, "name_in_text")}
    assert codes(lead | {"corrected_because": "姓名有误"}) == set()


def test_the_other_of_an_exposure_may_stand_in_three_forms_but_not_in_two_at_once() -> None:
    exposure = next(record for record in one_of_each() if record["kind"] == "exposure")
    number = {"id_number": a_number(5)}
    for other in (number, {"person": number}, {"person_ref": "ref-5"}, {**number, "person_ref": "ref-5"}):
        assert codes(exposure | {"other": other}) == set()
    assert codes(exposure | {"other": {"person": number, "name": "王某"}}) == {("other", "named_twice")}
    assert codes(exposure | {"other": {"name": "王某"}}) == {("other", "nobody_named")}


def test_a_withdrawal_needs_only_to_say_which_record() -> None:
    short = {"feed": "lab", "source_id": "test-1", "revision": 2, "withdrawn": True, "kind": "test"}
    assert isinstance(reading(short).record, Withdrawal)
    assert isinstance(reading(a_test(1, 1, revision=2, withdrawn=True, result="?")).record, Withdrawal)
    assert codes(short | {"revision": 1}) == {("revision", "too_low")}


def test_the_reason_added_to_a_rejected_row_is_no_fault_of_it() -> None:
    assert codes(a_test(1, 1, rejected_because="result: ...")) == set()


def test_one_instant_is_one_content_whatever_its_offset() -> None:
    here, there = a_test(1, 1), a_test(1, 1, sampled_at="2022-03-05T01:00:00Z")
    assert reading(here).record == reading(there).record


def test_every_text_can_be_said_in_both_languages() -> None:
    wrong = [a_household(1) | {"revision": 0, "channel": "?", "round_id": "x" * 65}, a_test(1, 1, sampled_at="?"), b"x"]
    for record in wrong:
        for problem in reading(record).problems:
            english, chinese = problem.told("en"), problem.told("zh")
            assert english["field"] == chinese["field"]
            assert all(english[part] and chinese[part] not in ("", english[part]) for part in ("why", "would_be_right"))
    assert all({name: len(pair) for name, pair in texts.items()} == {"en": 2, "zh": 2} for texts in TEXTS.values())


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("fr, en;q=0.3", "en"),
        ("zh;q=x", "zh"),
    ],
)
def test_the_language_is_the_one_that_is_asked_for_first(header: str, language: str) -> None:
    assert language_of(header) == language


@settings(max_examples=400, deadline=None)
@given(damaged() | JSON)
def test_whatever_is_sent_is_read_or_told_and_never_raises(record: Any) -> None:
    told = read(json.dumps(record, allow_nan=True).encode(errors="replace"), ANYBODY)
    assert (told.record is None) == bool(told.problems)
    for problem in told.problems:
        assert problem.told("en")["why"] and problem.told("zh")["would_be_right"]


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_whatever_bytes_are_sent_are_told(line: bytes) -> None:
    assert read(line, ANYBODY).problems
