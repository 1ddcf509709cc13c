"""Who is a contact of whom: windows, ways, links, editions (domain §3, §7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from contracts.events.cases import Classification
from contracts.events.contacts import Category, ContactIdentified, ContactWay, Standing
from contracts.events.quarantine import Mode
from contracts.events.testing import Result
from contracts.policy import SHANGHAI, Adoption
from services.tracing.rules.surroundings import Neighbour
from tests.rules import tracing_around as a
from tests.rules.tracing_around import DAY, HERE, HOUR, ILL, KNOWN, SECOND, at, derived, met

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
    assert found.part.close is not None
    assert found.part.close.first_at == ILL - LOOKBACK


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
    own = a.a_close_contact(close_without={"P": None})
    by_another = a.a_close_contact(close_without={"P": a.a_close_contact(at(6)).close})
    ill = (a.classified(),)
    assert contact(exposures=(met("B", at(7)),), neighbours={"B": own}, classifications=ill) is None
    assert category(exposures=(met("B", at(7)),), neighbours={"B": by_another}, classifications=ill) is (
        Category.SECONDARY
    )


def test_a_close_contact_tells_each_case_who_he_is_without_that_case() -> None:
    two = {"A": A_CASE, "D": a.a_case(known=at(6, 20))}
    part = derived(exposures=(met("A"), met("D", at(6))), neighbours=two).part
    assert part.close is not None
    assert part.close.first_at == ILL
    assert part.close_without["A"] is not None
    assert part.close_without["A"].first_at == at(6)
    assert derived(exposures=(met("A"),)).part.close_without == {"A": None}


def test_a_contact_who_falls_ill_keeps_the_category_and_exposes_as_a_case() -> None:
    found = derived(exposures=(met("A"),), classifications=(a.classified(),))
    assert found.contact is not None
    assert found.contact.category is Category.CLOSE
    assert found.part.close is None
    assert found.part.case is not None


def test_an_excluded_person_is_no_case_and_makes_no_contacts() -> None:
    excluded = a.classified(Classification.EXCLUDED, made=at(7), statement="c2")
    found = derived(classifications=(a.classified(), excluded), neighbours={})
    assert found.part == Neighbour()
    assert found.episode is not None
    assert found.episode.classification is Classification.EXCLUDED
    assert contact(exposures=(met("A"),), neighbours={}) is None


@pytest.mark.parametrize("now", set(Classification) - {Classification.EXCLUDED})
def test_contacts_of_every_kind_of_case_are_sought_of_suspected_persons_too(now: Classification) -> None:
    assert derived(classifications=(a.classified(now),)).part.case is not None


def test_the_latest_classification_holds_by_when_it_was_made_not_by_when_it_came() -> None:
    later = a.classified(Classification.EXCLUDED, made=at(7), heard=at(7), statement="c2")
    late_news = a.classified(Classification.SUSPECTED, made=at(5), heard=at(9), statement="c3")
    assert derived(classifications=(late_news, later)).part.case is None


@pytest.mark.parametrize(
    ("around", "reference"),
    [
        ({"findings": (a.found(at(6), onset=at(4)),)}, at(4)),
        ({"findings": (a.found(at(6)),)}, at(6)),
        ({"findings": (a.found(at(6)),), "tests": (a.test(at(5), Result.POSITIVE), a.test(at(3)))}, at(5)),
        ({"findings": (a.found(at(4)),), "tests": (a.test(at(5), Result.POSITIVE),)}, at(4)),
        ({}, at(6)),
    ],
    ids=["onset", "found", "first positive sample", "found before the sample", "only classified"],
)
def test_a_case_counts_from_onset_sample_or_finding_whichever_was_first(
    around: dict[str, Any], reference: datetime
) -> None:
    part = derived(classifications=(a.classified(),), **around).part
    assert part.case is not None
    assert part.case.reference_at == reference


def test_a_case_exposes_until_the_first_day_in_hospital_and_is_known_since_first_heard_of() -> None:
    beds = (a.placed(Mode.HOSPITAL, at(9), n=1), a.placed(Mode.HOSPITAL, at(8), at(10), n=2), a.placed(n=3))
    news = (
        a.classified(heard=at(7)),
        a.classified(Classification.PRELIMINARY_POSITIVE, made=at(5), heard=at(6), statement="c0"),
    )
    part = derived(classifications=news, placements=beds).part
    assert part.case is not None
    assert (part.case.isolated_at, part.case.known_at) == (at(8), at(6))


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
    assert part.close is not None
    assert part.close.until_at == until


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
    assert part.close is not None
    assert part.close.first_tests_negative is negative


@pytest.mark.parametrize(
    ("second", "negative"), [(Result.POSITIVE, False), (Result.INCONCLUSIVE, True), (Result.NEGATIVE, True)]
)
def test_an_inconclusive_test_of_a_link_is_passed_over_and_a_positive_one_is_not(
    second: Result, negative: bool
) -> None:
    tests = (a.test(at(6)), a.test(at(7), second), a.test(at(8)))
    part = derived(exposures=(met(),), tests=tests).part
    assert part.close is not None
    assert part.close.first_tests_negative is negative


@pytest.mark.parametrize(
    ("when", "close", "secondary", "standing"),
    [
        ((2020, 1, 17), None, None, None),
        ((2020, 1, 25), Category.CLOSE, None, Standing.IN_FORCE),
        ((2020, 10, 1), Category.CLOSE, Category.SECONDARY, Standing.PROVISIONAL),
        ((2022, 3, 6), Category.CLOSE, Category.SECONDARY, Standing.PROVISIONAL),
        ((2022, 11, 20), Category.CLOSE, None, Standing.IN_FORCE),
        ((2022, 12, 10), Category.CLOSE, None, Standing.IN_FORCE),
        ((2023, 1, 10), None, None, None),
    ],
    ids=["ed. 1", "ed. 2", "ed. 7", "ed. 8", "20 measures", "10 measures", "class B"],
)
def test_the_edition_in_force_when_found_decides_who_is_sought(
    when: tuple[int, int, int], close: Category | None, secondary: Category | None, standing: Standing | None
) -> None:
    day = datetime(*when, tzinfo=SHANGHAI)
    case, link = a.a_case(reference=day, known=day), a.a_close_contact(first=day, found=day)
    met_case, met_link = met("A", day, heard=day), met("B", day, heard=day)
    found = contact(exposures=(met_case,), neighbours={"A": case})
    assert (found and found.category, found and found.standing) == (close, standing)
    assert category(exposures=(met_link,), neighbours={"B": link}) is secondary


def test_ed_2_counts_no_day_before_onset() -> None:
    day = datetime(2020, 1, 25, tzinfo=SHANGHAI)
    case = {"A": a.a_case(reference=day, known=day)}
    assert contact(exposures=(met("A", day - 2 * HOUR, heard=day),), neighbours=case) is None
    assert category(exposures=(met("A", day - HOUR, heard=day),), neighbours=case) is Category.CLOSE


def test_a_provisional_lookback_marks_the_contact_until_the_jurisdiction_adopts_it() -> None:
    adopted = Adoption(
        division_code=HERE[:6], key="contact_lookback", adopted_from=at(1), decided_by="post-1", document="2022-3"
    )
    there = (adopted.model_copy(update={"division_code": "330422"}),)
    for adoptions, standing in (((), "provisional"), ((adopted,), "adopted"), (there, "provisional")):
        found = contact(exposures=(met(),), adoptions=adoptions)
        assert found is not None
        assert found.standing == standing


def test_the_chain_is_judged_by_the_later_of_its_two_facts() -> None:
    found = contact(exposures=(met(heard=KNOWN - HOUR),))
    assert found is not None
    assert found.found_at == KNOWN
