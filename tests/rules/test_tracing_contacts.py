"""Who is a contact of whom: windows, ways, links, editions (domain §3, §7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from contracts.events.contacts import Category, ContactIdentified, ContactMatter, ContactWay
from contracts.events.testing import Result
from services.tracing.rules.surroundings import Neighbour
from tests.rules import tracing_around as a
from tests.rules.tracing_around import DAY, HEARD, HOUR, ILL, KNOWN, SECOND, at, derived, met

LOOKBACK = 2 * DAY
A_CASE = a.a_case()


def contact(**around: Any) -> ContactIdentified | None:
    return derived(**around).contact


def category(**around: Any) -> Category | None:
    found = contact(**around)
    return found.category if found else None


@pytest.mark.parametrize(
    ("first", "hours", "expected"),
    [
        (ILL - LOOKBACK - HOUR, 1, Category.CLOSE),
        (ILL - LOOKBACK - HOUR - SECOND, 1, None),
        (ILL - 10 * DAY, 24 * 20, Category.CLOSE),
        (at(8), 1, Category.CLOSE),
        (at(8) + SECOND, 1, None),
    ],
    ids=["ends at the border", "ends a second before", "goes all through", "begins at isolation", "begins after it"],
)
def test_an_exposure_counts_from_two_days_before_until_isolation(
    first: datetime, hours: float, expected: Category | None
) -> None:
    case = {"A": a.a_case(isolated=at(8))}
    assert category(exposures=(met(first=first, hours=hours),), neighbours=case) is expected


def test_only_the_part_of_an_exposure_before_the_isolation_counts() -> None:
    long = met(first=ILL - 9 * DAY, hours=24 * 30)
    found = derived(exposures=(long,), neighbours={"A": a.a_case(isolated=at(8))})
    assert found.contact is not None
    assert found.contact.last_exposure_at == at(8)
    assert [close.first_at for close in found.part.close] == [ILL - LOOKBACK]


@pytest.mark.parametrize("way", ContactWay)
def test_a_shared_venue_alone_makes_a_casual_contact_every_other_way_a_close_one(way: ContactWay) -> None:
    expected = Category.CASUAL if way is ContactWay.SHARED_VENUE else Category.CLOSE
    assert category(exposures=(met(way=way),)) is expected


def test_a_casual_contact_is_proposed_nothing_and_exposes_nobody() -> None:
    found = derived(exposures=(met(way=ContactWay.SHARED_VENUE),))
    assert (found.proposal, found.part) == (None, Neighbour())


def test_close_goes_before_secondary_and_secondary_before_casual() -> None:
    around = {"A": A_CASE, "B": a.a_close_contact(), "D": A_CASE}
    venue, link, case = met("D", way=ContactWay.SHARED_VENUE), met("B", at(7)), met("A")
    assert category(exposures=(venue, link, case), neighbours=around) is Category.CLOSE
    assert category(exposures=(venue, link), neighbours=around) is Category.SECONDARY
    assert category(exposures=(venue,), neighbours=around) is Category.CASUAL


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (at(5, 11), Category.SECONDARY),
        (at(5, 11) - SECOND, None),
        (at(9), Category.SECONDARY),
        (at(9) + SECOND, None),
    ],
    ids=["touches the first", "before the first", "when placed", "after placed"],
)
def test_a_link_makes_secondary_contacts_from_its_first_counted_exposure_until_it_is_placed(
    first: datetime, expected: Category | None
) -> None:
    link = {"B": a.a_close_contact(first=at(5, 12), until=at(9))}
    assert category(exposures=(met("B", first),), neighbours=link) is expected


def test_a_shared_venue_with_a_close_contact_makes_nothing() -> None:
    shared = met("B", at(7), way=ContactWay.SHARED_VENUE)
    assert contact(exposures=(shared,), neighbours={"B": a.a_close_contact()}) is None


def test_a_secondary_contact_becomes_close_when_the_link_becomes_a_case() -> None:
    meeting = met("B", at(7))
    assert category(exposures=(meeting,), neighbours={"B": a.a_close_contact()}) is Category.SECONDARY
    assert category(exposures=(meeting,), neighbours={"B": a.a_case(reference=at(8))}) is Category.CLOSE


def test_nobody_is_a_contact_by_way_of_the_own_illness() -> None:
    """B is close by A alone; so A, who is a case, is no secondary contact of B; with D between, she would be."""
    own = a.a_close_contact(close_without={"P": ()})
    by_another = a.a_close_contact(close_without={"P": a.a_close_contact(at(6)).close})
    ill = (a.classified(),)
    assert contact(exposures=(met("B", at(7)),), neighbours={"B": own}, classifications=ill) is None
    assert category(exposures=(met("B", at(7)),), neighbours={"B": by_another}, classifications=ill) is (
        Category.SECONDARY
    )


def test_a_close_contact_tells_each_case_who_he_is_without_that_case() -> None:
    two = {"A": A_CASE, "D": a.a_case(known=at(6, 20))}
    part = derived(exposures=(met("A"), met("D", at(6))), neighbours=two).part
    assert [close.first_at for close in part.close] == [ILL]
    assert [close.first_at for close in part.close_without["A"]] == [at(6)]
    assert derived(exposures=(met("A"),)).part.close_without == {"A": ()}


def test_a_contact_is_linked_to_the_latest_exposure_that_counts_and_names_all() -> None:
    cases = {"A": A_CASE, "D": A_CASE, "E": a.a_case(isolated=at(4))}
    meetings = (
        met("D", at(6), hours=2),
        met("A", at(6), hours=2),
        met("E", at(3), hours=99),
        met("A", ILL, statement="x"),
    )
    found = contact(exposures=meetings, neighbours=cases)
    assert found is not None
    assert (found.linked_id, found.last_exposure_at) == ("A", at(6, 2))
    assert found.exposure_ids == ("met:A", "met:D", "met:E", "x")


def test_a_contact_is_found_when_the_first_whole_chain_was_received() -> None:
    cases = {"A": a.a_case(known=at(8)), "D": a.a_case(known=at(6))}
    meetings = (met("A", heard=at(6)), met("D", heard=at(7)))
    found = contact(exposures=meetings, neighbours=cases)
    assert found is not None
    assert found.found_at == at(7)


def test_a_secondary_contact_is_found_when_the_chain_of_both_exposures_was_received() -> None:
    link = {"B": a.a_close_contact(found=at(8))}
    found = contact(exposures=(met("B", at(7), heard=at(7)),), neighbours=link)
    assert found is not None
    assert found.found_at == at(8)


@pytest.mark.parametrize(
    ("placements", "until"),
    [
        ((a.placed(started=at(7)), a.placed(started=at(6), n=2)), at(6)),
        ((a.placed(started=at(1), ended=at(4)), a.placed(started=at(7), n=2)), at(7)),
        ((a.placed(started=at(1)),), at(1)),
        ((), None),
    ],
    ids=["the first", "not one that was over", "one that was running", "none"],
)
def test_a_link_exposes_until_the_placement_begins(placements: tuple[Any, ...], until: datetime | None) -> None:
    part = derived(exposures=(met(),), placements=placements).part
    assert [close.until_at for close in part.close] == [until]


@pytest.mark.parametrize(
    ("tests", "negative"),
    [
        ((at(6), at(7)), True),
        ((at(6),), False),
        ((at(4), at(6)), False),
    ],
    ids=["two", "one", "one of them before the exposure"],
)
def test_the_first_two_tests_of_a_link_count_from_the_exposure(tests: tuple[datetime, ...], negative: bool) -> None:
    part = derived(exposures=(met(),), tests=tuple(a.test(sampled) for sampled in tests)).part
    assert [close.first_tests_negative for close in part.close] == [negative]


@pytest.mark.parametrize(
    ("second", "negative"), [(Result.POSITIVE, False), (Result.INCONCLUSIVE, True), (Result.NEGATIVE, True)]
)
def test_an_inconclusive_test_of_a_link_is_passed_over_and_a_positive_one_is_not(
    second: Result, negative: bool
) -> None:
    tests = (a.test(at(6)), a.test(at(7), second), a.test(at(8)))
    part = derived(exposures=(met(),), tests=tests).part
    assert [close.first_tests_negative for close in part.close] == [negative]


def test_the_chain_is_judged_by_the_later_of_its_two_facts() -> None:
    found = contact(exposures=(met(heard=KNOWN - HOUR),))
    assert found is not None
    assert found.found_at == KNOWN


QUARANTINED = (a.order(served=at(7), ended=at(20)), a.order(served=at(40), n=2))


def test_who_is_exposed_again_after_quarantine_is_found_then_and_exposes_others_from_then_on() -> None:
    meetings = (met("A", ILL), met("D", at(38), heard=at(39)))
    cases = {"A": A_CASE, "D": a.a_case(reference=at(38), known=at(38))}
    stays = (a.placed(started=at(8)), a.placed(started=at(40), n=2))
    found = derived(exposures=meetings, neighbours=cases, orders=QUARANTINED[:1], placements=stays)
    assert found.contact is not None and found.proposal is not None
    assert (found.contact.found_at, found.contact.linked_id, found.contact.exposure_ids) == (at(39), "D", ("met:D",))
    assert found.proposal.found_at == at(39)
    assert [(one.first_at, one.until_at) for one in found.part.close] == [(ILL, at(8)), (at(38), at(40))]
    assert found.contact.matters == (
        ContactMatter(category=Category.CLOSE, found_at=HEARD),
        ContactMatter(category=Category.CLOSE, found_at=at(39), follows_order_id="o1", since_at=at(20)),
    )


def test_matters_are_named_only_where_a_quarantine_had_ended_before() -> None:
    for orders in ((), QUARANTINED[:1]):
        found = contact(exposures=(met(),), orders=orders)
        assert found is not None and found.matters == ()


def test_what_goes_on_when_quarantine_has_ended_is_found_at_its_end_and_exposes_from_there_until_placed_again() -> None:
    meeting = met("A", at(19, 12), hours=48)
    stays = (a.placed(started=at(8), ended=at(20)),)
    for again, until in (((), None), ((a.placed(started=at(23), n=2),), at(23))):
        found = derived(exposures=(meeting,), orders=QUARANTINED[:1], placements=stays + again)
        assert found.contact is not None
        assert found.contact.found_at == at(20)
        assert [(one.first_at, one.until_at) for one in found.part.close] == [(at(19, 12), until)]
        assert [(one.found_at, one.follows_order_id) for one in found.contact.matters] == [
            (HEARD, None),
            (at(20), "o1"),
        ]


def test_contacts_of_either_time_are_contacts_of_their_link() -> None:
    link = {"B": Neighbour(close=(*a.a_close_contact(until=at(8)).close, *a.a_close_contact(at(38), at(40)).close))}
    categories = [category(exposures=(met("B", at(day)),), neighbours=link) for day in (7, 20, 39, 41)]
    assert categories == [Category.SECONDARY, None, Category.SECONDARY, None]


def test_a_released_close_contact_becomes_a_secondary_one_by_meeting_another_and_nothing_by_a_shared_venue() -> None:
    cases = {"A": A_CASE, "B": a.a_close_contact(at(37), found=at(38)), "D": a.a_case(reference=at(38), known=at(38))}
    again = met("B", at(38), heard=at(39))
    venue = met("D", at(38), heard=at(39), way=ContactWay.SHARED_VENUE)
    for second, expected in ((again, Category.SECONDARY), (venue, Category.CLOSE)):
        assert category(exposures=(met(), second), neighbours=cases, orders=QUARANTINED[:1]) is expected
