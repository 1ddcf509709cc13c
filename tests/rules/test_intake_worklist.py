"""The list of what is due, in order of time left. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.persons import Merged
from services.intake.rules.roster import Check
from services.intake.rules.worklist import CARE, RELEASE, SAMPLING, TRANSFER, Item, Owed, in_order, of_care

GRID = "330421001001001"
NOBODY = Merged()
NOON = datetime(2022, 3, 5, 12, tzinfo=timezone(timedelta(hours=8)))


def hour(n: float) -> datetime:
    return NOON + timedelta(hours=n)


def owed(kind: str, since: float, due: float | None, **more: Any) -> Owed:
    due_at = None if due is None else hour(due)
    return Owed(f"{kind}-{since}", kind, GRID, False, "p", hour(since), due_at, **more)


def check(what: str, at: float, person: str = "p") -> Check:
    return Check(f"c{at}", GRID, False, person, what, hour(at), "", None)


def kinds(
    *given_: Owed, checks: list[Check] | None = None, now: float = 2, merged: Merged = NOBODY
) -> list[tuple[str, datetime | None]]:
    return [(item.kind, item.due_at) for item in in_order(of_care(given_, checks or [], hour(now), merged))]


CARED = owed(CARE, -24, 72, mode="home_quarantine", checks_per_day=2)


def test_the_visit_of_the_half_day_that_runs_is_owed_until_it_is_made() -> None:
    assert kinds(CARED) == [("visit", hour(12))]
    assert kinds(CARED, checks=[check("visited", -1)]) == [("visit", hour(12))]
    assert kinds(CARED, checks=[check("visited", 1)]) == []
    assert kinds(CARED, checks=[check("visited", 1, person="q")]) == [("visit", hour(12))]
    assert kinds(CARED, checks=[check("visited", 1, person="q")], merged=Merged([("q", "p")])) == []
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
