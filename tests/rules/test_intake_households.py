"""Who is missing in a round; and the list of what is due, in order of time left. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.households import Household, Told, households
from services.intake.rules.roster import REACHED, Call, Check, Presence, Register, Resident, Round
from services.intake.rules.worklist import CARE, RELEASE, SAMPLING, TRANSFER, Item, Owed, in_order, of_care, of_round

GRID = "330421001001001"
NOON = datetime(2022, 3, 5, 12, tzinfo=timezone(timedelta(hours=8)))
ROUND = Round("r", GRID[:6], False, "R1", "command", NOON, NOON + timedelta(days=2))


def hour(n: float) -> datetime:
    return NOON + timedelta(hours=n)


def visit(dwelling: str, *met: str, at: float = 1, round_id: str = "R1", drill: bool = False) -> list[Any]:
    record = f"{dwelling}-{at}-{drill}"
    call = Call(record, GRID, drill, dwelling, round_id, hour(at), "visit", REACHED, "")
    return [call, *(Resident(record, GRID, drill, each, dwelling, hour(at), round_id, None) for each in met)]


def attempt(dwelling: str, at: float = 1, outcome: str = "nobody_home") -> list[Any]:
    return [Call(f"{dwelling}-{at}", GRID, False, dwelling, "R1", hour(at), "visit", outcome, "")]


def register(dwelling: str, *people: str, at: float = 0, lived_in: bool = True) -> list[Any]:
    record = f"register-{dwelling}-{at}"
    own = Register(record, GRID, False, dwelling, hour(at), lived_in)
    return [own, *(Resident(record, GRID, False, each, dwelling, hour(at), "", None) for each in people)]


def presence(person: str, state: str, at: float) -> list[Any]:
    return [Presence(f"p-{person}-{at}", GRID, False, person, state, hour(at), "310115", None)]


def seen(*rows: list[Any], open_round: Round | None = ROUND) -> dict[str, Household]:
    flat = [row for each in rows for row in each]
    told = Told(*([row for row in flat if isinstance(row, kind)] for kind in (Call, Resident, Register, Presence)))
    dwellings = {row.dwelling_id: GRID for row in flat if not isinstance(row, Presence)}
    return {home.dwelling_id: home for home in households(dwellings, told, open_round)}


def test_an_attempt_is_not_a_visit() -> None:
    home = seen(attempt("a"), attempt("a", 3, "refused"))["a"]
    assert (home.missing, home.attempts, home.last_outcome, home.reached_at) == (True, 2, "refused", None)


def test_a_household_reached_is_no_longer_missing_and_in_another_round_it_is() -> None:
    assert not seen(visit("a", "p"))["a"].missing
    assert seen(visit("a", "p", round_id="R0"))["a"].missing


def test_one_member_not_met_keeps_the_household_on_the_list_until_met_or_away() -> None:
    known = register("a", "p", "q")
    assert seen(known, visit("a", "p"))["a"].unmet == ("q",)
    assert not seen(known, visit("a", "p"), visit("a", "q", at=2))["a"].missing
    assert not seen(known, visit("a", "p"), presence("q", "away", 1))["a"].missing
    assert seen(known, visit("a", "p"), presence("q", "away", 1), presence("q", "here", 2))["a"].missing


def test_a_later_register_says_who_lives_there_and_whoever_is_met_after_it_is_added() -> None:
    home = seen(visit("a", "p", at=1), register("a", "q", at=2), visit("a", "r", at=3))["a"]
    assert [member.person_id for member in home.members] == ["q", "r"]


def test_a_dwelling_in_which_nobody_lives_is_not_missing() -> None:
    assert seen(visit("a", "p", at=0, round_id="R0"), register("a", at=1, lived_in=False)) == {}


def test_an_exercise_covers_nobody_in_earnest() -> None:
    told = [register("a", "p"), visit("a", "p", drill=True)]
    assert seen(*told)["a"].missing
    assert not seen(*told, open_round=ROUND._replace(drill=True))["a"].missing


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pq"), st.booleans(), st.integers(1, 9)), max_size=8))
def test_every_household_is_either_reached_whole_or_on_the_list(told: list[tuple[str, str, bool, int]]) -> None:
    rows = [visit(home, who, at=at) if met else attempt(home, at + 0.5) for home, who, met, at in set(told)]
    homes = seen(register("a", "p"), register("b", "q"), *rows)
    listed = {item.dwelling_id for item in of_round(homes.values(), ROUND)}
    whole = {home.dwelling_id for home in homes.values() if home.reached_at and all(m.met for m in home.members)}
    assert (listed | whole, listed & whole) == (homes.keys(), set())


def owed(kind: str, since: float, due: float | None, **more: Any) -> Owed:
    due_at = None if due is None else hour(due)
    return Owed(f"{kind}-{since}", kind, GRID, False, "p", hour(since), due_at, **more)


def check(what: str, at: float, person: str = "p") -> Check:
    return Check(f"c{at}", GRID, False, person, what, hour(at), "", None)


def kinds(*given_: Owed, checks: list[Check] | None = None, now: float = 2) -> list[tuple[str, datetime | None]]:
    return [(item.kind, item.due_at) for item in in_order(of_care(given_, checks or [], hour(now)))]


CARED = owed(CARE, -24, 72, mode="home_quarantine", checks_per_day=2)


def test_the_visit_of_the_half_day_that_runs_is_owed_until_it_is_made() -> None:
    assert kinds(CARED) == [("visit", hour(12))]
    assert kinds(CARED, checks=[check("visited", -1)]) == [("visit", hour(12))]
    assert kinds(CARED, checks=[check("visited", 1)]) == []
    assert kinds(CARED, checks=[check("visited", 1, person="q")]) == [("visit", hour(12))]
    assert kinds(CARED, now=100) == []


def test_a_test_day_is_owed_until_a_sample_of_that_day() -> None:
    tested = CARED._replace(test_dates=(date(2022, 3, 5),), checks_per_day=0)
    assert kinds(tested) == [("sampling", hour(12))]
    assert kinds(tested, checks=[check("sampled", -3)]) == []
    assert kinds(tested, now=24) == []


def test_a_sample_taken_after_the_tube_closes_the_item_before_its_result_is_there() -> None:
    assert kinds(owed(SAMPLING, -1, None)) == [("sampling", None)]
    assert kinds(owed(SAMPLING, -1, None), checks=[check("sampled", -2)]) == [("sampling", None)]
    assert kinds(owed(SAMPLING, -1, None), checks=[check("sampled", 1)]) == []


def test_the_list_is_in_order_of_time_left_and_what_has_no_deadline_counts_from_its_beginning() -> None:
    mixed = (CARED, owed(TRANSFER, -1, 6), owed(SAMPLING, -2, None), owed(RELEASE, 0, 20), owed(RELEASE, -5, 60))
    assert [kind for kind, _ in kinds(*mixed)] == ["sampling", "transfer", "visit", "release"]


@given(st.lists(st.tuples(st.integers(-50, 50), st.none() | st.integers(-50, 50)), max_size=9), st.randoms())
def test_the_order_is_the_same_however_the_items_come(spans: list[tuple[int, int | None]], chance: Any) -> None:
    items = [
        Item(str(n), "visit", GRID, False, hour(a), None if b is None else hour(b), "visit")
        for n, (a, b) in enumerate(spans)
    ]
    shuffled = chance.sample(items, len(items))
    times = [item.due_at or item.since_at for item in in_order(shuffled)]
    assert times == sorted(times)
    assert in_order(shuffled) == in_order(items)
