"""Who is a case, from when until when a case exposes others, and which edition decides (domain §3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from contracts.events.cases import Classification, FoundHow
from contracts.events.contacts import Category, ContactIdentified, Standing
from contracts.events.quarantine import Mode
from contracts.events.testing import Result
from contracts.policy import SHANGHAI, Adoption
from services.tracing.rules.surroundings import Neighbour
from tests.rules import tracing_around as a
from tests.rules.tracing_around import HERE, HOUR, at, derived, met


def contact(**around: Any) -> ContactIdentified | None:
    return derived(**around).contact


def category(**around: Any) -> Category | None:
    found = contact(**around)
    return found.category if found else None


def test_a_contact_who_falls_ill_keeps_the_category_and_exposes_as_a_case() -> None:
    found = derived(exposures=(met("A"),), classifications=(a.classified(),))
    assert found.contact is not None
    assert found.contact.category is Category.CLOSE
    assert found.part.close == ()
    assert found.part.case is not None


def test_an_excluded_person_is_no_case_and_makes_no_contacts() -> None:
    excluded = a.classified(Classification.EXCLUDED, made=at(7), statement="c2")
    found = derived(classifications=(a.classified(), excluded), neighbours={})
    assert found.part == Neighbour()
    assert found.episode is not None
    assert found.episode.classification is Classification.EXCLUDED
    assert contact(exposures=(met("A"),), neighbours={}) is None


def test_who_was_excluded_and_is_a_case_again_is_known_of_since_then() -> None:
    classifications = (
        a.classified(Classification.SUSPECTED, made=at(5), heard=at(5), statement="c1"),
        a.classified(Classification.EXCLUDED, made=at(6), heard=at(6), statement="c2"),
        a.classified(Classification.CONFIRMED, made=at(10), heard=at(11), statement="c3"),
    )
    case = derived(classifications=classifications).part.case
    assert case is not None and case.known_at == at(11)


@pytest.mark.parametrize("now", sorted(set(Classification) - {Classification.EXCLUDED}))
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


def test_what_was_known_before_an_exclusion_and_a_stay_that_was_over_say_nothing_of_a_later_illness() -> None:
    excluded = a.classified(Classification.EXCLUDED, made=at(3), statement="c2")
    confirmed = a.classified(made=at(20), heard=at(20), statement="c3")
    stay = a.placed(Mode.HOSPITAL, at(1), at(3))
    early = {"findings": (a.found(at(1), how=FoundHow.CANVASSING),), "tests": (a.test(at(2), Result.POSITIVE),)}
    news = (a.classified(Classification.SUSPECTED, made=at(1), statement="c1"), excluded, confirmed)
    found = derived(classifications=news, placements=(stay,), **early)
    assert found.part.case is not None and found.episode is not None
    assert (found.part.case.reference_at, found.part.case.isolated_at) == (at(20), None)
    early["findings"] += (a.found(at(20), at(19), FoundHow.FEVER_CLINIC, n=2),)
    found = derived(classifications=news, placements=(stay,), **early)
    assert found.part.case is not None and found.episode is not None
    assert (found.part.case.reference_at, found.episode.found_how) == (at(19), FoundHow.FEVER_CLINIC)


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


def test_a_contact_stands_no_firmer_than_its_plan() -> None:
    day = datetime(2021, 1, 11, tzinfo=SHANGHAI)
    case = {"A": a.a_case(reference=day, known=day)}
    adopted = Adoption(
        division_code=HERE[:6], key="contact_lookback", adopted_from=at(1) - 600 * a.DAY, decided_by="p", document="d"
    )
    found = contact(exposures=(met("A", day, heard=day),), neighbours=case, adoptions=(adopted,))
    assert found is not None and found.standing is Standing.PROVISIONAL
