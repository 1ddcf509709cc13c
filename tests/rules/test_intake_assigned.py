"""Who answers for what: validity, many-to-many, hand-overs that move open work and leave history as it was."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.assigned import holder_at, scope_of, valid
from services.intake.rules.roster import Assigned, Handed

NOON = datetime(2022, 3, 5, 12, tzinfo=timezone(timedelta(hours=8)))
VILLAGE, GRID, OTHER = "330421001001", "330421001001001", "330421001001002"
POSTS = ("w1", "w2", "w3")


def hour(n: int) -> datetime:
    return NOON + timedelta(hours=n)


def assigned(post: str, first: int = -1, last: int | None = None, division: str = GRID, **what: str) -> Assigned:
    named = {"dwelling_id": None, "person_id": None, "site_id": None, **what}
    until = None if last is None else hour(last)
    return Assigned(
        f"{post}-{first}", division, False, post, "worker", valid_from_at=hour(first), valid_until_at=until, **named
    )


def handed(giver: str, taker: str, at: int, division: str = GRID, n: int = 0) -> Handed:
    return Handed(f"h{at:03d}{n}", division, False, giver, taker, hour(at))


posts, until = st.sampled_from(POSTS), st.none() | st.integers(-9, 20)
assignments = st.builds(assigned, posts, st.integers(-10, 10), until, st.sampled_from([GRID, OTHER]))
wheres = st.sampled_from([VILLAGE, GRID, OTHER])
hand_overs = st.builds(handed, posts, posts, st.integers(-10, 20), wheres, st.integers(0, 9))


@given(assignments, st.lists(hand_overs, max_size=6), st.integers(-12, 25))
def test_an_assignment_has_one_holder_while_it_is_valid_and_none_else(
    one: Assigned, moves: list[Handed], at: int
) -> None:
    assert (holder_at(one, moves, hour(at)) is not None) == valid(one, hour(at))


@given(assignments, st.lists(hand_overs, max_size=6), st.integers(-10, 20), st.permutations(range(6)))
def test_a_hand_over_changes_nothing_before_its_instant_and_their_order_of_arrival_nothing_at_all(
    one: Assigned, moves: list[Handed], at: int, order: list[int]
) -> None:
    earlier = [each for each in moves if each.handed_at <= hour(at)]
    assert holder_at(one, moves, hour(at)) == holder_at(one, earlier, hour(at))
    shuffled = [moves[n] for n in order if n < len(moves)]
    assert holder_at(one, shuffled, hour(at)) == holder_at(one, moves, hour(at))


@given(st.lists(assignments, max_size=6), st.lists(hand_overs, max_size=4), st.integers(-10, 20))
def test_whatever_is_handed_over_everything_valid_is_somebodys(
    many: list[Assigned], moves: list[Handed], at: int
) -> None:
    now = hour(at)
    covered = {code for post in POSTS for code in scope_of(post, many, moves, now).divisions}
    assert {each.division_code for each in many if valid(each, now)} == covered


def test_a_stand_in_takes_all_at_an_instant_and_gives_it_back() -> None:
    mine = [assigned("w1"), assigned("w1", person_id="p1"), assigned("w1", site_id="hotel")]
    moves = [handed("w1", "w2", 1, VILLAGE), handed("w2", "w1", 5, VILLAGE)]
    before, meanwhile = scope_of("w1", mine, moves, hour(0)), scope_of("w2", mine, moves, hour(1))
    assert before == meanwhile
    assert (before.divisions, before.persons, before.sites) == ({GRID}, {"p1"}, {"hotel"})
    assert not scope_of("w1", mine, moves, hour(4)).divisions
    assert scope_of("w1", mine, moves, hour(5)) == before


def test_a_grid_handed_over_leaves_the_neighbouring_grid_where_it_was() -> None:
    mine = [assigned("w1"), assigned("w1", division=OTHER)]
    assert scope_of("w1", mine, [handed("w1", "w2", 1)], hour(2)).divisions == {OTHER}


def test_two_posts_may_answer_for_one_grid_and_one_post_for_two() -> None:
    many = [assigned("w1"), assigned("w2"), assigned("w2", division=OTHER)]
    assert [scope_of(post, many, [], NOON).divisions for post in ("w1", "w2")] == [{GRID}, {GRID, OTHER}]
    assert scope_of("w2", [*many, assigned("w2", division=VILLAGE)], [], NOON).divisions == {VILLAGE}
