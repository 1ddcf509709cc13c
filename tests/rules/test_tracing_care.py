"""Where a person stands, what is proposed and due: people order, rules propose, an end reached is an end."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from contracts.events.cases import FoundHow
from contracts.events.contacts import Standing
from contracts.events.quarantine import Care, Mode, QuarantineProposed
from contracts.policy import SHANGHAI
from tests.rules import tracing_around as a
from tests.rules.tracing_around import DAY, HEARD, at, derived, met, order, placed

CENTRAL, HOME = Mode.CENTRAL_QUARANTINE, Mode.HOME_QUARANTINE
MONITORING, HOSPITAL = Mode.HOME_HEALTH_MONITORING, Mode.HOSPITAL
ILL = (a.classified(),)
MET = (met(),)


def proposal(**around: Any) -> QuarantineProposed:
    found = derived(**around).proposal
    assert found is not None
    return found


def care(**around: Any) -> tuple[Care, datetime | None]:
    episode = derived(**around).episode
    return (episode.care, episode.care_since_at) if episode else (Care.NONE, None)


def test_ed_8_proposes_14_days_central_and_7_of_monitoring_from_the_last_exposure() -> None:
    central, home = proposal(exposures=(met(first=at(5, 9)),)).measures
    assert (central.mode, central.from_at, central.until_at) == (CENTRAL, at(5, 10), at(20))
    assert (home.mode, home.from_at, home.until_at) == (MONITORING, at(20), at(27))
    # Day 1 is the day on which the contact was found; the 14th test day lies beyond the remaining days.
    assert central.test_dates == (date(2022, 3, 6), date(2022, 3, 9), date(2022, 3, 12), date(2022, 3, 19))
    assert home.test_dates == (date(2022, 3, 21), date(2022, 3, 26))


def test_ed_8_proposes_7_days_for_a_secondary_contact_in_force() -> None:
    found = proposal(exposures=(met("B", at(6)),), neighbours={"B": a.a_close_contact()})
    assert [(m.mode, m.until_at) for m in found.measures] == [(CENTRAL, at(14))]
    assert (found.edition, found.standing) == ("covid-ed8", Standing.IN_FORCE)


@pytest.mark.parametrize(
    ("when", "edition", "phases"),
    [
        ((2020, 1, 25), "covid-ed2", [(HOME, 14)]),
        ((2020, 3, 10), "covid-ed6", [(CENTRAL, 14)]),
        ((2022, 3, 5), "covid-ed8", [(CENTRAL, 14), (MONITORING, 7)]),
        ((2022, 7, 1), "covid-ed9", [(CENTRAL, 7), (MONITORING, 3)]),
        ((2022, 11, 20), "covid-20m", [(CENTRAL, 5), (HOME, 3)]),
        ((2022, 12, 10), "covid-10m", [(HOME, 5)]),
    ],
)
def test_the_plan_is_of_the_edition_in_force_when_the_contact_was_found(
    when: tuple[int, int, int], edition: str, phases: list[tuple[Mode, int]]
) -> None:
    day = datetime(*when, tzinfo=SHANGHAI)
    case = {"A": a.a_case(reference=day, known=day)}
    found = proposal(exposures=(met("A", day, heard=day),), neighbours=case)
    ends = [day + DAY * (1 + sum(days for _, days in phases[: n + 1])) for n in range(len(phases))]
    assert found.edition == edition
    assert [(m.mode, m.until_at) for m in found.measures] == [
        (mode, end) for (mode, _), end in zip(phases, ends, strict=True)
    ]


def test_found_late_only_the_remaining_days_are_proposed() -> None:
    late = (met(first=at(5), heard=at(21)),)
    assert [m.mode for m in proposal(exposures=late).measures] == [MONITORING]
    over = derived(exposures=(met(first=at(5), heard=at(27)),))
    assert over.proposal is None
    assert over.episode is not None
    assert over.episode.care is Care.NONE


@pytest.mark.parametrize(
    "around",
    [
        {"classifications": ILL},
        {"orders": (order(),)},
        {"orders": (order(ended=at(20)),)},
        {"neighbours": {}},
    ],
    ids=["a case", "ordered", "ordered and ended", "the link is no case"],
)
def test_a_proposal_goes_when_somebody_has_decided_or_the_grounds_are_gone(around: dict[str, Any]) -> None:
    assert derived(exposures=MET, **around).proposal is None


def test_only_an_exposure_after_the_end_of_an_order_is_a_new_matter() -> None:
    over = (order(served=at(6), ended=at(20)),)
    case = {"A": a.a_case(at(20))}
    again = derived(exposures=(met(first=at(21), heard=at(22)),), orders=over, neighbours=case)
    assert again.proposal is not None
    assert again.episode is not None
    assert again.episode.care is Care.RELEASED
    assert derived(exposures=(met(first=at(19), heard=at(22)),), orders=over, neighbours=case).proposal is None


ORDERED = {"exposures": MET, "orders": (order(served=at(7)),)}
ENDED = {"exposures": MET, "orders": (order(served=at(7), ended=at(20)),)}


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ({}, (Care.NONE, None)),
        ({"exposures": MET}, (Care.AWAITING_ORDER, HEARD)),
        ({"exposures": MET, "classifications": ILL}, (Care.NONE, None)),
        ({"classifications": ILL, "orders": (order(served=at(7)),)}, (Care.AWAITING_TRANSFER, at(7))),
        (ORDERED, (Care.AWAITING_TRANSFER, at(7))),
        ({**ORDERED, "placements": (placed(CENTRAL, at(8)),)}, (Care.CENTRAL_QUARANTINE, at(8))),
        ({**ORDERED, "placements": (placed(HOME, at(8)),)}, (Care.HOME_QUARANTINE, at(8))),
        ({**ORDERED, "placements": (placed(MONITORING, at(8)),)}, (Care.HOME_HEALTH_MONITORING, at(8))),
        ({**ORDERED, "placements": (placed(CENTRAL, at(8), at(21)),)}, (Care.AWAITING_TRANSFER, at(21))),
        ({**ORDERED, "placements": (placed(), placed(HOSPITAL, at(9), n=2))}, (Care.ISOLATED, at(9))),
        (ENDED, (Care.RELEASED, at(20))),
        ({**ENDED, "placements": (placed(),)}, (Care.RELEASED, at(20))),
        ({**ENDED, "placements": (placed(HOSPITAL, at(21)),)}, (Care.ISOLATED, at(21))),
        ({**ENDED, "classifications": ILL}, (Care.RELEASED, at(20))),
        ({**ENDED, "neighbours": {}}, (Care.RELEASED, at(20))),
        ({"orders": (order(ended=at(9)), order(served=at(10), n=2))}, (Care.AWAITING_TRANSFER, at(10))),
    ],
    ids=[
        "nothing",
        "contact",
        "a case at large",
        "a case ordered",
        "ordered",
        "central",
        "home",
        "monitoring",
        "between two placements",
        "hospital first",
        "ended",
        "ended, still placed",
        "ended, then in hospital",
        "ended, then a case",
        "ended, grounds gone",
        "ended, ordered anew",
    ],
)
def test_where_a_person_stands(around: dict[str, Any], expected: tuple[Care, datetime | None]) -> None:
    assert care(**around) == expected


def test_a_person_of_whom_nothing_is_known_has_no_episode() -> None:
    assert list(derived(tests=(a.test(at(6)),)).statements()) == []


def test_the_first_finding_says_how_a_case_came_to_light() -> None:
    later = a.found(at(8), how=FoundHow.FEVER_CLINIC, n=1)
    first = a.found(at(6), how=FoundHow.CANVASSING, n=2)
    episode = derived(classifications=ILL, findings=(later, first)).episode
    assert episode is not None
    assert episode.found_how is FoundHow.CANVASSING


def test_a_placement_that_nobody_ended_is_over_with_its_order_and_does_not_come_to_life_under_the_next() -> None:
    orders = (order(a.measure(CENTRAL, at(7), 14), ended=at(20)), order(served=at(40), n=2))
    around = {"exposures": MET, "placements": (placed(started=at(8)),)}
    assert care(**around, orders=orders) == (Care.AWAITING_TRANSFER, at(40))
    [schedule] = derived(**around, orders=orders).schedules
    assert (schedule.from_at, schedule.until_at) == (at(8), at(20))
    hospital = {"exposures": MET, "placements": (placed(HOSPITAL, at(8)),)}
    assert care(**hospital, orders=orders) == (Care.ISOLATED, at(8))


def test_an_order_served_twice_and_ended_once_stands_and_one_that_was_prolonged_ends_with_the_later_one() -> None:
    around = {"exposures": MET, "placements": (placed(started=at(8)),)}
    first = order(a.measure(CENTRAL, at(7), 14), n=1)
    twice = order(served=at(9), ended=at(9, 2), n=2)
    assert care(**around, orders=(first, twice)) == (Care.CENTRAL_QUARANTINE, at(8))
    assert [each.until_at for each in derived(**around, orders=(first, twice)).schedules] == [at(21)]
    prolonged = order(a.measure(CENTRAL, at(20), 8), served=at(20), ended=at(28), n=2)
    assert care(**around, orders=(first, prolonged)) == (Care.RELEASED, at(28))
    both_ended = (order(a.measure(CENTRAL, at(7), 14), ended=at(20), n=1), twice)
    assert care(**around, orders=both_ended) == (Care.RELEASED, at(20))


def test_what_an_earlier_order_asked_for_stays_as_it_was_when_a_new_matter_begins() -> None:
    def day(month: int, number: int) -> datetime:
        return datetime(2022, month, number, tzinfo=SHANGHAI)

    earlier = order(a.measure(CENTRAL, at(7), 14), ended=at(21))
    stay, first = placed(started=at(8)), met("A", at(6))
    cases = {"A": a.a_case(), "D": a.a_case(reference=day(7, 9), known=day(7, 9))}
    later = met("D", day(7, 10), heard=day(7, 11))
    before = derived(exposures=(first,), orders=(earlier,), placements=(stay,), neighbours=cases)
    after = derived(exposures=(first, later), orders=(earlier,), placements=(stay,), neighbours=cases)
    assert after.contact is not None and after.contact.found_at == day(7, 11)
    assert after.schedules == before.schedules


def test_a_shorter_order_that_ran_to_its_end_took_the_place_of_the_longer_one() -> None:
    around = {"exposures": MET, "placements": (placed(started=at(8)),)}
    long = order(a.measure(CENTRAL, at(7), 14), n=1)
    shorter = order(a.measure(CENTRAL, at(10), 4), served=at(10), ended=at(14), n=2)
    assert care(**around, orders=(long, shorter)) == (Care.RELEASED, at(14))
    ended, slip = order(ended=at(20), n=1), order(served=at(22), ended=at(15), n=2)
    assert proposal(exposures=(met("A", at(21)),), orders=(ended, slip)).found_at == at(20)
