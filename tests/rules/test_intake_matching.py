"""Who is taken for one person without a document or reference in common, who is asked about, who never is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.matching import Likeness, Traits, Verdict, best, likeness
from services.intake.rules.names import Alike, alike, plain_name, surname_key

BORN, PHONE, DOOR = date(1990, 3, 5), frozenset({"13800000001"}), frozenset({"door-1"})
WANG = Traits("王小明", BORN, "M", PHONE, DOOR)
MOTHER = Traits("王芳", BORN, "F", PHONE, DOOR)
SAME, UNSURE, OTHER = Verdict


def permit(kind: str, number: str) -> Traits:
    return replace(WANG, documents={kind: frozenset({number})})


CASES: tuple[tuple[str, Traits, Traits, Verdict], ...] = (
    ("name, birth date and telephone are equal", WANG, replace(WANG, dwellings=frozenset({"door-9"})), SAME),
    ("name, birth date and dwelling are equal", WANG, replace(WANG, phones=frozenset({"13900000009"})), SAME),
    ("nothing but name and birth date is known", WANG, Traits("王小明", BORN), UNSURE),
    ("name and telephone; no birth date is known", WANG, Traits("王小明", None, "", PHONE), UNSURE),
    ("name and dwelling; no birth date is known", WANG, Traits("王小明", None, "", frozenset(), DOOR), UNSURE),
    ("a name alone", WANG, Traits("王小明"), OTHER),
    ("day and month were exchanged", WANG, replace(WANG, birth_date=date(1990, 5, 3)), UNSURE),
    ("a day beside it", WANG, replace(WANG, birth_date=date(1990, 3, 6)), UNSURE),
    ("in letters as in a passport", WANG, replace(WANG, name="wang xiaoming"), UNSURE),
    ("in letters, the given name first", WANG, replace(WANG, name="xiaoming wang"), UNSURE),
    ("a character that could not be written", WANG, replace(WANG, name="王?明"), UNSURE),
    ("another character of the same sound", WANG, replace(WANG, name="王晓明"), UNSURE),
    ("the sex differs", WANG, replace(WANG, sex="F"), UNSURE),
    ("twins: all but the given name is equal", WANG, replace(WANG, name="王大宝"), OTHER),
    ("twins whose names share a character", WANG, replace(WANG, name="王小亮"), UNSURE),
    ("twins, brother and sister", WANG, replace(WANG, name="王小亮", sex="F"), OTHER),
    ("father and son of one name at one address", WANG, replace(WANG, birth_date=date(1962, 11, 20)), OTHER),
    ("father and son born on one day of the year", WANG, replace(WANG, birth_date=date(1960, 3, 5)), OTHER),
    ("husband and wife with one telephone", WANG, Traits("李芳", date(1991, 7, 1), "F", PHONE, DOOR), OTHER),
    ("mother and newborn, named alike", MOTHER, Traits("王芳之子", date(2022, 3, 1), "M", PHONE, DOOR), OTHER),
    ("two numbers of a document for life", permit("h", "H1"), permit("h", "H2"), OTHER),
    ("the same digits in documents of two kinds", permit("h", "1"), permit("t", "1"), SAME),
)  # fmt: skip


@pytest.mark.parametrize(("why", "one", "other", "verdict"), CASES, ids=[case[0] for case in CASES])
def test_case_by_case(why: str, one: Traits, other: Traits, verdict: Verdict) -> None:
    assert likeness(one, other).verdict is verdict
    assert likeness(other, one) == likeness(one, other)


def test_the_evidence_says_what_agrees_and_what_does_not_and_names_nobody() -> None:
    found = likeness(WANG, replace(WANG, name="王晓明", phones=frozenset({"1"})))
    assert found == Likeness(UNSURE, 75, ("name_homophone", "birth_equal", "dwelling_equal"))
    assert "sex_differs" in likeness(WANG, replace(WANG, sex="F")).evidence


NAMES = ["王小明", "王晓明", "王小亮", "王大宝", "wang xiaoming", "王?明", "李四", "阿卜杜拉·买买提"]
DATES = [None, BORN, date(1990, 5, 3), date(1990, 3, 6), date(1962, 11, 20), date(1960, 3, 5)]
traits = st.builds(
    Traits,
    st.sampled_from(["", *NAMES]),
    st.sampled_from(DATES),
    st.sampled_from(["", "F", "M"]),
    st.frozensets(st.sampled_from(["1", "2"]), max_size=2),
    st.frozensets(st.sampled_from(["d1", "d2"]), max_size=2),
    st.dictionaries(st.sampled_from(["h", "t"]), st.frozensets(st.sampled_from("ab"), min_size=1), max_size=2),
)


@given(traits, traits)
def test_nobody_is_taken_for_another_whose_name_or_birth_date_is_not_the_very_same(one: Traits, other: Traits) -> None:
    found = likeness(one, other)
    assert found == likeness(other, one) and 0 <= found.score <= 100
    if found.verdict is SAME:
        assert alike(one.name, other.name) is Alike.EQUAL and one.birth_date == other.birth_date is not None
        assert one.phones & other.phones or one.dwellings & other.dwellings
        assert not (one.sex and other.sex and one.sex != other.sex)


@given(st.lists(traits, min_size=2, max_size=5, unique_by=lambda each: (each.name, each.birth_date)))
def test_a_family_with_one_telephone_in_one_dwelling_is_never_taken_for_one_person(family: Sequence[Traits]) -> None:
    members = [replace(each, phones=PHONE, dwellings=DOOR) for each in family]
    pairs = [(one, other) for n, one in enumerate(members) for other in members[n + 1 :]]
    assert not any(likeness(one, other).verdict is SAME for one, other in pairs)


def test_of_two_who_are_both_certain_neither_is_taken_and_people_are_asked_about_both() -> None:
    sure, unsure = Likeness(SAME, 90, ()), Likeness(UNSURE, 70, ())
    assert best({"a": sure, "b": unsure}) == ("a", {})
    assert best({"a": sure, "b": sure, "c": unsure}) == (None, {"a": sure, "b": sure, "c": unsure})
    assert best({"a": Likeness(OTHER, 10, ())}) == (None, {})


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("王小明", "Ｗang　Xiaoming", Alike.ROMANISED),
        ("吕布", "LYU BU", Alike.ROMANISED),
        ("吕布", "Lü Bu", Alike.ROMANISED),
        ("单雄信", "Shan Xiongxin", Alike.ROMANISED),
        ("阿卜杜拉·买买提", "阿卜杜拉•买买提", Alike.EQUAL),
        ("阿卜杜拉·买买提", "买买提·阿卜杜拉", Alike.ORDER),
        ("𬱖小明", "?小明", Alike.UNWRITTEN),
        ("王 小 明", "王小明", Alike.EQUAL),
        ("SMITH, JOHN", "John Smith", Alike.ORDER),
        ("José García", "Jose Garcia", Alike.ROMANISED),
        ("张三", "李四", Alike.DIFFERS),
    ],
)
def test_names_as_they_are_written(one: str, other: str, how: Alike) -> None:
    assert alike(plain_name(one), plain_name(other)) is how is alike(plain_name(other), plain_name(one))


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_two_texts_can_be_compared(one: Any, other: Any) -> None:
    a, b = plain_name(one), plain_name(other)
    assert alike(a, b) is alike(b, a)
    assert plain_name(a) == a or plain_name(plain_name(a)) == plain_name(a)
    assert isinstance(surname_key(a), str)


def test_a_surname_has_one_key_in_characters_and_in_letters() -> None:
    assert {surname_key(plain_name(each)) for each in ("单雄信", "SHAN XIONGXIN")} == {"shan"}
    assert surname_key(plain_name("王小明")) == surname_key(plain_name("Wang Xiaoming")) == "wang"
