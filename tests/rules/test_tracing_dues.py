"""What is due for each placement, when a release is, and who owes a sample (ed. 8, ed. 9; Notice 003 §2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from contracts.events.contacts import Standing
from contracts.events.quarantine import CareScheduled, Mode
from contracts.events.testing import Result
from contracts.policy import SHANGHAI
from services.tracing.rules.derivation import Derived
from services.tracing.rules.statements import MAX_LENGTH, statement_id
from services.tracing.rules.surroundings import PositiveTube
from tests.rules import tracing_around as a
from tests.rules.tracing_around import DAY, at, derived, measure, met, order, placed

CENTRAL, HOME = Mode.CENTRAL_QUARANTINE, Mode.HOME_QUARANTINE
MONITORING, HOSPITAL = Mode.HOME_HEALTH_MONITORING, Mode.HOSPITAL
MET = (met(),)
TWO_PHASES = order(measure(CENTRAL, at(7), 14, at(7), at(10)), measure(MONITORING, at(21), 7), served=at(7))


def schedules(**around: Any) -> list[CareScheduled]:
    return list(derived(**around).schedules)


def test_each_placement_is_due_checks_from_its_start_until_its_measure_ends() -> None:
    stays = (placed(CENTRAL, at(7, 18), at(21, 9)), placed(MONITORING, at(21, 11), n=2))
    central, home = schedules(exposures=MET, orders=(TWO_PHASES,), placements=stays)
    assert (central.placement_id, central.from_at, central.until_at) == ("p1", at(7, 18), at(21))
    assert (central.checks_per_day, central.test_dates) == (2, (date(2022, 3, 7), date(2022, 3, 10)))
    assert (home.mode, home.from_at, home.until_at) == (MONITORING, at(21, 11), at(28))
    assert home.test_dates == (date(2022, 3, 22), date(2022, 3, 27)), "not in the order: those of the plan"
    assert (central.edition, central.standing) == ("covid-ed8", Standing.IN_FORCE)


@pytest.mark.parametrize(
    ("stay", "ended", "until"),
    [
        (placed(started=at(8), ended=at(9)), None, at(9)),
        (placed(started=at(8)), at(10), at(10)),
        (placed(started=at(8)), at(8), None),
        (placed(started=at(22)), None, None),
    ],
    ids=["left", "order ended", "ended before it began", "placed after the measure"],
)
def test_a_schedule_is_cut_where_the_placement_or_the_order_ends(
    stay: Any, ended: datetime | None, until: datetime | None
) -> None:
    one = order(measure(CENTRAL, at(7), 14), served=at(7), ended=ended)
    found = schedules(exposures=MET, orders=(one,), placements=(stay,))
    assert [schedule.until_at for schedule in found] == ([until] if until else [])


def test_nothing_is_due_in_hospital_or_without_an_order() -> None:
    assert schedules(orders=(TWO_PHASES,), placements=(placed(HOSPITAL),)) == []
    assert schedules(exposures=MET, placements=(placed(),)) == []


def test_a_placement_carries_out_the_last_order_served_before_it_ended() -> None:
    first = order(measure(CENTRAL, at(7), 3), served=at(7), n=1)
    second = order(measure(CENTRAL, at(7), 9), served=at(9), n=2)
    stays = (placed(started=at(7), ended=at(8)), placed(started=at(8), n=2))
    assert [s.until_at for s in schedules(orders=(first, second), placements=stays)] == [at(8), at(16)]


def test_whoever_is_ordered_without_being_a_contact_is_due_what_a_close_contact_is() -> None:
    (found,) = schedules(orders=(order(),), placements=(placed(),))
    assert (found.checks_per_day, found.edition) == (2, "covid-ed8")


def releases(*tests: Any, **around: Any) -> Derived:
    last = order(measure(CENTRAL, at(7), 7, at(7), at(10), at(14)), served=at(7))
    usual: dict[str, Any] = {"exposures": MET, "orders": (last,), "placements": (placed(),)}
    return derived(tests=tests, **{**usual, **around})


ALL_NEGATIVE = tuple(a.test(day) for day in (at(7, 20), at(12), at(14)))


def test_a_release_is_due_at_the_end_of_the_last_measure_when_every_test_is_negative() -> None:
    release = releases(*ALL_NEGATIVE).release
    assert release is not None
    assert (release.order_id, release.due_at, release.edition) == ("o1", at(14), "covid-ed8")


@pytest.mark.parametrize(
    ("tests", "around"),
    [
        (ALL_NEGATIVE[:2], {}),
        (ALL_NEGATIVE[1:], {}),
        ((*ALL_NEGATIVE[:2], a.test(at(14), Result.INCONCLUSIVE)), {}),
        ((*ALL_NEGATIVE, a.test(at(13), Result.POSITIVE)), {}),
        (ALL_NEGATIVE, {"placements": ()}),
        (ALL_NEGATIVE, {"placements": (placed(ended=at(14)),)}),
        (ALL_NEGATIVE, {"placements": (placed(HOME),)}),
        (ALL_NEGATIVE, {"orders": (order(served=at(7), ended=at(14)),)}),
        (ALL_NEGATIVE, {"orders": ()}),
    ],
    ids=[
        "last test missing",
        "first test missing",
        "inconclusive",
        "positive since",
        "not placed",
        "has left",
        "not in the last measure",
        "ended already",
        "no order",
    ],
)
def test_a_release_is_not_due(tests: tuple[Any, ...], around: dict[str, Any]) -> None:
    assert releases(*tests, **around).release is None


def test_where_the_order_names_no_test_dates_those_of_the_plan_hold_from_the_placement() -> None:
    bare = {"orders": (order(measure(CENTRAL, at(7), 7), served=at(7)),)}
    due = (at(7, 20), at(10), at(13))  # Days 1, 4, 7 of ed. 8; day 14 lies beyond this measure.
    assert releases(*(a.test(day) for day in due), **bare).release is not None
    assert releases(*(a.test(day) for day in due[:2]), **bare).release is None


def test_an_edition_without_test_days_releases_by_time_alone() -> None:
    day = datetime(2020, 3, 10, tzinfo=SHANGHAI)
    bare = order(measure(CENTRAL, day, 14), served=day)
    around = {"exposures": (met("A", day, heard=day),), "neighbours": {"A": a.a_case(reference=day, known=day)}}
    found = derived(orders=(bare,), placements=(placed(started=day),), **around)
    assert found.release is not None
    assert found.release.due_at == day + 14 * DAY


def test_a_positive_sample_from_before_the_order_does_not_hold_a_release_back() -> None:
    assert releases(a.test(at(6), Result.POSITIVE), *ALL_NEGATIVE).release is not None


@pytest.mark.parametrize("tested", [True, False])
def test_a_secondary_contact_waits_for_the_first_two_tests_of_the_link(tested: bool) -> None:
    link = {"B": a.a_close_contact(tested=tested)}
    found = releases(*ALL_NEGATIVE, exposures=(met("B", at(6)),), neighbours=link)
    assert (found.release is not None) is tested


@pytest.mark.parametrize(
    ("sampled", "owed"), [(at(5, 6), True), (at(5, 7), False), (None, True)], ids=["with the tube", "after", "none"]
)
def test_a_member_of_a_positive_tube_owes_a_sample_of_his_own(sampled: datetime | None, owed: bool) -> None:
    tests = (a.test(sampled),) if sampled else ()
    due = derived(positive_tubes=(PositiveTube("T1", at(5, 6)),), tests=tests).samplings
    assert [(s.tube_id, s.since_at) for s in due] == ([("T1", at(5, 6))] if owed else [])


def test_statements_are_named_within_the_length_that_an_id_may_have() -> None:
    assert statement_id("care", "p1", "P") == "care:p1:P"
    long, other = (statement_id("care", "p" * 40, person * 40) for person in "PQ")
    assert len(long) <= MAX_LENGTH
    assert long != other
