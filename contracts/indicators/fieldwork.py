"""Canvassing, tests and visits: what was done, counted as it was done (Notice 003 §2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contracts.envelope import Event
from contracts.events.canvassing import ArrivalRegistered, CaseScreened, HouseholdCanvassed
from contracts.events.deadlines import VisitMissed
from contracts.events.quarantine import PersonVisited
from contracts.events.testing import Result, TestResulted, TubeResulted, TubeSampled
from contracts.events.vaccinations import PersonVaccinated
from contracts.indicators.indicator import Indicator, person, person_in_round, statement
from contracts.policy.days import day_of


def _dwelling_in_round(event: Event[Any]) -> Iterable[tuple[str, str]]:
    return ((f"{event.data.dwelling_id}/{event.data.round_id}", event.division),)


def _tube(event: Event[Any]) -> Iterable[tuple[str, str]]:
    return ((event.data.tube_id, event.division),)


def _members(event: Event[Any]) -> Iterable[tuple[str, str]]:
    tube = event.data.tube_id
    return ((f"{member.person_id}/{tube}", member.division_code) for member in event.data.members)


def _dose(event: Event[Any]) -> Iterable[tuple[str, str]]:
    """One of a day: a clinic and a register that both tell of a dose do not always number it alike."""
    return ((f"{event.data.person_id}/{day_of(event.data.given_at)}", event.division),)


def _positive(fact: Any) -> bool:
    return bool(fact.result is Result.POSITIVE)


FIELDWORK = (
    Indicator(
        "households-canvassed",
        "Households canvassed",
        "排摸户数",
        HouseholdCanvassed,
        subjects=_dwelling_in_round,
        at=lambda event: event.data.canvassed_at,
        why="not one household missed: coverage counts a household once in each round",
        source="Notice 003 §2",
    ),
    Indicator(
        "persons-screened",
        "Persons screened",
        "排摸人数",
        CaseScreened,
        subjects=person_in_round,
        at=lambda event: event.data.screened_at,
        why="not one person missed: counted once in each round, whatever the outcome",
        source="Notice 003 §2",
    ),
    Indicator(
        "feverish",
        "Feverish or naming fever",
        "发热人数",
        CaseScreened,
        subjects=person_in_round,
        at=lambda event: event.data.screened_at,
        counts=lambda fact: fact.feverish,
        why="whoever is feverish goes on to the health department",
        source="domain §3, symptom branch",
    ),
    Indicator(
        "arrivals",
        "Arrivals from source areas",
        "重点地区来人",
        ArrivalRegistered,
        subjects=person,
        at=lambda event: event.data.arrived_at,
        why="people from areas with cases are found first",
        source="Notices 000, 001, 003 §2",
    ),
    Indicator(
        "tubes-sampled",
        "Tubes sampled",
        "采样管数",
        TubeSampled,
        subjects=_tube,
        at=lambda event: event.data.sampled_at,
        moves=False,
        why="the laboratories' load",
        source="Notice 003 §2",
    ),
    Indicator(
        "persons-sampled",
        "Persons sampled in tubes",
        "采样人次",
        TubeSampled,
        subjects=_members,
        at=lambda event: event.data.sampled_at,
        why="coverage of pooled testing, each member in the division the person lives in",
        source="Notice 003 §2",
    ),
    Indicator(
        "tubes-positive",
        "Tubes positive",
        "阳性管数",
        TubeResulted,
        subjects=_tube,
        at=lambda event: event.data.resulted_at,
        moves=False,
        counts=_positive,
        why="each member is sampled again, alone",
        source="Notice 003 §2",
    ),
    Indicator(
        "tests-done",
        "Single tests done",
        "单检次数",
        TestResulted,
        subjects=statement,
        at=lambda event: event.data.resulted_at,
        why="tests that resulted, whatever the result",
        source="Notice 003 §2",
    ),
    Indicator(
        "tests-positive",
        "Single tests positive",
        "单检阳性次数",
        TestResulted,
        subjects=statement,
        at=lambda event: event.data.resulted_at,
        counts=_positive,
        part_of="tests-done",
        why="tests, not persons: a person positive twice is two tests and one case",
        source="Notice 003 §2",
    ),
    Indicator(
        "persons-vaccinated",
        "Persons vaccinated",
        "接种人数",
        PersonVaccinated,
        subjects=person,
        at=lambda event: event.data.given_at,
        why="who has had a dose at all, however many were given",
        source="Notice 003 §4",
    ),
    Indicator(
        "doses-given",
        "Doses given",
        "接种剂次",
        PersonVaccinated,
        subjects=_dose,
        at=lambda event: event.data.given_at,
        why="the work of the vaccination sites; once a person and day, however many tell of it",
        source="Notice 003 §4",
    ),
    Indicator(
        "visits-done",
        "Health checks done",
        "健康随访次数",
        PersonVisited,
        subjects=statement,
        at=lambda event: event.data.visited_at,
        why="temperature and symptoms twice a day",
        source="domain §3",
    ),
    Indicator(
        "visits-missed",
        "Health checks missed",
        "漏访次数",
        VisitMissed,
        subjects=statement,
        at=lambda event: event.data.slot_start_at,
        why="half days in which nobody asked how the person was",
        source="domain §3",
    ),
)
