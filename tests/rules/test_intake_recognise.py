"""What a record is to what is known of it, who is who in a batch, and what a correction takes back. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.people import PersonsMerged
from contracts.persons import Merged
from services.intake.problems import Problem, Refused
from services.intake.reading import read
from services.intake.records import Record, Withdrawal
from services.intake.rules.adopting import adopted
from services.intake.rules.facts import sayings_of
from services.intake.rules.matching import Likeness, Verdict
from services.intake.rules.recognise import Known, Recognised, Said, pack, recognise, unpack, withdrawn_by
from services.intake.rules.resolve import Named, resolve
from services.intake.rules.statements import Ids, Saying
from services.intake.sender import Sender
from tests.stores.intake_world import GRID, VILLAGE, a_household, a_test, one_of_each

ANYBODY = Sender("anybody", ("",))
MERGED_AT = datetime(2022, 3, 5, tzinfo=UTC)


def record_of(content: dict[str, object]) -> Record:
    record = read(json.dumps(content).encode(), ANYBODY).record
    assert record is not None and not isinstance(record, Withdrawal)
    return record


def said(content: dict[str, object], *people: str) -> list[Saying]:
    return sayings_of(record_of(content), Ids("record", people, "dwelling"))


KNOWN = Known(revision=2, content_hash=b"second", earlier=[b"first"], said=b"")


def test_the_same_content_is_a_duplicate_and_so_is_an_earlier_revision_sent_again() -> None:
    record = record_of(a_test(1, 1, revision=2))
    assert recognise(record, b"second", KNOWN) is Recognised.DUPLICATE
    assert recognise(record, b"first", KNOWN) is Recognised.DUPLICATE
    assert recognise(record, b"second", None) is Recognised.NEW


@pytest.mark.parametrize("revision", [1, 2])
def test_other_content_needs_a_higher_revision(revision: int) -> None:
    with pytest.raises(Refused) as refused:
        recognise(record_of(a_test(1, 1, revision=revision)), b"other", KNOWN)
    assert refused.value.problems == (Problem("revision", "stale_revision", {"next": 3}),)
    assert recognise(record_of(a_test(1, 1, revision=3)), b"other", KNOWN) is Recognised.CORRECTION


def test_a_version_is_compared_with_versions_and_what_cannot_be_compared_is_taken_as_it_comes() -> None:
    known = KNOWN._replace(version=5)
    told = {version: record_of(a_test(1, 1, version=version)) for version in (4, 5, 6)}
    assert [recognise(told[version], b"other", known).value for version in told] == ["duplicate", *["correction"] * 2]
    assert recognise(told[5], b"first", known) is Recognised.DUPLICATE
    for timed in (record_of(a_test(1, 1, revised_at="2022-03-05T09:00:00+08:00")), told[4]):
        assert recognise(timed, b"other", KNOWN) is Recognised.CORRECTION
        assert recognise(timed, b"second", KNOWN) is Recognised.DUPLICATE


def test_what_was_never_accepted_cannot_be_withdrawn() -> None:
    withdrawal = Withdrawal(feed="lab", source_id="x", revision=2, withdrawn=True, kind="test")
    with pytest.raises(Refused, match="nothing_to_withdraw"):
        recognise(withdrawal, b"", None)


def test_a_correction_withdraws_the_member_who_is_gone_and_nobody_else() -> None:
    before = said(a_household(1, 1, 2, 3), "p1", "p2", "p3")
    now = said(a_household(1, 1, 3, revision=2), "p1", "p3")
    gone = withdrawn_by(now, Said(before, drill=False), 2)
    assert [(fact.statement_id, fact.revision, fact.withdrawn) for _, fact in gone] == [("record.screened.p2", 2, True)]
    assert {fact.statement_id for _, fact in now} < {fact.statement_id for _, fact in before}


def test_a_correction_that_names_somebody_else_withdraws_what_was_said_of_the_first() -> None:
    gone = withdrawn_by(said(a_test(1, 2), "p2"), Said(said(a_test(1, 1), "p1"), drill=False), 2)
    assert [fact.statement_id for _, fact in gone] == ["record.tested.p1"]


def test_what_is_kept_of_a_record_gives_back_every_fact() -> None:
    for content in one_of_each():
        record = record_of(content)
        people = ("p1", "p2")[: 2 if content["kind"] in ("exposure", "same-person") else 1]
        sayings = sayings_of(record, Ids("record", people, "d1", "lead-1"))
        where, kind = content["division_code"], content["kind"]
        kept = Said(sayings, drill=True, division=where, kind="" if sayings else kind)
        assert unpack(pack(sayings, True, where, kind)) == kept


def test_a_household_of_three_is_kept_in_less_than_300_bytes() -> None:
    assert len(pack(said(a_household(1, 1, 2, 3), "p1", "p2", "p3"), False, GRID, "household-visit")) < 300


def test_a_tube_member_and_the_other_of_an_exposure_stand_in_their_own_divisions() -> None:
    [found] = said(next(each for each in one_of_each() if each["kind"] == "exposure"), "p1", "p2")
    assert (found.division, found.fact.other_division_code) == (GRID, VILLAGE)  # type: ignore[attr-defined]


def test_ids_of_statements_fit_the_contract_at_their_longest() -> None:
    for content in one_of_each():
        people = ("p" * 16, "q" * 16)[: 2 if content["kind"] in ("exposure", "same-person") else 1]
        ids = Ids("r" * 20, people, "d" * 16, "l" * 20)
        assert all(len(fact.statement_id) <= 64 for _, fact in sayings_of(record_of(content), ids))


def named(*hashes: str) -> Named:
    return Named("person", [[each.encode()] for each in hashes])


def resolved(*groups: list[Named], known: dict[bytes, str] | None = None) -> list[list[str] | Problem]:
    fresh = count(1)
    return resolve(groups, known or {}, lambda *_: f"new-{next(fresh)}").ids


def test_the_same_new_person_in_two_records_is_one_person() -> None:
    assert resolved([named("a")], [named("b"), named("a")]) == [["new-1"], ["new-2", "new-1"]]


def test_a_number_and_a_reference_told_together_mean_one_person_from_then_on() -> None:
    assert resolved([named("number", "ref")], [named("ref")], [named("number")]) == [["new-1"]] * 3


def test_a_number_and_a_reference_of_two_people_are_refused_and_teach_nothing() -> None:
    known = {b"number": "p1", b"ref": "p2"}
    resolution = resolve([[named("c"), named("number", "ref")]], known, lambda *_: "new")
    assert resolution.ids == [Problem("person", "two_people")] and resolution.fresh == {}


def test_a_name_under_a_new_key_means_whom_it_meant_under_the_old_one_though_two_are_merged() -> None:
    both = Named("person", [[b"number-2", b"number-1"], [b"ref-2", b"ref-1"]])
    known, merged = {b"number-1": "p1", b"ref-1": "p2"}, Merged([("p1", "p2")])
    resolution = resolve([[both]], known, lambda *_: "new", merged)
    assert resolution == ([["p1"]], {b"number-2": "p1", b"ref-2": "p2"}, {})


def test_who_is_taken_for_somebody_before_has_the_id_that_this_one_was_given_and_none_of_a_refused_record() -> None:
    same = Likeness(Verdict.SAME, 90, ())
    first, again = named("number"), named("number", "ref")
    third = Named("person", [[b"x"]], beside={(0, 0): same, (1, 0): same})
    refused = [[named("y"), named("y")], [Named("person", [[b"z"]], beside={(0, 0): same})]]
    assert resolved([first], [again], [third]) == [["new-1"]] * 3
    assert resolved(*refused) == [Problem("person", "same_person_twice"), ["new-2"]]


def test_one_person_twice_in_a_record_is_refused() -> None:
    assert resolved([named("a"), named("a", "b")]) == [Problem("person", "same_person_twice")]


@given(st.lists(st.lists(st.sets(st.sampled_from("abcdef"), min_size=1, max_size=2), max_size=4), max_size=6))
def test_a_hash_never_means_two_people(names: list[list[set[str]]]) -> None:
    groups = [[named(*sorted(each)) for each in group] for group in names]
    fresh = count(1)
    resolution = resolve(groups, {}, lambda *_: f"p{next(fresh)}")
    meant: dict[bytes, str] = {}
    for group, ids in zip(groups, resolution.ids, strict=True):
        for each, owner in zip(group, ids if isinstance(ids, list) else [], strict=not isinstance(ids, Problem)):
            assert all(meant.setdefault(hashed, owner) == owner for hashed in each.hashes)
    assert meant == resolution.fresh


def test_a_merge_that_comes_again_after_a_restore_means_the_ids_that_the_log_holds() -> None:
    names = {"statement_id": "r.merged.p1.p2", "person_id": "p1", "other_id": "p2"}
    kept = PersonsMerged(**names, decided_at=MERGED_AT, decided_by="post-1")
    assert adopted([kept], ["drawn-1", "drawn-2"], [None, None]) == ["p1", "p2"]
