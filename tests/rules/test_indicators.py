"""Indicators as data: a closed set, each counted by some event; what each event contributes, and on which day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import Event, Fact, say
from contracts.events.canvassing import ArrivalRegistered, CaseScreened, Channel, HouseholdCanvassed
from contracts.events.cases import CaseReported, Classification, FoundHow
from contracts.events.contacts import Category, ContactIdentified, PlaceExposureNamed, Standing
from contracts.events.deadlines import DeadlineJudged, Line, MessageSent, Verdict, VisitMissed
from contracts.events.leads import LeadClosed, LeadLanded, LeadNotFound, LeadOutcome, LeadReceived, LeadSource
from contracts.events.needs import NeedAsked, NeedKind, NeedMet
from contracts.events.quarantine import (
    Care,
    EpisodeChanged,
    Measure,
    Mode,
    PersonVisited,
    QuarantineProposed,
    ReleaseDue,
    SamplingDue,
)
from contracts.events.testing import Member, Result, TestResulted, TubeResulted, TubeSampled
from contracts.events.vaccinations import PersonVaccinated, Vaccine
from contracts.indicators import BY_CODE, INDICATORS, OF_FACT, contributions
from contracts.topics import heard_by

NIGHT = datetime(2022, 3, 4, 16, 30, tzinfo=UTC)  # 00:30 of 5 March in Shanghai
MARCH_5 = date(2022, 3, 5)
GRID, OTHER = "330402007001001", "330402007001002"
HERE = {"statement_id": "s1", "person_id": "p1"}


def said(fact: Fact, at: datetime = NIGHT) -> Event[Any]:
    return say(fact, source="test", time=at, division=GRID)


def counted(fact: Fact) -> dict[str, str]:
    """Indicator -> subject, where each indicator counts one subject."""
    return {one.indicator: one.subject_id for one in contributions(said(fact))}


def an_episode(**more: Any) -> EpisodeChanged:
    known = {"category": None, "classification": None, "found_how": None, "classified_at": None, "care": Care.NONE}
    return EpisodeChanged(**{**HERE, **known, "care_since_at": None, **more})


def a_verdict(verdict: Verdict, **more: Any) -> DeadlineJudged:
    clock = {"clock_id": "c1", "deadline": "report.case.direct", "line": Line.HEALTH, "started_at": NIGHT}
    times = {"due_at": None, "stopped_at": None, "edition": "covid-ed8", "standing": Standing.IN_FORCE}
    return DeadlineJudged(**{**HERE, **clock, **times, "verdict": verdict, **more})


A_SCREENING = CaseScreened(**HERE, dwelling_id="d1", round_id="r1", screened_at=NIGHT, temperature_celsius=37.3)
A_CONTACT = {"linked_id": "p2", "last_exposure_at": NIGHT, "found_at": NIGHT, "exposure_ids": ("e1",)}
A_MEASURE = Measure(mode=Mode.HOME_QUARANTINE, from_at=NIGHT, until_at=NIGHT + timedelta(days=7))
IN_FORCE = {"edition": "covid-ed8", "standing": Standing.IN_FORCE}
PROVISIONAL = {"edition": "covid-ed8", "standing": Standing.PROVISIONAL}
ONE_OF_EACH: list[tuple[Fact, dict[str, str]]] = [
    (
        HouseholdCanvassed(
            statement_id="s1", dwelling_id="d1", round_id="r1", canvassed_at=NIGHT, channel=Channel.VISIT, persons_met=0
        ),
        {"households-canvassed": "d1/r1"},
    ),
    (A_SCREENING, {"persons-screened": "p1/r1", "feverish": "p1/r1"}),
    (ArrivalRegistered(**HERE, source_area_code="3101", arrived_at=NIGHT), {"arrivals": "p1"}),
    (
        TubeResulted(statement_id="s1", tube_id="t1", resulted_at=NIGHT, result=Result.POSITIVE),
        {"tubes-positive": "t1"},
    ),
    (TubeResulted(statement_id="s1", tube_id="t1", resulted_at=NIGHT, result=Result.NEGATIVE), {}),
    (
        TestResulted(**HERE, sampled_at=NIGHT, resulted_at=NIGHT, result=Result.POSITIVE),
        {"tests-done": "p1/s1", "tests-positive": "p1/s1"},
    ),
    (TestResulted(**HERE, sampled_at=NIGHT, resulted_at=NIGHT, result=Result.INCONCLUSIVE), {"tests-done": "p1/s1"}),
    (
        PersonVaccinated(**HERE, vaccine=Vaccine.INACTIVATED, dose_number=2, given_at=NIGHT),
        {"persons-vaccinated": "p1", "doses-given": "p1/2022-03-05"},
    ),
    (PersonVisited(**HERE, visited_at=NIGHT), {"visits-done": "p1/s1"}),
    (
        VisitMissed(**HERE, placement_id="pl1", slot_start_at=NIGHT, slot_end_at=NIGHT + timedelta(hours=12)),
        {"visits-missed": "p1/s1"},
    ),
    (ContactIdentified(**HERE, **A_CONTACT, **IN_FORCE, category=Category.SECONDARY), {"secondary-contacts": "p1"}),
    (
        ContactIdentified(**HERE, **A_CONTACT, **PROVISIONAL, category=Category.CLOSE),
        {"close-contacts": "p1", "contacts-provisional": "p1"},
    ),
    (
        PlaceExposureNamed(**HERE, place_id="mall", first_at=NIGHT, last_at=NIGHT),
        {"at-named-places": "p1/mall"},
    ),
    (QuarantineProposed(**HERE, **IN_FORCE, category=Category.CLOSE, measures=(A_MEASURE,)), {"proposals-open": "p1"}),
    (SamplingDue(**HERE, tube_id="t1", since_at=NIGHT), {"samplings-due": "p1"}),
    (ReleaseDue(**HERE, order_id="o1", due_at=NIGHT, edition="covid-ed8"), {"releases-due": "p1/s1"}),
    (an_episode(), {}),
    (an_episode(classification=Classification.EXCLUDED, classified_at=NIGHT), {}),
    (
        an_episode(classification=Classification.CONFIRMED, classified_at=NIGHT, found_how=FoundHow.CANVASSING),
        {"cases-confirmed": "p1", "cases-confirmed.canvassing": "p1"},
    ),
    (
        an_episode(
            classification=Classification.ASYMPTOMATIC,
            classified_at=NIGHT,
            found_how=FoundHow.CANVASSING,
            care=Care.ISOLATED,
            care_since_at=NIGHT,
        ),
        {"cases-asymptomatic": "p1", "isolated": "p1"},
    ),
    (an_episode(care=Care.HOME_QUARANTINE, care_since_at=NIGHT), {"in-quarantine": "p1", "in-home-quarantine": "p1"}),
    (an_episode(care=Care.HOME_HEALTH_MONITORING, care_since_at=NIGHT), {"in-health-monitoring": "p1"}),
    (a_verdict(Verdict.MISSED), {"deadlines-missed": "p1/s1"}),
    (a_verdict(Verdict.MISSED, standing=Standing.PROVISIONAL), {"deadlines-missed.provisional": "p1/s1"}),
    (a_verdict(Verdict.RUNNING, standing=Standing.PROVISIONAL), {"deadlines-running": "p1/s1"}),
    (a_verdict(Verdict.CANCELLED), {}),
    (LeadReceived(**HERE, lead_id="l1", source=LeadSource.TIP, received_at=NIGHT), {"leads-received": "p1/l1"}),
    (LeadLanded(**HERE, lead_id="l1", landed_at=NIGHT, landed_by="w"), {"leads-landed": "p1/l1"}),
    (LeadNotFound(**HERE, lead_id="l1", sought_at=NIGHT, sought_by="w"), {"leads-not-found": "p1/l1"}),
    (
        LeadClosed(**HERE, lead_id="l1", outcome=LeadOutcome.NO_RISK, reason="已排除", closed_at=NIGHT, closed_by="w"),
        {"leads-closed": "p1/l1"},
    ),
    (a_verdict(Verdict.MISSED, about_id="l1"), {"deadlines-missed": "p1/s1", "leads-open": "p1/s1"}),
    (a_verdict(Verdict.UNLIMITED, about_id="l1", stopped_at=NIGHT), {"deadlines-unlimited": "p1/s1"}),
    (a_verdict(Verdict.CANCELLED, about_id="l1"), {}),
    (NeedAsked(**HERE, need_id="n1", need=NeedKind.FOOD, asked_at=NIGHT), {"needs-asked": "p1/n1"}),
    (NeedMet(**HERE, need_id="n1", met_at=NIGHT, met_by="w"), {"needs-met": "p1/n1"}),
    (
        MessageSent(
            statement_id="s1", post_id="post", line=Line.COMMAND, post_division_code="330402", items=3, sent_at=NIGHT
        ),
        {"messages-sent": "s1"},
    ),
    (CaseReported(**HERE, reported_at=NIGHT, institution="h1"), {}),
]


@pytest.mark.parametrize(("fact", "expected"), ONE_OF_EACH, ids=lambda value: getattr(value, "type", ""))
def test_each_event_counts_for_its_indicators_on_the_shanghai_day(fact: Fact, expected: dict[str, str]) -> None:
    found = contributions(said(fact))
    assert {one.indicator: one.subject_id for one in found} == expected
    assert {(one.day, one.division) for one in found} <= {(MARCH_5, GRID)}


def test_a_tube_counts_once_and_each_member_in_the_division_where_the_person_lives() -> None:
    members = (Member(person_id="p1", division_code=GRID), Member(person_id="p2", division_code=OTHER))
    tube = TubeSampled(statement_id="s1", tube_id="t1", sampled_at=NIGHT, members=members)
    found = [(one.indicator, one.subject_id, one.division) for one in contributions(said(tube))]
    assert found == [
        ("tubes-sampled", "t1", GRID),
        ("persons-sampled", "p1/t1", GRID),
        ("persons-sampled", "p2/t1", OTHER),
    ]


def test_what_is_withdrawn_counts_for_nothing() -> None:
    assert contributions(said(A_SCREENING.model_copy(update={"withdrawn": True, "revision": 2}))) == ()


@pytest.mark.parametrize("classification", [one for one in Classification if one is not Classification.EXCLUDED])
def test_a_person_is_a_case_of_one_classification(classification: Classification) -> None:
    codes = counted(an_episode(classification=classification, classified_at=NIGHT))
    assert len([code for code in codes if BY_CODE[code].part_of is None]) == 1


@pytest.mark.parametrize("how", [*FoundHow, None])
def test_every_confirmed_case_has_one_way_of_finding(how: FoundHow | None) -> None:
    found = counted(an_episode(classification=Classification.CONFIRMED, classified_at=NIGHT, found_how=how))
    assert len([code for code in found if BY_CODE[code].part_of == "cases-confirmed"]) == 1


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.CANCELLED])
@pytest.mark.parametrize("standing", list(Standing))
def test_every_clock_is_counted_once_and_a_provisional_one_apart(verdict: Verdict, standing: Standing) -> None:
    (code,) = counted(a_verdict(verdict, standing=standing))
    apart = standing is Standing.PROVISIONAL and verdict is not Verdict.RUNNING
    assert code.endswith(".provisional") is apart


def test_a_verdict_counts_on_the_day_of_the_act_else_of_the_deadline_else_of_the_start() -> None:
    day = timedelta(days=1)
    times = {"due_at": NIGHT + day, "stopped_at": NIGHT + 2 * day}
    late, missed = a_verdict(Verdict.LATE, **times), a_verdict(Verdict.MISSED, due_at=NIGHT + day)
    over = a_verdict(Verdict.MISSED, **times)
    unlimited, running = a_verdict(Verdict.UNLIMITED), a_verdict(Verdict.RUNNING, due_at=NIGHT + day)
    days = [contributions(said(fact))[0].day for fact in (late, missed, over, unlimited, running)]
    assert days == [MARCH_5 + 2 * day, MARCH_5 + day, MARCH_5 + day, MARCH_5, MARCH_5]


def test_codes_and_names_are_unique_and_every_share_has_its_whole() -> None:
    assert len(BY_CODE) == len(INDICATORS)
    assert len({one.name_zh for one in INDICATORS}) == len({one.name_en for one in INDICATORS}) == len(INDICATORS)
    shares = [one for one in INDICATORS if one.part_of]
    assert all(BY_CODE[one.part_of or ""].fact is one.fact for one in shares)


def test_every_indicator_counts_a_fact_that_rollup_hears() -> None:
    heard = {fact for topic in heard_by("rollup") for fact in topic.events}
    assert set(OF_FACT) <= heard


def test_every_indicator_is_counted_by_some_event() -> None:
    facts = [fact for fact, _ in ONE_OF_EACH]
    facts += [an_episode(care=care, care_since_at=NIGHT) for care in Care]
    facts += [
        an_episode(classification=one, classified_at=NIGHT, found_how=how)
        for one in Classification
        for how in (*FoundHow, None)
    ]
    facts += [a_verdict(verdict, standing=standing) for verdict in Verdict for standing in Standing]
    facts += [ContactIdentified(**HERE, **A_CONTACT, **PROVISIONAL, category=category) for category in Category]
    member = Member(person_id="p1", division_code=GRID)
    facts += [TubeSampled(statement_id="s1", tube_id="t1", sampled_at=NIGHT, members=(member,))]
    facts += [PlaceExposureNamed(**HERE, place_id="mall", first_at=NIGHT, last_at=NIGHT)]
    assert {one.indicator for fact in facts for one in contributions(said(fact))} == set(BY_CODE)


def test_a_proposal_counts_on_the_day_on_which_its_contact_was_found_however_often_it_is_said() -> None:
    rest = {"category": Category.CLOSE, "measures": (A_MEASURE,), "edition": "ed-8", "standing": Standing.IN_FORCE}
    later = NIGHT + timedelta(days=3)
    for found_at, day in ((NIGHT, MARCH_5), (None, MARCH_5 + timedelta(days=3))):
        [counted_once] = contributions(said(QuarantineProposed(**HERE, **rest, found_at=found_at), later))
        assert (counted_once.indicator, counted_once.day) == ("proposals-open", day)
