"""Which ids mean one person, by the merges that stand. Pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contracts.persons import Merged

ids = st.sampled_from("ABCDEF")
pairs = st.lists(st.tuples(ids, ids), max_size=8)


def test_the_id_that_no_merge_names_as_the_other_is_kept_along_a_chain() -> None:
    merged = Merged([("B", "C"), ("A", "B")])
    assert [merged.kept(each) for each in "ABCD"] == ["A", "A", "A", "D"]
    assert merged.all_of("C") == ("A", "B", "C") and merged.all_of("D") == ("D",)


def test_a_merge_taken_back_splits_where_nothing_else_holds() -> None:
    assert Merged([("B", "C")]).kept("C") == "B"
    assert Merged([("A", "B"), ("A", "C")]).kept("C") == "A"


def test_of_two_ids_that_might_be_kept_it_is_the_smallest() -> None:
    assert {Merged([("K", "O"), ("B", "O")]).kept(each) for each in "KOB"} == {"B"}
    assert {Merged([("A", "B"), ("B", "A")]).kept(each) for each in "AB"} == {"A"}


@given(pairs, st.randoms())
def test_in_whatever_order_merges_come_the_same_people_are_one(said: list[tuple[str, str]], chance: object) -> None:
    shuffled = list(said)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Merged(said), Merged(shuffled)
    assert all((one.kept(each), one.all_of(each)) == (other.kept(each), other.all_of(each)) for each in "ABCDEF")


@given(pairs)
def test_every_id_of_a_person_has_the_same_kept_one_among_them(said: list[tuple[str, str]]) -> None:
    merged = Merged(said)
    for each in "ABCDEF":
        assert {merged.kept(other) for other in merged.all_of(each)} == {merged.kept(each)}
        assert {each, merged.kept(each)} <= set(merged.all_of(each))
    assert all(merged.kept(one) == merged.kept(other) for one, other in said)
